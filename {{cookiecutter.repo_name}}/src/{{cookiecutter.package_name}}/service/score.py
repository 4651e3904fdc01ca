"""How right the answers are: expected before anybody says what is true, and measured where somebody did.

Expected is drawn, 100 times: a class is true as often as its calibrated probability says, put right by what held-out
rows of about that probability showed; a number is as far off as held-out rows with about that prediction were. It knows
of rows that are harder than before, and of nothing else. What held-out rows leave open is drawn with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..engine.modelling import metrics
from ..engine.modelling.calibration import temper
from ..engine.modelling.metrics import Metric, Predictions
from ..engine.report.diagnostics import wilson
from ..engine.report.verdict import IN_UNITS

DRAWS, MOST_ROWS = 100, 2000  # some 0.1 s of CPU for a score
ENDS = (0.025, 0.975)  # of the draws as a sample (weibull): their own middle 95 % holds 93 % of what comes
LEAST_TOLD = 20  # truths: fewer have no interval, which could be as narrow as nothing
BINS, BIN_ROWS = 10, 20  # of held-out rows by size of the answer, at most; rows in each, at least
CLASS_BINS = 5  # at most: what is not known of many small ones cancels out, and the interval gets too narrow
JEFFREYS = 0.5  # times more than were seen: what may be where nothing was
REFIT = 1.25  # the temperature of a model that is overfit beyond this is no matter of some rows more
NEED_PROBABILITIES = {*metrics.RANKINGS, "log_loss", "overconfidence"}
RELATIVE = {*IN_UNITS, "log_loss"}  # they have no highest value: growth counts
OVERCONFIDENCE = Metric(
    "overconfidence",
    lambda y, p: float(p.given_to(p.values).mean() - (y == p.values).mean()),
    False,
    "average probability of the answers less the share that is right: 0 is honest",
)
BIAS = Metric("bias", lambda y, p: float((p.values - y).mean()), False, "mean prediction less mean truth")
CAVEAT = (
    "It is expected from how sure the model is, and cannot see that the target means something else now, or hangs on "
    "the columns in another way: only labels can."
)


@dataclass(frozen=True)
class Score:
    """A metric of some answers, with its 95 % interval."""

    metric: str
    value: float
    low: float  # the interval, NaN of fewer labels than LEAST_TOLD
    high: float
    then: float  # its value on the rows held out in training, by today's answers, NaN where that is not known
    rows: int  # how many answers, or labels, it is of
    days: str = ""  # of labels: from when to when their rows were answered, "" of a file

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
    names = names_of(classes)
    known = set(names) <= set(rows) and rows[names].notna().all(axis=None)
    probabilities = rows[names].to_numpy(dtype="float64") if known else np.empty((len(rows), 0))
    return Predictions(rows["prediction"].to_numpy(), probabilities, classes)


def names_of(classes: Sequence) -> list[str]:
    """The columns of an answer that hold the probabilities of the classes."""
    return [f"probability_{label}" for label in classes]


def wanted(record: dict[str, Any], said: Predictions, *also: Metric) -> list[Metric]:
    """The metric that the run was chosen by, the one that everybody reads, and others, as far as they can be known."""
    known = metrics.available(said.classes)
    names = dict.fromkeys([record["metrics"]["chosen_by"], "accuracy" if said.classes else "mae"])
    found = [*(known[name] for name in names if name in known), *also]
    has = not said.classes or said.probabilities.size
    return [metric for metric in found if has or metric.name not in NEED_PROBABILITIES]


def expected(rows: pd.DataFrame, record: dict[str, Any], held: pd.DataFrame) -> list[Score]:
    """What the score of answers is without a label, from `held_out.parquet` of the run."""
    rows = rows.sample(min(len(rows), MOST_ROWS), random_state=0)
    said = said_of(rows, record)
    temperature = record["model"].get("temperature") or 1.0
    drawn = list(labels(rows, held, said, temperature) if said.classes else numbers(said.values, held))
    found = []
    for metric in wanted(record, said):
        scores = [value for truth in drawn if (value := metric.score(truth, said)) == value] or [np.nan]
        low, high = np.quantile(scores, ENDS, method="weibull").tolist()
        found.append(Score(metric.name, float(np.mean(scores)), low, high, then(record, metric, held), len(rows)))
    return found


def numbers(said: np.ndarray, held: pd.DataFrame) -> Iterator[np.ndarray]:
    """What may be true of predicted numbers, shape (n_rows,), again and again: as far off as held-out rows were."""
    random = np.random.default_rng(0)
    then = held["prediction"].to_numpy(dtype="float64")
    off = held["truth"].to_numpy() - then
    edges = edges_of(then, BINS)
    bins, bins_then = np.searchsorted(edges, said), np.searchsorted(edges, then)
    for _ in range(DRAWS):
        again = random.integers(0, len(held), len(held))  # what was held out was a draw too
        again = again[np.argsort(bins_then[again], kind="stable")]
        counts = np.bincount(bins_then[again], minlength=len(edges) + 1)
        starts = np.cumsum(counts) - counts
        places = starts[bins] + (random.random(len(said)) * counts[bins]).astype(int)
        yield said + off[again[np.minimum(places, len(held) - 1)]]


def labels(rows: pd.DataFrame, held: pd.DataFrame, said: Predictions, temperature: float) -> Iterator[np.ndarray]:
    """What may be true of answered classes, shape (n_rows,), again and again.

    Not known, and drawn each time: how often a probability of some size comes true beside what it says, by what
    held-out rows showed (Gamma; shares that add up to 1 again are a Dirichlet draw); and how much of its
    `temperature`, found on models of fewer rows, the model still needs. Of ten rows held out with 0.7 for "yes" and 0.3
    for "no", 7 should have been "yes", and 9 were: a draw takes 0.7 times a Gamma(9 + 0.5) / (7 + 0.5) against 0.3
    times a Gamma(1 + 0.5) / (3 + 0.5), and "yes" has the share of the first, 0.87 in the mean.
    """
    random = np.random.default_rng(0)
    each = bool(said.probabilities.size) and set(names_of(said.classes)) <= set(held)
    now, kinds = chances(rows, said.classes, each)
    then, kinds_then = chances(held, said.classes, each)
    hits = held["truth"].to_numpy()[:, None] == kinds_then
    hits[:, -1] = ~hits[:, :-1].any(axis=1)
    of_kinds = [shown(*parts) for parts in zip(then.T, hits.T, now.T, strict=True)]
    most = np.clip(temperature, 1 / REFIT, REFIT)
    for _ in range(DRAWS):
        ratios = [(random.gamma(seen + JEFFREYS) / (sure + JEFFREYS))[bins] for seen, sure, bins in of_kinds]
        steps = np.cumsum(temper(now, most ** -random.random()) * np.column_stack(ratios), axis=1)
        drawn = (random.random(len(now)) * steps[:, -1] >= steps[:, :-1].T).sum(axis=0)
        yield kinds[np.arange(len(now)), drawn]


def shown(then: np.ndarray, hits: np.ndarray, now: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How often probabilities held out, shape (n_held,), came true by their bin, and should have; the bins of `now`."""
    edges = edges_of(then, CLASS_BINS)
    bins, n_bins = np.searchsorted(edges, then), len(edges) + 1
    seen, sure = (np.bincount(bins, counted, minlength=n_bins) for counted in (hits, then))
    return seen, sure, np.searchsorted(edges, now)


