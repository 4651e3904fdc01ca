import itertools
import warnings

import numpy as np
import pandas as pd
import pytest

from data_science_project import models
from data_science_project.engine.modelling import blend
from data_science_project.engine.modelling.calibration import Calibrated
from data_science_project.engine.modelling.convert import asking, convert
from data_science_project.engine.modelling.graph import NotConvertible
from data_science_project.engine.modelling.recipe import Recipe
from data_science_project.engine.modelling.threshold import with_threshold
from data_science_project.engine.project.settings import Train
from data_science_project.engine.runs.interchange import cells

ort = pytest.importorskip("onnxruntime")
COLUMNS = {"number": ["a", "e"], "log": ["b"], "one-hot": ["c"], "target encoding": ["d"]}
TASKS = ("two", "three", "number", "log")


def table():
    """400 rows of numbers and categories with missing cells."""
    random, size = np.random.default_rng(0), 400
    rows = pd.DataFrame({"a": random.normal(size=size) * 100, "b": random.lognormal(size=size)})
    rows["c"], rows["d"] = random.choice(["x", "y", "z"], size), random.choice([f"k{i}" for i in range(20)], size)
    rows["e"] = random.integers(0, 3, size).astype(float)
    rows.loc[::9, "a"], rows.loc[::7, "c"] = np.nan, None
    score = rows["a"].fillna(0) / 50 + np.log(rows["b"]) + (rows["c"] == "x") + random.normal(0, 0.3, size)
    return rows, score.to_numpy()


def truth_of(task, score):
    if task == "two":
        return np.where(score > 0, "yes", "no").astype(object)
    if task == "three":
        return np.select([score < -1, score < 1], [0, 1], 2)
    return np.exp(score / 3)


def candidates(task):
    kind, amount = "classification" if task in TASKS[:2] else "regression", task == "amount"
    recipe = Recipe(COLUMNS, kind, 0, log_target=task == "log", amounts=amount)
    return (models.classifiers if task in TASKS[:2] else models.regressors)(recipe, Train())


def asked(made, rows):
    """What ONNX says of rows, by output."""
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    texts = {one.name for one in session.get_inputs() if one.type == "tensor(string)"}
    given = {one.name: cells(rows[one.name], one.name in texts) for one in session.get_inputs()}
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, given), strict=True))


def fitted(model, rows, truth):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(rows, truth)


NAMES = ("linear", "curves", "boosting", "boosting_stopped", "network")


@pytest.mark.parametrize(
    ("task", "name"), [*itertools.product(TASKS, NAMES), ("number", "boosting_log"), ("amount", "boosting_log")]
)
def test_candidate_answers_the_same_for_rows_seen_or_not_missing_or_unknown(task, name):
    rows, score = table()
    model = fitted(candidates(task)[name], rows.head(300), truth_of(task, score)[:300])
    rows.loc[350:, ["c", "d"]] = "new"

    found = asked(convert(model, np.asarray(getattr(model, "classes_", ())).tolist()), rows)

    if task in TASKS[:2]:
        assert np.abs(found["probabilities"] - model.predict_proba(rows)).max() < 1e-12
        assert found["prediction"].tolist() == model.predict(rows).tolist()
    else:
        assert np.allclose(found["prediction"][:, 0], model.predict(rows), rtol=1e-12, atol=1e-12)


def test_blend_with_temperature_and_threshold_answers_the_same():
    rows, score = table()
    known = candidates("two")
    mixed = blend.assemble({"linear": 0.5, "boosting": 0.3, "forest": 0.2}, known, "classification")
    model = with_threshold(Calibrated(mixed, 1.7), 0.3, ("no", "yes"))
    fitted(model, rows, truth_of("two", score))

    found = asked(convert(model, ["no", "yes"], 0.3), rows)

    assert np.abs(found["probabilities"] - model.predict_proba(rows)).max() < 1e-12
    assert found["prediction"].tolist() == model.predict(rows).tolist()
    at = asked(convert(model, ["no", "yes"], found["probabilities"][0, 1]), rows.head(1))
    assert at["prediction"].tolist() == ["yes"]


def test_member_without_a_conversion_is_named_with_the_reason():
    rows, score = table()
    recipe = Recipe({"number": ["a"], "date parts": ["when"]}, "classification", 0)
    rows["when"] = pd.date_range("2026-01-01", periods=len(rows))
    known = models.classifiers(recipe, Train())
    model = blend.assemble({"linear": 0.5, "boosting": 0.5}, known, "classification")
    fitted(model, rows, truth_of("two", score))

    with pytest.raises(NotConvertible, match="member linear: columns used as date parts do not convert"):
        convert(model, ["no", "yes"])


def test_tree_of_a_single_leaf_becomes_a_question_whose_answers_are_that_leaf():
    names = ("feature", "threshold", "to_left", "left", "right", "value", "is_leaf")
    lone = {name: np.array([7.0]) for name in names}
    whole = {name: np.zeros(3) for name in names}

    made = asking(lone)

    assert made["is_leaf"].tolist() == [0, 1] and made["value"].tolist() == [7, 7]
    assert made["left"][0] == made["right"][0] == 1
    assert asking(whole) is whole
