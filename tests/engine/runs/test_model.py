from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from data_science_project import pipeline
from data_science_project.engine.columns.dictionary import Column
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import DataError, ProjectError, SettingsError
from data_science_project.engine.runs import model
from data_science_project.engine.runs.answers import under
from data_science_project.engine.sources import formats

LOAD = """
import sys
import pandas as pd
from data_science_project import load
load().predict(pd.read_csv(sys.argv[1], dtype=str)).to_csv("by_load.csv", index=False)
"""

SEND = "import pickle, sys; from data_science_project import load; pickle.dump(load(), open(sys.argv[1], 'wb'))"
RECEIVE = """
import pickle, sys
import pandas as pd
with open(sys.argv[1], "rb") as file:
    pickle.load(file).predict(pd.read_csv(sys.argv[2], dtype=str)).to_csv("by_load.csv", index=False)
"""


def test_loaded_model_answers_from_any_folder_as_make_predict_does(project, made_table, command, tmp_path):
    rows = project.root / "rows.csv"
    made_table.head(7).to_csv(rows, index=False)
    with (project.root / "params.toml").open("a") as params:
        params.write("[decision]\ncost_false_positive = 1\ncost_false_negative = 9\n")
    project = settings.load(project.root)
    (made,) = pipeline.make(project, "predict", input=rows)

    done = command(tmp_path, "-c", LOAD, str(rows), PYTHONPATH=str(project.root / "src"))

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "by_load.csv").read_bytes() == made.read_bytes()


def test_loaded_model_answers_in_another_process_that_it_is_sent_to(project, folder, made_table, command, tmp_path):
    rows = tmp_path / "rows.csv"
    made_table.head(7).to_csv(rows, index=False)
    options = {"PYTHONPATH": str(project.root / "src")}

    sent = command(tmp_path, "-c", SEND, "model.pkl", **options)
    done = command(tmp_path, "-c", RECEIVE, "model.pkl", str(rows), **options)

    assert sent.returncode == 0 and done.returncode == 0, sent.stderr + done.stderr
    here = model.load(folder.name).predict(pd.read_csv(rows, dtype=str))
    assert (tmp_path / "by_load.csv").read_text() == here.to_csv(index=False)


