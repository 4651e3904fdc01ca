"""Cells of several items as numbers: a column for each frequent item, and one that counts the others."""

from collections import Counter
from collections.abc import Iterable
from itertools import chain

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import MultiLabelBinarizer

from ..columns.lists import items_of

MOST_ITEMS = 50  # that get a column of their own
FEWEST_ROWS = 5  # that hold an item, else it is counted with the others
OTHERS = "(others)"


class ItemEncoder(TransformerMixin, BaseEstimator):
    """0 or 1 for each frequent item of a cell, and how many others it holds; an empty cell holds none.

    `separator` parts the items of a cell; `items_` are the frequent ones, at most 50, in order.
    """

    def __init__(self, separator: str = ";") -> None:
        self.separator = separator

    def fit(self, cells: Iterable[str], y: object = None) -> "ItemEncoder":
        """Find the frequent items of `cells`, text, shape (n_rows,)."""
        counts = Counter(chain.from_iterable(self._split(cells)))
        frequent = sorted((-count, item) for item, count in counts.items() if count >= FEWEST_ROWS)[:MOST_ITEMS]
        self.items_ = sorted(item for _, item in frequent)
        return self

    def transform(self, cells: Iterable[str]) -> np.ndarray:
        """The numbers of `cells`, shape (n_rows,): float64, shape (n_rows, n_items + 1)."""
        rows, known = self._split(cells), set(self.items_)
        marks = MultiLabelBinarizer(classes=self.items_).fit_transform([known.intersection(row) for row in rows])
        others = [sum(item not in known for item in row) for row in rows]
        return np.column_stack([marks, others]).astype("float64")

    def get_feature_names_out(self, names: object = None) -> np.ndarray:
        """The items, and `(others)`."""
        return np.array([*self.items_, OTHERS], dtype=object)

    def _split(self, cells: Iterable[str]) -> list[list[str]]:
        return [items_of(cell, self.separator) for cell in pd.Series(cells, dtype=object).tolist()]
