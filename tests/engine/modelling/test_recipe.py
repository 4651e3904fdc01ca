from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from data_science_project import models
from data_science_project.engine.columns import dictionary
from data_science_project.engine.modelling import recipe
from data_science_project.engine.modelling.estimators import threads
from data_science_project.engine.modelling.question import predict, refusal
from data_science_project.engine.modelling.recipe import as_in_use, by_dtype
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import DataError

SIZE = 200
COLUMNS = {
    "kg": dictionary.Column(type="number", transformation="number"),
    "colour": dictionary.Column(type="category", transformation="one-hot"),
    "street": dictionary.Column(type="category", transformation="target encoding"),
    "sent": dictionary.Column(type="datetime", transformation="date parts"),
    "note": dictionary.Column(type="text", transformation="text"),
    "pay": dictionary.Column(type="number", transformation="log"),
    "letter": dictionary.Column(type="text", transformation="text without stop words"),
    "firm": dictionary.Column(type="category", transformation="string encoding"),
    "tools": dictionary.Column(type="list", separator=";", transformation="one column an item"),
    "id": dictionary.Column(type="integer", role="id"),
    "unused": dictionary.Column(type="number", transformation="none"),
    "answer": dictionary.Column(type="category", role="target"),
}
WORDS = [f"word {i % 13}" for i in range(SIZE)]
ODD = {  # columns that say nothing in the first half of the rows, and what add_features may make
    "empty": (dictionary.Column(type="number", transformation="number"), np.nan, 1.0),
    "empty amount": (dictionary.Column(type="number", transformation="log"), np.nan, 1.0),
    "empty code": (dictionary.Column(type="category", transformation="one-hot"), None, "a"),
    "empty name": (dictionary.Column(type="category", transformation="target encoding"), None, "a"),
    "empty day": (dictionary.Column(type="datetime", transformation="date parts"), None, pd.Timestamp("2026-01-01")),
    "empty note": (dictionary.Column(type="text", transformation="text"), None, "a word"),
    "no word": (dictionary.Column(type="text", transformation="text"), "?!", "a word"),
    "stop word": (dictionary.Column(type="text", transformation="text without stop words"), "the", "a word"),
    "empty firm": (dictionary.Column(type="text", transformation="string encoding"), None, "a word"),
    "same": (dictionary.Column(type="number", transformation="number"), 1.0, 2.0),
    "same note": (dictionary.Column(type="text", transformation="text"), "a word", "two"),
    "infinite": (dictionary.Column(type="number", transformation="number"), np.inf, -np.inf),
    "too large": (dictionary.Column(type="number", transformation="log"), 1e300, 1.0),
}


class OfAnotherPackage(DecisionTreeClassifier):
    """Like xgboost's, it takes classes that are called 0, 1, 2 and refuses others."""

    def fit(self, X, y):  # noqa: N803
        if not np.array_equal(np.unique(y), np.arange(len(set(y)))):
            raise ValueError("Invalid classes inferred from unique values of `y`")
        return super().fit(X, y)


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
            "pay": np.exp(random.normal(size=SIZE)),
            "letter": random.choice(["this is late", "and it is in time"], SIZE),
            "firm": random.choice(["Miller Inc", "Miller", "Smith Ltd", "Smyth"], SIZE),
            "tools": random.choice(["Redis; MySQL", "MySQL", "SQLite;Redis", "Oracle"], SIZE),
            "id": range(SIZE),
            "unused": 1.0,
        }
    )
    table.loc[::7, ["kg", "colour", "street", "sent", "note", "pay", "letter", "firm", "tools"]] = None
    return table


def plan(rows, **options):
    return recipe.plan(COLUMNS, rows, **{"task": "classification", "seed": 0, **options})


def test_columns_are_sorted_by_the_transformation_of_the_dictionary_and_a_new_one_that_is_empty_is_left_out(rows):
    sorted_ = plan(rows.assign(new=np.nan)).without(["street"]).columns

    assert {**sorted_, "target encoding": ["street"]} == plan(rows).columns
    seen = {name: COLUMNS[name].transformation for name in rows if name not in ("street", "id", "unused")}
    assert sorted_ == {transformation: [name] for name, transformation in seen.items()}


