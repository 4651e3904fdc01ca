"""What scikit-learn's estimators lack here: answers to the last bit the same for a row alone, and bounds."""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from threadpoolctl import threadpool_limits

from .recipe import signed_log

THREADS_FROM = 50_000


def of_logarithm(estimator: BaseEstimator) -> BaseEstimator:
    """The estimator, fitted to the logarithm of the target; negative numbers are allowed."""
    return TransformedTargetRegressor(estimator, func=signed_log, inverse_func=signed_exp, check_inverse=False)


def signed_exp(values: np.ndarray) -> np.ndarray:
    """The inverse of `signed_log`, same shape."""
    return np.sign(values) * np.expm1(np.abs(values))


def threads(n_rows: int) -> threadpool_limits:
    """A context in which small tables are computed by one thread.

    On a busy machine of two cores, boosting of 120 rows cost 4.4 CPU s with two threads and 0.2 with one: they wait for
    each other. Above 50,000 rows all cores are used.
    """
    return threadpool_limits(1 if n_rows < THREADS_FROM else None)


class RowByRow(BaseEstimator):
    """Mixin for linear models: the answer to a row is the same to the last bit, whatever rows stand beside it.

    BLAS multiplies one row in another order than many; a product with a sparse matrix takes row by row.
    """

    def decision_function(self, X) -> np.ndarray:  # noqa: N803 (scikit-learn's names)
        """Scores of the classes, shape (n_rows,) or (n_rows, n_classes)."""
        return super().decision_function(csr_matrix(X))

    def predict(self, X) -> np.ndarray:  # noqa: N803
        """Class or number, shape (n_rows,)."""
        return super().predict(csr_matrix(X))


class SteadyLogisticRegression(RowByRow, LogisticRegression):
    """scikit-learn's, row by row."""


class SteadyRidge(RowByRow, Ridge):
    """scikit-learn's, row by row."""


class SteadyRidgeCV(RowByRow, RidgeCV):
    """scikit-learn's, row by row."""


class Clipped(RegressorMixin, BaseEstimator):
    """A regressor whose predictions stay within the range of the target that its `model` was fitted on.

    Two odd rows can send a linear model's answer far outside of anything seen.
    """

    def __init__(self, model: BaseEstimator) -> None:
        self.model = model

    def fit(self, X, y) -> "Clipped":  # noqa: N803 (scikit-learn's names)
        """Fit the model on `X`, shape (n_rows, n_columns), and `y`, shape (n_rows,)."""
        self.model_ = clone(self.model).fit(X, y)
        self.low_, self.high_ = float(np.min(y)), float(np.max(y))
        return self

    def predict(self, X) -> np.ndarray:  # noqa: N803
        """Predictions in the unit of the target, shape (n_rows,)."""
        with np.errstate(over="ignore"):  # the inverse of a logarithm may be infinite before it is clipped
            return np.clip(self.model_.predict(X), self.low_, self.high_)
