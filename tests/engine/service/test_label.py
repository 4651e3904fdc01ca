import asyncio
import json
import shutil
import threading
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.project import lock
from data_science_project.engine.project.errors import DataError
from data_science_project.service import database, feedback, label, tables
from data_science_project.service.feedback import ID, QUEUE, RANDOM, WHY
from data_science_project.service.log import Log
from data_science_project.service.settings import Serve
from data_science_project.service.tables import Entry, Told

from .conftest import ROW

REASONS = {label.AT_RANDOM, label.UNSURE, label.UNUSUAL}


def written(project):
    return pd.read_csv(project.root / label.TO_LABEL, dtype={ID: str})


def kept(project):
    with database.opened(project) as log:
        return {one.id: one for one in log.read(Entry)}


def fill_in(project, **changes):
    """Label all rows of the file as the next one would be, or as `changes` say, by place."""
    rows = written(project).astype({"answer": object})
    rows["answer"] = [changes.get(f"row{place}", "yes") for place in range(len(rows))]
    rows.to_csv(project.root / label.TO_LABEL, index=False)


@pytest.fixture
def in_log(waiting, folder, entries):
    """The project with the answers to such rows in its log, and no table."""

    def put(*rows, more=()):
        shutil.rmtree(waiting.root / label.UNLABELLED)
        log = [entries(run=folder.name, inputs=json.dumps(row))[0] for row in rows]
        with database.opened(waiting, new=True) as base:
            base.insert([*log, *more])
        return log

    return put


def chosen(doubt, unusual=None, table=None, most=20):
    unusual = np.zeros(len(doubt), dtype=bool) if unusual is None else unusual
    table = np.arange(len(doubt))[:, None] / len(doubt) if table is None else table
    return label.choose(np.asarray(doubt, dtype=float), unusual, table, most)


def test_most_rows_are_those_of_which_the_run_is_least_sure_and_a_tenth_is_at_random():
    found = chosen(np.arange(1000))

    unsure = [place for place, why in found.items() if why == label.UNSURE]
    assert len(found) == 20 and len(unsure) == 18
    assert min(unsure) >= 798 and np.median(unsure) > 850
    assert min(set(found) - set(unsure)) < 798


def test_doubt_is_highest_where_the_two_most_probable_classes_are_close():
    version = SimpleNamespace(run=SimpleNamespace(record={"task": "classification", "classes": ["no", "yes"]}))

    close, far = label.doubts(version, pd.DataFrame({"probability_no": [0.5, 0.9], "probability_yes": [0.5, 0.1]}))

    assert close > far


def test_unusual_rows_are_a_tenth_at_most():
    many = chosen(np.arange(1000), np.arange(1000) < 500)
    one = chosen(np.arange(1000), np.arange(1000) == 7)

    assert [*many.values()].count(label.UNUSUAL) == 2 and [*one.values()].count(label.UNUSUAL) == 1
    assert one[7] == label.UNUSUAL
    assert [*chosen(np.arange(1000), np.ones(1000, bool)).values()].count(label.AT_RANDOM) == 2, "they stay so"


def test_rows_that_are_alike_are_not_all_asked_for():
    table = np.where(np.arange(100) < 90, 0.5, np.arange(100) / 100)[:, None]

    found = chosen(np.where(np.arange(100) < 90, 10, 9), table=table, most=10)

    assert sum(place >= 90 for place in found) >= 7


def test_part_of_the_queue_holds_rows_at_random_too():
    first = [[*chosen(np.arange(1000) + shift, most=100).values()][:50].count(label.AT_RANDOM) for shift in (0, 1)]

    assert first[0] in range(1, 10)


def test_fewer_rows_than_are_wanted_are_all_asked_for_once():
    assert sorted(chosen([1, 2, 3])) == [0, 1, 2]


def test_rows_of_a_table_are_answered_logged_and_written_with_their_ids(waiting):
    said = label.run(waiting)

    rows, log = written(waiting), kept(waiting)
    assert said.startswith("label: 20 of 60 rows in data/external/to_label.csv: ") and said.endswith("20 of new.csv")
    assert [*rows][:4] == [ID, WHY, "answer", "order"] and set(rows[WHY]) <= REASONS
    assert set(rows[ID]) == set(log) and rows["answer"].isna().all()
    one = log[rows[ID][0]]
    assert json.loads(one.inputs)["order"] == rows["order"][0] and one.asker == feedback.ASKER
    assert {"prediction", "probability", "probability_no", "confident"} <= set(json.loads(one.output))


def test_target_named_self_is_asked_for(tmp_path):
    rows = pd.DataFrame({ID: ["a"], WHY: ["unusual"], "cells": [{"x": 1}]})

    label.write(tmp_path / "rows.csv", rows, SimpleNamespace(record={"target": "self"}))

    assert [*pd.read_csv(tmp_path / "rows.csv")] == [ID, WHY, "self", "x"]


