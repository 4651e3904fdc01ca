import zipfile
from dataclasses import replace

import pandas as pd
import pytest

from data_science_project import pipeline, predict
from data_science_project.engine.columns import dictionary
from data_science_project.engine.project import records, settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import registry


@pytest.fixture
def new(made_table):
    return made_table.drop(columns="answer").head(10)


def said_of(project, folder, text):
    """Score a file of this text; what was decided and found in it."""
    (project.root / "new.csv").write_text(text, encoding="utf-8")
    return predict.run(project, folder=folder, input=project.root / "new.csv", output=project.root / "out.csv")


def score(project, folder, table):
    said_of(project, folder, table.to_csv(index=False))
    return pd.read_csv(project.root / "out.csv")


def test_file_has_ids_or_the_number_of_the_row_prediction_probabilities_confident_and_run(project, folder, new):
    strict = settings.load(project.root, ["predict.abstain_below=1.0"])

    found = score(project, folder, new)

    expected = ["order", "prediction", "probability", "probability_no", "probability_yes", "seen", "confident", "run"]
    assert list(found) == expected, "seen, because the run learned from some of these rows"
    assert found["order"].tolist() == new["order"].tolist() and set(found["run"]) == {folder.name}
    assert (found["probability"] == found[["probability_no", "probability_yes"]].max(axis=1)).all()
    assert score(project, folder, new.drop(columns="order"))["row"].tolist() == list(range(1, 11))
    assert found["confident"].all() and not score(strict, folder, new)["confident"].any()


def test_ids_are_answered_as_they_stand_and_those_that_stand_twice_are_said(project, folder, new):
    ids = ["3E5", "1e30", "0012", "+7", "1001", "1001", "9007199254740993", "1.0", "12345678901234567890", "-0"]

    said = said_of(project, folder, new.assign(order=ids).to_csv(index=False))

    assert pd.read_csv(project.root / "out.csv", dtype=str)["order"].tolist() == ids
    assert "new.csv: column 'order' has ids that stand twice, like '1001' (2 rows: 6, 7)" in said


def test_cells_that_a_spreadsheet_would_compute_get_an_apostrophe_and_it_is_said(project, folder, new):
    ids = ["=1+1", "@x", "-5", *map(str, range(7))]

    said = said_of(project, folder, new.assign(order=ids).to_csv(index=False))

    assert pd.read_csv(project.root / "out.csv", dtype=str)["order"].tolist() == ["'=1+1", "'@x", *ids[2:]]
    assert said[-1].startswith("cells that begin like a formula, now with an apostrophe") and said[-1].endswith(": 2")


def test_row_gets_the_same_answer_from_a_file_and_from_the_test_split(project, folder, made_table):
    predict.run(project, folder=folder, input=None, output=project.root / "test.csv")
    test = pd.read_csv(project.root / "test.csv")
    rows = made_table.set_index("order").loc[test["order"]].reset_index().drop(columns="answer")

    assert test["order"].tolist() == pd.read_parquet(project.split("test"))["order"].tolist()
    pd.testing.assert_frame_equal(score(project, folder, rows), test, check_exact=True)


def test_input_that_does_not_fit_or_was_edited_is_refused_and_nothing_is_written(project, folder, new):
    new.loc[3, "amount"] = 99999
    project.split("test").write_bytes(b"edited")

    with pytest.raises(DataError, match=r"new\.csv: column 'amount'.* outside .* \(1 row: 5\)"):
        score(project, folder, new)
    with pytest.raises(DataError, match=r"test\.parquet was changed"):
        predict.run(project, folder=folder, input=None, output=project.root / "out.csv")

    assert not (project.root / "out.csv").exists()


def test_range_that_was_widened_since_counts_and_another_target_does_not_reach_the_run(project, folder, new):
    new.loc[3, "amount"] = 99999
    columns = dictionary.load(project.dictionary)
    roles = {"colour": "target", "answer": "feature"}
    changed = {name: replace(column, role=roles.get(name, column.role)) for name, column in columns.items()}
    wider = {**changed, "amount": replace(columns["amount"], range=(0.0, 1e6))}
    dictionary.write(project.dictionary, wider)

    assert len(score(project, folder, new)) == 10


def test_file_that_holds_no_predictions_is_not_overwritten_and_predictions_are(project, folder, new):
    (project.root / "out.csv").write_text("my,own,notes\n")

    with pytest.raises(DataError, match="out.csv exists and holds no predictions"):
        score(project, folder, new)

    assert (project.root / "out.csv").read_text() == "my,own,notes\n"
    (project.root / "out.csv").unlink()
    assert [len(score(project, folder, rows)) for rows in (new, new.head(3))] == [10, 3]


def test_edited_transformations_change_the_model_and_a_row_alone_is_as_in_a_batch(project, new):
    columns = dictionary.load(project.dictionary)
    how = {"amount": "log", "note": "string encoding", "day": "none"}
    edited = {name: replace(columns[name], transformation=kind) for name, kind in how.items()}
    dictionary.write(project.dictionary, columns | edited)

    other = pipeline.make(project, "train")[0].parent
    together, alone = (score(project, other, rows) for rows in (new, new.iloc[[3]]))

    found = {name: kind for kind, names in registry.read(other)["features"].items() for name in names}
    assert {name: found.get(name, "none") for name in how} == how
    together, alone = (answers.drop(columns="seen", errors="ignore") for answers in (together, alone))
    assert (together.iloc[3] == alone.iloc[0]).all()


