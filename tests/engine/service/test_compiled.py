import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from data_science_project import features, models
from data_science_project.engine.columns import dictionary, validate
from data_science_project.engine.modelling import blend, calibration, confidence, decision, recipe, threshold
from data_science_project.engine.project import settings
from data_science_project.engine.runs import answers, loading
from data_science_project.service import compiled, drawn, trees

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = 200
DAY = np.datetime64("2026-01-01", "us")
COLUMNS = {
    "kg": dictionary.Column(type="number", transformation="number", range=(-9, 9)),
    "grade": dictionary.Column(type="integer", transformation="number", range=(0, 9)),
    "pay": dictionary.Column(type="number", transformation="log"),
    "code": dictionary.Column(type="integer", transformation="one-hot", range=(1, 4)),
    "fast": dictionary.Column(type="boolean", transformation="number"),
    "colour": dictionary.Column(type="category", transformation="one-hot", rule="warn"),
    "street": dictionary.Column(type="category", transformation="target encoding", rule="warn"),
    "sent": dictionary.Column(type="datetime", transformation="date parts"),
    "back": dictionary.Column(type="datetime", transformation="date parts"),
    "note": dictionary.Column(type="text", transformation="text"),
    "letter": dictionary.Column(type="text", transformation="text without stop words"),
    "firm": dictionary.Column(type="category", transformation="string encoding"),
    "tools": dictionary.Column(type="list", separator=";", transformation="one column an item"),
    "key": dictionary.Column(type="integer", role="id"),
    "answer": dictionary.Column(type="number", role="target"),
}
WORDS = ["late", "again", "in", "time", "the", "I", "was", "5", "minutes", "sorry"]
CLASSIFIERS = ["dummy", "linear", "curves", "boosting", "forest", "network", "text"]
REGRESSORS = ["dummy", "linear", "curves", "boosting", "boosting_log", "forest", "network"]
BLENDED = {"linear": 1 / 28, "boosting": 10 / 28, "network": 17 / 28}


@pytest.fixture(scope="module")
def rows():
    """Rows of every type, one cell in ten missing, typed as `validate` leaves them, after `add_features`."""
    random = np.random.default_rng(0)

    def texts(words, most):
        return [" ".join(random.choice(words, random.integers(1, most + 1))) for _ in range(SIZE)]

    table = pd.DataFrame(
        {
            "kg": random.normal(size=SIZE),
            "grade": random.integers(0, 3, SIZE) * 4.0,
            "pay": np.exp(random.normal(size=SIZE)),
            "code": random.integers(1, 5, SIZE),
            "fast": random.random(SIZE) < 1 / 2,
            "colour": texts(["red", "green", "blue"], 1),
            "street": texts([f"street{i}" for i in range(30)], 1),
            "sent": DAY + random.integers(0, 9_999_999, SIZE).astype("timedelta64[s]"),
            "back": DAY + random.integers(0, 999, SIZE).astype("timedelta64[D]"),
            "note": texts(WORDS, 6),
            "letter": texts(WORDS, 6),
            "firm": texts(["Smith & Co", "Smithy", "Mill", "Milling"], 2),
            "tools": [";".join(cell.split()) for cell in texts(["git", "sql", "r"], 3)],
        }
    )
    for name in table:
        gaps = random.random(SIZE) < 0.1
        table[name] = (table[name].astype("float64") if name == "fast" else table[name]).mask(gaps)
    return features.add_features(table)


@pytest.fixture(scope="module")
def amounts(rows):
    """A number for each row, above 0 and skewed."""
    noise = np.random.default_rng(1).normal(0, 0.3, SIZE)
    return np.exp(rows["kg"].fillna(0) + (rows["colour"] == "red") + noise).to_numpy()


@pytest.fixture(scope="module")
def candidate(rows, amounts):
    """A candidate of models.py, not fitted: of numbers, or of so many classes."""

    def make(name, n_classes=0, columns=COLUMNS, positive=False):
        plan = recipe.plan(columns, rows, task="classification" if n_classes else "regression", seed=0)
        known = models.classifiers if n_classes else models.regressors
        return known(replace(plan, rows_a_tree=1, amounts=positive), settings.Train())[name]

    return make


def labels(amounts, many):
    """Classes of equal size."""
    return np.array([f"class {place}" for place in pd.qcut(amounts, many, labels=False)], dtype=object)


def run_of(model, record, add_features=features.add_features, columns=COLUMNS):
    return loading.Run("the run", record, model, columns, add_features, validate.validate)


def of_classes(estimator, rows, truth, add_features=features.add_features):
    model = calibration.Calibrated(estimator, 1.3).fit(add_features(rows), truth)
    return run_of(model, {"task": "classification"}, add_features)


def of_numbers(estimator, rows, truth, **others):
    return run_of(estimator.fit(rows, truth), {"task": "regression", "target_range": [0.5, 3.0]}, **others)


