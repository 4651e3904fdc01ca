import html
import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.modelling import metrics
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import SettingsError
from data_science_project.engine.project.settings import Decision
from data_science_project.engine.report import about_decision, choices, diagnostics
from data_science_project.engine.report.evidence import Evidence
from data_science_project.engine.report.verdict import number
from data_science_project.engine.runs import promote, registry

CALLS = [
    'decision.rows="orders"',
    "decision.capacity=6",
    "decision.gain_true_positive=30",
    "decision.cost_false_positive=10",
    'decision.currency="EUR"',
]


def first_screen(project, overrides=()):
    """What stands above the sections, as text, and the whole page."""
    paths = pipeline.make(settings.load(project.root, overrides), "evaluate")
    return screen_of(paths[0].read_text(encoding="utf-8"))


def screen_of(page):
    """The same of a page that is there."""
    text = html.unescape(re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)))
    return re.split("Before you lean on this|In figures", text)[0], text


def about(table, make_project, target):
    return make_project(table, data={"source": "table.csv", "target": target})


def test_first_screen_says_how_many_are_right_at_random_what_it_is_worth_and_if_the_run_is_in_use(
    evaluated, project, folder
):
    promote.keep(project, folder.name, {"forced": "because", "gate": []})

    screen, text = first_screen(project, CALLS)

    found = pd.read_csv(project.predictions(None))
    found["yes"] = pd.read_parquet(project.split("test"))["answer"].to_numpy() == "yes"
    first = found.sort_values("probability_yes", ascending=False, kind="stable").head(6)
    hits, n, n_yes = first["yes"].sum(), len(found), found["yes"].sum()
    assert f"Which orders have answer = 'yes'? {n_yes} of {n} new ones do" in screen
    assert f"Of the 6 orders it would act on, {hits} are 'yes'" in screen and "acting on orders rightly" in screen
    assert f"of 6 chosen at random, {6 * n_yes / n:,.0f} would be" in screen
    assert f"is worth {30 * hits - 10 * (6 - hits)} EUR (95" in screen
    assert f"on all (beyond the capacity) {30 * n_yes - 10 * (n - n_yes)}, on none 0" in screen
    assert "roc_auc" not in screen and "roc_auc" in text
    before, _ = screen_of(evaluated[1])
    as_of = r"In use as of 20\d\d-\d\d-\d\d \d\d:\d\d UTC, when this page was made \(today: make runs\): "
    assert re.search(as_of + "no run had been promoted", before) and re.search(r"fetched \d{4}-\d\d-\d\d", before)
    assert re.search(as_of + "yes, it was the champion", screen)


def test_without_a_decision_no_money_is_named_and_rows_named_positive_are_acted_on(evaluated):
    root, page, _ = evaluated
    screen, text = screen_of(page)

    named = (pd.read_csv(settings.load(root).predictions(None))["prediction"] == "yes").sum()
    assert f"Of the {named} rows it would act on" in screen
    assert " is worth " not in screen and "A row is named 'yes' from a probability of 0.5 on (one half" in text


def test_capacity_that_does_not_pay_is_not_used_up_and_a_gain_without_a_cost_asks_for_it(project, evidence):
    dear = ["decision.capacity=20", "decision.gain_true_positive=1", "decision.cost_false_positive=9"]
    half_stated = ["decision.gain_true_positive=5"]
    never = ["decision.cost_false_positive=9", "decision.gain_true_positive=1", "decision.success_rate=0.1"]

    some, none, half = (evidence(settings.load(project.root, stated)) for stated in (dear, never, half_stated))

    spared = "On the next rows acting would not pay: capacity = 20 is not used up."
    assert spared in about_decision.outcome(some)["answer"] and choices.decision(none)["threshold"] == "9"
    assert about_decision.outcome(none)["answer"][0] == "It would act on no row: none is sure enough to be 'yes'."
    assert [choices.decision(about)["unset"] for about in (some, none, half)] == [False, False, True]


