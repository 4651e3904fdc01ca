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


def test_report_names_the_positive_class_the_threshold_what_it_costs_and_how_many_answers_are_wrong(project):
    costly = settings.load(
        project.root, ["predict.cost_false_negative=4", "predict.error_rate=0.3", "predict.abstain_below=0.6"]
    )

    text, record = page(costly)

    assert "A row is named 'yes' from a probability of 0.2 on" in text
    assert re.search(r"0\.2 \(used\) \d+ \d+ \d+ [\d.]+", text) and re.search(r" 0\.5 \d+ \d+ \d+ [\d.]+", text)
    named_always, wrongly, missed, cost = re.search(r"always &#39;yes&#39; (\d+) (\d+) (\d+) ([\d.]+)", text).groups()
    assert int(named_always) == record["metrics"]["test"]["rows"] and missed == "0"
    assert float(cost) == pytest.approx(int(wrongly) / int(named_always), abs=1e-3)
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
    assert ("amount is off by" in text and "adds so much to the predicted amount" in text) == (target == "amount")
    assert ("multiplies the odds" in text) == (target == "colour")
