"""Files that carry more than text: what they hold keeps its type, and what is damaged is refused."""

import gzip
import io
import json
import zipfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from data_science_project.engine.columns import dictionary, validate
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import formats, read


def zipped(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def written(folder: Path, content: bytes, name: str) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def rows(table: read.Table) -> list[list]:
    frame = table.frame.astype(object)
    return frame.where(frame.notna(), None).to_numpy().tolist()


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    content = "a,b\n1,2\n3,4\n"

    for packed, name in [(gzip.compress(content.encode()), "t.csv.gz"), (zipped({"in/t.csv": content}), "t.zip")]:
        assert rows(read.table(written(tmp_path, packed, name))) == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize(
    ("packed", "named"),
    [
        (gzip.compress(b"a,b\n1,2\n" * 50)[:-10], "cut short"),
        (zipped({"t.csv": "a,b\n1,2\n"})[:-20], "cut short"),
        (zipped({"a.csv": "a\n1", "b.csv": "b\n1"}), "a.csv, b.csv"),
        (gzip.compress(bytes(80 << 20)), "bomb"),
    ],
)
def test_damaged_packed_files_and_bombs_are_refused(tmp_path: Path, packed: bytes, named: str) -> None:
    with pytest.raises(DataError, match=named):
        read.table(written(tmp_path, packed, "t.csv"))


def test_json_keeps_types_and_turns_a_mix_into_text(tmp_path: Path) -> None:
    records = [{"n": 1, "mix": 300, "yes": True}, {"n": 2**53 + 1, "mix": "x", "f": 0.5}, {"n": 3, "mix": None}]

    whole = read.table(written(tmp_path, json.dumps(records).encode(), "t.json"))
    lines = read.table(written(tmp_path, "\n".join(map(json.dumps, records)).encode(), "t.jsonl"))

    assert rows(whole) == [[1, "300", True, None], [2**53 + 1, "x", None, 0.5], [3, None, None, None]]
    pd.testing.assert_frame_equal(whole.frame, lines.frame)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('{"a": {"0": 1}}', "not a list of records"),
        ("[1, 2]", "not a list of records"),
        ('[{"a": {"b": 1}}]', "'a'"),
        ('[{"a": 1, "a": 2}]', "'a' twice"),
        ('{"a": 1}\n{"a":\n', "line 2"),
        ('[\n{"a": 1},\n', "line 3"),
        ("[" * 100_000, "nested too deep"),
        ("[]", "no rows"),
    ],
)
def test_json_that_is_no_table_is_refused(tmp_path: Path, content: str, named: str) -> None:
    with pytest.raises(DataError, match=named):
        read.table(written(tmp_path, content.encode(), "t.json"))


def test_parquet_keeps_types(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "whole": pd.array([2**53 + 1, None], dtype="Int64"),
            "text": pd.Categorical(["x", None]),
            "when": pd.to_datetime(["2024-01-31", None], utc=True),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet")

    table = read.table(tmp_path / "t.parquet")

    assert list(map(str, table.frame.dtypes)) == ["Int64", "str", "datetime64[us, UTC]"]
    assert table.frame["whole"].iloc[0] == 2**53 + 1


def test_nested_and_cut_parquet_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [[1], [2]], "b": [1, 2]}).to_parquet(path)

    cut = written(tmp_path, path.read_bytes()[:200], "cut.parquet")

    for wrong, named in [(path, r"'a' \(list"), (cut, "damaged")]:
        with pytest.raises(DataError, match=named):
            read.table(wrong)


@pytest.mark.parametrize(
    "cells",
    [
        [1.0, 1.5, None],
        [1, 1.5, 2.0],
        [1.0, "x", True],
        [True, None, False],
        [1e20, 1.5, 3.0],
        [10**20, 1e20, 7],
        [-0.0, 0.5, 2**53 + 1],
        [datetime(2026, 1, 31), datetime(2026, 1, 31, 12), "x"],
        [Decimal("1.00"), Decimal("1.50"), Decimal(2**60)],
        [Decimal(10**40), Decimal("1.0"), None],
    ],
    ids=repr,
)
def test_word_of_a_cell_is_the_same_alone_and_beside_any_others(cells: list) -> None:
    def words(some: list) -> list:
        column = formats.column("x", some).rename("x")
        return validate.validate_column(column, dictionary.Column(type="category"))[0].tolist()

    assert str(words(cells)) == str([words([cell])[0] for cell in cells])


@pytest.mark.parametrize("kind", ["float32", "float64", "Float64"])
def test_whole_floats_of_a_category_lose_their_point_whatever_stands_beside_them(kind: str) -> None:
    cells = pd.Series([1, 1.1, None, 2**24, 1e20], dtype=kind)

    words = validate.as_text(cells)

    assert words.tolist()[:2] == ["1", "1.1"] and words.isna().tolist() == [False, False, True, False, False]
    assert words.tolist()[3] == "16777216" and words.tolist()[4].startswith("1000000")


def test_files_of_whole_numbers_and_of_fractions_keep_every_digit_beside_each_other(tmp_path: Path) -> None:
    pd.DataFrame({"a": [2**53 + 1]}).to_parquet(tmp_path / "1.parquet")
    pd.DataFrame({"a": [0.5]}).to_parquet(tmp_path / "2.parquet")

    assert rows(read.tables([tmp_path / "1.parquet", tmp_path / "2.parquet"])) == [[str(2**53 + 1)], ["0.5"]]
