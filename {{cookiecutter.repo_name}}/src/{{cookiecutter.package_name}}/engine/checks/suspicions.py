"""What in the data should make a person suspicious, said before anything is trained.

Called by the step `features`, which prints the findings and writes `data/processed/suspicions.json`, and by `explore`,
which shows them. Nothing is changed or left out: a column that gives the answer away may be right, and only a person
knows whether it is known in time.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ..columns.dictionary import Dictionary, by_role, features, label_columns
from ..modelling.split import infer_task
from ..project.errors import listed
from .drift import drift
from .duplicates import contradictions, copies
from .leaks import leaks
from .sentinels import sentinels
from .suspicion import FEW_ROWS, ROWS_SAMPLED, Suspicion, is_number, quoted

ORDER = 0.2  # how far the order of the rows may rank a target, 0 is not at all and 1 is perfectly
SORTED_SHARE = 0.99  # of the steps from row to row that go the same way
SECONDS_OF_1990 = 631_152_000
BLOCKS = 3  # a file sorted by its answer changes it once a class, not all the time
UNIQUE_SHARE = 0.9  # a category with more different values than this share of its rows is a name
MANY_GROUPS = 20  # fewer are kinds
ROWS_OF_ONE = 50  # rows of one customer; what repeats more often is a kind, not a customer
SHARED = 0.2  # of the rows have one of the same customer beside them, at least, where most customers have one row
CONSTANT_SHARE = 0.99  # rows that agree with the others of their group
ENTITIES = (
    "acct|account|classroom|client|clinic|cust|customer|device|driver|employee|family|hospital|household|machine|member|"
    "owner|participant|patient|person|player|policy|pupil|respondent|school|sensor|student|subject|team|tenant|user|"
    "vehicle|worker|email"
)
NUMBERED = "id|key|no|nr|num|number|code"
GROUP_NAME = re.compile(rf"^({ENTITIES})$|(^|_)({ENTITIES})_(name|email|ref|{NUMBERED})$|^class(_({NUMBERED}))?$")
ID_NAME = re.compile(r"(^|_)(id|uid|uuid|guid)$")
TIME_NAME = re.compile(r"(^|_)(time|timestamp|ts|epoch|date|day|week|month|year|yr|period|quarter)$")
ADDED = "Is it known when a prediction is needed? If not: do not add it in features.py."


def find(clean: pd.DataFrame, parts: dict[str, pd.DataFrame], columns: Dictionary, split_by: str) -> list[Suspicion]:
    """List what is suspicious in the clean table, shape (n_rows, n_columns), in the order of the file.

    `parts` are its three splits, with the columns of `add_features` or without, or none; `split_by` is `[split] by`.
    """
    target = by_role(columns, "target")[0]
    if clean[target].nunique() < 2:
        found = f"the target {target!r} is {clean[target].tolist()[0]!r} in every row"
        cure = "There is nothing to learn: choose another [data] target in params.toml, or look why it does not vary."
        return [Suspicion("classes", (target,), found, cure)]
    seen = [name for name in features(columns) if name in clean.columns]
    others = [name for name in clean.columns if name != target and name not in label_columns(columns)]
    known = list(leaks(clean, target, seen))
    new = [name for name in parts.get("train", ()) if name not in clean]
    if added := [name for name in new if all(is_number(rows[name]) for rows in parts.values())]:
        wider = pd.concat([rows[[target, *added]] for rows in parts.values()]).replace([np.inf, -np.inf], np.nan)
        known += [replace(one, cure=ADDED) for one in leaks(wider, target, added, rivals=False)]
    named = list(row_names(clean, columns, without(seen, known)))
    features_of_rows = without(seen, named)
    return [
        *known,
        *named,
        *copies(parts, features_of_rows),
        *contradictions(clean, target, features_of_rows),
        *order(clean[clean.index >= 0], target, columns, split_by),  # what people told stands at the end
        *groups(clean, others, by_role(columns, "group"), split_by, clean[target]),
        *rare_classes(clean[target]),
        *drift(one_of_each(parts, split_by), target, [name for name in seen if name != split_by.partition(":")[2]]),
        *sentinels(clean, [*seen, target]),
    ]


def without(names: list[str], found: list[Suspicion]) -> list[str]:
    """The names that no suspicion is about."""
    told = {name for suspicion in found for name in suspicion.columns}
    return [name for name in names if name not in told]


def words(name: str) -> str:
    """A column's name in lower case, its words joined by `_`: customer_id of `Customer ID` and of `customerId`."""
    return re.sub(r"[\W_]+", "_", re.sub(r"([a-z])([A-Z])", r"\1_\2", name)).strip("_").lower()


