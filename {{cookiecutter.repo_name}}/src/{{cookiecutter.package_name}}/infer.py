"""Infer the data dictionary from a table: types, roles, ranges, and the transformation of each column.

Every guess is said: `infer` returns the lines that `make data` prints. What was guessed wrongly is mended in
`references/data_dictionary.toml`, or said in `[data.read]` of `params.toml` before the first `make data`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .conform import INTEGERS_THAT_FLOAT_KEEPS, MISSING_WORDS, as_text, is_missing, parse
from .dictionary import Column, Dictionary

# Reading `MISSING_WORDS` inside a category loses nothing if they stay a category of their own, and `NA` often is one
# ("no pool"); only words that no table uses for a category are taken as missing there.
MISSING_CATEGORIES = ("?", "nan", "NaN", "null", "NULL", "#N/A", "N/A", "n/a")
ODD_SHARE = 0.05  # at most this share of the cells of a number or date may be markers that were not known before
ODD_SHARE_OF_MANY, MANY_VALUES = 0.5, 20  # but up to half of the cells where more different values than this are fine
ODD_WORDS = 3  # and at most this many different ones
ONE_HOT_LIMIT = 12  # categories; above, a column per category is slower and no better than target encoding
VALUES_LIMIT = 30  # categories that the dictionary lists one by one
TEXT_UNIQUE_SHARE, TEXT_WORDS = 0.5, 2.0  # free text: more unique cells than this, and this many words on average
ID_ROWS = 20  # fewer rows say nothing about uniqueness
ID_NAME = re.compile(r"(^|[^a-z])(id|ids|uuid|guid|key|index|no|nr|number|code)$|[a-z](ID|Id|Number|No|Key)$")
DATE_LIKE = re.compile(r"\d.*[-/.: ].*\d|\d{1,2}[a-zA-Z]{3}\d{2}")
DAYS = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y")
MONTHS = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y", "%m-%d-%y")
NAMED = ("%Y/%m/%d", "%b %d %Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y")
UNITS = "$€£¥₹%"
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
PROBE_CELLS = 200  # a format that fails on these is not tried on the whole column


def infer(
    frame: pd.DataFrame, *, target: str, drop: tuple[str, ...] = (), split_by: str = "", read: Mapping[str, Any]
) -> tuple[Dictionary, list[str]]:
    """Describe every column of a table.

    Parameters
    ----------
    frame : DataFrame, shape (n_rows, n_columns)
        Cells as text or native types, as `read.py` gives them.
    target : str
        The column to predict.
    drop : tuple of str
        Columns that get the role `ignored`.
    split_by : str
        `[split] by`; `time:<column>` and `group:<column>` give that column its role.
    read : mapping
        `[data.read]`; `decimal`, `thousands`, `missing` and `dates` overrule the guesses.

    Returns
    -------
    columns : Dictionary
        One entry a column, in the table's order.
    decisions : list of str
        What was decided, one line each.
    """
    kind, _, special = split_by.partition(":")
    columns, notes = {}, {}
    for name in map(str, frame.columns):
        cells = frame[name]
        column, note = infer_type(cells, read)
        role = infer_role(cells, column, target=target, drop=drop, special={special: kind} if special else {})
        columns[name] = finish(cells, replace(column, role=role))
        notes.setdefault(note, []).append(repr(name))
    notes.pop("", None)
    return columns, [f"{', '.join(names)}: {note}" for note, names in notes.items()] + summary(columns, drop)


def infer_type(cells: pd.Series, read: Mapping[str, Any]) -> tuple[Column, str]:
    """The type of one column, with how to read it, and a remark if the choice was not obvious."""
    markers = tuple(map(str, read.get("missing", ())))
    native = native_type(cells)
    if native:
        return Column(type=native), ""
    text = as_text(cells)
    present = text[~is_missing(text, Column(type="text", missing=markers), MISSING_WORDS)]
    if present.empty:
        return Column(type="text"), ""
    for candidate, note in candidates(present, read, markers):
        _, unreadable = parse(present, candidate)
        odd = tuple(present[unreadable].unique()[: ODD_WORDS + 1])
        if not odd:
            return candidate, note
        if len(odd) <= ODD_WORDS and unreadable.mean() <= allowed_share(present[~unreadable]):
            words = ", ".join(f"{word!r} ({(present == word).sum()} cells)" for word in odd)
            remark = f"{words} read as missing in a column of type {candidate.type}"
            return replace(candidate, missing=markers + odd), "; ".join(filter(None, [note, remark]))
    return infer_words(text, present, markers)


def allowed_share(readable: pd.Series) -> float:
    """How many cells may be odd words: few, but up to a half where the others are clearly amounts, not codes."""
    return ODD_SHARE_OF_MANY if readable.nunique() > MANY_VALUES else ODD_SHARE


def native_type(cells: pd.Series) -> str | None:
    """The type of a column that is not text already; None for text."""
    if pd.api.types.is_bool_dtype(cells.dtype):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return "datetime"
    if pd.api.types.is_numeric_dtype(cells.dtype):
        present = cells.dropna()
        return "integer" if len(present) and (present % 1 == 0).all() else "number"
    return None


def candidates(present: pd.Series, read: Mapping[str, Any], markers: tuple[str, ...]) -> Iterator[tuple[Column, str]]:
    """The ways to read a column of text, most likely first; each with a remark."""
    probe = present.iloc[:PROBE_CELLS]
    if probe.str.fullmatch(r"(?i)true|false").all():
        yield Column(type="boolean", missing=markers), ""
    if probe.str.contains(r"\d").mean() > 1 - ODD_SHARE_OF_MANY and not looks_like_code(present):
        yield from number_candidates(present, read, markers)
    if probe.str.contains(DATE_LIKE).mean() > 1 - 2 * ODD_SHARE:
        yield from date_candidates(present, read, markers)


def looks_like_code(present: pd.Series) -> bool:
    """Digits that are a name, not an amount: leading zeros, or more digits than a float keeps."""
    digits = present[present.str.fullmatch(r"\d+").fillna(False).astype(bool)]
    if digits.empty:
        return False
    return bool(digits.str.fullmatch(r"0\d+").any()) or bool((digits.astype(float) > INTEGERS_THAT_FLOAT_KEEPS).any())


def number_candidates(
    present: pd.Series, read: Mapping[str, Any], markers: tuple[str, ...]
) -> Iterator[tuple[Column, str]]:
    """Integer, number, then decimal comma and thousands marks where the cells have them; a unit is left out."""
    given: dict[str, Any] = {key: read[key] for key in ("decimal", "thousands") if key in read}
    unit = next((mark for mark in UNITS if present.str.contains(mark, regex=False).mean() > ODD_SHARE_OF_MANY), "")
    same, said = {"missing": markers, "unit": unit}, f"{unit!r} left out of the numbers" if unit else ""
    for kind in ("integer", "number"):
        yield Column(type=kind, **same, **given), said
    if given:
        return
    bare, also = present.str.strip(unit + " "), f"; {said}" if unit else ""
    if bare.str.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?").any():
        for kind in ("integer", "number"):
            yield Column(type=kind, thousands=",", **same), f"',' read as the thousands mark{also}"
    if bare.str.contains(",").any():
        yield Column(type="number", decimal=",", **same), f"',' read as the decimal mark{also}"
        yield Column(type="number", decimal=",", thousands=".", **same), f"',' read as the decimal mark{also}"


def date_candidates(
    present: pd.Series, read: Mapping[str, Any], markers: tuple[str, ...]
) -> Iterator[tuple[Column, str]]:
    """ISO dates, then every format whose probe fits; says so where day and month cannot be told apart."""
    wish = read.get("dates", "")
    if wish not in ("", "day-first", "month-first"):
        yield Column(type="datetime", missing=markers, format=str(wish)), ""
        return
    yield Column(type="datetime", missing=markers), ""
    orders = {"day-first": (DAYS,), "month-first": (MONTHS,)}.get(str(wish), (MONTHS, DAYS))
    formats = [day + time for days in (*orders, NAMED) for day in days for time in TIMES]
    probe = present.iloc[:: max(1, len(present) // PROBE_CELLS)]
    fitting = [Column(type="datetime", missing=markers, format=form) for form in formats]
    fitting = [column for column in fitting if parse(probe, column)[1].mean() <= ODD_SHARE]
    fitting = [column for column in fitting if not parse(present, column)[1].any()] or fitting
    for column in fitting:
        unsure = len(fitting) > 1 and not wish
        note = '; day and month could be the other way round: say [data.read] dates = "day-first"' if unsure else ""
        yield column, f"dates read as {column.format}{note}"


def infer_words(text: pd.Series, present: pd.Series, markers: tuple[str, ...]) -> tuple[Column, str]:
    """Free text or category, by how many cells are unique and how many words they have."""
    missing = markers + tuple(word for word in MISSING_CATEGORIES if (text == word).any())
    kept = sorted(word for word in text.dropna().unique() if word and word.lower() in MISSING_WORDS | {"unknown"})
    note = ", ".join(repr(word) for word in kept if word not in missing)
    words = present.str.count(r"\S+").mean()
    free = present.nunique() > TEXT_UNIQUE_SHARE * len(present) and words >= TEXT_WORDS
    kind = "text" if free and len(present) >= ID_ROWS else "category"
    return Column(
        type=kind, missing=missing
    ), f"{note} kept as a category; if it means missing, say so in 'missing'" * bool(note)


def infer_role(
    cells: pd.Series, column: Column, *, target: str, drop: tuple[str, ...], special: Mapping[str, str]
) -> str:
    """The role of a column: what was said first, then constants and ids."""
    name = str(cells.name)
    if name == target:
        return "target"
    if name in special:
        return special[name]
    values, _ = parse(cells, column)
    if name in drop or values.nunique() <= 1:
        return "ignored"
    return "id" if looks_like_id(values, column) else "feature"


def looks_like_id(values: pd.Series, column: Column) -> bool:
    """Unique in every row, and consecutive integers, a code without blanks, or a name that says so."""
    if len(values) < ID_ROWS or values.isna().any() or not values.is_unique:
        return False
    if column.type == "integer":
        consecutive = values.max() - values.min() + 1 == len(values)
        return bool(consecutive or ID_NAME.search(str(values.name)) or ID_NAME.search(str(values.name).lower()))
    return column.type == "category"


def finish(cells: pd.Series, column: Column) -> Column:
    """Add what the values say: missing cells, range or categories, transformation, rule."""
    values, _ = parse(cells, column)
    changes: dict[str, Any] = {"missing_allowed": bool(values.isna().any()) or column.role == "ignored"}
    if column.type in ("integer", "number") and values.notna().any() and column.role != "id":
        changes["range"] = plausible_range(values)
    levels = values.nunique()
    if column.type == "category" and (levels <= VALUES_LIMIT or column.role == "target") and column.role != "id":
        changes["values"] = tuple(sorted(values.dropna().unique()))
    if column.type in ("category", "text") and column.role != "target":
        changes["rule"] = "warn"
    if column.role in ("feature", "time"):
        changes["transformation"] = transformation(column, levels)
    return replace(column, **changes)


def transformation(column: Column, levels: int) -> str:
    """The suggested recipe of a feature."""
    if column.type == "category":
        return "one-hot" if levels <= ONE_HOT_LIMIT else "target encoding"
    return {"text": "text", "datetime": "date parts"}.get(column.type, "none" if column.role == "time" else "number")


def plausible_range(values: pd.Series) -> tuple[float, float]:
    """What was seen, widened by its own width on both sides; never below 0 for what was never negative."""
    low, high = float(values.min()), float(values.max())
    width = high - low
    bottom = 0.0 if low >= 0 else round_out(low - width, np.floor)
    return bottom, round_out(high + width, np.ceil)


def round_out(value: float, direction: Any) -> float:
    """Round to two significant digits, outwards."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    return float(f"{direction(value / unit) * unit:.6g}")


def summary(columns: Dictionary, drop: tuple[str, ...]) -> list[str]:
    """One line for each kind of column that a user may want to contradict."""
    groups = {
        "ids, kept beside the predictions": [n for n, c in columns.items() if c.role == "id"],
        "ignored, constant or empty": [n for n, c in columns.items() if c.role == "ignored" and n not in drop],
        "dropped as [data] drop says": [n for n in columns if n in drop],
        "free text": [n for n, c in columns.items() if c.type == "text" and c.role == "feature"],
        "dates": [n for n, c in columns.items() if c.type == "datetime"],
    }
    return [f"{what}: {', '.join(names)}" for what, names in groups.items() if names]
