"""The reference road: rows as a data frame, validated and answered as `make predict` does."""

import itertools
from typing import Any

import pandas as pd

from ..engine.columns.dictionary import Dictionary
from ..engine.columns.validate import absent_columns
from ..engine.columns.violations import ADD_IT, explain_absent, left_out
from ..engine.project.errors import DataError
from ..engine.runs.loading import Run
from .schema import Cell, Row

WHERE, LACKING = "rows", "no cell: the column is missing"


def validated(run: Run, columns: Dictionary, rows: list[Row]) -> tuple[pd.DataFrame, list[list[str]], set[int]]:
    """The typed rows, the warnings of each, and the places of those that break a rule that only warns."""
    kinds = {frozenset(row) for row in rows}
    frame, absent, text = table_of(rows, columns, alike=len(kinds) == 1), [], ""
    if len(kinds) > 1:  # a table has an empty cell where a row has none: refuse it as if the row were alone
        lacking = {names: absent_columns(names, columns, target=False) for names in kinds}
        absent = [(place, name) for place, row in enumerate(rows) for name in lacking[frozenset(row)]]
    violations = [about(place + 1, name, LACKING, ADD_IT) for place, name in absent]
    try:
        known, found = run.validate(frame, columns, where=WHERE, target=False)
    except DataError as error:
        text = str(error)
        violations += listed_by_row(error)
    if violations:
        names = list(dict.fromkeys(name for _, name in absent))
        text = text or explain_absent(names, frame.drop(columns=names, errors="ignore"), WHERE)
        raise DataError(text, sorted(violations, key=lambda one: one["row"] or 0))
    warnings: list[list[str]] = [[] for _ in rows]
    if len(kinds) > 1:
        for said, row in zip(warnings, rows, strict=True):
            unknown = [name for name in row if name not in columns]
            said += [left_out(unknown, WHERE)] if unknown else []
    unusual: set[int] = set()
    for warning in found:
        violation = getattr(warning, "violation", None)  # the copies of older runs do not tell, nor what is unknown
        places = violation.rows if violation else range(len(rows))
        for place in places:
            warnings[place].append(str(warning))
        column = columns[violation.column] if violation else None
        unusual.update(places if column and column.rule == "warn" and column.role != "ignored" else ())
    return known, warnings, unusual


def table_of(rows: list[Row], columns: Dictionary, *, alike: bool) -> pd.DataFrame:
    """Rows as a table, without what the dictionary does not know where rows differ in that."""
    names = [name for name in dict.fromkeys(itertools.chain(*rows)) if alike or name in columns]
    numbers = {name for name in names if name in columns and columns[name].type in ("integer", "number")}
    cells = {name: [row.get(name) for row in rows] for name in names}
    return pd.DataFrame({n: series(c, number=n in numbers) for n, c in cells.items()}, index=range(len(rows)))


def series(cells: list[Cell], *, number: bool) -> pd.Series:
    """A column of a table: numbers where all cells are, else each cell as it is, so that it reads as it would alone."""
    plain = number and {*map(type, cells)} <= {float, int, type(None)}
    try:
        return pd.Series(cells, dtype="float64" if plain else object)
    except OverflowError:  # a whole number beyond 1e308
        return pd.Series(cells, dtype=object)


def about(row: int | None, column: str, problem: str, cure: str) -> dict[str, Any]:
    """One violation as an answer has it."""
    return {"row": row, "column": column, "problem": problem, "cure": cure}


def listed_by_row(error: DataError) -> list[dict[str, Any]]:
    """The violations of a table, one a cell; the text alone where the copy of an older run found them."""
    if not error.violations:
        return [about(None, "", str(error), "")]
    return [about(row + 1, one.column, one.problem, one.cure) for one in error.violations for row in one.rows]
