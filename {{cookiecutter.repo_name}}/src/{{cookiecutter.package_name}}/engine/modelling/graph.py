"""A graph of ONNX that computes in double precision, node by node.

Used by `export`. scikit-learn's estimators are told by their names, as those of a run come from its own copy of the
code. Whatever is not known is refused by name; what is known is still compared with the original, row by row.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..project.errors import ProjectError

DOUBLE, INTEGER, SINGLE, STRING = map(np.dtype, ("float64", "int64", "float32", "object"))
ML = "ai.onnx.ml"
OPSETS = {"": 21, ML: 5}  # ml 5 has trees in double precision
IR = 10


class NotConvertible(ProjectError):
    """A part of a model that ONNX has no word for here."""


class Graph:
    """Nodes and constants in the order of computing; `inputs` are columns, and whether they hold texts."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper

        self._helper, self._numpy = helper, numpy_helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: dict[str, bool] = {}

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node; the name of what it gives."""
        name = f"value {len(self.nodes)}"
        arrays = {key: self.tensor(value) for key, value in attributes.items() if isinstance(value, np.ndarray)}
        self.nodes.append(self._helper.make_node(kind, inputs, [name], domain=domain, **{**attributes, **arrays}))
        return name

    def tensor(self, values: np.ndarray, name: str = "") -> Any:
        """An array as ONNX holds it."""
        return self._numpy.from_array(np.asarray(values, order="C"), name)

    def constant(self, values: Any, kind: Any = DOUBLE) -> str:
        """Add a constant; its name."""
        name = f"constant {len(self.constants)}"
        self.constants.append(self.tensor(np.asarray(values, dtype=kind), name))
        return name

    def column(self, name: str, texts: bool = False) -> str:
        """A column of the table as an input, shape (n_rows, 1); missing are NaN, and empty texts."""
        if self.inputs.setdefault(name, texts) != texts:
            raise NotConvertible(f"the column {name!r} is a text for one member and a number for another")
        return name

    def beside(self, parts: list[str]) -> str:
        """Columns beside each other."""
        return self.op("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]

    def cast(self, value: str, kind: np.dtype = DOUBLE) -> str:
        """The same as another kind of number."""
        return self.op("Cast", value, to=self.kind(kind))

    def kind(self, kind: np.dtype) -> int:
        """The number that ONNX has for a kind; text for objects."""
        return self._helper.np_dtype_to_tensor_dtype(kind)

    def each(self, kind: str, value: str, other: Any) -> str:
        """An operation with a constant, cell by cell."""
        return self.op(kind, value, self.constant(other))

    def filled(self, value: str, filling: np.ndarray) -> str:
        """The same with a number for the missing cells of each column."""
        return self.op("Where", self.op("IsNaN", value), self.constant(np.atleast_2d(filling)), value)

    def look_up(self, table: np.ndarray, places: str) -> str:
        """The rows of a constant table at the places, whole numbers of shape (n_rows,)."""
        return self.op("Gather", self.constant(table), places, axis=0)


def kind_of(part: Any, known: dict[str, Callable]) -> Callable:
    """The function for an estimator, by the name of its class or of one that it was made from."""
    for kind in type(part).__mro__:
        if kind.__name__ in known:
            return known[kind.__name__]
    raise NotConvertible(f"{type(part).__name__} does not convert")
