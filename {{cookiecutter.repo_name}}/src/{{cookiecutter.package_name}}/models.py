"""The candidates that `train` compares: a scikit-learn compatible estimator is one line, and its import at the top.

`recipe.linear(...)`, `recipe.trees(...)` and `recipe.network(...)` put the preprocessing of the data dictionary in
front of an estimator. A name in the dict can be listed in `candidates` of `[train]` in `params.toml`.
"""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from .engine.modelling.estimators import Clipped, SteadyLogisticRegression, SteadyRidge, SteadyRidgeCV, of_logarithm
from .engine.modelling.metrics import middle
from .engine.modelling.network import NetworkClassifier, NetworkRegressor
from .engine.modelling.recipe import Recipe
from .engine.project.settings import Train

RIDGE_PENALTIES = np.logspace(-2, 4, 13)
STOPPED = {  # smaller trees, more of them, until 15 in a row do not help: less sure of itself on small data
    "early_stopping": True,
    "learning_rate": 0.06,
    "l2_regularization": 1.0,
    "max_features": 0.5,
    "max_iter": 600,
    "max_leaf_nodes": 15,
    "n_iter_no_change": 15,
}
# From so many rows a tree on, more and larger trees, which stop by themselves. `boosting` keeps its 31 leaves:
# with 63 in all candidates one table of seven got worse (earnings, R2 0.349 to 0.339).
MANY_ROWS = 10_000
MORE = {"early_stopping": True, "max_iter": 600}
LARGER = {**STOPPED, "max_leaf_nodes": 63}
# 1,000 leaves a tree keep a model of 40,000 rows below 20 MB, and half of the cost.
FOREST = {"n_estimators": 100, "max_features": 0.5, "max_leaf_nodes": 1000}


def boosting(recipe: Recipe) -> tuple[dict, dict]:
    """Parameters of `boosting`, and those of `boosting_stopped` and `boosting_log`, as the rows allow."""
    return (MORE, LARGER) if recipe.rows_a_tree >= MANY_ROWS else ({}, STOPPED)


def classifiers(recipe: Recipe, settings: Train) -> dict[str, BaseEstimator]:
    """Estimators for classes, by name; `balance` weighs rare classes up."""
    same = {"class_weight": "balanced" if settings.balance else None}
    seed = settings.seed
    plain, stopping = boosting(recipe)
    return {
        "dummy": DummyClassifier(strategy="prior"),
        "linear": recipe.linear(SteadyLogisticRegression(max_iter=2000, **same)),
        "curves": recipe.linear(SteadyLogisticRegression(max_iter=2000, C=0.3, **same), curves=True),
        "boosting": recipe.trees(HistGradientBoostingClassifier(random_state=seed, **plain, **same)),
        "boosting_stopped": recipe.trees(HistGradientBoostingClassifier(random_state=seed, **stopping, **same)),
        "forest": recipe.trees(ExtraTreesClassifier(random_state=seed, **FOREST, **same)),
        "network": recipe.network(NetworkClassifier(random_state=seed, **same)),
        "text": recipe.linear(SteadyLogisticRegression(max_iter=2000, C=10, **same), letters=True),
    }


def regressors(recipe: Recipe, settings: Train) -> dict[str, BaseEstimator]:
    """Estimators for numbers, by name."""
    seed = settings.seed
    # The search for the penalty costs the cube of the rows where columns outnumber them, as the words of a text do.
    ridge = SteadyRidge(alpha=1.0) if recipe.has_text else SteadyRidgeCV(alphas=RIDGE_PENALTIES)
    plain, stopping = boosting(recipe)
    stopped = HistGradientBoostingRegressor(random_state=seed, **stopping)
    if recipe.amounts and middle(settings.metric) == "mean":
        in_logs = HistGradientBoostingRegressor(loss="poisson", random_state=seed, **stopping)
    else:  # of any numbers, and tells about a median
        in_logs = TransformedTargetRegressor(stopped, func=np.arcsinh, inverse_func=np.sinh, check_inverse=False)
    known = {
        "dummy": DummyRegressor(strategy=middle(settings.metric)),
        "linear": recipe.linear(Clipped(ridge)),
        "curves": recipe.linear(Clipped(ridge), curves=True),
        "boosting": recipe.trees(HistGradientBoostingRegressor(random_state=seed, **plain)),
        "boosting_stopped": recipe.trees(stopped),
        "boosting_log": recipe.trees(Clipped(in_logs)),
        "forest": recipe.trees(ExtraTreesRegressor(random_state=seed, **FOREST)),
        "network": recipe.network(Clipped(NetworkRegressor(random_state=seed))),
    }
    if not recipe.log_target:
        return known
    alone = ("dummy", "boosting_log")
    return {name: known[name] if name in alone else of_logarithm(known[name]) for name in known}
