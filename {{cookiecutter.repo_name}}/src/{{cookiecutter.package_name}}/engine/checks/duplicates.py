"""Rows that repeat: in two splits, with one cell changed, and with another answer.

Used by `suspicions.py`. Rows are compared by normal forms, not by distances: cells that say the same hash the same, so
the cost grows with the rows and not with their pairs.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..modelling.split import infer_task
from .suspicion import Suspicion

ROWS = 200_000  # of train and dev; of a larger table a sample is looked at
STEPS = 1000  # a number is rounded to this part of its standard deviation
LIKELY = 0.1  # share of the pairs that chance may have made; what it makes more often is no copy
NEAR_SHARE = 0.005  # of the test rows; a few that agree in all but one cell stand in many tables
COMMON = 0.2
WORTH_SAYING = 0.999  # an R2 that nobody hopes for
FEW_COLUMNS = 3  # with fewer, all but one is next to nothing
DEPENDENCE = 0.5  # columns that go together say the same twice: all but the rarest count half
CURE = 'Remove copies from the source, or keep them together: [split] by = "group:<column>".'


def repeated(clean: pd.DataFrame, parts: dict[str, pd.DataFrame], target: str, names: list[str]) -> Iterator[Suspicion]:
    """Test rows that train or dev knows already, exactly or nearly, and rows that contradict each other."""
    if parts and names:
        yield from copies(parts, names)
    if names:
        yield from contradictions(clean, target, names)


def copies(parts: dict[str, pd.DataFrame], names: list[str]) -> Iterator[Suspicion]:
    """Rows of test that are those of train or dev in all cells, or in all but one.

    Notes
    -----
    A row is the same where its numbers round to the same thousandth of the column's standard deviation, and the letters
    and digits of its texts agree; where one cell may differ, the other numbers must be equal. Rows that differ a little
    in several cells are not found. A table in which chance alone makes such pairs (few columns, few values) is not
    suspected. Cost: two sorts of the rows a column, 5 s of CPU for 250,000 rows of 20 columns.
    """
    seen = pd.concat([parts["train"], parts["dev"]], ignore_index=True)[names]
    seen = seen.sample(min(ROWS, len(seen)), random_state=0)
    rows = pd.concat([parts["test"][names], seen], ignore_index=True)
    test = np.arange(len(rows)) < len(parts["test"])
    pairs = int(test.sum()) * int((~test).sum())
    forms = normal_forms(rows, rounded=True)
    keys = forms.sum(axis=1, dtype=np.uint64)
    same = in_both(keys, test)
    if pairs * together(collisions(forms, repeats(keys))) < LIKELY * same[test].sum():
        yield copied(same, test, "the same features as a row of train or dev")
    if len(names) >= FEW_COLUMNS:
        forms = normal_forms(rows, rounded=False)
        near = all_but_one(forms, test, pairs) & ~same
        if near[test].mean() >= NEAR_SHARE:
            yield copied(near, test, "all but one cell of a row of train or dev")


def all_but_one(forms: np.ndarray, test: np.ndarray, pairs: int) -> np.ndarray:
    """Rows that agree with one of the other side in all but one column, in which chance would hardly leave so many.

    Parameters
    ----------
    forms : ndarray of uint64, shape (n_rows, n_columns)
    test : ndarray of bool, shape (n_rows,)
        Rows of the test split.
    pairs : int
        Pairs of a test row and another.
    """
    whole = forms.sum(axis=1, dtype=np.uint64)
    hits = [in_both(whole - column, test) for column in forms.T]
    repeated = np.any([repeats(whole - column) for column in forms.T], axis=0)
    common = repeated.mean() > COMMON  # rows like each other are then the nature of the table
    chances, near = collisions(forms, repeated & ~common), np.zeros(len(forms), dtype=bool)
    for j, hit in enumerate(hits):
        if pairs * together(np.delete(chances, j)) < LIKELY * hit[test].sum():
            near |= hit
    return near


def copied(found: np.ndarray, test: np.ndarray, what: str) -> Suspicion:
    """A suspicion that test rows, both masks of shape (n_rows,), are known."""
    figures = {"rows": int(found[test].sum()), "test rows": int(test.sum())}
    sentence = f"{figures['rows']} of {figures['test rows']} test rows have {what}: the score flatters"
    return Suspicion(kind="duplicates", sentence=sentence, cure=CURE, figures=figures)


def normal_forms(rows: pd.DataFrame, *, rounded: bool) -> np.ndarray:
    """Hashes of the cells in normal form, uint64, shape (n_rows, n_columns)."""
    forms = np.empty(rows.shape, dtype=np.uint64)
    for j, name in enumerate(rows.columns):
        values = rows[name]
        if rounded and pd.api.types.is_float_dtype(values.dtype) and values.std() > 0:
            values = (values / (values.std() / STEPS)).round()
        elif pd.api.types.is_string_dtype(values.dtype):
            values = values.str.lower().str.replace(r"[\W_]+", "", regex=True)
        hashes = pd.util.hash_pandas_object(values, index=False).to_numpy()
        forms[:, j] = hashes * np.uint64(2 * j + 1)  # the same cell in another column is another one
    return forms


def in_both(keys: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Rows, shape (n_rows,), whose key stands in the test split and outside of it."""
    both = np.intersect1d(keys[test], keys[~test])
    return np.isin(keys, both)


