"""An example row of a run, for people and programs: usual values, none of them a person's."""

import functools
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from ..engine.columns import moments
from ..engine.columns.dictionary import Column, Dictionary, by_role
from ..engine.columns.lists import items_of
from ..engine.runs import training_rows
from .features import plain
from .schema import Cell, Row
from .versions import Version

TENTH = 0.1  # share: of texts that all differ, a run keeps ten
MOSTLY = 0.5  # share of empty cells above which a cell is usually empty
MODELLED, ASIDE = ("feature", "time"), ("id", "group")  # roles of columns that a model sees; that are kept beside


def asked(columns: Dictionary) -> Dictionary:
    """The columns that somebody is asked for, those that a model sees first; for a moment its parts, by its rules."""
    to_make = moments.to_make(columns, ())
    empty = {part: moment.missing_allowed for moment in to_make.values() for part in moment.moment}
    names = dict.fromkeys([*by_role(columns, *MODELLED), *empty, *by_role(columns, *ASIDE)])
    ruled = moments.with_rules({name: columns[name] for name in names if name not in to_make}, to_make)
    return {n: replace(column, missing_allowed=empty.get(n, column.missing_allowed)) for n, column in ruled.items()}


def row(version: Version) -> dict[str, Any]:
    """A row that is answered: what is usual, lists as such, without the columns that may be left out."""
    columns, found = asked(version.columns), dict[str, Any]()
    for name, cell in usual(version).items():
        if cell is not None or columns[name].role not in ASIDE:
            separator = columns[name].separator  # of a list alone
            found[name] = items_of(str(cell), separator) if separator and cell else cell
    return found


def usual(version: Version) -> Row:
    """A usual value of each column: of the dev split in training, or what its dictionary suggests."""
    known, found = dict(background(version.folder / training_rows.USUAL)), Row()
    for name, moment in moments.to_make(version.columns, ()).items():  # a date and a time are parts of it
        dates = [part for part in moment.moment if version.columns[part].type == "datetime" and part not in known]
        known |= dict.fromkeys(dates, known.get(name)) if known else {}
    for name, column in asked(version.columns).items():
        cell = known.get(name)
        if column.type == "datetime" and isinstance(cell, str):
            cell = dated(column, datetime.fromisoformat(cell))
        empty = column.role in ASIDE or (known and column.missing_allowed)
        suggested = None if empty else suggestion(column)
        found[name] = suggested if cell is None or not is_allowed(column, cell) else cell
    return found


def dated(column: Column, moment: datetime) -> str:
    """A moment as a column writes it."""
    form = column.format.split(" | ")[0] or "%Y-%m-%d"
    return moment.strftime(form.replace("%q", str((moment.month + 2) // 3)))


def is_allowed(column: Column, cell: Cell) -> bool:
    """Whether a usual value is one under the rules of today."""
    if column.range and isinstance(cell, int | float):
        return column.range[0] <= cell <= column.range[1]
    return column.values is None or column.type != "category" or cell in column.values


def suggestion(column: Column) -> Cell:
    """A cell that a column allows."""
    if column.values:
        return column.values[0]
    low, high = column.range or (0.0, 0.0)
    middle, day = low + (high - low) / 2, dated(column, datetime(2026, 1, 31))
    cells: dict[str, Cell] = {"integer": round(middle), "number": middle, "boolean": True, "datetime": day}
    return cells.get(column.type, "text")


@functools.cache
def background(path: Path) -> Row:
    """Of each column that a run kept usual values of, the median, or the word of more than a tenth; none is a row's."""
    found = Row()
    for name, cells in (pd.read_parquet(path) if path.is_file() else pd.DataFrame()).items():
        words = cells.value_counts() / len(cells)  # of all: of many words each stands there ten times
        if cells.dtype.kind in "ifM":
            usual = plain(cells.quantile(interpolation="lower"))
        else:
            usual = words.index[0] if words.max() > TENTH else None
        moment = isinstance(usual, pd.Timestamp)
        found[str(name)] = None if cells.isna().mean() > MOSTLY else str(usual) if moment else plain(usual)
    return found
