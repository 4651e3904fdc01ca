"""Numbers that a target was computed from, or that were computed from it: sums, products, totals, and parts of a sum.

Used by `leaks.py`. A formula must hold in nearly every row, so that a column which only goes with the target is none.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.linear_model import LinearRegression

from .suspicion import FEW_ROWS, IS_IT_KNOWN, Suspicion, quoted, sampled

LEFT_OVER = 5e-4  # share of the target's variance that a formula may leave: values are rounded
NEARLY = 0.5  # share of it that the columns of a bill leave at most, before its constants are looked for
CONSTANTS, COVERED = 5, 0.95  # a bill holds its parts but for so many constants, in this share of the rows
GRID = 10  # times as many values as there are constants would fit between them: what is near by chance uses all
DIGITS = 6  # of the target's standard deviation to which a sum must be right
BELOW_BY_CHANCE = 6  # decimal digits of the chance that a column without meaning is never above the target


def formulas(clean: pd.DataFrame, target: str, names: list[str]) -> Iterator[Suspicion]:
    """Columns of numbers that make the target, a number, together with others or in part.

    Cost: a least squares fit of 4,000 rows, three where it comes near; and sorting each column.
    """
    rows = sampled(clean)
    filled = [name for name in names if rows[name].notna().mean() > 1 - 1 / FEW_ROWS]
    table = rows[[*filled, target]].dropna().astype(float)
    used = computed_from(table, target, filled)
    how = f"{'a sum' if len(used) > 1 else 'a multiple'} of {quoted(used)}"
    if not used:
        used, how = bill(table, target, filled)
    if not used:
        sizes = table[table[target] != 0].abs()
        factors = [name for name in filled if (sizes[name] > 0).all()]
        used = computed_from(np.log(sizes[[*factors, target]]), target, factors)
        how = f"{quoted(used)} multiplied or divided by each other"
    if used:
        yield Suspicion("answer", tuple(used), f"{target!r} is {how}", IS_IT_KNOWN)
    for name in names:
        if name not in used and (why := part(clean, target, name)):
            yield Suspicion("answer", (name,), f"column {name!r} looks like one part of {target!r}: {why}", IS_IT_KNOWN)


def computed_from(table: pd.DataFrame, target: str, names: list[str]) -> list[str]:
    """The columns of a linear formula that leaves next to nothing of the target, shape (n_rows,); empty without one."""
    if not names or len(table) < 2 * len(names) + FEW_ROWS:
        return []
    scaled, truth = table[names] / table[names].std().replace(0, 1), table[target]
    formula = LinearRegression().fit(scaled, truth)
    if 1 - formula.score(scaled, truth) > LEFT_OVER:
        return []
    return [name for name, weight in zip(names, abs(formula.coef_), strict=True) if weight > 0.02 * truth.std(ddof=0)]


def bill(table: pd.DataFrame, target: str, names: list[str]) -> tuple[list[str], str]:
    """The columns that, added and subtracted as they are, leave only a few constants of the target; and how, in words.

    The rows that a formula fits worst are left out once and again: a few may be other than the rest.
    """
    numbers, truth = table[names].to_numpy(), table[target].to_numpy()
    rows = np.arange(len(table))
    for _ in range(3):
        if not names or len(rows) < 2 * len(names) + FEW_ROWS:
            break
        formula = LinearRegression().fit(numbers[rows], truth[rows])
        left = np.abs(truth - formula.predict(numbers))
        if np.var(truth[rows] - formula.predict(numbers[rows])) > NEARLY * np.var(truth):
            break
        signs = np.round(formula.coef_)
        signs[np.abs(formula.coef_ - signs) > 0.1] = 0
        if set(signs) <= {-1, 0, 1} and signs.any() and (words := constants(truth - numbers @ signs, truth)):
            added, less = ([name for name, sign in zip(names, signs, strict=True) if sign == of] for of in (1, -1))
            how = " less ".join(filter(None, [" and ".join(map(repr, added)), " and ".join(map(repr, less))]))
            return [*added, *less], f"{how}, {words}"
        rows = np.flatnonzero(left <= np.quantile(left, 0.9))
    return [], ""


def constants(left: np.ndarray, truth: np.ndarray) -> str:
    """What to say where the rest that a sum leaves of the target, shape (n_rows,), is a few constants; else ""."""
    size = np.std(truth)
    values, counts = np.unique(np.round(left / size, DIGITS), return_counts=True)
    order = np.argsort(-counts)[:CONSTANTS]
    shares = np.cumsum(counts[order]) / len(left)
    if shares[-1] < COVERED:
        return ""
    number = int(np.argmax(shares >= COVERED)) + 1
    steps = np.diff(np.unique(np.round(truth / size, DIGITS)))
    if number > 1 and np.ptp(values[order[:number]]) < GRID * number * steps.min():
        return ""
    return f"but for {'a constant' if number == 1 else f'{number} constants'}, in {shares[number - 1]:.1%} of the rows"


def part(clean: pd.DataFrame, target: str, name: str) -> str:
    """Why a column looks like one of the amounts, 0 or more, that add up to the target; else ""."""
    known = clean[[name, target]].dropna().astype(float)
    some, whole = known[name].to_numpy(), known[target].to_numpy()
    if len(known) < len(clean) / 2 or (some < 0).any() or (some > whole).any() or np.ptp(some) == 0:
        return ""
    order = np.arange(len(whole))
    ways = np.searchsorted(np.sort(some), np.sort(whole), side="right") - order  # for each whole, the smallest first
    if -np.log10(ways / (len(whole) - order)).sum() < BELOW_BY_CHANCE:
        return ""
    rest = whole - some
    never = f"{name!r} is never above {target!r}"
    if (equal := int(((rest == 0) & (some > 0)).sum())) >= FEW_ROWS:
        return f"{never}, and equal to it in {equal:,} rows"
    tells = (some > whole.min()).mean() > 1 / 2  # what is smaller than any whole is below it whatever it is
    pairs = ((some, rest), (rankdata(some), rankdata(rest)))
    if tells and np.ptp(rest) > 0 and all(abs(np.corrcoef(*pair)[0, 1]) < 2 / np.sqrt(len(rest)) for pair in pairs):
        return f"{never}, and says nothing of the rest"
    return ""
