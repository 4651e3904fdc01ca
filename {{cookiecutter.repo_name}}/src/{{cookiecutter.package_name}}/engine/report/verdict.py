"""The words of the evaluation report: numbers as people read them, the answer, and what the figures say.

Thresholds that a sentence hangs on stand at the top with their reason.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..modelling.metrics import log_loss
from .diagnostics import FEW_UNITS, Result

OVERFITS, OVERFITS_A_LITTLE = 0.2, 0.05  # gap between fitted and unseen rows, as a share of the gain over the baseline
IN_UNITS = ("mae", "rmse", "median_error")
LITTLE = 0.01  # of the gain over the baseline: what twice the rows must bring to be worth collecting them
MANY_LOOKS = 3  # runs scored on one test split, from which on the best of them looks better than it is


def number(value: float | None, digits: int = 4) -> str:
    """A number as people read it, with so many digits that count where it is below 1000.

    Examples
    --------
    >>> number(180796.06), number(0.01234567), number(float("nan")), number(12)
    ('180,796', '0.01235', '-', '12')
    """
    if value is None or value != value:
        return "-"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"


def scored(metric: str, value: float | None) -> str:
    """A score: three decimals, or as a number where it is in the unit of the target."""
    if value is None or value != value:
        return "-"
    if metric in IN_UNITS:
        return number(value)
    nearly = 0.9995 <= value < 1 and metric != "log_loss"  # which has no highest value
    return ">0.999" if nearly else f"{value:.3f}".replace("-0.000", "0.000")


def bounds(metric: str, interval: Sequence[float]) -> str:
    """The two ends of the interval of a score."""
    return " … ".join(scored(metric, bound) for bound in interval)


def percent(share: float) -> str:
    """0.965 -> `96.5 %`, with a blank that does not break the line; `-` where it is not defined."""
    if share != share:
        return "-"
    return "<0.1\u00a0%" if 0 < share < 0.0005 else f"{100 * share:.1f}\u00a0%"


def of_all(count: int, total: int) -> str:
    """How many of the rows, and which share of them."""
    return f"{count:,} ({percent(count / total)})"


def answer(result: Result, decided: Result, *, model: str) -> list[str]:
    """How good the answers are by the metric that decides, in sentences; `decided` are those given today."""
    name, truth, answers = result.metric.name, result.truth, decided.predictions.values
    constant = result.constant.values[0]
    other = f"always answering '{constant}'" if result.classes else f"always answering {number(float(constant))}"
    around = f" (95\u00a0% interval {bounds(name, result.interval)})" if np.isfinite(result.interval[0]) else ""
    sentences = [
        f"On {len(truth):,} rows it never saw, the model ({model}) reaches {name} {scored(name, result.score)}"
        f"{around}; {other} gives {scored(name, result.baseline)}.",
        comparison(result),
    ]
    if result.classes:
        right, by_rote = (truth == answers).sum(), (truth == constant).sum()
        by = "" if decided.predictions is result.predictions else ", decided by the costs of [decision]"
        sentences.append(
            f"It names the right class for {right:,} of {len(truth):,} rows ({percent(right / len(truth))}){by}; "
            f"{other} is right for {of_all(by_rote, len(truth))}."
        )
    return sentences


def comparison(result: Result) -> str:
    """Whether the model is better than the constant answer, in one sentence."""
    worst, best = result.interval[:: 1 if result.metric.higher_is_better else -1]
    if not np.isfinite(worst) or result.baseline != result.baseline:
        return "Whether that is better than chance cannot be said from these rows."
    if result.beats_constant:
        return f"By {result.metric.name} that is better than the constant answer, and more than chance explains."
    if max(result.metric.better_by(value, result.baseline) for value in (result.score, best)) > 0:
        return "Whether it beats the constant answer these rows do not tell: chance alone may explain the difference."
    return "That is no better than the constant answer: the model is of no use as it stands."


def reading_of_curve(points: pd.DataFrame, result: Result, older: float | None = None) -> list[str]:
    """What the learning curve says about over-fitting and about more data.

    `older` is the metric on rows held out in training, where the test rows are newer.
    """
    if points.empty:
        return ["There are too few rows for a learning curve."]
    last, metric = points.iloc[-1], result.metric
    first, name, gain = over_fitting(last, result, older), metric.name, abs(last.held - result.baseline)
    if last.low != last.low:
        return [first]
    what = "rows, whole groups at a time" if last.groups else "rows"
    size = f"From {points.iloc[-2].rows:,.0f} to {last.rows:,.0f} {what}, {name} on unseen rows went from "
    change = f"{size}{scored(name, points.iloc[-2].held)} to {scored(name, last.held)}"
    if result.units < FEW_UNITS:
        return [first, f"{change}: too few test rows, of a class or all, to tell whether more rows would help."]
    if last.low > 0 and not result.beats_constant:
        return [first, f"{change}, more than chance explains, though still not shown to be better than guessing."]
    if last.low > 0 and metric.better_by(last.held, points.iloc[-2].held) < LITTLE * gain:
        return [first, f"{change}: not by chance, but by little. More rows of the same kind would help little at most."]
    if last.low > 0:
        return [first, f"{change}, more than chance explains: more rows of the same kind would probably help further."]
    if last.high < 0:
        return [first, f"{change}: worse, and not by chance. Look at how the rows differ before collecting more."]
    if max(last.high, -last.low) < LITTLE * gain:
        return [first, f"{change}: by next to nothing. Twice as many rows of the same kind would not change much."]
    return [first, f"{change}, within what chance explains: too few test rows to tell whether more rows would help."]


def over_fitting(last: pd.Series, result: Result, older: float | None) -> str:
    """What the scores on rows that were fitted on and on unseen ones, at the end of the curve, say together."""
    name, better_by = result.metric.name, result.metric.better_by
    gap, reach = better_by(last.fitted, last.held), better_by(last.fitted, result.baseline)
    share = gap / reach if reach > 0 else 0.0
    both = f"{name} is {scored(name, last.fitted)} on rows it was fitted on and {scored(name, last.held)} on others"
    if reach <= 0:
        return f"Under-fitting: {both}; even on its own rows it is no better than the constant answer."
    if older is not None and share > OVERFITS_A_LITTLE and better_by(older, last.held) > OVERFITS * gap:
        start = "Time more than over-fitting" if better_by(older, last.held) > gap / 2 else "Over-fitting, and time"
        return f"{start}: {both}, which are newer; on older ones it is {scored(name, older)}."
    if share > OVERFITS_A_LITTLE and not result.beats_constant and gap < result.width:
        return f"Over-fitting cannot be told: {both}, no farther apart than chance explains."
    if share > OVERFITS:
        return f"Over-fitting: {both}, the score to lean on; {percent(share)} of its gain on its own rows is lost."
    return f"{'Slight' if share > OVERFITS_A_LITTLE else 'No sign of'} over-fitting: {both}."


def reading_of_probabilities(result: Result) -> str:
    """Whether the probabilities can be taken at their word."""
    with_model, without = log_loss(result.truth, result.predictions), log_loss(result.truth, result.constant)
    start = f"Log-loss {abs(with_model):.3f}; giving every row the shares of the classes costs {without:.3f}"
    if np.allclose(result.predictions.probabilities, result.predictions.probabilities[0]):
        return f"{start}: every row gets the same probabilities, which tell no row from another."
    if with_model < without:
        return f"{start}: the probabilities carry information ({percent(1 - with_model / without)} less surprise)."
    return f"{start}: the probabilities mislead more than they tell. Use the order of the rows, not the probabilities."
