import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_science_project import evaluate, pipeline
from data_science_project.engine.report import label_errors
from data_science_project.engine.runs import loading, registry


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
