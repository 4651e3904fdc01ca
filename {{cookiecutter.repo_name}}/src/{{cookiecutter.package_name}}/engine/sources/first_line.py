"""The names in the first line of a text table, found by the standard library alone.

Used by `install.py`, which says that the target is misspelt before the environment is built. It doubts a target only
where the first line clearly holds the names; `read.py` decides, later and better.
"""

import csv
import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .dialect import ARFF, NUMBER

BYTES = 65_536  # of the file's start
LINES = 50  # in which the target may stand instead: titles above the names, names over several lines


def names_without(path: Path, target: str) -> list[str]:
    """The names in the first line of a text table, UTF-8, if the target is clearly not among them; else none."""
    if target.isdecimal() or target.startswith("column_"):  # a place in a file without names
        return []
    with path.open("rb") as file:
        start = file.read(BYTES)
    if b"\0" in start or start.lstrip()[:1] in (b"", b"[", b"{", b"<", b"\x1f") or ARFF.match(start):
        return []  # no text, or JSON, a web page, packed, names on many lines
    lines = start.decode("utf-8-sig", errors="replace").splitlines()[:LINES]
    separator = max(",;\t|", key=lines[0].count)
    first, *others = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    are_names = len(first) > 1 and all(first) and "\ufffd" not in lines[0] and not any(map(NUMBER.fullmatch, first))
    return first if are_names and not any(target in row for row in (first, *others)) else []


def in_other_letters(names: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """The names that are a known one in other code points, an accent by itself as macOS has it, by how they stand.

    A known name that two of them mean is nobody's; what is no text, as a name of several levels, means none.

    Examples
    --------
    >>> in_other_letters(["cafe\u0301", "plain"], ["caf\u00e9", "other"])
    {'cafe\u0301': 'caf\u00e9'}
    """
    names, known = dict.fromkeys(names), dict.fromkeys(known)
    odd = [name for name in names if isinstance(name, str) and name not in known and not name.isascii()]
    whole = {unicodedata.normalize("NFC", name): name for name in known if name not in names} if odd else {}
    meant = {name: whole.get(unicodedata.normalize("NFC", name), "") for name in odd}
    times = Counter(meant.values())
    return {name: other for name, other in meant.items() if other and times[other] == 1}


def nearest(wanted: str, names: Iterable[str]) -> str:
    """The name that was probably meant, "" where none is near."""
    plain = {unicodedata.normalize("NFKC", name).strip().casefold(): name for name in names}
    wanted = unicodedata.normalize("NFKC", wanted).strip().casefold()
    near = [name for name in plain if name.endswith(f".{wanted}")]  # a field of nested records
    near = near or difflib.get_close_matches(wanted, plain, n=1, cutoff=0.75)
    return plain[near[0]] if near else ""