def edges_of(then: np.ndarray, most: int) -> np.ndarray:
    """Where bins of about as many held-out values, shape (n_held,), begin."""
    n_bins = int(np.clip(len(then) // BIN_ROWS, 1, most))
    return np.unique(np.quantile(then, np.arange(1, n_bins) / n_bins))


def chances(rows: pd.DataFrame, classes: tuple, each: bool) -> tuple[np.ndarray, np.ndarray]:
    """The probabilities of rows and the classes that they are of, shape (n_rows, n_classes) both.

    Of three and more classes the most probable first: chosen for its size, it is too sure. Without a probability of
    each class, of the answer and of one other, which stands for all.
    """
    if not each:
        sure = rows["probability"].to_numpy(dtype="float64")
        answered = metrics.columns_of(rows["prediction"].to_numpy(), classes)
        both = np.column_stack([answered, (answered + 1) % len(classes)])
        return np.column_stack([sure, 1 - sure]), np.array(classes, dtype=object)[both]
    found = rows[names_of(classes)].to_numpy(dtype="float64")
    order = np.argsort(-found, axis=1) if len(classes) > 2 else np.tile([0, 1], (len(rows), 1))
    return np.take_along_axis(found, order, axis=1), np.array(classes, dtype=object)[order]


def measured(
    rows: pd.DataFrame, record: dict[str, Any], held: pd.DataFrame | None = None, most: int | None = None
) -> list[Score]:
    """The scores of answers of which the truth was told, in `truth`; so many of them at most, the chosen one first."""
    if rows.empty:
        return []
    said, truth = said_of(rows, record), rows["truth"].to_numpy(dtype=None if record["classes"] else "float64")
    limits = (f"{pd.Timestamp(end, unit='s'):%Y-%m-%d}" for end in rows["time"].agg(["min", "max"]).dropna())
    found, days = [], " to ".join(limits)
    for metric in wanted(record, said, OVERCONFIDENCE if said.classes else BIAS)[:most]:
        ends = metric.interval(truth, said, repeats=DRAWS) if len(rows) >= LEAST_TOLD else (np.nan, np.nan)
        found.append(Score(metric.name, metric.score(truth, said), *ends, then(record, metric, held), len(rows), days))
    return found


def lost(latest: Sequence[Score], of_weeks: Sequence[Score], points: float, growth: float) -> list[Score]:
    """The measured scores that are lost now: in the newest weeks, or in all labels where those weeks look so too."""
    weeks, found = {one.metric: one for one in of_weeks}, []
    for one in latest:
        week = weeks.get(one.metric, one)
        week = week if week.value == week.value else one  # no AUC of weeks without a positive
        if replace(week, low=week.value, high=week.value).lost(points, growth):
            found += [each for each in (week, one) if each.lost(points, growth)][:1]
    return found


def then(record: dict[str, Any], metric: Metric, held: pd.DataFrame | None) -> float:
    """A metric of a run on rows held out in training, with the answers that they get today; NaN where it has none."""
    if held is None or len(record["classes"]) != 2 or metric.name in NEED_PROBABILITIES:  # which no costs change
        return float(record["metrics"]["dev"].get(metric.name, np.nan))
    said = Predictions(held["prediction"].to_numpy(), np.empty((len(held), 0)), tuple(record["classes"]))
    return metric.score(held["truth"].to_numpy(), said)


def by_week(rows: pd.DataFrame, record: dict[str, Any]) -> list[tuple[str, Score]]:
    """The scores of answers of which the truth was told, by the week of the answer, named by its Monday."""
    days = pd.to_datetime(rows["time"].astype("float64"), unit="s")
    mondays = days.dt.to_period("W").dt.start_time.dt.strftime("%Y-%m-%d")
    return [(str(day), score) for day, part in rows.groupby(mondays) for score in measured(part, record, most=1)]


def mistakes(told: pd.DataFrame, classes: Sequence) -> list[tuple]:
    """Of each class: how often it was answered and not true, and true and not answered, each as `rate` gives it."""
    said, truth = told["prediction"].to_numpy(), told["truth"].to_numpy()
    return [(str(one), rate(truth[said == one] != one), rate(said[truth == one] != one)) for one in classes]


def rate(hits: np.ndarray) -> tuple[int, int, float, float]:
    """How many of rows, shape (n_rows,), are hits, of how many, and the 95 % interval of their share."""
    return int(hits.sum()), len(hits), *(wilson(hits) if len(hits) else (np.nan, np.nan))


def confusion(told: pd.DataFrame, classes: Sequence) -> list[list[int]]:
    """How many answers there are of each true class (rows) and answered class (columns)."""
    table = pd.crosstab(told["truth"], told["prediction"]).reindex(index=classes, columns=classes, fill_value=0)
    return table.to_numpy().tolist()
