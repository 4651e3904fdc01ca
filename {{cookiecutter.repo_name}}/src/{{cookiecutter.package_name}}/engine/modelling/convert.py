"""A fitted model as a graph of ONNX in double precision: linear models, trees, networks, and blends of them.

Used by `export`, which compares it with the original. Its inputs are the columns after `add_features`, one each, of
shape (n_rows, 1): doubles with NaN where they are missing, or texts, empty where they are missing. A tree is a dict of
arrays, one value a node: `feature`, `threshold`, `to_left` (where missing cells go), `left`, `right`, `is_leaf`,
`value`. skl2onnx 1.20 has trees in single precision, and fails on boosting.
"""

from typing import Any

import numpy as np

from .graph import DOUBLE, INTEGER, IR, ML, OPSETS, SINGLE, STRING, Graph, NotConvertible, kind_of
from .graph_columns import prepared
from .metrics import TINY

LESS_OR_EQUAL, SUM = 0, 1  # as ONNX numbers them
Tree = dict[str, np.ndarray]


def convert(model: Any, labels: list, threshold: float | None = None) -> Any:
    """A fitted model of a run as ONNX's `ModelProto`; a `NotConvertible` that names the member without a conversion.

    `labels` are the classes in the order of its probabilities, none for numbers; from the `threshold` on the second of
    two is the answer, without one the more probable class. The outputs are `prediction`, for classes (n_rows,), for
    numbers (n_rows, 1), and for classes `probabilities`, (n_rows, n_classes).
    """
    from onnx import helper

    graph = Graph()
    said = said_by(graph, model)
    outputs = {"prediction": (said, DOUBLE, [None, 1])}
    if labels:
        texts = not all(type(label) is int for label in labels)
        kind = STRING if texts else INTEGER
        known = graph.constant([str(label) if texts else label for label in labels], kind)
        outputs = {"probabilities": (said, DOUBLE, [None, len(labels)])}
        outputs["prediction"] = (graph.op("Gather", known, place_of(graph, said, threshold)), kind, [None])
    nodes = [helper.make_node("Identity", [value], [name]) for name, (value, *_) in outputs.items()]
    asked = {name: ("", STRING if texts else DOUBLE, [None, 1]) for name, texts in graph.inputs.items()}
    inside, outside = (
        [helper.make_tensor_value_info(name, graph.kind(of), shape) for name, (_, of, shape) in described.items()]
        for described in (asked, outputs)
    )
    made = helper.make_graph([*graph.nodes, *nodes], "model", inside, outside, graph.constants)
    versions = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
    return helper.make_model(made, opset_imports=versions, ir_version=IR)


def place_of(graph: Graph, probabilities: str, threshold: float | None) -> str:
    """Which of the classes is the answer, shape (n_rows,)."""
    if threshold is None:
        return graph.op("ArgMax", probabilities, axis=1, keepdims=0)
    second = graph.op("Gather", probabilities, graph.constant(1, INTEGER), axis=1)
    above = graph.each("GreaterOrEqual", second, threshold)
    return graph.op("Where", above, graph.constant(1, INTEGER), graph.constant(0, INTEGER))


def said_by(graph: Graph, model: Any, value: str = "") -> str:
    """What a model says of the rows, or an estimator behind a recipe of its prepared cells, `value`."""
    return kind_of(model, ESTIMATORS if value else WHOLES)(graph, model, value)


def pipeline(graph: Graph, model: Any, value: str) -> str:
    """An estimator behind its recipe."""
    (_, first), (_, last) = model.steps
    return said_by(graph, last, prepared(graph, first))


