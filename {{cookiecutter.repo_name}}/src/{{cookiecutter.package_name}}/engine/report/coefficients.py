"""What the linear model says of each column: how its answer changes when the column alone is changed in some rows.

The changed rows go through the steps before the model, whatever they are. As the model is linear, the change of an
answer is the change of its inputs times the coefficients, which a bootstrap fits again.
"""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import block_diag, csr_matrix, identity
from scipy.stats import t
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from ..modelling.items import OTHERS
from ..modelling.metrics import NUMBERS, resamples
from ..modelling.question import Question
from ..modelling.recipe import ANALYSERS, ITEMS
from .verdict import number

TERMS, WORD_TERMS = 15, 6  # terms in all, and words of texts among them where there is anything else to show
ROWS_OF_A_LEVEL = 10  # of a category, a word, or of missing cells: the effect of fewer is luck
ROWS_OF_OTHERS = 5  # of such a level, of another class: a resample without any would know no interval
MOST_WORDS = MOST_LEVELS = 50  # of a text or list the strongest, of a category the most frequent, are tried
MOST_CHANGED = 50  # rows, at least, in which a change is made, where there are so many
EFFECT = ("effect", "low", "high")
RESAMPLES, ROWS_DRAWN = 25, 2000
CHANCE = 0.05
ENCODED = "target encoding"
LEVELS = ("one-hot", "string encoding")  # transformations, by name, of categories
WORDY = tuple(kind for kind in (ITEMS, *ANALYSERS) if kind not in LEVELS)
KINDS = ("number", "log", "date parts", *LEVELS, ENCODED, *WORDY)
MOST_INPUTS = 0.4  # a row, words aside: fit and resamples have rows by heart with more. At 0.5 chance names in 1 of 6


@dataclass(frozen=True)
class Change:
    """A column that holds `after` instead of `before` in some rows, shape (n_rows,); `words` say so.

    `is_word` marks one of the many words of a text or items of a list, `is_level` one of the categories of a column,
    one of which every row has: it is compared with the mean of them all.
    """

    column: str
    words: str
    before: pd.Series
    after: pd.Series
    is_word: bool = False
    is_level: bool = False


def can_be_told(model: BaseEstimator, n_rows: int) -> bool:
    """Whether a model is a linear one behind the steps of `Recipe`, without letters, with few inputs for `n_rows`."""
    if not (isinstance(model, Pipeline) and len(model) == 2 and isinstance(model[0], ColumnTransformer)):
        return False
    if not hasattr(getattr(model[-1], "model_", model[-1]), "coef_"):
        return False
    steps = [(name, step) for name, step, _ in model[0].transformers_ if step != "drop"]
    texts = [step[-1] for name, step in steps if name.startswith(tuple(ANALYSERS))]
    places = [place for name, place in model[0].output_indices_.items() if not name.startswith(WORDY)]
    few = sum(place.stop - place.start for place in places) <= MOST_INPUTS * min(n_rows, ROWS_DRAWN)
    return few and all(n.startswith(KINDS) for n, _ in steps) and all(isinstance(s, TfidfVectorizer) for s in texts)


def strongest(pipeline: Pipeline, known: Question, *, booleans: Sequence[str] = ()) -> pd.DataFrame:
    """The 15 strongest effects in a pipeline of `Recipe.linear`, fitted on the rows of `known`.

    Strongest first: `column`, `change` (in words, with units), `effect` (regression: added to the prediction, in the
    target's unit; classes: the factor on the odds), `low` and `high` (its 95 % interval) and `towards` (the class whose
    odds they are; absent for a regression). Left out are categories and words of fewer than 10 rows, and what may hold
    no effect: what is nearer to none than chance brings so many inputs. `booleans` are columns of yes and no, for which
    a standard deviation means nothing.
    """
    labels = known.classes  # of two the positive one last; a blend fits its parts on their numbers
    in_order = sorted(labels)
    changes, moved = changes_and_inputs(pipeline, known, booleans)
    every, errors = effects_and_errors(pipeline, known, moved)
    if len(labels) == 2 and labels[1] == in_order[0]:  # the coefficients are of the other class
        every = -every
    row = np.abs(every).argmax(axis=1)
    effect, error = (np.take_along_axis(values, row[:, None], axis=1)[:, 0] for values in (every, errors))
    kept = np.flatnonzero(np.abs(effect) > reach(moved.shape[1] * every.shape[1]) * error)
    words = np.array([changes[place].is_word for place in kept], dtype=bool)
    lines = []
    for place in (kept[n] for n in chosen(np.abs(effect[kept]), words)):
        ends = effect[place] + reach(1) * error[place] * np.array([0, -1, 1])
        ends = np.exp(np.clip(ends, -50, 50)) if labels else ends
        told = changes[place]
        lines.append({"column": told.column, "change": told.words, **dict(zip(EFFECT, ends, strict=True))})
        if labels:
            lines[-1]["towards"] = str(in_order[row[place]] if every.shape[1] > 1 else labels[1])
    return pd.DataFrame(lines, columns=["column", "change", *EFFECT, *(["towards"] if labels else [])])