@pytest.mark.parametrize(
    ("values", "kind"),
    [(1.5, "number"), (True, "number"), (pd.Timestamp(0), "date parts"), ("a", "one-hot"), (WORDS, "target encoding")],
)
def test_new_feature_is_recognised_by_its_dtype_and_the_number_of_its_words(rows, values, kind):
    assert "new" in plan(rows.assign(new=values)).columns[kind]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (pd.Series(["a", None], dtype="string"), "str"),
        (pd.Series(["a", pd.NA], dtype=object), "str"),
        (pd.Series([1, None], dtype="category"), "str"),
        (pd.cut(pd.Series([1.0, None]), 2), "str"),
        (pd.Series([time(9), None], dtype=object), "str"),
        (pd.Series([1, None], dtype="Int64"), "float64"),
        (pd.Series([True, None], dtype="boolean"), "float64"),
        (pd.Series([Decimal("1.5"), None], dtype=object), "float64"),
        (pd.Series([timedelta(days=1), None]), "float64"),
        (pd.Series([date(9999, 12, 31), pd.NaT], dtype=object), "datetime64[us]"),
        (pd.Series([date(2026, 1, 31), None], dtype="date32[pyarrow]"), "datetime64[us]"),
        (pd.Series([pd.Timestamp("2026-01-31 09:00", tz="Europe/Paris"), None], dtype=object), "datetime64[us]"),
        (pd.Series([pd.Period("2026-01"), None]), "datetime64[us]"),
    ],
    ids=lambda value: str(getattr(value, "dtype", value)),
)
def test_new_column_gets_a_dtype_of_the_clean_table_and_a_row_alone_the_same_cells(values, dtype):
    rows, made = (
        pd.DataFrame({"kg": [1.0, 2.0]}),
        lambda rows: rows.assign(new=values[rows["kg"] - 1].set_axis(rows.index)),
    )
    wider = as_in_use(made, {}, {})(rows)
    alone = as_in_use(made, {}, {"new": by_dtype(wider["new"])})

    assert wider["new"].dtype == dtype and wider["new"].isna().tolist() == [False, True]
    for row in range(2):
        pd.testing.assert_frame_equal(alone(rows.iloc[[row]]), wider.iloc[[row]].reset_index(drop=True))


def test_column_in_a_dtype_of_the_clean_table_stays_as_it_is_and_one_without_a_cell_gets_that_of_training():
    rows = pd.DataFrame({"kg": [1.0, 2.0]})
    plain = {"a": [1, 2], "b": [True, False], "c": ["x", None], "d": pd.to_datetime(["2026-01-31", None])}
    lost = {"c": np.nan, "d": np.nan, "e": None}
    like = {"c": "one-hot", "d": "date parts", "e": "number"}

    kept, empty = (as_in_use(lambda rows, new=new: rows.assign(**new), {}, like)(rows) for new in (plain, lost))

    pd.testing.assert_frame_equal(kept, rows.assign(**plain))
    assert list(map(str, empty.dtypes[list(like)])) == ["str", "datetime64[us]", "float64"]
    assert list(rows) == ["kg"]


@pytest.mark.parametrize(
    ("cell", "kinds"), [(["a"], "list"), ({}, "dict"), (b"a", "bytes"), (1j, "complex"), ("a", "int, str")]
)
def test_new_column_of_lists_or_of_several_kinds_is_refused_by_name_with_what_is_allowed(cell, kinds):
    rows = pd.DataFrame({"kg": [1.0, 2.0]})
    cells = pd.Series([cell, 1 if cell == "a" else None], dtype=object)

    with pytest.raises(DataError, match=f"add_features fills 'tags' with {kinds}: no .*\nAllowed: numbers, bool"):
        as_in_use(lambda rows: rows.assign(tags=cells), {}, {})(rows)


