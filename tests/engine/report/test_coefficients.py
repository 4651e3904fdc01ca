import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_science_project.engine.modelling import recipe
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
COLUMNS = {
    "number": ["weight"],
    "one-hot": ["colour"],
    "target encoding": ["town"],
    "date parts": ["day"],
    "text": ["note"],
    "one column an item": ["tools"],
}
LISTS = {"tools": ";"}


def test_every_input_of_the_model_has_a_name_with_three_classes_and_missing_cells():
    rows, labels = ROWS.copy(), ("heavy", "light", "middle")
    rows.loc[::5, "weight"] = np.nan
    rows.loc[::7, "colour"] = None
    truth = np.select([ROWS["weight"] > 75, ROWS["weight"] > 65], ["heavy", "middle"], "light")
    plan = recipe.Recipe(COLUMNS, "classification", 0, separators=LISTS)
    pipeline = plan.linear(LogisticRegression(max_iter=2000)).fit(rows, truth)

    terms = list(coefficients.inputs(pipeline[0], labels, ()))

    assert len(terms) == pipeline[-1].n_features_in_
    assert {term.column for term in terms} == {name for names in COLUMNS.values() for name in names}
    assert {"weight", "colour"} <= {term.column for term in terms if term.change == "is missing"}
    assert len(coefficients.strongest(pipeline, rows, labels=labels)) == 15


def fitted(columns, truth, estimator, task="regression"):
    return recipe.Recipe(columns, task, 0, separators=LISTS).linear(estimator).fit(ROWS, truth)


def test_number_is_told_in_the_units_of_the_data():
    pipeline = fitted({"number": ["weight"]}, 3 * ROWS["weight"], LinearRegression())

    (line,) = coefficients.strongest(pipeline, ROWS).to_dict("records")

    assert line["change"] == f"{ROWS['weight'].std(ddof=0):.3g} more (1 standard deviation)"
    assert line["effect"] == pytest.approx(3 * ROWS["weight"].std(ddof=0))


def test_category_is_told_by_the_odds_it_brings():
    truth = np.where((ROWS["colour"] == "red") ^ (RANDOM.random(300) < 0.1), "yes", "no")
    pipeline = fitted({"one-hot": ["colour"]}, truth, LogisticRegression(), "classification")

    of_yes, of_no = (
        coefficients.strongest(pipeline, ROWS, labels=labels).set_index("change")
        for labels in (("no", "yes"), ("yes", "no"))
    )

    assert of_yes.loc["is red", "effect"] > 1 > of_yes.loc["is blue", "effect"]
    assert set(of_yes["towards"]) == {"yes"} and set(of_no["towards"]) == {"no"}
    assert of_no.loc["is red", "effect"] == pytest.approx(1 / of_yes.loc["is red", "effect"])


def test_word_that_decides_comes_first():
    truth = np.where(ROWS["note"] == "free prize", "spam", "ham")
    pipeline = fitted({"text": ["note"]}, truth, LogisticRegression(), "classification")

    words = coefficients.strongest(pipeline, ROWS, labels=("ham", "spam"))["change"].head(2)

    assert set(words) == {"holds the word free", "holds the word prize"}


def test_item_of_a_list_that_decides_comes_first():
    truth = 5.0 * ROWS["tools"].str.contains("drill")
    pipeline = fitted({"one column an item": ["tools"]}, truth, LinearRegression())

    first = coefficients.strongest(pipeline, ROWS).iloc[0]

    assert first["change"] == "holds drill" and first["effect"] == pytest.approx(5)


def test_words_do_not_hide_the_other_columns():
    notes = [f"word{row} word{row + 1} thing" for row in range(300)]
    truth = ROWS["weight"] + 100 * RANDOM.normal(size=300)
    kinds = {"number": ["weight"], "one-hot": ["colour"], "text": ["note"]}
    pipeline = recipe.Recipe(kinds, "regression", 0).linear(Ridge()).fit(ROWS.assign(note=notes), truth)

    table = coefficients.strongest(pipeline, ROWS)

    assert len(table) == 15
    assert table["column"].value_counts().to_dict() == {"note": 12, "colour": 2, "weight": 1}


@pytest.mark.parametrize(
    ("column", "transformation", "words"),
    [("weight", "log", "times as large"), ("town", "string encoding", "holds the letters")],
)
def test_logarithms_and_letters_are_told_in_words(column, transformation, words):
    pipeline = fitted({transformation: [column]}, ROWS["weight"], Ridge())

    found = coefficients.strongest(pipeline, ROWS)

    assert found["change"].str.contains(words).all() and set(found["column"]) == {column}


def test_category_and_missing_cells_of_a_few_rows_are_left_out():
    rows = ROWS.assign(colour=ROWS["colour"].where(ROWS.index >= 3, "once"))
    rows.loc[5, "weight"] = np.nan
    pipeline = recipe.Recipe({"number": ["weight"], "one-hot": ["colour"]}, "regression", 0).linear(Ridge())
    pipeline.fit(rows, np.where(rows["colour"] == "once", 1e6, 0) + 1e5 * rows["weight"].isna())

    found = coefficients.strongest(pipeline, rows)["change"].tolist()

    assert {"is red", "is blue"} < set(found)
    assert not {"is once", "is missing"} & set(found)


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

    told = [name for name, model in made.items() if coefficients.can_be_told(model.fit(ROWS, ROWS["weight"]))]

    assert told == ["linear"]
