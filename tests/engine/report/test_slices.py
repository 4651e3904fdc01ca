import numpy as np
import pandas as pd

from data_science_project.engine.modelling import metrics
from data_science_project.engine.report import slices

MAE = metrics.NUMBERS["mae"]
AUC = metrics.TWO_CLASSES["roc_auc"]


def test_category_with_the_large_errors_comes_first_and_is_clear():
    rows = pd.DataFrame({"shop": ["a"] * 100 + ["b"] * 30})
    errors = np.where(rows["shop"] == "b", 5.0, 1.0) + np.random.default_rng(0).random(130)

    worst, looked_at = slices.slices(rows, np.zeros(130), metrics.Predictions(errors), MAE)

    assert worst.iloc[0][["column", "slice", "rows"]].tolist() == ["shop", "b", 30]
    assert worst.iloc[0]["clear"] and worst.iloc[0]["low"] <= worst.iloc[0]["score"] <= worst.iloc[0]["high"]
    assert looked_at == 2


def test_list_has_a_slice_for_each_frequent_item_with_the_rows_that_hold_it():
    rows = pd.DataFrame({"tools": ["saw; axe", "axe", None, "saw"] * 30, "n": range(120)})
    errors = np.where(rows["tools"].fillna("").str.contains("saw"), 5.0, 1.0)

    table = slices.by_items(rows, {"tools": ";"})
    worst, _ = slices.slices(table, np.zeros(120), metrics.Predictions(errors), MAE)

    assert list(table) == ["n", "tools: saw", "tools: axe"] and table["tools: saw"].tolist()[:3] == ["yes", "no", "no"]
    assert worst.iloc[0][["column", "slice", "rows"]].tolist() == ["tools: saw", "yes", 60]


def test_slice_of_fewer_than_twenty_rows_is_not_looked_at_and_one_class_alone_has_no_ranking():
    few, alone = (pd.DataFrame({"shop": ["a"] * a + ["b"] * b}) for a, b in ((100, 19), (30, 60)))
    truth, even = np.array(["no"] * 30 + ["no", "yes"] * 30), np.full((90, 2), 0.5)

    worst, looked_at = slices.slices(few, np.zeros(119), metrics.Predictions(np.arange(119.0)), MAE)
    _, ranked = slices.slices(alone, truth, metrics.Predictions(truth, even, ("no", "yes")), AUC)

    assert looked_at == ranked == 1
    assert worst.empty or "b" not in set(worst["slice"])


def test_every_row_of_numbers_dates_and_texts_is_in_one_quarter_or_in_the_slice_of_missing_cells():
    rows = pd.DataFrame(
        {
            "number": [*[np.nan] * 30, *range(170)],
            "date": pd.date_range("2026-01-01", periods=200),
            "text": [f"{'word ' * (row % 40)}{row}" for row in range(200)],
        }
    )

    found = [(column, label, part) for column, label, part in slices.cuts(rows)]

    assert [part.sum() for column, label, part in found if label == "missing"] == [30]
    for name in rows.columns:
        assert (np.sum([part for column, _, part in found if column == name], axis=0) == 1).all(), name


def test_slice_whose_rows_come_from_a_few_groups_says_less():
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"shop": ["a"] * 600 + ["b"] * 200, "town": ["near"] * 740 + ["far"] * 60})
    groups = pd.Series(np.arange(800) // 20, name="customer")
    errors = np.abs(random.normal(10, 5, 40))[groups] + (rows["shop"] == "b") + (rows["town"] == "far")
    answers = metrics.Predictions(errors.to_numpy())

    by_row, _ = slices.slices(rows, np.zeros(800), answers, MAE)
    by_group, _ = slices.slices(rows, np.zeros(800), answers, MAE, groups=groups)

    wide, narrow = (table.set_index("slice").loc["b", ["low", "high"]] for table in (by_group, by_row))
    assert wide["low"] < narrow["low"] and narrow["high"] < wide["high"]
    few = by_group.set_index("slice").loc["far"]  # three customers
    assert np.isnan(few["low"]) and not few["clear"]
