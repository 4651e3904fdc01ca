"""What lies behind one score: where a model errs, on what it leans, how honest it is."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse.csgraph import connected_components
from scipy.stats import binomtest, t
from sklearn.metrics import confusion_matrix
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from ..checks import leaks
from ..checks.suspicion import ROWS_SAMPLED, is_number
from ..columns.dictionary import LARGEST
from ..modelling.decision import urgency
from ..modelling.metrics import Groups, Metric, Predictions, Z, resamples
from ..modelling.question import predict

SHUFFLES, REDRAWN = 5, 25  # of a column, and of the rows: their spread says whether a rank is luck
ROWS_PERMUTED = 2000
CELLS_PERMUTED = 1_000_000  # rows x columns x repeats: with more columns, fewer rows are shuffled
LEAST_PERMUTED = 200  # below, the importance of a column is mostly noise
COLUMNS_EXAMINED = 40
BINS, BIN_ROWS = 10, 20  # of a reliability curve: at most, and rows at least, for three rows say nothing
GRID = 11  # points of a dependence curve
DEPENDENCE_ROWS = 150
GO_TOGETHER = 0.7  # rank correlation: half of what one column says of the order, the other says too
LEAST_OBSERVED = 10  # rows, below which a share says nothing
FEW_UNITS = 10  # rows, of a class too, or groups, with fewer a bootstrap is clearly too narrow
Answer = Callable[[pd.DataFrame], Predictions]


@dataclass(frozen=True)
class Result:
    """What was measured on the test split."""

    truth: np.ndarray  # shape (n_rows,)
    predictions: Predictions  # of the model
    constant: Predictions  # of the best answer that looks at no column
    metric: Metric
    interval: tuple[float, float]  # 95 % interval of the chosen metric; NaN where it is not defined
    groups: Groups = None  # of the rows, where the split keeps some together, shape (n_rows,)

    @property
    def classes(self) -> tuple:
        """The labels; empty for a regression."""
        return self.predictions.classes

    @property
    def score(self) -> float:
        """The chosen metric of the model."""
        return self.metric.score(self.truth, self.predictions)

    @property
    def baseline(self) -> float:
        """The chosen metric of the constant answer."""
        return self.metric.score(self.truth, self.constant)

    @property
    def beats_constant(self) -> bool:
        """Whether the whole interval of the chosen metric is better than the constant answer, of few rows a wider."""
        if self.units < FEW_UNITS and self.interval[0] == self.interval[1]:  # times no width
            return False
        worst, times = self.interval[0 if self.metric.higher_is_better else 1], too_narrow(self.units)
        return times < np.inf and self.metric.better_by(self.score + times * (worst - self.score), self.baseline) > 0

    @property
    def units(self) -> int:
        """How many groups or rows the interval hangs on: of a metric that is no mean of rows, those of the rarer class.

        Where there are more than two classes, those of all.
        """
        one_class = len(self.classes) == 2 and self.metric.name not in ("accuracy", "log_loss")
        rows = int(np.unique(self.truth, return_counts=True)[1].min()) if one_class else len(self.truth)
        return rows if self.groups is None else min(rows, self.groups.nunique())

    @property
    def reach(self) -> float:
        """How much better the model is than the constant answer, in the unit of the metric."""
        return self.metric.better_by(self.score, self.baseline)

    @property
    def span(self) -> float:
        """From the constant answer to a perfect one, in the unit of the metric."""
        return abs(float(self.metric.higher_is_better) - self.baseline)

    @property
    def width(self) -> float:
        """How wide the interval is, at least that of a share of 0 or 1 (Wilson); all of `span` where there is none."""
        least = self.span * Z**2 / (len(self.truth) + Z**2)
        return max(self.interval[1] - self.interval[0], least) if np.isfinite(self.interval).all() else self.span


def too_narrow(units: int) -> float:
    """How many times as wide the interval should be that a bootstrap of so many rows or groups makes of a mean."""
    if units >= FEW_UNITS:
        return 1.0
    return t.ppf(0.975, units - 1) * np.sqrt(units / (units - 1)) / Z if units > 1 else np.inf


def confusion(truth: np.ndarray, predictions: Predictions) -> pd.DataFrame:
    """Rows by true class (index) and predicted class (columns), shape (n_classes, n_classes), counts."""
    names, true, named = (list(map(str, labels)) for labels in (predictions.classes, truth, predictions.values))
    return pd.DataFrame(confusion_matrix(true, named, labels=names), names, names)


def by_class(table: pd.DataFrame) -> pd.DataFrame:
    """Of each class: `rows`, `found` (recall, 0-1), `right` (precision, 0-1), `taken_for` (the most frequent error)."""
    hits, errors = np.diag(table), table.to_numpy() - np.diag(np.diag(table))
    rows, answered = table.sum(axis=1).to_numpy(), table.sum(axis=0).to_numpy()
    worst = [table.columns[line.argmax()] if line.any() else "" for line in errors]
    with np.errstate(invalid="ignore"):
        shares = {"found": hits / rows, "right": hits / answered}
    return pd.DataFrame({"class": table.index, "rows": rows, **shares, "taken_for": worst})


def reliability(truth: np.ndarray, predictions: Predictions) -> pd.DataFrame:
    """How often what was predicted with a probability came true, in at most ten bins of 20 or about as many rows each.

    Of each bin: `predicted` (mean probability), `came_true` (share), `rows`, `low` and `high` (Wilson's 95 % interval).
    """
    predicted, came = word_and_truth(truth, predictions)
    groups = pd.DataFrame({"predicted": predicted, "came_true": came}).groupby(even_bins(predicted))
    around = [wilson(in_bin) for _, in_bin in groups["came_true"]]
    table = groups.mean().assign(rows=groups.size())
    return table.assign(low=[low for low, _ in around], high=[high for _, high in around]).reset_index(drop=True)


def word_and_truth(truth: np.ndarray, predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """What was said and what came true of each row, both shape (n_rows,): a number, or a probability and 0 or 1."""
    if not predictions.classes:
        return predictions.values, truth
    came = truth == (predictions.classes[1] if len(predictions.classes) == 2 else predictions.values)
    return urgency(predictions), came.astype(float)


def even_bins(values: np.ndarray) -> np.ndarray:
    """The bin of each value, from 0; shape (n_rows,). Equal values share a bin, and the last takes in what is left.

    Examples
    --------
    >>> [int(n) for n in np.bincount(even_bins(np.arange(65) / 65))]
    [20, 20, 25]
    """
    place, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    least, left, filled, bins = max(BIN_ROWS, len(values) // BINS), len(values), 0, [0]
    for count in counts:
        left, filled = left - count, filled + count
        full = filled >= least <= left
        bins.append(bins[-1] + full)
        filled = 0 if full else filled
    return np.array(bins[:-1])[place]


def wilson(hits: np.ndarray) -> tuple[float, float]:
    """95 % interval of the share of rows that are hits, shape (n_rows,), within [0, 1] (Wilson 1927).

    Examples
    --------
    >>> [round(float(x), 3) for x in wilson(np.ones(10))]
    [0.722, 1.0]
    """
    return tuple(binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson"))


def strongest_related(rows: pd.DataFrame, answers: Predictions, limit: int = COLUMNS_EXAMINED) -> list[str]:
    """The columns that go most closely with a model's answers to rows, shape (n_rows, n_columns); in their order.

    Of a table too wide to examine each; all of them where there are not more than `limit`.
    """
    if rows.shape[1] <= limit:
        return list(rows.columns)
    predicted = pd.Series(urgency(answers))
    with np.errstate(invalid="ignore", divide="ignore"):  # what does not vary goes with nothing
        strength = as_numbers(rows, predicted).corrwith(predicted).abs().fillna(0)
    kept = strength.nlargest(limit).index
    return [name for name in rows.columns if name in kept]


def as_numbers(rows: pd.DataFrame, predicted: pd.Series) -> pd.DataFrame:
    """Each column as float64, shape (n_rows, n_columns): of words the mean answer of those with the same cell."""
    numbers = {}
    for name, column in rows.reset_index(drop=True).items():
        numeric = pd.api.types.is_numeric_dtype(column.dtype)
        numbers[name] = column.astype("float64") if numeric else predicted.groupby(column.astype(str)).transform("mean")
    return pd.DataFrame(numbers)


def together(rows: pd.DataFrame, answers: Predictions) -> list[list[str]]:
    """The columns that go together (rank correlation): each may stand for the others of its list.

    Words of which few rows have the same say nothing of it: their mean answer is that of the row itself.
    """
    enough = [name for name in rows if is_number(rows[name]) or LEAST_OBSERVED * rows[name].nunique() <= len(rows)]
    rows = rows[enough]
    near = as_numbers(rows, pd.Series(urgency(answers))).rank().corr().abs().to_numpy() >= GO_TOGETHER
    count, kinds = connected_components(near, directed=False)
    lists = [rows.columns[kinds == kind].tolist() for kind in range(count)]
    return [names for names in lists if len(names) > 1]


def importances(answer: Answer, rows: pd.DataFrame, known: Result, *, columns: Sequence[str]) -> Iterator[dict]:
    """What the score loses when one of `columns` is shuffled, so that it says nothing any more (Breiman 2001).

    Of `known` the truth of the rows counts, their groups, and the metric. Yields `column`,
    `loss` (mean over 5 shuffles, in the unit of the metric) and `spread` (its standard error: over the shuffles, and
    over rows or whole groups drawn again). The shuffled copies are answered in one call: a small call is overhead.
    """
    random, metric = np.random.default_rng(0), known.metric
    wanted = max(LEAST_PERMUTED, CELLS_PERMUTED // (SHUFFLES * max(1, len(columns)) * rows.shape[1]))
    chosen = random.permutation(len(rows))[: min(ROWS_PERMUTED, wanted)]
    rows, truth = rows.iloc[chosen], known.truth[chosen]
    whole, copies = answer(rows), rows.iloc[np.tile(np.arange(len(rows)), SHUFFLES)]
    groups = None if known.groups is None else known.groups.iloc[chosen]
    drawn = list(resamples(metric, truth, groups, REDRAWN))
    score, before = metric.score(truth, whole), [metric.score(truth[some], whole[some]) for some in drawn]
    for name in columns:
        order = np.concatenate([random.permutation(len(rows)) for _ in range(SHUFFLES)])
        shuffled = copies.copy()
        shuffled[name] = rows[name].take(order).set_axis(copies.index)
        found = answer(shuffled)
        parts = np.arange(len(copies)).reshape(SHUFFLES, -1)
        losses = [metric.better_by(score, metric.score(truth, found[part])) for part in parts]
        after = [metric.score(np.tile(truth[some], SHUFFLES), found[parts[:, some].ravel()]) for some in drawn]
        others = [metric.better_by(*pair) for pair in zip(before, after, strict=True)]
        spread = np.hypot(np.std(losses) / np.sqrt(SHUFFLES), np.std(others) if others else 0.0)
        yield {"column": name, "loss": float(np.mean(losses)), "spread": float(spread)}


def alone(rows: pd.DataFrame, known: np.ndarray, test: pd.DataFrame, result: Result) -> pd.Series:
    """What a small tree on one column gains over the constant answer to the test rows, the largest first.

    It learns from up to `ROWS_SAMPLED` of `rows`, shape (n_rows, n_columns), and their truth `known`, shape (n_rows,).
    """
    chosen = np.random.default_rng(0).permutation(len(rows))[:ROWS_SAMPLED]
    kind, metric = DecisionTreeClassifier if result.classes else DecisionTreeRegressor, result.metric
    gains = dict[str, float]()
    for name in rows:
        cells = pd.concat([rows[name].iloc[chosen], test[name]])
        for _, numbers in leaks.views(cells):
            table = pd.DataFrame(numbers).clip(-LARGEST / ROWS_SAMPLED, LARGEST / ROWS_SAMPLED)
            tree = kind(min_samples_leaf=LEAST_OBSERVED, random_state=0).fit(table[: len(chosen)], known[chosen])
            found = predict(tree, table[len(chosen) :], result.classes)
            gain = metric.better_by(metric.score(result.truth, found), result.baseline)
            gains[name] = max(gain, gains.get(name, gain))
    return pd.Series(gains).sort_values(ascending=False)


def dependence(answer: Answer, rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The mean answer when one column is set to a value in up to 150 of the rows (partial dependence, Friedman 2001).

    By `value` (of numbers 11 quantiles, else the 8 most frequent): one column a class (mean probability, 0-1), or
    `prediction` (mean, in the unit of the target).
    """
    values = grid(rows[column])
    some = rows.sample(min(DEPENDENCE_ROWS, len(rows)), random_state=0)
    copies = some.iloc[np.tile(np.arange(len(some)), len(values))]
    copies[column] = values.repeat(len(some)).set_axis(copies.index)
    found = answer(copies)
    parts = np.arange(len(copies)).reshape(len(values), -1)
    if not found.classes:
        means = {"prediction": found.values[parts].mean(axis=1)}
    else:
        means = {str(label): found.probabilities[:, i][parts].mean(axis=1) for i, label in enumerate(found.classes)}
    return pd.DataFrame({"value": values.to_numpy(), **means})


def observed(truth: np.ndarray, values: pd.Series, curve: pd.DataFrame) -> pd.DataFrame:
    """What came true of the rows whose cell is (nearest to) each value of a `dependence`; without those of few rows.

    In its columns are shares of the classes (0-1), or the mean of the truth, shape (n_rows,) as `values`.
    """
    at, known = curve["value"], values.notna().to_numpy()
    if is_number(at):
        middles = (at.to_numpy()[1:] + at.to_numpy()[:-1]) / 2
        place = np.searchsorted(middles, values[known].to_numpy(dtype=float))
    else:
        place = pd.Index(at.astype(str)).get_indexer(values[known].astype(str))
    names = curve.columns.drop("value")
    cells = {name: truth[known] if name == "prediction" else truth[known].astype(str) == name for name in names}
    parts = pd.DataFrame(cells).astype(float).groupby(place)
    means = parts.mean()[parts.size() >= LEAST_OBSERVED].reindex(range(len(at)))
    return means.assign(value=at.to_numpy()).dropna()


def in_order(table: pd.DataFrame, words: Sequence[str] | None) -> pd.DataFrame:
    """A table with a column `value`, its words in the order of the dictionary, other words behind them."""
    places = {word: place for place, word in enumerate(words or ())}
    return table.sort_values("value", key=lambda column: column.map(places), kind="stable", ignore_index=True)


def grid(values: pd.Series) -> pd.Series:
    """The values at which a dependence is measured, of the column's own dtype."""
    if is_number(values) and values.nunique() > GRID:
        return values.quantile(np.linspace(0.02, 0.98, GRID), interpolation="nearest").drop_duplicates()
    known = values.dropna()
    return known.value_counts().head(8).index.to_series().sort_values().astype(values.dtype)


def worst_errors(truth: np.ndarray, predictions: Predictions, limit: int = 15) -> pd.DataFrame:
    """The rows on which the model was most wrong, worst first, at most `limit`.

    By `position` (from 0): `truth`, `prediction`, and for classes `probability` (of the prediction) and `of_truth` (of
    the true class, the smaller the worse), else `error` (prediction - truth, the target's unit).
    """
    table = pd.DataFrame({"truth": truth, "prediction": predictions.values})
    if not predictions.classes:
        table["error"] = predictions.values - truth
        table = table.sort_values("error", key=abs, ascending=False, kind="stable")
    else:
        given = {"probability": predictions.given_to(predictions.values), "of_truth": predictions.given_to(truth)}
        table = table.assign(**given)[truth != predictions.values].sort_values("of_truth", kind="stable")
    return table.head(limit).rename_axis("position").reset_index()
