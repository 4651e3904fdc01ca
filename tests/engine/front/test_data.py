import zipfile
from dataclasses import replace

import pandas as pd
import pytest

from data_science_project import data, pipeline
from data_science_project.engine.columns import dictionary
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import DataError, ProjectError, SettingsError
from data_science_project.engine.runs import registry
from data_science_project.engine.sources import source


def fetched(project):
    return source.fetch(project.root, project.settings.data.source)


def test_table_becomes_typed_rows_and_a_dictionary_and_decisions_are_said(make_project, made_table, caplog):
    caplog.set_level("INFO")
    project = make_project(data={"source": "table.csv", "target": "answer", "drop": ["colour"]})

    data.run(project, fetched(project))

    clean, columns = pd.read_parquet(project.clean), dictionary.of(project)
    assert clean.shape == (120, 6) and list(clean) == [name for name in made_table if name != "colour"]
    assert clean["amount"].dtype == "float64" and clean["day"].dtype == "datetime64[us]"
    assert dictionary.target(columns) == "answer" and columns["colour"].role == "ignored"
    assert dictionary.load(project.inferred) == dictionary.load(project.dictionary)
    assert project.inferred.read_text(encoding="utf-8").startswith("# What inference said")
    said = "\n".join(caplog.messages)
    assert "separator ','" in said and "ids, kept beside the predictions: order" in said
    assert "120 rows, 6 columns" in said


def test_file_of_a_glob_without_the_target_is_refused(make_project, made_table):
    project = make_project(data={"source": "table*.csv", "target": "answer"})
    made_table.drop(columns="answer").to_csv(project.root / "table2.csv", index=False)

    with pytest.raises(DataError, match="need most columns and 'answer' in common"):
        data.run(project, fetched(project))


def test_dictionary_that_is_there_is_obeyed_and_not_written_again(project, made_table):
    text = project.dictionary.read_text(encoding="utf-8").replace('description = ""', 'description = "mine"')
    project.dictionary.write_text(text.replace("range = [", "range = [-9, 999] # ["), encoding="utf-8")
    made_table.loc[1, "amount"] = 1e6
    made_table.to_csv(project.root / "table.csv", index=False)

    with pytest.raises(DataError, match=r"column 'amount' has .* outside -9 ... 999(.|\n)*\(1 row: 3\)"):
        data.run(project, source.fetch(project.root, "table.csv", source.Terms(accept=True)))

    assert 'description = "mine"' in project.dictionary.read_text(encoding="utf-8")


def test_date_and_time_of_day_are_one_moment_from_the_table_to_the_answers(make_project, made_table):
    begin = pd.date_range("2026-01-01", periods=120, freq="7h")
    parts = {"Date": begin.strftime("%d/%m/%Y"), "Time": begin.strftime("%H:%M"), "end": begin + pd.Timedelta("36h")}
    table = made_table.drop(columns="day").assign(**parts)
    project = make_project(table)
    table.drop(columns="answer").head(3).to_csv(project.root / "new.csv", index=False)

    (answers,) = pipeline.make(project, "predict", input=project.root / "new.csv")

    clean, train = pd.read_parquet(project.clean), pd.read_parquet(project.split("train"))
    assert clean["moment"].tolist() == begin.tolist() and not {"Date", "Time"} & set(clean)
    assert set(train["days from end to moment"]) == {-1.5} and len(pd.read_csv(answers)) == 3
    assert {"moment", "end"} <= set(registry.read(registry.folders(project)[0])["features"]["date parts"])


@pytest.mark.parametrize("again", [False, True])
def test_rows_without_a_target_are_left_out_of_a_first_and_of_a_later_source_and_said(
    make_project, made_table, caplog, again
):
    project = make_project(made_table)
    if again:
        data.run(project, fetched(project))
    made_table.loc[:4, "answer"] = None
    made_table.to_csv(project.root / "table.csv", index=False)

    data.run(project, source.fetch(project.root, "table.csv", source.Terms(accept=True)))

    clean = pd.read_parquet(project.clean)
    assert clean.index.tolist() == list(range(7, len(made_table) + 2))  # as an editor counts: the header is row 1
    assert "5 rows without a value of 'answer' left out" in caplog.messages


