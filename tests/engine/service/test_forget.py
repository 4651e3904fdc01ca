import asyncio
import contextlib
import json
import sqlite3
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from data_science_project.engine.project import artefact, lock, records
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.runs import loading
from data_science_project.engine.sources import source
from data_science_project.service import feedback, forget, label, tables
from data_science_project.service.database import Database, LogError, opened
from data_science_project.service.tables import Told

from .conftest import ROW, ask

SECRET = "Ada Lovelace of Marylebone"


@pytest.fixture
def spool(project, place):
    """The spool of that log."""
    with opened(project, spool=True) as found:
        yield found


@pytest.fixture
def of(entries):
    """So many rows of somebody, and a truth about each."""

    def make(name, count=1, **changes):
        rows = entries(count, inputs=json.dumps({"order": 7, "name": name}), **changes)
        return rows, [Told(row.id, '"yes"', time.time(), "token", "http") for row in rows]

    return make


def noted(where):
    with where.engine.connect() as connection:
        return [(row.what, json.loads(row.detail)) for row in connection.execute(sa.select(tables.changes))]


def test_rows_of_a_person_are_gone_from_log_spool_and_feedback_and_others_are_not(project, place, spool, of, stored):
    (rows, told), (late, said), (others, known) = of(SECRET, 700), of(SECRET), of("Charles")
    (shadow,) = of(SECRET, role="shadow", run="another")[0]
    shadow.id = rows[0].id
    place.insert([*rows, *told, *others, *known, shadow])
    place.execute([tables.asked.insert().values([(one.id, "label") for one in [*rows, *others]])])
    spool.insert([*late, *said])

    text = forget.run(project, key=f"name={SECRET}")

    assert text.startswith(f"forget: deleted where 'name' is '{SECRET}': answers 701, truths about them 701")
    assert stored(place) == others and stored(place, Told) == known
    assert [*feedback.asked_for(place)] == [one.id for one in others]
    assert spool.count() == 0
    assert noted(place) == [("forget", {"column": "name", "answers": 701, "truths": 701, "cut": []})]
    files = [path for path in place.file.parent.rglob("*") if path.is_file()]
    assert len(files) >= 2 and not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_nothing_of_a_person_is_left_in_what_was_answered_and_warned_of_beside_them(project, serving, change, stored):
    for column, rule in (("colour", "warn"), ("shop", "treat as missing")):
        change(project, column, rule=rule, values=("red", "shop A"))
    odd = ROW | {"colour": SECRET, "shop": SECRET, "order": 8, SECRET: 1}
    others = [ROW | {"colour": "=Bob", "shop": "Bob"}, ROW | {"colour": "=Bob"}]
    application = serving(own=True)
    _, reply = ask(application, body=json.dumps({"rows": [odd, *others]}).encode())
    told = reply["predictions"]
    for one in told[:2]:
        ask(application, path="/feedback", body=json.dumps({"id": one["id"], "truth": "yes"}).encode())
    application.service.log.close(5)

    text = forget.run(project, key=f"colour={SECRET}")

    assert told[0]["unusual"] and told[0]["key"] == {"order": 8} and SECRET in str(told[0]["warnings"])
    assert "answers 1, truths about them 1" in text
    with opened(project) as place:
        assert [one.id for one in stored(place)] == [one["id"] for one in told[1:]]
        assert [one.id for one in stored(place, Told)] == [told[1]["id"]]
        assert all(one.unusual and "unknown categories" in one.warnings for one in stored(place))
    files = [path for path in (project.root / "data" / "log").rglob("*") if path.is_file()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_rows_that_a_reader_keeps_in_the_file_beside_the_log_are_told_and_gone_when_it_has_ended(project, place, of):
    place.insert([*of(SECRET)[0], *of("Charles")[0]])
    with contextlib.closing(sqlite3.connect(place.file)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM answers").fetchone()

        first = forget.run(project, key=f"name={SECRET}")

    second = forget.run(project, key=f"name={SECRET}")
    assert f"NOT YET: {place.file}-wal still holds deleted rows" in first and "NOT YET" not in second
    assert SECRET.encode() not in place.file.read_bytes() + Path(f"{place.file}-wal").read_bytes()


@pytest.mark.parametrize("locked", ["predictions.db", "spool.db"])
def test_nothing_is_deleted_while_a_database_is_locked_which_is_named_and_all_is_when_that_is_over(
    project, place, spool, of, stored, locked
):
    for where in (place, spool):
        where.insert([row for rows in of(SECRET) for row in rows])

    with contextlib.closing(sqlite3.connect(place.file.with_name(locked))) as other:
        other.execute("BEGIN IMMEDIATE")
        said = rf"^data/log/{locked} takes no rows: database is locked\nDeleted by then: nothing\. Repeat this"
        with pytest.raises(LogError, match=said):
            forget.run(project, key=f"name={SECRET}")
        left = [len(stored(where)) for where in (place, spool)], noted(place)
    forget.run(project, key=f"name={SECRET}")

    assert left == ([1, 1], []) and stored(place) == stored(spool) == []
    assert noted(place) == [("forget", {"column": "name", "answers": 2, "truths": 2, "cut": []})]


def test_what_was_deleted_before_a_database_failed_is_said(project, place, spool, of, stored):
    for where in (place, spool):
        where.insert(of(SECRET)[0])
    full = "CREATE TRIGGER full BEFORE DELETE ON answers BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
    spool.execute([sa.text(full)])

    said = r"^data/log/spool.db takes no rows: disk is full\nDeleted by then: all in data/log/predictions.db\. Repeat"
    with pytest.raises(LogError, match=said):
        forget.run(project, key=f"name={SECRET}")

    assert stored(place) == [] and len(stored(spool)) == 1


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (1001, "1001"),
        ("1001", "1001"),
        (1001.0, "1001"),
        (1001, "1001.0"),
        (0.5, "0,5"),
        (" a\0b", "a\0b"),
        (True, "true"),
    ],
)
def test_value_is_found_however_it_came(project, place, entries, cell, value):
    place.insert(entries(inputs=json.dumps({"order": cell})))

    assert ": answers 1, truths about them 0" in forget.run(project, key=f"order={value}")


