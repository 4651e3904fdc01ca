import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.modelling import metrics
from data_science_project.engine.report import diagnostics, findings
from data_science_project.engine.runs import promote, registry

from .conftest import result as of_classes

RANDOM = np.random.default_rng(7)
SAID = RANDOM.uniform(0.05, 0.95, 400)
HONEST = np.where(RANDOM.random(400) < SAID, "yes", "no")
NUMBERS = RANDOM.normal(size=400)
SAME = {"may_have_been_seen": False, "set_aside": {}}


def of_numbers(values, truth=NUMBERS, interval=(0.7, 0.8), name="r2"):
    constant = metrics.constant(truth, (), len(truth))
    return diagnostics.Result(truth, metrics.Predictions(values), constant, metrics.NUMBERS[name], interval)


def held(errors):
    return pd.DataFrame({"truth": errors, "prediction": np.zeros(len(errors))})


def about(rows, losses, **known):
    """What findings about columns draw on: rows, and what each column of theirs costs when it is shuffled."""
    importances = pd.DataFrame({"column": list(rows), "loss": losses, "spread": 0.0})
    record = {"features": {"number": list(rows)}, "target": "y"}
    usual = {"record": record, "result": GOOD, "suspicions": [], "alone": pd.Series({"a": 0.0, "b": 0.0})}
    question = SimpleNamespace(rows=rows)
    return SimpleNamespace(**{**usual, "test": rows, "question": question, "importances": importances, **known})


def shown(found):
    return " ".join(one.text for one in found if one.weight >= 1)


GOOD = of_numbers(NUMBERS + RANDOM.normal(0, 0.5, 400))
OUTLIER = of_numbers(np.append(NUMBERS[1:] + 0.1, 60.0), np.append(NUMBERS[1:], 0.0), name="rmse", interval=(0.1, 2))


def test_finding_that_changes_less_than_the_interval_is_wide_is_not_shown_and_the_largest_comes_first(evaluated):
    _, page, _ = evaluated
    small, large, larger = (findings.Finding(str(change), change, 0.1) for change in (0.09, 0.2, 0.3))

    assert [one.weight >= 1 for one in (small, large, findings.Finding("not known"))] == [False, True, True]
    assert larger.weight > large.weight and findings.Finding("", 1.0, 0.0).weight == math.inf
    assert page.partition("<ul>")[2].partition("</ul>")[0].count("<li>") == 2, page.partition("<ul>")[2][:900]


@pytest.mark.parametrize(
    ("result", "dev", "words"),
    [
        (of_numbers(NUMBERS + RANDOM.normal(0, 0.5, 400)), 0.5, "0.500 where the model was chosen"),
        (of_numbers(NUMBERS + RANDOM.normal(0, 0.5, 400)), 0.99, "the choice was lucky"),
        (of_numbers(NUMBERS + RANDOM.normal(0, 0.5, 400), interval=(-0.1, 0.9)), 0.75, "Better than guessing is not"),
        (of_numbers(NUMBERS, interval=(np.nan, np.nan)), 1.0, "allow no interval of r2"),
        (
            of_numbers(np.append(NUMBERS[1:], 99.0)),
            0.75,
            "that r2 is made of lies in 1 row of 400, above all in number 400",
        ),
        (OUTLIER, 3.0, "is made of lies in 1 row of 400, above all in number 400: look at it"),
    ],
)
def test_score_that_says_little_is_named(result, dev, words):
    assert words in shown(findings.of_score(result, dev, 0.1, "random"))
    assert not shown(findings.of_score(GOOD, 0.75, 0.1, "random"))


@pytest.mark.parametrize(
    ("heavy", "name", "told"), [(4, "r2", True), (4, "mae", False), (0, "r2", False), (40, "r2", False)]
)
def test_few_rows_that_make_most_of_a_score_of_squares_are_counted(heavy, name, told):
    truth = NUMBERS + 50 * (np.arange(400) < heavy)

    found = findings.of_score(of_numbers(truth + RANDOM.normal(0, 0.5, 400), truth, name=name), 0.75, 9.0, "random")

    assert ("Half of the squared distances that r2 is made of lies in 3 rows of 400" in shown(found)) == told


@pytest.mark.parametrize(("by", "told"), [("stratified", False), ("time:day", True), ("group:shop", True)])
def test_rows_that_were_divided_at_random_are_not_said_to_differ_by_time_or_group(by, told):
    better, worse = (shown(findings.of_score(GOOD, dev, 0.1, by)) for dev in (0.3, 0.99))

    assert ("by time or by group" in better) == ("by time or by group" in worse) == told
    assert "saw fewer rows" in better and "the choice was lucky" in worse


