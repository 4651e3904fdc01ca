import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.columns import dictionary
from data_science_project.engine.project import settings
from data_science_project.engine.report import about_scores, verdict
from data_science_project.engine.runs import listing, registry


def test_page_names_question_rows_source_candidates_and_constant_answer_and_does_not_speak_of_people(evaluated):
    _, page, record = evaluated

    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "How well can answer be predicted?" in text and "table.csv" in text and "24" in text
    assert re.search(r"always answering &#39;(yes|no)&#39; gives 0.500", page) and "interval" in page
    assert all(f"<td>{candidate}" in page for candidate in record["metrics"]["leaderboard"])
    assert "How well do people do it?" not in page


def test_page_says_why_a_blend_that_was_asked_for_is_no_candidate(project, evidence):
    about = evidence(project)
    about.record["parameters"]["train"]["blend"] = True
    scores, board, one = about.record["metrics"]["leaderboard"]["dummy"], {}, {}

    for name in ("dummy", "linear", "boosting", "blend"):
        board[name] = scores
        about.record["metrics"]["leaderboard"] = board
        one[name] = about_scores.board(about)["one"]

    assert one == {"dummy": False, "linear": False, "boosting": True, "blend": False}


def test_curve_of_one_bin_claims_nothing(project, evidence):
    about = evidence(project)
    one = replace(about.result, predictions=about.result.constant)

    assert about_scores.calibration(replace(about, result=one))["off"] is None


@pytest.mark.parametrize("classes", [[False, True], [1, 2, 3]])
def test_any_kind_of_class_is_reported(page_about, numbers, classes):
    places = pd.qcut(numbers["x"], len(classes), labels=False)

    page, record = page_about(numbers.assign(y=np.array(classes)[places]))

    assert record["metrics"]["test"]["accuracy"] > 0.5
    assert "The worst errors" in page


def test_tiny_test_split_without_one_of_the_classes_is_reported_and_one_that_the_model_never_saw_set_aside(
    page_about, dated, tmp_path
):
    dated["y"] = ["new" if row > 56 else "rare" if row % 30 < 12 and row < 48 else "often" for row in range(60)]

    page, record = page_about(dated, split={"by": "time:when"})

    assert record["metrics"]["test"]["roc_auc"] is None and record["metrics"]["test"]["interval"] is None
    assert "no row of rare" in page and "cannot be said from these rows" in page
    assert "3 rows of the class 'new'" in page and record["metrics"]["test"]["rows"] == 9
    assert record["run"] in listing.render(listing.rows(settings.load(tmp_path)))


@pytest.mark.parametrize("lone", [True, False])
def test_class_that_was_left_out_of_all_splits_is_said_to_be_never_answered(page_about, numbers, lone):
    kinds = np.where(numbers["x"] > 0, "yes", "no")

    page, _ = page_about(numbers.assign(y=np.where(lone & (numbers.index == 7), "lone", kinds)))

    assert ("in none of these: 1 row of the class 'lone', which is never answered" in page) == lone


def test_run_with_a_dummy_alone_is_no_use_and_doubts_no_label_and_the_report_says_so(page_about, numbers, tmp_path):
    page, _ = page_about(numbers.assign(y=["yes", "no"] * 45), train={"candidates": ["dummy"]})

    assert "the model is of no use as it stands" in page
    assert [len(pd.read_csv(path)) for path in tmp_path.rglob("label_errors.csv")] == [0]


def test_people_who_labelled_the_same_rows_stand_beside_the_model(make_project, made_table, report):
    turned = made_table["answer"].map({"yes": "no", "no": "yes"})
    labels = made_table["answer"].where(np.arange(120) % 4 > 0, turned).where(np.arange(120) % 5 > 0)
    project = make_project(made_table.assign(second=labels))
    pipeline.make(project, "data")
    columns = dictionary.load(project.dictionary)
    dictionary.write(project.dictionary, {**columns, "second": replace(columns["second"], role="label:ann")})
    pipeline.make(project, "train")

    page, record = report(project)

    test = pd.read_parquet(project.split("test"))
    both = test["second"].notna()
    right = (test["second"] == test["answer"])[both].mean()
    cells = re.search(r"<td>ann</td><td>the target</td><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td>", page)
    assert cells.groups() == (str(both.sum()), verdict.percent(right))
    assert "second" not in registry.columns_seen(record)
