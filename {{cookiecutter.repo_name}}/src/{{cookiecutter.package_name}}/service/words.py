"""Between people and rows: the fields of a form, cells as text and back, the templates."""

import contextlib
import functools
import json
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import msgspec

from ..engine.columns.dictionary import Column, Dictionary
from ..engine.columns.spelling import CLOCKS
from ..engine.report.verdict import number, percent, scored
from ..engine.sources import formats
from .example import MODELLED, asked, dated
from .schema import Cell, Row

JSON_NUMBER = msgspec.json.Decoder(int | float)
OF_PAGES = Path(__file__).parent


def fields(columns: Dictionary, row: Row, problems: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fields of a form, each with what is wrong with it in words for who fills it in; so the problems, too."""
    found = []
    for place, (name, column) in enumerate(asked(columns).items()):
        mine = [one for one in problems if one["column"] == name]
        text = written(column, row.get(name))
        for one in mine:
            one |= {"place": f"c{place}", "problem": wrong(column, text, one["problem"])}
        field = {"name": name, "place": f"c{place}", "column": column, "allowed": allowed(column), "value": text}
        field["needed"] = column.role in MODELLED and not column.missing_allowed
        found.append(field | {"problem": "; ".join(dict.fromkeys(one["problem"] for one in mine))})
    return found


def allowed(column: Column) -> str:
    """What may stand in a field, in words; "" where the field shows it."""
    kinds = {"integer": "a whole number", "number": "a number", "list": f"several, parted by “{column.separator}”"}
    kinds["datetime"] = f"a {'time' if column.format in CLOCKS else 'date'} like {dated(column, datetime.now())}"
    limits = "from {:g} to {:g}".format(*column.range).replace(".", column.decimal) if column.range else ""
    parts = [kinds.get(column.type, ""), limits, f"in {column.unit}" if column.unit else ""]
    return " ".join(part for part in parts if part)


def in_order(classes: Sequence[Any], target: Column) -> list[Any]:
    """The classes in the order of `values` in the data dictionary: low, medium, high."""
    places = {value: place for place, value in enumerate(target.values or ())}
    return sorted(classes, key=lambda label: places.get(str(label), len(places)))


def wrong(column: Column, text: str, problem: str) -> str:
    """What is wrong with a cell that breaks a rule, in words for who wrote it."""
    if not text:
        return "Needed"
    if column.values is not None:
        return f"“{text}” is not known here"
    other = column.type == "number" and {".": ",", ",": "."}.get(column.decimal, "\0") in text
    sign = f"; the decimal sign is “{column.decimal}” here" if other else ""
    return f"“{text}” is not {allowed(column)}{sign}" if allowed(column) else problem


def broken(columns: Dictionary, warnings: Sequence[str]) -> list[str]:
    """The columns of a row that break a rule that only warns, as its warnings say."""
    rules = [name for name, column in asked(columns).items() if column.rule == "warn" and column.role in MODELLED]
    return [name for name in rules if any(f"column {name!r} has " in warning for warning in warnings)]


def written(column: Column, cell: Cell) -> str:
    """A cell as a person writes it."""
    text = "" if cell is None else formats.spelled(cell)
    return text.replace(".", column.decimal) if isinstance(cell, float) else text


def row_of(columns: Dictionary, texts: Mapping[str, str]) -> Row:
    """What a person wrote as a program would send it; empty is no cell, or no column where there need not be one."""
    fields = asked(columns)
    row = {name: read(column, texts.get(name, "").strip()) for name, column in fields.items()}
    return {name: cell for name, cell in row.items() if cell is not None or fields[name].role in MODELLED}


def read(column: Column, text: str) -> Cell:
    """A text as a cell: in its JSON type, where it is a number but for the decimal sign; an id as it stands."""
    if column.type == "boolean" and text in ("true", "false"):
        return text == "true"
    other_sign = column.decimal == "," and "." in text
    if column.type in ("integer", "number") and column.role != "id" and not other_sign:
        with contextlib.suppress(msgspec.DecodeError):  # `validate` says what is wrong with it
            return JSON_NUMBER.decode(text.replace(column.decimal, "."))
    return text or None


def shown(cell: Any) -> str:
    """A cell as people read it."""
    if cell is None or cell == "" or isinstance(cell, bool):
        return {True: "yes", False: "no"}.get(cell, "missing")
    if isinstance(cell, int | float) and cell == cell // 1 and abs(cell) < 10_000:  # 2026, not 2,026
        return str(int(cell))
    return number(cell) if isinstance(cell, int | float) else formats.spelled(cell)


PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(OF_PAGES / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
PAGES.globals |= {"few": 30, "many": 300, "infinite": float("inf")}  # choices that a list shows, or that are offered
PAGES.filters |= {"number": number, "percent": percent, "shown": shown, "quoted": shlex.quote}
PAGES.filters |= {"scoring": lambda value, metric: scored(metric, value), "spelled": formats.spelled}
PAGES.filters |= {"json": functools.partial(json.dumps, ensure_ascii=False), "told": json.loads}
PAGES.tests["known"] = lambda value: value is not None and value == value
