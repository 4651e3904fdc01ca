"""The database of the log: SQLite in WAL at `data/log/predictions.db`, or `DATABASE_URL=postgresql://...`.

One schema for both, SQLAlchemy Core.
"""

import contextlib
import functools
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from ..engine.project.credentials import with_password
from ..engine.project.errors import DataError, ProjectError, SettingsError
from ..engine.project.settings import Project
from .settings import DATABASE, secret
from .tables import IDS, METADATA, SCHEMA, TABLES, Entry, LogRow, Told, answers, feedback, meta, statement

LOG_FOLDER, LOG_FILE, SPOOL = Path("data/log"), "predictions.db", "spool.db"
PART = 500  # rows a statement: one call, so that the thread waits for its turn once; some 10 ms, in which replies wait
AWAY = "stop the service, move the file and those beside it ending in -wal and -shm away, start it again."
DAMAGED_FILE = (11, 26)  # SQLITE_CORRUPT, SQLITE_NOTADB
POSTGRES = {"connect_timeout": 3, "keepalives_idle": 5, "tcp_user_timeout": 10_000}  # s, s, ms: a host that is gone
# How SQLite commits: a thread waits and tidies up; the event loop does neither, and `tidy` comes later.
PATIENT: tuple[str, ...] = "PRAGMA busy_timeout = 5000", "PRAGMA wal_autocheckpoint = 1000"  # ms, pages
AT_ONCE = "PRAGMA busy_timeout = 0", "PRAGMA wal_autocheckpoint = 0"
PATIENCE, LONG = 5.0, 60.0  # seconds without a word of PostgreSQL before it is given up: by the service, by a verb


class LogError(ProjectError):
    """Rows could be kept nowhere, or another service writes here."""


class DamagedLog(LogError):
    """The database cannot be read: nothing is logged until a person has seen to it."""


def make_folder(folder: Path) -> None:
    """Make the folder of the log, if it is not there, for its owner alone: the rows may be people's."""
    folder.mkdir(0o700, parents=True, exist_ok=True)


def address(project: Project) -> sa.URL:
    """Where the database of the log is; a `SettingsError` if it is of no kind that the log knows."""
    text = secret(project, DATABASE)
    if not text:
        return sa.URL.create("sqlite", database=str(project.root / LOG_FOLDER / LOG_FILE))
    with contextlib.suppress(sa.exc.ArgumentError):
        url = sa.make_url(with_password(text))
        if url.get_backend_name() in ("postgresql", "postgres"):
            return url.set(drivername="postgresql+psycopg")
    cure = "Allowed: postgresql://user:password@host/name; without it, SQLite in data/log."
    raise SettingsError(f"{DATABASE} is no address of a database that the log can be kept in.\n{cure}")


