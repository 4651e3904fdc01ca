import asyncio
import contextlib
import json
from dataclasses import replace

import pytest

from data_science_project.engine.columns import dictionary
from data_science_project.engine.columns.dictionary import Column
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.runs import registry
from data_science_project.service import feedback
from data_science_project.service.database import LogError
from data_science_project.service.log import Log
from data_science_project.service.settings import Serve
from data_science_project.service.tables import Told

CATEGORY = Column(type="category")


@pytest.fixture
def asked(place, folder, entries):
    """The ids of answers of the only run to rows, or to these orders, one after the other."""

    def answer(*orders):
        rows = [one if isinstance(one, dict) else {"order": one, "colour": "red"} for one in orders]
        found = [entries(run=folder.name, inputs=json.dumps(row))[0] for row in rows]
        place.insert(found)
        return [one.id for one in found]

    return answer


@pytest.fixture
def tell(project):
    """Let `make feedback` take a file with these lines."""

    def run(*lines, partly=False, name="truth.csv"):
        path = project.root / name
        path.write_text("\n".join(lines) + "\n")
        return feedback.run(project, input=path, partly=partly)

    return run


@pytest.fixture
def said(place):
    """What the log holds of the truth: id of the answer and truth, in order."""
    return lambda: [(told.id, json.loads(told.truth)) for told in place.read(Told)]


def test_truth_of_a_file_is_kept_by_the_ids_of_answers_with_the_name_of_the_file(asked, tell, place, said):
    first, second = asked(1001, 1002)

    text = tell("id,answer", f"{first},yes", f"{second},no")

    assert text == "feedback: 2 rows of truth.csv: 2 new, 0 corrected, 0 known already, 0 left out"
    assert said() == [(first, "yes"), (second, "no")]
    assert {told.source for told in place.read(Told)} == {"truth.csv"}


def test_one_of_several_keys_is_enough_where_it_names_one_row(asked, change, project, tell, said):
    change(project, "shop", role="id")
    keys = [(1, "A"), (2, "A"), (3, "B"), (1, "A"), (None, None)]
    _, two, three, again, _ = asked(*({"order": order, "shop": shop} for order, shop in keys))

    tell("order,truth", "1,no", "2,yes")
    left = tell("shop,truth", "A,yes", "B,no", ",no", partly=True)
    with pytest.raises(DataError, match="column 'id' of the answers, or of 'order', 'shop' those that name one row"):
        tell("colour,truth", "red,no")

    assert said() == [(again, "no"), (two, "yes"), (three, "no")]
    assert left.splitlines()[1:] == [
        "line 2: shop 'A' names 2 rows in the log: add 'order'",
        "line 4: shop '' is no answer in the log",
    ]


@pytest.mark.parametrize(
    ("orders", "lines"),
    [((120693, "120694.0"), ("120693.0;No", "120694;YES")), ((1002, "1001", 1002.0), ("1001;no", "1002;yes"))],
)
def test_truth_by_key_is_about_the_newest_answer_and_both_are_read_as_other_programs_write_them(
    asked, tell, said, orders, lines
):
    *_, one, two = asked(*orders)

    tell("order;truth", *lines)

    assert said() == [(one, "no"), (two, "yes")]


def test_text_that_ends_in_a_point_and_zeros_is_another_key(asked, change, project, tell, said):
    change(project, "shop", role="id")
    with_point, _ = asked({"shop": "1.0"}, {"shop": "1"})

    tell("shop,truth", "1.0,no")

    assert said() == [(with_point, "no")]


@pytest.mark.parametrize(("columns", "cells"), [("answer,truth", "no,yes"), ("said", "no")])
def test_file_with_two_columns_of_the_truth_or_none_is_refused_with_what_it_holds(asked, tell, said, columns, cells):
    (answer,) = asked(1001)
    found = f"Found: id, {columns.replace(',', ', ')}"

    with pytest.raises(DataError, match=f"needs column 'answer' or 'truth', not both.\n{found}"):
        tell(f"id,{columns}", f"{answer},{cells}")

    assert said() == []


