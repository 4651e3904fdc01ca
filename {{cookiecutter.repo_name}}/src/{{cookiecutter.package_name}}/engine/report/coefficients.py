"""What the linear model says of each column, in the units of the data.

Reads the fitted pipeline that `recipe.Recipe.linear` makes.
"""

import contextlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ..modelling.items import ItemEncoder
from ..modelling.metrics import NUMBERS, Z, resamples
from ..modelling.question import Question
from ..modelling.recipe import ANALYSERS, ITEMS
from .verdict import number

TERMS, WORD_TERMS = 15, 6  # terms in all, and words of texts among them where there is anything else to show
ROWS_OF_A_LEVEL = 10  # of a category, or of missing cells: the effect of fewer is luck
ROWS_OF_OTHERS = 5  # of such a level, of another class: a resample without any would know no interval
ENDS = {  # of the steps of `Recipe.linear`, by transformation: what an input stands for can be said of these
    **dict.fromkeys(("number", "log", "date parts", "target encoding"), StandardScaler),
    "one-hot": OneHotEncoder,
    **dict.fromkeys(ANALYSERS, TfidfVectorizer),
    ITEMS: ItemEncoder,
}
EFFECT = ("effect", "low", "high")
RESAMPLES, ROWS_DRAWN = 25, 2000
MARK = "missingindicator_"  # scikit-learn's, before the name of a column


@dataclass(frozen=True)
class Term:
    """One input of the linear model: the `column` it comes from, and in words the `change` that it rises by `size`.

    `size` is in units of the input as the model sees it; `word` marks one of the many words of a text or items
    of a list; `level` is the category, or NaN for missing cells, that the input marks, None for what every row has;
    `one_of` marks the categories of a column, one of which every row has.
    """

    column: str
    change: str
    size: float = 1.0
    word: bool = False
    level: Any = None
    one_of: bool = False


def can_be_told(model: BaseEstimator) -> bool:
    """Whether a fitted model is a linear one behind the steps of `Recipe.linear`, without curves or letters."""
    if not (isinstance(model, Pipeline) and len(model) == 2 and isinstance(model[0], ColumnTransformer)):
        return False
    if not hasattr(getattr(model[-1], "model_", model[-1]), "coef_"):
        return False
    steps = [(name, end(step)) for name, step, _ in model[0].transformers_ if step != "drop"]
    return all(any(name.startswith(kind) and isinstance(step, ENDS[kind]) for kind in ENDS) for name, step in steps)


def end(step: Any) -> Any:
    """The last of the transformers that a column goes through."""
    return end(step[-1]) if isinstance(step, Pipeline) else step


def strongest(pipeline: Pipeline, known: Question, *, booleans: Sequence[str] = ()) -> pd.DataFrame:
    """The 15 strongest coefficients of a pipeline of `Recipe.linear`, fitted on the rows of `known`.

    Categories of fewer than 10 rows are left out, and what may hold no effect: whose interval holds none. A category
    stands against the mean of those of its column, as alone it says nothing: the intercept takes any part of all.

    Parameters
    ----------
    booleans : sequence of str
        Columns of yes and no, for which a standard deviation means nothing.

    Returns
    -------
    DataFrame
        `column`, `change` (in words, with units), `effect` (regression: added to the prediction, in the target's unit;
        classes: the factor on the odds), `low` and `high` (its 95 % interval) and `towards` (the class whose odds they
        are; absent for a regression), strongest first.
    """
    labels = known.classes  # of two the positive one last; a blend fits its parts on their numbers
    in_order = sorted(labels)
    named = list(inputs(pipeline[0], in_order, booleans))
    beside = alternatives(named, known)
    weights = weights_of(pipeline[-1], beside)
    if len(labels) == 2 and labels[1] == in_order[0]:  # the coefficients are of the other class
        weights = -weights
    around = Z * errors_of(pipeline, known, weights.shape, beside)
    whole = zip(named, weights, around, strict=True)
    terms = [(term, w * term.size, e * term.size) for term, w, e in whole if is_common(term, known)]
    terms = [(term, w, e) for term, w, e in terms if abs(w).max() > e[abs(w).argmax()]]
    strength = np.array([np.abs(effects).max() for _, effects, _ in terms])
    lines = []
    for place in chosen(strength, np.array([term.word for term, _, _ in terms], dtype=bool)):
        term, effects, reach = terms[place]
        row = int(np.abs(effects).argmax())
        ends = effects[row] + reach[row] * np.array([0, -1, 1])
        ends = np.exp(np.clip(ends, -50, 50)) if labels else ends
        lines.append({"column": term.column, "change": term.change, **dict(zip(EFFECT, ends, strict=True))})
        if labels:
            lines[-1]["towards"] = str(in_order[row] if len(effects) > 1 else labels[1])
    return pd.DataFrame(lines, columns=["column", "change", *EFFECT, *(["towards"] if labels else [])])


def alternatives(terms: Sequence[Term], known: Question) -> list[list[int]]:
    """The places of the categories of each column, but for those of a few rows."""
    places: dict[str, list[int]] = {}
    for place, term in enumerate(terms):
        if term.one_of and is_common(term, known):
            places.setdefault(term.column, []).append(place)
    return list(places.values())