def repeats(keys: np.ndarray) -> np.ndarray:
    """Rows, shape (n_rows,), whose key another row has too."""
    return pd.Series(keys).duplicated(keep=False).to_numpy()


def collisions(forms: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """For each column the chance that two rows share its value, in (0, 1]; shape (n_columns,).

    It is measured on the rows that are no copies, unless all are.
    """
    forms, found = forms if copies.all() else forms[~copies], []
    pairs = len(forms) * max(1, len(forms) - 1)
    for column in forms.T:
        counts = np.unique(column, return_counts=True)[1].astype(float)
        found.append(max(float((counts * (counts - 1)).sum()), 1.0) / pairs)
    return np.array(found)


def together(chances: np.ndarray) -> float:
    """The chance that two rows share all these columns, where columns may say the same twice."""
    rarest = np.argmin(chances)
    return float(chances[rarest] * np.prod(np.delete(chances, rarest) ** DEPENDENCE))


def contradictions(clean: pd.DataFrame, target: str, names: list[str]) -> Iterator[Suspicion]:
    """Rows with the same features and another answer, and the best score that they leave to any model.

    Notes
    -----
    Of rows with the same features at best the most frequent class is right, or their mean; what is left over is the
    ceiling on accuracy, or on R2, for these rows.
    """
    keys = pd.util.hash_pandas_object(clean[names], index=False)
    truth = clean[target]
    if infer_task(truth) == "regression":
        rows, left = differing(truth, keys), np.sum((truth - truth.groupby(keys).transform("mean")) ** 2)
        ceiling, best = 1 - float(left / np.sum((truth - truth.mean()) ** 2)), "have an R2 above"
        chances = collisions(normal_forms(clean[names], rounded=False), keys.duplicated(keep=False).to_numpy())
        if ceiling > WORTH_SAYING or together(chances) * len(clean) ** 2 / 2 > LIKELY * rows:
            return  # a table of a few whole numbers: what differs is noise, and a score will say so
    else:
        counts = pd.DataFrame({"key": keys, "answer": truth}).value_counts().groupby(level="key").agg(["sum", "max"])
        rows = int((counts["sum"] - counts["max"]).sum())
        ceiling, best = 1 - rows / len(clean), "be right in more than"
    if rows:
        shown = (
            f"{np.floor(ceiling * 1e4) / 1e4:.4f}"
            if best.endswith("above")
            else f"{np.floor(ceiling * 1e3) / 10:.1f} %"
        )
        yield Suspicion(
            kind="ambiguity",
            columns=(target,),
            sentence=f"{rows} rows differ from others only in {target!r}: no model can {best} {shown}",
            cure="Look at them: labels are wrong, or a column that would tell the rows apart is missing.",
            figures={"rows": rows, "ceiling": round(ceiling, 6)},
        )


def differing(truth: pd.Series, keys: pd.Series) -> int:
    """Rows whose truth, shape (n_rows,), is not the same in all rows of their key."""
    return int((truth.groupby(keys).transform("nunique") > 1).sum())
