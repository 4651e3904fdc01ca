"""Why a row got its answer: what one column gives to it and takes from it, beside usual values of the columns.

One method for every candidate, because it only asks the model, twice. What the answer loses: the cell is replaced by
each of some usual values of its column, everything else stays. What it gains: the cell is put into rows of usual
values, column by column shuffled. The mean of the two is the column's Shapley value (Lundberg and Lee 2017, columns
independent in the background) wherever no three columns act together; `benchmarks/reasons` measures how near it comes
otherwise. The shuffle has a seed. Columns that say the same share an effect, and what moves an answer need not be a
cause.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

USUAL = 10  # different values of a column, at most
TOGETHER = 20  # rows of usual values: with 20 columns a row costs at most 600 answers
LINES = 100  # of usual values: the shares of few categories are right to a hundredth
ROWS_AT_ONCE = 20_000  # answers in one call: memory
TEXT = 28  # characters of a cell that are shown
Answers = Callable[[pd.DataFrame], np.ndarray]  # rows -> shape (n_rows, n_classes), or (n_rows, 1) for numbers


def usual_values(rows: pd.DataFrame) -> pd.DataFrame:
    """At most ten different values of each column with about their shares, shape (100, n_columns).

    The values at even ranks, each column by itself: no line is a row of `rows`. Empty cells are ranked last, and words
    of fewer than one row in a hundred count as empty: what one person wrote is kept in no run.
    """
    return pd.DataFrame({name: usual_of(column) for name, column in rows.items()})


def usual_of(column: pd.Series) -> pd.Series:
    """The values of a column at a hundred even ranks, or at ten where more than ten differ."""
    by_size = pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_datetime64_any_dtype(column.dtype)
    if not by_size:
        column = column.where(column.map(column.value_counts()) >= max(2, len(column) / LINES))
    order = column.sort_values(kind="stable", key=None if by_size else lambda cells: cells.astype(str))
    fine, coarse = (order.iloc[((np.arange(n) + 0.5) / n * len(order)).astype(int)] for n in (LINES, USUAL))
    few = fine.astype(object).map(repr).nunique() <= USUAL
    return (fine if few else coarse.repeat(LINES // USUAL)).reset_index(drop=True)


def effects(answers: Answers, rows: pd.DataFrame, usual: pd.DataFrame, asked: np.ndarray) -> np.ndarray:
    """How much of each answer is owed to each column, shape (n_rows, n_columns), in the unit of the answer.

    `usual` has the columns that are examined, `asked` says for each row which column of the answers is explained.
    """
    most = max(1, ROWS_AT_ONCE // TOGETHER)
    parts = [range(start, min(start + most, len(rows))) for start in range(0, len(rows), most)]
    return np.concatenate([effects_of_part(answers, rows.iloc[list(part)], usual, asked[list(part)]) for part in parts])


def effects_of_part(answers: Answers, rows: pd.DataFrame, usual: pd.DataFrame, asked: np.ndarray) -> np.ndarray:
    """`effects` of rows that fit in one call."""
    n, lines = len(rows), shuffled(usual)
    own, found = answers(rows)[np.arange(n), asked], np.zeros((n, usual.shape[1]))
    nothing_known = answers(lines).mean(axis=0)
    for place, name in enumerate(usual):
        _, shares, said = answers_with(answers, rows, usual[name], asked)
        alone = (answers_knowing(answers, rows[name], lines) - nothing_known)[np.arange(n), asked]
        found[:, place] = (own - (said * shares).sum(axis=1) + alone) / 2
    return found


def shuffled(usual: pd.DataFrame) -> pd.DataFrame:
    """Rows of usual values at even ranks of each column, in an order of its own: a row of nobody."""
    random, ranks = np.random.default_rng(0), np.arange(0, len(usual), max(1, len(usual) // TOGETHER))
    return pd.DataFrame({name: column.iloc[random.permutation(ranks)].array for name, column in usual.items()})


def answers_knowing(answers: Answers, cells: pd.Series, lines: pd.DataFrame) -> np.ndarray:
    """The mean answers where one column has its cell and the others are usual, (n_rows, n_classes)."""
    different, place = np.unique(cells.astype(object).map(repr), return_index=True, return_inverse=True)[1:]
    copies = lines.iloc[np.tile(np.arange(len(lines)), len(different))].reset_index(drop=True)
    repeated = cells.iloc[different.repeat(len(lines))].reset_index(drop=True)
    said = answers(copies.assign(**{cells.name: repeated}))
    return said.reshape(len(different), len(lines), -1).mean(axis=1)[place]


def answers_with(
    answers: Answers, rows: pd.DataFrame, usual: pd.Series, asked: np.ndarray
) -> tuple[pd.Series, np.ndarray, np.ndarray]:
    """The n_values different usual values of a column, their shares, and the answers with each, (n_rows, n_values)."""
    different, counts = np.unique(usual.astype(object).map(repr), return_index=True, return_counts=True)[1:]
    n, values = len(rows), usual.iloc[different]
    copies = rows.iloc[np.repeat(np.arange(n), len(values))].reset_index(drop=True)
    tiled = values.iloc[np.tile(np.arange(len(values)), n)].reset_index(drop=True)
    copies[usual.name] = tiled.astype(rows[usual.name].dtype)
    said = answers(copies)[np.arange(len(copies)), np.repeat(asked, len(values))]
    return values, counts / len(usual), said.reshape(n, len(values))


def in_words(rows: pd.DataFrame, moved: pd.DataFrame, most: int, shown: Callable[[float], str]) -> list[str]:
    """The columns that moved each answer most, the strongest first: `Contract is Month-to-month: +0.21; age is 31: …`.

    `moved` are `effects` by the names of their columns; `shown` writes one of them, "" where it is too small to tell.
    """
    lines, cells, names = [], rows[list(moved)].astype(object).to_numpy(), list(moved)
    for values, line in zip(cells, moved.to_numpy(), strict=True):
        strongest = np.argsort(-np.abs(line), kind="stable")[:most]
        told = [
            f"{names[place]} is {cell(values[place])}: {text}" for place in strongest if (text := shown(line[place]))
        ]
        lines.append("; ".join(told))
    return lines


def of_probability(effect: float) -> str:
    """An effect on a probability: two digits, with its sign."""
    return f"{effect:+.2f}" if abs(effect) >= 0.005 else ""


def of_number(effect: float) -> str:
    """An effect on a number: four digits or whole, with its sign."""
    if not effect:
        return ""
    return f"{effect:+,.0f}" if abs(effect) >= 1000 else f"{effect:+.4g}"


def cell(value: object) -> str:
    """A cell as a reason names it."""
    if not isinstance(value, list | tuple | np.ndarray) and pd.isna(value):
        return "missing"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
    text = " ".join(str(value).split())
    return text if len(text) <= TEXT else f"{text[: TEXT - 1]}…"
