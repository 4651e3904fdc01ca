import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier

from data_science_project.engine.columns import dictionary, validate
from data_science_project.engine.modelling.estimators import threads
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import answers, loading


def run_of(model, columns, record):
    return loading.Run("the run", record, model, columns, pd.DataFrame.copy, validate.validate)


X = dictionary.Column(type="integer")


def answered(labels, rows, *, limit=0.0, **others):
    """What a run says that always answers with the shares of these labels."""
    run = run_of(DummyClassifier().fit([[0]] * len(labels), labels), {**others, "x": X}, {"task": "classification"})
    return answers.answer(run, pd.DataFrame(rows), abstain_below=limit)


@pytest.mark.parametrize(("limit", "confident"), [(0.0, [True, True]), (0.6, [True, True]), (0.61, [False, False])])
def test_answer_below_the_limit_is_not_confident(limit, confident):
    found = answered(["a", "a", "a", "b", "b"], {"x": [1, 2]}, limit=limit)

    assert found["confident"].tolist() == confident
    assert found["prediction"].tolist() == ["a", "a"] and found["probability"].tolist() == [0.6, 0.6]


@pytest.mark.parametrize(("seen", "confident"), [([0, 10], True), ([0, 4], False), ([6, 9], False)])
def test_number_outside_of_what_was_trained_on_is_not_confident(seen, confident):
    model = DummyRegressor(strategy="constant", constant=5.0).fit([[0], [0]], [5.0, 5.0])
    run = run_of(model, {"key": replace(X, role="id"), "x": X}, {"task": "regression", "target_range": seen})

    found = answers.answer(run, pd.DataFrame({"key": [7], "x": [1]}), abstain_below=0)

    assert list(found) == ["key", "prediction", "confident", "run"]
    assert found["confident"].tolist() == [confident]


def test_id_and_group_stand_beside_the_answer_and_many_classes_get_no_column_each():
    many = answered([f"class {i:02}" for i in range(answers.CLASSES_SHOWN + 1)], {"x": [1]})
    found = answered(["a", "b"], {"run": [7], "x": [1]}, run=replace(X, role="id"))
    grouped = answered(["a", "b"], {"shop": ["new"], "x": [1]}, shop=dictionary.Column(type="category", role="group"))

    assert found["run (id)"].tolist() == [7] and found["run"].tolist() == ["the run"]
    assert list(found)[-2:] == ["confident", "run"]
    assert list(grouped)[:3] == ["row", "shop", "prediction"] and grouped["shop"].tolist() == ["new"]
    assert list(many) == ["row", "prediction", "probability", "confident", "run"], "not one column a class"


def test_model_that_does_not_answer_with_other_versions_is_a_message(project, folder, trained_elsewhere):
    trained_elsewhere(pickle.dumps(DummyClassifier()), scipy="0.1")
    run = loading.load(folder)

    with pytest.raises(DataError, match=r"does not answer(.|\n)*scipy 0\.1 \(now (.|\n)*make reproduce RUN="):
        answers.answer(run, answers.test_rows(project, run), abstain_below=0.0)


def test_row_of_many_classes_has_the_bits_alone_that_it_has_in_a_table():
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"x": random.normal(size=300), "y": random.normal(size=300)})
    labels = pd.qcut(rows["x"] + random.normal(size=300), 10, labels=False)
    model = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5, random_state=0)
    with threads(1):
        run = run_of(model.fit(rows, labels), {"x": X, "y": X}, {"task": "classification"})
        together = answers.answer(run, rows.head(60), abstain_below=0)
        alone = [answers.answer(run, rows.iloc[[place]], abstain_below=0) for place in range(60)]

    assert pd.concat(alone, ignore_index=True).equals(together)
