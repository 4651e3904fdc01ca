import contextlib
import sqlite3
import sys

import fsspec
import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from data_science_project.engine.sources import read

TABLE = b"a,b\n1,2\n"


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute('CREATE TABLE "order" (id INTEGER, "unit price" REAL, note TEXT)')
        connection.executemany('INSERT INTO "order" VALUES (?, ?, ?)', [(1, 2.5, "x"), (2**53 + 1, None, "NA")])
    return path


@pytest.mark.parametrize(
    ("name", "target", "value"),
    [("breast_cancer", "diagnosis", "malignant"), ("iris", "species", "setosa"), ("wine", "cultivar", "class_0")],
)
def test_bundled_sets_have_a_readable_target(fetch, name, target, value):
    assert pd.read_csv(fetch(f"sklearn:{name}").files[0])[target].iloc[0] == value


def test_objects_of_a_store_are_fetched(fetch, fetch_refusal):
    class Bucket(MemoryFileSystem):
        protocol = "s3"
        store: dict = {}
        pseudo_dirs = [""]

    fsspec.register_implementation("s3", Bucket, clobber=True)
    for name in ("one", "two"):
        Bucket().pipe_file(f"s3://bucket/{name}.csv", TABLE)

    dump = fetch("s3://bucket/*.csv")

    assert [path.name for path in dump.files] == ["one.csv", "two.csv"]
    assert dump.files[1].read_bytes() == TABLE
    assert "no such object" in fetch_refusal("s3://bucket/three.csv")


def test_a_store_without_its_package_names_the_install(fetch_refusal, monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)

    assert 'Add "gs" to extras' in fetch_refusal("gs://bucket/t.csv")


def test_bytes_of_a_database_are_text_and_a_mix_with_numbers_is_refused(fetch, fetch_refusal, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "b.db")) as connection, connection:
        connection.execute("CREATE TABLE t (a BLOB, b BLOB)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [("é".encode(), b"1"), (None, 2)])

    found = read.tables(fetch("sqlite:///b.db?query=SELECT a FROM t").files)

    assert found.frame["a"][0] == "é" and "bytes read as UTF-8: 'a' (1)" in found.decisions
    assert "column 'b' mixes" in fetch_refusal("sqlite:///b.db?table=t")


@pytest.mark.parametrize(
    "question",
    ["table=order", 'query=SELECT * FROM "order" WHERE id > 0 AND id <> 5', "query=SELECT%20*%20FROM%20%22order%22"],
)
def test_a_table_or_a_query_becomes_parquet(fetch, database, question):
    frame = pd.read_parquet(fetch(f"sqlite:///{database.name}?{question}").files[0])

    assert list(frame.columns) == ["id", "unit price", "note"]
    assert list(frame["id"]) == [1, 2**53 + 1] and frame["note"].iloc[1] == "NA"


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("shop.db?table=orders", "Tables: order"),
        ("shop.db?query=SELEC 1", "syntax error"),
        ('shop.db?query=DELETE FROM "order" RETURNING id', "readonly"),
        ("shopp.db?table=order", "there is: shop.db.\nMend source in [data] of params.toml.\nGit keeps no data"),
    ],
)
def test_mistakes_with_a_database_are_named(fetch_refusal, database, question, named):
    assert named in fetch_refusal(f"sqlite:///{question}")
    assert not database.with_name("shopp.db").exists()


def test_a_database_file_is_looked_at_each_time(fetch, fetch_refusal, database):
    address = f"sqlite:///{database.name}?table=order"
    before = fetch(address)
    assert fetch(address).folder == before.folder

    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute('DELETE FROM "order" WHERE id = 1')

    assert "ACCEPT=1" in fetch_refusal(address)
    database.unlink()
    assert fetch(address).folder == before.folder
