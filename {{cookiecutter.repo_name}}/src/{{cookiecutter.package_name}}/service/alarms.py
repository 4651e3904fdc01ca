"""What is an alarm of the monitor, one line each: where, with figures, and what to do."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..engine.project.errors import SettingsError
from ..engine.report.verdict import number, percent, scored
from .drift import Shift
from .score import Score, rate
from .settings import Monitor

TURNED = "Below 0.5 it is wrong the other way round: are the labels turned? Compare some with their rows first"
GO_BACK = "; or go back: make rollback"
CONVERT = "If it is, convert it where the rows come from: a model that learns from both knows neither"


class Advice(NamedTuple):
    """What to do about an alarm."""

    find_out: str  # where the score that is expected is lost
    train_again: str  # where the one that is measured is
    look: str  # where rows are unusual
    moved: str  # where a column moved


OF_LOG = Advice(
    find_out="Find out what is true of some rows: make label, then make feedback",
    train_again="Train with what was told: make retrain, which says how much is learned from",
    look="Look at some on /label: are they what the model is for, and is their source sound?",
    moved="See where it comes from; if the world is like that now: make retrain, or add it to [monitor] may_move",
)
OF_FILE = Advice(  # the log, from which those learn and which they show, does not have its rows
    find_out="Find out what is true of some rows: copy the file into data/external/unlabelled/, then make label",
    train_again="Train with these rows too: add them to the source, then make data ACCEPT=1, make train, make promote",
    look="Are they what the model is for, and is their source sound?",
    moved="See where it comes from; if the world is like that now: add rows with their truth to the source, then make "
    "train, or add it to [monitor] may_move",
)


def moved(shifts: Sequence[Shift], options: Monitor) -> list[Shift]:
    """The columns that moved and may not; a `SettingsError` if `may_move` names one that is not compared."""
    compared = [one.column for one in shifts]
    if unknown := [name for name in options.may_move if compared and name not in compared]:
        said = f"params.toml: [monitor] may_move names {unknown[0]!r}."
        raise SettingsError(f"{said}\nColumns that are compared: {', '.join(compared[:20])}.")
    return [one for one in shifts if one.moved and one.column not in options.may_move]


def advice_about(moved: Sequence[Shift], *, of_file: bool, back: bool) -> Advice:
    """What to do; `back`: there is a champion to go back to.

    Nobody is told to train again while a column that moved may be in another unit.
    """
    found = OF_FILE if of_file else OF_LOG
    for one in moved:
        if one.other_unit:
            first = f"First see to the unit of {one.column!r}"
            return found._replace(train_again=first, moved=first)
    return found._replace(train_again=found.train_again + GO_BACK) if back else found


def of_drift(moved: Sequence[Shift], advice: Advice) -> list[str]:
    """A line for each column that moved; cells that cannot be read have no other cure than their own."""
    lines = []
    for one in moved:
        cures = [CONVERT] if one.other_unit else [advice.moved, *filter(None, [one.cure])]
        cure = one.cure if one.unread else ". ".join(cures)
        lines.append(f"drift: {one.column!r}: {one.sentence} (PSI {number(one.psi, 2)}). {cure}.")
    return lines


def of_scores(expected: Sequence[Score], lost: Sequence[Score], options: Monitor, advice: Advice) -> list[str]:
    """A line for each score that is lost, expected or measured."""
    worse = [one for one in expected if one.lost(options.score_loss, options.error_growth)]
    found = [(one, "expected without labels", "", advice.find_out) for one in worse]
    turned = any(one.metric == "roc_auc" and one.high < 0.5 for one in lost)
    cure = TURNED if turned else advice.train_again
    found += [(one, "measured on labels", one.days and f" answered {one.days}", cure) for one in lost]
    lines = []
    for one, how, days, cure in found:
        low, high, then = (scored(one.metric, value) for value in (one.low, one.high, one.then))
        said = f"{one.metric} {low} to {high} {how} ({one.rows:,} rows{days}), {then} in training"
        lines.append(f"score: {said}. {cure}.")
    return lines


def of_unusual(unusual: np.ndarray, broken: Sequence[str], options: Monitor, advice: Advice) -> list[str]:
    """A line if more rows are unusual, bool, shape (n_rows,), than may be; the rules that many break are named."""
    if rate(unusual)[2] <= options.unusual:
        return []
    rules = f": {'; '.join(broken)}" if broken else ""
    rows = f"{percent(unusual.mean())} of {len(unusual):,} rows"
    return [f"unusual: {rows} are unlike those of training, or break a rule that warns{rules}. {advice.look}"]