def row_names(clean: pd.DataFrame, columns: Dictionary, names: list[str]) -> Iterator[Suspicion]:
    """Features that name a row: its number, or words that hardly any other row has."""
    cure = 'A model cannot learn from it for new rows: role = "id" in references/data_dictionary.toml.'
    for name in names if len(clean) > FEW_ROWS else []:
        values = clean[name].dropna()
        share = values.nunique() / len(clean)
        running = is_number(values) and share == 1 and is_monotonic(values)
        if (running and (values % 1 == 0).all()) or (columns[name].type == "category" and share > UNIQUE_SHARE):
            what = "numbers the rows" if running else f"has a value of its own in {share:.1%} of the rows"
            yield Suspicion("id", (name,), f"column {name!r} {what}", cure)


def order(clean: pd.DataFrame, target: str, columns: Dictionary, split_by: str) -> Iterator[Suspicion]:
    """Rows in the order of time, or an answer that changes with it, divided at random."""
    if split_by.startswith("time:"):
        return
    truth = clean[target]
    ranks = pd.Series(pd.factorize(truth, sort=True)[0], index=clean.index)
    passed = {target}.union(*(column.moment for column in columns.values()))  # a moment stands for its parts
    for name in clean.columns:
        if name in passed or not is_time(clean[name], columns[name].type):
            continue
        present = clean[name].dropna()
        ordered, moved = is_sorted(present), correlation(present, ranks[present.index])
        if ordered or (moved > ORDER and not re.search("birth|dob|born", words(name))):
            how = "the rows are ordered by" if ordered else f"{target!r} changes (rank correlation {moved:.2f}) with"
            split = "this" if ":" in split_by else "a random"
            found = f"{how} {name!r}: {split} split learns from later rows"
            cure = f'For a model of later rows, set [split] by = "time:{name}".'
            figures = {"rank correlation": round(moved, 4)}
            yield Suspicion("time", (name,), found, cure, figures, 1.0 if ordered else moved)
            return
    moved = correlation(pd.Series(np.arange(len(clean))), ranks)
    in_blocks = np.count_nonzero(np.diff(ranks)) <= BLOCKS * truth.nunique()
    if moved > ORDER and not in_blocks and not is_monotonic(truth):
        found = f"{target!r} changes along the file (rank correlation {moved:.2f} with the row number)"
        cure = 'If that order is time, a random split flatters: keep it in a column, [split] by = "time:…".'
        yield Suspicion("time", (target,), found, cure, {"rank correlation": round(moved, 4)}, moved)


def is_time(values: pd.Series, kind: str) -> bool:
    """A date, or a whole number called like one that counts seconds since 1970 or follows the file."""
    values = values.dropna()
    if values.nunique() <= FEW_ROWS:
        return False
    named_so = kind == "integer" and is_number(values) and TIME_NAME.search(words(str(values.name)))
    return kind == "datetime" or bool(named_so and (values.min() > SECONDS_OF_1990 or is_sorted(values)))


def is_monotonic(values: pd.Series) -> bool:
    """Whether values rise or fall from row to row, all of them."""
    return values.is_monotonic_increasing or values.is_monotonic_decreasing


def is_sorted(values: pd.Series) -> bool:
    """Whether values, shape (n_rows,), without empty cells, rise or fall from row to row, but for a few."""
    steps = np.diff(rankdata(values, method="dense"))
    return bool(max((steps >= 0).mean(), (steps <= 0).mean()) >= SORTED_SHARE)


def correlation(one: pd.Series, other: pd.Series) -> float:
    """Absolute rank correlation (Spearman) of two columns without empty cells; 0 where one is constant."""
    if one.nunique() < 2 or other.nunique() < 2:
        return 0.0
    return float(abs(np.corrcoef(rankdata(one), rankdata(other))[0, 1]))