def test_score_of_the_choice_has_an_interval_of_its_own():
    table = pd.DataFrame({"truth": HONEST, "prediction": np.where(SAID > 0.5, "yes", "no")})
    table["probability"] = np.maximum(SAID, 1 - SAID)
    few = table.head(50)

    of_few, of_all = (findings.width_where_chosen(of_classes(HONEST, SAID), rows) for rows in (few, table))

    assert 0 < of_all < of_few
    assert findings.width_where_chosen(GOOD, held(NUMBERS)) > 0


@pytest.mark.parametrize(("count", "words"), [(1, "none can be given"), (4, "4 test groups (shop), too few"), (40, "")])
def test_few_groups_make_an_interval_too_narrow(count, words):
    groups = pd.Series(np.arange(400) % count, name="shop")

    found = shown(findings.of_units(replace(GOOD, groups=groups)))

    assert words in found and bool(words) == bool(found)
    assert "hangs on 5 test rows, too few" in shown(findings.of_units(of_numbers(NUMBERS[:5], NUMBERS[:5])))


def test_two_test_rows_of_a_class_are_named_where_the_metric_hangs_on_them():
    truth, said = np.repeat(["no", "yes"], [169, 2]), np.r_[np.linspace(0, 1, 169), 0.55, 0.99]
    ranked, counted = (of_classes(truth, said, (0.53, 0.99), name) for name in ("roc_auc", "accuracy"))

    found = shown(findings.of_units(ranked))
    assert "hangs on 2 test rows of 'yes', too few for it: it should be about 9.2 times as wide" in found
    many = replace(ranked, groups=pd.Series(np.arange(171) // 2, name="shop"))
    assert shown(findings.of_units(many)) == found and not replace(many, interval=(1.0, 1.0)).beats_constant
    assert "0.530 … 0.990, made as wide as it should be, reaches" in shown(
        findings.of_score(ranked, 0.77, 0.1, "random")
    )
    assert not shown(findings.of_units(counted))


def test_rows_and_classes_that_the_score_says_nothing_of_are_named():
    lacking = of_classes(np.full(100, "no"), np.full(100, 0.2))

    assert "no row of yes" in shown(findings.of_test_rows(lacking, SAME))
    odd = shown(findings.of_test_rows(of_classes(HONEST, SAID), {**SAME, "set_aside": {"new": 200, "one": 1}}))
    assert "'new'" in odd and "'one'" not in odd
    assert "other splits" in shown(findings.of_test_rows(GOOD, {**SAME, "may_have_been_seen": True}))


def test_class_that_is_found_more_seldom_than_by_guessing_is_named_with_its_counts():
    truth = np.repeat(["few", "many", "some"], [400, 257, 343])
    table = np.column_stack([truth != "some", np.zeros(1000), truth == "some"]).astype(float)
    said = metrics.Predictions(np.where(truth == "some", "some", "few"), table, ("few", "many", "some"))
    constant = metrics.constant(truth, said.classes, 1000)
    triage = diagnostics.Result(truth, said, constant, metrics.ANY_CLASSES["log_loss"], (0.1, 0.2))
    of_two = of_classes(np.array(["no"] * 60 + ["yes"] * 40), np.full(100, 0.2), name="roc_auc")
    few = of_classes(np.array(["no"] * 6 + ["yes"] * 4), np.full(10, 0.2))

    found = shown(findings.of_recall(triage))

    assert found == "It found 0 of 257 that are 'many' (66 by guessing)."
    assert "0 of 40 that are 'yes' (16 by guessing)" in shown(findings.of_recall(of_two))
    assert "never answers yes (4 rows)" in shown(findings.of_recall(few))


def test_class_that_is_rare_or_half_found_or_found_as_often_as_by_guessing_is_not_named():
    rare = of_classes(np.array(["no"] * 99 + ["yes"]), np.full(100, 0.2))
    careful = of_classes(np.array(["no"] * 90 + ["yes"] * 10), np.r_[np.full(60, 0.2), np.full(40, 0.9)])

    assert not [*findings.of_recall(GOOD), *findings.of_recall(of_classes(HONEST, SAID))]
    assert not shown(findings.of_recall(rare)) and not shown(findings.of_recall(careful))


def test_probabilities_that_promise_what_does_not_come_true_are_named_and_honest_ones_are_not():
    boast = of_classes(HONEST, np.clip(SAID + 0.2, 0, 1))

    found = shown(findings.of_probabilities(boast))

    assert "do not keep their word" in found and f"{100 * np.clip(SAID + 0.2, 0, 1).mean():.1f}" in found
    assert not shown(findings.of_probabilities(of_classes(HONEST, SAID)))


def test_bands_that_hold_too_much_or_too_little_are_named_and_honest_ones_are_not():
    errors = np.random.default_rng(1).normal(size=400)
    cases = {"wide": held(4 * errors), "narrow": held(errors / 4), "honest": held(errors)}
    result = of_numbers(np.zeros(400))

    said = {name: shown(findings.of_bands(result, rows)) for name, rows in cases.items()}

    assert "20.0\u00a0% of the truths may lie outside, 0." in said["wide"]
    assert "of the truths may lie outside" in said["narrow"] and not said["honest"]
    assert not shown(findings.of_bands(result, None))


def test_candidates_lost_are_named_with_their_number():
    board = {"metrics": {"leaderboard": {"dummy": {}, "linear": {}, "blend": {}}}}

    found = shown(findings.of_candidates({**board, "left_out": {"curves": "C must be positive"}}))

    assert found.startswith("1 of 3 candidates") and "curves: C must be positive" in found
    assert not shown(findings.of_candidates(board))


def test_columns_empty_in_most_rows_and_one_that_all_hangs_on_are_named():
    rows = pd.DataFrame({"a": NUMBERS, "b": np.where(np.arange(400) % 5, np.nan, NUMBERS)})

    found = shown(findings.of_columns(about(rows, [0.7, 0.01])))

    assert "Empty in most rows: b (80.0" in found and "'a': with its cells shuffled" in found
    assert not shown(findings.of_columns(about(rows.ffill(), [0.4, 0.3])))
    emptier = about(rows[rows["b"].notna()], [0.4, 0.3], test=rows[:90])
    assert emptier.test["b"].isna().mean() > 0.5 and "Empty" not in shown(findings.of_columns(emptier)), "of all rows"


def test_column_that_alone_reaches_nearly_all_is_named_once_and_not_where_another_does_too():
    rows = pd.DataFrame({"a": NUMBERS, "b": NUMBERS})

    def found(a, b, **known):
        alone = pd.Series({"a": a * GOOD.reach, "b": b * GOOD.reach})
        return shown(findings.of_columns(about(rows, [0.4, 0.3], alone=alone, **known)))

    assert "One column, 'a', alone reaches 95.0" in found(0.95, 0.3) and "Is it known" in found(0.95, 0.3)
    assert not found(0.95, 0.6) and not found(0.8, 0.1)
    assert not found(0.95, 0.3, suspicions=[{"kind": "answer", "columns": ["a"]}])


def test_gain_of_each_column_alone_is_measured_on_rows_that_its_answer_has_not_seen():
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"word": random.choice(["a", "b", "c"], 400), "noise": random.normal(size=400)})
    truth = np.where(rows["word"] == "a", "yes", "no")

    gains = diagnostics.alone(rows[:300], truth[:300], rows[300:], of_classes(truth[300:], np.full(100, 0.3)))

    assert gains["word"] == pytest.approx((truth[300:] == "yes").mean()) and abs(gains["noise"]) < 0.1


