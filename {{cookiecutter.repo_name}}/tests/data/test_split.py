"""The three splits are as `[split]` of params.toml says."""

import pandas as pd
import pytest

from {{ cookiecutter.package_name }}.engine.columns import dictionary
from {{ cookiecutter.package_name }}.engine.modelling import division, split
from {{ cookiecutter.package_name }}.engine.project import settings


def whole_rows(own, clean):
    """How many rows can be too many: those that must stay together, a rounded row a class, and rows that were told."""
    kind, _, name = own.settings.split.by.partition(":")
    told = int((clean.index < 0).sum())
    if kind in ("time", "group"):
        return int(clean[name].value_counts().max()) + told
    strata = split.strata(clean[own.settings.data.target], own.settings.train.task)
    return told + (strata.nunique() if kind == "stratified" else 1)


@pytest.mark.parametrize("part", settings.PARTS)
def test_split_has_its_share_of_the_rows(own, clean, splits, part):
    share = getattr(own.settings.split.shares, part)

    assert len(splits[part]) == pytest.approx(share * len(clean), abs=whole_rows(own, clean))


@pytest.mark.parametrize("part", settings.PARTS)
def test_every_class_is_in_every_split(own, clean, splits, columns, part):
    target = dictionary.target(columns)
    task = split.infer_task(clean[target], own.settings.train.task)
    if own.settings.split.by != "stratified" or task != "classification":
        pytest.skip("only a stratified split of classes promises it")
    rows = clean[target].value_counts()

    assert set(splits[part][target]) == set(rows[rows >= len(settings.PARTS)].index)


def test_same_settings_give_the_same_split(own, clean, splits):
    again = division.divide(own, clean)

    for part, rows in splits.items():
        pd.testing.assert_frame_equal(again[part].reset_index(drop=True), rows[again[part].columns])
