import pandas as pd
import pytest

from data_science_project.engine.checks import sentinels


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ([-200.0, *range(100, 2000, 20)], "-200"),
        ([999, *range(18, 78)], "999"),
        ([-9999, *range(-30, 30)], "-9999"),
        ([-1, -1, -1, *range(1, 60)], "-1"),
        ([99, *range(0, 98)], ""),
        ([-1, *range(-30, 30)], ""),
        ([-1] * 30 + [0] * 5 + [*range(1, 30)] * 40, "-1"),
        ([-1] * 30 + [0] * 20 + [*range(1, 30)] * 40, ""),
        ([-1] * 30 + [0] * 9 + [1] * 60, ""),
        ([999, *range(0, 1500, 25)], ""),
    ],
)
def test_number_that_may_mean_missing_is_named_with_the_cure(values, named, suspect):
    cells = pd.Series([values[0], *values], name="x")

    found = list(sentinels.sentinels(cells.to_frame(), ["x"]))

    assert len(found) == bool(named)
    assert not named or f'missing = ["{named}"] and missing_allowed = true' in found[0].cure


@pytest.mark.parametrize(
    ("odd", "times", "named"),
    [
        ("9999-12-31", 2, "9999-12-31"),
        ("9999-12-31 23:59:59", 2, "9999-12-31 23:59:59"),
        ("9999-12-31", 1, "9999-12-31"),
        ("1900-01-01", 12, "1900-01-01"),
        ("1900-01-01", 1, ""),
        ("1949-12-31", 12, ""),
        ("2004-06-15", 12, ""),
    ],
)
def test_date_that_may_mean_missing_is_named_with_the_cure(odd, times, named):
    days = pd.date_range("1950-01-01", "2020-01-01", periods=60).strftime("%Y-%m-%d")
    cells = pd.Series(pd.to_datetime([*[odd] * times, *days], format="ISO8601"), name="x")

    found = list(sentinels.sentinels(cells.to_frame(), ["x"]))

    assert len(found) == bool(named)
    assert not named or f'missing = ["{named}"] and missing_allowed = true' in found[0].cure


def test_clock_times_and_a_column_of_one_date_hold_no_placeholder():
    clock = pd.to_datetime(pd.Series(["08:30", "09:15"] * 20), format="%H:%M")
    same = pd.Series(pd.to_datetime(["1900-01-01"] * 40))

    assert list(sentinels.sentinels(pd.DataFrame({"clock": clock, "same": same}), ["clock", "same"])) == []
