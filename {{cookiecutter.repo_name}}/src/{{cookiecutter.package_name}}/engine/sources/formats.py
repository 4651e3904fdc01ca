"""Opens the files that carry more than text: Parquet, Arrow, ORC, Stata, SAS, SPSS, JSON; Excel is in `excel.py`.

Cells keep their types; a column of mixed types becomes text. A cell that holds several values is no obstacle: an
object becomes columns, a list or bytes become text, and it is said.
"""

import contextlib
import json
import math
import re
import warnings
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeGuard

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from ..project.errors import NAMED, DataError, listed
from . import documents
from .rows import SetAside

SAS_DATE = re.compile(rb"(DATETIME|DATEAMPM|[BE]8601D[TNXZ])|DATE|DDMM|MMDD|YYMM|WEEKDAT|WORDDAT|MON|[BE]8601DA")
SPSS_DATE = re.compile("[AEJS]?DATE|YMDHMS|MOYR|QYR|WKYR|([DM]?TIME)")
Columns = list[tuple[str, pd.Series]]
Said = dict[str, list[str]]  # what was decided -> the columns
Separators = Mapping[str, str]  # of the items of a list, by column; ";" of others


def table(content: bytes, separators: Separators) -> tuple[pd.DataFrame, list[str]] | None:
    """Return a table of a kind that is told by its first bytes, and what was decided; None of any other.

    Whole numbers and booleans with gaps become nullable, decimals float64, or text where that would lose digits;
    durations become seconds, structs a column a field, codes with labels their labels. A `DataError` if the file is
    damaged, or the package for its kind is not installed.
    """
    kind, reader = next(((kind, read) for start, kind, read in KINDS if re.match(start, content)), ("", None))
    if reader is None:
        return None
    try:
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            rows = reader(pa.BufferReader(content))
    except DataError:
        raise
    except Exception as error:  # of a damaged file each library raises errors of its own, and some of others
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise DataError(f"damaged {kind} file ({reason}). Fetch or write it again.") from None
    said: Said = {}
    columns = _arrow_columns(rows, said, separators) if isinstance(rows, pa.Table) else _labelled_columns(rows, said)
    return framed(columns, said, [" ".join(str(one.message).split())[:200] for one in heard])


