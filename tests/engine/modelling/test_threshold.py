from dataclasses import replace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from data_science_project import pipeline
from data_science_project.engine.modelling import metrics, threshold
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import SettingsError
from data_science_project.engine.runs import registry

CLASSES = ("no", "yes")


def honest(size=4000):
    """Calibrated probabilities of "yes", and the truth."""
    random = np.random.default_rng(0)
    probability = random.beta(0.7, 2.0, size)
    truth = np.where(random.random(size) < probability, "yes", "no").astype(object)
    table = np.column_stack([1 - probability, probability])
    return truth, metrics.Predictions(np.asarray(CLASSES)[table.argmax(axis=1)], table, CLASSES)


@pytest.mark.parametrize(
    ("metric", "classes"), [("roc_auc", CLASSES), ("accuracy", CLASSES), ("f1_macro", ("a", "b", "c"))]
)
def test_more_probable_class_is_the_answer_where_the_metric_wants_nothing_else(metric, classes):
    truth, answers = honest()

    assert threshold.best(metric, truth, replace(answers, classes=classes)) == 0.5


@pytest.mark.parametrize("metric", ["f1", "f1_macro", "balanced_accuracy"])
def test_threshold_for_a_metric_is_better_by_it_than_one_half(metric):
    truth, answers = honest()

    level = threshold.best(metric, truth, answers)

    measure = metrics.TWO_CLASSES[metric].compute
    assert measure(truth, threshold.decide(answers, level)) > measure(truth, answers) + 0.01
    assert level not in answers.probabilities, "between two rows"


@pytest.mark.parametrize("classes", [(), ("a", "b", "no"), CLASSES])
def test_positive_class_that_is_none_of_two_is_refused(classes):
    with pytest.raises(SettingsError, match=r"\[train\] positive = 'maybe' is not one of two classes"):
        threshold.positive_last(classes, "maybe")


@pytest.mark.parametrize(
    ("classes", "yes"),
    [
        (("no", "yes"), "yes"),
        (("J", "N"), "J"),
        (("Ja", "nein"), "Ja"),
        (("N", "O"), "O"),
        (("no", "sí"), "sí"),
        (("da", "nu"), "da"),
        (("nie", "tak"), "tak"),
        (("Y", "n"), "Y"),
        (("ja", "vielleicht"), "vielleicht"),
        ((0, 1), 1),
        ((False, True), True),
        (("J", "K", "N"), "N"),
    ],
)
def test_yes_is_the_positive_of_yes_and_no_in_common_languages_unless_said_otherwise(classes, yes):
    assert threshold.positive_last(classes, "")[-1] == yes
    if len(classes) == 2:
        assert threshold.positive_last(classes, str(classes[0]).lower()) == classes[::-1]


def test_answers_follow_the_threshold_whichever_class_is_positive():
    model = DummyClassifier().fit([[0]] * 4, ["no", "no", "no", "yes"])  # a quarter is "yes"
    probabilities = model.predict_proba([[0]])

    answers = {}
    for classes, level in ((CLASSES, 0.2), (CLASSES, 0.3), (CLASSES[::-1], 0.7), (CLASSES[::-1], 0.8)):
        decided = threshold.with_threshold(DummyClassifier(), level, classes).fit([[0]] * 4, ["no", "no", "no", "yes"])
        places = threshold.places(decided, probabilities)
        answers[classes[1], level] = decided.classes_[places].tolist()
        assert decided.predict([[0]]).tolist() == decided.classes_[places].tolist()

    assert answers == {("yes", 0.2): ["yes"], ("yes", 0.3): ["no"], ("no", 0.7): ["no"], ("no", 0.8): ["yes"]}


def test_other_positive_class_turns_precision_round(project):
    record = registry.read(pipeline.make(settings.load(project.root, ['train.positive="no"']), "train")[0].parent)
    plain = registry.read(registry.folders(project)[-1])

    assert record["classes"] == ["yes", "no"] and plain["classes"] == ["no", "yes"]
    assert record["metrics"]["dev"]["roc_auc"] == pytest.approx(plain["metrics"]["dev"]["roc_auc"], abs=1e-9)
    assert record["metrics"]["dev"]["average_precision"] != plain["metrics"]["dev"]["average_precision"]


def test_candidates_are_compared_each_at_its_own_threshold(make_project, made_table):
    made_table["answer"] = np.where(made_table["amount"].rank() > 95, "yes", "no")
    project = make_project(made_table, train={"candidates": ["dummy", "linear"], "metric": "f1", "balance": False})

    record = registry.read(pipeline.make(project, "train")[0].parent)

    assert record["model"]["threshold_is"] == "best f1 on the held-out rows"
    best = record["metrics"]["leaderboard"][record["model"]["name"]]
    assert best["f1"] == pytest.approx(record["metrics"]["dev"]["f1"])
