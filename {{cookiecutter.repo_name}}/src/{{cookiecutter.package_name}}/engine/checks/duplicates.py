"""Rows that repeat: in two splits, and with another answer.

Used by `suspicions.py`. Rows are compared by normal forms, not by distances: cells that say the same hash the same, so
the cost grows with the rows and not with their pairs.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..modelling.split import infer_task
from .suspicion import Suspicion, sampled

ROWS_SEARCHED = 200_000  # of train and dev; of a larger table a sample is looked at
LIKELY = 0.1  # share of the pairs that chance may have made; what it makes more often is no copy
WORTH_SAYING = 0.999  # an R2 that nobody hopes for
DEPENDENCE = 0.5  # columns that go together say the same twice: all but the rarest count half
FOR_COPIES = 'Remove copies from the source, or keep them together: [split] by = "group:<column>".'


def copies(parts: dict[str, pd.DataFrame], names: list[str]) -> Iterator[Suspicion]:
    """Rows of test that are those of train or dev.

    A row is the same where its numbers are equal, and the letters and digits of its texts agree. A table in which
    chance alone makes such pairs (few columns, few values) is not suspected.
    """
    if not parts or not names:
        return
    seen = sampled(pd.concat([parts["train"], parts["dev"]], ignore_index=True)[names], ROWS_SEARCHED)
    rows = pd.concat([parts["test"][names], seen], ignore_index=True)
    test = np.arange(len(rows)) < len(parts["test"])
    pairs = int(test.sum()) * int((~test).sum())
    forms = normal_forms(rows)
    keys = forms.sum(axis=1, dtype=np.uint64)
    same = np.isin(keys[test], keys[~test])
    if pairs * together(collisions(forms, keys)) < LIKELY * same.sum():
        figures = {"rows": int(same.sum()), "test rows": len(same)}
        found = f"{figures['rows']} of {len(same)} test rows have the same features as a row of train or dev"
        yield Suspicion("duplicates", (), f"{found}: scores may flatter", FOR_COPIES, figures, share=float(same.mean()))


def normal_forms(rows: pd.DataFrame) -> np.ndarray:
    """Hashes of the cells in normal form, uint64, shape (n_rows, n_columns)."""
    forms = np.empty(rows.shape, dtype=np.uint64)
    for j, name in enumerate(rows.columns):
        values = rows[name]
        if pd.api.types.is_string_dtype(values.dtype):
            values = values.str.lower().str.replace(r"[\W_]+", "", regex=True)
        hashes = pd.util.hash_pandas_object(values, index=False).to_numpy()
        forms[:, j] = hashes * np.uint64(2 * j + 1)  # the same cell in another column is another one
    return forms


def collisions(forms: np.ndarray, keys: np.ndarray | pd.Series) -> np.ndarray:
    """For each column the chance that two rows share its value, in (0, 1]; shape (n_columns,).

    It is measured on the rows whose key, shape (n_rows,), no other row has, unless all have.
    """
    copies = pd.Series(keys).duplicated(keep=False).to_numpy()
    forms = forms if copies.all() else forms[~copies]
    counts = [np.unique(column, return_counts=True)[1].astype(float) for column in forms.T]
    return np.array([max((n * (n - 1)).sum(), 1.0) for n in counts]) / (len(forms) * max(1, len(forms) - 1))


def together(chances: np.ndarray) -> float:
    """The chance that two rows share all these columns, where columns may say the same twice."""
    rarest = np.argmin(chances)
    return float(chances[rarest] * np.prod(np.delete(chances, rarest) ** DEPENDENCE))


def contradictions(clean: pd.DataFrame, target: str, names: list[str]) -> Iterator[Suspicion]:
    """Rows with the same features and another answer, and the best score that they leave to any model.

    Of rows with the same features at best the most frequent class is right, or their mean; what is left over is the
    ceiling on accuracy, or on R2, for these rows.
    """
    if not names:
        return
    truth, keys = clean[target], pd.util.hash_pandas_object(clean[names], index=False)
    if infer_task(truth) == "regression":
        alike = truth.groupby(keys)
        rows = int((alike.transform("nunique") > 1).sum())
        left_over = np.sum((truth - alike.transform("mean")) ** 2)
        ceiling = 1 - float(left_over / np.sum((truth - truth.mean()) ** 2))
        chances = collisions(normal_forms(clean[names]), keys)
        if ceiling > WORTH_SAYING or together(chances) * len(clean) ** 2 / 2 > LIKELY * rows:
            return  # a table of a few whole numbers: what differs is noise, and a score will say so
        best = f"have an R2 above {np.floor(ceiling * 1e4) / 1e4:.4f}"
    else:
        counts = truth.groupby([keys, truth]).size().groupby(level=0).agg(["sum", "max"])
        rows = int((counts["sum"] - counts["max"]).sum())
        ceiling = 1 - rows / len(clean)
        best = f"be right in more than {np.floor(ceiling * 1e3) / 10:.1f} %"
    if rows:
        found = f"the features of others, but another {target!r}, in {rows} of {len(truth)} rows: no model can {best}"
        cure = "Look at them: labels are wrong, or a column that would tell the rows apart is missing."
        yield Suspicion("ambiguity", (target,), found, cure, {"rows": rows, "ceiling": round(ceiling, 6)}, 1 - ceiling)
