"""Finds the records of a JSON document, or of values one behind the other: `formats.py` makes a table of them."""

import json
import re
from collections import Counter
from typing import Any, TypeGuard

from ..project.errors import DataError, listed
from .rows import SetAside

JSON_START = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[{\[]|\[.*\]\s*\Z)')
NOT_BLANK = re.compile(r"\S")


def records(whole: object) -> tuple[list[dict], list[str]]:
    """Return the records of a document: itself, or its longest list of records, else its longest table of another form.

    Lists are looked for at most two keys deep.
    """
    if are_records(whole):
        return whole, []
    beneath = whole if isinstance(whole, dict) else {}
    under = {key: value for key, value in beneath.items() if isinstance(value, dict)}
    places = {**beneath, **{f"{key}.{name}": value for key in under for name, value in under[key].items()}}
    found = {place: (value, "") for place, value in places.items() if value and are_records(value)}
    if not found and (table := as_table(whole)):
        return table[0], [table[1]]
    found = found or {place: table for place, value in places.items() if (table := as_table(value))}
    longest, *others = sorted(found, key=lambda place: -len(found[place][0])) or [""]
    if longest:
        taken, how = found[longest]
        if others and len(found[others[0]][0]) == len(taken):
            cure = "Write the one that is meant to a file of its own."
            raise DataError(f"lists of {len(taken)} records under {longest!r} and {others[0]!r}.\n{cure}")
        beside = f"; left out: {listed([f'{place!r} ({len(found[place][0])})' for place in others])}" if others else ""
        note = f"records taken from the list under {longest!r} ({len(taken)}){beside}"
        return taken, [note, how] if how else [note]
    if beneath and list not in (kinds := {*map(type, beneath.values())}) and kinds - {dict}:
        return [beneath], []
    cure = 'Write it as [{"column": value, ...}, ...] or as one record per line.'
    raise DataError(f"JSON, but not a list of records.\n{cure}")


def are_records(value: object) -> TypeGuard[list[dict]]:
    """Whether a value is a list of objects."""
    return isinstance(value, list) and all(isinstance(record, dict) for record in value)


def as_table(value: object) -> tuple[list[dict], str] | None:
    """Return lists below a list of their names, or columns, as records, and where the names stood; None of others."""
    if isinstance(value, list):
        return named_rows(value, "names taken from the first list", sure=False)
    if not isinstance(value, dict):
        return None
    names, rows = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(rows, list):  # as pandas writes it split
        return named_rows([names, *rows], "names taken from 'columns'", sure=True)
    return of_columns(value) if len(value) > 1 else None


def named_rows(lists: list, how: str, *, sure: bool) -> tuple[list[dict], str] | None:
    """Records of lists of one length; the first holds the names, unless all are texts and that is not `sure`."""
    if not lists or not all(isinstance(row, list) and len(row) == len(lists[0]) > 1 for row in lists):
        return None
    names, *rows = lists
    kinds = {type(cell) for row in rows for cell in row if cell is not None}
    if {*map(type, names)} != {str} or len({*names}) < len(names) or not (sure or kinds - {str}):
        return None
    return [dict(zip(names, row, strict=True)) for row in rows], how


def of_columns(value: dict) -> tuple[list[dict], str] | None:
    """Records of an object that holds columns of one length: lists of plain cells, or cells by their numbers."""
    columns = list(value.values())
    if all(isinstance(column, dict) and [*column] == [*map(str, range(len(column)))] for column in columns):
        columns = [list(column.values()) for column in columns]  # as pandas writes a table
    alike = all(isinstance(column, list) and len(column) == len(columns[0]) > 1 for column in columns)
    if not alike or any(isinstance(cell, (dict, list)) for column in columns for cell in column):
        return None
    rows = [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]
    return rows, f"columns of one object: {listed([*value])}"


def loaded(content: bytes) -> tuple[Any, list[int], list[SetAside]]:
    """Return what JSON holds, of values behind each other a list; of one a line, their and the damaged lines."""
    decoder, text = json.JSONDecoder(object_pairs_hook=record), content.decode()
    values, start = list[Any](), NOT_BLANK.search(text)
    try:
        while start:
            value, end = decoder.raw_decode(text, start.start())
            values.append(value)
            start = NOT_BLANK.search(text, end)
        return values if len(values) > 1 else values[0], [], []
    except json.JSONDecodeError as error:
        first = error
    found, aside = dict[int, Any](), list[SetAside]()
    for number, line in enumerate(text.split("\n")):
        try:
            found |= {number: decoder.decode(line)} if line.strip() else {}
        except json.JSONDecodeError:
            aside.append(SetAside(number + 1, "not valid JSON", line.rstrip("\r")))
    if len(aside) >= sum(isinstance(value, (dict, list)) for value in found.values()):
        raise DataError(f"line {first.lineno}: not valid JSON ({first.msg}). Mend it, or fetch it again.")
    return [*found.values()], [*found], aside


def record(pairs: list[tuple[str, object]]) -> dict:
    """Return an object of JSON; a `DataError` if a key stands twice in it."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = [f"'{key}'" for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        raise DataError(f"a record holds {listed(twice)} twice. A key stands once: rename one.")
    return found
