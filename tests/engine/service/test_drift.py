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
        ("list", ["a; b", "a"], [2.0, 1.0]),
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
