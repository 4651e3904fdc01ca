"""Probabilities that mean what they say: one temperature, found on rows that were held out."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from .metrics import TINY, columns_of, surprise

TEMPERATURES = (0.05, 20.0)  # outside, a model is so wrong about itself that no scaling makes it honest


class Calibrated(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are sharpened or softened by one number above 0, its temperature.

    Those of `model` become `p ** (1 / temperature)`, normalised: above 1 softer, below 1 sharper. The order of the
    classes, and so the prediction, stays. Source: Guo et al., "On Calibration of Modern Neural Networks", 2017.
    scikit-learn's own temperature scaling cannot be kept while the model is fitted again on more rows.
    """

    def __init__(self, model: BaseEstimator, temperature: float = 1.0) -> None:
        self.model = model
        self.temperature = temperature

    def fit(self, X, y) -> "Calibrated":  # noqa: N803 (scikit-learn's names)
        """Fit the model on `X`, shape (n_rows, n_columns), and `y`, shape (n_rows,)."""
        self.model_ = clone(self.model).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X) -> np.ndarray:  # noqa: N803
        """Calibrated probabilities, shape (n_rows, n_classes)."""
        return temper(self.model_.predict_proba(X), self.temperature)

    def predict(self, X) -> np.ndarray:  # noqa: N803
        """Most probable class, shape (n_rows,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """`p ** (1 / temperature)`, rows scaled to add up to 1; shape (n_rows, n_classes) in and out."""
    logits = np.log(np.clip(probabilities, TINY, 1)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def find_temperature(truth: np.ndarray, probabilities: np.ndarray, classes: Sequence) -> float:
    """The temperature with the least log-loss on rows that were not fitted on.

    `truth` is (n_rows,), `probabilities` (n_rows, n_classes), with a column for each of the `classes`.
    """
    columns = columns_of(truth, classes)

    def loss(log_temperature: float) -> float:
        return surprise(temper(probabilities, np.exp(log_temperature)), columns)

    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))
