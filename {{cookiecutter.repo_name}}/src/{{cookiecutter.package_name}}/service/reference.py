"""The reference road: rows as a data frame, validated and answered as `make predict` does."""

import contextlib
import logging
import math
from collections.abc import Iterable, Sequence, Set
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ..engine.columns import dictionary
from ..engine.columns.dictionary import Dictionary, by_role
from ..engine.columns.violations import Violation
from ..engine.modelling import decision
from ..engine.project.errors import DataError, ProjectError
from ..engine.project.settings import Project
from ..engine.runs import answers, loading
from . import profile
from .features import is_default
from .schema import Cell, Checker, Row
from .unusual import Unusual

log = logging.getLogger(__name__)
COLUMN_SETS = 20  # different sets of columns in a request that are answered one by one, some 20 ms each
Shapes = dict[frozenset[str], list[int]]  # the places of rows in a request, by the columns that they have


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
        dates_alone = is_default(self.run.add_features)
        self._seen = {name for name, column in self.columns.items() if column.type == "datetime" or not dates_alone}

    def reference(self, rows: list[Row]) -> list[Answered]:
        """Answer rows, each as if it came alone.

        A column is checked once, in all rows that have it. Rows are answered together unless they differ in which
        columns they have of those that `add_features` looks at: others that may be absent are missing then.

        A `DataError` where cells break a rule: `violations` has a dict for each, its `row` (from 1), `column`,
        `problem` and `cure`.
        """
        shapes, groups = Shapes(), Shapes()
        for place, row in enumerate(rows):
            shapes.setdefault(frozenset(row), []).append(place)
        for shape, places in shapes.items():
            groups.setdefault(shape & self._seen, []).extend(places)
        if len(groups) > self.kinds:
            text = f"The rows have {len(groups)} different sets of columns; allowed in one request: {self.kinds}."
            cure = "Send rows with the same columns, null where a cell is empty"
            raise DataError(text, [dict(row=None, column="", problem=text, cure=cure)])
        found = [Answered({}, "reference", False, []) for _ in rows]
        tables = self._checked(rows, shapes, found)
        for places in groups.values():
            self._answer(tables[0] if len(tables) == 1 else joined(tables, places, self.columns), places, found)
        return found

    def _checked(self, rows: list[Row], shapes: Shapes, found: list[Answered]) -> list[pd.DataFrame]:
        """The typed cells by place, a table for columns that the same rows have; `found` takes what is warned of."""
        tables, errors = list[pd.DataFrame](), list[tuple[list[int], DataError]]()
        for places, names in tables_of(self.columns, shapes):
            try:
                known, warnings = self._validated(rows, places, names)
            except DataError as error:
                errors.append((places, error))
                continue
            tables.append(known)
            for warning in warnings:
                violation = getattr(warning, "violation", None)  # unknown columns have none, nor copies of older runs
                odd = is_odd(self.columns, violation)
                for place in [places[row] for row in violation.rows] if violation else places:
                    found[place].warnings.append(str(warning))
                    found[place].unusual |= odd
        if errors:
            raise self._refused(rows, shapes, errors)
        return tables

    def _validated(self, rows: list[Row], places: list[int], names: Set[str]) -> tuple[pd.DataFrame, list[str]]:
        """What `validate` makes of these columns in the rows at these places, which have the same of them."""
        columns = {name: column for name, column in self.columns.items() if name in names}
        there, at = [name for name in rows[places[0]] if name in names], [rows[place] for place in places]
        frame = pd.DataFrame({name: series(name, columns, at) for name in there}, index=range(len(places)))
        return self.run.validate(frame.set_axis(places), columns, where="rows", target=False)

    def _refused(self, rows: list[Row], shapes: Shapes, errors: list[tuple[list[int], DataError]]) -> DataError:
        """All violations in order, with what is said of the first rows of one shape that have one."""
        order = {name: place for place, name in enumerate(self.columns)}
        violations = [one for places, error in errors for one in by_cell(error, places)]
        violations.sort(  # of a row the absent ones first, as `validate` has them
            key=lambda one: (one["row"] or 0, one["column"] in rows[(one["row"] or 0) - 1], order.get(one["column"], 0))
        )
        broken, text = {(one["row"] or 0) - 1 for one in violations}, str(errors[0][1])
        first = next((places for places in shapes.values() if not broken.isdisjoint(places)), [])
        if first and len(shapes) > 1:
            try:
                self._validated(rows, first, {*self.columns, *rows[first[0]]})
            except DataError as error:
                text = str(error)
        return DataError(text, violations)

    def _answer(self, known: pd.DataFrame, places: Sequence[int], found: list[Answered]) -> None:
        """Answer typed rows, the places of which in the request are given."""
        known, run, policy = known.reset_index(drop=True), self.run, self.policy
        with loading.explained(run.name, run.versions, "does not answer"):
            table = answers.predictions(run, known, policy)
        marks = self.judge.marks(known) if self.judge else [False] * len(places)
        outputs = table.drop(columns="run", errors="ignore").to_dict("records")
        for place, output, odd in zip(places, outputs, marks, strict=True):
            found[place].output = output
            found[place].unusual |= odd


def rules_of(project: Project) -> Dictionary:
    """The data dictionary of a project; nothing where there is none."""
    return dictionary.load(project.dictionary) if project.dictionary.is_file() else {}


def under_today(project: Project, columns: Dictionary) -> Dictionary:
    """The columns of a run with the rules of today; with its own, which is said, where those cannot be read."""
    try:
        return answers.under(columns, rules_of(project))
    except ProjectError as error:
        log.error("%s\nUntil it is mended the rules of the run count.", error)
        return columns


def is_odd(columns: Dictionary, violation: Violation | None) -> bool:
    """Whether rows are unusual for these cells: they break a rule that only warns, of a column that counts."""
    column = columns[violation.column] if violation and violation.cure else None
    return column is not None and column.rule == "warn" and column.role not in ("id", "ignored")


def tables_of(columns: Dictionary, shapes: Shapes) -> list[tuple[list[int], Set[str]]]:
    """Which rows are one table with which columns: those that they all have or all lack, and other rows do not.

    Moments stay with the columns that they are made of, and those that nobody knows stay together.
    """
    moments = {part for name, column in columns.items() if column.moment for part in (name, *column.moment)}
    unknown = set[str]().union(*shapes) - columns.keys()
    tables: dict[tuple[int, ...], set[str]] = {}
    for part in [moments, unknown, *({name} for name in columns if name not in moments)]:
        rows = Shapes()
        for shape, places in shapes.items():
            rows.setdefault(shape & part, []).extend(places)
        for places in rows.values():
            tables.setdefault(tuple(sorted(places)), set()).update(part)
    return [([*places], names) for places, names in tables.items()]


def joined(tables: list[pd.DataFrame], places: list[int], columns: Iterable[str]) -> pd.DataFrame:
    """The rows at these places, with all columns that any of them has, in their order."""
    there = [table for table in tables if table.index.isin(places).any()]
    parts = {name: [table[name] for table in there if name in table] for name in columns}
    return pd.DataFrame({name: pd.concat(found).reindex(places) for name, found in parts.items() if found})


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
