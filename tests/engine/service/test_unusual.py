import json

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns.dictionary import Column
from data_science_project.service import drawn, unusual

COLUMNS = {
    "kind": Column(type="category", transformation="one-hot"),
    "speed": Column(type="number", transformation="number"),
    "power": Column(type="number", transformation="number"),
    "on": Column(type="boolean", transformation="number"),
    "day": Column(type="datetime", transformation="date parts"),
    "answer": Column(type="category", role="target"),
}
SLOW = {"kind": "pump", "speed": 1000.0, "power": 10.0, "on": True}


def machines(rows, seed=0):
    """Machines whose power follows from speed and kind; every fifth does not know its power."""
    random = np.random.default_rng(seed)
    kind = random.choice(["pump", "fan"], rows)
    speed = random.normal(1000, 100, rows) * np.where(kind == "fan", 3, 1)
    table = pd.DataFrame({"kind": pd.Series(kind, dtype="str"), "speed": speed, "power": speed / 100})
    table["power"] += random.normal(0, 0.2, rows)
    table.loc[random.random(rows) < 0.2, "power"] = np.nan
    return table.assign(on=speed > 1000, day=pd.Timestamp("2026-01-01"), answer="yes")


@pytest.fixture(scope="module")
def fitted():
    """What is learned of 400 machines, of which one has a kind of its own, as it comes out of a file."""
    rare = machines(300).assign(kind=lambda rows: rows["kind"].where(rows.index != 7, "Ada's own"))
    return json.loads(json.dumps(unusual.fit(rare, machines(100, seed=1), COLUMNS)))


@pytest.fixture
def judge(fitted):
    return unusual.Unusual(fitted)


def test_rows_whose_columns_were_drawn_from_different_rows_are_unusual_and_usual_rows_are_not(judge):
    rows, random = machines(1000, seed=2), np.random.default_rng(0)
    mixed = pd.DataFrame({name: random.permutation(rows[name]) for name in rows})

    assert np.mean(judge.marks(rows)) <= 0.01
    assert np.mean(judge.marks(mixed)) >= 0.6


def test_row_has_the_same_score_alone_and_in_a_table(judge):
    rows = machines(50, seed=3)
    rows.loc[0, "kind"], rows.loc[1, "kind"], rows.loc[2, "speed"] = None, "unheard of", np.nan

    alone = [judge.row(cells) for cells in drawn.as_cells(rows)]

    assert alone == judge.frame(rows).tolist()
    assert judge.row(SLOW) == judge.frame(pd.DataFrame([SLOW])).item()


def test_nothing_of_a_row_and_no_rare_kind_is_kept(fitted):
    assert "Ada" not in json.dumps(fitted) and set(fitted["columns"]["kind"]) == {"pump", "fan"}


def test_dates_and_texts_are_not_looked_at_and_one_column_alone_says_nothing(fitted):
    few = {name: COLUMNS[name] for name in ("speed", "day", "answer")}

    assert [*fitted["columns"]] == ["kind", "speed", "power", "on"]
    assert unusual.fit(machines(300), machines(100), few) == {}


def test_numbers_that_lie_on_a_plane_are_learned_from_few_rows():
    def plane(rows, seed):
        random = np.random.default_rng(seed)
        numbers = random.normal(size=(rows, 4)) @ np.random.default_rng(9).normal(size=(4, 8))
        return pd.DataFrame(numbers + random.normal(0, 0.3, (rows, 8)), columns=[*"abcdefgh"])

    columns = {name: Column(type="number", transformation="number") for name in "abcdefgh"}
    judge = unusual.Unusual(unusual.fit(plane(250, 0), plane(80, 1), columns))
    usual, random = plane(500, 2), np.random.default_rng(0)

    assert np.mean(judge.marks(usual)) <= 0.01
    assert np.mean(judge.marks(pd.DataFrame({name: random.permutation(usual[name]) for name in usual}))) >= 0.9
    assert judge.marks(usual.head(0)) == []


def test_table_of_categories_alone_is_learned_from():
    random = np.random.default_rng(0)
    kind = random.choice(["a", "b", "c"], 600)
    rows = pd.DataFrame({"kind": kind, "other": kind, "third": random.choice(["x", "y"], 600)})
    columns = {name: Column(type="category", role="feature", transformation="one-hot") for name in rows}

    fitted = unusual.fit(rows[:400], rows[400:], columns)
    judge = unusual.Unusual(json.loads(json.dumps(fitted)))

    together, apart = ({"kind": "a", "other": other, "third": "x"} for other in "ab")
    assert judge.row(together) < judge.row(apart)
