"""The figures of the evaluation report, drawn without a screen.

Each function takes frames or arrays and returns a `Figure` of matplotlib; `png` makes bytes of it.
Colours are Okabe and Ito's, which colour-blind people tell apart.
"""

import base64
import io
import warnings
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from sklearn.metrics import precision_recall_curve, roc_curve

from ..checks.suspicion import is_number
from ..modelling.metrics import Predictions
from .page import TEMPLATES

BLUE, ORANGE, GREY, INK = "#0072B2", "#D55E00", "#6b717a", "#22262b"
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DPI = 110
DOTS = 3000  # more hide each other
GUIDE: dict[str, Any] = {"color": GREY, "ls": "--", "lw": 1}  # a line to compare with
DOT: dict[str, Any] = {"color": BLUE, "linewidths": 0}


def style() -> AbstractContextManager[None]:
    """The look of all figures, for the time of a `with` block."""
    return mpl.rc_context(mpl.rc_params_from_file(TEMPLATES / "figures.mplstyle", use_default_template=False))


def png(figure: Figure) -> bytes:
    """A figure as PNG bytes, the same for the same figure."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks is drawn as a box
        figure.savefig(buffer, dpi=DPI, format="png", metadata={"Software": None})
    return buffer.getvalue()


def address(image: bytes) -> str:
    """A picture as an address that holds it, for a page that needs no other file."""
    return "data:image/png;base64," + base64.b64encode(image).decode()


def stacked(figure: Figure) -> Figure | None:
    """The same figure with the panels that stand side by side one below the other, for a phone; None without such."""
    axes, grid = figure.axes, figure.axes[0].get_gridspec()
    rows, across = grid.get_geometry() if grid else (1, 1)
    if across == 1:
        return None
    width, height = figure.get_size_inches()
    places = GridSpec(len(axes), 1, figure)
    for place, panel in enumerate(axes):
        panel.set_subplotspec(places[place])
    figure.set_size_inches(width / across, height / rows * len(axes))
    return figure


def panels(count: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """A figure, sizes in inches, with `count` empty panels, at most two in a row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    across = min(count, 2)
    return figure, [figure.add_subplot(-(-count // across), across, place + 1) for place in range(count)]


def short(text: object, limit: int = 28) -> str:
    """A label that fits beside an axis."""
    text = " ".join(str(text).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def apart(texts: pd.Series | pd.Index, limit: int) -> list[str]:
    """Labels that are cut so late, at 28 letters at most, that different texts stay different."""
    while limit < 28 and len({short(text, limit) for text in texts}) < len({*texts}):
        limit += 1
    return [short(text, limit) for text in texts]


def confusion(table: pd.DataFrame) -> Figure:
    """Counts by true and predicted class with the share of the true class, which is the shade too."""
    size = len(table)
    figure, (axes,) = panels(1, 2.8 + 0.55 * size, 2.1 + 0.45 * size)
    counts = table.to_numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.5 else INK if count else GREY
        share = f"\n{shares[row, column]:.0%}" if size < 12 else ""
        look: dict[str, Any] = {"ha": "center", "va": "center", "color": color, "fontsize": 10 if size < 12 else 8}
        axes.text(column, row, f"{count:,}{share}", **look)
    names = apart(table.index, 16)
    flat = max(map(len, names)) * 0.09 * size < 1.4 + 0.55 * size  # inches: do the names fit side by side?
    axes.set_xticks(range(size), names, rotation=0 if flat else 40, ha="center" if flat else "right")
    axes.set_yticks(range(size), names)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def ranking(truth: np.ndarray, predictions: Predictions) -> Figure:
    """ROC and precision-recall curve of the positive class."""
    yes, chances = truth == predictions.classes[1], predictions.probabilities[:, 1]
    figure, (left, right) = panels(2, 8, 3.8)
    false, found, _ = roc_curve(yes, chances)
    left.plot(false, found, color=BLUE, lw=2)
    left.plot([0, 1], [0, 1], **GUIDE, label="guessing")
    name = short(predictions.classes[1], 20)
    left.set(xlabel="share of the others wrongly marked", ylabel=f"share of '{name}' found", title="ROC curve")
    left.legend(loc="lower right")
    precision, recall, _ = precision_recall_curve(yes, chances)
    right.plot(recall, precision, color=BLUE, lw=2)
    right.axhline(yes.mean(), **GUIDE, label="guessing")
    right.set(xlabel=f"share of '{name}' found (recall)", ylabel="marked rows that are right (precision)")
    right.set(title="precision and recall")
    right.legend(loc="lower left")
    for axes in (left, right):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    return figure


def calibration(bins: pd.DataFrame, predicted: np.ndarray, of: str) -> Figure:
    """Reliability curve with 95 % intervals, and below it how often each probability was given."""
    figure = Figure(figsize=(5.6, 5), layout="constrained")
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    around = np.clip([bins["came_true"] - bins["low"], bins["high"] - bins["came_true"]], 0, None)
    top.plot([0, 1], [0, 1], **GUIDE, label="as often as said")
    top.errorbar(bins["predicted"], bins["came_true"], around, color=BLUE, marker="o", lw=1.5, capsize=2)
    apart = bins[bins["predicted"].diff().fillna(1) > 0.04]  # numbers side by side cannot be read
    for x, y, rows in apart[["predicted", "came_true", "rows"]].itertuples(index=False):
        top.annotate(f"{rows}", (x, y), xytext=(5, -11), textcoords="offset points", color=GREY, fontsize=8)
    top.set(ylabel="share that came true", xlim=(-0.02, 1.02), ylim=(-0.02, 1.05))
    top.legend(loc="upper left")
    below.hist(predicted, bins=np.linspace(0, 1, 21), color=BLUE, alpha=0.75)
    below.set(xlabel=f"probability given to {short(of, 30)}", ylabel="rows")
    return figure


def fit(truth: np.ndarray, values: np.ndarray, target: str) -> Figure:
    """Predicted against true values, and the residuals against the prediction."""
    some = np.random.default_rng(0).permutation(len(truth))[:DOTS]
    truth, values = truth[some], values[some]
    figure, (left, right) = panels(2, 8, 3.8)
    both = [min(truth.min(), values.min()), max(truth.max(), values.max())]
    left.scatter(truth, values, s=12, alpha=0.35, **DOT)
    left.plot(both, both, **GUIDE, label="perfect")
    left.set(xlabel=f"true {short(target)}", ylabel=f"predicted {short(target)}", title="predicted and true")
    left.legend(loc="upper left")
    right.scatter(values, values - truth, s=12, alpha=0.35, **DOT)
    right.axhline(0, **GUIDE)
    right.set(xlabel=f"predicted {short(target)}", ylabel="predicted - true", title="errors (residuals)")
    for axes in (left, right):
        axes.locator_params(nbins=5)
        thousands(axes.xaxis, axes.yaxis)
    return figure


def thousands(*lines: Axis) -> None:
    """Write large numbers along an axis as 200,000."""
    for line in lines:
        if max(map(abs, line.get_view_interval())) >= 10_000:
            line.set_major_formatter("{x:,.0f}")


def learning(points: pd.DataFrame, metric: str, baseline: float) -> Figure:
    """Score on fitted and on held-out rows against the number of rows."""
    figure, (axes,) = panels(1, 6, 3.6)
    axes.plot(points["rows"], points["fitted"], color=ORANGE, marker="s", lw=1.5, label="rows it was fitted on")
    axes.plot(points["rows"], points["held"], color=BLUE, marker="o", lw=2, label="rows it had not seen")
    axes.axhline(baseline, **GUIDE, label="constant answer")
    axes.set(xlabel="rows fitted on", ylabel=metric)
    axes.set_xticks(points["rows"], [f"{rows:,}" for rows in points["rows"]])
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def trials(tried: pd.DataFrame, metric: str) -> Figure:
    """Score of each trial and the best so far, one panel a candidate, with the candidate as it is as a line."""
    names = tried["candidate"].unique()
    figure, places = panels(len(names), 8 if len(names) > 1 else 5, 3.4 * -(-len(names) // 2))
    for axes, name in zip(places, names, strict=True):
        table = tried[tried["candidate"] == name]
        later = table[table["trial"] > 0]
        axes.scatter(later["trial"], later["score"], s=14, alpha=0.5, **DOT, label="a trial")
        axes.step(later["trial"], table["best"].iloc[1:], color=ORANGE, lw=2, where="post", label="best so far")
        axes.axhline(table["score"].iloc[0], **GUIDE, label="as it is")
        axes.set(xlabel="trial", ylabel=metric, title=name)
        axes.locator_params(axis="x", integer=True)
    places[0].legend(fontsize=8)
    return figure


def importance(table: pd.DataFrame, metric: str) -> Figure:
    """Loss of score when a column is shuffled, with its spread; the strongest 15."""
    table = table.head(15)[::-1]
    figure, (axes,) = panels(1, 6.4, 1.1 + 0.27 * len(table))
    axes.barh(range(len(table)), table["loss"], xerr=table["spread"], color=BLUE, ecolor=INK, height=0.65, capsize=2)
    axes.set_yticks(range(len(table)), [short(name) for name in table["column"]])
    axes.axvline(0, color=GREY, lw=1)
    axes.set(xlabel=f"loss of {metric} when the column is shuffled")
    axes.tick_params(axis="y", length=0)
    return figure


def dependence(curves: dict[str, tuple[pd.DataFrame, pd.DataFrame | None]], ylabel: str) -> Figure:
    """The mean answer, and hollow what came true, against the value of a column; a panel a column, a line a class.

    Without an answer of a model there is nothing beside what came true.
    """
    figure, places = panels(len(curves), 8 if len(curves) > 1 else 4.5, 2.9 * -(-len(curves) // 2))
    for axes, (name, (table, truth)) in zip(places, curves.items(), strict=True):
        lines = [column for column in table.columns if column != "value"]
        lines = lines[1:] if len(lines) == 2 else lines[: len(COLOURS)]
        amounts = is_number(table["value"])
        x = table["value"] if amounts else range(len(table))
        for line, color in zip(lines, COLOURS, strict=False):
            alone = None if truth is None else "the model says"
            label = short(line, 18) if len(lines) > 1 else alone
            axes.plot(x, table[line], color=color, marker="o", ms=4, lw=1.5 if amounts else 0, label=label)
            if truth is None:
                continue
            came = "came true" if line == lines[-1] else None
            axes.plot(x, truth[line], color=color, marker="D", ms=6, mfc="none", lw=0, label=came)
        axes.set(xlabel=short(name, 36), ylabel=short(ylabel, 34))
        if amounts:
            axes.locator_params(axis="x", nbins=5)
            thousands(axes.xaxis)
        else:
            axes.set_xlim(-0.6, len(table) - 0.4)
            axes.set_xticks(range(len(table)), apart(table["value"], 12), rotation=30, ha="right")
        thousands(axes.yaxis)
    if places[0].get_legend_handles_labels()[0]:
        figure.legend(*places[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, fontsize=8)
    ends = [end for axes in places for end in axes.get_ylim()]
    for axes in places:
        axes.set_ylim(min(ends), max(ends))
    return figure
