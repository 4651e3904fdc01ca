"""Splits a text table into rows of as many cells each; lines that fit no way are set aside.

The cells stay text as they stand; an empty cell is missing.
"""

import contextlib
import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from ..project.errors import DataError, counted
from .dialect import Dialect, lines_of
from .mending import LINE_END, Shape, kind, mended, shape_of, slips

EMPTY = "the file is empty. A header and at least one row are needed."
GAPS = (b"\n\n", b"\n\r\n", b"\r\r")  # blank lines
LINE = re.compile(r"([|+])?(?=.*[|+,;\t])\s*[-=_*:]{3,}\s*(?:[|+,;\t]\s*[-=_*:]{3,}\s*)*(?(1)[|+]\s*)")  # |---|:--|
SPAN = 1000  # lines that one quoted cell may go over; more, and its quote mark was never closed
PROFILED = 5000  # rows from which the kinds of a column's cells are told
SECOND = 10  # lines that tell whether it is worth looking for a second table
TOP = 3  # lines of which one may be drawn below the names
ABOVE, BELOW, DRAWN_LINE = "above the table", "below the table", "a drawn line"


class SetAside(NamedTuple):
    """A line that is in no row: its number in the file (from 1), why, and the line as it stands."""

    line: int
    reason: str
    text: str


@dataclass
class Rows:
    """Rows of as many cells each; its index is the line of each, counted from 0 where nothing stands above.

    `notes` say what was mended; `odd` are the first line of each kind of mending, from 1, and how; `aside` are lines
    that are in no row; `blank` is the index of lines without a letter; no row before the one at `start` can hold the
    names.
    """

    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    odd: list[tuple[int, str]] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    start: int = 0


def split(content: bytes, dialect: Dialect, target: str = "") -> Rows:
    """Split UTF-8 text into rows, the names among them, all but blank lines: columns 0 .. n-1, `str`, missing = NaN.

    A `DataError` where there is nothing but blanks.
    """
    whole = content.endswith((b"\n", b"\r"))
    content = content.lstrip(b"\r\n").rstrip(b" \r\n\x1a") + b"\n"
    if content.isspace():
        raise DataError(EMPTY)
    gaps = not dialect.quote and any(gap in content for gap in GAPS)  # within quotes, they are a cell's own
    top = itertools.islice(filter(str.strip, lines_of(content)), TOP)
    drawn = any(LINE.fullmatch(line.rstrip("\r\n")) for line in top)
    if dialect.clean and not (gaps or drawn):
        with contextlib.suppress(pa.ArrowInvalid):
            frame = _parsed(content, dialect, len(next(row for row in dialect.rows(lines_of(content)) if row)))
            if not dialect.quote or content.count(b"\n") == len(frame):
                return Rows(frame)
            odd = (line.count(dialect.separator) for line in lines_of(content) if line.count(dialect.quote) % 2)
            few = itertools.chain([next(odd, -1)], itertools.islice(odd, slips(len(frame)) - 1))
            if any(marks != len(frame.columns) - 1 for marks in few) or next(odd, None) is not None:
                return Rows(frame)
            dialect = replace(dialect, clean=False)  # lines that open or close a cell are whole rows without their mark
    return _ragged(list(lines_of(content)), dialect, target, whole=whole)


def _parsed(content: bytes, dialect: Dialect, fields: int) -> pd.DataFrame:
    """Return text whose rows have so many cells each as a table; an `ArrowInvalid` where one has not."""
    parse = arrow_csv.ParseOptions(
        delimiter=dialect.separator,
        quote_char=dialect.quote or False,
        escape_char=dialect.escape or False,
        newlines_in_values=bool(dialect.quote),
    )
    kinds = {f"f{place}": pa.large_string() for place in range(fields)}
    convert = arrow_csv.ConvertOptions(column_types=kinds, strings_can_be_null=True, null_values=[""])
    read = arrow_csv.ReadOptions(autogenerate_column_names=True, block_size=1 << 23)
    try:
        table = arrow_csv.read_csv(pa.BufferReader(content), read, parse, convert)
    except pa.ArrowInvalid as error:
        if "straddl" not in str(error):
            raise
        read.block_size = min(len(content) + 1, 2**31 - 1)  # a line is longer than a block
        table = arrow_csv.read_csv(pa.BufferReader(content), read, parse, convert)
    return table.to_pandas().set_axis(range(fields), axis=1)


