import numpy as np

from data_science_project.engine.modelling import graph_trees


def test_tree_of_a_single_leaf_becomes_a_question_whose_answers_are_that_leaf():
    names = ("feature", "threshold", "to_left", "left", "right", "value", "is_leaf")
    lone = {name: np.array([7.0]) for name in names}
    whole = {name: np.zeros(3) for name in names}

    made = graph_trees.asking(lone)

    assert made["is_leaf"].tolist() == [0, 1] and made["value"].tolist() == [7, 7]
    assert made["left"][0] == made["right"][0] == 1
    assert graph_trees.asking(whole) is whole
