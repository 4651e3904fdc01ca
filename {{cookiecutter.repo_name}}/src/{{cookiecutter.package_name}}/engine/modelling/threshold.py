"""From which probability on the positive of two classes is the answer: the best for a metric, or one half.

Used by `train`, which keeps the threshold in the model; for a metric it is searched on the rows that were held out.
What a decision costs is no part of a model: `decision.py` puts another threshold in its place, on the day.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import FixedThresholdClassifier

from ..columns.wording import YES_AND_NO
from ..project.errors import SettingsError
from .metrics import Predictions

HALF, WHY_HALF = 0.5, "one half: the more probable class"
RESAMPLES = 20  # the best threshold of one sample jumps: the median of some is steadier, and scored better
# Of (true positives, false positives, false negatives, true negatives), one each a threshold; higher is better.
OfCounts = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def f1(hits: np.ndarray, false: np.ndarray, missed: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall from counts; 0 where nothing was found."""
    return 2 * hits / np.maximum(2 * hits + false + missed, 1)


# Accuracy is not here: with calibrated probabilities one half is its best threshold, and what was searched on held-out
# rows scored worse.
SEARCHED: dict[str, OfCounts] = {
    "balanced_accuracy": lambda tp, fp, fn, tn: tp / np.maximum(tp + fn, 1) + tn / np.maximum(tn + fp, 1),
    "f1": lambda tp, fp, fn, tn: f1(tp, fp, fn),
    "f1_macro": lambda tp, fp, fn, tn: f1(tp, fp, fn) + f1(tn, fn, fp),
}


def best(metric: str, truth: np.ndarray, held: Predictions) -> float:
    """The threshold by the metric that decides, for a model that said this of held-out rows, calibrated; in (0, 1)."""
    if not is_searched(metric, held.classes):
        return HALF
    return search(truth == held.classes[1], held.probabilities[:, 1], SEARCHED[metric])


def is_searched(metric: str, classes: tuple) -> bool:
    """Whether the answer to two classes is another than the more probable one, for the sake of the metric."""
    return len(classes) == 2 and metric in SEARCHED


def positive_last(classes: tuple, positive: str) -> tuple:
    """The classes, of two the positive last: `[train] positive` (a `SettingsError` if it is none of two), else yes."""
    if not positive and "/".join(map(str, classes)).lower() in YES_AND_NO:
        positive = str(classes[0])
    found = [label for label in classes if str(label).lower() == positive.lower()]
    if positive and (len(classes) != 2 or len(found) != 1):
        known = ", ".join(repr(str(label)) for label in classes[:10]) or "none, it is a number"
        said = f"[train] positive = {positive!r} is not one of two classes; those of the target: {known}"
        raise SettingsError(f'params.toml: {said}.\nAllowed: one of two, or "" for yes, else the last in order.')
    return (*(label for label in classes if label not in found), *found)


def search(yes: np.ndarray, probability: np.ndarray, score: OfCounts) -> float:
    """The median, over resamples of the rows, of the threshold with the best score.

    `yes`, bool, says which rows are of the positive class, `probability` is that of this class; both (n_rows,).
    """
    order = np.argsort(-probability, kind="stable")
    yes, steps = yes[order], np.concatenate([[1.0], probability[order], [0.0]])
    cuts = np.flatnonzero(np.diff(steps[:-1], append=-1.0))  # between different probabilities alone
    random, best = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        times = np.bincount(random.integers(0, len(yes), len(yes)), minlength=len(yes))
        hits, false = (np.concatenate([[0], np.cumsum(times * of)])[cuts] for of in (yes, ~yes))
        n_yes, n_no = (times * yes).sum(), (times * ~yes).sum()
        place = cuts[score(hits, false, n_yes - hits, n_no - false).argmax()]
        best.append((steps[place] + steps[place + 1]) / 2)
    return float(np.median(best))


def with_threshold(model: BaseEstimator, threshold: float, classes: tuple) -> BaseEstimator:
    """The model with its threshold; as it is where that is one half."""
    if threshold == HALF:
        return model
    return FixedThresholdClassifier(model, threshold=threshold, pos_label=classes[1], response_method="predict_proba")


def described(model: BaseEstimator, metric: str, classes: tuple) -> dict[str, Any]:
    """What `run.json` says of the decision; nothing for numbers and for more than two classes."""
    if len(classes) != 2:
        return {}
    why = f"best {metric} on the held-out rows" if is_searched(metric, classes) else WHY_HALF
    return {"positive": classes[1], "threshold": getattr(model, "threshold", HALF), "threshold_is": why}


def places(
    model: BaseEstimator, probabilities: np.ndarray, level: float | None = None, positive: object = None
) -> np.ndarray:
    """Which of `model.classes_` is the answer to each row, shape (n_rows,); probabilities (n_rows, n_classes).

    A `level`, from which on the class `positive` of two is the answer, replaces the model's own threshold.
    """
    if level is None:
        if not hasattr(model, "threshold"):
            return probabilities.argmax(axis=1)
        level, positive = model.threshold, model.pos_label
    place = int(np.flatnonzero(model.classes_ == positive)[0])
    return np.where(probabilities[:, place] >= level, place, 1 - place)


def decide(predictions: Predictions, threshold: float) -> Predictions:
    """The same probabilities of two classes with the answers that a threshold makes of them."""
    if threshold == HALF:
        return predictions
    return replace(predictions, values=named(predictions.classes, predictions.probabilities[:, 1], threshold))


def named(classes: tuple, chance: np.ndarray, threshold: float) -> np.ndarray:
    """Of two classes the second where its probability, shape (n_rows,), is at least the threshold, else the first."""
    return np.asarray(classes)[(chance >= threshold).astype(int)]
