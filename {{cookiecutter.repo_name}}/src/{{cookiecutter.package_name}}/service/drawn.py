"""Rows drawn from the dictionary go both roads: one bit of difference, and the reference answers.

No row of the data is needed, so none is kept in a run or an image.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..engine.columns.dictionary import Column, Dictionary, label_columns
from ..engine.modelling.confidence import Limits
from ..engine.runs import answers
from ..engine.runs.loading import Run

MISSING, ODD = 0.1, 0.1  # share of the cells that are missing, and that are outside of what is listed
FIRST_DAY, N_DAYS = np.datetime64("1990-01-01", "us"), 15_000
WORDS = tuple(f"{letter}{number}" for letter in "aeiou" for number in range(10))
MOST_WORDS = 12  # of a text
UNKNOWN = "unheard of"


def drawn(columns: Dictionary, rows: int, seed: int) -> pd.DataFrame:
    """Rows that the dictionary allows, and such as its rules let through: missing cells, unknown words, values outside.

    Parameters
    ----------
    columns : Dictionary
        A text has the words of its `values`.
    rows : int
        How many.
    seed : int

    Returns
    -------
    DataFrame, shape (n_rows, n_columns)
        Typed as `validate` leaves them, without the target, labels, and moments that are made of other columns.
    """
    random, labels = np.random.default_rng(seed), label_columns(columns)
    wanted = {name: c for name, c in columns.items() if not (c.role == "target" or name in labels or c.moment)}
    return pd.DataFrame({name: drawn_cells(column, rows, random) for name, column in wanted.items()})


def drawn_cells(column: Column, rows: int, random: np.random.Generator) -> pd.Series:
    """Cells of one column, shape (n_rows,)."""
    odd = (random.random(rows) < ODD) & (column.rule == "warn" or column.values is None)
    if column.type in ("integer", "number"):
        low, high = column.range or (-1000.0, 1000.0)
        cells = pd.Series(random.uniform(low, high, rows))
        whole = (column.type == "integer") | (random.random(rows) < 1 / 2)
        cells = cells.mask(whole, cells.round().clip(np.ceil(low), np.floor(high)))
        if column.range and column.rule == "warn":
            cells = cells.mask(odd, np.ceil(high) + cells.abs().round())
        cells = cells.astype("int64" if column.type == "integer" else "float64")
    elif column.type == "boolean":
        cells = pd.Series(random.random(rows) < 1 / 2)
    elif column.type == "datetime":
        seconds = random.integers(0, N_DAYS, rows) * 86_400 + odd * random.integers(0, 86_400, rows)
        cells = pd.Series(FIRST_DAY + seconds.astype("timedelta64[s]"))
    else:
        cells = drawn_texts(column, odd, random)
    gaps = (random.random(rows) < MISSING) & (column.missing_allowed or column.rule == "warn")
    if gaps.any() and column.type in ("integer", "boolean"):
        cells = cells.astype("float64")
    return cells.mask(gaps)


def drawn_texts(column: Column, odd: np.ndarray, random: np.random.Generator) -> pd.Series:
    """Categories, lists or texts, shape (n_rows,); an unknown word where it is odd, shape (n_rows,)."""
    known, mark = sorted(column.values or WORDS), column.separator or " "
    most = MOST_WORDS if column.type in ("text", "list") else 1
    places, sizes = random.integers(0, len(known), (len(odd), most)), random.integers(1, most + 1, len(odd))
    cells = [[known[place] for place in row[:size]] for row, size in zip(places, sizes, strict=True)]
    for cell, is_odd in zip(cells, odd, strict=True):
        cell[0] = UNKNOWN if is_odd else cell[0]
    return pd.Series([mark.join(cell) for cell in cells], dtype="str")


def difference(run: Run, limits: Limits, compiled: Any, rows: int = 1000) -> str:
    """Where the two roads differ.

    Parameters
    ----------
    run : Run
    limits : Limits
    compiled : Compiled
        Made of this run and these limits.
    rows : int
        How many are drawn.

    Returns
    -------
    str
        "" where every bit is equal, else which columns differ in how many rows, or what was raised.
    """
    words = {
        name: replace(run.columns[name], values=tuple(known), rule="warn")
        for name, known in compiled.known.items()
        if known and name in run.columns
    }
    made = drawn({**run.columns, **words}, rows, seed=0)
    try:
        valid, _ = run.validate(made, run.columns, where="drawn rows", target=False)
        table = answers.predictions(run, valid, abstain_below=limits.least, band=limits.band).drop(columns="run")
    except Exception as error:  # whatever add_features raises for rows that it has never met
        return f"the reference does not answer drawn rows: {type(error).__name__}: {error}"
    given = made.assign(**{name: valid[name] for name in made if name in valid})
    try:
        found = pd.DataFrame([compiled.answer(cells) for cells in as_cells(given)])
    except Exception as error:
        return f"the fast road does not answer drawn rows: {type(error).__name__}: {error}"
    return differing(found, table)


def as_cells(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows typed by the dictionary as plain cells, as JSON has them."""
    columns = []
    for name in rows:
        cells = rows[name]
        if pd.api.types.is_datetime64_any_dtype(cells.dtype):
            cells = cells.map(pd.Timestamp.isoformat, na_action="ignore")
        columns.append(cells.astype(object).where(cells.notna(), None).tolist())
    return [dict(zip(rows, row, strict=True)) for row in zip(*columns, strict=True)]


def differing(found: pd.DataFrame, expected: pd.DataFrame) -> str:
    """Which columns of answers differ in how many rows, in any bit; "" if none does."""
    if list(found) != list(expected):
        return f"the columns of the answers are {list(found)}, not {list(expected)}"
    counts = {name: int((bits(found[name]) != bits(expected[name])).sum()) for name in expected}
    wrong = [f"{name!r} in {count} of {len(expected)} drawn rows" for name, count in counts.items() if count]
    return ", ".join(wrong)


def bits(values: pd.Series) -> np.ndarray:
    """What is compared, shape (n_rows,): of numbers the bits."""
    return values.to_numpy().view("int64") if values.dtype == "float64" else values.to_numpy(dtype=object)
