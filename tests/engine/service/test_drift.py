import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns.dictionary import Column
from data_science_project.service import drift


@pytest.mark.parametrize(
    ("type_", "cells", "expected"),
    [
        ("integer", [1, 2], [1.0, 2.0]),
        ("category", ["a", None], ["a", "-"]),
        ("boolean", [1.0, None, False], ["true", "-", "false"]),
        ("text", ["four", None], [4.0, "-"]),
        ("list", ["a; b", "a"], [("a", "b"), ("a",)]),
        ("datetime", [pd.Timestamp("2026-01-01"), pd.NaT], ["given", "-"]),
    ],
)
def test_columns_of_each_type_are_compared_as_numbers_or_kinds(type_, cells, expected):
    column = Column(type=type_, separator=";" if type_ == "list" else "")

    found = drift.comparable(pd.Series(cells), column)

    assert found.astype(object).fillna("-").tolist() == expected


def test_summary_of_numbers_keeps_values_that_occur_and_of_kinds_the_frequent_ones():
    numbers = drift.summary(pd.Series([3.0] * 30 + [7.0] * 10 + [np.nan] * 10))
    kinds = drift.summary(pd.Series(["a"] * 30 + ["b"] * 10 + ["rare"] * 9 + [None]))
    nothing = drift.summary(pd.Series([np.nan, np.nan]))

    assert (numbers["rows"], numbers["missing"]) == (50, 0.2)
    assert numbers["quantiles"].count(3.0) == 750 and numbers["quantiles"].count(7.0) == 250
    assert kinds["shares"] == {"a": 30 / 49, "b": 10 / 49}
    assert (nothing["missing"], nothing["quantiles"]) == (1.0, [])


def test_item_of_lists_that_comes_more_often_is_named_though_as_many_items_are_there():
    random = np.random.default_rng(0)
    known = pd.Series([("new", "red") if draw < 0.25 else ("old", "red") for draw in random.random(2000)])
    reference = {"tags": drift.summary(known)}
    rows = [("new", "red") if draw < 0.65 else ("old", "red") for draw in random.random(500)]

    (same,) = drift.compared(reference, pd.DataFrame({"tags": known[:500]}))
    (found,) = drift.compared(reference, pd.DataFrame({"tags": rows}))

    assert reference["tags"]["items"]["red"] == 1 and not same.moved and found.moved
    assert found.sentence == "new in 66.2\xa0% of the rows, in training 25.4\xa0%"


@pytest.mark.parametrize("known", [[("red",), ("old", "red")] * 300, [(f"tag {place}",) for place in range(600)]])
def test_items_that_training_did_not_know_are_named_as_other_ones(known):
    reference = {"tags": drift.summary(pd.Series(known))}

    (same,) = drift.compared(reference, pd.DataFrame({"tags": known[:300]}))
    (found,) = drift.compared(reference, pd.DataFrame({"tags": [*known[:150], *[("NEW", "red")] * 150]}))

    assert not same.moved and found.moved == (known[1] == ("old", "red"))
    assert not found.moved or found.sentence == "other kinds in 50.0\xa0% of the rows, in training 0.0\xa0%"


@pytest.mark.parametrize("of_lists", [False, True])
def test_kinds_of_which_chance_decides_whether_they_are_in_ten_rows_are_silent_and_a_new_one_of_others_is_not(of_lists):
    def found(kinds, seed, new=0.0):
        draw = np.random.default_rng(seed)
        known, now = (pd.Series([f"kind {place}" for place in draw.choice(kinds, rows)]) for rows in (960, 3000))
        now = now.where(draw.random(3000) >= new, "new")
        before, now = (pd.Series([(one,) for one in side], name="x") if of_lists else side for side in (known, now))
        return drift.values("x", drift.summary(before), now, 0.01).moved

    assert sum(found(125, seed) for seed in range(8)) <= 1
    assert all(found(60, seed, new=0.1) for seed in range(8))


@pytest.mark.parametrize("of_lists", [False, True])
def test_new_kind_is_named_where_training_left_out_none(of_lists):
    known, now = (pd.Series([f"kind {place % 8}" for place in range(rows)], name="x") for rows in (96, 1000))
    now[:300] = "new"
    before, now = (side.map(lambda one: (one,)) if of_lists else side for side in (known, now))

    assert drift.values("x", drift.summary(before), now, 0.01).moved


def test_share_of_numbers_beyond_those_of_the_training_is_told_beside_missing_ones():
    reference = {"km": drift.summary(pd.Series(np.arange(1000.0)))}

    (found,) = drift.compared(reference, pd.DataFrame({"km": [-1.0, 0.0, 500.0, 999.0, 1000.0] + [np.nan] * 45}))

    assert "missing in" in found.sentence and found.beyond == 0.4


