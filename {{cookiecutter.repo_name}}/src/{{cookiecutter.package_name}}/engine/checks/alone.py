"""Features that are not the same again: by chance, by the clock, or alone otherwise than among other rows."""

import math
from collections.abc import Callable
from numbers import Real

import numpy as np
import pandas as pd

ROWS_ALONE = 3
ROUNDING = 1e-9  # relative: numpy may take the last digits of many numbers in another way than of one


def across_rows(add_features: Callable[[pd.DataFrame], pd.DataFrame], rows: pd.DataFrame, wider: pd.DataFrame) -> str:
    """What to say of new columns that are computed across rows; "" where a row alone gets what it got among others.

    `wider`, shape (n_rows, n_columns + n_new), is what `add_features` made of `rows`, shape (n_rows, n_columns). Some
    rows are tried.
    """
    new, other = wider.columns.difference(rows.columns, sort=False), dict[str, None]()
    for place in np.unique(np.linspace(0, len(rows) - 1, ROWS_ALONE, dtype=int)) if len(new) else []:
        try:
            alone = add_features(rows.iloc[[place]].copy())
        except Exception as error:
            return f"add_features fails for a row alone ({type(error).__name__}: {error})"
        pairs = {name: (wider[name].iloc[place], alone[name].iloc[0] if name in alone else None) for name in new}
        other |= dict.fromkeys(name for name, (among, by_itself) in pairs.items() if not same(among, by_itself))
    if not other:
        return ""
    named = ", ".join(map(repr, [*other][:5]))
    return f"add_features computes {named} of a row alone otherwise than among others: a mean of other rows, a rank?"


def unsteady(add_features: Callable[[pd.DataFrame], pd.DataFrame], rows: pd.DataFrame) -> list[str]:
    """What to say of columns that differ when they are computed twice of rows, shape (n_rows, n_columns), or alone."""
    once, again = (add_features(rows.copy()) for _ in range(2))
    if moving := [repr(name) for name in once if name not in again or not once[name].equals(again[name])]:
        return [f"add_features computes {', '.join(moving[:5])} otherwise each time (random numbers, the clock?)"]
    return [*filter(None, [across_rows(add_features, rows, once)])]


def same(one: object, other: object) -> bool:
    """Whether two cells are equal, but for the rounding of numbers, or both missing."""
    if isinstance(one, Real) and isinstance(other, Real) and math.isclose(one, other, rel_tol=ROUNDING):
        return True
    return bool(one == other) or bool(pd.isna(one) and pd.isna(other))
