"""Whether a column is distributed otherwise now than in training: rows are compared with a summary, which holds none.

Both conditions count. A test that allows for the number of columns (Kolmogorov-Smirnov, chi-square; Bonferroni) keeps
small windows silent, a least size of the difference keeps large ones silent about what does not matter.
"""

from typing import Any

import numpy as np
import pandas as pd

from ..engine.checks.suspicion import FEW_ROWS, is_number
from ..engine.columns.dictionary import Column
from ..engine.columns.lists import items_of

POINTS = 1000  # quantiles of a number
Summary = dict[str, Any]


def comparable(values: pd.Series, column: Column) -> pd.Series:
    """Numbers or texts that can be compared, shape (n_rows,): of a text its letters are counted, of a list its items.

    Moments of time move by nature: of them only whether they are there.
    """
    if column.type in ("integer", "number"):
        return values.astype("float64")
    kinds = values.astype(object).where(values.notna(), None)
    if column.type == "text":
        return kinds.map(len, na_action="ignore").astype("float64")
    if column.type == "list":
        return kinds.map(lambda cell: len(items_of(cell, column.separator)), na_action="ignore").astype("float64")
    if column.type == "boolean":
        return kinds.map(lambda cell: str(bool(cell)).lower(), na_action="ignore")
    return kinds.map((lambda cell: "given") if column.type == "datetime" else str, na_action="ignore")


def summary(values: pd.Series) -> Summary:
    """A column as plain JSON: `rows`, the share `missing`, and `quantiles` of numbers or `shares` of kinds.

    There are 1,000 quantiles, each a value that occurs. Kinds in fewer than ten rows are left out: the rest of the
    shares up to 1.
    """
    present = values.dropna()
    found: Summary = {"rows": len(values), "missing": float(values.isna().mean()) if len(values) else 0.0}
    if is_number(values):
        places = (np.arange(POINTS) + 0.5) / POINTS
        points = np.quantile(present, places, method="inverted_cdf").tolist() if len(present) else []
        return found | {"quantiles": points}
    counts = present.astype(str).value_counts()
    return found | {"shares": (counts[counts >= FEW_ROWS] / max(len(present), 1)).to_dict()}
