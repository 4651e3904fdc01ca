import contextlib
import gzip
import io
import time

import pandas as pd
import pytest

from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.sources import formats, read


@pytest.mark.parametrize(
    "content",
    ["5.1,3.5,a\n4.9,3.0,a\n4.7,3.2,b\n", "p,x\ne,x\np,y\ne,x\ne,y\np,y\n", "1,2\n3,4\n", "?,0\n1,1\n2,0\n"],
)
def test_a_first_row_of_values_is_no_header(table, content):
    found = table(content)

    assert len(found.frame) == len(content.splitlines())
    assert any("no header row" in decision for decision in found.decisions)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("country,2019,2020\nDE,1,2\nFR,3,4\n", ["country", "2019", "2020"]),
        ("name,city\nAnn,Oslo\nBob,Rome\n", ["name", "city"]),
        ("0,1\n5.1,3.5\n4.9,3\n", ["0", "1"]),
        ("a,b,c\nx,unknown,?\ny,1,2\n", ["a", "b", "c"]),
        (",a\n0,x\n1,y\n", ["column_1", "a"]),
        ('a b, c/d ,"e""f",[g],ñ,A B\n1,2,3,4,5,6\n1,2,3,4,5,6\n', ["a b", "c/d", 'e"f', "[g]", "ñ", "A B"]),
    ],
)
def test_a_first_row_of_names_is_a_header(table, content, names):
    found = table(content)

    assert list(found.frame.columns) == names
    assert (len(found.frame), found.first_row) == (2, 2)


@pytest.mark.parametrize(
    ("content", "first_row", "said"),
    [
        ("a,b\n1,2\na,b\n3,4\n", 2, "header"),
        ("a,b\na,b\n1,2\n3,4\n", 3, "header"),
        ("a,b\nkg,cm\n1,2\n3,4\n", 3, "header"),
        ("a,b,,\n1,2,,\n3,4,,\n", 2, "left out: 2"),
    ],
)
def test_a_stray_second_header_and_empty_columns_are_dropped_and_said(table, rows, content, first_row, said):
    found = table(content)

    assert list(found.frame.columns) == ["a", "b"] and rows(found) == [["1", "2"], ["3", "4"]]
    assert any(said in decision for decision in found.decisions)
    assert found.first_row == first_row


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "empty"),
        ("\n  \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        ("----,---\n", "empty"),
        ("<!DOCTYPE html><p>sign in</p>", "web page"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"a,b\n1,\0\n", "line 2 holds a NUL byte"),
        (bytes(range(1, 32)) * 9, "binary"),
        (gzip.compress(gzip.compress(b"a,b\n1,2\n")), "packed twice"),
        (b"\xd0\xcf\x11\xe0" + bytes(99), "damaged or locked Excel file"),
        (b"SQLite format 3\0" + bytes(100), "sqlite:///file.db?table=name"),
        (b"\x80\x05\x95" + bytes(9), "a pickle"),
        ("x,answer\n赤色,yes\n".encode("shift_jis"), "not cp1252 either"),
    ],
)
def test_what_is_no_table_is_refused(refusal, content, named):
    assert named in refusal(content)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match="[Nn]o such file"):
        read.tables([tmp_path / "nowhere.csv"])


def test_thousands_of_columns_are_read(table):
    lines = [",".join(f"c{place}" for place in range(2_000)), ",".join(["1"] * 2_000)]

    assert table("\n".join(lines)).frame.shape == (1, 2_000)


def test_files_of_a_glob_are_joined_by_name_and_other_columns_refused(written, rows):
    one, two = written("a,b\n1,2\n", "one.csv"), written("b;a\n4;3\n", "two.csv")

    found = read.tables([one, two])

    assert rows(found) == [["1", "2"], ["3", "4"]]
    assert "2 files, rows: one.csv 1, two.csv 1" in found.decisions
    with pytest.raises(DataError, match="three.csv: its columns differ .* b, c"):
        read.tables([one, written("a,c\n1,2\n", "three.csv")])


def test_column_that_some_files_of_a_glob_lack_is_missing_there_and_said(written, tmp_path):
    whole = pd.DataFrame({"key": [2**60, 2**60 + 1], "sold": [True, False], "day": pd.to_datetime(["2026-01-31"] * 2)})
    whole.to_parquet(tmp_path / "one.parquet")
    whole.assign(agent=["ada", "bob"], more=[1, 2**60]).to_parquet(tmp_path / "two.parquet")
    whole.drop(columns="sold").to_parquet(tmp_path / "three.parquet")

    found = read.tables([tmp_path / f"{name}.parquet" for name in ("one", "two", "three")])

    assert list(found.frame) == ["key", "sold", "day", "agent", "more"]
    assert formats.as_text(found.frame["more"]).tolist()[2:4] == ["1", str(2**60)]
    assert found.frame["sold"].tolist()[:4] == [True, False, True, False]
    assert found.frame.isna().sum().to_dict() == {"key": 0, "sold": 2, "day": 0, "agent": 4, "more": 4}
    assert "2 of 3 files lack 'agent', which is missing there: one.parquet, three.parquet" in found.decisions
    assert "1 of 3 files lack 'sold', which is missing there: three.parquet" in found.decisions


@pytest.mark.parametrize(
    ("others", "target"),
    [("x,z,q,r", "y"), ("x,y,q,r", "z"), ("x,y,Z,q,r", "y")],  # hardly one in common; no target; another spelling
)
def test_file_of_a_glob_that_seems_another_table_is_refused(written, others, target):
    one = written("x,y,z,w\n1,2,3,4\n", "one.csv")
    two = written(f"{others}\n{','.join('1' for _ in others.split(','))}\n", "two.csv")

    with pytest.raises(DataError, match="two.csv: its columns differ from those of .*one.csv"):
        read.tables([one, two], read.Known(needed=target))