def test_what_acting_spares_of_the_cost_of_doing_nothing_is_said(project, evidence):
    stated = ["decision.cost_false_negative=10", "decision.cost_false_positive=1", 'decision.currency="EUR"']
    about = evidence(settings.load(project.root, stated))

    answer, on = about_decision.outcome(about)["answer"], about_decision.acted(about)

    yes = about.result.truth == "yes"
    saved = 10 * (yes & on).sum() - (~yes & on).sum()
    assert any(f"Against acting on none it saves {saved} EUR (95\u00a0%: " in sentence for sentence in answer)


def test_what_acting_is_worth_has_the_interval_of_the_hits(project, evidence):
    about = evidence(settings.load(project.root, CALLS))

    count, *_, worth = about_decision.outcome(about)["answer"]

    found = re.search(r"Of the 6 .*%: (\d) to (\d)\)", count)
    yes, on = about.result.truth == "yes", about_decision.acted(about)
    low, high = about_decision.hits_within(yes, on, None)
    assert found.groups() == (str(round(low)), str(round(high)))
    assert f"(95\u00a0%: {number(40 * low - 60, digits=3)} to {number(40 * high - 60, digits=3)})" in worth


def test_rows_of_groups_are_said_to_be_no_groups_and_hits_of_one_group_say_less(project, evidence):
    about = evidence(settings.load(project.root, CALLS))
    about = replace(about, result=replace(about.result, groups=about.test["shop"]))

    answer, on = about_decision.outcome(about)["answer"], about_decision.acted(about)

    shops = about.test["shop"][on]
    assert any(f"These 6 are rows of {shops.nunique()} groups (shop), " in sentence for sentence in answer)
    yes, every = np.repeat([True, False], [60, 40]), np.ones(100, dtype=bool)
    wide, narrow = (about_decision.hits_within(yes, every, pd.Series(np.arange(100) // of)) for of in (20, 1))
    assert wide[0] < narrow[0] and wide[1] > narrow[1]


def test_numbers_say_how_many_are_near_what_errors_cost_and_what_to_add_and_have_bands_and_no_threshold(
    make_project, made_table
):
    project = about(made_table.dropna().assign(amount=made_table["amount"] * 1000), make_project, "amount")
    stated = ["decision.cost_over=1", "decision.cost_under=3", "decision.capacity=0.25", 'decision.currency="EUR"']
    stated += ['decision.rows="orders"']

    screen, text = first_screen(project, stated)

    kept = pd.read_parquet(next(project.root.rglob("test_answers.parquet")))
    over = kept["prediction"] - kept["amount"]
    near = (over.abs() / kept["amount"] <= 0.1).sum()
    cost = np.maximum(over, 0).sum() + 3 * np.maximum(-over, 0).sum()
    assert f"It is off by {number(over.abs().mean())} on average, half of the time by less" in screen
    assert f"answers to {len(kept)} orders, {near} ({100 * near / len(kept):.1f} %) come within 10%" in screen
    assert f"Its errors cost {cost:,.0f} EUR" in screen and "within 5%" in screen
    assert f"What is the amount of each of {len(kept)} orders that it never saw?" in screen
    assert "orders with the highest answers" in screen and "orders that are the model" in screen
    assert re.search(r"With [\d,.]+ added to each answer, found on the rows held out in training", text)
    assert re.search(r"at most 20.0 % outside [\d.,]+ \d+ \([\d.]+ %, 95 %:", text) and "A row is named" not in text
    assert "adds so much to the predicted amount" in text and "multiplies the odds" not in text
    assert registry.read(registry.folders(project)[0])["metrics"]["chosen_by"] == "r2"


def told_of(metric, truth, said, rote, **decided):
    """What the first screen draws on: answers, beside those of rote, and a decision."""
    about = SimpleNamespace(settings=SimpleNamespace(decision=Decision(**decided)))
    result = diagnostics.Result(truth, said, rote, metric, (0, 1))
    return Evidence(about, None, {"target": "sum"}, None, result, None, {})


def of_numbers(truth, said, rote, **decided):
    """What the first screen says of answers to numbers, beside those of rote."""
    both = metrics.Predictions(said), metrics.Predictions(rote)
    return about_decision.of_numbers(told_of(metrics.NUMBERS["r2"], truth, *both, **decided))


@pytest.mark.parametrize("floor", [-1.0, 0.0, 1.0])
def test_shares_of_numbers_are_of_the_rows_above_0_with_their_count_and_the_others_beside_them(floor):
    truth = np.array([floor] * 6 + [80.0, 200.0, 300.0, 400.0])

    found = of_numbers(truth, truth + 5, np.full(10, 200.0), rows="policies")

    head, text = found["table"]["head"][0][0], " ".join(found["answer"]).replace("\u00a0", " ")
    (axes,) = found["figures"]["errors"].axes
    if floor > 0:
        assert head == "policies that are" and axes.get_ylabel() == "% of all" and "says nothing" not in text
        assert "Of its answers to 10 policies, 4 (40.0 %) come within 10% of the true sum" in text
        assert "always answering the mean, 1 (10.0 %) would." in text
    else:
        assert head == "policies above 0 that are" and axes.get_ylabel() == "% of all above 0"
        assert "Of its answers to 4 policies above 0, 4 (100.0 %) come within 10% of the true sum" in text
        assert f"in these 6 policies it is off by 5 on average, always answering the mean by {200 - floor:g}." in text
    assert [row[1:] for row in found["table"]["rows"]] == [["3", "1"], ["4", "1"], ["4", "1"]]


def test_numbers_of_which_none_is_above_0_have_no_share():
    found = of_numbers(-np.ones(3), np.zeros(3), np.zeros(3))

    assert found["table"] is None and found["figures"] == {} and "within" not in " ".join(found["answer"])


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("aabbc", "Of those that are 'a' it names 2 of 3; of no other so few."),
        ("abbca", "Of those that are 'b', 'c' it names 0 of 2; of no other so few."),
        ("aaabc", ""),
    ],
)
def test_kinds_of_which_the_smallest_share_is_named_are_counted_together_and_none_where_all_are_alike(said, words):
    shares = (np.array(list(said))[:, None] == np.array(list("abc"))).astype(float)
    answers = metrics.Predictions(np.array(list(said), dtype=object), shares, tuple("abc"))
    truth = np.array(list("aaabc"), dtype=object)
    constant = metrics.constant(truth, answers.classes, 5)
    about = told_of(metrics.ANY_CLASSES["log_loss"], truth, answers, constant)

    text = " ".join(about_decision.of_classes(about)["answer"])

    assert words in text and ("so few" in text) == bool(words)


def test_more_classes_name_the_two_most_probable_and_the_most_frequent_confusion_and_no_threshold(
    make_project, made_table
):
    project = about(made_table.dropna(), make_project, "colour")

    screen, text = first_screen(project, ["decision.capacity=5", 'decision.rows="orders"'])

    assert re.search(r"Which of 3 kinds of colour is each of \d+ orders that it never saw\?", screen)
    assert "truth taken for orders" in screen and "Of the 5 orders it is surest of" in screen
    assert "is among its two most probable" in screen and "The most frequent confusion" in screen
    (shares,) = re.findall(r"Of those that are [\w', ]+ it names (\d+) of (\d+); of no other so few", screen)
    assert int(shares[0]) <= int(shares[1])
    assert "do not act on it yet" in screen, "colours were drawn at random"
    assert "wrong of them" in text and "multiplies the odds" in text
    assert "is named" not in text and "It is off by" not in text
    assert registry.read(registry.folders(project)[0])["metrics"]["chosen_by"] == "log_loss"


def test_decision_that_the_target_cannot_have_stops_before_the_test_split_is_used(project, folder):
    with pytest.raises(SettingsError, match="the target has 2 classes"):
        first_screen(project, ["decision.cost_over=1"])

    assert "test_uses" not in registry.read(folder)


def test_ways_to_act_are_counted_each():
    yes, on = np.array([True, True, False, False]), np.array([True, False, True, False])

    frame = about_decision.ways(Decision(gain_true_positive=3, cost_false_positive=1, currency="EUR"), yes, on)

    assert frame.values.tolist() == [
        ["its 2", 2, 1, 1, 2.0],
        ["2 at random", 2, 1, 1, 2.0],
        ["all", 4, 2, 0, 4.0],
        ["none", 0, 0, 2, 0.0],
    ]
    assert list(about_decision.ways(Decision(), yes, ~on & on))[-1] == "missed"
