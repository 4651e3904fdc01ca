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

    alone = [features.add_features(rows.iloc[[row]].reset_index(drop=True)) for row in range(len(together))]

    pd.testing.assert_frame_equal(pd.concat(alone, ignore_index=True), together, check_dtype=False)  # gaps make floats


def test_features_of_training_are_those_of_a_prediction_which_has_no_target(rows, splits, model):
    made = model.add_features(rows)

    new = made.columns.difference(rows.columns)
    pd.testing.assert_frame_equal(made[new], splits["test"].head(len(rows))[new], check_dtype=False)
