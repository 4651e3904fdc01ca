import re

import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.modelling import metrics
from data_science_project.engine.report import diagnostics, fairness


def result(truth, predictions, name):
    constant = metrics.constant(truth, predictions.classes, len(truth))
    return diagnostics.Result(truth, predictions, constant, metrics.available(predictions.classes)[name], (0, 1))


def test_selection_errors_and_calibration_of_each_group_have_counts_and_intervals():
    sex = pd.DataFrame({"sex": ["f"] * 100 + ["m"] * 60 + ["x"] * 5})
    yes = np.arange(165) % 2 == 0
    on = np.where(sex["sex"] == "f", np.arange(165) % 4 == 0, True)
    chance = np.full(165, 0.4)
    answers = metrics.Predictions(yes, np.column_stack([1 - chance, chance]), (False, True))

    frame = fairness.by_group(sex, result(yes, answers, "roc_auc"), on).set_index("group")

    assert frame.index.tolist() == ["f", "m"], "five rows say nothing"
    assert frame.loc["f", "selected"].startswith("25 (25.0") and "95 %" in frame.loc["f", "selected"]
    assert frame.loc["f", "missed of 'True'"].startswith("25 (50.0")
    assert frame.loc["m", "in vain of the others"].startswith("30 (100.0")
    assert frame.loc["m", "said 'True'"].startswith("40.0") and frame.loc["m", "came true"].startswith("30 (50.0")


@pytest.mark.parametrize("classes", [(), ("a", "b", "c")])
def test_numbers_and_more_classes_are_compared_by_their_errors(classes):
    ages, truth = pd.DataFrame({"age": np.arange(200.0)}), np.random.default_rng(0).normal(size=200)
    values = truth + np.where(ages["age"] >= 150, 2.0, 0.1)
    answers, name, heading = metrics.Predictions(values), "r2", "off on average"
    if classes:
        truth = np.array(classes)[np.arange(200) % 3]
        values = np.where(ages["age"] >= 150, "a", truth)
        answers, name, heading = metrics.Predictions(values, np.full((200, 3), 1 / 3), classes), "log_loss", "wrong"

    frame = fairness.by_group(ages, result(truth, answers, name), np.zeros(200, dtype=bool))

    assert len(frame) == 4 and frame["rate"].idxmax() == 3 and "95" in frame.loc[3, heading]
    assert classes or frame.loc[3, "too high by"].startswith("2")


def test_page_compares_groups_of_a_column_that_is_called_so_and_says_what_evening_out_costs(
    make_project, made_table, caplog
):
    caplog.set_level("INFO")
    table = pd.concat([made_table] * 4, ignore_index=True).assign(sex=["f", "m", "m"] * 160, order=np.arange(480))

    path, _ = pipeline.make(make_project(table), "evaluate")

    page = path.read_text(encoding="utf-8")
    section = page.partition('<section id="fairness">')[2].partition("</section>")[0]
    least, most = re.search(r"By sex, selected: from ([\d.]+).% \([fm]\) to ([\d.]+).% \([fm]\)", section).groups()
    assert float(least) < float(most)
    assert "no model can select all alike" in section and "<td>f</td>" in section
    assert "is it so? (sensitive = ...): sex" in caplog.text


def test_groups_of_few_rows_or_that_fare_alike_have_no_range(page_about, numbers):
    numbers["y"], numbers["sex"] = np.where(numbers["x"] > 0, "yes", "no"), numbers["word"]

    page, _ = page_about(numbers)

    section = page.partition('<section id="fairness">')[2].partition("</section>")[0]
    assert "By sex: no group has 20 test rows." in section and "<table" not in section and "from" not in section


def test_page_says_nothing_of_groups_where_no_column_is_marked(evaluated):
    assert 'id="fairness"' not in evaluated[1]
