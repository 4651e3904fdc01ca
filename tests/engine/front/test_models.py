from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_science_project import models
from data_science_project.engine.modelling import recipe
from data_science_project.engine.project import settings

RECIPE = recipe.Recipe({"number": ["x"]}, "classification", 0)


def test_candidates_that_params_names_by_default_exist_and_get_balance_and_seed():
    options = settings.Train(balance=True, seed=7)
    found, numbers = models.classifiers(RECIPE, options), models.regressors(RECIPE, options)
    drawn = [known[name][-1].get_params() for known in (found, numbers) for name in ("boosting", "forest", "network")]

    assert set(settings.Train().candidates) <= {*found, *numbers}
    assert {"dummy", "linear", "boosting", "network"} <= set(found) & set(numbers)
    assert {value for one in drawn for key, value in one.items() if key.endswith("random_state")} == {7}
    assert {found[name][-1].class_weight for name in found if name != "dummy"} == {"balanced"}
    assert models.classifiers(RECIPE, settings.Train())["linear"][-1].class_weight is None


def test_model_of_texts_knows_a_word_that_is_spelt_otherwise():
    rows = pd.DataFrame({"note": ["free prize", "see you"] * 20})
    truth = np.array(["spam", "ham"] * 20, dtype=object)
    known = models.classifiers(recipe.Recipe({"text": ["note"]}, "classification", 0), settings.Train())

    new = pd.DataFrame({"note": ["freee prizes"]})

    linear, text = (known[name].fit(rows, truth).predict_proba(new) for name in ("linear", "text"))

    assert linear[0, 1] == pytest.approx(0.5)
    assert text[0, 1] > 0.8


def boosting_of(recipe_):
    """Parameters of the two kinds of boosting, for classes and for numbers."""
    of_numbers = replace(recipe_, task="regression")
    known = models.classifiers(recipe_, settings.Train()), models.regressors(of_numbers, settings.Train())
    return [one[name][-1].get_params() for one in known for name in ("boosting", "boosting_stopped")]


def test_boosting_grows_more_and_larger_trees_from_10_000_rows_a_tree_on():
    few, many = (boosting_of(replace(RECIPE, rows_a_tree=rows)) for rows in (9_999, 10_000))

    assert few == boosting_of(RECIPE)
    assert [one["max_iter"] for one in few] == [100, 600] * 2
    assert [one["max_leaf_nodes"] for one in few] == [31, 15] * 2
    assert [one["max_iter"] for one in many] == [600, 600] * 2
    assert [one["max_leaf_nodes"] for one in many] == [31, 63] * 2
    assert all(one["early_stopping"] is True for one in many)  # "auto" would let 600 trees learn 9,000 rows by heart


@pytest.mark.parametrize(("metric", "known", "share"), [("r2", True, 1.0), ("mae", True, 0.6), ("r2", False, 0.6)])
def test_logarithm_tells_the_mean_of_amounts_where_the_metric_asks_for_one_and_else_about_the_median(
    metric, known, share
):
    amounts = np.random.default_rng(0).lognormal(3, 1, 4000)  # whose median is 0.61 of the mean
    plan = replace(RECIPE, task="regression", amounts=known)
    model = models.regressors(plan, settings.Train(metric=metric))["boosting_log"]

    said = model.fit(pd.DataFrame({"x": np.tile([0.0, 1.0], 2000)}), amounts).predict(pd.DataFrame({"x": [0.0, 1.0]}))

    assert said.mean() / amounts.mean() == pytest.approx(share, abs=0.05)
