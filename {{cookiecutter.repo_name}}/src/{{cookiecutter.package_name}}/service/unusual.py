"""How unusual a row is: whether its cells stand together as those of the training rows do, whatever is said of it.

A boosting learns to tell training rows from rows whose columns were drawn from different ones ("classification against
a reference distribution", Hastie et al., The Elements of Statistical Learning, 14.2.4). What it says of rows like those
of training, but not learned from, is above the limit for 3 in 400. It is kept as plain lists, walked as other trees.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

from ..engine.checks.suspicion import FEW_ROWS
from ..engine.columns.dictionary import Dictionary, by_role, features
from ..engine.modelling.estimators import threads
from ..engine.modelling.split import cross_validation
from .trees import joined, walked

MARKED = 0.0075  # of rows like those of training: below the 1 % that is promised, for a limit is known roughly
ENOUGH, FOLDS = 1000, 3  # rows of dev that show a limit; with fewer, every row is held out once
MOST, DRAWN = 20_000, 3000  # rows that are learned from; rows that are drawn, at least
KINDS = 200  # of a category, the most frequent ones
FIELDS = ("is_leaf", "value", "feature_idx", "num_threshold", "missing_go_to_left", "left", "right")
TYPES = ("integer", "number", "boolean", "category")


def fit(train: pd.DataFrame, dev: pd.DataFrame, columns: Dictionary) -> dict[str, Any]:
    """Learn from rows what is usual.

    Parameters
    ----------
    train, dev : DataFrame, shape (n_rows, n_columns)
        Typed by the data dictionary. Dates and texts are not looked at: those of tomorrow are always new.
    columns : Dictionary

    Returns
    -------
    dict
        Plain JSON for `Unusual`: `columns` (null for numbers, else the kinds in at least ten rows), `start`,
        `trees` and `limit`. Empty where fewer than two columns can be looked at. It holds no row.
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
    held = [learned(table[known], random).decision_function(table[others]) for known, others in folds]
    scores = np.sort(np.concatenate(held))
    model = learned(table, random)
    return {
        "columns": kinds,
        "start": model._baseline_prediction.item(),
        "trees": [{name: tree.nodes[name].tolist() for name in FIELDS} for (tree,) in model._predictors],
        "limit": scores[-1 - int(MARKED * len(scores))].item(),
    }


def kinds_of(column: pd.Series) -> list[str]:
    """The kinds of a category that are not rare, the most frequent first."""
    counts = column.value_counts()
    return [*map(str, counts[counts >= FEW_ROWS].index[:KINDS])]


def coded(kinds: Mapping[str, list[str] | None], rows: pd.DataFrame) -> np.ndarray:
    """Rows as numbers, shape (n_rows, n_columns)."""
    return np.column_stack([numbers_of(rows[name], known) for name, known in kinds.items()])


def numbers_of(cells: pd.Series, kinds: list[str] | None) -> np.ndarray:
    """The cells of a column as numbers, shape (n_rows,)."""
    if kinds is None:
        return cells.to_numpy("float64", na_value=np.nan)
    return np.array([*map(coder(kinds), cells.astype(object).where(cells.notna(), None))], "float64")


def coder(kinds: list[str]) -> Callable[[Any], float]:
    """What makes a number of a category: its place among the kinds, behind them if it is none of them."""
    places = {None: np.nan} | {kind: float(place) for place, kind in enumerate(kinds)}
    return lambda cell: places.get(cell, float(len(kinds)))


def learned(table: np.ndarray, random: np.random.Generator) -> HistGradientBoostingClassifier:
    """A boosting of rows, (n_rows, n_columns), against as many or more that are drawn from their columns.

    They are drawn with replacement: permuted columns would have exactly the same margins, and boosting never split.
    """
    table = table[random.permutation(len(table))[:MOST]]
    size = max(len(table), DRAWN)
    drawn = np.column_stack([column[random.integers(0, len(table), size)] for column in table.T])
    truth = np.repeat([0, 1], [len(table), size])
    weights = np.where(truth == 1, len(table) / size, 1.0)
    model = HistGradientBoostingClassifier(max_iter=100, max_bins=64, early_stopping=False, random_state=0)
    with threads(0):
        return model.fit(np.vstack([table, drawn]), truth, sample_weight=weights)


class Unusual:
    """What `fit` has learned, ready to look at rows; a row has the same score alone and in a table.

    Attributes
    ----------
    limit : float
        A row with a score above it is unusual.
    """

    def __init__(self, fitted: Mapping[str, Any]) -> None:
        self._kinds, self._start, self.limit = fitted["columns"], fitted["start"], fitted["limit"]
        self._coders = [(name, None if kinds is None else coder(kinds)) for name, kinds in self._kinds.items()]
        self._trees = [as_nodes(tree) for tree in fitted["trees"]]
        self._leaves = joined(self._trees, len(self._kinds))

    def row(self, cells: Mapping[str, Any]) -> float:
        """The score of one row of plain cells, None where one is missing."""
        row = np.array([code(cells.get(name)) if code else cells.get(name) for name, code in self._coders], "float64")
        return self._start + np.add.accumulate(self._leaves(row))[-1].item()

    def marks(self, rows: pd.DataFrame) -> list[bool]:
        """Which rows typed by the data dictionary are unusual."""
        return (self.frame(rows) > self.limit).tolist()

    def frame(self, rows: pd.DataFrame) -> np.ndarray:
        """The scores of rows typed by the data dictionary, shape (n_rows,)."""
        rows = rows.reindex(columns=[*self._kinds])
        return self._start + walked(self._trees, coded(self._kinds, rows))


def as_nodes(tree: Mapping[str, list]) -> np.ndarray:
    """The nodes of a tree, shape (n_nodes,), as scikit-learn walks them."""
    nodes: Any = np.zeros(len(tree["value"]), dtype=PREDICTOR_RECORD_DTYPE)
    for name in FIELDS:
        nodes[name] = tree[name]
    return nodes