def test_filled_in_file_is_taken_by_feedback_says_which_truths_are_a_sample_and_no_row_is_asked_for_again(waiting):
    label.run(waiting)
    fill_in(waiting, row3=None)
    rows = written(waiting)

    said = feedback.run(waiting, input=waiting.root / label.TO_LABEL, partly=False)
    label.run(waiting)

    with database.opened(waiting) as log:
        told, because = [*log.read(tables.Told)], rows.set_index(ID)[WHY]
    assert said.startswith("feedback: 19 rows of to_label.csv: 19 new")
    assert {one.source for one in told} == {QUEUE, RANDOM}
    assert all((one.source == RANDOM) == (because[one.id] == label.AT_RANDOM) for one in told)
    assert not set(rows["order"].drop(3)) & set(written(waiting)["order"])


def test_truth_about_a_row_that_was_asked_for_is_no_sample_however_it_is_told(waiting):
    label.run(waiting)
    rows = written(waiting)
    rows.assign(answer="yes")[[ID, "answer"]].head(15).to_csv(waiting.root / "mine.csv", index=False)
    (waiting.root / label.TO_LABEL).unlink()

    feedback.run(waiting, input=waiting.root / "mine.csv", partly=False)
    log = Log(waiting, Serve())
    log.start()
    for number in rows[ID][15:]:
        asyncio.run(feedback.tell(log, number, "no", asker="", source="http"))
    log.close(1)

    with database.opened(waiting) as base:
        told = {one.id: one.source for one in base.read(tables.Told)}
    assert len(told) == 20 and set(told.values()) == {QUEUE, RANDOM}
    assert all((told[one] == RANDOM) == (why == label.AT_RANDOM) for one, why in rows.set_index(ID)[WHY].items())


def test_row_that_is_asked_for_again_counts_by_why_it_is_now(waiting, monkeypatch):
    monkeypatch.setattr(label, "choose", lambda doubt, *_: dict.fromkeys(range(5), label.UNSURE))
    label.run(waiting)
    monkeypatch.setattr(label, "choose", lambda doubt, *_: dict.fromkeys(range(5), label.AT_RANDOM))
    shutil.rmtree(waiting.root / label.UNLABELLED)

    label.run(waiting)

    with database.opened(waiting) as base:
        assert [*feedback.asked_for(base).values()] == [RANDOM] * 5


def test_labels_that_are_not_in_the_log_yet_are_not_overwritten(waiting):
    label.run(waiting)
    fill_in(waiting)
    path = waiting.root / label.TO_LABEL
    rows = pd.read_csv(path)
    rows.assign(id=rows["id"].where(rows.index > 0)).to_csv(path, index=False)  # somebody emptied a cell
    before = (waiting.root / label.TO_LABEL).read_bytes()

    with pytest.raises(DataError, match=r"20 labels are not in the log yet(.|\n)*make feedback INPUT="):
        label.run(waiting)
    assert (waiting.root / label.TO_LABEL).read_bytes() == before


def test_answers_of_the_log_are_asked_for_by_their_ids_but_for_those_that_fit_no_rule_any_more(
    waiting, folder, entries, change, in_log, caplog
):
    change(waiting, "amount", range=(0.0, 60.0))
    rows = [ROW | {"amount": 40 + number, "more": 1} for number in range(30)]
    log = in_log(*rows, more=[*entries(run="gone"), *entries(run=folder.name, role="shadow")])

    said = label.run(waiting)

    rows = written(waiting)
    assert said.startswith("label: 20 of 21 rows") and said.endswith("20 of the log")
    assert "9 of 30 rows are left out: rows: column 'amount' has values outside 0 ... 60" in caplog.text
    assert set(rows[ID]) <= {one.id for one in log} and rows["amount"].max() <= 60 and "more" not in rows


def test_row_of_which_the_truth_was_told_is_not_asked_for_where_somebody_asked_it_again(waiting, in_log):
    *_, told = in_log(ROW, ROW, ROW | {"amount": 1.0}, ROW)
    with database.opened(waiting) as log:
        log.insert([Told(told.id, '"yes"', 1.0, "token", "http")])

    assert label.run(waiting).startswith("label: 1 of 1 rows")
    assert written(waiting)["amount"].tolist() == [1.0]


def test_truth_that_came_with_a_row_is_not_shown_to_who_labels_it(waiting, in_log):
    in_log(ROW | {"answer": "yes"})

    label.run(waiting)

    rows = written(waiting)
    assert rows["answer"].isna().all() and "yes" not in rows.to_numpy()


def test_rows_are_chosen_by_one_at_a_time_so_that_forget_cuts_the_whole_file(waiting, waits):
    thread = threading.Thread(target=label.run, args=[waiting])

    with lock.alone(waiting.root, "forget", name="label"):
        thread.start()
        assert waits(thread)
        meanwhile = (waiting.root / label.TO_LABEL).exists()
    thread.join()

    assert not meanwhile and len(written(waiting)) == 20
