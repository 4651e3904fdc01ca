"""Make a table conform to the data dictionary: types, missing cells, ranges, known categories.

The same code reads the training data, a batch for `predict` and a request, so that they cannot differ.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from ..project.errors import DataError, listed, shown
from ..sources import formats
from ..sources.names import in_other_letters
from . import moments
from .dictionary import LABEL, LARGEST, Column, Dictionary, by_role, label_columns
from .lists import different_items, items_of, parted
from .moments import CLOCK_DAY, completed
from .violations import ADD_IT, Violation, Warned, described, explain, explain_absent, left_out, violation
from .wording import rewritten

MISSING_WORDS = frozenset(["", *"? - -- . na n/a #n/a n.a. nan null nil none nat missing \\n".split()])
TRUE_WORDS, FALSE_WORDS = frozenset(["true", "t", "yes", "y", "1"]), frozenset(["false", "f", "no", "n", "0"])
CODED_OTHERWISE = 20  # cells that are all otherwise: fewer may be so by chance
FEW_IDS, REPEATING = 20, 0.2  # rows of a table in which an id that more of them share is of a customer, not of a row
ISO_DAY, ISO_CLOCK = r"\d{4}-\d\d-\d\d([T ].*)?", rf"{CLOCK_DAY:%Y-%m-%d}[T ].*"  # can be read in one way alone
INTEGERS_THAT_FLOAT_KEEPS = 2**53
OFFSET = r"[T ]\d\d(?::?\d\d)*(?:\.\d+)? ?[+-](?!00:?00$)\d\d(?::?\d\d)?$"  # of a zone that is not UTC
NARROW = "[\u00a0\u2009\u202f]"  # blanks within a number
PERCENT, FRACTIONS = 10, 20  # a column of percent that goes so far, and cells that are parts of 1 by no chance
UNREAD = "cells that are not"  # how the problem of cells begins that cannot be read


def validate(
    frame: pd.DataFrame, columns: Dictionary, *, where: str, first_row: int = 1, target: bool = True
) -> tuple[pd.DataFrame, list[str]]:
    """Type and validate a table by the data dictionary.

    `frame`, shape (n_rows, n_columns_found), has cells as text or as native types; extra columns are left out, the
    order does not matter. Messages name the file, `where`, and the numbers of its rows: the index of `frame` counts
    them from `first_row` on. `target` says whether the target is wanted too, and what people said of it, if they did.

    Returned are the table, shape (n_rows, n_columns), and the warnings: a line for each violation whose rule is not
    `refuse`, a `Warned`, and one for columns that were left out. Integers are int64 (float64 if any is missing or does
    not fit), numbers float64, categories, text and lists str, dates datetime64[us] without zone (UTC), booleans bool
    (float64 if any is missing). Ids are text as they stand where that is not how their type is written.

    A `DataError` if columns are missing or cells break a rule that says `refuse`: all of them in one message and in
    `violations`.
    """
    odd = in_other_letters(frame.columns, columns)
    frame, numbers = frame.rename(columns=odd), frame.index + first_row
    there, to_make, absent = looked_for(columns, frame.columns, target=target)
    typed, refused, warned = typed_columns(frame, there, target=target)
    parts = moments.parts_of(to_make)
    made, gaps = ({}, []) if absent else moments.made(typed, to_make)
    for gap in gaps:
        if gap.column not in {one.column for one in refused}:
            (refused if parts[gap.column].rule == "refuse" else warned).append(gap)
    lacking = [Violation(name, "no cell: the column is missing", ADD_IT, tuple(range(len(frame)))) for name in absent]
    if lacking or refused:
        said = explain(absent, refused, warned, where, numbers) if refused else explain_absent(absent, frame, where)
        raise DataError(said, [*lacking, *refused])
    typed |= made
    within = {part for part in parts if columns[part].type == "datetime" and columns[part].role == "ignored"}
    kept = {name: typed[name] for name in columns if name in typed and name not in within}
    warnings: list[str] = [Warned(f"{where}: column {described(one, numbers)}", one) for one in warned]
    if odd:
        same = listed([ascii(name) for name in odd])
        warnings.append(f"{where}: names in other code points are those of the data dictionary: {same}")
    if extra := [str(name) for name in frame.columns if name not in columns]:
        warnings.append(left_out(extra, where))
    return pd.DataFrame(kept, index=frame.index), warnings


def looked_for(columns: Dictionary, found: pd.Index, *, target: bool) -> tuple[Dictionary, Dictionary, list[str]]:
    """What is wanted of a table: columns that are `found`, moments to be made of them, and the names of the absent."""
    labels, unneeded = label_columns(columns), ("ignored", "id") if target else ("ignored", "id", "group")
    wanted = {n: c for n, c in columns.items() if target or not (c.role == "target" or n in labels)}
    to_make = moments.to_make(wanted, found)
    there = moments.with_rules({name: column for name, column in wanted.items() if name in found}, to_make)
    may_be_absent = {*by_role(columns, *unneeded), *labels, *to_make} - {*moments.parts_of(to_make)}  # not its parts
    return there, to_make, [name for name in wanted if name not in found and name not in may_be_absent]


def typed_columns(
    frame: pd.DataFrame, columns: Dictionary, *, target: bool
) -> tuple[dict[str, pd.Series], list[Violation], list[Violation]]:
    """Type the columns that are there; with what breaks a rule that refuses, and what breaks another."""
    typed, refused, warned = dict[str, pd.Series](), list[Violation](), list[Violation]()
    for name, column in columns.items():
        values, violations = validate_column(frame[name], column)
        if column.role == "group" and violations and not target:  # no model sees it: a new group is called as it likes
            values, violations = stripped(frame[name]), []
        typed[name] = values
        refuses = column.role != "ignored" and column.rule == "refuse"
        for one in violations:  # what needs no cure is mended
            for key in ("decimal", "thousands", "unit") if not target else ():
                if getattr(column, key):  # the source needs it: another one for a batch would stop that
                    one = replace(one, cure=one.cure.replace(f"'{key}', ", ""))
            (refused if refuses and one.cure else warned).append(one)
    ids = [name for name in typed if columns[name].role == "id"]
    return typed, refused, [*repeated_ids(typed, ids), *warned]


def validate_column(cells: pd.Series, column: Column) -> tuple[pd.Series, list[Violation]]:
    """Type one column, shape (n_rows,), and list what breaks its rules."""
    name = str(cells.name)
    values, unreadable = parse_whatever_wrote_it(cells, column)
    then = ", read as missing" if column.rule == "treat as missing" else ""
    found = [*unread(cells, unreadable, column, then)] if unreadable.any() else []
    empty = values.isna() & ~unreadable
    may_be_empty = column.missing_allowed or column.role == "ignored" or column.role.startswith(LABEL)
    if not may_be_empty and empty.any():
        found.append(violation(name, "empty cells", f"Fill them, or set missing_allowed = true in [{name}]", empty))
    if column.range is not None and column.type in ("integer", "number"):
        low, high = column.range
        outside = ((values < low) | (values > high)).fillna(False).astype(bool)
        if outside.any():
            problem = f"values outside {low:g} ... {high:g}, like {values[outside].iloc[0]:g}{then}"
            cure = f"Fix the rows, say what means no value ('missing'), or widen 'range' of [{name}]"
            found.append(violation(name, problem, cure, outside))
        unreadable = unreadable | outside
    mended, how = values.isna() & False, "words written otherwise"
    if column.type == "category" and (column.values is not None or column.digits):
        values, mended = rewritten(values, column.values, column.digits)
    if column.type == "list" and column.values is not None:
        (values, mended), how = parted(values, column.separator, column.values), "items parted otherwise"
    if column.type == "datetime" and not (column.unit or pd.api.types.is_datetime64_any_dtype(cells.dtype)):
        mended = stripped(cells).str.contains(OFFSET).eq(True) & values.notna()
        how = "times with a zone turned into UTC"
    if mended.any():
        sample = f"{shown(str(cells[mended].iloc[0]))} read as {shown(str(values[mended].iloc[0]))}"
        found.append(violation(name, f"{how}, like {sample}", "", mended))
    if column.type in ("category", "list") and column.values is not None:
        unknown, problem = unknown_words(values, column, column.values)
        if unknown.any():
            found.append(violation(name, problem + then, f"Fix the cells, or add to 'values' of [{name}]", unknown))
        unreadable = unreadable | unknown
    return values.mask(unreadable) if then and unreadable.any() else values, found


def unread(cells: pd.Series, unreadable: pd.Series, column: Column, then: str) -> Iterator[Violation]:
    """What is wrong with cells that cannot be read, shape (n_rows,) both: most are not of the type, some too large."""
    beyond = pd.to_numeric(stripped(cells.where(unreadable)), errors="coerce").astype("float64").abs() > LARGEST
    marks = "'decimal', 'thousands', 'unit'"
    others = {"datetime": "'format', several parted by ' | '", "boolean": "'type'", "integer": f"'type', {marks}"}
    cure = f"Fix the cells, or say how to read them ({others.get(column.type, marks)}, 'missing') in [{cells.name}]"
    kind = f"{UNREAD} {'an' if column.type == 'integer' else 'a'} {column.type}"
    for where, problem in ((unreadable & ~beyond, kind), (beyond, f"numbers beyond {LARGEST:g}")):
        if where.any():
            yield violation(str(cells.name), f"{problem}, like {shown(str(cells[where].iloc[0]))}{then}", cure, where)


def parse_whatever_wrote_it(cells: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    """`parse`; dates as programs write them are read beside the format of the file, ids are text as they stand."""
    if column.role == "id" and not are_plain_ids(cells):
        return parse_text(cells, column)
    values, unreadable = parse(cells, column)
    if column.type == "datetime" and column.format and unreadable.any() and "%Y-%d" not in column.format:
        iso = ISO_DAY if re.search("%[yYG]", column.format) else ISO_CLOCK
        plain = unreadable & stripped(cells).str.fullmatch(iso).eq(True)
        again, odd = parse_datetime(cells.where(plain), replace(column, format=""))
        return values.fillna(again), unreadable & (odd | ~plain)
    return values, unreadable


def check_percent(frame: pd.DataFrame, columns: Dictionary, where: str) -> Iterator[str]:
    """What to say of columns of percent all of whose cells may be fractions, as Excel keeps them: nobody can tell.

    `frame` has the cells as they stand, shape (n_rows, n_columns_found).
    """
    of_percent = {name: column for name, column in columns.items() if column.unit == "%" and name in frame}
    for name, column in of_percent.items():
        values = parse(frame[name], column)[0].dropna()
        parts = values[values % 1 != 0]
        most = column.range[1] if column.range else 0
        signed = stripped(frame[name]).str.contains("%").any()
        if signed or most < PERCENT or len(parts) < FRACTIONS or values.abs().max() > 1:
            continue
        found = f"{where}: column {name!r} has no cell above 1, as {parts.iloc[0]:g}, and no sign; known: to {most:g} %"
        yield f"{found}.\nIf these are percent, nothing is to be done; if fractions, multiply them by 100."


def unknown_words(values: pd.Series, column: Column, known: tuple[str, ...]) -> tuple[pd.Series, str]:
    """Which values, shape (n_rows,), are or hold words that are not known, and how to say it."""
    if column.type == "category":
        unknown = values.notna() & ~values.isin(known)
        problem = f"unknown categories, like {''.join(map(shown, values[unknown].head(1)))}"
        if unknown.sum() >= CODED_OTHERWISE and unknown.sum() > values.notna().sum() / 2:
            problem = f"{problem} (most cells: is it coded otherwise? known: {listed([*map(shown, known)], 4)})"
        return unknown, problem
    new = [item for item in different_items(values, column.separator) if item not in known]
    unknown = values.map(lambda cell: not set(items_of(cell, column.separator)).isdisjoint(new), na_action="ignore")
    return unknown.eq(True), f"unknown items, like {', '.join(map(repr, new[:3]))}"  # missing ones are not


def are_plain_ids(cells: pd.Series) -> bool:
    """Whether ids, shape (n_rows,), are no text, or whole numbers as Python writes them: neither 3E5 nor 007."""
    if not pd.api.types.is_string_dtype(cells.dtype):
        return True
    return bool(stripped(cells).dropna().str.fullmatch(r"0|-?[1-9]\d{0,14}|").all())


def repeated_ids(typed: dict[str, pd.Series], ids: list[str]) -> Iterator[Violation]:
    """Ids that name more than one row, and whether those are copies; not what most rows of a table share."""
    for name in ids:
        values = typed[name]
        twice = values.notna() & values.duplicated(keep=False)
        if not twice.any() or (len(values) >= FEW_IDS and twice.mean() > REPEATING):
            continue
        samples = " and ".join(map(shown, values[twice].drop_duplicates().head(2).astype(str)))
        found = f"ids that stand twice, like {samples}"
        copies = pd.DataFrame(typed)[twice].duplicated(keep=False).sum() if len(typed) > len(ids) else 0
        if copies:
            which = "in rows that are" if copies == twice.sum() else f"{copies} of the rows"
            found = f"{found}, {which} copies of each other"
        yield violation(name, found, "", twice)


def parse(cells: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    """Read one column of text or native values, shape (n_rows,), as its type.

    Values are missing where a cell is empty, means missing, or cannot be read; with them, bool, which those last are.
    """
    read = {"integer": parse_number, "number": parse_number, "boolean": parse_boolean, "datetime": parse_datetime}
    return read.get(column.type, parse_text)(cells, column)


def stripped(cells: pd.Series) -> pd.Series:
    """Cells as stripped text, missing kept; each as it would be alone, so that a row and a batch agree."""
    return formats.as_text(cells).str.strip()


def is_missing(text: pd.Series, column: Column, words: frozenset[str] = frozenset([""])) -> pd.Series:
    """True where a cell is empty or one of the words or of the column's own markers."""
    missing = text.isna() | text.str.lower().isin(words)
    return missing | text.isin(column.missing) if column.missing else missing


