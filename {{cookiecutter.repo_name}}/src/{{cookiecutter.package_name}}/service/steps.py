"""The recipe of a run as small steps on one row of cells, each with the bits of a fitted transformer.

Each step does what one transformer does, in its order of operations. The classes of a run come from its own copy of the
code, so they are known by module and name, not by `isinstance`; what is not known is `NotCompiled`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import joblib
import numpy as np
from scipy.sparse import issparse
from scipy.sparse._sparsetools import csr_matvecs

from ..engine.columns.lists import items_of
from ..engine.modelling import recipe
from .trees import NotCompiled

Cell = float | int | bool | str | None
Cells = Mapping[str, Cell]
Row = np.ndarray  # shape (n_columns,), float64
CELLS = 0  # where the row of cells stands among what the steps find
EPOCH = datetime(1970, 1, 1).toordinal()
SECONDS_AN_HOUR = 3600
DEGREE = 3  # of the curves


class Road:
    """Steps one after the other; each takes what steps before it have found, by place."""

    def __init__(self) -> None:
        self._steps: list[tuple[Callable, tuple[int, ...]]] = []
        self._places: dict[tuple, int] = {}
        self.known: dict[str, set[str]] = {}  # categories and words that the model knows, by column that it sees

    def add(self, function: Callable, *sources: int, key: Any = None) -> int:
        """Add a step that takes what is found at `sources`; where it stands. One with a key is added once."""
        if key is not None and (key, sources) in self._places:
            return self._places[key, sources]
        self._steps.append((function, sources))
        self._places[key, sources] = len(self._steps)
        return len(self._steps)

    def __call__(self, cells: Cells) -> Any:
        """What the last step finds."""
        found: list[Any] = [cells]
        for function, sources in self._steps:
            found.append(function(*[found[place] for place in sources]))
        return found[-1]


def kind(thing: Any) -> str:
    """Module and name of a class or function; of the package's own, from the room on: a run has its own copy."""
    named = thing if hasattr(thing, "__name__") else type(thing)
    if named.__name__ == "FunctionTransformer":
        return kind(thing.func)
    module = "sklearn" if named.__module__.startswith("sklearn.") else named.__module__.rpartition(".engine.")[2]
    return f"{module}.{named.__name__}"


def known_as(table: Mapping[str, Callable], thing: Any) -> Callable:
    """What a table holds for a fitted transformer or estimator."""
    if kind(thing) not in table:
        raise NotCompiled(f"{type(thing).__name__} of {type(thing).__module__} is not known")
    return table[kind(thing)]


def add_columns(road: Road, table: Any) -> int:
    """Add the steps of a fitted ColumnTransformer; where its row of numbers stands."""
    parts = []
    for _, step, names in table.transformers_:
        if step != "drop":
            parts += add_steps(road, step, [CELLS], (names,) if isinstance(names, str) else tuple(names))
    return road.add(lambda *found: np.concatenate([dense(part) for part in found]), *parts, key="row")


def dense(part: Any) -> Row:
    """A row that a transformer gave, sparse or as a table of one."""
    return (part.toarray() if issparse(part) else part).ravel()


def add_steps(road: Road, step: Any, sources: list[int], names: tuple[str, ...]) -> list[int]:
    """Add the steps of a fitted transformer of the columns `names`; the places of what they find."""
    if kind(step) == "sklearn.FeatureUnion":
        return [place for _, part in step.transformer_list for place in add_steps(road, part, sources, names)]
    if kind(step) == "sklearn.Pipeline":
        for _, part in step.steps:
            sources = add_steps(road, part, sources, names)
        return sources
    make = known_as(STEPS, step)
    parts = [word for word in getattr(step, "vocabulary_", ()) if " " not in word]
    for name, categories in zip(names, getattr(step, "categories_", [parts] * len(names)), strict=True):
        road.known.setdefault(name, set()).update(word for word in categories if isinstance(word, str))
    key = joblib.hash(step), names if sources == [CELLS] else ()
    return [road.add(make(step, names), *sources, key=key)]


