"""Numbers and dates that often mean "no value", as -999 and 9999-12-31 do: said before training, never changed."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from .suspicion import FEW_ROWS, Suspicion, is_number

SENTINELS = frozenset([-1, -200, -99, 99, *(sign * (10**digits - 1) for digits in range(3, 7) for sign in (-1, 1))])
FIRST_DAYS = ("0001-01-01", "1753-01-01", "1800-01-01", "1899-12-30", "1900-01-01", "1970-01-01")
LAST_DAYS = ("2099-12-31", "2999-12-31", "3000-01-01", "9999-01-01", "9999-12-31")
FAR = 3  # times the spread of the other values
SEVERAL, TIMES = 10, 3  # values beside -1, of few it is one of the codes; times as often as the smallest of them
OFTEN = 5  # times as often as the most frequent other date


def sentinels(clean: pd.DataFrame, names: list[str]) -> Iterator[Suspicion]:
    """Numbers and dates at the edge of a column, far from all the others or too many.

    The usual ones where they stand twice, any other number from ten times on: what repeats exactly was not measured.
    """
    for name in names:
        values = clean[name].dropna()
        if is_number(values):
            yield from numbers(values)
        elif pd.api.types.is_datetime64_any_dtype(values.dtype):
            yield from days(values)


def numbers(values: pd.Series) -> Iterator[Suspicion]:
    """The findings in a column of numbers without empty cells, shape (n_rows,)."""
    for edge in sorted({float(values.min()), float(values.max())}) if len(values) else []:
        others = values[values != edge]
        rows = len(values) - len(others)
        enough = rows > 1 if edge in SENTINELS else rows >= FEW_ROWS and others.nunique() > SEVERAL
        if enough and len(others) and stands_apart(edge, others, rows):
            why = "which is alone below 0 and too often there" if edge == -1 else "far from the others"
            yield placeholder(values, edge, f"{edge:.15g}", rows, why)


def days(values: pd.Series) -> Iterator[Suspicion]:
    """The findings in a column of dates without empty cells, shape (n_rows,)."""
    for edge in [values.min(), values.max()] if len(values) else []:
        others = values[values.dt.normalize() != edge.normalize()]
        if edge.isoformat()[:10] not in (*FIRST_DAYS, *LAST_DAYS) or others.empty:
            continue
        text, rows, low, high = edge.isoformat(sep=" "), int((values == edge).sum()), others.min(), others.max()
        if min(abs(edge - low), abs(edge - high)) > FAR * (high - low):
            yield placeholder(values, text, text.removesuffix(" 00:00:00"), rows, "far from the others")
        elif rows > OFTEN * others.value_counts().iloc[0]:
            yield placeholder(values, text, text.removesuffix(" 00:00:00"), rows, "much more often than any other date")


def placeholder(values: pd.Series, value: Any, text: str, rows: int, why: str) -> Suspicion:
    """The finding with its cure."""
    found = f"column {values.name!r} holds {text} in {rows} {'row' if rows == 1 else 'rows'}, {why}"
    keys = f'missing = ["{text}"] and missing_allowed = true'
    cure = f"If it means missing: {keys} of it in references/data_dictionary.toml."
    kind = "number" if isinstance(value, float) else "date"
    return Suspicion("missing", (str(values.name),), found, cure, {kind: value, "rows": rows})


def stands_apart(edge: float, others: pd.Series, rows: int) -> bool:
    """Whether no one would take a value for one of the others: below 0 alone, or far away."""
    low, high = float(others.min()), float(others.max())
    if edge == -1:
        counts = others.value_counts()  # of amounts that go on below 0, fewer are there than at 0
        apart = len(counts) > SEVERAL and rows > TIMES * counts[others.min()]
        return low >= 0 and (rows > counts.iloc[0] or apart)
    return (edge in SENTINELS and edge < 0 <= low) or min(abs(edge - low), abs(edge - high)) > FAR * (high - low)
