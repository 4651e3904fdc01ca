from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_science_project.engine.modelling import items, recipe
from data_science_project.engine.modelling.question import Question
from data_science_project.engine.report import coefficients

RANDOM = np.random.default_rng(0)
ROWS = pd.DataFrame(
    {
        "weight": RANDOM.normal(70, 10, 300),
        "colour": RANDOM.choice(["red", "blue"], 300),
        "town": RANDOM.choice([f"town {i}" for i in range(20)], 300),
        "day": pd.date_range("2020-01-01", periods=300, freq="7D"),
        "note": RANDOM.choice(["free prize", "see you", "hello"], 300),
        "tools": RANDOM.choice(["saw; hammer", "axe", "saw;axe", "drill; axe"], 300),
    }
)


def asked(rows, truth, labels=()):
    return Question(rows, np.asarray(truth), "classification" if labels else "regression", labels, [])


def fitted(columns, rows, truth, estimator=None, labels=()):
    """A linear model that has learned the truth of the rows behind the steps for these columns."""
    plan = recipe.Recipe(columns, "classification" if labels else "regression", 0, separators={"tools": ";"})
    estimator = estimator or (LogisticRegression(max_iter=2000) if labels else LinearRegression())
    return plan.linear(estimator).fit(rows, truth)


def told(columns, rows, truth, estimator=None, labels=()):
    """What its coefficients say."""
    return coefficients.strongest(fitted(columns, rows, truth, estimator, labels), asked(rows, truth, labels))


def test_every_column_is_changed_with_three_classes_and_missing_cells(monkeypatch):
    monkeypatch.setattr(coefficients, "RESAMPLES", 5)
    columns = {
        "number": ["weight"],
        "one-hot": ["colour"],
        "target encoding": ["town"],
        "date parts": ["day"],
        "text": ["note"],
        "one column an item": ["tools"],
    }
    rows, labels = ROWS.copy(), ("heavy", "light", "middle")
    rows.loc[::5, "weight"] = np.nan
    rows.loc[::7, "colour"] = None
    truth = np.select([ROWS["weight"] > 75, ROWS["weight"] > 65], ["heavy", "middle"], "light").astype(object)
    pipeline, known = fitted(columns, rows, truth, labels=labels), asked(rows, truth, labels)

    changes, moved = coefficients.changes_and_inputs(pipeline, known, ())

    assert moved.shape == (len(changes), pipeline[-1].n_features_in_)
    told = {name for names in columns.values() for name in names} - {"day"}
    assert {change.column for change in changes} == told, "none of the dates is missing"
    assert {"weight", "colour"} <= {change.column for change in changes if change.words == "is missing"}
    assert set(coefficients.strongest(pipeline, known)["towards"]) <= set(labels)


def test_number_is_told_in_the_units_of_the_data():
    (line,) = told({"number": ["weight"]}, ROWS, 3 * ROWS["weight"]).to_dict("records")

    assert line["change"] == f"{ROWS['weight'].std(ddof=0):.3g} more (1 standard deviation)"
    assert line["effect"] == pytest.approx(3 * ROWS["weight"].std(ddof=0))


@pytest.mark.parametrize("kind", ["bool", "boolean", "bool[pyarrow]"])
def test_boolean_of_add_features_is_told_as_one_of_the_dictionary_beside_numbers_and_empty_cells(kind):
    heavy = ROWS["weight"] > 75
    flag = heavy.astype(kind) if kind == "bool" else heavy.astype(kind).mask(ROWS.index % 5 == 0)
    rows, truth = ROWS.assign(flag=flag), 3.0 * heavy + 0.01 * ROWS["weight"]

    found = told({"number": ["flag", "weight"]}, rows, truth).set_index("change")

    (effect,) = found.loc[["is true"], "effect"]
    assert effect == pytest.approx(3, abs=0.7) and set(found["column"]) == {"flag", "weight"}
    assert ("is missing" in found.index) == (kind != "bool")


def test_category_is_told_by_the_odds_it_brings():
    truth = np.where((ROWS["colour"] == "red") ^ (RANDOM.random(300) < 0.1), "yes", "no")

    of_yes, of_no = (
        told({"one-hot": ["colour"]}, ROWS, truth, labels=labels).set_index("change")
        for labels in (("no", "yes"), ("yes", "no"))
    )

    assert of_yes.loc["is red", "effect"] > 1 > of_yes.loc["is blue", "effect"]
    assert set(of_yes["towards"]) == {"yes"} and set(of_no["towards"]) == {"no"}
    assert of_no.loc["is red", "effect"] == pytest.approx(1 / of_yes.loc["is red", "effect"])


