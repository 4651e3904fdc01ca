"""Finds out how a text table is written: what stands above it, its separator, its quote mark and escape."""

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..project.errors import DataError, counted

if TYPE_CHECKING:
    from _csv import Reader
NAMES = {",": "','", ";": "';'", "\t": "tab", "|": "'|'", " ": "runs of blanks"}
RARE = ("^", "~", "\x1f", "\x01", "§", "¦", "::")  # separators that are looked for where none of the usual ones fits
NUMBER = re.compile(r"(?i)\s*+[-+]?\s*+[$€£]?(\d[\d.,' \u00a0\u2009\u202f]*+|[.,]\d+)(e[-+]?\d+)?\s*+(%\s*)?")
PREAMBLE = re.compile(rb"(?:[ \t]*\r?\n)*(?:sep=(.)\r?\n)?(?:[ \t]*\r?\n)*((?:#[^\n]*\n)*)", re.IGNORECASE)
APOSTROPHES = re.compile(r"(?:^|[,;\t|])'[^'\r\n]*'(?=[,;\t|\r\n]|$)", re.MULTILINE)
SAMPLE = 1 << 18  # bytes on which the separator is decided, and whether a file is text
CLOSER = "blanks between separator and quote mark left out"
SINGLE_QUOTE = 'quote mark "\'" (fewer lines fit without)'
ESCAPED = "a mark after a backslash is part of its cell"
FITS = 0.9  # share of the sampled lines, between the first and the last of them, that must agree
ATTRIBUTE = re.compile(r"""(?im)^[^\S\n]*@attribute\s+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)\s*(.*)$""")
LINES, WIDEST = 100, 20_000  # lines for each row of a table that somebody sent, and separators in one of them
MARKS = (b",", b";", b"\t", b"|")
ARFF = re.compile(rb"(?i)(?:\s|%[^\n]*\n)*+@relation\b")
QUOTED = r"""(?P<mark>['"])(?P<quoted>(?:[^'"\\]++|\\.|(?P=mark){2}|(?!(?P=mark))['"])*+)(?P=mark)\s*(?=,|$)"""
CELL = rf"\s*(?:{QUOTED}|(?P<bare>[^,]*))"
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "u001E": "\x1e"}  # of ARFF; any other letter stands for itself
CSV_LIMIT = 2**31 - 1  # letters of a cell; the default of the csv module refuses cells beyond 128 KiB


@dataclass(frozen=True)
class Dialect:
    """How a text is written: one character each, "" for none; `clean` where every quote mark is in its place."""

    separator: str
    quote: str
    clean: bool = True
    escape: str = ""

    def rows(self, lines: Iterable[str], *, strict: bool = False, skip_blanks: bool = False) -> "Reader":
        """Split lines (with their ends) into rows of cells; quoted cells may go over several lines."""
        csv.field_size_limit(CSV_LIMIT)
        marks: dict[str, Any] = {"quotechar": self.quote} if self.quote else {"quoting": csv.QUOTE_NONE}
        marks["escapechar"] = self.escape or None
        return csv.reader(lines, delimiter=self.separator, strict=strict, skipinitialspace=skip_blanks, **marks)


def lines_of(content: bytes) -> io.TextIOWrapper:
    """Return the lines of UTF-8 text with their ends, whichever of the three they are."""
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="")


def check_extent(content: bytes, most: float) -> None:
    """Refuse text that would take minutes to read although it may have so many rows at most."""
    if most == math.inf:
        return
    lines = max(content.count(b"\n"), content.count(b"\r")) + 1
    found = counted(lines, "line")
    if lines <= LINES * most:
        columns = len(re.findall(rb"(?i)@attribute\b", content))  # of ARFF
        columns = max(columns, content.lstrip().partition(b"\n")[0].count(b" "))  # further down they are of texts
        columns = max(columns, *(line.count(mark) for line in content.splitlines() or [b""] for mark in MARKS))
        if columns <= WIDEST and lines * columns <= WIDEST * most:
            return
        found += f" of up to {columns:,} separators"
    raise DataError(f"{found}: more than {most:,} rows need. Send them in parts, without empty rows and columns.")


def preamble(content: bytes) -> tuple[bytes, int, str, list[str]]:
    """Part what stands above a table from it: blank lines, `# comments` and the `sep=;` that Excel understands.

    Returned are the table, how many lines were left out, the separator if they name one, and what was decided.
    """
    above = next(PREAMBLE.finditer(content))  # at least the nothing before the first letter
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


