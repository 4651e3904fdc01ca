import re

import pytest

from data_science_project import pipeline
from data_science_project.engine.project import settings
from data_science_project.engine.runs import registry


def page(project):
    """The report of the run of these parameters, tags and runs of blanks out, and its record."""
    paths = pipeline.make(project, "evaluate")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", paths[0].read_text(encoding="utf-8")))
    return text, registry.read(project.models / paths[0].parent.name)


def test_report_names_the_threshold_of_today_the_first_rows_and_how_many_answers_are_wrong(project, folder):
    costs = ["decision.cost_false_positive=1", "decision.cost_false_negative=4", "decision.capacity=7"]
    costly = settings.load(project.root, [*costs, "predict.error_rate=0.3", "predict.abstain_below=0.6"])

    text, record = page(costly)

    assert record["run"] == folder.name, "nothing was trained again"
    assert "A row is named 'yes' from a probability of 0.2 on (the gains and costs of [decision])" in text
    first = re.search(r" 7 (\d+) \((\d+) to (\d+)\) (\d+) ([\d.]+) [\d.]+ % (-?\d+)", text).groups()
    hits, low, high, chance, lift, worth = map(float, first)
    n, missed = record["metrics"]["test"]["rows"], round(hits / lift / 7 * 24) - hits
    assert low <= hits <= high and chance <= 7 < n
    assert worth == pytest.approx(-(7 - hits) - 4 * missed, abs=4)
    assert re.search(r"at most 30.0 % wrong 0\.\d+ \d+ \(\d+\.\d %\) \d+ \(", text)
    assert "abstain_below = 0.6 0.600" in text


@pytest.mark.parametrize(
    ("target", "metric", "said"),
    [
        ("amount", "r2", r"at most 20.0 % outside [\d.,]+ \d+ \([\d.]+ %, 95 %:"),
        ("colour", "log_loss", "wrong of them"),
    ],
    ids=["numbers have bands", "three classes"],
)
def test_report_of_numbers_or_three_classes_has_no_threshold(make_project, made_table, target, metric, said):
    whole = made_table.dropna().assign(amount=made_table["amount"] * 1000)
    project = make_project(whole, data={"source": "table.csv", "target": target})

    text, record = page(project)

    assert re.search(said, text) and "A row is named" not in text
    assert (record["target"], record["metrics"]["chosen_by"]) == (target, metric)
    assert ("It is off by" in text and "adds so much to the predicted amount" in text) == (target == "amount")
    assert ("multiplies the odds" in text) == (target == "colour")
