import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier

from data_science_project import pipeline, predict
from data_science_project.engine.modelling import confidence, metrics, threshold
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import SettingsError
from data_science_project.engine.runs import loading, registry

DATA = settings.Data("table.csv", "y")
CLASSES = ("no", "yes")


def asked(*, false_positive=1.0, false_negative=1.0, balance=False):
    costs = settings.Predict(cost_false_positive=false_positive, cost_false_negative=false_negative)
    return settings.Settings(DATA, train=settings.Train(balance=balance), predict=costs)


def honest(size=4000):
    """Calibrated probabilities of "yes", and the truth."""
    random = np.random.default_rng(0)
    probability = random.beta(0.7, 2.0, size)
    truth = np.where(random.random(size) < probability, "yes", "no").astype(object)
    table = np.column_stack([1 - probability, probability])
    return truth, metrics.Predictions(np.asarray(CLASSES)[table.argmax(axis=1)], table, CLASSES)


@pytest.mark.parametrize("metric", ["roc_auc", "log_loss", "accuracy"])
@pytest.mark.parametrize(("costs", "level"), [((1, 4), 0.2), ((4, 1), 0.8), ((0.1, 0.3), 0.25), ((7, 7), 0.5)])
def test_threshold_is_where_both_mistakes_cost_the_same(metric, costs, level):
    found = threshold.rule(asked(false_positive=costs[0], false_negative=costs[1]), metric, CLASSES)

    assert found.threshold(*honest()) == pytest.approx(level)
    assert found.is_half == (level == 0.5), "then the more probable class is the answer"


def test_searched_threshold_finds_what_the_formula_says_where_probabilities_are_honest():
    by_formula, weighted = (asked(false_negative=4.0, balance=balance) for balance in (False, True))

    levels = [threshold.rule(one, "roc_auc", CLASSES).threshold(*honest()) for one in (by_formula, weighted)]

    assert levels[1] != levels[0] and levels[1] == pytest.approx(levels[0], abs=0.08)  # the minimum is flat


@pytest.mark.parametrize("metric", ["f1", "f1_macro", "balanced_accuracy"])
def test_threshold_for_a_metric_is_better_by_it_than_one_half(metric):
    truth, answers = honest()

    level = threshold.rule(asked(), metric, CLASSES).threshold(truth, answers)

    measure = metrics.TWO_CLASSES[metric].compute
    assert measure(truth, threshold.decide(answers, level)) > measure(truth, answers) + 0.01


@pytest.mark.parametrize(("classes", "words"), [((), "numbers"), (("a", "b", "no"), "3 classes"), (CLASSES, "")])
def test_costs_or_a_positive_class_for_anything_but_two_classes_are_refused(classes, words):
    with pytest.raises(SettingsError, match=r"\[train\] positive = 'maybe' is not one of two classes"):
        threshold.positive_last(classes, "maybe")
    if words:
        with pytest.raises(SettingsError, match=f"the target has {words}"):
            threshold.rule(asked(false_negative=2.0), "r2", classes)


def test_positive_class_is_put_last():
    assert threshold.positive_last(("no", "yes"), "") == ("no", "yes")
    assert threshold.positive_last(("no", "yes"), "no") == ("yes", "no")
    assert threshold.positive_last((False, True), "false") == (True, False)
    assert threshold.positive_last((0, 1), "0") == (1, 0)


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


def test_costs_train_a_model_that_keeps_its_threshold_and_is_scored_by_it(project, caplog):
    (before,) = registry.folders(project)
    pipeline.make(settings.load(project.root, ["predict.error_rate=0.2"]), "train")
    assert registry.folders(project) == [before]
    assert type(loading.load(before).model).__name__ == "Calibrated"

    folder = pipeline.make(settings.load(project.root, ["predict.cost_false_negative=9"]), "train")[0].parent
    predict.run(project, folder=folder, input=None, output=project.root / "out.csv")

    found, record = pd.read_csv(project.root / "out.csv"), registry.read(folder)
    held = pd.read_parquet(folder / confidence.HELD_OUT)
    assert record["model"]["threshold"] == pytest.approx(0.1) and record["model"]["positive"] == "yes"
    assert (found["prediction"] == np.where(found["probability_yes"] >= 0.1, "yes", "no")).all()
    given = np.where(found["prediction"] == "yes", found["probability_yes"], found["probability_no"])
    assert (found["probability"] == given).all()
    assert "decides by the costs it was trained with, 1 and 9, not by 1 and 1" in caplog.text
    assert record["metrics"]["dev"]["accuracy"] == pytest.approx((held["truth"] == held["prediction"]).mean())
    assert (held["prediction"] == "yes").mean() > 0.6


def test_other_positive_class_turns_precision_and_costs_round(project):
    overrides = ['train.positive="no"', "predict.cost_false_negative=9"]

    record = registry.read(pipeline.make(settings.load(project.root, overrides), "train")[0].parent)
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


@pytest.mark.parametrize(
    ("predict", "costs"), [({}, (1, 1)), ({"predict": {}}, (1, 1)), ({"predict": {"cost_false_negative": 5.0}}, (1, 5))]
)
def test_run_from_before_there_were_costs_counts_both_mistakes_alike(predict, costs):
    assert threshold.costs_of({"parameters": predict}) == costs
