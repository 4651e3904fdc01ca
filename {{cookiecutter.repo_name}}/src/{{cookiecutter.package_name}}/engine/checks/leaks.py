"""Columns that give the answer away: alone, in another coding, cut into bands; sums are in `formulas.py`.

Used by `suspicions.py`. Each column is judged on a sample of the rows: a small tree learns from one half and is scored
on the other, so that a column which only looks unique in every row scores nothing.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.special import gammaln
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..columns.dictionary import LARGEST
from ..modelling.recipe import split_dates, words_of
from ..modelling.split import infer_task
from .formulas import formulas
from .suspicion import FEW_ROWS, IS_IT_KNOWN, ROWS_SAMPLED, Suspicion, is_number, sampled

GIVES_AWAY = 0.97  # score of one column alone, 0 is guessing and 1 is perfect
STRONG, APART = 0.9, 4  # less is named too from here on, where the next best column errs so many times as much
MOST_WORDS = 200  # most frequent words of a text that are looked at
MANY_VALUES = 20  # more categories than this may hide a word that tells
CODINGS = 50  # values of a column that may be the target's under other names
BANDS_BY_CHANCE = 9  # decimal digits of the chance that a column without meaning falls into bands of another one


def leaks(clean: pd.DataFrame, target: str, names: list[str]) -> Iterator[Suspicion]:
    """Columns of `names` that tell the target of the clean rows, shape (n_rows, n_columns).

    Notes
    -----
    Cost: 10 ms of CPU a column, whatever the rows.
    """
    rows = sampled(clean)
    amount = infer_task(clean[target]) == "regression"
    scores, told = dict[str, tuple[float, str]](), set[str]()
    for name in names:
        found = "" if amount else recoded(clean, target, name)
        number, bands = (target, name) if amount else (name, target)
        if not found and all(banded(table[number], table[bands]) for table in (rows, clean)):
            count = clean[bands].nunique()
            function = count > CODINGS and is_number(clean[bands])  # a logarithm, say, or rounded
            cut = f"{number!r} cut into {count:,} bands"
            found = f"{bands!r} is {f'a function of {number!r}' if function else cut}"
        score, what = scores[name] = best_view(rows[name], rows[target].to_numpy(), amount=amount)
        if score >= GIVES_AWAY and not found:
            found = f"{what} alone predicts {target!r} almost perfectly ({score:.2f} of 1)"
        if found:
            told.add(name)
            yield Suspicion("answer", (name,), found, IS_IT_KNOWN, {"score": round(score, 4)})
    if amount:
        others = [name for name in names if scores[name][0] < GIVES_AWAY and is_number(clean[name])]
        for one in formulas(clean, target, others):
            told.update(one.columns)
            yield one
    yield from far_above(scores, target, told)


def far_above(scores: Mapping[str, tuple[float, str]], target: str, told: set[str]) -> Iterator[Suspicion]:
    """The column, if it is not told yet, that is strong where every other one errs many times as much."""
    ranked = sorted(scores, key=lambda name: -scores[name][0])
    if len(ranked) < 2 or ranked[0] in told:
        return
    (score, what), (second, _) = scores[ranked[0]], scores[ranked[1]]
    if score > STRONG and 1 - second > APART * (1 - score):
        found = f"{what} alone predicts {target!r} far better than any other ({score:.2f} of 1, the next {second:.2f})"
        yield Suspicion("answer", (ranked[0],), found, IS_IT_KNOWN, {"score": round(score, 4)})


def recoded(clean: pd.DataFrame, target: str, name: str) -> str:
    """What to say where each value of the column stands for one class and each class for one value; else ""."""
    known = clean[[name, target]].dropna()
    values = known[name].nunique()
    each_to_one = values == clean[target].nunique() == len(known.drop_duplicates())
    if not each_to_one or not 2 <= values <= CODINGS or len(known) < len(clean) / 2:
        return ""
    return f"column {name!r} is {target!r} in another coding: each of its {values} values stands for one answer"


def banded(by: pd.Series, values: pd.Series) -> bool:
    """Whether each of the values, shape (n_rows,), has a stretch of the number `by` for itself, and not by chance."""
    known = (values.notna() & by.notna()).to_numpy()
    if not is_number(by) or known.mean() < 1 / 2:
        return False
    numbers = by.to_numpy()[known]
    order = np.argsort(numbers, kind="stable")
    codes, distinct = pd.factorize(values[known].iloc[order])  # as they appear: one that comes back is a step down
    steps = np.diff(codes)
    if len(distinct) < 2 or (steps < 0).any() or (np.diff(numbers[order])[steps > 0] == 0).any():
        return False
    rises = is_number(values) and (distinct.is_monotonic_increasing or distinct.is_monotonic_decreasing)
    ways = gammaln(len(codes) + 1) - gammaln(np.bincount(codes) + 1).sum()  # logarithm of the orders of the rows
    return bool(ways - (0 if rises else gammaln(len(distinct) + 1)) > BANDS_BY_CHANCE * np.log(10))


def best_view(values: pd.Series, truth: np.ndarray, *, amount: bool) -> tuple[float, str]:
    """The best score of a column, shape (n_rows,), seen in several ways, and in words which way that was."""
    found = [(alone(table, truth, amount=amount), what) for what, table in views(values)]
    return max(found, key=lambda pair: pair[0])


def views(values: pd.Series) -> Iterator[tuple[str, np.ndarray]]:
    """A column as float64, shape (n_rows, n), with its name in words: its parts where it is a date, words in a text."""
    name = f"column {values.name!r}"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        yield name, values.astype("int64").to_numpy(dtype=float)[:, None]
        yield f"a part of the date {values.name!r}", split_dates(values.to_frame())
    elif pd.api.types.is_numeric_dtype(values.dtype):
        yield name, values.to_numpy(dtype=float, na_value=np.nan)[:, None]
    else:
        yield name, pd.factorize(values)[0].astype(float)[:, None]
        if values.nunique() > MANY_VALUES and any(map(words_of, values.dropna())):
            words = CountVectorizer(max_features=MOST_WORDS, binary=True, analyzer=words_of)
            yield f"a word in {values.name!r}", words.fit_transform(values.fillna("")).toarray().astype(float)


def alone(table: np.ndarray, truth: np.ndarray, *, amount: bool) -> float:
    """How well a tree on `table`, shape (n_rows, n), does on the half it has not seen; 0 guessing, 1 perfect."""
    half = len(truth) // 2
    learnt, truth = truth[:half], truth[half:]
    if len(set(learnt)) < 2 or len(set(truth)) < 2:
        return 0.0
    table = np.clip(table, -LARGEST / ROWS_SAMPLED, LARGEST / ROWS_SAMPLED)  # trees add a column up in single precision
    tree = (DecisionTreeRegressor if amount else DecisionTreeClassifier)(max_leaf_nodes=256, min_samples_leaf=3)
    predictions = tree.set_params(random_state=0).fit(table[:half], learnt).predict(table[half:])
    if amount:
        return 1 - float(np.mean((predictions - truth) ** 2) / np.var(truth))
    labels, counts = np.unique(truth, return_counts=True)
    labels = labels[counts >= FEW_ROWS] if (counts >= FEW_ROWS).sum() > 1 else labels
    balanced = float(np.mean([(predictions[truth == label] == label).mean() for label in labels]))
    return (balanced - 1 / len(labels)) / (1 - 1 / len(labels))
