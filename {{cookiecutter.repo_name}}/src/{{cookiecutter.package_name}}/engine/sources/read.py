"""Reads one table file, or several with the same columns, into a data frame, and says what was decided on the way.

Used by `make data` and `make predict`. Reads text, Excel and the kinds of `formats.py`, told by content, each also
packed in one of the ways of `packing.py`; writes nothing. What a cell *means* (number, date, missing marker) is
decided later, by the data dictionary: here `NA` is text, and only an empty cell is missing.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd

from ..project.errors import DataError, SettingsError, listed
from . import dialect, excel, formats, packing

OPTIONS: dict[str, Any] = {
    "separator": str,
    "encoding": str,
    "quote": str,
    "header": bool,
    "sheet": (str, int),
    "decimal": str,
    "thousands": str,
    "missing": list,
    "dates": str,
}
EXAMPLES = {"header": "false", "sheet": '"Sales" or 1', "missing": '["?", "unknown"]'}
MARKERS = frozenset({"", "?", "-", ".", "na", "n/a", "nan", "null", "none", "nil", "unknown", "missing", "#n/a"})
HEADER_CELLS = 200_000  # cells from which is told whether the first row holds names
YEAR = re.compile(r"(19|20)\d\d")
SAVE = "Save it as CSV or Parquet."
OTHERS = (
    (b"version https://git-lfs.github.com", "a Git LFS pointer", "Run `git lfs pull` where it came from."),
    (b"SQLite format 3", "a database", "Say sqlite:///file.db?table=name."),
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
    `decisions` one line each; `first_row` the line or row of the file, from 1, that holds row 0 of the frame.
    """

    frame: pd.DataFrame
    decisions: tuple[str, ...]
    first_row: int


def table(path: Path, options: Mapping[str, Any] = MappingProxyType({}), most: float = math.inf) -> Table:
    """Read one file: see `tables`."""
    return tables([path], options, most=most)


def tables(
    paths: Sequence[Path],
    options: Mapping[str, Any] = MappingProxyType({}),
    *,
    member: str = "",
    most: float = math.inf,
) -> Table:
    """Read files, or members of archives, that hold the same columns, in any order, one below the other.

    Parameters
    ----------
    paths : sequence of Path
        Files of any kind that is read, also of several.
    options : mapping
        `[data.read]`: what is given there is not detected. Keys: see `OPTIONS`.
    member : str
        Which members of a zip or tar to read, a name or a glob; "" takes the only table.
    most : float
        Bytes that a file may unpack to.

    Returns
    -------
    Table
        At least one row and one column, in the order of the first file, to which `first_row` belongs; names are text,
        unique and without blanks around them.

    Raises
    ------
    DataError
        A file cannot be read without guessing, or its columns differ from those of the first: names file, line or
        column, rule and cure.
    SettingsError
        An option is unknown or of the wrong type.
    """
    _check_options(options)
    parts = {name: part for path in paths for name, part in _parts(path, options, member, most).items()}
    whole, first = next(iter(parts.items()))
    for name, part in parts.items():
        if odd := sorted(set(part.frame.columns) ^ set(first.frame.columns)):
            found = f"its columns differ from those of {whole}: {listed(odd)} stand in one of them alone"
            cure = "Files read together need the same columns: rename them, or narrow source in [data] of params.toml."
            raise DataError(f"{name}: {found}.\n{cure}")
    if len(parts) == 1:
        return first
    frames = [part.frame for part in parts.values()]
    joined = {name: _stacked([frame[name] for frame in frames]) for name in first.frame.columns}
    counts = listed([f"{Path(name).name} {len(part.frame):,}" for name, part in parts.items()])
    decisions = dict.fromkeys(line for part in parts.values() for line in part.decisions)
    return Table(pd.DataFrame(joined), (*decisions, f"{len(parts)} files, rows: {counts}"), first.first_row)