def test_data_dictionary_that_is_half_written_stops_no_model_that_has_read_it(project, folder, made_table, caplog):
    loaded = model.load(folder.name)
    before, text = loaded.predict(made_table.head(3)), project.dictionary.read_text()
    project.dictionary.write_text(text[: len(text) // 2])

    assert loaded.predict(made_table.head(3)).equals(before)
    assert any("Until it is mended the rules of before go on" in line for line in caplog.messages)
    with pytest.raises(ProjectError, match="data_dictionary.toml"):
        model.load(folder.name).predict(made_table)


def test_loaded_model_keeps_index_and_rows_as_they_are_and_says_what_make_predict_would(folder, made_table, caplog):
    rows = made_table.head(3).set_axis(["a", "b", "c"]).assign(colour="violet")
    before = rows.copy()
    loaded = model.load(folder.name[-8:])

    assert loaded.predict(rows).index.tolist() == ["a", "b", "c"] and loaded.name == folder.name
    pd.testing.assert_frame_equal(rows, before)
    assert any("'colour'" in line and "violet" in line for line in caplog.messages)


def test_loaded_model_says_what_it_predicts_and_how_well(folder):
    loaded = model.load(folder.name)

    score = loaded.record["metrics"]["dev"]["roc_auc"]
    assert repr(loaded) == f"<Model {folder.name}: 'answer', classification, dev roc_auc {score:.4g}>"


def test_features_are_computed_once_and_rows_of_the_training_are_told_unless_the_model_itself_is_asked(
    folder, made_table, caplog
):
    loaded, asked = model.load(folder.name), []
    add_features = loaded._run.add_features
    loaded._run = replace(loaded._run, add_features=lambda rows: asked.append(len(rows)) or add_features(rows))

    loaded.predict(made_table)
    told = [line for line in caplog.messages if "learned from" in line]
    loaded.predict(made_table, held_out=False)

    assert asked == [len(made_table)] * 2
    assert len(told) == 1 and [line for line in caplog.messages if "learned from" in line] == told


def test_loading_without_a_run_says_how_to_make_one(make_project):
    make_project()

    with pytest.raises(SettingsError, match="Train one: make train"):
        model.load()


def test_category_that_comes_as_a_number_is_answered_alone_as_in_a_batch_and_as_its_word(make_project, made_table):
    sizes = np.where(made_table["answer"] == "yes", "1", "1.5")
    pipeline.make(make_project(made_table.assign(colour=[*sizes[:-9], *["XL"] * 9])), "train")
    loaded, rows = model.load(), made_table.head(3)

    by_word = loaded.predict(rows.assign(colour=["1", "1.5", "1"]))
    numbers = loaded.predict(rows.assign(colour=[1.0, 1.5, 1.0]))
    mixed = loaded.predict(rows.assign(colour=pd.Series([1, 1.5, "1"], dtype=object)))
    alone = [loaded.predict(rows.assign(colour=colour).iloc[[row]]) for row, colour in enumerate([1, 1.5, 1])]

    assert by_word["probability_yes"].nunique() == 3
    for answers in (numbers, mixed, pd.concat(alone)):
        found, expected = (table.drop(columns="seen", errors="ignore") for table in (answers, by_word))
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


def test_list_of_python_is_answered_as_its_text_in_a_file(folder, made_table):
    rows, loaded = made_table.head(4).assign(colour=["red", "green", "blue; red", "red"]), model.load(folder.name)
    lists = pd.Series([["red"], ("green",), np.array(["blue", "red"], dtype=object), {"red"}])
    arrow = lists.map(list).astype(pd.ArrowDtype(pa.list_(pa.string())))

    by_word, *others = [loaded.predict(rows.assign(colour=cells)) for cells in (rows["colour"], lists, arrow)]

    for found in others:
        pd.testing.assert_frame_equal(found, by_word, check_exact=True)


def as_bytes(words, kind=bytes):
    """Words as the bytes that a database or a Parquet file without types gives."""
    return words.map(lambda word: kind(word.encode()), na_action="ignore").astype(object)


@pytest.mark.parametrize(
    "made",
    [
        as_bytes,
        lambda words: as_bytes(words, memoryview),
        lambda words: as_bytes(words).astype(pd.ArrowDtype(pa.binary())),
        lambda words: as_bytes(words).astype("category"),
        lambda words: as_bytes(words).where(words.index > 1, words),
    ],
    ids=["bytes", "memoryview", "Arrow", "category", "some of them text"],
)
def test_bytes_are_answered_as_the_text_that_a_file_reads_of_them_and_said(folder, made_table, made, caplog):
    rows, loaded = made_table.head(5), model.load(folder.name)
    coded = rows.assign(order=made(rows["order"].astype("str")), colour=made(rows["colour"]))

    by_word, by_bytes = loaded.predict(rows), loaded.predict(coded)
    alone = pd.concat([loaded.predict(coded.iloc[[row]]) for row in range(len(rows))])

    for answers in (by_bytes, alone):
        found, expected = (table.drop(columns="seen", errors="ignore") for table in (answers, by_word))
        pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert any("rows: bytes read as UTF-8: 'order'" in line for line in caplog.messages)


def test_data_frame_that_parquet_can_hold_is_as_its_parquet_file(tmp_path):
    frame = pd.DataFrame(
        {
            "a": [{"b": 1, "c": "x"}, None, {"b": 2}],
            "d": [b"\xff", b"ab", None],
            "e": [["x;y", "z"], [], None],
            "f": [1.5, None, 2.0],
            "g": ["x", None, "b'y'"],
        }
    )
    frame.to_parquet(tmp_path / "rows.parquet")
    read, notes = formats.table((tmp_path / "rows.parquet").read_bytes(), {})

    here, lines = model.as_of_a_file(frame, {})

    pd.testing.assert_frame_equal(here.astype({"g": "str"}), read, check_exact=True)
    assert sorted(lines) == sorted(f"rows: {note}" for note in notes) and len(lines) == 4
    pd.testing.assert_frame_equal(model.as_of_a_file(frame[["f", "g"]], {})[0], frame[["f", "g"]])


@pytest.mark.parametrize(("learned", "today", "text"), [("|", "|", "a;b| c"), (";", "|", "a,b; c")])
def test_list_of_python_is_joined_by_the_separator_of_its_column_that_the_run_learned(learned, today, text):
    then, now = ({"tags": Column(type="list", separator=mark)} for mark in (learned, today))

    found, _ = model.as_of_a_file(pd.DataFrame({"tags": [["a;b", "c"], ["c"]]}), under(then, now))

    assert found["tags"].tolist() == [text, "c"]


def test_times_of_a_zone_are_said_to_be_turned_into_utc(folder, made_table, caplog):
    loaded, days = model.load(folder.name), pd.to_datetime(made_table["day"])

    loaded.predict(made_table.assign(day=days.dt.tz_localize("UTC")))
    silent = not any("zone" in line for line in caplog.messages)
    loaded.predict(made_table.assign(day=days.dt.tz_localize("Europe/Berlin")))

    assert silent
    assert any("'day': times of the zone Europe/Berlin turned into UTC" in line for line in caplog.messages)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda rows: rows.iloc[0].to_dict(), "dict is no pandas DataFrame.*\n.*DataFrame"),
        (lambda rows: pa.Table.from_pandas(rows), "Table is no pandas DataFrame.*\n.*to_pandas"),
        (lambda rows: rows.head(0), "no rows. At least one"),
        (lambda rows: pd.concat([rows, rows[["amount"]]], axis=1), "column 'amount' is there twice"),
        (lambda rows: pd.concat({"now": rows}, axis=1), "names of columns in 2 levels.*\n.*join"),
    ],
    ids=["one row as a dict", "another package's table", "no rows", "a column twice", "names in levels"],
)
def test_what_is_no_table_of_rows_is_refused_with_its_cure(folder, made_table, made, said):
    loaded = model.load(folder.name)

    for asked in (loaded.predict, loaded.reasons):
        with pytest.raises(DataError, match=said):
            asked(made(made_table))