def test_column_truth_of_the_table_itself_is_no_truth_of_the_target(asked, tell, change, project, said):
    (answer,) = asked(1001)
    project.dictionary.write_text(project.dictionary.read_text().replace('["note"]', '["truth"]'))

    tell("id,answer,truth", f"{answer},no,long ago")
    with pytest.raises(DataError, match="needs column 'answer' or 'truth', not both"):
        tell("id,truth", f"{answer},yes")

    assert said() == [(answer, "no")]


def test_truth_about_an_answer_of_a_run_that_is_not_here_is_checked_by_the_run_that_answers_now(
    place, entries, tell, said
):
    (gone,) = entries(run="2026-01-01-101010-abcdefab")
    place.insert([gone])

    tell("id,answer", f"{gone.id},yes")

    assert said() == [(gone.id, "yes")]
    with pytest.raises(DataError, match="'perhaps' is no class of 'answer'"):
        tell("id,answer", f"{gone.id},perhaps")


def test_same_truth_twice_is_one_and_another_is_a_new_version_that_counts(asked, tell, place, said):
    (answer,) = asked(1001)
    tell("id,truth", f"{answer},yes")

    again = tell("id,truth", f"{answer},yes")
    other = tell("id,truth", f"{answer},no")

    assert "0 new, 0 corrected, 1 known already" in again
    assert "0 new, 1 corrected" in other
    assert said() == [(answer, "yes"), (answer, "no")]
    assert place.find([answer])[answer][1][-1].truth == '"no"'


def test_truths_of_one_answer_in_one_file_are_taken_in_their_order(asked, tell, said):
    (answer,) = asked(1001)

    text = tell("id,truth", f"{answer},yes", f"{answer.upper()},yes", f"{answer},no")

    assert said() == [(answer, "yes"), (answer, "no")]
    assert text.splitlines()[1:] == ["lines 2 and 3 and 4 do not agree about the same answer: the last counts"]


def test_correction_counts_although_the_clock_was_put_back(asked, tell, place, monkeypatch):
    (answer,) = asked(1001)
    tell("id,truth", f"{answer},yes")
    monkeypatch.setattr("time.time_ns", lambda: 10**15)
    monkeypatch.setattr("data_science_project.service.tables.IDS._last", 0)

    tell("id,truth", f"{answer},no")

    assert place.find([answer])[answer][1][-1].truth == '"no"'


