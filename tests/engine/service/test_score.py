import numpy as np
import pandas as pd
import pytest

from data_science_project.service import score

KINDS = ["new", "worn", "broken"]


def record(classes, temperature, **dev):
    """What `run.json` says of a run of these classes, chosen by the first of its scores on dev."""
    found = {"task": "classification" if classes else "regression", "classes": classes}
    return found | {"model": {"temperature": temperature}, "metrics": {"chosen_by": next(iter(dev)), "dev": dev}}


CLASSES = record(["no", "yes"], 1.0, roc_auc=0.8, accuracy=0.75)
NUMBERS = record([], None, r2=0.9, mae=1.0)
THREE = record(KINDS, 1.2, log_loss=0.8, accuracy=0.65)


def answers(seed, rows, hard=1.0):
    """Answers of a calibrated model of two classes, and what is true."""
    random = np.random.default_rng(seed)
    chance = 1 / (1 + np.exp(-random.normal(0, 2 / hard, rows)))
    table = pd.DataFrame({"probability_no": 1 - chance, "probability_yes": chance})
    table["prediction"] = np.where(chance > 0.5, "yes", "no")
    table["probability"] = np.maximum(chance, 1 - chance)
    return table.assign(truth=np.where(random.random(rows) < chance, "yes", "no"), time=1.7e9)


def kinds(seed, rows, sure=1.0):
    """Answers of a model of three classes that is so sure of what it knows, 1 is honest, and what is true."""
    random = np.random.default_rng(seed)
    known = np.exp(random.normal(0, 1.5, (rows, 3)))
    told = known**sure / (known**sure).sum(axis=1, keepdims=True)
    table = pd.DataFrame(told, columns=[f"probability_{kind}" for kind in KINDS])
    steps = np.cumsum(known / known.sum(axis=1, keepdims=True), axis=1)[:, :2]
    truth = np.array(KINDS)[(random.random((rows, 1)) > steps).sum(axis=1)]
    return table.assign(prediction=np.array(KINDS)[told.argmax(axis=1)], probability=told.max(axis=1), truth=truth)


def log_loss(rows):
    return -np.log([row[f"probability_{row['truth']}"] for _, row in rows.iterrows()]).mean()


def numbers(seed, rows, most=10.0):
    """Predictions whose errors grow with them, and what is true."""
    random = np.random.default_rng(seed)
    said = random.uniform(0, most, rows)
    return pd.DataFrame({"prediction": said, "truth": said + random.normal(0, 0.1 + said / 5, rows)})


def accuracy(rows):
    return (rows["truth"] == rows["prediction"]).mean()


@pytest.mark.parametrize("hard", [0.5, 1.0, 3.0])
def test_expected_accuracy_follows_rows_that_are_easier_or_harder_than_in_training(hard):
    rows = answers(3, 2000, hard)

    found = {one.metric: one for one in score.expected(rows, CLASSES, answers(0, 2000))}

    assert found["accuracy"].low < accuracy(rows) < found["accuracy"].high
    assert found["accuracy"].high - found["accuracy"].low < 0.09
    assert found["roc_auc"].then == 0.8 and found["roc_auc"].low < found["roc_auc"].value < found["roc_auc"].high


def test_probabilities_that_were_too_sure_of_held_out_rows_are_not_believed():
    def too_sure(rows):
        return rows.assign(truth=np.where(np.arange(len(rows)) % 3 == 0, "no", rows["truth"]))

    rows = too_sure(answers(4, 2000))

    found = {one.metric: one for one in score.expected(rows, CLASSES, too_sure(answers(0, 2000)))}

    assert found["accuracy"].high < rows["probability"].mean() - 0.02
    assert abs(found["accuracy"].value - accuracy(rows)) < 0.05


def test_answers_are_drawn_as_often_as_held_out_rows_came_true_and_those_are_few():
    said = pd.DataFrame({"probability_no": [0.3] * 1000, "probability_yes": 0.7, "prediction": "yes"})
    held = said.head(10).assign(truth=["yes"] * 9 + ["no"])

    shares = [np.mean(truth == "yes") for truth in score.labels(said, held, score.said_of(said, CLASSES), 1.0)]

    assert np.mean(shares) == pytest.approx(0.87, abs=0.02) and min(shares) < 0.7 < 0.95 < max(shares)


def test_a_model_of_all_rows_that_needs_less_temperature_than_those_of_fewer_is_not_taken_for_harder_rows():
    windows = [kinds(seed, 1000, sure=0.9) for seed in range(1, 6)]

    found = [score.expected(rows, THREE, kinds(0, 1000))[0] for rows in windows]

    off = [one.value - log_loss(rows) for one, rows in zip(found, windows, strict=True)]
    assert abs(np.mean(off)) < 0.025
    assert max(one.high - one.low for one in found) < 0.13


def test_expected_scores_hold_the_true_ones_of_windows_from_few_held_out_rows():
    inside = []
    for seed in range(0, 40, 2):
        rows = kinds(seed, 300)
        loss, right = score.expected(rows, THREE, kinds(seed + 1, 300))
        inside += [loss.low <= log_loss(rows) <= loss.high, right.low <= accuracy(rows) <= right.high]

    assert 0.85 <= np.mean(inside)


@pytest.mark.parametrize("harder", [0.5, 1.0])
def test_more_classes_than_columns_are_scored_by_the_probability_of_the_answer(harder):
    known = [f"probability_{kind}" for kind in KINDS]
    rows, held = (kinds(seed, 1000).drop(columns=known) for seed in (3, 0))
    rows = rows[rows["probability"] < rows["probability"].quantile(harder)]

    (found,) = score.expected(rows, THREE, held)

    assert found.metric == "accuracy" and found.low < accuracy(rows) < found.high


