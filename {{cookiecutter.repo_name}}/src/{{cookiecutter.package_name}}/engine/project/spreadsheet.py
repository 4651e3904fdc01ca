"""CSV files that people open: what a spreadsheet would take for a formula is written as text.

Excel, LibreOffice and Google Sheets compute a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return,
whoever wrote it. An apostrophe before it is the usual cure (OWASP, "CSV Injection"). Numbers are no formulas.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FIRST = ("=", "+", "-", "@", "\t", "\r")
PLAIN_NUMBER = re.compile(r"[-+]?(\d+([.,]\d+)*|[.,]\d+)([eE][-+]?\d+)?|--?")  # or the mark of a missing one
SAID = "cells that begin like a formula, now with an apostrophe before them (ids too: take it off to join): {}"


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