def test_two_categories_are_mirror_images_whatever_else_their_coefficients_hold_and_three_add_up_to_none():
    rows = ROWS.assign(size=RANDOM.choice(["small", "medium", "large"], 300))
    score = 2.0 * (rows["colour"] == "red") + 3.0 * (rows["size"] == "large") + RANDOM.normal(size=300)
    pipeline = fitted({"one-hot": ["colour", "size"]}, rows, score)
    pipeline[-1].coef_ += 10.0  # in every row a colour and a size: the intercept takes it back

    found = coefficients.strongest(pipeline, asked(rows, score)).set_index("change")

    red, blue = found.loc["is red"], found.loc["is blue"]
    assert red["effect"] == pytest.approx(1, abs=0.2) and red["effect"] == pytest.approx(-blue["effect"])
    assert (red["low"], red["high"]) == pytest.approx((-blue["high"], -blue["low"])) and red["low"] > 0
    assert found.loc[found["column"] == "size", "effect"].sum() == pytest.approx(0)


def test_item_of_a_list_that_decides_comes_first():
    first = told({"one column an item": ["tools"]}, ROWS, 5.0 * ROWS["tools"].str.contains("drill")).iloc[0]

    assert first["change"] == "holds drill" and first["effect"] == pytest.approx(5)


def test_words_do_not_hide_the_other_columns():
    notes = [f"word{row} word{row + 1} thing" for row in range(300)]
    truth = ROWS["weight"] + 5 * (ROWS["colour"] == "red") + 100 * RANDOM.normal(size=300)
    kinds = {"number": ["weight"], "one-hot": ["colour"], "text": ["note"]}
    strength, words = np.r_[np.arange(50.0, 10, -1), 5.0, 4.0, 3.0], np.arange(43) < 40

    places = coefficients.chosen(strength, words)

    assert places.tolist() == [*range(12), 40, 41, 42]
    assert len(told(kinds, ROWS.assign(note=notes), truth, Ridge())) <= 15


@pytest.mark.parametrize(
    ("column", "transformation", "words"),
    [("weight", "log", "twice as large"), ("town", "string encoding", "is town 1")],
)
def test_logarithms_and_names_are_told_in_words(column, transformation, words):
    truth = ROWS["weight"] + 50 * ROWS["town"].str.startswith("town 1")

    found = told({transformation: [column]}, ROWS, truth, Ridge())

    assert found.loc[found["effect"] > 0, "change"].str.startswith(words).all() and set(found["column"]) == {column}


def test_category_and_missing_cells_of_a_few_rows_are_left_out():
    rows = ROWS.assign(colour=ROWS["colour"].where(ROWS.index >= 3, "once"))
    rows.loc[5, "weight"] = np.nan
    truth = np.where(rows["colour"] == "once", 1e6, 0) + 1e5 * rows["weight"].isna() + 9e4 * (rows["colour"] == "red")

    found = told({"number": ["weight"], "one-hot": ["colour"]}, rows, truth, Ridge())["change"].tolist()

    assert {"is red", "is blue"} <= set(found)
    assert not {"is once", "is missing"} & set(found)


def test_category_in_which_nearly_all_rows_are_of_one_class_has_no_interval_and_is_left_out():
    colour = ROWS["colour"].where(ROWS.index >= 30, "green")
    truth = np.where((colour == "red") ^ (RANDOM.random(300) < 0.2), "yes", "no")
    truth[:30] = ["yes"] * 4 + ["no"] * 26

    found = told({"one-hot": ["colour"]}, ROWS.assign(colour=colour), truth, labels=("no", "yes"))["change"].tolist()

    assert "is red" in found and "is green" not in found


@pytest.mark.parametrize(("wide", "too_many"), [(40, False), (60, True)])
def test_coefficients_of_many_inputs_for_their_rows_cannot_be_told_and_words_do_not_count(wide, too_many):
    random = np.random.default_rng(10)
    rows = pd.DataFrame(random.normal(size=(120, wide)), columns=[f"c{place}" for place in range(wide)])
    rows["note"] = [" ".join(f"w{word}" for word in random.integers(0, 500, 8)) for _ in range(120)]
    truth = rows["c0"].to_numpy()
    pipeline = fitted({"number": list(rows)[:-1], "text": ["note"]}, rows, truth, Ridge())

    assert coefficients.can_be_told(pipeline, 120) != too_many


def test_only_a_linear_model_behind_the_steps_of_linear_can_be_told():
    plan = recipe.Recipe({"number": ["weight"], "one-hot": ["colour"], "text": ["note"]}, "regression", 0)
    made = {
        "linear": plan.linear(Ridge()),
        "curves": plan.linear(Ridge(), curves=True),
        "letters": plan.linear(Ridge(), letters=True),
        "trees": plan.trees(Ridge()),
        "forest": plan.linear(ExtraTreesRegressor(2)),
        "own": make_pipeline(make_column_transformer((StandardScaler(), ["weight"])), Ridge()),
        "scaled twice": make_pipeline(plan.linear(Ridge())[0], StandardScaler(with_mean=False), Ridge()),
    }

    told = [name for name, model in made.items() if coefficients.can_be_told(model.fit(ROWS, ROWS["weight"]), 300)]

    assert told == ["linear", "curves"]


