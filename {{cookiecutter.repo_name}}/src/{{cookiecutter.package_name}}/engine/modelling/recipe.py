"""The recipe: from the data dictionary to scikit-learn preprocessing: for linear models, for trees, for networks.

Columns that `add_features` made are not in the dictionary: numbers, dates and text among them are recognised by dtype.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import VotingClassifier
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from ..columns.dictionary import LARGEST, ONE_HOT_LIMIT, Dictionary, features, separators, target, withheld
from ..project.errors import DataError, listed
from .items import ItemEncoder

ITEMS = "one column an item"
TEXT_COMPONENTS = 30  # skrub's default too: more cost time and did not help trees
TEXT_BUCKETS = 2**12  # more than TEXT_COMPONENTS, whatever the text, so that the SVD is always possible
ENCODER_FOLDS = 5
FEW_VALUES, FEW_OF_ALL = 20, 2e-4  # rows of a leaf of boosting; share that its sample of 200,000 rows does not miss
KNOTS = 6  # of each curve, at equal shares of the rows
WORD = re.compile(r"\w+")  # one-letter words count: "I", "5"
LETTERS = (2, 3, 4)  # sizes of the groups of letters of a string
DATE = "datetime64[us]"
DTYPES = {  # by what pandas says of the cells of a column
    **dict.fromkeys(("string", "interval", "time"), "str"),
    **dict.fromkeys(("boolean", "integer", "floating", "mixed-integer-float", "decimal", "timedelta"), "float64"),
    **dict.fromkeys(("date", "datetime", "datetime64", "period"), DATE),
}
DTYPES_OF_GAPS = {"date parts": DATE, "one-hot": "str", "target encoding": "str"}  # by transformation
Analyser = Callable[[str], list[str]]
TextSteps = Callable[[Analyser], list[BaseEstimator]]
TAKE_WORDS = ("sklearn", "builtins", "abc", __package__)  # where estimators come from that take classes as they are


@dataclass(frozen=True)
class Recipe:
    """Which columns, by name, get which transformation.

    `seed` is for the encoders that shuffle or approximate; with `log_target` all models learn the logarithm of the
    target, but for `boosting_log` of `amounts`: none is below 0, nor are all tiny. `rows_a_tree` is what there is to
    learn from: rows, by the trees that boosting grows a round (one a class where there are more than two).
    """

    columns: dict[str, list[str]]
    task: str
    seed: int
    log_target: bool = False
    separators: Mapping[str, str] = field(default_factory=dict)  # of the items in a cell, by column of lists
    rows_a_tree: int = 0
    amounts: bool = False

    @property
    def names(self) -> list[str]:
        """All columns that a model sees, in the order of the recipe."""
        return [name for names in self.columns.values() for name in names]

    @property
    def has_text(self) -> bool:
        """Whether some column becomes many, one a word or a group of letters."""
        return any(kind in self.columns for kind in ANALYSERS)

    def without(self, names: Sequence[str]) -> "Recipe":
        """The recipe for the other columns."""
        kept = {kind: [name for name in used if name not in names] for kind, used in self.columns.items()}
        return replace(self, columns={kind: used for kind, used in kept.items() if used})

    def linear(self, estimator: BaseEstimator, *, curves: bool = False, letters: bool = False) -> Pipeline:
        """`estimator` behind scaled numbers, one column a category, and tf-idf of the words or letters of a text.

        With `curves` each number becomes a smooth curve: a linear model of them is an additive model. With `letters`
        the groups of letters that a column of texts holds more than once stand beside their words, and the candidate
        is for tables with texts only.
        """

        def weighed(analyser: Analyser) -> list[BaseEstimator]:
            words = TfIdf(sublinear_tf=True, analyzer=analyser)
            if not letters or analyser is letters_of:
                return [words]
            return [make_union(words, TfIdf(sublinear_tf=True, analyzer=letters_of, min_df=2))]

        candidate = self._before(estimator, self._scaled(curves=curves), weighed)
        candidate.for_texts = letters
        return candidate

    def network(self, estimator: BaseEstimator) -> Pipeline:
        """`estimator` behind smooth curves of numbers, one column a category, and 30 components of each text."""
        return self._before(estimator, self._scaled(curves=True), self._components)

    def trees(self, estimator: BaseEstimator) -> Pipeline:
        """`estimator` behind numbers as they are, codes for categories, and 30 components of each text."""
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
        steps = {
            "number": make_pipeline(NUMBER_CELLS, SeldomFilled()),
            "log": make_pipeline(NUMBER_CELLS, SeldomFilled()),
            "one-hot": make_pipeline(codes, SeldomFilled()),
            "target encoding": self._target_encoder(),
            "date parts": make_pipeline(DATE_PARTS, SeldomFilled()),
        }
        return self._before(estimator, steps, self._components)

    def _before(self, estimator: BaseEstimator, steps: dict[str, BaseEstimator], text_steps: TextSteps) -> Pipeline:
        """`estimator` behind one transformer a transformation; texts and lists column by column: they become many."""
        table = [(name, step, self.columns[name]) for name, step in steps.items() if self.columns.get(name)]
        texts = [
            (f"{kind} {name}", make_pipeline(TEXT_CELLS, *text_steps(analyser)), name)
            for kind, analyser in ANALYSERS.items()
            for name in self.columns.get(kind, ())
        ]
        lists = [
            (f"{ITEMS} {name}", make_pipeline(TEXT_CELLS, ItemEncoder(self.separators[name])), name)
            for name in self.columns.get(ITEMS, ())
        ]
        return make_pipeline(ColumnTransformer(table + texts + lists), self._last(estimator))

    def _last(self, estimator: BaseEstimator) -> BaseEstimator:
        """`estimator` with probabilities, and classes as numbers where it may want them so, as that of xgboost does."""
        scores = hasattr(estimator, "decision_function") and not hasattr(estimator, "predict_proba")
        if self.task == "classification" and scores:
            estimator = CalibratedClassifierCV(estimator, ensemble=False)
        parts = [estimator, *estimator.get_params().values()]
        origins = {kind.__module__ for part in parts if isinstance(part, BaseEstimator) for kind in type(part).__mro__}
        known = all(origin.startswith(TAKE_WORDS) for origin in origins)
        if known or self.task == "regression":
            return estimator
        return VotingClassifier([("model", estimator)], voting="soft")  # of one: it numbers the classes, 0 to n - 1

    def _scaled(self, *, curves: bool) -> dict[str, BaseEstimator]:
        """Numbers, or their curves, and dates with mean 0 and standard deviation 1, and categories as 0 or 1."""
        filled = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
        number = make_pipeline(filled, StandardScaler())
        spline = SplineTransformer(KNOTS, knots="quantile", extrapolation="constant", include_bias=False)
        scaled = make_pipeline(number, spline) if curves else number
        return {
            "number": make_pipeline(NUMBER_CELLS, scaled),
            "log": make_pipeline(FunctionTransformer(log_cells, feature_names_out="one-to-one"), scaled),
            "one-hot": OneHotEncoder(handle_unknown="ignore"),
            "target encoding": make_pipeline(self._target_encoder(), StandardScaler()),
            "date parts": make_pipeline(DATE_PARTS, number),
        }

    def _components(self, analyser: Analyser) -> list[BaseEstimator]:
        """30 numbers of each text."""
        return [
            HashingVectorizer(n_features=TEXT_BUCKETS, analyzer=analyser, alternate_sign=False),
            TfidfTransformer(sublinear_tf=True),
            Components(TEXT_COMPONENTS, random_state=self.seed),
        ]

    def _target_encoder(self) -> TargetEncoder:
        """The mean target of a category, from the other folds while fitting so that no row sees its own target."""
        kind = "continuous" if self.task == "regression" else "auto"  # "auto" takes whole numbers for classes
        return TargetEncoder(target_type=kind, cv=KFold(ENCODER_FOLDS, shuffle=True, random_state=self.seed))


class SeldomFilled(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Missing cells of a column with few values become a number below these: boosting stops at a column without any.

    It divides the rows once more where it stops early, and looks at a sample of many: a few values are not enough.
    """

    def fit(self, X, y=None) -> "SeldomFilled":  # noqa: N803 (scikit-learn's names)
        """Learn the columns of `X`, float64, shape (n_rows, n_columns), and the number that each is filled with."""
        values = (~np.isnan(X)).sum(axis=0)
        few = (values < max(FEW_VALUES, FEW_OF_ALL * len(X))) & (values < len(X))
        least = np.nanmin(X, axis=0, initial=np.inf)
        self.n_features_in_ = X.shape[1]
        self.filled_ = np.where(few, np.where(values, least - 1, 0.0), np.nan)
        return self

    def transform(self, X) -> np.ndarray:  # noqa: N803
        """The same with these columns filled."""
        return np.where(np.isnan(X), self.filled_, X)


