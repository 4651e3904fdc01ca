"""Reads one sheet of an Excel workbook, .xlsx or .xls, as rows of cells.

Used by `read.py`; reads bytes in memory, writes nothing.
"""

import io
import re
import warnings
import zipfile

from ..project.errors import DataError, listed

Merged = tuple[int, int, int, int]  # top, bottom, left, right: from 0, inclusive
# A cell with a formula and no value; a formula whose result is the empty text says t="str".
UNSTORED = re.compile(rb'<c r="([A-Z]+\d+)"(?:(?! t=)[^>])*><f[^>]*(?:/>|>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>')


def sheet_rows(content: bytes, wanted: str | int | None = None) -> tuple[list[list], list[str]]:
    """Return the rows of one sheet with empty ones left out, and what was decided.

    Parameters
    ----------
    content : bytes
        An .xlsx or .xls file.
    wanted : str, int or None
        The sheet by name or by number from 1, hidden ones last; None takes the first.

    Raises
    ------
    DataError
        Damaged or locked file, no such sheet, formulas without a result, or cells merged across columns. Merged
        downwards are filled, and said.
    """
    try:
        with warnings.catch_warnings():  # openpyxl warns of styles and validations that no table needs
            warnings.simplefilter("ignore")
            sheets = _xlsx_sheets(content) if content.startswith(b"PK") else _xls_sheets(content)
    except ImportError:
        raise DataError("an old .xls file needs xlrd: `uv pip install xlrd`, or save it as .xlsx.") from None
    except Exception as error:  # on damaged files these readers raise anything, from KeyError to their own
        raise DataError(f"damaged or locked Excel file ({str(error)[:120]}).\nOpen it and save it again.") from None
    names = list(sheets)
    name = names[wanted - 1] if isinstance(wanted, int) and 0 < wanted <= len(names) else wanted or names[0]
    if name not in sheets:
        raise DataError(
            f"no sheet {wanted!r}. Sheets: {listed(names)}.\n"
            "Set sheet (a name, or a number from 1) in [data.read] of params.toml."
        )
    rows, merged = sheets[name]
    if content.startswith(b"PK"):
        _check_formulas(content, name)
    decisions = [f"sheet '{name}' of {len(names)}: {listed(names)}"] if len(names) > 1 else []
    for top, bottom, left, right in merged:
        if right > left:
            raise DataError(
                f"sheet '{name}': row {top + 1} has cells merged across columns.\nUnmerge them, or delete a title."
            )
        for row in range(top + 1, bottom + 1):
            rows[row][left] = rows[top][left]
    return rows, [*decisions, f"merged cells filled downwards: {len(merged)}"] if merged else decisions


def _xlsx_sheets(content: bytes) -> dict[str, tuple[list[list], list[Merged]]]:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    return {
        sheet.title: (
            [list(row) for row in sheet.iter_rows(values_only=True)],
            [(r.min_row - 1, r.max_row - 1, r.min_col - 1, r.max_col - 1) for r in sheet.merged_cells.ranges],
        )
        for sheet in sorted(book.worksheets, key=lambda sheet: sheet.sheet_state != "visible")
    }


def _check_formulas(content: bytes, name: str) -> None:
    """Refuse formulas whose result was never stored: a program wrote them, and they would be read as empty cells."""
    import openpyxl

    archive = zipfile.ZipFile(io.BytesIO(content))
    parts = [part for part in archive.namelist() if part.startswith("xl/worksheets/") and part.endswith(".xml")]
    places = {found[1].decode() for part in parts for found in UNSTORED.finditer(archive.read(part))}
    if not places:
        return
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
    cells = (cell for row in book[name].iter_rows() for cell in row if cell.data_type == "f")
    if without := [cell.coordinate for cell in cells if cell.coordinate in places]:
        raise DataError(
            f"sheet '{name}': formulas without a stored result: {listed(without)}.\n"
            "Open the file in Excel or LibreOffice and save it, so that they are computed."
        )


def _xls_sheets(content: bytes) -> dict[str, tuple[list[list], list[Merged]]]:
    import xlrd

    book = xlrd.open_workbook(file_contents=content, formatting_info=True)
    return {
        sheet.name: (
            [[_xls_cell(cell, book.datemode) for cell in row] for row in sheet.get_rows()],
            [(top, end - 1, left, right - 1) for top, end, left, right in sheet.merged_cells],
        )
        for sheet in book.sheets()
    }


def _xls_cell(cell: object, datemode: int) -> object:
    import xlrd

    if cell.ctype == xlrd.XL_CELL_DATE:
        return xlrd.xldate_as_datetime(cell.value, datemode)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        return int(cell.value) if cell.value.is_integer() else cell.value
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code[cell.value]
    return cell.value if cell.value != "" else None
