import pandas as pd
import pytest

from data_science_project.engine.checks import sentinels


def dated(odd, times):
    """A date so many times, and 60 others."""
    days = pd.date_range("1950-01-01", "2020-01-01", periods=60).strftime("%Y-%m-%d")
    return pd.to_datetime([*[odd] * times, *days], format="ISO8601")


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        ([-200.0, -200.0, *range(100, 2000, 20)], "-200"),
        ([999, 999, *range(18, 78)], "999"),
        ([-9999, -9999, *range(-30, 30)], "-9999"),
        ([-1] * 4 + [*range(1, 60)], "-1"),
        ([-127] * 10 + [*range(3, 27)], "-127"),
        ([65535] * 10 + [number / 10 for number in range(60)], "65535"),
        ([9999999] * 10 + [*range(3, 27)], "9999999"),
        ([-127] * 9 + [*range(3, 27)], ""),
        ([20] * 12 + [0, 1, 2, 3] * 20, ""),
        ([99, 99, *range(0, 98)], ""),
        ([-1, -1, *range(-30, 30)], ""),
        ([-1] * 30 + [0] * 5 + [*range(1, 30)] * 40, "-1"),
        ([-1] * 30 + [0] * 20 + [*range(1, 30)] * 40, ""),
        ([-1] * 30 + [0] * 9 + [1] * 60, ""),
        ([999, 999, *range(0, 1500, 25)], ""),
        (dated("9999-12-31", 2), "9999-12-31"),
        (dated("9999-12-31 23:59:59", 2), "9999-12-31 23:59:59"),
        (dated("9999-12-31", 1), "9999-12-31"),
        (dated("1900-01-01", 12), "1900-01-01"),
        (dated("1900-01-01", 1), ""),
        (dated("1949-12-31", 12), ""),
        (dated("2004-06-15", 12), ""),
    ],
)
def test_number_or_date_that_may_mean_missing_is_named_with_the_cure(cells, named):
    found = list(sentinels.sentinels(pd.DataFrame({"x": cells}), ["x"]))

    assert len(found) == bool(named)
    assert not named or f'missing = ["{named}"] and missing_allowed = true' in found[0].cure


def test_clock_times_a_column_of_one_date_and_empty_ones_hold_no_placeholder():
    clock = pd.to_datetime(pd.Series(["08:30", "09:15"] * 20), format="%H:%M")
    same = pd.Series(pd.to_datetime(["1900-01-01"] * 40))
    table = pd.DataFrame({"clock": clock, "same": same, "number": float("nan"), "day": pd.NaT})

    assert list(sentinels.sentinels(table, [*table])) == []
