import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from data_science_project.service.counts import CLASSES, RUNS, Counts
from data_science_project.service.log import State
from data_science_project.service.reference import Answered
from data_science_project.service.score import Score

STATE = State("ok", True, 7, 2, 0, 1, "ok")


def said(prediction, *, confident=True, unusual=False):
    return Answered({"prediction": prediction, "confident": confident}, "compiled", unusual, [])


def lines(counts):
    return [line for line in counts.page().decode().splitlines() if not line.startswith("#")]


def test_answers_are_counted_by_run_and_class_and_those_to_look_at_by_run_from_its_first_answer_on():
    counts = Counts()

    counts.answered("a", [said("yes"), said("yes", confident=False), said("no", unusual=True)])
    counts.answered("b", [said("yes")])

    found = lines(counts)
    assert 'answers_total{prediction="yes",run="a"} 2.0' in found
    assert 'not_confident_total{run="a"} 1.0' in found and 'unusual_total{run="a"} 1.0' in found
    assert {'not_confident_total{run="b"} 0.0', 'unusual_total{run="b"} 0.0'} <= {*found}, "alerts compare with them"


@pytest.mark.parametrize("kind", [lambda number: f"class {number}", float, int])
def test_there_are_at_most_200_series_whatever_the_data_and_however_many_runs(kind):
    counts = Counts()

    for run in range(3 * RUNS):
        counts.answered(f"run {run}", [said(kind(number)) for number in range(3 * CLASSES)])
    counts.look({f"run {run}": True for run in range(3 * RUNS)}, STATE, ready=True)

    assert len(lines(counts)) <= 200
    assert sum(float(line.split()[-1]) for line in lines(counts) if line.startswith("answers_total")) == 900


def test_state_of_log_and_service_and_which_runs_are_compiled_are_told():
    counts = Counts()
    counts.look({"a": True, "b": False}, STATE, ready=True)
    counts.look({"b": False}, STATE, ready=False)

    found = lines(counts)

    assert 'model_compiled{run="b"} 0.0' in found and not any('run="a"' in line for line in found)
    assert 'log_rows{state="written"} 7.0' in found and 'log_rows{state="spooled"} 2.0' in found
    assert "log_database 1.0" in found and "ready 0.0" in found


def test_health_of_the_run_is_told_by_name_and_that_of_one_before_no_more():
    counts = Counts()
    expected = Score("accuracy", 0.91, 0.88, 0.94, math.nan, 200)
    old, new = (SimpleNamespace(folder=Path("models", run)) for run in ("old", "new"))
    counts.health(SimpleNamespace(window=old, shifts=None, scores=[], alarms=[]))
    scores = [(expected, None), (None, expected)]
    counts.health(SimpleNamespace(window=new, shifts=[], scores=scores, alarms=["drift", "score"]))

    found = lines(counts)

    assert 'expected_score{metric="accuracy",run="new"} 0.91' in found and 'monitor_alarms{run="new"} 2.0' in found
    assert 'drifted_columns{run="new"} 0.0' in found and not any('run="old"' in line for line in found)
    counts.health(None)
    assert not any("drifted_columns" in line for line in lines(counts))
