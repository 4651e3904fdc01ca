from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from data_science_project import evaluate, pipeline
from data_science_project.engine.modelling.metrics import Predictions
from data_science_project.engine.report import label_errors
from data_science_project.engine.runs import registry

TURNED = [3, 40, 77, 101, 150, 190]


@pytest.fixture
def flowers():
    """Three kinds that two lengths tell apart; six rows carry the wrong name, and one has none."""
    random = np.random.default_rng(0)
    kind = np.arange(240) % 3
    table = pd.DataFrame({"long": kind * 8 + random.normal(size=240), "wide": kind * 4 + random.normal(size=240)})
    table["tag"] = [f"f{row}" for row in range(240)]
    table["answer"] = np.array(["x", "y", "z"])[np.where(np.isin(np.arange(240), TURNED), (kind + 1) % 3, kind)]
    table.loc[0, "answer"] = None
    return table


@pytest.fixture
def listed(make_project, evidence):
    """The evidence of a project about a table, the path of its list, and what the page says of it."""

    def lists(table):
        project = make_project(table)
        pipeline.make(project, "train")
        about, path = evidence(project), project.root / registry.LABEL_ERRORS
        return about, path, evaluate.keep_label_errors(path, about)

    return lists


def test_turned_labels_of_train_and_dev_head_the_list_and_a_candidate_that_fails_doubts_none(listed, flowers):
    known, path, _ = listed(flowers)

    failed, about = label_errors.find(replace(known, candidates={"linear": LogisticRegression(C=-1.0)}))

    found, tested = pd.read_csv(path), set(known.test["tag"])
    turned = {f"f{row}" for row in TURNED} - tested
    head = found.head(len(turned))
    assert turned and set(head["tag"]) == turned and not set(found["tag"]) & tested
    assert (head["row"] == head["tag"].str[1:].astype(int) + 2).all(), "as in the file"
    assert head["suggested"].tolist() == [np.array(["x", "y", "z"])[int(tag[1:]) % 3] for tag in head["tag"]]
    assert found["probability_of_given"].is_monotonic_increasing
    assert failed.empty and about["candidate"] == "dummy"


def test_list_holds_no_formula_and_one_with_verdicts_stays(listed, flowers):
    names = {"x": "=1+1", "y": "@y", "z": "z"}
    known, path, _ = listed(flowers.assign(answer=flowers["answer"].map(names), tag="=" + flowers["tag"]))
    before = pd.read_csv(path, dtype=str)
    looked_at = before[before["given"].str.startswith("'")].head(1)
    before.assign(verdict=pd.Series("right, I looked", looked_at.index)).to_csv(path, index=False)
    worked_on = path.read_bytes()

    evaluate.keep_label_errors(path, known)

    assert path.read_bytes() == worked_on
    assert before["tag"].str.startswith("'=").all() and not before["given"].str.match("[=@]").any()


@pytest.mark.parametrize(("text", "worked"), [("row,verdict\n5,\n", False), ("row;verdict\n5;wrong\n", True)])
def test_list_counts_as_worked_on_with_a_verdict_or_in_another_form(tmp_path, text, worked):
    path = tmp_path / "label_errors.csv"
    path.write_text(text)

    assert label_errors.worked_on(path) is worked


def test_number_far_from_its_like_is_listed_and_an_honest_spread_is_not():
    random = np.random.default_rng(0)
    predicted = random.uniform(10, 1000, 500)
    truth = predicted * random.normal(1, 0.1, 500)  # the larger, the farther off
    truth[[7, 9]] *= 10

    found = label_errors.wrong_numbers(truth, Predictions(predicted), pd.DataFrame())

    assert set(found["position"]) == {7, 9}
    assert found["off_by"].tolist() == (truth - predicted)[found["position"]].tolist()
    four = np.arange(100) + np.where(np.arange(100) < 4, 40.0, 1.0)  # of ten that are alike
    found = label_errors.wrong_numbers(four, Predictions(np.arange(100.0)), pd.DataFrame())
    assert found["position"].tolist() == [0, 1, 2, 3]


