from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.modelling import metrics
from data_science_project.engine.report import diagnostics

from .conftest import answers

ACCURACY = metrics.TWO_CLASSES["accuracy"]


def measured(truth):
    """A result of the accuracy, of which only the truth counts, shape (n_rows,)."""
    some = answers(np.zeros(len(truth)))
    return diagnostics.Result(truth, some, some, ACCURACY, (0.0, 1.0))


def test_confusion_counts_truth_by_row_and_shares_are_recall_precision_and_the_most_frequent_error():
    counts = diagnostics.confusion(np.array(["no", "no", "no", "yes"]), answers([0.1, 0.1, 0.9, 0.9]))

    table = diagnostics.by_class(counts).set_index("class")

    assert counts.to_numpy().tolist() == [[2, 1], [0, 1]]
    assert table["found"].to_dict() == pytest.approx({"no": 2 / 3, "yes": 1.0})
    assert table["right"].to_dict() == {"no": 1.0, "yes": 0.5}
    assert table["taken_for"].to_dict() == {"no": "yes", "yes": ""}


def test_reliability_counts_every_row_and_its_interval_holds_the_share():
    random = np.random.default_rng(0)
    probability = random.random(500)

    table = diagnostics.reliability(np.where(random.random(500) < probability, "yes", "no"), answers(probability))

    assert table["rows"].sum() == 500 and len(table) == 10
    assert ((table["low"] <= table["came_true"]) & (table["came_true"] <= table["high"])).all()
    assert (table["predicted"] - table["came_true"]).abs().max() < 0.2


def test_no_bin_of_the_reliability_is_so_small_that_it_says_nothing():
    probability = np.concatenate([np.full(90, 0.1), np.linspace(0.2, 0.95, 28)])

    table = diagnostics.reliability(np.where(probability > 0.5, "yes", "no"), answers(probability))

    assert table["rows"].tolist() == [90, 28]
    assert diagnostics.reliability(np.array(["no"] * 5), answers([0.1] * 5))["rows"].tolist() == [5]


def test_words_of_a_table_stand_in_the_order_of_the_dictionary_and_others_behind_them():
    table = pd.DataFrame({"value": ["High", "Low", "Middle", "Odd"], "yes": [0.9, 0.1, 0.5, 0.2]})

    found = diagnostics.in_order(table, ("Low", "Middle", "High"))

    assert found.to_numpy().tolist() == [["Low", 0.1], ["Middle", 0.5], ["High", 0.9], ["Odd", 0.2]]
    assert diagnostics.in_order(table, None).equals(table)


def test_luck_of_a_few_groups_is_in_the_spread_of_an_importance():
    group = np.repeat(np.arange(20), 20)
    rows = pd.DataFrame({"ward": np.where(group % 2 == 0, 0.9, 0.1)})
    truth = np.where((rows["ward"] > 0.5) == (group < 13), "yes", "no")

    alone = measured(truth)
    of_rows, of_groups = (
        next(diagnostics.importances(lambda frame: answers(frame["ward"]), rows, known, columns=["ward"]))
        for known in (alone, replace(alone, groups=pd.Series(group)))
    )

    assert of_rows["loss"] > 2 * of_rows["spread"]
    assert of_groups["loss"] < 2 * of_groups["spread"]
    assert diagnostics.too_narrow(2) == pytest.approx(12.706 * 2**0.5 / 1.96, rel=1e-3), "t for 97.5 % of two"


def test_worst_errors_are_the_wrong_rows_with_the_least_given_to_the_truth_or_the_largest_in_either_direction():
    truth = np.array(["yes", "yes", "no", "yes", "no"])

    classes = diagnostics.worst_errors(truth, answers([0.4, 0.01, 0.95, 0.9, 0.1]))
    numbers = diagnostics.worst_errors(np.zeros(4), metrics.Predictions(np.array([1.0, -9.0, 3.0, 0.0])), limit=2)

    assert classes["position"].tolist() == [1, 2, 0]
    assert classes["of_truth"].tolist() == pytest.approx([0.01, 0.05, 0.4])
    assert numbers["position"].tolist() == [1, 2] and numbers["error"].tolist() == [-9.0, 3.0]


def test_column_that_the_answer_uses_even_one_named_self_is_important_and_others_are_not():
    rows = pd.DataFrame({"self": np.linspace(0, 1, 200), "idle": np.linspace(1, 0, 200)})
    known, before = measured(np.where(rows["self"] > 0.5, "yes", "no")), rows.copy()

    found = diagnostics.importances(lambda frame: answers(frame["self"]), rows, known, columns=list(rows))

    found = pd.DataFrame(list(found)).set_index("column")
    assert found.loc["self", "loss"] > 0.3 and rows.equals(before)
    assert found.loc["idle", "loss"] == 0 and found.loc["idle", "spread"] == 0


def test_wide_table_is_narrowed_to_the_columns_that_go_with_the_answers_which_are_ranked_once(monkeypatch):
    rows = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 60))).add_prefix("c")
    rows["word"] = np.where(rows["c7"] > 0, "up", "down")
    ranked, nlargest = [], pd.Series.nlargest
    monkeypatch.setattr(pd.Series, "nlargest", lambda *given: ranked.append(given) or nlargest(*given))

    kept = diagnostics.strongest_related(rows, answers(1 / (1 + np.exp(-rows["c7"]))), limit=2)

    assert kept == ["c7", "word"] and len(ranked) == 1


@pytest.mark.parametrize("column", ["self", "word", "flag"])
def test_dependence_follows_the_answer_of_the_model(column):
    rows = pd.DataFrame({"self": np.linspace(0, 1, 50), "word": ["a", "b"] * 25, "flag": [True, False] * 25})

    table = diagnostics.dependence(lambda frame: answers(frame[column].replace({"a": 0, "b": 1})), rows, column)

    assert table["yes"].is_monotonic_increasing
    assert table["yes"].iloc[-1] - table["yes"].iloc[0] > 0.9


def test_columns_that_go_together_are_listed_together_words_and_numbers():
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"tenure": random.normal(size=300), "free": random.normal(size=300), "same": 1.0})
    rows["total"] = rows["tenure"] + random.normal(0, 0.3, 300)
    rows["band"] = np.where(rows["tenure"] > 0, "old", "new")

    found = diagnostics.together(rows, metrics.Predictions(rows["tenure"].to_numpy()))

    assert found == [["tenure", "total", "band"]]


def test_what_came_true_stands_at_each_value_where_there_are_rows_enough():
    values = pd.Series([1.0] * 30 + [2.0] * 30 + [9.0] * 3 + [np.nan] * 5)
    truth = np.array(["yes"] * 30 + ["no"] * 15 + ["yes"] * 15 + ["no"] * 8, dtype=object)
    curve = pd.DataFrame({"value": [1.0, 2.0, 9.0], "no": 0.5, "yes": 0.5})
    words = curve.assign(value=["a", "b", "c"])

    of_numbers = diagnostics.observed(truth, values, curve)
    of_words = diagnostics.observed(truth, values.map({1.0: "a", 2.0: "b", 9.0: "c"}), words)

    assert of_numbers["value"].tolist() == [1.0, 2.0] and of_numbers["yes"].tolist() == [1.0, 0.5]
    assert of_words["value"].tolist() == ["a", "b"] and of_words.index.tolist() == [0, 1]
    amount = diagnostics.observed(np.arange(68.0), values, pd.DataFrame({"value": [1.0, 2.0], "prediction": 0.0}))
    assert amount["prediction"].tolist() == [14.5, np.arange(30.0, 63).mean()]
