"""The log of a running service: every answer and word of feedback is kept before anybody is told so.

Rows of many requests are committed together by one thread. A request waits for its commit, at most `[serve] log_wait`;
then its rows go to the spool, `data/log/spool.db`, flushed to the disk, and from there into the database when it is
back: by id, so that none is there twice.
"""

import asyncio
import contextlib
import logging
import os
import queue
import threading
from collections import deque
from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from ..engine.project import lock
from ..engine.project.settings import Project
from .database import FOLDER, SPOOL, DamagedLog, Database, Entry, LogError, Row, Told, address, new_ids, storable
from .settings import DATABASE, Serve

__all__ = ["Entry", "Log", "LogError", "State", "Told", "new_ids"]
log = logging.getLogger(__name__)
RETRY = 1.0  # seconds between two looks at a database that takes no rows
OPENING = 5.0  # seconds that the start waits for the database


class State(msgspec.Struct):
    """What `/metrics` and the pages say of the log."""

    database: str  # "ok", or what is wrong
    keeps: bool  # False: the database is damaged and nothing is logged
    written: int  # rows committed since the start
    spooled: int  # rows in the spool that wait for the database
    refused: int  # rows that could be kept nowhere
    waiting: int  # requests that wait for a commit


class Waiting:
    """The rows of one request and who waits for them, until when."""

    __slots__ = ("future", "late", "rows", "until")

    def __init__(self, rows: list[Row], future: asyncio.Future, until: float) -> None:
        self.rows, self.future, self.until, self.late = rows, future, until, False


