"""The three splits are as `[split]` of params.toml says."""

import pandas as pd
import pytest

from {{ cookiecutter.package_name }}.engine.columns import dictionary
from {{ cookiecutter.package_name }}.engine.modelling import split
from {{ cookiecutter.package_name }}.engine.project import settings


def whole_rows(clean, target, by):
    """How many rows can be too many: those that must stay together, or a rounded row a class."""
    kind, _, name = by.partition(":")
    if kind in ("time", "group"):
        return int(clean[name].value_counts().max())
    return split.strata(clean[target]).nunique() if kind == "stratified" else 1


@pytest.mark.parametrize("part", settings.PARTS)
def test_split_has_its_share_of_the_rows(own, clean, splits, columns, part):
    share = getattr(own.settings.split.shares, part)
    slack = whole_rows(clean, dictionary.target(columns), own.settings.split.by)

    assert len(splits[part]) == pytest.approx(share * len(clean), abs=slack)


@pytest.mark.parametrize("part", settings.PARTS)
def test_every_class_is_in_every_split(own, clean, splits, columns, part):
    target = dictionary.target(columns)
    if own.settings.split.by != "stratified" or split.infer_task(clean[target]) != "classification":
        pytest.skip("only a stratified split of classes promises it")

    assert set(splits[part][target]) == set(clean[target])


def test_same_settings_give_the_same_split(own, clean, splits, columns):
    again = split.split(clean, dictionary.target(columns), own.settings.split)

    for part, rows in splits.items():
        pd.testing.assert_frame_equal(again[part].reset_index(drop=True), rows[again[part].columns])
