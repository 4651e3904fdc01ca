"""What the recipe puts before an estimator, as a graph of ONNX: numbers, their curves, and categories.

Dates, texts and lists are not among them. Used by `convert.py`.
"""

from math import factorial
from typing import Any

import numpy as np

from ..columns.dictionary import LARGEST
from .graph import DOUBLE, INTEGER, ML, Graph, NotConvertible, kind_of


def prepared(graph: Graph, transformer: Any) -> str:
    """What a fitted `ColumnTransformer` of the recipe gives, shape (n_rows, n_columns)."""
    parts = []
    for name, step, columns in transformer.transformers_:
        if step == "drop" or not len(columns):
            continue
        if isinstance(columns, str) or name not in COLUMNS:
            raise NotConvertible(f"columns used as {name} do not convert")
        parts.append(COLUMNS[name](graph, step, list(columns)))
    return graph.beside(parts)


def numbers(graph: Graph, step: Any, columns: list[str]) -> str:
    """Columns of numbers through their pipeline."""
    return through(graph, [step], graph.beside([graph.column(name) for name in columns]))


def categories(graph: Graph, step: Any, columns: list[str]) -> str:
    """Columns of categories through their encoder, and what stands behind it."""
    first, *rest = [part for _, part in step.steps] if hasattr(step, "steps") else [step]
    return through(graph, rest, kind_of(first, ENCODERS)(graph, first, columns))


def through(graph: Graph, steps: list[Any], value: str) -> str:
    """Numbers through one transformer after the other."""
    for step in steps:
        value = kind_of(step, TRANSFORMERS)(graph, step, value)
    return value


def function(graph: Graph, step: Any, value: str) -> str:
    """The functions of the recipe: cells as numbers, and their signed logarithm."""
    name = getattr(step.func, "__name__", "")
    if name not in ("number_cells", "log_cells"):
        raise NotConvertible(f"the function {name} does not convert")
    small = graph.each("LessOrEqual", graph.op("Abs", value), LARGEST)
    value = graph.op("Where", small, value, graph.constant(np.nan))
    if name == "number_cells":
        return value
    logarithm = graph.op("Log", graph.each("Add", graph.op("Abs", value), 1.0))
    return graph.op("Mul", graph.op("Sign", value), logarithm)


def impute(graph: Graph, step: Any, value: str) -> str:
    """Missing cells filled, and beside them which were."""
    found = [graph.filled(value, step.statistics_)]
    if step.indicator_ is not None and len(step.indicator_.features_):
        watched = graph.op("Gather", value, graph.constant(step.indicator_.features_, INTEGER), axis=1)
        found.append(graph.cast(graph.op("IsNaN", watched)))
    return graph.beside(found)


def scale(graph: Graph, step: Any, value: str) -> str:
    """Mean 0 and standard deviation 1."""
    return graph.each("Div", graph.each("Sub", value, step.mean_), step.scale_)


def splines(graph: Graph, step: Any, value: str) -> str:
    """Each column as the values of its splines: between two knots a polynomial, constant beyond the last."""
    found = []
    for index, spline in enumerate(step.bsplines_):
        starts, powers = polynomials(spline)
        cell = graph.op("Gather", value, graph.constant([index], INTEGER), axis=1)
        cell = graph.each("Max", graph.each("Min", cell, starts[-1]), starts[0])
        passed = graph.cast(graph.each("GreaterOrEqual", cell, starts[None, 1:]), INTEGER)
        place = graph.op("ReduceSum", passed, graph.constant([1], INTEGER), keepdims=0)
        offset = graph.op("Sub", cell, graph.look_up(starts[:, None], place))
        n_kept = powers.shape[2] - (not step.include_bias)
        first, *others = powers[:, :, :n_kept]
        total = graph.look_up(first, place)
        for table in others:
            total = graph.op("Add", graph.op("Mul", total, offset), graph.look_up(table, place))
        found.append(total)
    return graph.beside(found)


def polynomials(spline: Any) -> tuple[np.ndarray, np.ndarray]:
    """The knots, and what the splines are from each on, as derivatives say: polynomials of the way from there.

    These are of shape (degree + 1, n_knots, n_splines), the highest power first. From the last knot there is no way.
    """
    knots = np.unique(spline.t[spline.k : -spline.k])
    return knots, np.stack([spline(knots, nu=power) / factorial(power) for power in range(spline.k, -1, -1)])


def codes(graph: Graph, name: str, known: np.ndarray) -> str:
    """The place of each cell among the known categories, shape (n_rows,); their number for one that is not known."""
    missing = np.array([value is None or value != value for value in known])
    texts = all(isinstance(value, str) for value in known[~missing])
    if not texts and known.dtype.kind not in "biuf":
        raise NotConvertible(f"the categories of {name!r} are neither texts nor numbers")
    if texts and missing.any() and "" in known[~missing]:
        raise NotConvertible(f"the column {name!r} has empty texts beside missing cells")
    keys = np.where(missing, "", known).astype(object) if texts else known.astype(DOUBLE)
    cell = graph.op("Squeeze", graph.column(name, texts), graph.constant([1], INTEGER))
    places, unknown = np.arange(len(known), dtype=INTEGER), np.array([len(known)], dtype=INTEGER)
    table: dict[str, Any] = {"keys_tensor": keys, "values_tensor": places, "default_tensor": unknown}
    if texts:
        table = {"keys_strings": list(keys), "values_int64s": places.tolist(), "default_int64": len(known)}
    return graph.op("LabelEncoder", cell, domain=ML, **table)


def one_hot(graph: Graph, step: Any, columns: list[str]) -> str:
    """One column a category; a category that is not known is in none."""
    tables = [np.eye(len(known) + 1, len(known)) for known in step.categories_]
    pairs = zip(columns, step.categories_, tables, strict=True)
    return graph.beside([graph.look_up(table, codes(graph, name, known)) for name, known, table in pairs])


def ordinal(graph: Graph, step: Any, columns: list[str]) -> str:
    """The number of a category; NaN for one that is missing or not known."""
    found = []
    for name, known in zip(columns, step.categories_, strict=True):
        numbers = [np.nan if value is None or value != value else place for place, value in enumerate(known)]
        found.append(graph.look_up(np.array([*numbers, np.nan])[:, None], codes(graph, name, known)))
    return graph.beside(found)


def target_means(graph: Graph, step: Any, columns: list[str]) -> str:
    """The mean target of a category, one a class where there are more than two."""
    means, found = np.atleast_1d(step.target_mean_), []
    for index, (name, known) in enumerate(zip(columns, step.categories_, strict=True)):
        encodings = step.encodings_[index * len(means) : (index + 1) * len(means)]
        found.append(graph.look_up(np.vstack([np.column_stack(encodings), means]), codes(graph, name, known)))
    return graph.beside(found)


COLUMNS = {"number": numbers, "log": numbers, "one-hot": categories, "target encoding": categories}
ENCODERS = {"OneHotEncoder": one_hot, "OrdinalEncoder": ordinal, "TargetEncoder": target_means}
TRANSFORMERS = {
    "Pipeline": lambda graph, steps, value: through(graph, [step for _, step in steps.steps], value),
    "FunctionTransformer": function,
    "SimpleImputer": impute,
    "StandardScaler": scale,
    "SplineTransformer": splines,
    "SeldomFilled": lambda graph, step, value: graph.filled(value, step.filled_),
}
