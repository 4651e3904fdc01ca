import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline, predict
from data_science_project.engine.modelling import confidence, decision, metrics
from data_science_project.engine.project import artefact, settings
from data_science_project.engine.project.errors import SettingsError
from data_science_project.engine.project.settings import Decision
from data_science_project.engine.runs import registry, track

CLASSES = ("no", "yes")
COSTS = ["decision.cost_false_positive=1", "decision.cost_false_negative=9"]
CALLS = Decision(gain_true_positive=300, cost_false_positive=10, cost_false_negative=50, success_rate=0.3)


@pytest.mark.parametrize(
    ("stated", "level"),
    [
        ({"cost_false_positive": 1, "cost_false_negative": 4}, 0.2),
        ({"cost_false_positive": 4, "cost_false_negative": 1}, 0.8),
        ({"cost_false_positive": 7, "cost_false_negative": 7}, 0.5),
        ({"cost_false_positive": 10, "gain_true_positive": 90}, 0.1),
        ({"cost_false_positive": 10, "gain_true_positive": 90, "success_rate": 0.5}, 0.2),
        ({"cost_false_positive": 10, "gain_true_positive": 10, "success_rate": 0.25}, 2.0),
    ],
)
def test_level_is_where_acting_begins_to_pay(stated, level):
    asked = Decision(**stated)
    yes = np.array([True, False])

    acting, waiting = (decision.worth(asked, yes, np.full(2, acted)) for acted in (True, False))

    assert decision.sets_a_level(asked) and decision.formula(asked) == pytest.approx(level)
    gain = acting - waiting
    assert level * gain[0] + (1 - level) * gain[1] == pytest.approx(0), "at that probability both are worth the same"


def test_worth_counts_success_acts_in_vain_and_what_was_missed_and_numbers_cost_by_the_unit_over_and_under():
    yes, acted = np.array([True, True, False, False]), np.array([True, False, True, False])
    amounts, truth = Decision(cost_over=1, cost_under=3), np.full(3, 10.0)

    assert decision.worth(CALLS, yes, acted).tolist() == pytest.approx([0.3 * 300 - 0.7 * 60, -50, -10, 0])
    assert decision.paid(amounts, truth, np.array([12.0, 9.0, 10.0])).tolist() == [2, 3, 0]


def test_level_is_searched_on_held_out_rows_where_weights_have_moved_the_probabilities():
    random = np.random.default_rng(0)
    chance = random.beta(0.7, 2.0, 20_000)
    truth = np.where(random.random(20_000) < chance, "yes", "no")
    moved = chance / (chance + 0.25 * (1 - chance))  # as if positives weighed four times as much
    said, sure = np.where(moved >= 0.5, "yes", "no"), np.maximum(moved, 1 - moved)
    asked = Decision(cost_false_positive=1, cost_false_negative=4)

    level = decision.searched(asked, pd.DataFrame({"truth": truth, "prediction": said, "probability": sure}), CLASSES)

    assert level == pytest.approx(0.5, abs=0.08) and decision.formula(asked) == 0.2


@pytest.mark.parametrize("stated", [{}, {"capacity": 100}, {"gain_true_positive": 5}, {"cost_false_positive": 5}])
def test_level_of_the_model_stays_while_costs_do_not_say_another(stated, project, folder):
    record = registry.read(folder)

    found = decision.policy(folder, record, project.settings.predict, Decision(**stated))

    assert found.level is None and found.held.equals(confidence.held_out(folder))


@pytest.mark.parametrize(
    ("classes", "stated", "words"),
    [
        ((), {"gain_true_positive": 2}, "gain_true_positive = 2, but the target has numbers.\nAllowed: for a target"),
        (("a", "b", "c"), {"cost_false_negative": 2}, "cost_false_negative = 2, but the target has 3 classes"),
        (CLASSES, {"cost_over": 2}, "cost_over = 2, but the target has 2 classes.\nAllowed: for a target of numbers"),
    ],
)
def test_gains_and_costs_that_the_target_cannot_have_are_refused(classes, stated, words):
    with pytest.raises(SettingsError) as caught:
        decision.check_decision(Decision(**stated), classes)

    assert words in str(caught.value)


