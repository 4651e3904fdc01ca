"""Divide the rows into train, dev and test before anything is fitted.

Ways: `stratified` (same share of every class, or of every tenth of a numeric target), `random`, `time:<column>`
(the latest rows are the test) and `group:<column>` (no group in two splits).
"""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

from ..project.errors import DataError, SettingsError
from ..project.settings import PARTS, Shares, Split

CLASSES_LIMIT = 20  # a column of integers with more values than this is an amount, not a class
RARE_SHARE = 0.01  # of the rows may be of classes with too few rows to be in every split
STRATA = 10  # a numeric target is stratified by its tenths
FOLDS_BELOW = 2500  # rows: a dev split of some 600 rows weighs the candidates worse than folds do
THREE_FOLDS = 1000  # rows, from which on three folds choose as well as five (16 sets), at 60 % of the cost
FEW_GROUPS = 500  # 20 people in dev say little more than 20 rows, however many rows they have
GROUP_FOLDS_BELOW = 50_000  # rows of few groups: from here on folds would cost minutes
Fold = tuple[np.ndarray, np.ndarray]


def infer_task(target: pd.Series, task: str = "auto") -> str:
    """The task that `[train] task` names; of "auto", `regression` for amounts, else `classification`.

    Words, booleans and up to 20 whole numbers are classes. `target`, shape (n_rows,), has no missing values.
    """
    amount = pd.api.types.is_numeric_dtype(target.dtype) and not pd.api.types.is_bool_dtype(target.dtype)
    if task == "regression" and not amount:
        found = f'params.toml: [train] task is "regression", but the target {target.name!r} is not a number'
        raise SettingsError(f'{found}.\nAllowed: task = "classification" or "auto".')
    if task != "auto":
        return task
    many = amount and (target.nunique() > CLASSES_LIMIT or bool((target % 1 != 0).any()))
    return "regression" if many else "classification"


def split(frame: pd.DataFrame, target: str, how: Split, task: str = "auto") -> dict[str, pd.DataFrame]:
    """Divide typed rows, shape (n_rows, n_columns), into `train`, `dev` and `test`: every row once, in their order.

    The column `target` has no missing value; `task` is that of `[train]`. Stratified, the few rows of classes too rare
    to be in all three are in none; many of these, a time or group that is missing and a split without rows are a
    `DataError`, and a column in `by` that does not exist is a `SettingsError`.
    """
    kind, _, column = how.by.partition(":")
    if kind in ("time", "group") and column not in frame.columns:
        cure = f"Allowed: {', '.join(map(str, frame.columns))}."
        raise SettingsError(f"params.toml: [split] by = {how.by!r}: there is no column {column!r}.\n{cure}")
    if column and frame[column].isna().any():
        found = f"[split] by = {how.by!r}: column {column!r} has {frame[column].isna().sum()} empty cells"
        cure = "Fill them, or split by another column."
        raise DataError(f"{found}, and a row without it belongs nowhere.\n{cure}")
    random = np.random.default_rng(how.seed)
    if kind == "stratified":
        labels = by_strata(strata(frame[target], task), how.shares, random)
    elif kind == "random":
        labels = cut(random.permutation(len(frame)), how.shares)
    elif kind == "time":
        labels = cut(frame[column].rank(method="max").to_numpy() - 1, how.shares)
    else:
        labels = by_group(frame[column], how.shares, random)
    parts = {part: frame[labels == part] for part in PARTS}
    if empty := [part for part in PARTS if parts[part].empty]:
        shares = " / ".join(f"{getattr(how.shares, part):g}" for part in PARTS)
        found = f"[split] by = {how.by!r} leaves no row for {' and '.join(empty)}: {len(frame)} rows, shares {shares}"
        cure = "Raise the share in params.toml, or split by a column with more different values."
        raise DataError(f"{found}.\n{cure}")
    return parts


def groups_of(rows: pd.DataFrame, by: str) -> pd.Series | None:
    """The column, shape (n_rows,), that `[split] by` groups these rows by; None where it names no group of theirs."""
    kind, _, column = by.partition(":")
    return rows[column] if kind == "group" and column in rows else None


