import tomllib
import typing

import pandas as pd
import pytest

from data_science_project.engine.columns import dictionary
from data_science_project.engine.columns.validate import validate
from data_science_project.engine.project.errors import DataError, ProjectError

NAMES = ["plain", "a.b", "with blank", 'quote " and \\', "tab\t, line\n, del\x7f", "größe", "[x]", "#", "", "true"]


def test_what_was_written_is_read_again_whatever_the_columns_are_called(path):
    strict = {"missing_allowed": False, "range": (-1.5, 1e300), "rule": "treat as missing"}
    marks = {"description": 'in "EUR", größer \\ kleiner', "decimal": ",", "thousands": ".", "missing": ("?", 'n"a')}
    full = dictionary.Column(type="number", transformation="number", **strict, **marks)
    listed = dictionary.Column(type="category", values=("a, b", "c\nd", ""), rule="warn")
    odd = {name: dictionary.Column(type="text", description=name) for name in NAMES}
    before = columns(full=full, listed=listed, **odd)

    dictionary.write(path, before)

    assert dictionary.load(path) == before
    assert list(dictionary.load(path)) == list(before)


def test_column_is_a_table_of_the_keys_that_say_something():
    text = dictionary.dumps({"age": dictionary.Column(type="integer", range=(0.0, 120.0))})

    before, after = text.removeprefix(dictionary.HEADER).split("range = [0, 120]\n")
    assert before == '\n["age"]\ntype = "integer"\nrole = "feature"\nmissing_allowed = true\n'
    assert after == 'rule = "refuse"\ntransformation = "none"\ndescription = ""\n'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data_dictionary.toml"


def columns(**more):
    return {"y": dictionary.Column(type="category", role="target"), **more}


def test_keys_types_and_transformations_are_explained_at_the_top_of_the_file(path):
    known = set(typing.get_args(dictionary.Transformation))

    dictionary.write(path, columns())

    text = path.read_text(encoding="utf-8")
    assert all(f"# {key} " in text for key in tomllib.loads(text)["y"])
    assert {name for allowed in dictionary.ALLOWED.values() for name in allowed} == known
    assert all(name in dictionary.HEADER for name in (*known, *dictionary.ALLOWED))


@pytest.mark.parametrize("kind", dictionary.ALLOWED)
def test_transformation_that_the_type_does_not_allow_is_refused_with_those_it_does(path, kind):
    wrong = "date parts" if kind != "datetime" else "number"
    dictionary.write(path, columns(x=dictionary.Column(type=kind, transformation=wrong)))

    with pytest.raises(DataError, match=f"'{wrong}' does not fit a column of type {kind}") as caught:
        dictionary.load(path)

    assert all(repr(name) in str(caught.value) for name in dictionary.ALLOWED[kind])


TARGET = "[y]\ntype = 'category'\nrole = 'target'\n"
LABEL = "[{}]\ntype = 'category'\nrole = 'label:ann'\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ["data_dictionary.toml"]),
        ("not toml", ["data_dictionary.toml"]),
        (f"{TARGET}>>>>>>> colour\n", ["is git's mark of a merge conflict, '>>>>>>> colour'"]),
        ("[x]\ntype = 'integer'\n", ["by no column", "Give it to the target of [data]"]),
        ("[x]\ntype = 'integer'\nrole = 'target'\n[y]\ntype = 'integer'\nrole = 'target'\n", ["by 'x', 'y'"]),
        ("[x]\ntype = 'int'\nrole = 'target'\n", ["[x] type", "'int'", "'integer'"]),
        ("[x]\ntype = 'integer'\nrole = 'target'\nmaximum = 3\n", ["[x]", "'maximum'", "range"]),
        ("[x]\nrole = 'target'\n", ["[x]", "'type' is missing"]),
        ("x = 3\n", ["[x]", "not a table"]),
        (f"{TARGET}[x]\ntype = 'list'\n", ["[x] type = 'list'", "needs a separator"]),
        ("[x]\ntype = 'text'\nrole = 'label:'\n", ["[x] role", "'label:'", "label:<who>"]),
        ("[x]\ntype = 'text'\nrole = 'labels'\n", ["[x] role", "'labels'", "'feature'"]),
        (f"{TARGET}[a]\ntype = 'number'\nrole = 'label:ann'\n", ["[a] type", "'number'", "'y'", "'category'"]),
        (f"{TARGET}{LABEL.format('a')}{LABEL.format('b')}", ["two columns", "'label:ann'"]),
    ],
)
def test_missing_file_and_mistake_in_it_are_named(path, text, words):
    if text:
        path.write_text(text)

    with pytest.raises(ProjectError) as caught:
        dictionary.load(path)

    assert all(word in str(caught.value) for word in words), caught.value


def test_column_that_became_an_id_keeps_no_bounds_for_a_new_customer_has_another_number(path):
    limits = {"range": (0.0, 72000.0), "values": ("a",), "role": "id"}
    number, word = (dictionary.Column(type=kind, **limits) for kind in ("integer", "category"))
    dictionary.write(path, columns(number=number, word=word))

    found = dictionary.load(path)

    rows = pd.DataFrame({"number": [80115], "word": ["b"]})
    typed, warnings = validate(rows, found, where="new", target=False)
    assert typed.to_dict("records") == [{"number": 80115, "word": "b"}] and not warnings
    assert list(found) == ["y", "number", "word"]


def test_models_see_features_and_transformed_times_only(path):
    roles = {
        role: dictionary.Column(type="integer", role=role, transformation="number")
        for role in ("feature", "time", "id", "group", "ignored", "label:ann")
    }
    found = columns(**roles, plain=dictionary.Column(type="datetime", role="time"))

    assert dictionary.features(found) == ["feature", "time"]
    assert dictionary.target(found) == "y" and dictionary.by_role(found, "id", "group") == ["id", "group"]
    assert dictionary.label_columns(found) == {"label:ann": "ann"}
