import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.tree import DecisionTreeRegressor

from data_science_project.engine.modelling import blend, metrics

TRUTH = np.random.default_rng(0).normal(size=300)
CLASSES = ("no", "yes")


def off(by, seed):
    return metrics.Predictions(TRUTH + np.random.default_rng(seed).normal(0, by, 300))


def sure(probability):
    """Every row gets this probability of "yes"."""
    table = np.tile([1 - probability, probability], (4, 1))
    return metrics.Predictions(np.array(["yes"] * 4), table, CLASSES)


def test_weights_add_up_to_one_leave_out_what_adds_nothing_and_mix_to_a_better_answer_than_each():
    held = {"a": off(1, 1), "b": off(1, 2), "bad": off(9, 3)}

    weights = blend.weigh(TRUTH, held)
    mixed = blend.mix(weights, held).values

    assert sum(weights.values()) == pytest.approx(1)
    assert list(weights) == ["a", "b"] and min(weights.values()) > 0
    assert np.abs(mixed - TRUTH).mean() < min(np.abs(one.values - TRUTH).mean() for one in held.values())
    around = {name: metrics.Predictions(np.full(4, number)) for name, number in (("a", 11.0), ("b", 7.0))}
    assert blend.weigh(np.full(4, 10.0), around)["a"] == pytest.approx(0.6875), "by hand: 3/4, drawn to a half"


def test_classes_are_weighed_by_the_probability_of_the_truth():
    truth, held = np.array(["yes", "yes", "yes", "no"]), {"low": sure(0.2), "high": sure(0.95)}

    mixed = blend.mix(blend.weigh(truth, held), held)

    assert mixed.probabilities[0, 1] == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize(
    ("task", "kind", "truth"), [("classification", DummyClassifier, ["a", "b"]), ("regression", DummyRegressor, [1, 2])]
)
def test_blend_becomes_one_estimator_with_its_weights(task, kind, truth):
    model = blend.assemble({"p": 0.25, "q": 0.75}, {"p": kind(), "q": kind(), "r": kind()}, task).fit([[0], [1]], truth)

    assert model.weights == [0.25, 0.75]
    assert len(model.predict([[0]])) == 1


def test_number_of_a_row_alone_is_the_one_it_has_among_others_to_the_last_bit():
    rows = np.random.default_rng(0).normal(size=(300, 1))
    members = {f"m{depth}": DecisionTreeRegressor(max_depth=depth) for depth in range(1, 10)}
    mixed = blend.assemble(dict.fromkeys(members, 1 / 9), members, "regression").fit(rows, TRUTH)

    together, alone = mixed.predict(rows), [mixed.predict(rows[place : place + 1])[0] for place in range(300)]

    assert together.tolist() == alone
