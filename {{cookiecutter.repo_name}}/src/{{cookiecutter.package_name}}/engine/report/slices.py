"""The parts of the rows on which a model is worst, by the values of each column."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from ..columns.lists import items_of
from ..modelling.metrics import RANKINGS, Groups, Metric, Predictions, interval
from .diagnostics import is_amount

SLICE_ROWS = 20  # a smaller slice says more about luck than about the model
SLICE_CLASS_ROWS = 5  # and a ranking needs some rows on both sides
SLICE_GROUPS = 5  # of rows that belong together: fewer, drawn again and again, say nothing of others
SLICES_SHOWN = 12
CATEGORIES = 12  # of a column, the most frequent ones
QUARTILES = 4
RESAMPLES = 100


def slices(
    rows: pd.DataFrame, truth: np.ndarray, predictions: Predictions, metric: Metric, *, groups: Groups = None
) -> tuple[pd.DataFrame, int]:
    """The parts of the rows on which the model is worst: each category, each quarter of numbers, dates and lengths.

    The intervals draw rows of a group together.

    Returns
    -------
    worst : DataFrame
        Up to 12 slices of at least 20 rows, worst first: `column`, `slice`, `rows`, `score`, `low`, `high` (95 %
        interval, NaN for fewer than 5 groups), `worse_by` (than all rows, above 0), `clear` (whether the interval
        leaves out the score of all rows).
    n_looked_at : int
        How many slices there were.
    """
    whole = metric.score(truth, predictions)
    sides = predictions.classes if metric.name in RANKINGS else ()
    found: list[dict[str, Any]] = []
    for name, label, inside in cuts(rows):
        where = np.flatnonzero(inside)
        enough = all((truth[where] == side).sum() >= SLICE_CLASS_ROWS for side in sides)
        if SLICE_ROWS <= len(where) < len(truth) and enough:
            found.append({"column": name, "slice": label, "rows": len(where), "where": where})
            found[-1]["score"] = score = metric.score(truth[where], predictions[where])
            found[-1]["worse_by"] = metric.better_by(whole, score)
    worse = sorted((line for line in found if line["worse_by"] > 0), key=lambda line: -line["worse_by"])[:SLICES_SHOWN]
    for line in worse:
        where, low, high = np.asarray(line.pop("where")), np.nan, np.nan
        whose = None if groups is None else groups.iloc[where]
        if whose is None or whose.nunique() >= SLICE_GROUPS:
            low, high = interval(metric, truth[where], predictions[where], groups=whose, repeats=RESAMPLES)
        line |= {"low": low, "high": high, "clear": bool(high < whole or low > whole)}
    return pd.DataFrame(worse), len(found)


def cuts(rows: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """Column, name of the slice and which rows are in it, shape (n_rows,), for every slice of every column."""
    for name in rows.columns:
        values = rows[name]
        missing = values.isna().to_numpy()
        if missing.any():
            yield name, "missing", missing
        if pd.api.types.is_datetime64_any_dtype(values.dtype) or (is_amount(values) and values.nunique() > CATEGORIES):
            yield from quarters(name, values)
        elif not is_amount(values) and values.nunique() > len(values) / 2:
            words = values.astype(object).where(~missing, "").astype(str).str.count(r"\w+")
            yield from ((name, f"{label} words", inside) for _, label, inside in quarters(name, words))
        else:
            for value in values.value_counts().head(CATEGORIES).index:
                yield name, str(value), (values == value).fillna(False).to_numpy(dtype=bool)


def by_items(rows: pd.DataFrame, separators: Mapping[str, str]) -> pd.DataFrame:
    """Rows, shape (n_rows, n_columns), with a column of yes and no for each of the most frequent items of a list."""
    table = rows.drop(columns=[name for name in rows if name in separators])
    for name in [name for name in rows if name in separators]:
        cells = [items_of(cell, separators[name]) for cell in rows[name].fillna("")]
        frequent = [item for item, _ in Counter(chain.from_iterable(cells)).most_common(CATEGORIES)]
        for item in frequent:
            table[f"{name}: {item}"] = ["yes" if item in cell else "no" for cell in cells]
    return table


def quarters(name: str, values: pd.Series) -> Iterator[tuple[str, str, np.ndarray]]:
    """The four quarters of numbers or dates, with their bounds as names."""
    edges = values.quantile(np.linspace(0, 1, QUARTILES + 1), interpolation="nearest").drop_duplicates().tolist()
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        above = values >= low if low == edges[0] else values > low
        inside = (above & (values <= high)).fillna(False).to_numpy(dtype=bool)
        yield name, f"{bound(low)} to {bound(high)}", inside


def bound(value: float | pd.Timestamp) -> str:
    """A bound of a slice as people read it."""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