def product(weights: np.ndarray, shift: Any) -> Callable[[Row], np.ndarray]:
    """A row times weights, (n_columns, n_outputs), plus shift, as scipy multiplies sparse rows: (1, n_outputs)."""
    (n_columns, n_outputs), flat = weights.shape, weights.ravel()

    def multiply(row: Row) -> np.ndarray:
        (places,), found = row.nonzero(), np.zeros(n_outputs)
        csr_matvecs(1, n_columns, n_outputs, np.array([0, len(places)]), places, row[places], flat, found)
        return (found + shift)[None]

    return multiply


def numbers(step: Any, names: tuple[str, ...]) -> Callable:
    """Each cell as float64; NaN where it is missing, or infinite in single precision."""
    take = itemgetter(*names)

    def read(cells: Cells) -> Row:
        found = np.array(take(cells), dtype="float64", ndmin=1)
        return np.where(np.abs(found) <= recipe.LARGEST, found, np.nan)

    return read


def logarithms(step: Any, names: tuple[str, ...]) -> Callable:
    """The signed logarithm of each cell."""
    read = numbers(step, names)
    return lambda cells: recipe.signed_log(read(cells))


def date_parts(step: Any, names: tuple[str, ...]) -> Callable:
    """Year, month, day, weekday, hour of day and days since 1970 of each date."""
    return lambda cells: np.array([part for name in names for part in parts_of(cells[name])], dtype="float64")


def parts_of(cell: Any) -> tuple:
    """The six numbers of one date."""
    moment = as_moment(cell)
    if moment is None:
        return (np.nan,) * 6
    moment = moment.replace(tzinfo=None)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    hour = (moment - midnight).total_seconds() / SECONDS_AN_HOUR
    return moment.year, moment.month, moment.day, moment.weekday(), hour, moment.toordinal() - EPOCH


def as_moment(cell: Any) -> datetime | None:
    """A date cell, text in ISO 8601, as the dictionary types it: without zone, in UTC."""
    if not isinstance(cell, str):
        return cell
    moment = datetime.fromisoformat(cell)
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def text(step: Any, names: tuple[str, ...]) -> Callable:
    """A text, as one of a list; a missing one is empty."""
    return lambda cells: [cells[names[0]] or ""]


def as_it_is(step: Any, names: tuple[str, ...]) -> Callable:
    """The run's own transformer of texts, called as it is."""
    return step.transform


def components(step: Any, names: tuple[str, ...]) -> Callable:
    """30 numbers of each text."""
    multiply = product(step.components_.T, 0.0)
    return lambda words: multiply(dense(words))


def items(step: Any, names: tuple[str, ...]) -> Callable:
    """0 or 1 for each frequent item of a cell, and how many others it holds."""
    places = {item: place for place, item in enumerate(step.items_)}

    def mark(texts: list[str]) -> Row:
        found = np.zeros(len(places) + 1)
        for item in items_of(texts[0], step.separator):
            found[places.get(item, -1)] += 1
        return found

    return mark


def filled(step: Any, names: tuple[str, ...]) -> Callable:
    """Missing cells become the median, and are marked beside it."""
    marked = step.indicator_.features_ if step.add_indicator else []

    def fill(row: Row) -> Row:
        missing = np.isnan(row)
        return np.concatenate([np.where(missing, step.statistics_, row), missing[marked]])

    return fill


def seldom_filled(step: Any, names: tuple[str, ...]) -> Callable:
    """Missing cells of a column with few values become a number."""
    return lambda row: np.where(np.isnan(row), step.filled_, row)


def scaled(step: Any, names: tuple[str, ...]) -> Callable:
    """Mean 0, standard deviation 1."""
    mean, scale = step.mean_, step.scale_
    return lambda row: (row - mean) / scale


