"""A table as an Excel workbook of one sheet, .xlsx (ECMA-376), the same bytes for the same table.

Text is written as text, so nothing in it is computed. The standard library alone: openpyxl puts the time of day into
each file, and would be one more dependency for what is five small parts in a zip file.
"""

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from .errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

MOST_ROWS = 1_048_575  # of a sheet, below the header
EXACT = 10**15  # whole numbers from here on lose digits in Excel: they are written as text
FOUR_DIGITS_BELOW = 10
WIDEST, WIDE_BY = 60, 1000  # characters of a column, and how many rows say how wide it is
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><bookViews><workbookView/></bookViews><sheets>'
    '<sheet name="predictions" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.xml"/></Relationships>',
    # Style 1 shows four digits of a number below ten; the cell keeps all of them. Style 2 is of the header.
    "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="0.0000"/></numFmts>'
    '<fonts count="2"><font/><font><b/></font></fonts>'
    '<fills count="1"><fill><patternFill patternType="none"/></fill></fills><borders count="1"><border/></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf numFmtId="164" applyNumberFormat="1"/>'
    '<xf fontId="1" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


def write(path: Path, table: "pd.DataFrame") -> None:
    """Write a table, shape (n_rows, n_columns), without its index; a `SettingsError` if a sheet cannot hold it.

    The header is bold, stays in sight, and has a filter; a column is as wide as what its first 1,000 rows hold.
    """
    if len(table) > MOST_ROWS:
        raise SettingsError(f"{len(table):,} rows: a sheet of Excel holds {MOST_ROWS:,}.\nWrite OUTPUT as CSV.")
    header = "".join(map(cell, table.columns)).replace("<c ", '<c s="2" ')
    lines = table.astype(object).itertuples(index=False, name=None)
    rows = "".join(f"<row>{''.join(map(cell, line))}</row>" for line in lines)
    sheet = (
        f'<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
        f'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>{"".join(widths(table))}</cols>'
        f"<sheetData><row>{header}</row>{rows}</sheetData>"
        f'<autoFilter ref="A1:{letters(table.shape[1])}{len(table) + 1}"/></worksheet>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in {**PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            part = zipfile.ZipInfo(name)  # of 1980, so that the bytes do not hang on the time
            part.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(part, HEAD + text)


def widths(table: "pd.DataFrame") -> "Iterator[str]":
    """How wide each column is, with room for the arrow of the filter."""
    for number, (name, cells) in enumerate(table.head(WIDE_BY).items(), start=1):
        shown = cells.round(4) if cells.dtype.kind == "f" else cells
        most = min(max(len(str(value)) for value in (name, *shown)), WIDEST)
        yield f'<col min="{number}" max="{number}" width="{most + 3}" customWidth="1"/>'


def letters(number: int) -> str:
    """The letters of a column by its number from 1: AB for 28."""
    before, last = divmod(number - 1, 26)
    return (letters(before) if before else "") + chr(ord("A") + last)


def cell(value: object) -> str:
    """One cell: a truth value, a number, nothing where it is missing, or text.

    Examples
    --------
    >>> cell(1.5), cell(True), cell(float("nan"))
    ('<c s="1"><v>1.5</v></c>', '<c t="b"><v>1</v></c>', '<c/>')
    >>> cell("=1+1")
    '<c t="inlineStr"><is><t xml:space="preserve">=1+1</t></is></c>'
    """
    if value is None or value != value or str(value) in ("<NA>", "NaT"):
        return "<c/>"
    if isinstance(value, bool):
        return f'<c t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float) and abs(value) < EXACT:
        if isinstance(value, float):
            style = ' s="1"' if abs(value) < FOUR_DIGITS_BELOW else ""
            return f"<c{style}><v>{float(value)!r}</v></c>"
        return f"<c><v>{value}</v></c>"
    text = escape(FORBIDDEN.sub("", str(value)))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
