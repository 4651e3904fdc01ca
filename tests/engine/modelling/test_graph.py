import pytest

from data_science_project.engine.modelling import graph

pytest.importorskip("onnx")


def test_column_that_is_a_text_and_a_number_and_an_estimator_that_is_not_known_are_refused_by_name():
    made = graph.Graph()
    made.column("size")

    with pytest.raises(graph.NotConvertible, match="'size'"):
        made.column("size", texts=True)
    with pytest.raises(graph.NotConvertible, match="dict does not convert"):
        graph.kind_of({}, {"Ridge": max})
