import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.preprocessing import OneHotEncoder, SplineTransformer

from data_science_project.engine.modelling import recipe
from data_science_project.service import drawn, steps, trees

SIZE = 200
TRUTH = np.arange(SIZE) % 3
TEXTS = ("text", "text without stop words", "string encoding")
KINDS = {"number": "kg", "log": "pay", "one-hot": "colour", "target encoding": "street", "date parts": "sent"}


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "kg": random.normal(size=SIZE),
            "pay": random.normal(size=SIZE) ** 3,
            "colour": random.choice(["red", "green", "blue"], SIZE),
            "street": random.choice([f"street {i}" for i in range(20)], SIZE),
            "sent": pd.to_datetime(random.integers(-(10**9), 10**9, SIZE), unit="s"),
            "note": random.choice(["late again", "in time", "?!", "I was 5 minutes late"], SIZE),
            "tools": random.choice(["git;sql", "sql; r;git", "r"], SIZE),
        }
    )
    return table.mask(random.random(table.shape) < 0.1)


def fitted(columns, table, *, linear, task="classification", **how):
    """The ColumnTransformer of the recipe for columns by transformation, fitted to a table."""
    plan = recipe.Recipe(columns, task, 0, separators={"tools": ";"})
    model = DummyClassifier()
    before = plan.linear(model, **how)[0] if linear else plan.trees(model)[0]
    return before.fit(table, TRUTH)


def found(transformer, table):
    """The numbers of the steps, row by row."""
    road = steps.Road()
    steps.add_columns(road, transformer)
    return np.stack([road(cells) for cells in drawn.as_cells(table)])


def expected(transformer, table):
    numbers = transformer.transform(table)
    return numbers.toarray() if hasattr(numbers, "toarray") else numbers


ODD = {
    "kg": [0.0, -0.0, 1e300, -50.0, 50.0],
    "pay": [0.0, -0.0, 1e300, -1e30, 1e-300],
    "colour": ["pink", "", "red", "Red", "blue"],
    "street": ["street", "0", "street 1", "nan", "None"],
    "sent": ["1677-01-01", "2262-12-31 23:59:59.999999", "1969-12-31", "1900-01-01 12:30", "2024-02-29"],
}


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("how", [{"linear": True}, {"linear": True, "curves": True}, {"linear": False}], ids=str)
@pytest.mark.parametrize(("transformation", "name"), KINDS.items())
def test_cell_known_odd_or_missing_becomes_the_numbers_of_the_recipe(rows, transformation, name, how, task):
    transformer = fitted({transformation: [name]}, rows, task=task, **how)
    odd = pd.DataFrame({name: pd.Series(ODD[name]).astype(rows[name].dtype)})
    table = pd.concat([rows[[name]], odd], ignore_index=True)

    assert found(transformer, table).tobytes() == expected(transformer, table).tobytes()


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        *((kind, {"linear": True, "letters": True}) for kind in TEXTS),
        *((kind, {"linear": False}) for kind in TEXTS),
        (recipe.ITEMS, {"linear": True}),
    ],
    ids=str,
)
def test_text_or_list_known_unknown_or_missing_becomes_the_numbers_of_the_recipe(rows, kind, how):
    name, odd = ("note", ["new words", "", "Late LATE late"]) if kind in TEXTS else ("tools", ["c;c; git ;;r", ";"])
    transformer = fitted({kind: [name]}, rows, **how)
    table = pd.concat([rows[[name]], pd.DataFrame({name: odd})], ignore_index=True)

    assert np.array_equal(found(transformer, table), expected(transformer, table))


@pytest.mark.parametrize("values", [[3.0] * 190 + [4.0] * 10, [3.0] * 10 + [4.0] * 190, [1.0] * 200, [1, 2, 3, 4] * 50])
def test_curve_whose_knots_stand_at_one_place_has_the_bits_of_scipy(values):
    spline = SplineTransformer(recipe.KNOTS, knots="quantile", extrapolation="constant", include_bias=False)
    spline.fit(np.array([values, np.arange(SIZE)], dtype="float64").T)
    rows = np.array([[x, y] for x in (-1.0, 1, 2, 2.5, 3, 3.5, 4, 5) for y in (-1.0, 0, 39.8, 100.1, 199, 300)])

    curve = steps.curves(spline, ())

    assert np.stack([curve(row) for row in rows]).tobytes() == spline.transform(rows).tobytes()


