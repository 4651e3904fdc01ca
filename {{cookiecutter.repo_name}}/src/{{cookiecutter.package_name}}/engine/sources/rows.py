"""Splits a text table into rows of as many cells each; mends lines that do not fit, or sets them aside.

Used by `read.py`; works in memory, writes nothing. The cells stay text as they stand; an empty cell is missing. A line
is mended where that leaves no doubt: its cells then are of the kinds (number, date, word) that stand in their columns.
"""

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from ..project.errors import DataError
from .dialect import NAMES, NUMBER, Dialect, lines_of

EMPTY = "the file is empty. A header and at least one row are needed."
SPAN = 1000  # lines that one quoted cell may go over; more, and its quote mark was never closed
DATE = re.compile(r"\s*\d+[:/.-]\d.*")
COMMON = 0.02  # a kind of cell with a smaller share of a column is a slip there
PROFILED = 5000  # rows from which the kinds of a column's cells are told
TITLES = 50  # rows at most that are looked at above a table
CHUNK = 50_000  # rows that are held as Python objects at once
ABOVE, BELOW = "above the table", "below the table"


class SetAside(NamedTuple):
    """A line that is in no row: its number in the file (from 1), why, and the line as it stands."""

    line: int
    reason: str
    text: str


@dataclass
class Rows:
    """Rows of as many cells each; its index is the line of each, counted from 0 where nothing stands above.

    `notes` say what was mended; `aside` are lines that are in no row; `blank` is the index of lines without a letter;
    no row before the one at `start` can hold the names.
    """

    frame: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)
    blank: list[int] = field(default_factory=list)
    start: int = 0


def split(content: bytes, dialect: Dialect, target: str = "", *, strict: bool = False) -> Rows:
    """Split UTF-8 text into rows, the names among them, all but blank lines.

    Returns
    -------
    Rows
        Columns 0 .. n-1, `str`, missing = NaN.

    Raises
    ------
    DataError
        There is nothing but blanks.
    """
    whole = content.endswith((b"\n", b"\r"))
    content = content.lstrip(b"\r\n").rstrip(b" \r\n\x1a") + b"\n"
    if not content.strip():
        raise DataError(EMPTY)
    gaps = not dialect.quote and re.search(rb"(?:\n|\r)[ \t]*\r?\n", content)  # within quotes, they are a cell's own
    if not dialect.clean or (gaps and not strict):
        return _ragged(list(lines_of(content)), dialect, target, whole=whole, strict=strict)
    fields = len(next(row for row in dialect.rows(lines_of(content)) if row))
    parse = arrow_csv.ParseOptions(
        delimiter=dialect.separator,
        quote_char=dialect.quote or False,
        newlines_in_values=bool(dialect.quote),
    )
    kinds = {f"f{place}": pa.large_string() for place in range(fields)}
    convert = arrow_csv.ConvertOptions(column_types=kinds, strings_can_be_null=True, null_values=[""])
    for block_size in (1 << 23, min(len(content) + 1, 2**31 - 1)):  # the second: a line longer than a block
        try:
            read = arrow_csv.ReadOptions(autogenerate_column_names=True, block_size=block_size)
            table = arrow_csv.read_csv(pa.BufferReader(content), read, parse, convert)
            return Rows(table.to_pandas().set_axis(range(fields), axis=1))
        except pa.ArrowInvalid as error:
            if "straddl" not in str(error):
                break
    return _ragged(list(lines_of(content)), dialect, target, whole=whole, strict=strict)


