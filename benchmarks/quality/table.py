"""Scores, ranks and the Markdown tables of the comparison, from the answers and costs that were kept.

One row a set. The first table is judged by ROC AUC for two classes, log-loss for more, R2 for numbers; the second by
log-loss for classes and the mean absolute error for numbers. Ranks count the sets that every contender has answered.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score

RESAMPLES = 300
TINY = 1e-15
OURS, PLAIN = "ours", ("hgb", "linear")
HIGHER_IS_BETTER = {"roc_auc": True, "log_loss": False, "r2": True, "mae": False}


@dataclass
class Outcome:
    """What one contender did on one set: `failed` says why there are no `answers`."""

    cpu: float = float("nan")
    wall: float = float("nan")
    failed: str = ""
    answers: np.ndarray = field(default_factory=lambda: np.empty(0))


@dataclass
class Contest:
    """One set: truth and group of the test rows, shape (n_rows,), the number of classes (0: numbers), and outcomes."""

    name: str
    fitted: int
    truth: np.ndarray
    groups: np.ndarray
    classes: int
    outcomes: dict[str, Outcome]


def metric_of(classes: int, second: bool) -> str:
    """The metric of the first or the second table."""
    if not classes:
        return "mae" if second else "r2"
    return "roc_auc" if classes == 2 and not second else "log_loss"


def measure(metric: str, truth: np.ndarray, answers: np.ndarray) -> float:
    """One metric of answers, shape (n_rows, n_classes) or (n_rows,)."""
    if metric == "log_loss":
        return float(-np.log(np.clip(answers[np.arange(len(truth)), truth], TINY, None)).mean())
    if metric == "roc_auc":
        return float(roc_auc_score(truth, answers[:, 1]))
    return float({"r2": r2_score, "mae": mean_absolute_error}[metric](truth, answers))


def gain(metric: str, contest: Contest, new: np.ndarray, old: np.ndarray) -> tuple[float, float]:
    """A 95 % paired bootstrap interval, over whole groups, of how much better `new` is than `old`."""
    random, found, truth = np.random.default_rng(0), [], contest.truth
    members = pd.Series(np.arange(len(truth))).groupby(contest.groups).agg(list).to_list()
    while len(found) < RESAMPLES:
        rows = np.concatenate([members[place] for place in random.integers(0, len(members), len(members))])
        if metric != "roc_auc" or len(np.unique(truth[rows])) == 2:
            found.append(measure(metric, truth[rows], new[rows]) - measure(metric, truth[rows], old[rows]))
    low, high = np.quantile(np.array(found) * (1 if HIGHER_IS_BETTER[metric] else -1), [0.025, 0.975])
    return float(low), float(high)


def against_plain(contest: Contest, metric: str) -> str:
    """Whether we are better or worse than the better of the plain models by more than noise."""
    there = {name: contest.outcomes[name] for name in (OURS, *PLAIN) if name in contest.outcomes}
    if OURS not in there or len(there) < 2 or any(outcome.failed for outcome in there.values()):
        return ""
    sign = 1 if HIGHER_IS_BETTER[metric] else -1
    rivals = [outcome.answers for name, outcome in there.items() if name != OURS]
    best = max(rivals, key=lambda answers: sign * measure(metric, contest.truth, answers))
    low, high = gain(metric, contest, there[OURS].answers, best)
    return "better" if low > 0 else "WORSE" if high < 0 else "same"


def quality(contests: list[Contest], contenders: list[str], second: bool) -> tuple[str, pd.Series]:
    """The table of one metric, and the mean rank of each contender."""
    lines = [
        f"| set | rows | metric | {' | '.join(contenders)} | ours beside plain |",
        "|---" * (len(contenders) + 4) + "|",
    ]
    scores = {}
    for contest in contests:
        metric = metric_of(contest.classes, second)
        cells = []
        for name in contenders:
            outcome = contest.outcomes[name]
            score = np.nan if outcome.failed else measure(metric, contest.truth, outcome.answers)
            scores.setdefault(contest.name, {})[name] = score if HIGHER_IS_BETTER[metric] else -score
            cells.append(f"failed: {outcome.failed}" if outcome.failed else f"{score:.4g}")
        row = [contest.name, str(contest.fitted), metric, *cells, against_plain(contest, metric)]
        lines.append(f"| {' | '.join(row)} |")
    ranks = pd.DataFrame(scores).T.round(6).dropna().rank(axis=1, ascending=False)
    return "\n".join(lines), ranks.mean()


def costs(contests: list[Contest], contenders: list[str], ranks: list[pd.Series]) -> str:
    """The summary: mean ranks, CPU and wall seconds, and CPU as a multiple of ours (medians over the sets)."""
    cpu, wall = (
        pd.DataFrame({c.name: {name: getattr(c.outcomes[name], key) for name in contenders} for c in contests}).T
        for key in ("cpu", "wall")
    )
    times = cpu.div(cpu[OURS], axis=0)
    failed = {name: sum(bool(c.outcomes[name].failed) for c in contests) for name in contenders}
    lines = [
        "| contender | mean rank | second metric | CPU s | wall s | cores used | CPU / ours | failed |",
        "|---" * 8 + "|",
    ]
    for name in contenders:
        first, second = (rank.get(name, np.nan) for rank in ranks)
        found = [cpu[name].median(), wall[name].median(), (cpu[name] / wall[name]).median(), times[name].median()]
        cells = [name, f"{first:.2f}", f"{second:.2f}", *(f"{value:.1f}" for value in found), str(failed[name])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def tables(contests: list[Contest], contenders: list[str]) -> str:
    """Everything, as Markdown."""
    (first, rank), (second, other) = (quality(contests, contenders, which) for which in (False, True))
    return "\n\n".join([first, second, costs(contests, contenders, [rank, other])])