def _parts(path: Path, options: Mapping[str, Any], member: str, most: float) -> dict[str, Table]:
    """Read a file, or what it packs: the tables by the name that messages use."""
    named, parts = str(path), dict[str, Table]()
    try:
        contents, notes = packing.unpacked(path, member, most)
        for name, content in contents.items():
            named = str(path) if len(contents) == 1 else f"{path}?member={name}"
            read = _named(_read(content, options))
            parts[named] = replace(read, decisions=(*notes, *read.decisions))
        return parts
    except DataError as error:
        raise DataError(f"{named}: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}).") from None


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
        if not isinstance(value, OPTIONS[key]):
            example = EXAMPLES.get(key, '"text"')
            raise SettingsError(f"{where} {key} = {value!r} has the wrong type.\nExample: {example}.")
        if key in ("separator", "quote") and len(value) > 1 and value != "blanks":
            raise SettingsError(f"{where} {key} = {value!r} must be one character, or 'blanks'.")
        if key == "dates" and value not in ("", "day-first", "month-first") and "%" not in value:
            allowed = "'day-first', 'month-first', or a format like '%d.%m.%Y'"
            raise SettingsError(f"{where} dates = {value!r}.\nAllowed: {allowed}.")


def _read(content: bytes, options: Mapping[str, Any]) -> Table:
    """Read the bytes of a file; the names of the columns are still as they stand."""
    if not content[: dialect.SAMPLE].strip():
        raise DataError(dialect.EMPTY)
    if read := formats.table(content):
        return Table(read[0], tuple(read[1]), 1)
    if content.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        rows, decisions = excel.sheet_rows(content, options.get("sheet"))
        sheet = _with_header(_filled(rows), decisions, options.get("header"))
        typed = [formats.column(name, cells.tolist()) for name, cells in sheet.frame.items()]
        frame = pd.DataFrame(dict(enumerate(typed))).set_axis(sheet.frame.columns, axis=1)
        return Table(frame, sheet.decisions, sheet.first_row)
    _check_is_data(content)
    content, decisions = dialect.as_utf8(content, options.get("encoding", ""))
    if PAGE.match(content[: dialect.SAMPLE].lstrip()):
        cure = "Open the address in a browser and find the download link."
        raise DataError(f"this is a web page or XML, not a table.\n{cure}")
    if read := formats.json_table(content):
        return Table(read[0], (*decisions, *read[1]), 1)
    if formats.ARFF.match(content):
        content = formats.arff_as_csv(content.decode()).encode()
        options = {**options, "separator": ",", "quote": '"', "header": True}
    content, lines_above, separator, above = dialect.preamble(content)
    cells, notes = dialect.cells(content, options.get("separator", separator), options.get("quote"))
    below = _with_header(cells, [*decisions, *above, *notes], options.get("header"))
    return Table(below.frame, below.decisions, below.first_row + lines_above)


def _check_is_data(content: bytes) -> None:
    for start, kind, cure in OTHERS:
        if content.startswith(start):
            raise DataError(f"this is {kind}: it cannot be read. {cure}")
    if any(re.match(start, content) for start in packing.PACKERS):
        raise DataError("packed twice or more: it cannot be read. Unpack it first.")


def _filled(rows: list[list]) -> pd.DataFrame:
    if rows := [row for row in rows if any(cell is not None for cell in row)]:
        return pd.DataFrame(rows, dtype=object)
    raise DataError("the sheet is empty. A header and at least one row are needed.")


def _with_header(cells: pd.DataFrame, decisions: list[str], header: bool | None) -> Table:
    """Take the names from the first row, or give the columns names where it holds values."""
    first, *body = _sampled(cells)
    if header is False or (header is None and not _are_names(first, [row for row in body if row != first])):
        names = [f"column_{place}" for place in range(1, len(first) + 1)]
        why = "given" if header is False else "the first row holds values like those below"
        note = f"no header row ({why}): columns named {names[0]} .. {names[-1]}"
        return Table(cells.set_axis(names, axis=1), (*decisions, note), 1)
    rows, first_row = cells.iloc[1:], 2
    if header is None and len(body) > 2 and _is_second_header(body[0], body[1:]):
        decisions = [*decisions, f"row 2 dropped, a second header: {listed(body[0])}"]
        rows, first_row = rows.iloc[1:], 3
    if repeated := _equal_rows(rows, first) if len(first) > 1 else []:
        many = f"{len(repeated)} (row {first_row + repeated[0]} the first)"
        decisions = [*decisions, f"rows dropped that repeat the header: {many}"]
        rows = rows.drop(index=rows.index[repeated])
        first_row += repeated[0] == 0
    return Table(rows.reset_index(drop=True).set_axis(first, axis=1), tuple(decisions), first_row)


