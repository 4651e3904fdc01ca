import numpy as np
import pytest
from sklearn.preprocessing import SplineTransformer

from data_science_project.engine.modelling import graph, graph_columns


def test_splines_are_the_same_between_the_knots_at_them_and_where_knots_fall_together():
    values = np.random.default_rng(0).integers(0, 3, (100, 1)).astype(float)
    spline = SplineTransformer(6, knots="quantile", extrapolation="constant").fit(values).bsplines_[0]
    points = np.append(np.unique(values), [0.3, 1.7])

    starts, powers = graph_columns.polynomials(spline)

    for point in points:
        place = np.searchsorted(starts, point, side="right") - 1
        shares = (point - starts[place]) ** np.arange(spline.k, -1, -1)
        assert np.allclose(shares @ powers[:, place], spline(point), atol=1e-13)


def test_empty_texts_beside_missing_cells_and_categories_of_another_kind_are_refused():
    pytest.importorskip("onnx")

    with pytest.raises(graph.NotConvertible, match="empty texts beside missing cells"):
        graph_columns.codes(graph.Graph(), "colour", np.array(["", "red", None], dtype=object))
    with pytest.raises(graph.NotConvertible, match="neither texts nor numbers"):
        graph_columns.codes(graph.Graph(), "colour", np.array([1, "red"], dtype=object))
