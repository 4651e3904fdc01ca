import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)

from data_science_project.service import trees

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = 300


@pytest.fixture
def rows():
    """Five columns of numbers, some missing, one rounded so that cells meet thresholds."""
    random = np.random.default_rng(0)
    table = random.normal(size=(SIZE, 5))
    table[:, 1] = table[:, 1].round(1)
    table[random.random((SIZE, 5)) < 0.05] = np.nan
    return table


def classes_of(rows, many):
    return np.nan_to_num(rows[:, 0] + rows[:, 1] + 3).clip(0, 5.9) * many // 6


@pytest.mark.parametrize("many", [0, 2, 10])
def test_boosting_of_numbers_or_classes_has_the_scores_of_all_rows_at_once(rows, many):
    model = HistGradientBoostingClassifier(max_iter=20, early_stopping=many == 2)
    truth = classes_of(rows, many) if many else np.nan_to_num(rows[:, 0])
    model = (model if many else HistGradientBoostingRegressor(max_iter=1)).fit(rows, truth)  # one tree has no dispatch

    scores = trees.boosting(model)

    assert np.array_equal(np.concatenate([scores(row) for row in rows]), model._raw_predict(rows))


@pytest.mark.parametrize("kind", [ExtraTreesClassifier, RandomForestClassifier])
@pytest.mark.parametrize("many", [2, 10])
def test_forest_of_classes_gives_the_probabilities_of_all_rows_at_once(rows, kind, many):
    model = kind(20, random_state=0).fit(rows, classes_of(rows, many))

    mean = trees.forest(model)

    assert np.array_equal(np.concatenate([mean(row) for row in rows]), model.predict_proba(rows))


def test_forest_of_numbers_compares_in_single_precision(rows):
    model = ExtraTreesRegressor(20, random_state=0).fit(rows, np.nan_to_num(rows[:, 0]))
    thresholds = np.concatenate([one.tree_.threshold[one.tree_.feature == 0] for one in model.estimators_])
    close = np.tile(rows[:1], (len(thresholds), 1))
    close[:, 0] = thresholds + 1e-12  # above in double precision, not in single

    mean = trees.forest(model)

    assert np.array_equal(np.concatenate([mean(row)[0] for row in close]), model.predict(close))


def test_trees_that_would_take_too_much_memory_are_not_joined(rows, monkeypatch):
    monkeypatch.setattr(trees, "MOST_BYTES", 1e4)
    boosted = HistGradientBoostingRegressor(max_iter=30).fit(rows, np.nan_to_num(rows[:, 0]))
    forest = ExtraTreesRegressor(10).fit(rows, np.nan_to_num(rows[:, 0]))

    for join, model in ((trees.boosting, boosted), (trees.forest, forest)):
        with pytest.raises(trees.NotCompiled, match=r"trees of [\d,]+ nodes would take \d+ MB, above 0"):
            join(model)


def test_trees_that_split_by_category_are_not_joined(rows):
    by_category = HistGradientBoostingRegressor(categorical_features=[1], max_iter=2)
    by_category.fit(np.nan_to_num(rows).round().clip(0), rows[:, 0] > 0)

    with pytest.raises(trees.NotCompiled, match="boosting with categorical_features"):
        trees.boosting(by_category)