def parse_number(cells: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    """Numbers as float64, or int64 for a whole column of integers that fit; a number beside texts is what it is."""
    if is_numeric_dtype(cells.dtype) and not is_bool_dtype(cells.dtype):  # true among numbers is none, so alone
        values = cells.astype("float64")
        missing = values.isna()
    else:
        text = stripped(cells)
        as_it_stands = column.decimal == "." and not column.unit and not column.thousands
        values = pd.to_numeric(text, errors="coerce").astype("float64") if as_it_stands else None
        if values is None or values.isna().any():  # 10,000 columns of plain numbers need none of this
            plain = plain_number(text, column)
            if cells.dtype == object:  # a number beside texts, as of JSON, has no marks
                plain = plain.where(cells.map(lambda cell: isinstance(cell, str)), text)
            values = pd.to_numeric(plain, errors="coerce").astype("float64")
        missing = values.isna()
        if missing.any() or column.missing:
            missing = is_missing(text, column, MISSING_WORDS)
    if column.missing:
        markers = pd.to_numeric(pd.Series(column.missing, dtype="str"), errors="coerce")  # words like "?" become NaN
        missing = missing | values.isin(markers.dropna())  # "-999" is -999.0 too
    values = values.where(~missing & (values.abs() <= LARGEST))
    unreadable = values.isna() & ~missing
    if column.type == "integer":
        fraction = values.notna() & (values % 1 != 0)
        values, unreadable = values.mask(fraction), unreadable | fraction
        if values.between(-(2.0**63), 2.0**63, inclusive="left").all():  # beyond, int64 would be another number
            values = values.astype("int64")
    return values, unreadable


def grouped_by(mark: str) -> str:
    """The pattern of a number whose digits a mark parts by threes; nobody parts those of 0,601."""
    return rf"[-+]?[1-9]\d{{0,2}}({re.escape(mark)}\d{{3}})+([^\d{re.escape(mark)}]\d*)?"


def plain_number(text: pd.Series, column: Column) -> pd.Series:
    """Numbers as Python writes them: no thousands marks, a point before the decimals."""
    text = text.str.replace("\u2212", "-", regex=False)
    if column.unit:
        text = text.str.removesuffix(column.unit).str.strip()
        text = text.str.replace(rf"^([-+]?)\s*{re.escape(column.unit)}\s*", r"\1", regex=True)
    if column.thousands:
        text = text.str.replace(NARROW, " ", regex=True) if column.thousands == " " else text
        text = text.str.replace("\u2019", "'", regex=False) if column.thousands == "'" else text
        grouped = text.str.fullmatch(grouped_by(column.thousands)).fillna(False)
        text = text.where(~grouped.astype(bool), text.str.replace(column.thousands, "", regex=False))
    if column.decimal == ",":
        text = text.str.replace(".", "x", regex=False).str.replace(",", ".", regex=False)
    return text


def parse_boolean(cells: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    """True and false as bool, or as 1.0 and 0.0 where cells are missing."""
    text = stripped(cells).str.lower()
    missing = is_missing(text, column, MISSING_WORDS)
    values = text.map({**dict.fromkeys(TRUE_WORDS, 1.0), **dict.fromkeys(FALSE_WORDS, 0.0)}).where(~missing)
    return (values.astype(bool) if values.notna().all() else values), values.isna() & ~missing


def parse_datetime(cells: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    """Dates as datetime64[us]; times with a zone are turned into UTC."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        missing, parsed = cells.isna(), pd.to_datetime(cells, utc=True)
    else:
        text = stripped(cells)
        missing = is_missing(text, column, MISSING_WORDS)
        moving = text.isin(["now", "today"])  # pandas reads them, as another moment each time
        parsed = dates(text.mask(missing | moving), column.format or "ISO8601")
    if days := [word for word in column.missing if re.match(r"\d{4}-\d\d-\d\d", word)]:  # whatever the cells' format
        missing = missing | parsed.isin(pd.to_datetime(days, format="ISO8601", errors="coerce", utc=True).dropna())
    values = parsed.mask(missing).dt.tz_localize(None).astype("datetime64[us]")
    return values, values.isna() & ~missing


def dates(text: pd.Series, formats: str) -> pd.Series:
    """Text as dates in UTC; several formats, parted by " | ", are tried one after the other."""
    parsed = None
    for form in formats.split(" | "):
        rest = text if parsed is None else text.where(parsed.isna())
        try:
            rest, form = completed(rest, form)
            found = pd.to_datetime(rest, format=form, errors="coerce", utc=True)
        except ValueError as error:
            said = f"column {str(text.name)!r}: format = {formats!r}"
            raise DataError(f"{said} is no format of dates ({error}).") from None
        parsed = found if parsed is None else parsed.fillna(found)
    return parsed


def parse_text(cells: pd.Series, column: Column) -> tuple[pd.Series, pd.Series]:
    """Categories and text as str; every text is readable."""
    text = stripped(cells)
    return text.mask(is_missing(text, column)).astype("str"), pd.Series(False, index=cells.index)
