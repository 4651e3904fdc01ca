"""What a request may hold: its rows as plain cells, and which of them need no data frame."""

import contextlib
import json
import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, NoReturn

import msgspec
import pandas as pd

from ..engine.columns.dictionary import LABEL, LARGEST, Column, Dictionary
from ..engine.columns.lists import items_of
from ..engine.columns.validate import INTEGERS_THAT_FLOAT_KEEPS
from ..engine.columns.violations import left_out
from ..engine.columns.wording import padded
from ..engine.sources import formats
from .features import Cell, array_of

Row = dict[str, Cell]
PLAIN_TYPES = frozenset([float, int, bool, str, type(None)])
SHAPE = 'A body is {"rows": [{"column": cell, ...}, ...]}, a cell a number, a text, true, false, null or a list of such'
ESCAPES = re.compile(r"(?i)\\\\|\\ud[89ab]..\\ud[c-f]..|\\(ud[89a-f]..)")  # the group: half a pair that stands alone
KEY = 1000  # characters of the key before a number, at most
DECODER = msgspec.json.Decoder()


class BadBody(Exception):
    """A body that holds no rows: what is wrong, and the place."""


def decode(body: bytes, separators: formats.Separators | None = None) -> list[Row]:
    """The rows of a request, `{"rows": [{...}]}`; a list of plain values is the text that it becomes in a file.

    A `BadBody` if it is not JSON in UTF-8, a number that no float holds, a key twice, half a character, or no table of
    plain cells.
    """
    try:
        tree = DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        strictly(body)
        half = next((escape for escape in ESCAPES.finditer(body.decode()) if escape[1]), None)
        raise BadBody(f"half a character, {half[0]} (character {half.start()})." if half else f"{error}.") from None
    rows = tree.get("rows") if type(tree) is dict else None
    if type(rows) is not list or len(tree) != 1:
        strictly(body)
        raise BadBody(f"{SHAPE}.")
    keys = 1
    for number, row in enumerate(rows, start=1):
        if type(row) is not dict:
            raise BadBody(f"row {number} is no object. {SHAPE}.")
        if not PLAIN_TYPES.issuperset(map(type, row.values())):
            for name in [name for name, cell in row.items() if type(cell) not in PLAIN_TYPES]:
                if type(row[name]) is dict or not PLAIN_TYPES.issuperset(map(type, row[name])):
                    raise BadBody(f"row {number}, column {name!r} holds an object, or a list in a list. {SHAPE}.")
                row[name] = formats.one_text(row[name], (separators or {}).get(name, ";"))
        keys += len(row)
    if body.count(b":") > keys:  # a colon in a text, or a key that stands twice, of which only the last is in `rows`
        strictly(body)
    return rows


