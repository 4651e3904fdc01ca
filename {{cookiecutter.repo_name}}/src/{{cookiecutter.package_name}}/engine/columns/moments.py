"""Moments whose parts stand in several columns: a date and a time of day, or year, month, day, hour and minute.

Used by `infer.py`, which finds them, and `validate.py`, which puts them together: the dictionary's key `moment`.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from .dictionary import Column, Dictionary, Transformation, by_role
from .violations import Violation, violation

UNITS = {
    "year": {"year", "yr", "yyyy"},
    "month": {"month", "mon", "mnth", "mm"},
    "day": {"day", "dd", "mday"},
    "hour": {"hour", "hr", "hh"},
    "minute": {"minute", "min"},
}
NEEDED = 3  # year, month and day at least
CLOCK_DAY = pd.Timestamp(1900, 1, 1)  # on which `spelling.py` puts a time of day
QUARTER = re.compile(r"(?i)(?<=Q)[1-4]\b|\b[1-4](?=Q)")
MADE_NAME = "moment"
Typed = Mapping[str, pd.Series]  # the values of columns by their names


def found(columns: Dictionary, typed: Typed) -> dict[str, tuple[str, ...]]:
    """The moments of a table, by the name of the column to be made: of which columns, in their order.

    `typed` has the values of the columns that may hold a part, shape (n_rows,) each.
    """
    pairs = [*numbers(columns, typed), *clocks(columns, typed)]
    names = [MADE_NAME] if len(pairs) == 1 else [f"{MADE_NAME} of {parts[0]}" for parts in pairs]
    return {name: parts for name, parts in zip(names, pairs, strict=True) if name not in columns}


def may_hold(name: str, column: Column) -> bool:
    """Whether a column may be a part of a moment, by its role, type and name."""
    called_so = any(name.strip().lower() in words for words in UNITS.values())
    of_type = column.type == "datetime" or (column.type == "integer" and called_so)
    return of_type and column.role in ("feature", "ignored")


def described(name: str, parts: Sequence[str], columns: Dictionary, typed: Typed, *, role: str) -> Dictionary:
    """The entry of a moment, and those of a date and a time of day, which leave their place to it.

    One that divides the rows is not learned from: later days are new. It may be missing where `typed`, the values of
    the parts, lack one.
    """
    gaps = bool(put_together(typed, parts).isna().any())
    how: Transformation = "date parts" if role == "feature" else "none"
    moment = Column(type="datetime", role=role, missing_allowed=gaps, transformation=how, moment=tuple(parts))
    within = [part for part in parts if columns[part].type == "datetime"]
    return {name: moment} | {part: replace(columns[part], role="ignored", missing_allowed=True) for part in within}


def numbers(columns: Dictionary, typed: Typed) -> list[tuple[str, ...]]:
    """Whole numbers called year, month, day, ... where each row is a date of the calendar."""
    whole = [name for name in typed if columns[name].type == "integer"]
    parts = []
    for words in UNITS.values():
        called = [name for name in whole if name.strip().lower() in words]
        if len(called) != 1:
            break
        parts += called
    if len(parts) < NEEDED or not typed[parts[0]].dropna().between(1000, 2200).all():
        return []
    table = pd.DataFrame({name: typed[name] for name in parts})
    return [tuple(parts)] if put_together(table, parts).notna().equals(table.notna().all(axis=1)) else []


def clocks(columns: Dictionary, typed: Typed) -> list[tuple[str, ...]]:
    """Dates without a time of day, each with the time of day that follows it, where there are as many of both."""
    times = {name: typed[name].dropna() for name in typed if columns[name].type == "datetime"}
    on_clock = [name for name, values in times.items() if len(values) and (values.dt.normalize() == CLOCK_DAY).all()]
    dates = [name for name, values in times.items() if name not in on_clock and (values.dt.normalize() == values).all()]
    return list(zip(dates, on_clock, strict=True)) if len(dates) == len(on_clock) else []


def completed(text: pd.Series, form: str) -> tuple[pd.Series, str]:
    """Dates, shape (n_rows,), and a format as `strptime` knows them: of a quarter, `%q`, and a week the first day.

    A `ValueError` where the format has no Q beside `%q`.
    """
    if "%q" in form:
        if not re.search("(?i)Q%q|%qQ", form):
            raise ValueError("%q needs a Q beside it, as in Q%q %Y")
        first = text.str.replace(QUARTER, lambda found: f"{3 * int(found[0]) - 2:02}", regex=True)
        text, form = first.where(text.str.contains(QUARTER)), form.replace("%q", "%m")
    if "%V" in form and not re.search("%[uwaA]", form):
        text, form = text + "-1", f"{form}-%u"
    return text, form


def put_together(typed: Typed, parts: Sequence[str]) -> pd.Series:
    """The moment of each row, datetime64[us], shape (n_rows,); missing where a part is, or the date does not exist."""
    first, *others = [typed[name] for name in parts]
    if pd.api.types.is_datetime64_any_dtype(first.dtype):
        fits = (first.dt.normalize() == first) & (others[0].dt.normalize() == CLOCK_DAY)  # not two times of day
        return (first + (others[0] - CLOCK_DAY)).where(fits).astype("datetime64[us]")
    table = pd.DataFrame(dict(zip(UNITS, (first, *others), strict=False)))
    return pd.to_datetime(table, errors="coerce").astype("datetime64[us]")


def to_make(columns: Dictionary, found: Collection[str]) -> Dictionary:
    """The moments that are to be made of a table with the columns `found`: not given in it, or not in every row."""
    moments = {name: column for name, column in columns.items() if column.moment and column.role != "ignored"}
    return {name: one for name, one in moments.items() if name not in found or {*one.moment} <= {*found}}


def parts_of(moments: Dictionary) -> Dictionary:
    """The moment that a column is a part of, by the name of the part."""
    return {part: moment for moment in moments.values() for part in moment.moment}


def with_rules(columns: Dictionary, to_make: Dictionary) -> Dictionary:
    """Columns with the rules that count: a part that left its place has those of its moment, which may be empty."""
    left = {part: moment for part, moment in parts_of(to_make).items() if part in by_role(columns, "ignored")}
    strict = {part: replace(columns[part], role=moment.role, rule=moment.rule) for part, moment in left.items()}
    given = {name: replace(columns[name], missing_allowed=True) for name in to_make if name in columns}
    return columns | given | strict


def made(typed: Typed, to_make: Dictionary) -> tuple[dict[str, pd.Series], list[Violation]]:
    """The moments, shape (n_rows,) each, where they are not given; with the cells for which one is missing.

    Empty cells are among these only where no moment may be missing.
    """
    found, gaps = dict[str, pd.Series](), list[Violation]()
    for name, column in to_make.items():
        values = put_together(typed, column.moment)
        found[name] = typed[name].fillna(values) if name in typed else values
        empty = pd.DataFrame({part: typed[part].isna() for part in column.moment})
        gone, some = found[name].isna(), empty.any(axis=1)
        wrong = gone & ~some  # all of them: the 30th of February, or a date with another time of day
        guilty = {part: wrong if column.missing_allowed else wrong | (gone & empty[part]) for part in empty}
        problem = f"cells that make no {name!r}"
        cure = "Mend them" + ("" if column.missing_allowed else f", or set missing_allowed = true in [{name}]")
        gaps += [violation(part, problem, cure, rows) for part, rows in guilty.items() if rows.any()]
    return found, gaps
