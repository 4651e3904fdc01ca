"""Trees of boosting and of forests as a graph of ONNX: thresholds and leaves in double precision.

Used by `convert.py`. A tree is a dict of arrays, one value a node: `feature`, `threshold`, `to_left` (where missing
cells go), `left`, `right`, `is_leaf`, `value`. skl2onnx 1.20 has them in single precision, and fails on boosting.
"""

from typing import Any

import numpy as np

from .graph import DOUBLE, ML, SINGLE, Graph, NotConvertible

LESS_OR_EQUAL, SUM = 0, 1  # as ONNX numbers them
Tree = dict[str, np.ndarray]


def boosting_scores(graph: Graph, model: Any, value: str) -> tuple[str, int]:
    """The sum of the trees from the baseline on, shape (n_rows, n_outputs), and how many outputs there are."""
    baseline = np.reshape(model._baseline_prediction, (1, -1)).astype(DOUBLE)
    trees = [[nodes_of(step[place].nodes) for step in model._predictors] for place in range(baseline.shape[1])]
    sums = graph.beside([sum_of(graph, of, value) for of in trees])
    return graph.each("Add", sums, baseline), baseline.shape[1]


def nodes_of(nodes: np.ndarray) -> Tree:
    """A tree of boosting as arrays, one value a node."""
    if nodes["is_categorical"].any():
        raise NotConvertible("trees that take categories as such do not convert")
    names = {"feature": "feature_idx", "threshold": "num_threshold", "to_left": "missing_go_to_left"}
    found = {name: nodes[field] for name, field in names.items()}
    return {**found, **{name: nodes[name] for name in ("left", "right", "is_leaf", "value")}}


def forest(graph: Graph, model: Any, value: str) -> str:
    """The mean of trees that look at cells in single precision."""
    value = graph.cast(graph.cast(value, SINGLE))
    members = [member.tree_ for member in model.estimators_]
    outputs = range(members[0].value.shape[2])
    return graph.beside(
        [sum_of(graph, [of_forest(one, place, members) for one in members], value) for place in outputs]
    )


def of_forest(tree: Any, place: int, members: list) -> Tree:
    """A tree of a forest as arrays, with its part of the mean of one output."""
    values = tree.value[:, 0, :]
    shares = values / values.sum(axis=1, keepdims=True) if values.shape[1] > 1 else values
    return {
        "feature": tree.feature,
        "threshold": tree.threshold,
        "to_left": tree.missing_go_to_left,
        "left": tree.children_left,
        "right": tree.children_right,
        "is_leaf": tree.children_left < 0,
        "value": shares[:, place] / len(members),
    }


def sum_of(graph: Graph, trees: list[Tree], value: str) -> str:
    """The sum of the leaves that the rows come to, shape (n_rows, 1)."""
    parts: list[tuple[np.ndarray, ...]] = []
    roots: list[int] = []
    leaves: list[float] = []
    n_inner = 0
    for tree in map(asking, trees):
        is_leaf = tree["is_leaf"].astype(bool)
        place = np.where(is_leaf, len(leaves) + np.cumsum(is_leaf) - 1, n_inner + np.cumsum(~is_leaf) - 1)
        inner = {name: values[~is_leaf] for name, values in tree.items()}
        ways = [inner[side].astype(int) for side in ("left", "right")]
        numbers = (inner["feature"], inner["to_left"], *(of[way] for way in ways for of in (place, is_leaf)))
        parts.append((inner["threshold"], *numbers))
        roots.append(int(place[0]))
        leaves.extend(tree["value"][is_leaf].tolist())
        n_inner += int((~is_leaf).sum())
    thresholds, *whole = (np.concatenate(part) for part in zip(*parts, strict=True))
    feature, to_left, yes, yes_leaf, no, no_leaf = (values.astype(int).tolist() for values in whole)
    return graph.op(
        "TreeEnsemble",
        value,
        domain=ML,
        n_targets=1,
        aggregate_function=SUM,
        post_transform=0,
        tree_roots=roots,
        nodes_featureids=feature,
        nodes_splits=thresholds.astype(DOUBLE),
        nodes_modes=np.full(n_inner, LESS_OR_EQUAL, dtype="uint8"),
        nodes_missing_value_tracks_true=to_left,
        nodes_truenodeids=yes,
        nodes_trueleafs=yes_leaf,
        nodes_falsenodeids=no,
        nodes_falseleafs=no_leaf,
        leaf_weights=np.array(leaves, dtype=DOUBLE),
        leaf_targetids=[0] * len(leaves),
    )


def asking(tree: Tree) -> Tree:
    """The tree; of one that is a single leaf a question whose two answers are that leaf: ONNX begins with one."""
    if not tree["is_leaf"][0]:
        return tree
    longer = {name: np.resize(values, 2) for name, values in tree.items()}
    ones, nothing = np.array([1, 0]), np.zeros(2, dtype=int)
    return {
        **longer,
        "left": ones,
        "right": ones,
        "feature": nothing,
        "threshold": nothing,
        "is_leaf": np.array([0, 1]),
    }
