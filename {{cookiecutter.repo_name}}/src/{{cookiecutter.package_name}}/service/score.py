"""How right the answers are: expected before anybody says what is true, and measured where somebody did.

Expected is drawn, 100 times: a class is right as often as its calibrated probability says, put right by what held-out
rows of about that probability showed; a number is as far off as held-out rows with about that prediction were. It knows
of rows that are harder than before, and of nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..engine.modelling import metrics
from ..engine.modelling.metrics import Metric, Predictions
from ..engine.report.diagnostics import wilson
from ..engine.report.verdict import IN_UNITS

DRAWS, MOST_ROWS = 100, 2000  # some 0.1 s of CPU for a score
ENDS = (0.025, 0.975)  # of the draws as a sample (weibull): their own middle 95 % holds 93 % of what comes
BINS, BIN_ROWS = 10, 20  # of held-out rows by size of the answer, at most; rows in each, at least
NEED_PROBABILITIES = {*metrics.RANKINGS, "log_loss", "overconfidence"}
RELATIVE = {*IN_UNITS, "log_loss"}  # they have no highest value: growth counts
OVERCONFIDENCE = Metric(
    "overconfidence",
    lambda y, p: float(p.given_to(p.values).mean() - (y == p.values).mean()),
    False,
    "average probability of the answers less the share that is right: 0 is honest",
)
BIAS = Metric(
    "bias", lambda y, p: float((p.values - y).mean()), False, "mean of the predictions less that of the truth"
)
CAVEAT = (
    "It is expected from how sure the model is, and cannot see that the target means something else now, or hangs on "
    "the columns in another way: only labels can."
)


@dataclass(frozen=True)
class Score:
    """A metric of some answers, with its 95 % interval.

    Attributes
    ----------
    then : float
        Its value on the rows held out in training, NaN where that is not known.
    rows : int
        How many answers, or labels, it is of.
    """

    metric: str
    value: float
    low: float
    high: float
    then: float
    rows: int

    def lost(self, points: float, growth: float) -> bool:
        """Whether the whole interval is worse than in training by more than so many points, or that share of errors."""
        if self.metric in RELATIVE:
            return self.low > self.then * (1 + growth)
        return self.metric not in (OVERCONFIDENCE.name, BIAS.name) and self.high < self.then - points


def said_of(rows: pd.DataFrame, record: dict[str, Any]) -> Predictions:
    """Logged answers, shape (n_rows, ...), as predictions; without probabilities where an answer had none a class."""
    classes = tuple(record["classes"])
    if not classes:
        return Predictions(rows["prediction"].to_numpy(dtype="float64"))
    names = [f"probability_{label}" for label in classes]
    known = set(names) <= set(rows) and rows[names].notna().all(axis=None)
    probabilities = rows[names].to_numpy(dtype="float64") if known else np.empty((len(rows), 0))
    return Predictions(rows["prediction"].to_numpy(), probabilities, classes)


def wanted(record: dict[str, Any], said: Predictions, *also: Metric) -> list[Metric]:
    """The metric that the run was chosen by, the one that everybody reads, and others, as far as they can be known."""
    known = metrics.available(record["task"], len(said.classes))
    names = dict.fromkeys([record["metrics"]["chosen_by"], "accuracy" if said.classes else "mae"])
    found = [*(known[name] for name in names if name in known), *also]
    has = not said.classes or said.probabilities.size
    return [metric for metric in found if has or metric.name not in NEED_PROBABILITIES]


def expected(rows: pd.DataFrame, record: dict[str, Any], held: pd.DataFrame) -> list[Score]:
    """What the score of answers is without a label, from `held_out.parquet` of the run."""
    rows = rows.sample(min(len(rows), MOST_ROWS), random_state=0)
    said = said_of(rows, record)
    size = "probability" if said.classes else "prediction"
    drawn = list(truths(said, rows[size].to_numpy(dtype="float64"), held, held[size].to_numpy(dtype="float64")))
    found = []
    for metric in wanted(record, said):
        scores = [value for truth in drawn if (value := metric.score(truth, said)) == value] or [np.nan]
        low, high = np.quantile(scores, ENDS, method="weibull").tolist()
        found.append(Score(metric.name, float(np.mean(scores)), low, high, then(record, metric), len(rows)))
    return found


def truths(said: Predictions, sizes: np.ndarray, held: pd.DataFrame, then: np.ndarray) -> Any:
    """What may be true of answers, shape (n_rows,), drawn again and again; `sizes` and `then` are what bins are of."""
    random = np.random.default_rng(0)
    n_bins = int(np.clip(len(held) // BIN_ROWS, 1, BINS))
    edges = np.unique(np.quantile(then, np.arange(1, n_bins) / n_bins))
    bins, bins_then = np.searchsorted(edges, sizes), np.searchsorted(edges, then)
    right = held["truth"].to_numpy() == held["prediction"].to_numpy()
    off = right - then if said.classes else held["truth"].to_numpy() - then
    for _ in range(DRAWS):
        again = random.integers(0, len(held), len(held))  # what was held out was a draw too
        chance = random.random(len(sizes))
        again = again[np.argsort(bins_then[again], kind="stable")]
        counts = np.bincount(bins_then[again], minlength=len(edges) + 1)
        starts = np.cumsum(counts) - counts
        if said.classes:
            gap = np.bincount(bins_then[again], off[again], minlength=len(counts)) / np.maximum(counts, 1)
            yield np.where(chance < sizes + gap[bins], said.values, others(said, random))
        else:
            places = np.minimum(starts[bins] + (chance * counts[bins]).astype(int), len(held) - 1)
            yield said.values + off[again[places]]


def others(said: Predictions, random: np.random.Generator) -> np.ndarray:
    """A class other than the answer for each row, shape (n_rows,), by their probabilities where they are known."""
    classes = np.array(said.classes, dtype=object)
    answered = metrics.columns_of(said.values, said.classes)
    if not said.probabilities.size:
        return classes[(answered + 1) % len(classes)]
    rest = said.probabilities.copy() + metrics.TINY
    rest[np.arange(len(rest)), answered] = 0
    steps = np.cumsum(rest, axis=1)
    return classes[(random.random(len(rest)) * steps[:, -1] >= steps.T).sum(axis=0)]


def measured(rows: pd.DataFrame, record: dict[str, Any], most: int | None = None) -> list[Score]:
    """The scores of answers of which the truth was told, in `truth`; so many of them at most, the chosen one first."""
    if rows.empty:
        return []
    rows = rows.sample(min(len(rows), MOST_ROWS), random_state=0)
    said, truth = said_of(rows, record), rows["truth"].to_numpy(dtype=None if record["classes"] else "float64")
    found = []
    for metric in wanted(record, said, OVERCONFIDENCE if said.classes else BIAS)[:most]:
        ends = metrics.interval(metric, truth, said, repeats=DRAWS)
        found.append(Score(metric.name, metric.score(truth, said), *ends, then(record, metric), len(rows)))
    return found


def then(record: dict[str, Any], metric: Metric) -> float:
    """A metric of a run on the rows held out in training, NaN where it has none."""
    return float(record["metrics"]["dev"].get(metric.name, np.nan))


def by_week(rows: pd.DataFrame, record: dict[str, Any]) -> list[tuple[str, Score]]:
    """The scores of answers of which the truth was told, by the week of the answer, named by its Monday."""
    days = pd.to_datetime(rows["time"].astype("float64"), unit="s")
    mondays = days.dt.to_period("W").dt.start_time.dt.strftime("%Y-%m-%d")
    return [(str(day), score) for day, part in rows.groupby(mondays) for score in measured(part, record, 1)]


def mistakes(told: pd.DataFrame, classes: Sequence) -> list[tuple]:
    """Of each class: how often it was answered and not true, and true and not answered, each as `rate` gives it."""
    found = []
    for label in classes:
        yes, true = (told[name].to_numpy() == label for name in ("prediction", "truth"))
        found.append((str(label), rate(~true[yes]), rate(~yes[true])))
    return found


def rate(hits: np.ndarray) -> tuple[int, int, float, float]:
    """How many of rows, shape (n_rows,), are hits, of how many, and the 95 % interval of their share."""
    return int(hits.sum()), len(hits), *(wilson(hits) if len(hits) else (np.nan, np.nan))


def confusion(told: pd.DataFrame, classes: Sequence) -> list[list[int]]:
    """How many answers there are of each true class (rows) and answered class (columns)."""
    table = pd.crosstab(told["truth"], told["prediction"]).reindex(index=classes, columns=classes, fill_value=0)
    return table.to_numpy().tolist()
