import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.modelling import split
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import DataError, SettingsError

SHARES = settings.Shares(0.5, 0.3, 0.2)


def table(size=1000):
    random = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "row": range(size),
            "kind": random.choice(["a", "b", "c"], size, p=[0.7, 0.2, 0.1]),
            "price": random.lognormal(size=size),
            "shop": random.choice([f"shop {i}" for i in range(50)], size),
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(random.permutation(size) // 4, unit="D"),
        }
    )


def divide(frame, target="kind", **how):
    return split.split(frame, target, settings.Split(**{"shares": SHARES, **how}))


@pytest.mark.parametrize("by", ["stratified", "random", "time:day", "group:shop"])
@pytest.mark.parametrize("target", ["kind", "price"])
def test_every_row_is_in_exactly_one_split_in_its_order_and_the_seed_says_which(by, target):
    parts, again = divide(table(), target, by=by, seed=3), divide(table(), target, by=by, seed=3)

    assert sorted(pd.concat(parts.values())["row"]) == list(range(1000))
    for name, part in parts.items():
        assert part["row"].is_monotonic_increasing and list(part.index) == list(part["row"])
        pd.testing.assert_frame_equal(part, again[name])
    other = divide(table(), target, by=by, seed=2)["test"]
    assert other.equals(parts["test"]) == (by == "time:day")


@pytest.mark.parametrize(("by", "slack"), [("stratified", 2), ("random", 0), ("time:day", 4), ("group:shop", 30)])
def test_splits_have_their_shares(by, slack):
    sizes = [len(part) for part in divide(table(), by=by).values()]

    assert sizes == pytest.approx([500, 300, 200], abs=slack)
    two = split.by_group(pd.Series(["a"] * 60 + ["b"] * 40), SHARES, np.random.default_rng(0))
    assert {*two} == {"train", "dev"}, "the middle of a group decides, whichever comes first"


def test_stratified_split_keeps_class_shares():
    shares = table()["kind"].value_counts(normalize=True).to_dict()

    for part in divide(table()).values():
        assert part["kind"].value_counts(normalize=True).to_dict() == pytest.approx(shares, abs=0.01)


def test_class_of_few_rows_is_in_every_split_whatever_the_shares():
    rare = table().assign(kind=["rare"] * 4 + ["few"] * 3 + ["common"] * 993)

    for shares in ((0.8, 0.1, 0.1), (0.2, 0.4, 0.4), (0.1, 0.8, 0.1), (0.4, 0.5, 0.1)):
        for part in divide(rare, shares=settings.Shares(*shares)).values():
            assert {"rare", "few"} < set(part["kind"])


def test_stratified_split_gives_every_split_low_and_high_numbers():
    parts = divide(table(), "price")

    tenths = table()["price"].quantile(np.linspace(0, 1, split.STRATA + 1))
    for part in parts.values():
        counts = np.histogram(part["price"], tenths)[0]
        assert np.ptp(counts) <= 1


def test_time_split_tests_on_the_latest_rows_and_a_group_is_never_in_two_splits():
    days = [part["day"] for part in divide(table(), by="time:day").values()]
    groups = [set(part["shop"]) for part in divide(table(), by="group:shop").values()]

    assert days[0].max() < days[1].min() and days[1].max() < days[2].min()
    assert sum(map(len, groups)) == len(set.union(*groups)) == 50


@pytest.mark.parametrize(
    ("changes", "by", "said"),
    [
        ({"kind": ["rare"] * 2 + ["common"] * 998}, "stratified", "'kind' have fewer than 3 rows: rare(.|\n)*random"),
        ({"kind": [f"id {n // 2}" for n in range(1000)]}, "stratified", '500 class.es. (.|\n)*task = "regression"'),
        ({"day": [None, *table()["day"][1:]]}, "time:day", "1 empty cells"),
        ({"shop": [None, *table()["shop"][1:]]}, "group:shop", "1 empty cells"),
        ({"shop": "one"}, "group:shop", "leaves no row for"),
        ({"day": pd.Timestamp(0)}, "time:day", "leaves no row for"),
        *(({}, by, "Allowed: row, kind") for by in ("time:dya", "group:shpo", "time", "group", "group:")),
    ],
)
def test_rows_that_cannot_be_divided_so_are_refused_and_columns_that_do_not_exist(changes, by, said):
    with pytest.raises(DataError if changes else SettingsError, match=said):
        divide(table().assign(**changes), by=by)