class Database:
    """One connection that writes, and others of its `engine` that read; `file` is SQLite's, None of PostgreSQL."""

    def __init__(self, url: sa.URL, *, flush: bool, patience: float = PATIENCE) -> None:
        self.file = Path(url.database) if url.database and url.get_backend_name() == "sqlite" else None
        self.named = f"{LOG_FOLDER}/{self.file.name}" if self.file else "PostgreSQL"  # /health/ready tells no more
        self._pragmas = ["journal_mode = WAL", f"synchronous = {'FULL' if flush else 'NORMAL'}", "secure_delete = ON"]
        self._writer: Any = None
        self._turn, self._way = threading.Lock(), PATIENT
        self._direct = self.file is not None and not flush
        self.engine = sa.create_engine(url, connect_args={} if self.file else POSTGRES, pool_pre_ping=not self.file)
        if self.file:
            sa.event.listen(self.engine, "connect", self._prepare)
        else:
            from .postgres import connection  # psycopg is there with PostgreSQL only

            sa.event.listen(self.engine, "do_connect", functools.partial(connection, patience))

    def _prepare(self, connection: Any, _: Any) -> None:
        """Let readers and writer not wait for each other; with a flush, a commit survives a power cut."""
        for pragma in self._pragmas:
            connection.execute(f"PRAGMA {pragma}")

    def open(self) -> None:
        """Connect, make the tables that are not there; a `DamagedLog` if they are damaged or not of this version."""
        if self._writer is not None:
            return
        if self.file:
            make_folder(self.file.parent)
        with self.engine.begin() as connection:
            if self.file and (found := connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()) != "ok":
                raise self._damaged(str(found))
            METADATA.create_all(connection)
            version = connection.scalar(sa.select(meta.c.value).where(meta.c.name == "schema"))
            if version is None:
                connection.execute(meta.insert().values(name="schema", value=SCHEMA))
            if version not in (None, SCHEMA):
                cure = f"Go back to what wrote it, or {AWAY if self.file else f'name an empty database in {DATABASE}.'}"
                raise DamagedLog(f"The log is of version {version}, this service knows {SCHEMA}.\n{cure}")
            newest = connection.scalar(sa.select(sa.func.max(answers.c.id)))
        IDS.after(newest or "0")
        self._inode = self.file.stat().st_ino if self.file else 0
        self._writer, self._way = self.engine.raw_connection(), PATIENT
        if self.file:  # a statement alone needs no BEGIN and no COMMIT
            self._writer.driver_connection.isolation_level = None
        else:
            self._writer.driver_connection.autocommit = True

    def insert(self, rows: Iterable[LogRow]) -> int:
        """Commit rows, all or none; those that are there already stay as they are. How many are new."""
        with self._turn:
            return self._insert(rows, PATIENT)

    def insert_at_once(self, rows: Iterable[LogRow]) -> bool:
        """Commit rows where nothing has to be waited for, neither a flush nor another writer; whether they are kept."""
        if not self._direct or not self._turn.acquire(blocking=False):
            return False
        try:
            self._insert(rows, AT_ONCE)
        except Exception:  # whatever it is, `insert` meets it again and tells
            with contextlib.suppress(Exception):
                self._writer.rollback()
            return False
        finally:
            self._turn.release()
        return True

    def _insert(self, rows: Iterable[LogRow], way: tuple[str, ...]) -> int:
        """Commit rows by the connection that writes; how many are new."""
        if self.file and self.file.stat().st_ino != self._inode:
            raise LogError(f"{self.named} was replaced by another file")
        writer = self._writer.driver_connection  # SQLAlchemy's own costs 0.02 to 0.04 ms a commit more
        if self._direct and way is not self._way:
            for pragma in way:
                writer.execute(pragma)
            self._way = way
        steps = []
        for kind, table in TABLES.items():
            cells = [msgspec.structs.astuple(row) for row in rows if type(row) is kind]
            for start in range(0, len(cells), PART):
                part = cells[start : start + PART]
                text = statement(table, len(part), "?" if self.file else "%s")
                steps.append((text, [cell for row in part for cell in row]))
        if len(steps) > 1:
            writer.execute("BEGIN")
        new = sum(writer.execute(text, values).rowcount for text, values in steps)
        writer.commit()
        return new

    def tidy(self) -> None:
        """Bring what was committed at once from SQLite's log file into its database, which flushes it to the disk."""
        if self._direct:
            with self._turn:
                self._writer.driver_connection.execute("PRAGMA wal_checkpoint").fetchall()

    def first(self) -> tuple[list[LogRow], list[sa.Delete]]:
        """The rows that came first, a part of all, and what removes them. SQLite only."""
        rows, removals = list[LogRow](), list[sa.Delete]()
        with self.engine.connect() as connection:
            for kind, table in TABLES.items():
                oldest = sa.select(table).order_by(sa.text("rowid")).limit(PART)
                part = [kind(*row) for row in connection.execute(oldest)]
                keys = [[getattr(row, key.name) for key in table.primary_key] for row in part]
                rows += part  # SQLite gives the places of removed rows to others, who would be removed unread
                removals += [table.delete().where(sa.tuple_(*table.primary_key).in_(keys))] if part else []
        return rows, removals

    def execute(self, statements: Iterable[sa.Executable]) -> int:
        """Commit changes together; how many rows they changed. A `LogError` if it cannot be."""
        try:
            with self.engine.begin() as connection:
                return sum(connection.execute(statement).rowcount for statement in statements)
        except sa.exc.SQLAlchemyError as error:
            raise self.explained(error) from None

    def read(self, kind: type[Any], *conditions: Any) -> Iterator[Any]:
        """The answers (`Entry`) or words of feedback (`Told`) that fit all conditions, in order of time."""
        table = TABLES[kind]
        with self.engine.connect().execution_options(yield_per=PART) as connection:
            for row in connection.execute(sa.select(table).where(*conditions).order_by(*table.primary_key)):
                yield kind(*row)

    def find(self, ids: Sequence[str]) -> dict[str, tuple[Entry, list[Told]]]:
        """The answers with these ids, each with all that was said of it, the last at the end."""
        found: dict[str, tuple[Entry, list[Told]]] = {}
        known = [text for text in ids if text.isalnum() and text.isascii()]  # PostgreSQL would refuse a NUL
        for start in range(0, len(known), PART):
            part = known[start : start + PART]
            for entry in self.read(Entry, answers.c.id.in_(part), answers.c.role == "answer"):
                found[entry.id] = (entry, [])
            for told in self.read(Told, feedback.c.id.in_(part)):
                if told.id in found:
                    found[told.id][1].append(told)
        return found

    def count(self) -> int:
        """How many answers and words of feedback are there."""
        with self.engine.connect() as connection:
            return sum(connection.scalar(sa.select(sa.func.count()).select_from(t)) or 0 for t in TABLES.values())

    def shrink(self) -> bool:
        """Empty SQLite's log of what was deleted; whether that can be: not while another program reads it."""
        if not self.file:
            return True
        with self.engine.connect() as connection:
            return not connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()

    def drop(self) -> None:
        """Give up all connections, with what was not committed."""
        with self._turn:
            writer, self._writer = self._writer, None
            if writer is not None:
                with contextlib.suppress(Exception):  # it may be broken: that is why it is given up
                    writer.invalidate()
        self.engine.dispose()

    def explained(self, error: Exception) -> LogError:
        """An error of the database in words; a `DamagedLog` where to try again is no cure."""
        if isinstance(error, LogError):
            return error
        cause = getattr(error, "orig", None) or error
        said = cause.strerror if isinstance(cause, OSError) else str(cause)  # else it names the folder
        text = " ".join((said or "").split())[:300] or type(cause).__name__
        if getattr(cause, "sqlstate", "") == "42703":  # a column that is not there
            return DamagedLog(f"{self.named} is no log of this service: {text}\nName an empty database in {DATABASE}.")
        damaged = self.file and getattr(cause, "sqlite_errorcode", 0) & 0xFF in DAMAGED_FILE
        return self._damaged(text) if damaged else LogError(f"{self.named} takes no rows: {text}")

    def _damaged(self, found: str) -> DamagedLog:
        """What to say of a file that SQLite cannot read."""
        return DamagedLog(f"{self.named} is damaged ({found}): answers are not logged.\nCure: {AWAY}")


def spool_of(project: Project) -> Database:
    """Rows that the database did not take in time: the same tables, in a SQLite file beside it."""
    return Database(sa.URL.create("sqlite", database=str(project.root / LOG_FOLDER / SPOOL)), flush=True)


@contextlib.contextmanager
def opened(project: Project, spool: bool = False, new: bool = False) -> Iterator[Database]:
    """The log, made if `new`, or its spool, for a verb; a `DataError` if there is none, a `LogError` if unusable."""
    database = spool_of(project) if spool else Database(address(project), flush=True, patience=LONG)
    if not (spool or new) and database.file and not database.file.exists():
        raise DataError(f"There is no log yet, {project.relative(database.file)}.\nAnswer rows first: make serve")
    try:
        database.open()
        yield database
    except (sa.exc.SQLAlchemyError, database.engine.dialect.loaded_dbapi.Error) as error:
        raise database.explained(error) from None
    finally:
        database.drop()