def _ragged(lines: list[str], dialect: Dialect, target: str, *, whole: bool, strict: bool) -> Rows:
    """Split lines of which some do not fit."""
    sampled = list(itertools.islice(_records(lines, dialect), PROFILED))
    shape = _shape([cells for _, _, cells in sampled], target)
    mended: dict[str, list[int]] = {}
    aside: list[SetAside] = []
    waiting: list[SetAside] = []  # lines that do not fit: footnotes, if none follows that does
    second: list[SetAside] = []
    blank: list[int] = []
    notes: list[str] = []
    kept = _Kept(shape.width)
    for number, (first, last, cells) in enumerate(_records(lines, dialect, shape.width)):
        text = "".join(lines[first:last]).rstrip("\r\n")
        if number > shape.start and shape.heads_another(cells):
            second = [
                SetAside(place + 1, BELOW, line.rstrip("\r\n")) for place, line in enumerate(lines) if place >= first
            ]
            notes.append(f"a second table from line {first + 1} on left out")
            break
        row, how = _mended(cells, text, dialect, shape, number)
        if last == len(lines) and len(cells) < shape.width and not whole:
            row, how = None, "the file ends within this line"
        if row is None:
            waiting.append(SetAside(first + 1, how, text))
            continue
        aside += waiting
        waiting = []
        if how:
            mended.setdefault(how, []).append(first + 1)
        kept.add(first, row)
        if not cells:
            blank.append(first)
    aside += second
    parted = bool(waiting) and not lines[waiting[0].line - 2].strip()  # by a blank line from the table
    notes += [f"what stands below the table, from line {waiting[0].line} on, left out"] if parted else []
    for line in waiting:
        outside = parted or _is_sparse(line.text, dialect, shape.width)
        aside.append(line._replace(reason=BELOW) if outside else line)
    if strict and (mended or aside):
        raise DataError(_first_odd(mended, aside))
    notes += [f"{how}: {len(places):,} lines (line {places[0]} the first)" for how, places in mended.items()]
    return Rows(kept.frame(), notes, [line for line in aside if line.text.strip()], blank, shape.start)


def _first_odd(mended: dict[str, list[int]], aside: list[SetAside]) -> str:
    """Say which line does not fit, where none may."""
    odd = [(places[0], how) for how, places in mended.items()] + [(line.line, line.reason) for line in aside]
    line, reason = min(odd)
    return f"line {line}: {reason}.\nMend it, or set set_aside_limit above 0 in [data.read] of params.toml."


def _is_sparse(text: str, dialect: Dialect, width: int) -> bool:
    return sum(map(bool, next(dialect.rows([text]), []))) <= width / 2