def test_numbers_and_truth_values_are_categories_too():
    table = pd.DataFrame({"code": [1.0, 2.0, np.nan], "fast": [True, False, True]})
    transformer = fitted({"one-hot": ["code", "fast"]}, pd.concat([table] * SIZE).head(SIZE), linear=True)
    cells = [{"code": code, "fast": fast} for code in (1, 2.0, 3, None) for fast in (True, False, None)]
    rows = pd.DataFrame({name: [cell[name] for cell in cells] for name in table}, dtype="float64")
    road = steps.Road()

    steps.add_columns(road, transformer)

    assert np.array_equal(np.stack([road(cell) for cell in cells]), expected(transformer, rows))


def test_transformer_that_two_members_share_is_one_step(rows):
    road, columns = steps.Road(), {"number": ["kg"], "text": ["note"], "target encoding": ["street"]}

    places = [steps.add_columns(road, fitted(columns, rows, linear=True)) for _ in range(2)]
    others = [steps.add_columns(road, fitted(columns, rows, linear=True, letters=True))]
    others += [steps.add_columns(road, fitted({**columns, "number": ["pay"]}, rows, linear=True))]

    assert places[0] == places[1]
    assert len({*places, *others}) == 3
    assert others[0] == places[0] + 2, "the letters, and the row; the words are known"


def test_known_words_are_those_that_encoders_have_learned(rows):
    road, columns = steps.Road(), {"one-hot": ["colour"], "text": ["note"], "number": ["kg"]}

    steps.add_columns(road, fitted(columns, rows, linear=True))

    assert road.known["colour"] == {"red", "green", "blue"} and road.known["kg"] == set()
    assert road.known["note"] == {"late", "again", "in", "time", "i", "was", "5", "minutes"}


NUMBERS, WORDS, COUNTS = np.arange(6.0)[:, None] % 3, ["late again", "late late"], [[0, 1, 2]]


@pytest.mark.parametrize(
    ("step", "cells", "reason"),
    [
        (OneHotEncoder(min_frequency=2, handle_unknown="ignore"), NUMBERS, "with some left out"),
        (OneHotEncoder(drop="first", handle_unknown="ignore"), NUMBERS, "with some left out"),
        (OneHotEncoder(), NUMBERS, "with some left out"),
        (SplineTransformer(degree=2), NUMBERS, "curves of another kind"),
        (recipe.FunctionTransformer(np.sqrt), NUMBERS, r"^numpy\.sqrt is not known$"),
        (recipe.TfIdf(), WORDS, "weights of words"),
        (recipe.TfIdf(sublinear_tf=True, norm="l1"), WORDS, "weights of words"),
        (TfidfTransformer(sublinear_tf=True, use_idf=False), COUNTS, "weights of words"),
        (HashingVectorizer(alternate_sign=True), WORDS, "buckets of words"),
        (HashingVectorizer(alternate_sign=False, binary=True), WORDS, "buckets of words"),
        (HashingVectorizer(alternate_sign=False, norm="l1"), WORDS, "buckets of words"),
    ],
)
def test_transformer_of_another_kind_than_the_recipes_is_not_compiled(step, cells, reason):
    with pytest.raises(trees.NotCompiled, match=reason):
        steps.add_steps(steps.Road(), step.fit(cells), [steps.CELLS], ("x",))


def test_pipeline_of_the_users_in_place_of_an_estimator_is_not_compiled_by_its_name():
    with pytest.raises(trees.NotCompiled, match=r"^sklearn\.SplineTransformer is not known$"):
        steps.add_columns(steps.Road(), SplineTransformer())
