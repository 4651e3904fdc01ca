"""Each candidate of models.py learns 50 rows and answers them; no data are needed."""

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import models
from {{ cookiecutter.package_name }}.engine.modelling import estimators, recipe
from {{ cookiecutter.package_name }}.engine.project import settings

RANDOM = np.random.default_rng(0)
ROWS = pd.DataFrame(
    {
        "amount": RANDOM.normal(size=50),
        "colour": RANDOM.choice(["red", "green", "blue"], 50),
        "day": pd.date_range("2026-01-01", periods=50),
        "note": [f"parcel {number} went out" for number in RANDOM.permutation(50)],
    }
)
COLUMNS = {"number": ["amount"], "one-hot": ["colour"], "date parts": ["day"], "text": ["note"]}
CLASSIFIERS = models.classifiers(recipe.Recipe(COLUMNS, "classification", 0), settings.Train())
REGRESSORS = models.regressors(recipe.Recipe(COLUMNS, "regression", 0), settings.Train())


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_candidate_learns_two_classes_and_gives_probabilities(name):
    truth = (ROWS["amount"] > 0).astype(int).to_numpy()

    with estimators.threads(len(ROWS)):
        answers = CLASSIFIERS[name].fit(ROWS, truth).predict_proba(ROWS)

    assert answers.shape == (50, 2)
    assert np.allclose(answers.sum(axis=1), 1)


@pytest.mark.parametrize("name", REGRESSORS)
def test_candidate_learns_numbers_and_gives_finite_ones(name):
    with estimators.threads(len(ROWS)):
        answers = REGRESSORS[name].fit(ROWS, ROWS["amount"].to_numpy()).predict(ROWS)

    assert answers.shape == (50,)
    assert np.isfinite(answers).all()