class TfIdf(TfidfVectorizer):
    """scikit-learn's, with a column of zeros where the texts have no word to learn, which it takes for an error."""

    def fit_transform(self, raw_documents, y=None):
        """Learn the words of texts, shape (n_rows,), and weigh them, shape (n_rows, n_words)."""
        try:
            return super().fit_transform(raw_documents)
        except ValueError:  # only words that stand once, or none at all
            self.set_params(vocabulary=[""])
            return super().fit_transform(raw_documents)


class Components(TruncatedSVD):
    """scikit-learn's, which divides by zero where all texts are the same; only its report on itself suffers by that."""

    def fit_transform(self, X, y=None) -> np.ndarray:  # noqa: N803
        """Learn the components of `X`, shape (n_rows, n_words); their values, shape (n_rows, n_components)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return super().fit_transform(X)


def plan(columns: Dictionary, rows: pd.DataFrame, *, task: str, seed: int) -> Recipe:
    """Sort the features of rows, shape (n_rows, n_columns), after `add_features` by their transformation."""
    chosen = {name: columns[name].transformation for name in features(columns) if name in rows.columns}
    made = {name: by_dtype(rows[name]) for name in rows.columns if name not in columns and rows[name].notna().any()}
    grouped: dict[str, list[str]] = {}
    for name, transformation in {**chosen, **made}.items():
        grouped.setdefault(transformation, []).append(name)
    return Recipe(grouped, task, seed, columns[target(columns)].transformation == "log", separators(columns))


def constant_columns(rows: pd.DataFrame) -> list[str]:
    """Columns of rows, shape (n_rows, n_columns), that hold one value, or none, everywhere."""
    return [name for name in rows.columns if rows[name].nunique(dropna=False) < 2]


def as_in_use(add_features: Callable, columns: Dictionary, like: Mapping[str, str]) -> Callable:
    """`add_features` as training and use call it: without the columns that are withheld, its index counted from 0.

    New columns get the dtypes of the clean table; a `DataError` where one has no such dtype. A column without any cell,
    as of a row alone, gets the one of its transformation in training, which `like` says.
    """
    hidden = withheld(columns)

    @functools.wraps(add_features)
    def made(rows: pd.DataFrame) -> pd.DataFrame:
        wider = add_features(rows.drop(columns=[name for name in hidden if name in rows]).reset_index(drop=True))
        if not isinstance(wider, pd.DataFrame) or not wider.columns.is_unique:  # `features` says what is wrong
            return wider
        for name in [name for name in wider if name not in rows]:
            dtype, empty = wider[name].dtype, DTYPES_OF_GAPS.get(like.get(name, ""), "float64")
            plain = dtype == "str" or (isinstance(dtype, np.dtype | pd.DatetimeTZDtype) and dtype.kind in "biufM")
            if not plain or (dtype.kind == "f" and empty != "float64"):
                wider[name] = in_clean_dtype(wider[name], empty)
        return wider

    return made


def in_clean_dtype(values: pd.Series, empty: str) -> pd.Series:
    """A column of another dtype in one of the clean table, shape (n_rows,); durations become seconds."""
    if values.isna().all():
        return pd.Series(index=values.index, dtype=empty)
    cells = values.astype(object).where(values.notna(), None)
    kind = "string" if values.dtype == "category" else pd.api.types.infer_dtype(cells)
    if kind not in DTYPES:
        found = f"{values.name!r} with {listed(sorted({type(cell).__name__ for cell in cells.dropna()}))}"
        cure = "Allowed: numbers, booleans, texts or dates, one kind a column, such as rows['tags'].str.len()."
        raise DataError(f"features.py: add_features fills {found}: no model takes that.\n{cure}")
    if DTYPES[kind] == DATE:
        cells = cells.map(lambda cell: pd.Timestamp(getattr(cell, "start_time", cell)).tz_localize(None), "ignore")
    elif kind == "timedelta":
        cells = pd.to_timedelta(cells).dt.total_seconds()
    return cells.astype(DTYPES[kind])


def by_dtype(values: pd.Series) -> str:
    """The transformation of a column that the dictionary does not know."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "date parts"
    if pd.api.types.is_numeric_dtype(values.dtype):
        return "number"
    return "one-hot" if values.nunique() <= ONE_HOT_LIMIT else "target encoding"