def detect(content: bytes, separator: str = "", quote: str | None = None) -> tuple[bytes, Dialect, list[str]]:
    """Decide how UTF-8 text is written: the text with a separator of one character, its dialect, what was decided.

    A `separator` has one or two characters, or is "blanks" for runs of blanks; "" detects it. The `quote` mark is ""
    for none; None detects it.
    """
    notes = []
    if not separator:
        separator, note = _separator(content)
        notes.append(note)
    if separator in (" ", "blanks"):
        content, separator = _blanks_as_tabs(content), "\t"
    elif len(separator) > 1:
        mark = next(mark for mark in "\x1f\x1e\x1d\t" if mark.encode() not in content)
        content, separator = content.replace(separator.encode(), mark.encode()), mark
    if quote is not None:
        return content, Dialect(separator, quote), notes
    content, dialect, more = _quoting(content, separator)
    return content, dialect, notes + more


def _separator(content: bytes) -> tuple[str, str]:
    """Return the separator that most lines agree on, and how it was found."""
    sample = content[: content.rfind(b"\n", 0, SAMPLE) + 1] or content[: content.find(b"\n") + 1] or content
    text = sample.decode()
    header, _, body = text.lstrip().partition("\n")
    best, best_score, lines = "", (False, 0.0, 0.0, 0), 0
    quotes = ('"', "'", "") if "'" in text and APOSTROPHES.search(text) else ('"', "")
    for separator in [*NAMES, *(mark for mark in RARE if text.count(mark) >= text.count("\n"))]:
        if separator == " " and not _may_be_blanks(header, best, best_score[1]):
            continue
        if separator in RARE and best:
            break
        marked = _blanks_as_tabs(sample).decode() if separator == " " else text.replace("::", "\x1e")
        for quote in quotes:
            score, rows = _score(marked, Dialect({" ": "\t", "::": "\x1e"}.get(separator, separator), quote))
            agreeing, numbers, fields = score[1:]
            fits = (agreeing == 1 and numbers >= 0.5) if separator == " " else agreeing >= FITS
            if fits and fields > 1 and score > best_score and (score[0] or separator not in RARE):
                best, best_score, lines = separator, score, rows
    if best and not best_score[0] and all(map(NUMBER.fullmatch, body.splitlines())):
        best = ""  # one column of numbers with decimal commas
    if best:
        agreeing, _, fields = best_score[1:]
        said = f"({agreeing:.0%} of {lines} sampled lines have {fields} fields)"
        if best not in ",;\t " and text.count(best * 2) * 2 == text.count(best):
            return best * 2, f"separator {best * 2!r} {said}"
        return best, f"separator {NAMES.get(best, repr(best))} {said}"
    likely = max(",;\t|", key=header.count)
    if header.count(likely):
        return likely, f"separator {NAMES[likely]} (most frequent in the first line)"
    unused = next(mark for mark in "\t|;,\x1f" if mark.encode() not in content)
    return unused, "one column (no separator fits)"


def _may_be_blanks(header: str, best: str, agreeing: float) -> bool:
    """Tell whether blanks can separate: not where a mark does, nor where one ends words of the first line."""
    marked = any(word.endswith((",", ";", "|")) for word in header.split())
    return not marked and (best in ("", "\t") or agreeing < 1)


def _score(text: str, dialect: Dialect) -> tuple[tuple[bool, float, float, int], int]:
    """Rate a dialect by: the first line agrees, share of the lines that do, share of numbers in these, their fields.

    Lines above the first and below the last that agrees are titles and notes, as long as they are the fewer.
    """
    rows = [row for row in dialect.rows(io.StringIO(text, newline=""), skip_blanks=True) if row]
    body = rows[1:] or rows
    counts = list(map(len, body))
    fields = Counter(counts).most_common(1)[0][0]
    inner = body[counts.index(fields) : len(counts) - counts[::-1].index(fields)]
    if 2 * len(inner) < len(body):
        inner = body
    agreeing = [row for row in inner if len(row) == fields]
    cells = [cell for row in agreeing for cell in row]
    numbers = sum(NUMBER.fullmatch(cell) is not None for cell in cells) / len(cells)
    return (len(rows[0]) == fields, round(len(agreeing) / len(inner), 2), round(numbers, 2), fields), len(rows)


def _blanks_as_tabs(content: bytes) -> bytes:
    trimmed = re.sub(rb"(?m)^[ \t]+|(?<![ \t])[ \t]+(?=\r?$)", b"", content)
    return re.sub(rb'"[^"\n]*"|[ \t]+', lambda found: found[0] if found[0].startswith(b'"') else b"\t", trimmed)


