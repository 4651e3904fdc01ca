"""Opens the files that carry more than text: .gz, .zip, Parquet, JSON and JSON-lines; Excel is in `excel.py`.

Used by `read.py`; reads bytes in memory, writes nothing. Cells keep their types; a column of mixed types becomes text.
"""

import gzip
import io
import json
import math
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from ..project.errors import DataError, listed

BOMB_BYTES, BOMB_RATIO = 1 << 26, 200  # beyond 64 MiB no honest table packs better than 200 : 1
CUT_SHORT = (EOFError, zlib.error, struct.error, ValueError, RuntimeError, LookupError)
DAMAGED = (gzip.BadGzipFile, zipfile.BadZipFile)
HIDDEN = re.compile(r"^__MACOSX/|(^|/)\.[^/]*$")  # what packers of macOS add
PANDAS_INDEX = re.compile(r"__index_level_\d+__$")
WORKBOOKS = {"xl/workbook.xml", "xl/workbook.bin"}
OFFICE = {"content.xml": "OpenDocument", "word/document.xml": "Word", "ppt/presentation.xml": "PowerPoint"}


def unpacked(path: Path) -> tuple[str, bytes]:
    """Return the name and the bytes of a file, or of the one file that a .gz or .zip holds.

    Raises
    ------
    DataError
        Damaged, cut short, locked, a bomb, or a zip of several files.
    """
    packed = path.read_bytes()
    raw = io.BytesIO(packed)
    try:
        if packed.startswith(b"\x1f\x8b"):
            return path.name.removesuffix(".gz"), _inflated(gzip.GzipFile(fileobj=raw), raw.tell)
        if packed.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            return _from_zip(path.name, packed, raw)
        return path.name, packed
    except (*CUT_SHORT, *DAMAGED) as error:
        found = f"packed, but damaged, cut short or locked ({error})"
        raise DataError(f"{found}.\nFetch it again, or unpack it first.") from None


def _from_zip(name: str, packed: bytes, raw: io.BytesIO) -> tuple[str, bytes]:
    archive = zipfile.ZipFile(raw)
    names = [info.filename for info in archive.infolist() if not info.is_dir() and not HIDDEN.search(info.filename)]
    kind = archive.read("mimetype") if "mimetype" in names else b""
    if WORKBOOKS & {*names} or kind.endswith(b".opendocument.spreadsheet"):
        _check_bomb(sum(info.file_size for info in archive.infolist()), len(packed))
        return name, packed
    if office := [kind for member, kind in OFFICE.items() if member in names]:
        raise DataError(f"an office file of the kind {office[0]}. Open it and save the table as .xlsx or CSV.")
    if len(names) != 1:
        found = f"a zip of {len(names)} files ({listed(names)}), not of one"
        raise DataError(f"{found}. Unpack it and name the table itself.")
    with archive.open(names[0]) as stream:
        return Path(names[0]).name, _inflated(stream, raw.tell)


def _inflated(stream: IO[bytes] | gzip.GzipFile, consumed: Callable[[], int]) -> bytes:
    chunks, size = [], 0
    while chunk := stream.read(1 << 22):
        size += len(chunk)
        _check_bomb(size, consumed())
        chunks.append(chunk)
    return b"".join(chunks)


def _check_bomb(size: int, packed: int) -> None:
    if size > BOMB_BYTES and size > BOMB_RATIO * packed:
        found = f"unpacks to over {BOMB_RATIO} times its size: refused as a bomb"
        raise DataError(f"{found}. If you trust it, unpack it first.")


