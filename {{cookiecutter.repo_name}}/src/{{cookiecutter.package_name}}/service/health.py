"""Is the model still well? A window of answers against the training: drift, score, and what is an alarm."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..engine.columns import dictionary
from ..engine.columns.spelling import in_other_marks
from ..engine.columns.validate import validate
from ..engine.columns.violations import Violation
from ..engine.modelling import decision
from ..engine.project import package
from ..engine.project.errors import DataError
from ..engine.project.settings import Decision, Project
from ..engine.runs import promote, registry
from ..engine.runs.answers import complete, predictions, rules_of_today
from ..engine.sources import read
from ..engine.sources.source import parted
from . import alarms, drift, newest, profile, score, settings
from .feedback import QUEUE, truths_in
from .reference import Reference, is_odd
from .settings import Monitor
from .tables import answers

log = logging.getLogger(f"{package.NAME}.monitor")
CLASSES = 12  # of a table of true and answered ones, at most
LEAST_ROWS = 50  # of fewer nothing is said
ALL_TOLD = 0.9  # share of the answers that nobody chose, above which the truth is told of nearly all
LEAST_LABELS = 100  # of the newest weeks: of 50, where one in 14 is positive, 2 % of windows without a loss would alarm
WEEK, MONDAY = 7 * 86400.0, 4 * 86400.0  # seconds: of a week, and of 1970 before its first Monday
UNWATCHED = "not watched: the run has no reference that can be read, nor can one be made here (the log says why)"
UNWATCHED += ". Make one where its splits are: make monitor"


@dataclass(frozen=True)
class Window:
    """Answers of a run, newest first, no two alike if those of its reference differ; tables of shape (n_rows, ...)."""

    folder: Path  # models/<run>
    record: dict[str, Any]
    rows: pd.DataFrame  # the columns of the log, and those of the answers
    columns: dictionary.Dictionary  # of the run, with the rules of today
    cells: pd.DataFrame  # what was asked, typed by these columns
    broken: dict[str, Violation]  # by column, cells that break a rule of it, mostly so that they cannot be read
    told: pd.DataFrame  # answers of which the truth was told, like rows, with truth and the source of it
    reference: profile.Profile | None  # what it is compared with
    policy: decision.Policy  # of today, with the rows held out in training
    back: bool  # whether there is a champion before the present one
    looked: int  # answers, among which these are the different ones
    names: Sequence[str] | None = None  # the columns in which those of the log differ, None where all count


def of_log(engine: sa.Engine, project: Project, run: str, rows: pd.DataFrame) -> Window | None:
    """The newest answers of a run in the log, different ones where the rows of training differ, and the truths told.

    `rows` are the newest of the log. None where the run is gone, or is damaged, which is said.
    """
    folder = project.models / run
    if not (folder / registry.RECORD).is_file() or (record := registry.sound(folder)) is None:
        return None
    role = "answer" if "answer" in set(rows.loc[rows["run"] == run, "role"]) else "shadow"
    this, most = (answers.c.run == run, answers.c.role == role), settings.of(project, Monitor).rows
    learned = dictionary.load(folder / registry.DICTIONARY)
    columns = rules_of_today(learned, project.dictionary, learned)
    reference, names = profile.of(project, folder), None
    if reference and reference["distinct"] >= drift.MOSTLY_DIFFERENT:
        names = [name for name in reference["columns"] if columns[name].type != "datetime"]
    mine, looked = newest.answered(engine, *this, names=names, most=most)
    told, back = newest.told(engine, *this, names=names), has_before(project, folder)
    asked = pd.DataFrame([json.loads(text) for text in mine["inputs"]], index=mine.index)
    cells, broken = typed(asked, columns)
    policy = decision.policy(folder, record, project.settings.predict, project.settings.decision)
    return Window(folder, record, mine, columns, cells, broken, told, reference, policy, back, looked, names)


def has_before(project: Project, folder: Path) -> bool:
    """Whether a run is the champion, and `make rollback` has one to go back to."""
    champions = promote.standing(registry.history(project))
    return len(champions) > 1 and champions[-1] == folder.name


def of_file(project: Project, folder: Path, path: Path) -> Window:
    """What a run says of a file; with the truth, where its target is in it.

    Of an archive `path` ends in `?member=`. A `DataError` if the file cannot be read, or lacks a column. A cell that
    breaks a rule is no error here: that is what is looked for.
    """
    version = Reference(project, folder)
    run, policy = version.run, version.policy
    first = next(iter(dictionary.by_role(run.columns, "feature")), "")
    file, member = parted(str(path))
    found = read.tables([Path(file)], read.Known.of(project.settings.data, first, member, version.separators))
    if found.frame.empty:
        raise DataError(f"{path}: {read.NO_ROWS}")
    table = found.frame.reset_index(drop=True)
    columns, marks = in_other_marks(table, version.columns, path.name)  # as `predict` reads it
    cells, notes = run.validate(table, lenient(columns), where=path.name, target=False)
    for note in [*found.decisions, *marks, *notes]:
        log.info("%s", note)
    if aside := [line for _, line in found.set_aside]:
        lines = "1 line of %s is" if len(aside) == 1 else f"{len(aside)} lines of %s are"
        log.warning(f"{lines} in no row, and not looked at: line %d: %s", path.name, aside[0].line, aside[0].reason)
    alone = replace(policy, reasons=0, decision=Decision())
    rows = complete(folder, run, cells, predictions(run, cells, policy), alone)
    odd = np.array(version.judge.marks(cells) if version.judge else [False] * len(cells))
    for note in notes:
        if (violation := getattr(note, "violation", None)) and is_odd(version.columns, violation):
            odd[[*violation.rows]] = True
    usual = {"time": np.nan, "role": "answer", "road": "reference", "unusual": odd, "milliseconds": np.nan}
    rows = rows.reindex(columns=rows.columns.union(newest.SAID_COLUMNS, sort=False)).assign(**usual)
    target = run.record["target"]
    truth = truths_in(path, table[target], run) if target in table else [None] * len(rows)
    told = rows.assign(truth=pd.Series(truth, index=rows.index, dtype=object), source=path.name).dropna(subset="truth")
    about = version.columns, cells, by_column(notes), told, version.profile, policy, has_before(project, folder)
    return Window(folder, run.record, rows, *about, len(rows))


def by_column(notes: Sequence[str]) -> dict[str, Violation]:
    """The cells that break a rule, by column, of what was said of a table; the copy of an older run says text alone."""
    broken = [note.violation for note in notes if hasattr(note, "violation") and note.violation.cure]
    return {one.column: one for one in reversed(broken)}


def lenient(columns: dictionary.Dictionary) -> dictionary.Dictionary:
    """The columns with rules that refuse nothing."""
    return {name: replace(column, rule="warn") for name, column in columns.items()}


def typed(asked: pd.DataFrame, columns: dictionary.Dictionary) -> tuple[pd.DataFrame, dict[str, Violation]]:
    """Rows as they were asked, typed, shape (n_rows, n_columns), and what breaks a rule; cells not sent are missing."""
    names = [name for name, column in columns.items() if not column.moment and column.role != "target"]
    whole = asked.reindex(columns=[*dict.fromkeys([*asked, *names])]).astype(object)
    cells, notes = validate(whole.where(whole.notna(), None), lenient(columns), where="log", target=False)
    return cells, by_column(notes)


def sample_of(told: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """The truths that scores count, of all that were `told` and the answers, tables of shape (n_rows, ...).

    Those that the queue asked for are the rows that were hard: they count only where nearly all other answers of that
    time, here `rows`, have a truth too: without them the rest would be the easy ones.
    """
    asked = told["source"] == QUEUE
    if "id" not in told or not asked.any():
        return told[~asked]
    others = rows.loc[(rows["id"] <= told["id"].max()) & ~rows["id"].isin(told.loc[asked, "id"]), "id"]
    return told if others.isin(told["id"]).mean() > ALL_TOLD else told[~asked]


@dataclass(frozen=True)
class Health:
    """What there is to say of a window; figures of answers count each once, unless rows are alike by nature."""

    window: Window
    counted: pd.DataFrame  # the answers that count, shape (n_rows, ...)
    few: int  # how many of them would be enough to say something, 0 where they are
    shifts: list[drift.Shift] | None  # by column, those that moved first; None where nothing can be compared
    beyond: list[drift.Shift]  # of numbers that lie beyond those of training, so that no score can be expected
    scores: list[tuple[score.Score | None, score.Score | None]]  # expected and measured, a metric each
    weeks: list[tuple[str, score.Score]]  # measured, by the Monday of the week
    confusion: list[list[int]]  # by true class and answered class; empty of numbers and of many classes
    told: int  # labels that are measured
    asked: int  # those of them that the queue asked for
    queued: int  # labels that are not, for the queue asked for them
    alarms: list[str]
    successor: str = ""  # the champion, where nobody asked it yet


def health(window: Window, options: Monitor) -> Health:
    """A window beside the training: what moved, how right it is, and what of that is an alarm."""
    shifts, places = moves(window)
    counted, sample = window.rows.loc[places], sample_of(window.told, window.rows)
    latest = sample.head(options.rows) if "id" in sample else sample[sample.index.isin(places)]
    record, held, enough = window.record, window.policy.held, len(counted) >= LEAST_ROWS
    expected = score.expected(counted, record, held) if enough and held is not None else []
    measured = score.measured(latest, record, held)
    since = latest["time"].head(LEAST_LABELS).min()
    weeks = latest[latest["time"] >= since - (since - MONDAY) % WEEK]  # whole ones; none of a file
    lost = score.lost(measured, score.measured(weeks, record, held), options.score_loss, options.error_growth)
    moved = alarms.moved(shifts or [], options)
    advice = alarms.advice_about(moved, of_file="id" not in window.rows, back=window.back)
    lines = [UNWATCHED] if shifts is None and enough else []
    lines += alarms.of_drift(moved, advice) + alarms.of_scores(expected, lost, options, advice)
    lines += alarms.of_unusual(counted["unusual"].to_numpy(bool), broken(window), options, advice) if enough else []
    before, after = ({one.metric: one for one in scores} for scores in (expected, measured))
    numbers = [name for name, column in window.columns.items() if column.type in ("integer", "number")]
    far = [one for one in shifts or [] if one.moved and one.column in numbers and one.beyond > drift.LEAST_SHARE]
    few_classes = len(latest) and len(record["classes"]) <= CLASSES
    return Health(
        window=window,
        counted=counted,
        few=0 if enough else LEAST_ROWS,
        shifts=shifts,
        beyond=far if expected else [],
        scores=[(before.get(name), after.get(name)) for name in before | after],
        weeks=score.by_week(sample, record),
        confusion=score.confusion(latest, record["classes"]) if few_classes else [],
        told=len(latest),
        asked=int((latest["source"] == QUEUE).sum()),
        queued=len(window.told) - len(sample),
        alarms=lines,
    )


def broken(window: Window) -> list[str]:
    """In words, rules that many cells of a column break and that make a row unusual."""
    warned = [one for one in window.broken.values() if is_odd(window.columns, one)]
    many = [one for one in warned if len(one.rows) > drift.LEAST_SHARE * len(window.rows)]
    return [f"{one.column!r} has {len(one.rows):,} {one.problem}" for one in many]


def moves(window: Window) -> tuple[list[drift.Shift] | None, pd.Index]:
    """What moved since training, the most first, None where nothing can be compared; and which rows count."""
    reference = window.reference
    if reference is None or len(window.rows) < LEAST_ROWS:
        return None, window.rows.index
    columns = window.columns
    names = [name for name in reference["columns"] if name in window.cells]
    # References made before items were compared have how many there are.
    names = [name for name in names if columns[name].type != "list" or "items" in reference["columns"][name]]
    cells = pd.DataFrame({name: drift.comparable(window.cells[name], columns[name]) for name in names})
    said = {name: window.rows[name] for name in reference["predictions"] if name in window.rows}
    if window.record["classes"] and "prediction" in said:
        said["prediction"] = said["prediction"].astype(str)
    both = pd.concat([cells, pd.DataFrame(said).add_prefix(drift.PREDICTIONS)], axis=1)
    before = reference["columns"] | {drift.PREDICTIONS + name: one for name, one in reference["predictions"].items()}
    counted = drift.window(both, reference["distinct"])
    shifts = drift.compared(before, counted)
    units = {name: "number of letters" for name in names if columns[name].type == "text"}
    parts = [(one, units.get(one.column, ""), window.broken.get(one.column)) for one in shifts]
    return [drift.explained(*part, len(both)) for part in parts], counted.index
