"""Features that are not the same again: by chance, by the clock, or alone otherwise than among other rows."""

import math
from collections.abc import Callable
from numbers import Real

import numpy as np
import pandas as pd

AddFeatures = Callable[[pd.DataFrame], pd.DataFrame]  # rows -> the same with more columns
ROWS_ALONE = 3
CANCELLED = 1e-12  # of the largest number of a row: left over where the sum of its cells is 0
ROUNDING = 1e-9  # relative: numpy may take the last digits of many numbers in another way than of one


def across_rows(add_features: AddFeatures, rows: pd.DataFrame, wider: pd.DataFrame) -> str:
    """What to say of new columns that are computed across rows; "" where a row alone gets what it got among others.

    `wider`, shape (n_rows, n_columns + n_new), is what `add_features` made of `rows`, shape (n_rows, n_columns). Some
    rows are tried.
    """
    new, other = wider.columns.difference(rows.columns, sort=False), dict[str, None]()
    places = np.unique(np.linspace(0, len(rows) - 1, ROWS_ALONE, dtype=int))
    largest = rows.select_dtypes("number").astype("float64").abs().max(axis=1)
    for place in places if len(new) and len(rows) else ():
        try:
            alone = add_features(rows.iloc[[place]].reset_index(drop=True))  # as in use
        except Exception as error:
            return f"add_features fails for a row alone ({type(error).__name__}: {error})."
        noise = CANCELLED * np.nan_to_num(largest.iloc[place])
        for name in new:
            if name not in alone or not same(wider[name].iloc[place], alone[name].iloc[0], noise):
                other[name] = None
    if not other:
        return ""
    named = ", ".join(map(repr, [*other][:5]))
    return f"add_features computes {named} of a row alone otherwise than among others: a mean of other rows, a rank?"


def unsteady(add_features: AddFeatures, rows: pd.DataFrame) -> list[str]:
    """What to say of columns that differ when they are computed twice of rows, shape (n_rows, n_columns), or alone."""
    once, again = (add_features(rows.copy()) for _ in range(2))
    if moving := [repr(name) for name in once if name not in again or not once[name].equals(again[name])]:
        return [f"add_features computes {', '.join(moving[:5])} otherwise each time (random numbers, the clock?)"]
    return [*filter(None, [across_rows(add_features, rows, once)])]


def same(one: object, other: object, noise: float) -> bool:
    """Whether two cells are equal, or both missing; numbers but for their rounding and what a difference leaves."""
    if isinstance(one, Real) and isinstance(other, Real) and math.isclose(one, other, rel_tol=ROUNDING, abs_tol=noise):
        return True
    return pd.Series([one]).equals(pd.Series([other]))
