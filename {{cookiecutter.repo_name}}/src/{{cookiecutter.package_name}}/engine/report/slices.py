"""The parts of the rows in which a model does not keep its word, or knows less than a constant, by each column."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..checks.suspicion import is_number
from ..columns.lists import items_of
from ..modelling import metrics
from ..modelling.metrics import Groups, Predictions, Z
from . import gains
from .diagnostics import even_bins, word_and_truth

SLICE_ROWS = 20  # a smaller slice says more about luck than about the model
SLICE_GROUPS = 5  # of rows that belong together: fewer, drawn again and again, say nothing of others
SLICES_SHOWN = 12
CATEGORIES = 12  # of a column, the most frequent ones
QUARTILES = 4
RELEVANT = 0.1  # of what the rows of a slice are off by, being off on average; of what guessing costs, costing more
SLIGHT = 0.01  # of what a constant answer is off by over all rows: being off by that on average helps and harms nobody
START = 4  # rows that the mean answer counts for, where shares are learned row by row: few, for they have to part
CHANCE = 0.05  # of naming any slice, however many are looked at, where the model is honest in all


def slices(
    rows: pd.DataFrame, truth: np.ndarray, predictions: Predictions, *, metric: str = "mae", groups: Groups = None
) -> tuple[pd.DataFrame, int]:
    """The slices that are off by more than chance: each category, each quarter of numbers, dates and lengths.

    What compares across slices is asked of each: does what was said come true, and does the model cost less than the
    answer that is best for this slice alone. A ranking is no such thing: it is worse wherever the rows are alike.

    Up to 12 slices of at least 20 rows (of 5 groups), the clearest first: `column`, `slice`, `rows`, `said` and
    `came_true` (means: of a probability and 0 or 1, or of a number), `cost` and `constant` (log-loss, root mean squared
    or mean absolute error of the model and of the constant that is best here by `metric`), `said_by` and `gain_by` (how
    far both are from what should be, in standard errors, 0 if too little to matter). And how many were looked at.
    """
    said, came = word_and_truth(truth, predictions)
    kinds, power = predictions.classes, 1 if predictions.classes or metrics.middle(metric) == "median" else 2
    gap, cost, found = came - said, costs(truth, predictions, power), []
    squares, bins = pd.Series(gap**2), even_bins(said)
    sums = pd.Series(gap).groupby(np.arange(len(gap)) if groups is None else groups.to_numpy()).sum()
    alike = max(1.0, (sums**2).sum() / max(squares.sum(), metrics.TINY))  # rows of a group that err as one
    slight = SLIGHT * np.abs(came - came.mean()).mean()
    dear = RELEVANT * costs(truth, metrics.constant(truth, kinds, len(truth), metric), power).mean()
    for name, label, inside in cuts(rows):
        where = np.flatnonzero(inside)
        whose = None if groups is None else groups.iloc[where]
        if not SLICE_ROWS <= len(where) < len(truth) or (whose is not None and whose.nunique() < SLICE_GROUPS):
            continue
        best = metrics.constant(truth[where], kinds, len(where), metric)
        own = costs(truth[where], best, power)
        elsewhere = squares.mask(inside).groupby(bins).transform("mean").fillna(0)  # where as much is said
        usual = alike * (said * (1 - said) if kinds else elsewhere.to_numpy())[where]
        least = 2 * ((said[where] - best.values) ** 2 * usual).sum() ** 0.5 if power == 2 else 0.0  # of two squares
        means = [said[where].mean(), came[where].mean(), *(one.mean() ** (1 / power) for one in (cost[where], own))]
        matters = abs(gap[where].mean()) >= max(RELEVANT * np.abs(gap[where]).mean(), slight)
        lost = own - cost[where]
        gain = errors_from_0(lost, whose, least)
        gain = max(gain, -foreseen(truth[where], predictions[where], whose)) if kinds else gain
        by = errors_from_0(gap[where], whose, usual.sum() ** 0.5) * matters, gain * (-lost.mean() >= dear)
        found.append((name, label, len(where), *means, *by))
    columns = ["column", "slice", "rows", "said", "came_true", "cost", "constant", "said_by", "gain_by"]
    table = pd.DataFrame(found, columns=columns)
    worst = np.maximum(table["said_by"].abs(), -table["gain_by"])
    odd = table[worst > norm.isf(CHANCE / 4 / max(1, len(table)))]  # two questions, the first of them has two sides
    return odd.loc[worst[odd.index].sort_values(ascending=False, kind="stable").index].head(SLICES_SHOWN), len(table)


def costs(truth: np.ndarray, answers: Predictions, power: int) -> np.ndarray:
    """The log-loss of each row, or the power of its absolute error, shape (n_rows,)."""
    if answers.classes:
        return -np.log(np.clip(answers.given_to(truth), metrics.TINY, None))
    return np.abs(answers.values - truth) ** power


def foreseen(truth: np.ndarray, answers: Predictions, groups: Groups) -> float:
    """How sure it is, in standard errors, that constant shares, learned row by row, tell more than the answers do.

    Fitted shares do so by luck where a class is rare. These begin at the mean answer; if it is honest, that the
    labels are f times as likely by them has a chance of 1 / f at most (Ville 1939). A group says as much as one row.
    """
    first = START * answers.probabilities.mean(axis=0)[metrics.columns_of(truth, answers.classes)]
    shares = (first + pd.Series(truth).groupby(truth).cumcount()) / (START + np.arange(len(truth)))
    apart = (costs(truth, answers, 1) + np.log(shares)).mean() * (len(truth) if groups is None else groups.nunique())
    return float(norm.isf(min(0.5, np.exp(-max(apart, 0.0)))))


def errors_from_0(values: np.ndarray, groups: Groups, least: float = 0.0) -> float:
    """The sum of values, shape (n_rows,), in its standard errors, which are at least so large."""
    total, _, high = gains.summed(values, groups)
    error = max((high - total) / Z, least)
    return total / error if error > 0 else 0.0


def cuts(rows: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """Column, name of the slice and which rows are in it, shape (n_rows,), for every slice of every column."""
    for name in rows.columns:
        values = rows[name]
        missing = values.isna().to_numpy()
        if missing.any():
            yield name, "missing", missing
        if pd.api.types.is_datetime64_any_dtype(values.dtype) or (is_number(values) and values.nunique() > CATEGORIES):
            yield from quarters(name, values)
        elif not is_number(values) and values.nunique() > len(values) / 2:
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
        yield name, f"{'' if low == edges[0] else 'beyond '}{bound(low)} to {bound(high)}", inside


def bound(value: float | pd.Timestamp) -> str:
    """A bound of a slice as people read it."""
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d}"
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
