"""How unusual a row is: whether its cells stand together as those of the training rows do, whatever is said of it.

A boosting learns to tell training rows from rows whose columns were drawn from different ones ("classification against
a reference distribution", Hastie et al., The Elements of Statistical Learning, 14.2.4). What it says of rows like those
of training, but not learned from, is above the limit for less than 1 in 100. Beside each number it sees how far that is
from what the others let expect by a straight line (partial residuals): trees, which ask one column at a time, need many
rows to learn a line. It is kept as plain lists, walked as other trees.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from ..engine.checks.suspicion import FEW_ROWS
from ..engine.columns.dictionary import Dictionary, by_role, features
from ..engine.modelling.estimators import threads
from ..engine.modelling.split import cross_validation
from .trees import joined, predictor, walked

MARKED = 0.01  # of rows like those of training, at most: the limit is a standard error more careful than that
ENOUGH, FOLDS = 1000, 3  # rows of dev that show a limit; with fewer, every row is held out once
MOST, DRAWN = 20_000, 3000  # rows that are learned from; rows that are drawn, at least
MOST_KINDS = 200  # of a category, the most frequent ones
PENALTY = 5.0  # on leaves (l2): one that holds drawn rows alone would send the next usual row far above any limit
RIDGE = 1e-3  # on the correlation of the numbers: two that are the same say no more than one
FIELDS = ("is_leaf", "value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right")
TYPES = ("integer", "number", "boolean", "category")


def fit(train: pd.DataFrame, dev: pd.DataFrame, columns: Dictionary) -> dict[str, Any]:
    """Learn from rows what is usual: plain JSON for `Unusual`, empty where fewer than two columns can be looked at.

    `train` and `dev`, shape (n_rows, n_columns), are typed by the data dictionary. Dates and texts are not looked at:
    those of tomorrow are always new. The JSON holds no row: `columns` (null for numbers, else the kinds in at least ten
    rows), `middle` and `residuals` (the means of the numbers, and what turns distances from them into residuals),
    `start`, `trees` and `limit`.
    """
    names = [name for name in features(columns) if columns[name].type in TYPES and name in train]
    if len(names) < 2:
        return {}
    rows = pd.concat([train, dev], ignore_index=True)
    folds = [(np.arange(len(train)), np.arange(len(train), len(rows)))]
    if len(dev) < ENOUGH:
        group = next((rows[name] for name in by_role(columns, "group") if name in rows), None)
        folds = cross_validation(np.zeros(len(rows)), group, n_folds=FOLDS, seed=0)
    kinds = {name: kinds_of(rows[name]) if columns[name].type == "category" else None for name in names}
    table, random = coded(kinds, rows), np.random.default_rng(0)
    held = [Unusual(learned(kinds, table[known], random)).scores(table[others]) for known, others in folds]
    scores = np.sort(np.concatenate(held))
    room = MARKED * (len(scores) + 1)
    above = int((np.sqrt(room + 0.25) - 0.5) ** 2)  # above + sqrt(above) is not more than the room
    return learned(kinds, table, random) | {"limit": scores[-max(above, 1)].item()}


def kinds_of(column: pd.Series) -> list[str]:
    """The kinds of a category that are not rare, the most frequent first."""
    counts = column.value_counts()
    return [*map(str, counts[counts >= FEW_ROWS].index[:MOST_KINDS])]


def coded(kinds: Mapping[str, list[str] | None], rows: pd.DataFrame) -> np.ndarray:
    """Rows as numbers, shape (n_rows, n_columns)."""
    columns = []
    for name, known in kinds.items():
        cells = rows[name]
        if known is not None:
            cells = cells.astype(object).where(cells.notna(), None).map(coder(known))
        columns.append(cells.to_numpy("float64", na_value=np.nan))
    return np.column_stack(columns)


def coder(kinds: list[str]) -> Callable[[Any], float]:
    """What makes a number of a category: its place among the kinds, behind them if it is none of them."""
    places = {None: np.nan} | {kind: float(place) for place, kind in enumerate(kinds)}
    return lambda cell: places.get(cell, float(len(kinds)))


def learned(kinds: dict[str, list[str] | None], table: np.ndarray, random: np.random.Generator) -> dict[str, Any]:
    """A boosting of rows, (n_rows, n_columns), against as many or more that are drawn from their columns; no limit yet.

    Of more than MOST rows it takes so many. They are drawn with replacement: permuted columns would have exactly the
    same margins, and boosting never split.
    """
    table = table[random.permutation(len(table))[:MOST]]
    size = max(len(table), DRAWN)
    drawn = np.column_stack([column[random.integers(0, len(table), size)] for column in table.T])
    truth = np.repeat([0, 1], [len(table), size])
    weights = np.where(truth == 1, len(table) / size, 1.0)
    middle, residuals = together(table[:, [names is None for names in kinds.values()]])
    rows = np.array([*map(completed(kinds, middle, residuals), np.vstack([table, drawn]))])
    options: dict[str, Any] = {"max_iter": 100, "max_bins": 64, "early_stopping": False, "l2_regularization": PENALTY}
    model = HistGradientBoostingClassifier(random_state=0, **options)
    with threads(0):
        model.fit(rows, truth, sample_weight=weights)
    return {
        "columns": kinds,
        "middle": middle.tolist(),
        "residuals": residuals.tolist(),
        "start": model._baseline_prediction.item(),
        "trees": [{name: tree.nodes[name].tolist() for name in FIELDS} for (tree,) in model._predictors],
        "limit": 0.0,
    }


def together(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The means of numbers, (n_rows, n_numbers), and what turns distances from them into residuals, in their errors.

    That is the inverse of the covariance, each of its rows divided by the root of its place on the diagonal. An empty
    cell is at the mean.
    """
    middle = np.nansum(numbers, axis=0) / np.maximum((~np.isnan(numbers)).sum(axis=0), 1)
    away = np.where(np.isnan(numbers), 0.0, numbers - middle)
    scale = away.std(axis=0)
    scale[scale == 0] = 1.0
    correlation = (away / scale).T @ (away / scale) / len(away)
    inverse = np.linalg.inv(correlation + RIDGE * np.eye(len(scale)))
    return middle, inverse / np.sqrt(np.diag(inverse))[:, None] / scale


