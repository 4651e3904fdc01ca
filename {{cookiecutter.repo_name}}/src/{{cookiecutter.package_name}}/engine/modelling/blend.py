"""A greedy blend: weights for the candidates, chosen on rows that none of them was fitted on.

Source: Caruana et al., "Ensemble Selection from Libraries of Models", ICML 2004. Used by `train` when `blend` is on.
"""

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import VotingClassifier, VotingRegressor

from .metrics import Predictions, columns_of, surprise

ROUNDS = 20  # weights are multiples of 1 / ROUNDS, those for numbers before they are shrunk
SHRINK = 0.25  # towards equal weights, for numbers: a few outlying rows must not decide


def weigh(truth: np.ndarray, held: dict[str, Predictions]) -> dict[str, float]:
    """Weights above 0 that add up to 1: again and again the candidate that improves the mean most is added.

    `held` is what each candidate said, without having seen them, of the rows with this truth, shape (n_rows,). Log-loss
    decides for classes, the mean absolute error for numbers, whose weights are drawn towards equal ones at the end.
    """
    answers = {name: averaged(predictions) for name, predictions in held.items()}
    classes = next(iter(held.values())).classes
    columns = columns_of(truth, classes) if classes else None

    def loss(answer: np.ndarray) -> float:
        return np.abs(answer - truth).mean() if columns is None else surprise(answer, columns)

    total, counts = np.zeros(()), dict.fromkeys(answers, 0)
    for round_ in range(1, ROUNDS + 1):
        best = min(answers, key=lambda name: loss((total + answers[name]) / round_))
        total = total + answers[best]
        counts[best] += 1
    chosen = {name: count / ROUNDS for name, count in counts.items() if count}
    if classes:
        return chosen
    return {name: (1 - SHRINK) * weight + SHRINK / len(chosen) for name, weight in chosen.items()}


def averaged(predictions: Predictions) -> np.ndarray:
    """What is averaged: probabilities, shape (n_rows, n_classes), or values, shape (n_rows,)."""
    return predictions.probabilities if predictions.classes else predictions.values


def mix(weights: dict[str, float], held: dict[str, Predictions]) -> Predictions:
    """What the blend says of the rows that the candidates spoke of."""
    answer = np.asarray(sum(weight * averaged(held[name]) for name, weight in weights.items()))
    classes = next(iter(held.values())).classes
    return Predictions(np.asarray(classes)[answer.argmax(axis=1)], answer, classes) if classes else Predictions(answer)


class SteadyVotingRegressor(VotingRegressor):
    """scikit-learn's, row by row: its own mean of eight columns adds up one row in another order than many."""

    def predict(self, X) -> np.ndarray:  # noqa: N803 (scikit-learn's name)
        """Weighted mean of the members' numbers, shape (n_rows,)."""
        return sum(share * member.predict(X) for share, member in zip(self.weights, self.estimators_, strict=True))


def assemble(weights: dict[str, float], estimators: dict[str, BaseEstimator], task: str) -> BaseEstimator:
    """The blend as one estimator, not fitted."""
    members, shares = [(name, estimators[name]) for name in weights], list(weights.values())
    if task == "regression":
        return SteadyVotingRegressor(members, weights=shares)
    return VotingClassifier(members, voting="soft", weights=shares)
