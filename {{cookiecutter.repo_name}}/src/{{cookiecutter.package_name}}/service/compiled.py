"""The fast road: a run's recipe and model as small steps on one row of plain cells, with the same bits.

`answers.predictions` wants a data frame and takes 15 to 40 ms for a row, the steps take 0.1 to 0.3. Each does what one
fitted transformer or estimator does, in its order of operations; a transformer that several members of a blend share is
one step. That the bits are the same is never trusted: `difference` sends drawn rows both ways. What is not known here,
such as an estimator of the user's own, is `NotCompiled`, and the reference answers.
"""

import sys
from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import scipy.special
from sklearn.base import BaseEstimator
from sklearn.utils.extmath import softmax

from ..engine.modelling.decision import Policy
from ..engine.runs import answers
from ..engine.runs.loading import Run
from . import features, trees
from .steps import CELLS, NumberRow, Road, add_columns, kind, known_as, product, then


class Compiled:
    """A run that answers one row of plain cells; `NotCompiled` where it has a part that is not known here."""

    def __init__(self, run: Run, policy: Policy) -> None:
        self._run, self._limits, self._road = run, policy.limits, Road()
        add_model(self._road, run.model, CELLS)
        self.known = self._road.known  # categories and words, by column
        self._features = features.of(run, list(self.known))
        self._classes = [] if run.record["task"] == "regression" else run.model.classes_.tolist()
        self._level, self._positive = policy.level, 1  # from which probability on the positive is the answer
        if self._level is None and (level := getattr(run.model, "threshold", None)) is not None:
            self._level, self._positive = level, self._classes.index(run.model.pos_label)

    def answer(self, cells: features.Cells) -> dict[str, Any]:
        """What the run says of one row: the columns of `answers.predictions` but `run`, as plain Python values.

        The cells are as `validate` would leave them, before `add_features`: None where missing, a date as ISO 8601 in
        UTC. A `KeyError` if a column that the run needs is absent: the reference says so in words.
        """
        said = self._road(self._features(cells))
        return self._class(said[:1]) if self._classes else self._number(said)

    def _number(self, said: np.ndarray) -> dict[str, Any]:
        """The answer that is a number, shape (1,)."""
        answer = {"prediction": said.item()}
        if self._limits.band:
            answer["low"], answer["high"] = (limit.item() for limit in self._limits.band.of(said))
        low, high = self._run.record["target_range"]
        return answer | {"confident": low <= answer["prediction"] <= high}

    def _class(self, said: np.ndarray) -> dict[str, Any]:
        """The answer that is a class, from probabilities, shape (1, n_classes)."""
        probabilities = said[0].tolist()
        if self._level is None:
            place = probabilities.index(max(probabilities))
        else:
            place = self._positive if probabilities[self._positive] >= self._level else 1 - self._positive
        answer = {"prediction": self._classes[place], "probability": probabilities[place]}
        if len(self._classes) <= answers.CLASSES_SHOWN:
            answer |= {f"probability_{label}": p for label, p in zip(self._classes, probabilities, strict=True)}
        return answer | {"confident": probabilities[place] >= self._limits.least}


def add_model(road: Road, model: BaseEstimator, source: int) -> int:
    """Add the steps of an estimator on what is found at `source`: the cells, or a row of numbers.

    Gives the place of its answer, which has the shape (n_rows, n_classes) or (1,).
    """
    if kind(model) == "sklearn.Pipeline":
        return add_model(road, model[-1], add_columns(road, model[0]))
    make, inner = known_as(KNOWN_MODELS, model)
    members = getattr(model, inner, [])
    places = [add_model(road, member, source) for member in (members if isinstance(members, list) else [members])]
    return road.add(make(model), *(places or [source]))


def tempered(model: BaseEstimator) -> Callable:
    """The calibration of the run's own copy."""
    temper, temperature = vars(sys.modules[type(model).__module__])["temper"], model.temperature
    return lambda said: temper(said, temperature)


def untransformed(model: BaseEstimator) -> Callable:
    """From the logarithm of a target to the target."""

    @np.errstate(over="ignore")
    def inverse(said: np.ndarray) -> np.ndarray:
        return model.inverse_func(said[:, None])[:, 0]

    return inverse


