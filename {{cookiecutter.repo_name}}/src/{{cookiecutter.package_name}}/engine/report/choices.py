"""What the evaluation report says of choices: hyper-parameters, the threshold and its costs, rows better left open.

But for the trials, on the test rows; empty where there is nothing to say.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..modelling import confidence, threshold, trials
from ..modelling.decision import capacity_of, has_value, paid, urgency, worth
from . import figures, gains
from .about_decision import acted, amount, money
from .diagnostics import wilson
from .evidence import Evidence, table
from .verdict import number, of_all, percent, scored


def search(evidence: Evidence) -> dict[str, Any]:
    """The trials of the search for hyper-parameters; empty without one."""
    path = evidence.project.models / evidence.run.name / trials.TABLE
    if not path.is_file() or path.stat().st_size < 2:
        return {}
    tried, name = pd.read_csv(path), evidence.result.metric.name
    shown = {"as_it_is": ("score", "first"), "best": ("best", "last"), "trials": ("trial", "max")}
    last = tried.groupby("candidate", sort=False).agg(**shown).reset_index()
    found = table(last, as_it_is=partial(scored, name), best=partial(scored, name))
    return {"table": found, "figures": {"trials": figures.trials(tried, name)}}


def decision(evidence: Evidence) -> dict[str, Any]:
    """What acting on the first rows brings, and the worth at every threshold; of numbers, the cost of every shift."""
    options, result = evidence.project.settings.decision, evidence.decided
    unit, stated = f" ({options.currency})" if options.currency else "", has_value(options)
    if not result.classes:
        return of_shifts(evidence, unit) if stated else {}
    if len(result.classes) > 2:
        return {}
    level, why = evidence.policy.level, "the gains and costs of [decision]"
    if level is None:
        model = evidence.record["model"]  # a run of old may not name them
        level = model.get("threshold", threshold.HALF)
        why = model.get("threshold_is", threshold.WHY_HALF)
    chance, yes = urgency(result.predictions), result.truth == result.classes[1]
    by_level = gains.values_by_level(options, yes, chance, evidence.result.groups) if stated else None
    on, found = acted(evidence), gains.gains(yes, chance)
    acted_from = max(level, chance[on].min(initial=1.0)) if options.capacity else level
    return {
        "table": table(first_rows(evidence, yes, chance), **{f"the first {options.rows}": number}),
        "figures": {"worth": gains.draw_worth(found, int(on.sum()), by_level, acted_from, unit)} if yes.any() else {},
        "positive": result.classes[1],
        "threshold": f"{level:.3g}",
        "why": why,
        "unset": stated and evidence.policy.level is None,
    }


def first_rows(evidence: Evidence, yes: np.ndarray, chance: np.ndarray) -> pd.DataFrame:
    """What is found among so many first rows, beside chance, and what acting on them is worth where that is stated."""
    options, n, lines = evidence.project.settings.decision, len(yes), []
    order = np.argsort(-chance, kind="stable")
    for size in gains.sizes(n, capacity_of(options, n)):
        first = np.zeros(n, dtype=bool)
        first[order[:size]] = True
        hits = int((yes & first).sum())
        low, high = (min(round(size * end), int(yes.sum())) for end in wilson(yes[first]))
        lift = f"{hits / size / yes.mean():.1f}" if yes.any() else "-"
        share = percent(hits / yes.sum()) if yes.any() else "-"
        brought = amount(worth(options, yes, first).sum())
        lines.append((size, f"{hits:,} ({low:,} to {high:,})", number(round(size * yes.mean())), lift, share, brought))
    positive, brings = f"'{evidence.result.classes[1]}'", f"worth {options.currency}".strip()
    found = (f"{positive} among them (95\u00a0%)", "at random", "lift", f"of all {positive}")
    frame = pd.DataFrame(lines, columns=[f"the first {options.rows}", *found, brings])
    return frame if has_value(options) else frame.iloc[:, :-1]


def of_shifts(evidence: Evidence, unit: str) -> dict[str, Any]:
    """What the errors of numbers would cost if something were added to each; what, is found on held-out rows."""
    options, result, held = evidence.project.settings.decision, evidence.result, evidence.policy.held
    truth, answers = result.truth, result.predictions.values
    by_shift = gains.costs_by_shift(options, truth, answers, evidence.result.groups)
    found = {"figures": {"costs": gains.draw_costs(by_shift, evidence.record["target"], unit)}}
    if held is None:
        return found
    # The error that costs least is this quantile: each unit more costs cost_over there, each unit less cost_under.
    part = options.cost_under / (options.cost_over + options.cost_under)
    shift = float(np.quantile(held["truth"] - held["prediction"], part))
    cost, now = (paid(options, truth, answers + added).sum() for added in (shift, 0.0))
    return {**found, "shift": number(shift), "cost": money(evidence, cost), "now": money(evidence, now)}


def abstention(evidence: Evidence) -> dict[str, Any]:
    """For wanted error rates: how many rows are answered then, and how many of those are wrong."""
    held = evidence.policy.held
    if held is None:
        return {}
    wanted = evidence.project.settings.predict.error_rate
    about = {"error_rate": wanted, "n_held": len(held), "certainty": 1 - confidence.RISK}
    rates = {*confidence.RATES, wanted}
    if "probability" in held:
        about["least"] = least = confidence.least_rate(held)
        rates = {rate for rate in confidence.RATES if rate > least} | {least, wanted} - {1.0}
    lines = answered if "probability" in held else bands
    return about | {"table": table(lines(evidence, held, sorted(rates - {0.0}, reverse=True)))}


def answered(evidence: Evidence, held: pd.DataFrame, rates: list[float]) -> pd.DataFrame:
    """Test rows that are answered and wrong for each wanted rate, and for `abstain_below`."""
    result, below = evidence.decided, evidence.project.settings.predict.abstain_below
    sure = result.predictions.given_to(result.predictions.values)
    wrong = result.predictions.values != result.truth
    limits = {f"at most {percent(rate)} wrong": confidence.least_probability(held, rate) for rate in rates}
    limits |= {f"abstain_below = {below:g}": below} if below else {}
    lines = []
    for name, least in {"all rows": 0.0, **limits}.items():
        kept = sure >= least
        probability = f"{least:.3f}" if 0 < least <= 1 else ("never" if least else "-")
        lines.append((name, probability, of_all(kept.sum(), len(kept)), within(wrong[kept])))
    return pd.DataFrame(lines, columns=["wanted", "from probability", "answered", "wrong of them"])


def bands(evidence: Evidence, held: pd.DataFrame, rates: list[float]) -> pd.DataFrame:
    """Width of the bands for each wanted rate, and test rows whose truth lies outside."""
    truth, lines = evidence.result.truth, []
    for rate in rates:
        low, high = confidence.band(held, rate).of(evidence.result.predictions.values)
        width, outside = "-", "too few rows to say"
        if np.isfinite(high).all():
            width, outside = number(np.median(high - low)), within((truth < low) | (truth > high))
        lines.append((f"at most {percent(rate)} outside", width, outside))
    return pd.DataFrame(lines, columns=["wanted", "median width", "outside"])


def within(wrong: np.ndarray) -> str:
    """How many are wrong, which share, and its 95 % interval (Wilson)."""
    if not len(wrong):
        return "-"
    low, high = wilson(wrong)
    return f"{wrong.sum():,} ({percent(wrong.mean())}, 95 %: {percent(low)} … {percent(high)})"
