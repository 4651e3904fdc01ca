"""The sections of the evaluation report about the scores: how good the answers are, and where they err."""

from typing import Any

import numpy as np
import pandas as pd

from ..modelling.decision import urgency
from ..modelling.metrics import available
from . import diagnostics, figures, findings, learning, verdict
from .evidence import Evidence, table
from .verdict import number, percent, scored

CLASSES_DRAWN = 15  # a larger confusion matrix cannot be read


def top(evidence: Evidence) -> dict[str, Any]:
    """The score in words, and the warnings."""
    answer = verdict.answer(evidence.result, evidence.decided, model=evidence.record["model"]["name"])
    return {"answer": answer, "warnings": findings.ranked(evidence)}


def board(evidence: Evidence) -> dict[str, Any]:
    """All candidates with all metrics, on the rows that they were compared on."""
    record, known = evidence.record, available(evidence.result.classes)
    scores = pd.DataFrame(record["metrics"]["leaderboard"]).T
    best = {name: scores[name].max() if known[name].higher_is_better else scores[name].min() for name in scores}
    name = record["metrics"]["chosen_by"]
    scores = scores.sort_values(name, ascending=not record["metrics"]["higher_is_better"])
    lines = [
        (model, [(scored(metric, value), value == best[metric]) for metric, value in line.items()])
        for model, line in scores.iterrows()
    ]
    several, asked = len(set(scores.index) - {"dummy"}) > 1, record["parameters"]["train"]["blend"]
    return {"metrics": list(scores.columns), "lines": lines, "one": several and asked and "blend" not in scores.index}


def scores(evidence: Evidence) -> dict[str, Any]:
    """All metrics on the test split beside the constant answer and the score at the time of choice."""
    result, lines = evidence.result, []
    for name, metric in available(result.classes).items():
        values = [metric.score(result.truth, answers) for answers in (result.predictions, result.constant)]
        values.append(evidence.record["metrics"]["dev"][name])
        lines.append((name, [scored(name, value) for value in values], metric.meaning, metric.higher_is_better))
    return {"lines": lines, "as_trained": evidence.policy.level is not None}


def mistakes(evidence: Evidence) -> dict[str, Any]:
    """Confusion and ranking for classes, predictions against the truth for numbers."""
    result = evidence.decided
    if not result.classes:
        return {"figures": {"fit": figures.fit(result.truth, result.predictions.values, evidence.record["target"])}}
    counts = diagnostics.confusion(result.truth, result.predictions)
    levels = [name for name in evidence.run.columns[evidence.record["target"]].values or () if name in counts]
    if len(levels) == len(counts):  # in the order of the dictionary
        counts = counts.loc[levels, levels]
    shares = diagnostics.by_class(counts)
    drawn = {"confusion": figures.confusion(counts)} if len(counts) <= CLASSES_DRAWN else {}
    if len(counts) == 2 and len(set(result.truth)) == 2:
        drawn["ranking"] = figures.ranking(result.truth, result.predictions)
    worst = shares.sort_values("found").head(20) if len(shares) > 20 else shares
    return {"figures": drawn, "classes": table(worst, rows=number, found=percent, right=percent, taken_for=str)}


def calibration(evidence: Evidence) -> dict[str, Any]:
    """Whether the probabilities can be believed; empty for a regression."""
    result = evidence.result
    if not result.classes:
        return {}
    bins, classes = diagnostics.reliability(result.truth, result.predictions), result.classes
    of = f"'{classes[1]}'" if len(classes) == 2 else "the predicted class"
    figure = figures.calibration(bins, urgency(result.predictions), of)
    off = np.average((bins["predicted"] - bins["came_true"]).abs(), weights=bins["rows"]) if len(bins) > 1 else None
    return {"figures": {"calibration": figure}, "reading": verdict.reading_of_probabilities(result), "off": off}


def growth(evidence: Evidence) -> dict[str, Any]:
    """The learning curve and what it says."""
    name = evidence.result.metric.name
    points = pd.DataFrame(list(learning.curve(evidence.run.model, evidence.question, evidence.test, evidence.result)))
    drawn = {} if points.empty else {"learning": figures.learning(points, name, evidence.result.baseline)}
    by_time = evidence.record["parameters"]["split"]["by"].startswith("time:")
    older = evidence.record["metrics"]["dev"][name] if by_time else None
    return {"figures": drawn, "reading": verdict.reading_of_curve(points, evidence.result, older)}