def split_dates(dates: pd.DataFrame) -> np.ndarray:
    """Year, month, day, weekday (0 = Monday), hour of day (from 0 to below 24) and days since 1970 of each date.

    Shape (n_rows, n_dates) becomes (n_rows, 6 * n_dates), NaN where the date is missing.
    """
    parts = []
    for name in dates.columns:
        local = pd.to_datetime(dates[name]).dt.tz_localize(None)  # as a clock there shows it
        date, midnight = local.dt, local.dt.normalize()
        hour = (local - midnight).dt.total_seconds() / 3600
        days = (midnight - pd.Timestamp(0).as_unit("s")).dt.days  # nanoseconds end in 1677 and 2262
        parts += [date.year, date.month, date.day, date.day_of_week, hour, days]
    return np.column_stack([part.to_numpy(dtype="float64", na_value=np.nan) for part in parts])


def name_date_parts(transformer: BaseEstimator, names: Sequence[str]) -> list[str]:
    """Names of the columns of `split_dates`."""
    return [f"{part} of {name}" for name in names for part in ("year", "month", "day", "weekday", "hour", "days")]


def fill_text(texts: pd.Series) -> pd.Series:
    """Missing texts as empty ones, shape (n_rows,)."""
    return texts.fillna("").astype(object)


def number_cells(numbers: pd.DataFrame) -> np.ndarray:
    """Each cell as float64, shape (n_rows, n_columns); NaN where it is missing, or infinite in single precision."""
    cells = numbers.to_numpy(dtype="float64", na_value=np.nan)
    return np.where(np.abs(cells) <= LARGEST, cells, np.nan)


