"""What turned out to be true of logged answers.

    make feedback INPUT=file [PARTLY=1]

Reads a table with the truth, in the column of the target or `truth`, and which answer is meant: its `id`, or the
columns with the role `id` that name one row, for the newest answer to it. Writes into the log: the same truth twice is
one, another one is a new version, the last counts, all are kept. All of the file is taken or nothing, unless asked.
"""

import asyncio
import hashlib
import logging
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import sqlalchemy as sa

from ..engine.columns import dictionary
from ..engine.columns.spelling import otherwise
from ..engine.columns.validate import parse, stripped
from ..engine.columns.wording import rewritten
from ..engine.project.errors import DataError, SettingsError, listed, shown
from ..engine.project.settings import Project
from ..engine.runs import loading, registry
from ..engine.runs.answers import rules_of_today
from ..engine.sources import formats, read
from .database import Database, LogError, opened
from .guard import Problem
from .log import Log
from .tables import IDS, Entry, Told, answers, asked
from .versions import wanted

log = logging.getLogger(__name__)
ID, TRUTH = "id", "truth"
ANSWER = re.compile(r"[0-9a-f]{32}")  # the id of an answer; a table may have a column `id` of its own
QUEUE, RANDOM = "label", "label at random"  # sources of truth that was asked for; only the latter are a sample of all
ASKER = "make label"  # of an answer to a row of a table; no token has a blank in its name
WHY, AT_RANDOM = "chosen because", "at random"  # in the file of rows that people are asked about
SOURCES = {AT_RANDOM: RANDOM}  # of a truth that was asked for because of that; else it is QUEUE
POINT = re.compile(r"(?<=\d)\.0+$")  # of a whole number, as programs write it where others of its column are empty
NO_ANSWER = " is no answer in the log"
LEFT_SHOWN = 2  # rows in the message that says that nothing was taken


def find(log: Log, answer: str) -> tuple[Entry, list[Told]]:
    """An answer, and what was said of it, the last at the end; it may still be in the spool."""
    found = log.database.find([answer])
    if not found and log.state().spooled:
        found = log.spool.find([answer])
    if answer not in found:
        raise Problem(404, "unknown", f"There is no answer with the id {shown(answer)} in the log.")
    return found[answer]


async def tell(log: Log, answer: str, truth: Any, *, asker: str, source: str) -> bool:
    """Keep what somebody says is true of an answer; whether that is news. A `DataError` where that is no truth."""
    entry, before = await asyncio.to_thread(find, log, answer := answer.lower())
    record, (meant,) = await asyncio.to_thread(truths, log.project, entry.run, [truth])
    if meant is None:
        raise DataError(f"{refusal(record, truth)}.")
    chosen = await asyncio.to_thread(asked_for, log.database, asked.c.id == answer)
    one = new_truth(before, answer, meant, asker=asker, source=chosen.get(answer, source))
    if one and not await log.write([one]):
        raise LogError(log.state().database)
    return one is not None


def asked_for(database: Database, *conditions: Any) -> dict[str, str]:
    """The sources of truths about answers that `make label` chose, by their ids, whatever tells them."""
    with database.engine.connect() as connection:
        return dict(connection.execute(sa.select(asked).where(*conditions)).all())


def truths(project: Project, run: str, cells: Sequence[Any]) -> tuple[dict[str, Any], list[Any]]:
    """The record of a run that answered, or answers today where that one is gone, and what cells mean to it."""
    folder = project.models / run
    if not folder.is_dir():  # an image holds the newest runs alone
        folder = wanted(project)[0]
    record, columns = registry.read(folder), dictionary.load(folder / registry.DICTIONARY)
    found = truths_of(columns, record, cells)
    if not record["classes"]:
        column = rules_of_today(columns, project.dictionary, columns)[record["target"]]
        if column.range and column.rule == "refuse":
            low, high = column.range  # retrain would leave out what is beyond, but one such number ruins every score
            found = [one if one is not None and low <= one <= high else None for one in found]
    return record, found


def truths_of(columns: dictionary.Dictionary, record: Mapping[str, Any], cells: Sequence[Any]) -> list[Any]:
    """The classes or numbers that cells name, as the model of a run would say them; None where a cell names none."""
    name = record["target"]
    values, _ = parse(pd.Series(list(cells), dtype=object, name=name), columns[name])
    if columns[name].type == "category":
        values, _ = rewritten(values, tuple(record["classes"]))
    classes = {label: label for label in record["classes"]}
    return [None if pd.isna(value) else classes.get(value) if classes else float(value) for value in values]


