"""The log of a running service: every answer and word of feedback is kept before anybody is told so.

Rows that come in one turn of the event loop go together, one of three ways, by id, so that none is there twice:

- at once: the event loop commits them, where they are few and nothing has to be waited for (`_at_once`);
- thread: one commits them (`_commit_all`), and the request waits for that, at most `[serve] log_wait`;
- spool: what waited longer, or comes while the database takes nothing, another flushes to the disk (`_spool_all`), in
  `data/log/spool.db`, and the first brings it from there into the database (`_catch_up`).
"""

import asyncio
import contextlib
import logging
import os
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from ..engine.project import lock
from ..engine.project.settings import Project
from .database import LOG_FOLDER, SPOOL, DamagedLog, Database, LogError, address, make_folder, spool_of
from .settings import DATABASE, Serve
from .tables import LogRow, storable

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0  # seconds between two looks at a database that takes no rows
OPENING = 5.0  # seconds that the start waits for the database
MOST_AT_ONCE = 100  # rows, some 1 ms, that the event loop commits itself


class State(msgspec.Struct):
    """What `/metrics` and the pages say of the log."""

    database: str  # "ok", or what is wrong
    keeps: bool  # False: the database is damaged and nothing is logged
    written: int  # rows committed since the start
    spooled: int  # rows in the spool that wait for the database
    refused: int  # rows that could be kept nowhere
    waiting: int  # requests that wait for a commit
    spool: str  # "ok", or why it cannot be emptied


class Waiting(msgspec.Struct):
    """The rows of one request and who waits for them."""

    rows: list[LogRow]
    future: asyncio.Future[bool]


Queue = queue.SimpleQueue[list[Waiting] | None]  # None ends it


