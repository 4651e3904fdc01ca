from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.checks.suspicion import Suspicion
from data_science_project.engine.columns import dictionary
from data_science_project.engine.project import package, settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import answers, loading, registry
from data_science_project.engine.steps import features


def test_step_writes_every_clean_row_once_with_the_new_features(project):
    features.run(project, lambda rows: rows.assign(twice=rows["amount"] * 2))

    parts = [pd.read_parquet(project.split(part)) for part in settings.PARTS]
    together = pd.concat(parts).sort_values("order", ignore_index=True)
    clean = pd.read_parquet(project.clean).reset_index(drop=True)
    pd.testing.assert_frame_equal(together.drop(columns="twice"), clean)
    pd.testing.assert_series_equal(together["twice"], together["amount"] * 2, check_names=False)


def test_infinite_numbers_of_a_new_feature_and_one_that_a_row_has_otherwise_alone_are_said(project, caplog):
    def add_features(rows):
        mean = rows.groupby("colour")["amount"].transform("mean")
        return rows.assign(ratio=rows["amount"] / (rows["colour"] != "red"), flag=True, mean=mean)

    features.run(project, add_features)

    rows = pd.read_parquet(project.clean)
    infinite = int((rows["amount"].notna() & (rows["colour"] == "red")).sum())
    assert f"'ratio' of add_features is infinite in {infinite} rows: models see them as missing" in caplog.text
    (line,) = [line for line in caplog.messages if "'mean' of a row alone otherwise" in line]
    assert "The service answers rows alone" in line


def test_rows_may_look_something_up_by_a_key_and_get_another_index_but_no_other_order(project, caplog):
    rents = pd.DataFrame({"colour": ["red", "blue"], "rent": [1.5, 2.0]})
    features.run(project, lambda rows: rows.merge(rents, on="colour", how="left").set_index("order", drop=False))

    rows = pd.read_parquet(project.split("test"))
    assert rows["rent"].equals(rows["colour"].map({"red": 1.5, "blue": 2.0}).astype("float64").rename("rent"))
    assert "for a row alone" not in caplog.text


def test_column_of_add_features_that_tells_the_answer_is_said_with_its_own_cure(project, caplog):
    def add_features(rows):
        odd = rows["order"] % 2
        return rows.assign(told=answer[rows["order"]].to_numpy() / (odd + 1), unlike=odd, word="a")

    clean = pd.read_parquet(project.clean)
    answer = (clean["answer"] == "yes").set_axis(clean["order"])

    features.run(project, add_features)

    (line,) = [line for line in caplog.messages if "'told'" in line]
    assert line.startswith("suspicious: 'answer' is 'told' cut into 2 bands")
    assert line.endswith("If not: do not add it in features.py.")
    assert "'unlike'" not in caplog.text


def test_new_columns_are_written_in_the_dtypes_of_the_clean_table_and_are_the_same_for_a_row_alone(project, caplog):
    def add_features(rows):
        there = rows["amount"].notna()
        new = {"day of": rows["day"].where(there).dt.date, "hue": rows["colour"].astype("string")}
        new["more"] = rows["amount"].convert_dtypes() > 50
        return rows.assign(**new, late=rows["day"].where(rows["day"] < "2026-02-01").dt.date)

    split = replace(project.settings.split, by="time:day")
    project = replace(project, settings=replace(project.settings, split=split))

    features.run(project, add_features)

    for part in settings.PARTS:  # those of dev and test are later, and have no cell in "late"
        kinds = pd.read_parquet(project.split(part)).dtypes[["day of", "hue", "more", "late"]]
        assert [str(kind)[:8] for kind in kinds] == ["datetime", "str", "float64", "datetime"], part
    assert "of a row alone" not in caplog.text