def differing(run, policy, rows):
    """Where the two roads differ, in drawn rows and in these."""
    made = compiled.Compiled(run, policy)
    table = answers.predictions(run, rows, policy).drop(columns="run")
    found = [made.answer(cells) for cells in drawn.as_cells(rows[[name for name in COLUMNS if name in rows]])]
    return drawn.differing(pd.DataFrame(found), table), drawn.difference(run, policy, made, 50)


@pytest.mark.parametrize(("name", "many"), [*itertools.product(CLASSIFIERS, [2, 3]), ("boosting", 9), ("linear", 9)])
def test_classes_of_a_candidate_have_the_bits_of_the_reference(rows, amounts, candidate, name, many):
    run = of_classes(candidate(name, many), rows, labels(amounts, many))

    assert differing(run, decision.Policy(confidence.Limits(0.6)), rows) == ("", "")


@pytest.mark.parametrize(
    ("name", "log", "amount"),
    [*((name, False, False) for name in REGRESSORS), ("linear", True, False), ("boosting_log", False, True)],
)
def test_numbers_of_a_candidate_have_the_bits_of_the_reference(rows, amounts, candidate, name, log, amount):
    target = dictionary.Column(type="number", role="target", transformation="log" if log else "none")
    made = candidate(name, columns={**COLUMNS, "answer": target}, positive=amount)
    run = of_numbers(made, rows, np.exp(amounts) if amount else amounts)
    band = confidence.Band(np.array([1.0, 2.0]), np.array([0.1, 0.3, np.inf]))

    assert differing(run, decision.Policy(confidence.Limits(band=band)), rows) == ("", "")


@pytest.mark.parametrize("many", [2, 3])
def test_blend_of_candidates_with_a_threshold_has_the_bits_of_the_reference(rows, amounts, candidate, many):
    members = {name: candidate(name, many) for name in BLENDED}
    mixed = blend.assemble(BLENDED, members, "classification")
    truth = labels(amounts, many)
    model = calibration.Calibrated(mixed, 0.8)
    model = threshold.with_threshold(model, 0.4, ("class 0", "class 1")) if many == 2 else model
    run = run_of(model.fit(rows, truth), {"task": "classification"})

    assert differing(run, decision.Policy(confidence.Limits()), rows) == ("", "")
    if many == 2:
        run.record["classes"] = run.model.classes_.tolist()
        level = run.model.predict_proba(rows)[0, 1]  # a row that has it to the last bit is above it
        assert differing(run, decision.Policy(confidence.Limits(), level=level), rows) == ("", "")


def test_blend_of_numbers_has_the_bits_of_the_reference(rows, amounts, candidate):
    mixed = blend.assemble(BLENDED, {name: candidate(name) for name in BLENDED}, "regression")

    assert differing(of_numbers(mixed, rows, amounts), decision.Policy(confidence.Limits()), rows) == ("", "")


def test_answer_has_the_columns_of_the_reference_as_plain_python_values(rows, amounts, candidate):
    run = of_classes(candidate("linear", 2), rows, amounts > 1)
    number = of_numbers(candidate("linear"), rows, amounts)
    cells = drawn.as_cells(rows)[0]
    band = confidence.Band(np.array([]), np.array([0.5]))

    found = compiled.Compiled(run, decision.Policy(confidence.Limits(0.99))).answer(cells)
    of_number = compiled.Compiled(number, decision.Policy(confidence.Limits(band=band))).answer(cells)

    assert list(found) == ["prediction", "probability", "probability_False", "probability_True", "confident"]
    assert [type(value) for value in found.values()] == [bool, float, float, float, bool]
    assert [type(value) for value in of_number.values()] == [float, float, float, bool]
    assert list(of_number) == ["prediction", "low", "high", "confident"]
    number.record["target_range"] = [of_number["prediction"]] * 2
    assert compiled.Compiled(number, decision.Policy(confidence.Limits())).answer(cells)["confident"]


def test_loaded_run_with_its_own_copy_of_the_code_has_the_bits_of_the_reference(project, folder):
    run, policy = loading.load(folder), decision.Policy(confidence.Limits())
    rows = answers.test_rows(project, run)

    made = compiled.Compiled(run, policy)

    table = answers.predictions(run, rows, policy).drop(columns="run")
    assert type(run.model).__module__.startswith("data_science_project_run_")
    assert drawn.differing(pd.DataFrame([made.answer(cells) for cells in drawn.as_cells(rows)]), table) == ""
    assert drawn.difference(run, policy, made, 1000) == ""


def test_estimator_that_is_not_known_is_named(rows, amounts, candidate):
    known = candidate("linear", 2)
    own = known.set_params(steadylogisticregression=LogisticRegression(max_iter=2000))

    with pytest.raises(trees.NotCompiled, match=r"^sklearn\.LogisticRegression is not known$"):
        compiled.Compiled(of_classes(own, rows, labels(amounts, 2)), decision.Policy(confidence.Limits()))
