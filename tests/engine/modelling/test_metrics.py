import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from data_science_project.engine.modelling import metrics
from data_science_project.engine.project.errors import SettingsError

TRUTH = np.array(["no", "no", "no", "yes"])
YES = np.array([0.1, 0.4, 0.8, 0.6])
TWO = metrics.Predictions(np.where(YES > 0.5, "yes", "no"), np.column_stack([1 - YES, YES]), ("no", "yes"))
NUMBERS = metrics.Predictions(np.array([1.0, 2.0, 5.0, 4.0]))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("roc_auc", 2 / 3),
        ("average_precision", 1 / 2),
        ("accuracy", 3 / 4),
        ("balanced_accuracy", (2 / 3 + 1) / 2),
        ("f1_macro", (0.8 + 2 / 3) / 2),
        ("log_loss", -np.log([0.9, 0.6, 0.2, 0.6]).mean()),
        *[("mae", 0.75), ("rmse", np.sqrt(5 / 4)), ("median_error", 0.5), ("r2", 1 - 5 / 2.75)],
    ],
)
def test_metric_has_the_value_worked_out_by_hand(name, value):
    numbers = metrics.score(np.array([1.0, 2.0, 3.0, 3.0]), NUMBERS)

    assert {**metrics.score(TRUTH, TWO), **numbers}[name] == pytest.approx(value)


@pytest.mark.parametrize("n_classes", [2, 3, 0])
def test_perfect_predictions_score_better_than_wrong_ones_by_every_metric(n_classes):
    classes = tuple(map(float, range(n_classes)))
    truth = np.tile(classes, 20) if n_classes else np.linspace(0, 1, 60)

    def scores(values):
        sure = 0.9 * (values[:, None] == np.array(classes)) + 0.1 / len(classes) if classes else None
        return metrics.score(truth, metrics.Predictions(values, sure, classes))

    good, bad = scores(truth), scores(np.roll(truth, 1))

    for name, metric in metrics.available(classes).items():
        assert good[name] > bad[name] if metric.higher_is_better else good[name] < bad[name], name


def test_class_that_got_no_probability_costs_much_but_not_infinity():
    sure = metrics.Predictions(np.array(["no"]), np.array([[1.0, 0.0]]), ("no", "yes"))

    assert 30 < metrics.log_loss(np.array(["yes"]), sure) < 40


@pytest.mark.parametrize(
    ("asked", "classes", "name"),
    [("auto", "ab", "roc_auc"), ("auto", "abc", "log_loss"), ("auto", "", "r2"), ("mae", "", "mae")],
)
def test_metric_is_chosen_by_task_or_as_asked(asked, classes, name):
    assert metrics.choose(asked, classes).name == name


@pytest.mark.parametrize(
    ("asked", "classes", "target"),
    [
        ("roc_auc", "abc", "classification with 3 classes"),
        ("r2", "ab", "classification with 2"),
        ("speed", "", "regression"),
    ],
)
def test_metric_that_does_not_fit_is_refused_with_those_that_do(asked, classes, target):
    with pytest.raises(SettingsError, match=f"'{asked}' does not fit a {target}(.|\n)*Allowed: auto, "):
        metrics.choose(asked, classes)


@pytest.mark.parametrize("of_each", [1, 10], ids=["rows", "ten rows of each group say no more than the groups do"])
def test_interval_is_as_wide_as_the_theory_says(of_each):
    right = np.repeat(np.tile([True, False], 500 // of_each), of_each)  # 95 % within 1.96 standard errors
    groups = pd.Series(np.arange(1000) // of_each) if of_each > 1 else None

    accuracy, right = metrics.ANY_CLASSES["accuracy"], metrics.Predictions(right)
    low, high = accuracy.interval(np.ones(1000, bool), right, groups=groups, repeats=2000)

    assert high - low == pytest.approx(2 * 1.96 * np.sqrt(0.25 / (1000 / of_each)), rel=0.08)
    assert (low + high) / 2 == pytest.approx(0.5, abs=0.01)
    half = metrics.Predictions(np.tile([True, False], 500))
    assert of_each == 1 or accuracy.interval(np.ones(1000, bool), half, groups=groups) == (0.5, 0.5), "whole groups"


def test_interval_leaves_out_resamples_with_one_class_and_is_the_same_each_time():
    low, high = metrics.TWO_CLASSES["roc_auc"].interval(TRUTH, TWO)

    assert 0 <= low < high <= 1
    assert metrics.TWO_CLASSES["roc_auc"].interval(TRUTH, TWO) == (low, high)


@pytest.mark.parametrize(("name", "shift"), [("mae", 1.0), ("rmse", 1.0), ("r2", 0.03)])
def test_gain_is_above_zero_for_the_better_one_whichever_way_the_metric_runs(name, shift):
    truth = np.linspace(0, 10, 100)
    good, bad = metrics.Predictions(truth + 1), metrics.Predictions(truth + 2)

    low, high = metrics.NUMBERS[name].gain(truth, good, bad)
    worse = metrics.NUMBERS[name].gain(truth, bad, good)

    assert shift - 1e-9 <= low <= high
    assert worse == pytest.approx((-high, -low))


def test_constant_answer_is_the_most_frequent_class_with_the_shares_or_the_mean_or_the_median():
    classes = metrics.constant(np.array(["no", "yes", "no", "no"]), ("no", "yes"), 2)
    amounts = metrics.constant(np.array([1.0, 3.0]), (), 2)
    by_median = metrics.constant(np.array([0.0, 0.0, 9.0]), (), 1, "mae")

    assert classes.values.tolist() == ["no", "no"]
    assert classes.probabilities.tolist() == [[0.75, 0.25]] * 2
    assert amounts.values.tolist() == [2.0, 2.0] and by_median.values.tolist() == [0.0]


def test_area_under_the_curve_is_that_of_scikit_learn_ties_included_and_none_for_one_class():
    random = np.random.default_rng(0)
    for decimals in range(1, 9):
        yes, probability = random.random(200) < 0.3, random.random(200).round(decimals)

        assert metrics.roc_auc(yes, probability) == pytest.approx(roc_auc_score(yes, probability), abs=1e-14)
    assert np.isnan(metrics.roc_auc(np.ones(3, dtype=bool), np.ones(3)))
