import asyncio
import json
import re
import shutil
from urllib.parse import urlencode

import pandas as pd
import pytest
from conftest import orders

from data_science_project.engine.project import settings
from data_science_project.engine.runs import registry
from data_science_project.service import label, labelling, pages, tables
from data_science_project.service.feedback import ID, QUEUE, RANDOM, WHY
from data_science_project.service.tables import Told

from .conftest import call, with_unlabelled

ROWS = 6


class Person:
    """Somebody at `/label`, who keeps the cookies of the page."""

    def __init__(self, application):
        self.application, self.service, self.cookies = application, application.service, {}

    def ask(self, method, path, body=b"", **headers):
        """Status, headers and text of an answer."""
        headers = {"cookie": "; ".join(self.cookies.values())} | headers
        status, told, content = asyncio.run(call(self.application, method, path, body, **headers))
        if cookie := told.get("set-cookie", "").partition(";")[0]:
            self.cookies[cookie.partition("=")[0]] = cookie
        return status, told, content.decode()

    def see(self, path="/label"):
        """The text of the page, and the id of the row on it."""
        status, _, text = self.ask("GET", path)
        assert status == 200, text
        found = re.search(r'name="id" value="([0-9a-f]{32})"', text)
        return text, found and found[1]

    def send(self, **fields):
        """Send a form; status, and where it leads to or what is said."""
        status, headers, text = self.ask("POST", "/label", urlencode(fields).encode())
        return status, headers.get("location", text)

    def kept(self):
        """All labels in the log."""
        return [*self.service.log.database.read(Told)]

    def see_with(self, **cells):
        """The page of a row that had these cells when it was asked."""
        log, number = self.service.log.database, self.see()[1]
        inputs = json.dumps(json.loads(log.find([number])[number][0].inputs) | cells)
        log.execute([tables.answers.update().where(tables.answers.c.id == number).values(inputs=inputs)])
        text, shown = self.see(f"/label?at={number}")
        assert shown == number
        return text


@pytest.fixture
def start(serving):
    """Serve a project with the page."""

    def serve(project, **options):
        return Person(serving(project, *labelling.ROUTES, *pages.ROUTES, **options))

    return serve


@pytest.fixture(scope="module")
def queue(trained, tmp_path_factory):
    """What a project holds in `data` after six rows of a table were chosen: not to be changed."""
    project = settings.load(shutil.copytree(trained, tmp_path_factory.mktemp("queue") / "project", symlinks=True))
    label.run(with_unlabelled(project, orders(), ROWS))
    return project.root / "data"


@pytest.fixture
def waiting(project, queue):
    """The project with six rows of a table that were chosen."""
    shutil.copytree(queue, project.root / "data", dirs_exist_ok=True)
    return project


@pytest.fixture
def person(waiting, start):
    return start(waiting)


def test_row_is_shown_without_what_the_model_says_and_with_one_key_a_class(person):
    text, number = person.see()

    cells = json.loads(person.service.log.database.find([number])[number][0].inputs)
    assert "0 of 6 rows labelled" in text and cells["note"] in text
    assert re.findall(r'value="(\w+)" accesskey="1" data-key="1"', text) == ["no"]
    assert re.findall(r'value="(\w+)" accesskey="2" data-key="2"', text) == ["yes"]
    assert "robab" not in text and "prediction" not in text


def test_classes_have_keys_in_the_order_of_the_data_dictionary_of_today(waiting, start, change):
    change(waiting, "answer", values=("yes", "no"))

    text, _ = start(waiting).see()

    assert re.findall(r'value="(\w+)" accesskey="[12]"', text) == ["yes", "no"]


def test_truth_that_came_with_a_row_is_not_shown(person):
    assert "perhaps" not in person.see_with(answer="perhaps")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        *(("12.7 kg", "12.7 kg"), ("12.7", "12.7 kg"), (51.1725, "51.1725 kg"), (131_001, "131001 kg")),
        *(("", "missing"), (None, "missing")),
    ],
)
def test_cell_is_shown_as_it_stands_with_its_unit_once(waiting, start, change, cell, said):
    change(waiting, "amount", unit="kg")

    text = start(waiting).see_with(amount=cell)

    assert re.search(r'<th scope="row">amount</th><td>(.*?)</td>', text)[1] == said


def test_labels_of_the_whole_queue_are_kept_with_who_gave_them_and_why_they_were_asked_for(person):
    person.send(name=" Ada  <b> ")
    rows = []
    path = "/label"
    for truth in ["yes", "no"] * 3:
        _, number = person.see(path)
        rows.append(number)
        status, path = person.send(id=number, truth=truth)
        assert status == 303

    text, number = person.see(path)
    file = pd.read_csv(person.service.project.root / label.TO_LABEL, dtype=str).set_index(ID)[WHY]
    kept = person.kept()
    assert number is None and "All rows that were chosen are labelled" in text and "Choose rows" in text
    assert [one.id for one in kept] == rows and {*rows} == {*file.index}
    assert [json.loads(one.truth) for one in kept] == ["yes", "no"] * 3 and {one.asker for one in kept} == {"Ada <b>"}
    assert [one.source for one in kept] == [RANDOM if file[row] == label.AT_RANDOM else QUEUE for row in rows]
    assert 'value="Ada &lt;b&gt;"' in text


