"""One row in, what `add_features` makes of it out: to be copied for each feature of your own.

The row is one of yours, with the cells that the feature is about: change those, and say what is to come out.
"""

import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import features


def test_days_between_two_dates_are_added(rows):
    row = rows.head(1).assign(sent=pd.Timestamp("2026-01-01"), come=pd.Timestamp("2026-01-03 12:00"))

    added = features.add_features(row)
    if "days from sent to come" not in added:
        pytest.skip("add_features adds no days any more: write an example of what it adds")

    assert added["days from sent to come"].item() == 2.5


def test_time_of_day_and_a_date_have_no_days_between_them(rows):
    row = rows.head(1).assign(sent=pd.Timestamp("2026-01-01"), at=pd.Timestamp("1900-01-01 14:05"))

    added = features.add_features(row)
    if "days from sent to at" not in added:
        pytest.skip("add_features adds no days any more: write an example of what it adds")

    assert added["days from sent to at"].isna().item()
