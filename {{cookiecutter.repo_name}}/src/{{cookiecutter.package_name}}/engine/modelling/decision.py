"""What to do with the answers, today: how many rows to act on, from which probability on, and what that is worth.

Used by `predict`, `evaluate` and `load()`, from `[decision]` and the answers to held-out rows that every run keeps:
nothing of it is in a model, and changing it never trains again. Acting on a positive brings `gain_true_positive` with
the probability `success_rate`; an act in vain costs `cost_false_positive`; a positive that nobody acted on, or without
success, costs `cost_false_negative`. Acting pays where `p > cost_false_positive / (success_rate * (gain_true_positive +
cost_false_positive + cost_false_negative))` if `p` is calibrated (Elkan, "The Foundations of Cost-Sensitive Learning",
2001, with success).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..project.errors import SettingsError
from ..project.settings import Decision, Predict
from . import confidence, threshold
from .confidence import Limits
from .metrics import Predictions

OF_CLASSES = ("gain_true_positive", "cost_false_positive", "cost_false_negative")
OF_NUMBERS = ("cost_over", "cost_under")


@dataclass(frozen=True)
class Policy:
    """What today's parameters make of a run: what is confident, and the `level` that replaces the model's threshold."""

    limits: Limits
    level: float | None = None  # of the positive of two classes; above 1 no row is worth acting on
    held: pd.DataFrame | None = None  # the rows held out in training, with the answers that today's level gives
    decision: Decision = Decision()
    reasons: int = 0  # how many columns are named that moved an answer most

    def decide(self, answers: Predictions) -> Predictions:
        """The same probabilities with the answers of today."""
        if self.level is None:
            return answers
        return replace(answers, values=threshold.named(answers.classes, answers.probabilities[:, 1], self.level))


def policy(folder: Path, record: Mapping[str, Any], options: Predict, decision: Decision) -> Policy:
    """What `[predict]` and `[decision]` make of the run in `folder`, `models/<run>`.

    A `SettingsError` if `[decision]` states what its target does not have.
    """
    classes = tuple(record["classes"])
    check_decision(decision, classes)
    held, level = confidence.held_out(folder), None
    if sets_a_level(decision):
        balanced = record["parameters"]["train"].get("balance", False)  # weights move the probabilities
        level = searched(decision, held, classes) if balanced and held is not None else formula(decision)
        held = None if held is None else decided_from(held, level, classes)
    return Policy(confidence.limits(folder, options, held), level, held, decision, options.reasons)


def check_decision(decision: Decision, classes: tuple) -> None:
    """Refuse gains and costs that the target cannot have."""
    kind = f"{len(classes)} classes" if classes else "numbers"
    for keys, allowed, fits in (
        (OF_CLASSES, "a target with two classes", len(classes) == 2),
        (OF_NUMBERS, "a target of numbers", not classes),
    ):
        if not fits and (stated := [key for key in keys if getattr(decision, key)]):
            found = f"params.toml: [decision] {stated[0]} = {getattr(decision, stated[0]):g}, but the target has {kind}"
            raise SettingsError(f"{found}.\nAllowed: for {allowed}. Take it out, or set it to 0.")


def sets_a_level(decision: Decision) -> bool:
    """Whether it is stated what acting in vain costs and what acting brings or spares: one alone says all or none."""
    return decision.cost_false_positive > 0 and decision.gain_true_positive + decision.cost_false_negative > 0


def has_value(decision: Decision) -> bool:
    """Whether anything of two classes or of numbers is worth or costs something."""
    return any(getattr(decision, key) for key in (*OF_CLASSES, *OF_NUMBERS))


def formula(decision: Decision) -> float:
    """The probability from which on acting pays, above 0; above 1 it never does."""
    at_stake = decision.gain_true_positive + decision.cost_false_positive + decision.cost_false_negative
    return decision.cost_false_positive / (decision.success_rate * at_stake)


def searched(decision: Decision, held: pd.DataFrame, classes: tuple) -> float:
    """The probability from which on acting was worth most on held-out rows, for probabilities that are not honest."""
    hit = worth_of_a_hit(decision)

    def score(hits: np.ndarray, false: np.ndarray, missed: np.ndarray, rest: np.ndarray) -> np.ndarray:
        return hit * hits - decision.cost_false_positive * false - decision.cost_false_negative * missed

    return threshold.search((held["truth"] == classes[1]).to_numpy(), of_positive(held, classes), score)


def worth_of_a_hit(decision: Decision) -> float:
    """What acting on a positive is worth on average: without success it was in vain, and the positive is lost."""
    lost = decision.cost_false_positive + decision.cost_false_negative
    return decision.success_rate * decision.gain_true_positive - (1 - decision.success_rate) * lost


def worth(decision: Decision, yes: np.ndarray, acted: np.ndarray) -> np.ndarray:
    """What each row is worth, shape (n_rows,), that is positive (`yes`) or not and acted on or not, both bool."""
    hits, in_vain, missed = yes & acted, ~yes & acted, yes & ~acted
    costs = decision.cost_false_positive * in_vain + decision.cost_false_negative * missed
    return worth_of_a_hit(decision) * hits - costs


def paid(decision: Decision, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """What the error of each predicted number costs, shape (n_rows,)."""
    over = predicted - truth
    return decision.cost_over * np.maximum(over, 0) + decision.cost_under * np.maximum(-over, 0)


def of_positive(held: pd.DataFrame, classes: tuple) -> np.ndarray:
    """The probability of the positive class in `held_out.parquet`, which keeps that of the answer; shape (n_held,)."""
    given = held["probability"].to_numpy()
    return np.where(held["prediction"] == classes[1], given, 1 - given)


def decided_from(held: pd.DataFrame, level: float, classes: tuple) -> pd.DataFrame:
    """Held-out rows with the answers that another level gives."""
    chance = of_positive(held, classes)
    answers = threshold.named(classes, chance, level)
    return held.assign(prediction=answers, probability=np.where(chance >= level, chance, 1 - chance))


def urgency(answers: Predictions) -> np.ndarray:
    """What rows are sorted by, the largest first, shape (n_rows,).

    The probability of the positive of two classes, of the answer with more, or the predicted number.
    """
    if not answers.classes:
        return np.asarray(answers.values, dtype="float64")
    return answers.probabilities[:, 1] if len(answers.classes) == 2 else answers.probabilities.max(axis=1)


def capacity_of(decision: Decision, n_rows: int) -> int:
    """How many of so many rows one can act on; 0 where no capacity is stated.

    Examples
    --------
    >>> [capacity_of(Decision(capacity=wanted), 250) for wanted in (0, 100, 400, 0.1, 0.001)]
    [0, 100, 250, 25, 1]
    """
    if not decision.capacity:
        return 0
    wanted = decision.capacity if decision.capacity >= 1 else max(1, round(decision.capacity * n_rows))
    return min(int(wanted), n_rows)


def acted_on(decision: Decision, urgent: np.ndarray, level: float | None) -> np.ndarray:
    """Which rows to act on, shape (n_rows,), bool: the most urgent that capacity allows, as far as acting pays."""
    acted = np.zeros(len(urgent), dtype=bool)
    acted[np.argsort(-urgent, kind="stable")[: capacity_of(decision, len(urgent))]] = True
    return acted if level is None else acted & (urgent >= level)
