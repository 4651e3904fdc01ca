"""Columns that give the answer away: alone, in another coding, as parts that it was computed from, as its mean.

Used by `suspicions.py`. Each column is judged on a sample of the rows: a small tree learns from one half and is scored
on the other, so that a column which only looks unique in every row scores nothing.
"""

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.stats import chi2
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..columns.validate import LARGEST
from ..modelling.recipe import split_dates, words_of
from ..modelling.split import infer_task
from .suspicion import LEAVE_OUT, Suspicion, named

SAMPLE = 4000  # rows that a column is judged by
GIVES_AWAY = 0.97  # score of one column alone, 0 is guessing and 1 is perfect
PAIR_GIVES_AWAY = 0.99  # of many pairs one is good by chance
PAIRED = 10  # columns, the best alone: 45 pairs, 90 trees, 0.3 CPU s
FEW_ROWS = 10  # of a class in the half that is scored: with fewer its share is luck
WORDS = 200  # most frequent words of a text that are looked at
MANY_VALUES = 20  # more categories than this may hide a word that tells
LEFT_OVER = 5e-4  # share of the target's variance that a formula may leave: values are rounded
CODINGS = 50  # values of a column that may be the target's under other names
MEANS, MEAN_ROWS, MEAN_CHANCE = 5, 3, 1e-3  # values of a column of means, rows of each, chance of a forecast so good


def leaks(clean: pd.DataFrame, target: str, names: list[str]) -> Iterator[Suspicion]:
    """Columns of `names` that tell the target of the clean rows, shape (n_rows, n_columns).

    Notes
    -----
    Cost: 10 ms of CPU a column and 0.3 s for pairs, whatever the rows.
    """
    rows = clean.sample(min(SAMPLE, len(clean)), random_state=0)
    amount = infer_task(clean[target]) == "regression"
    scores = {}
    for name in names:
        found = None if amount else recoded(clean, target, name)
        scores[name], what = best_view(rows[name], rows[target].to_numpy(), amount=amount)
        if not found and scores[name] >= GIVES_AWAY:
            found = f"{what} alone predicts {target!r} almost perfectly ({scores[name]:.2f} of 1)"
        if found:
            yield answer(found, [name], score=round(scores[name], 4))
    others = [name for name in names if scores[name] < GIVES_AWAY]
    if amount:
        yield from formulas(rows, target, others)
    else:
        strongest = sorted(others, key=scores.get, reverse=True)
        yield from pairs(rows, target, [n for n in strongest if is_number(rows[n])][:PAIRED], scores)
    yield from means(clean, target, [name for name in others if is_number(clean[name])], amount=amount)


def answer(sentence: str, names: list[str], **figures: float) -> Suspicion:
    """A suspicion that columns tell the answer."""
    return Suspicion(kind="answer", columns=tuple(names), sentence=sentence, cure=LEAVE_OUT, figures=figures)


def is_number(values: pd.Series) -> bool:
    """Numbers that are not true or false."""
    return pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)


def recoded(clean: pd.DataFrame, target: str, name: str) -> str | None:
    """Whether each value of the column stands for one class and each class for one value; None if not."""
    known = clean[[name, target]].dropna()
    values = known[name].nunique()
    if values != clean[target].nunique() or not 2 <= values <= CODINGS or len(known) < len(clean) / 2:
        return None
    if len(known.drop_duplicates()) > values:
        return None
    return f"column {name!r} is {target!r} in another coding: each of its {values} values stands for one answer"


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
        if values.nunique() > MANY_VALUES:
            words = CountVectorizer(max_features=WORDS, binary=True, analyzer=words_of)
            try:
                yield f"a word in {values.name!r}", words.fit_transform(values.fillna("")).toarray().astype(float)
            except ValueError:  # no word in any row
                return


def alone(table: np.ndarray, truth: np.ndarray, *, amount: bool) -> float:
    """How well a tree on `table`, shape (n_rows, n), does on the half it has not seen; 0 guessing, 1 perfect."""
    half = len(truth) // 2
    if len(set(truth[:half])) < 2 or len(set(truth[half:])) < 2:
        return 0.0
    table = np.clip(table, -LARGEST / SAMPLE, LARGEST / SAMPLE)  # trees add a column up in single precision
    tree = (DecisionTreeRegressor if amount else DecisionTreeClassifier)(max_leaf_nodes=256, min_samples_leaf=3)
    said = tree.set_params(random_state=0).fit(table[:half], truth[:half]).predict(table[half:])
    truth = truth[half:]
    if amount:
        return 1 - float(np.mean((said - truth) ** 2) / np.var(truth))
    labels, counts = np.unique(truth, return_counts=True)
    labels = labels[counts >= FEW_ROWS] if (counts >= FEW_ROWS).sum() > 1 else labels
    balanced = float(np.mean([(said[truth == label] == label).mean() for label in labels]))
    return (balanced - 1 / len(labels)) / (1 - 1 / len(labels))


