import numpy as np
import pandas as pd
import pytest

FORMULAS = {
    "sum": lambda t: t["web"] + t["shop"] + t["phone"],
    "rounded sum": lambda t: (t["web"] + t["shop"] + t["phone"]).round(),
    "difference": lambda t: t["web"] - t["shop"],
    "ratio": lambda t: t["web"] / t["shop"],
    "product": lambda t: (t["web"] * t["phone"]).round(2),
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_columns_that_the_target_was_computed_from_are_named(amounts, suspect, formula):
    (found,) = suspect(amounts.drop(columns="answer").assign(total=FORMULAS[formula]), target="total")

    assert found.kind == "answer"
    assert "web" in found.columns and "number" not in found.columns


@pytest.mark.parametrize("formula", [lambda t: t["web"] - t["shop"], lambda t: t["web"] / t["shop"] - 1.2])
def test_two_columns_that_decide_the_class_together_are_named(amounts, suspect, formula):
    (found,) = suspect(amounts.assign(answer=np.where(formula(amounts) > 0, "yes", "no")))

    assert (found.kind, set(found.columns)) == ("answer", {"web", "shop"})


@pytest.mark.parametrize(
    ("one", "other"),
    [(1e38, 1e-300), (1, 1e-310), (3e38, -3e38), (1e-323, 1)],
    ids=["ratio", "denormals", "sum", "tiny"],
)
def test_columns_whose_ratio_or_difference_no_float32_holds_are_looked_at(table, suspect, one, other):
    sizes = np.random.default_rng(1).uniform(0.5, 1, (2, 300))
    yes = np.where(sizes[0] > sizes[1], "yes", "no")

    found = suspect(table.assign(one=one * sizes[0], other=other * sizes[1], answer=yes))

    assert {suspicion.columns for suspicion in found if suspicion.kind == "answer"} <= {("one", "other")}


def test_part_of_a_date_and_word_of_a_text_that_tell_the_answer_are_named(table, suspect):
    yes = table["answer"] == "yes"
    random = np.random.default_rng(2)
    days = [f"20{random.integers(10, 26)}-{month:02d}-{random.integers(1, 28):02d}" for month in np.where(yes, 3, 8)]
    notes = [f"parcel {row} was {'returned' if told else 'kept'}" for row, told in enumerate(yes)]

    found = suspect(table.assign(day=pd.to_datetime(days), note=notes))

    assert {suspicion.columns for suspicion in found if suspicion.kind == "answer"} == {("day",), ("note",)}


def test_mean_of_the_target_by_group_is_named_and_a_forecast_that_is_right_on_average_is_not(table, suspect):
    random = np.random.default_rng(3)
    rate = (table["answer"] == "yes").groupby(np.arange(300) % 20).transform("mean")
    forecast = random.integers(1, 10, 300)
    chance = np.where(random.random(300) < forecast / 10, "yes", "no")

    (found,) = suspect(table.assign(rate=rate))

    assert found.columns == ("rate",) and "is the mean of 'answer'" in found.sentence
    assert suspect(table.assign(forecast=forecast / 10, answer=chance)) == []
