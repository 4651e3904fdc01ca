"""A table as an Excel workbook of one sheet, .xlsx, the same bytes for the same table.

Text is written as text, so nothing in it is computed.
"""

import logging
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
MOST_ROWS = 1_048_575  # of a sheet, below the header
EXACT = 10**15  # whole numbers from here on lose digits in Excel: they are written as text
LONGEST = 32_767  # characters of a cell
WIDEST = 440  # pixels of a column, about 60 characters
SHORT = "[<=-10]General;[<10]0.0000;General"  # the cell keeps all digits
AS_TEXT = {"options": {"strings_to_formulas": False, "strings_to_urls": False}}
LONG_AGO = datetime(1980, 1, 1)  # else the time of day would be in each file


def write(path: Path, table: "pd.DataFrame") -> None:
    """Write a table, shape (n_rows, n_columns), without its index; a `SettingsError` if a sheet cannot hold it.

    The header is bold, stays in sight, and has a filter; a column is as wide as what it holds.
    """
    import pandas as pd

    if len(table) > MOST_ROWS:
        raise SettingsError(f"{len(table):,} rows: a sheet of Excel holds {MOST_ROWS:,}.\nWrite OUTPUT as CSV.")
    cells = table.astype(object).map(cell, na_action="ignore")
    if cut := int(cells.map(lambda value: isinstance(value, str) and len(value) > LONGEST).to_numpy().sum()):
        log.warning("%d cells have more than %d characters, which Excel cannot hold: they are cut", cut, LONGEST)
        cells = cells.map(lambda value: value[:LONGEST] if isinstance(value, str) else value)
    with path.open("wb") as file, pd.ExcelWriter(file, engine="xlsxwriter", engine_kwargs=AS_TEXT) as writer:
        cells.to_excel(writer, sheet_name="predictions", index=False, freeze_panes=(1, 0), autofilter=True)
        writer.book.set_properties({"created": LONG_AGO})
        sheet = writer.sheets["predictions"]
        sheet.set_row(0, None, writer.book.add_format({"bold": True}))
        for place in (place for place, kind in enumerate(table.dtypes) if kind.kind == "f"):
            sheet.set_column(place, place, None, writer.book.add_format({"num_format": SHORT}))
        sheet.autofit(WIDEST)


def cell(value: object) -> object:
    """A value as a sheet holds it: truth and numbers as they are, all else as text."""
    return value if isinstance(value, int | float) and abs(value) < EXACT else str(value)