def test_capacity_takes_the_most_urgent_as_far_as_acting_pays():
    urgent = np.array([0.1, 0.9, 0.4, 0.6, 0.4])

    assert decision.acted_on(Decision(capacity=3), urgent, None).tolist() == [False, True, True, True, False]
    assert decision.acted_on(Decision(capacity=3), urgent, 0.5).tolist() == [False, True, False, True, False]
    assert decision.acted_on(Decision(capacity=0.2), urgent, None).sum() == 1


def test_urgent_is_the_positive_the_surest_answer_or_the_largest_number():
    shares = np.array([[0.9, 0.1], [0.2, 0.8]])
    three = np.array([[0.2, 0.5, 0.3], [0.9, 0.1, 0.0]])

    assert decision.urgency(metrics.Predictions(np.array(["no", "yes"]), shares, CLASSES)).tolist() == [0.1, 0.8]
    assert decision.urgency(metrics.Predictions(np.array(["b", "a"]), three, ("a", "b", "c"))).tolist() == [0.5, 0.9]
    assert decision.urgency(metrics.Predictions(np.array([3.0, 5.0]))).tolist() == [3, 5]


def test_changed_decision_never_trains_again_and_the_run_answers_by_it_from_then_on(project, folder):
    before = (folder / registry.MODEL).read_bytes()
    costly = settings.load(project.root, COSTS)

    (output,) = pipeline.make(costly, "predict")
    found = pd.read_csv(output)

    assert registry.folders(project) == [folder] and (folder / registry.MODEL).read_bytes() == before
    assert (found["prediction"] == np.where(found["probability_yes"] >= 0.1, "yes", "no")).all()
    given = np.where(found["prediction"] == "yes", found["probability_yes"], found["probability_no"])
    assert (found["probability"] == given).all() and (found["probability"] < 0.5).any()


def test_error_rate_is_shown_on_answers_of_the_same_level(project, folder):
    record, options = registry.read(folder), settings.Predict(error_rate=0.3)

    found = decision.policy(folder, record, options, Decision(cost_false_positive=1, cost_false_negative=9))

    chance = decision.of_positive(confidence.held_out(folder), CLASSES)
    assert (found.held["prediction"] == np.where(chance >= 0.1, "yes", "no")).all()
    assert found.limits.least == confidence.least_probability(found.held, 0.3)


def test_run_of_old_keeps_the_threshold_in_its_model_until_a_decision_is_stated(make_project, made_table, tmp_path):
    rare = made_table.assign(answer=np.where(made_table["amount"].rank() > 95, "yes", "no"))
    project = make_project(rare, train={"candidates": ["linear"], "metric": "f1"})
    folder = pipeline.make(project, "train")[0].parent
    record = registry.read(folder)
    record["parameters"]["predict"] |= {"cost_false_positive": 1.0, "cost_false_negative": 4.0}
    del record["parameters"]["decision"]
    registry.write(folder, record)
    own = record["model"]["threshold"]

    answers = {}
    for level, overrides in ((own, []), (0.1, COSTS)):
        predict.run(settings.load(project.root, overrides), folder=folder, input=None, output=tmp_path / "out.csv")
        found = pd.read_csv(tmp_path / "out.csv")
        answers[level] = (found["prediction"] == np.where(found["probability_yes"] >= level, "yes", "no")).all()

    assert own not in (0.1, 0.5) and all(answers.values())
    assert track._load_pyfunc(str(folder)).predict(rare.head(5)).drop(columns="seen").shape == (5, 7)
    assert artefact.sha256(folder / registry.MODEL) == record["output_data"][registry.MODEL]