def groups(clean: pd.DataFrame, names: list[str], told: list[str], by: str, truth: pd.Series) -> Iterator[Suspicion]:
    """The same customer in several rows, by the column's name, because others belong to it, or as people told."""
    if ":" in by:  # divided by time, later rows of those known are what is asked
        return
    codes = varied(clean, names)
    for name in filter(lambda name: can_be_group(clean[name]), names):
        values, called, distinct = clean[name], words(name), clean[name].nunique()
        several = values.count() / max(1, distinct)
        by_name = name in told or GROUP_NAME.search(called) or (ID_NAME.search(called) and several <= ROWS_OF_ONE)
        enough = several >= 2 or (by_name and values[values.duplicated(keep=False)].count() >= SHARED * len(clean))
        if distinct < 2 or not enough or several > len(clean) / FEW_ROWS:
            continue
        unknown = not by_name and several <= ROWS_OF_ONE and distinct >= MANY_GROUPS
        belongs = constant_within(values, codes) if unknown else []
        if by_name or len(belongs) > is_number(values):  # a number without such a name takes two witnesses
            why = f", in {CONSTANT_SHARE:.0%} of them or more with the same {quoted(belongs)}" if belongs else ""
            met = "a random split has met those tested"
            differs = (truth.groupby(values).nunique()[values.value_counts() > 1] > 1).mean()
            if differs > 1 / 2 and infer_task(truth) == "classification" and not belongs and name not in told:
                met = f"{truth.name!r} differs within {differs:.0%} of these, so {met} only if each is one individual"
            found = f"column {name!r} repeats ({several:.1f} rows each){why}: {met}"
            cure = f'For new ones, set [split] by = "group:{name}".'
            yield Suspicion("groups", (name,), found, cure, {"groups": distinct, "rows of each": round(several, 2)})


def can_be_group(values: pd.Series) -> bool:
    """Words or whole numbers: neither dates nor amounts with decimals."""
    if is_number(values):
        return bool((values.dropna() % 1 == 0).all())
    return not (pd.api.types.is_datetime64_any_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype))


def varied(clean: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Ranks, int64, of the columns that have several values and no value in most rows, shape (n_rows, n)."""
    shares = {name: clean[name].value_counts(normalize=True) for name in names}
    kept = [name for name in names if len(shares[name]) > 2 and shares[name].iloc[0] <= 1 / 2]
    return pd.DataFrame({n: pd.factorize(clean[n], sort=True, use_na_sentinel=False)[0] for n in kept}, clean.index)


def constant_within(group: pd.Series, codes: pd.DataFrame) -> list[str]:
    """Columns of `codes`, shape (n_rows, n), that hardly vary within the rows of a group; on a sample of the groups."""
    counts = group.value_counts()
    several = counts[counts > 1].sample(frac=1, random_state=0)
    if several.sum() < len(group) / 2:
        return []
    chosen = several[several.cumsum() <= ROWS_SAMPLED + several.iloc[0]].index
    rows = group.isin(chosen)
    kinds, of = codes[rows].drop(columns=group.name, errors="ignore"), group[rows]
    names = [name for name, distinct in kinds.nunique().items() if 2 < distinct < len(chosen)]
    most = {name: kinds.groupby([of, name]).size().groupby(level=0).max().sum() for name in names}
    constant = [name for name in names if most[name] >= CONSTANT_SHARE * rows.sum()]
    first = kinds.groupby(of).first()  # what follows a number, as the hour of 1254 does, is computed from it
    return [name for name in constant if not (is_number(group) and is_monotonic(first[name]))]


def rare_classes(truth: pd.Series) -> Iterator[Suspicion]:
    """Classes with too few rows to learn or to measure."""
    counts = truth.value_counts()
    rare = counts[counts < FEW_ROWS]
    if infer_task(truth) == "classification" and len(rare):
        shown = listed([f"{label!r} ({count})" for label, count in rare.items()])
        found = f"classes of {truth.name!r} with fewer than {FEW_ROWS} rows: {shown}"
        cure = "Collect more, merge them with others, or leave them out: nothing can be measured on so few."
        figures = {str(label): int(count) for label, count in rare.items()}
        yield Suspicion("classes", (str(truth.name),), found, cure, figures, len(rare) / len(counts))


def one_of_each(parts: dict[str, pd.DataFrame], split_by: str) -> dict[str, pd.DataFrame]:
    """The splits with one row of each group, where there are groups: rows of one customer say the same many times."""
    kind, _, name = split_by.partition(":")
    if kind != "group":
        return parts
    return {part: rows.sample(frac=1, random_state=0).drop_duplicates(name) for part, rows in parts.items()}
