"""The page tells the coefficients of `linear` as `models.py` has it, whatever a user made of it, or says why not."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from data_science_project import evaluate, models, pipeline, train
from data_science_project.engine.report import label_errors
from data_science_project.engine.runs import loading, registry

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


def test_odds_of_the_report_are_those_of_the_positive_class(made_table, make_project):
    pages = {}
    for positive in ("yes", "no"):
        project = make_project(made_table, train={"positive": positive, "candidates": ["dummy", "linear"]})
        (page, _) = pipeline.make(project, "evaluate")
        section = page.read_text().partition('id="coefficients"')[2]
        pages[positive] = float(re.search(r">amount</td>.*?×\s*([\d.e+-]+)", section, re.DOTALL)[1])

    assert pages["yes"] > 1 > pages["no"]
    assert pages["yes"] * pages["no"] == pytest.approx(1, rel=0.02)


def test_report_of_a_split_by_group_keeps_groups_whole(make_project, made_table):
    table = pd.concat([made_table.sample(frac=1, random_state=seed) for seed in range(4)])
    fields = [f"field {row // 24}" for row in range(len(table))]
    turned = np.where((table["amount"] > 50) ^ (np.arange(len(table)) % 15 == 0), "yes", "no")
    project = make_project(table.assign(field=fields, answer=turned), split={"by": "group:field"})

    page = pipeline.make(project, "evaluate")[0].read_text(encoding="utf-8")

    run = loading.load(registry.folders(project)[0])
    asked = evaluate.learned_from(project, run)
    alone, _ = label_errors.find(
        project, run.record, replace(asked, groups=None), evaluate.candidates(project, run.record, asked)
    )
    kept = pd.read_csv(project.root / "reports" / run.name / registry.LABEL_ERRORS)
    assert kept["probability_of_given"].tolist() != alone["probability_of_given"].tolist()
    assert asked.groups.tolist() == asked.rows["field"].tolist()
    assert "rows, whole groups at a time" in page
    assert "bootstrap over whole groups" in page
    assert "too few groups to say" in page and "clearly worse</td>" not in page
