import re
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from data_science_project import evaluate, models, pipeline, train
from data_science_project.engine.modelling import recipe
from data_science_project.engine.project import settings
from data_science_project.engine.report import about_behaviour, label_errors
from data_science_project.engine.runs import registry


def test_candidate_linear_that_cannot_be_told_or_fitted_leaves_the_page_whole(make_project, monkeypatch, evidence):
    known = models.classifiers
    tree = DecisionTreeClassifier(max_depth=3, random_state=0)
    own = lambda recipe, settings: {**known(recipe, settings), "linear": recipe.trees(tree)}  # noqa: E731
    for module in (train, evaluate):
        monkeypatch.setattr(module, "classifiers", own)
    project = make_project(train={"candidates": ["dummy"]})

    page = pipeline.make(project, "evaluate")[0].read_text(encoding="utf-8")
    plan = recipe.Recipe({"number": ["amount"]}, "classification", 0)
    unfit = replace(evidence(project), candidates={"linear": plan.linear(LogisticRegression(C=-1.0))})

    assert about_behaviour.linear(unfit) == {"untold": True}
    section = page.partition('<section id="coefficients">')[2].partition("</section>")[0]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section))
    assert "cannot be told in the units of the data" in text and "recipe.linear(...)" in text
    assert "multiplies the odds" not in text


def test_odds_of_the_report_are_those_of_the_positive_class(project, evidence):
    other = settings.load(project.root, ["train.positive=no"])
    pipeline.make(other, "train")

    found = about_behaviour.linear(evidence(other))["table"]

    place = [name for name, _ in found["head"]].index("factor")
    odds = next(row for row in found["rows"] if row[0] == "amount")[place]
    assert float(odds.strip("×\u00a0")) < 1  # a large one goes with yes


def test_column_that_costs_most_but_not_clearly_is_told_beside_the_clear_ones(project, evidence):
    about, losses = evidence(project), {"column": ["amount", "shop", "note"], "loss": [1.2, 0.3, 0.0]}
    about.__dict__["importances"] = pd.DataFrame({**losses, "spread": [0.9, 0.01, 0.1]})
    found = about_behaviour.leaning(about)
    about.__dict__["importances"] = pd.DataFrame({**losses, "spread": 0.01})
    clear = about_behaviour.leaning(about)

    assert (found["names"], found["unsure"]) == ("shop", [["amount", 1.2, 0.9]])
    assert (clear["names"], clear["unsure"]) == ("amount, shop", [])
    bars = [label.get_text() for label in found["figures"]["importance"].axes[0].get_yticklabels()]
    assert bars == ["shop", "amount"]


def test_report_of_a_split_by_group_keeps_groups_whole(make_project, made_table, evidence):
    table = pd.concat([made_table.sample(frac=1, random_state=seed) for seed in range(4)])
    fields = [f"field {row // 24}" for row in range(len(table))]
    turned = np.where((table["amount"] > 50) ^ (np.arange(len(table)) % 15 == 0), "yes", "no")
    project = make_project(table.assign(field=fields, answer=turned), split={"by": "group:field"})

    page = pipeline.make(project, "evaluate")[0].read_text(encoding="utf-8")

    about = evidence(project)
    asked = about.question
    alone, _ = label_errors.find(replace(about, question=replace(asked, groups=None)))
    kept = pd.read_csv(project.root / "reports" / about.run.name / registry.LABEL_ERRORS)
    assert kept["probability_of_given"].tolist() != alone["probability_of_given"].tolist()
    assert asked.groups.tolist() == asked.rows["field"].tolist()
    by_rows = replace(about, result=replace(about.result, groups=None))
    assert about.importances["spread"].tolist() != by_rows.importances["spread"].tolist()
    assert "rows, whole groups at a time" in page
    assert "bootstrap over whole groups" in page
    assert "too few rows to cut them" in page, "of four groups, though of 96 rows"


def test_columns_that_say_nothing_are_named_on_one_page_in_twenty_whatever_their_number():
    random = np.random.default_rng(0)
    pages = [pd.DataFrame({"loss": random.normal(size=30), "spread": 1.0}) for _ in range(400)]
    told = pd.DataFrame({"loss": [5.0, 0.1], "spread": 1.0})

    named = np.mean([len(about_behaviour.not_by_chance(page)) > 0 for page in pages])

    assert 0.01 < named < 0.1 and about_behaviour.not_by_chance(told)["loss"].tolist() == [5.0]