@pytest.mark.parametrize(
    ("target", "asked", "task"),
    [
        (["yes", "no"], "auto", "classification"),
        ([True, False], "auto", "classification"),
        (list(range(20)), "auto", "classification"),
        (list(range(21)), "auto", "regression"),
        ([1.0, 2.0], "auto", "classification"),
        ([1.0, 2.5], "auto", "regression"),
        ([1, 2, 3], "regression", "regression"),
        (list(range(99)), "classification", "classification"),
    ],
)
def test_task_is_read_off_the_target_or_taken_as_said(target, asked, task):
    assert split.infer_task(pd.Series(target, name="y"), asked) == task


def test_words_cannot_be_a_regression():
    with pytest.raises(SettingsError, match="'y' is not a number"):
        split.infer_task(pd.Series(["a", "b"], name="y"), "regression")


@pytest.mark.parametrize(
    ("size", "by", "n_folds"),
    [
        (100, "stratified", 5),
        (100, "random", 5),
        (100, "time:day", 1),
        (split.THREE_FOLDS, "stratified", 3),
        (split.FOLDS_BELOW, "stratified", 1),
    ],
)
def test_few_rows_without_an_order_are_cross_validated(size, by, n_folds):
    truth = np.array(["a", "b"] * (size // 2), dtype=object)

    folds = split.folds(truth, by, None, n_train=size - 20, seed=0)

    assert len(folds) == n_folds
    if n_folds == 1:
        assert folds[0][1].tolist() == list(range(size - 20, size))
    for fit_on, held in folds:
        assert not set(fit_on) & set(held)


@pytest.mark.parametrize(
    ("n_groups", "size", "n_folds"),
    [(2, 100, 2), (7, split.FOLDS_BELOW, 3), (split.FEW_GROUPS, split.FOLDS_BELOW, 1), (7, split.GROUP_FOLDS_BELOW, 1)],
)
def test_few_groups_are_cross_validated_whole_unless_their_rows_are_very_many(n_groups, size, n_folds):
    groups = pd.Series([f"shop {i % n_groups}" for i in range(size)])

    folds = split.folds(np.arange(size, dtype=float), "group:shop", groups, n_train=50, seed=0)

    assert len(folds) == n_folds
    assert n_folds == 1 or not any(set(groups[fit_on]) & set(groups[held]) for fit_on, held in folds)


def test_groups_are_those_of_the_split_where_the_rows_have_them():
    rows = table(100)

    assert split.groups_of(rows, "group:shop").tolist() == rows["shop"].tolist()
    assert all(split.groups_of(rows, by) is None for by in ("group:absent", "time:day", "stratified"))


@pytest.mark.parametrize("truth", [np.arange(100.0), np.array(["a", "b"] * 50, dtype=object)])
def test_folds_are_drawn_by_the_seed(truth):
    one, same, other = (
        np.concatenate([held for _, held in split.folds(truth, "random", None, n_train=80, seed=seed)]).tolist()
        for seed in (0, 0, 1)
    )

    assert one == same != other
    assert one != sorted(one)


@pytest.mark.parametrize(("rare", "pairs"), [(["odd", "odd", "single"], 498), (["odd", "odd"], 9)])
def test_few_rows_of_classes_too_rare_for_every_split_are_in_none(rare, pairs):
    kinds = [*rare, *["a", "b"] * pairs]

    parts = divide(table(len(kinds)).assign(kind=kinds))

    assert sum(map(len, parts.values())) == 2 * pairs
    assert all(set(part["kind"]) == {"a", "b"} for part in parts.values())


def test_number_that_is_no_class_is_divided_by_its_tenths_where_task_says_so():
    frame = table().assign(kind=[0, 1, 2, 3] * 249 + [9, 10, 11, 12])

    parts = split.split(frame, "kind", settings.Split(), "regression")

    assert sum(map(len, parts.values())) == 1000


@pytest.mark.parametrize("size", [20, 32, 45])
def test_shares_hold_for_few_rows_of_a_number(size):
    frame = table().head(size).assign(kind=np.random.default_rng(0).normal(size=size))

    parts = split.split(frame, "kind", settings.Split())

    assert len(parts["train"]) >= 0.5 * size
