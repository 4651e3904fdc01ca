"""Turns the bytes of a text into UTF-8, whatever encoding they are in; what was guessed or mended is said."""

import itertools
import re
from collections.abc import Iterator

from ..project.errors import DataError, SettingsError, counted, listed
from .dialect import SAMPLE

MARKED = ("utf-8", "utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")  # the mark of UTF-16 begins that of UTF-32
# Encodings of Central Europe, Russia, Greece, Turkey, Israel, Arabia, the Baltic, Thailand, China, Japan and Korea.
FOREIGN = (
    *("cp1250", "iso8859_2", "cp1251", "koi8_r", "cp866", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp874"),
    *("gb18030", "big5", "cp932", "euc_jp", "cp949"),
)
WORD = re.compile(rb'[^\s,;"]+')
PROBED, LETTERS = 2000, 20  # words with letters beyond ASCII that are looked at, and letters of one that are shown
# Polish, Slovak and Romanian letters as cp1252 has them; but `m³h` and `Nºcliente` are western.
SIGN_IN_WORD = re.compile(r"[^\W\d_mM]³[^\W\d_]|[^\W\d_][¹¾¼¶][^\W\d_]|[^\W\d_nN]º[^\W\d_]")
ROW = re.compile(rb"[\x80-\xff]{3,}")
ODD = 0.05  # share of the words; fewer are slips
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a\x1b\x01\x1f"))
CURE = "in [data.read] of params.toml"
KINDS_READ = "Allowed: text, Parquet, Arrow, ORC, JSON, Excel, Stata, SAS, SPSS, ARFF, also packed."


def as_utf8(content: bytes, encoding: str = "") -> tuple[bytes, list[str]]:
    """Return text as UTF-8 without a byte-order mark, and what was decided.

    Without a given encoding it is detected: byte-order mark, UTF-8, UTF-16, else cp1252 where the letters are western.
    A `DataError` of binary content, or bytes that the encoding does not have.
    """
    for name in MARKED:
        if content.startswith(mark := "\ufeff".encode(name)):
            return _transcoded(content[len(mark) :], name, "byte-order mark")
    if encoding:
        return _transcoded(content, encoding, "given")
    if name := _unmarked_utf16(content[:4096]):
        return _transcoded(content, name, "every other byte is zero")
    content, notes = _checked(content)
    try:
        content.isascii() or content.decode()
        return content, notes
    except UnicodeDecodeError as error:
        content, more = _as_western(content, error)
        return content, notes + more


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
    content, notes = _checked(content)
    return content, [f"encoding {encoding} ({why})", *notes]


def _checked(content: bytes) -> tuple[bytes, list[str]]:
    """Refuse what is no text; leave out the odd NUL byte, which some write before a quote mark within a cell."""
    notes = []
    if zeros := content.count(0):
        line = content.count(b"\n", 0, content.find(0)) + 1
        if zeros > len(content) / 100:
            raise DataError(f"line {line} holds a NUL byte: a binary or damaged file. {KINDS_READ}")
        content = content.replace(b'\0"', b'""').replace(b"\0", b"")
        notes = [f"NUL bytes left out: {zeros}, the first in line {line}"]
    content, marks = re.subn(rb"(?<=[\r\n])\xef\xbb\xbf", b"", content)  # of files put one behind the other
    if marks:
        notes.append(f"byte-order marks within the text left out: {marks}")
    sample = content[:SAMPLE]
    if len(sample) - len(sample.translate(None, CONTROL)) > len(sample) / 100:
        raise DataError(f"binary content, no table. {KINDS_READ}")
    return content, notes


def _as_western(content: bytes, error: UnicodeDecodeError) -> tuple[bytes, list[str]]:
    line = content.count(b"\n", 0, error.start) + 1
    found = f"byte 0x{content[error.start]:02x} in line {line} is not UTF-8"
    damaged = content.decode(errors="replace")
    if len(re.findall(r"[\u0080-\ufffc]", damaged)) > damaged.count("\ufffd"):
        return _mixed(content)
    words = [*itertools.islice(_beyond_ascii(content), PROBED)]
    try:
        text = content.decode("cp1252").encode()
    except UnicodeDecodeError:  # five bytes have no letter there, and in latin-1 they are control characters
        raise DataError(f"{found}, and not cp1252 either.\n{_likely(words, words[0])}Set encoding {CURE}.") from None
    signs = (SIGN_IN_WORD.search(word.decode("cp1252")) for word in words)  # for letters
    in_a_row = (any(len(set(row)) > 2 for row in ROW.findall(word)) for word in words)  # letters beyond ASCII
    odd = [word for word, *why in zip(words, signs, in_a_row, strict=True) if any(why)]
    if len(odd) > ODD * len(words):
        reason = f"{found}, and as cp1252 no western word: {odd[0].decode('cp1252')[:LETTERS]!r}"
        raise DataError(f"{reason}.\n{_likely(words, odd[0])}Set encoding {CURE}.")
    first = words[0].decode("cp1252")[:LETTERS]
    return text, [f"encoding cp1252 ({found}; a guess, as in {first!r}: where letters look wrong, set encoding {CURE})"]


def _beyond_ascii(content: bytes) -> Iterator[bytes]:
    return (word[0] for word in WORD.finditer(content) if not word[0].isascii())


def _mixed(content: bytes) -> tuple[bytes, list[str]]:
    """Read the lines that are not UTF-8, among others that are, as cp1252."""
    lines, odd = content.split(b"\n"), []
    for place, line in enumerate(lines):
        try:
            line.decode()
        except UnicodeDecodeError:
            lines[place] = line.decode("cp1252", "replace").encode()
            odd.append(place)
    word = next(_beyond_ascii(content.split(b"\n")[odd[0]])).decode("cp1252", "replace")[:LETTERS]
    numbers = listed([place + 1 for place in odd])
    said = f"{counted(len(odd), 'line')} not UTF-8 like the others, read as cp1252 (line {numbers})"
    return b"\n".join(lines), [f"two encodings in one file: {said}, as in {word!r}"]


def _likely(words: list[bytes], shown: bytes) -> str:
    """Return the encodings in which these words look like words, with one of them as each has it."""
    import charset_normalizer  # 0.05 s, for these files alone

    found = charset_normalizer.from_bytes(b"\n".join(words), cp_isolation=[*FOREIGN])
    named = [f"{match.encoding!r} ({shown.decode(match.encoding, 'replace')[:LETTERS]})" for match in found]
    return f"Likely: {', '.join(named[:6])}. " if named else ""
