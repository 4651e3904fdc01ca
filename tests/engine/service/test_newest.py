import json

import pytest

from data_science_project.service import newest
from data_science_project.service.tables import Told, answers

NAMES = ["amount", "colour"]


@pytest.fixture
def put(place, entries):
    """Put an answer to a row into the log, with the truths that are told of it; its id."""

    def write(*truths, amount=1.0, order=1, **changes):
        (entry,) = entries(inputs=json.dumps({"order": order, "amount": amount, "colour": "red"}), **changes)
        place.insert([entry, *(Told(entry.id, json.dumps(truth), 1.0, "", "http") for truth in truths)])
        return entry.id

    return write


def test_answers_are_those_that_fit_the_newest_first_and_none_that_label_asked_for(place, put):
    ids = [put(amount=amount) for amount in range(3)]
    put(asker="make label")
    put(run="another")

    rows, looked = newest.answered(place.engine, answers.c.run != "another")

    assert (rows["id"].tolist(), looked) == (ids[::-1], 3)
    assert {*newest.SAID_COLUMNS} <= set(rows) and rows["prediction"].tolist() == ["yes"] * 3


def test_rows_alike_in_the_columns_that_count_are_one_and_without_columns_each_counts(place, put, monkeypatch):
    put(amount=2.0)
    for order in range(5):
        put(order=order)

    assert [len(newest.answered(place.engine, names=names)[0]) for names in (NAMES, None)] == [2, 6]
    assert newest.answered(place.engine, names=NAMES, most=1)[1] == 1, "nothing is read that is not needed"
    monkeypatch.setattr(newest, "NEWEST", 4)
    assert newest.answered(place.engine, most=5)[1] == 4, "whatever is asked for"


def test_shadow_with_the_id_of_an_answer_is_another_answer(place, put, entries):
    (shadow,) = entries(run="another", role="shadow")
    shadow.id = put()
    place.insert([shadow])

    assert len(newest.answered(place.engine)[0]) == 2


def test_truth_told_last_counts_and_a_row_that_came_again_counts_once(place, put):
    put("no", amount=2.0)
    first, again = put("no"), put("no", order=2)
    place.insert([Told(first, '"yes"', 2.0, "", "page")])

    one, three = (newest.told(place.engine, names=names) for names in (NAMES, None))

    assert one["truth"].tolist() == ["yes", "no"]
    assert one["id"].tolist()[0] == first and one["source"].tolist() == ["page", "http"]
    assert three["id"].tolist()[:2] == [again, first] and three["truth"].tolist() == ["no", "yes", "no"]


def test_row_whose_truth_is_told_all_day_pushes_no_other_label_out(place, put, monkeypatch):
    monkeypatch.setattr(newest, "NEWEST", 3)
    old = [put("no", amount=amount) for amount in (7.0, 8.0)]
    for order in range(9):
        put("yes", order=order)

    told = newest.told(place.engine, names=NAMES)

    assert told["id"].tolist()[1:] == old[::-1] and len(told) == 3
    assert newest.told(place.engine, answers.c.run == "none", names=NAMES).empty


def test_newest_are_those_answered_last_however_many_older_ones_are_told_after_them(place, put, monkeypatch):
    monkeypatch.setattr(newest, "NEWEST", 3)
    monkeypatch.setattr(newest, "LOOK_BACK", 4)
    old, new = ([put(amount=float(first + row)) for row in range(9)] for first in (0, 10))
    place.insert([Told(name, '"no"', 2.0, "", "new.csv") for name in new])
    place.insert([Told(name, '"yes"', 3.0, "", "old.csv") for name in old])
    place.insert([Told(new[-1], json.dumps(truth), 4.0, "", "page") for truth in ("yes", "no") * 4])

    told = newest.told(place.engine, names=NAMES)

    assert told["id"].tolist() == new[:-4:-1] and told["source"].tolist() == ["page", "new.csv", "new.csv"]
