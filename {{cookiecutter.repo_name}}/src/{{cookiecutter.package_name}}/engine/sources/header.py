"""Finds the table in a sheet of cells: the names of its columns, what stands above, below and beside it.

The name of the target, where it is known, is the strongest hint for which row holds the names. What is left out is
returned as lines set aside, or said.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..project.errors import DataError, counted, listed
from . import formats
from .dialect import NUMBER
from .mending import TITLES, YEAR, row_with
from .rows import ABOVE, BELOW, Rows, SetAside

MARKERS = frozenset({"", "?", "-", ".", "na", "n/a", "nan", "null", "none", "nil", "unknown", "missing", "#n/a"})
HEADER_CELLS = 50_000  # cells from which is told whether the first row holds names
SLIPS = 0.05  # share of the values of a column
ROUNDED = 0.01  # share by which a total may differ from the sum
SENTENCE = 5  # words; a name of a column has fewer
Names = tuple[list[str], int, list[str]]  # of the columns, how many rows hold them, and what was decided
CLOSING = re.compile(
    r"(?i)\W*((grand|sub)[ -]?)?(?:(?P<mean>average)|(?P<sum>total|summe?|gesamt)|source|quelle|(foot)?note)s?\b"
)


def locate(cells: Rows, options: Mapping[str, Any], target: str = "") -> tuple[pd.DataFrame, list[str], list[SetAside]]:
    """Return the table with its names, what was decided, and the rows left out above and below it.

    Of `[data.read]` the options `header` (false: there is none), `columns` (the names) and `footer` (rows to leave out
    at the end) count. A `DataError` if `columns` names more or fewer columns than there are, or `footer` all rows.
    """
    frame, footer = cells.frame, options.get("footer", 0)
    if not 0 <= footer < len(frame):
        raise DataError(f"footer = {footer} in [data.read]: the table has {len(frame)} rows. Leave fewer out.")
    frame = frame.iloc[: len(frame) - footer]
    head, notes = sampled(frame), list[str]()
    if frame.shape[1] > 4 and not all(map(any, zip(*head, strict=True))):
        frame, notes = _chosen_block(frame, target)
        head = sampled(frame)
    start = cells.start + _start(head[cells.start :], target) if options.get("header") is None else 0
    aside = _left_out(frame, range(start), ABOVE)
    keyed = [all('"ImportId"' in cell for cell in row) for row in head[start : start + 4]]
    if keyed == [False, False, True, False]:  # of Qualtrics: the questions, and keys
        aside += _left_out(frame, range(start + 1, start + 3), ABOVE)
        frame = frame.drop(index=frame.index[start + 1 : start + 3])
        del head[start + 1 : start + 3]
    names, skipped, more = _names(head, start, options, target)
    rows = frame.iloc[start + skipped :]
    notes += more
    end, is_second = _end(rows, names)
    aside += _left_out(rows, range(end, len(rows)), BELOW)
    if is_second:
        notes.append(f"a second table from row {rows.index[end] + 1} on left out")
    if end < len(rows) or cells.blank:
        rows = rows.iloc[:end].drop(index=cells.blank, errors="ignore")
    rows, more = _without_repeated(rows, head[start] if skipped else [])
    said = Counter(line.reason for line in aside)
    notes += [f"left out {reason}: {counted(count, 'line')}" for reason, count in said.items()]
    return rows.set_axis(names, axis=1), notes + more, aside


def sampled(cells: pd.DataFrame) -> list[list[str]]:
    """Return the first rows as text, missing cells as "": fewer where they are wide."""
    return _as_text(cells.head(_sample(cells)))


def _sample(cells: pd.DataFrame) -> int:
    return max(HEADER_CELLS // max(cells.shape[1], 1), 20)


def _as_text(cells: pd.DataFrame) -> list[list[str]]:
    rows = cells.to_numpy(dtype=object).tolist() if len(cells) else []  # of many columns, that takes long
    return [["" if pd.isna(cell) else formats.spelled(cell).strip() for cell in row] for row in rows]


def _left_out(frame: pd.DataFrame, places: range, reason: str) -> list[SetAside]:
    rows = frame.iloc[places.start : places.stop]
    texts = [",".join(row).strip(",") for row in _as_text(rows)]
    return [SetAside(line + 1, reason, text) for line, text in zip(rows.index, texts, strict=True) if text]


def _filled(row: list[str]) -> int:
    return sum(map(bool, row))


def _start(head: list[list[str]], target: str) -> int:
    """Return the place of the row with the names, or of the first row where none has them."""
    if (place := row_with(head[:TITLES], target)) is not None:
        return place
    typical = float(np.median([_filled(row) for row in head if any(row)] or [1]))
    for place, row in enumerate(head[:TITLES]):
        sparse = _filled(row) < typical / 2 or (_filled(row) == 1 < typical and row[0])
        if not sparse:
            few_names = place and any(head[place - 1]) and any(map(NUMBER.fullmatch, row))
            return place - 1 if few_names and not _are_names(row, head[place + 1 :]) else place
    return 0


def _names(head: list[list[str]], start: int, options: Mapping[str, Any], target: str) -> Names:
    """Return the names: those that are given, or places where the row at `start` holds values, or what rows hold."""
    first, *body = head[start:]
    width, given = len(first), options.get("header")
    if columns := list(options.get("columns", ())):
        if len(columns) != width:
            raise DataError(f"columns in [data.read] has {len(columns)} names, the table {width} columns.")
        return columns, int(bool(given)), [f"names as given in [data.read]: {listed(columns)}"]
    known = row_with([first], target) is not None
    values = [row for row in body if row != first] or ([first] if all(map(NUMBER.fullmatch, first)) else [])
    if given is False or not (given or known or _are_names(first, values)):
        return _numbered(width, "given" if given is False else "the first row holds values like those below", target)
    return _of_rows(first, body if given is None else [], head[start - 1] if start else [])


def _of_rows(first: list[str], below: list[list[str]], groups: list[str]) -> Names:
    """Return the names in the first row, with what rows below it add to them, or the `groups` in the one above."""
    names, used = first, 1
    while more := _completed(names, below[used - 1 :]):
        names, used = more[0], used + more[1]
    if used > 1:
        return names, used, [f"names joined from {used} rows"]
    if len(below) > 2 and _is_second_header(below[0], below[1:]):
        if all(first) and len(set(first)) == len(first):
            return first, 2, [f"row 2 dropped, a second header: {listed(below[0])}"]
        return _joined(first, below[0]), 2, ["names joined from two rows"]
    if (_filled(groups) > 1 or (any(groups) and not groups[0])) and len(set(first)) < len(first):
        return _joined(groups, first), 1, ["names joined from two rows"]
    return first, 1, []


def _numbered(width: int, why: str, target: str) -> Names:
    """Return names by place, for a table without any."""
    names = [f"column_{place}" for place in range(1, width + 1)]
    note = f"no header row ({why}): columns named {names[0]} .. {names[-1]}"
    if target.isdecimal() and 0 < int(target) <= width:
        names[int(target) - 1] = target
        note += f", the target {target} by its place"
    return names, 0, [note]


def _completed(names: list[str], below: list[list[str]]) -> tuple[list[str], int] | None:
    """Return names joined with those of the first row that is not empty, if it names columns that have none.

    With them comes how many rows that took; None where it names none, or too few rows are below it.
    """
    place = next((place for place, row in enumerate(below) if any(row)), len(below))
    if len(below) < place + 4:
        return None
    row, rest = below[place], below[place + 1 :]
    lacking = [column for column, name in enumerate(names) if not name and row[column]]
    if not lacking or not any(names[: lacking[0]]):
        return None
    held = map(set, zip(*rest, strict=True))
    pairs = zip(row, held, strict=True)
    words = not any(cell and (NUMBER.fullmatch(cell) or cell in there) for cell, there in pairs)
    return (_joined(names, row), place + 1) if words else None


def _joined(groups: list[str], names: list[str]) -> list[str]:
    """Join names with those of the groups above, which reach to the next one."""
    joined, group = [], ""
    for above, name in zip(groups, names, strict=True):
        group = above or group
        joined.append(f"{group if name else above} {name}".strip() if group != name else name)
    return joined


def _are_names(first: list[str], body: list[list[str]]) -> bool:
    """Tell whether the first row holds names: words above numbers say so; numbers, or values that return, say not."""
    words, numbers, returning, repetitive = 0, 0, 0, 0
    for place, (cell, values) in enumerate(_above(first, body)):
        if _are_numeric(values):
            words += _is_name_above_numbers(cell, values)
            is_a_name = cell == str(place) or (YEAR.fullmatch(cell) and not any(map(YEAR.fullmatch, values)))
            numbers += bool(NUMBER.fullmatch(cell)) and not is_a_name
        elif 0 < len(set(values)) <= len(values) / 2:
            repetitive += 1
            returning += values.count(cell) > SLIPS * len(values)  # names return above a second part of a table
    if words or numbers:
        return words >= numbers
    return not repetitive or returning < repetitive / 2


def _above(first: list[str], body: list[list[str]]) -> list[tuple[str, list[str]]]:
    """Return each cell of the first row with the values below it, the missing ones left out."""
    columns = zip(*body, strict=True) if body else [()] * len(first)
    return [(cell, [value for value in column if value]) for cell, column in zip(first, columns, strict=True)]


def _are_numeric(values: list[str]) -> bool:
    return bool(values) and sum(map(bool, map(NUMBER.fullmatch, values))) >= 0.9 * len(values)


def _is_name_above_numbers(cell: str, values: list[str]) -> bool:
    return cell.lower() not in MARKERS and not NUMBER.fullmatch(cell) and cell not in values


def _is_second_header(second: list[str], body: list[list[str]]) -> bool:
    """Tell whether every column of numbers (two at least) has another word in this row."""
    above = [(cell, values) for cell, values in _above(second, body) if _are_numeric(values)]
    return len(above) >= 2 and all(_is_name_above_numbers(cell, vs) for cell, vs in above)


def _end(rows: pd.DataFrame, names: list[str]) -> tuple[int, bool]:
    """Return after how many rows the table ends, and whether another table follows."""
    parting = np.flatnonzero(rows.iloc[:-3, 0].isna().to_numpy())
    parting = parting[rows.iloc[parting].isna().all(axis=1).to_numpy()]
    span, near = min(TITLES, _sample(rows)), np.zeros(len(rows) + TITLES, dtype=bool)
    for distance in range(1, span + 1):
        near[parting + distance] = True
    texts, at = _as_text(rows[near[: len(rows)]]) if near.any() else [], np.cumsum(near)
    for place in parting:
        after = texts[at[place] : at[place] + span]
        if _filled(after[0]) > 1 and after[0] != names and _is_second_header(after[0], after[1:]):
            return int(place), True
    tail = sampled(rows.tail(TITLES))
    typical = float(np.median([_filled(row) for row in tail if any(row)] or [0]))
    while tail and _is_note(tail[-1], tail[-2] if len(tail) > 1 else [], typical, rows):
        tail.pop()
        rows = rows.iloc[:-1]
    return len(rows), False


def _is_note(row: list[str], before: list[str], typical: float, rows: pd.DataFrame) -> bool:
    """Tell whether the last of these rows is a footnote, a total or empty."""
    if not any(row):
        return True
    first = next(filter(None, row))
    if closing := CLOSING.match(first):  # `Total Recall` is a film, `Average` may be a grade
        rest = first[closing.end() :].rstrip(" .")
        if rest in ("", ":") and closing.lastgroup and any(map(NUMBER.fullmatch, row)):
            return _adds_up(row, rows, closing.lastgroup)
        few = _filled(row) == 1 < typical / 2 or (rest[:1] in ("", ":") and _filled(row) <= typical / 2)
        return few and not (rows.iloc[:-1, row.index(first)] == first).any()
    sparse = _filled(row) <= min(2, (typical - 1) / 2) and bool(row[0])
    return sparse and (not any(before) or (_filled(row) == 1 and len(first.split()) >= SENTENCE))


def _adds_up(row: list[str], rows: pd.DataFrame, how: str) -> bool:
    """Tell whether half of the numbers in the last row are those above them put together, by `sum` or by `mean`."""
    places = [place for place, cell in enumerate(row) if NUMBER.fullmatch(cell)]
    digits = rows.iloc[:, places].astype("str").replace(r"[^\d.-]", "", regex=True)
    numbers = digits.apply(pd.to_numeric, errors="coerce")
    return bool(np.isclose(numbers.iloc[:-1].agg(how), numbers.iloc[-1], rtol=ROUNDED).mean() >= 1 / 2)


def _without_repeated(rows: pd.DataFrame, first: list[str]) -> tuple[pd.DataFrame, list[str]]:
    alike = rows[(rows.iloc[:, 0] == first[0]).to_numpy(dtype=bool, na_value=False)] if len(first) > 1 else rows[:0]
    repeated = [line for line, cells in zip(alike.index, _as_text(alike), strict=True) if cells == first]
    if not repeated:
        return rows, []
    note = f"rows dropped that repeat the header: {len(repeated)} (row {repeated[0] + 1} the first)"
    return rows.drop(index=repeated), [note]


def _chosen_block(frame: pd.DataFrame, target: str) -> tuple[pd.DataFrame, list[str]]:
    """Of tables side by side, parted by empty columns, of different lengths, take the target's, or the largest."""
    empty = np.flatnonzero(frame.isna().all().to_numpy())
    full = np.setdiff1d(np.arange(frame.shape[1]), empty)
    parts = np.split(full, np.flatnonzero(np.diff(full) > 1) + 1)
    blocks = [frame.iloc[:, part].dropna(how="all") for part in parts if len(part) > 1]
    if len({block.index[-1] for block in blocks if len(block)}) < 2:
        return frame, []
    holding = [block for block in blocks if row_with(sampled(block)[:TITLES], target) is not None]
    chosen = holding[0] if holding else max(blocks, key=lambda block: block.size)
    places = f"{chosen.columns[0] + 1} to {chosen.columns[-1] + 1}"
    note = f"{len(blocks)} tables side by side: columns {places} taken"
    return chosen.set_axis(range(chosen.shape[1]), axis=1), [note]
