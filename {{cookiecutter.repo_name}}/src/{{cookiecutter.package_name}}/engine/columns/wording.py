"""Words of a category that differ in how they are written alone: `j` and `J`, `1.0` and `1`, `true` and `yes`."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from itertools import filterfalse, permutations

import pandas as pd

WHOLE = re.compile(r"([0-9]+)(?:\.0+)?")  # with a point as pandas writes whole numbers of a column with missing cells
ACCENT = re.compile("(?<=[a-z])[\u0300-\u036f]+")
BETWEEN = re.compile(r"(?<=[^\W\d_])[\s_-]+(?=[^\W_])|(?<=\d)[\s_-]+(?=[^\W\d_])")  # 5-9 is not 59
YES_AND_NO = frozenset(  # where yes comes before no
    "yes/no y/n true/false t/f 1/0 ja/nein ja/nej ja/nee ja/nei j/n oui/non o/n si/no sí/no sì/no s/n sim/não sim/nao "
    "da/ne da/net da/nu d/n да/нет tak/nie ano/ne áno/nie igen/nem evet/hayır".split()
)
OF_PROGRAMS = frozenset("true false yes no 1 0".split())


def key(word: str) -> str:
    """What two words share that differ only in case, blanks, hyphens, underscores, accents, or the form of a mark."""
    plain = unicodedata.normalize("NFKD", word.casefold().replace("\u2019", "'"))
    return re.sub(r"(?<!\d)[\s_-]|[\s_-](?!\d)", "", "".join(filterfalse(unicodedata.combining, plain)))


def by_key(words: Iterable[str], form: Callable[[str], str]) -> dict[str, list[str]]:
    """The words that share each form."""
    found: dict[str, list[str]] = {}
    for word in words:
        found.setdefault(form(word), []).append(word)
    return found


def written(word: str) -> str:
    """What a word shares with those that a program made of it: case, the form of a mark, accents, and blanks in it.

    A sign, a plus behind a grade, or a mark of another alphabet makes another word, so that is narrower than `key`.
    """
    plain = unicodedata.normalize("NFD", word.casefold().replace("\u2019", "'"))
    return BETWEEN.sub("", ACCENT.sub("", plain))


def padded(word: str, digits: int) -> str:
    """A word; a whole number, also one with `.0`, with as many zeros before it as make `digits` of it."""
    return number[1].zfill(digits) if (number := WHOLE.fullmatch(word)) else word


def format_of(words: Collection[str]) -> str:
    """`00000` for words most of which are numbers of five digits, as 01067 is one; "" where `padded` changes any."""
    numbers = list(filter(WHOLE.fullmatch, words))
    digits = max(map(len, numbers), default=0)
    most = 2 * len(numbers) > len(words) and any(number.startswith("0") for number in numbers)
    sure = digits <= 15 and all(padded(number, digits) == number for number in numbers)  # a float keeps no more digits
    return "0" * digits if most and sure else ""


def rewritten(words: pd.Series, known: tuple[str, ...] | None, digits: int = 0) -> tuple[pd.Series, pd.Series]:
    """Words, shape (n_rows,), unknown ones as the one known word that they are written otherwise; and which those are.

    A zero before a number counts, unless all known numbers have as many digits (`digits`, where the words are not
    listed): then a program has cut it off. Beside yes and no, or `true`, another word may be known: `don't know`.
    """
    if known is None:
        found = words.map(lambda word: padded(word, digits), na_action="ignore").astype("str")
        return found, words.notna() & (found != words)
    unknown = words.notna() & ~words.isin(known)
    if not unknown.any():
        return words, unknown
    widths = {len(word) for word in known if word.isdecimal()}
    digits = widths.pop() if len(widths) == 1 else 0
    pairs = permutations(known, 2) if len(known) <= 3 else ()
    yes_and_no = next((pair for pair in pairs if "/".join(pair).lower() in YES_AND_NO), ())
    begins = [word[0].lower() for word in yes_and_no]  # in its own language, both words: n and s may be directions
    both = [pair.split("/") for pair in YES_AND_NO]
    of_it = [pair for pair in both if OF_PROGRAMS.issuperset(pair) or [word[0] for word in pair] == begins]
    answers = {word: answer for pair in of_it for word, answer in zip(pair, yes_and_no, strict=False)}

    def plain(word: str) -> str:
        number = padded(word, digits)
        return answers.get(number.lower()) or written(number)

    meant = by_key(known, plain)
    of = {word: meant.get(plain(word), []) for word in words[unknown].unique()}
    found = words.map({word: alike[0] for word, alike in of.items() if len(alike) == 1}).astype("str")
    return words.mask(found.notna(), found), found.notna()