def completed(kinds: Mapping[str, Any], middle: np.ndarray, residuals: np.ndarray) -> Callable:
    """What puts the residuals of its numbers behind a row, shape (n_columns,)."""
    numbers = np.array([names is None for names in kinds.values()])

    def whole(row: np.ndarray) -> np.ndarray:
        away = row[numbers] - middle
        away[np.isnan(away)] = 0.0
        return np.concatenate([row, residuals @ away])

    return whole


class Unusual:
    """What `fit` has learned, ready to look at rows; one with a score above `limit` is unusual, alone or in a table."""

    def __init__(self, fitted: Mapping[str, Any]) -> None:
        self._kinds, self._start, self.limit = fitted["columns"], fitted["start"], fitted["limit"]
        self._coders = [(place, coder(kinds)) for place, kinds in enumerate(self._kinds.values()) if kinds is not None]
        middle = np.array(fitted["middle"])
        residuals = np.array(fitted["residuals"]).reshape(len(middle), len(middle))  # of no number: a list alone
        self._whole = completed(self._kinds, middle, residuals)
        self._trees = [from_lists(tree) for tree in fitted["trees"]]
        self._width = len(self._kinds) + len(middle)
        self._leaves = joined(self._trees, self._width)

    def row(self, cells: Mapping[str, Any]) -> float:
        """The score of one row of plain cells, None where one is missing."""
        row = [*map(cells.get, self._kinds)]
        for place, code in self._coders:
            row[place] = code(row[place])
        leaves = self._leaves(self._whole(np.array(row, dtype="float64")))
        return self._start + np.add.accumulate(leaves)[-1].item()

    def marks(self, rows: pd.DataFrame) -> list[bool]:
        """Which rows typed by the data dictionary are unusual."""
        return (self.frame(rows) > self.limit).tolist()

    def frame(self, rows: pd.DataFrame) -> np.ndarray:
        """The scores of rows typed by the data dictionary, shape (n_rows,)."""
        return self.scores(coded(self._kinds, rows.reindex(columns=[*self._kinds])))

    def scores(self, table: np.ndarray) -> np.ndarray:
        """The scores of rows as numbers, shape (n_rows,); `table` has shape (n_rows, n_columns)."""
        whole = np.array([*map(self._whole, table)]).reshape(len(table), self._width)
        return self._start + walked(self._trees, whole)


def from_lists(tree: Mapping[str, list]) -> np.ndarray:
    """The nodes of a tree, shape (n_nodes,), as scikit-learn walks them."""
    nodes: Any = np.zeros(len(tree["value"]), dtype=predictor()[1])
    for name in FIELDS:
        nodes[name] = tree[name]
    return nodes
