"""The comparison of `benchmarks/quality` counts what it should, and hides no failure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks" / "quality"


@pytest.fixture
def table(monkeypatch):
    """The module that makes the tables."""
    monkeypatch.syspath_prepend(str(FOLDER))
    return __import__("table")


@pytest.fixture
def contests(table):
    """One set of numbers that all answered, and one that flaml failed on; ours is the best."""
    truth = np.arange(50.0)
    off = {"ours": 0.1, "hgb": 3.0, "flaml": 1.0}
    answered = {name: table.Outcome(2.0 if name == "flaml" else 1.0, 1.0, "", truth + by) for name, by in off.items()}
    failed = {**answered, "flaml": table.Outcome(1.0, 1.0, "no space left")}
    rows = np.arange(50)
    return [table.Contest("all", 50, truth, rows, 0, answered), table.Contest("some", 50, truth, rows, 0, failed)]


def test_a_rival_that_failed_is_named_with_its_reason_and_ranks_count_the_sets_that_all_have_answered(table, contests):
    text = table.tables(contests, ["ours", "hgb", "flaml"])
    _, ranks = table.quality(contests, ["ours", "hgb", "flaml"], second=False)

    assert "| some | 50 | r2 | 1 | 0.9568 | failed: no space left | better |" in text
    assert "| flaml | 2.00 | 2.00 | 1.5 | 1.0 | 1.5 | 1.5 | 1 |" in text
    assert ranks.to_dict() == {"ours": 1, "hgb": 3, "flaml": 2}


def test_two_groups_are_too_few_to_tell_who_is_better(table, contests):
    truth, random = contests[0].truth, np.random.default_rng(0)
    groups = (truth >= 25).astype(int)
    answers = truth + np.where(groups, 0.1, -4.0) + random.normal(size=50) / 10  # good in one group, bad in the other
    outcomes = {"ours": table.Outcome(answers=answers), "hgb": table.Outcome(answers=truth + 2.0)}

    by_row, by_group = (table.Contest("x", 50, truth, how, 0, outcomes) for how in (np.arange(50), groups))

    assert table.against_plain(by_row, "r2") == "WORSE"
    assert table.against_plain(by_group, "r2") == "same"


def test_a_plain_rival_answers_for_every_row_and_class(tmp_path):
    rows = pd.DataFrame({"size": np.arange(60.0), "colour": ["red", "blue", "green"] * 20})
    rows.to_parquet(tmp_path / "fit.parquet")
    rows.head(7).to_parquet(tmp_path / "test.parquet")
    np.save(tmp_path / "fit_truth.npy", np.tile([0, 1, 2], 20))
    (tmp_path / "question.json").write_text(json.dumps({"classes": 4}))

    command = [sys.executable, str(FOLDER / "contend.py"), "linear", str(tmp_path), "0", str(tmp_path / "out.npy")]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})

    answers = np.load(tmp_path / "out.npy")
    assert answers.shape == (7, 4)
    assert answers.argmax(axis=1).tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert (answers[:, 3] == 0).all()
