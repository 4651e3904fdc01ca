import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.report import verdict
from data_science_project.engine.report.evidence import cell, table
from data_science_project.engine.runs.registry import columns_seen


def test_evidence_says_which_columns_the_answers_lean_on_the_strongest_first(project, evidence):
    about = evidence(project)

    found = about.importances

    assert found["column"][0] == "amount" and found["loss"].is_monotonic_decreasing
    assert set(found["column"]) == set(columns_seen(about.record)) == {"amount", "colour", "shop", "day", "note"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.nan, "missing"),
        (pd.Timestamp("2026-01-31"), "2026-01-31"),
        (pd.Timestamp("2026-01-31 12:30"), "2026-01-31 12:30"),
        (1234567.891, "1.23457e+06"),
        (True, "True"),
        ("two\nlines", "two lines"),
        ("x" * 200, "x" * 119 + "…"),
    ],
)
def test_cell_shows_a_value_so_that_it_fits_into_a_table(value, shown):
    assert cell(value) == shown


def test_table_has_its_names_whether_they_are_numbers_and_rows_of_texts():
    frame = pd.DataFrame({"shop": ["a"], "share_of_rows": [0.25], "none": [np.nan]})

    found = table(frame, share_of_rows=verdict.percent, none=verdict.percent)

    assert found["head"] == [("shop", False), ("share of rows", True), ("none", True)]
    assert found["rows"] == [["a", "25.0\xa0%", "-"]]
