"""Columns that give the answer away: alone, in another coding, cut into bands; sums are in `formulas.py`.

Used by `suspicions.py`. Each column is judged on a sample of the rows: a small tree learns from one half and is scored
on the other, so that a column which only looks unique in every row scores nothing.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import gammaln
from scipy.stats import rankdata
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..columns.dictionary import LARGEST
from ..modelling.recipe import name_date_parts, split_dates, words_of
from ..modelling.split import infer_task
from .formulas import formulas
from .suspicion import FEW_ROWS, IS_IT_KNOWN, ROWS_SAMPLED, Suspicion, is_number, sampled

GIVES_AWAY = 0.97  # score of one column alone, 0 is guessing and 1 is perfect
ORDERED = 0.99  # the same for the order of amounts: one part of a sum alone reaches 0.98
STRONG, APART = 0.9, 4  # less is named too from here on, where the next best column errs so many times as much
PINS, TIMES = 0.6, 3  # agreement (phi) with one class, named where it is so many times that of the next best column
USUAL_SHARE = 0.1  # share of the rows from which on the most frequent cell may stand for nothing, as an empty one does
FILLED_ROWS = 30  # beside those, fewer do not show that a column is exact
TELLING = 0.1  # of what a tree gains: parts of a date that it owes so much to are named
MOST_WORDS = 200  # most frequent words of a text that are looked at
MANY_VALUES = 20  # more categories than this may hide a word that tells
CODINGS = 50  # values of a column that may be the target's under other names
OF_ITS_DATE = (
    "A row's own date is always known; one that is set with the answer (closed, paid) is not: "
    'then role = "ignored" in references/data_dictionary.toml.'
)
BANDS_BY_CHANCE = 9  # decimal digits of the chance that a column without meaning falls into bands of another one


def leaks(clean: pd.DataFrame, target: str, names: list[str], *, rivals: bool = True) -> Iterator[Suspicion]:
    """Columns of `names` that tell the target of the clean rows, shape (n_rows, n_columns): 10 ms of CPU a column."""
    rows = sampled(clean)
    amount = infer_task(clean[target]) == "regression"
    classes, labels = pd.factorize(rows[target], sort=True)
    truth = rows[target].to_numpy(dtype=float) if amount else classes
    views_of, told = dict[str, View](), set[str]()
    for name in names:
        found = "" if amount else recoded(clean, target, name)
        number, bands = (target, name) if amount else (name, target)
        if not found and all(banded(table[number], table[bands]) for table in (rows, clean)):
            count = clean[bands].nunique()
            function = count > CODINGS and is_number(clean[bands])  # a logarithm, say, or rounded
            cut = f"{number!r} cut into {count:,} bands"
            found = f"{bands!r} is {f'a function of {number!r}' if function else cut}"
        view = views_of[name] = best_view(rows[name], truth)
        known, cure = f"predicts {target!r} almost perfectly", IS_IT_KNOWN
        if view.score >= GIVES_AWAY and not found:
            found, cure = f"{view.what} alone {known} ({view.score:.2f} of 1)", view.cure
        elif view.exact >= GIVES_AWAY and not found:
            where = f"in the {view.filled:.0%} of the rows where it is neither empty nor its most frequent value"
            found, cure = f"{view.what} alone {known} ({view.exact:.2f} of 1) {where}", view.cure
        if found:
            told.add(name)
            yield Suspicion("answer", (name,), found, cure, {"score": round(view.score, 4)})
    if amount:
        others = [name for name in names if views_of[name].score < GIVES_AWAY and is_number(clean[name])]
        for one in formulas(clean, target, others):
            told.update(one.columns)
            yield one
    yield from without_rival(views_of if rivals else {}, target, labels.tolist(), told)  # of all that a model sees


class Pin(NamedTuple):
    """How well a column alone tells one class of at most half the rows from all others."""

    agreement: float = 0.0  # phi of told and true, 0 is guessing and 1 is perfect
    found: float = 0.0  # share of the rows of the class that it finds
    right: float = 0.0  # share of the rows that it finds which are of the class
    label: int = 0  # place of the class among all


class View(NamedTuple):
    """How well a column alone tells rows that it was not learned from; 0 is guessing and 1 is perfect."""

    score: float = 0.0  # on all of them
    exact: float = 0.0  # on those where it is neither empty nor its most frequent value
    filled: float = 0.0  # and their share of the rows
    pin: Pin = Pin()  # of the class that it tells best
    what: str = ""  # the column in words
    cure: str = IS_IT_KNOWN


def without_rival(views_of: Mapping[str, View], target: str, labels: list, told: set[str]) -> Iterator[Suspicion]:
    """Columns, not told yet, that tell the answer, or the rows of one class and hardly any others, as no other does."""
    if len(views_of) < 2:
        return
    name, second, *_ = sorted(views_of, key=lambda name: -views_of[name].score)
    view, next_best = views_of[name], views_of[second].score
    figures = {"score": round(view.score, 4), "filled": round(view.filled, 4)}
    if name not in told and view.score > STRONG and 1 - next_best > APART * (1 - view.score):
        apart = f"far better than any other ({view.score:.2f} of 1, the next {next_best:.2f})"
        told.add(name)
        yield Suspicion("answer", (name,), f"{view.what} alone predicts {target!r} {apart}", view.cure, figures)
    name, second, *_ = sorted(views_of, key=lambda name: -views_of[name].pin.agreement)
    view, pin = views_of[name], views_of[name].pin
    if name not in told and pin.agreement > max(PINS, TIMES * views_of[second].pin.agreement):
        finds = f"{view.what} alone finds {pin.found:.0%} of the rows whose {target!r} is {labels[pin.label]!r}"
        found = f"{finds}, and {pin.right:.0%} of what it finds are such: no other column is near that"
        figures = {"score": round(view.score, 4), "found": round(pin.found, 4), "right": round(pin.right, 4)}
        yield Suspicion("answer", (name,), found, view.cure, figures)


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
    codes = codes if rises else codes[np.bincount(codes)[codes] > 1]  # one row has a stretch wherever it lies
    ways = gammaln(len(codes) + 1) - gammaln(np.bincount(codes) + 1).sum()  # logarithm of the orders of the rows
    return bool(ways - (0 if rises else gammaln(len(set(codes)) + 1)) > BANDS_BY_CHANCE * np.log(10))


def best_view(values: pd.Series, truth: np.ndarray) -> View:
    """What the best way of seeing a column, shape (n_rows,), tells of the target: an amount, or codes of classes."""
    date, found = pd.api.types.is_datetime64_any_dtype(values.dtype), []
    for what, table in views(values):
        view, weights = alone(table, truth)
        if date and len(weights) > 1 and view.score > STRONG:
            parts = np.array(name_date_parts(None, [str(values.name)]))
            what = " with ".join(map(repr, parts[weights > TELLING].tolist()))
        found.append(view._replace(what=what, cure=OF_ITS_DATE if date else IS_IT_KNOWN))
    return max(found, key=lambda view: view.score)


def views(values: pd.Series) -> Iterator[tuple[str, np.ndarray]]:
    """A column as float64, shape (n_rows, n), with its name in words: its parts where it is a date, words in a text."""
    name = f"column {values.name!r}"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        yield name, values.astype("int64").to_numpy(dtype=float)[:, None]
        yield f"the parts of the date {values.name!r}", split_dates(values.to_frame())
    elif pd.api.types.is_numeric_dtype(values.dtype):
        yield name, values.to_numpy(dtype=float, na_value=np.nan)[:, None]
    else:
        yield name, pd.factorize(values)[0].astype(float)[:, None]
        if values.nunique() > MANY_VALUES and any(map(words_of, values.dropna())):
            words = CountVectorizer(max_features=MOST_WORDS, binary=True, analyzer=words_of)
            yield f"a word in {values.name!r}", words.fit_transform(values.fillna("")).toarray().astype(float)


def alone(table: np.ndarray, truth: np.ndarray) -> tuple[View, np.ndarray]:
    """What a tree on half of `table`, shape (n_rows, n), tells of the other half; and what it owes to each column.

    Of amounts their order counts too: a few large ones make most of R2, and a column may tell all the others.
    """
    table = np.clip(table, -LARGEST / ROWS_SAMPLED, LARGEST / ROWS_SAMPLED)  # trees add a column up in single precision
    found, weights = halved(table, truth)
    if truth.dtype.kind == "f":
        in_order, of_each = halved(table, rankdata(truth))
        if in_order.score > max(found.score, ORDERED):
            return in_order, of_each
    return found, weights


def halved(table: np.ndarray, truth: np.ndarray) -> tuple[View, np.ndarray]:
    """What `alone` says of one way to see the truth, shape (n_rows,)."""
    half, amount = len(truth) // 2, truth.dtype.kind == "f"
    learnt, truth = truth[:half], truth[half:]
    if len(set(learnt)) < 2 or len(set(truth)) < 2:
        return View(), np.zeros(0)
    tree = (DecisionTreeRegressor if amount else DecisionTreeClassifier)(max_leaf_nodes=256, min_samples_leaf=3)
    predictions = tree.set_params(random_state=0).fit(table[:half], learnt).predict(table[half:])
    some = says_something(table[half:])
    exact = right(predictions[some], truth[some]) if some.any() else 0.0
    if amount and some.any() and np.ptp(table[half:][some]) and np.ptp(truth[some]):  # few rows make a coarse tree
        exact = max(exact, float(np.corrcoef(table[half:, 0][some], truth[some])[0, 1] ** 2))
    pin = Pin() if amount else max(pins(predictions, truth), default=Pin(), key=lambda pin: pin.agreement)
    return View(right(predictions, truth), exact, float(some.mean()), pin), tree.feature_importances_


def right(predictions: np.ndarray, truth: np.ndarray) -> float:
    """R2, or how far the balanced accuracy is above guessing; shape (n_rows,). 0 where the truth does not vary."""
    if truth.dtype.kind == "f":
        return 1 - float(np.mean((predictions - truth) ** 2) / np.var(truth)) if np.ptp(truth) else 0.0
    labels, counts = np.unique(truth, return_counts=True)
    common, few = labels[counts >= FEW_ROWS], counts[counts < FEW_ROWS].sum()
    if len(common) and few:  # rare classes count as one: alone they tell nothing, and without them others are easy
        predictions, truth = (np.where(np.isin(values, common), values, -1) for values in (predictions, truth))
        labels = common if few < FEW_ROWS and len(common) > 1 else np.append(common, -1)
    if len(labels) < 2:
        return 0.0
    balanced = float(np.mean([(predictions[truth == label] == label).mean() for label in labels]))
    return (balanced - 1 / len(labels)) / (1 - 1 / len(labels))


def says_something(table: np.ndarray) -> np.ndarray:
    """Rows, shape (n_rows,), in which a column is neither empty nor its most frequent value; none where most are."""
    column = table[:, 0]
    values, counts = np.unique(column, return_counts=True)
    some = ~np.isnan(column)
    if counts.max() >= USUAL_SHARE * len(column):
        some &= column != values[counts.argmax()]
    enough = table.shape[1] == 1 and FILLED_ROWS <= some.sum() <= (1 - USUAL_SHARE) * len(column)
    return some if enough else np.zeros(len(column), dtype=bool)


def pins(predictions: np.ndarray, truth: np.ndarray) -> Iterator[Pin]:
    """How well predictions, shape (n_rows,), tell each class of at most half the rows."""
    labels, counts = np.unique(truth, return_counts=True)
    for label in labels[(counts >= FEW_ROWS) & (counts <= len(truth) / 2)]:
        told, true = predictions == label, truth == label
        if told.any() and not told.all():
            both, rows = (told & true).mean(), told.mean() * true.mean()
            agreement = (both - rows) / np.sqrt(rows * (1 - told.mean()) * (1 - true.mean()))
            yield Pin(float(agreement), float(both / true.mean()), float(both / told.mean()), int(label))
