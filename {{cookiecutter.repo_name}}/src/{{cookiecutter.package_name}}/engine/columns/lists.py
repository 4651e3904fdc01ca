"""Cells that hold several items, as surveys, tags and genres do: `Redis; MySQL; SQLite`.

Lists differ from names, addresses and sentences in three ways: few different items make many different cells, an item
returns in other cells, and it stands there at another place, or beside more or fewer others.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection

import pandas as pd

BRACKETS = re.compile(r"(?s)\A(?:(\[)|\{)([^][{}]*)(?(1)\]|\})\Z")  # around all of a text
FEWEST_CELLS = 20  # fewer say nothing
PROBE_CELLS = 5_000  # different ones: of 100,000 long texts the whole would cost a second
SPLIT_SHARE = 0.1  # share of the cells that hold two items or more, at least
FEW_ITEMS = 0.5  # different items against different cells, at most: names and addresses have as many or more
RETURNING = 0.9  # share of the items that stand in other cells too, at least
MOVING = 0.5  # share of the items that stand at another place elsewhere, at least: a city is always the last but one
ITEM_WORDS = 4.0  # of an item, on average, at most: longer ones are sentences


def items_of(cell: str, separator: str) -> list[str]:
    """The items of a cell in their order, each once, without blanks around them and empty ones.

    A list as programs write it, `['a', 'b']`, has neither brackets nor quote marks, `[a], [b]` no brackets.

    Examples
    --------
    >>> items_of("Redis; MySQL;;Redis", ";")
    ['Redis', 'MySQL']
    """
    inner = BRACKETS.sub(r"\2", cell)
    around = " \t\n" if inner == cell else " \t\n'\""
    items = (BRACKETS.sub(r"\2", item.strip(around)).strip(around) for item in inner.split(separator))
    return list(dict.fromkeys(filter(None, items)))


def parted(cells: pd.Series, separator: str, known: Collection[str]) -> tuple[pd.Series, pd.Series]:
    """Lists, shape (n_rows,), unknown items as the known ones that another mark parts in them; and which those are."""
    parts = dict[str, list[str]]()
    for item in {*different_items(cells, separator)}.difference(known):
        ways = (items_of(f"[{item}]", mark) for mark in ",|;" if mark in item)  # in brackets: quote marks fall away
        parts.update((item, found) for found in ways if found and {*found} <= {*known})
    if not parts:
        return cells, cells.isna() & False
    items = cells.map(lambda cell: items_of(cell, separator), na_action="ignore")
    mended = items.map(lambda cell: not parts.keys().isdisjoint(cell), na_action="ignore").eq(True)
    whole = items[mended].map(lambda cell: [part for item in cell for part in parts.get(item, [item])])
    return cells.mask(mended, whole.map(f"{separator} ".join)), mended


def different_items(cells: pd.Series, separator: str) -> list[str]:
    """The items of all cells that are not missing, shape (n_cells,), each once, sorted."""
    return sorted({item for cell in cells.dropna().unique() for item in items_of(cell, separator)})


def separator_of(present: pd.Series) -> str:
    """What parts the items in cells that are not missing, stripped, shape (n_cells,); "" where they are no lists."""
    if len(present) < FEWEST_CELLS:
        return ""
    counts = present.value_counts()
    probe = counts.iloc[:: max(1, len(counts) // PROBE_CELLS)]
    return next((mark for mark in (";", "|", ",") if are_lists(probe, mark)), "")


def are_lists(counts: pd.Series, separator: str) -> bool:
    """Whether cells, with how often each stands there, shape (n_different,), are lists by this separator."""
    if counts[counts.index.str.contains(separator, regex=False)].sum() < SPLIT_SHARE * counts.sum():
        return False
    standing, places = Counter[str](), defaultdict[str, set](set)
    for cell in counts.index:
        items = items_of(cell, separator)
        standing.update(items)
        for place, item in enumerate(items):
            places[item].add((place, len(items) - place))
    total = standing.total()
    if not total or len(standing) > FEW_ITEMS * len(counts):
        return False
    words = sum(len(item.split()) for item in standing) / len(standing)
    numbers = sum(item.replace(".", "").isdigit() for item in standing) / len(standing)
    returning = sum(count for count in standing.values() if count > 1) / total
    moving = sum(count for item, count in standing.items() if len(places[item]) > 1) / total
    amounts = separator == "," and numbers > 1 / 2  # 1,234 and 1,234,567
    return words <= ITEM_WORDS and returning >= RETURNING and moving >= MOVING and not amounts
