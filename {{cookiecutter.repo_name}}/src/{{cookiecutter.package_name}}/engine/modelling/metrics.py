"""The metrics that a run reports and a choice can be made by, computed from predictions of rows not fitted on."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn import metrics as sk

from ..project.errors import SettingsError

TINY = 1e-15
REPEATS = 200  # resamples of an interval
Groups = pd.Series | None


@dataclass(frozen=True)
class Metric:
    """How one metric is computed and read.

    Attributes
    ----------
    name : str
    compute : callable
        `(truth, predictions) -> float`; see `score` for the shapes.
    higher_is_better : bool
    meaning : str
        One sentence for the report, with the unit and range.
    """

    name: str
    compute: Callable[[np.ndarray, "Predictions"], float]
    higher_is_better: bool
    meaning: str

    def score(self, truth: np.ndarray, predictions: "Predictions") -> float:
        """Its value for rows, shape (n_rows,); NaN where it is not defined."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one class or one row only: NaN says it
            return float(self.compute(truth, predictions))

    def better_by(self, new: float, old: float) -> float:
        """By how much the score `new` is better than `old`, in the unit of the metric; negative if it is worse."""
        return new - old if self.higher_is_better else old - new


@dataclass(frozen=True)
class Predictions:
    """What a model said about some rows.

    Attributes
    ----------
    values : ndarray, shape (n_rows,)
        Predicted labels, or numbers in the unit of the target.
    probabilities : ndarray of float, shape (n_rows, n_classes), or None
        In [0, 1], rows add up to 1; None for a regression.
    classes : tuple
        The labels that the columns stand for; for two classes the second is the positive one.
    """

    values: np.ndarray
    probabilities: np.ndarray | None = None
    classes: tuple = ()

    def __getitem__(self, rows: np.ndarray) -> "Predictions":
        chosen = None if self.probabilities is None else self.probabilities[rows]
        return Predictions(self.values[rows], chosen, self.classes)

    def given_to(self, labels: np.ndarray) -> np.ndarray:
        """The probability that each row gives to its label, shape (n_rows,)."""
        return self.probabilities[np.arange(len(labels)), columns_of(labels, self.classes)]


def constant(truth: np.ndarray, classes: tuple, n_rows: int) -> Predictions:
    """The best answer without looking: the most frequent class with the shares of all, or the mean.

    Parameters
    ----------
    truth : ndarray, shape (n_seen,)
        Of the rows that a model may learn from.
    classes : tuple
        Sorted labels; empty for a regression.
    n_rows : int
        How many rows are to be answered.
    """
    if not classes:
        return Predictions(np.full(n_rows, truth.mean()))
    shares = np.array([(truth == label).mean() for label in classes])
    return Predictions(np.asarray(classes)[np.full(n_rows, shares.argmax())], np.tile(shares, (n_rows, 1)), classes)


def positive(p: Predictions) -> np.ndarray:
    """Probability of the positive class, shape (n_rows,)."""
    return p.probabilities[:, 1]


def columns_of(labels: np.ndarray, classes: Sequence) -> np.ndarray:
    """Where each label stands among the classes, shape (n_rows,); two classes need not be sorted."""
    column = {label: index for index, label in enumerate(classes)}
    return np.array([column[label] for label in labels], dtype=int)


def log_loss(y: np.ndarray, p: Predictions) -> float:
    """Mean negative log of the probability that was given to the true class."""
    return float(-np.log(np.clip(p.given_to(y), TINY, None)).mean())


def roc_auc(y: np.ndarray, p: Predictions) -> float:
    """Area under the ROC curve of the positive class."""
    return sk.roc_auc_score(y == p.classes[1], positive(p))


def average_precision(y: np.ndarray, p: Predictions) -> float:
    """Area under the precision-recall curve of the positive class."""
    return sk.average_precision_score(y == p.classes[1], positive(p))


