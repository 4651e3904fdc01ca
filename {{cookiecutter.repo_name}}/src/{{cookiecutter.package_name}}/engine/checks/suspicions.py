"""What in the data should make a person suspicious, said before anything is trained.

Called by the step `features`, which prints the findings and writes `data/processed/suspicions.json`, and by `explore`,
which shows them. Nothing is changed or left out: a column that gives the answer away may be right, and only a person
knows whether it is known in time.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..columns.dictionary import Dictionary, by_role, features, label_columns
from ..modelling.split import infer_task
from .drift import drift
from .duplicates import repeated
from .leaks import GIVES_AWAY, best_view, is_number, leaks
from .sentinels import sentinels
from .suspicion import Suspicion, named

SAMPLE = 4000  # rows of a split that drift is measured on
ORDER = 0.2  # how far the order of the rows may rank a target, 0 is not at all and 1 is perfectly
SORTED_SHARE = 0.99  # of the steps from row to row that go the same way
SECONDS_OF_1990 = 631_152_000
BLOCKS = 3  # a file sorted by its answer changes it once a class, not all the time
RARE_ROWS = 10
UNIQUE_SHARE = 0.9  # a category with more different values than this share of its rows is a name
MANY_GROUPS = 20  # fewer are kinds
ROWS_OF_ONE = 50  # rows of one customer; what repeats more often is a kind, not a customer
CONSTANT_SHARE = 0.99  # rows that agree with the others of their group
ENTITIES = (
    "acct|account|classroom|client|clinic|cust|customer|device|driver|employee|family|hospital|household|machine|member|"
    "owner|participant|patient|person|player|policy|pupil|respondent|school|sensor|student|subject|team|tenant|user|"
    "vehicle|worker|email"
)
NUMBERED = "id|key|no|nr|num|number|code"
GROUP_NAME = re.compile(rf"(^|_)({ENTITIES})(_(name|email|ref|{NUMBERED}))?$|^class(_({NUMBERED}))?$")
ID_NAME = re.compile(r"(^|_)(id|uid|uuid|guid)$")
TIME_NAME = re.compile(r"(^|_)(time|timestamp|ts|epoch|date|day|week|month|year|yr|period|quarter)$")
BIRTH_NAME = re.compile(r"birth|dob|born")
RATER_NAME = re.compile(r"(^|_)(annotator|annotation|coder|expert|judge|label|labeler|labeller|rater|reviewer)\d*(_|$)")


def find(clean: pd.DataFrame, parts: dict[str, pd.DataFrame], columns: Dictionary, split_by: str) -> list[Suspicion]:
    """List what is suspicious.

    Parameters
    ----------
    clean : DataFrame, shape (n_rows, n_columns)
        The clean table, in the order of the file.
    parts : dict of str to DataFrame
        The three splits of it; empty where it cannot be divided.
    columns : Dictionary
        The data dictionary.
    split_by : str
        `[split] by`.

    Returns
    -------
    list of Suspicion
        Empty where nothing was found.
    """
    target = by_role(columns, "target")[0]
    seen = [name for name in features(columns) if name in clean.columns]
    labels = label_columns(columns)
    others = [name for name in clean.columns if name != target and name not in labels]
    raters = list(other_labels(clean, target, seen))
    known = [*raters, *leaks(clean, target, [name for name in seen if name not in told(raters)])]
    named_rows = list(ids(clean, target, columns, [name for name in seen if name not in told(known)]))
    return [
        *known,
        *named_rows,
        *repeated(clean, parts, target, [name for name in seen if name not in told(named_rows)]),
        *order(clean, target, columns, split_by),
        *groups(clean, others, split_by),
        *rare_classes(clean[target]),
        *drift(one_of_each(parts, split_by), target, [name for name in seen if f"group:{name}" != split_by]),
        *sentinels(clean, [*seen, target]),
    ]


def told(found: list[Suspicion]) -> set[str]:
    """All columns that suspicions are about."""
    return {name for suspicion in found for name in suspicion.columns}


def record(found: list[Suspicion], rows: int) -> dict[str, Any]:
    """The suspicions as `suspicions.json` holds them, with the number of rows that were looked at."""
    return {"rows": rows, "suspicions": [dict(vars(suspicion)) for suspicion in found]}


def words(name: str) -> str:
    """A column's name in lower case, its words joined by `_`.

    Examples
    --------
    >>> words("Customer ID"), words("customerId")
    ('customer_id', 'customer_id')
    """
    return re.sub(r"[\W_]+", "_", re.sub(r"([a-z])([A-Z])", r"\1_\2", name)).strip("_").lower()


def other_labels(clean: pd.DataFrame, target: str, names: list[str]) -> Iterator[Suspicion]:
    """Columns with the target's values that are called after somebody who labels."""
    if infer_task(clean[target]) == "regression":
        return
    for name in names:
        if RATER_NAME.search(words(name)) and set(clean[name].dropna()) <= set(clean[target]):
            yield Suspicion(
                kind="labels",
                columns=(name,),
                sentence=f"column {name!r} has the values of {target!r} and the name of a second opinion on it",
                cure='If so: role = "label:<who>" in references/data_dictionary.toml; `evaluate` shows agreement.',
            )


