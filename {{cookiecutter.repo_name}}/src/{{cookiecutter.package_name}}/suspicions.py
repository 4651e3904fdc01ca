"""What in the data should make a person suspicious, said before anything is trained.

Called by the step `features`, which prints the findings and writes `data/processed/suspicions.json`. Nothing is changed
or left out: a column that gives the answer away may be right, and only a person knows whether it is known in time.
"""

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp, rankdata
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from .dictionary import Dictionary, by_role, features
from .split import PARTS, infer_task

SAMPLE = 4000  # rows that each column is judged by
GIVES_AWAY = 0.97  # score of one column alone, 0 is guessing and 1 is perfect
SUM_TOLERANCE = 1e-6  # share of the target's variance that a sum of columns may leave
ORDER = 0.2  # how far the order of the file may rank a target, 0 is not at all and 1 is perfectly
SORTED_SHARE = 0.99
BLOCKS = 3  # a file sorted by its answer changes it once a class, not all the time
DRIFT, DRIFT_CHANCE = 0.15, 1e-6  # Kolmogorov-Smirnov distance, and the chance of it without drift
RARE_ROWS = 10
SENTINELS = frozenset([-1, -200, -99, 99, *(sign * (10**digits - 1) for digits in range(3, 7) for sign in (-1, 1))])
GROUP_NAME = re.compile(r"(?i)(customer|client|user|patient|person|member|account|household|student|employee|subject)")
NAMED = 5


def find(clean: pd.DataFrame, parts: dict[str, pd.DataFrame], columns: Dictionary, split_by: str) -> list[str]:
    """List what is suspicious, one line each.

    Parameters
    ----------
    clean : DataFrame, shape (n_rows, n_columns)
        The clean table, in the order of the file.
    parts : dict of str to DataFrame
        The three splits of it.
    columns : Dictionary
        The data dictionary.
    split_by : str
        `[split] by`.

    Returns
    -------
    list of str
        Empty where nothing was found. Cost: about 10 ms a column, whatever the rows.
    """
    target = by_role(columns, "target")[0]
    seen = [name for name in features(columns) if name in clean.columns]
    found = [
        *giveaways(clean, target, seen),
        *sums(clean, target, seen),
        *sentinels(clean, [*seen, target]),
        *repeated_rows(clean, parts, target, seen),
        *order(clean, target, columns, split_by),
        *groups(clean, seen, split_by),
        *rare_classes(clean[target]),
        *drift(parts, seen),
    ]
    return found


def giveaways(clean: pd.DataFrame, target: str, names: list[str]) -> Iterator[str]:
    """Columns that predict the target almost perfectly, alone."""
    rows = clean.sample(min(SAMPLE, len(clean)), random_state=0)
    truth, amount = rows[target], infer_task(clean[target]) == "regression"
    for name in names:
        score = alone(codes(rows[name]), truth.to_numpy(), amount=amount)
        if score >= GIVES_AWAY:
            yield (
                f"column {name!r} alone predicts {target!r} almost perfectly ({score:.2f} of 1): is it known when a "
                "prediction is needed? If not: [data] drop"
            )


def alone(values: np.ndarray, truth: np.ndarray, *, amount: bool) -> float:
    """How well a small tree on one column, shape (n_rows,), does on the half it has not seen; 0 guessing, 1 perfect."""
    half = len(truth) // 2
    if len(set(truth[:half])) < 2 or len(set(truth[half:])) < 2:
        return 0.0
    tree = (DecisionTreeRegressor if amount else DecisionTreeClassifier)(max_leaf_nodes=64, min_samples_leaf=3)
    said = tree.set_params(random_state=0).fit(values[:half, None], truth[:half]).predict(values[half:, None])
    if amount:
        return 1 - float(np.mean((said - truth[half:]) ** 2) / np.var(truth[half:]))
    labels = np.unique(truth[half:])
    balanced = float(np.mean([(said[truth[half:] == label] == label).mean() for label in labels]))
    return (balanced - 1 / len(labels)) / (1 - 1 / len(labels))