@pytest.mark.parametrize(
    ("flavour", "estimator"),
    [
        ("linear", LogisticRegression(max_iter=5000)),
        ("linear", LinearRegression()),
        ("trees", DecisionTreeClassifier()),  # they leave missing cells as they are
        ("trees", DecisionTreeRegressor()),
    ],
)
def test_all_kinds_with_missing_cells_are_learned_and_unknown_ones_answered(rows, flavour, estimator):
    task = "classification" if is_classifier(estimator) else "regression"
    truth = (rows["colour"] == "red") * 1.0 + (0.5 if task == "regression" else 0)
    new = rows.head(2).assign(colour=["purple", None], street=["nowhere", None], note=["unheard of", None])

    model = getattr(plan(rows, task=task), flavour)(estimator).fit(rows, truth)

    assert model.score(rows, truth) > 0.99
    assert np.isfinite(model.predict(new.assign(firm=["x", None]))).all()


@pytest.mark.parametrize("value", ["t", 1.0])
@pytest.mark.parametrize("flavour", ["linear", "trees", "network"])
def test_column_of_one_value_or_none_tells_models_whether_it_is_there(rows, flavour, value):
    there = np.arange(SIZE) % 3 == 0
    table = rows[["kg"]].assign(colour=pd.Series(value, rows.index).where(there))

    model = getattr(plan(table), flavour)(DecisionTreeClassifier(max_depth=1)).fit(table, there)

    assert (model.predict(table) == there).all()