def weights_of(fitted: BaseEstimator, beside: Sequence[list[int]]) -> np.ndarray:
    """The coefficients, shape (n_inputs, n_lines), less the mean of those that stand beside each other.

    One line, or one a class where there are more than two.
    """
    found = np.atleast_2d(getattr(fitted, "model_", fitted).coef_).T.copy()
    for places in beside:
        found[places] -= found[places].mean(axis=0)
    return found


def errors_of(
    pipeline: Pipeline, known: Question, shape: tuple[int, ...], beside: Sequence[list[int]] = ()
) -> np.ndarray:
    """Standard errors of the coefficients, of that shape, by a bootstrap of the rows, or of whole groups, at the end.

    Of a large table a sample is drawn, and the errors are made as small as those of all rows (m out of n, Bickel,
    Goetze and van Zwet 1997). What stands before the linear model is not fitted again.
    """
    some = np.random.default_rng(0).permutation(len(known.truth))[:ROWS_DRAWN]
    table, truth = pipeline[0].transform(known.rows.iloc[some]), known.truth[some]
    groups, found = (None if known.groups is None else known.groups.iloc[some]), []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a fit of a resample did not converge
        for rows in resamples(NUMBERS["mae"], truth, groups, RESAMPLES):
            with contextlib.suppress(ValueError):  # one class alone
                again = weights_of(clone(pipeline[-1]).fit(table[rows], truth[rows]), beside)
                found += [again] if again.shape == shape else []
    if len(found) < 2:
        return np.zeros(shape)
    return np.std(found, axis=0) * np.sqrt(len(some) / len(known.truth))


def is_common(term: Term, known: Question) -> bool:
    """Whether enough rows have what a term marks, and of classes enough of them another one than the most."""
    if term.level is None:
        return True
    cells = known.rows[term.column]
    marked = cells.isna() if term.level != term.level else (cells == term.level).fillna(False)
    truth = known.truth[marked.to_numpy(bool)]
    others = len(truth) - np.unique(truth.astype(str), return_counts=True)[1].max(initial=0)
    return len(truth) >= ROWS_OF_A_LEVEL and (not known.classes or others >= ROWS_OF_OTHERS)


def chosen(strength: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Positions of the strongest terms; rare words are strong and many, and must not hide the other columns."""
    order = np.argsort(-strength, kind="stable")
    others = min(TERMS - WORD_TERMS, (~words).sum())
    left_out = order[words[order]][TERMS - others :]
    return order[~np.isin(order, left_out)][:TERMS]


def inputs(columns: ColumnTransformer, labels: Sequence, booleans: Sequence[str]) -> Iterator[Term]:
    """The terms of a fitted `ColumnTransformer` in the order of its output."""
    for kind, step, names in columns.transformers_:
        if kind in ("number", "log", "date parts"):
            yield from scaled(kind, step, names, booleans)
        elif kind == "one-hot":
            for name, values in zip(names, step.categories_, strict=True):
                told = ("is missing" if v != v else f"is {v}" for v in values)
                yield from (Term(name, text, level=v, one_of=True) for text, v in zip(told, values, strict=True))
        elif kind == "target encoding":
            yield from encoded(step, names, labels)
        elif kind.startswith(ITEMS):
            yield from (Term(names, f"holds {item}", word=True) for item in end(step).items_)
            yield Term(names, "holds one more of the rare items", word=True)
        elif kind.startswith(tuple(ANALYSERS)):  # one column a step
            what = "letters" if kind.startswith("string") else "word"
            yield from (Term(names, f"holds the {what} {word}", word=True) for word in step[-1].get_feature_names_out())


def scaled(kind: str, step: Pipeline, names: Sequence[str], booleans: Sequence[str]) -> Iterator[Term]:
    """Terms of imputed and scaled numbers, logarithms or parts of dates, and of the marks of missing cells."""
    for output, scale in zip(step.get_feature_names_out(names), end(step).scale_, strict=True):
        name = output if output in names else output.removeprefix(MARK)
        part, _, column = name.partition(" of ") if kind == "date parts" else ("", "", name)
        if name != output:
            yield Term(column, "is missing", 1 / scale, level=np.nan)
        elif name in booleans:
            yield Term(column, "is true", 1 / scale)
        else:
            yield Term(column, f"{change(kind, part, scale)} (1 standard deviation)")


def change(kind: str, part: str, scale: float) -> str:
    """What it means that a number, a logarithm or a part of a date rises by one standard deviation."""
    if kind == "number":
        return f"{number(scale, 3)} more"
    if kind == "log":
        return f"1 + its size {number(np.exp(scale), 3)} times as large"
    return f"its {'date' if part == 'days' else part} {number(scale, 3)} {part.removesuffix('s')}s later"


def encoded(step: Pipeline, names: Sequence[str], labels: Sequence) -> Iterator[Term]:
    """Terms of target-encoded categories: one a column, or one a column and class."""
    shares = [f"share of {label}" for label in (labels[1:] if len(labels) == 2 else labels)] or ["mean target"]
    pairs = [(name, what) for name in names for what in shares]
    for (name, what), scale in zip(pairs, end(step).scale_, strict=True):
        yield Term(name, f"the {what} in its category {number(scale, 3)} higher (1 standard deviation)")