def test_suspicion_is_shown_by_what_it_can_change_in_this_score():
    kinds = {"duplicates": 0.007, "ambiguity": 0.3, "time": 0.28, "groups": 0.1, "drift": 1.0, "missing": 1.0}
    columns = {"drift": ["a"], "missing": ["b"]}
    listed = [{"kind": kind, "share": share, "columns": columns.get(kind, [])} for kind, share in kinds.items()]
    listed = [{**one, "sentence": one["kind"], "cure": ""} for one in listed]
    evidence = about(pd.DataFrame(columns=["a", "b"]), [0.5, 0.001], suspicions=listed)

    found = [one.text.split(": ")[1].rstrip(". ") for one in findings.of_data(evidence) if one.weight >= 1]

    assert found == ["ambiguity", "time", "drift"]


def test_suspiciously_good_score_is_named_unless_a_column_that_tells_the_answer_is():
    right = np.where(np.arange(200) % 2, "yes", "no")
    perfect = of_classes(right, np.where(right == "yes", 0.9, 0.1), (1.0, 1.0))
    time, answer = (
        {"kind": kind, "share": 1.0, "columns": [], "sentence": "", "cure": ""} for kind in ("time", "answer")
    )
    rows = pd.DataFrame({"a": [1.0]})

    found = [about(rows, [0.0], result=perfect, suspicions=known) for known in ([], [time], [time, answer])]

    assert ["suspiciously good" in shown(findings.too_good(one)) for one in found] == [True, True, False]
    assert not shown(findings.too_good(about(rows, [0.0])))


def test_champion_that_is_older_than_its_data_is_named(project, folder, made_table):
    promote.keep(project, folder.name, {"forced": "", "gate": []})
    before = list(findings.of_champion(project, registry.read(folder)))
    made_table.head(100).to_csv(project.root / "table.csv", index=False)

    pipeline.make(project, "data", accept=True)

    assert before == [] and "this run of 20" in shown(findings.of_champion(project, registry.read(folder)))
    assert f"{folder.name} of 20" in shown(findings.of_champion(project, {"run": "another"}))
