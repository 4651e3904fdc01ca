"""Delete rows from the log: those of a person, and those that are too old.

    make forget KEY=column=value

Deletes the answers to rows with that value from the database and the spool, what was said of them, and their rows in
the dumps in `data/raw/` that were made of the log. A line in the table `changes` says how many they were, not whose.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from msgspec import json

from ..engine.project import artefact, records
from ..engine.project.errors import DataError, SettingsError, listed, shown
from ..engine.project.settings import Project
from ..engine.runs import registry
from ..engine.sources.formats import spelled
from .database import FOLDER, PART, SPOOL, Database, Entry, answers, changes, feedback, new_ids, opened
from .settings import DATABASE

log = logging.getLogger(__name__)
HOUR, DAY = 3_600.0, 86_400.0  # seconds


def run(project: Project, *, key: str) -> str:
    """Delete the rows that have a value in a column, `column=value`; what was deleted, and what is out of reach.

    Raises
    ------
    SettingsError, DataError, LogError
        The key is none; there is no log, or no such column in it; the log cannot be read or written.
    """
    column, _, value = key.partition("=")
    if not (column and value):
        raise SettingsError("Whose rows? Name a column and its value: make forget KEY=email=ada@example.org")
    ids, known, since, truths = set[str](), set[str](), time.time(), 0
    with opened(project) as database, spool_of(project) as spool:
        places = [*spool, database]
        while found := theirs(places, column, value, known):  # again: rows may have been on the way between the two
            ids.update(entry.id for entry in found)
            since = min([since, *(entry.time for entry in found)])
            truths += sum(delete(place, sorted(ids)) for place in places)
        if column not in known:
            raise DataError(f"No row of the log has a column {column!r}.\nColumns: {listed(sorted(known), 20)}.")
        lines = [f"{len(ids)} answers deleted where {column!r} is {shown(value)}, and {truths} truths about them"]
        if ids:
            lines += cut_dumps(project, database, ids)
            note(database, "forget", {"column": column, "answers": len(ids), "truths": truths, "dumps": lines[1:]})
            lines += out_of_reach(project, since)
    return "\n".join(f"forget: {line}" for line in lines)


@contextlib.contextmanager
def spool_of(project: Project) -> Iterator[list[Database]]:
    """The spool, in a list that is empty where there is none."""
    path = project.root / FOLDER / SPOOL
    spool = Database(sa.URL.create("sqlite", database=str(path)), flush=True)
    try:
        if path.exists():
            spool.open()
        yield [spool] if path.exists() else []
    finally:
        spool.drop()


def theirs(places: Sequence[Database], column: str, value: str, known: set[str]) -> list[Entry]:
    """The answers to rows that have this value in this column; the columns of all rows are `known` then."""
    found = []
    for entry in (entry for place in places for entry in place.read(Entry)):
        row = json.decode(entry.inputs)
        known.update(row)
        if row.get(column) is not None and spelled(row[column]).strip() == value.strip():
            found.append(entry)
    return found


def delete(database: Database, ids: Sequence[str]) -> int:
    """Delete answers, and what was said of them; how many truths those were."""
    truths = 0
    for start in range(0, len(ids), PART):
        part = ids[start : start + PART]
        with database.engine.begin() as connection:
            connection.execute(answers.delete().where(answers.c.id.in_(part)))
            truths += connection.execute(feedback.delete().where(feedback.c.id.in_(part))).rowcount
    database.shrink()
    return truths


def cut_dumps(project: Project, database: Database, ids: set[str]) -> list[str]:
    """Remove the rows of answers from the dumps of the log; a line for each."""
    lines = []
    for path in sorted((project.root / "data" / "raw").glob(f"[!.]*/{records.CARD}")):
        card = records.read_or_refuse(
            path, f"{path} cannot be read", "Bring it back from a copy, or delete its folder."
        )
        for file in card["files"] if is_log(project, database, card.get("url", "")) else []:
            place = path.parent / file["name"]
            table = pd.read_parquet(place)
            if "id" not in table:
                lines.append(f"{project.relative(place)} was made of the log and has no column 'id': look into it")
            elif table["id"].isin(ids).any():
                with artefact.whole(place) as temporary:
                    table[~table["id"].isin(ids)].to_parquet(temporary, index=False)
                file |= {"sha256": artefact.sha256(place), "bytes": place.stat().st_size}
                artefact.write_json(path, records.sealed({**card, "sha256": file["sha256"]}))
                for written in (place, path):
                    written.chmod(0o444)
                rows = int(table["id"].isin(ids).sum())
                lines.append(f"{project.relative(place)}: {rows} rows removed. What was made of it, anew: make predict")
    return lines


def is_log(project: Project, database: Database, address: str) -> bool:
    """Whether a dump that came from this address was made of the log."""
    if DATABASE in address:
        return True
    try:
        url, own = sa.make_url(address), database.engine.url
    except sa.exc.ArgumentError:
        return False
    if database.file:
        return (project.root / (url.database or "")).resolve() == database.file.resolve()
    return (url.host, url.database) == (own.host, own.database)


def out_of_reach(project: Project, since: float) -> list[str]:
    """What may still hold what was deleted, of which the first row was logged at a time, in seconds since 1970."""
    known = [(folder.name, registry.sound(folder)) for folder in registry.folders(project)]
    later = [name for name, record in known if not record or started(record) >= int(since)]
    learned = f"models trained since then, {', '.join(later)}: train again and remove those that learned from the log"
    others = "copies elsewhere: backups of the database, dumps that were sent to the team's store"
    return [f"not reached: {what}" for what in ([learned] if later else []) + [others]]


def started(record: dict[str, Any]) -> float:
    """When a run was started, in seconds since 1970."""
    return datetime.fromisoformat(record["started"]).timestamp()


def note(database: Database, what: str, detail: dict[str, Any]) -> None:
    """Add a line to the table of changes."""
    line = {"number": new_ids(1)[0], "time": time.time(), "what": what, "detail": json.encode(detail).decode()}
    with database.engine.begin() as connection:
        connection.execute(changes.insert().values(line))


async def keep_days(database: Database, days: int) -> None:
    """Delete what is older than so many days (0: nothing), every hour, for ever; a database that is away waits."""
    while days:
        try:
            if rows := await asyncio.to_thread(expire, database, days):
                log.info("%d answers older than %d days were deleted ([serve] keep_days)", rows, days)
        except sa.exc.SQLAlchemyError as error:
            log.warning("keep_days: %s", database.explained(error))
        await asyncio.sleep(HOUR)


def expire(database: Database, days: int) -> int:
    """Delete the answers that are older, and what was said of them; how many."""
    old = answers.c.time < time.time() - days * DAY
    with database.engine.begin() as connection:
        connection.execute(feedback.delete().where(feedback.c.id.in_(sa.select(answers.c.id).where(old))))
        rows = connection.execute(answers.delete().where(old)).rowcount
    if rows:
        note(database, "keep_days", {"days": days, "answers": rows})
        database.shrink()
    return rows
