import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.report import annotators

ANN = pd.Series(["a", "a", "b", "b", "a", None], dtype="str")
BEN = pd.Series(["a", "b", "b", "b", None, "a"], dtype="str")
CY = pd.Series(["a", "a", "b", "a", "b", "b"], dtype="str")


def test_kappa_is_what_chance_leaves_of_the_agreement():
    (line,) = annotators.agreement({"ann": ANN, "ben": BEN}, amount=False).to_dict("records")

    chance = 0.5 * 0.25 + 0.5 * 0.75
    assert (line["one"], line["other"], line["rows"], line["agree"]) == ("ann", "ben", 4, 0.75)
    assert line["kappa"] == pytest.approx((0.75 - chance) / (1 - chance))


def test_kappa_of_grades_is_also_weighted_by_how_far_they_differ_and_numbers_agree_by_mean_and_correlation():
    def agreement(ann, ben, *, amount):
        table = annotators.agreement({"ann": pd.Series(ann), "ben": pd.Series(ben)}, amount=amount)
        return table.to_dict("records")[0]

    near, far = (agreement([1, 2, 3, 4], grades, amount=False) for grades in ([1, 2, 4, 3], [4, 2, 3, 1]))
    numbers = agreement([1.0, 2.0, 3.0, np.nan], [2.0, 3.0, 4.0, 9.0], amount=True)

    assert near["agree"] == far["agree"] and near["weighted kappa"] > far["weighted kappa"]
    assert (numbers["rows"], numbers["mean difference"]) == (3, 1.0)
    assert numbers["correlation"] == pytest.approx(1)


def test_person_and_model_are_scored_on_the_same_rows_against_the_target_and_the_majority_of_the_others():
    truth = pd.Series(list("aabbaa"), dtype="str")
    predicted = pd.Series(list("aabbbb"), dtype="str")

    found = annotators.beside_model({"ann": ANN, "ben": BEN, "cy": CY}, truth, predicted, amount=False)

    target, others = (
        found[found["against"] == one].set_index("person").loc["ann"] for one in ("the target", "the others")
    )
    assert (target["rows"], target["agree, person"], target["agree, model"]) == (5, 1.0, 0.8)
    # ann: ben and cy agree in rows 0 and 2 of the five that ann answered; in 1 and 3 they tie, in 4 ben is silent.
    assert (others["rows"], others["agree, person"], others["agree, model"]) == (2, 1.0, 1.0)


def test_one_person_or_none_on_the_test_rows_is_no_error():
    truth, nobody = pd.Series(list("ab")), pd.Series([np.nan, np.nan])

    assert annotators.agreement({"the target": truth, "ann": nobody}, amount=False).empty
    assert annotators.beside_model({"ann": nobody}, truth, truth, amount=False).empty
