"""Each candidate of models.py learns 300 rows and answers them; no data are needed."""

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import models
from {{ cookiecutter.package_name }}.engine.modelling import estimators, recipe
from {{ cookiecutter.package_name }}.engine.project import settings

N_ROWS = 300  # a candidate that asks for more, as 400 neighbours do, needs more here
RANDOM = np.random.default_rng(0)
ROWS = pd.DataFrame(
    {
        "amount": RANDOM.normal(size=N_ROWS),
        "colour": RANDOM.choice(["red", "green", "blue"], N_ROWS),
        "day": pd.date_range("2026-01-01", periods=N_ROWS),
        "note": [f"parcel {number} went out" for number in RANDOM.permutation(N_ROWS)],
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

    assert answers.shape == (N_ROWS, 2)
    assert np.allclose(answers.sum(axis=1), 1)


@pytest.mark.parametrize("name", REGRESSORS)
def test_candidate_learns_numbers_and_gives_finite_ones(name):
    with estimators.threads(len(ROWS)):
        answers = REGRESSORS[name].fit(ROWS, ROWS["amount"].to_numpy()).predict(ROWS)

    assert answers.shape == (N_ROWS,)
    assert np.isfinite(answers).all()