@pytest.mark.parametrize("most", [2.0, 10.0])
def test_expected_error_of_numbers_is_that_of_held_out_rows_with_such_predictions(most):
    rows = numbers(3, 2000, most)

    found = {one.metric: one for one in score.expected(rows, NUMBERS, numbers(0, 2000))}

    assert found["mae"].low < (rows["truth"] - rows["prediction"]).abs().mean() < found["mae"].high
    assert {"r2", "mae"} == set(found)
    too_low = pd.DataFrame({"prediction": np.arange(100.0), "truth": np.arange(100.0) + 5})
    assert np.allclose(next(score.numbers(np.arange(50.0), too_low)), np.arange(50) + 5)


def test_measured_score_has_an_interval_that_few_labels_widen_and_says_how_honest_the_probabilities_are():
    few, many = ({one.metric: one for one in score.measured(answers(1, rows), CLASSES)} for rows in (40, 1000))

    assert [one.rows for one in (few["accuracy"], many["accuracy"])] == [40, 1000]
    assert few["accuracy"].high - few["accuracy"].low > 3 * (many["accuracy"].high - many["accuracy"].low)
    assert many["overconfidence"].low < 0 < many["overconfidence"].high
    assert score.measured(answers(1, 0), CLASSES) == []


def test_a_few_labels_have_no_interval_and_lose_nothing():
    wrong = answers(1, 40)
    wrong["truth"] = np.where(wrong["prediction"] == "yes", "no", "yes")

    few, enough = ({s.metric: s for s in score.measured(wrong.head(rows), CLASSES)}["accuracy"] for rows in (1, 40))

    assert (few.value, few.rows) == (0.0, 1) and np.isnan([few.low, few.high]).all() and not few.lost(0.05, 0.25)
    assert enough.lost(0.05, 0.25)


def test_accuracy_in_training_is_that_of_the_answers_which_costs_of_today_give():
    rows, held = answers(1, 2000), answers(0, 2000)
    for table in (rows, held):
        table["prediction"] = np.where(table["probability_yes"] > 0.1, "yes", "no")

    found = {one.metric: one for one in score.measured(rows, CLASSES, held)}

    assert found["accuracy"].then == pytest.approx(accuracy(held)) != 0.75
    assert not found["accuracy"].lost(0.05, 0.25) and found["roc_auc"].then == 0.8


def test_without_probabilities_of_classes_what_needs_none_is_scored():
    rows = answers(1, 200).drop(columns="probability_yes")

    assert [one.metric for one in score.measured(rows, CLASSES)] == ["accuracy"]
    assert [one.metric for one in score.expected(rows, CLASSES, answers(0, 200))] == ["accuracy"]


@pytest.mark.parametrize(
    ("metric", "low", "high", "lost"),
    [
        ("accuracy", 0.70, 0.74, True),
        ("accuracy", 0.70, 0.76, False),
        ("mae", 1.3, 1.5, True),
        ("mae", 1.1, 1.5, False),
        ("overconfidence", 0.4, 0.5, False),
    ],
)
def test_score_is_lost_where_the_whole_interval_is_worse_than_is_allowed(metric, low, high, lost):
    then = 1.0 if metric == "mae" else 0.8

    assert score.Score(metric, (low + high) / 2, low, high, then, 100).lost(points=0.05, growth=0.2) == lost


def test_week_that_is_surely_worse_is_lost_whatever_older_labels_say_and_an_incident_that_is_over_is_not():
    def of(value, ends=0.03):
        return score.Score("accuracy", value, value - ends, value + ends, 0.85, 400)

    def lost(latest, week):
        return [one.value for one in score.lost([of(latest)], [of(*week)], 0.05, 0.2)]

    assert lost(0.82, (0.70,)) == [0.70], "one bad week among good ones"
    assert lost(0.70, (0.85,)) == [] == lost(0.70, (0.82,)), "a bad week before good ones"
    assert lost(0.76, (0.76, 0.2)) == [0.76], "always a little worse, which few labels of a week cannot show alone"
    assert lost(0.70, (np.nan,)) == [0.70], "no AUC of weeks without a positive"
    assert lost(0.85, (0.79, 0.2)) == lost(0.85, (0.85,)) == []
    assert score.lost([of(0.85)], [], 0.05, 0.2) == []


def test_scores_are_told_by_the_week_of_the_answer():
    rows = answers(1, 60).assign(time=1.7e9 + 7 * 86400.0 * np.repeat([0, 1, 1], 20))

    found = score.by_week(rows, CLASSES)

    assert [(monday, one.rows) for monday, one in found] == [("2023-11-13", 20), ("2023-11-20", 40)]
    assert {one.metric for _, one in found} == {"roc_auc"}
    assert score.by_week(rows.head(0), CLASSES) == []


def test_false_ones_are_counted_with_an_interval_and_none_where_there_is_nothing_to_count():
    told = pd.DataFrame({"prediction": ["a"] * 10, "truth": ["a"] * 8 + ["b"] * 2})

    (_, positives, negatives), (_, none, missed) = score.mistakes(told, ["a", "b"])

    assert (positives[:2], negatives[:2], none[:2], missed[:2]) == ((2, 10), (0, 8), (0, 0), (2, 2))
    assert 0.05 < positives[2] < 0.2 < positives[3] < 0.6 and np.isnan(none[2])
    assert score.confusion(told, ["a", "b"]) == [[8, 0], [2, 0]]
