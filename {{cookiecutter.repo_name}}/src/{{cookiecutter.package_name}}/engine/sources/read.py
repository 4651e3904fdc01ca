"""Reads one table file, or several of one table, into a data frame, and says what was decided on the way.

Used by `make data` and `make predict`. Reads text, Excel and the kinds of `formats.py`, told by content, each also
packed in one of the ways of `packing.py`; writes nothing. What a cell *means* (number, date, missing marker) is
decided later, by the data dictionary: here `NA` is text, and only an empty cell is missing.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..project import artefact, spreadsheet
from ..project.errors import DataError, SettingsError, listed
from ..project.settings import Data
from . import dialect, encoding, excel, formats, header, packing, rows
from .names import in_other_letters
from .rows import Rows, SetAside

A_TEXT = (str, '"text"')
OPTIONS: dict[str, tuple[Any, str]] = {  # of `[data.read]`, with the type of each and an example
    "separator": A_TEXT,
    "encoding": A_TEXT,
    "quote": A_TEXT,
    "header": ((bool, int), "false or 3"),
    "skip": (int, "2"),
    "footer": (int, "1"),
    "columns": (list, '["age", "city"]'),
    "set_aside_limit": ((int, float), "0.01"),
    "sheet": ((str, int), '"Sales" or 1'),
    "decimal": A_TEXT,
    "thousands": A_TEXT,
    "missing": (list, '["?", "unknown"]'),
    "dates": A_TEXT,
}
NO_ROWS = "a header, but no rows. At least one row is needed."
SET_ASIDE_LIMIT = 0.01  # share of the lines; more, and the reading itself is wrong
SAVE, SAVE_TEXT = "Save it as CSV or Parquet.", "Text alone is read here: save a table as CSV."
NO_TABLES = (
    (b"version https://git-lfs.github.com", "a Git LFS pointer", "Run `git lfs pull` where it came from."),
    (b"SQLite format 3", "a database", "A source says sqlite:///file.db?table=name; save rows to score as CSV."),
    (b"%PDF", "a PDF", SAVE),
    (b"{\\rtf", "a text document", SAVE),
    (b"\x80\x04", "a pickle", SAVE),
    (b"\x80\x05", "a pickle", SAVE),
    (b"\x89HDF", "an HDF5 file", SAVE),
    (b"HEADER RECORD*******LIBV8", "a SAS transport file of version 8", "Write version 5, CSV or Parquet."),
    (b"RDX3\n", "an R workspace", SAVE),
    (b"7z\xbc\xaf", "packed by 7-Zip", "Unpack it first."),
    (b"Rar!", "packed by RAR", "Unpack it first."),
)
PAGE = re.compile(rb"<(!doctype|html|head|body|\?xml|!--|table|div)", re.IGNORECASE)


@dataclass(frozen=True)
class Table:
    """A table as it was read.

    `frame` holds text cells (`str`, missing = NaN), or native types where the file has them (Parquet, JSON, Excel);
    `decisions` one line each; `first_row` the line or row of the file, from 1, that holds row 0 of the frame, whose
    index counts the lines from there; `set_aside` the lines that are in no row, with the name of their file.
    """

    frame: pd.DataFrame
    decisions: tuple[str, ...]
    first_row: int
    set_aside: tuple[tuple[str, SetAside], ...] = ()


@dataclass(frozen=True)
class Known:
    """What is known of files before they are read."""

    options: Mapping[str, Any] = field(default_factory=dict)  # `[data.read]`, see `OPTIONS`: not detected but given
    target: str = ""  # a column that is likely there: a hint for which row holds the names
    member: str = ""  # which members of a zip or tar to read, a name or a glob; "" takes the only table
    most: float = math.inf  # bytes that a file may unpack to
    drop: Sequence[str] = ()  # `[data] drop`: columns that nobody needs, and that stop no reading
    separators: formats.Separators = field(default_factory=dict)  # of columns that hold lists
    needed: str = ""  # a column that each of several files must have
    rows: float = math.inf  # in text that somebody sent; far more than that many need is refused unread

    @classmethod
    def of(cls, settings: Data, target: str, member: str = "", separators: formats.Separators | None = None) -> "Known":
        """What `[data]` says of its files, and a data dictionary of their lists."""
        most = settings.max_gigabytes * 1e9
        return cls(settings.read, target, member, most, settings.drop, separators or {})


NOTHING_KNOWN = Known()


def tables(paths: Sequence[Path], known: Known = NOTHING_KNOWN) -> Table:
    """Read files, of one kind or several, or members of archives, one below the other, columns by their names.

    The columns are in the order of the first file, to which `first_row` belongs; names are text, unique, without blanks
    around. A column that some files lack is missing there.

    A `DataError` if a file cannot be read without guessing, or shares few columns, or not the one needed, with the
    first; a `SettingsError` if an option is unknown or of the wrong type.
    """
    _check_options(known.options)
    parts = {name: part for path in paths for name, part in _parts(path, known).items()}
    whole, first = next(iter(parts.items()))
    for name, part in parts.items():
        part.frame.columns = part.frame.rename(columns=in_other_letters(part.frame, first.frame)).columns
        names, those = set(part.frame.columns), set(first.frame.columns)
        odd = names ^ those
        plain = {"".join(name.casefold().split()) for name in odd}
        if 2 * len(odd) > len(names | those) or known.needed in odd or len(plain) < len(odd):
            found = f"its columns differ from those of {whole}: {listed(sorted(odd))} stand in one of them alone"
            common = f"most columns and {known.needed!r}" if known.needed else "most columns"
            cure = f"Files read together need {common} in common: rename them, or narrow source in"
            raise DataError(f"{name}: {found}.\n{cure} [data] of params.toml. To join two by a key: docs/data.md")
    if len(parts) == 1:
        return first
    frames = [part.frame for part in parts.values()]
    joined = {name: _placed(frames, name) for name in dict.fromkeys(name for frame in frames for name in frame)}
    gaps = {column: [Path(name).name for name in parts if column not in parts[name].frame] for column in joined}
    counts = listed([f"{Path(name).name} {len(part.frame):,}" for name, part in parts.items()])
    decisions = dict.fromkeys(line for part in parts.values() for line in part.decisions)
    aside = tuple(line for part in parts.values() for line in part.set_aside)
    missing = [
        f"{len(names)} of {len(parts)} files lack {column!r}, which is missing there: {listed(names)}"
        for column, names in gaps.items()
        if names
    ]
    said = (*decisions, f"{len(parts)} files, rows: {counts}", *missing)
    return Table(pd.DataFrame(joined), said, first.first_row, aside)


def sent(content: bytes, name: str, known: Known = NOTHING_KNOWN) -> Table:
    """Read text that somebody sent, as `tables` reads a file; what unpacks to more than was sent is refused."""
    try:
        return _finished(_read_text(content, known), known.options)
    except DataError as error:
        said = str(error).replace(encoding.KINDS_READ, SAVE_TEXT).replace(SAVE, SAVE_TEXT)
        raise DataError(f"{name}: {said}") from None


def _parts(path: Path, known: Known) -> dict[str, Table]:
    """Read a file, or what it packs: the tables by the name that messages use."""
    named, parts = str(path), dict[str, Table]()
    try:
        contents, notes = packing.unpacked(path, known.member, known.most)
        for name, content in contents.items():
            named = str(path) if len(contents) == 1 else f"{path}?member={name}"
            read = _finished(_read(content, known), known.options)
            aside = tuple((Path(name).name, line) for _, line in read.set_aside)
            parts[named] = replace(read, decisions=(*notes, *read.decisions), set_aside=aside)
        return parts
    except DataError as error:
        raise DataError(f"{named}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from None


def keep_aside(path: Path, lines: Sequence[tuple[str, SetAside]]) -> list[str]:
    """Write the lines that are in no row, as CSV, and say so; without any, an older file is removed."""
    if not lines:
        path.unlink(missing_ok=True)
        return []
    table = pd.DataFrame([(name, *line) for name, line in lines], columns=["file", *SetAside._fields])
    with artefact.whole(path) as temporary:
        spreadsheet.write(temporary, table)
    name, first = lines[0]
    return [f"lines set aside in {path.name}: {len(lines):,} (the first: {name}, line {first.line}, {first.reason})"]


def _placed(frames: list[pd.DataFrame], name: str) -> pd.Series:
    """A column of all files, missing in the rows of those that lack it, which makes no float of a number."""
    there = np.repeat([name in frame for frame in frames], [*map(len, frames)])
    cells = _stacked([frame[name] for frame in frames if name in frame])
    if there.all():
        return cells
    cells = cells.astype({"i": "Int64", "u": "UInt64", "b": "boolean"}.get(cells.dtype.kind, cells.dtype))
    return cells.set_axis(np.flatnonzero(there)).reindex(range(len(there)))


def _stacked(columns: list[pd.Series]) -> pd.Series:
    kinds = {str(column.dtype) for column in columns}
    if "str" in kinds and len(kinds) > 1:
        columns = [formats.as_text(column) for column in columns]
    numbers = {column.dtype.kind for column in columns}
    if len(numbers) > 1 and numbers <= set("iuf"):  # pandas would make floats of them, which lose digits
        return formats.number_or_text(pd.concat([column.astype(object) for column in columns], ignore_index=True))
    return pd.concat(columns, ignore_index=True)


def _check_options(options: Mapping[str, Any]) -> None:
    where = "params.toml: [data.read]"
    for key, value in options.items():
        if key not in OPTIONS:
            raise SettingsError(f"{where} has no key '{key}'. Allowed: {', '.join(OPTIONS)}.")
        kind, example = OPTIONS[key]
        if not isinstance(value, kind):
            raise SettingsError(f"{where} {key} = {value!r} has the wrong type.\nExample: {example}.")
        if (key == "quote" and len(value) > 1) or (key == "separator" and len(value) > 2 and value != "blanks"):
            allowed = "one character" if key == "quote" else "one or two characters, or 'blanks'"
            raise SettingsError(f"{where} {key} = {value!r} must be {allowed}.")
        if key == "header" and value is not False and value < 1:
            raise SettingsError(f"{where} header = {value!r} must be a line from 1 on, or false if there is none.")
        if key == "dates" and value not in ("", "day-first", "month-first") and "%" not in value:
            allowed = "'day-first', 'month-first', or a format like '%d.%m.%Y'"
            raise SettingsError(f"{where} dates = {value!r}.\nAllowed: {allowed}.")


def _read(content: bytes, known: Known) -> Table:
    """Read the bytes of a file; the names of the columns are still as they stand."""
    if not content[: dialect.SAMPLE].strip():
        raise DataError(rows.EMPTY)
    if read := formats.table(content, known.separators):
        return Table(read[0], tuple(read[1]), 1)
    options, target = known.options, known.target
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        sheet, decisions = excel.sheet_rows(content, options.get("sheet"), target, known.drop)
        sheet = sheet[_above(options) :]
        blank = [place for place, row in enumerate(sheet) if all(cell is None for cell in row)]
        if len(blank) == len(sheet):
            raise DataError("the sheet is empty. A header and at least one row are needed.")
        cells = Rows(pd.DataFrame(sheet, dtype=object), blank=blank)
        found = _located(cells, decisions, options, target, _above(options))
        typed = [formats.column(values.tolist()) for _, values in found.frame.items()]
        frame = pd.DataFrame(dict(enumerate(typed))).set_axis(found.frame.columns, axis=1).set_axis(found.frame.index)
        return replace(found, frame=frame)
    return _read_text(content, known)


def _read_text(content: bytes, known: Known) -> Table:
    """Read the bytes of a text; the names of the columns are still as they stand."""
    options, target = known.options, known.target
    _check_is_data(content)
    content, decisions = encoding.as_utf8(content, options.get("encoding", ""))
    if not content.strip():  # a byte-order mark alone
        raise DataError(rows.EMPTY)
    if PAGE.match(content[: dialect.SAMPLE].lstrip()):
        cure = "Open the address in a browser and find the download link."
        raise DataError(f"this is a web page or XML, not a table.\n{cure}")
    if read := formats.json_table(content, known.separators):
        frame, notes, aside = read
        first = int(frame.index[0]) if len(frame) else 0
        frame.index = frame.index - first
        return Table(frame, (*decisions, *notes), first + 1, tuple(("", line) for line in aside))
    dialect.check_extent(content, known.rows)
    if dialect.ARFF.match(content):
        content = dialect.arff_as_csv(content.decode()).encode()
        options = {**options, "separator": ",", "quote": '"', "header": True}
    if above := _above(options):
        content = b"".join(content.splitlines(keepends=True)[above:])
    content, lines_above, separator, more = dialect.preamble(content)
    content, written, notes = dialect.detect(content, options.get("separator", separator), options.get("quote"))
    cells = rows.split(content, written, target)
    odd = cells.odd + [(line.line, line.reason) for line in cells.aside]
    if odd and options.get("set_aside_limit") == 0:
        line, reason = min(odd)
        cure = f"Mend it, or set set_aside_limit above 0 {encoding.CURE}."
        raise DataError(f"line {above + lines_above + line}: {reason}.\n{cure}")
    return _located(cells, [*decisions, *more, *notes, *cells.notes], options, target, above + lines_above)


def _above(options: Mapping[str, Any]) -> int:
    return max(options.get("skip", 0), int(options.get("header") or 1) - 1)


def _located(cells: Rows, decisions: list[str], options: Mapping[str, Any], target: str, lines_above: int) -> Table:
    """Find the table among the cells of a file, the numbers of its rows as they are in the file."""
    frame, notes, around = header.locate(cells, options, target)
    first = int(frame.index[0]) if len(frame) else 0
    aside = sorted(("", line._replace(line=line.line + lines_above)) for line in [*cells.aside, *around])
    gapless = len(frame) == 0 or frame.index[-1] - first == len(frame) - 1
    frame.index = pd.RangeIndex(len(frame)) if gapless else frame.index - first
    return Table(frame, (*decisions, *notes), lines_above + first + 1, tuple(aside))


def _finished(read: Table, options: Mapping[str, Any]) -> Table:
    """Name the columns; refuse a table of which too many lines are in no row: then the reading itself is wrong."""
    read, limit = _named(read), options.get("set_aside_limit", SET_ASIDE_LIMIT)
    odd = [line for _, line in read.set_aside if line.reason not in (rows.ABOVE, rows.BELOW, rows.DRAWN_LINE)]
    if len(odd) <= max(limit * (len(read.frame) + len(odd)), min(limit, 1) and 1):
        return read
    shown = []
    for reason, many in Counter(line.reason for line in odd).most_common(3):
        first = next(line for line in odd if line.reason == reason)
        shown.append(f"{reason} ({many:,}, as line {first.line}: {first.text[:40]!r})")
    found = f"{len(odd):,} of {len(read.frame) + len(odd):,} lines do not fit: {'; '.join(shown)}"
    said = next((line for line in read.decisions if line.startswith("separator")), "")
    cure = "Mend them (decimal commas need quotes), or set separator, quote, header or set_aside_limit"
    raise DataError(f"{found}.\n{said}\n{cure} {encoding.CURE}.")


def _check_is_data(content: bytes) -> None:
    for start, kind, cure in NO_TABLES:
        if content.startswith(start):
            raise DataError(f"this is {kind}: it cannot be read. {cure}")
    if any(re.match(start, content) for start in packing.PACKERS):
        raise DataError("packed twice or more: it cannot be read. Unpack it first.")


def _named(read: Table) -> Table:
    """Give every column a name of its own, and leave out those with neither name nor cell."""
    frame, decisions = read.frame, list(read.decisions)
    found = [" ".join(str(name).split()) for name in frame.columns]
    names, times = dict[str, int](), Counter[str]()
    for place, name in enumerate(found):
        own = name or f"column_{place + 1}"
        while own in names:
            times[name] += 1
            own = f"{name or 'column'}_{times[name] + 1}"
        names[own] = place
    named = list(names)
    nameless = [place for place, name in enumerate(found) if not name]
    there = frame.notna().any().to_numpy() if nameless else []
    empty = [place for place in nameless if not there[place]]
    if empty:
        decisions.append(f"empty columns without a name left out: {len(empty)}")
    if given := [named[place] for place in nameless if there[place]]:
        decisions.append(f"columns without a name: named {listed(given)}")
    if twice := [name for name, count in Counter(filter(None, found)).items() if count > 1]:
        decisions.append(f"names that stand twice: {listed(twice)}; the later ones are numbered: {twice[0]}_2")
    if len(empty) == len(named):
        raise DataError(NO_ROWS)
    frame.columns = named
    frame = frame.drop(columns=[named[place] for place in empty]) if empty else frame
    return replace(read, frame=frame, decisions=tuple(decisions))
