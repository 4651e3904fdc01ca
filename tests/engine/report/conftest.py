"""Projects about other tables, evaluated."""

import numpy as np
import pandas as pd
import pytest

from data_science_project import evaluate, pipeline
from data_science_project.engine.modelling import metrics
from data_science_project.engine.report import diagnostics
from data_science_project.engine.report.evidence import Evidence
from data_science_project.engine.runs import loading, registry

CLASSES = ("no", "yes")


def answers(probability):
    """Predictions with these probabilities of "yes", shape (n_rows,)."""
    probability = np.asarray(probability, dtype=float)
    table = np.column_stack([1 - probability, probability])
    return metrics.Predictions(np.asarray(CLASSES)[table.argmax(axis=1)], table, CLASSES)


def result(truth, probability, interval=(0.8, 0.9), name="accuracy"):
    """What was measured of such predictions."""
    truth = np.asarray(truth)
    constant = metrics.constant(truth, CLASSES, len(truth))
    return diagnostics.Result(truth, answers(probability), constant, metrics.TWO_CLASSES[name], interval)


@pytest.fixture
def evidence():
    """What the sections of a page draw on, about the newest run of a project: for what needs no whole page."""

    def about(project):
        run = loading.load(registry.folders(project)[0])
        question = evaluate.learned_from(project, run)
        test, result, _ = evaluate.score_test(project, run, question.truth)
        return Evidence(project, run, run.record, test, result, question, evaluate.candidates(project, run))

    return about


@pytest.fixture
def page_about(make_project, report):
    """The page and the record of a new project about a table, whose target is `y`; keywords are sections."""

    def evaluate(table, **sections):
        project = make_project(table, **{"data": {"source": "table.csv", "target": "y"}, **sections})
        pipeline.make(project, "train")
        return report(project)

    return evaluate


@pytest.fixture
def numbers():
    """90 rows of two numbers and a word."""
    random = np.random.default_rng(0)
    return pd.DataFrame({"x": random.normal(size=90), "z": random.normal(size=90), "word": ["a", "b", "c"] * 30})


@pytest.fixture
def dated(numbers):
    """60 of these rows, each of another day."""
    return numbers.head(60).assign(when=pd.date_range("2026-01-01", periods=60).strftime("%Y-%m-%d"))
