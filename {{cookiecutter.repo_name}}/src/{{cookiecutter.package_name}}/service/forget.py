"""Delete rows from the log: those of a person, and those that are too old.

    make forget KEY=column=value

Deletes the answers to rows with that value from the database and the spool, what was said of them, and their rows in
`data/external/to_label.csv` and in the dumps in `data/raw/` that were made of the log. A line in the table `changes`
says how many they were, not whose. Waits for commands that may copy rows out of the log, so that none comes back.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from msgspec import DecodeError, json
from sqlalchemy import exists, false, select
from sqlalchemy.exc import SQLAlchemyError

from ..engine.project import artefact, lock, records, spreadsheet
from ..engine.project.errors import DataError, SettingsError, listed, shown
from ..engine.project.settings import Project
from ..engine.runs import registry
from ..engine.sources import source
from ..engine.sources.formats import spelled
from ..engine.steps import cache
from . import label
from .database import LOG_FILE, LOG_FOLDER, PART, SPOOL, Database, LogError, opened
from .feedback import ID, queued
from .settings import DATABASE
from .tables import Entry, answers, asked, changes, feedback, new_ids

log = logging.getLogger(__name__)
HOUR, DAY = 3_600.0, 86_400.0  # seconds
OTHER_SPOOLS = f"not reached: rows that another server keeps in its {LOG_FOLDER}/{SPOOL} until PostgreSQL takes them: "
OTHER_SPOOLS += 'run this there too, or repeat it when log_rows{state="spooled"} in the /metrics of each is 0'
COPIERS = ("retrain", "steps", "label")  # locks of who makes dumps or files of the log, in the order of `retrain`


def run(project: Project, *, key: str) -> str:
    """Delete the rows that have a value in a column, `column=value`; what was deleted, and what is out of reach.

    A `SettingsError` for a key that is none, a `DataError` if there is no log or no such column in it, a `LogError` if
    it cannot be read or written.
    """
    column, _, value = key.partition("=")
    if not (column and value):
        raise SettingsError("Whose rows? Name a column and its value: make forget KEY=email=ada@example.org")
    ids, known, cut, gone, since, truths = set[str](), set[str](), list[str](), list[str](), time.time(), 0
    with contextlib.ExitStack() as held:
        for name in COPIERS:
            held.enter_context(lock.alone(project.root, "forget", name=name))
        database, spool = (held.enter_context(opened(project, spool=late)) for late in (False, True))
        places = [spool, database]
        try:
            while found := theirs(places, column, value, known):  # again: some were on the way from one to the other
                for place in places:  # a lock on either stops all before anything goes
                    place.execute([changes.delete().where(false())])
                ids.update(entry.id for entry in found)
                since = min([since, *(entry.time for entry in found)])
                cut += [*cut_queue(project, ids), *cut_dumps(project, database, ids)]  # where that fails, try again
                for place in (database, spool):
                    truths += delete(place, sorted(ids))
                    gone.append(f"all in {place.named}")
        except (LogError, SQLAlchemyError) as error:
            done = listed([*cut, *gone], len(cut) + 2) or "nothing"
            raise LogError(f"{database.explained(error)}\nDeleted by then: {done}. Repeat this command.") from None
        kept = [str(place.file) for place in places if not place.shrink()]
        if column not in known:
            raise DataError(f"No row of the log has a column {column!r}.\nColumns: {listed(sorted(known), 20)}.")
        lines = [f"deleted where {column!r} is {shown(value)}: answers {len(ids)}, truths about them {truths}", *cut]
        if ids:
            note(database, "forget", {"column": column, "answers": len(ids), "truths": truths, "cut": cut})
            lines += out_of_reach(project, since)
        lines += [] if database.file else [OTHER_SPOOLS]
        how = "still holds deleted rows, for a program reads the log: repeat this when it has ended"
        lines += [f"NOT YET: {file}-wal {how}" for file in kept]
    return "\n".join(f"forget: {line}" for line in lines)


def theirs(places: Sequence[Database], column: str, value: str, known: set[str]) -> list[Entry]:
    """The answers to rows that have this value in this column; the columns of all rows are `known` then."""
    found = []
    for entry in (entry for place in places for entry in place.read(Entry)):
        row = json.decode(entry.inputs)
        known.update(row)
        if is_meant(row.get(column), value.strip()):
            found.append(entry)
    return found


def is_meant(cell: Any, value: str) -> bool:
    """Whether a cell is the value that was written; of a number 7 is 7.0, and 0.5 is 0,5."""
    if cell is None:
        return False
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        with contextlib.suppress(DecodeError):
            return bool(json.decode(value.replace(",", ".")) == cell)
    return spelled(cell).strip() == value


def delete(database: Database, ids: Sequence[str]) -> int:
    """Delete answers, and what was said of them; how many truths those were."""
    truths = 0
    for start in range(0, len(ids), PART):
        part = ids[start : start + PART]
        database.execute([table.delete().where(table.c.id.in_(part)) for table in (answers, asked)])
        truths += database.execute([feedback.delete().where(feedback.c.id.in_(part))])
    return truths


def cut_queue(project: Project, ids: set[str]) -> list[str]:
    """Remove the rows of answers from the file of those to be labelled; a line, where there were any."""
    path = project.root / label.TO_LABEL
    rows = queued(path, {"set_aside_limit": 0}) if path.is_file() else pd.DataFrame()  # a line left out would be lost
    theirs = rows[ID].isin(ids) if ID in rows else pd.Series(dtype=bool)
    if not theirs.any():
        return []
    with artefact.whole(path) as temporary:
        spreadsheet.write(temporary, rows[~theirs])
    return [f"{project.relative(path)}: {theirs.sum()} rows removed"]


def cut_dumps(project: Project, database: Database, ids: set[str]) -> list[str]:
    """Remove the rows of answers from the dumps of the log; a line for each."""
    lines = []
    cure = "Bring it back from a copy, or delete its folder."
    left, busy = lock.reproduced(project.root)
    copies = "" if busy else ", copies in .cache too"
    working = "make reproduce works there. When it has ended: make clean"
    for path in sorted((project.root / "data" / "raw").glob(f"[!.]*/{records.CARD}")):
        card = records.read_or_refuse(path, f"{path} cannot be read", cure)
        told = card["source"] == source.BY_SERVICE
        for file in card["files"] if told or is_log(database, card.get("url", "")) else []:
            place = path.parent / file["name"]
            if told and place.name == source.SPLIT:  # digests of rows of the source
                continue
            table, name = pd.read_parquet(place), project.relative(place)
            if ID not in table:
                lines.append(f"{name} was made of the log and has no column 'id': look into it")
            elif (theirs := table[ID].isin(ids)).any():
                for folder in (project.root / cache.STEPS_KEPT, *left):
                    artefact.remove(folder)
                with artefact.whole(place) as temporary:
                    table[~theirs].to_parquet(temporary, index=False)
                artefact.write_json(path, records.sealed(card | source.content(path.parent)))
                for written in (place, path):
                    written.chmod(0o444)
                lines.append(f"{name}: {theirs.sum()} rows removed{copies}. What was made of it, anew: make features")
    return [*lines, *(f"not reached: {project.relative(folder)}: {working}" for folder in busy if lines)]


def is_log(database: Database, address: str) -> bool:
    """Whether a dump that came from this address was made of the log."""
    url = database.engine.url
    own = [LOG_FILE] if database.file else [url.host or "", f"/{url.database}"]
    return DATABASE in address or all(part in address for part in own)


def out_of_reach(project: Project, since: float) -> list[str]:
    """What may still hold what was deleted, of which the first row was logged at a time, in seconds since 1970."""
    lines = ["not reached: copies elsewhere (backups, dumps that were pushed), data/predictions/, pages in reports/"]
    day = datetime.fromtimestamp(int(since), UTC)
    records = [registry.sound(folder) for folder in registry.folders(project)]
    if later := [one["run"] for one in records if one and datetime.fromisoformat(one["started"]) >= day]:
        known = f"models trained since then, which may have learned from it: {', '.join(later)}"
        lines.append(f"not reached: {known}; their pages and tables in reports/")
    return lines


def note(database: Database, what: str, detail: dict[str, Any]) -> None:
    """Add a line to the table of changes."""
    database.execute([changes.insert().values((new_ids(1)[0], time.time(), what, json.encode(detail).decode()))])


async def keep_days(database: Database, days: int) -> None:
    """Delete what is older than so many days (0: nothing), every hour, for ever; a database that is away waits."""
    while days:
        try:
            if rows := await asyncio.to_thread(expire, database, days):
                log.info("%d answers older than %d days were deleted ([serve] keep_days)", rows, days)
        except (LogError, SQLAlchemyError) as error:
            log.warning("keep_days: %s", database.explained(error))
        await asyncio.sleep(HOUR)


def expire(database: Database, days: int) -> int:
    """Delete the answers that are older, and what was said of them; how many."""
    since = time.time() - days * DAY
    old = select(answers.c.id).where(answers.c.time < since).order_by(answers.c.id).limit(PART)
    rows, part = 0, 1
    while part:  # in parts, so that nobody waits long for the database
        database.execute([table.delete().where(table.c.id.in_(old)) for table in (feedback, asked)])
        part = database.execute([answers.delete().where(answers.c.id.in_(old))])
        rows += part
    known = exists().where(answers.c.id == feedback.c.id)
    left = database.execute([feedback.delete().where(feedback.c.time < since, ~known)])  # came when its answer went
    if rows or left:
        note(database, "keep_days", {"days": days, "answers": rows, "truths without answer": left})
        database.shrink()
    return rows
