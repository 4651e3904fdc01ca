"""One row in, what `add_features` makes of it out: to be copied for each feature of your own."""

import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import features


def test_days_between_two_dates_are_added():
    row = {"sent": pd.Timestamp("2026-01-01"), "come": pd.Timestamp("2026-01-03 12:00")}

    try:
        added = features.add_features(pd.DataFrame([row]))
    except KeyError as column:  # of your table: this row has other columns
        pytest.skip(f"add_features reads {column} now: give the row in this example that column")
    if "days from sent to come" not in added:
        pytest.skip("add_features adds no days any more: write an example of what it adds")

    assert added.at[0, "days from sent to come"] == 2.5


def test_time_of_day_and_a_date_have_no_days_between_them():
    row = {"sent": pd.Timestamp("2026-01-01"), "at": pd.Timestamp("1900-01-01 14:05")}

    try:
        added = features.add_features(pd.DataFrame([row]))
    except KeyError as column:
        pytest.skip(f"add_features reads {column} now: give the row in this example that column")
    if "days from sent to at" not in added:
        pytest.skip("add_features adds no days any more: write an example of what it adds")

    assert pd.isna(added.at[0, "days from sent to at"])