class Log:
    """`start`, then `write` in the event loop, then `close`; what is in the log is read by `database`."""

    def __init__(self, project: Project, options: Serve) -> None:
        self.project, self._folder, self._patience = project, project.root / LOG_FOLDER, options.log_wait / 1000
        self.database, self.spool = Database(address(project), flush=options.durable == "power"), spool_of(project)
        self._problem, self._keeps, self._spool_problem = "it was not opened yet", True, ""
        self._told = False  # that the database takes no rows
        self._written = self._spooled = self._refused = 0
        self._new: list[Waiting] = []  # in this turn of the event loop
        self._waiting: list[Waiting] = []  # for the thread of the database
        self._rows, self._late = Queue(), Queue()  # for the database and for the spool
        self._lock: int | None = None
        self._counting = threading.Lock()  # of rows, by the event loop and the threads
        self._tried = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._commit_all, self._spool_all)]

    def start(self) -> None:
        """Open the database and start to write; if it is damaged or does not answer, `state` says so.

        A `LogError` if another service writes to the same SQLite file.
        """
        make_folder(self._folder)
        if self.database.file:
            path = self._folder / ".writer.lock"
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            if not lock.seized(handle, path):
                os.close(handle)
                cure = f"Stop it first; several services at once need PostgreSQL: {DATABASE}=postgresql://... in .env."
                raise LogError(f"{self.database.file}: another service writes to this log.\n{cure}")
            self._lock = handle
        with self._minding_spool():
            if (self._folder / SPOOL).exists():
                self.spool.open()
                self._spooled = self.spool.count()
        for thread in self._threads:
            thread.start()
        self._tried.wait(OPENING)

    async def write(self, rows: Sequence[LogRow], *, alone: bool = False) -> bool:
        """Keep rows: they are committed, or on the disk in the spool, when this returns.

        Where they are `alone`, no others come in this turn of the event loop, to be committed with them.
        False where the database is damaged and nothing is logged; a `LogError` where they could be kept nowhere.
        """
        if not self._keeps:
            return False
        rows = [storable(row) for row in rows]
        if alone and not self._new and self._at_once(rows):
            return True
        loop = asyncio.get_running_loop()
        item = Waiting(rows, loop.create_future())
        if not self._new:
            loop.call_soon(self._commit)
        self._new.append(item)
        return await item.future

    def _commit(self) -> None:
        """Commit what came in this turn of the event loop, at once, or give it to a thread that can wait."""
        items, self._new = self._new, []
        if self._at_once(rows_of(items)):
            tell(items, True)
        elif self._problem and self._keeps:
            self._late.put(items)
        else:
            self._waiting = [*self._waits(), *items]
            self._rows.put(items)
            asyncio.get_running_loop().call_later(self._patience, self._look, items)

    def _at_once(self, rows: list[LogRow]) -> bool:
        """Commit rows in the event loop; whether that can be."""
        if self._problem or len(rows) > MOST_AT_ONCE or not self.database.insert_at_once(rows):
            return False
        with self._counting:
            self._written += len(rows)
        return True

    def _look(self, items: list[Waiting]) -> None:
        """Send to the spool too what has waited too long; in the event loop."""
        if late := [item for item in items if not item.future.done()]:
            self._problem = f"no commit within {self._patience * 1000:.0f} ms"
            self._late.put(late)

    def _waits(self) -> list[Waiting]:
        """Who waits for the database."""
        return [item for item in self._waiting if not item.future.done()]

    def state(self) -> State:
        """How the log is."""
        counts = self._written, self._spooled, self._refused, len(self._waits())
        return State(self._problem or "ok", self._keeps, *counts, self._spool_problem or "ok")

    def close(self, seconds: float) -> None:
        """Commit what waits; what takes more than so many seconds goes to the spool."""
        self._waiting = [*self._waits(), *self._new]
        self._rows.put(self._new)
        self._rows.put(None)
        self._new = []
        self._threads[0].join(seconds)
        stuck = self._threads[0].is_alive()
        self._late.put(self._waits() if stuck else [])
        self._late.put(None)
        self._threads[1].join(seconds)
        for database in [self.spool] if stuck else [self.spool, self.database]:
            database.drop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _commit_all(self) -> None:
        """Commit rows as they come, and between them those of the spool; a thread."""
        items, going, more = list[Waiting](), True, False
        while True:
            try:
                if self._keeps:
                    self.database.open()
                    if rows := rows_of(items):
                        self._insert(rows)
                    else:
                        self.database.tidy()
                settle(items, self._keeps)
                items = []
                more = self._keeps and self._catch_up()
                self._problem = "" if self._keeps else self._problem
                if self._told and self._keeps and not more:
                    log.info("%s takes rows again; %d wait in the spool", self.database.named, self._spooled)
                    self._told = False
            except Exception as error:  # whatever it is, those who wait must hear of it
                more = False
                self._fail(items, self.database.explained(error))
            self._tried.set()
            if not going:
                return
            items, going = taken(self._rows, 0.0 if more else RETRY_SECONDS)

    def _insert(self, rows: list[LogRow]) -> None:
        """Commit rows and count those that were not there."""
        new = self.database.insert(rows)
        with self._counting:
            self._written += new

    def _catch_up(self) -> bool:
        """Bring a part of the spool into the database; whether there may be more."""
        if not self._spooled:
            return False
        rows, removals = list[LogRow](), list[Any]()
        with self._minding_spool():
            rows, removals = self.spool.first()
        if self._spool_problem:
            return False
        self._insert(rows)
        with self._minding_spool(), self._counting:
            self.spool.execute(removals)
            self._spooled = self.spool.count()
        return bool(rows) and not self._spool_problem

    @contextlib.contextmanager
    def _minding_spool(self) -> Iterator[None]:
        """Say what is wrong with the spool: the database may be well all the same."""
        try:
            yield
            self._spool_problem = ""
        except Exception as error:  # whatever it is, rows that come are logged
            if str(problem := self.spool.explained(error)) != self._spool_problem:
                log.warning("%s", problem)
            self._spool_problem = str(problem)

    def _fail(self, items: list[Waiting], error: LogError) -> None:
        """Remember why the database takes no rows, and let the spool have them unless nothing is logged."""
        if str(error) != self._problem:
            log.warning("%s", error)
        self._told, self._problem, self._keeps = True, str(error), not isinstance(error, DamagedLog)
        self.database.drop()
        if self._keeps:
            self._late.put(items)
        else:
            settle(items, False)

    def _spool_all(self) -> None:
        """Bring rows that are late into the spool; a thread."""
        going = True
        while going:
            items, going = taken(self._late, None)
            if not items:
                continue  # at the end: no spool is made for nothing
            rows = rows_of(items)
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


def taken(waiting: Queue, seconds: float | None) -> tuple[list[Waiting], bool]:
    """All that is in a queue, after so many seconds at most; and whether it goes on."""
    found = []
    with contextlib.suppress(queue.Empty):
        found.append(waiting.get(timeout=seconds))
        while not waiting.empty():  # nobody else takes
            found.append(waiting.get())
    return [item for items in found if items for item in items], None not in found


def rows_of(items: Sequence[Waiting]) -> list[LogRow]:
    """The rows of several requests."""
    return [row for item in items for row in item.rows]


def settle(items: Sequence[Waiting], outcome: bool | LogError) -> None:
    """Tell those who still wait, in their event loop, in one call: the loop of those who do not may have ended."""
    if waiting := [item for item in items if not item.future.done()]:
        with contextlib.suppress(RuntimeError):  # the loop has ended, nobody waits
            waiting[0].future.get_loop().call_soon_threadsafe(tell, waiting, outcome)


def tell(items: Sequence[Waiting], outcome: bool | LogError) -> None:
    """Answer those who have not been told yet and have not gone away."""
    for item in items:
        if not item.future.done():
            if isinstance(outcome, LogError):
                item.future.set_exception(outcome)
            else:
                item.future.set_result(outcome)
