"""Your own features: columns that are computed from one row alone.

`add_features` is called the same way in `make features`, in `make predict` and by `load().predict`; a trained model
keeps the one that it was trained with. It may import modules of yours, from this folder or from folders in it.
"""

import itertools

import pandas as pd

SECONDS_A_DAY = 86_400.0
DAY_OF_CLOCKS = pd.Timestamp(1900, 1, 1)


def add_features(rows: pd.DataFrame) -> pd.DataFrame:
    """Add columns that are computed from one row alone: edit this function.

    Another file is read from `external("data/external/prices.csv")` (`from . import external`), its path here and in a
    run, and declared in `[data] also` of `params.toml`; a variable is declared in `[environment] variables`. What is
    not declared (the clock and random numbers cannot be) makes a run that nobody can make again.

    As it stands it adds the days between every two dates of a row (from pickup to drop-off, from order to delivery),
    which no model finds by itself.

    Parameters
    ----------
    rows : DataFrame, shape (n_rows, n_columns)
        Typed as the data dictionary says; without the target, which is not known when a prediction is needed.

    Returns
    -------
    DataFrame, shape (n_rows, n_columns + n_new)
        A copy with new columns; numbers, booleans, dates and text are all picked up by the recipe.
    """
    dates = rows.select_dtypes("datetime").columns
    pairs = itertools.combinations(dates, 2)
    days = {f"days from {start} to {end}": days_between(rows[start], rows[end]) for start, end in pairs}
    return rows.assign(**days)


def days_between(start: pd.Series, end: pd.Series) -> pd.Series:
    """The days from one date to the other, shape (n_rows,); NaN between a date and a time of day (on 1900-01-01)."""
    days = (end - start).dt.total_seconds() / SECONDS_A_DAY
    return days.where((start.dt.normalize() == DAY_OF_CLOCKS) == (end.dt.normalize() == DAY_OF_CLOCKS))
