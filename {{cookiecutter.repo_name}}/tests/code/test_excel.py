"""Workbooks: what a person sees in the first visible sheet is what is read."""

import openpyxl
import pytest

from {{ cookiecutter.package_name }} import excel
from {{ cookiecutter.package_name }}.errors import DataError


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