def formulas(rows: pd.DataFrame, target: str, names: list[str]) -> Iterator[Suspicion]:
    """Columns that the target was computed from: by adding and subtracting, or by multiplying and dividing."""
    numbers = [name for name in names if is_number(rows[name]) and rows[name].notna().mean() > 1 - 1 / FEW_ROWS]
    table = rows[[*numbers, target]].dropna().astype(float)
    if used := computed_from(table, target, numbers):
        yield answer(f"{target!r} is {'a sum' if len(used) > 1 else 'a multiple'} of {named(used)}", used)
        return
    sizes = table[(table[target] != 0)].abs()
    factors = [name for name in numbers if (sizes[name] > 0).all()]
    if used := computed_from(np.log(sizes[[*factors, target]]), target, factors):
        yield answer(f"{target!r} is {named(used)} multiplied or divided by each other", used)


def computed_from(table: pd.DataFrame, target: str, names: list[str]) -> list[str]:
    """The columns of a linear formula that leaves next to nothing of the target, shape (n_rows,); empty without one."""
    if not names or len(table) < 2 * len(names) + FEW_ROWS:
        return []
    truth = table[target].to_numpy()
    spread = table[names].std().replace(0, 1)
    known = np.column_stack([(table[names] - table[names].mean()) / spread, np.ones(len(table))])
    weights, *_ = np.linalg.lstsq(known, truth, rcond=None)
    if np.var(truth - known @ weights) > LEFT_OVER * np.var(truth):
        return []
    return [name for name, weight in zip(names, np.abs(weights), strict=False) if weight > 0.02 * truth.std()]


def pairs(rows: pd.DataFrame, target: str, names: list[str], scores: dict[str, float]) -> Iterator[Suspicion]:
    """The two numbers whose difference or ratio decides the class, though neither does alone."""
    truth, best = rows[target].to_numpy(), (0.0, "", [])
    for one, other in itertools.combinations(names, 2):
        a, b = (rows[name].to_numpy(dtype=float, na_value=np.nan) for name in (one, other))
        with np.errstate(over="ignore"):  # infinite, where it is more than a float holds
            ratio = np.divide(a, b, where=b != 0, out=np.full(len(a), 0.0))
        for what, values in (("difference", a - b), ("ratio", ratio)):
            score = alone(values[:, None], truth, amount=False)
            best = max(best, (score, what, [one, other]), key=lambda found: found[0])
    score, what, used = best
    if score >= PAIR_GIVES_AWAY and score > 1.02 * max(scores[name] for name in used):
        yield answer(f"the {what} of {named(used)} predicts {target!r} almost perfectly ({score:.2f} of 1)", used)


def means(clean: pd.DataFrame, target: str, names: list[str], *, amount: bool) -> Iterator[Suspicion]:
    """Columns that hold the mean target of a group that the row itself belongs to.

    The rows that share such a value have exactly that value as their mean; a good forecast would miss it by the error
    that chance makes.
    """
    truth = clean[target]
    labels = [None] if amount else truth.value_counts().index[:FEW_ROWS]
    for name in names:
        if clean[name].nunique() < MEANS or clean[name].nunique() > len(clean) / MEAN_ROWS:
            continue
        for label in labels:
            values = truth.astype(float) if label is None else (truth == label).astype(float)
            if holds_means(clean[name], values):
                of = repr(target) if label is None else f"{target!r} = {label!r}"
                sentence = f"column {name!r} is the mean of {of} over the rows that share its value: each row is in it"
                yield answer(sentence, [name])
                break


def holds_means(values: pd.Series, truth: pd.Series) -> bool:
    """Whether the mean truth, shape (n_rows,), of each value is that value, closer than chance would bring it."""
    found = truth.groupby(values).agg(["mean", "var", "count"]).query(f"count >= {MEAN_ROWS}")
    within = np.average(found["var"], weights=found["count"] - 1) if len(found) >= MEANS else 0.0
    if within == 0 or found["count"].sum() < len(truth) / 2:
        return False
    apart = (found["mean"] - found.index.to_numpy(dtype=float)) ** 2
    return bool(chi2.cdf((found["count"] * apart).sum() / within, len(found)) < MEAN_CHANCE)
