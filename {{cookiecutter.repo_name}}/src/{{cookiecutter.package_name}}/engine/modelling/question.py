"""What is to be learned, and what a candidate says of rows that it has not seen."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from . import metrics, threshold
from .metrics import Predictions
from .split import Fold


@dataclass(frozen=True)
class Question:
    """What is to be learned: the rows, the truth, the task, and which rows are held out when.

    Attributes
    ----------
    rows : DataFrame, shape (n_rows, n_columns)
        Train and dev, one below the other.
    truth : ndarray, shape (n_rows,)
    task : {"classification", "regression"}
    classes : tuple
        Labels, sorted, but of two the positive one last; empty for a regression.
    folds : list of (ndarray, ndarray)
        Positions to fit on and positions to hold out.
    groups : Series, shape (n_rows,), optional
        What `[split] by` keeps together.
    """

    rows: pd.DataFrame
    truth: np.ndarray
    task: str
    classes: tuple
    folds: list[Fold]
    groups: pd.Series | None = None


def hold_out(estimator: BaseEstimator, question: Question) -> tuple[np.ndarray, Predictions]:
    """The truth of every row of the folds, shape (n_held_out,), and its prediction by a model that has not seen it."""
    parts = []
    for fit_on, held in question.folds:
        model = clone(estimator).fit(question.rows.iloc[fit_on], question.truth[fit_on])
        parts.append(predict(model, question.rows.iloc[held], question.classes))
    truth = np.concatenate([question.truth[held] for _, held in question.folds])
    values = np.concatenate([part.values for part in parts])
    return truth, Predictions(values, np.concatenate([part.probabilities for part in parts]), question.classes)


def predict(model: BaseEstimator, rows: pd.DataFrame, classes: tuple) -> Predictions:
    """What a fitted model says of rows, shape (n_rows, n_columns); classes it has not seen get probability 0."""
    if not classes:
        return Predictions(model.predict(rows))
    answers, probabilities = model.predict_proba(rows), np.zeros((len(rows), len(classes)))
    probabilities[:, metrics.columns_of(model.classes_, classes)] = answers
    return Predictions(model.classes_[threshold.places(model, answers)], probabilities, classes)