def test_models_that_were_trained_since_are_named_as_out_of_reach(project, folder, place, of):
    before, _ = of("before", time=0.0)
    after, _ = of("after", time=time.time() + 5)
    place.insert([*before, *after])

    old, new = forget.run(project, key="name=before"), forget.run(project, key="name=after")

    assert f"not reached: models trained since then, which may have learned from it: {folder.name}" in old
    assert folder.name not in new and "not reached: copies elsewhere" in new
    loading.check(folder)


def test_rows_are_cut_out_of_a_dump_of_the_log_which_stays_sound(project, place, of, stored):
    (rows, _), (others, _) = of(SECRET, 3), of("Charles", 2)
    place.insert([*rows, *others])
    dump = source.fetch(project.root, "sqlite:///data/log/predictions.db?table=answers")
    source.fetch(project.root, "sqlite:///data/log/predictions.db?query=SELECT run FROM answers")
    source.fetch(project.root, "sqlite:///data/log/predictions.db?query=SELECT id, run FROM answers")
    again, done = (project.root / ".cache" / "reproduce" / name for name in ("again", "done"))
    again.mkdir(parents=True)
    done.mkdir()

    with lock.alone(project.root, "reproduce", name="reproduce-again"):
        text = forget.run(project, key=f"name={SECRET}")

    (file,) = dump.files
    assert again.exists() and not done.exists() and "copies in .cache" not in text
    assert text.count("not reached: .cache/reproduce/again: make reproduce works") == 1
    card = records.read_sealed(dump.folder / records.CARD)
    assert f"{project.relative(file)}: 3 rows removed" in text
    assert "was made of the log and has no column 'id': look into it" in text
    assert pd.read_parquet(file)["id"].tolist() == [row.id for row in others]
    assert card["sha256"] == card["files"][0]["sha256"] == artefact.sha256(file)
    assert source.current(project.root, card["source"]).folder == dump.folder


def test_rows_are_cut_out_of_the_file_of_those_to_be_labelled_and_the_others_stay(project, place, of, to_label):
    (rows, _), (others, _) = of(SECRET, 2), of("=Charles", 2)
    place.insert([*rows, *others])
    kept = [f"{row.id},at random,yes,007,'=Charles\n" for row in others]
    lines = ["id,chosen because,answer,order,name\n", *kept, *(f"{row.id},unsure,,7,{SECRET}\n" for row in rows)]
    to_label.write_text("".join(lines), encoding="utf-8")

    text = forget.run(project, key=f"name={SECRET}")

    assert f"{project.relative(to_label)}: 2 rows removed" in text
    assert to_label.read_text(encoding="utf-8-sig").splitlines() == "".join([lines[0], *kept]).splitlines()
    assert "to_label.csv: 2 rows removed" in forget.run(project, key="name==Charles")
    assert to_label.read_text(encoding="utf-8-sig") == lines[0]


