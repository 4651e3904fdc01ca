"""Files that carry more than text: what they hold keeps its type, and what is damaged is refused."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import read
from {{ cookiecutter.package_name }}.errors import DataError


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
