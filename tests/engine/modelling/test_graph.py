import pytest

from data_science_project.engine.modelling import graph

pytest.importorskip("onnx")


def test_column_that_is_a_text_for_one_member_and_a_number_for_another_is_refused():
    made = graph.Graph()
    made.column("size")

    with pytest.raises(graph.NotConvertible, match="'size'"):
        made.column("size", texts=True)


def test_estimator_that_is_not_known_is_refused_by_the_name_of_its_class():
    with pytest.raises(graph.NotConvertible, match="dict does not convert"):
        graph.kind_of({}, {"Ridge": max})
