"""The raw files are as they were fetched, and have the columns that the data dictionary was written for."""

import pytest

from {{ cookiecutter.package_name }}.engine.project import artefact
from {{ cookiecutter.package_name }}.engine.sources import read, source


@pytest.fixture(scope="module")
def dump(own, run):
    """The raw files that the clean table was made from, with their card."""
    return source.current(own.root, own.settings.data.source)


def test_raw_files_are_as_they_were_fetched(dump):
    found = [artefact.sha256(file) for file in dump.files]

    assert found == [entry["sha256"] for entry in dump.card["files"]]


def test_raw_table_has_the_columns_that_the_dictionary_was_written_for(own, dump, columns):
    data = own.settings.data
    known = read.Known.of(data, data.target, source.parted(data.source)[1])
    found = read.tables(dump.files, known).frame.columns

    new = set(found) - set(columns)
    assert not new, f"{new} are not in {own.dictionary.name}: make data INFER=1 adds them"
