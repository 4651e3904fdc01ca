"""The reference road: rows as a data frame, validated and answered as `make predict` does."""

import contextlib
import logging
import math
from collections.abc import Iterable, Set
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ..engine.columns import dictionary, moments
from ..engine.columns.dictionary import Dictionary, by_role
from ..engine.columns.violations import Violation, left_out
from ..engine.modelling import decision
from ..engine.modelling.reasons import Told
from ..engine.project.errors import DataError
from ..engine.project.settings import Project
from ..engine.runs import answers, loading
from ..engine.sources.names import in_other_letters
from . import profile
from .schema import Cell, Checker, Row
from .unusual import Unusual

log = logging.getLogger(__name__)
REASONS_SHOWN = 6  # that a page tells
COLUMN_SETS = 20  # different sets of columns in a request that are answered one by one, some 20 ms each


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

    kinds = math.inf  # different sets of columns that are answered one by one

    def __init__(self, project: Project, folder: Path, rules: Dictionary | None = None, *, judged: bool = True) -> None:
        self.run, self.folder, options = loading.load(folder), folder, project.settings
        self.name = self.run.name
        self.policy = decision.policy(folder, self.run.record, options.predict, options.decision)
        self.follow(rules_of(project) if rules is None else rules)
        self.profile = profile.of(project, folder) if judged else None
        learned, self.judge = (self.profile or {}).get("unusual"), None
        try:
            self.judge = Unusual(learned) if learned else None
        except (ImportError, LookupError) as error:  # another release of scikit-learn has other trees
            log.warning("run %s knows no unusual rows: %s: %s", self.name, type(error).__name__, error)

    def follow(self, rules: Dictionary) -> None:
        """Take ranges, categories and rules as a data dictionary has them."""
        self.columns: Dictionary = answers.under(self.run.columns, rules)
        self.checker, self.ids = Checker(self.columns), by_role(self.columns, "id")
        self.separators = dictionary.separators(self.columns)

    def reference(self, rows: list[Row]) -> list[Answered]:
        """Answer rows, each as if it came alone; those that have the same columns together.

        A `DataError` where cells break a rule: `violations` has a dict for each, its `row` (from 1), `column`,
        `problem` and `cure`.
        """
        found, groups = [Answered({}, "reference", False, []) for _ in rows], dict[frozenset[str], list[int]]()
        unknown = dict[tuple[str, ...], list[str]]()
        for place, row in enumerate(rows):
            if (here := tuple(row)) not in unknown:
                letters = in_other_letters(row, self.columns)
                unknown[here] = [name for name in row if name not in self.columns and name not in letters]
            if extra := unknown[here]:
                found[place].warnings.append(left_out(extra, "rows"))
            groups.setdefault(frozenset(here).difference(extra), []).append(place)
        if len(groups) > self.kinds:
            text = f"The rows have {len(groups)} different sets of columns; allowed in one request: {self.kinds}."
            cure = "Send rows with the same columns, null where a cell is empty"
            raise DataError(text, [dict(row=None, column="", problem=text, cure=cure)])
        tables, errors = list[pd.DataFrame](), list[tuple[list[int], DataError]]()
        for names, places in groups.items():
            try:
                tables.append(self._checked(rows, places, names, found))
            except DataError as error:
                errors.append((places, error))
        if errors:
            violations = [one for places, error in errors for one in by_cell(error, places)]
            raise DataError(str(errors[0][1]), sorted(violations, key=lambda one: one["row"] or 0))
        for table in tables:
            self._answer(table, table.index, found)
        return found

    def reasons(self, row: Row) -> Told:
        """What moves the answer to a row most, as `load().reasons` says; a `DataError` where that cannot be told."""
        frame = pd.DataFrame({name: series(name, self.columns, [row]) for name in row}, index=[0])
        known, _ = self.run.validate(frame, self.columns, where="rows", target=False)
        with loading.explained(self.run.name, self.run.versions, "does not answer"):
            return answers.reasons_of(self.folder, self.run, self.run.add_features(known), REASONS_SHOWN)[0]

    def _checked(self, rows: list[Row], places: list[int], names: Set[str], found: list[Answered]) -> pd.DataFrame:
        """The typed cells of the rows at these places, which have these columns; `found` takes what is warned of."""
        at, there = [rows[place] for place in places], [name for name in rows[places[0]] if name in names]
        frame = pd.DataFrame({name: series(name, self.columns, at) for name in there}, index=range(len(places)))
        known, warnings = self.run.validate(frame.set_axis(places), self.columns, where="rows", target=False)
        for warning in warnings:
            violation = getattr(warning, "violation", None)  # of names in other letters and older copies: none
            said, odd = without_cells(warning, violation), is_odd(self.columns, violation)
            for place in [places[row] for row in violation.rows] if violation else places:
                found[place].warnings.append(said)
                found[place].unusual |= odd
        return known

    def _answer(self, known: pd.DataFrame, places: Iterable[int], found: list[Answered]) -> None:
        """Answer typed rows, the places of which in the request are given."""
        known, run, policy = known.reset_index(drop=True), self.run, self.policy
        with loading.explained(run.name, run.versions, "does not answer"):
            table = answers.predictions(run, known, policy)
        marks = self.judge.marks(known) if self.judge else [False] * len(known)
        outputs = table.drop(columns="run").to_dict("records")
        for place, output, odd in zip(places, outputs, marks, strict=True):
            found[place].output = output
            found[place].unusual |= odd


def rules_of(project: Project) -> Dictionary:
    """The data dictionary of a project; nothing where there is none."""
    return dictionary.load(project.dictionary) if project.dictionary.is_file() else {}


def is_odd(columns: Dictionary, violation: Violation | None) -> bool:
    """Whether rows are unusual for these cells: they break a rule that only warns, of a column that counts."""
    ruled = moments.with_rules(columns, moments.to_make(columns, ()))
    column = ruled[violation.column] if violation and violation.cure else None
    return column is not None and column.rule == "warn" and column.role not in ("id", "ignored")


def without_cells(warning: str, violation: Violation | None) -> str:
    """What rows are told and the log keeps: the cell and the numbers that `validate` shows may be of another row."""
    problem, _, then = (violation.problem if violation else warning).partition(", like ")
    missing = ", read as missing" if then.endswith(" read as missing") else ""
    return f"rows: column {violation.column!r} has {problem}{missing}" if violation else problem


def series(name: str, columns: Dictionary, rows: list[Row]) -> pd.Series | np.ndarray:
    """A column of a table: numbers where all cells are, else each cell as it is, so that it reads as it would alone."""
    cells: list[Cell] = [row[name] for row in rows]
    number = name in columns and columns[name].type in ("integer", "number")
    plain = number and {*map(type, cells)} <= {float, int, type(None)}
    with contextlib.suppress(OverflowError):  # a whole number beyond 1e308
        if plain:
            return np.array(cells, dtype="float64")  # None is NaN; a Series takes three times as long
    return pd.Series(cells, dtype=object)


def by_cell(error: DataError, places: list[int]) -> list[dict[str, Any]]:
    """The violations of a table, one a cell; the text alone where the copy of an older run found them."""
    if not error.violations:
        return [dict(row=None, column="", problem=str(error), cure="")]
    found = [(place, v) for v in error.violations for place in v.rows]
    return [dict(row=places[r] + 1, column=v.column, problem=v.problem, cure=v.cure) for r, v in found]