def test_predictions_of_another_file_of_that_name_are_kept_and_decisions_are_on_record(project, made_table):
    made_table.head(3).assign(new=1).to_csv(project.root / "new.csv", index=False, sep=";")
    later = project.root / "later" / "new.csv"
    later.parent.mkdir()
    made_table.head(5).to_csv(later, index=False)
    (output,) = pipeline.make(project, "predict", input=project.root / "new.csv")

    with pytest.raises(DataError, match=r"holds the predictions of new.csv, not of later.new.csv"):
        pipeline.make(project, "predict", input=later)
    pipeline.make(project, "predict", input=later, output=project.root / "data/predictions/n.csv")

    decisions = records.recorded(output)["decisions"]
    assert len(pd.read_csv(output)) == 3
    assert "separator ';'" in decisions[0] and "left out: new" in decisions[1]


@pytest.mark.parametrize(
    ("count", "line", "text", "rows"),
    [(10, 5, "red,0.1", [1, 2, 3, *range(5, 12)]), (1, 1, "Orders of today,,,", [1])],
    ids=["a line that fits no column has a reason", "a title though one row follows"],
)
def test_every_line_of_a_file_has_an_answer_or_a_reason(project, folder, new, count, line, text, rows):
    lines = new.head(count).drop(columns="order").to_csv(index=False).splitlines()

    said_of(project, folder, "\n".join([*lines[: line - 1], text, *lines[line - 1 :]]) + "\n")

    assert pd.read_csv(project.root / "out.csv")["row"].tolist() == rows
    assert pd.read_csv(project.root / "out_set_aside.csv")["line"].tolist() == [line]


def test_file_without_a_row_is_refused_and_one_that_does_not_fit_leaves_no_line_set_aside(project, folder, new):
    with pytest.raises(DataError, match="new.csv: a header, but no rows"):
        score(project, folder, new.head(0))
    with pytest.raises(DataError, match="amount"):
        said_of(project, folder, "Orders of today,,,\n" + new.assign(amount=-9e9).to_csv(index=False))

    assert not [*project.root.glob("out*")]


def test_members_of_an_archive_are_answered_each_in_a_file_of_its_own(project, folder, new):
    with zipfile.ZipFile(project.root / "new.zip", "w") as archive:
        archive.writestr("in/a.csv", new.head(3).to_csv(index=False))
        archive.writestr("in/b.csv", new.to_csv(index=False))
    asked = [project.root / f"new.zip?member=in/{name}.csv" for name in "ab"]

    (first,), (second,) = (pipeline.make(project, "predict", run=folder.name, input=path) for path in asked)

    assert [first.name, second.name] == ["new.zip_in_a.csv", "new.zip_in_b.csv"]
    assert [len(pd.read_csv(path)) for path in (first, second)] == [3, 10]
    assert "members read: in/b.csv" in records.recorded(second)["decisions"]
    written = second.stat().st_mtime_ns
    pipeline.make(project, "predict", run=folder.name, input=asked[1])
    assert second.stat().st_mtime_ns == written
    with pytest.raises(DataError, match=r"nothing\.zip: no such file"):
        pipeline.make(project, "predict", run=folder.name, input=project.root / "nothing.zip?member=in/a.csv")


def test_paths_are_those_of_where_they_were_typed_and_an_output_without_a_folder_lies_with_the_predictions(
    project, new, call
):
    here = project.root / "notebooks"
    here.mkdir()
    new.to_csv(here / "new.csv", index=False)

    bare, named = (call(here, "predict", "--input", "new.csv", "--output", path) for path in ("list.csv", "./list.csv"))

    assert (bare.exit_code, named.exit_code) == (0, 0), bare.stderr + named.stderr
    assert (bare.stdout, named.stdout) == ("data/predictions/list.csv\n", "notebooks/list.csv\n")
    assert (here / "list.csv").is_file() and (project.root / "data" / "predictions" / "list.csv").is_file()


def test_list_is_written_as_a_workbook_too_and_no_other_workbook_is_overwritten(project, new, call):
    new.to_csv(project.root / "new.csv", index=False)
    (project.root / "mine.xlsx").write_bytes(b"mine")
    words = ("predict", "--input", "new.csv", "--output")

    done = [call(project.root, *words, output) for output in ("list.xlsx", "list.csv", "./mine.xlsx", "list.ods")]
    again = call(project.root, *words, "list.xlsx", "--set", "decision.capacity=3")

    folder = project.root / "data" / "predictions"
    assert [one.exit_code for one in done] == [0, 0, 1, 2] and again.exit_code == 0
    found = pd.read_excel(folder / "list.xlsx", engine="calamine")
    assert found["act"].tolist() == ["yes"] * 3 + ["no"] * 7
    answers = found.drop(columns=["rank", "act"]).sort_values("order", ignore_index=True)
    pd.testing.assert_frame_equal(answers, pd.read_csv(folder / "list.csv"))
    assert "mine.xlsx exists and holds no predictions" in done[2].stderr