def framed(columns: Columns, said: Said, notes: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return columns, two of one name allowed, as a frame, and all that is to be said."""
    names, cells = [name for name, _ in columns], dict(enumerate(cells for _, cells in columns))
    notes = notes + [f"{what}: {listed(names, NAMED)}" for what, names in said.items()]
    return pd.DataFrame(cells).set_axis(names, axis=1), notes


def _orc(raw: pa.NativeFile) -> pa.Table:
    from pyarrow import orc  # 0.04 s

    return orc.read_table(raw)


def _stata(raw: pa.NativeFile) -> pd.DataFrame:
    try:
        return pd.read_stata(raw)
    except ValueError as error:
        if "not unique" not in str(error):
            raise
        warnings.warn("two codes have the same label: the codes are kept", stacklevel=1)
        raw.seek(0)
        return pd.read_stata(raw, convert_categoricals=False)


def _transport(raw: pa.NativeFile, encoding: str = "utf-8") -> pd.DataFrame:
    """Read a SAS transport file; pandas leaves its dates numbers from 1960 on, and reads 0 as 16^-65."""
    if raw.size() % 80:  # it has no other sign of its length
        raise ValueError("cut short")
    reader = pd.read_sas(raw, format="xport", encoding=encoding, iterator=True)
    try:
        frame = reader.read()
    except UnicodeDecodeError:
        return _transport(raw, "latin-1")
    frame = frame.mask(frame == 16.0**-65, 0)
    for name, field in zip(reader.columns, reader.fields, strict=True):
        if found := SAS_DATE.match(field["nform"]):
            frame[name] = pd.to_datetime(frame[name], unit="s" if found[1] else "D", origin="1960-01-01")
    return frame


def _spss(raw: pa.NativeFile) -> pd.DataFrame:
    """Read SPSS by the types that it gives its numbers: a TIME may be beyond a day, so pyreadstat's would lose days."""
    try:
        import pyreadstat  # an extra
    except ImportError:
        cure = 'Add "spss" to extras in [tool.install] of pyproject.toml, then: make install'
        raise DataError(f"an SPSS file, and pyreadstat, which reads it, is not installed.\n{cure}") from None
    is_sav, said = raw.read(1) == b"$", Said()
    raw.seek(0)
    reader: Any = pyreadstat.read_sav if is_sav else pyreadstat.read_por
    frame, about = reader(raw, disable_datetime_conversion=True, **({"user_missing": True} if is_sav else {}))
    for name, kind in about.original_variable_types.items():
        labels, codes = about.variable_value_labels.get(name, {}), frame[name]
        for gap in about.missing_ranges.get(name, []):
            frame[name] = frame[name].mask((codes >= gap["lo"]) & (codes <= gap["hi"]))
            labels = {code: label for code, label in labels.items() if not gap["lo"] <= code <= gap["hi"]}
        if len({*labels.values()}) < len(labels):
            said.setdefault("two codes have the same label: the codes are kept", []).append(f"'{name}'")
            del about.variable_to_label[name]
        if gaps := codes.count() - frame[name].count():
            said.setdefault("values that the file declares missing", []).append(f"'{name}' ({gaps})")
        if (time := SPSS_DATE.match(kind)) and time[1]:
            said.setdefault("a duration, in seconds", []).append(f"'{name}'")
        elif time:
            frame[name] = pd.to_datetime(frame[name], unit="s", origin="1582-10-14")
    for what, names in said.items():
        warnings.warn(f"{what}: {listed(names, NAMED)}", stacklevel=1)
    return pyreadstat.set_value_labels(frame, about)


KINDS: tuple[tuple[bytes, str, Callable[[Any], Any]], ...] = (
    (rb"PAR1(?![ -~\s])", "Parquet", lambda raw: parquet.ParquetFile(raw).read()),
    (rb"ARROW1\0", "Arrow", lambda raw: pa.ipc.open_file(raw).read_all()),
    (rb"\xff{4}", "Arrow", lambda raw: pa.ipc.open_stream(raw).read_all()),
    (rb"(?s)ORC.*ORC.\Z", "ORC", _orc),  # a text may begin with such a word
    (rb"<stata_dta>|[\x66-\x73][\x01\x02]\x01\0", "Stata", _stata),
    (rb"\0{12}\xc2\xea\x81\x60", "SAS", lambda raw: pd.read_sas(raw, format="sas7bdat", encoding="infer")),
    (rb"HEADER RECORD\*{7}LIBRARY", "SAS transport", _transport),
    (rb"\$FL[23]@|(?s:.{456,480})SPSSPORT", "SPSS", _spss),  # .sav, .por
)


def _arrow_columns(rows: pa.Table, said: Said, separators: Separators) -> Columns:
    columns: Columns = []
    for name, cells in zip(rows.column_names, rows.columns, strict=True):
        if re.match(r"__index_level_\d+__$", name):  # of pandas
            said.setdefault("the index of a data frame left out", []).append(f"'{name}'")
            continue
        kind = cells.type
        if pa.types.is_dictionary(kind):
            cells = cells.cast(kind.value_type)
        elif pa.types.is_duration(kind):
            said.setdefault("a duration, in seconds", []).append(f"'{name}'")
        elif pa.types.is_timestamp(kind) and kind.tz:
            said.setdefault(f"times of the zone {kind.tz} turned into UTC", []).append(f"'{name}'")
        if pa.types.is_nested(cells.type) or "binary" in str(cells.type):
            parts = flat(name, cells.to_pylist(), said, separators)
            columns += [(part, column(values)) for part, values in parts]
        else:
            columns.append((name, _arrow_column(cells)))
    return columns


def _arrow_column(cells: pa.ChunkedArray) -> pd.Series:
    kind = cells.type
    gappy = cells.null_count and (pa.types.is_integer(kind) or pa.types.is_boolean(kind))
    if pa.types.is_decimal(kind) or gappy:
        filled = column(cells.to_pylist())
        if cells.null_count < len(cells):
            return filled
        empty = {"i": "Int64", "u": "Int64", "b": "boolean"}  # the file alone tells their type
        return filled.astype(empty.get(str(kind)[0], "float64"))
    if pa.types.is_duration(kind):
        return cells.to_pandas().dt.total_seconds()
    if pa.types.is_date(kind):
        return cells.cast(pa.timestamp("us")).to_pandas()
    if pa.types.is_time(kind) or pa.types.is_null(kind):
        return cells.cast(pa.string()).to_pandas().astype("str")
    return cells.to_pandas()


def _labelled_columns(rows: pd.DataFrame, said: Said) -> Columns:
    """Return what pandas made of a statistics program's file: labels as words, empty text as missing."""
    columns: Columns = []
    for name in map(str, rows):
        cells = rows[name]
        if isinstance(cells.dtype, pd.CategoricalDtype):
            said.setdefault("codes read as their labels", []).append(f"'{name}' ({cells.count()})")
        if cells.dtype.kind not in "iufbM":
            cells = column(cells.astype(object).where(cells.notna() & (cells != ""), None).tolist())
        columns.append((name, cells))
    return columns


def json_table(content: bytes, separators: Separators) -> tuple[pd.DataFrame, list[str], list[SetAside]] | None:
    """Return JSON or JSON-lines (UTF-8) as a frame, what was decided, and damaged lines; None of other text.

    A `DataError` if it is not valid, no list of records, two of them alike, or has a key twice in a record.
    """
    if not documents.JSON_START.match(content):
        return None
    said: Said = {}
    try:
        whole, lines, aside = documents.loaded(content)
        records, notes = documents.records(whole)
        names = dict.fromkeys(key for record in records for key in record)
        columns = {name: [record.get(name) for record in records] for name in names}
        cells = [part for name, values in columns.items() for part in flat(name, values, said, separators)]
    except RecursionError:
        raise DataError("JSON nested too deep. A list of flat records is needed.") from None
    frame, notes = framed([(name, column(values)) for name, values in cells], said, notes)
    return (frame.set_axis(lines[-len(frame) :], axis=0) if aside else frame), notes, aside


def flat(name: str, values: list, said: Said, separators: Separators) -> list[tuple[str, list]]:
    """Return a column without objects and lists in its cells: an object becomes columns, a list of values one text."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds.isdisjoint({dict, list, bytes}):
        return [(name, values)]
    counted = f"'{name}' ({sum(isinstance(value, (dict, list, bytes)) for value in values)})"
    keys = dict.fromkeys(key for value in values if isinstance(value, dict) for key in value)
    if kinds == {dict} and keys:
        said.setdefault("objects read as a column for each of their fields", []).append(counted)
        parts = {key: [None if value is None else value.get(key) for value in values] for key in keys}
        return [part for key, cells in parts.items() for part in flat(f"{name}.{key}", cells, said, separators)]
    if kinds <= {bytes, str}:
        try:
            texts, what = [one.decode() if isinstance(one, bytes) else one for one in values], "bytes read as UTF-8"
        except UnicodeDecodeError:
            texts = [one.hex() if isinstance(one, bytes) else one for one in values]
            what = "bytes that are no text, as hexadecimal digits"
        said.setdefault(what, []).append(counted)
        return [(name, [text or None for text in texts])]
    mark = separators.get(name, ";")
    texts = [one_text(value, mark) for value in values]
    nested = any(isinstance(value, (dict, list)) and not _is_plain(value) for value in values)
    what = "lists and objects kept as JSON text" if nested else f"lists joined by '{mark} ', empty ones missing"
    said.setdefault(what, []).append(counted)
    if any(_is_plain(value) and any(mark in str(item) for item in value) for value in values):
        marks = "semicolons within the items of lists read as commas" if mark == ";" else f"'{mark}' in items left out"
        said.setdefault(marks, []).append(f"'{name}'")
    return [(name, texts)]


def _is_plain(value: object) -> TypeGuard[list]:
    return isinstance(value, list) and not any(isinstance(item, (dict, list, tuple)) for item in value)


def one_text(value: object, mark: str = ";") -> object:
    """Return a list of plain values as its items, else as JSON; each cell by itself, so that a batch reads alike."""
    if _is_plain(value):
        items = (spelled(item).replace(mark, "," if mark == ";" else "") for item in value if item is not None)
        return f"{mark} ".join(items) or None
    return json.dumps(value, ensure_ascii=False, default=spelled) if isinstance(value, (dict, list)) else value


def column(values: list, name: str = "") -> pd.Series:
    """Return cells of Python types as one column: bool, int64, float64 (decimals too), datetime64, else text."""
    series = pd.Series(values, dtype=object)
    gaps = series.isna()
    kinds = set(map(type, series[~gaps]))
    if kinds & {dict, list, bytes}:  # of a database: flattened, and said, when its Parquet file is read
        with contextlib.suppress(pa.ArrowInvalid, pa.ArrowTypeError):
            return pa.array(values).to_pandas(types_mapper=pd.ArrowDtype)
        raise DataError(f"column '{name}' mixes objects, lists or bytes with others.\nWrite a query that casts them.")
    if kinds == {bool}:
        return series.astype("boolean" if gaps.any() else "bool")
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in series[~gaps]):
        return series.astype("Int64" if gaps.any() else "int64")
    if kinds & {float, Decimal} and kinds <= {int, float, Decimal}:
        return number_or_text(series)
    if kinds == {timedelta}:
        return series.map(timedelta.total_seconds, na_action="ignore").astype("float64")
    if kinds and kinds <= {datetime, date} and len({getattr(value, "tzinfo", None) for value in series[~gaps]}) == 1:
        return pd.to_datetime(series)
    return as_text(series)


def number_or_text(cells: pd.Series) -> pd.Series:
    """Return numbers as float64; whole ones beyond 2^53 as text, for a float would make neighbours equal."""
    beyond = cells.map(lambda n: isinstance(n, (int, Decimal)) and abs(int(n)) > 2**53 and n == int(n))
    return as_text(cells) if beyond.any() else cells.where(cells.notna()).astype("float64")


def as_text(cells: pd.Series) -> pd.Series:
    """Return cells as text, missing ones as missing: true, 2024-01-31 00:00:00, 1.5, and 1 for 1.0."""
    if cells.dtype == "str":
        return cells
    if cells.dtype == "float32":
        cells = cells.astype("str").astype("float64")  # 1.1, not 1.10000002384
    return cells.astype(object).map(spelled, na_action="ignore").astype("str")


def spelled(value: object) -> str:
    """Return one cell as text: a number has one word, whether it came as 1, 1.0 or Decimal("1.00")."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (float, Decimal)):
        return str(int(value)) if math.isfinite(value) and value == int(value) else str(float(value))
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
