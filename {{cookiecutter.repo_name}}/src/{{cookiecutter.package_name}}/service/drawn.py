"""Rows drawn from the dictionary go both roads: where one bit differs, the reference answers.

They hold no cell of the data, so that none has to be kept in a run or an image.
"""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..engine.columns.dictionary import Column, Dictionary, label_columns
from ..engine.columns.moments import CLOCK_DAY
from ..engine.columns.validate import validate
from ..engine.modelling.decision import Policy
from ..engine.runs import answers
from ..engine.runs.loading import Run

MISSING, ODD = 0.1, 0.1  # share of the cells that are missing, and that are outside of what is listed
FIRST_DAY, N_DAYS, SECONDS_A_DAY = np.datetime64("1990-01-01", "us"), 15_000, 86_400
SYLLABLES = tuple(f"{letter}{number}" for letter in "aeiou" for number in range(10))
MOST_SECONDS, FEWEST_ROWS = 1.0, 100  # that the start may wait; a text takes 2 ms, add_features what it will
MOST_WORDS, UNKNOWN = 12, "unheard of"  # of a text; in place of a word


def drawn(columns: Dictionary, rows: int, seed: int) -> pd.DataFrame:
    """So many rows that the dictionary allows, with missing and unknown cells where its rules let them through.

    Gives a frame of shape (n_rows, n_columns), typed by `validate`, without the target. Categories and the words of
    texts come from `values` of the column.
    """
    random, labels = np.random.default_rng(seed), label_columns(columns)
    wanted = {name: c for name, c in columns.items() if not (c.role == "target" or name in labels or c.moment)}
    table = pd.DataFrame({name: drawn_cells(column, rows, random) for name, column in wanted.items()})
    return validate(table, columns, where="drawn rows", target=False)[0]


def drawn_cells(column: Column, rows: int, random: np.random.Generator) -> np.ndarray:
    """Cells of one column, shape (n_rows,), missing ones None or NaN."""
    odd, lets_through = random.random(rows) < ODD, column.rule != "refuse"
    gaps = (random.random(rows) < MISSING) & (column.missing_allowed or lets_through)
    half = random.random(rows) < 1 / 2
    if column.type in ("integer", "number"):
        low, high = column.range or (-1000.0, 1000.0)
        low, high = (np.ceil(low), np.floor(high)) if column.type == "integer" else (low, high)
        cells: np.ndarray = random.uniform(low, high, rows)
        cells = np.where(half | (column.type == "integer"), np.clip(np.round(cells), low, high), cells)
        cells = np.where(odd & lets_through, 2 * np.ceil(abs(cells) + abs(high)), cells)
        return np.where(gaps, np.nan, cells)
    if column.type == "boolean":
        cells = half
    elif column.type == "datetime":
        seconds = random.integers(0, N_DAYS * SECONDS_A_DAY, rows).astype("timedelta64[s]")
        clock = seconds % np.timedelta64(1, "D")
        cells = np.where(odd, np.datetime64(CLOCK_DAY) + clock, FIRST_DAY + seconds - np.where(half, clock, 0))
        return np.where(gaps, np.datetime64("NaT", "s"), cells)
    else:
        cells = drawn_texts(column, odd & (lets_through or column.values is None), random)
    cells = cells.astype(object)
    cells[gaps] = None
    return cells


def drawn_texts(column: Column, odd: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Categories, lists or texts, shape (n_rows,), each with an unknown word where it is odd, shape (n_rows,)."""
    known, mark = sorted(column.values or SYLLABLES), column.separator or " "
    most = MOST_WORDS if column.type in ("text", "list") else 1
    places, sizes = random.integers(0, len(known), (len(odd), most)), random.integers(1, most + 1, len(odd))
    words = [[known[place] for place in row[:size]] for row, size in zip(places, sizes, strict=True)]
    texts = [mark.join([UNKNOWN, *row[1:]] if is_odd else row) for row, is_odd in zip(words, odd, strict=True)]
    return np.array(texts, dtype=object)


def difference(run: Run, policy: Policy, compiled: Any, rows: int = 1000) -> str:
    """Which columns of the answers differ in how many drawn rows, of so many at most; "" where every bit is equal.

    `compiled` is the `Compiled` of this run and this policy. A road that raises an error differs too.
    """
    known = {name: words for name, words in compiled.known.items() if words and name in run.columns}
    words = {name: replace(run.columns[name], values=tuple(known[name]), rule="warn") for name in known}
    try:
        table = drawn({**run.columns, **words}, rows, seed=0)
        expected = answers.predictions(run, table, policy).drop(columns="run")
        found = answered(compiled, as_cells(table, short=True))
    except Exception as error:  # add_features may raise anything for rows that it has never met
        return f"drawn rows are not answered: {type(error).__name__}: {error}"
    return differing(found, expected.head(len(found)))


def answered(compiled: Any, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """What the fast road says of rows, of as many of them as a second allows."""
    found, end = [], time.process_time() + MOST_SECONDS
    for cells in rows:
        found.append(compiled.answer(cells))
        if time.process_time() > end and len(found) >= FEWEST_ROWS:
            break
    return pd.DataFrame(found)


def as_cells(rows: pd.DataFrame, *, short: bool = False) -> list[dict[str, Any]]:
    """Rows typed by the dictionary as plain cells, as JSON has them; `short`: 0 seconds are left out, as people do."""
    names, columns, rest = [*rows], [], ":00" if short else ""
    for name in names:
        cells = rows[name]
        if pd.api.types.is_datetime64_any_dtype(cells.dtype):
            cells = cells.map(lambda moment: moment.isoformat().removesuffix(rest), na_action="ignore")
        columns.append([None if cell != cell else cell for cell in cells.tolist()])  # NaN is not itself
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def differing(found: pd.DataFrame, expected: pd.DataFrame) -> str:
    """Which columns of answers, shape (n_rows, n_columns), differ in any bit in how many rows; "" if none does."""
    if list(found) != list(expected):
        return f"the columns of the answers are {list(found)}, not {list(expected)}"
    counts = {name: int((bits(found[name]) != bits(expected[name])).sum()) for name in expected}
    return ", ".join(f"{name!r} in {n} of {len(expected)} drawn rows" for name, n in counts.items() if n)


def bits(values: pd.Series) -> np.ndarray:
    """What is compared, shape (n_rows,): of numbers the bits."""
    return values.to_numpy().view("int64") if values.dtype == "float64" else values.to_numpy(dtype=object)
