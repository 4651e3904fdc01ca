import os

import pytest

from data_science_project.engine.project import errors


@pytest.fixture
def folder(tmp_path):
    for name in ("titanic.csv", "wine.csv"):
        (tmp_path / name).touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "link.csv").symlink_to("gone.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("titanik.csv", ["no such file", "there is: titanic.csv", "Mend source in"]),
        ("data/new/t.csv", ["data there is: nothing"]),
        ("data", ["is a folder", "*.csv"]),
        ("link.csv", ["links to gone.csv, which is not there"]),
        ("pipe.csv", ["is a pipe or a device"]),
    ],
)
def test_path_without_a_file_is_named_with_what_is_there_instead(folder, name, words):
    message = str(errors.missing_file(folder / name))

    assert all(word in message for word in words), message


def test_error_outside_of_the_project_is_no_failed_import_of_it(tmp_path):
    try:
        raise ModuleNotFoundError("No module named 'x'", name="x")
    except ModuleNotFoundError as error:
        assert errors.failed_import(error, tmp_path) is None


def test_long_list_is_cut_and_line_breaks_in_names_are_blanks():
    assert errors.listed(["a\nb", *"cdefg"]) == "a b, c, d, e, f and 1 more" == errors.listed(["a b", *"cdefg"], 5)