@pytest.mark.parametrize("cells", [[0, 1], ["yes", "no"], [True, False]])
def test_classes_are_called_the_same_whether_or_not_a_row_has_none(make_project, made_table, cells):
    project = make_project(made_table.assign(answer=[cells[row % 2] for row in range(len(made_table))]))
    data.run(project, fetched(project))
    whole = pd.read_parquet(project.clean)
    table = pd.read_csv(project.root / "table.csv", dtype=str)
    table.loc[4, "answer"] = None
    table.to_csv(project.root / "table.csv", index=False)

    data.run(project, source.fetch(project.root, "table.csv", source.Terms(accept=True)))

    clean = pd.read_parquet(project.clean)
    assert clean["answer"].dtype == whole["answer"].dtype and clean["answer"].unique().tolist() == cells
    assert len(clean) == len(whole) - 1


def as_it_is(text):
    return text


@pytest.mark.parametrize(
    ("about", "change", "words"),
    [
        ({"target": "Answer "}, as_it_is, ["no column 'Answer '", "Did you mean 'answer'", "Found: order"]),
        ({"target": "caf\u00e9"}, lambda text: text.replace("answer", "cafe\u0301"), ["Did you mean 'cafe\\u0301'"]),
        ({"target": "result"}, as_it_is, ["no column 'result'", "Set [data] target"]),
        ({"drop": ["colour", "size"]}, as_it_is, ["[data] drop names 'size'", "Found: order"]),
        ({}, lambda text: text.replace(",yes\n", ",\n").replace(",no\n", ",\n"), ["'answer' is empty in all 120"]),
        ({}, lambda text: text.replace(",", "_"), ["set separator"]),
        ({}, lambda text: text.partition("\n")[0] + "\n", ["a header, but no rows"]),
        ({}, lambda text: text.partition("\n")[2], ["set header = true"]),
        ({}, lambda text: text + "1,2,3,4\n" * 9 + text.partition("\n")[2], ["9 of 249 lines do not fit"]),
        ({"target": "x"}, lambda text: text.replace("order", '"order\nn"', 1), ["Found: order n"]),
    ],
)
def test_table_that_is_not_as_wanted_is_refused_in_three_lines_and_leaves_nothing(make_project, about, change, words):
    project = make_project(data={"source": "table.csv", "target": "answer", **about})
    path = project.root / "table.csv"
    path.write_text(change(path.read_text()))

    with pytest.raises(ProjectError) as caught:
        data.run(project, fetched(project))

    message = str(caught.value)
    assert all(word in message for word in words) and message.count("\n") < 3, message
    assert "data/raw" not in message  # the source is to be mended, not its copy
    assert not project.clean.exists() and not project.dictionary.exists()


def test_date_as_the_target_is_refused(make_project, made_table):
    project = make_project(made_table, data={"source": "table.csv", "target": "day"})

    with pytest.raises(SettingsError, match="'day' is a date"):
        data.run(project, fetched(project))


def test_member_of_an_archive_reaches_the_clean_table_unless_it_unpacks_beyond_the_limit(make_project, made_table):
    about = {"source": "t.data?member=t.json", "target": "answer", "drop": ["parts"]}
    small = make_project(data={**about, "max_gigabytes": 1e-7})
    records = made_table.assign(tags=[["a", "b"]] * 120, parts=[[{"n": 1}]] * 120)
    with zipfile.ZipFile(small.root / "t.data", "w") as archive:
        archive.writestr("t.json", records.to_json(orient="records"))
        archive.writestr("other.csv", "a,b\n1,2\n")

    with pytest.raises(DataError, match="max_gigabytes"):
        data.run(small, fetched(small))
    project = make_project(data=about)
    said = data.run(project, fetched(project))

    clean = pd.read_parquet(project.clean)
    assert clean["tags"].unique().tolist() == ["a; b"] and "parts" not in clean
    assert "members read: t.json" in said


def test_params_and_dictionary_that_disagree_are_both_named(project):
    changed = settings.load(project.root, ["data.target=colour"])

    with pytest.raises(SettingsError, match=r"target = 'colour'.*says 'answer'(.|\n)*make data INFER=1"):
        data.run(changed, fetched(project))


def test_column_dropped_after_the_first_run_is_neither_judged_nor_learned_nor_wanted_and_back_as_it_was(
    project, made_table
):
    before, clean = project.dictionary.read_text(encoding="utf-8"), pd.read_parquet(project.clean)
    pipeline.make(settings.load(project.root, ['data.drop=["amount"]']), "data")
    pipeline.make(project, "data")
    assert pd.read_parquet(project.clean).equals(clean)
    made_table["amount"] = "no number any more"
    made_table.to_csv(project.root / "table.csv", index=False)
    made_table.drop(columns=["amount", "answer"]).to_csv(project.root / "new.csv", index=False)
    dropping = settings.load(project.root, ['data.drop=["amount"]'])

    (folder,) = {path.parent for path in pipeline.make(dropping, "train", accept=True)}
    answers = pipeline.make(dropping, "predict", input=project.root / "new.csv", run=folder.name)

    assert "amount" not in pd.read_parquet(project.clean) and len(pd.read_csv(answers[0])) == len(made_table)
    assert dictionary.load(folder / registry.DICTIONARY)["amount"].role == "ignored"
    assert project.dictionary.read_text(encoding="utf-8") == before


