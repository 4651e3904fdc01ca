"""What the sections of the evaluation report draw on, and how they write tables for `templates/evaluate.html`."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator

from ..modelling import decision, metrics, reasons
from ..modelling.question import Question, predict
from ..project.settings import Project
from ..runs.loading import Run
from ..runs.registry import columns_seen
from . import diagnostics
from .diagnostics import Result

CELL = 120  # characters of a text that a table shows


@dataclass(frozen=True)
class Evidence:
    """All that the sections draw on."""

    project: Project
    run: Run
    record: dict[str, Any]  # `run.json`, with the scores on the test split
    test: pd.DataFrame  # the rows that were scored, shape (n_rows, n_columns), without the target
    result: Result
    question: Question  # train and dev
    candidates: dict[str, BaseEstimator]  # of `models.py`, not fitted, for the columns of the run

    @cached_property
    def policy(self) -> decision.Policy:
        """What `[predict]` and `[decision]` of today make of the run."""
        settings = self.project.settings
        return decision.policy(self.project.models / self.run.name, self.record, settings.predict, settings.decision)

    @cached_property
    def decided(self) -> Result:
        """What was measured, with the answers that `predict` gives today: the same while no costs are stated."""
        return replace(self.result, predictions=self.policy.decide(self.result.predictions))

    def answer(self, rows: pd.DataFrame) -> metrics.Predictions:
        """What the run says of rows, shape (n_rows, n_columns)."""
        return predict(self.run.model, rows, self.result.classes)

    @cached_property
    def importances(self) -> pd.DataFrame:
        """`column`, `loss` and `spread` of the columns that were examined, the strongest first."""
        rows = self.test[columns_seen(self.record)]
        columns = diagnostics.strongest_related(rows, self.result.predictions)
        found = diagnostics.importances(self.answer, rows, self.result, columns=columns)
        return pd.DataFrame(list(found)).sort_values("loss", ascending=False, kind="stable", ignore_index=True)

    @cached_property
    def alone(self) -> pd.Series:
        """What an answer from each of these columns alone gains, the largest first."""
        names, question = self.importances["column"].tolist(), self.question
        return diagnostics.alone(question.rows[names], question.truth, self.test, self.result)

    @cached_property
    def suspicions(self) -> list[dict[str, Any]]:
        """What `features` found suspicious in the data."""
        path = self.project.suspicions
        return json.loads(path.read_text(encoding="utf-8"))["suspicions"] if path.is_file() else []


def table(frame: pd.DataFrame, /, **formats: Callable) -> dict[str, Any]:
    """A frame for the template: `head` (name, is it a number?) and `rows` of texts."""
    numeric = {name: pd.api.types.is_numeric_dtype(frame[name].dtype) for name in frame.columns}
    head = [(name.replace("_", " ") if name in formats else name, numeric[name]) for name in frame.columns]
    rows = [[formats.get(name, cell)(line[name]) for name in frame.columns] for line in frame.to_dict("records")]
    return {"head": head, "rows": rows}


def cell(value: Any) -> str:
    """A value of the data as a table shows it."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    return reasons.cell(float(value) if whole else value, CELL)
