"""Finds out how a text table is written (encoding, separator, quote marks), splits it into cells, refuses ragged rows.

Used by `read.py`; reads bytes in memory, writes nothing. Every decision is returned as a line to print. The cells stay
text as they stand; an empty cell is missing.
"""

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from ..project.errors import DataError, SettingsError

if TYPE_CHECKING:
    from _csv import Reader
SEPARATORS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'", " ": "runs of blanks"}
BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
NUMBER = re.compile(r"\s*[-+]?\s*[$€£]?(\d[\d.,' \u00a0]*|[.,]\d+)(e[-+]?\d+)?\s*%?\s*", re.IGNORECASE)
# Encodings of Central Europe, Russia, Greece, Turkey, Israel, Arabia, the Baltic, Thailand, China, Japan and Korea.
FOREIGN = (
    *("cp1250", "iso8859_2", "cp1251", "koi8_r", "cp866", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874"),
    *("gb18030", "big5", "cp932", "euc_jp", "cp949"),
)
WORD = re.compile(rb'[^\s,;"]*[\x80-\xff][^\s,;"]*')
WORDS, SHOWN = 2000, 20  # words with letters beyond ASCII that are looked at, and letters of one that are shown
# Polish, Slovak and Romanian letters as cp1252 has them; but `m³h` and `Nºcliente` are western.
SIGN_IN_WORD = re.compile(r"[^\W\d_mM]³[^\W\d_]|[^\W\d_][¹¾¼¶][^\W\d_]|[^\W\d_nN]º[^\W\d_]")
ABOVE = re.compile(rb"(?:[ \t]*\r?\n)*(?:sep=(.)\r?\n)?(?:[ \t]*\r?\n)*((?:#[^\n]*\n)*)", re.IGNORECASE)
ROW = re.compile(rb"[\x80-\xff]{3,}")
ODD = 0.05  # share of the words; fewer are slips
SAMPLE = 1 << 18  # bytes on which the separator is decided
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b"))
EMPTY = "the file is empty. A header and at least one row are needed."
CURE = "in [data.read] of params.toml"
ALLOWED = "Allowed: text, Parquet, JSON, Excel, .gz or .zip of one."


def as_utf8(content: bytes, encoding: str = "") -> tuple[bytes, list[str]]:
    """Return text as UTF-8 without a byte-order mark, and what was decided.

    Without a given encoding it is detected: byte-order mark, UTF-8, UTF-16, else cp1252 where the letters are western.

    Raises
    ------
    DataError
        Binary content, NUL bytes, or bytes that the encoding does not have.
    """
    for mark, name in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            return _transcoded(content[len(mark) :], name, "byte-order mark")
    if encoding:
        return _transcoded(content, encoding, "given")
    if name := _unmarked_utf16(content[:4096]):
        return _transcoded(content, name, "every other byte is zero")
    _check_is_text(content)
    try:
        content.isascii() or content.decode()
        return content, []
    except UnicodeDecodeError as error:
        return _as_western(content, error)


def _unmarked_utf16(sample: bytes) -> str:
    zeros_even, zeros_odd = sample[0::2].count(0), sample[1::2].count(0)
    most = 0.35 * len(sample) / 2
    if zeros_odd > most and zeros_even < 0.1 * zeros_odd:
        return "utf-16-le"
    return "utf-16-be" if zeros_even > most and zeros_odd < 0.1 * zeros_even else ""


def _transcoded(content: bytes, encoding: str, why: str) -> tuple[bytes, list[str]]:
    try:
        content = content.decode(encoding).encode()
    except LookupError:
        found = f"params.toml: [data.read] encoding = '{encoding}' is unknown"
        raise SettingsError(f"{found}. Example: 'cp1252'.") from None
    except UnicodeError as error:
        raise DataError(f"not valid {encoding} ({error}).\nSet another encoding {CURE}, or fetch it again.") from None
    _check_is_text(content)
    return content, [f"encoding {encoding} ({why})"]


def _check_is_text(content: bytes) -> None:
    if (place := content.find(b"\0")) >= 0:
        line = content.count(b"\n", 0, place) + 1
        raise DataError(f"line {line} holds a NUL byte: a binary or damaged file. {ALLOWED}")
    sample = content[:SAMPLE]
    if len(sample) - len(sample.translate(None, CONTROL)) > len(sample) / 100:
        raise DataError(f"binary content, no table. {ALLOWED}")


def _as_western(content: bytes, error: UnicodeDecodeError) -> tuple[bytes, list[str]]:
    line = content.count(b"\n", 0, error.start) + 1
    found = f"byte 0x{content[error.start]:02x} in line {line} is not UTF-8"
    damaged = content.decode(errors="replace")
    if len(re.findall(r"[\u0080-\ufffc]", damaged)) > damaged.count("\ufffd"):
        raise DataError(f"{found}, the other letters are: two encodings in one file.\nMend it, or set encoding {CURE}.")
    words = [word[0] for word in itertools.islice(WORD.finditer(content), WORDS)]
    try:
        text = content.decode("cp1252").encode()
    except UnicodeDecodeError:  # five bytes have no letter there, and in latin-1 they are control characters
        raise DataError(f"{found}, and not cp1252 either.\n{_likely(words, words[0])}Set encoding {CURE}.") from None
    if odd := _unlike_western(words):
        reason = f"{found}, and as cp1252 no western word: {odd.decode('cp1252')[:SHOWN]!r}"
        raise DataError(f"{reason}.\n{_likely(words, odd)}Set encoding {CURE}.")
    first = words[0].decode("cp1252")[:SHOWN]
    return text, [f"encoding cp1252 ({found}; a guess, as in {first!r}: where letters look wrong, set encoding {CURE})"]


def _unlike_western(words: list[bytes]) -> bytes:
    """Return the first word with letters beyond ASCII in a row, or signs for letters, unless such words are rare."""
    odd = [
        word
        for word in words
        if SIGN_IN_WORD.search(word.decode("cp1252")) or any(len(set(row)) > 2 for row in ROW.findall(word))
    ]
    return odd[0] if len(odd) > ODD * len(words) else b""


def _likely(words: list[bytes], shown: bytes) -> str:
    """Return the encodings in which these words look like words, with one of them as each has it."""
    import charset_normalizer  # 0.05 s, for these files alone

    found = charset_normalizer.from_bytes(b"\n".join(words), cp_isolation=[*FOREIGN])
    named = [f"{match.encoding!r} ({shown.decode(match.encoding, 'replace')[:SHOWN]})" for match in found]
    return f"Likely: {', '.join(named[:6])}. " if named else ""


def preamble(content: bytes) -> tuple[bytes, int, str, list[str]]:
    """Part what stands above a table from it: blank lines, `# comments` and the `sep=;` that Excel understands.

    Returns
    -------
    bytes, int, str, list of str
        The table, how many lines were left out, the separator if they name one, and what was decided.
    """
    above = next(ABOVE.finditer(content))  # at least the nothing before the first letter
    comments, rest = above[2].splitlines(keepends=True), content[above.end() :]
    next_line = rest.partition(b"\n")[0]
    if comments and (not rest.strip() or any(0 < next_line.count(m) == comments[-1].count(m) for m in b",;\t|")):
        rest = comments.pop() + rest  # the names, with the mark before the first
    separator, notes = above[1].decode() if above[1] else "", []
    if separator:
        notes.append(f"separator {separator!r} (the line sep= says so)")
    if comments:
        notes.append(f"lines left out above the table: {len(comments)} that begin with #")
    return rest, content[: len(content) - len(rest)].count(b"\n"), separator, notes


def cells(content: bytes, separator: str = "", quote: str | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Split UTF-8 text into cells, and say what was decided.

    Parameters
    ----------
    content : bytes
        Without a byte-order mark.
    separator : str
        One character, or "blanks" for runs of blanks; "" detects it.
    quote : str or None
        The quote mark; "" for none; None detects whether `"` quotes.

    Returns
    -------
    DataFrame, list of str
        All lines but blank ones, the header among them: columns 0 .. n-1, `str`, missing = NaN; and the decisions.

    Raises
    ------
    DataError
        A line has more or fewer fields than the first.
    """
    csv.field_size_limit(2**31 - 1)  # the default refuses cells beyond 128 KiB
    content = content.lstrip(b"\r\n").rstrip(b" \r\n\x1a") + b"\n"
    if not content.strip():
        raise DataError(EMPTY)
    decisions = []
    if not separator:
        separator, note = _separator(content)
        decisions.append(note)
    if separator in (" ", "blanks"):
        content, separator = _blanks_as_tabs(content), "\t"
    if quote is None:
        content, quote, notes = _quote(content, separator)
        decisions += notes
    return _parsed(content, separator, quote), decisions


def _separator(content: bytes) -> tuple[str, str]:
    sample = content[: content.rfind(b"\n", 0, SAMPLE) + 1] or content[: content.find(b"\n") + 1]
    header, _, body = sample.decode().lstrip().partition("\n")
    best, best_score, lines = "", (False, 0.0, 0.0, 0), 0
    for separator in SEPARATORS:
        if separator == " " and not _may_be_blanks(header, best, best_score[1]):
            continue
        text = _blanks_as_tabs(sample) if separator == " " else sample
        for quote in ('"', ""):
            score, rows = _score(text, separator.replace(" ", "\t"), quote)
            agreeing, numbers, fields = score[1:]
            fits = (agreeing == 1 and numbers >= 0.5) if separator == " " else agreeing >= 0.9
            if fits and fields > 1 and score > best_score:
                best, best_score, lines = separator, score, rows
    if best and not best_score[0] and all(map(NUMBER.fullmatch, body.splitlines())):
        best = ""  # one column of numbers with decimal commas
    if best:
        agreeing, _, fields = best_score[1:]
        return best, f"separator {SEPARATORS[best]} ({agreeing:.0%} of {lines} sampled lines have {fields} fields)"
    likely = max(",;\t|", key=header.count)
    if header.count(likely):
        return likely, f"separator {SEPARATORS[likely]} (most frequent in the first line)"
    unused = next(mark for mark in "\t|;,\x1f" if mark.encode() not in content)
    return unused, "one column (no separator fits)"


def _may_be_blanks(header: str, best: str, agreeing: float) -> bool:
    """Tell whether blanks can separate: not where a mark does, nor where one ends words of the first line."""
    marked = any(word.endswith((",", ";", "|")) for word in header.split())
    return not marked and (best in ("", "\t") or agreeing < 1)


def _score(text: bytes, separator: str, quote: str) -> tuple[tuple[bool, float, float, int], int]:
    """Rate a separator by: the first line agrees, share of the others that agree, share of numbers, fields."""
    rows = [row for row in _rows(text, separator, quote, skip_blanks=True) if row]
    body = rows[1:] or rows
    fields, agreeing = Counter(map(len, body)).most_common(1)[0]
    cells = [cell for row in body if len(row) == fields for cell in row]
    numbers = sum(NUMBER.fullmatch(cell) is not None for cell in cells) / len(cells)
    return (len(rows[0]) == fields, round(agreeing / len(body), 2), round(numbers, 2), fields), len(rows)


def _rows(content: bytes, separator: str, quote: str, *, strict: bool = False, skip_blanks: bool = False) -> "Reader":
    lines = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")
    marks = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    return csv.reader(lines, delimiter=separator, strict=strict, skipinitialspace=skip_blanks, **marks)


def _blanks_as_tabs(content: bytes) -> bytes:
    trimmed = re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", content)
    return re.sub(rb'"[^"\n]*"|[ \t]+', lambda found: found[0] if found[0].startswith(b'"') else b"\t", trimmed)


def _quote(content: bytes, separator: str) -> tuple[bytes, str, list[str]]:
    """Decide whether `"` quotes: not where that leaves marks unbalanced and every line is complete without."""
    if b'"' not in content:
        return content, "", []
    quoted = _field_counts(content, separator, '"')
    if len(quoted) == 1 and separator != "\t":
        return content, '"', []
    plain = _field_counts(content, separator, "")
    several = max(plain, default=0) > 1
    if len(quoted) == 1 and not (several and plain.keys() == quoted.keys() and plain != quoted):
        return content, '"', []
    if len(plain) == 1 and (several or not quoted):
        return content, "", ["quote marks are part of the text (unbalanced as quotes; every line is complete without)"]
    if len(_field_counts(content, separator, '"', skip_blanks=True)) == 1:
        mark = separator.encode()
        content = re.sub(re.escape(mark) + b' +(?="(?!"))', mark, content)
        return content, '"', ["blanks between separator and quote mark left out"]
    return content, '"', []


def _field_counts(content: bytes, separator: str, quote: str, *, skip_blanks: bool = False) -> Counter[int]:
    """Return how many records have how many fields; nothing if the quote marks are unbalanced."""
    try:
        counts = Counter(map(len, _rows(content, separator, quote, strict=True, skip_blanks=skip_blanks)))
    except csv.Error:
        return Counter()
    del counts[0]  # blank lines
    return counts


def _parsed(content: bytes, separator: str, quote: str) -> pd.DataFrame:
    fields = len(next(row for row in _rows(content, separator, quote) if row))
    parse = arrow_csv.ParseOptions(delimiter=separator, quote_char=quote or False, newlines_in_values=bool(quote))
    kinds = {f"f{place}": pa.large_string() for place in range(fields)}
    convert = arrow_csv.ConvertOptions(column_types=kinds, strings_can_be_null=True, null_values=[""])
    for block_size in (1 << 23, min(len(content) + 1, 2**31 - 1)):  # the second: a line longer than a block
        try:
            read = arrow_csv.ReadOptions(autogenerate_column_names=True, block_size=block_size)
            rows = arrow_csv.read_csv(pa.BufferReader(content), read, parse, convert)
            return rows.to_pandas().set_axis(range(fields), axis=1)
        except pa.ArrowInvalid as error:
            reason = str(error)
            if "straddl" not in reason:
                break
    reason = f"cannot be split into cells ({reason[:200]}).\nSet separator and quote {CURE}."
    raise DataError(_ragged(content, separator, quote) or reason)


def _ragged(content: bytes, separator: str, quote: str) -> str:
    """Say which line does not have as many fields as the first, and how to mend it."""
    reader = _rows(content, separator, quote)
    counts, first, line = [], "", 0
    for row in reader:
        start, line = line + 1, reader.line_num
        counts += [len(row)] if row else []
        if row and len(row) != counts[0] and not first:
            fields = "1 field" if len(row) == 1 else f"{len(row)} fields"
            first = f"line {start} has {fields}, the first line {counts[0]}"
    if not first:
        return ""
    cure = (
        "Every line needs as many fields as the first: a cell with the separator in it (decimal comma?) needs quotes."
    )
    if counts[0] == 1:
        cure = "If the first line is a title, delete it. If there is one column, set separator to a mark it has not."
    elif set(counts[1:]) == {counts[0] + 1}:
        cure = "Every line has one field more than the header: name the first column, or quote decimal commas."
    odd = sum(count != counts[0] for count in counts)
    named = SEPARATORS.get(separator, repr(separator))
    differ = f"separator {named}; {odd:,} of {len(counts):,} lines differ"
    return f"{first} ({differ}).\n{cure}\nMend the file, or set separator or quote {CURE}."