class Log:
    """`start`, then `write` from the event loop and `state` and `find` from anywhere, then `close`."""

    def __init__(self, project: Project, options: Serve) -> None:
        self._folder, self._patience = project.root / FOLDER, options.log_wait / 1000
        self.database = Database(address(project), flush=options.durable == "power")
        self.spool = Database(sa.URL.create("sqlite", database=str(self._folder / SPOOL)), flush=True)
        self._problem, self._keeps = "it was not opened yet", True
        self._written = self._spooled = self._refused = 0
        self._rows: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()  # for the database; None ends it
        self._late: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()  # for the spool
        self._waiting: deque[Waiting] = deque()  # for the database, oldest first
        self._watched: asyncio.AbstractEventLoop | None = None  # the loop that looks at them, while there are some
        self._lock: int | None = None
        self._counting = threading.Lock()  # of rows in the spool, which one thread brings and another takes
        self._tried = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._commit_all, self._spool_all)]

    def start(self) -> None:
        """Open the database and start to write; if it is damaged or does not answer, `state` says so.

        A `LogError` if another service writes to the same SQLite file.
        """
        if self.database.file:
            self._be_alone()
        if self.spool.file.exists():
            self._look_into_spool()
        for thread in self._threads:
            thread.start()
        self._tried.wait(OPENING)

    async def write(self, rows: Sequence[Row]) -> bool:
        """Keep rows: they are committed, or on the disk in the spool, when this returns.

        False where the database is damaged and nothing is logged; a `LogError` where they could be kept nowhere.
        """
        if not self._keeps:
            return False
        loop = asyncio.get_running_loop()
        item = Waiting([storable(row) for row in rows], loop.create_future(), loop.time() + self._patience)
        if self._problem:
            self._late.put(item)
        else:
            self._waiting.append(item)
            self._rows.put(item)
            if self._watched is not loop:
                self._watched = loop
                loop.call_at(item.until, self._look)
        return await item.future

    def state(self) -> State:
        """How the log is."""
        waiting = sum(not item.future.done() for item in list(self._waiting))
        return State(self._problem or "ok", self._keeps, self._written, self._spooled, self._refused, waiting)

    def close(self, seconds: float) -> None:
        """Commit what waits; what takes more than so many seconds goes to the spool."""
        self._rows.put(None)
        self._threads[0].join(seconds)
        stuck = self._threads[0].is_alive()
        for item in [item for item in self._waiting if stuck and not item.future.done()]:
            self._late.put(item)
        self._late.put(None)
        self._threads[1].join(seconds)
        for database in [self.spool] if stuck else [self.database, self.spool]:
            database.drop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _look_into_spool(self) -> None:
        """Count what an earlier process left there."""
        try:
            self.spool.open()
            self._spooled = self.spool.count()
        except (LogError, sa.exc.SQLAlchemyError) as error:
            log.warning("%s", self.spool.explained(error))

    def _be_alone(self) -> None:
        """Refuse to be the second service that writes to one SQLite file."""
        path = self._folder / ".writer.lock"
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not lock.seized(handle, path):
            os.close(handle)
            raise LogError(
                f"{self.database.file}: another service writes to this log.\n"
                f"Stop it first; several services at once need PostgreSQL: {DATABASE}=postgresql://... in .env."
            )
        self._lock = handle

    def _look(self) -> None:
        """Send to the spool what has waited too long; in the event loop."""
        loop = asyncio.get_running_loop()
        while self._waiting and (self._waiting[0].future.done() or self._waiting[0].until <= loop.time()):
            item = self._waiting.popleft()
            if not item.future.done():
                self._problem = f"no commit within {self._patience * 1000:.0f} ms"
                item.late = True
                self._late.put(item)
        if self._waiting:
            loop.call_at(self._waiting[0].until, self._look)
        else:
            self._watched = None

    def _commit_all(self) -> None:
        """Commit rows as they come, and between them those of the spool; a thread."""
        items, going = list[Waiting](), True
        while going:
            more = False
            try:
                if self._keeps:
                    self.database.open()
                    self._commit(items)
                    items = []
                    more = self._catch_up()
                    self._problem = ""
                settle(items, False)
            except Exception as error:  # whatever it is, those who wait must hear of it
                self._fail(items, self.database.explained(error))
            if not self._tried.is_set():
                self._tried.set()
            items, going = taken(self._rows, 0.0 if more else RETRY)

    def _commit(self, items: list[Waiting]) -> None:
        """Commit the rows of requests together; tell those who wait."""
        if rows := [row for item in items if not item.late for row in item.rows]:
            self.database.insert(rows)
            self._written += len(rows)
            settle(items, True)

    def _catch_up(self) -> bool:
        """Bring a part of the spool into the database; whether there may be more."""
        if not self._spooled:
            return False
        moved = self.spool.move(self.database)
        with self._counting:
            self._spooled = self._spooled - moved if moved else self.spool.count()
        return moved > 0

    def _fail(self, items: list[Waiting], error: LogError) -> None:
        """Remember why the database takes no rows and let the spool have them, if they may still get into it."""
        if str(error) != self._problem:
            log.warning("%s", error)
        self._problem, self._keeps = str(error), not isinstance(error, DamagedLog)
        self.database.drop()
        for item in items if self._keeps else []:
            self._late.put(item)
        if not self._keeps:
            settle(items, False)

    def _spool_all(self) -> None:
        """Bring rows that are late into the spool; a thread."""
        items, going = list[Waiting](), True
        while going:
            items, going = taken(self._late, None)
            rows = [row for item in items for row in item.rows]
            try:
                self.spool.open()
                self.spool.insert(rows)
                with self._counting:
                    self._spooled += len(rows)
                settle(items, True)
            except Exception as error:  # as above
                self._refused += len(rows)
                self.spool.drop()
                settle(items, LogError(f"{self._problem}\n{self.spool.explained(error)}"))


def taken(rows: queue.SimpleQueue, seconds: float | None) -> tuple[list[Waiting], bool]:
    """All that is in a queue, after so many seconds at most; and whether it goes on."""
    items = []
    try:
        items.append(rows.get(timeout=seconds))
        while not rows.empty():  # this thread alone takes
            items.append(rows.get())
    except queue.Empty:
        pass
    return [item for item in items if item], None not in items


def settle(items: Sequence[Waiting], outcome: bool | LogError) -> None:
    """Tell those who wait, in their event loop, in one call."""
    if items:
        with contextlib.suppress(RuntimeError):  # the loop has ended, nobody waits
            items[0].future.get_loop().call_soon_threadsafe(tell, items, outcome)


def tell(items: Sequence[Waiting], outcome: bool | LogError) -> None:
    """Answer those who have not been told yet and have not gone away."""
    for item in items:
        if not item.future.done():
            if isinstance(outcome, LogError):
                item.future.set_exception(outcome)
            else:
                item.future.set_result(outcome)