def blend(graph: Graph, model: Any, value: str) -> str:
    """The weighted mean of the members; one that does not convert is named."""
    shares = np.asarray(model.weights if model.weights is not None else np.ones(len(model.estimators_)), dtype=DOUBLE)
    if hasattr(model, "classes_"):
        shares = shares / shares.sum()
    parts = []
    for (name, _), member, share in zip(model.estimators, model.estimators_, shares, strict=True):
        try:
            parts.append(graph.each("Mul", said_by(graph, member), share))
        except NotConvertible as error:
            raise NotConvertible(f"member {name}: {error}") from None
    return graph.op("Sum", *parts)


def calibrated(graph: Graph, model: Any, value: str) -> str:
    """Probabilities with a temperature."""
    clipped = graph.each("Min", graph.each("Max", said_by(graph, model.model_), TINY), 1.0)
    return graph.op("Softmax", graph.each("Div", graph.op("Log", clipped), model.temperature), axis=1)


def product(graph: Graph, value: str, weights: np.ndarray, shift: np.ndarray) -> str:
    """Columns by weights, shape (n_columns, n_outputs), and a shift."""
    return graph.each("Add", graph.op("MatMul", value, graph.constant(weights)), np.atleast_2d(shift))


def shares_of(graph: Graph, scores: str, n_outputs: int) -> str:
    """Scores as probabilities: of one column those of two classes."""
    if n_outputs > 1:
        return graph.op("Softmax", scores, axis=1)
    yes = graph.op("Sigmoid", scores)
    return graph.beside([graph.op("Sub", graph.constant(1.0), yes), yes])


def logistic(graph: Graph, model: Any, value: str) -> str:
    """Probabilities of a linear model."""
    return shares_of(graph, product(graph, value, model.coef_.T, model.intercept_), len(model.coef_))


def ridge(graph: Graph, model: Any, value: str) -> str:
    """Numbers of a linear model."""
    return product(graph, value, np.reshape(model.coef_, (-1, 1)), np.reshape(model.intercept_, (1, 1)))


def clipped(graph: Graph, model: Any, value: str) -> str:
    """Numbers within the range of the target."""
    return graph.each("Max", graph.each("Min", said_by(graph, model.model_, value), model.high_), model.low_)


def back_from(graph: Graph, model: Any, value: str) -> str:
    """Numbers of a model of the logarithm, or of the inverse hyperbolic sine, of the target."""
    found, name = said_by(graph, model.regressor_, value), model.inverse_func.__name__
    grown = graph.op("Exp", found)
    if name == "sinh":
        return graph.each("Div", graph.op("Sub", grown, graph.op("Exp", graph.op("Neg", found))), 2.0)
    if name != "signed_exp":
        raise NotConvertible(f"the function {name} does not convert")
    size = graph.each("Sub", graph.op("Exp", graph.op("Abs", found)), 1.0)
    return graph.op("Mul", graph.op("Sign", found), size)


def boosting(graph: Graph, model: Any, value: str) -> str:
    """Trees of boosting: their sum from the baseline on, one an output, for classes as probabilities."""
    baseline = np.reshape(model._baseline_prediction, (1, -1)).astype(DOUBLE)
    places = range(baseline.shape[1])
    trees = [[nodes_of(step[place].nodes) for step in model._predictors] for place in places]
    scores = graph.each("Add", graph.beside([sum_of(graph, of, value) for of in trees]), baseline)
    if hasattr(model, "classes_"):
        return shares_of(graph, scores, len(places))
    return graph.op("Exp", scores) if model.loss in ("poisson", "gamma") else scores  # those with a logarithm as link


def nodes_of(nodes: np.ndarray) -> Tree:
    """A tree of boosting."""
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
    trees = [[of_forest(one, place, members) for one in members] for place in outputs]
    return graph.beside([sum_of(graph, of, value) for of in trees])


def of_forest(tree: Any, place: int, members: list) -> Tree:
    """A tree of a forest, with its part of the mean of one output."""
    values = tree.value[:, 0, :]
    shares = values / values.sum(axis=1, keepdims=True) if values.shape[1] > 1 else values
    names = {"left": "children_left", "right": "children_right", "to_left": "missing_go_to_left"}
    found = {name: getattr(tree, field) for name, field in names.items()}
    found |= {"feature": tree.feature, "threshold": tree.threshold, "is_leaf": tree.children_left < 0}
    return {**found, "value": shares[:, place] / len(members)}