def _sampled(cells: pd.DataFrame) -> list[list[str]]:
    """Return the first rows as text, missing cells as "": fewer where they are wide."""
    rows = cells.head(max(HEADER_CELLS // cells.shape[1], 20)).to_numpy(dtype=object).tolist()
    return [["" if pd.isna(cell) else formats.spelled(cell) for cell in row] for row in rows]


def _are_names(first: list[str], body: list[list[str]]) -> bool:
    """Tell whether the first row holds names: words above numbers say so; numbers, or values that return, say not."""
    words, numbers, returning, repetitive = 0, 0, 0, 0
    for place, (cell, values) in enumerate(_above(first, body)):
        if _are_numeric(values):
            words += _is_name_above_numbers(cell, values)
            is_a_name = cell == str(place) or (YEAR.fullmatch(cell) and not any(map(YEAR.fullmatch, values)))
            numbers += bool(dialect.NUMBER.fullmatch(cell)) and not is_a_name
        elif 0 < len(set(values)) <= len(values) / 2:
            repetitive += 1
            returning += cell in values
    if words or numbers:
        return words >= numbers
    return not repetitive or returning < repetitive / 2


def _above(first: list[str], body: list[list[str]]) -> list[tuple[str, list[str]]]:
    """Return each cell of the first row with the values below it, the missing ones left out."""
    columns = zip(*body, strict=True) if body else [()] * len(first)
    return [(cell, [value for value in column if value]) for cell, column in zip(first, columns, strict=True)]


def _are_numeric(values: list[str]) -> bool:
    return bool(values) and sum(map(bool, map(dialect.NUMBER.fullmatch, values))) >= 0.9 * len(values)


def _is_name_above_numbers(cell: str, values: list[str]) -> bool:
    return cell.strip().lower() not in MARKERS and not dialect.NUMBER.fullmatch(cell) and cell not in values


def _is_second_header(second: list[str], body: list[list[str]]) -> bool:
    """Tell whether every column of numbers (two at least) has another word in this row."""
    above = [(cell, values) for cell, values in _above(second, body) if _are_numeric(values)]
    return len({cell for cell, _ in above}) >= 2 and all(_is_name_above_numbers(cell, values) for cell, values in above)


def _equal_rows(rows: pd.DataFrame, first: list[str]) -> list[int]:
    """Return the places of the rows that equal the header."""
    places = (rows.iloc[:, 0] == first[0]).to_numpy(dtype=bool, na_value=False).nonzero()[0].tolist()
    return [place for place in places if _sampled(rows.iloc[[place]])[0] == first]


def _named(read: Table) -> Table:
    """Check the names: none twice, none blank but at the end above empty cells."""
    frame, decisions = read.frame, list(read.decisions)
    names = [str(name).strip() for name in frame.columns]
    kept = len(names)
    while kept > 1 and not names[kept - 1] and frame.iloc[:, kept - 1].isna().all():
        kept -= 1
    if kept < len(names):
        decisions.append(f"{len(names) - kept} empty columns without a name dropped at the end")
        frame, names = frame.iloc[:, :kept], names[:kept]
    blank = [place for place, name in enumerate(names, 1) if not name]
    if len(blank) > 1:
        raise DataError(f"columns {listed(blank)} have no name. Name them in the header, and delete lines above it.")
    if blank:
        names[blank[0] - 1] = f"column_{blank[0]}"
        decisions.append(f"column {blank[0]} has no name: named column_{blank[0]}")
    if twice := [f"'{name}'" for name, count in Counter(names).items() if count > 1]:
        cure = "Every column needs a name of its own: rename them."
        raise DataError(f"column names that stand twice: {listed(twice)}.\n{cure}")
    if frame.empty:
        raise DataError("a header, but no rows. At least one row is needed.")
    return Table(frame.set_axis(names, axis=1), tuple(decisions), read.first_row)
