"""The reference road: rows as a data frame, validated and answered as `make predict` does."""

import contextlib
import logging
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ..engine.columns.dictionary import Dictionary, by_role
from ..engine.modelling import decision
from ..engine.project.errors import DataError
from ..engine.project.settings import Project
from ..engine.runs import answers, loading
from . import profile
from .schema import Cell, Checker, Row
from .unusual import Unusual

log = logging.getLogger(__name__)
COLUMN_SETS = 20  # different sets of columns in a request: each is a table of its own, some 40 ms


class Answered(msgspec.Struct):
    """What a run says of one row: the columns of `answers.predictions` but `run`, and what is to be said beside it."""

    output: dict[str, Any]
    road: str  # "compiled" or "reference"
    unusual: bool  # breaks a rule that only warns, or its cells do not go together
    warnings: list[str]


class Reference:
    """A run as it answers today, loaded from `models/<run>`; a `ProjectError` if it is not as it was made.

    It knows which rows are unusual where it is `judged`; else only rules say so.
    """

    kinds = math.inf  # different sets of columns that are answered at once

    def __init__(self, project: Project, folder: Path, *, judged: bool = True) -> None:
        self.run, self.folder, options = loading.load(folder), folder, project.settings
        self.name = self.run.name
        self.policy = decision.policy(folder, self.run.record, options.predict, options.decision)
        self.read_rules(project.dictionary)
        learned = (profile.of(project, folder) or {}).get("unusual") if judged else None
        self.judge = None
        try:
            self.judge = Unusual(learned) if learned else None
        except (ImportError, LookupError) as error:  # another release of scikit-learn has other trees
            log.warning("run %s knows no unusual rows: %s: %s", self.name, type(error).__name__, error)

    def read_rules(self, path: Path) -> None:
        """Take ranges, categories and rules as the data dictionary has them now."""
        self.columns: Dictionary = answers.rules_of_today(self.run.columns, path)
        self.checker, self.ids = Checker(self.columns), by_role(self.columns, "id")

    def reference(self, rows: list[Row]) -> list[Answered]:
        """Answer rows; those with the same columns together, so that a row gets the answer that it would get alone.

        A `DataError` where cells break a rule: `violations` has a dict for each, its `row` (from 1), `column`,
        `problem` and `cure`.
        """
        tables: dict[frozenset[str], list[int]] = {}
        for place, row in enumerate(rows):
            tables.setdefault(frozenset(row), []).append(place)
        if len(tables) > self.kinds:
            text = f"The rows have {len(tables)} different sets of columns; allowed in one request: {self.kinds}."
            cure = "Send rows with the same columns, null where a cell is empty"
            raise DataError(text, [violated(None, "", text, cure)])
        found, errors = dict[int, Answered](), list[DataError]()
        for places in tables.values():
            try:
                found.update(self._table({place: rows[place] for place in places}))
            except DataError as error:
                if not error.violations:
                    raise
                errors.append(error)
        if errors:
            violations = [one for error in errors for one in error.violations]
            raise DataError(str(errors[0]), sorted(violations, key=lambda one: one["row"] or 0))
        return [found[place] for place in range(len(rows))]

    def _table(self, rows: dict[int, Row]) -> dict[int, Answered]:
        """Answer rows that have the same columns, by their places in the request."""
        run, columns, limits = self.run, self.columns, self.policy.limits
        places, names = list(rows), next(iter(rows.values()))
        frame = pd.DataFrame({name: series(name, columns, [*rows.values()]) for name in names}).set_axis(places)
        try:
            known, warnings = run.validate(frame, columns, where="rows", target=False)
        except DataError as error:
            raise DataError(str(error), by_cell(error, places)) from None
        known = known.reset_index(drop=True)
        with loading.explained(run.name, run.versions, "does not answer"):
            level = self.policy.level
            table = answers.predictions(run, known, abstain_below=limits.least, band=limits.band, level=level)
        marks = self.judge.marks(known) if self.judge else [False] * len(places)
        outputs = table.drop(columns="run", errors="ignore").to_dict("records")
        made = zip(places, outputs, marks, strict=True)
        found = {place: Answered(output, "reference", odd, []) for place, output, odd in made}
        for warning in warnings:
            violation = getattr(warning, "violation", None)  # unknown columns have none, nor the copies of older runs
            column = columns[violation.column] if violation else None
            for place in [places[row] for row in violation.rows] if violation else places:
                found[place].warnings.append(str(warning))
                found[place].unusual |= column is not None and column.rule == "warn" and column.role != "ignored"
        return found


def series(name: str, columns: Dictionary, rows: list[Row]) -> pd.Series | np.ndarray:
    """A column of a table: numbers where all cells are, else each cell as it is, so that it reads as it would alone."""
    cells: list[Cell] = [row[name] for row in rows]
    number = name in columns and columns[name].type in ("integer", "number")
    plain = number and {*map(type, cells)} <= {float, int, type(None)}
    with contextlib.suppress(OverflowError):  # a whole number beyond 1e308
        if plain:
            return np.array(cells, dtype="float64")  # None is NaN; a Series takes three times as long
    return pd.Series(cells, dtype=object)


def violated(row: int | None, column: str, problem: str, cure: str) -> dict[str, Any]:
    """One violation as an answer has it."""
    return {"row": row, "column": column, "problem": problem, "cure": cure}


def by_cell(error: DataError, places: list[int]) -> list[dict[str, Any]]:
    """The violations of a table, one a cell; the text alone where the copy of an older run found them."""
    if not error.violations:
        return [violated(None, "", str(error), "")]
    return [violated(places[r] + 1, v.column, v.problem, v.cure) for v in error.violations for r in v.rows]
