"""The recipe of a run as small steps on one row of cells, each with the bits of a fitted transformer.

Each step does what one transformer does, in its order of operations. The classes of a run come from its own copy of the
code, so they are known by module and name, not by `isinstance`; what is not known is `NotCompiled`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import joblib
import numpy as np

from ..engine.columns.dictionary import LARGEST
from ..engine.columns.lists import items_of
from ..engine.modelling import recipe
from .features import Cells, parts_of
from .trees import NotCompiled

NumberRow = np.ndarray  # shape (n_columns,), float64
Names = tuple[str, ...]
CELLS = 0  # where the row of cells stands among what the steps find
DEGREE = 3  # of the curves


class Road:
    """Steps one after the other; each takes what steps before it have found, by place."""

    def __init__(self) -> None:
        self._steps: list[tuple[Callable, tuple[int, ...]]] = []
        self._places: dict[tuple, int] = {}
        self.known: dict[str, set[str]] = {}  # categories and words of the model, by column that it sees

    def add(self, function: Callable, *sources: int, key: Any = None) -> int:
        """Add a step that takes what is found at `sources`; where it stands. One with a key is added once."""
        if key is not None and (key, sources) in self._places:
            return self._places[key, sources]
        self._steps.append((function, sources))
        self._places[key, sources] = len(self._steps)
        return len(self._steps)

    def __call__(self, cells: Mapping[str, Any]) -> Any:
        """What the last step finds."""
        found: list[Any] = [cells]
        for function, sources in self._steps:
            found.append(function(*[found[place] for place in sources]))
        return found[-1]


def kind(thing: Any) -> str:
    """Module and name of a class or function; of the package's own, from the room on."""
    named = thing if hasattr(thing, "__name__") else type(thing)
    if named.__name__ == "FunctionTransformer":
        return kind(thing.func)
    module = "sklearn" if named.__module__.startswith("sklearn.") else named.__module__.rpartition(".engine.")[2]
    return f"{module}.{named.__name__}"


def known_as(table: Mapping[str, Any], thing: Any) -> Any:
    """What a table holds for a fitted transformer or estimator; `NotCompiled` if nothing."""
    if kind(thing) not in table:
        raise NotCompiled(f"{kind(thing)} is not known")
    return table[kind(thing)]


def add_columns(road: Road, table: Any) -> int:
    """Add the steps of a fitted ColumnTransformer; where its row of numbers stands."""
    if not hasattr(table, "transformers_"):  # a pipeline of the user's in place of an estimator
        raise NotCompiled(f"{kind(table)} is not known")
    parts = []
    for _, step, names in table.transformers_:
        if step != "drop":
            parts += add_steps(road, step, [CELLS], (names,) if isinstance(names, str) else tuple(names))
    return road.add(lambda *found: np.concatenate(found), *parts, key="row")


def add_steps(road: Road, step: Any, sources: list[int], names: Names) -> list[int]:
    """Add the steps of a fitted transformer of the columns `names`; the places of what they find."""
    if kind(step) == "sklearn.FeatureUnion":
        return [place for _, part in step.transformer_list for place in add_steps(road, part, sources, names)]
    if kind(step) == "sklearn.Pipeline":
        for _, part in step.steps:
            sources = add_steps(road, part, sources, names)
        return sources
    make = known_as(STEPS, step)
    whole_words = [word for word in getattr(step, "vocabulary_", ()) if " " not in word]
    for name, categories in zip(names, getattr(step, "categories_", [whole_words] * len(names)), strict=True):
        road.known.setdefault(name, set()).update(word for word in categories if isinstance(word, str))
    key = joblib.hash(step), names if sources == [CELLS] else ()
    return [road.add(make(step, names), *sources, key=key)]


def then(first: Callable, second: Callable) -> Callable:
    """One function after the other."""
    return lambda found: second(first(found))


def product(weights: np.ndarray, shift: Any) -> Callable[[NumberRow], np.ndarray]:
    """A row times weights, (n_columns, n_outputs), plus shift, as scipy multiplies sparse rows: (1, n_outputs)."""
    from scipy.sparse._sparsetools import csr_matvecs  # private: without it there is no fast road

    (n_columns, n_outputs), flat = weights.shape, weights.ravel()

    def multiply(row: NumberRow) -> np.ndarray:
        (places,), found = row.nonzero(), np.zeros((1, n_outputs))
        csr_matvecs(1, n_columns, n_outputs, np.array([0, len(places)]), places, row[places], flat, found.ravel())
        return found + shift

    return multiply


