import re
from types import SimpleNamespace

import numpy as np
import pytest

from data_science_project import pipeline
from data_science_project.engine.project import settings
from data_science_project.engine.project.settings import Decision
from data_science_project.engine.report import choices
from data_science_project.engine.runs import registry


def test_no_more_are_expected_among_the_first_rows_than_there_are_at_all():
    yes = np.isin(np.arange(400), [*range(128), 301, 302, 303])
    asked = SimpleNamespace(settings=SimpleNamespace(decision=Decision()))
    evidence = SimpleNamespace(project=asked, result=SimpleNamespace(classes=("no", "yes")))

    found = choices.first_rows(evidence, yes, chance=np.linspace(1, 0, 400)).set_index("the first rows").iloc[:, 0]

    assert found[200] == "128 (114 to 131)"


def test_report_names_the_threshold_of_today_the_first_rows_and_how_many_answers_are_wrong(project, folder):
    costs = ["decision.cost_false_positive=1", "decision.cost_false_negative=4", "decision.capacity=7"]
    costly = settings.load(project.root, [*costs, "predict.error_rate=0.3", "predict.abstain_below=0.6"])

    path = pipeline.make(costly, "evaluate")[0]

    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", path.read_text(encoding="utf-8")))
    record = registry.read(project.models / path.parent.name)
    assert record["run"] == folder.name, "nothing was trained again"
    assert "A row is named 'yes' from a probability of 0.2 on (the gains and costs of [decision])" in text
    first = re.search(r" 7 (\d+) \((\d+) to (\d+)\) (\d+) ([\d.]+) [\d.]+ % (-?\d+)", text).groups()
    hits, low, high, chance, lift, worth = map(float, first)
    n, missed = record["metrics"]["test"]["rows"], round(hits / lift / 7 * 24) - hits
    assert low <= hits <= high and chance <= 7 < n
    assert worth == pytest.approx(-(7 - hits) - 4 * missed, abs=4)
    assert re.search(r"at most 30.0 % wrong 0\.\d+ \d+ \(\d+\.\d %\) \d+ \(", text)
    assert "abstain_below = 0.6 0.600" in text
