"""The candidates that `train` compares: add a scikit-learn compatible estimator in one line.

`recipe.linear(...)`, `recipe.trees(...)` and `recipe.network(...)` put the preprocessing of the data dictionary in
front of an estimator. A name in the dict can be listed in `candidates` of `[train]` in `params.toml`.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge, RidgeCV
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from .metrics import TINY, columns_of
from .network import NetworkClassifier, NetworkRegressor
from .recipe import Recipe, signed_log
from .settings import Train

TEXT = "text"  # the one candidate for tables with text only
RIDGE_PENALTIES = np.logspace(-2, 4, 13)
MANY_ROWS = 50_000
TEMPERATURES = (0.05, 20.0)  # outside, a model is so wrong about itself that no scaling makes it honest
STOPPED = {  # smaller trees, more of them, until 15 in a row do not help: less sure of itself on small data
    "early_stopping": True,
    "learning_rate": 0.06,
    "l2_regularization": 1.0,
    "max_features": 0.5,
    "max_iter": 600,
    "max_leaf_nodes": 15,
    "n_iter_no_change": 15,
}
FOREST = {  # 1,000 leaves a tree keep a model of 40,000 rows below 20 MB, and half of the cost
    "n_estimators": 100,
    "max_features": 0.5,
    "max_leaf_nodes": 1000,
}


def classifiers(recipe: Recipe, settings: Train) -> dict[str, BaseEstimator]:
    """Estimators for classes, by name; `balance` weighs rare classes up."""
    same = {"class_weight": "balanced" if settings.balance else None}
    seed = settings.seed
    return {
        "dummy": DummyClassifier(strategy="prior"),
        "linear": recipe.linear(SteadyLogisticRegression(max_iter=2000, **same)),
        "curves": recipe.linear(SteadyLogisticRegression(max_iter=2000, C=0.3, **same), curves=True),
        "boosting": recipe.trees(HistGradientBoostingClassifier(random_state=seed, **same)),
        "boosting_stopped": recipe.trees(HistGradientBoostingClassifier(random_state=seed, **STOPPED, **same)),
        "forest": recipe.trees(ExtraTreesClassifier(random_state=seed, **FOREST, **same)),
        "network": recipe.network(NetworkClassifier(random_state=seed, **same)),
        TEXT: recipe.linear(SteadyLogisticRegression(max_iter=2000, C=10, **same), letters=True),
    }


def regressors(recipe: Recipe, settings: Train) -> dict[str, BaseEstimator]:
    """Estimators for numbers, by name."""
    seed = settings.seed
    # The search for the penalty costs the cube of the rows where columns outnumber them, as the words of a text do.
    ridge = SteadyRidge(alpha=1.0) if recipe.has_text else SteadyRidgeCV(alphas=RIDGE_PENALTIES)
    stopped = HistGradientBoostingRegressor(random_state=seed, **STOPPED)
    in_logs = TransformedTargetRegressor(stopped, func=np.arcsinh, inverse_func=np.sinh, check_inverse=False)
    known = {
        "dummy": DummyRegressor(),
        "linear": recipe.linear(Clipped(ridge)),
        "curves": recipe.linear(Clipped(ridge), curves=True),
        "boosting": recipe.trees(HistGradientBoostingRegressor(random_state=seed)),
        "boosting_stopped": recipe.trees(stopped),
        "boosting_log": recipe.trees(Clipped(in_logs)),
        "forest": recipe.trees(ExtraTreesRegressor(random_state=seed, **FOREST)),
        "network": recipe.network(Clipped(NetworkRegressor(random_state=seed))),
    }
    if not recipe.log_target:
        return known
    alone = ("dummy", "boosting_log")
    return {name: known[name] if name in alone else of_logarithm(known[name]) for name in known}


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
    return threadpool_limits(1 if n_rows < MANY_ROWS else None)


class RowByRow:
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
    """A regressor whose predictions stay within the range of the target it was fitted on.

    Parameters
    ----------
    model : estimator
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
        check_is_fitted(self)
        with np.errstate(over="ignore"):  # the inverse of a logarithm may be infinite before it is clipped
            return np.clip(self.model_.predict(X), self.low_, self.high_)


class Calibrated(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are sharpened or softened by one number, its temperature.

    Parameters
    ----------
    model : estimator
        With `predict_proba`.
    temperature : float, > 0
        Probabilities become `p ** (1 / temperature)`, normalised: above 1 softer, below 1 sharper. The order of the
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
        check_is_fitted(self)
        return temper(self.model_.predict_proba(X), self.temperature)

    def predict(self, X) -> np.ndarray:  # noqa: N803
        """Most probable class, shape (n_rows,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """`p ** (1 / temperature)`, rows scaled to add up to 1; shape (n_rows, n_classes) in and out."""
    logits = np.log(np.clip(probabilities, TINY, 1)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def find_temperature(truth: np.ndarray, probabilities: np.ndarray, classes: np.ndarray) -> float:
    """The temperature with the least log-loss on rows that were not fitted on.

    Parameters
    ----------
    truth : ndarray, shape (n_rows,)
    probabilities : ndarray, shape (n_rows, n_classes)
    classes : ndarray, shape (n_classes,)
        Labels of the columns.
    """
    rows, columns = np.arange(len(truth)), columns_of(truth, classes.tolist())

    def loss(log_temperature: float) -> float:
        given = temper(probabilities, np.exp(log_temperature))[rows, columns]
        return -np.log(np.clip(given, TINY, 1)).mean()

    return float(np.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))
