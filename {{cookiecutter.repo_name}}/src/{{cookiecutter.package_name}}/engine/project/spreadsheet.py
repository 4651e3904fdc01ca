"""Files that people open in a spreadsheet, CSV and Excel: nothing in them is computed.

Excel, LibreOffice and Google Sheets compute a cell of CSV that begins with `=`, `+`, `-`, `@`, a tab or a carriage
return, whoever wrote it. An apostrophe before it is the usual cure (OWASP, "CSV Injection"). Numbers are no formulas.
"""

import logging
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import SettingsError

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
FIRST = ("=", "+", "-", "@", "\t", "\r")
PLAIN_NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)*|[.,]\d+)([eE][-+]?\d+)?|--?")  # or the mark of a missing one
SAID = "cells that begin like a formula, now with an apostrophe before them (ids too: take it off to join): {}"
MOST_ROWS = 1_048_575  # of a sheet, below the header
EXACT = 10**15  # whole numbers from here on lose digits in Excel: they are written as text
LONGEST = 32_767  # characters of a cell
WIDEST = 440  # pixels of a column, about 60 characters
SHORT = "[<=-10]General;[<10]0.0000;General"  # the cell keeps all digits
AS_TEXT = {"options": {"strings_to_formulas": False, "strings_to_urls": False}}
LONG_AGO = datetime(1980, 1, 1)  # else the time of day would be in each file


def is_formula(cell: object) -> bool:
    """Whether a spreadsheet would compute a cell: text that begins so, and is neither a number nor a dash alone."""
    return isinstance(cell, str) and cell.startswith(FIRST) and not PLAIN_NUMBER.fullmatch(cell)


def safe(cell: object) -> object:
    """The cell, with an apostrophe before it if it is a formula.

    Examples
    --------
    >>> safe("=1+1"), safe("-5"), safe(-5)
    ("'=1+1", '-5', -5)
    """
    return f"'{cell}" if is_formula(cell) else cell


def write(path: Path, table: "pd.DataFrame") -> int:
    """Write a table, shape (n_rows, n_columns), as CSV without its index; the number of cells that were changed."""
    written, changed = table.copy(deep=False), sum(map(is_formula, table.columns))
    for name in table.columns[[kind.kind not in "iufbM" for kind in table.dtypes]]:
        cells = table[name].astype(object)
        formulas = cells.map(is_formula)
        if count := int(formulas.sum()):
            written[name] = cells.map(safe)
            changed += count
    written.set_axis([safe(name) for name in table.columns], axis=1).to_csv(path, index=False)
    return changed


def write_workbook(path: Path, table: "pd.DataFrame") -> None:
    """Write a table, shape (n_rows, n_columns), as .xlsx without its index, the same bytes for the same table.

    The header is bold, stays in sight, and has a filter; a column is as wide as what it holds. A `SettingsError` if it
    has more rows than a sheet can hold; a text that is longer than a cell can be is cut, and said.
    """
    import pandas as pd

    if len(table) > MOST_ROWS:
        raise SettingsError(f"{len(table):,} rows: a sheet of Excel holds {MOST_ROWS:,}.\nWrite OUTPUT as CSV.")
    cells = table.astype(object).map(sheet_cell, na_action="ignore")
    if cut := int(cells.map(lambda cell: isinstance(cell, str) and len(cell) > LONGEST).to_numpy().sum()):
        log.warning("%d cells have more than %d characters, which Excel cannot hold: they are cut", cut, LONGEST)
        cells = cells.map(lambda cell: cell[:LONGEST] if isinstance(cell, str) else cell)
    with path.open("wb") as file, pd.ExcelWriter(file, engine="xlsxwriter", engine_kwargs=AS_TEXT) as writer:
        cells.to_excel(writer, sheet_name="predictions", index=False, freeze_panes=(1, 0), autofilter=True)
        writer.book.set_properties({"created": LONG_AGO})
        sheet = writer.sheets["predictions"]
        sheet.set_row(0, None, writer.book.add_format({"bold": True}))
        for place in (place for place, kind in enumerate(table.dtypes) if kind.kind == "f"):
            sheet.set_column(place, place, None, writer.book.add_format({"num_format": SHORT}))
        sheet.autofit(WIDEST)


def sheet_cell(value: object) -> object:
    """A value as a sheet holds it: truth and numbers as they are, all else as text."""
    return value if isinstance(value, int | float) and abs(value) < EXACT else str(value)
