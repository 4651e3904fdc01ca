"""Digests of rows, by which a row is known again whatever its cells were stored as."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

TELLING = 0.9  # share of the rows that must differ from all others


def digests(rows: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """One number a row, shape (n_rows,), uint64, the same whatever the types of its columns were stored as."""
    return pd.util.hash_pandas_object(pd.DataFrame({name: plain(rows[name]) for name in names}), index=False).to_numpy()


def plain(column: pd.Series) -> pd.Series:
    """A column as numbers or text."""
    column = column.reset_index(drop=True)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        moments = pd.to_datetime(column, utc=True).dt.as_unit("us").astype("int64")
        return (1000 * moments).where(column.notna(), moments)  # nanoseconds, which wrap around beyond 1677 to 2262
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Series(column.to_numpy(dtype="float64", na_value=np.nan))
    return column.astype(object).where(column.notna(), "").astype(str)


def tell_apart(found: np.ndarray) -> bool:
    """Whether digests, shape (n_rows,), differ so much that to be alike says something."""
    return len(np.unique(found)) >= TELLING * len(found)