def test_truth_that_a_damaged_log_does_not_keep_is_no_news_but_an_error(asked, place, project):
    answer = asked(*range(500))[0]
    place.drop()
    content = bytearray(place.file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = b"x" * 8192
    place.file.write_bytes(content)
    log = Log(project, Serve())
    log.start()

    with pytest.raises(LogError, match="is damaged"):
        asyncio.run(feedback.tell(log, answer, "yes", asker="", source="http"))

    log.close(1)


def test_nothing_of_a_file_is_taken_where_a_row_says_no_class_or_names_no_answer(asked, tell, said):
    (answer,) = asked(1001)
    lines = ["id,truth", f"{answer},yes", f"{answer},<b>maybe</b>", "0123,yes", f"{answer},"]

    with pytest.raises(DataError) as caught:
        tell(*lines)

    assert said() == []
    assert str(caught.value).splitlines() == [
        "truth.csv: 3 of 4 rows cannot be kept, so none was: line 3: '<b>maybe</b>' is no class of 'answer' (no, yes); "
        "line 4: id '0123' is no answer in the log; and 1 more.",
        "Mend the file, or take the rest: make feedback INPUT=truth.csv PARTLY=1",
    ]


def test_rest_of_a_file_is_taken_where_that_is_asked_and_what_is_left_is_listed(asked, tell, said):
    (answer,) = asked(1001)

    text = tell("id,truth", f"{answer},maybe", "0123,yes", f"{answer},no", partly=True)

    assert text.splitlines() == [
        "feedback: 3 rows of truth.csv: 1 new, 0 corrected, 0 known already, 2 left out",
        "line 2: 'maybe' is no class of 'answer' (no, yes)",
        "line 3: id '0123' is no answer in the log",
    ]
    assert said() == [(answer, "no")]


def test_answer_of_a_shadow_is_none_of_its_key(asked, tell, said, place, folder, entries):
    (answer,) = asked(1001)
    place.insert(entries(run="another", role="shadow", inputs='{"order": 1001}'))

    tell("order,truth", "1001,no")

    assert said() == [(answer, "no")]


def test_verb_asks_for_a_file(project):
    with pytest.raises(SettingsError, match="INPUT=truth.csv"):
        feedback.run(project, input=None, partly=False)


def test_table_with_an_id_of_its_own_may_name_answers_either_way(project, folder, asked, tell, said):
    text = (folder / "data_dictionary.toml").read_text().replace('["order"]', '["id"]')
    project.dictionary.write_text(text)
    (answer,) = asked({"id": 5})

    tell("id,truth", "5,no")
    tell("id,truth", f"{answer},yes")

    assert said() == [(answer, "no"), (answer, "yes")]


@pytest.mark.parametrize(
    ("column", "classes", "cells", "truths"),
    [
        (CATEGORY, ["no", "yes"], ["yes", " no", "YES", "", None, 1], ["yes", "no", "yes", None, None, "yes"]),
        (CATEGORY, ["at home", "café"], ["At-Home", "CAFE", "home"], ["at home", "café", None]),
        (Column(type="integer"), [0, 1], [1, "0", 1.0, "1.5", True, "2"], [1, 0, 1, None, None, None]),
        (Column(type="boolean"), [False, True], [True, "no", "t", "2"], [True, False, True, None]),
        (Column(type="number"), [], [1, "2.5", "1e400", "two", None, True], [1.0, 2.5, None, None, None, None]),
        (Column(type="number", decimal=",", thousands=".", unit="€"), [], ["1.234,5 €", "7"], [1234.5, 7.0]),
    ],
)
def test_truth_is_a_class_or_a_number_as_the_model_says_it_whatever_its_type(column, classes, cells, truths):
    found = feedback.truths_of({"y": column}, {"target": "y", "classes": classes}, cells)

    assert found == truths
    assert {type(one) for one in found} <= {type(label) for label in classes or [1.0]} | {type(None)}


@pytest.mark.parametrize(("rule", "truths"), [("refuse", [7.5, None]), ("warn", [7.5, 1e12])])
def test_number_beyond_the_range_that_its_target_has_today_is_refused_by_a_rule_that_refuses(
    project, folder, change, rule, truths
):
    registry.write(folder, registry.read(folder) | {"target": "amount", "classes": []})
    change(project, "amount", range=(0.0, 100.0), rule=rule)

    record, found = feedback.truths(project, folder.name, [7.5, 1e12])

    assert found == truths
    assert "by its type and range in the data dictionary" in feedback.refusal(record, 1e12)


@pytest.mark.parametrize(
    ("about", "cells", "truths"),
    [({}, ["yes", "maybe"], ["yes", None]), ({"target": "amount", "classes": []}, [7.5, "much"], [7.5, None])],
)
def test_data_dictionary_that_cannot_be_read_stops_no_feedback(
    project, folder, package_log, caplog, about, cells, truths
):
    registry.write(folder, registry.read(folder) | about)
    project.dictionary.write_text("[broken", encoding="utf-8")

    _, found = feedback.truths(project, folder.name, cells)

    assert found == truths
    assert ("Until it is mended the rules of before go on" in caplog.text) == bool(about)


@pytest.mark.parametrize(
    ("written", "kept"),
    [(["12,67", "7"], [12.67, 7.0]), (["1,234", "2,500"], []), (["1,5", "1.2,5"], []), (["1,5", "2.5"], [])],
    ids=["decimals", "could be thousands", "both marks", "points too"],
)
def test_decimal_comma_of_a_file_is_read_and_said_where_it_is_beyond_doubt(
    asked, tell, said, project, folder, package_log, caplog, written, kept
):
    registry.write(folder, registry.read(folder) | {"target": "amount", "classes": []})
    columns = dictionary.of(project)
    roles = {"answer": "ignored", "amount": "target"}
    roles = {name: replace(columns[name], role=role) for name, role in roles.items()}
    dictionary.write(project.dictionary, columns | roles)
    ids = asked(*range(1001, 1001 + len(written)))
    lines = "id;amount", *(f"{name};{cell}" for name, cell in zip(ids, written, strict=True))

    caplog.set_level("INFO")

    with contextlib.nullcontext() if kept else pytest.raises(DataError, match="is no number"):
        tell(*lines)

    assert said() == [*zip(ids, kept, strict=False)]
    assert ("truth.csv: column 'amount' has numbers written otherwise" in caplog.text) == bool(kept)
