"""What `add_features` of a run makes of one row of plain cells, and what its dates are in numbers.

That of the template adds the days between every two dates, which needs no data frame. Any other gets one row, typed as
`validate` leaves it, and its cells are taken from what it gives back.
"""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..engine.columns.moments import CLOCK_DAY
from ..engine.runs.loading import Run
from .trees import NotCompiled

DEFAULTS = (  # SHA-256 of the template's features.py, and of one before it that computes the same
    "b1272e193c53bc95496c9447d7dcc77e89b9f7d89da89acd9ae4af26f06adf42",
    "264168c1b11e8580cd74b54ebd1211ce5468eab87bbcaa8a3b4a969a8592360d",
)
SECONDS_A_DAY, SECONDS_AN_HOUR = 86_400.0, 3600
EPOCH = datetime(1970, 1, 1).toordinal()
Cell = float | int | bool | str | None
Cells = Mapping[str, Cell]


def of(run: Run, needed: list[str]) -> Callable[[Cells], Mapping[str, Any]]:
    """From cells before `add_features` to those of the columns that the model needs."""
    if made := [name for name in needed if name in run.columns and run.columns[name].moment]:
        raise NotCompiled(f"{made[0]!r} is made of other columns")
    file = getattr(sys.modules.get(run.add_features.__module__), "__file__", None)
    if file is not None and hashlib.sha256(Path(file).read_bytes()).hexdigest() in DEFAULTS:
        return days_of(run, needed)

    def own_features(cells: Cells) -> dict[str, Any]:
        row = {name: array_of([cells[name]], column.type) for name, column in run.columns.items() if name in cells}
        rows = run.add_features(pd.DataFrame(row))
        return {name: plain(rows[name].array[0]) for name in needed}

    return own_features


def days_of(run: Run, needed: list[str]) -> Callable[[Cells], Mapping[str, Any]]:
    """The cells and, where the model needs them, the days between every two dates."""
    pairs = combinations([name for name, column in run.columns.items() if column.type == "datetime"], 2)
    days = {name: pair for pair in pairs if (name := f"days from {pair[0]} to {pair[1]}") in needed}

    def with_days(cells: Cells) -> dict[str, Any]:
        return {**cells, **{name: days_between(cells[start], cells[end]) for name, (start, end) in days.items()}}

    return with_days if days else lambda cells: cells


def days_between(start: Any, end: Any) -> float | None:
    """The days from one date to the other; None between a date and a time of day, or where one is missing."""
    start, end = as_moment(start), as_moment(end)
    if start is None or end is None or (start.date() == CLOCK_DAY.date()) != (end.date() == CLOCK_DAY.date()):
        return None
    return (end - start) // timedelta(microseconds=1) / 1e6 / SECONDS_A_DAY


def parts_of(cell: Any) -> tuple[float, ...]:
    """The six numbers of one date."""
    moment = as_moment(cell)
    if moment is None:
        return (np.nan,) * 6
    moment = moment.replace(tzinfo=None)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    hour = (moment - midnight).total_seconds() / SECONDS_AN_HOUR
    return moment.year, moment.month, moment.day, moment.weekday(), hour, moment.toordinal() - EPOCH


def as_moment(cell: Any) -> datetime | None:
    """A date, text in ISO 8601, as the dictionary types it: without zone, in UTC."""
    if not isinstance(cell, str):
        return cell
    moment = datetime.fromisoformat(cell)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def array_of(cells: Sequence[Any], type_: str) -> Any:
    """Cells as a column of its type, shape (n_rows,), as `validate` types it."""
    if type_ == "datetime":
        return np.array([*map(as_moment, cells)], dtype="datetime64[us]")
    if type_ in ("category", "text", "list") or str in map(type, cells):
        return pd.array(cells, dtype="str")
    if type_ == "boolean" and None not in cells:
        return np.array(cells)
    values = np.array(cells, dtype="float64")
    whole = type_ == "integer" and bool((abs(values) < 2**63).all())  # a missing one is NaN
    return values.astype("int64" if whole else "float64")


def plain(cell: Any) -> Any:
    """A cell of a frame as Python has it; None where it is missing."""
    if pd.isna(cell):
        return None
    return cell.item() if isinstance(cell, np.generic) else cell