def log_cells(numbers: pd.DataFrame) -> np.ndarray:
    """The signed logarithm of each cell, shape (n_rows, n_columns); NaN where it is missing."""
    return signed_log(number_cells(numbers))


def signed_log(values: np.ndarray) -> np.ndarray:
    """`log(1 + x)`, mirrored below 0, of the same shape."""
    return np.sign(values) * np.log1p(np.abs(values))


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; scikit-learn's own analyser puts a memory address into the model's bytes."""
    return WORD.findall(text.lower())


def telling_words_of(text: str) -> list[str]:
    """The words of a text without those that every English text has."""
    return [word for word in words_of(text) if word not in ENGLISH_STOP_WORDS]


def letters_of(text: str) -> list[str]:
    """Groups of 2, 3 and 4 neighbouring letters of each word, in lower case, with a blank at its two ends."""
    words = [f" {word} " for word in text.lower().split()]
    return [word[at : at + size] for word in words for size in LETTERS for at in range(len(word) - size + 1)]


NUMBER_CELLS = FunctionTransformer(number_cells, feature_names_out="one-to-one")
DATE_PARTS = FunctionTransformer(split_dates, feature_names_out=name_date_parts)
TEXT_CELLS = FunctionTransformer(fill_text, feature_names_out="one-to-one")
ANALYSERS: dict[str, Analyser] = {
    "text": words_of,
    "text without stop words": telling_words_of,
    "string encoding": letters_of,
}