def curves(step: Any, names: tuple[str, ...]) -> Callable:
    """B-splines by de Boor's recurrence, of all columns at once, in scipy's order of operations."""
    if (step.degree, step.extrapolation, step.include_bias, step.sparse_output) != (DEGREE, "constant", False, False):
        raise NotCompiled("curves of another kind than the recipe's")
    knots = np.array([spline.t for spline in step.bsplines_])
    n_columns, n_splines = len(knots), knots.shape[1] - DEGREE - 1
    columns, low, inner, high = np.arange(n_columns), *np.split(knots[:, DEGREE : n_splines + 1], [1, -1], axis=1)
    # By column and interval: the 6 knots around it, and the lengths that the recurrence divides by (0 gives 0).
    near = np.lib.stride_tricks.sliding_window_view(knots, 2 * DEGREE, axis=1)[:, 1:-1]
    pairs = [(order, place) for order in range(1, DEGREE + 1) for place in range(order)]
    spans = np.stack([near[..., DEGREE + n] - near[..., DEGREE + n - order] for order, n in pairs], axis=-1)
    spans[spans == 0] = np.inf
    around = np.arange(DEGREE + 1)

    def curve(row: Row) -> Row:
        cells = row[:, None]
        row = np.clip(cells, low, high)[:, 0]
        interval = (inner <= row[:, None]).sum(axis=1)
        close, lengths = near[columns, interval].T, iter(spans[columns, interval].T)
        below, above = row - close[:DEGREE], close[DEGREE:] - row
        found = [np.ones(n_columns)]
        for order in range(1, DEGREE + 1):
            before, found = found, [np.zeros(n_columns)]
            for place in range(order):
                share = before[place] / next(lengths)
                found[-1] = found[-1] + share * above[place]
                found.append(share * below[place - order])
        table = np.zeros((n_columns, n_splines))
        table[columns[:, None], interval[:, None] + around] = np.stack(found, axis=1)
        table[:, DEGREE:][(cells < low)[:, 0]] = 0  # which matters where knots stand at one place
        table[:, :-DEGREE][(cells > high)[:, 0]] = 0
        return table[:, :-1].ravel()

    return curve


def places_of(categories: np.ndarray) -> dict[Cell, int]:
    """The place of each category; a missing cell may be one."""
    return {None if each != each else each: place for place, each in enumerate(categories.tolist())}


def looked_up(names: Sequence[str], tables: Sequence[dict], unknown: Sequence[tuple]) -> Callable:
    """Numbers for each cell out of a table, or those of what is unknown."""
    columns = list(zip(names, tables, unknown, strict=True))
    return lambda cells: np.array([x for name, table, other in columns for x in table.get(cells[name], other)])


def codes(step: Any, names: tuple[str, ...]) -> Callable:
    """The place of a category."""
    tables = [
        {cell: (step.encoded_missing_value if cell is None else float(place),) for cell, place in places_of(of).items()}
        for of in step.categories_
    ]
    return looked_up(names, tables, [(step.unknown_value,)] * len(names))


def one_hot(step: Any, names: tuple[str, ...]) -> Callable:
    """A column a category; all 0 for an unknown one."""
    if step.handle_unknown != "ignore" or step.drop is not None or step._infrequent_enabled:
        raise NotCompiled("one column a category, with some left out")
    rows = [np.eye(len(of)).tolist() for of in step.categories_]
    tables = [
        {cell: row[place] for cell, place in places_of(of).items()}
        for of, row in zip(step.categories_, rows, strict=True)
    ]
    return looked_up(names, tables, [[0.0] * len(of) for of in step.categories_])


def means(step: Any, names: tuple[str, ...]) -> Callable:
    """The mean target of a category, one a class where there are more than two."""
    unknown = tuple(np.ravel(step.target_mean_).tolist())
    of = [np.column_stack(step.encodings_[i : i + len(unknown)]) for i in range(0, len(step.encodings_), len(unknown))]
    tables = [
        {cell: mean[place].tolist() for cell, place in places_of(categories).items()}
        for categories, mean in zip(step.categories_, of, strict=True)
    ]
    return looked_up(names, tables, [unknown] * len(names))


STEPS = {
    "modelling.recipe.number_cells": numbers,
    "modelling.recipe.log_cells": logarithms,
    "modelling.recipe.split_dates": date_parts,
    "modelling.recipe.fill_text": text,
    "modelling.items.ItemEncoder": items,
    "modelling.recipe.SeldomFilled": seldom_filled,
    "sklearn.SimpleImputer": filled,
    "sklearn.StandardScaler": scaled,
    "sklearn.SplineTransformer": curves,
    "sklearn.OrdinalEncoder": codes,
    "sklearn.OneHotEncoder": one_hot,
    "sklearn.TargetEncoder": means,
    "modelling.recipe.TfIdf": as_it_is,
    "sklearn.HashingVectorizer": as_it_is,
    "sklearn.TfidfTransformer": as_it_is,
    "modelling.recipe.Components": components,
}
