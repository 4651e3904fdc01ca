"""Files to read, tables as lists, sources to fetch, and what is said where they are refused."""

import openpyxl
import pytest

from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import read, source


@pytest.fixture
def written(tmp_path):
    """Write a file; its path."""

    def write(content, name="table.csv"):
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / name

    return write


@pytest.fixture
def table(written):
    """Write a file and read it; keywords are what is known of it, or options of `[data.read]`."""

    def read_table(content, name="table.csv", target="", member="", **options):
        return read.tables([written(content, name)], read.Known(options, target, member))

    return read_table


@pytest.fixture
def workbook(tmp_path):
    """Write sheets, lists of rows by name, as a workbook; its path. `change` is done to it before it is saved."""

    def write(change=lambda book: None, **sheets):
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        change(book)
        book.save(tmp_path / "book.xlsx")
        return tmp_path / "book.xlsx"

    return write


@pytest.fixture
def rows():
    """The cells of a table, row by row."""

    def cells(table):
        frame = table.frame.astype(object)
        return frame.where(frame.notna(), None).to_numpy().tolist()

    return cells


@pytest.fixture
def refusal(written):
    """Write a file and read it; what is said against it, in at most three lines that begin with its path."""

    def refused(content, name="table.csv", **options):
        path = written(content, name)
        with pytest.raises(DataError) as error:
            read.tables([path], read.Known(options))
        message = str(error.value)
        assert message.startswith(str(path)) and message.count("\n") < 3
        return message

    return refused


@pytest.fixture
def fetch(tmp_path):
    """Fetch a source into the folder of the test."""
    return lambda address, **options: source.fetch(tmp_path, address, source.Terms(**options))


@pytest.fixture
def fetch_refusal(fetch):
    """Fetch a source; what is said against it, in at most three lines."""

    def refused(address, **options):
        with pytest.raises(DataError) as error:
            fetch(address, **options)
        assert str(error.value).count("\n") < 3
        return str(error.value)

    return refused


@pytest.fixture
def dumps(tmp_path):
    """The names of all dumps."""
    raw = tmp_path / "data" / "raw"
    return lambda: sorted(path.name for path in raw.glob("*") if path.name != "current.json")