def test_skipped_row_comes_again_at_the_end(person):
    _, first = person.see()
    _, second = person.see(f"/label?after={first}")
    for _ in range(ROWS - 1):
        _, number = person.see(f"/label?after={first}")
        person.send(id=number, truth="yes")

    _, last = person.see(f"/label?after={number}")

    assert second != first == last


def test_undo_takes_the_last_label_out_of_the_log_and_asks_again_and_a_line_says_so(person):
    _, first = person.see()
    _, path = person.send(id=first, truth="yes")
    _, second = person.see(path)
    person.send(id=second, truth="no")
    text, _ = person.see()

    status, path = person.send(undo=second)
    _, again = person.see(path)

    assert "your last label was no" in text
    assert (status, again, [one.id for one in person.kept()]) == (303, second, [first])
    with person.service.log.database.engine.connect() as connection:
        changes = connection.execute(tables.changes.select()).mappings().all()
    assert [(one["what"], json.loads(one["detail"])) for one in changes] == [("label", {"taken back": second})]
    assert "your last label was yes" in person.see()[0]


def test_nobody_takes_back_what_somebody_else_said_in_another_browser_or_under_another_name(person):
    other = Person(person.application)
    _, number = person.see()
    other.see()
    person.send(id=number, truth="yes")

    mine, theirs, refused = person.see()[0], other.see()[0], other.send(undo=number)[0]
    person.send(name="Bob")
    renamed = person.see()[0]

    assert "your last label was yes" in mine and "your last label" not in theirs + renamed
    assert refused == person.send(undo=number)[0] == 409 and len(person.kept()) == 1


def test_two_who_label_see_the_rows_in_orders_of_their_own_and_each_of_them_once():
    waiting = dict.fromkeys(map(str, range(40)), ("", None, []))

    def seen(me):
        found = [labelling.next_of(waiting, {}, me)]
        while len(found) < 40:
            found.append(labelling.next_of(waiting, {"after": found[-1]}, me))
        return found

    mine, yours = seen("a"), seen("b")

    assert sorted(mine) == sorted(yours) == sorted(waiting) and mine == seen("a")
    assert sum(one == other for one, other in zip(mine, yours, strict=True)) < 10


@pytest.mark.parametrize("truth", ["perhaps", "", "<script>alert(1)</script>"])
def test_label_that_is_no_class_is_refused_on_the_page_and_the_row_stays(person, truth):
    _, second = person.see(f"/label?after={person.see()[1]}")

    status, text = person.send(id=second, truth=truth)

    assert status == 422 and "is no class of" in text and f'value="{second}"' in text and "<script>alert" not in text
    assert person.kept() == []


def test_row_that_was_not_chosen_is_not_labelled_here(person):
    for number in ("0" * 32, "", "' OR 1=1"):
        assert person.send(id=number, truth="yes")[0] == 404

    assert person.kept() == []


def test_label_is_kept_with_the_name_of_the_token_that_is_asked_for(waiting, start):
    person = start(waiting, token="web:secret")
    number = next(iter(labelling.queue_of(person.service)))
    body = urlencode({"id": number, "truth": "yes"}).encode()

    nobody, known = (person.ask("POST", "/label", body, **more)[0] for more in ({}, {"authorization": "Bearer secret"}))

    assert (nobody, known, [one.asker for one in person.kept()]) == (401, 303, ["web"])


def test_page_without_a_queue_offers_to_choose_rows_and_says_why_it_cannot(project, start, made_table):
    person, elsewhere = start(project), project.root / "elsewhere"

    assert "No rows are chosen yet" in person.see()[0]
    nothing = person.send(choose=1)
    with_unlabelled(project, made_table, ROWS)
    project.models.rename(elsewhere)
    no_run = person.send(choose=1)
    elsewhere.rename(project.models)

    assert nothing[0] == 422 and re.search(r"Nothing to label(.|\n)*make serve", nothing[1])
    assert no_run[0] == 422 and "There is no run" in no_run[1]
    assert person.send(choose=1) == (303, "/label") and "0 of 6 rows labelled" in person.see()[0]


def test_label_that_cannot_be_taken_back_now_is_said_to_be_so(person, caplog):
    _, number = person.see()
    person.send(id=number, truth="yes")
    with person.service.log.database.engine.begin() as connection:
        full = "CREATE TRIGGER full BEFORE DELETE ON feedback BEGIN SELECT RAISE(ABORT, 'disk full'); END"
        connection.exec_driver_sql(full)

    status, text = person.send(undo=number)

    assert status == 503 and "nothing can be kept in it" in text
    assert "takes no rows: disk full" in caplog.text and len(person.kept()) == 1


def test_number_is_labelled_in_a_field_and_what_is_none_is_refused(waiting, folder, start, change):
    record = registry.read(folder)
    registry.write(folder, record | {"task": "regression", "classes": [], "target": "amount"})
    person = start(waiting)
    text, number = person.see()

    assert 'id="truth" name="truth" inputmode="decimal"' in text and 'data-key="1"' not in text
    status, said = person.send(id=number, truth="much")
    assert status == 422 and "is no number" in said
    assert person.send(id=number, truth="51.5")[0] == 303
    assert person.kept()[0].truth == "51.5"
