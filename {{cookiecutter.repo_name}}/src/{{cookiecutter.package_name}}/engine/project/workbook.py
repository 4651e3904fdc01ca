"""A table as an Excel workbook of one sheet, .xlsx, the same bytes for the same table.

Text is written as text, so nothing in it is computed.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 1_048_575  # of a sheet, below the header
EXACT = 10**15  # whole numbers from here on lose digits in Excel: they are written as text
FOUR_DIGITS_BELOW = 10
LONGEST = 32_767  # characters of a cell
WIDEST = 440  # pixels of a column, about 60 characters
LONG_AGO = datetime(1980, 1, 1)  # else the time of day would be in each file


def write(path: Path, table: "pd.DataFrame") -> None:
    """Write a table, shape (n_rows, n_columns), without its index; a `SettingsError` if a sheet cannot hold it.

    The header is bold, stays in sight, and has a filter; a column is as wide as what it holds.
    """
    import xlsxwriter  # 0.05 s, for workbooks alone

    if len(table) > MOST_ROWS:
        raise SettingsError(f"{len(table):,} rows: a sheet of Excel holds {MOST_ROWS:,}.\nWrite OUTPUT as CSV.")
    with xlsxwriter.Workbook(str(path)) as book:
        book.set_properties({"created": LONG_AGO})
        sheet, bold = book.add_worksheet("predictions"), book.add_format({"bold": True})
        short = book.add_format({"num_format": "0.0000"})  # the cell keeps all digits
        for column, (name, cells) in enumerate(table.items()):
            sheet.write_string(0, column, str(name), bold)
            for row, value in enumerate(cells.astype(object), start=1):
                put(sheet, row, column, value, short)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(table), table.shape[1] - 1)
        sheet.autofit(WIDEST)


def put(sheet: Any, row: int, column: int, value: Any, short: Any) -> None:
    """Write one cell: a truth value, a number, nothing where it is missing, or text."""
    if value is None or value != value or str(value) in ("<NA>", "NaT"):
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float) and abs(value) < EXACT:
        brief = isinstance(value, float) and abs(value) < FOUR_DIGITS_BELOW
        sheet.write_number(row, column, value, short if brief else None)
    else:
        sheet.write_string(row, column, str(value)[:LONGEST])