def test_name_that_only_hints_at_the_header_may_be_lacking_in_a_file_of_a_glob(written, rows):
    one, two = written("x,y,z,w\n1,2,3,4\n", "one.csv"), written("y,z,w\n5,6,7\n", "two.csv")

    found = read.tables([one, two], read.Known(target="x"))

    assert rows(found) == [["1", "2", "3", "4"], [None, "5", "6", "7"]]
    with pytest.raises(DataError, match="need most columns in common"):
        read.tables([one, written("x,p,q,r\n1,1,1,1\n", "three.csv")], read.Known(target="x"))


def test_name_in_other_code_points_is_the_same_column_in_each_file_of_a_glob(written, rows):
    found = read.tables([written("caf\u00e9\n1\n", "one.csv"), written("cafe\u0301\n2\n", "two.csv")])

    assert list(found.frame) == ["caf\u00e9"] and rows(found) == [["1"], ["2"]]


def test_options_overrule_what_is_found(table, rows):
    found = table("1,'x,y'\n2,'z'\n", quote="'", header=False, separator=",")

    assert rows(found) == [["1", "x,y"], ["2", "z"]]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sep": ";"}, "sep"),
        ({"header": "no"}, "header"),
        ({"header": 0}, "header = 0 must be a line from 1 on, or false"),
        ({"separator": ";;;"}, "separator"),
        ({"encoding": "klingon"}, "encoding"),
        ({"missing": "?"}, r"missing = '\?' has the wrong type(.|\n)*Example: \[\"\?\""),
    ],
)
def test_wrong_options_are_refused_by_name(table, options, said):
    with pytest.raises(SettingsError, match=rf"\[data.read\].*{said}"):
        table("a,b\n1,2\n", **options)


def test_text_that_was_sent_is_read_as_a_file_of_it_and_what_is_packed_is_refused(tmp_path):
    content = "id;price\n1;2,5\n2;\n".encode("utf-16")
    (tmp_path / "rows.csv").write_bytes(content)

    found = read.sent(content, "rows.csv")

    whole = read.tables([tmp_path / "rows.csv"])
    assert found.frame.equals(whole.frame) and (found.decisions, found.first_row) == (whole.decisions, whole.first_row)
    with io.BytesIO() as file:
        pd.DataFrame({"a": [1.0] * 10}).to_parquet(file)
        for packed in (file.getvalue(), b"PK\x03\x04" + bytes(100), gzip.compress(content), b"  \n"):
            with pytest.raises(DataError, match=r"^rows\.csv: "):
                read.sent(packed, "rows.csv")


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(100), b"\x89PNG\r\n" + bytes(range(256)), b"%PDF-1.4\n"])
def test_spreadsheet_or_picture_that_was_sent_is_refused_by_words_that_name_no_kind_but_text(content):
    with pytest.raises(DataError, match=r"^rows\.xlsx: .*Text alone is read here: save a table as CSV\.$") as error:
        read.sent(content, "rows.xlsx")

    assert "Excel" not in str(error.value) and "Parquet" not in str(error.value)


HEADER = b"a,b,c,d,e,f\n"
LONG = {  # of which the square of the size would take longer than the test allows
    "blanks before a letter": b" " * 600_000 + b"x",
    "blanks within lines": (b"a  b" + b" " * 100_000 + b"c\n") * 4,
    "blanks within a number": HEADER + (b"1" + b" " * 20_000 + b"x,1,2,3,4,5\n") * 10,
    "short lines of words": HEADER + b"a,b\n" * 120_000,
    "short lines of words and numbers": HEADER + b"a,b\n1,2\n" * 40_000 + b"1,2,3\n" + b"1,2,3,4,5,6\n",
    "quote marks that begin cells": HEADER + b"1,2,3,4,5,6\n" * 9 + b'"x",y"' + b',"x' * 100_000 + b"\n",
    "lines with a blank one between": HEADER + b"a,1,2,3,x,y\n\n" * 30_000,
    "comments above nothing": b"%\n" * 100_000 + b"a,b\n1,2\n",
    "blank lines above a table": b" \n" * 100_000 + b"a,b\n1,2\n",
    "a long word of another encoding": b"a,b\n" + b"x" * 300_000 + b",caf\xe9\n",
}


@pytest.mark.parametrize("content", LONG.values(), ids=LONG)
def test_time_of_reading_grows_with_the_size_and_not_with_its_square(content):
    began = time.process_time()

    with contextlib.suppress(DataError):
        read.sent(content, "rows.csv")

    assert time.process_time() - began < 15


@pytest.mark.parametrize(
    "content",
    [
        HEADER + b"1,2\n" * 1001,
        b"," * 20_001,
        b"a," * 4000 + b"\n" + b"1,2\n" * 900,
        b"@relation x\n" + b"@attribute a numeric\n" * 4000 + b"@data\n" + b"{0 1}\n" * 900,
    ],
)
def test_text_far_beyond_the_rows_that_are_allowed_is_refused_unread(content):
    with pytest.raises(DataError, match=r"\d line.*: more than 10 rows need\. Send them in parts"):
        read.sent(content, "rows.csv", read.Known(rows=10))


def test_long_texts_and_rows_beyond_those_allowed_are_read():
    content = HEADER + (b'1,2,3,4,5,"' + b"a line, of a letter\n" * 50 + b'"\n') * 12

    assert read.sent(content, "rows.csv", read.Known(rows=10)).frame.shape == (12, 6)
    essay = HEADER + b'1,2,3,4,5,"' + b"word " * 30_000 + b'"\n'
    assert read.sent(essay, "rows.csv", read.Known(rows=10)).frame.shape == (1, 6)