def truths_in(path: Path, cells: pd.Series, run: loading.Run) -> list[Any]:
    """What the cells of the target, shape (n_rows,), mean; those that are no truth are counted in the log."""
    found = truths_of(run.columns, run.record, cells.tolist())
    none = [cell for cell, truth in zip(cells, found, strict=True) if truth is None and not pd.isna(cell)]
    if none:
        counts = path.name, len(none), cells.count(), refusal(run.record, none[0])
        log.warning("%s: %d of %d truths count for nothing: %s", *counts)
    return found


def refusal(record: Mapping[str, Any], cell: Any) -> str:
    """Why a truth is none."""
    said = shown("" if pd.isna(cell) else formats.spelled(cell))
    if not record["classes"]:
        return f"{said} is no number that {record['target']!r} can be by its type and range in the data dictionary"
    return f"{said} is no class of {record['target']!r} ({listed(record['classes'], 20)})"


def new_truth(before: Sequence[Told], answer: str, truth: Any, *, asker: str, source: str) -> Told | None:
    """What to keep of a truth about an answer of which that was told before; None where it is no news."""
    text = msgspec.json.encode(truth).decode()
    if before and before[-1].truth == text:
        return None
    newest = before[-1].number if before else ""
    IDS.after(newest or "0")  # the last one counts, whatever the clock says
    once = hashlib.sha256(f"{answer} {newest} {text}".encode()).hexdigest()  # sent twice at the same moment, it is one
    return Told(answer, text, time.time(), asker, source, once=once)