@pytest.fixture
def to_label(project):
    """Where the file of rows to be labelled lies."""
    file = project.root / label.TO_LABEL
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


@pytest.mark.parametrize(
    ("content", "said"), [("%PDF", r"to_label\.csv: this is a PDF"), ("id,name\nx,y\n1,2,3,4,5,6\n", "set_aside_limit")]
)
def test_nothing_is_deleted_where_rows_to_be_labelled_cannot_be_read_and_a_header_alone_stops_nothing(
    project, place, of, stored, to_label, content, said
):
    rows, _ = of(SECRET, 2)
    place.insert(rows)
    to_label.write_text(content, encoding="utf-8")

    with pytest.raises(DataError, match=said):
        forget.run(project, key=f"name={SECRET}")
    kept = stored(place)
    to_label.write_text("id,chosen because,answer,name\n", encoding="utf-8")

    assert kept == rows and "answers 2" in forget.run(project, key=f"name={SECRET}")


@pytest.mark.parametrize("name", ["retrain", "steps", "label"])
def test_forget_waits_for_whoever_may_copy_rows_out_of_the_log(project, place, of, stored, name, waits):
    rows, _ = of(SECRET)
    place.insert(rows)
    thread = threading.Thread(target=forget.run, args=[project], kwargs={"key": f"name={SECRET}"})

    with lock.alone(project.root, name, name=name):
        thread.start()
        assert waits(thread)
        meanwhile = stored(place)
    thread.join()

    assert meanwhile == rows and stored(place) == []


def test_unknown_column_value_and_key_are_messages_and_delete_nothing(project, place, of, stored):
    rows, _ = of("Charles")
    place.insert(rows)

    with pytest.raises(DataError, match=r"'nmae'(.|\n)*Columns: name, order"):
        forget.run(project, key="nmae=Charles")
    with pytest.raises(SettingsError, match="KEY=email="):
        forget.run(project, key="name")

    nobody = forget.run(project, key="name=Ada")
    assert nobody == "forget: deleted where 'name' is 'Ada': answers 0, truths about them 0"
    assert stored(place) == rows and noted(place) == []


def test_rows_of_a_person_are_gone_from_postgresql(project, postgres, monkeypatch, of, stored):
    monkeypatch.setenv("DATABASE_URL", postgres.url)
    (rows, told), (others, _) = of("a\0b", 3), of("Charles")
    with opened(project) as there:
        there.insert([*rows, *told, *others])

        text = forget.run(project, key="name=a\0b")

        assert text.startswith("forget: deleted where 'name' is 'a\\x00b': answers 3, truths about them 3")
        # A server that lost PostgreSQL writes rows there later: that is said where nothing was found, too.
        nobody = forget.run(project, key="name=Ada")
        assert all(
            "not reached: rows that another server keeps in its data/log/spool.db" in one for one in (text, nobody)
        )
        assert not forget.is_log(there, postgres.url.replace("127.0.0.1", "db.example.org"))
        assert stored(there) == others and stored(there, Told) == []


def test_answers_older_than_keep_days_are_deleted_with_what_was_said_of_them_and_old_truths_without_an_answer(
    place, of, stored
):
    day = 86_400
    (old, about), (new, known) = of("old", time=time.time() - 31 * day), of("new", time=time.time() - 29 * day)
    (_, early), (_, late) = of("came when its answer was deleted"), of("late")
    early[0].time = known[0].time = time.time() - 31 * day
    place.insert([*old, *about, *new, *known, *early, *late])
    place.execute([tables.asked.insert().values((old[0].id, "label"))])

    counts = forget.expire(place, 30), forget.expire(place, 30)

    assert counts == (1, 0)
    assert feedback.asked_for(place) == {}
    assert stored(place) == new and {one.number for one in stored(place, Told)} == {known[0].number, late[0].number}
    assert noted(place) == [("keep_days", {"days": 30, "answers": 1, "truths without answer": 1})]


def test_keep_days_waits_for_a_database_that_is_away(project, tmp_path, package_log, caplog, until):
    package_log.propagate = True
    missing = Database(sa.URL.create("sqlite", database=str(tmp_path / "none" / "p.db")), flush=False)

    async def a_moment():
        task = asyncio.create_task(forget.keep_days(missing, 30))
        await asyncio.to_thread(until, lambda: "takes no rows" in caplog.text)
        assert not task.done()
        task.cancel()

    asyncio.run(a_moment())
    missing.drop()

    assert "p.db takes no rows" in caplog.text
