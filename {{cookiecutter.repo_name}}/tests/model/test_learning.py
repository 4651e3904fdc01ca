"""A model that cannot learn 20 rows by heart does not see them: a column is lost or shuffled on the way."""

import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from {{ cookiecutter.package_name }} import train

FEW = 20
NEARLY = 0.9  # encoders fitted on 20 rows blur a few of them


def test_boosting_learns_20_rows_by_heart(own, run):
    question, recipe = train.prepare(own)
    kind = HistGradientBoostingRegressor if question.task == "regression" else HistGradientBoostingClassifier
    few = question.rows.drop_duplicates().sample(frac=1, random_state=0).head(FEW)
    truth = question.truth[few.index]
    if len(set(truth)) < 2:
        pytest.skip(f"{FEW} rows drawn at random have one class only")

    model = recipe.trees(kind(min_samples_leaf=1, max_iter=200, random_state=0)).fit(few, truth)

    assert model.score(few, truth) > NEARLY
