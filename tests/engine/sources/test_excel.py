"""Workbooks: what a person sees in the first visible sheet is what is read."""

import openpyxl
import pytest

from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import excel


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
