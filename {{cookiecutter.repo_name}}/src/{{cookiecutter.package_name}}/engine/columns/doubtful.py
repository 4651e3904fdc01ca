"""Cells among numbers that could be read otherwise: limits of detection like `<0.006`, and `35.000`. Each is said.

Used by `validate.py`. Of a limit below which nothing could be measured the half is taken, as is usual for skewed
amounts (Hornung and Reed 1990, 10.1080/1047322X.1990.10389587); of one above, the limit itself.
"""

import pandas as pd
from pandas.api.types import is_numeric_dtype

from ..project.errors import shown
from ..sources import formats
from .dictionary import Column

BELOW, ABOVE = ("<", "≤"), (">", "≥")


def are_limits(text: pd.Series) -> pd.Series:
    """Whether each cell of stripped text, shape (n_rows,), begins like a limit."""
    return text.str.startswith((*BELOW, *ABOVE))  # False where a cell is missing


def without_marks(text: pd.Series, column: Column) -> tuple[pd.Series, pd.Series | float]:
    """Stripped text without the marks of limits, and by what the number in each cell is to be multiplied.

    A limit that means "no value" in this column stays as it is.
    """
    limits = are_limits(text)
    if not limits.any():
        return text, 1.0
    limits &= ~text.isin(column.missing)
    return text.mask(limits, text.str.replace(r"^[<>≤≥]=?\s*", "", regex=True)), 1.0 - text.str.startswith(BELOW) / 2


def said(cells: pd.Series, values: pd.Series, column: Column, *, batch: bool) -> list[tuple[str, pd.Series]]:
    """What to say of cells that were read as `values`, both of shape (n_rows,), each with the rows it is true of."""
    if column.type not in ("integer", "number") or is_numeric_dtype(cells.dtype) or not is_numeric_dtype(values.dtype):
        return []
    text, found = formats.as_text(cells).str.strip(), []
    limits = are_limits(text)
    if limits.any() and (limits := limits & values.notna()).any():
        read = f"{shown(text[limits].iloc[0])}, read as {values[limits].iloc[0]:g}"
        found.append((f"limits like {read}: half of one below, one above as it is", limits))
    if batch and column.type == "integer" and not column.thousands and column.decimal == ".":
        pointed = text.str.fullmatch(r"[-+]?[1-9]\d{0,2}\.000").fillna(False).astype(bool)  # 35,000 elsewhere
        for cell in text[pointed].head(1):
            read = f"{cell!r}, read as {float(cell):g} (or is thousands = '.' meant?)"
            found.append((f"whole numbers with a point, like {read}", pointed))
    return found
