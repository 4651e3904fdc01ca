import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.checks.alone import across_rows

ROWS = pd.DataFrame({"shop": ["a", "b", "a", "b", "c"], "paid": [1.0, 2.5, np.nan, 4.0, 7.25]})


@pytest.mark.parametrize(
    "add_features",
    [
        lambda rows: rows,
        lambda rows: rows.assign(whole=rows["paid"].round().astype("Int64"), yes=(rows["paid"] > 2).astype("boolean")),
        lambda rows: rows.assign(rest=rows["paid"] * 0.1 * 3 - rows["paid"] * 0.3 + np.arange(len(rows)) * 1e-17),
        lambda rows: rows.assign(kind=rows["shop"].astype("category"), pair=[[1, 2]] * len(rows)),
        lambda rows: rows.assign(log=np.log(rows["paid"]), whole=rows["paid"] // 1, word=rows["shop"].str.upper()),
    ],
)
def test_features_of_the_row_itself_are_the_same_alone_and_no_rows_have_nothing_to_say(add_features):
    for rows in (ROWS, ROWS.head(0)):
        assert across_rows(add_features, rows, add_features(rows)) == ""


@pytest.mark.parametrize(
    "column",
    [
        lambda rows: rows.groupby("shop")["paid"].transform("mean"),
        lambda rows: rows["paid"].rank(),
        lambda rows: rows["paid"].shift(),
    ],
)
def test_feature_that_is_computed_across_rows_is_named(column):
    def add_features(rows):
        return rows.assign(twice=rows["paid"] * 2, across=column(rows))

    said = across_rows(add_features, ROWS, add_features(ROWS))

    assert said.startswith("add_features computes 'across' of a row alone otherwise than among others")


def test_function_that_fails_for_a_row_alone_is_told_with_what_it_raised():
    def add_features(rows):
        return rows.assign(part=pd.qcut(rows["paid"], 2, labels=False))

    assert "add_features fails for a row alone (ValueError" in across_rows(add_features, ROWS, add_features(ROWS))
