"""The clean table is what the data dictionary says."""

import pandas as pd

from {{ cookiecutter.package_name }}.engine.columns import dictionary, validate


def test_clean_table_conforms_to_the_data_dictionary(clean, columns):
    typed, _ = validate.validate(clean, columns, where="clean.parquet")

    pd.testing.assert_frame_equal(typed, clean)


def test_every_row_has_a_target(clean, columns):
    target = dictionary.target(columns)

    assert clean[target].notna().all()


def test_every_feature_of_the_dictionary_is_in_the_table(clean, columns):
    assert set(dictionary.features(columns)) <= set(clean.columns)