def queued(path: Path, options: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """The rows that people are asked about, as they stand in the file that `make label` wrote, by `[data.read]`."""
    return read.tables([path], read.Known(options or {})).frame


def run(project: Project, *, input: Path | None, partly: bool) -> str:
    """Take what a file says into the log; what to print: how many truths, and with `partly` a line for each row left.

    A `DataError` where a row names no answer or no truth, and not `partly`: then nothing is taken.
    """
    if input is None:
        raise SettingsError("Which file? It holds the ids of answers and the truth: make feedback INPUT=truth.csv")
    with opened(project) as database:
        rows = read_file(project, input, database)
        found = {answer: before for answer, (_, before) in check(project, rows, database).items()}
        left = [f"line {line}: {reason}" for line, reason in zip(rows["line"], rows["reason"], strict=True) if reason]
        if left and not partly:
            raise DataError(nothing_taken(left, len(rows), project.relative(input)))
        corrected, news, chosen, fit = 0, [], asked_for(database), rows[rows["reason"] == ""]
        for answer, truth, source in fit[["id", "truth", "source"]].itertuples(index=False):
            if one := new_truth(found[answer], answer, truth, asker="", source=chosen.get(answer, source)):
                corrected += bool(found[answer])
                found[answer].append(one)
                news.append(one)
        database.insert(news)
    known = len(rows) - len(left) - len(news)
    counts = f"{len(news) - corrected} new, {corrected} corrected, {known} known already, {len(left)} left out"
    same = [rows for _, rows in fit.groupby("id", sort=False) if rows["truth"].nunique() > 1]
    if torn := [" and ".join(map(str, rows["line"])) for rows in same]:
        left.append(f"lines {listed(torn, 20)} do not agree about the same answer: the last counts")
    return "\n".join([f"feedback: {len(rows)} rows of {input.name}: {counts}", *left])


def read_file(project: Project, path: Path, database: Database) -> pd.DataFrame:
    """The rows of a file: `line`, `source`, `id` of the answer or "", `unknown` (why it is ""), `cell`, the truth."""
    known = read.Known(most=project.settings.data.max_gigabytes * 1e9)
    table, columns = read.tables([path], known), dictionary.of(project)
    if table.set_aside:
        line = table.set_aside[0][1]
        raise DataError(f"{path}: line {line.line} is in no row: {line.reason}.\nMend the file.")
    frame, keys, target = table.frame, dictionary.by_role(columns, "id"), dictionary.target(columns)
    truth = [name for name in dict.fromkeys([target, TRUTH]) if name in frame and name not in {*columns} - {target}]
    if len(truth) != 1:  # of two, nobody knows which one is meant
        raise DataError(f"{path}: needs column {target!r} or {TRUTH!r}, not both.\nFound: {listed([*frame], 20)}.")
    if WHY in frame:
        frame = frame[frame[truth[0]].notna()]  # the others are not labelled yet
    how = frame[WHY].map(SOURCES).fillna(QUEUE) if WHY in frame else path.name
    text = frame[[name for name in frame if name in {ID, *keys}]].apply(stripped).fillna("")
    numbers = [name for name in keys if columns[name].type in ("integer", "number")]
    text = text.replace(dict.fromkeys(numbers, POINT), "", regex=True)
    column, marks = otherwise(cells := frame[truth[0]].astype(object), columns[target])
    if marks:
        log.info("%s: column %r has %s", path.name, cells.name, marks)
        cells = parse(cells, column)[0]
    rows = pd.DataFrame({"line": frame.index + table.first_row, "cell": cells, "source": how})
    if ID in text and (ID not in keys or text[ID].str.lower().str.fullmatch(ANSWER).all()):
        return rows.assign(id=text[ID].str.lower(), unknown=f"{ID} " + text[ID].map(shown) + NO_ANSWER)
    if not (given := [name for name in keys if name in text]):
        key = f", or of {', '.join(map(repr, keys))} those that name one row" if keys else " (the table has no other)"
        raise DataError(f"{path}: which answers? Add the column {ID!r} of the answers{key}.")
    wanted = [*text[given].itertuples(index=False, name=None)]
    newest = newest_answers(database, keys, numbers, given, set(wanted))
    more = f" rows in the log: add {' or '.join(repr(name) for name in keys if name not in given)}"
    names = [", ".join(f"{name} {shown(cell)}" for name, cell in zip(given, key, strict=True)) for key in wanted]
    meant = [newest.get(key, []) for key in wanted]
    wrong = [f" names {len(ids)}{more}" if ids else NO_ANSWER for ids in meant]
    ids = [ids[0] if len(ids) == 1 else "" for ids in meant]
    return rows.assign(id=ids, unknown=[name + why for name, why in zip(names, wrong, strict=True)])


def newest_answers(
    database: Database, keys: Sequence[str], numbers: Sequence[str], given: Sequence[str], wanted: set[tuple]
) -> dict[tuple, list[str]]:
    """The id of the newest answer to each row that some given ones of its key columns name; empty cells name none."""
    found: dict[tuple, dict[tuple, str]] = {}
    for entry in database.read(Entry, answers.c.role == "answer"):
        row = msgspec.json.decode(entry.inputs)
        cells = {name: "" if row.get(name) is None else formats.spelled(row[name]).strip() for name in keys}
        cells |= {name: POINT.sub("", cells[name]) for name in numbers}
        key = tuple(cells[name] for name in given)
        if key in wanted and any(key):
            found.setdefault(key, {})[tuple(cells.values())] = entry.id
    return {key: [*ids.values()] for key, ids in found.items()}


def check(project: Project, rows: pd.DataFrame, database: Database) -> dict[str, tuple[Entry, list[Told]]]:
    """Add to the rows their `truth`, and the `reason` why there is none; the answers that are meant."""
    found = database.find(rows["id"].unique().tolist())
    runs = rows["id"].map(lambda name: found[name][0].run if name in found else None)
    rows["truth"], rows["reason"] = pd.Series(dtype=object), rows["unknown"]
    for name, part in rows.groupby(runs):
        record, found_truths = truths(project, str(name), part["cell"].tolist())
        pairs = zip(part["cell"], found_truths, strict=True)
        rows.loc[part.index, "truth"] = pd.Series(found_truths, index=part.index, dtype=object)
        rows.loc[part.index, "reason"] = [refusal(record, cell) if truth is None else "" for cell, truth in pairs]
    return found


def nothing_taken(left: Sequence[str], rows: int, path: str) -> str:
    """The message that a file was not taken."""
    more = f"; and {len(left) - LEFT_SHOWN} more" if len(left) > LEFT_SHOWN else ""
    said = f"{path}: {len(left)} of {rows} rows cannot be kept, so none was: {'; '.join(left[:LEFT_SHOWN])}"
    rest = f", or take the rest: make feedback INPUT={shlex.quote(path)} PARTLY=1" if len(left) < rows else "."
    return f"{said}{more}.\nMend the file{rest}"