class _Kept:
    """Rows as they come, kept as columns of Arrow chunk by chunk: Python objects would take ten times the room."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.places: list[int] = []
        self.rows: list[Sequence[str]] = []
        self.chunks: list[pa.Table] = []

    def add(self, place: int, row: Sequence[str]) -> None:
        self.places.append(place)
        self.rows.append(row)
        if len(self.rows) >= CHUNK:
            self._pack()

    def _pack(self) -> None:
        columns = [[cell or None for cell in column] for column in zip(*self.rows, strict=True)]
        arrays = [pa.array(column, pa.large_string()) for column in columns]
        self.chunks.append(pa.table(arrays, names=[str(place) for place in range(self.width)]))
        self.rows = []

    def frame(self) -> pd.DataFrame:
        if self.rows:
            self._pack()
        frame = pa.concat_tables(self.chunks).to_pandas().astype("str")
        return frame.set_axis(range(self.width), axis=1).set_axis(self.places, axis=0)


def _records(lines: list[str], dialect: Dialect, width: int = 0) -> Iterator[tuple[int, int, list[str]]]:
    """Yield the first line, the line after the last, and the cells of every row, blank lines as rows without cells.

    A row over several lines that has not `width` cells (if given) is taken for an open quote mark: its first line
    stands alone then.
    """
    start = place = 0

    def following() -> Iterator[str]:
        nonlocal place
        while place < len(lines) and place - start < SPAN:
            place += 1
            yield lines[place - 1]

    while start < len(lines):
        for cells in dialect.rows(following()):
            if place - start > 1 and (len(cells) != width if width else place - start >= SPAN):
                place = start + 1
                cells = next(replace(dialect, quote="").rows([lines[start]]), [])
            yield start, place, cells
            start = place
        start = place = max(place, start)


@dataclass(frozen=True)
class _Shape:
    """What rows look like: how many cells, the place of the names, the kinds of cells, and which column has no name."""

    width: int
    start: int
    kinds: tuple[frozenset[str], ...]
    unnamed: int | None
    names: frozenset[str]

    def heads_another(self, cells: Sequence[str]) -> bool:
        """Tell whether a row holds the names of another table: most of them, but more or fewer."""
        return len(cells) != self.width and 2 * len(self.names & {*cells}) > max(len(self.names), 3)

    def fits(self, row: Sequence[str]) -> bool:
        return all(kind(cell) in known for cell, known in zip(row, self.kinds, strict=True))


def kind(cell: str) -> str:
    """Return what a cell looks like: "", "number", "date" or "word"."""
    if not cell.strip():
        return ""
    if NUMBER.fullmatch(cell):
        return "number"
    return "date" if DATE.fullmatch(cell) else "word"


def _shape(rows: list[list[str]], target: str) -> _Shape:
    """Tell how many cells a row has, where the names stand, and what the columns hold."""
    filled = [(place, row) for place, row in enumerate(rows) if any(row)]
    counts = Counter(len(row) for _, row in filled if len(row) > 1) or Counter({1: 1})
    width = counts.most_common(1)[0][0]
    start = _names_at(filled, width, target)
    names = rows[start] if rows else []
    body = [row for place, row in filled if place > start]
    if len(names) > width and sum(len(row) > len(names) for row in body) <= COMMON * len(body):
        width = len(names)
    columns = [list(column) for column in zip(*(row for row in body if len(row) == width), strict=True)]
    kinds = tuple(map(_kinds, columns or [[]] * width))
    shape = _Shape(width, start, kinds, _surplus_column(columns), frozenset(filter(None, names)))
    above = rows[start - 1] if start else []
    if len(above) == 1 < width and any(len(row) == width for _, row in _ways(above[0], Dialect("\0", '"'))):
        return replace(shape, start=start - 1)
    _check_names(names if len(names) < width else above, names, shape)
    return shape


def _check_names(above: list[str], first: list[str], shape: _Shape) -> None:
    """Refuse a table whose rows have more cells than names: decimal commas would shift every column in silence."""
    lacking = shape.width - len(above)
    words = all(map(str.strip, above)) and not any(kind(cell) != "word" for cell in above)
    if words and len(above) > shape.width / 2 and (lacking > 1 or (lacking == 1 and shape.unnamed is None)):
        if above is first or (shape.fits(first) and "number" in map(kind, first)):
            found = f"{len(above)} names ({', '.join(above)[:60]}), but {shape.width} cells in most lines"
            cure = "A cell with the separator in it (decimal comma?) needs quotes; or name every column"
            raise DataError(f"{found}, as in {', '.join(first)[:60]!r}.\n{cure}, or set separator in [data.read].")


def _names_at(filled: list[tuple[int, list[str]]], width: int, target: str) -> int:
    """Return the place of the first row that can hold the names: that with the target, or a long and full one."""
    if (place := next((place for place, row in filled[:TITLES] if wanted_in(row, target)), None)) is not None:
        return place
    least = 2 if width > 1 else 1
    full = (place for place, row in filled if len(row) >= width - 1 and sum(map(bool, row)) >= max(least, width / 2))
    return next(full, filled[0][0] if filled else 0)


def wanted_in(row: Sequence[str], target: str) -> bool:
    """Tell whether a row names the target."""
    wanted = target.strip().casefold()
    return bool(wanted) and wanted in [cell.strip().casefold() for cell in row]


def _surplus_column(columns: list[list[str]]) -> int | None:
    """Return the column that has no name where there is one name too few: an empty last one, or a first of labels."""
    if columns and not any(columns[-1]):
        return len(columns) - 1
    return 0 if columns and len(set(columns[0])) == len(columns[0]) else None


def _kinds(column: list[str]) -> frozenset[str]:
    counts = Counter(map(kind, column))
    present = sum(counts.values()) - counts[""]
    common = {name for name, count in counts.items() if count >= max(COMMON * present, 1)}
    return frozenset(common | {""} if present >= 5 else {"", "number", "date", "word"})


def _mended(cells: list[str], text: str, dialect: Dialect, shape: _Shape, number: int) -> tuple[list[str] | None, str]:
    """Return a row of the right width and how it came about; or None, and why not."""
    if len(cells) == shape.width and (dialect.clean or _is_strict(text, dialect)):
        return cells, ""
    if not any(cells):
        return ([""] * shape.width, "") if number > shape.start else (None, "")
    if number < shape.start:
        return _padded(cells, shape.width, dialect.separator), ""
    for how, other in _ways(text, dialect):
        if len(other) == shape.width and (number == shape.start or shape.fits(other)):
            return other, how
    lacking = shape.width - len(cells)
    if number == shape.start and lacking == 1 and shape.unnamed is not None:
        return [*cells[: shape.unnamed], "", *cells[shape.unnamed :]], "one name less than there are columns"
    if number > shape.start and lacking > 0:
        padded = [*cells, *[""] * lacking]
        if len(cells) > 1 and shape.fits(padded):
            return padded, "too few cells, the last ones taken as missing"
    if number > shape.start and lacking < 0 and (row := _without_empty(cells, shape)):
        return row, "surplus empty cells left out"
    return None, f"{len(cells)} {'cell' if len(cells) == 1 else 'cells'} in place of {shape.width}"


def _is_strict(text: str, dialect: Dialect) -> bool:
    """Tell whether every quote mark of a row is in its place."""
    try:
        return bool(list(dialect.rows(text.splitlines(keepends=True), strict=True)))
    except csv.Error:
        return False


def _ways(text: str, dialect: Dialect) -> Iterator[tuple[str, list[str]]]:
    """Yield other ways to split a line, the likely ones first."""
    mark = re.escape(dialect.separator)
    if dialect.quote:
        quote = re.escape(dialect.quote)
        strict, loose = (
            rf"{quote}((?:[^{quote}]|{quote}{quote})*){quote}(?={mark}|$)",
            rf"{quote}(.*?){quote}(?={mark}|$)",
        )
        for pattern in (loose, strict):
            found = re.finditer(rf"(?:^|{mark})(?:{pattern}|([^{mark}]*))", text)
            unquoted = [
                cell[2] if cell[1] is None else cell[1].replace(dialect.quote * 2, dialect.quote) for cell in found
            ]
            yield "a quote mark within a cell kept as text", unquoted
    if dialect.separator in re.sub(r'"[^"]*"', "", text):
        return
    for separator in NAMES:
        if separator in text:
            cells = next(replace(dialect, separator=separator, quote=dialect.quote or '"').rows([text]), [])
            yield f"separated by {NAMES[separator].replace('runs of ', '')}, unlike the others", cells


def _without_empty(cells: list[str], shape: _Shape) -> list[str]:
    """Leave out as many empty cells as there are too many, where one way alone fits; else nothing."""
    if not any(cells[shape.width :]) and shape.fits(cells[: shape.width]):
        return cells[: shape.width]
    if len(cells) > shape.width + 1:
        return []
    rows = {tuple(cells[:place] + cells[place + 1 :]) for place, cell in enumerate(cells) if not cell}
    fitting = [row for row in rows if shape.fits(row)]
    return list(fitting[0]) if len(fitting) == 1 else []


def _padded(cells: list[str], width: int, separator: str) -> list[str]:
    """Return as many cells as asked for: filled up with empty ones, or the last ones as one."""
    if len(cells) > width:
        return [*cells[: width - 1], separator.join(cells[width - 1 :])]
    return [*cells, *[""] * (width - len(cells))]
