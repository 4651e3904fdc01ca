import copy
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data_science_project import features
from data_science_project.engine.columns import dictionary, validate
from data_science_project.engine.modelling import calibration, confidence, decision, estimators, recipe
from data_science_project.engine.runs import loading
from data_science_project.service import compiled, drawn

COLUMNS = {
    "kg": dictionary.Column(type="number", range=(0.2, 0.4), transformation="number", missing_allowed=False),
    "far": dictionary.Column(type="number", range=(-9, 9), rule="warn"),
    "count": dictionary.Column(type="integer", range=(0.5, 3.5)),
    "fast": dictionary.Column(type="boolean"),
    "street": dictionary.Column(type="category", rule="warn", transformation="target encoding"),
    "colour": dictionary.Column(type="category", values=("blue", "red")),
    "size": dictionary.Column(type="category", values=("big", "small"), rule="warn"),
    "shape": dictionary.Column(type="category", values=("long", "round"), rule="treat as missing"),
    "sent": dictionary.Column(type="datetime"),
    "note": dictionary.Column(type="text"),
    "tools": dictionary.Column(type="list", separator=";", values=("git", "sql"), rule="warn"),
    "answer": dictionary.Column(type="category", role="target"),
    "said": dictionary.Column(type="category", role="label:anna"),
}


@pytest.fixture
def run():
    """A run of a linear model of a number and a category, some cells of which are missing."""
    random = np.random.default_rng(0)
    street = pd.Series(random.choice(["high street", "low street"], 200), dtype="str").mask(random.random(200) < 0.2)
    rows = pd.DataFrame({"kg": random.uniform(0.2, 0.4, 200), "street": street})
    truth = (rows["kg"] + street.isna() / 5 + random.normal(0, 0.05, 200) > 0.3).to_numpy()
    plan = recipe.Recipe({"number": ["kg"], "target encoding": ["street"]}, "classification", 0)
    model = calibration.Calibrated(plan.linear(estimators.SteadyLogisticRegression()), 1.2).fit(rows, truth)
    return loading.Run("the run", {"task": "classification"}, model, COLUMNS, features.add_features, validate.validate)


def compared(run, damaged):
    """What is said of the road of one model compared with the answers of another."""
    made = compiled.Compiled(loading.Run(**{**vars(run), "model": damaged}), decision.Policy(confidence.Limits()))
    return drawn.difference(run, decision.Policy(confidence.Limits()), made, 300)


def test_drawn_rows_are_as_the_dictionary_says_with_odd_cells_where_its_rules_let_them_through():
    rows = drawn.drawn(COLUMNS, 1000, seed=0)

    assert list(rows) == [name for name in COLUMNS if name not in ("answer", "said")] and len(rows) == 1000
    assert rows["kg"].between(0.2, 0.4).all() and set(rows["count"].dropna()) == {1, 2, 3}
    assert set(rows["colour"].dropna()) == {"blue", "red"} and set(rows["shape"].dropna()) == {"long", "round"}
    assert set(rows["size"].dropna()) == {"big", "small", "unheard of"}
    assert not rows["far"].dropna().between(-9, 9).all()
    assert rows["tools"].str.contains("unheard of").any() and rows["note"].str.count(" ").max() > 5
    assert rows.drop(columns="kg").isna().any().all()
    pd.testing.assert_frame_equal(rows, drawn.drawn(COLUMNS, 1000, seed=0))


def test_swapped_coefficient_is_found(run):
    damaged = copy.deepcopy(run.model)
    coefficients = damaged.model_[-1].coef_
    coefficients[0, :2] = coefficients[0, 1::-1]

    assert compared(run, damaged).startswith("'prediction' in ")


def test_missing_cell_that_an_encoder_does_not_know_is_found(run):
    damaged = copy.deepcopy(run.model)
    encoder = damaged.model_[0].named_transformers_["target encoding"][0]
    encoder.categories_[0] = np.array([*encoder.categories_[0][:-1], "another street"], dtype=object)

    assert "'probability' in " in compared(run, damaged)


def test_last_bit_of_one_number_is_found(run):
    damaged = copy.deepcopy(run.model)
    damaged.temperature = float(np.nextafter(damaged.temperature, 2))

    assert "'probability_False' in " in compared(run, damaged)


def test_rows_that_one_of_the_roads_does_not_answer_are_a_difference(run):
    def failing(rows):
        raise ZeroDivisionError("no such rate")

    named = loading.Run(**{**vars(run), "add_features": failing})
    made = compiled.Compiled(run, decision.Policy(confidence.Limits()))

    said = drawn.difference(named, decision.Policy(confidence.Limits()), made)
    assert said == "drawn rows are not answered: ZeroDivisionError: no such rate"


def test_slow_road_is_compared_on_fewer_rows(run, monkeypatch):
    monkeypatch.setattr(drawn, "MOST_SECONDS", 0.0)
    damaged = copy.deepcopy(run.model)
    damaged.model_[-1].intercept_ += 1.0

    assert "of 100 drawn rows" in compared(run, damaged)
    assert compared(run, run.model) == ""


def test_dates_are_compared_with_seconds_and_without(run):
    made, sent = compiled.Compiled(run, decision.Policy(confidence.Limits())), []

    def answer(cells):
        sent.append(cells["sent"])
        return made.answer(cells)

    drawn.difference(run, decision.Policy(confidence.Limits()), SimpleNamespace(known=made.known, answer=answer), 300)

    assert {len(one) for one in sent if one} == {len("2026-01-31T00:00"), len("2026-01-31T10:20:30")}


def test_columns_and_numbers_and_words_are_compared():
    table = pd.DataFrame({"prediction": ["a", "b"], "probability": [0.5, np.nan]})

    assert drawn.differing(table, table) == ""
    fewer = drawn.differing(table[["prediction"]], table)
    assert fewer.startswith("the columns of the answers are ['prediction'], not")
    assert drawn.differing(table.assign(prediction=["a", "c"]), table) == "'prediction' in 1 of 2 drawn rows"
    assert drawn.differing(table.assign(probability=[0.5, 0.1]), table) == "'probability' in 1 of 2 drawn rows"
    assert drawn.differing(table.assign(probability=[0.0, 0.1]), table.assign(probability=[-0.0, 0.1])) != ""