def mean_of_classes(model: BaseEstimator) -> Callable:
    """The mean of the members' probabilities, as `np.average` takes it."""
    weights = np.array(model.weights)[:, None, None]
    return lambda *said: np.add.reduce(np.array([each[:1] for each in said]) * weights) / np.add.reduce(weights)


def mean_of_numbers(model: BaseEstimator) -> Callable:
    """The mean of the members' numbers, one after the other."""
    return lambda *said: sum(share * each for share, each in zip(model.weights, said, strict=True))


def two_classes(scores: np.ndarray) -> np.ndarray:
    """Probabilities from the score of the second class, shape (1, 1)."""
    share = scipy.special.expit(scores[0, 0])
    return np.array([[1 - share, share]])


def linear(model: BaseEstimator) -> Callable[[NumberRow], np.ndarray]:
    """Numbers of a linear regression."""
    return then(product(model.coef_[:, None], model.intercept_), itemgetter(0))


def logistic(model: BaseEstimator) -> Callable[[NumberRow], np.ndarray]:
    """Probabilities of a logistic regression."""
    return then(product(model.coef_.T, model.intercept_), two_classes if len(model.classes_) == 2 else softmax)


def network(model: BaseEstimator) -> Callable[[NumberRow], np.ndarray]:
    """Scores of a network, (1, n_outputs)."""
    *hidden, last = (product(*layer) for layer in zip(model.model_.coefs_, model.model_.intercepts_, strict=True))

    def scores(row: NumberRow) -> np.ndarray:
        for layer in hidden:
            row = np.maximum(layer(row), 0)[0]
        return last(row)

    return scores


def network_classes(model: BaseEstimator) -> Callable[[NumberRow], np.ndarray]:
    """Probabilities of a network."""
    softmax = partial(scipy.special.softmax, axis=1)
    return then(network(model), two_classes if len(model.classes_) == 2 else softmax)


def boosting_classes(model: BaseEstimator) -> Callable[[NumberRow], np.ndarray]:
    """Probabilities of boosting."""
    if len(model.classes_) == 2:
        return then(trees.boosting(model), two_classes)

    def many(scores: np.ndarray) -> np.ndarray:
        """Of two rows in columns: of one alone, eight scores would be added up in another order."""
        return model._loss.predict_proba(np.asfortranarray(np.repeat(scores, 2, axis=0)))

    return then(trees.boosting(model), many)


# What makes the last step of an estimator, and the attribute that holds the estimators before it.
KNOWN_MODELS: dict[str, tuple[Callable, str]] = {
    "sklearn.FixedThresholdClassifier": (lambda model: lambda said: said, "estimator_"),
    "sklearn.TransformedTargetRegressor": (untransformed, "regressor_"),
    "sklearn.VotingClassifier": (mean_of_classes, "estimators_"),
    "sklearn.DummyClassifier": (lambda model: lambda cells: model.predict_proba([[0]]), ""),
    "sklearn.DummyRegressor": (lambda model: lambda cells: model.predict([[0]]), ""),
    "sklearn.HistGradientBoostingClassifier": (boosting_classes, ""),
    "sklearn.HistGradientBoostingRegressor": (
        lambda model: then(trees.boosting(model), lambda scores: model._loss.link.inverse(scores[0])),
        "",
    ),
    "sklearn.ExtraTreesClassifier": (trees.forest, ""),
    "sklearn.ExtraTreesRegressor": (lambda model: then(trees.forest(model), itemgetter(0)), ""),
    "sklearn.RandomForestClassifier": (trees.forest, ""),
    "sklearn.RandomForestRegressor": (lambda model: then(trees.forest(model), itemgetter(0)), ""),
    "modelling.blend.SteadyVotingRegressor": (mean_of_numbers, "estimators_"),
    "modelling.calibration.Calibrated": (tempered, "model_"),
    "modelling.estimators.Clipped": (lambda model: lambda said: np.clip(said, model.low_, model.high_), "model_"),
    "modelling.estimators.SteadyLogisticRegression": (logistic, ""),
    "modelling.estimators.SteadyRidge": (linear, ""),
    "modelling.estimators.SteadyRidgeCV": (linear, ""),
    "modelling.network.NetworkClassifier": (network_classes, ""),
    "modelling.network.NetworkRegressor": (
        lambda model: then(network(model), lambda scores: scores[:, 0] * model.scale_ + model.mean_),
        "",
    ),
}