def ids(clean: pd.DataFrame, target: str, columns: Dictionary, names: list[str]) -> Iterator[Suspicion]:
    """Features that name a row, and ids that were given in the order of the answer."""
    cure = 'A model cannot learn from it for new rows: role = "id" in references/data_dictionary.toml.'
    for name in names:
        values = clean[name].dropna()
        share = values.nunique() / max(1, len(clean))
        running = (
            is_number(values) and share == 1 and (values.is_monotonic_increasing or values.is_monotonic_decreasing)
        )
        name_of_row = columns[name].type == "category" and share > UNIQUE_SHARE
        if len(clean) > RARE_ROWS and ((running and (values % 1 == 0).all()) or name_of_row):
            what = "numbers the rows" if running else f"has a value of its own in {share:.1%} of the rows"
            yield Suspicion(kind="id", columns=(name,), sentence=f"column {name!r} {what}", cure=cure)
    amount, truth = infer_task(clean[target]) == "regression", clean[target]
    rows = clean.sample(min(SAMPLE, len(clean)), random_state=0)
    for name in by_role(columns, "id"):
        if name in clean and columns[name].type != "text":
            score, _ = best_view(rows[name], truth[rows.index].to_numpy(), amount=amount)
            if score >= GIVES_AWAY:
                yield Suspicion(
                    kind="id",
                    columns=(name,),
                    sentence=f"the id {name!r} tells {target!r} ({score:.2f} of 1): it follows the answer",
                    cure="It is no feature: leave it so, and see that no other column follows the order of the file.",
                    figures={"score": round(score, 4)},
                )


def order(clean: pd.DataFrame, target: str, columns: Dictionary, split_by: str) -> Iterator[Suspicion]:
    """Rows in the order of time, or an answer that changes with it, divided at random."""
    if split_by.startswith("time:"):
        return
    position = pd.Series(np.arange(len(clean)), index=clean.index)
    ranks = pd.Series(pd.factorize(clean[target], sort=True)[0], index=clean.index)
    for name in clean.columns:
        if name == target or not is_time(clean[name], columns[name].type):
            continue
        present = clean[name].dropna()
        ordered, moved = is_sorted(present), correlation(present, ranks[present.index])
        if ordered or (moved > ORDER and not BIRTH_NAME.search(words(name))):
            how = "the rows are ordered by" if ordered else f"{target!r} changes (rank correlation {moved:.2f}) with"
            yield Suspicion(
                kind="time",
                columns=(name,),
                sentence=f"{how} {name!r}: a random split learns from later rows",
                cure=f'For a model of later rows, set [split] by = "time:{name}".',
                figures={"rank correlation": round(moved, 4)},
            )
            return
    moved = correlation(position, ranks)
    if moved > ORDER and np.count_nonzero(np.diff(ranks)) > BLOCKS * clean[target].nunique():
        if not (clean[target].is_monotonic_increasing or clean[target].is_monotonic_decreasing):
            yield Suspicion(
                kind="time",
                columns=(target,),
                sentence=f"{target!r} changes along the file (rank correlation {moved:.2f} with the row number)",
                cure='If that order is time, a random split flatters: keep it in a column, [split] by = "time:…".',
                figures={"rank correlation": round(moved, 4)},
            )


def is_time(values: pd.Series, kind: str) -> bool:
    """A date, or a whole number called like one that counts seconds since 1970 or follows the file."""
    values = values.dropna()
    if values.nunique() <= RARE_ROWS:
        return False
    named_so = kind == "integer" and TIME_NAME.search(words(str(values.name)))
    return kind == "datetime" or bool(named_so and (values.min() > SECONDS_OF_1990 or is_sorted(values)))


def is_sorted(values: pd.Series) -> bool:
    """Whether values, shape (n_rows,), without empty cells, rise or fall from row to row, but for a few."""
    ranks = np.diff(rankdata(values, method="dense"))
    return bool(max((ranks >= 0).mean(), (ranks <= 0).mean()) >= SORTED_SHARE)


