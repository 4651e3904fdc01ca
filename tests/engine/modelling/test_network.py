import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from data_science_project.engine.modelling import network


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(600, 5))


@pytest.mark.parametrize("labels", [("no", "yes"), ("a", "b", "c")])
def test_probabilities_are_those_of_the_perceptron_that_learned(rows, labels):
    truth = np.array(labels, dtype=object)[(rows[:, 0] * rows[:, 1] > 0).astype(int) + len(labels) - 2]
    truth[:50] = labels[0]

    model = network.NetworkClassifier().fit(rows, truth)

    assert isinstance(model.model_, MLPClassifier)
    assert model.predict_proba(rows) == pytest.approx(model.model_.predict_proba(rows))
    assert (model.predict(rows) == model.model_.predict(rows)).all()


def test_product_of_two_columns_is_learned(rows):
    made = rows[:, 0] * rows[:, 1]

    numbers = network.NetworkRegressor().fit(rows[:500], 1e6 + 1e5 * made[:500])
    classes = network.NetworkClassifier().fit(rows[:500], made[:500] > 0)

    assert numbers.score(rows[500:], 1e6 + 1e5 * made[500:]) > 0.8
    assert classes.score(rows[500:], made[500:] > 0) > 0.85


def test_row_alone_has_the_answer_it_has_among_others_to_the_last_bit(monkeypatch):
    monkeypatch.setitem(network.LEARNING, "max_iter", 3)
    wide = np.random.default_rng(1).normal(size=(200, 333))
    models = [
        network.NetworkRegressor().fit(wide, wide[:, 0]).predict,
        network.NetworkClassifier().fit(wide, wide[:, 0] > 0).predict_proba,
        network.NetworkClassifier().fit(wide, np.digitize(wide[:, 0], [-1, 1])).predict_proba,
    ]

    for answer in models:
        together = answer(wide)
        alone = np.concatenate([answer(wide[place : place + 1]) for place in range(len(wide))])
        np.testing.assert_array_equal(alone, together)


def test_same_seed_gives_the_same_weights_and_another_seed_others(rows, monkeypatch):
    monkeypatch.setitem(network.LEARNING, "max_iter", 3)

    one, same, other = (network.NetworkRegressor(seed).fit(rows, rows[:, 0]).model_.coefs_[0] for seed in (0, 0, 1))

    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_balance_finds_more_of_a_rare_class(rows):
    rows = StandardScaler().fit_transform(rows)
    rare = rows[:, 0] + np.random.default_rng(1).normal(size=len(rows)) > 2

    plain, balanced = (network.NetworkClassifier(0, weight).fit(rows, rare) for weight in (None, "balanced"))

    assert balanced.predict(rows).sum() > plain.predict(rows).sum() + 20


def test_few_rows_a_constant_target_and_too_few_rounds_are_no_warning(rows, monkeypatch):
    for truth in (rows[:12, 0], np.ones(12)):
        assert np.isfinite(network.NetworkRegressor().fit(rows[:12], truth).predict(rows)).all()
    monkeypatch.setitem(network.LEARNING, "max_iter", 1)

    assert network.NetworkRegressor().fit(rows, rows[:, 0]).model_.n_iter_ == 1
