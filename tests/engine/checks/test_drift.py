import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.checks import drift, suspicions
from data_science_project.engine.columns import infer
from data_science_project.engine.modelling import split
from data_science_project.engine.project import settings


@pytest.mark.parametrize(
    ("train", "test", "distance"),
    [
        (["a"] * 50 + ["b"] * 50, ["a", "b", "c", "d"] * 25, 0.5),
        (["a"] * 80 + ["b"] * 20, ["a"] * 20 + ["b"] * 80, 0.6),
        (range(100), range(60, 160), 0.6),
    ],
    ids=["four kinds", "two kinds", "numbers"],
)
def test_drift_is_half_the_sum_of_the_differences_in_shares(train, test, distance):
    (found,) = drift.drift({"train": pd.DataFrame({"x": train}), "test": pd.DataFrame({"x": test})}, "x", [])

    assert found.figures == {"x": distance}
    assert f"'x' ({distance:.2f})" in found.sentence


def test_columns_that_move_between_train_and_test_are_named_but_not_the_date_of_the_split(table):
    late = np.random.default_rng(0).random(300) < np.linspace(-0.5, 1.5, 300)
    day = pd.date_range("2026-01-01", periods=300)

    moved = table.assign(day=day, level=np.arange(300) * 1.5, kind=np.where(late, "new", "old"))
    before, _ = infer.infer(moved, target="answer", read={})  # the split was chosen after that: the date is a feature
    parts = split.split(moved, "answer", settings.Split(by="time:day"))

    (found,) = suspicions.find(moved, parts, before, "time:day")

    assert found.kind == "drift" and found.columns == ("level", "kind"), "that which moved most first"


def test_column_of_a_few_groups_that_fell_to_the_test_is_no_drift():
    random = np.random.default_rng(0)
    shops = pd.DataFrame({"shop": [f"shop {i}" for i in range(60)], "size": random.normal(0, 1, 60)})
    rows = shops.loc[np.repeat(shops.index, 40)].reset_index(drop=True)
    moved = rows.assign(size=rows["size"] + (rows.index // 40 >= 45), answer=random.choice(["yes", "no"], len(rows)))
    parts = {"train": moved[:1800], "test": moved[1800:]}
    shops_once = suspicions.one_of_each(parts, "group:shop")

    by_row, by_shop = (drift.drift(some, "answer", ["size"]) for some in (parts, shops_once))

    assert [found.kind for found in by_row] == ["drift"] and list(by_shop) == []
    assert (shops_once["train"].index % 40).any(), "any of its rows, not the first"