@pytest.mark.parametrize("size", [20, 400])
def test_encoder_of_a_regression_keeps_one_column_in_which_no_row_sees_its_own_target(size):
    random = np.random.default_rng(0)
    few = pd.DataFrame({"street": ["a", "b", "c", "d"] * (size // 4)})
    many, noise = pd.DataFrame({"street": [f"street {i}" for i in range(200)] * 2}), random.normal(size=400)

    leaked = transformed("linear", many, noise, task="regression").ravel()  # nothing to learn: what correlates leaked

    assert transformed("linear", few, np.arange(size) % 9, task="regression").shape == (size, 1)
    assert np.corrcoef(leaked, noise)[0, 1] < 0.2


def test_numbers_are_scaled_and_empty_ones_marked_for_a_linear_model_and_left_alone_for_trees(rows):
    linear, trees = (transformed(flavour, rows[["kg"]]) for flavour in ("linear", "trees"))

    assert linear.shape == (SIZE, 2)
    assert linear.mean(axis=0) == pytest.approx([0, 0], abs=1e-9) and linear.std(axis=0) == pytest.approx([1, 1])
    np.testing.assert_array_equal(trees, rows[["kg"]])
    far = transformed("linear", pd.DataFrame({"kg": [0.0, 1.0, 100.0, None]}))
    assert far[3, 0] == far[1, 0], "filled with the median"


@pytest.mark.parametrize("flavour", ["linear", "trees"])
def test_same_seed_makes_the_same_numbers(rows, flavour):
    drawn = rows[["street", "note", "firm"]]

    one, other = (transformed(flavour, drawn, rows["id"] % 2, seed=3) for _ in "12")

    np.testing.assert_array_equal(one, other)


def test_date_becomes_its_parts():
    dates = pd.DataFrame({"sent": pd.to_datetime(["1970-01-02 06:30", "2026-11-21 00:00", None])})

    parts, in_oslo = recipe.split_dates(dates), recipe.split_dates(dates.apply(lambda day: day.dt.tz_localize("CET")))

    assert parts[0].tolist() == [1970, 1, 2, 4, 6.5, 1]  # a Friday
    np.testing.assert_array_equal(in_oslo, parts)
    assert parts[1].tolist() == [2026, 11, 21, 5, 0, 20778]
    assert np.isnan(parts[2]).all()


@pytest.mark.parametrize("flavour", ["linear", "trees"])
def test_text_puts_no_memory_address_into_the_model(rows, flavour):
    fitted = getattr(plan(rows[["note"]]), flavour)(LinearRegression())[:-1].fit(rows, rows["id"] % 2)

    parts = list(fitted[0].named_transformers_["text note"])

    assert parts and not [name for part in parts for name in vars(part) if name.endswith("_id")]


@pytest.mark.parametrize("flavour", ["linear", "trees"])
@pytest.mark.parametrize(
    ("transformation", "column"),
    [
        ("number", "kg"),
        ("log", "pay"),
        ("one-hot", "colour"),
        ("one column an item", "tools"),
        *[(kind, "note") for kind in ("target encoding", "string encoding", "text", "text without stop words")],
    ],
)
def test_row_is_transformed_the_same_alone_and_in_a_batch(rows, transformation, column, flavour):
    made, fitted = made_by(transformation, rows[[column]], flavour=flavour)

    for place in range(0, SIZE, 20):
        alone = dense(fitted.transform(rows[[column]].iloc[[place]]))
        np.testing.assert_array_equal(alone[0], made[place])


def transformed(flavour, rows, truth=None, **options):
    """What a model of this flavour sees of rows, all of whose columns are planned for, as a dense table."""
    made = getattr(plan(rows, **options), flavour)(LinearRegression())[:-1].fit_transform(rows, truth)
    return dense(made)


def made_by(transformation, rows, *, flavour="linear"):
    """What a model sees of the one column of `rows`, as a dense table, and the fitted preprocessing."""
    (name,) = rows.columns
    recipe_ = recipe.Recipe({transformation: [name]}, "regression", 0, separators={"tools": ";"})
    fitted = getattr(recipe_, flavour)(LinearRegression())[:-1].fit(rows, np.arange(len(rows)) % 7)
    return dense(fitted.transform(rows)), fitted


def dense(table):
    return table.toarray() if hasattr(table, "toarray") else np.asarray(table)


def test_logarithm_takes_the_skew_away_and_keeps_the_order(rows):
    pay = rows[["pay"]].dropna()

    made, _ = made_by("log", pay)

    assert (np.diff(made[pay["pay"].argsort(), 0]) >= 0).all()
    assert abs(pd.Series(made[:, 0]).skew()) < abs(rows["pay"].skew()) / 2


def test_words_stop_words_and_groups_of_letters_are_what_they_say():
    assert recipe.words_of("I was 5 minutes LATE, été") == ["i", "was", "5", "minutes", "late", "été"]
    assert recipe.telling_words_of("This is the LATE parcel") == ["late", "parcel"]
    assert recipe.letters_of("An") == [" a", "an", "n ", " an", "an ", " an "]


def test_strings_that_are_spelt_alike_are_near_each_other(rows):
    _, fitted = made_by("string encoding", rows[["firm"]].dropna())

    miller, incorporated, smith = dense(fitted.transform(pd.DataFrame({"firm": ["Miller", "Miller Inc", "Smith"]})))

    assert miller @ incorporated > miller @ smith + 0.3


def test_target_whose_transformation_is_log_is_learned_as_its_logarithm(rows):
    columns = {**COLUMNS, "answer": dictionary.Column(type="number", role="target", transformation="log")}
    learned = recipe.plan(columns, rows[["kg"]], task="regression", seed=0)
    truth, both = np.exp(3 + rows["kg"].fillna(0)), (replace(learned, log_target=False), learned)

    plain, logged = (models.regressors(plan, settings.Train())["linear"].fit(rows, truth) for plan in both)

    assert learned.log_target
    assert logged.score(rows, truth) > 0.98 > plain.score(rows, truth)
    assert logged.predict(rows.head(1)) == logged.predict(rows)[:1]


def test_letters_of_more_than_one_text_stand_beside_the_words(rows):
    rows.loc[1, "note"] = "zzz"
    notes = rows[["note"]]

    fitted = (plan(notes).linear(LinearRegression(), letters=more)[0].fit(notes) for more in (False, True))
    words, both = ({name.split("__")[-1] for name in one.get_feature_names_out()} for one in fitted)

    assert words < both and " la" in both - words
    assert "zzz" in words and not {"zz", " zz", "zz "} & both


def test_network_sees_each_number_as_a_curve_and_no_input_is_large(rows):
    everything, kg = transformed("network", rows, np.arange(SIZE)), transformed("network", rows[["kg"]])

    assert np.isfinite(everything).all() and everything.std(axis=0).max() < 3
    assert kg.shape[1] > 2  # the number and the mark of its empty cells


def test_curves_follow_what_a_straight_line_cannot_and_say_nothing_of_a_number_that_is_always_the_same(rows):
    known = rows.dropna(subset=["kg"])
    bump = -(known["kg"] ** 2)

    straight, curved = (
        plan(known, task="regression").linear(LinearRegression(), curves=curves).fit(known, bump).score(known, bump)
        for curves in (False, True)
    )
    flat = plan(rows.assign(kg=1.0), task="regression").linear(LinearRegression(), curves=True)

    assert straight < 0.8 and curved > 0.95
    assert np.isfinite(flat.fit(rows.assign(kg=1.0), np.arange(SIZE)).predict(rows.assign(kg=9.0))).all()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_no_column_takes_a_candidate_out(task):
    random, half = np.random.default_rng(0), SIZE // 2
    table = {name: [first] * half + [then] * half for name, (_, first, then) in ODD.items()}
    seldom = np.where(np.isin(np.arange(SIZE), [3, 30]), 1.0, np.nan)  # empty where boosting splits the rows once more
    rows = pd.DataFrame({"kg": random.normal(size=SIZE), **table, "seldom": seldom, "whole": 1})
    rows = rows.astype({"empty day": "datetime64[us]", "whole": "Int64"})
    columns = {**COLUMNS, **{name: column for name, (column, _, _) in ODD.items()}}
    recipe_ = recipe.plan(columns, rows, task=task, seed=0)
    numbers = rows["kg"] + random.normal(size=SIZE)
    truth = numbers if task == "regression" else (numbers > 0).to_numpy()
    known = (models.regressors if task == "regression" else models.classifiers)(recipe_, settings.Train())

    assert recipe.SeldomFilled().fit(rows[["seldom"]].to_numpy()).filled_ == [0], "below all values"
    for name, estimator in known.items():
        with threads(half):
            answers = estimator.fit(rows[:half], truth[:half]).predict(rows)

        assert pd.Series(answers).notna().all(), name


@pytest.mark.parametrize("classes", [["no", "yes"], ["a", "b", "c"], [1, 2], [False, True]])
@pytest.mark.parametrize("around", [lambda model: model, lambda model: CalibratedClassifierCV(model, cv=2)])
def test_estimator_of_another_package_gets_classes_as_numbers(rows, classes, around):
    truth = np.resize(np.array(classes, dtype=object if isinstance(classes[0], str) else None), SIZE)
    rows = rows[["kg", "colour"]]

    model = plan(rows).trees(around(OfAnotherPackage(random_state=0))).fit(rows, truth)

    assert model.classes_.tolist() == classes
    assert model.predict_proba(rows).shape == (SIZE, len(classes))
    assert set(model.predict(rows)) <= set(classes)


@pytest.mark.parametrize("estimator", [LinearSVC(), SVC()], ids=repr)
def test_classifier_that_gives_no_probabilities_gets_them_by_calibration(rows, estimator):
    truth, rows = np.resize(np.array(["no", "yes"], dtype=object), SIZE), rows[["kg", "colour"]]

    model = plan(rows).linear(estimator).fit(rows, truth)

    assert model.classes_.tolist() == ["no", "yes"]
    assert model.predict_proba(rows).sum(axis=1) == pytest.approx(np.ones(SIZE))


def test_estimator_of_scikit_learn_or_of_numbers_is_left_as_it_is(rows):
    known = models.classifiers(plan(rows), settings.Train())
    last = [known[name][-1] for name in known if name != "dummy"]

    assert not [one for one in (*known.values(), *last) if isinstance(one, VotingClassifier)]
    assert isinstance(plan(rows, task="regression").trees(DecisionTreeRegressor())[-1], DecisionTreeRegressor)


def test_stack_makes_its_own_probabilities_and_a_vote_by_heads_says_why_it_has_none(rows):
    truth, rows = np.resize(np.array(["no", "yes"], dtype=object), SIZE), rows[["kg", "colour"]]
    members = [("tree", DecisionTreeClassifier(random_state=0)), ("linear", LogisticRegression())]

    stack = plan(rows).trees(StackingClassifier([("tree", members[0][1])], cv=2)).fit(rows, truth)
    heads = plan(rows).linear(VotingClassifier(members)).fit(rows, truth)

    assert stack.predict_proba(rows).shape == (SIZE, 2) and isinstance(stack[-1], StackingClassifier)
    with pytest.raises(AttributeError) as caught:
        predict(heads, rows, ("no", "yes"))
    assert refusal(caught.value) == "AttributeError: predict_proba is not available when voting='hard'"
