"""Your own features: columns that are computed from one row alone.

`add_features` is called the same way in `make features`, in `make predict` and by `load().predict`; a trained model
keeps the one that it was trained with. It may import modules of yours, from this folder or from folders in it.
"""

import itertools

import pandas as pd

SECONDS_A_DAY = 86_400.0


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
        Typed as the data dictionary says; the target may be absent, so do not use it.

    Returns
    -------
    DataFrame, shape (n_rows, n_columns + n_new)
        A copy with new columns; numbers, booleans, dates and text are all picked up by the recipe.
    """
    dates = rows.select_dtypes("datetime").columns
    days = {
        f"days from {start} to {end}": (rows[end] - rows[start]).dt.total_seconds() / SECONDS_A_DAY
        for start, end in itertools.combinations(dates, 2)
    }
    return rows.assign(**days)