def strata(target: pd.Series, task: str = "auto") -> pd.Series:
    """Class of each row, or the tenth of the target that it lies in (larger parts of few rows); shape (n_rows,)."""
    if infer_task(target, task) == "classification":
        return target
    return pd.qcut(target.rank(method="first"), min(STRATA, max(1, len(target) // 5)), labels=False)


def cut(position: np.ndarray, shares: Shares) -> np.ndarray:
    """Name the split of each row by its position in [0, n_rows): the first rows train, the last test."""
    size = len(position)
    edges = [round(size * shares.train), round(size * (shares.train + shares.dev))]
    return np.array(PARTS)[np.searchsorted(edges, position, side="right")]


def by_strata(strata: pd.Series, shares: Shares, random: np.random.Generator) -> np.ndarray:
    """Each class divided on its own, with at least one row of it in every split; "" for rows of rarer ones."""
    counts = strata.value_counts()
    rare = counts[counts < len(PARTS)]
    too_many = rare.sum() > max(RARE_SHARE * len(strata), len(PARTS) - 1)
    if len(rare) and (too_many or len(counts) - len(rare) < 2):
        named, many = ", ".join(map(str, rare.index[:5])), len(rare) > max(len(counts) / 2, 10)
        found = f"{len(rare)} class(es) of {strata.name!r} have fewer than {len(PARTS)} rows: {named}"
        cure = "Is it an id or a text? Choose another target" if many else "Merge or remove them"
        keys = 'by = "random" in [split] of params.toml; for a number that is no class, task = "regression" in [train]'
        raise DataError(f'[split] by = "stratified": {found}.\n{cure}, or set {keys}.')
    labels = np.full(len(strata), "", dtype=object)
    for name, rows in strata.groupby(strata, sort=True).indices.items():
        if name in rare.index:
            continue
        rows = random.permutation(rows)
        n_test = min(max(1, round(len(rows) * shares.test)), len(rows) - 2)
        n_dev = min(max(1, round(len(rows) * shares.dev)), len(rows) - n_test - 1)
        labels[rows] = "train"
        labels[rows[:n_dev]] = "dev"
        labels[rows[n_dev : n_dev + n_test]] = "test"
    return labels


def by_group(groups: pd.Series, shares: Shares, random: np.random.Generator) -> np.ndarray:
    """Whole groups, in random order, until each split has its share of the rows."""
    sizes = groups.value_counts(sort=False).sort_index()
    sizes = sizes.iloc[random.permutation(len(sizes))]
    # The middle of a group decides, so that a large one does not swallow two splits.
    middle = sizes.cumsum() - sizes / 2
    edges = np.array([shares.train, shares.train + shares.dev]) * len(groups)
    part = pd.Series(np.array(PARTS)[np.searchsorted(edges, middle.to_numpy())], index=sizes.index)
    return groups.map(part).to_numpy()


def folds(truth: np.ndarray, by: str, groups: pd.Series | None, *, n_train: int, seed: int) -> list[Fold]:
    """Positions to fit on and to hold out: dev is held out, or each of 3 or 5 parts where rows or groups are few.

    `truth`, shape (n_rows,), is of train and dev, one below the other; train are the first `n_train`. Rows in the order
    of time, as `[split] by` says, are not mixed, however few they are; those of one of the `groups` stay together.
    """
    few_groups = groups is not None and groups.nunique() < FEW_GROUPS
    if len(truth) < (GROUP_FOLDS_BELOW if few_groups else FOLDS_BELOW) and not by.startswith("time:"):
        return cross_validation(truth, groups, n_folds=5 if len(truth) < THREE_FOLDS else 3, seed=seed)
    positions = np.arange(len(truth))
    return [(positions[:n_train], positions[n_train:])]


def cross_validation(truth: np.ndarray, groups: pd.Series | None, *, n_folds: int, seed: int) -> list[Fold]:
    """Every row held out once: whole groups together, else with the same share of every class in each fold."""
    if groups is not None:
        splitter = GroupKFold(min(n_folds, groups.nunique()))
    elif truth.dtype.kind == "f":
        splitter = KFold(n_folds, shuffle=True, random_state=seed)
    else:
        splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # folds that lack it give it probability 0
        return list(splitter.split(np.arange(len(truth)), truth, groups))