def _quoting(content: bytes, separator: str) -> tuple[bytes, Dialect, list[str]]:
    """Decide what quotes: not a mark that is left unbalanced where every line is complete without it."""
    dialect, plainly = Dialect(separator, '"' if b'"' in content else ""), Dialect(separator, "")
    mark = separator.encode()
    marks = re.escape(mark)
    if re.search(rb'\\["%b]' % marks, content) and not re.search(rb'\\(?!["\\%b])' % marks, content):
        escaping = replace(dialect, escape="\\")
        if _width(content, escaping) > 1 and not _width(content, dialect):
            return content, escaping, [ESCAPED]
    if dialect == plainly and not APOSTROPHES.search(content[:SAMPLE].decode(errors="ignore")):
        return content, plainly, []
    closer = re.sub(marks + b' +(?="(?!")|"""[^"])', mark, content) if mark + b" " in content else content
    if closer != content and _width(closer, dialect):
        return closer, dialect, [CLOSER]
    quoted = field_counts(lines_of(content), dialect)
    if len(quoted) == 1 and separator != "\t":
        return content, dialect, []
    plain = field_counts(lines_of(content), plainly)
    several = max(plain, default=0) > 1
    if len(quoted) == 1 and not (several and plain.keys() == quoted.keys() and plain != quoted):
        return content, dialect, []
    cells = re.findall(rb'(?m)(?:^|%b)"[^"\r\n]*"(?=%b|\r?$)' % (marks, marks), content[:SAMPLE])
    enclosing = 2 * len(cells) > 0.8 * content[:SAMPLE].count(b'"')  # most quote marks stand around a cell
    if len(plain) == 1 and (several or not quoted) and not enclosing:
        said = "quote marks are part of the text (unbalanced as quotes; every line is complete without)"
        return content, plainly, [said]
    escaped = content.replace(b'\\"', b'""')
    if escaped != content and _width(escaped, dialect):
        return escaped, dialect, [ESCAPED]
    ways = [(content, dialect, []), (closer, dialect, [CLOSER]), (content, replace(dialect, quote="'"), [SINGLE_QUOTE])]
    content, dialect, notes = max(ways, key=lambda way: _agreement(way[0], way[1]))  # the first of equals
    return content, replace(dialect, clean=bool(_width(content, dialect))), notes


def _agreement(content: bytes, dialect: Dialect) -> float:
    """Return the share of the lines that belong to rows of the most frequent number of fields."""
    counts = Counter[int]()
    reader, last = dialect.rows(lines_of(content)), 0
    for row in reader:
        counts[len(row)] += reader.line_num - last if len(row) > 1 else 0
        last = reader.line_num
    return max(counts.values(), default=0) / max(last, 1)


def _width(content: bytes, dialect: Dialect) -> int:
    """Return how many fields every row has; 0 where they differ, or the quote marks are unbalanced."""
    counts = field_counts(lines_of(content), dialect)
    return max(counts) if len(counts) == 1 else 0


def field_counts(lines: Iterable[str], dialect: Dialect) -> Counter[int]:
    """Return how many rows have how many fields; nothing if the quote marks are unbalanced."""
    try:
        counts = Counter(map(len, dialect.rows(lines, strict=True)))
    except csv.Error:
        return Counter()
    del counts[0]  # blank lines
    return counts


def arff_as_csv(text: str) -> str:
    """Return ARFF, dense or sparse, as CSV with a header: text like any other, whose cells inference types."""
    head, body = [*re.split(r"(?im)^\s*@data\b.*$", text, maxsplit=1), ""][:2]
    attributes = [(",".join(_cells(name)), kind) for name, kind in ATTRIBUTE.findall(head)]
    lines = [line for line in map(str.strip, re.split("[\r\n]", body)) if line and line[0] != "%"]
    zeros = [_cells(kind.strip("{} \t"))[0] if kind[:1] == "{" else "0" for _, kind in attributes]
    rows = (_dense(line.strip("{}"), zeros) if line[0] == "{" else _cells(line) for line in lines)
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows([[name for name, _ in attributes], *rows])  # quotes \r and \n
    return written.getvalue()


def _cells(line: str) -> list[str]:
    """Return the cells of a dense row of ARFF."""
    if "'" not in line and '"' not in line:
        return [cell.strip() for cell in line.split(",")]
    return [_meant(found) for found in re.finditer(f"(?:^|,){CELL}", line)]


def _dense(row: str, zeros: list[str]) -> list[str]:
    """Return a sparse row, `2 red` for the third value, as all its values; in the others stands what is zero."""
    pairs = re.finditer(rf"(?:^(?!\s*$)|,)(?:\s*(?P<place>\d+)\s)?{CELL}", row)
    given = {found["place"]: _meant(found) for found in pairs}
    return [given.pop(str(place), zero) for place, zero in enumerate(zeros)] + [*given.values()]


def _meant(found: re.Match[str]) -> str:
    """Return what a cell of ARFF stands for; within quote marks, either of the two, it is written as Weka does."""
    mark = found["mark"]
    if not mark:
        return found["bare"].strip()
    return re.sub(rf"\\(u001E|.)|{mark}{mark}", lambda one: ESCAPES.get(one[1], one[1] or mark), found["quoted"])
