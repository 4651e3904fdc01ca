"""A small neural network whose answer to a row does not depend on the rows beside it, to the last bit.

The candidate `network` of `models.py`. scikit-learn's multi-layer perceptron learns; what it has learned is computed
row by row, because a product of dense matrices takes one row in another order than many.
"""

import warnings
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.class_weight import compute_sample_weight

PER_EPOCH, BATCH = 20, (16, 128)  # steps, as long as each sees so many rows, never more than are fitted
LEARNING: dict[str, Any] = {  # until 10 epochs in a row do not help on the rows held out
    "hidden_layer_sizes": (128, 64),
    "alpha": 1e-3,
    "learning_rate_init": 2e-3,
    "early_stopping": True,
    "validation_fraction": 0.1,
    "n_iter_no_change": 10,
    "max_iter": 100,
}


class Network(BaseEstimator):
    """What the two networks share; `random_state` seeds the first weights, the order of the rows and those held out."""

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def learn(self, kind: type, X, y: np.ndarray, weights: np.ndarray | None = None) -> None:  # noqa: N803
        """Fit scikit-learn's network; one that has not come to rest is judged by its answers like any other."""
        batch, fitted = np.clip(len(y) // PER_EPOCH, *BATCH), len(y) - np.ceil(len(y) * LEARNING["validation_fraction"])
        model = kind(**LEARNING, batch_size=int(min(batch, fitted)), random_state=self.random_state)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.model_ = model.fit(X, y, sample_weight=weights)

    def scores(self, X) -> np.ndarray:  # noqa: N803 (scikit-learn's names)
        """Output of the last layer, shape (n_rows, n_outputs), of `X`, shape (n_rows, n_columns)."""
        layers = list(zip(self.model_.coefs_, self.model_.intercepts_, strict=True))
        for weights, shift in layers[:-1]:
            X = np.maximum(csr_matrix(X) @ weights + shift, 0)  # noqa: N806
        weights, shift = layers[-1]
        return csr_matrix(X) @ weights + shift


class NetworkClassifier(ClassifierMixin, Network):
    """A network for classes; `class_weight` "balanced" weighs rare classes up until all count the same."""

    def __init__(self, random_state: int = 0, class_weight: str | None = None) -> None:
        super().__init__(random_state)
        self.class_weight = class_weight

    def fit(self, X, y) -> "NetworkClassifier":  # noqa: N803 (scikit-learn's names)
        """Fit on `X`, shape (n_rows, n_columns), and `y`, shape (n_rows,)."""
        self.learn(MLPClassifier, X, y, compute_sample_weight(self.class_weight, y))
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X) -> np.ndarray:  # noqa: N803
        """Probabilities, shape (n_rows, n_classes)."""
        scores = self.scores(X)
        if scores.shape[1] > 1:
            return softmax(scores, axis=1)
        return np.hstack([1 - expit(scores), expit(scores)])

    def predict(self, X) -> np.ndarray:  # noqa: N803
        """Most probable class, shape (n_rows,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class NetworkRegressor(RegressorMixin, Network):
    """A network for numbers; it learns them with mean 0 and standard deviation 1."""

    def fit(self, X, y) -> "NetworkRegressor":  # noqa: N803 (scikit-learn's names)
        """Fit on `X`, shape (n_rows, n_columns), and `y`, shape (n_rows,)."""
        self.mean_, self.scale_ = float(np.mean(y)), float(np.std(y)) or 1.0
        self.learn(MLPRegressor, X, (y - self.mean_) / self.scale_)
        return self

    def predict(self, X) -> np.ndarray:  # noqa: N803
        """Predictions in the unit of the target, shape (n_rows,)."""
        return self.scores(X)[:, 0] * self.scale_ + self.mean_
