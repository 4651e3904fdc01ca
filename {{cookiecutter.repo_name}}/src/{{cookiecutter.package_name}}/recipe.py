"""The recipe: from the data dictionary to scikit-learn preprocessing, one flavour for linear models, one for trees.

Columns that `add_features` made are not in the dictionary: numbers, dates and text among them are recognised by dtype.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from .dictionary import Dictionary, features

TEXT_COMPONENTS = 30  # skrub's default too: more cost time and did not help trees
TEXT_BUCKETS = 2**12  # more than TEXT_COMPONENTS, whatever the text, so that the SVD is always possible
ENCODER_FOLDS = 5
KNOTS = 6  # of each curve, at equal shares of the rows
WORDS = re.compile(r"\w+")  # one-letter words count: "I", "5"


@dataclass(frozen=True)
class Recipe:
    """Which columns get which transformation.

    Attributes
    ----------
    columns : dict of str to list of str
        Column names by transformation.
    task : {"classification", "regression"}
    seed : int
        For the encoders that shuffle or approximate.
    """

    columns: dict[str, list[str]]
    task: str
    seed: int

    @property
    def names(self) -> list[str]:
        """All columns that a model sees, in the order of the recipe."""
        return [name for names in self.columns.values() for name in names]

    def linear(self, estimator: BaseEstimator, *, curves: bool = False) -> Pipeline:
        """`estimator` behind scaled numbers, one column a category, and tf-idf of the words of a text.

        With `curves` each number becomes a smooth curve: a linear model of them is an additive model.
        """
        number = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
        spline = SplineTransformer(KNOTS, knots="quantile", extrapolation="constant", include_bias=False)
        steps = {
            "number": make_pipeline(number, spline) if curves else number,
            "one-hot": OneHotEncoder(handle_unknown="ignore"),
            "target encoding": make_pipeline(self._target_encoder(), StandardScaler()),
            "date parts": make_pipeline(*date_parts(), number),
        }
        words = make_pipeline(*text_cells(), TfidfVectorizer(sublinear_tf=True, analyzer=words_of))
        return make_pipeline(self._columns(steps, words), estimator)

    def trees(self, estimator: BaseEstimator) -> Pipeline:
        """`estimator` behind numbers as they are, codes for categories, and 30 components of the words of a text."""
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
        steps = {
            "number": "passthrough",
            "one-hot": codes,
            "target encoding": self._target_encoder(),
            "date parts": make_pipeline(*date_parts()),
        }
        words = make_pipeline(
            *text_cells(),
            HashingVectorizer(n_features=TEXT_BUCKETS, analyzer=words_of, alternate_sign=False),
            TfidfTransformer(sublinear_tf=True),
            TruncatedSVD(TEXT_COMPONENTS, random_state=self.seed),
        )
        return make_pipeline(self._columns(steps, words), estimator)

    def _target_encoder(self) -> TargetEncoder:
        """The mean target of a category, from the other folds while fitting so that no row sees its own target."""
        kind = "continuous" if self.task == "regression" else "auto"  # "auto" takes whole numbers for classes
        return TargetEncoder(target_type=kind, cv=KFold(ENCODER_FOLDS, shuffle=True, random_state=self.seed))

    def _columns(self, steps: dict[str, BaseEstimator | str], words: Pipeline) -> ColumnTransformer:
        """One transformer a transformation; text column by column, because a vectoriser takes one."""
        table = [(name, step, self.columns[name]) for name, step in steps.items() if self.columns.get(name)]
        texts = [(f"text {name}", words, name) for name in self.columns.get("text", ())]
        return ColumnTransformer(table + texts, verbose_feature_names_out=True)


def plan(columns: Dictionary, rows: pd.DataFrame, *, task: str, seed: int, without: Sequence[str] = ()) -> Recipe:
    """Sort the features of a table by their transformation.

    Parameters
    ----------
    columns : Dictionary
        The data dictionary.
    rows : DataFrame, shape (n_rows, n_columns)
        Rows after `add_features`.
    task, seed
        See `Recipe`.
    without : sequence of str
        Columns that must not be seen, such as the one that defines the groups.
    """
    chosen = {name: columns[name].transformation for name in features(columns) if name in rows.columns}
    made = {name: by_dtype(rows[name]) for name in rows.columns if name not in columns}
    grouped: dict[str, list[str]] = {}
    for name, transformation in {**chosen, **made}.items():
        if name not in without:
            grouped.setdefault(transformation, []).append(name)
    return Recipe(grouped, task, seed)


def by_dtype(values: pd.Series) -> str:
    """The transformation of a column that the dictionary does not know."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "date parts"
    return "number" if pd.api.types.is_numeric_dtype(values.dtype) else "target encoding"


def date_parts() -> tuple[BaseEstimator]:
    """The transformer from dates to numbers."""
    return (FunctionTransformer(split_dates, feature_names_out=name_date_parts),)


def split_dates(dates: pd.DataFrame) -> np.ndarray:
    """Year, month, day, weekday (0 = Monday), hour of day (0-24) and days since 1970 of each date.

    Parameters
    ----------
    dates : DataFrame of datetime64, shape (n_rows, n_dates)

    Returns
    -------
    ndarray of float64, shape (n_rows, 6 * n_dates)
        NaN where the date is missing.
    """
    parts = []
    for name in dates.columns:
        date = pd.to_datetime(dates[name]).dt
        midnight = date.normalize()
        hour = (dates[name] - midnight).dt.total_seconds() / 3600
        days = (midnight - pd.Timestamp(0)).dt.days
        parts += [date.year, date.month, date.day, date.day_of_week, hour, days]
    return np.column_stack([part.to_numpy(dtype="float64", na_value=np.nan) for part in parts])


def name_date_parts(transformer: BaseEstimator, names: Sequence[str]) -> list[str]:
    """Names of the columns of `split_dates`."""
    return [f"{part} of {name}" for name in names for part in ("year", "month", "day", "weekday", "hour", "days")]


def text_cells() -> tuple[BaseEstimator]:
    """The transformer that makes a missing text an empty one."""
    return (FunctionTransformer(fill_text, feature_names_out="one-to-one"),)


def fill_text(texts: pd.Series) -> pd.Series:
    """Missing texts as empty ones, shape (n_rows,)."""
    return texts.fillna("").astype(object)


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; scikit-learn's own analyser puts a memory address into the model's bytes."""
    return WORDS.findall(text.lower())