def f1(y: np.ndarray, p: Predictions) -> float:
    """Harmonic mean of precision and recall of the positive class."""
    return sk.f1_score(y == p.classes[1], p.values == p.classes[1], zero_division=0)


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
        lambda y, p: sk.f1_score(y, p.values, average="macro", zero_division=0),
        True,
        "mean over the classes of the harmonic mean of precision and recall, 0-1",
    ),
    Metric("log_loss", log_loss, False, "how surprising the truth was given the probabilities, in nats, 0 is perfect"),
)
RANKINGS = named(  # of the probabilities: not defined for rows of one class
    Metric("roc_auc", roc_auc, True, "chance that a positive row gets a higher probability than a negative one, 0-1"),
    Metric("average_precision", average_precision, True, "precision averaged over all recalls, positive class, 0-1"),
)
F1 = Metric("f1", f1, True, "harmonic mean of precision and recall of the positive class, 0-1")
TWO_CLASSES = {**RANKINGS, **named(F1), **ANY_CLASSES}
NUMBERS = named(
    Metric("r2", lambda y, p: sk.r2_score(y, p.values), True, "share of the variance explained, 1 is perfect"),
    Metric(
        "mae", lambda y, p: sk.mean_absolute_error(y, p.values), False, "mean absolute error, in the unit of the target"
    ),
    Metric(
        "rmse",
        lambda y, p: sk.root_mean_squared_error(y, p.values),
        False,
        "root mean squared error, in the target's unit",
    ),
    Metric(
        "median_error",
        lambda y, p: sk.median_absolute_error(y, p.values),
        False,
        "median absolute error, in the unit of the target",
    ),
)


def available(task: str, n_classes: int) -> dict[str, Metric]:
    """The metrics of a task, by name."""
    if task == "regression":
        return NUMBERS
    return TWO_CLASSES if n_classes == 2 else ANY_CLASSES


def choose(wish: str, task: str, n_classes: int) -> str:
    """The metric that decides: the wish, or `roc_auc` for two classes, `log_loss` for more, `r2` for numbers."""
    known = available(task, n_classes)
    if wish == "auto":
        return "r2" if task == "regression" else "roc_auc" if n_classes == 2 else "log_loss"
    if wish not in known:
        raise SettingsError(
            f"params.toml: [train] metric = {wish!r} does not fit a {task} with {n_classes} classes.\n"
            f"Allowed: auto, {', '.join(known)}."
        )
    return wish


def score(y: np.ndarray, predictions: Predictions, task: str) -> dict[str, float]:
    """All metrics of a task.

    Parameters
    ----------
    y : ndarray, shape (n_rows,)
        The truth.
    predictions : Predictions
        Of the same rows.
    task : {"classification", "regression"}
    """
    return {name: float(m.compute(y, predictions)) for name, m in available(task, len(predictions.classes)).items()}


def interval(
    metric: Metric, y: np.ndarray, predictions: Predictions, *, groups: Groups = None, repeats: int = REPEATS
) -> tuple[float, float]:
    """A 95 % percentile bootstrap interval of a metric over the rows, or over whole groups of them (Efron 1979).

    Parameters
    ----------
    metric : Metric
    y : ndarray, shape (n_rows,)
    predictions : Predictions
    groups : Series, shape (n_rows,), optional
        Rows of a group go together: ten rows of one customer say less than ten customers.
    repeats : int
        Resamples with replacement; cost is `repeats` times the metric.

    Returns
    -------
    low, high : float
        In the unit of the metric; resamples in which it is not defined (one class only) are left out.
    """
    values = [metric.score(y[rows], predictions[rows]) for rows in resamples(metric, y, groups, repeats)]
    return middle_of(values)


def gain(
    metric: Metric,
    y: np.ndarray,
    new: Predictions,
    old: Predictions,
    *,
    groups: Groups = None,
    repeats: int = REPEATS,
) -> tuple[float, float]:
    """A 95 % interval, by the same resamples, of how much better `new` is than `old`; above 0 is better, paired."""
    sign = 1 if metric.higher_is_better else -1
    chosen = resamples(metric, y, groups, repeats)
    return middle_of([sign * (metric.compute(y[r], new[r]) - metric.compute(y[r], old[r])) for r in chosen])


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