def sum_of(graph: Graph, trees: list[Tree], value: str) -> str:
    """The sum of the leaves that the rows come to, shape (n_rows, 1); ONNX counts leaves apart from other nodes."""
    trees = list(map(asking, trees))
    starts = np.cumsum([0, *(len(tree["value"]) for tree in trees)])[:-1]
    nodes = {name: np.concatenate([tree[name] for tree in trees]) for name in trees[0]}
    is_leaf = nodes["is_leaf"].astype(bool)
    place = np.where(is_leaf, np.cumsum(is_leaf), np.cumsum(~is_leaf)) - 1
    yes, no = (
        np.concatenate([tree[side].astype(int) + start for tree, start in zip(trees, starts, strict=True)])[~is_leaf]
        for side in ("left", "right")
    )
    leaves = nodes["value"][is_leaf]
    return graph.op(
        "TreeEnsemble",
        value,
        domain=ML,
        n_targets=1,
        aggregate_function=SUM,
        post_transform=0,
        tree_roots=place[starts].tolist(),
        nodes_featureids=nodes["feature"][~is_leaf].astype(int).tolist(),
        nodes_splits=nodes["threshold"][~is_leaf].astype(DOUBLE),
        nodes_modes=np.full(len(yes), LESS_OR_EQUAL, dtype="uint8"),
        nodes_missing_value_tracks_true=nodes["to_left"][~is_leaf].astype(int).tolist(),
        nodes_truenodeids=place[yes].tolist(),
        nodes_trueleafs=is_leaf[yes].astype(int).tolist(),
        nodes_falsenodeids=place[no].tolist(),
        nodes_falseleafs=is_leaf[no].astype(int).tolist(),
        leaf_weights=leaves.astype(DOUBLE),
        leaf_targetids=[0] * len(leaves),
    )


def asking(tree: Tree) -> Tree:
    """The tree; of one that is a single leaf a question whose two answers are that leaf: ONNX begins with one."""
    if not tree["is_leaf"][0]:
        return tree
    longer = {name: np.resize(values, 2) for name, values in tree.items()}
    ones, nothing = np.array([1, 0]), np.zeros(2, dtype=int)
    return {**longer, "left": ones, "right": ones, "feature": nothing, "is_leaf": np.array([0, 1])}


def network(graph: Graph, model: Any, value: str) -> str:
    """A network of the house: rectified layers, then probabilities or a number in the unit of the target."""
    layers = list(zip(model.model_.coefs_, model.model_.intercepts_, strict=True))
    for weights, shift in layers[:-1]:
        value = graph.op("Relu", product(graph, value, weights, shift))
    scores = product(graph, value, *layers[-1])
    if hasattr(model, "classes_"):
        return shares_of(graph, scores, layers[-1][0].shape[1])
    return graph.each("Add", graph.each("Mul", scores, model.scale_), model.mean_)


WHOLES = {
    "Pipeline": pipeline,
    "VotingClassifier": blend,
    "VotingRegressor": blend,
    "Calibrated": calibrated,
    "FixedThresholdClassifier": lambda graph, model, value: said_by(graph, model.estimator_),
    "TransformedTargetRegressor": back_from,
}
ESTIMATORS = {
    "LogisticRegression": logistic,
    "Ridge": ridge,
    "RidgeCV": ridge,
    "Clipped": clipped,
    "TransformedTargetRegressor": back_from,
    "Network": network,
    "HistGradientBoostingClassifier": boosting,
    "HistGradientBoostingRegressor": boosting,
    "ExtraTreesClassifier": forest,
    "ExtraTreesRegressor": forest,
}
