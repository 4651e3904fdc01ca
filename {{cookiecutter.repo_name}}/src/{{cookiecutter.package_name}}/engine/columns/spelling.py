"""The ways in which a column of text can be read: as truth values, numbers, dates or clock times, most likely first.

`infer.py` takes the first way that reads the cells. A way is a `Column` for `validate.parse`, with a remark where the
choice was not obvious.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

import pandas as pd

from ..project.errors import counted, shown
from . import validate
from .dictionary import Column, Dictionary, Thousands, alike, by_role
from .validate import FALSE_WORDS, INTEGERS_THAT_FLOAT_KEEPS, NARROW, TRUE_WORDS, grouped_by, parse, stripped

MOST, NEARLY_ALL = 0.5, 0.9  # shares of the cells that look like a number, and like a date, before it is tried
PROBE_CELLS = 200  # a format that fails on these is not tried on the whole column
DATE_LIKE = re.compile(r"\d.*[-/.: ].*\d|\d{1,2}[a-zA-Z]{3}\d{2}|[a-zA-Z]{3,9}[- ](?:\d\d){1,2}$|\d{4}[QqWw]\d")
DAYS = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y", "%d-%m-%y")
MONTHS = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y", "%m-%d-%y")
SPELT = ("%Y/%m/%d", "%b %d %Y", "%d %b %Y", "%d-%b-%Y", "%d-%b-%y", "%b %d, %Y", "%B %d, %Y", "%d %B %Y")
SAS = ("%d%b%Y", "%d%b%y", "%d%b%Y:%H:%M:%S")
MONTHS_ALONE = ("%b %Y", "%B %Y", "%b-%Y", "%b-%y")
SPANS = (*MONTHS_ALONE, "%YQ%q", "%Y-Q%q", "%Y Q%q", "Q%q %Y", "%G-W%V", "%GW%V")
NO_SPAN = r"(?i)(?=.*[QW]).*\b(?!19|20|99)\d{4}(?!\d).*|\d{4}W\d"  # 1200W2 is a lamp
FIRST_DAYS = {"%V": "a week alone is its Monday", "%q": "a quarter alone is its first day"}
FIRST_OF_MONTH = "the day is the part that is 1 in every row, as the other takes all of 1 to 12"
DAYS_IN_DIGITS = r"(?:19|20|99)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"  # 99991231 means "for ever"
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
MONTH_ALONE = r"(?:0?[1-9]|1[0-2])[/.](?:19|20)\d\d|(?:19|20)\d\d-\d\d"
CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%H.%M.%S", "%I:%M %p", "%I:%M:%S %p")
ISO = "ISO8601"
FORMATS_IN_A_COLUMN = 4
ZONE = r"\d:?\d\d(?:\.\d+)? ?(?:Z|[+-]\d\d:?\d\d)$"
PLAIN = r"[-+]?(\d+|\d*\.(\d{1,2}|\d{4,})|0\.\d+|\d{4,}\.\d+)([eE][-+]?\d+)?"  # where no mark is in doubt
THOUSANDS: tuple[Thousands, ...] = (",", ".", " ", "'")
CURRENCIES = "$ € £ ¥ ₹ ₺ ₽ zł Kč kr Ft R$".split()  # before the number or after it
CURRENCIES += "EUR USD GBP CHF JPY SEK NOK DKK PLN CZK HUF CAD AUD CNY INR BRL".split()
UNIT_WORDS = frozenset("% kg g mg t lb lbs oz km m cm mm mi ft l ml h min s ms °C °F kWh kW km/h mph".split())
AMOUNT = re.compile(r"^\s*(?P<before>[^\d\s+.,-]*)\s*[-+]?[\d.,'\u2019\s]*\d\s*(?P<after>\D*?)\s*$")
ID_NAME = re.compile(
    r"(^|[^a-z])(unnamed: \d+|id|ids|uuid|guid|key|index|no|nr|number|code)$|[a-z](ID|Id|Number|No|Key)$"
)
WHERE = "of it in references/data_dictionary.toml"
EITHER = "it could be the"  # begins the doubt of a mark
DECIMALS = r"\d[{}](?:\d{{1,2}}|\d{{4,}})\D*$"  # of a number whose last mark parts no thousands
Way = tuple[Column, str]


def ways(present: pd.Series, read: Mapping[str, Any], markers: tuple[str, ...]) -> Iterator[Way]:
    """The ways to read a column of text, most likely first; each with a remark.

    `present` has the cells that are not missing, stripped, shape (n_cells,), at least one; `decimal`, `thousands` and
    `dates` of `[data.read]` overrule what is found, `settled` is the decimal mark of the other columns; `markers` are
    the texts that mean "no value".
    """
    probe = present.iloc[:PROBE_CELLS]
    told = {"decimal", "thousands"} & set(read)
    with_digits = present[present.str.contains(r"\d")]
    if not told and len(with_digits) > MOST * len(present) and with_digits.str.match(r"0\d").any():
        if with_digits.str.fullmatch(MONTH_ALONE).all():  # 08.2025 is no number
            yield from date_ways(present, read, markers)
    if not told and days_in_digits(present):
        doubt = f'if they are no days: then say type = "integer" instead of the format {WHERE}'
        yield Column(type="datetime", missing=markers, format="%Y%m%d"), f"dates read as %Y%m%d; {doubt}"
    if not told and present.str.fullmatch(PLAIN).all() and not looks_like_code(present):
        yield Column(type="number", missing=markers), ""
        return
    if probe.str.lower().isin(TRUE_WORDS | FALSE_WORDS).all():
        yield from boolean_ways(present, markers)
    if probe.str.contains(r"\d").mean() > MOST and not looks_like_code(present):
        yield from number_ways(present, read, markers)
    if probe.str.contains(DATE_LIKE).mean() > NEARLY_ALL:
        yield from date_ways(present, read, markers)


def days_in_digits(present: pd.Series) -> bool:
    """Whether most of the numbers or texts, shape (n_cells,), are days such as 20260131, and no ids of their rows."""
    probe = stripped(present.iloc[:PROBE_CELLS])
    return probe.str.fullmatch(DAYS_IN_DIGITS).mean() > NEARLY_ALL and not (called_id(present) and present.is_unique)


def called_id(cells: pd.Series) -> bool:
    """Whether a column has a name such as ids have."""
    name = str(cells.name)
    return bool(ID_NAME.search(name) or ID_NAME.search(name.lower()))


def boolean_ways(present: pd.Series, markers: tuple[str, ...]) -> Iterator[Way]:
    """True and false, or more than two spellings of yes and no; two spellings are a category with two names."""
    spellings = sorted(present.unique())
    words = {spelling.lower() for spelling in spellings}
    if words <= {"true", "false"}:
        yield Column(type="boolean", missing=markers), ""
    elif len(spellings) > 2 and words <= TRUE_WORDS | FALSE_WORDS and words & TRUE_WORDS and words & FALSE_WORDS:
        yield Column(type="boolean", missing=markers), f"{', '.join(map(repr, spellings))} read as true and false"


def looks_like_code(present: pd.Series) -> bool:
    """Digits that are a name, not an amount: leading zeros, or more digits than a float keeps."""
    padded = present.str.fullmatch(r"0\d+[.,]\d+").any() and present.str.len().nunique() == 1  # 000953000, 000879.17
    digits = present[present.str.fullmatch(r"0\d[\d ]*|[-+]?\d{16,}")]
    if not padded and digits.str.startswith("0").any():
        return True
    return any(len(cell) > 20 or abs(int(cell)) > INTEGERS_THAT_FLOAT_KEEPS for cell in digits)


def number_ways(present: pd.Series, read: Mapping[str, Any], markers: tuple[str, ...]) -> Iterator[Way]:
    """As it stands, then decimal comma and thousands marks where the cells have them; a unit is left out."""
    given: dict[str, Any] = {key: read[key] for key in ("decimal", "thousands") if key in read}
    unit = unit_of(present.iloc[:PROBE_CELLS])
    also = f"; {unit!r} left out of the numbers" if unit else ""
    same: dict[str, Any] = {"type": "number", "missing": markers, "unit": unit}
    bare = present.str.replace(NARROW, " ", regex=True).str.replace("\u2019", "'", regex=False)
    bare = (bare.str.replace(unit, "", regex=False) if unit else bare).str.strip()  # nothing: pandas 3.0.0 never ends
    if given:
        yield Column(**same, **given), also.removeprefix("; ")
        return
    for marks, how in settled_marks(bare, read.get("settled", "")):
        yield Column(**same, **marks), f"{how}{also}"
    grouped = {mark: bare[bare.str.fullmatch(grouped_by(mark))] for mark in THOUSANDS}
    twice = grouped["."].str.count(r"\.").gt(1).any()
    zeros = bare.str.fullmatch(r"[-+]?0\d*,\d+").any()  # nobody groups the digits of 0,601
    likely = read.get("separator") == ";" and doubt(bare, ",", "decimal", "thousands")
    if comma := "; ',' read as the decimal mark" if zeros else likely:
        yield Column(**same, decimal=","), f"{comma}{also}".removeprefix("; ")
    if not twice:
        yield Column(**same), f"{doubt(bare, '.', 'decimal', 'thousands')}{also}".removeprefix("; ")
    for mark, cells in grouped.items():
        if len(cells) and (twice or mark != "."):
            unsure = doubt(bare, mark, "thousands", "decimal") if mark == "," else ""
            yield Column(**same, thousands=mark), f"{mark!r} read as the thousands mark{unsure}{also}"
    if bare.str.contains(",", regex=False).any():
        yield Column(**same, decimal=","), f"',' read as the decimal mark{also}"
        for mark in THOUSANDS[1:]:
            if len(grouped[mark]):
                said = f"',' read as the decimal mark, {mark!r} for thousands{also}"
                yield Column(**same, decimal=",", thousands=mark), said


def settled_marks(bare: pd.Series, decimal: str) -> Iterator[tuple[dict[str, Any], str]]:
    """The marks by the other columns, whose `decimal` mark is known, or else by groups of digits; and what to say."""
    for mark, point in (",.", ".,") if not decimal else ():
        marked = bare.str.contains(mark, regex=False)  # 1.180 ends in a zero as three decimals would, and 188 has none
        whole, plain = bare[marked], bare[~marked]
        groups = whole.str.fullmatch(rf"[-+]?[1-9]\d{{0,2}}[{mark}]\d{{3}}").all() and whole.str.endswith("0").any()
        if groups and plain.str.fullmatch(r"[-+]?\d{1,3}").all() and plain.str.contains(r"\d{3}").any():
            unsure = doubt(bare, mark, "thousands", "decimal")
            yield {"thousands": mark, "decimal": point}, f"{mark!r} read as the thousands mark{unsure}"
    if decimal:
        other = "," if decimal == "." else "."
        role, mark = ("thousands", other) if bare.str.contains(rf"\d[{other}]\d").any() else ("decimal", decimal)
        otherwise = "decimal" if role == "thousands" else "thousands"
        if_not = f'; if not so: {otherwise} = "{mark}" {WHERE}' if doubt(bare, mark, role, otherwise) else ""
        yield {"decimal": decimal, role: mark}, f"{mark!r} read as the {role} mark, as in the other columns{if_not}"


def doubt(bare: pd.Series, mark: str, role: str, other: str) -> str:
    """What to say where each mark stands before exactly three last digits, so that it can be either."""
    marked = bare[bare.str.contains(rf"\d{re.escape(mark)}\d")]
    if marked.empty or not marked.str.fullmatch(rf"[-+]?[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}").all():
        return ""
    said = f"; {mark!r} read as the {role} mark" if role == "decimal" else ""
    return f'{said}; {EITHER} {other} mark: then say {other} = "{mark}" {WHERE}'


def in_other_marks(frame: pd.DataFrame, columns: Dictionary, where: str) -> tuple[Dictionary, list[str]]:
    """The columns, those that a batch writes in other marks with these; and what is to be said of its numbers."""
    # A rule that does not refuse answers a row alone without a cell that is in doubt: there nothing is done.
    names = [name for name in by_role(columns, "feature", "time") if name in frame and columns[name].rule == "refuse"]
    found = {name: otherwise(frame[name], columns[name]) for name in names}
    said = [f"{where}: column {name!r} has {how}" for name, (_, how) in found.items() if how]
    columns = columns | {name: column for name, (column, _) in found.items()}
    return columns, [*said, *validate.check_percent(frame, columns, where)]


def otherwise(cells: pd.Series, column: Column) -> tuple[Column, str]:
    """A column of numbers with the marks by which cells, shape (n_rows,), are written beyond doubt; and what to say.

    Then all marks that read each cell give the same numbers, and what its own read stays: a row alone is the same
    number or refused. A sign that the column does not have is not left out: it may be another unit.
    """
    if alike(column.type) != "number":
        return column, ""
    own, unread = parse(cells, replace(column, type="number"))
    pairs = product(".,", ("", *THOUSANDS)) if unread.any() else ()
    tried = [replace(column, **dict[str, Any](decimal=point, thousands=mark)) for point, mark in pairs if point != mark]
    read = [(way, *parse(cells, way)) for way in tried]
    fits = [(way, values) for way, values, odd in read if not odd.any() and (values == own)[own.notna()].all()]
    if not fits or not all(values.equals(fits[0][1]) for _, values in fits):
        return column, ""
    way, values = fits[0]
    like = f"{shown(str(cells[unread].iloc[0]))} read as {values[unread].iloc[0]:.15g}"
    return way, f"numbers written otherwise, like {like} ({counted(int(unread.sum()), 'row')})"


def unit_of(probe: pd.Series) -> str:
    """The currency or unit that most cells carry, or ""."""
    found = probe.str.extract(AMOUNT)
    for place, allowed in (("before", CURRENCIES), ("after", (*UNIT_WORDS, *CURRENCIES))):
        shares = found[place].value_counts() / len(probe)
        for unit in shares[shares > MOST].index.intersection(allowed):
            return str(unit)
    return ""


def date_ways(present: pd.Series, read: Mapping[str, Any], markers: tuple[str, ...]) -> Iterator[Way]:
    """The formats that together read the cells, the one that reads most first; clock times stand alone."""
    given = str(read.get("dates", ""))
    if "%" in given:
        yield Column(type="datetime", missing=markers, format=given), ""
        return
    chosen, doubts = chosen_formats(present, given)
    if chosen:
        form, said = " | ".join(chosen), "; ".join([*said_of_dates(present, chosen), *doubts])
        zoned = "UTC" if "%z" in form or (ISO in chosen and present.str.contains(ZONE).any()) else ""
        yield Column(type="datetime", missing=markers, format="" if form == ISO else form, unit=zoned), said


def chosen_formats(present: pd.Series, given: str) -> tuple[dict[str, int], list[str]]:
    """The formats that are taken, each with how many of the cells left by those before it reads; and their doubts."""
    orders = {"day-first": (DAYS,), "month-first": (MONTHS,)}.get(given, (MONTHS, DAYS))
    times = TIMES if present.str.contains(":", regex=False).any() else ("",)
    of_days = (day + time for days in (*orders, SPELT) for day in days for time in times)
    spans = () if present.str.fullmatch(NO_SPAN).any() else SPANS
    known = [ISO, *of_days, *SAS, "%m/%Y", "%m.%Y", *spans, *CLOCKS]  # of two that read as many, the first is taken
    chosen, doubts, undecided, rest = dict[str, int](), list[str](), False, present
    while len(rest) and len(chosen) < FORMATS_IN_A_COLUMN:
        fitting = {form: int((~unread(rest, form)).sum()) for form in best_on_probe(rest, known)}
        form, count = max(fitting.items(), key=lambda item: item[1], default=("", 0))
        if not count or (chosen and ({form, *chosen} & set(CLOCKS) or swapped(form) in chosen)):
            break
        if not given and swapped(form) != form and fitting.get(swapped(form)) == count:
            monthly = next((order for order in (form, swapped(form)) if is_monthly(rest, order)), "")
            form, undecided = monthly or form, undecided or not monthly
            doubts = [f'{FIRST_OF_MONTH}; if not so: format = "{swapped(form)}" {WHERE}'] if monthly else doubts
        chosen[form], rest = count, rest[unread(rest, form)]
    if undecided:
        other = swapped(" | ".join(chosen))
        doubts.insert(0, f'day and month could be the other way round: then say format = "{other}" {WHERE}')
    return chosen, doubts


def said_of_dates(present: pd.Series, chosen: dict[str, int]) -> Iterator[str]:
    """What to say of formats, with how many cells each reads."""
    form = " | ".join(chosen)
    if len(chosen) > 1:
        yield "dates read as " + ", ".join(f"{form} ({counted(count, 'cell')})" for form, count in chosen.items())
    elif form != ISO:
        yield f"clock times, read as {form} on 1900-01-01" if form in CLOCKS else f"dates read as {form}"
    if ISO in chosen and (zoned := int(present.str.contains(ZONE).sum())):
        without = f", {len(present) - zoned} without one taken as UTC" if zoned < len(present) else ""
        yield f"times with a zone turned into UTC{without}"
    yield from (note for mark, note in FIRST_DAYS.items() if mark in form)
    if present.str.fullmatch(MONTH_ALONE).any() or not chosen.keys().isdisjoint(MONTHS_ALONE):
        yield "a month alone is its first day"
    if "%b-%y" in chosen and not present.str.contains(r"[a-zA-Z]-(?:3[2-9]|[4-9]\d)$").any():
        yield f'if the digits are days: then say type = "category" instead of the format {WHERE}'


def best_on_probe(cells: pd.Series, known: list[str]) -> list[str]:
    """The formats that read most of some cells; several where they cannot be told apart by these."""
    probe = cells.iloc[:: max(1, len(cells) // PROBE_CELLS)]
    read = {form: int((~unread(probe, form)).sum()) for form in known}
    return [form for form, count in read.items() if count and count == max(read.values())]


def unread(cells: pd.Series, form: str) -> pd.Series:
    """True where a format does not read a cell."""
    return parse(cells, Column(type="datetime", format=form))[1]


def is_monthly(cells: pd.Series, form: str) -> bool:
    """Whether a format makes all that it reads of some cells the first day of a month, and all twelve are there."""
    days = parse(cells, Column(type="datetime", format=form))[0].dropna().dt
    return bool((days.day == 1).all() and days.month.nunique() == 12)


def swapped(form: str) -> str:
    """A format with day and month the other way round."""
    return form.replace("%d", "%_").replace("%m", "%d").replace("%_", "%m")