def test_infer_keeps_what_a_person_changed_and_brings_the_rest_up_to_date(project, made_table, caplog):
    text = project.dictionary.read_text(encoding="utf-8").replace('description = ""', 'description = "mine"', 1)
    project.dictionary.write_text(text + "\n# by hand\n", encoding="utf-8")
    table = made_table.assign(colour="red", size=range(120)).drop(columns="note")
    table.to_csv(project.root / "table.csv", index=False)

    pipeline.make(project, "data", infer=True, accept=True)

    columns, text = dictionary.load(project.dictionary), project.dictionary.read_text(encoding="utf-8")
    assert columns["order"].description == "mine" and "# by hand" in text
    assert columns["colour"].role == columns["note"].role == "ignored" and columns["size"].role == "id"
    assert {"size"} <= set(pd.read_parquet(project.clean)) and "gone from the source" in text
    caplog.set_level("INFO")
    pipeline.make(project, "data")
    assert "nothing to do" in caplog.text


def test_without_what_inference_said_before_every_line_counts_as_a_persons(project, made_table, caplog):
    caplog.set_level("INFO")
    project.inferred.unlink()
    before = dictionary.load(project.dictionary)
    table = made_table.assign(size=range(0, 240, 2), amount=made_table["amount"] * 9)
    table.to_csv(project.root / "table.csv", index=False)

    with pytest.raises(DataError, match="'amount' has values outside"):
        pipeline.make(project, "data", infer=True, accept=True)

    columns = dictionary.load(project.dictionary)
    assert {name: columns[name] for name in before} == before and "size" in columns
    assert "data_dictionary.inferred.toml is not there" in caplog.text


def test_marker_that_params_want_and_no_column_has_is_said_with_the_cure(project, made_table, caplog):
    made_table["colour"] = made_table["colour"].fillna("unknown")
    made_table.to_csv(project.root / "table.csv", index=False)
    changed = settings.load(project.root, ['data.read={missing=["unknown"]}'])

    pipeline.make(changed, "data", accept=True)
    pipeline.make(changed, "data", infer=True)

    assert "[data.read] has missing = ['unknown'], but 'missing' of no column in references/" in caplog.text
    assert "make data INFER=1" in caplog.text
    assert "unknown" in dictionary.load(project.dictionary)["colour"].missing


def test_marks_and_bounds_that_count_for_nothing_and_a_category_that_knows_no_word_are_said(project, caplog):
    columns = dictionary.of(project)
    dictionary.write(project.dictionary, {**columns, "colour": replace(columns["colour"], values=None)}, [])
    text = project.dictionary.read_text(encoding="utf-8")
    project.dictionary.write_text(text.replace('role = "id"', 'role = "id"\nrange = [0, 5]', 1), encoding="utf-8")
    changed = settings.load(project.root, ['data.read={decimal=","}'])

    data.run(changed, fetched(project))

    assert "range and values of an id are not looked at: 'order'" in caplog.text
    assert "[data.read] has decimal = ',', but decimal of references/data_dictionary.toml counts" in caplog.text
    assert "'amount'" in caplog.text
    assert "a new one is not noticed, and 1.0 is another than 1: 'colour'" in caplog.text


def test_lines_in_no_row_are_kept_with_reason_and_place_and_said(make_project, made_table, tmp_path):
    project = make_project(made_table)
    path = project.root / "table.csv"
    path.write_text("# a title\n" + path.read_text(encoding="utf-8") + "A1,B2,C3\n", encoding="utf-8")

    said = data.run(project, fetched(project))

    kept = pd.read_csv(project.clean.with_name("set_aside.csv"))
    assert kept[["file", "line", "text"]].to_numpy().tolist() == [["table.csv", 123, "A1,B2,C3"]]
    assert said[0].startswith("lines set aside in set_aside.csv: 1 (the first: table.csv, line 123, ")
    assert len(pd.read_parquet(project.clean)) == 120


def test_more_columns_than_can_be_described_are_refused_with_the_cure(make_project, made_table, monkeypatch):
    monkeypatch.setattr(data, "MOST_COLUMNS", 5)
    project = make_project(made_table)

    with pytest.raises(DataError, match="7 columns. Allowed: 5(.|\n)*name others in drop"):
        data.run(project, fetched(project))
