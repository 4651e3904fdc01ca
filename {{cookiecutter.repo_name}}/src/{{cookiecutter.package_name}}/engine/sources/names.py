"""Names of columns that were meant: in other letters, or misspelt."""

import difflib
import unicodedata
from collections import Counter
from collections.abc import Iterable


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
