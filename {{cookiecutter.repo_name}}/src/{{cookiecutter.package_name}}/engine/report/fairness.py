"""How the groups of a sensitive column fare: who is selected, who is wronged, whose probabilities keep their word.

Columns are marked `sensitive = true` in the data dictionary; whether the model sees them does not matter.
"""

from typing import Any

import numpy as np
import pandas as pd

from ..columns import dictionary
from ..modelling.metrics import Groups, Predictions
from . import gains
from .about_decision import acted
from .choices import within
from .diagnostics import Result, word_and_truth
from .evidence import Evidence, table
from .slices import SLICE_ROWS, cuts
from .verdict import number, percent

OF_TWO = (  # Kleinberg, Mullainathan and Raghavan, "Inherent Trade-Offs in the Fair Determination of Risk Scores", 2017
    "Where groups differ in what is true of them, no model can select all alike, wrong all alike and keep its word to "
    "all: evening out one of these moves another, and which one counts is for people to decide."
)
OF_OTHERS = "Erring alike in all groups is erring more than need be in some: which counts is for people to decide."


def fairness(evidence: Evidence) -> dict[str, Any]:
    """A table for each sensitive column, and what evening out would cost; empty where none is marked."""
    columns, result = dictionary.of(evidence.project), evidence.decided
    names = [name for name, column in columns.items() if column.sensitive and name in evidence.test]
    on = acted(evidence) if len(result.classes) == 2 else np.zeros(len(result.truth), dtype=bool)
    tables, sentences = [], []
    for name in names:
        frame = by_group(evidence.test[[name]], result, on)
        tables.append((name, table(frame.drop(columns="rate"), rows=number)))
        if frame["rate"].nunique() > 1:
            least, most = frame.loc[frame["rate"].idxmin()], frame.loc[frame["rate"].idxmax()]
            told = percent if result.classes else number
            what = "selected" if len(result.classes) == 2 else "wrong" if result.classes else "off on average by"
            ends = (f"{told(one['rate'])} ({one['group']})" for one in (least, most))
            sentences.append(f"By {name}, {what}: from {' to '.join(ends)}.")
    trade_off = OF_TWO if len(result.classes) == 2 else OF_OTHERS
    return {"tables": tables, "sentences": [*sentences, trade_off] if sentences else []}


def by_group(column: pd.DataFrame, result: Result, on: np.ndarray) -> pd.DataFrame:
    """One line a group of at least 20 rows, each figure with its count and 95 % interval; `rate` is the first of them.

    `column` has the shape (n_rows, 1); `on` says which rows are selected, shape (n_rows,), where there are two classes.
    """
    lines = []
    for _, label, inside in cuts(column):
        where = np.flatnonzero(inside)
        if len(where) >= SLICE_ROWS:
            groups = None if result.groups is None else result.groups.iloc[where]
            truth, predictions = result.truth[where], result.predictions[where]
            lines.append({"group": label, "rows": len(where), **fares(truth, predictions, on[where], groups)})
    return pd.DataFrame(lines, columns=["group", "rows", *(list(lines[0])[2:] if lines else ["rate"])])


def fares(truth: np.ndarray, answers: Predictions, on: np.ndarray, groups: Groups) -> dict[str, Any]:
    """The figures of one group by their headings, and its `rate`: selected, wrong, or off on average."""
    said, came = word_and_truth(truth, answers)
    if len(answers.classes) == 2:
        yes, name = truth == answers.classes[1], f"'{answers.classes[1]}'"
        missed, in_vain = within(~on[yes]), within(on[~yes])
        rates = {"selected": within(on), f"missed of {name}": missed, "in vain of the others": in_vain}
        return {"rate": on.mean(), **rates, f"said {name}": percent(said.mean()), "came true": within(yes)}
    if answers.classes:
        wrong = truth != answers.values
        return {"rate": wrong.mean(), "wrong": within(wrong), "said right": percent(said.mean())}
    means = {"said on average": number(said.mean()), "came true": number(came.mean())}
    off = np.abs(said - came)
    bias = {"off on average": mean(off, groups), "too high by": mean(said - came, groups)}
    return {"rate": off.mean(), **bias, **means}


def mean(values: np.ndarray, groups: Groups) -> str:
    """The mean of values, shape (n_rows,), and its 95 % interval."""
    middle, low, high = (number(total / len(values)) for total in gains.summed(values, groups))
    return f"{middle} (95\u00a0%: {low} … {high})"
