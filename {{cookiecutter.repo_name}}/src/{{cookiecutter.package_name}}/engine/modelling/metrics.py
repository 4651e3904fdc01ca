"""The metrics that a run reports and a choice can be made by, computed from predictions of rows not fitted on."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn import metrics as sk

from ..project.errors import SettingsError

TINY = 1e-15
Z = 1.96  # standard deviations to either side of a 95 % interval
REPEATS = 200  # resamples of an interval
Groups: TypeAlias = pd.Series | None


@dataclass(frozen=True)
class Predictions:
    """What a model said about some rows; the last two fields are empty for a regression."""

    values: np.ndarray  # predicted labels, or numbers in the unit of the target, shape (n_rows,)
    # In [0, 1], rows add up to 1, shape (n_rows, n_classes).
    probabilities: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    classes: tuple = ()  # the labels that the columns stand for, for two classes the positive one second

    def __getitem__(self, rows: np.ndarray) -> "Predictions":
        chosen = self.probabilities[rows] if self.classes else self.probabilities
        return Predictions(self.values[rows], chosen, self.classes)

    def given_to(self, labels: np.ndarray) -> np.ndarray:
        """The probability that each row gives to its label, shape (n_rows,)."""
        return self.probabilities[np.arange(len(labels)), columns_of(labels, self.classes)]


Compute = Callable[[np.ndarray, Predictions], float]


@dataclass(frozen=True)
class Metric:
    """How one metric is computed and read."""

    name: str
    compute: Compute  # `(truth, predictions) -> float`, both of the same rows
    higher_is_better: bool
    meaning: str  # one sentence for the report, with the unit and range

    def score(self, truth: np.ndarray, predictions: Predictions) -> float:
        """Its value for rows, shape (n_rows,); NaN where it is not defined."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one class or one row only: NaN says it
            return float(self.compute(truth, predictions))

    def better_by(self, new: float, old: float) -> float:
        """By how much the score `new` is better than `old`, in the unit of the metric; negative if it is worse."""
        return new - old if self.higher_is_better else old - new

    def interval(
        self, truth: np.ndarray, predictions: Predictions, *, groups: Groups = None, repeats: int = REPEATS
    ) -> tuple[float, float]:
        """A 95 % percentile bootstrap interval over rows, or groups of them, in the unit of the metric (Efron 1979).

        `truth` and `groups` have the shape (n_rows,): ten rows of one customer say less than ten customers. Of the
        `repeats` resamples those in which the metric is not defined (one class only) are left out.
        """
        drawn = resamples(self, truth, groups, repeats)
        return middle_of([self.score(truth[rows], predictions[rows]) for rows in drawn])

    def gain(
        self, truth: np.ndarray, new: Predictions, old: Predictions, *, groups: Groups = None, repeats: int = REPEATS
    ) -> tuple[float, float]:
        """A 95 % interval, by the same resamples, of how much better `new` is than `old`: above 0 is better, paired."""
        drawn = resamples(self, truth, groups, repeats)
        pairs = ((self.score(truth[rows], new[rows]), self.score(truth[rows], old[rows])) for rows in drawn)
        return middle_of([self.better_by(*pair) for pair in pairs])


def middle(metric: str) -> str:
    """What the best constant answer to numbers is by a metric: the "median" or the "mean"."""
    return "median" if metric in ("mae", "median_error") else "mean"


def constant(truth: np.ndarray, classes: tuple, n_rows: int, metric: str = "") -> Predictions:
    """The best answer to `n_rows` rows without looking: the most frequent class with the shares of all, or a number.

    `truth`, shape (n_seen,), is of the rows that a model may learn from; `classes` are empty for a regression, where
    the mean is best, or the median if the metric says so.
    """
    if not classes:
        return Predictions(np.full(n_rows, np.median(truth) if middle(metric) == "median" else truth.mean()))
    shares = np.array([(truth == label).mean() for label in classes])
    return Predictions(np.asarray(classes)[np.full(n_rows, shares.argmax())], np.tile(shares, (n_rows, 1)), classes)


def columns_of(labels: np.ndarray, classes: Sequence) -> np.ndarray:
    """Where each label stands among the classes, shape (n_rows,); two classes need not be sorted."""
    column = {label: index for index, label in enumerate(classes)}
    return np.array([column[label] for label in labels], dtype=int)


def surprise(probabilities: np.ndarray, columns: np.ndarray) -> float:
    """Mean negative log of the probability, shape (n_rows, n_classes), in the column of each row's true class."""
    given = probabilities[np.arange(len(columns)), columns]
    return float(-np.log(np.clip(given, TINY, None)).mean())


def log_loss(y: np.ndarray, p: Predictions) -> float:
    """`surprise` of predictions, in nats."""
    return surprise(p.probabilities, columns_of(y, p.classes))