def numbers(step: Any, names: Names) -> Callable:
    """Each cell as float64; NaN where it is missing, or infinite in single precision."""
    take = itemgetter(*names)

    def read(cells: Cells) -> NumberRow:
        found = np.array(take(cells), dtype="float64", ndmin=1)
        large = np.fmax.reduce(np.abs(found)) > LARGEST
        return np.where(np.abs(found) <= LARGEST, found, np.nan) if large else found

    return read


def date_parts(step: Any, names: Names) -> Callable:
    """Year, month, day, weekday, hour of day and days since 1970 of each date."""
    return lambda cells: np.array([part for name in names for part in parts_of(cells[name])], dtype="float64")


def items(step: Any, names: Names) -> Callable:
    """0 or 1 for each frequent item of a cell, and how many others it holds."""
    places = {item: place for place, item in enumerate(step.items_)}

    def mark(texts: list[str]) -> NumberRow:
        found = np.zeros(len(places) + 1)
        for item in items_of(texts[0], step.separator):
            found[places.get(item, -1)] += 1
        return found

    return mark


def filled(step: Any, names: Names) -> Callable:
    """Missing cells become the median, and are marked beside it."""
    marked = step.indicator_.features_

    def fill(row: NumberRow) -> NumberRow:
        missing = np.isnan(row)
        row = np.where(missing, step.statistics_, row)
        return np.concatenate([row, missing[marked]]) if len(marked) else row

    return fill


def curves(step: Any, names: Names) -> Callable:
    """B-splines by de Boor's recurrence, of all columns at once, in scipy's order of operations."""
    if (step.degree, step.extrapolation, step.include_bias, step.sparse_output) != (DEGREE, "constant", False, False):
        raise NotCompiled("curves of another kind than the recipe's")
    knots = np.array([spline.t for spline in step.bsplines_])
    n_columns, n_splines = len(knots), knots.shape[1] - DEGREE - 1
    low, inner, high = np.split(knots[:, DEGREE : n_splines + 1], [1, -1], axis=1)
    # By column and interval: the 6 knots around it, and the lengths that the recurrence divides by (by 0, it gives 0).
    near = np.lib.stride_tricks.sliding_window_view(knots, 2 * DEGREE, axis=1)[:, 1:-1]
    pairs = [(order, place) for order in range(1, DEGREE + 1) for place in range(order)]
    spans = np.stack([near[..., DEGREE + place] - near[..., DEGREE + place - order] for order, place in pairs], axis=-1)
    spans[spans == 0] = np.inf
    around, columns = np.concatenate([near, spans], axis=-1), np.arange(n_columns)
    low, high, starts, next_ones = low[:, 0], high[:, 0], columns * n_splines, np.arange(DEGREE + 1)[:, None]

    def curve(row: NumberRow) -> NumberRow:
        within = np.minimum(np.maximum(row, low), high)
        interval = np.add.reduce(inner <= within[:, None], axis=1)
        near = around[columns, interval].T
        below, above, spans = within - near[:DEGREE], near[DEGREE : 2 * DEGREE] - within, near[2 * DEGREE :]
        found: np.ndarray = np.ones((1, n_columns))
        for order in range(1, DEGREE + 1):
            share, spans, found = found / spans[:order], spans[order:], np.zeros((order + 1, n_columns))
            np.multiply(share, above[:order], out=found[:-1])
            np.add(found[1:], share * below[-order:], out=found[1:])
        table = np.zeros((n_columns, n_splines))
        table.ravel()[starts + interval + next_ones] = found
        if (within != row).any():  # which matters where knots stand at one place
            table[:, DEGREE:][row < low] = 0
            table[:, :-DEGREE][row > high] = 0
        return table[:, :-1].ravel()

    return curve


def looked_up(names: Names, categories: Sequence[np.ndarray], found: list, unknown: list) -> Callable:
    """The numbers `found` for each cell's category, or those of an `unknown` one; a missing cell may be a category.

    Of each column there are an array of shape (n_categories, n_numbers) and one of shape (n_numbers,).
    """
    tables = []
    for of, rows in zip(categories, found, strict=True):
        cells = [None if cell != cell else cell for cell in of.tolist()]
        tables.append(dict(zip(cells, rows.tolist(), strict=True)))
    columns = list(zip(names, tables, [each.tolist() for each in unknown], strict=True))
    return lambda cells: np.array([x for name, table, other in columns for x in table.get(cells[name], other)])


