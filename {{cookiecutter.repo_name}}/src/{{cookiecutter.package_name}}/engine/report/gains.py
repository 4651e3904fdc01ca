"""What acting on a model's answers brings, counted and drawn: gains, lift, the worth at every threshold, errors.

Arrays and frames in, frames and figures out; `about_decision.py` puts them into words.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..modelling import decision
from ..modelling.metrics import Groups, Predictions, Z
from ..project.settings import Decision
from .figures import BLUE, GUIDE, ORANGE, panels, short, thousands

SIZES = (50, 100, 200, 400)  # rows that the table of first rows looks at
FEW_SIZES = (10, 4, 2)  # and these parts of the rows where they are too few for those
SHARES = (0.05, 0.1, 0.2)  # of the truth, that a number may be off
REACH = 50  # per cent, as far as the curve of errors goes
LEVELS = np.arange(1, 100) / 100
SHIFTS = np.linspace(-2, 2, 41)  # added to each number, in mean absolute errors
MARK: dict[str, Any] = {"color": ORANGE, "lw": 1.5}


def summed(values: np.ndarray, groups: Groups = None) -> tuple[float, float, float]:
    """The sum over rows, shape (n_rows,), and its 95 % interval; rows of a group come and go together."""
    centred = pd.Series(values - values.mean())
    parts = centred if groups is None else centred.groupby(groups.to_numpy()).sum()
    spread = Z * float(np.sqrt((parts**2).sum()))
    total = float(values.sum())
    return total, total - spread, total + spread


def gains(yes: np.ndarray, urgent: np.ndarray) -> np.ndarray:
    """Positives among the first 0, 1, ... n rows, the most urgent first; shape (n_rows + 1,)."""
    return np.concatenate([[0], np.cumsum(yes[np.argsort(-urgent, kind="stable")])])


def sizes(n_rows: int, capacity: int) -> list[int]:
    """How many first rows the table looks at, ascending; the capacity is one of them."""
    usual = [size for size in SIZES if size < n_rows]
    few = [n_rows // part for part in FEW_SIZES] if len(usual) < 2 else []
    return sorted({*usual, *few, capacity} - {0})


def values_by_level(options: Decision, yes: np.ndarray, chance: np.ndarray, groups: Groups) -> pd.DataFrame:
    """`level`, and `total`, `low` and `high` of what acting on all rows from this probability on is worth."""
    lines = [(level, *summed(decision.worth(options, yes, chance >= level), groups)) for level in LEVELS]
    return pd.DataFrame(lines, columns=["level", "total", "low", "high"])


def costs_by_shift(options: Decision, truth: np.ndarray, predicted: np.ndarray, groups: Groups) -> pd.DataFrame:
    """`shift`, and `total`, `low` and `high` of what the errors cost if it were added to each answer."""
    shifts = SHIFTS * np.abs(predicted - truth).mean()
    lines = [(shift, *summed(decision.paid(options, truth, predicted + shift), groups)) for shift in shifts]
    return pd.DataFrame(lines, columns=["shift", "total", "low", "high"])


def off_by(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """How far the numbers with a truth above 0 are from it, as a share of it, shape (n_above_0,); others have none."""
    above = truth > 0
    return np.abs(predicted - truth)[above] / truth[above]


def among_first(truth: np.ndarray, predictions: Predictions) -> np.ndarray:
    """Rows whose true class is among the 1, 2, ... most probable ones, shape (n_classes,)."""
    order = np.argsort(-predictions.probabilities, axis=1, kind="stable")
    hit = np.asarray(predictions.classes, dtype=object)[order] == truth.astype(object)[:, None]
    return np.cumsum(hit.sum(axis=0))


def confusions(truth: np.ndarray, predictions: Predictions) -> pd.DataFrame:
    """`truth`, `taken for` and `rows` of each confusion that occurs, the most frequent first."""
    wrong = truth != predictions.values
    pairs = pd.DataFrame({"truth": truth[wrong], "taken for": predictions.values[wrong]}).astype(str)
    counted = pairs.groupby(["truth", "taken for"]).size().rename("rows")
    return counted.sort_values(ascending=False, kind="stable").reset_index()


def draw_gains(found: np.ndarray, acted: int, positive: str, called: str) -> Figure:
    """Positives found against rows, `called` so, acted on, beside the order of chance; how many are is marked."""
    figure, (axes,) = panels(1, 5.2, 3.3)
    rows, called = np.arange(len(found)), short(called, 24)
    axes.plot(rows, found, color=BLUE, lw=2, label="in the model's order")
    axes.plot([0, rows[-1]], [0, found[-1]], **GUIDE, label="in the order of chance")
    axes.plot([acted, acted, 0], [0, found[acted], found[acted]], **MARK)
    axes.plot([acted], [found[acted]], "o", **MARK, label=f"{acted:,} {called}: {found[acted]:,} found")
    axes.set(xlabel=f"{called}, the surest first", ylabel=f"'{short(positive, 20)}' among them", xlim=0, ylim=0)
    axes.legend(loc="lower right")
    thousands(axes.xaxis, axes.yaxis)
    return figure


def draw_worth(found: np.ndarray, acted: int, by_level: pd.DataFrame | None, level: float, unit: str) -> Figure:
    """Lift against the share of rows acted on; and, where a worth is stated, the worth against the threshold."""
    figure, places = panels(1 if by_level is None else 2, 5 if by_level is None else 8, 3.4)
    rows = np.arange(1, len(found))
    lift = (found[1:] / rows) / (found[-1] / rows[-1])
    places[0].plot(rows / rows[-1], lift, color=BLUE, lw=2)
    places[0].axhline(1, **GUIDE)
    places[0].axvline(acted / rows[-1], **MARK)
    places[0].set(xlabel="share of the rows acted on", ylabel="times as many as by chance", title="lift", ylim=0)
    if by_level is not None:
        banded(places[1], by_level, "level")
        if level <= 1:
            places[1].axvline(level, **MARK)
        places[1].set(xlabel="acting from this probability on", ylabel=f"worth of all rows{unit}", title="worth")
    return figure


def draw_costs(by_shift: pd.DataFrame, target: str, unit: str) -> Figure:
    """What the errors cost against what might be added to each answer."""
    figure, (axes,) = panels(1, 5.6, 3.4)
    banded(axes, by_shift, "shift")
    axes.axvline(0, **MARK)
    axes.set(xlabel=f"added to each predicted {short(target, 24)}", ylabel=f"cost of all rows{unit}", ylim=0)
    thousands(axes.xaxis)
    return figure


def banded(axes: Axes, frame: pd.DataFrame, across: str) -> None:
    """The column `total` as a line in its 95 % band, zero dashed."""
    axes.plot(frame[across], frame["total"], color=BLUE, lw=2)
    axes.fill_between(frame[across], frame["low"], frame["high"], color=BLUE, alpha=0.2, linewidth=0)
    axes.axhline(0, **GUIDE)
    axes.locator_params(nbins=5)
    thousands(axes.yaxis)


def draw_errors(model: np.ndarray, constant: np.ndarray, target: str, rote: str, which: str) -> Figure:
    """The share of `which` rows that are off by at most so many per cent, by the model and by the constant answer."""
    figure, (axes,) = panels(1, 5.2, 3.3)
    reach = np.linspace(0, REACH, 201)
    for errors, look in ((model, {"color": BLUE, "lw": 2, "label": "the model"}), (constant, GUIDE)):
        shares = np.searchsorted(np.sort(errors), reach / 100, side="right") / len(errors)
        axes.plot(reach, 100 * shares, **{"label": f"always {rote}", **look})
    for share in SHARES:
        axes.axvline(100 * share, color=ORANGE, lw=1, ls=":")
    axes.set(xlabel=f"off by at most so many % of the true {short(target, 24)}", ylabel=f"% of {which}", ylim=(0, 100))
    axes.legend(loc="lower right")
    return figure


def draw_guesses(hits: Sequence[int], n_rows: int) -> Figure:
    """The share of rows whose class is the most probable one, or among the two, three, ... most probable."""
    figure, (axes,) = panels(1, 5.2, 1.2 + 0.42 * len(hits))
    shares = 100 * np.asarray(hits) / n_rows
    names = ["most probable class", *(f"one of the {k} most probable" for k in range(2, len(hits) + 1))]
    axes.barh(range(len(hits)), shares, color=BLUE, height=0.6)
    for place, (share, count) in enumerate(zip(shares, hits, strict=True)):
        axes.text(share - 1, place, f"{count:,}", ha="right", va="center", color="white")
    axes.set_yticks(range(len(hits)), names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.set(xlabel="% of all, for which it is the right one", xlim=(0, 100))
    return figure
