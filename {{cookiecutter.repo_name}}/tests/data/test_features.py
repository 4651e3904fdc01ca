"""`add_features` in features.py keeps its promises on your own rows."""

import pandas as pd

from {{ cookiecutter.package_name }} import features


def test_features_keep_the_rows_they_are_given(rows):
    before = rows.copy()

    added = features.add_features(rows)

    pd.testing.assert_frame_equal(rows, before)
    pd.testing.assert_frame_equal(added[rows.columns], before)


def test_features_of_a_row_do_not_depend_on_other_rows(rows):
    together = features.add_features(rows).head(10)

    alone = pd.concat([features.add_features(rows.iloc[[row]]) for row in range(len(together))])

    pd.testing.assert_frame_equal(alone, together, check_dtype=False)  # whole numbers with a gap are floats


def test_features_do_not_need_the_target(rows, splits):
    with_target = features.add_features(splits["test"].head(len(rows)))

    assert set(features.add_features(rows).columns) <= set(with_target.columns)
