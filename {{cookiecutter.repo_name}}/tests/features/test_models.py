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


@pytest.fixture
def learned(request):
    """Fits a candidate; one that asks for columns of your data by name, which the rows above lack, is skipped."""

    def fit(candidate, truth):
        try:
            return candidate.fit(ROWS, truth)
        except Exception as error:
            yours = request.getfixturevalue("splits")["train"].columns.difference(ROWS.columns)
            if asked := [name for name in yours if repr(name) in str(error)]:
                pytest.skip(f"asks for {', '.join(asked)} by name: make train fits it, or leaves it out and says so")
            raise

    return fit


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_candidate_learns_two_classes_and_gives_probabilities(name, learned):
    truth = (ROWS["amount"] > 0).astype(int).to_numpy()

    with estimators.threads(len(ROWS)):
        answers = learned(CLASSIFIERS[name], truth).predict_proba(ROWS)

    assert answers.shape == (N_ROWS, 2)
    assert np.allclose(answers.sum(axis=1), 1)


@pytest.mark.parametrize("name", REGRESSORS)
def test_candidate_learns_numbers_and_gives_finite_ones(name, learned):
    with estimators.threads(len(ROWS)):
        answers = learned(REGRESSORS[name], ROWS["amount"].to_numpy()).predict(ROWS)

    assert answers.shape == (N_ROWS,)
    assert np.isfinite(answers).all()
