import gzip
import io
import json
import zipfile
from datetime import datetime
from decimal import Decimal

import pandas as pd
import pytest

from data_science_project.engine.columns import dictionary, validate
from data_science_project.engine.sources import formats, read


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def parquet(frame):
    content = io.BytesIO()
    frame.to_parquet(content)
    return content.getvalue()


def test_packed_files_are_unpacked(table, rows):
    content = "a,b\n1,2\n3,4\n"

    for packed, name in [(gzip.compress(content.encode()), "t.csv.gz"), (zipped({"in/t.csv": content}), "t.zip")]:
        assert rows(table(packed, name)) == [["1", "2"], ["3", "4"]]


def test_json_keeps_types_and_turns_a_mix_into_text(table, rows):
    records = [{"n": 1, "mix": 300, "yes": True}, {"n": 2**53 + 1, "mix": "x", "f": 0.5}, {"n": 3, "mix": None}]

    whole = table(json.dumps(records), "t.json")
    lines = table("\n".join(map(json.dumps, records)), "t.jsonl")

    assert rows(whole) == [[1, "300", True, None], [2**53 + 1, "x", None, 0.5], [3, None, None, None]]
    pd.testing.assert_frame_equal(whole.frame, lines.frame)


def test_parquet_keeps_types(table):
    whole, text = pd.array([2**53 + 1, None], dtype="Int64"), pd.Categorical(["x", None])
    when = pd.to_datetime(["2024-01-31", None], utc=True)

    frame = table(parquet(pd.DataFrame({"whole": whole, "text": text, "when": when})), "t.parquet").frame

    assert list(map(str, frame.dtypes)) == ["Int64", "str", "datetime64[us, UTC]"]
    assert frame["whole"].iloc[0] == 2**53 + 1


@pytest.mark.parametrize(
    ("content", "name", "named"),
    [
        (gzip.compress(b"a,b\n1,2\n" * 50)[:-10], "t.csv", "cut short"),
        (zipped({"t.csv": "a,b\n1,2\n"})[:-20], "t.csv", "cut short"),
        (zipped({"a.csv": "a\n1", "b.csv": "b\n1"}), "t.csv", "a.csv, b.csv"),
        (gzip.compress(bytes(80 << 20)), "t.csv", "bomb"),
        (parquet(pd.DataFrame({"a": [[1], [2]], "b": [1, 2]})), "t.parquet", "'a' (list"),
        (parquet(pd.DataFrame({"a": [1]}))[:200], "t.parquet", "damaged"),
        ('{"a": {"0": 1}}', "t.json", "not a list of records"),
        ("[1, 2]", "t.json", "not a list of records"),
        ('[{"a": {"b": 1}}]', "t.json", "'a'"),
        ('[{"a": 1, "a": 2}]', "t.json", "'a' twice"),
        ('{"a": 1}\n{"a":\n', "t.json", "line 2"),
        ('[\n{"a": 1},\n', "t.json", "line 3"),
        ("[" * 100_000, "t.json", "nested too deep"),
        ("[]", "t.json", "no rows"),
    ],
)
def test_damaged_files_bombs_and_what_is_no_table_are_refused(refusal, content, name, named):
    assert named in refusal(content, name)


@pytest.mark.parametrize(
    "cells",
    [
        [1.0, 1.5, None],
        [1.0, "x", True],
        [True, None, False],
        [10**20, 1e20, 7],
        [-0.0, 0.5, 2**53 + 1],
        [datetime(2026, 1, 31), datetime(2026, 1, 31, 12), "x"],
        [Decimal("1.00"), Decimal("1.50"), Decimal(2**60)],
        [Decimal(10**40), Decimal("1.0"), None],
    ],
    ids=repr,
)
def test_word_of_a_cell_is_the_same_alone_and_beside_any_others(cells):
    def words(some):
        column = formats.column("x", some).rename("x")
        return validate.validate_column(column, dictionary.Column(type="category"))[0].tolist()

    assert str(words(cells)) == str([words([cell])[0] for cell in cells])


def test_files_of_whole_numbers_and_of_fractions_keep_every_digit_beside_each_other(written, rows):
    files = [written(parquet(pd.DataFrame({"a": [n]})), f"{n}.parquet") for n in (2**53 + 1, 0.5)]

    assert rows(read.tables(files)) == [[str(2**53 + 1)], ["0.5"]]
