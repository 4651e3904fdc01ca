"""The reference road: rows as a data frame, validated and answered as `make predict` does."""

import contextlib
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from ..engine.columns.dictionary import Dictionary
from ..engine.modelling.decision import Policy
from ..engine.project.errors import DataError
from ..engine.runs import answers, loading
from .schema import Cell, Row
from .unusual import Unusual

KINDS = 20  # different sets of columns in a request: each is a table of its own


class Answered(msgspec.Struct):
    """What a run says of one row: the columns of `answers.predictions` but `run`, and what is to be said beside it."""

    output: dict[str, Any]
    road: str  # "compiled" or "reference"
    unusual: bool  # breaks a rule that only warns, or its cells do not go together
    warnings: list[str]


def answer(
    run: loading.Run, columns: Dictionary, policy: Policy, rows: list[Row], judge: Unusual | None = None
) -> list[Answered]:
    """Answer rows; those with the same columns together, so that a row gets the answer that it would get alone.

    A `DataError` where cells break a rule: `violations` has a dict for each, its `row` (from 1), `column`, `problem`
    and `cure`.
    `judge` knows which rows are unusual; without one, only rules say so.
    """
    tables: dict[frozenset[str], list[int]] = {}
    for place, row in enumerate(rows):
        tables.setdefault(frozenset(row), []).append(place)
    if len(tables) > KINDS:
        text = f"The rows have {len(tables)} different sets of columns; allowed in one request: {KINDS}."
        raise DataError(text, [violated(None, "", text, "Send rows with the same columns, null where a cell is empty")])
    found: dict[int, Answered] = {}
    texts, violations = list[str](), list[dict[str, Any]]()
    for places in tables.values():
        try:
            found.update(answer_table(run, columns, policy, {place: rows[place] for place in places}, judge))
        except DataError as error:
            if not error.violations:
                raise
            texts.append(str(error))
            violations.extend(error.violations)
    if texts:
        raise DataError("\n".join(texts[:1]), sorted(violations, key=lambda one: one["row"] or 0))
    return [found[place] for place in range(len(rows))]


def answer_table(
    run: loading.Run, columns: Dictionary, policy: Policy, rows: dict[int, Row], judge: Unusual | None
) -> dict[int, Answered]:
    """Answer rows that have the same columns, by their places in the request."""
    places, names = list(rows), next(iter(rows.values()))
    frame = pd.DataFrame({name: series(name, columns, [*rows.values()]) for name in names}).set_axis(places)
    try:
        known, warnings = run.validate(frame, columns, where="rows", target=False)
    except DataError as error:
        raise DataError(str(error), by_cell(error, places)) from None
    with loading.explained(run.name, run.versions, "does not answer"):
        known = known.reset_index(drop=True)
        limits = policy.limits
        table = answers.predictions(run, known, abstain_below=limits.least, band=limits.band, level=policy.level)
    said = {name: table[name].tolist() for name in table if name != "run"}
    outputs = (dict(zip(said, cells, strict=True)) for cells in zip(*said.values(), strict=True))
    marks = judge.marks(known) if judge else [False] * len(places)
    found = {
        place: Answered(output, "reference", odd, []) for place, output, odd in zip(places, outputs, marks, strict=True)
    }
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
