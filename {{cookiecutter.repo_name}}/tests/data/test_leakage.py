"""Nothing that a model is tested on was there when it learned."""

import itertools

import pandas as pd
import pytest

from {{ cookiecutter.package_name }}.engine.columns import dictionary
from {{ cookiecutter.package_name }}.engine.modelling import split
from {{ cookiecutter.package_name }}.engine.runs import registry


def fingerprints(table):
    """One number a row, sorted."""
    return sorted(pd.util.hash_pandas_object(table, index=False))


def test_every_clean_row_is_in_exactly_one_split(own, clean, splits):
    together = pd.concat([part[clean.columns] for part in splits.values()])
    truth = clean[own.settings.data.target]
    if own.settings.split.by == "stratified" and split.infer_task(truth, own.settings.train.task) == "classification":
        clean = clean[truth.map(truth.value_counts()) >= len(splits)]  # a class needs a row in each

    assert fingerprints(together) == fingerprints(clean)


def test_ids_with_rows_in_several_splits_are_told_with_the_cure(splits, columns):
    together = pd.concat(splits, names=["split"]).reset_index("split")

    for name in dictionary.by_role(columns, "id"):
        if count := int((together.groupby(name)["split"].nunique() > 1).sum()):
            cure = f"if it is to answer for new ones, set [split] by = 'group:{name}' in params.toml"
            pytest.skip(f"{count} of {name!r} have rows in several splits, and the model may know them again: {cure}")


def test_no_group_is_in_two_splits(own, splits):
    kind, _, name = own.settings.split.by.partition(":")
    if kind != "group":
        pytest.skip("the rows have no groups: see [split] by in params.toml")

    for one, other in itertools.combinations(splits.values(), 2):
        assert not set(one[name]) & set(other[name])


def test_later_splits_hold_later_rows(own, splits):
    kind, _, name = own.settings.split.by.partition(":")
    if kind != "time":
        pytest.skip("the rows are not divided by time: see [split] by in params.toml")

    assert splits["train"][name].max() < splits["dev"][name].min()
    assert splits["dev"][name].max() < splits["test"][name].min()


def test_model_sees_neither_target_nor_group_nor_id(own, run, columns):
    kind, _, name = own.settings.split.by.partition(":")
    hidden = {*dictionary.by_role(columns, "target", "group", "id", "ignored"), *([name] if kind == "group" else [])}

    seen = {name for names in registry.read(run)["features"].values() for name in names}

    assert not seen & hidden


def test_no_feature_is_the_target_in_disguise(own, clean, columns):
    truth = clean[dictionary.target(columns)]
    amount = split.infer_task(truth, own.settings.train.task) == "regression"
    code = pd.Series.rank if amount else lambda cells: pd.Series(pd.factorize(cells)[0])

    copies = [name for name in dictionary.features(columns) if code(clean[name]).equals(code(truth))]

    assert not copies, f"{copies} give the answer away: is it known when a prediction is needed? See [data] drop."