@pytest.mark.parametrize(
    ("by", "said", "cure"),
    [
        ("group:shop", "no model sees 'shop'", 'role = "group" of [shop] in references/data_dictionary.toml'),
        ("time:shop", "'shop' is text: [split] takes it in alphabetical order, 'shop 0' to 'shop 9'", '"datetime"'),
    ],
)
def test_what_a_split_does_with_a_column_of_another_kind_is_said(make_project, made_table, caplog, by, said, cure):
    project = make_project(made_table.assign(shop=[f"shop {row % 40}" for row in range(len(made_table))]))
    pipeline.make(project, "data")
    split = replace(project.settings.split, by=by)

    features.run(replace(project, settings=replace(project.settings, split=split)), pd.DataFrame.copy)

    (line,) = [line for line in caplog.messages if line.startswith(said)]
    assert cure in line


@pytest.mark.parametrize(("kinds", "said"), [(9, True), (4, False)])
def test_whole_numbers_taken_for_classes_are_said_with_the_way_out(make_project, made_table, caplog, kinds, said):
    caplog.set_level("INFO")
    table = made_table.assign(answer=[*range(kinds + 1), *np.arange(len(made_table) - kinds - 1) % kinds])
    project = make_project(table)
    pipeline.make(project, "data")

    features.run(project, pd.DataFrame.copy)

    assert ("whole numbers of 'answer' are taken for classes" in caplog.text) == said
    assert (f"{kinds} (1 row)" in caplog.text) and (('task = "regression"' in caplog.text) == said)


def test_step_does_not_use_a_clean_table_that_was_edited(project):
    pd.read_parquet(project.clean).head(50).to_parquet(project.clean)

    with pytest.raises(DataError, match="was changed after it was made"):
        features.run(project, pd.DataFrame.copy)


def test_features_over_all_columns_are_the_same_in_training_and_in_use_whatever_rows_to_score_hold(project, anew):
    columns = dictionary.load(project.dictionary)
    dictionary.write(project.dictionary, {**columns, "colour": replace(columns["colour"], role="ignored")})
    with (project.package / "features.py").open("a") as file:
        file.write("\n\ndef add_features(rows):  # noqa: D103, F811\n    there = rows.notna().sum(axis=1)\n")
        file.write("    return rows.assign(there=there, told='answer' in rows, kept=pd.Series([*there]))\n")
    assert anew(project.root, "train").exit_code == 0
    run, test = loading.load(registry.folders(project)[0]), pd.read_parquet(project.split("test"))
    before = test.drop(columns=["there", "told", "kept"])
    before.to_csv(project.root / "all.csv", index=False)

    rows = [answers.test_rows(project, run), answers.read_rows(project, run, project.root / "all.csv", None)[0]]
    made = [
        run.add_features(one) for one in [*rows, rows[0].drop(columns="colour"), rows[0].set_axis(rows[0].index * 2)]
    ]

    assert not test["told"].any() and "colour" in rows[0] and "answer" not in rows[1]
    for one in made:
        pd.testing.assert_frame_equal(one[["there", "told", "kept"]], test[["there", "told", "kept"]])


@pytest.mark.parametrize("role", ["ignored", "label:ann"])
def test_features_are_made_without_sight_of_labels_and_ignored_columns_which_are_kept(project, role):
    columns, clean = dictionary.load(project.dictionary), pd.read_parquet(project.clean)
    dictionary.write(project.dictionary, {**columns, "colour": replace(columns["colour"], role=role)})

    features.run(project, lambda rows: rows.assign(seen="colour" in rows))

    train = pd.read_parquet(project.split("train"))
    assert not train["seen"].any() and list(train) == [*clean, "seen"]


@pytest.mark.parametrize(
    "add_features",
    [
        lambda rows: rows.assign(light=rows["colour"] == "red"),
        lambda rows: rows.assign(light=rows.colour == "red"),
        lambda rows: rows.assign(light=rows[["colour", "note"]].isna().any(axis=1)),
    ],
    ids=["key", "attribute", "list"],
)
def test_feature_of_an_ignored_column_is_refused_for_rows_to_score_may_lack_it(project, add_features):
    columns = dictionary.load(project.dictionary)
    dictionary.write(project.dictionary, {**columns, "colour": replace(columns["colour"], role="ignored")})

    with pytest.raises(DataError, match="add_features uses 'colour', .*may lack it.\n.*transformation = \"none\""):
        features.run(project, add_features)
    with pytest.raises(DataError, match="changed 'colour'"):
        features.run(project, lambda rows: rows.assign(colour="red"))


