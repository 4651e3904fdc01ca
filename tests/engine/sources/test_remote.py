"""Fetching from elsewhere: bundled sets, object stores and databases become files of a dump."""

import contextlib
import sqlite3
import sys
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import source

TABLE = b"a,b\n1,2\n"


def refusal(root: Path, text: str) -> str:
    with pytest.raises(DataError) as error:
        source.fetch(root, text)
    assert str(error.value).count("\n") < 3
    return str(error.value)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('CREATE TABLE "order" (id INTEGER, "unit price" REAL, note TEXT)')
        connection.executemany('INSERT INTO "order" VALUES (?, ?, ?)', [(1, 2.5, "x"), (2**53 + 1, None, "NA")])
    return path


@pytest.mark.parametrize(
    ("name", "target", "value"),
    [("breast_cancer", "diagnosis", "malignant"), ("iris", "species", "setosa"), ("wine", "cultivar", "class_0")],
)
def test_bundled_sets_have_a_readable_target(tmp_path: Path, name: str, target: str, value: str) -> None:
    dump = source.fetch(tmp_path, f"sklearn:{name}")

    assert pd.read_csv(dump.files[0])[target].iloc[0] == value


def test_objects_of_a_store_are_fetched(tmp_path: Path) -> None:
    class Bucket(MemoryFileSystem):
        protocol = "s3"
        store: dict = {}
        pseudo_dirs = [""]

    fsspec.register_implementation("s3", Bucket, clobber=True)
    for name in ("one", "two"):
        Bucket().pipe_file(f"s3://bucket/{name}.csv", TABLE)

    dump = source.fetch(tmp_path, "s3://bucket/*.csv")

    assert [path.name for path in dump.files] == ["one.csv", "two.csv"]
    assert dump.files[1].read_bytes() == TABLE
    assert "no such object" in refusal(tmp_path, "s3://bucket/three.csv")


def test_a_store_without_its_package_names_the_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)

    assert 'Add "gs" to extras' in refusal(tmp_path, "gs://bucket/t.csv")


@pytest.mark.parametrize(
    "question",
    ["table=order", 'query=SELECT * FROM "order" WHERE id > 0 AND id <> 5', "query=SELECT%20*%20FROM%20%22order%22"],
)
def test_a_table_or_a_query_becomes_parquet(tmp_path: Path, database: Path, question: str) -> None:
    dump = source.fetch(tmp_path, f"sqlite:///{database.name}?{question}")

    frame = pd.read_parquet(dump.files[0])
    assert list(frame.columns) == ["id", "unit price", "note"]
    assert list(frame["id"]) == [1, 2**53 + 1]
    assert frame["note"].iloc[1] == "NA"


def test_mistakes_with_a_database_are_named(tmp_path: Path, database: Path) -> None:
    assert "Tables: order" in refusal(tmp_path, "sqlite:///shop.db?table=orders")
    assert "syntax error" in refusal(tmp_path, "sqlite:///shop.db?query=SELEC 1")
    assert "readonly" in refusal(tmp_path, 'sqlite:///shop.db?query=DELETE FROM "order" RETURNING id')
    assert "shop.db" in refusal(tmp_path, "sqlite:///shopp.db?table=order")
    assert not (tmp_path / "shopp.db").exists()


def test_a_database_file_is_looked_at_each_time(tmp_path: Path, database: Path) -> None:
    address = f"sqlite:///{database.name}?table=order"
    before = source.fetch(tmp_path, address)

    assert source.fetch(tmp_path, address).folder == before.folder

    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute('DELETE FROM "order" WHERE id = 1')
        connection.commit()

    assert "ACCEPT=1" in refusal(tmp_path, address)

    database.unlink()

    assert source.fetch(tmp_path, address).folder == before.folder
