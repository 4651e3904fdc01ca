from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from data_science_project.engine.modelling.question import Question, hold_out, predict, refusal


def test_held_out_rows_are_predicted_by_a_model_that_has_not_seen_them():
    random, half = np.random.default_rng(0), np.arange(100)
    rows = pd.DataFrame({"x": random.normal(size=200)})
    truth = random.choice(np.array(["no", "yes"], dtype=object), 200)
    asked = Question(rows, truth, "classification", ("no", "yes"), [(half, half + 100)])

    predictions = hold_out(KNeighborsClassifier(1), asked)  # it knows by heart what it has seen

    assert asked.held_out.tolist() == truth[100:].tolist()
    assert (asked.held_out == predictions.values).mean() == pytest.approx(0.5, abs=0.15)


def test_class_that_a_model_has_not_seen_gets_probability_zero():
    model = KNeighborsClassifier(1).fit(pd.DataFrame({"x": [0.0, 1.0]}), ["a", "c"])

    predictions = predict(model, pd.DataFrame({"x": [0.9]}), ("a", "b", "c"))

    assert predictions.probabilities.tolist() == [[0, 0, 1]] and predictions.values.tolist() == ["c"]


@pytest.mark.parametrize(("labels", "rows"), [("abcdefghij", 80), ("ab", 1)])
def test_early_stopping_that_finds_too_few_rows_of_a_class_is_said_with_its_cause(labels, rows):
    truth = [*(labels * rows)[:80], *("z" * (rows == 1))]
    with pytest.raises(ValueError) as caught:
        HistGradientBoostingClassifier(early_stopping=True).fit(np.arange(len(truth))[:, None], truth)

    assert refusal(caught.value).endswith("and a class has too few of them for that")
    assert refusal(ValueError("test_size=7 should be smaller")) == "test_size=7 should be smaller"


def test_answers_in_single_precision_become_double_and_those_that_are_no_numbers_are_refused():
    rows, answers = pd.DataFrame({"x": np.arange(10.0)}), np.ones(10, dtype="float32")
    model = SimpleNamespace(predict=lambda rows: answers)

    assert predict(model, rows, ()).values.dtype == "float64"
    answers[5:] = np.nan
    with pytest.raises(ValueError, match="its answers to 5 of 10 rows that it had not seen are NaN or infinite"):
        predict(model, rows, ())


class Rule(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        return self

    def predict_proba(self, X):
        return np.ones((len(X), 1))


def test_candidate_that_learns_nothing_is_told_how_it_counts_as_fitted():
    with pytest.raises(ValueError) as caught:
        make_pipeline(Rule()).fit([[1], [2]], ["a", "a"]).predict_proba([[1]])

    assert refusal(caught.value).endswith(" If fit learns nothing, let it set self.fitted_ = True.")
