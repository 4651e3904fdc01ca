"""What the evaluation report says of choices: hyper-parameters, the threshold and its costs, rows better left open.

But for the trials, on the test rows; empty where there is nothing to say.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..modelling import confidence, threshold, trials
from . import figures
from .diagnostics import wilson
from .evidence import Evidence, table
from .verdict import number, of_all, percent, scored

RATES = (0.2, 0.1, 0.05, 0.02, 0.01)  # error rates that the report tries whatever is set
Z = 1.96


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
    """What the answers cost at the threshold, at one half, and if all rows were answered alike; for two classes."""
    result, model = evidence.result, evidence.record["model"]
    if len(result.classes) != 2 or "threshold" not in model:
        return {}
    positive, level = result.classes[1], model["threshold"]
    costs = threshold.costs_of(evidence.record)
    ways = {f"{level:.3g} (used)": result.predictions.values == positive}
    if level != threshold.HALF:
        ways["0.5"] = result.predictions.probabilities[:, 1] >= threshold.HALF
    ways[f"always '{positive}'"] = np.ones(len(result.truth), bool)
    ways[f"never '{positive}'"] = np.zeros(len(result.truth), bool)
    lines = [line(name, result.truth == positive, named, costs) for name, named in ways.items()]
    counted = (f"named '{positive}'", "wrongly", "missed")
    frame = pd.DataFrame(lines, columns=["answer from", *counted, "cost a row", "95 %"])
    return {
        "table": table(frame, **dict.fromkeys(counted, number)),
        "positive": positive,
        "threshold": f"{level:.3g}",
        "why": model["threshold_is"],
        "costs": tuple(f"{value:g}" for value in costs),
    }


def line(name: str, yes: np.ndarray, named: np.ndarray, costs: tuple[float, float]) -> list[Any]:
    """One way to answer as a line of the table."""
    paid = threshold.paid(yes, named, costs)
    spread = Z * paid.std() / np.sqrt(len(paid))
    around = f"{max(0, paid.mean() - spread):.3g} … {paid.mean() + spread:.3g}"
    return [name, int(named.sum()), int((named & ~yes).sum()), int((~named & yes).sum()), f"{paid.mean():.3g}", around]


def abstention(evidence: Evidence) -> dict[str, Any]:
    """For wanted error rates: how many rows are answered then, and how many of those are wrong."""
    held = confidence.held_out(evidence.project.models / evidence.run.name)
    if held is None:
        return {}
    wanted = evidence.project.settings.predict.error_rate
    about = {"error_rate": wanted, "n_held": len(held), "certainty": 1 - confidence.RISK}
    rates = {*RATES, wanted}
    if "probability" in held:
        about["least"] = least = confidence.least_rate(held)
        rates = {rate for rate in RATES if rate > least} | {least, wanted} - {1.0}
    lines = answered if "probability" in held else bands
    return about | {"table": table(lines(evidence, held, sorted(rates - {0.0}, reverse=True)))}


def answered(evidence: Evidence, held: pd.DataFrame, rates: list[float]) -> pd.DataFrame:
    """Test rows that are answered and wrong for each wanted rate, and for `abstain_below`."""
    result, below = evidence.result, evidence.project.settings.predict.abstain_below
    sure = result.predictions.given_to(result.predictions.values)
    wrong = result.predictions.values != result.truth
    limits = {f"at most {percent(rate)} wrong": confidence.least_probability(held, rate) for rate in rates}
    limits |= {f"abstain_below = {below:g}": below} if below else {}
    lines = []
    for name, least in {"all rows": 0.0, **limits}.items():
        kept = sure >= least
        probability = f"{least:.3f}" if 0 < least <= 1 else "-"
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
