"""How the score grows with the rows, for two questions: would more data help, and does the model over-fit.

Fits copies of the model on a quarter and a half of its rows; the whole is the model itself.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from ..modelling.question import Question, predict
from .diagnostics import Result

SIZES = (0.25, 0.5)  # and 1: each doubles the rows, so the last step answers "what would twice as many bring?"
LEAST_FITTED = 20  # to fit anything on
ROWS_SCORED = 5000  # of those that were fitted on
RESAMPLES = 100


def curve(model: Any, question: Question, test: pd.DataFrame, result: Result) -> Iterator[dict]:
    """Score a model that was fitted on all rows of `question`, and copies that see fewer, on the test split.

    Yields `rows` (fitted on), `groups` (of them; 0 where `[split]` names none), `fitted` and `held` (scores on rows
    that were fitted on, and on the test split), `low` and `high` (95 % interval of the gain over the size before,
    paired over the test rows, or over their groups; NaN at first). Costs three quarters of a fit.
    """
    order, metric, before = by_shares(question), result.metric, None
    for share in (*SIZES, 1.0):
        chosen = order[: round(len(order) * share)]
        if len(chosen) < LEAST_FITTED or (question.classes and len(set(question.truth[chosen])) < 2):
            continue
        rows, truth = question.rows.iloc[chosen], question.truth[chosen]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they were logged when the model was trained
            try:
                fitted = model if share == 1 else clone(model).fit(rows, truth)
                predictions = result.predictions if share == 1 else predict(fitted, test, question.classes)
            except ValueError:  # so few rows, of a class or a category, that a part of the model refuses them
                continue
            seen = predict(fitted, rows[:ROWS_SCORED], question.classes)
            low = high = np.nan
            if before:
                both = (result.truth, predictions, before)
                low, high = metric.gain(*both, groups=result.groups, repeats=RESAMPLES)
        yield {
            "rows": len(chosen),
            "groups": 0 if question.groups is None else question.groups.iloc[chosen].nunique(),
            "fitted": metric.score(truth[:ROWS_SCORED], seen),
            "held": metric.score(result.truth, predictions),
            "low": low,
            "high": high,
        }
        before = predictions


def by_shares(question: Question) -> np.ndarray:
    """Positions of all rows in random order, whole groups together, or so that a beginning has the classes' shares."""
    if question.groups is not None:
        groups = pd.factorize(question.groups)[0]
        return np.argsort(np.random.default_rng(0).permutation(groups.max() + 1)[groups], kind="stable")
    order = np.random.default_rng(0).permutation(len(question.truth))
    if not question.classes:
        return order
    labels = pd.Series(question.truth[order]).astype(str)
    place = (labels.groupby(labels).cumcount() + 0.5) / labels.groupby(labels).transform("size")
    return order[np.argsort(place.to_numpy(), kind="stable")]
