"""What the linear model says of each column, in the units of the data.

Reads the fitted pipeline that `recipe.Recipe.linear` makes.
"""

import contextlib
import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from scipy.stats import t
from sklearn.base import BaseEstimator, clone
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.validation import has_fit_parameter

from ..modelling.metrics import NUMBERS, resamples
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
    ITEMS: object,  # a run brings a class of its own
}
EFFECT = ("effect", "low", "high")
RESAMPLES, ROWS_DRAWN = 25, 2000
CHANCE = 0.05
DAYS_OF = {"year": 365.2425, "month": 30.436875, "day": 1.0}  # that a date moves with each of its parts
ROUNDING = 1e-6
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
    """The 15 strongest effects in a pipeline of `Recipe.linear`, fitted on the rows of `known`.

    Left out are categories and words of fewer than 10 rows, and what may hold no effect: what is nearer to none than
    chance brings so many inputs.

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
    terms = list(inputs(pipeline[0], in_order, booleans))
    every, errors = effects_and_errors(pipeline, known, terms)
    if len(labels) == 2 and labels[1] == in_order[0]:  # the coefficients are of the other class
        every = -every
    row = np.abs(every).argmax(axis=1)
    effect, error = (np.take_along_axis(values, row[:, None], axis=1)[:, 0] for values in (every, errors))
    clear = np.flatnonzero(np.abs(effect) > reach(every.size) * error)
    kept = [place for place in clear if is_common(terms[place], known)]
    words = np.array([terms[place].word for place in kept], dtype=bool)
    lines = []
    for place in (kept[n] for n in chosen(np.abs(effect[kept]), words)):
        ends = effect[place] + reach(1) * error[place] * np.array([0, -1, 1])
        ends = np.exp(np.clip(ends, -50, 50)) if labels else ends
        term = terms[place]
        lines.append({"column": term.column, "change": term.change, **dict(zip(EFFECT, ends, strict=True))})
        if labels:
            lines[-1]["towards"] = str(in_order[row[place]] if every.shape[1] > 1 else labels[1])
    return pd.DataFrame(lines, columns=["column", "change", *EFFECT, *(["towards"] if labels else [])])


def reach(n_effects: int) -> float:
    """How many standard errors chance moves any of so many effects, but for 5 % of tables (Student, Bonferroni)."""
    return float(t.isf(CHANCE / 2 / n_effects, RESAMPLES - 1))


def effects_and_errors(pipeline: Pipeline, known: Question, terms: Sequence[Term]) -> tuple[np.ndarray, np.ndarray]:
    """The effect of each term and its standard error, both shape (n_inputs, n_lines); infinite where it is unknown.

    By a bootstrap of the rows, or of whole groups, at the end. Of a large table a sample is drawn, and the errors are
    made as small as those of all rows (m out of n, Bickel, Goetze and van Zwet 1997); its rows weigh so much that a
    penalty has its share. What stands before the linear model is not fitted again.
    """
    some = np.random.default_rng(0).permutation(len(known.truth))[:ROWS_DRAWN]
    last, truth, share = getattr(pipeline[-1], "model_", pipeline[-1]), known.truth[some], len(some) / len(known.truth)
    groups, found = None if known.groups is None else known.groups.iloc[some], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a fit of a resample did not converge
        table = inputs_of(pipeline[0], known, some)
        effects = reading(pipeline[0], terms, known, table)
        every = effects(last)
        for rows in resamples(NUMBERS["mae"], truth, groups, RESAMPLES):
            weights = np.full(len(rows), 1 / share)
            options = {"sample_weight": weights} if has_fit_parameter(last, "sample_weight") else {}
            with contextlib.suppress(ValueError):  # one class alone
                again = effects(clone(last).fit(table[rows], truth[rows], **options))
                found += [again] if again.shape == every.shape else []
    if len(found) < RESAMPLES / 2:
        return every, np.full(every.shape, np.inf)
    return every, np.std(found, axis=0, ddof=1) * np.sqrt(share)


def inputs_of(columns: ColumnTransformer, known: Question, some: np.ndarray) -> Any:
    """What the linear model was fitted on in the rows at the places `some`, shape (n_some, n_inputs).

    A target encoding gives a row that is learned from what the other folds say of its category; asked for it afterwards
    it gives what the row's own target says too, which no coefficient can be measured by.
    """
    table = columns.transform(known.rows.iloc[some])
    for kind, step, names in columns.transformers_:
        if kind == "target encoding":
            table[:, columns.output_indices_[kind]] = clone(step).fit_transform(known.rows[names], known.truth)[some]
    return table


def reading(
    columns: ColumnTransformer, terms: Sequence[Term], known: Question, table: Any
) -> Callable[[BaseEstimator], np.ndarray]:
    """How the coefficients of a fitted model become effects of changes that rows can undergo: (n_inputs, n_lines).

    A line, or one a class where there are more than two. A category stands against the mean of those of its column, as
    alone it says nothing: the intercept takes any part of all. A year, month or day moves the days since 1970. A word
    makes the others of its text weigh less, as in the rows of `table`, the inputs, shape (n_some, n_inputs).
    """
    sizes, dates, texts = np.array([[term.size] for term in terms]), [], []
    common = [place for place, term in enumerate(terms) if term.one_of and is_common(term, known)]
    beside = pd.Series(common, dtype=int).groupby([terms[place].column for place in common]).agg(list)
    for kind, step, names in columns.transformers_:
        where = columns.output_indices_.get(kind, slice(0))
        if kind == "date parts":
            outputs, sd = list(step.get_feature_names_out(names)), np.sqrt(end(step).var_)  # 0 where all have the same
            for part, name in itertools.product(DAYS_OF, names):
                one, days = outputs.index(f"{part} of {name}"), outputs.index(f"days of {name}")
                dates.append((where.start + one, where.start + days, DAYS_OF[part] * sd[one] / (sd[days] or 1)))
        elif kind.startswith(tuple(ANALYSERS)):
            texts.append((where, csr_matrix(table[:, where])))

    def effects(fitted: BaseEstimator) -> np.ndarray:
        found = np.atleast_2d(fitted.coef_).T * sizes
        for places in beside:
            found[places] -= found[places].mean(axis=0)
        for part, days, times in dates:
            found[part] += times * found[days]
        found[[days for _, days, _ in dates]] = 0.0  # they do not move alone
        for where, weights in texts:
            found[where] = np.column_stack([taken_out(weights, line) for line in found[where].T])
        return found

    return effects


def taken_out(weights: csr_matrix, line: np.ndarray) -> np.ndarray:
    """What each word adds to the score of the texts that hold it, the median over these, shape (n_words,).

    The score with it, less that of the text without it, whose other words then weigh more: tf-idf has length 1.
    `weights` are those of the words of the texts, shape (n_texts, n_words), `line` their coefficients; 0 for words of
    fewer than 10 of these texts.
    """
    held = weights.tocoo()
    score, others = weights @ line, np.sqrt(np.clip(1 - held.data**2, 0, None))
    rest = score[held.row] - line[held.col] * held.data
    rest = np.divide(rest, others, out=np.zeros_like(rest), where=others > ROUNDING)  # nothing is left of one word
    change = pd.Series(score[held.row] - rest).groupby(held.col)
    middle = change.median()[change.size() >= ROWS_OF_A_LEVEL]
    return middle.reindex(range(len(line)), fill_value=0.0).to_numpy()


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
    return f"its {part} {number(scale, 3)} {part}s later{', the date with it' if part in DAYS_OF else ''}"


def encoded(step: Pipeline, names: Sequence[str], labels: Sequence) -> Iterator[Term]:
    """Terms of target-encoded categories: one a column, or one a column and class."""
    shares = [f"share of {label}" for label in (labels[1:] if len(labels) == 2 else labels)] or ["mean target"]
    pairs = [(name, what) for name in names for what in shares]
    for (name, what), scale in zip(pairs, end(step).scale_, strict=True):
        yield Term(name, f"the {what} in its category {number(scale, 3)} higher (1 standard deviation)")