def parquet_frame(content: bytes) -> tuple[pd.DataFrame, list[str]]:
    """Return Parquet as a frame, and what was decided; whole numbers and booleans with gaps become nullable.

    Decimals become float64, or text where that would lose digits; durations become seconds.

    Raises
    ------
    DataError
        A damaged file, or columns whose cells are lists, structs or bytes.
    """
    try:
        rows = parquet.ParquetFile(pa.BufferReader(content)).read()
    except (pa.ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise DataError(f"damaged Parquet file ({reason}). Fetch or write it again.") from None
    if odd := [f"'{field.name}' ({str(field.type)[:40]})" for field in rows.schema if not _is_flat(field.type)]:
        found = f"columns of lists, structs or bytes: {listed(odd)}"
        raise DataError(f"{found}.\nA cell holds one value: unnest or drop them.")
    index = [name for name in rows.column_names if PANDAS_INDEX.match(name)]
    notes = [f"{name!r}: the index of a data frame left out" for name in index]
    rows = rows.drop_columns(index)
    for field in rows.schema:
        if pa.types.is_duration(field.type):
            notes.append(f"{field.name!r}: a duration, in seconds")
        elif pa.types.is_timestamp(field.type) and field.type.tz:
            notes.append(f"{field.name!r}: times of the zone {field.type.tz} turned into UTC")
    columns = [_arrow_column(column) for column in rows.columns]
    return pd.DataFrame(dict(enumerate(columns))).set_axis(rows.column_names, axis=1), notes


def _is_flat(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_flat(kind.value_type)
    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
    return not (binary or pa.types.is_nested(kind))


def _arrow_column(column: pa.ChunkedArray) -> pd.Series:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _arrow_column(column.cast(kind.value_type))
    if pa.types.is_decimal(kind):
        return number_or_text(pd.Series(column.to_pylist(), dtype=object))
    if pa.types.is_duration(kind):
        return column.to_pandas().dt.total_seconds()
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("us")).to_pandas()
    if pa.types.is_time(kind) or pa.types.is_null(kind):
        return column.cast(pa.string()).to_pandas().astype("str")
    if column.null_count and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        return pd.Series(column.to_pylist(), dtype="Int64" if pa.types.is_integer(kind) else "boolean")
    return column.to_pandas()


def json_frame(content: bytes) -> tuple[pd.DataFrame, list[str]]:
    """Return JSON or JSON-lines (UTF-8) as a frame, and what was decided.

    Raises
    ------
    DataError
        Not valid JSON, not a list of flat records, or a key twice in a record.
    """
    records, notes = _records(content)
    names = list(dict.fromkeys(key for record in records for key in record))
    columns = {place: column(name, [record.get(name) for record in records]) for place, name in enumerate(names)}
    return pd.DataFrame(columns).set_axis(names, axis=1), notes


def _records(content: bytes) -> tuple[list[dict], list[str]]:
    whole = _loaded(content)
    if _are_records(whole):
        return whole, []
    if isinstance(whole, dict):
        lists = [key for key, value in whole.items() if value and _are_records(value)]
        if len(lists) == 1:
            return whole[lists[0]], [f"records taken from the list under '{lists[0]}'"]
        if whole and not any(isinstance(value, (dict, list)) for value in whole.values()):
            return [whole], []
    cure = 'Write it as [{"column": value, ...}, ...] or as one record per line.'
    raise DataError(f"JSON, but not a list of records.\n{cure}")


def _loaded(content: bytes, line: int | None = None) -> Any:
    """Return what JSON holds, or JSON-lines as a list; `line` is the number of one of their lines."""
    try:
        return json.loads(content, object_pairs_hook=_record)
    except RecursionError:
        raise DataError("JSON nested too deep. A list of flat records is needed.") from None
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and line is None:
            lines = enumerate(content.splitlines(), 1)
            return [_loaded(record, number) for number, record in lines if record.strip()]
        cure = "Mend the line, or fetch the file again." if line else "Mend it, or fetch it again."
        raise DataError(f"line {line or error.lineno}: not valid JSON ({error.msg}). {cure}") from None


def _are_records(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(record, dict) for record in value)


def _record(pairs: list[tuple[str, object]]) -> dict:
    record = dict(pairs)
    if len(record) < len(pairs):
        twice = [f"'{key}'" for key, count in Counter(key for key, _ in pairs).items() if count > 1]
        raise DataError(f"a record holds {listed(twice)} twice. A key stands once: rename one.")
    return record


def column(name: str, values: list) -> pd.Series:
    """Return cells of Python types as one column: bool, int64, float64 (decimals too), datetime64, else text.

    Raises
    ------
    DataError
        A cell is a list, an object or bytes.
    """
    series = pd.Series(values, dtype=object)
    gaps = series.isna()
    kinds = set(map(type, series[~gaps]))
    if kinds & {dict, list, bytes}:
        row = next(row for row, value in enumerate(values, 1) if isinstance(value, (dict, list, bytes)))
        found = f"column '{name}' holds lists, objects or bytes (first in record {row})"
        raise DataError(f"{found}.\nA cell holds one value: unnest or drop it.")
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
