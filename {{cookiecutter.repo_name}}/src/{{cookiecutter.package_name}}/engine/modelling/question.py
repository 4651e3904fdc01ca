"""What is to be learned, and what a candidate says of rows that it has not seen."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError

from . import metrics, threshold
from .metrics import Predictions
from .split import Fold

TOO_FEW = re.compile("should be greater or equal to the number of classes|least populated class")


@dataclass(frozen=True)
class Question:
    """What is to be learned: the rows, the truth, the task, and which rows are held out when."""

    rows: pd.DataFrame  # train and dev, one below the other, shape (n_rows, n_columns)
    truth: np.ndarray  # shape (n_rows,)
    task: str  # "classification" or "regression"
    classes: tuple  # labels, sorted, but of two the positive one last; empty for a regression
    folds: list[Fold]  # positions to fit on and positions to hold out
    groups: pd.Series | None = None  # what `[split] by` keeps together, shape (n_rows,)

    @property
    def held_places(self) -> np.ndarray:
        """The positions of the rows that the folds hold out, one fold after the other, shape (n_held_out,)."""
        return np.concatenate([held for _, held in self.folds])

    @property
    def held_out(self) -> np.ndarray:
        """Their truth, shape (n_held_out,)."""
        return self.truth[self.held_places]


def hold_out(estimator: BaseEstimator, question: Question) -> Predictions:
    """What models that have not seen them say of the rows that the folds hold out, one fold after the other."""
    parts = []
    for fit_on, held in question.folds:
        model = clone(estimator).fit(question.rows.iloc[fit_on], question.truth[fit_on])
        parts.append(predict(model, question.rows.iloc[held], question.classes))
    values = np.concatenate([part.values for part in parts])
    return Predictions(values, np.concatenate([part.probabilities for part in parts]), question.classes)


def refusal(error: Exception) -> str:
    """What an estimator said instead of learning, on one line; and what it raised, if that is not how they refuse."""
    if TOO_FEW.search(str(error)):  # scikit-learn names no cause
        return "it sets rows of each class aside, to stop in time, and a class has too few of them for that"
    while isinstance(error.__cause__, AttributeError):  # scikit-learn says first that there is none, then why
        error = error.__cause__
    kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
    cure = " If fit learns nothing, let it set self.fitted_ = True." if isinstance(error, NotFittedError) else ""
    return f"{kind}{error}".split("\n")[0] + cure


def predict(model: BaseEstimator, rows: pd.DataFrame, classes: tuple) -> Predictions:
    """What a fitted model says of rows, shape (n_rows, n_columns); classes it has not seen get probability 0."""
    answers = np.asarray(model.predict_proba(rows) if classes else model.predict(rows), dtype="float64")
    if odd := int((~np.isfinite(answers)).reshape(len(rows), -1).any(axis=1).sum()):
        raise ValueError(f"its answers to {odd} of {len(rows)} rows that it had not seen are NaN or infinite")
    if not classes:
        return Predictions(answers)
    probabilities = np.zeros((len(rows), len(classes)))
    probabilities[:, metrics.columns_of(model.classes_, classes)] = answers
    return Predictions(model.classes_[threshold.places(model, answers)], probabilities, classes)
