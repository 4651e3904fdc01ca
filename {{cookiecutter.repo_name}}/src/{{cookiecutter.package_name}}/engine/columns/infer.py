"""Infer the data dictionary from a table: types, roles, ranges, and the transformation of each column.

Every guess is said: `infer` returns the lines that `make data` prints. What was guessed wrongly is mended in
`references/data_dictionary.toml`, or said in `[data.read]` of `params.toml` before the first `make data`.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd

from ..project.errors import NAMED, counted, listed, shown
from . import moments
from .dictionary import ONE_HOT_LIMIT, Column, Dictionary, Transformation, Type, alike
from .lists import different_items, separator_of
from .spelling import DECIMALS, EITHER, UNIT_WORDS, WHERE, called_id, days_in_digits, looks_like_code, ways
from .validate import INTEGERS_THAT_FLOAT_KEEPS, MISSING_WORDS, are_plain_ids, is_missing, parse, stripped
from .wording import by_key, format_of, key

# Reading `MISSING_WORDS` inside a category loses nothing if they stay a category of their own, and `NA` often is one
# ("no pool"); only words that no table uses for a category are taken as missing there.
MISSING_CATEGORIES = ("?", "nan", "NaN", "null", "NULL", "#N/A", "N/A", "n/a")
WORDY = ("category", "text", "list")  # types whose cells are words
AREA = re.compile(r"[A-Z]{2}")  # of a country, a state, a continent
ODD_SHARE = 0.05  # at most this share of the cells of a number or date may be markers that were not known before
ODD_SHARE_OF_MANY, MANY_VALUES = 0.5, 20  # but up to half of the cells where more different values than this are fine
LOOKS_LIKE = 0.5  # if this share of the cells looks like numbers or dates that were not read, it is said
INFINITE = r"(?i)[-+]?inf(?:inity)?"  # a number as programs write it, and no value, whatever its share
ODD_WORDS = 3  # and at most this many different ones
# Cells that a person would take for an amount, a date or a clock time; said where no way of `spelling.py` reads them.
AMOUNT_LIKE = r"[-+(]?\s*[$€£¥₹]?\s*-?\d[\d.,' ]*(?:[eE][-+]?\d+)?\s*[%$€£¥₹kKmM)-]*"
AMOUNT_LIKE += rf"|[-+]?\d[\d.,]* ?(?:{'|'.join(map(re.escape, sorted(UNIT_WORDS)))})"
TIME_LIKE = r"\d{1,4}(?:/|-|\.)(?:\d{1,2}|[A-Z][a-z]+)(?:/|-|\.)\d{1,4}(?:[T ].*)?|(?:.*[T ])?\d{1,2}:\d\d.*"
VALUES_LIMIT = 200  # categories that the dictionary lists one by one; above, a new one is not noticed
TEXT_UNIQUE_SHARE, TEXT_WORDS = 0.5, 2.0  # free text: more unique cells than this, and this many words on average
LEAST_NORMAL = float(np.finfo("float64").tiny)  # below, a float has fewer digits the smaller it is
FILLED = 0.01, 0.99  # of a column of one value: within these shares of the rows, whether it is there tells something
ID_ROWS = 20  # fewer rows say nothing about uniqueness
UNIQUE_SHARE = 0.99  # of the values of a column that is called an id: the others stand twice by mistake
MOSTLY_UNIQUE = 0.5  # of the numbers of one called customer_id or the like: as an amount they say nothing
NUMBER_OF_ONE = re.compile(r"(^|[\W_])(id|uuid|guid)$|[a-z]I[dD]$")

SENSITIVE = re.compile(  # by law in many countries, where people are judged
    r"(.*[\W_])?(sex|gender|race|ethnicity|ethnic[\W_]group|nationality|citizenship)([\W_](code|group|name))?"
    r"|((applicant|client|customer|driver|employee|passenger|patient|person)[\W_]?)?age([\W_]?(band|class|group|years))?"
)


def infer(
    frame: pd.DataFrame, *, target: str, split_by: str = "", read: Mapping[str, Any]
) -> tuple[Dictionary, list[str]]:
    """Describe every column of a table, in its order, and say what was decided, one line each.

    `frame`, shape (n_rows, n_columns), has cells as text or native types, as `read.py` gives them; `target` is the
    column to predict. `split_by` is `[split] by`: `time:<column>` and `group:<column>` give that column its role. Of
    `read`, `[data.read]`, `decimal`, `thousands`, `missing` and `dates` overrule the guesses.
    """
    kind, _, special = split_by.partition(":")
    roles = {special: kind} if special else {}
    columns: Dictionary = {}
    said: dict[str, str] = {}
    markers = set[str]()

    def describe(name: str, more: tuple[str, ...] = ()) -> None:
        cells, missing = frame[name], tuple(map(str, read.get("missing", ())))
        column, said[name] = infer_type(cells, read, missing + more, may_be_list=name != target)
        values, _ = parse(cells, column)
        role = infer_role(values, column, target=target, special=roles)
        if role == "id" and not are_plain_ids(cells):
            column = replace(column, type="category")
        columns[name] = finish(values, replace(column, role=role))
        said[name] = "; ".join(filter(None, [said[name], *doubtful_spelling(values, columns[name])]))
        if column.type not in WORDY and cells.dtype == "str":  # native cells are missing without a word
            gaps = stripped(cells[values.isna()]).dropna().unique()
            markers.update(word for word in gaps if word and word.lower() in MISSING_WORDS)

    for name in map(str, frame.columns):
        describe(name)
    if either := [name for name, note in said.items() if EITHER in note]:
        read = {**read, **settled(frame, columns)}
        for name in either:
            describe(name)
    more, lines = markers_of_words(frame, columns, sorted(markers))
    for name, words in more.items():
        describe(name, words)
    parsed = {name: parse(frame[name], column)[0] for name, column in columns.items() if moments.may_hold(name, column)}
    for name, parts in moments.found(columns, parsed).items():
        columns |= moments.described(name, parts, columns, parsed, role=roles.get(name, "feature"))
        lines.append(f"{listed(list(parts), NAMED)} are one moment: {name!r}, made of them")
    notes = by_key(filter(said.get, said), lambda name: said[name])
    lines += [f"{listed([*map(repr, names)], NAMED)}: {note}" for note, names in notes.items()]
    return columns, lines + summary(columns)


def settled(frame: pd.DataFrame, columns: Dictionary) -> dict[str, str]:
    """The decimal mark of the columns of text in which it is beyond doubt, if it is one."""
    texts = {name: c for name, c in columns.items() if alike(c.type) == "number" and frame[name].dtype == "str"}
    marks = {c.decimal for name, c in texts.items() if frame[name].str.contains(DECIMALS.format(c.decimal)).any()}
    return {"settled": marks.pop()} if len(marks) == 1 else {}


def markers_of_words(
    frame: pd.DataFrame, columns: Dictionary, markers: list[str]
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """Which markers of the numbers mean missing in which columns of words, and a line for each marker that says so."""
    more, lines = dict[str, tuple[str, ...]](), list[str]()
    for word in markers:
        words = [name for name, column in columns.items() if column.type in WORDY and word not in column.missing]
        meant = [name for name in words if means_missing(stripped(frame[name]), word)]
        more |= {name: (*more.get(name, ()), word) for name in meant}
        if meant:
            lines.append(f"{word!r} means missing in numbers of this table, so in words too: {listed(meant, NAMED)}")
    return more, lines


def means_missing(text: pd.Series, word: str) -> bool:
    """Whether a marker of the numbers means missing in words, shape (n_rows,), too.

    Not where empty cells stand beside it, where it is a code among codes, or where it would leave a single word.
    """
    others = text[text != word]
    if len(others) == len(text):
        return False
    code = AREA.fullmatch(word) and others.str.fullmatch(AREA).fillna(False).all()  # NA is Namibia and North America
    return others.notna().all() and others.ne("").all() and others.nunique() > 1 and not code


def infer_type(
    cells: pd.Series, read: Mapping[str, Any], markers: tuple[str, ...], *, may_be_list: bool
) -> tuple[Column, str]:
    """The type of one column, with how to read it, and a remark if the choice was not obvious."""
    endless = ((cells.abs() == np.inf) if pd.api.types.is_float_dtype(cells.dtype) else cells.isna() & False).eq(True)
    native, words = native_type(cells[~endless]), stripped(cells[endless])
    if native and not (native == "integer" and days_in_digits(cells.dropna())):
        missing = (*markers, *words.unique()) if native in ("integer", "number") else ()
        zoned = "UTC" if isinstance(cells.dtype, pd.DatetimeTZDtype) else ""
        return Column(type=native, missing=missing, unit=zoned), read_as_missing(words, native)
    text = stripped(cells)
    present = text[~is_missing(text, Column(type="text", missing=markers), MISSING_WORDS)]
    if present.empty:
        return Column(type="text"), ""
    endless = present.str.fullmatch(INFINITE).astype(bool)
    for way, note in ways(present if endless.all() else present[~endless], read, markers):
        values, unreadable = parse(present, way)
        no_value = endless & unreadable & (way.type == "number")
        unreadable &= ~no_value
        amounts = unreadable.any() and present[~unreadable].nunique() > MANY_VALUES  # clearly, not codes
        odd = tuple(present[unreadable].unique()[: ODD_WORDS + 1])
        if len(odd) <= ODD_WORDS and unreadable.mean() <= (ODD_SHARE_OF_MANY if amounts else ODD_SHARE):
            parts = way.decimal == "," and present.str.contains(",", regex=False).any()  # 25,0 %: the next is 12,5 %
            whole = way.type == "number" and not parts and (values.dropna() % 1 == 0).all()
            gaps = (*present[no_value].unique(), *odd)
            found = replace(way, missing=markers + gaps, type="integer" if whole else way.type)
            remark = read_as_missing(present[present.isin(gaps)], found.type)
            limit = any(re.match(r"[<>≤≥]\s*[\d.,]", word) for word in odd)
            cure = "if that says little or much, write the limit, or half of it, in the source" if limit else ""
            return found, "; ".join(filter(None, [note, padding(present, found.type), remark, cure]))
    separator = separator_of(present) if may_be_list else ""
    if not separator:
        return infer_words(text, present, markers)
    different = len(different_items(present, separator))
    note = f"several items in a cell, parted by {separator!r}: {different} different ones"
    return Column(type="list", separator=separator, missing=markers_in(text, markers)), note


def padding(present: pd.Series, kind: str) -> str:
    """What to say of zeros before whole numbers that are amounts because others of the column have decimals."""
    zeros = present[present.str.fullmatch(r"0\d+")]
    if kind != "number" or zeros.empty:
        return ""
    return f'leading zeros left out, as in {shown(zeros.iloc[0])}; if they are codes: type = "category" {WHERE}'


def read_as_missing(words: pd.Series, kind: str) -> str:
    """What to say of words among numbers or dates, shape (n_cells,), that mean missing from now on."""
    counts = words.value_counts(sort=False).items()
    found = ", ".join(f"{shown(word)} ({counted(count, 'cell')})" for word, count in counts)
    return found and f"{found} read as missing in a column of type {kind}"


def markers_in(text: pd.Series, markers: tuple[str, ...]) -> tuple[str, ...]:
    """The texts that mean missing in a column of words: what was said, and what no table has for a category."""
    return markers + tuple(word for word in MISSING_CATEGORIES if word not in markers and (text == word).any())


def native_type(cells: pd.Series) -> Type | None:
    """The type of a column that is not text already; None for text."""
    if pd.api.types.is_bool_dtype(cells.dtype):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return "datetime"
    if not pd.api.types.is_numeric_dtype(cells.dtype):
        return None
    present = cells.dropna()
    if pd.api.types.is_integer_dtype(cells.dtype) and len(present):
        if max(int(present.max()), -int(present.min())) > INTEGERS_THAT_FLOAT_KEEPS:
            return None  # as numbers, neighbours would become the same
    return "integer" if len(present) and (present % 1 == 0).all() else "number"


def infer_words(text: pd.Series, present: pd.Series, markers: tuple[str, ...]) -> tuple[Column, str]:
    """Free text or category, by how many cells are unique and how many words they have."""
    missing = markers_in(text, markers)
    words = present.str.count(r"\S+").mean()
    free = present.nunique() > TEXT_UNIQUE_SHARE * len(present) and words >= TEXT_WORDS
    kind: Type = "text" if free and len(present) >= ID_ROWS else "category"
    notes = [*unread_numbers(present, kind), *(doubtful_words(text, missing) if kind == "category" else [])]
    return Column(type=kind, missing=missing), "; ".join(notes)


def unread_numbers(present: pd.Series, kind: str) -> list[str]:
    """What to say of a column that looks like numbers or dates, but that no way of reading fits."""
    if looks_like_code(present):
        if present.str.fullmatch(r"[-+]?\d{16,}").any():
            return [f"whole numbers beyond 2^53 kept as {kind}: as numbers, neighbours would become equal"]
        zeros = present[present.str.fullmatch(r"0\d[\d ]*")]
        most = present.str.fullmatch(r"[\d ]+").mean() >= LOOKS_LIKE
        return [f"digits kept as {kind} for their leading zeros, as in {shown(zeros.iloc[0])}"] if most else []
    for what, pattern in (("dates or times", TIME_LIKE), ("numbers", AMOUNT_LIKE)):
        alike = present.str.fullmatch(pattern).fillna(False).astype(bool)
        if alike.mean() >= LOOKS_LIKE:
            units = present.str.replace(r"[-+\d.,' ]", "", regex=True)
            odd = units != units.mode()[0] if alike.all() else ~alike
            sample = present[odd if odd.any() else alike].iloc[0]
            also = ", or say 'format'" if pattern is TIME_LIKE else ""
            cure = f"if wrong, write them one way in the source{also}"
            return [f"cells like {what}, but no one way reads all of them ({shown(sample)}): kept as {kind}; {cure}"]
    return []


def doubtful_words(text: pd.Series, missing: tuple[str, ...]) -> list[str]:
    """What to say of words that may mean missing."""
    kept = sorted(word for word in text.dropna().unique() if word and word.lower() in MISSING_WORDS | {"unknown"})
    kept = [repr(word) for word in kept if word not in missing]
    return [f"{', '.join(kept)} kept as a category; if it means missing, say so in 'missing'"] if kept else []


def doubtful_spelling(values: pd.Series, column: Column) -> list[str]:
    """What to say of categories that may be one in several spellings."""
    words = values.dropna().unique() if column.type == "category" and column.role != "id" else ()
    alike = [" and ".join(map(repr, same)) for same in by_key(sorted(words), key).values() if len(same) > 1]
    also = "" if column.role == "target" else ', or make one of them: "One category" in docs/features.md'
    cure = f"if they mean the same, write them one way in the source{also}"
    kept = "differ only in case, blanks, hyphens or accents, and stay categories of their own"
    return [f"{listed(alike)} {kept}; {cure}"] if alike else []


def infer_role(values: pd.Series, column: Column, *, target: str, special: Mapping[str, str]) -> str:
    """The role of a column: what was said first, then constants (unless they are there or not) and ids."""
    name = str(values.name)
    if name == target:
        return "target"
    if name in special:
        return special[name]
    if values.nunique() <= 1:
        tells = values.nunique() and FILLED[0] <= values.notna().mean() <= FILLED[1] and column.type != "datetime"
        return "feature" if tells else "ignored"
    return "id" if looks_like_id(values, column) else "feature"


def looks_like_id(values: pd.Series, column: Column) -> bool:
    """Unique in every row, and consecutive integers, a code without blanks, or nearly so and called like one."""
    named = called_id(values)
    least = MOSTLY_UNIQUE if NUMBER_OF_ONE.search(str(values.name)) else UNIQUE_SHARE
    enough = values.nunique() >= least * len(values) if named else values.is_unique
    if len(values) < ID_ROWS or values.isna().any() or not enough:
        return False
    if column.type == "integer":
        return named or bool(values.max() - values.min() + 1 == len(values))
    return column.type == "category"


def by_size(word: str) -> tuple[list[tuple[str, int, str]], str]:
    """What a word is sorted by: whole numbers in it count as numbers, so that 5-9 comes before 10-19."""
    numbers = [digits.lstrip("0") for digits in re.findall(r"\d+", word)]
    both = zip_longest(re.split(r"\d+", word), numbers, fillvalue="")
    return [(text, len(digits), digits) for text, digits in both], word


def finish(values: pd.Series, column: Column) -> Column:
    """Add what the values say: missing cells, range or categories, transformation, rule."""
    changes: dict[str, Any] = {"missing_allowed": bool(values.isna().any()) or column.role == "ignored"}
    if column.type in ("integer", "number") and values.notna().any() and column.role != "id":
        changes["range"] = plausible_range(values)
    levels = values.nunique()
    if column.type == "category" and column.role != "id":
        words, few = values.dropna().unique(), levels <= VALUES_LIMIT or column.role == "target"
        changes |= {"values": tuple(sorted(words, key=by_size))} if few else {"format": format_of(words)}
    if column.type == "list":
        items = different_items(values, column.separator)
        changes["values"] = tuple(items) if len(items) <= VALUES_LIMIT else None
    if column.type in WORDY and column.role != "target":
        changes["rule"] = "warn"
    if column.role in ("feature", "time"):
        changes["transformation"] = transformation(column, levels)
    by_name = levels > 1 and bool(SENSITIVE.fullmatch(str(values.name).lower()))
    changes["sensitive"] = column.role not in ("id", "target") and by_name
    return replace(column, **changes)


def transformation(column: Column, levels: int) -> Transformation:
    """The suggested recipe of a feature."""
    by_type: dict[str, Transformation] = {"text": "text", "list": "one column an item", "datetime": "date parts"}
    by_type["category"] = "one-hot" if levels <= ONE_HOT_LIMIT else "target encoding"
    number: Transformation = "number" if levels > 1 else "one-hot"  # there or not
    return by_type.get(column.type, "none" if column.role == "time" else number)


def plausible_range(values: pd.Series) -> tuple[float, float]:
    """What was seen, wider by its own width on both sides, below 0 only with reason; 0 and 1 stay as they are."""
    if set(values.dropna().unique()) == {0, 1}:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    width = high - low
    bottom = max(low - width, 0.0) if low >= 0 else low - width
    return round_out(bottom, np.floor), round_out(high + width, np.ceil)


def round_out(value: float, direction: Any) -> float:
    """Round to two significant digits, outwards; what has no two digits stays."""
    if abs(value) < LEAST_NORMAL:
        return value
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 1)
    return float(f"{direction(value / unit) * unit:.6g}")


def summary(columns: Dictionary) -> list[str]:
    """One line for each kind of column that a user may want to contradict."""
    parts = {part for column in columns.values() for part in column.moment}
    one_hot = {n: c.values or ("a number",) for n, c in columns.items() if c.transformation == "one-hot"}
    asked = "so that evaluate compares groups; is it so? (sensitive = ...)"
    groups = {
        "ids, kept beside the predictions": [n for n, c in columns.items() if c.role == "id"],
        "ignored, constant or empty": [n for n, c in columns.items() if c.role == "ignored" and n not in parts],
        "one value or none, of which only that counts": [n for n, values in one_hot.items() if len(values) == 1],
        "free text": [n for n, c in columns.items() if c.type == "text" and c.role == "feature"],
        f"sensitive by name, {asked}": [n for n, c in columns.items() if c.sensitive],
        "dates": [n for n, c in columns.items() if c.type == "datetime"],
    }
    return [f"{what}: {listed(names, NAMED)}" for what, names in groups.items() if names]
