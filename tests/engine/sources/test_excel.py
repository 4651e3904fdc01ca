import zipfile
from datetime import datetime

import pytest

from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import excel, read


@pytest.fixture
def read_book(workbook):
    """What is read of a workbook."""
    return lambda *arguments, **sheets: excel.sheet_rows(workbook(**sheets).read_bytes(), *arguments)


def hide(book):
    book["A"].sheet_state = "hidden"


def merge(cells):
    return lambda book: [book["A"].merge_cells(part) for part in cells.split()]


def test_formula_without_a_stored_result_is_refused_by_its_cell_in_the_sheet_that_is_read(read_book):
    with pytest.raises(DataError, match="formulas without a stored result: B2"):
        read_book(A=[["a", "b"], [1, "=A2*2"], [2, 4]])

    assert read_book(A=[["a", None]], Sums=[["x", "=A1"]])[0] == [["a"]]


def test_column_that_is_dropped_may_have_formulas_without_results(read_book):
    sheet = [["about sums", None, None], ["a", " twice ", "c"], [1, "=A3*2", 5], [2, "=A4*2", "=B4"]]

    with pytest.raises(DataError, match="without a stored result: C4"):
        read_book(None, "", ["twice"], A=sheet)

    assert read_book(None, "", ["twice", "c"], A=sheet)[0][2:] == [[1, None, 5], [2, None, None]]


def test_first_sheet_that_is_not_hidden_or_the_one_of_that_name_or_number_is_taken_and_the_others_are_named(read_book):
    sheets = {"A": [["a", "b"], [1, "x"], [2.5, None]], "Other": [["c"]]}

    assert read_book(**sheets) == (sheets["A"], ["sheet 'A' of 2: A, Other"])
    assert read_book(**sheets, change=hide) == ([["c"]], ["sheet 'Other' of 2: Other, A"])
    assert read_book("Other", "a", **sheets)[0] == read_book(2, "a", **sheets)[0] == [["c"]]
    with pytest.raises(DataError, match="A, Other"):
        read_book("Third", **sheets)


ABOUT = [["column", "meaning"], ["id", "a number"], ["price", "in dollars"]]
HOUSES = {"About": ABOUT, "Houses": [["sold in 2025", None], ["id", "Price"], [1, 2.5]], "Old": [["price"], [1]]}
BELOW_NOTES = {
    "Summary": [["Prices", "n"], ["low", 3], ["high", 4]],
    "Data": [["Report", "2024"], ["made by", "Ann"], ["id", "price"], [1, 1.5], [2, 2.5]],
}
ORDERS = {
    "Notes": [["Orders of 2025"], ["version", 2]],
    "Content": [["sheet", "what"], ["Orders", "all"], ["Codes", "of"]],
    "Orders": [["id", "day"], ["A", 1], ["B", 2]],
    "Codes": [["a", "b"], [1, 2], [3, 4]],
}


@pytest.mark.parametrize(
    ("sheets", "target", "taken", "why"),
    [
        (HOUSES, " price", "Houses", ", the first that names ' price'"),
        (HOUSES, "prize", "Houses", ", the first that has a name like 'prize'"),
        (HOUSES, "nowhere", "About", ""),
        (HOUSES, "meaning", "About", ""),
        (HOUSES, "", "About", ""),
        (BELOW_NOTES, "price", "Data", ", the first that names 'price'"),
        (ORDERS, "nowhere", "Orders", ", the first with rows of numbers, for none names 'nowhere'"),
    ],
)
def test_first_sheet_that_names_the_target_or_nearly_or_holds_numbers_is_taken(read_book, sheets, target, taken, why):
    said = f"sheet '{taken}' of {len(sheets)}{why}: {', '.join(sheets)}"

    assert read_book(None, target, **sheets) == (sheets[taken], [said])


def test_cells_merged_downwards_are_filled_and_those_merged_across_count_in_the_first(read_book):
    sheet = [["a", "b"], ["x", 1], [None, 2]]

    assert read_book(A=sheet, change=merge("A2:A3"))[0] == [["a", "b"], ["x", 1], ["x", 2]]
    rows, decisions = read_book(A=[[*row, None, None] for row in sheet], change=merge("A1:B1 C1:D1"))

    assert rows[0] == ["a", None] and decisions == ["cells merged across columns count in the first of them: row 1"]


def test_title_and_groups_of_names_merged_across_a_sheet_are_understood(workbook):
    rows = [["Sales"], [None, 2020, None], ["region", "x", "y"], *[[f"R{n}", n, n * 2] for n in range(20)]]

    found = read.tables([workbook(A=rows, change=merge("A1:C1 B2:C2"))])

    assert list(found.frame.columns) == ["region", "x", "y"] and len(found.frame) == 20
    assert [line.text for _, line in found.set_aside] == ["Sales", "2020"]


def test_errors_are_counted_and_a_day_is_a_time_at_midnight(read_book):
    rows, decisions = read_book(A=[["a", "b"], ["#DIV/0!", datetime(2026, 1, 31)], [2, datetime(2026, 2, 1, 12)]])

    assert rows[1:] == [[None, datetime(2026, 1, 31)], [2, datetime(2026, 2, 1, 12)]]
    assert decisions == ["errors like #DIV/0! read as missing: 1 cell"]


def test_open_document_sheet_is_read(tmp_path):
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    tags = [f"office:document-content {spaces}", "office:body", "office:spreadsheet", 'table:table table:name="S"']
    cells = ['office:value-type="string"><text:p>a</text:p>', 'office:value-type="float" office:value="1.5">']
    row = "<table:table-row><table:table-cell {}</table:table-cell></table:table-row>"
    ends = "".join(f"</{tag.split()[0]}>" for tag in reversed(tags))
    with zipfile.ZipFile(tmp_path / "t.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", f"<{'><'.join(tags)}>{''.join(map(row.format, cells))}{ends}")

    assert read.tables([tmp_path / "t.ods"]).frame["a"].tolist() == [1.5]