def codes(values: pd.Series) -> np.ndarray:
    """A column as float64, shape (n_rows,): numbers as they are, dates as times, words as whole numbers."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values.astype("int64").to_numpy(dtype=float)
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=float, na_value=np.nan)
    return pd.factorize(values)[0].astype(float)


def sums(clean: pd.DataFrame, target: str, names: list[str]) -> Iterator[str]:
    """Columns that add up to the target."""
    if infer_task(clean[target]) != "regression":
        return
    rows = clean.sample(min(SAMPLE, len(clean)), random_state=0)
    numbers = [name for name in names if pd.api.types.is_numeric_dtype(rows[name].dtype) and rows[name].notna().all()]
    if not numbers or len(numbers) + 1 >= len(rows):
        return
    table = np.column_stack([rows[numbers].to_numpy(dtype=float), np.ones(len(rows))])
    truth = rows[target].to_numpy(dtype=float)
    scale = table.std(axis=0)
    weights, *_ = np.linalg.lstsq(table, truth, rcond=None)
    if np.var(truth - table @ weights) <= SUM_TOLERANCE * np.var(truth):
        used = [
            name for name, share in zip(numbers, np.abs(weights * scale), strict=False) if share > 1e-3 * truth.std()
        ]
        summed = ", ".join(map(repr, used))
        yield f"{target!r} is a sum of {summed}: a column that is part of the answer belongs in [data] drop"


def sentinels(clean: pd.DataFrame, names: list[str]) -> Iterator[str]:
    """Numbers that often mean "no value": at the edge of a column, twice at least, and far from all the others."""
    for name in names:
        values = clean[name].dropna()
        if not pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
            continue
        for edge in sorted({values.min(), values.max()} & SENTINELS):
            others = values[values != edge]
            rows = len(values) - len(others)
            if rows > 1 and len(others) and stands_apart(float(edge), others, rows):
                yield (
                    f"column {name!r} holds {edge:g} in {rows} rows, far from the others: if it means missing, say "
                    f'missing = ["{edge:g}"] and missing_allowed = true of it in references/data_dictionary.toml'
                )


def stands_apart(edge: float, others: pd.Series, rows: int) -> bool:
    """Whether no one would take a value for one of the others: below 0 alone, or three times their spread away."""
    low, high = float(others.min()), float(others.max())
    if edge == -1:
        return low >= 0 and rows > others.value_counts().iloc[0]
    return (edge < 0 <= low) or min(abs(edge - low), abs(edge - high)) > 3 * (high - low)


def repeated_rows(clean: pd.DataFrame, parts: dict[str, pd.DataFrame], target: str, names: list[str]) -> Iterator[str]:
    """Rows with the same features: in two splits they leak, with two answers they limit what any model can reach."""
    keys = {part: pd.util.hash_pandas_object(parts[part][names], index=False) for part in PARTS}
    shared = int(keys["test"].isin(pd.concat([keys["train"], keys["dev"]])).sum())
    if shared:
        tested = len(keys["test"])
        yield f"{shared} of {tested} test rows have the same features as a row of train or dev: the score flatters"
    if infer_task(clean[target]) == "regression":
        return
    table = pd.DataFrame({"key": pd.util.hash_pandas_object(clean[names], index=False), "answer": clean[target]})
    counts = table.value_counts().groupby(level="key").agg(["sum", "max"])
    wrong = int((counts["sum"] - counts["max"]).sum())
    if wrong:
        ceiling = 1 - wrong / len(clean)
        yield f"{wrong} rows differ from others only in {target!r}: no model can be right in more than {ceiling:.1%}"


def order(clean: pd.DataFrame, target: str, columns: Dictionary, split_by: str) -> Iterator[str]:
    """A file in the order of time, divided at random."""
    if split_by.startswith("time:"):
        return
    for name in clean.columns:
        dates = clean[name].dropna()
        if columns[name].type == "datetime" and len(dates) > RARE_ROWS and dates.nunique() > RARE_ROWS:
            if (dates.diff().dropna() >= pd.Timedelta(0)).mean() >= SORTED_SHARE:
                yield f'the rows are ordered by {name!r}: for a model of later rows, set [split] by = "time:{name}"'
                return
    if clean[target].nunique() < 2:
        return
    ranks = pd.factorize(clean[target], sort=True)[0]
    moved = abs(np.corrcoef(np.arange(len(clean)), rankdata(ranks))[0, 1])
    if moved > ORDER and np.count_nonzero(np.diff(ranks)) > BLOCKS * clean[target].nunique():
        yield (
            f"{target!r} changes along the file (rank correlation {moved:.2f} with the row number): if that order is "
            "time, a random split flatters"
        )


def groups(clean: pd.DataFrame, names: list[str], split_by: str) -> Iterator[str]:
    """The same customer in several rows."""
    if split_by.startswith("group:"):
        return
    for name in names:
        several, named = len(clean) / max(1, clean[name].nunique()), GROUP_NAME.search(name)
        if named and not counts_something(clean[name]) and 2 <= several <= len(clean) / RARE_ROWS:
            yield f'column {name!r} repeats ({several:.1f} rows each): for new ones, set [split] by = "group:{name}"'


def counts_something(values: pd.Series) -> bool:
    """A number that is not a name: `households` is an amount, `household_id` is not."""
    return pd.api.types.is_numeric_dtype(values.dtype) and not re.search(
        r"(?i)(id|no|nr|number|key)$", str(values.name)
    )


def rare_classes(truth: pd.Series) -> Iterator[str]:
    """Classes with too few rows to learn or to measure."""
    if infer_task(truth) == "classification":
        counts = truth.value_counts()
        if rare := [f"{label!r} ({count})" for label, count in counts[counts < RARE_ROWS].items()]:
            yield f"classes of {truth.name!r} with fewer than {RARE_ROWS} rows: {', '.join(rare[:NAMED])}"


def drift(parts: dict[str, pd.DataFrame], names: list[str]) -> Iterator[str]:
    """Numbers that are distributed otherwise in test than in train."""
    moved = []
    for name in names:
        train, test = (parts[part][name].dropna() for part in ("train", "test"))
        if pd.api.types.is_float_dtype(train.dtype) or pd.api.types.is_integer_dtype(train.dtype):
            if len(train) and len(test):
                distance = ks_2samp(*(part.sample(min(SAMPLE, len(part)), random_state=0) for part in (train, test)))
                if distance.statistic > DRIFT and distance.pvalue < DRIFT_CHANCE:
                    moved.append(f"{name!r} ({distance.statistic:.2f})")
    if moved:
        yield f"distributed otherwise in test than in train (Kolmogorov-Smirnov distance): {', '.join(moved[:NAMED])}"
