import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from {{ cookiecutter.package_name }} import dictionary, recipe

SIZE = 200
COLUMNS = {
    "kg": dictionary.Column(type="number", transformation="number"),
    "colour": dictionary.Column(type="category", transformation="one-hot"),
    "street": dictionary.Column(type="category", transformation="target encoding"),
    "sent": dictionary.Column(type="datetime", transformation="date parts"),
    "note": dictionary.Column(type="text", transformation="text"),
    "id": dictionary.Column(type="integer", role="id"),
    "unused": dictionary.Column(type="number", transformation="none"),
    "answer": dictionary.Column(type="category", role="target"),
}


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "kg": random.normal(size=SIZE),
            "colour": random.choice(["red", "green"], SIZE),
            "street": random.choice([f"street {i}" for i in range(100)], SIZE),
            "sent": pd.Timestamp("2026-01-01") + pd.to_timedelta(random.integers(0, 9999, SIZE), unit="h"),
            "note": random.choice(["late again", "in time", "I was 5 minutes late"], SIZE),
            "id": range(SIZE),
            "unused": 1.0,
        }
    )
    table.loc[::7, ["kg", "colour", "street", "sent", "note"]] = None
    return table


def plan(rows, **options):
    return recipe.plan(COLUMNS, rows, **{"task": "classification", "seed": 0, **options})


def test_columns_are_sorted_by_the_transformation_of_the_dictionary(rows):
    assert plan(rows).columns == {
        "number": ["kg"],
        "one-hot": ["colour"],
        "target encoding": ["street"],
        "date parts": ["sent"],
        "text": ["note"],
    }


def test_columns_that_must_not_be_seen_are_left_out(rows):
    assert "street" not in plan(rows, without=["street"]).names


@pytest.mark.parametrize(
    ("values", "transformation"),
    [
        (1.5, "number"),
        (True, "number"),
        (pd.Timestamp("2026-01-01"), "date parts"),
        ("word", "target encoding"),
    ],
)
def test_new_feature_is_recognised_by_its_dtype(rows, values, transformation):
    assert "new" in plan(rows.assign(new=values)).columns[transformation]


@pytest.mark.parametrize("flavour", ["linear", "trees"])
@pytest.mark.parametrize(
    ("task", "estimator"), [("classification", LogisticRegression(max_iter=5000)), ("regression", LinearRegression())]
)
def test_table_with_all_kinds_and_missing_cells_is_learned(rows, flavour, task, estimator):
    if flavour == "trees":  # which leave missing cells as they are
        estimator = DecisionTreeClassifier() if task == "classification" else DecisionTreeRegressor()
    truth = (rows["colour"] == "red") * 1.0 + (0.5 if task == "regression" else 0)

    model = getattr(plan(rows, task=task), flavour)(estimator).fit(rows, truth)

    assert model.score(rows, truth) > 0.99


@pytest.mark.parametrize("flavour", ["linear", "trees"])
def test_unknown_category_text_and_missing_cells_are_answered(rows, flavour):
    estimator = DecisionTreeClassifier() if flavour == "trees" else LogisticRegression(max_iter=5000)
    model = getattr(plan(rows), flavour)(estimator).fit(rows, rows["id"] % 2)
    new = rows.head(2).assign(colour=["purple", None], street=["nowhere", None], note=["unheard of", None])

    assert np.isfinite(model.predict_proba(new)).all()


def test_row_does_not_see_its_own_target_through_the_encoder():
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"street": [f"street {i}" for i in range(200)] * 2})
    noise = random.normal(size=400)  # nothing to learn: what correlates was leaked

    made = plan(rows, task="regression").linear(LinearRegression())[:-1].fit_transform(rows, noise)

    assert np.corrcoef(made.ravel(), noise)[0, 1] < 0.2


@pytest.mark.parametrize("size", [20, 400])
def test_encoder_of_a_regression_keeps_one_column_for_whole_numbers(size):
    rows = pd.DataFrame({"street": ["a", "b", "c", "d"] * (size // 4)})

    made = plan(rows, task="regression").linear(LinearRegression())[:-1].fit_transform(rows, np.arange(size) % 9)

    assert made.shape == (size, 1)


def test_numbers_are_scaled_and_empty_ones_marked_for_a_linear_model(rows):
    made = plan(rows[["kg"]]).linear(LinearRegression())[:-1].fit_transform(rows)

    assert made.shape == (SIZE, 2)
    assert made.mean(axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert made.std(axis=0) == pytest.approx([1, 1])


def test_trees_get_numbers_as_they_are(rows):
    made = plan(rows[["kg"]]).trees(LinearRegression())[:-1].fit_transform(rows)

    np.testing.assert_array_equal(made, rows[["kg"]])


def test_date_becomes_its_parts():
    dates = pd.DataFrame({"sent": pd.to_datetime(["1970-01-02 06:30", "2026-11-21 00:00", None])})

    parts = recipe.split_dates(dates)

    assert parts[0].tolist() == [1970, 1, 2, 4, 6.5, 1]  # a Friday
    assert parts[1].tolist() == [2026, 11, 21, 5, 0, 20778]
    assert np.isnan(parts[2]).all()


def test_every_column_that_a_linear_model_sees_has_a_name(rows):
    model = plan(rows).linear(LogisticRegression(max_iter=5000)).fit(rows, rows["id"] % 2)

    names = model[:-1].get_feature_names_out()

    assert len(names) == model[-1].coef_.shape[1] == len(set(names))
    assert any("weekday of sent" in name for name in names)


@pytest.mark.parametrize("flavour", ["linear", "trees"])
def test_same_seed_makes_the_same_numbers(rows, flavour):
    one, other = (
        getattr(plan(rows, seed=3), flavour)(LinearRegression())[:-1].fit_transform(rows, rows["id"] % 2) for _ in "12"
    )

    assert (one != other).sum() == (0 if flavour == "linear" else np.isnan(one).sum())


@pytest.mark.parametrize("flavour", ["linear", "trees"])
def test_text_puts_no_memory_address_into_the_model(rows, flavour):
    fitted = getattr(plan(rows[["note"]]), flavour)(LinearRegression())[:-1].fit(rows, rows["id"] % 2)

    parts = list(fitted[0].named_transformers_["text note"])

    assert parts and not [name for part in parts for name in vars(part) if name.endswith("_id")]


def test_words_are_the_same_in_upper_and_lower_case():
    assert recipe.words_of("I was 5 minutes LATE, été") == ["i", "was", "5", "minutes", "late", "été"]


def test_curves_follow_what_a_straight_line_cannot(rows):
    known = rows.dropna(subset=["kg"])
    bump = -(known["kg"] ** 2)

    straight, curved = (
        plan(known, task="regression").linear(LinearRegression(), curves=curves).fit(known, bump).score(known, bump)
        for curves in (False, True)
    )

    assert straight < 0.8 and curved > 0.95


def test_curve_of_a_number_that_is_always_the_same_says_nothing(rows):
    rows = rows.assign(kg=1.0)

    model = plan(rows, task="regression").linear(LinearRegression(), curves=True).fit(rows, np.arange(SIZE))

    assert np.isfinite(model.predict(rows.assign(kg=9.0))).all()