def test_number_is_compared_with_rows_that_lack_the_same_cells():
    random = np.random.default_rng(0)
    predicted = random.uniform(100, 200, 2000)
    gaps = pd.DataFrame({"invoice": random.random(2000) < 0.3, "heat": random.random(2000) < 0.1})
    spread = np.where(gaps["invoice"], 10, 0.1) * np.where(gaps["heat"], 5, 1)
    truth = predicted + random.normal(0, spread)
    truth[np.flatnonzero(~gaps["invoice"])[0]] += 60

    alike = label_errors.wrong_numbers(truth, Predictions(predicted), gaps)

    assert alike["position"].tolist() == [int(np.flatnonzero(~gaps["invoice"])[0])]


def test_largest_of_amounts_that_lie_on_a_line_are_not_doubted(listed):
    x = np.random.default_rng(0).uniform(0, 100, 300).round(2)
    x[:4] = [110, 130, 160, 200]

    about, _, _ = listed(pd.DataFrame({"x": x, "answer": 5 * x + 3}))

    assert label_errors.find(about)[0].empty


@pytest.mark.once
def test_no_label_is_doubted_where_a_column_tells_a_part_of_the_rows(make_project, caplog):
    caplog.set_level("INFO")
    random = np.random.default_rng(3)
    yes = random.random(600) < 0.3
    fee = np.where(yes & (random.random(600) < 0.9), random.gamma(2, 40, 600).round(2), 0.0)
    rows = pd.DataFrame({"x": random.normal(size=600), "fee": fee, "answer": np.where(yes, "yes", "no")})

    page = pipeline.make(make_project(rows), "evaluate")[0].read_text(encoding="utf-8")

    assert "contradicts the label" not in page + caplog.text
    assert "A part of the rows is told by &#39;fee&#39; (see" in page


@pytest.mark.once
@pytest.mark.parametrize("wrong", [True, False])
def test_column_that_tells_some_rows_of_two_classes_silences_the_doubts_about_these_alone(listed, wrong):
    random = np.random.default_rng(4)
    kind = random.choice(list("aaabbbcccde"), 600)
    mark = pd.Series(kind).map({"d": 1, "e": 2}).where(random.random(600) < 0.8).fillna(0)
    place = pd.Series(kind).map({"a": 0, "b": 6, "c": 12, "d": 0, "e": 6}) + random.normal(size=600)
    given = np.where(wrong & (mark == 0) & (random.random(600) < 0.1), random.choice(list("abc"), 600), kind)

    _, _, about = listed(pd.DataFrame({"place": place, "mark": mark, "answer": given}))

    assert about["leaks"] == "'mark'" and about["n"] > 10
    assert about["weak"] == about["stand_out"] == (not wrong)


def turned(random, x):
    """Two classes, an eighth of whose labels are wrong: the best of models explains less than half of them."""
    return np.where((x > 0) ^ (random.random(len(x)) < 0.12), "yes", "no"), x


def hard(random, x):
    return np.where(x + random.normal(0, 1.5, len(x)) > 0, "yes", "no"), x


def grades(random, x):
    """Five, of which a column tells one row in three, and between two neighbours nothing."""
    grade = random.integers(1, 6, len(x))
    return np.array(list("abcdef"))[grade], 2 * grade + random.integers(-1, 2, len(x))


@pytest.mark.once
@pytest.mark.parametrize(("made", "weak"), [(turned, False), (hard, True), (grades, True)])
def test_labels_are_doubted_where_they_are_wrong_and_not_where_the_rows_are_hard(listed, caplog, made, weak):
    caplog.set_level("INFO")
    random = np.random.default_rng(1)
    answer, told = made(random, random.normal(size=480))

    _, path, about = listed(pd.DataFrame({"x": told, "answer": answer}))

    assert about["weak"] == weak and not about["leaks"]
    assert ("contradicts the label" in caplog.text) != weak
    assert len(pd.read_csv(path)) > 10


def test_perfect_predictions_and_a_class_of_one_row_leave_nothing_to_list():
    exact, lone = np.ones(20), np.r_[np.zeros(19, dtype=int), 1]
    sure = np.column_stack([1.0 - lone, lone])

    assert label_errors.wrong_numbers(exact, Predictions(exact), pd.DataFrame()).empty
    assert label_errors.wrong_classes(lone, Predictions(lone, sure, (0, 1))).empty
