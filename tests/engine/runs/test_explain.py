import re

import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.runs import answers, loading


def of_columns(text):
    """The last table of the text: a line a column, split where blanks are wide."""
    return {line.split()[0]: line for line in text.rpartition("\n\n")[2].splitlines()[1:]}


def test_row_of_the_test_split_is_told_with_its_answer_its_reasons_and_other_values(project, folder):
    test = pd.read_csv(project.root / "data/predictions/test.csv").iloc[2]

    by_id, by_number = (pipeline.explain(project, row=row) for row in (str(test["order"]), "3"))

    assert by_id.splitlines()[0] == f"order {test['order']} of data/processed/test.parquet, run {folder.name}"
    assert by_number.splitlines()[0] == f"row 3 of data/processed/test.parquet, run {folder.name}"
    assert by_id.splitlines()[1:] == by_number.splitlines()[1:]
    assert f"\nprobability_yes  {test['probability_yes']:.4g}\n" in by_id
    assert "What moved the probability of 'yes'" in by_id
    assert set(of_columns(by_id)) <= {"amount", "colour", "shop", "day", "note"} and "amount" in of_columns(by_id)


def test_row_of_a_file_says_what_the_answer_would_be_with_another_value(project, folder, made_table):
    table = made_table.drop(columns="answer").assign(order=made_table["order"] + 5000)
    table.to_csv(project.root / "new.csv", index=False)
    high = table.loc[table["amount"].idxmax()]

    line = of_columns(pipeline.explain(project, row=str(high["order"]), input=project.root / "new.csv"))["amount"]

    least, most = (float(text.split()[-1]) for text in line.split(" with ")[:2])
    assert f"amount  {high['amount']:g}" in line and least < most
    assert line.count(" with ") == 2


def test_row_that_was_learned_from_says_whose_answer_its_other_values_are_beside(project, folder, made_table):
    known = pd.read_parquet(project.root / "data/processed/train.parquet")["order"].iloc[0]
    row = made_table[made_table["order"] == known].drop(columns="answer")
    path = project.root / "known.csv"
    row.to_csv(path, index=False)

    said = pipeline.explain(project, row=str(known), input=path)

    own = loading.load(folder)
    expected = own.model.predict_proba(own.add_features(answers.read_rows(project, own, path, None)[0]))
    assert re.search(r"\nseen +held out\n", said)
    assert f"By the model itself, which learned from this row and says {expected[0, 1]:.4g}:\n" in said


def test_word_of_few_rows_is_compared_with_no_missing_cell_where_none_was_and_nothing_is_written(
    make_project, made_table
):
    codes = [f"c{row // 2}" for row in range(1200)]
    table = made_table.sample(1200, replace=True, random_state=0).assign(order=range(1200), colour=codes, note="x")
    project = make_project(table.assign(answer=["yes", "yes", "no", "no"] * 300))
    pipeline.make(project, "train")
    path = project.root / "new.csv"
    path.write_text("a title\n" + table.drop(columns="answer").to_csv(index=False))

    said = pipeline.explain(project, row="1", input=path)

    assert of_columns(said)["colour"].split()[-2:] == ["-", "-"]
    assert not [*project.root.rglob("*set_aside*")]


def test_row_that_is_not_there_is_named_with_those_that_are(project, folder):
    with pytest.raises(DataError, match=r"no row '9999'.*\nAllowed: 1 to 24, or an id in order, such as \d+"):
        pipeline.explain(project, row="9999")
    with pytest.raises(SettingsError, match="Which row"):
        pipeline.explain(project, row="")