def _ragged(lines: list[str], dialect: Dialect, target: str, *, whole: bool) -> Rows:
    """Split lines of which some do not fit."""
    sampled = list(itertools.islice(_records(lines, dialect), PROFILED))
    shape = shape_of([cells for _, _, cells in sampled], target)
    shape = replace(shape, several=sum(last - first > 1 for first, last, _ in sampled) > slips(len(sampled)))
    found, start, odd, end = _Sorted(shape.width), shape.start, dict[int, int](), len(lines)
    full = [number for number, (_, _, cells) in enumerate(sampled) if len(cells) == shape.width]
    drawn = [number for number in full if LINE.fullmatch(lines[sampled[number][0]].rstrip("\r\n"))]
    for number, (first, last, cells) in enumerate(_records(lines, dialect, shape)):
        fits, below = len(cells) == shape.width, number > shape.start
        if below and not fits and (shape.heads_another(cells) or _begins_another(cells, lines, last, dialect, odd)):
            end = first
            break
        text = "".join(lines[first:last]).rstrip("\r\n")
        alone = drawn == [number] and number <= shape.start + 1  # others are values
        if LINE.fullmatch(text) and (alone or not fits):
            found.aside.append(SetAside(first + 1, DRAWN_LINE, text))
            start -= number < shape.start
            continue
        row, how = mended(cells, text, dialect, shape, number)
        if last == len(lines) and len(cells) < shape.width and not whole:
            row, how = None, "the file ends within this line"
        found.add(first, row, how, text)
        if not cells:
            found.blank.append(first)
    return found.rows(lines, end, start, dialect)


def _begins_another(cells: list[str], lines: list[str], last: int, dialect: Dialect, odd: dict[int, int]) -> bool:
    """Tell whether words head the lines from `last` to the end, which all have as many cells.

    `odd` keeps a line that has not, by how many cells: one read of the lines serves all that stand above it.
    """
    if len(cells) < 2 or odd.get(len(cells), 0) > last or {*map(kind, cells)} != {"word"} or len({*cells}) < len(cells):
        return False
    others = [row for _, _, row in itertools.islice(_records(lines, dialect, start=last), SECOND) if any(row)]
    if len(others) < 2 or {*map(kind, others[0])} <= {"word", ""}:
        return False
    for _, end, row in _records(lines, dialect, start=last):
        if any(row) and len(row) != len(cells):
            odd[len(cells)] = end
            return False
    return True


class _Sorted:
    """Lines as they come, sorted into rows and lines set aside.

    Rows are written as clean text: Python objects would take ten times the room.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.places: list[int] = []
        self.text = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
        self.writer = csv.writer(self.text, lineterminator="\r\n")  # it quotes the marks of a line's end that it writes
        self.blank: list[int] = []
        self.mended: dict[str, list[int]] = {}
        self.aside: list[SetAside] = []

    def add(self, place: int, row: Sequence[str] | None, how: str, text: str) -> None:
        """Keep a row and how it was mended, or the line and why it was not."""
        if row is None:
            self.aside.append(SetAside(place + 1, how, text))
            return
        if how:
            self.mended.setdefault(how, []).append(place + 1)
        self.places.append(place)
        self.writer.writerow(row)

    def rows(self, lines: list[str], end: int, start: int, dialect: Dialect) -> Rows:
        """Return what was kept of the lines up to `end`; of those behind the last row, short ones are notes."""
        if not self.places:
            raise DataError(EMPTY)
        notes = [f"a second table from line {end + 1} on left out"] if end < len(lines) else []
        behind = [line for line in self.aside if line.line > self.places[-1] + 1 and line.reason != DRAWN_LINE]
        if behind and end == len(lines) and not lines[behind[0].line - 2].strip():
            end = behind[0].line - 1
            notes = [f"what stands below the table, from line {end + 1} on, left out"]
        below = [SetAside(at + 1, BELOW, lines[at].rstrip("\r\n")) for at in range(end, len(lines))]
        for line in behind:
            if sum(map(bool, next(dialect.rows([line.text]), []))) <= self.width / 2:
                below.append(line._replace(reason=BELOW))
        aside = {line.line: line for line in [*self.aside, *below]}
        parted = ((line, enumerate(LINE_END.split(line.text), at)) for at, line in aside.items())
        odd = [(places[0], how) for how, places in self.mended.items()]
        said = [f"{how}: {counted(len(at), 'line')} (line {at[0]} the first)" for how, at in self.mended.items()]
        left = [SetAside(at, line.reason, text) for line, parts in parted for at, text in parts if text.strip()]
        self.text.flush()
        frame = _parsed(self.text.buffer.getvalue(), Dialect(",", '"'), self.width).set_axis(self.places, axis=0)
        return Rows(frame, notes + said, odd, left, self.blank, start)


def _records(
    lines: list[str], dialect: Dialect, shape: Shape | None = None, start: int = 0
) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the first line, the line after the last, and the cells of every row, blank lines as rows without cells.

    The first line of a row over several stands alone where a quote mark was left open, as the `shape` (if given) tells.
    """
    place = start

    def following() -> Iterator[str]:
        nonlocal place
        while place < len(lines) and place - start < SPAN:
            place += 1
            yield lines[place - 1]

    while start < len(lines):
        for cells in dialect.rows(following()):
            block = lines[start:place]
            if len(block) > 1 and (shape.is_open(cells, block, dialect) if shape else len(block) >= SPAN):
                place = start + 1
                cells = next(replace(dialect, quote="").rows([lines[start]]), [])
            yield start, place, cells
            start = place
        start = place = max(place, start)
