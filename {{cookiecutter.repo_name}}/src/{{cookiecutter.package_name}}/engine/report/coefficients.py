"""What the linear model says of each column, in the units of the data.

Used by `make evaluate`. Reads the fitted pipeline that `recipe.Recipe.linear` makes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from ..modelling.recipe import ANALYSERS

PARTS = ("year", "month", "day", "weekday", "hour", "days")  # as `recipe.split_dates` makes them
WORDS = 6  # shown of all texts, where there is anything else to show
FEWEST_ROWS = 10  # of a category, or of missing cells: the effect of fewer is luck
UNITS = {"year": "years", "month": "months", "day": "days", "weekday": "weekdays", "hour": "hours", "days": "days"}


@dataclass(frozen=True)
class Term:
    """One input of the linear model.

    Attributes
    ----------
    column : str
        The column of the data that it comes from.
    change : str
        What it means that this input rises by `size`, in words.
    size : float
        By how much it rises, in units of the input as the model sees it.
    word : bool
        Whether it is one of the many words of a text.
    level : object
        The category, or NaN for missing cells, that it marks; None for what every row has.
    """

    column: str
    change: str
    size: float = 1.0
    word: bool = False
    level: Any = None


def strongest(
    pipeline: Pipeline,
    rows: pd.DataFrame,
    *,
    labels: Sequence = (),
    positive: Any = None,
    booleans: Sequence[str] = (),
    limit: int = 15,
) -> pd.DataFrame:
    """The strongest coefficients of a fitted linear pipeline.

    Parameters
    ----------
    pipeline : Pipeline
        From `Recipe.linear`, fitted.
    rows : DataFrame, shape (n_rows, n_columns)
        What it was fitted on; categories of fewer than 10 rows are left out.
    labels : sequence
        The classes in sorted order; empty for a regression. A blend fits its parts on their numbers, not their names.
    positive : label, optional
        Of two classes, the one whose odds are told; the second by default.
    booleans : sequence of str
        Columns of yes and no, for which a standard deviation means nothing.
    limit : int

    Returns
    -------
    DataFrame
        `column`, `change` (in words, with units), `effect` (regression: added to the prediction, in the target's unit;
        classes: the factor on the odds) and `towards` (the class whose odds they are; absent for a regression),
        strongest first.
    """
    model = getattr(pipeline[-1], "model_", pipeline[-1])
    terms = list(inputs(pipeline[0], labels, booleans))
    weights = np.atleast_2d(model.coef_) * np.array([term.size for term in terms])
    common = np.array([is_common(term, rows) for term in terms])
    terms, weights = [term for term, kept in zip(terms, common, strict=True) if kept], weights[:, common]
    lines = []
    for place in chosen(np.abs(weights).max(axis=0), np.array([term.word for term in terms]), limit):
        row = int(np.abs(weights[:, place]).argmax())
        line = {"column": terms[place].column, "change": terms[place].change, "effect": float(weights[row, place])}
        if labels:
            label = labels[row if len(weights) > 1 else 1]
            if len(weights) == 1 and positive == labels[0]:
                label, line["effect"] = positive, -line["effect"]
            line |= {"effect": float(np.exp(np.clip(line["effect"], -50, 50))), "towards": str(label)}
        lines.append(line)
    return pd.DataFrame(lines)


def is_common(term: Term, rows: pd.DataFrame) -> bool:
    """Whether enough rows, shape (n_rows, n_columns), have what a term marks."""
    if term.level is None:
        return True
    cells = rows[term.column]
    return int((cells.isna() if term.level != term.level else cells == term.level).sum()) >= FEWEST_ROWS


def chosen(strength: np.ndarray, words: np.ndarray, limit: int) -> np.ndarray:
    """Positions of the strongest terms; rare words are strong and many, and must not hide the other columns."""
    order = np.argsort(-strength, kind="stable")
    others = min(limit - WORDS, (~words).sum())
    left_out = order[words[order]][limit - others :]
    return order[~np.isin(order, left_out)][:limit]


def inputs(columns: ColumnTransformer, labels: Sequence, booleans: Sequence[str]) -> Iterator[Term]:
    """The terms of a fitted `ColumnTransformer` in the order of its output."""
    for name, step, names in columns.transformers_:
        names = [names] if isinstance(names, str) else list(names)
        if name == "number":
            yield from numbers(step, names, booleans)
        elif name == "one-hot":
            pairs = [(n, value) for n, values in zip(names, step.categories_, strict=True) for value in values]
            yield from (Term(n, "is missing" if value != value else f"is {value}", level=value) for n, value in pairs)
        elif name == "target encoding":
            yield from encoded(step, names, labels)
        elif name == "date parts":
            parts = [f"{part} of {name}" for name in names for part in PARTS]
            yield from dates(step[-1], parts)
        elif name.startswith(tuple(ANALYSERS)):
            what = "letters" if name.startswith("string") else "word"
            words = step[-1].get_feature_names_out()
            yield from (Term(names[0], f"holds the {what} {word}", word=True) for word in words)
        elif name == "log":
            yield from logarithms(step[-1], names)
        elif name != "remainder":
            yield from (Term(names[0], f"{output}: 1 more") for output in step.get_feature_names_out(names))


def numbers(step: Pipeline, names: Sequence[str], booleans: Sequence[str]) -> Iterator[Term]:
    """Terms of imputed and scaled numbers, then of the marks that say which were missing."""
    for (name, mark), scale in zip(imputed(step[0], names), step[1].scale_, strict=True):
        if mark or name in booleans:
            yield Term(name, "is missing" if mark else "is true", 1 / scale, level=np.nan if mark else None)
        else:
            yield Term(name, f"{amount(scale)} more (1 standard deviation)")


def logarithms(step: Pipeline, names: Sequence[str]) -> Iterator[Term]:
    """Terms of imputed and scaled logarithms."""
    for (name, mark), scale in zip(imputed(step[0], names), step[1].scale_, strict=True):
        times = f"1 + its size {amount(float(np.exp(scale)))} times as large (1 standard deviation)"
        yield Term(name, "is missing", 1 / scale, level=np.nan) if mark else Term(name, times)


def imputed(imputer, names: Sequence[str]) -> list[tuple[str, bool]]:
    """Name of each output of a `SimpleImputer`, and whether it is a mark of missing values."""
    kept = [(name, False) for name, fill in zip(names, imputer.statistics_, strict=True) if fill == fill]
    marks = imputer.indicator_.features_ if imputer.indicator_ is not None else ()
    return kept + [(names[place], True) for place in marks]


def encoded(step: Pipeline, names: Sequence[str], labels: Sequence) -> Iterator[Term]:
    """Terms of target-encoded categories: one a column, or one a column and class."""
    shares = [f"share of {label}" for label in (labels[1:] if len(labels) == 2 else labels)] or ["mean target"]
    pairs = [(name, what) for name in names for what in shares]
    for (name, what), scale in zip(pairs, step[1].scale_, strict=True):
        yield Term(name, f"the {what} in its category {amount(scale)} higher (1 standard deviation)")


def dates(step: Pipeline, names: Sequence[str]) -> Iterator[Term]:
    """Terms of the parts of dates."""
    for (name, mark), scale in zip(imputed(step[0], names), step[1].scale_, strict=True):
        part, _, column = name.partition(" of ")
        what = "date" if part == "days" else part
        later = f"its {what} {amount(scale)} {UNITS[part]} later (1 standard deviation)"
        yield Term(column, "is missing", 1 / scale, level=np.nan) if mark else Term(column, later)


def amount(size: float) -> str:
    """A size with three digits that count, and no powers of ten."""
    return f"{size:,.0f}" if size >= 1000 else f"{size:.3g}"
