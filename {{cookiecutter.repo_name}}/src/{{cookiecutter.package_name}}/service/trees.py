"""All trees of a model joined into one, which scikit-learn's own predictor walks for one row in one call.

The nodes of the trees stand one behind the other. Above them a balanced tree of dispatch nodes asks one column more,
the number of the tree: a row becomes as many rows as there are trees, which differ in that column alone. What the trees
say is added up in scikit-learn's order, so that the sum has the same bits. Two private names of scikit-learn are used,
the predictor and the type of its nodes: `difference` notices where they change, and without them there is no fast road.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate, count, pairwise
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

MOST_BYTES = 64e6  # of the joined trees of one model; larger ones answer by the reference
NO_SETS, NO_PLACES = np.zeros((0, 8), dtype=np.uint32), np.zeros(0, dtype=np.uint32)  # of splits by category


class NotCompiled(Exception):
    """A run, or a part of it, for which there is no fast road, with the reason in words."""


def predictor() -> tuple[Callable, np.dtype]:
    """What walks trees, and the type of their nodes; an `ImportError` where a release of scikit-learn has others."""
    from sklearn.ensemble._hist_gradient_boosting._predictor import _predict_from_raw_data
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    return _predict_from_raw_data, PREDICTOR_RECORD_DTYPE


def boosting(model: BaseEstimator) -> Callable[[np.ndarray], np.ndarray]:
    """Raw scores of a histogram gradient boosting: from a row, (n_columns,), float64, to (1, n_scores)."""
    if model.is_categorical_ is not None:
        raise NotCompiled("boosting with categorical_features")
    leaves = joined([tree.nodes for trees in model._predictors for tree in trees], model.n_features_in_)
    n_scores, start = model.n_trees_per_iteration_, model._baseline_prediction.ravel()

    def scores(row: np.ndarray) -> np.ndarray:
        return np.add.accumulate(np.concatenate([start, leaves(row)]).reshape(-1, n_scores))[-1:]

    return scores


def forest(model: BaseEstimator) -> Callable[[np.ndarray], np.ndarray]:
    """Mean answer of a forest's trees: from a row, (n_columns,), float64, to (1, n_classes), or (1, 1) of numbers."""
    trees = [estimator.tree_ for estimator in model.estimators_]
    check_size(sum(tree.node_count for tree in trees), trees[0].value.shape[2])
    answers = [tree.value[tree.children_left < 0, 0, :] for tree in trees]
    starts = np.cumsum([0, *map(len, answers)])
    leaves = joined([as_nodes(tree, start) for tree, start in zip(trees, starts, strict=False)], model.n_features_in_)
    answer = np.concatenate(answers)

    def mean(row: np.ndarray) -> np.ndarray:
        # they compare cells in single precision with thresholds in double
        said = answer[leaves(row.astype("float32").astype("float64")).astype("intp")]
        return np.add.accumulate(said)[-1:] / len(trees)

    return mean


def as_nodes(tree: Any, start: int) -> np.ndarray:
    """A tree of a forest as nodes of boosting, shape (n_nodes,); the value of a leaf is its number, from `start` on."""
    nodes: Any = np.zeros(tree.node_count, dtype=predictor()[1])
    nodes["is_leaf"] = leaf = tree.children_left < 0
    nodes["value"][leaf] = start + np.arange(leaf.sum())
    nodes["feature_idx"], nodes["num_threshold"] = tree.feature, tree.threshold
    nodes["missing_go_to_left"] = tree.missing_go_to_left
    nodes["left"], nodes["right"] = np.where(leaf, 0, [tree.children_left, tree.children_right])
    return nodes


def joined(trees: Sequence[np.ndarray], n_columns: int) -> Callable[[np.ndarray], np.ndarray]:
    """The trees, each of shape (n_nodes,), as one: from a row, (n_columns,), to the value of each leaf, (n_trees,)."""
    check_size(sum(map(len, trees)), 0)
    starts = list(accumulate(map(len, trees), initial=len(trees) - 1))
    nodes = np.concatenate([dispatch(starts[:-1], n_columns), *trees])
    for start, end in pairwise(starts):
        nodes["left"][start:end] += start
        nodes["right"][start:end] += start
    numbers, (walk, _) = np.arange(len(trees), dtype="float64"), predictor()

    def leaves(row: np.ndarray) -> np.ndarray:
        rows, values = np.empty((len(numbers), n_columns + 1)), np.empty(len(numbers))
        rows[:, :-1], rows[:, -1] = row, numbers
        walk(nodes, rows, NO_SETS, NO_SETS, NO_PLACES, 1, values)
        return values

    return leaves


def walked(trees: Sequence[np.ndarray], rows: np.ndarray) -> np.ndarray:
    """The sum of what the trees say of rows, (n_rows, n_columns), shape (n_rows,): the bits that each gets alone."""
    found, said, (walk, _) = np.zeros(len(rows)), np.empty(len(rows)), predictor()
    for nodes in trees:
        walk(nodes, rows, NO_SETS, NO_SETS, NO_PLACES, 1, said)
        found += said
    return found


def dispatch(starts: Sequence[int], column: int) -> np.ndarray:
    """The nodes above the trees that begin at `starts`, shape (n_trees - 1,), by the number of the tree in `column`."""
    nodes, free = np.zeros(len(starts) - 1, dtype=predictor()[1]), count()

    def place(low: int, high: int) -> int:
        """Where the trees from `low` to below `high` begin."""
        if high - low == 1:
            return starts[low]
        node, middle = next(free), (low + high) // 2
        nodes["feature_idx"][node], nodes["num_threshold"][node] = column, middle - 1
        nodes["left"][node], nodes["right"][node] = place(low, middle), place(middle, high)
        return node

    place(0, len(starts))
    return nodes


def check_size(n_nodes: int, n_answers: int) -> None:
    """Refuse trees that would take too much memory."""
    size = n_nodes * (predictor()[1].itemsize + 8 * n_answers / 2)  # half of the nodes are leaves
    if size > MOST_BYTES:
        raise NotCompiled(f"trees of {n_nodes:,} nodes would take {size / 1e6:.0f} MB, above {MOST_BYTES / 1e6:.0f}")