def correlation(one: pd.Series, other: pd.Series) -> float:
    """Absolute rank correlation (Spearman) of two columns without empty cells; 0 where one is constant."""
    if one.nunique() < 2 or other.nunique() < 2:
        return 0.0
    return float(abs(np.corrcoef(rankdata(one), rankdata(other))[0, 1]))


def groups(clean: pd.DataFrame, names: list[str], split_by: str) -> Iterator[Suspicion]:
    """The same customer in several rows, by the column's name or because other columns belong to the customer."""
    if split_by.startswith("group:"):
        return
    codes = varied(clean, names)
    for name in names:
        values, called = clean[name], words(name)
        distinct = values.nunique()
        several = values.count() / max(1, distinct)
        if distinct < 2 or not 2 <= several <= len(clean) / RARE_ROWS or not can_be_group(values):
            continue
        by_name = GROUP_NAME.search(called) or (ID_NAME.search(called) and several <= ROWS_OF_ONE)
        unknown = not by_name and several <= ROWS_OF_ONE and distinct >= MANY_GROUPS
        belongs = constant_within(values, codes) if unknown else []
        if by_name or len(belongs) > is_number(values):  # a number without such a name takes two witnesses
            why = f" and {named(belongs)} never differ{'s' if len(belongs) == 1 else ''} within it" if belongs else ""
            yield Suspicion(
                kind="groups",
                columns=(name,),
                sentence=f"column {name!r} repeats ({several:.1f} rows each){why}: a random split has met those tested",
                cure=f'For new ones, set [split] by = "group:{name}".',
                figures={"groups": distinct, "rows of each": round(several, 2)},
            )


def can_be_group(values: pd.Series) -> bool:
    """Words or whole numbers: neither dates nor amounts with decimals."""
    if is_number(values):
        return bool((values.dropna() % 1 == 0).all())
    return not (pd.api.types.is_datetime64_any_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype))


def varied(clean: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Codes, int64, of the columns that have several values and no value in most rows, shape (n_rows, n)."""
    shares = {name: clean[name].value_counts(normalize=True) for name in names}
    kept = [name for name in names if len(shares[name]) > 2 and shares[name].iloc[0] <= 1 / 2]
    return pd.DataFrame({name: pd.factorize(clean[name], use_na_sentinel=False)[0] for name in kept}, clean.index)


def constant_within(group: pd.Series, codes: pd.DataFrame) -> list[str]:
    """Columns of `codes`, shape (n_rows, n), that do not vary within the rows of a group; on a sample of the groups."""
    counts = group.value_counts()
    several = counts[counts > 1].sample(frac=1, random_state=0)
    if several.sum() < len(group) / 2:
        return []
    chosen = several[several.cumsum() <= SAMPLE + several.iloc[0]].index
    rows = group.isin(chosen).to_numpy()
    own = pd.factorize(group[rows])[0]
    found = []
    for name, values in zip(codes.columns, codes.to_numpy()[rows].T, strict=True):
        kinds, places = len(np.unique(values)), len(np.unique(own * (values.max() + 1) + values))
        if (
            name != group.name
            and 2 < kinds < len(chosen)
            and places - len(chosen) <= (1 - CONSTANT_SHARE) * len(values)
        ):
            found.append(name)
    return found


def rare_classes(truth: pd.Series) -> Iterator[Suspicion]:
    """Classes with too few rows to learn or to measure."""
    if infer_task(truth) == "classification":
        counts = truth.value_counts()
        rare = counts[counts < RARE_ROWS]
        if len(rare):
            shown = ", ".join(f"{label!r} ({count})" for label, count in rare[:5].items())
            more = f" and {len(rare) - 5} more" if len(rare) > 5 else ""
            yield Suspicion(
                kind="classes",
                columns=(str(truth.name),),
                sentence=f"classes of {truth.name!r} with fewer than {RARE_ROWS} rows: {shown}{more}",
                cure="Collect more, merge them with others, or leave them out: nothing can be measured on so few.",
                figures={str(label): int(count) for label, count in rare.items()},
            )


def one_of_each(parts: dict[str, pd.DataFrame], split_by: str) -> dict[str, pd.DataFrame]:
    """The splits with one row of each group, where there are groups: rows of one customer say the same many times."""
    kind, _, name = split_by.partition(":")
    if kind != "group":
        return parts
    return {part: rows.sample(frac=1, random_state=0).drop_duplicates(name) for part, rows in parts.items()}