def reach(n_effects: int) -> float:
    """How many standard errors chance moves any of so many effects, but for 5 % of tables (Student, Bonferroni)."""
    return float(t.isf(CHANCE / 2 / n_effects, RESAMPLES - 1))


def chosen(strength: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Positions of the strongest terms; rare words are strong and many, and must not hide the other columns."""
    order = np.argsort(-strength, kind="stable")
    others = min(TERMS - WORD_TERMS, (~words).sum())
    left_out = order[words[order]][TERMS - others :]
    return order[~np.isin(order, left_out)][:TERMS]


def effects_and_errors(pipeline: Pipeline, known: Question, moved: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """The effect of each change and its standard error, both shape (n_changes, n_lines); infinite where it is unknown.

    `moved`, shape (n_changes, n_inputs), is what the inputs change by. There is one line, or one a class where there
    are more than two. The error is that of a bootstrap of the rows, or of whole groups. Of a large table a sample is
    drawn, and the errors are made as small as those of all rows (m out of n, Bickel, Goetze and van Zwet 1997); its
    rows weigh so much that a penalty has its share. What stands before the linear model is not fitted again.
    """
    some = np.random.default_rng(0).permutation(len(known.truth))[:ROWS_DRAWN]
    last, truth, share = getattr(pipeline[-1], "model_", pipeline[-1]), known.truth[some], len(some) / len(known.truth)
    groups, found, every = (None if known.groups is None else known.groups.iloc[some]), [], effects(last, moved)
    weighs = has_fit_parameter(last, "sample_weight")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a fit of a resample did not converge
        table = inputs_of(pipeline[0], known, some)
        for rows in resamples(NUMBERS["mae"], truth, groups, RESAMPLES):
            options = {"sample_weight": np.full(len(rows), 1 / share)} if weighs else {}
            with contextlib.suppress(ValueError):  # one class alone
                again = effects(clone(last).fit(table[rows], truth[rows], **options), moved)
                found += [again] if again.shape == every.shape else []
    if len(found) < RESAMPLES / 2:
        return every, np.full(every.shape, np.inf)
    return every, np.std(found, axis=0, ddof=1) * np.sqrt(share)


def effects(fitted: BaseEstimator, moved: csr_matrix) -> np.ndarray:
    """What each change adds to the score of a fitted linear model, shape (n_changes, n_lines)."""
    return moved @ np.atleast_2d(fitted.coef_).T


def inputs_of(columns: ColumnTransformer, known: Question, some: np.ndarray) -> Any:
    """What the linear model was fitted on in the rows at the places `some`, shape (n_some, n_inputs).

    A target encoding gives a row that is learned from what the other folds say of its category; asked for it afterwards
    it gives what the row's own target says too, which no coefficient can be measured by.
    """
    table = columns.transform(known.rows.iloc[some])
    for kind, step, names in columns.transformers_:
        if kind == ENCODED:
            table[:, columns.output_indices_[kind]] = clone(step).fit_transform(known.rows[names], known.truth)[some]
    return table


def changes_and_inputs(pipeline: Pipeline, known: Question, booleans: Sequence[str]) -> tuple[list[Change], csr_matrix]:
    """The changes that are tried, and what the inputs of the linear model change by, shape (n_changes, n_inputs)."""
    columns, last = pipeline[0], getattr(pipeline[-1], "model_", pipeline[-1])
    strength, found, moved = np.abs(np.atleast_2d(last.coef_)).max(axis=0), list[Change](), []
    for kind, step, names in columns.transformers_:
        part = strength[columns.output_indices_.get(kind, slice(0, 0))]
        if kind == ENCODED:
            found += encoded(step, names, known)
            moved.append(identity(len(part)))
        elif len(part):
            if kind.startswith(WORDY):
                changes = list(words_added(kind, step, known.rows[names], part))
            else:
                changes = [
                    one for name in np.atleast_1d(names).tolist() for one in changes_of(kind, name, known, booleans)
                ]
            found += changes
            moved.append(inputs_moved(step, names, known.rows, changes) if changes else csr_matrix((0, len(part))))
    return found, csr_matrix(block_diag(moved))


def inputs_moved(step: Any, names: Any, rows: pd.DataFrame, changes: Sequence[Change]) -> csr_matrix:
    """What changes make of the inputs that a step makes of the columns `names`, mean of their rows."""
    sizes = [len(change.before) for change in changes]
    starts = np.cumsum([0, *sizes])
    mean = csr_matrix((np.repeat(1 / np.array(sizes), sizes), np.arange(starts[-1]), starts))
    beside = identity(len(changes), format="lil")
    for name in {change.column for change in changes if change.is_level}:
        places = [place for place, change in enumerate(changes) if change.column == name]
        beside[np.ix_(places, places)] -= np.full((len(places), len(places)), 1 / len(places))
    at, inputs = np.concatenate([change.before.index for change in changes]), []
    for which in ("before", "after"):
        if isinstance(names, str):
            cells: Any = pd.concat([getattr(change, which) for change in changes])
        else:
            cells = rows.loc[at, names].reset_index(drop=True)
            cells = cells.astype(dict.fromkeys(cells.select_dtypes(["number", "bool"]), "float64"))
            for start, change in zip(starts, changes, strict=False):
                values = getattr(change, which).astype(cells[change.column].dtype)  # a boolean is refused among numbers
                cells.loc[start : start + len(change.before) - 1, change.column] = values.to_numpy()
        inputs.append(csr_matrix(step.transform(cells)))
    return beside.tocsr() @ mean @ (inputs[1] - inputs[0])


def changes_of(kind: str, name: str, known: Question, booleans: Sequence[str]) -> Iterator[Change]:
    """The changes of a column of categories or numbers; of dates, whether one is missing."""
    cells = known.rows[name]
    filled, is_level = cells.dropna(), kind.startswith(LEVELS)
    middle = cells[:1] if is_level else filled.sort_values().iloc[len(filled) // 2 : len(filled) // 2 + 1]
    for value in (*(filled.value_counts().index[:MOST_LEVELS] if is_level else ()), None):
        marked = cells.isna() if value is None else (cells == value).fillna(False)
        if is_common(marked.to_numpy(bool), known):
            words, after = f"is {'missing' if value is None else value}", pd.Series([value], middle.index, middle.dtype)
            yield Change(name, words, middle, after, is_level=is_level)
    if is_level or kind == "date parts":  # of dates the curves tell
        return
    some = filled.iloc[:: max(1, len(filled) // MOST_CHANGED)]
    if name in booleans or pd.api.types.is_bool_dtype(cells.dtype):  # of the dictionary, or of add_features
        yield Change(name, "is true", none := middle.astype("float64") * 0, none + 1)
    elif kind == "log":
        yield Change(name, "twice as large", some, some * 2)
    else:
        size = float(filled.std(ddof=0))
        yield Change(name, f"{number(size, 3)} more (1 standard deviation)", some, some + size)


def words_added(kind: str, step: Pipeline, cells: pd.Series, strength: np.ndarray) -> Iterator[Change]:
    """The changes of a column of texts or lists: one more word or item, of the strongest, in cells that lack it."""
    mark = step[-1].separator if kind.startswith(ITEMS) else " "
    weights = csr_matrix(step.transform(cells))
    words = step[-1].get_feature_names_out()
    counts = np.bincount(weights.indices, minlength=len(words))
    common = np.flatnonzero((counts >= ROWS_OF_A_LEVEL) & (words != OTHERS))
    for place in common[np.argsort(-strength[common], kind="stable")][:MOST_WORDS]:
        lacking = cells[np.asarray(weights[:, [place]].todense()).ravel() == 0].fillna("")
        some = lacking.iloc[:: max(1, len(lacking) // MOST_CHANGED)].astype(object)
        if len(some):
            what = "" if kind.startswith(ITEMS) else "the word "
            yield Change(cells.name, f"holds {what}{words[place]}", some, some + mark + words[place], is_word=True)


def encoded(step: Pipeline, names: Sequence[str], known: Question) -> Iterator[Change]:
    """Of target-encoded categories the inputs themselves: one a column, or one a column and class."""
    labels, none = known.classes, pd.Series(dtype=object)
    shares = [f"share of {label}" for label in (labels[1:] if len(labels) == 2 else sorted(labels))] or ["mean target"]
    pairs = [(name, what) for name in names for what in shares]
    for (name, what), scale in zip(pairs, step[-1].scale_, strict=True):
        yield Change(name, f"the {what} in its category {number(scale, 3)} higher (1 standard deviation)", none, none)


def is_common(marked: np.ndarray, known: Question) -> bool:
    """Whether enough rows are marked, and of classes enough of them have another one than the most."""
    truth = known.truth[marked]
    others = len(truth) - np.unique(truth.astype(str), return_counts=True)[1].max(initial=0)
    return len(truth) >= ROWS_OF_A_LEVEL and (not known.classes or others >= ROWS_OF_OTHERS)
