"""What the log holds: rows that were answered, what people are asked and say of them, what was deleted; their ids."""

import functools
import secrets
import threading
import time
from typing import Any

import msgspec
import sqlalchemy as sa

NEWEST = 5000  # answers, and truths told, that are looked at: 0.1 s of CPU to read and count
LOOK_BACK = 50_000  # answers among which different ones are looked for, 1 s of CPU: 14 hours of a probe a second
SCHEMA = "2"  # of the tables: a change of them needs another one; one more table is made where it is not there


class Ids:
    """Ids that nobody can guess, in order of time whatever the clock does: microseconds, then 72 random bits."""

    def __init__(self) -> None:
        self._last, self._lock = 0, threading.Lock()

    def new(self, count: int) -> list[str]:
        """So many ids, 32 hexadecimal digits each."""
        with self._lock:
            first = max(time.time_ns() // 1000, self._last + 1)
            self._last = first + count - 1
        random = secrets.token_hex(9 * count)  # one call into the system whatever the count
        return [f"{first + place:014x}{random[18 * place : 18 * place + 18]}" for place in range(count)]

    def after(self, newest: str) -> None:
        """Let all that follow come after this one, of an earlier process whose clock may have been ahead."""
        with self._lock:
            self._last = max(self._last, int(newest[:14], 16))


IDS = Ids()
new_ids = IDS.new


class Entry(msgspec.Struct):
    """One row that was answered. A shadow may have the id of the answer that it stands beside: its run is another."""

    id: str
    time: float  # seconds since 1970
    run: str
    role: str  # "answer" or "shadow"
    road: str  # "compiled" or "reference"
    inputs: str  # JSON, the row as it came
    output: str  # JSON
    confident: bool
    unusual: bool
    warnings: str  # JSON, a list of texts
    milliseconds: float  # its share of the request's
    asker: str  # the token's name, never the token


class Told(msgspec.Struct):
    """What somebody says is the truth about an answer; the last counts, all are kept."""

    id: str  # of the answer
    truth: str  # JSON
    time: float  # seconds since 1970
    asker: str
    source: str  # "http", "page", the name of a file; "label" or "label at random" of what was asked for
    number: str = msgspec.field(default_factory=lambda: new_ids(1)[0])  # its own id
    once: str = msgspec.field(default_factory=lambda: new_ids(1)[0])  # no two have the same


LogRow = Entry | Told
METADATA = sa.MetaData()
TYPES = {str: sa.Text, float: sa.Double, bool: sa.Boolean}


def table_of(name: str, kind: type[msgspec.Struct], *keys: str) -> sa.Table:
    """A table with the fields of a struct as its columns."""
    fields = [(field.name, TYPES[field.type]) for field in msgspec.structs.fields(kind)]
    columns: list[Any] = [sa.Column(name, type_, primary_key=name in keys, nullable=False) for name, type_ in fields]
    return sa.Table(name, METADATA, *columns)


answers = table_of("answers", Entry, "id", "run")
feedback = table_of("feedback", Told, "number")
sa.Index("feedback_of_answer", feedback.c.id)
sa.Index("feedback_once", feedback.c.once, unique=True)
meta = sa.Table("meta", METADATA, sa.Column("name", sa.Text, primary_key=True), sa.Column("value", sa.Text))
# Answers that `make label` chose, and the source of a truth about them, however it is told.
asked = sa.Table("asked", METADATA, sa.Column("id", sa.Text, primary_key=True), sa.Column("source", sa.Text))
changes = sa.Table(  # what was deleted from the log, and why
    "changes",
    METADATA,
    sa.Column("number", sa.Text, primary_key=True),
    sa.Column("time", sa.Double, nullable=False),  # seconds since 1970
    sa.Column("what", sa.Text, nullable=False),  # the verb or the key of [serve]
    sa.Column("detail", sa.Text, nullable=False),  # JSON
)
TABLES: dict[type[Any], sa.Table] = {Entry: answers, Told: feedback}


@functools.lru_cache(200)
def statement(table: sa.Table, rows: int, mark: str) -> str:
    """The SQL that inserts so many rows in one call, but for those that are there."""
    values = f"({', '.join([mark] * len(table.columns))})"
    names = ", ".join(table.columns.keys())
    return f"INSERT INTO {table.name} ({names}) VALUES {', '.join([values] * rows)} ON CONFLICT DO NOTHING"


def storable(row: LogRow) -> LogRow:
    """The row with what PostgreSQL or UTF-8 cannot hold, NUL and half characters, as the escapes of JSON."""
    for name in row.__struct_fields__:
        cell = getattr(row, name)
        if isinstance(cell, str) and ("\0" in cell or not cell.isascii()):
            setattr(row, name, cell.encode("utf-8", "backslashreplace").decode().replace("\0", r"\u0000"))
    return row
