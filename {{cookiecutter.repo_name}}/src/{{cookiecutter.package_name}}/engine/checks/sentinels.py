"""Numbers that often mean "no value", as -999 does: said before training, never changed."""

from collections.abc import Iterator

import pandas as pd

from .suspicion import Suspicion, is_number

SENTINELS = frozenset([-1, -200, -99, 99, *(sign * (10**digits - 1) for digits in range(3, 7) for sign in (-1, 1))])
FAR = 3  # times the spread of the other values


def sentinels(clean: pd.DataFrame, names: list[str]) -> Iterator[Suspicion]:
    """Such numbers at the edge of a column, twice at least, and far from all the others."""
    for name in filter(lambda name: is_number(clean[name]), names):
        values = clean[name].dropna()
        for edge in map(float, sorted({values.min(), values.max()} & SENTINELS)):
            others = values[values != edge]
            rows = len(values) - len(others)
            if rows > 1 and len(others) and stands_apart(edge, others, rows):
                found = f"column {name!r} holds {edge:g} in {rows} rows, far from the others"
                keys = f'missing = ["{edge:g}"] and missing_allowed = true'
                cure = f"If it means missing: {keys} of it in references/data_dictionary.toml."
                yield Suspicion("missing", (name,), found, cure, {"number": edge, "rows": rows})


def stands_apart(edge: float, others: pd.Series, rows: int) -> bool:
    """Whether no one would take a value for one of the others: below 0 alone, or far away."""
    low, high = float(others.min()), float(others.max())
    if edge == -1:
        return low >= 0 and rows > others.value_counts().iloc[0]
    return (edge < 0 <= low) or min(abs(edge - low), abs(edge - high)) > FAR * (high - low)
