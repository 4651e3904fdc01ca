"""The answers have the form that the readers of data/predictions rely on."""

import numpy as np
import pytest

from {{ cookiecutter.package_name }}.engine.columns import dictionary
from {{ cookiecutter.package_name }}.engine.runs import answers


@pytest.fixture
def table(model, rows):
    return answers.answer(model, rows)


def test_predictions_have_ids_groups_prediction_confident_and_run(table, model, rows):
    ids, groups = ([n for n in dictionary.by_role(model.columns, role) if n in rows] for role in ("id", "group"))
    probability = ["probability"] if model.record["task"] == "classification" else []
    wanted = [*(ids or ["row"]), *groups, "prediction", *probability]

    assert [name.removesuffix(" (id)") for name in table.columns[: len(wanted)]] == wanted
    assert list(table.columns[-2:]) == ["confident", "run"]
    assert len(table) == len(rows)


def test_probabilities_are_of_the_predicted_class_and_add_up_to_one(table, model):
    if model.record["task"] != "classification":
        pytest.skip("a regression has no probabilities")
    classes = [name for name in table.columns if name.startswith("probability_")]

    assert table["probability"].between(0, 1).all()
    assert set(table["prediction"]) <= set(model.record["classes"])
    if classes:
        assert np.allclose(table[classes].sum(axis=1), 1)
        said = [table.at[row, f"probability_{label}"] for row, label in table["prediction"].items()]
        assert table["probability"].tolist() == said


def test_numbers_are_finite(table, model):
    if model.record["task"] != "regression":
        pytest.skip("a classification predicts classes")

    assert np.isfinite(table["prediction"]).all()
