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
        ([999, *range(0, 1500, 25)], ""),
    ],
)
def test_number_that_may_mean_missing_is_named_with_the_cure(values, named, suspect):
    cells = pd.Series([values[0], *values], name="x")

    found = list(sentinels.sentinels(cells.to_frame(), ["x"]))

    assert len(found) == bool(named)
    assert not named or f'missing = ["{named}"] and missing_allowed = true' in found[0].cure