def of_values(function: Callable[..., float], **options: Any) -> Compute:
    """A metric of scikit-learn that compares the truth with labels or numbers."""
    return lambda y, p: function(y, p.values, **options)


def of_order(function: Callable[..., float]) -> Compute:
    """A metric of scikit-learn for the order of the rows by the probability of the positive class."""
    return lambda y, p: function(y == p.classes[1], p.probabilities[:, 1])


def roc_auc(yes: np.ndarray, probability: np.ndarray) -> float:
    """The area under the ROC curve by ranks (Hanley and McNeil, 1982), shapes (n_rows,); NaN for rows of one kind.

    An interval takes hundreds: scikit-learn's, which makes the curve, costs 24 times as much for 113 rows.
    """
    n_yes = int(yes.sum())
    pairs = n_yes * (len(yes) - n_yes)
    return float(rankdata(probability)[yes].sum() - n_yes * (n_yes + 1) / 2) / pairs if pairs else np.nan


def named(*known: Metric) -> dict[str, Metric]:
    """Metrics by their names."""
    return {metric.name: metric for metric in known}


ANY_CLASSES = named(
    Metric("accuracy", lambda y, p: float((y == p.values).mean()), True, "share of rows whose class is right, 0-1"),
    Metric(
        "balanced_accuracy",
        lambda y, p: float(np.mean([(p.values[y == label] == label).mean() for label in np.unique(y)])),
        True,
        "mean over the classes of the share found, 0-1",
    ),
    Metric(
        "f1_macro",
        of_values(sk.f1_score, average="macro", zero_division=0),
        True,
        "mean over the classes of the harmonic mean of precision and recall, 0-1",
    ),
    Metric("log_loss", log_loss, False, "how surprising the truth was given the probabilities, in nats, 0 is perfect"),
)
RANKINGS = named(  # of the probabilities: not defined for rows of one class
    Metric("roc_auc", of_order(roc_auc), True, "chance that a positive row is ranked above a negative one, 0-1"),
    Metric(
        "average_precision",
        of_order(sk.average_precision_score),
        True,
        "precision averaged over all recalls, positive class, 0-1",
    ),
)
F1 = Metric(
    "f1",
    lambda y, p: sk.f1_score(y == p.classes[1], p.values == p.classes[1], zero_division=0),
    True,
    "harmonic mean of precision and recall of the positive class, 0-1",
)
TWO_CLASSES = {**RANKINGS, F1.name: F1, **ANY_CLASSES}
NUMBERS = named(
    Metric("r2", of_values(sk.r2_score), True, "share of the variance explained, 1 is perfect"),
    Metric("mae", of_values(sk.mean_absolute_error), False, "mean absolute error, in the unit of the target"),
    Metric("rmse", of_values(sk.root_mean_squared_error), False, "root mean squared error, in the target's unit"),
    Metric("median_error", of_values(sk.median_absolute_error), False, "median absolute error, in the target's unit"),
)


def available(classes: Sequence) -> dict[str, Metric]:
    """The metrics of a target with these classes, by name; of numbers where there are none."""
    if not classes:
        return NUMBERS
    return TWO_CLASSES if len(classes) == 2 else ANY_CLASSES


def choose(wanted: str, classes: Sequence) -> Metric:
    """The metric that decides: the one wanted, or `roc_auc` for two classes, `log_loss` for more, `r2` for numbers."""
    known = available(classes)
    if wanted == "auto":
        wanted = "r2" if not classes else "roc_auc" if len(classes) == 2 else "log_loss"
    if wanted not in known:
        what = f"a classification with {len(classes)} classes" if classes else "a regression"
        found = f"params.toml: [train] metric = {wanted!r} does not fit {what}"
        raise SettingsError(f"{found}.\nAllowed: auto, {', '.join(known)}.")
    return known[wanted]


def score(y: np.ndarray, predictions: Predictions) -> dict[str, float]:
    """All metrics, by name, of predictions for rows with the truth `y`, shape (n_rows,)."""
    return {name: metric.score(y, predictions) for name, metric in available(predictions.classes).items()}


def resamples(metric: Metric, y: np.ndarray, groups: Groups, repeats: int) -> Iterator[np.ndarray]:
    """Positions of the rows of each resample, shape (about n_rows,), in which the metric is defined."""
    random = np.random.default_rng(0)
    members = None if groups is None else list(groups.groupby(groups.to_numpy()).indices.values())
    for _ in range(repeats):
        rows = random.integers(0, len(members or y), len(members or y))
        rows = rows if members is None else np.concatenate([members[group] for group in rows])
        if metric.name not in RANKINGS or len(set(y[rows])) == 2:
            yield rows


def middle_of(values: list[float]) -> tuple[float, float]:
    """The middle 95 % of the values; NaN where there is none."""
    low, high = np.quantile(values, [0.025, 0.975]) if values else (np.nan, np.nan)
    return float(low), float(high)