def codes(step: Any, names: Names) -> Callable:
    """The place of a category; NaN for a missing or unknown one."""
    places = [np.arange(len(of), dtype="float64")[:, None] for of in step.categories_]
    for column, place in step._missing_indices.items():
        places[column][place] = np.nan
    return looked_up(names, step.categories_, places, [np.array([np.nan])] * len(names))


def one_hot(step: Any, names: Names) -> Callable:
    """A column a category; all 0 for an unknown one."""
    if step.handle_unknown != "ignore" or step.drop is not None or step._infrequent_enabled:
        raise NotCompiled("one column a category, with some left out")
    sizes = [len(of) for of in step.categories_]
    return looked_up(names, step.categories_, [np.eye(size) for size in sizes], [np.zeros(size) for size in sizes])


def means(step: Any, names: Names) -> Callable:
    """The mean target of a category, one a class where there are more than two."""
    unknown = np.ravel(step.target_mean_)
    starts = range(0, len(step.encodings_), len(unknown))
    found = [np.column_stack(step.encodings_[start : start + len(unknown)]) for start in starts]
    return looked_up(names, step.categories_, found, [unknown] * len(names))


def weights_of(step: Any) -> Callable[[tuple[np.ndarray, np.ndarray]], NumberRow]:
    """The row of a fitted TfidfTransformer, from the places of words, in order, and how often each stands there."""
    if (step.sublinear_tf, step.use_idf, step.norm) != (True, True, "l2"):  # a drawn row seldom has a word twice
        raise NotCompiled("other weights of words than the recipe's")

    def weigh(found: tuple[np.ndarray, np.ndarray]) -> NumberRow:
        places, counts = found
        row = np.zeros(len(step.idf_))
        if len(places):
            weights = (np.log(counts) + 1.0) * step.idf_[places]
            row[places] = weights / np.sqrt(np.add.accumulate(weights * weights)[-1])
        return row

    return weigh


def words(step: Any, names: Names) -> Callable:
    """The words, or groups of letters, of a text, as weights."""
    weigh, vocabulary, analyse = weights_of(step._tfidf), step.vocabulary_, step.analyzer
    return lambda texts: weigh(counted([vocabulary[word] for word in analyse(texts[0]) if word in vocabulary]))


def buckets(step: Any, names: Names) -> Callable:
    """The buckets of a text's words, in order, and how often each stands there, scaled to length 1."""
    from sklearn.feature_extraction._hashing_fast import transform as hashed  # private, too

    if (step.norm, step.binary, step.alternate_sign) != ("l2", False, False):
        raise NotCompiled("other buckets of words than the recipe's")
    analyse = step.build_analyzer()

    def count(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        pairs = [(word, 1) for word in analyse(texts[0])]
        places, counts = counted(hashed([pairs], step.n_features, step.dtype, False)[0].tolist())
        return places, counts / np.sqrt(np.add.reduce(counts * counts))

    return count


def counted(places: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The places that are there, in order, and how often each is."""
    counts = Counter(sorted(places))
    return np.array([*counts], dtype="intp"), np.array([*counts.values()], dtype="float64")


# What makes the step of a fitted transformer of columns of these names.
STEPS: dict[str, Callable[[Any, Names], Callable]] = {
    "modelling.recipe.number_cells": numbers,
    "modelling.recipe.log_cells": lambda step, names: then(numbers(step, names), recipe.signed_log),
    "modelling.recipe.split_dates": date_parts,
    "modelling.recipe.fill_text": lambda step, names: lambda cells: [cells[names[0]] or ""],
    "modelling.recipe.SeldomFilled": lambda step, names: lambda row: np.where(np.isnan(row), step.filled_, row),
    "modelling.recipe.TfIdf": words,
    "modelling.recipe.Components": lambda step, names: then(product(step.components_.T, 0.0), itemgetter(0)),
    "modelling.items.ItemEncoder": items,
    "sklearn.HashingVectorizer": buckets,
    "sklearn.TfidfTransformer": lambda step, names: weights_of(step),
    "sklearn.SimpleImputer": filled,
    "sklearn.StandardScaler": lambda step, names: lambda row: (row - step.mean_) / step.scale_,
    "sklearn.SplineTransformer": curves,
    "sklearn.OrdinalEncoder": codes,
    "sklearn.OneHotEncoder": one_hot,
    "sklearn.TargetEncoder": means,
}
