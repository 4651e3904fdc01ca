import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from data_science_project.engine.modelling import estimators


def test_number_is_never_outside_of_what_was_seen():
    model = estimators.Clipped(LinearRegression()).fit([[0.0], [1.0]], [10.0, 20.0])

    assert model.predict([[-9.0], [0.5], [9.0]]) == pytest.approx([10, 15, 20])


@pytest.mark.parametrize(
    "kind", [estimators.SteadyLogisticRegression, estimators.SteadyRidge, estimators.SteadyRidgeCV]
)
def test_linear_model_answers_a_row_alone_as_among_others_to_the_last_bit(kind):
    rows = np.random.default_rng(0).normal(size=(200, 333))
    model = kind().fit(rows, rows[:, 0] > 0)
    answers = model.decision_function if kind is estimators.SteadyLogisticRegression else model.predict

    alone = [answers(rows[place : place + 1])[0] for place in range(200)]

    assert answers(rows).tolist() == alone


def test_target_is_learned_as_its_logarithm_negative_or_not():
    rows = np.linspace(-5, 5, 50).reshape(-1, 1)
    truth = np.sign(rows[:, 0]) * np.expm1(np.abs(rows[:, 0]))

    assert estimators.of_logarithm(LinearRegression()).fit(rows, truth).score(rows, truth) > 0.999