def test_lists_behind_the_code_that_a_run_keeps_can_be_told():
    about = spec_from_file_location(f"{items.__name__}_of_a_run", items.__file__)
    about.loader.exec_module(kept := module_from_spec(about))
    steps = make_pipeline(recipe.TEXT_CELLS, kept.ItemEncoder(";"))
    columns = ColumnTransformer([("one column an item tools", steps, "tools")])

    model = make_pipeline(columns, Ridge()).fit(ROWS, ROWS["weight"])

    assert coefficients.can_be_told(model, 300)


def test_coefficient_has_an_interval_and_one_that_may_hold_no_effect_is_left_out():
    random = np.random.default_rng(3)
    rows = pd.DataFrame({"a": random.normal(size=400), "b": random.normal(size=400), "c": random.normal(size=400)})
    truth = 2 * rows["a"] + 0.5 * rows["b"] + random.normal(size=400)

    found = told({"number": ["a", "b", "c"]}, rows, truth).set_index("column")

    assert found.index.tolist() == ["a", "b"]
    error = found.loc["a", "high"] - found.loc["a", "effect"]
    assert error == pytest.approx(1.96 / np.sqrt(400), rel=0.5) and found.loc["a", "low"] < 2 < found.loc["a", "high"]


def test_interval_of_grouped_rows_is_of_whole_groups():
    random = np.random.default_rng(3)
    shop = np.repeat(np.arange(20), 20)
    rows = pd.DataFrame({"a": random.normal(size=20)[shop]})
    truth = 2 * rows["a"].to_numpy() + random.normal(size=20)[shop] + random.normal(0, 0.1, 400)
    pipeline, alone = fitted({"number": ["a"]}, rows, truth), asked(rows, truth)

    of_rows, of_shops = (
        coefficients.effects_and_errors(pipeline, replace(alone, groups=groups), csr_matrix([[1.0]]))[1].item()
        for groups in (None, pd.Series(shop, name="shop"))
    )

    assert of_shops > 2 * of_rows


def test_interval_beside_a_column_of_names_is_that_of_the_fit_in_which_no_row_saw_its_own_target():
    random = np.random.default_rng(4)
    rows = pd.DataFrame({"a": random.normal(size=600), "name": [f"name {place}" for place in range(600)]})
    truth = rows["a"] + random.normal(size=600)

    found = told({"number": ["a"], "target encoding": ["name"]}, rows, truth).set_index("column").loc["a"]

    assert found["high"] - found["effect"] == pytest.approx(2 / np.sqrt(600), rel=0.5)


def test_interval_of_a_large_table_is_that_of_its_rows_under_its_own_penalty():
    random = np.random.default_rng(5)
    rows = pd.DataFrame({"a": random.normal(size=8000)})
    truth = rows["a"] + random.normal(size=8000)

    found = told({"number": ["a"]}, rows, truth, Ridge(alpha=8000)).iloc[0]

    assert found["high"] - found["effect"] == pytest.approx(2 * np.sqrt(1.5 / 8000) / 2, rel=0.35)


def test_no_column_of_noise_is_told():
    random = np.random.default_rng(6)
    rows = pd.DataFrame(random.normal(size=(300, 60)), columns=[f"noise {place}" for place in range(60)])

    assert told({"number": list(rows)}, rows, random.normal(size=300), Ridge()).empty


def test_word_is_told_by_what_it_changes_in_texts_that_lack_it():
    random = np.random.default_rng(7)
    others = [" ".join(random.choice(["we", "you", "they", "all", "see"], 4)) for _ in range(400)]
    held = random.random(400) < 0.3
    rows = pd.DataFrame({"note": [f"{text} refund" if has else text for text, has in zip(others, held, strict=True)]})
    truth = 10.0 * held + random.normal(size=400)
    pipeline = fitted({"text": ["note"]}, rows, truth, Ridge())

    found = coefficients.strongest(pipeline, asked(rows, truth)).set_index("change").loc["holds the word refund"]

    lacking = rows[~held]
    added = pipeline.predict(lacking + " refund") - pipeline.predict(lacking)
    assert found["effect"] == pytest.approx(np.mean(added), rel=0.02)


def test_coefficients_of_which_no_resample_knows_an_error_are_not_told():
    rows, labels = ROWS[:30], ("no", "yes")
    pipeline = fitted({"number": ["weight"]}, rows, np.where(rows["weight"] > 70, "yes", "no"), labels=labels)

    assert coefficients.strongest(pipeline, asked(rows, ["no"] * 30, labels)).empty
