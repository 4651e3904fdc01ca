from types import SimpleNamespace

import numpy as np

from data_science_project.engine.report import about_data


def about(truth, test, classes=(), levels=None):
    result = SimpleNamespace(classes=classes, truth=np.array(test))
    run = SimpleNamespace(columns={"price": SimpleNamespace(values=levels)})
    question = SimpleNamespace(truth=np.array(truth))
    return SimpleNamespace(question=question, result=result, run=run, record={"target": "price"})


def test_classes_are_shown_in_their_order_by_their_share_in_what_was_learned_from_and_in_the_test():
    found = about_data.distribution(about(["a", "b", "b", "b"], ["b", "c"], ("a", "b", "c")))
    named = about_data.distribution(about(["a", "b", "b", "b"], ["b", "c"], ("a", "b", "c"), ("c", "b", "a")))

    assert found["rows"] == [
        ["a", "1 (25.0 %)", "0 (0.0 %)"],
        ["b", "3 (75.0 %)", "1 (50.0 %)"],
        ["c", "0 (0.0 %)", "1 (50.0 %)"],
    ]
    assert named["rows"] == found["rows"][::-1]  # of the data dictionary


def test_numbers_are_shown_by_their_quartiles():
    found = about_data.distribution(about([0.0, 1.0, 2.0, 3.0, 4.0], [5.0, 5.0]))

    assert found["head"][0] == ("price", False)
    assert [row[1:] for row in found["rows"]] == [[str(i), "5"] for i in range(5)]
