import pandas as pd
import pytest

from data_science_project import data, pipeline
from data_science_project.engine.columns import dictionary
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.sources import source


def fetched(project):
    return source.fetch(project.root, project.settings.data.source)


def test_table_becomes_typed_rows_and_a_dictionary_and_decisions_are_said(make_project, made_table, caplog):
    caplog.set_level("INFO")
    project = make_project(data={"source": "table.csv", "target": "answer", "drop": ["colour"]})

    data.run(project, fetched(project))

    clean, columns = pd.read_parquet(project.clean), dictionary.load(project.dictionary)
    assert clean.shape == (120, 6) and list(clean) == [name for name in made_table if name != "colour"]
    assert clean["amount"].dtype == "float64" and clean["day"].dtype == "datetime64[us]"
    assert dictionary.target(columns) == "answer" and columns["colour"].role == "ignored"
    said = "\n".join(caplog.messages)
    assert "separator ','" in said and "ids, kept beside the predictions: order" in said
    assert "120 rows, 6 columns" in said


def test_dictionary_that_is_there_is_obeyed_and_not_written_again(project, made_table):
    text = project.dictionary.read_text(encoding="utf-8").replace('description = ""', 'description = "mine"')
    project.dictionary.write_text(text.replace("range = [", "range = [-9, 999] # ["), encoding="utf-8")
    made_table.loc[1, "amount"] = 1e6
    made_table.to_csv(project.root / "table.csv", index=False)

    with pytest.raises(DataError, match=r"column 'amount' has .* outside -9 ... 999(.|\n)*\(1 row: 3\)"):
        data.run(project, source.fetch(project.root, "table.csv", accept=True))

    assert 'description = "mine"' in project.dictionary.read_text(encoding="utf-8")


def test_rows_without_a_target_are_left_out_and_said(make_project, made_table, caplog):
    made_table.loc[:4, "answer"] = None
    project = make_project(made_table)

    data.run(project, fetched(project))

    clean = pd.read_parquet(project.clean)
    assert clean.index.tolist() == list(range(7, len(made_table) + 2))  # as an editor counts: the header is row 1
    assert "5 rows without a value of 'answer' left out" in caplog.messages


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "Answer "}, ["no column 'Answer '", "Did you mean 'answer'", "Found: order"]),
        ({"target": "result"}, ["no column 'result'", "Set [data] target"]),
        ({"drop": ["colour", "size"]}, ["[data] drop names 'size'", "Found: order"]),
    ],
)
def test_column_that_is_not_in_the_source_is_named(make_project, changes, words):
    project = make_project(data={"source": "table.csv", "target": "answer", **changes})

    with pytest.raises(SettingsError) as caught:
        data.run(project, fetched(project))

    assert all(word in str(caught.value) for word in words), caught.value
    assert not project.dictionary.exists() and not project.clean.exists()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.target=colour", "target = 'colour'.*says 'answer'"),
        ('data.drop=["colour"]', "drop names 'colour'.*'feature'"),
    ],
)
def test_params_and_dictionary_that_disagree_are_both_named(project, override, words):
    with pytest.raises(SettingsError, match=words):
        data.run(settings.load(project.root, [override]), fetched(project))


def test_marks_that_params_want_and_the_dictionary_does_not_have_are_said(project, caplog):
    changed = settings.load(project.root, ['data.read={decimal=","}'])

    pipeline.make(changed, "data")

    assert "[data.read] has decimal = ',', but decimal of references/data_dictionary.toml counts" in caplog.text
    assert "'amount'" in caplog.text
