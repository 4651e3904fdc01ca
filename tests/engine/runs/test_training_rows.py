import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import dictionary
from data_science_project.engine.columns.dictionary import Column
from data_science_project.engine.columns.digests import digests
from data_science_project.engine.project import settings
from data_science_project.engine.runs import registry, training_rows


@pytest.fixture
def names(folder):
    return registry.columns_seen(registry.read(folder))


@pytest.fixture
def columns(folder):
    return dictionary.load(folder / registry.DICTIONARY)


def keep(folder, rows, with_ids, names):
    """Let a run remember these rows."""
    kept = {training_rows.WITH_IDS: digests(rows, with_ids), training_rows.WITHOUT: digests(rows, names)}
    pd.DataFrame(kept).to_parquet(folder / training_rows.DIGESTS)
    training_rows.digests_of.cache_clear()


def test_rows_of_the_training_are_known_by_their_ids_or_without_and_test_rows_are_not(project, folder, names, columns):
    parts = {part: pd.read_parquet(project.split(part)) for part in ("train", "dev", "test")}

    for part, rows in parts.items():
        by_id, lines = training_rows.seen(folder, rows, names, columns)
        alike, _ = training_rows.seen(folder, rows.drop(columns="order"), names, columns)
        assert set(by_id) == set(alike) == {part != "test"} and set(lines >= 0) == {part != "test"}
    another = parts["train"].assign(order=parts["train"]["order"] + 5000)
    assert not training_rows.seen(folder, another, names, columns)[0].any()


def test_column_that_is_empty_in_all_rows_of_a_batch_though_mostly_filled_in_training_is_said(project, folder):
    rows = pd.read_parquet(project.split("dev")).assign(amount=np.nan)

    (said,) = training_rows.emptied(folder, rows)
    assert said == f"empty in all {len(rows)} rows, though mostly filled in training: 'amount'"
    assert training_rows.emptied(folder, rows.head(9)) == training_rows.emptied(folder, rows.assign(amount=1)) == []


def test_ids_whose_zeros_a_program_cut_off_are_known(tmp_path):
    columns = {"key": Column(type="category", role="id"), "size": Column(type="integer")}
    rows = pd.DataFrame({"key": [f"{number:05}" for number in range(30)], "size": range(30)})
    keep(tmp_path, rows, [*rows], ["size"])

    found, _ = training_rows.seen(tmp_path, rows.assign(key=range(3, 33)), ["size"], columns)
    known, _ = training_rows.seen(tmp_path, rows.assign(key=range(30)), ["size"], columns)

    assert known.all() and not found.any()
    beside = training_rows.seen(tmp_path, rows.assign(key=[*range(29), "new-1"]), ["size"], columns)[0]
    assert beside.tolist() == [True] * 29 + [False], "another id beside them changes nothing"


def test_lists_are_known_with_and_without_a_blank_between_their_items(tmp_path, project):
    columns = {"tags": Column(type="list", separator=";"), "size": Column(type="integer")}
    rows = pd.DataFrame({"tags": ["gold;green", "red", None] * 9, "size": range(27)})
    keep(tmp_path, rows, [*rows], [*rows])

    for spelled in ("gold; green", "gold;green"):
        again = rows.assign(tags=rows["tags"].replace("gold;green", spelled))
        assert training_rows.seen(tmp_path, again, [*rows], columns)[0].all()


def test_divided_otherwise_a_run_has_not_seen_test_rows_of_which_it_knows_none(project, folder):
    train, test = (pd.read_parquet(project.split(part)) for part in ("train", "test"))
    elsewhere, record = settings.load(project.root, ["split.seed=1"]), registry.read(folder)
    record |= {"input_data": {}}

    def found(rows):
        return training_rows.may_have_seen(elsewhere, record, rows)

    assert not found(test)
    assert found(pd.concat([test, train.head(1)])) and found(train.drop(columns="order").tail(1))
    (folder / training_rows.DIGESTS).unlink()
    training_rows.digests_of.cache_clear()
    assert found(test), "it does not remember its rows"


@pytest.mark.parametrize("moved", [1.0, 0.2])
def test_a_run_may_have_seen_rows_of_which_a_column_moved_since_though_it_knows_none(project, folder, names, moved):
    parts = [pd.read_parquet(project.split(part)) for part in ("train", "dev")]
    before, test = pd.concat(parts, ignore_index=True), pd.read_parquet(project.split("test"))
    column = before[names].select_dtypes("float").columns[0]
    before.loc[: int(moved * len(before)), column] += 0.001
    keep(folder, before, ["order", *names], names)

    record = registry.read(folder) | {"input_data": {}}
    found = training_rows.may_have_seen(settings.load(project.root, ["split.seed=1"]), record, test)

    assert found and not training_rows.seen_by(folder, record, test).any()


def test_rows_of_which_many_are_alike_are_not_known_nor_those_of_a_run_of_old(tmp_path, names, columns, project):
    train = pd.read_parquet(project.split("train"))
    alike, two, old = (tmp_path / name for name in ("alike", "two", "old"))
    for folder, found in ((alike, np.arange(100) % 5), (two, np.arange(100).clip(1))):
        folder.mkdir()
        table = {training_rows.WITH_IDS: found, training_rows.WITHOUT: found}
        pd.DataFrame(table, dtype="uint64").to_parquet(folder / training_rows.DIGESTS)

    assert training_rows.seen(alike, train, names, columns) is None
    assert training_rows.seen(old, train, names, columns) is None
    assert training_rows.seen(two, train, names, columns) is not None
