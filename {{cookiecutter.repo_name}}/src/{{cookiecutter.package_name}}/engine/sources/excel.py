"""Reads one sheet of a workbook, .xlsx, .xls, .xlsb or .ods, as rows of cells."""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time
from pathlib import PurePosixPath
from string import digits
from xml.etree import ElementTree

from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from ..project.errors import DataError, counted, listed
from .mending import TITLES, row_with
from .names import nearest

# A cell with a formula and no value; a formula whose result is the empty text says t="str".
UNSTORED = re.compile(rb'<c r="([A-Z]+\d+)"(?:(?! t=)[^>])*><f[^>]*(?:/>|>[^<]*</f>)(?:<v ?/>|<v></v>)?</c>')
HINTS = ("that names", "that has a name like", "with rows of numbers, for none names")  # of a sheet, the best first
ERROR = re.compile(rb'<c [^>]*t="e"')


def sheet_rows(
    content: bytes, wanted: str | int | None = None, target: str = "", drop: Sequence[str] = ()
) -> tuple[list[list], list[str]]:
    """Return the rows of one sheet, empty cells as None, and what was decided.

    The sheet is `wanted` by name or by number from 1, hidden ones last; None takes the first that names the target,
    else has a name like it, else holds numbers, else the first. Cells merged downwards are filled, those merged across
    columns are titles or groups of names; both are said. A `DataError` if the file is damaged or locked, has no such
    sheet, or formulas without a result in other columns than those to drop.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        names = [sheet.name for sheet in sorted(sheets, key=lambda sheet: sheet.visible != SheetVisibleEnum.Visible)]
        if isinstance(wanted, int):
            name, why = (names[wanted - 1] if 0 < wanted <= len(names) else ""), ""
        else:
            name, why = (wanted, "") if wanted else _naming(book, names, target)
        sheet = book.get_sheet_by_name(name) if name in names else None
        rows = _rows(book, name) if sheet else []
    except Exception as error:  # a damaged file raises several of its errors, and some of others
        raise DataError(f"damaged or locked Excel file ({str(error)[:120]}).\nOpen it and save it again.") from None
    if not sheet:
        cure = "Set sheet (a name, or a number from 1) in [data.read] of params.toml."
        raise DataError(f"no sheet {wanted!r}. Sheets: {listed(names)}.\n{cure}")
    decisions = [f"sheet '{name}' of {len(names)}{why}: {listed(names)}"] if len(names) > 1 else []
    xml = _sheet_xml(content, name)
    found = [place.decode() for place in UNSTORED.findall(xml)]  # a program wrote them, and computed nothing
    unneeded = _letters(rows, drop) if found else set()
    if without := [place for place in found if place.rstrip(digits) not in unneeded]:
        cure = "Open the file in Excel or LibreOffice and save it, so that they are computed."
        raise DataError(f"sheet '{name}': formulas without a stored result: {listed(without)}.\n{cure}")
    if errors := len(ERROR.findall(xml)):
        decisions.append(f"errors like #DIV/0! read as missing: {counted(errors, 'cell')}")
    merged = sheet.merged_cell_ranges or []
    for (top, left), (bottom, right) in merged:
        for row in rows[top + 1 : bottom + 1] if right == left else ():
            row[left] = rows[top][left]
    across = [f"row {top + 1}" for (top, left), (_, right) in merged if right > left]
    if len(merged) > len(across):
        decisions.append(f"merged cells filled downwards: {len(merged) - len(across)}")
    if across:
        decisions.append(f"cells merged across columns count in the first of them: {listed([*dict.fromkeys(across)])}")
    return rows, decisions


def _letters(rows: list[list], names: Sequence[str]) -> set[str]:
    """Return the letters of the columns that have one of these names near their top."""
    from xlsxwriter.utility import xl_col_to_name  # 0.05 s

    tops = zip(*rows[:TITLES], strict=False)
    return {xl_col_to_name(place) for place, top in enumerate(tops) if {str(cell).strip() for cell in top} & {*names}}


def _naming(book: CalamineWorkbook, names: list[str], target: str) -> tuple[str, str]:
    """Return the sheet with the best hint near its top, the first of several, and which hint it is."""
    hints: dict[str, str] = {}
    for name in names if len(names) > 1 and target else ():
        cells = [[cell for cell in row if cell is not None] for row in _rows(book, name)[:TITLES]]
        top = [list(map(str, row)) for row in cells]
        header = [row for row in top if len(row) > 1][:1]
        if row_with(header, target) is not None:
            return name, f", the first that names {target!r}" if name != names[0] else ""
        if row_with(top, target) is not None:  # as a list of the columns does
            hints.setdefault(HINTS[0], name)
        elif header and nearest(target, header[0]):
            hints.setdefault(HINTS[1], name)
        elif sum(len(row) > 1 and not all(isinstance(cell, str) for cell in row) for row in cells) > 1:
            hints.setdefault(HINTS[2], name)
    how, chosen = next(((hint, hints[hint]) for hint in HINTS if hint in hints), ("", names[0]))
    return chosen, f", the first {how} {target!r}" if chosen != names[0] else ""


def _rows(book: CalamineWorkbook, name: str) -> list[list]:
    return [list(map(_cell, row)) for row in book.get_sheet_by_name(name).to_python(skip_empty_area=False)]


def _cell(value: object) -> object:
    if type(value) is date:
        return datetime.combine(value, time.min)
    return None if value == "" else value


def _sheet_xml(content: bytes, name: str) -> bytes:
    """Return what .xlsx holds of a sheet; nothing for other kinds."""
    if not content.startswith(b"PK"):
        return b""
    archive = zipfile.ZipFile(io.BytesIO(content))
    if "xl/workbook.xml" not in archive.namelist():
        return b""
    sheets = ElementTree.fromstring(archive.read("xl/workbook.xml")).iterfind(".//{*}sheet")
    about = next(sheet.attrib for sheet in sheets if sheet.get("name") == name)
    key = next(value for attribute, value in about.items() if attribute.endswith("}id"))
    parts = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = next(part.attrib["Target"] for part in parts if part.get("Id") == key)
    return archive.read(str(PurePosixPath("/xl", target))[1:])