@pytest.fixture(scope="module")
def table():
    """4,000 rows: 18 columns of numbers that have nothing to do with each other, a kind, and a number with gaps."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(10, 2, (4000, 18)), columns=[f"n{place}" for place in range(18)])
    table["colour"] = random.choice(["red", "green", "blue"], 4000, p=[0.4, 0.35, 0.25])
    table["gaps"] = np.where(random.random(4000) < 0.3, np.nan, random.poisson(3, 4000))
    return table


@pytest.fixture(scope="module")
def reference(table):
    """The summaries of the first 3,000 rows."""
    return {name: drift.summary(table[name][:3000]) for name in table}


@pytest.fixture
def window(table):
    """So many of the other rows, with replacement."""

    def draw(seed, rows=1000):
        places = np.random.default_rng(seed).integers(3000, 4000, rows)
        return drift.window(table.iloc[places].reset_index(drop=True), 1.0)

    return draw


def moved(reference, rows):
    return [one.column for one in drift.compared(reference, rows) if one.moved]


def test_windows_without_drift_are_silent(reference, window):
    alarms = [moved(reference, window(seed, rows)) for seed in range(8) for rows in (200, 1000)]

    assert alarms.count([]) >= 15


@pytest.mark.parametrize(
    ("column", "change", "sentence"),
    [
        ("n3", lambda x: x + 1, "median 10.91, in training 9.954"),
        ("n3", lambda x: 2.54 * x, "2.53 times as large, another unit?"),
        ("n3", lambda x: 1000 * x, "996 times as large, another unit?"),
        ("n3", lambda x: 0 * x + 1e6, "median 1,000,000, in training 9.954"),
        ("n3", lambda x: 10 + 2 * (x - 10), "of the rows up to "),
        ("n3", lambda x: x.where(x.index % 10 > 0), "missing in 10.0 % of the rows, in training 0.0 %"),
        ("gaps", lambda x: x.where(x.index % 5 > 0), "missing in 4"),
        (
            "colour",
            lambda x: x.where((x != "red") | (x.index % 4 > 0), "blue"),
            "blue in 34.8 % of the rows, in training 25.6 %",
        ),
        ("colour", lambda x: x.where(x.index % 10 > 0, "pink"), "other kinds in 10.0 % of the rows, in training 0.0 %"),
        ("colour", lambda x: x.where(x.index < 0), "missing in 100.0 %"),
    ],
)
def test_moved_column_is_named_with_both_figures_and_no_other(table, reference, column, change, sentence):
    rows = table[3000:].reset_index(drop=True)

    first, *others = drift.compared(reference, rows.assign(**{column: change(rows[column])}))

    assert (first.column, first.moved) == (column, True)
    assert sentence in first.sentence.replace("\u00a0", " ")
    assert ("another unit?" in first.sentence) == ("another unit?" in sentence)
    assert not any(one.moved for one in others)


@pytest.mark.parametrize(
    ("values", "before", "now"),
    [((0, 1, 2), (200, 600, 200), (20, 600, 380)), ((1, 2, 3, 4, 5), (200, 200, 200, 200, 200), (300, 0, 400, 0, 300))],
)
def test_move_that_leaves_the_median_as_it_was_is_named_where_it_is(values, before, now):
    before, now = (np.repeat(np.array(values, dtype=float), counts) for counts in (before, now))

    (found,) = drift.compared({"n": drift.summary(pd.Series(before))}, pd.DataFrame({"n": now}))

    assert found.moved and "of the rows up to" in found.sentence and "median" not in found.sentence


def test_predictions_are_said_to_have_no_other_unit(table):
    before = {drift.PREDICTIONS + "prediction": drift.summary(table["n3"])}

    (found,) = drift.compared(before, pd.DataFrame({drift.PREDICTIONS + "prediction": 2.54 * table["n3"]}))

    assert found.moved and "unit" not in found.sentence


def test_small_difference_in_a_large_window_is_no_drift(reference):
    rows = pd.DataFrame({"n3": np.random.default_rng(1).normal(10.2, 2, 100_000)})

    sample = drift.window(rows, 1.0)
    (found,) = drift.compared(reference, sample)

    assert found.chance < 0.005 and not found.moved
    assert len(sample) == drift.MOST_ROWS and sample.equals(drift.window(rows, 1.0)), "the same each time"


def test_row_that_is_sent_again_and_again_counts_once_unless_rows_are_alike_by_nature(table, reference):
    rows = table.iloc[[3000] * 900 + [*range(3000, 3100)]]

    assert moved(reference, drift.window(rows, distinct=1.0)) == []
    assert len(moved(reference, drift.window(rows, distinct=0.5))) == 20


def test_column_of_which_nothing_is_known_has_not_moved():
    empty, window = drift.summary(pd.Series([np.nan] * 50)), pd.DataFrame({"a": [np.nan] * 50, "b": ["x"] * 50})

    (found,) = drift.compared({"a": empty, "gone": empty}, window)

    assert (found.column, found.moved, found.chance) == ("a", False, 1.0)


def test_missing_cells_are_allowed_for_only_where_there_are_any():
    before = {"n": drift.summary(pd.Series(np.arange(3000.0)))}
    shifts = (pd.Series(np.arange(0.0, 3000, 30)) + more for more in range(0, 1000, 5))
    rows = next(now for now in shifts if 0.005 < drift.compared(before, pd.DataFrame({"n": now}))[0].chance < 0.01)

    assert moved(before, pd.DataFrame({"n": rows})) == ["n"]
    assert moved({"n": before["n"] | {"missing": 0.001}}, pd.DataFrame({"n": rows})) == []


def test_shares_of_a_column_with_empty_cells_are_said_to_be_of_the_filled_ones():
    before = drift.summary(pd.Series(["a", "b", None, None] * 100, name="x"))

    shift = drift.values("x", before, pd.Series(["a", None, None, None] * 100), 0.01)

    assert shift.sentence.replace("\u00a0", " ").endswith("in 100.0 % of the filled cells, in training 50.0 %")
    rare = pd.Series(["a", "a", *map(str, range(400))] * 5)
    assert not drift.values("x", drift.summary(rare), rare, 0.01).moved, "rare kinds are as frequent as they were"
