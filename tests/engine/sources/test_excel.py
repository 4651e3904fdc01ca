"""Workbooks: what a person sees in the first visible sheet is what is read."""

import zipfile
from datetime import datetime

import openpyxl
import pytest

from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import excel, read


@pytest.fixture
def saved(tmp_path):
    """The bytes of a workbook."""

    def save(book):
        book.save(tmp_path / "book.xlsx")
        return (tmp_path / "book.xlsx").read_bytes()

    return save


def test_formula_without_a_stored_result_is_refused_by_its_cell(saved):
    book = openpyxl.Workbook()
    for row in (["a", "b"], [1, "=A2*2"], [2, 4]):
        book.active.append(row)

    with pytest.raises(DataError, match="formulas without a stored result: B2"):
        excel.sheet_rows(saved(book))


def test_formula_in_a_sheet_that_is_not_read_does_not_matter(saved):
    book = openpyxl.Workbook()
    book.active.append(["a", None])
    book.create_sheet("Sums").append(["x", "=A1"])

    rows, _ = excel.sheet_rows(saved(book))

    assert rows == [["a"]]


def test_hidden_sheet_is_not_the_first(saved):
    book = openpyxl.Workbook()
    book.active.append(["hidden"])
    book.active.sheet_state = "hidden"
    book.create_sheet("Seen").append(["seen"])

    rows, decisions = excel.sheet_rows(saved(book))

    assert rows == [["seen"]]
    assert decisions == ["sheet 'Seen' of 2: Seen, Sheet"]


def test_first_sheet_is_taken_and_the_others_are_named(saved):
    book = openpyxl.Workbook()
    for row in (["a", "b"], [1, "x"], [2.5, None]):
        book.active.append(row)
    book.create_sheet("Other").append(["c"])

    rows, decisions = excel.sheet_rows(saved(book))

    assert rows == [["a", "b"], [1, "x"], [2.5, None]]
    assert decisions == ["sheet 'Sheet' of 2: Sheet, Other"]
    assert excel.sheet_rows(saved(book), "Other")[0] == [["c"]]
    with pytest.raises(DataError, match="Sheet, Other"):
        excel.sheet_rows(saved(book), "Third")


def test_cells_merged_downwards_are_filled_and_across_refused(saved):
    book = openpyxl.Workbook()
    for row in (["a", "b"], ["x", 1], [None, 2]):
        book.active.append(row)
    book.active.merge_cells("A2:A3")

    assert excel.sheet_rows(saved(book))[0] == [["a", "b"], ["x", 1], ["x", 2]]

    book.active.merge_cells("A1:B1")

    with pytest.raises(DataError, match="row 1 has cells merged across"):
        excel.sheet_rows(saved(book))


def test_errors_are_counted_and_a_day_is_a_time_at_midnight(saved):
    book = openpyxl.Workbook()
    for row in (["a", "b"], ["#DIV/0!", datetime(2026, 1, 31)], [2, datetime(2026, 2, 1, 12)]):
        book.active.append(row)

    rows, decisions = excel.sheet_rows(saved(book))

    assert rows[1:] == [[None, datetime(2026, 1, 31)], [2, datetime(2026, 2, 1, 12)]]
    assert decisions == ["errors like #DIV/0! read as missing: 1 cells"]


def test_open_document_sheet_is_read(tmp_path):
    urn = "urn:oasis:names:tc:opendocument:xmlns"
    cells = ('string"><text:p>a</text:p>', 'float" office:value="1.5">')
    rows = [
        f'<table:table-row><table:table-cell office:value-type="{cell}</table:table-cell></table:table-row>'
        for cell in cells
    ]
    with zipfile.ZipFile(tmp_path / "t.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{urn}:office:1.0" xmlns:table="{urn}:table:1.0" '
            f'xmlns:text="{urn}:text:1.0"><office:body><office:spreadsheet><table:table table:name="S">{"".join(rows)}'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )

    assert read.table(tmp_path / "t.ods").frame["a"].tolist() == [1.5]
