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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("red \x1b[31m", "red \\x1b[31m"),
        ("\x07\x00\r\x9b2J", "\\x07\\x00\\r\\x9b2J"),
        ("exe\u202etxt \u2028", "exe\\u202etxt \\u2028"),
        ("half \udcff", "half \\udcff"),
        ("naïve 名前 95\u00a0% 👩\u200d🔬", "naïve 名前 95\u00a0% 👩\u200d🔬"),
    ],
)
def test_nothing_that_steers_a_terminal_is_printed(text, shown):
    assert errors.printable(text) == shown


def test_cell_is_quoted_short_and_a_long_line_loses_its_middle():
    cell, line = "x" * 1_000_000, f"start {'y' * 1_000_000} cure."

    assert errors.shown("a\x1b\nb") == "'a\\x1b\\nb'"
    assert errors.shown(cell) == f"{'x' * 40!r}… (1,000,000 characters)"
    assert len(errors.listed([cell, "b"])) < 200 and errors.listed([cell, "b"]).endswith("b")
    cut = errors.shortened(f"first\n{line}")
    assert len(cut) < 2500 and cut.startswith("first\nstart") and cut.endswith("cure.")
