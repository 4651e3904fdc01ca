"""Between people and rows: the fields of a form, cells as text and back, what an answer hangs on, the templates."""

import functools
import json
import math
import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from ..engine.columns.dictionary import Column, Dictionary, by_role
from ..engine.project.errors import DataError
from ..engine.report.verdict import number, percent, scored
from ..engine.runs import training_rows
from ..engine.sources import formats
from . import openapi
from .app import Service
from .schema import Cell, Row
from .versions import Busy, Version

COMPARED, TOLD = 32, 6  # columns that are put back to a usual value, and those that are told
LITTLE = 0.0005  # of a probability: nobody would tell the difference
TENTH = 0.1  # share: of texts that all differ, a run keeps ten
MODELLED = ("feature", "time")
DATE = "%Y-%m-%d"
FOLDER = Path(__file__).parent


def asked(columns: Dictionary) -> list[str]:
    """The columns that a person is asked for, those that a model sees first."""
    made = [name for name, column in columns.items() if column.moment and column.role != "ignored"]
    parts = [part for name in made for part in columns[name].moment]
    others = [*parts, *by_role(columns, "id", "group")]
    return list(dict.fromkeys(name for name in [*by_role(columns, *MODELLED), *others] if name not in made))


def fields(columns: Dictionary, row: Row, problems: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The fields of a form, each with what is wrong with it; the problems get the place of their field."""
    found = []
    for place, name in enumerate(asked(columns)):
        column, here = columns[name], [one for one in problems if one["column"] == name]
        for one in here:
            one["place"] = f"c{place}"
        form = column.format.split(" | ")[0] or DATE
        field = {"name": name, "place": f"c{place}", "column": column, "today": datetime.now().strftime(form)}
        needed = column.role in MODELLED and not column.missing_allowed
        wrong = "; ".join(one["problem"] for one in here)
        found.append(field | {"value": written(column, row.get(name)), "needed": needed, "problem": wrong})
    return found


def written(column: Column, cell: Cell) -> str:
    """A cell as a person writes it."""
    text = "" if cell is None else formats.spelled(cell)
    return text.replace(".", column.decimal) if isinstance(cell, float) else text


def row_of(columns: Dictionary, texts: Mapping[str, str]) -> Row:
    """What a person wrote as a program would send it; empty is no cell, or no column where there need not be one."""
    row = {name: read(columns[name], texts.get(name, "").strip()) for name in asked(columns)}
    return {name: cell for name, cell in row.items() if cell is not None or columns[name].role in MODELLED}


def read(column: Column, text: str) -> Cell:
    """A text as a cell: in its JSON type, where the column writes it as JSON does."""
    if column.type == "boolean" and text in ("true", "false"):
        return text == "true"
    if column.type in ("integer", "number") and column.decimal == "." and not column.thousands:
        try:
            return value if math.isfinite(value := float(text)) else text
        except ValueError:
            pass  # `validate` says what is wrong with it
    return text or None


def shown(cell: Any) -> str:
    """A cell as people read it."""
    if cell is None or cell == "" or isinstance(cell, bool):
        return {True: "yes", False: "no"}.get(cell, "nothing")
    if isinstance(cell, int | float) and cell == cell // 1 and abs(cell) < 10_000:  # 2026, not 2,026
        return str(int(cell))
    return number(cell) if isinstance(cell, int | float) else formats.spelled(cell)


def usual(service: Service, version: Version) -> Row:
    """A usual value of each column: among the rows held out in training, or what its dictionary suggests."""
    known, columns = background(service.project.models / version.name / training_rows.USUAL), version.columns
    suggested, found = openapi.example(columns), Row()
    for name in asked(columns):
        empty = columns[name].role not in MODELLED or (known and columns[name].missing_allowed)
        cell = known.get(name, None if empty else suggested.get(name))
        if columns[name].type == "datetime" and isinstance(cell, str):
            cell = datetime.fromisoformat(cell).strftime(columns[name].format.split(" | ")[0] or DATE)
        found[name] = cell
    return found


@functools.cache
def background(path: Path) -> Row:
    """Of each column that a run kept usual values of, the median, or the word of more than a tenth; none is a row's."""
    found = Row()
    for name, cells in (pd.read_parquet(path) if path.is_file() else pd.DataFrame()).items():
        words = cells.value_counts(normalize=True)
        if cells.dtype.kind in "ifM":
            found[str(name)] = cells.quantile(interpolation="lower")
        elif len(words) and words.iloc[0] > TENTH:
            found[str(name)] = words.index[0]
    plain = {name: cell.item() if isinstance(cell, np.generic) else cell for name, cell in found.items()}
    return {name: f"{cell}" if isinstance(cell, pd.Timestamp) else cell for name, cell in plain.items() if cell == cell}


async def reasons(service: Service, version: Version, row: Row, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the answer hangs on most: by how much it would differ were a column usual, one column after the other."""
    columns = version.columns
    other = {name: cell for name, cell in usual(service, version).items() if columns[name].role in MODELLED}
    other = {name: cell for name, cell in other.items() if shown(cell) != shown(row.get(name))}
    names = sorted(other, key=lambda name: -distance(columns[name], row.get(name), other[name]))[:COMPARED]
    try:
        answers = await service.versions.answer(version, [row | {name: other[name]} for name in names]) if names else []
    except (DataError, Busy):
        return []
    changes = [change(said, one.output) for one in answers]
    found = sorted(zip(changes, names, strict=True), key=lambda one: -abs(one[0]))[:TOLD]
    least, most = LITTLE if "probability" in said else 0.0, max(map(abs, changes), default=0.0)
    return [
        {"column": name, "here": row.get(name), "usual": other[name], "change": by, "width": 100 * abs(by) / most}
        for by, name in found
        if abs(by) > least
    ]


def distance(column: Column, here: Cell, usual: Cell) -> float:
    """How far a cell is from another: as a share of the range, or 1."""
    if isinstance(here, int | float) and isinstance(usual, int | float) and column.range:
        return abs(here - usual) / (column.range[1] - column.range[0] or 1)
    return 1.0


def change(said: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """By how much an answer is above another: in the probability of what it says, or in its number."""
    if "probability" not in said:
        return said["prediction"] - other["prediction"]
    same = other["probability"] if other["prediction"] == said["prediction"] else 0.0  # where classes have no columns
    return said["probability"] - other.get(f"probability_{said['prediction']}", same)


def scoring(value: float | None, metric: str) -> str:
    """A value of a metric."""
    return scored(metric, value)


PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
PAGES.globals |= {"few": 30, "many": 300, "infinite": float("inf")}  # choices that a list shows, or that are offered
PAGES.filters |= {"number": number, "percent": percent, "scoring": scoring, "shown": shown, "quoted": shlex.quote}
PAGES.filters |= {"json": functools.partial(json.dumps, ensure_ascii=False)}
PAGES.tests["known"] = lambda value: value is not None and value == value
