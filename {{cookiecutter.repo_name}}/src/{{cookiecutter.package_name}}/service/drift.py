"""Whether a column is distributed otherwise now than in training: rows are compared with a summary, which holds none.

Both conditions count. A test that allows for the number of columns (Kolmogorov-Smirnov, chi-square; Bonferroni) keeps
small windows silent, a least size of the difference keeps large ones silent about what does not matter.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, kstwo

from ..engine.checks.drift import apart_in_counts
from ..engine.checks.suspicion import FEW_ROWS, is_number, sampled
from ..engine.columns.dictionary import Column
from ..engine.columns.lists import items_of
from ..engine.columns.validate import UNREAD
from ..engine.columns.violations import Violation
from ..engine.report.verdict import number, percent

POINTS, BINS = 1000, 10  # quantiles of a number, and the bins of its PSI
CHANCE = 0.01  # that anything is found in a window without drift, over all columns
LEAST_PSI, LEAST_SHARE = 0.05, 0.05  # a difference that matters; one kind that gained or lost 5 points does too
MOST_ROWS = 5000  # of a window: more are sampled
OTHER_KINDS, ARE_MISSING = "other kinds", "missing in"
PREDICTIONS = "predictions: "  # before the name of a column of answers, which a column of the table may have too
FACTOR, ONE_FACTOR = 1.5, 0.1  # so many times as large, the same for all but that part (of logarithms): another unit
MOSTLY_DIFFERENT = 0.9  # share of different rows from which on a row that comes twice was sent twice
Summary = dict[str, Any]


@dataclass(frozen=True)
class Shift:
    """A column now and in training."""

    column: str
    chance: float = 1.0  # of such a difference without drift, 0-1, before it is held against the number of columns
    psi: float = 0.0  # population stability index, 0 for no difference
    sentence: str = ""  # how it differs most, with both figures
    moved: bool = False  # whether both conditions say so
    other_unit: bool = False  # whether its numbers look as if they were in one
    cure: str = ""  # of its cells, where many of them break a rule
    unread: bool = False  # whether that rule is that they can be read
    beyond: float = 0.0  # share of its numbers below or above the outermost quantiles of the training, 0-1


def comparable(values: pd.Series, column: Column) -> pd.Series:
    """What can be compared, shape (n_rows,): numbers or texts, of a text how many letters, of a list its items."""
    if column.type in ("integer", "number"):
        return values.astype("float64")
    kinds = values.astype(object).where(values.notna(), None)
    if column.type == "text":
        return kinds.map(len, na_action="ignore").astype("float64")
    if column.type == "list":
        return kinds.map(lambda cell: tuple(items_of(cell, column.separator)), na_action="ignore")
    if column.type == "boolean":
        return kinds.map(lambda cell: str(bool(cell)).lower(), na_action="ignore")
    # moments of time move by nature: of them only whether they are there
    return kinds.map((lambda cell: "given") if column.type == "datetime" else str, na_action="ignore")


def summary(values: pd.Series) -> Summary:
    """A column as plain JSON: `rows`, the share `missing`, and `quantiles` of numbers, `shares` of kinds or `items`.

    There are 1,000 quantiles, each a value that occurs. Kinds and items in fewer than ten rows are left out: the rest
    of the shares up to 1. That of an item is of the filled cells, in each of which it may stand beside others; that of
    `other kinds` of cells with an item that was left out.
    """
    present = values.dropna().reset_index(drop=True)
    found: Summary = {"rows": len(values), "missing": float(values.isna().mean()) if len(values) else 0.0}
    if is_number(values):
        places = (np.arange(POINTS) + 0.5) / POINTS
        points = np.quantile(present, places, method="inverted_cdf").tolist() if len(present) else []
        return found | {"quantiles": points}
    several = len(present) > 0 and isinstance(present.iloc[0], tuple)
    counts = (present.explode() if several else present.astype(str)).value_counts()
    shares = (counts[counts >= FEW_ROWS] / max(len(present), 1)).to_dict()
    return found | ({"items": items_in(present, shares)} if several else {"shares": shares})


def items_in(cells: pd.Series, known: Iterable[str]) -> dict[str, float]:
    """The share of cells, shape (n_rows,), in which each known item stands, and of those in which any other does."""
    items = cells.reset_index(drop=True).explode().dropna()
    counts, others = items.value_counts(), items[~items.isin([*known])].index.nunique()
    found = {item: float(counts.get(item, 0) / len(cells)) for item in known}
    return found | {OTHER_KINDS: others / len(cells)}


def compared(reference: dict[str, Summary], rows: pd.DataFrame) -> list[Shift]:
    """The columns of a window against their summaries, those that moved first, each by the larger of its differences.

    `rows`, shape (n_rows, n_columns), are `comparable`; a column that only one of both has is not compared.
    """
    names = [name for name in reference if name in rows]
    gaps = sum(reference[name]["missing"] > 0 or rows[name].hasnans for name in names)
    level = CHANCE / max(len(names) + gaps, 1)  # the values of each, and the missing cells where there are any
    found = []
    for name in names:
        sides = [missing(name, reference[name], rows[name], level), values(name, reference[name], rows[name], level)]
        most = max(sides, key=lambda one: (one.moved, one.psi))
        found.append(replace(most, beyond=sides[1].beyond))
    return sorted(found, key=lambda one: (one.moved, one.psi), reverse=True)


def explained(shift: Shift, unit: str, broken: Violation | None, rows: int) -> Shift:
    """What moved, with its unit, and what many of its cells break, with the cure."""
    if unit and shift.sentence and not shift.sentence.startswith(ARE_MISSING):
        shift = replace(shift, sentence=f"{unit}: {shift.sentence}")
    if not shift.moved or broken is None or len(broken.rows) <= LEAST_SHARE * rows:
        return shift
    cure, unread = f"{broken.cure} in references/data_dictionary.toml", broken.problem.startswith(UNREAD)
    return replace(shift, sentence=f"{shift.sentence}; {len(broken.rows):,} {broken.problem}", cure=cure, unread=unread)


def window(rows: pd.DataFrame, distinct: float) -> pd.DataFrame:
    """The rows that count, at most 5,000, drawn by chance: one that was sent twice counts once.

    `distinct` is the share of different rows in training; where many are alike by nature, all count.
    """
    return sampled(rows.drop_duplicates() if distinct >= MOSTLY_DIFFERENT else rows, MOST_ROWS)


def missing(name: str, before: Summary, now: pd.Series, level: float) -> Shift:
    """Whether more or fewer cells are missing."""
    shares = np.array([before["missing"], now.isna().mean()])
    said = f"{ARE_MISSING} {percent(shares[1])} of the rows, in training {percent(shares[0])}"
    counts = np.array([shares, 1 - shares]) * [before["rows"], len(now)]
    return judged(name, counts, level, said) if shares.any() else Shift(name)


def values(name: str, before: Summary, now: pd.Series, level: float) -> Shift:
    """Whether what is not missing is distributed otherwise."""
    rows, of = before["rows"] * (1 - before["missing"]), "filled cells" if before["missing"] or now.hasnans else "rows"
    now = now.dropna()
    if not rows or now.empty:
        return Shift(name)
    if "items" in before:
        return items(before["items"], rows, now, level, of)
    if "shares" in before:
        of_each, said = kinds(before["shares"], rows, now.astype(str), of)
        return judged(name, of_each, level, said)
    points, cells = np.array(before["quantiles"]), np.sort(now.to_numpy(dtype="float64"))
    apart = ks_2samp(points, cells, method="asymp")  # the distance; the chance is of all rows, not of the points
    chance = float(kstwo.sf(apart.statistic, max(round(rows * len(cells) / (rows + len(cells))), 1)))
    edges = np.unique(points[POINTS // BINS :: POINTS // BINS])
    counts = [np.bincount(np.searchsorted(edges, side), minlength=len(edges) + 1) for side in (points, cells)]
    size = psi(counts[0] / POINTS * rows, counts[1])
    times = 0.0 if name.startswith(PREDICTIONS) else scaled(points, cells)
    said = of_numbers(points, cells, float(apart.statistic_location), of, times)
    beyond = float(((cells < points[0]) | (cells > points[-1])).mean())
    return Shift(name, chance, size, said, chance < level and size > LEAST_PSI, other_unit=times > 0, beyond=beyond)


def kinds(shares: dict[str, float], rows: float, now: pd.Series, of: str) -> tuple[np.ndarray, str]:
    """How often each kind was and is there, shape (n_kinds, 2), and which differs most; unknown ones count as one."""
    names, known = [*shares, OTHER_KINDS], now.value_counts()
    after = known.reindex(names, fill_value=0).to_numpy(dtype="float64")
    after[-1] = len(now) - after.sum()
    before = np.array([*shares.values(), max(1 - sum(shares.values()), 0.0)])
    found = after / len(now)
    if more := lifted(shares, rows) if before[-1] else 0:  # where none was left out, each other kind is new
        least, most = (others / (1 - others) * after[:-1].sum() for others in (before[-1], before[-1] + more))
        after[-1] -= np.clip(after[-1] - least, 0, most - least)
    place = np.abs(after / after.sum() - before).argmax()
    said = f"{names[place]} in {percent(found[place])} of the {of}, in training {percent(before[place])}"
    return np.stack([before * rows, after], axis=1), said


def lifted(shares: dict[str, float], rows: float) -> float:
    """By how much the share of other kinds, 0-1, is too small by chance, which other cells now do not repeat.

    The counts that say which kinds are known give their shares too: of many with some ten rows those that chance gave
    more were kept. They have about as many rows too many as stand in kinds of ten: a third of those in ten to twelve.
    """
    return sum(share for name, share in shares.items() if name != OTHER_KINDS and share * rows < 1.25 * FEW_ROWS) / 3


def items(shares: dict[str, float], rows: float, now: pd.Series, level: float, of: str) -> Shift:
    """The item of lists that differs most: in how many of the cells, shape (n_rows,), it stands."""
    name, after = str(now.name), items_in(now, [item for item in shares if item != OTHER_KINDS])
    found = [Shift(name)]
    for item, before in shares.items():
        sides = np.array([before, after[item]])
        sides[1] -= np.clip(sides[1] - before, 0, lifted(shares, rows)) if item == OTHER_KINDS and before else 0
        said = f"{item} in {percent(after[item])} of the {of}, in training {percent(sides[0])}"
        found.append(judged(name, np.array([sides, 1 - sides]) * [rows, len(now)], level / len(shares), said))
    return max(found, key=lambda one: (one.moved, one.psi))


def judged(name: str, counts: np.ndarray, level: float, sentence: str) -> Shift:
    """A comparison of counts before and now, shape (n_kinds, 2)."""
    shares, (_, chance) = counts / counts.sum(axis=0), apart_in_counts(counts)
    size, most = psi(*counts.T), np.abs(shares[:, 1] - shares[:, 0]).max()
    moved = chance < level and (size > LEAST_PSI or most > LEAST_SHARE)
    return Shift(name, chance, size, sentence, bool(moved))


def psi(before: np.ndarray, now: np.ndarray) -> float:
    """Population stability index of counts, shape (n_bins,) each; half a row more in each bin lets none be empty."""
    shares = [(counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in (before, now)]
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def scaled(before: np.ndarray, now: np.ndarray) -> float:
    """How many times as large all of sorted numbers look, shape (n_rows,), as in another unit; 0 if they do not."""
    old, new = (side[[len(side) * quarter // 4 for quarter in (1, 2, 3)]] for side in (before, now))
    ratios = new / np.where(old, old, np.nan)
    if ratios.min() > 0 and new[0] < new[2] and not 1 / FACTOR < ratios[1] < FACTOR:
        if np.log(ratios.max() / ratios.min()) < ONE_FACTOR * abs(np.log(ratios[1])):
            return float(ratios[1])
    return 0.0


def of_numbers(before: np.ndarray, now: np.ndarray, furthest: float, of: str, times: float) -> str:
    """How sorted numbers differ: by how many `times`, if so, or by their medians, or where they are furthest apart."""
    old, new = (float(side[len(side) // 2]) for side in (before, now))
    said = f"median {number(new)}, in training {number(old)}"
    if times:
        return f"{said}: {number(times, 3)} times as large, another unit?"
    at = [old, new, furthest]
    then, today = (np.searchsorted(side, at, side="right") / len(side) for side in (before, now))
    *medians, most = np.abs(today - then)
    if 2 * max(medians) < most or number(old) == number(new):
        return f"{percent(today[2])} of the {of} up to {number(furthest)}, in training {percent(then[2])}"
    return said
