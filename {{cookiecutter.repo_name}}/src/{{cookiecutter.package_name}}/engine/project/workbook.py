"""A table as an Excel workbook of one sheet, .xlsx, the same bytes for the same table.

Text is written as text, so nothing in it is computed.
"""

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
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
    book = xlsxwriter.Workbook(str(path))
    fill(book, table)
    try:
        book.close()
    except xlsxwriter.exceptions.FileCreateError as error:  # a full disk in its own words
        raise error.args[0] from None


def fill(book: Any, table: "pd.DataFrame") -> None:
    """Put a table into the one sheet of a workbook; texts that a cell cannot hold are cut, which is said."""
    book.set_properties({"created": LONG_AGO})
    sheet, bold, cut = book.add_worksheet("predictions"), book.add_format({"bold": True}), 0
    short = book.add_format({"num_format": "0.0000"})  # the cell keeps all digits
    for column, (name, cells) in enumerate(table.items()):
        sheet.write_string(0, column, str(name), bold)
        for row, value in enumerate(cells.astype(object), start=1):
            cut += put(sheet, row, column, value, short)
    if cut:
        log.warning("%d cells have more than %d characters, which Excel cannot hold: they are cut", cut, LONGEST)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(table), table.shape[1] - 1)
    sheet.autofit(WIDEST)


def put(sheet: Any, row: int, column: int, value: Any, short: Any) -> bool:
    """Write one cell: a truth value, a number, nothing where it is missing, or text; whether some of it was cut."""
    if value is None or value != value or str(value) in ("<NA>", "NaT"):
        return False
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float) and abs(value) < EXACT:
        brief = isinstance(value, float) and abs(value) < FOUR_DIGITS_BELOW
        sheet.write_number(row, column, value, short if brief else None)
    else:
        sheet.write_string(row, column, str(value)[:LONGEST])
        return len(str(value)) > LONGEST
    return False
