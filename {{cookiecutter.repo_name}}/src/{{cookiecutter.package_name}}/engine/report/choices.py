"""What the evaluation report says of choices: hyper-parameters, the threshold and its costs, rows better left open.

Used by `make evaluate`; but for the trials, on the test rows. Each function takes the evidence and returns a dict for
the template, empty where there is nothing to say.
"""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..modelling import confidence, threshold, trials
from . import figures
from .diagnostics import wilson
from .evidence import Evidence, share, table
from .verdict import number, percent, scored

WISHES = (0.2, 0.1, 0.05, 0.02, 0.01)  # error rates that the report tries whatever is set
Z = 1.96


def search(evidence: Evidence) -> dict[str, Any]:
    """The trials of the search for hyper-parameters; empty without one."""
    path = evidence.project.models / evidence.run.name / trials.TABLE
    if not path.is_file() or path.stat().st_size < 2:
        return {}
    tried, name = pd.read_csv(path), evidence.result.metric.name
    last = tried.groupby("candidate", sort=False).agg(as_it_is=("score", "first"), best=("best", "last"))
    last["trials"] = tried.groupby("candidate")["trial"].max()
    found = table(last.reset_index(), as_it_is=partial(scored, name), best=partial(scored, name))
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
    ways |= {f"always '{positive}'": np.ones(len(result.truth), bool)}
    ways |= {f"never '{positive}'": np.zeros(len(result.truth), bool)}
    lines = [line(name, result.truth, named, positive, costs) for name, named in ways.items()]
    frame = pd.DataFrame(
        lines, columns=["answer from", f"named '{positive}'", "wrongly", "missed", "cost a row", "95 %"]
    )
    return {
        "table": table(frame, **{f"named '{positive}'": number, "wrongly": number, "missed": number}),
        "positive": positive,
        "threshold": f"{level:.3g}",
        "why": model["threshold_is"],
        "costs": tuple(f"{value:g}" for value in costs),
    }


def line(name: str, truth: np.ndarray, named: np.ndarray, positive: object, costs: tuple[float, float]) -> list[Any]:
    """One way to answer as a line of the table."""
    yes = truth == positive
    paid = threshold.paid(yes, named, costs)
    spread = Z * paid.std() / np.sqrt(len(paid))
    around = f"{max(0, paid.mean() - spread):.3g} … {paid.mean() + spread:.3g}"
    return [name, int(named.sum()), int((named & ~yes).sum()), int((~named & yes).sum()), f"{paid.mean():.3g}", around]


def abstention(evidence: Evidence) -> dict[str, Any]:
    """For wanted error rates: how many rows are answered then, and how many of those are wrong."""
    held = confidence.held_out(evidence.project.models / evidence.run.name)
    if held is None:
        return {}
    wish = evidence.project.settings.predict
    about = {"error_rate": wish.error_rate, "n_held": len(held), "certainty": 1 - confidence.RISK}
    rates, wanted = set(WISHES), {wish.error_rate} - {0.0}
    if "probability" not in held:
        return about | {"table": table(bands(evidence, held, sorted(rates | wanted, reverse=True)))}
    least = confidence.least_rate(held)
    shown = {rate for rate in rates if rate > least} | ({least} if least < 1 else set())
    return about | {"table": table(answered(evidence, held, sorted(shown | wanted, reverse=True))), "least": least}


def answered(evidence: Evidence, held: pd.DataFrame, rates: list[float]) -> pd.DataFrame:
    """Test rows that are answered and wrong for each wanted rate, and for `abstain_below`."""
    result, wish = evidence.result, evidence.project.settings.predict
    sure = result.predictions.given_to(result.predictions.values)
    wrong = result.predictions.values != result.truth
    limits = {f"at most {percent(rate)} wrong": confidence.least_probability(held, rate) for rate in rates}
    limits |= {f"abstain_below = {wish.abstain_below:g}": wish.abstain_below} if wish.abstain_below else {}
    lines = []
    for name, least in {"all rows": 0.0, **limits}.items():
        kept = sure >= least
        named = {"wanted": name, "from probability": f"{least:.3f}" if 0 < least <= 1 else "-"}
        lines.append(named | {"answered": of_all(kept)} | {"wrong of them": within(wrong[kept])})
    return pd.DataFrame(lines)


def bands(evidence: Evidence, held: pd.DataFrame, rates: list[float]) -> pd.DataFrame:
    """Width of the bands for each wanted rate, and test rows whose truth lies outside."""
    predicted, truth, lines = evidence.result.predictions.values, evidence.result.truth, []
    for rate in rates:
        low, high = confidence.band(held, rate).of(predicted)
        widths = np.median(high - low) if np.isfinite(high).all() else np.nan
        outside = within((truth < low) | (truth > high)) if np.isfinite(high).all() else "too few rows to say"
        lines.append({"wanted": f"at most {percent(rate)} outside", "median width": number(widths), "outside": outside})
    return pd.DataFrame(lines)


def of_all(kept: np.ndarray) -> str:
    """How many of the rows, and which share."""
    return f"{number(int(kept.sum()))} ({percent(kept.mean())})"


def within(wrong: np.ndarray) -> str:
    """How many are wrong, which share, and its 95 % interval (Wilson)."""
    if not len(wrong):
        return share(np.nan)
    low, high = wilson(wrong)
    return f"{number(int(wrong.sum()))} ({percent(wrong.mean())}, 95 %: {percent(low)} … {percent(high)})"
