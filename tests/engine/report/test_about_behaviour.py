"""The page tells the coefficients of `linear` as `models.py` has it, whatever a user made of it, or says why not."""

import re

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from data_science_project import evaluate, models, pipeline, train

MODEL = LogisticRegression(max_iter=500)
OWN = {
    "a tree": lambda recipe: recipe.trees(DecisionTreeClassifier(max_depth=3, random_state=0)),
    "linear behind the steps of trees": lambda recipe: recipe.trees(MODEL),
    "curves": lambda recipe: recipe.linear(MODEL, curves=True),
}


def coefficients_of(project, monkeypatch, make, candidates):
    """The section of the page of a project whose `linear` is `make(recipe)`, without tags; "" if there is none."""
    known = models.classifiers
    own = lambda recipe, settings: {**known(recipe, settings), "linear": make(recipe)}  # noqa: E731
    monkeypatch.setattr(train, "classifiers", own)
    monkeypatch.setattr(evaluate, "classifiers", own)
    page = pipeline.make(project(train={"candidates": candidates}), "evaluate")[0].read_text(encoding="utf-8")
    section = page.partition('<section id="coefficients">')[2].partition("</section>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section))


@pytest.mark.parametrize("make", OWN.values(), ids=OWN)
def test_candidate_linear_of_another_making_is_told_of_in_a_sentence(make_project, made_table, monkeypatch, make):
    full = made_table.fillna({"amount": 50, "colour": "red"})

    text = coefficients_of(lambda **how: make_project(full, **how), monkeypatch, make, ["dummy", "linear"])

    assert "cannot be told in the units of the data" in text and "recipe.linear(...)" in text
    assert "multiplies the odds" not in text


def test_candidate_linear_that_cannot_be_fitted_leaves_the_page_whole(make_project, made_table, monkeypatch):
    make = lambda recipe: recipe.linear(LogisticRegression(C=-1.0))  # noqa: E731

    text = coefficients_of(lambda **how: make_project(made_table, **how), monkeypatch, make, ["dummy", "curves"])

    assert "cannot be told in the units of the data" in text