@pytest.mark.parametrize(
    "add_features",
    [
        lambda rows: rows.assign(told=rows["answer"] == "yes"),
        lambda rows: rows.assign(told=rows.answer == "yes"),
        lambda rows: rows.assign(filled=rows.drop(columns="answer").notna().sum(axis=1)),
    ],
    ids=["key", "attribute", "guard"],
)
def test_feature_of_the_target_is_refused_for_it_is_not_known_when_a_prediction_is_needed(project, add_features):
    with pytest.raises(
        DataError, match="uses 'answer', role = \"target\": it is not there, for .* needed.\nLeave it out"
    ):
        features.run(project, add_features)


@pytest.mark.parametrize(
    ("add_features", "said"),
    [
        (lambda rows: rows.assign(amount=rows["amount"] * 2), "add_features changed 'amount'"),
        (lambda rows: rows.sort_values("amount"), "gives the rows in another order: 'order', 'am.*.\n.*sort_index"),
        (lambda rows: rows.drop(columns="amount"), "add_features leaves out 'amount'"),
        (lambda rows: pd.concat([rows, rows[["note"]]], axis=1), "add_features gives twice 'note'"),
        (lambda rows: rows.assign(**{"a": 1}).rename(columns={"a": 7}), "a name that is no text, 7"),
        (lambda rows: rows.iloc[1:], "every row must stay"),
        (lambda rows: None, "gives NoneType, not a table.\nEnd it with .* return rows.assign"),
        (lambda rows: rows.assign(words=rows["note"].str.split()), "fills 'words' with list: no model takes that"),
    ],
)
def test_feature_function_that_changes_the_data_drops_rows_or_returns_nothing_is_refused(project, add_features, said):
    with pytest.raises(DataError, match=said):
        features.run(project, add_features)


def test_module_that_lies_beside_the_package_is_refused_before_a_run_relies_on_it(project, anew):
    (project.root / "mytools.py").touch()
    text = "def add_features(rows):\n    import mytools\n\n    return rows.copy()\n"
    (project.package / "features.py").write_text(text)

    done = anew(project.root, "train")

    assert done.exit_code == 1
    assert "imports mytools from mytools.py, where no run would keep it" in done.stderr
    assert f"Move it into src/{package.NAME}/" in done.stderr


def test_module_that_is_looked_up_by_its_written_name_is_refused_for_a_run_would_find_todays(project):
    name = f"{package.NAME}.mytools"
    (project.package / "features.py").write_text(f"import importlib\n\nfound = importlib.import_module('{name}')\n")

    with pytest.raises(DataError, match=f"features.py, line 3: '{name}' is looked up by .*\n.*__package__"):
        features.run(project, pd.DataFrame.copy)


def test_error_in_the_users_code_is_named_with_its_line(project, anew):
    (project.package / "mytools.py").write_text("def twice(rows):\n    return rows['amuont'] * 2\n")
    text = "from .mytools import twice\n\n\ndef add_features(rows):\n    return rows.assign(twice=twice(rows))\n"
    (project.package / "features.py").write_text(text)

    done = anew(project.root, "train")

    assert done.exit_code == 1 and "Traceback" not in done.stderr
    assert f"src/{package.NAME}/mytools.py, line 2: add_features ended in KeyError: 'amuont'" in done.stderr


def test_suspicion_that_can_change_a_score_by_less_than_chance_is_counted_and_not_spelled_out(caplog):
    caplog.set_level("INFO")
    ten, many = (Suspicion("duplicates", (), f"{rows} rows are alike", "", share=rows / 1409) for rows in (10, 300))

    features.say([ten, many], chance=features.Z / 1409**0.5)

    assert "300 rows are alike" in caplog.text and "10 rows are alike" not in caplog.text
    assert "1 small suspicion not spelled out" in caplog.text and "see make explore" in caplog.text