def strictly(body: bytes) -> None:
    """Read a body again by the standard library, which knows keys that stand twice; a `BadBody` says what is wrong."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            places = [match.start() for match in re.finditer(re.escape(json.dumps(twice)), text)]
            raise BadBody(f"the key {twice!r} stands twice in one object (character {places[-1] if places else 0}).")
        return found

    def refuse(word: str) -> NoReturn:
        place = text.find(word)
        key = re.search(r'"([^"\\]*)"\s*:\s*$', text[max(0, place - KEY) : place])
        where = f"column {key[1]!r}, character {place}" if key else f"character {place}"
        cure = ": send null where a cell is empty" if word == "NaN" else ""
        raise BadBody(f"{word[:40]} is no number that JSON and a float can hold ({where}){cure}.")

    def number(word: str) -> float:
        return value if math.isfinite(value := float(word)) else refuse(word)

    try:
        text = body.decode()
        json.loads(text, object_pairs_hook=once, parse_constant=refuse, parse_float=number)
        return
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 (byte {error.start})"
        if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
            reason = "not UTF-8 (but UTF-16, as > of Windows PowerShell writes it)"
    except RecursionError:
        reason = f"nested too deep. {SHAPE}"
    except json.JSONDecodeError as error:
        reason = f"not JSON: {error.msg} (line {error.lineno}, column {error.colno}, character {error.pos})"
    except ValueError as error:
        reason = str(error).partition(";")[0]
    raise BadBody(f"{reason}.") from None


def without_truth(columns: Dictionary) -> list[str]:
    """The columns but the target and what people said of it."""
    return [name for name, c in columns.items() if c.role != "target" and not c.role.startswith(LABEL)]


class Checker:
    """Tells which rows are as `validate` would leave them under the rules of today, without a data frame."""

    def __init__(self, columns: Dictionary) -> None:
        asked = {name: columns[name] for name in without_truth(columns)}
        self._columns, self._known = columns, frozenset(columns)
        self._readers = {name: reader(column) for name, column in asked.items()}
        self._optional = frozenset(n for n, c in asked.items() if c.role in ("ignored", "id", "group"))
        made = [f"{name!r} is made of other columns" for name, column in asked.items() if column.moment]
        slow = [n for n, c in asked.items() if c.type == "datetime" and n not in self._optional and not ways_of(c)]
        why = [f"{name!r} has dates that are not digits alone" for name in slow]
        self.why = next(iter(made + why), "")  # no row is plain

    def plain(self, row: Row) -> tuple[Row, list[str]] | None:
        """The cells of a row as `validate` would leave them, and its warnings; None where `validate` has to look.

        It has to where a cell breaks a rule, is not in the plain JSON type of its column, or has to be put together.
        """
        if self.why:
            return None
        cells: Row = {}
        for name, read in self._readers.items():
            if name in row:
                if (cell := read(row[name])) is NOT_PLAIN:
                    return None
                cells[name] = cell
            elif name not in self._optional:
                return None
        extra = [name for name in row if name not in self._known] if len(row) > len(cells) else []
        if any(not name.isascii() for name in extra):  # it may be a column in other code points
            return None
        return cells, [left_out(extra, "rows")] if extra else []

    def table(self, rows: list[Row]) -> pd.DataFrame | None:
        """Rows that have the same columns as `validate` would leave them; None where it has to look, or to warn."""
        names = rows[0].keys()
        if not self._known >= names or any(row.keys() != names for row in rows):
            return None
        found = [plain[0] for row in rows if (plain := self.plain(row))]
        if len(found) < len(rows):
            return None
        return pd.DataFrame({n: array_of([cells[n] for cells in found], self._columns[n].type) for n in found[0]})


ISO = re.compile(r"\d{4}-\d\d-\d\d([T ](?!24)\d\d:\d\d(:\d\d(\.\d{6})?)?)?", re.ASCII)
ISO_DAY = re.compile(r"\d{4}-\d\d-\d\d")
DIGITS = {"%Y": r"\d{4}", **dict.fromkeys(["%y", "%m", "%d", "%H", "%M", "%S"], r"\d\d")}
FIRST_YEAR, LAST_YEAR = 1678, 2261  # of what all of pandas' dates can hold
NOT_PLAIN: Any = object()


def reader(column: Column) -> Callable[[Any], Any]:
    """What reads a cell of a column as `validate` would, or answers `NOT_PLAIN`."""
    empty = None if column.missing_allowed or column.role == "ignored" else NOT_PLAIN
    if column.type in ("integer", "number"):
        return number_reader(column, empty)
    if column.type == "boolean":
        return lambda cell: empty if cell is None else cell if type(cell) is bool else NOT_PLAIN
    read = moment_reader(column) if column.type == "datetime" else text_reader(column)
    return lambda cell: empty if cell is None or (cell := read(cell)) is None else cell


def number_reader(column: Column, empty: Any) -> Callable[[Any], Any]:
    """The reader of a column of numbers, which gives `empty` for a missing cell: there may be many such columns."""
    low, high = column.range or (-LARGEST, LARGEST)
    markers = frozenset[float]()
    if column.missing:
        markers = frozenset(pd.to_numeric(pd.Series(column.missing, dtype="str"), errors="coerce").dropna())
    whole = column.type == "integer"

    def read(cell: Any) -> Any:
        if cell is None:
            return empty
        if type(cell) is int and -INTEGERS_THAT_FLOAT_KEEPS <= cell <= INTEGERS_THAT_FLOAT_KEEPS:
            cell = float(cell)
        if type(cell) is not float or not -LARGEST <= cell <= LARGEST:
            return NOT_PLAIN
        if cell in markers:
            return empty
        if not low <= cell <= high:
            return NOT_PLAIN
        if whole:
            return int(cell) if cell.is_integer() else NOT_PLAIN
        return cell

    return read


def moment_reader(column: Column) -> Callable[[Any], Any]:
    """The reader of a column of dates in digits; others, and times with a zone, are for `validate`."""
    ways, words = ways_of(column), [word for word in column.missing if ISO_DAY.match(word)]
    days = {*pd.to_datetime(words, format="ISO8601", errors="coerce", utc=True).dropna().tz_localize(None)}

    def read(cell: Any) -> Any:
        if cell in column.missing:
            return None
        for pattern, form in ways if type(cell) is str else []:
            if pattern is None:
                break
            with contextlib.suppress(ValueError):  # the 31st of February
                moment = datetime.fromisoformat(cell) if pattern is ISO else datetime.strptime(cell, form)
                if not pattern.fullmatch(cell):
                    break
                if moment in days:
                    return None
                if FIRST_YEAR <= moment.year <= LAST_YEAR:
                    return cell if pattern is ISO else moment.isoformat()
                break
        return NOT_PLAIN

    return read


def ways_of(column: Column) -> list[tuple[re.Pattern[str] | None, str]]:
    """Formats of a column's dates, in the order of `validate`, each with its `pattern_of`; [] if the first has none."""
    forms = (column.format or "ISO8601").split(" | ")
    if "%y" in column.format.lower() and "%Y-%d" not in column.format:
        forms.append("ISO8601")
    ways = [(pattern_of(form), form) for form in forms]
    return ways if ways[0][0] else []


def pattern_of(form: str) -> re.Pattern[str] | None:
    """How dates in a format look; None where that is not digits alone, or a day of no year."""
    if form == "ISO8601":
        return ISO
    parts = re.split("(%.?)", form)
    others = [part for part in parts if part[:1] == "%" and part not in DIGITS]
    if others or ("%d" in parts and "%y" not in form.lower()):
        return None
    return re.compile("".join(DIGITS.get(part, re.escape(part)) for part in parts), re.ASCII)


def text_reader(column: Column) -> Callable[[Any], Any]:
    """The reader of a column of categories, texts or lists."""
    allowed = None if column.values is None or column.type == "text" else frozenset(column.values)

    def read(cell: Any) -> Any:
        if type(cell) is not str or not (cell[:1] + cell[-1:]).isprintable() or cell != cell.strip():
            return NOT_PLAIN
        if cell == "" or cell in column.missing:
            return None
        if column.digits and padded(cell, column.digits) != cell:
            return NOT_PLAIN
        parts = items_of(cell, column.separator) if column.type == "list" else [cell]
        return cell if allowed is None or allowed.issuperset(parts) else NOT_PLAIN

    return read
