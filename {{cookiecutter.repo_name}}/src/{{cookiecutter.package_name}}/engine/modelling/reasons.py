"""Why a row got its answer: the Shapley value of each column, beside usual values of the columns.

One method for every candidate, because it only asks the model. A Shapley value is what a column adds to the answer
where each other column is known with probability q, and usual else, in the mean over q (Owen 1972, "Multilinear
extensions of games"). Here q is 0, 1/2 and 1 (Simpson's rule, exact for four columns that act together); at 1/2, where
there are most ways, a design asks few of them in balance (Plackett and Burman 1946, and its mirror). The background is
the same 10 or 20 rows of usual values for every row, columns shuffled with a seed. `benchmarks/reasons` measures how
near this comes. Columns that say the same share an effect, and what moves an answer need not be a cause.
"""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.linalg import circulant
from scipy.sparse import csr_matrix

USUAL_MOST = 10  # different values of a column, at most
ASKED, MOST = 1000, 20  # answers that a row costs, about; rows of usual values at most. With 20 columns: 820, and 10
USUAL_LINES = 100  # of usual values: the shares of few categories are right to a hundredth
CELLS_AT_ONCE = 1_000_000  # in one call, if that is more than one row: memory
CELLS_A_ROW = 4_000_000  # in the questions about one row: fewer rows of usual values from some 300 columns on
CELL_LETTERS = 28  # characters of a cell that are shown
Told = list[tuple[str, str, str, float]]  # of one answer: column, cell and effect in words, and the effect
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
        column = column.where(column.map(column.value_counts()).astype(float) >= max(2, len(column) / USUAL_LINES))
    order = column.sort_values(kind="stable", key=None if by_size else lambda cells: cells.astype(str))
    fine, coarse = (order.iloc[((np.arange(n) + 0.5) / n * len(order)).astype(int)] for n in (USUAL_LINES, USUAL_MOST))
    few = fine.astype(object).map(repr).nunique() <= USUAL_MOST
    return (fine if few else coarse.repeat(USUAL_LINES // USUAL_MOST)).reset_index(drop=True)


def effects(answers: Answers, rows: pd.DataFrame, usual: pd.DataFrame, asked: np.ndarray) -> np.ndarray:
    """How much of each answer is owed to each column, shape (n_rows, n_columns), in the unit of the answer.

    `usual` has the columns that are examined, `asked` says for each row which column of the answers is explained.
    """
    lines = shuffled(usual)
    known, weights = questions(*lines.shape)
    most, found = max(1, CELLS_AT_ONCE // known.size), np.zeros((len(rows), usual.shape[1]))
    for start in range(0, len(rows), most):
        part = slice(start, start + most)
        different, same = mixed(rows.iloc[part], lines, known)
        of_asked = answers(different)[same, np.repeat(asked[part], len(known))].reshape(-1, len(known))
        found[part] = csr_matrix(of_asked) @ weights  # sparse: row by row, in one order
        found[part][~moving(of_asked, *lines.shape)] = 0
    return found


def shuffled(usual: pd.DataFrame) -> pd.DataFrame:
    """Rows of usual values at even ranks of each column, in an order of its own: rows of nobody.

    Ten or twenty, so that each of ten values counts the same: ten where there are many columns to ask about, and fewer
    where there are hundreds.
    """
    asked = questions(1, usual.shape[1])[0]
    n_lines = USUAL_MOST * max(1, min(MOST, ASKED // len(asked)) // USUAL_MOST)
    n_lines = max(1, min(n_lines, CELLS_A_ROW // asked.size))
    random, ranks = np.random.default_rng(0), ((np.arange(n_lines) + 0.5) / n_lines * len(usual)).astype(int)
    return pd.DataFrame({name: column.iloc[random.permutation(ranks)].array for name, column in usual.items()})


def questions(n_lines: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Which columns are known in each question, and the weight of its answer in the effect of each column.

    Both of shape (n_questions, n_columns); the questions of one line of usual values, then those of the next one. Of a
    line: none is known, each one alone, all without each one, every one, and about half, by the design.
    """
    none, every, alone = np.zeros((1, columns)), np.ones((1, columns)), np.eye(columns)
    signs, random, known, weights = balanced(columns), np.random.default_rng(1), [], []
    for _ in range(n_lines):  # other columns of the design in each: what one line mistakes, another one does not
        half = signs[:, random.permutation(signs.shape[1])[:columns]]
        known.append(np.vstack([none, alone, 1 - alone, every, half > 0]))  # `moving` counts on this order
        weights.append(np.vstack([-every, alone, -alone, every, half * 8 / len(half)]) / 6 / n_lines)
    return np.vstack(known).astype(bool), np.vstack(weights)


def moving(answers: np.ndarray, n_lines: int, columns: int) -> np.ndarray:
    """Whether a column moves any answer, alone or as the last one, shape (n_rows, n_columns): a design mistakes."""
    ends = np.cumsum([1, columns, columns, 1])  # of the kinds of `questions`
    none, alone, without, every, _ = np.split(answers.reshape(len(answers), n_lines, -1), ends, axis=2)
    return ((alone != none) | (without != every)).any(axis=1)


def balanced(columns: int) -> np.ndarray:
    """A folded design of 1 and -1, so many columns or more: all signs of any three columns are equally frequent."""
    prime = next(n for n in itertools.count(11, 4) if n + 1 >= columns and all(n % k for k in range(3, n, 2)))
    signs = np.where(np.isin(np.arange(prime), np.arange(prime) ** 2 % prime), 1, -1)  # of squares, and of others
    once = np.column_stack([np.vstack([circulant(signs), np.full(prime, -1)]), np.ones(prime + 1, dtype=int)])
    return np.vstack([once, -once])


def mixed(rows: pd.DataFrame, lines: pd.DataFrame, known: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """Each row as a question has it: its own cell in a column that is known, that of the line elsewhere.

    What comes out alike is there once: with it, the place in it of each question to each row, (n_rows * n_questions,).
    """
    own = np.repeat(np.arange(len(rows)), len(known))
    other = np.tile(len(rows) + np.repeat(np.arange(len(lines)), len(known) // len(lines)), len(rows))
    places = np.where(np.tile(known, (len(rows), 1)), own[:, None], other[:, None])
    both = {name: joined(rows[name], cells) for name, cells in lines.items()}
    codes = np.column_stack([pd.factorize(cells.astype(object).map(repr))[0] for cells in both.values()])
    cells = pd.DataFrame(np.take_along_axis(codes, places, axis=0))
    same = cells.groupby(list(cells), sort=False).ngroup().to_numpy()
    places = places[np.unique(same, return_index=True)[1]]
    return pd.DataFrame({name: cells.array[places[:, k]] for k, (name, cells) in enumerate(both.items())}), same


def joined(cells: pd.Series, usual: pd.Series) -> pd.Series:
    """Cells, and usual ones below them, in the dtype that holds both: that of the usual ones where some are missing."""
    dtype = usual.dtype if usual.hasnans else cells.dtype
    return pd.concat([cells.astype(dtype), usual.astype(dtype)], ignore_index=True)


def with_usual(row: pd.DataFrame, usual: pd.Series) -> pd.DataFrame:
    """Copies of one row, each with another usual value of a column."""
    values = usual.iloc[np.unique(usual.astype(object).map(repr), return_index=True)[1]]
    copies = row.iloc[np.zeros(len(values), dtype=int)].reset_index(drop=True)
    copies[usual.name] = joined(row[usual.name].iloc[:0], values)  # `assign` takes no column named self
    return copies


def strongest(rows: pd.DataFrame, moved: pd.DataFrame, most: int, shown: Callable[[float], str]) -> list[Told]:
    """The columns that moved each answer most, the strongest first.

    `moved` are `effects` by the names of their columns; `shown` writes one of them, "" where it is too small to tell.
    """
    lines, cells, names = [], rows[list(moved)].astype(object).to_numpy(), list(moved)
    for values, line in zip(cells, moved.to_numpy(), strict=True):
        places = np.argsort(-np.abs(line), kind="stable")[:most]
        told = [(names[place], cell(values[place]), shown(line[place]), float(line[place])) for place in places]
        lines.append([one for one in told if one[2]])
    return lines


def in_words(told: Told) -> str:
    """What moved one answer as text: `Contract is Month-to-month: +0.21; age is 31: …`."""
    return "; ".join(f"{name} is {value}: {effect}" for name, value, effect, _ in told)


def of_probability(effect: float) -> str:
    """An effect on a probability: two digits, with its sign; "" of one that they would show as 0."""
    return f"{effect:+.2f}" if abs(effect) >= 0.005 else ""


def of_number(effect: float) -> str:
    """An effect on a number: four digits or whole, with its sign; "" of none."""
    if not effect:
        return ""
    return f"{effect:+,.0f}" if abs(effect) >= 1000 else f"{effect:+.4g}"


def cell(value: object, limit: int = CELL_LETTERS) -> str:
    """A cell as a reason names it."""
    if not isinstance(value, list | tuple | np.ndarray) and pd.isna(value):
        return "missing"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
    text = " ".join(str(value).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
