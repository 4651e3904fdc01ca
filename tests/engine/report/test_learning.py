from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeRegressor

from data_science_project.engine.modelling import metrics
from data_science_project.engine.modelling.question import Question, predict
from data_science_project.engine.report import diagnostics, learning

R2 = metrics.NUMBERS["r2"]


def question(size, noise=0.0, classes=(), seed=0):
    random = np.random.default_rng(seed)
    rows = pd.DataFrame({"x": random.uniform(0, 6, size)})
    truth = np.sin(rows["x"]).to_numpy() + random.normal(0, noise, size)
    if classes:
        truth = np.where(truth > 0.9, *classes)
    return Question(rows, truth, "classification" if classes else "regression", classes, [])


def curve(model, seen, test, truth, metric=R2, groups=None):
    """The points of the curve of a fitted model, which is then asked about test rows, shape (n_rows, n_columns)."""
    answers, constant = predict(model, test, seen.classes), metrics.constant(seen.truth, seen.classes, len(test))
    result = diagnostics.Result(truth, answers, constant, metric, (0, 1), groups)
    return pd.DataFrame(list(learning.curve(model, seen, test, result)))


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_curve_ends_with_the_model_itself_and_a_tree_on_noise_knows_its_rows_by_heart(noise):
    seen, new = question(400, noise), question(300, noise, seed=1)

    table = curve(DecisionTreeRegressor(random_state=0).fit(seen.rows, seen.truth), seen, new.rows, new.truth)

    assert table["rows"].tolist() == [100, 200, 400]
    assert table["fitted"].iloc[0] == table["fitted"].iloc[-1] == 1.0
    assert table["held"].iloc[0] < 0.5 if noise else table["held"].is_monotonic_increasing


def test_fewer_rows_are_fewer_groups_where_rows_belong_together():
    groups = pd.Series([f"shop {place % 20}" for place in range(400)], name="shop")
    seen, new = replace(question(400), groups=groups), question(100, seed=1)
    model = DecisionTreeRegressor(random_state=0).fit(seen.rows, seen.truth)
    shops = pd.Series(["one", "two"] * 50)

    table, by_group = (curve(model, seen, new.rows, new.truth, groups=of) for of in (None, shops))

    assert table["groups"].tolist() == [5, 10, 20]
    assert len(set(groups.iloc[learning.by_shares(seen)[:100]])) == 5
    alone, together = ((one["high"] - one["low"]).iloc[1] for one in (table, by_group))
    assert alone > 0 and together > 0 and alone != together


def test_size_that_holds_too_few_rows_of_a_class_is_left_out_of_the_curve():
    rows = pd.DataFrame({"x": np.random.default_rng(0).normal(size=400)})
    truth = np.array(["rare"] * 4 + ["a", "b"] * 198, dtype=object)
    asked = Question(rows, truth, "classification", ("a", "b", "rare"), [])
    model = HistGradientBoostingClassifier(early_stopping=True, max_iter=3).fit(rows, truth)

    assert curve(model, asked, rows, truth, metrics.ANY_CLASSES["accuracy"])["rows"].tolist() == [200, 400]


def test_every_beginning_of_the_order_holds_the_classes_in_their_shares():
    asked = question(400, classes=("rare", "often"))

    order = learning.by_shares(asked)

    share = (asked.truth == "rare").mean()
    assert sorted(order) == list(range(400))
    assert abs((asked.truth[order[:100]] == "rare").mean() - share) < 0.02
