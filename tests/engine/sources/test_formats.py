import io
import json
import sys
from datetime import date, datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_science_project.engine.columns import dictionary, validate
from data_science_project.engine.sources import formats, read


def parquet(rows):
    content = io.BytesIO()
    pq.write_table(rows if isinstance(rows, pa.Table) else pa.Table.from_pandas(rows), content)
    return content.getvalue()


def test_json_keeps_types_and_turns_a_mix_into_text(table, rows):
    records = [{"n": 1, "mix": 300, "yes": True}, {"n": 2**53 + 1, "mix": "x", "f": 0.5}, {"n": 3, "mix": None}]

    whole = table(json.dumps(records), "t.json")
    lines = table("\n".join(map(json.dumps, records)), "t.jsonl")

    assert rows(whole) == [[1, "300", True, None], [2**53 + 1, "x", None, 0.5], [3, None, None, None]]
    pd.testing.assert_frame_equal(whole.frame, lines.frame)


def test_parquet_keeps_types(table):
    whole, text = pd.array([2**53 + 1, None], dtype="Int64"), pd.Categorical(["x", None])
    when, lasting = pd.to_datetime(["2024-01-31", None], utc=True), pd.to_timedelta([90, None], unit="s")

    found = table(parquet(pd.DataFrame({"whole": whole, "text": text, "when": when, "lasting": lasting})))

    assert list(map(str, found.frame.dtypes)) == ["Int64", "str", "datetime64[us, UTC]", "float64"]
    assert found.frame["whole"][0] == 2**53 + 1 and found.frame["lasting"][0] == 90
    assert "a duration, in seconds: 'lasting'" in found.decisions


def test_columns_of_parquet_with_one_name_are_both_kept(table, rows):
    found = table(parquet(pa.table([[1], [2]], names=["a", "a"])))

    assert list(found.frame.columns) == ["a", "a_2"] and rows(found) == [[1, 2]]


NESTED = [
    {"id": 1, "by": {"name": "Ann", "at": {"lon": 1.5}}, "tags": ["a", "b"], "sizes": [1, 2.0], "parts": [{"n": 1}]},
    {"id": 2, "by": None, "tags": [], "sizes": None, "parts": []},
    {"id": 3, "by": {"name": "Bob"}, "tags": ["c"], "sizes": [3], "parts": None},
]
CELLS = [
    [1, "Ann", 1.5, "a; b", "1; 2", '[{"n": 1}]'],
    [2, None, None, None, None, None],
    [3, "Bob", None, "c", "3", None],
]
SAID = [
    "objects read as a column for each of their fields: 'by' (2), 'by.at' (1)",
    "lists joined by '; ', empty ones missing: 'tags' (3), 'sizes' (2)",
    "lists and objects kept as JSON text: 'parts' (2)",
]


def test_objects_of_json_become_columns_and_lists_text_and_each_is_said(table, rows):
    found = table(json.dumps(NESTED), "t")

    assert list(found.frame.columns) == ["id", "by.name", "by.at.lon", "tags", "sizes", "parts"]
    assert rows(found) == CELLS
    assert list(found.decisions) == SAID


def test_structs_and_lists_of_parquet_become_what_those_of_json_become(table, rows):
    found = table(parquet(pd.DataFrame(NESTED)), "t")

    assert sorted(map(str, rows(found)[0])) == sorted(["1", "1.5", "Ann", '[{"n": 1}]', "1; 2", "a; b"])
    assert {line.partition(":")[0] for line in found.decisions} == {line.partition(":")[0] for line in SAID}


@pytest.mark.parametrize(
    ("lists", "cells"),
    [
        ([["a;b", "c"], "d"], ["a,b; c", "d"]),
        ([[1, None], None], ["1", None]),
        ([{}, {}], ["{}", "{}"]),
        ([{"x": 1}, 2], ['{"x": 1}', "2"]),
        ([[["é"]], []], ['[["é"]]', None]),
    ],
)
def test_nested_cell_becomes_one_text(table, rows, lists, cells):
    found = table(json.dumps([{"x": cell, "y": 1} for cell in lists]))

    assert [row[0] for row in rows(found)] == cells
    assert "'x'" in "".join(found.decisions)


def test_list_is_joined_by_the_separator_of_its_column():
    frame, said, _ = formats.json_table(b'[{"x": ["a;b", "c|d", -2.0], "y": ["a", "b"]}]', {"x": "|"})

    assert frame.iloc[0].tolist() == ["a;b| cd| -2", "a; b"]
    assert said[:2] == ["lists joined by '| ', empty ones missing: 'x' (1)", "'|' in items left out: 'x'"]


@pytest.mark.parametrize("names", ["{a},[b]", "[a],{b}", "ORC,b", "PAR1,b", "ARROW1,b", "BZh9,b", "RDX_,b"])
def test_text_is_text_whatever_its_first_name(table, names):
    text = f"{names}\n1,2\n3,[4]\n"

    assert len(table(text, "t.json").frame) == 2


FRAME = pd.DataFrame(
    {
        "n": [1, 2, 3],
        "x": [0.5, None, 2.0],
        "when": pd.to_datetime(["2024-01-31 10:30", None, "1959-12-31 00:00"]),
        "text": ["é", None, "z"],
        "sex": pd.Categorical(["f", None, "m"], categories=["m", "f"]),
    }
)


def written_as(kind):
    """The frame as a file of a kind."""
    content = io.BytesIO()
    if kind == "Stata":
        FRAME.to_stata(content, write_index=False, version=118)
    elif kind == "old Stata":
        FRAME.assign(text=["e", None, "z"]).to_stata(content, write_index=False)
    elif kind == "Arrow stream":
        rows = pa.Table.from_pandas(FRAME)
        with pa.ipc.new_stream(content, rows.schema) as stream:
            stream.write_table(rows)
    else:
        frame = FRAME.astype({"sex": "str"})  # the writer of ORC knows no categories
        getattr(frame if kind == "ORC" else FRAME, f"to_{kind.lower()}")(content)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["Feather", "Arrow stream", "ORC", "Stata", "old Stata"])
def test_table_of_another_kind_is_read_with_its_types_whatever_its_name(table, kind):
    found = table(written_as(kind), "t.csv").frame

    assert found["n"].tolist() == [1, 2, 3] and found["x"].isna().tolist() == [False, True, False]
    assert found["when"].iloc[[0, 2]].tolist() == FRAME["when"].iloc[[0, 2]].tolist()
    assert found["sex"].tolist()[::2] == ["f", "m"] and found["sex"].isna()[1]
    assert found["text"].isna().tolist() == [False, True, False]
    assert {str(found[name].dtype) for name in ("text", "sex")} == {"str"}


def test_labels_of_stata_that_stand_for_two_codes_leave_the_codes_and_it_is_said(table):
    content = io.BytesIO()
    labels = {"x": {1: "yes", 2: "yes", 3: "no"}}
    pd.DataFrame({"x": [1, 2, 3], "y": [1, 2, 3]}).to_stata(content, write_index=False, value_labels=labels)

    found = table(content.getvalue())

    assert found.frame["x"].tolist() == [1, 2, 3]
    assert "two codes have the same label" in " ".join(found.decisions)


@pytest.mark.parametrize("kind", ["Parquet", "Feather", "Arrow stream", "ORC", "Stata"])
def test_damaged_file_of_another_kind_is_refused(refusal, kind):
    assert "damaged" in refusal(written_as(kind)[:-60], "t.csv")


def test_bytes_are_text_where_they_are_utf8_and_else_hexadecimal(table, rows):
    rows_of_bytes = pa.table({"text": [b"\xc3\xa9", None], "bytes": pa.array([b"\xff\x00", b"\x01\x02"], pa.binary(2))})

    found = table(parquet(rows_of_bytes))

    assert rows(found) == [["é", "ff00"], [None, "0102"]]
    assert ["'text' (1)" in found.decisions[0], "'bytes' (2)" in found.decisions[1]] == [True, True]


@pytest.fixture
def read_back(table, tmp_path):
    """Write a frame as a statistics program does, and read it; the kind names a function of pyreadstat."""
    pyreadstat = pytest.importorskip("pyreadstat", reason="pyreadstat reads SPSS and writes SAS: it is an extra")

    def write(kind, frame, **about):
        getattr(pyreadstat, f"write_{kind}")(frame, tmp_path / "made", **about)
        return table((tmp_path / "made").read_bytes(), "t")

    return write


def test_spss_is_read_with_its_labels_and_dates_where_its_package_is_installed(read_back, rows):
    days = [date(2024, 1, 31), None, date(1899, 1, 1)]
    frame = pd.DataFrame({"sex": [1.0, 2.0, None], "day": days, "n": [1.5, 2, 3]})

    found = read_back("sav", frame, variable_value_labels={"sex": {1: "male", 2: "female"}})

    assert rows(found)[0] == ["male", datetime(2024, 1, 31), 1.5]
    assert found.frame["day"].iloc[2] == datetime(1899, 1, 1)
    assert found.decisions == ("codes read as their labels: 'sex' (2)",)


def test_spss_times_are_durations_in_seconds_and_every_kind_of_its_dates_a_date(read_back):
    formats = {"hours": "TIME8", "waited": "DTIME14", "day": "DATE11", "month": "MOYR8", "quarter": "QYR8"}
    seconds = [(datetime(2024, 2, 1) - datetime(1582, 10, 14)).total_seconds(), None]
    frame = pd.DataFrame(
        {"hours": [91_800.0, None], "waited": [352_800.0, 7.5]} | dict.fromkeys([*formats][2:], seconds)
    )

    found = read_back("sav", frame, variable_format=formats)

    assert found.frame["hours"].tolist()[0] == 91_800 and found.frame["waited"].tolist() == [352_800, 7.5]
    assert [found.frame[name].tolist() for name in [*formats][2:]] == [[datetime(2024, 2, 1), pd.NaT]] * 3
    assert "a duration, in seconds: 'hours', 'waited'" in found.decisions


def test_spss_codes_stay_where_two_have_one_label_and_values_declared_missing_are_said(read_back, rows):
    frame = pd.DataFrame({"size": [1.0, 2, 3], "owns": [0.0, 1, 9], "age": [20.0, 99, 30]})
    labels = {"size": {1: "low", 2: "high", 3: "high"}, "owns": {0: "no", 1: "yes", 8: "none", 9: "none"}}
    gaps = {"owns": [{"lo": 8, "hi": 9}], "age": [99]}

    found = read_back("sav", frame, variable_value_labels=labels, missing_ranges=gaps)

    assert rows(found) == [[1, "no", 20], [2, "yes", None], [3, None, 30]]
    assert "two codes have the same label: the codes are kept: 'size'" in found.decisions
    assert "values that the file declares missing: 'owns' (1), 'age' (1)" in found.decisions


def test_portable_file_of_spss_is_read_like_any_other(read_back, rows):
    assert rows(read_back("por", pd.DataFrame({"N": [1.5, 2.0], "S": ["x", ""]}))) == [[1.5, "x"], [2, None]]


def test_sas_transport_is_read_with_its_dates_and_refused_where_it_is_cut_short(read_back, rows, refusal, tmp_path):
    when = pd.to_datetime(["2024-01-31 10:30", None])
    frame = pd.DataFrame({"day": [date(2024, 1, 31), date(1950, 5, 1)], "when": when, "name": ["é", ""]})
    frame = frame.assign(n=[1.5, None], zero=[0, 1])

    found = read_back("xport", frame, file_format_version=5)

    assert rows(found)[0] == [datetime(2024, 1, 31), when[0], "é", 1.5, 0]
    assert rows(found)[1] == [datetime(1950, 5, 1), None, None, None, 1]
    assert "cut short" in refusal((tmp_path / "made").read_bytes()[:-41])


def test_spss_without_its_package_names_the_install(refusal, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyreadstat", None)

    for content in (b"$FL2@(#) SPSS DATA FILE" + bytes(200), b"0" * 456 + b"SPSSPORTA8/20261122"):
        assert 'Add "spss" to extras' in refusal(content, "t.sav")


ARFF = b"""% made by hand
@RELATION things
@attribute 'its name' string
@attribute size NUMERIC
@attribute kind {'very good', bad}
@attribute day date "yyyy-MM-dd"

@DATA
% a remark
'it\\'s, so', 1.5, bad, "2024-01-31"
x, ?, 'very good', ?
"""


def test_arff_dense_or_sparse_is_read(table, rows):
    found = table(ARFF, "t.dat")

    assert list(found.frame.columns) == ["its name", "size", "kind", "day"]
    assert rows(found)[1] == ["x", "?", "very good", "?"]
    assert rows(found)[0][:3] == ["it's, so", "1.5", "bad"]
    sparse = "@relation t\n@attribute a numeric\n@attribute b {no, yes}\n@data\n{0 5, 1 yes}\n{}\n{0 -1.5}\n"
    assert rows(table(sparse)) == [["5", "yes"], ["0", "no"], ["-1.5", "no"]]


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        (r"'two\nlines\tof\r\n \'it\' \"x\" 5\% \\n \u001E'", "two\nlines\tof\r\n 'it' \"x\" 5% \\n \x1e"),
        (r"""'He said "yes", "yes 0" and left\nthe room'""", 'He said "yes", "yes 0" and left\nthe room'),
        ('"it\'s, {so}"', "it's, {so}"),
        ('"say ""so"""', 'say "so"'),
        (r"C:\new 'tis", r"C:\new 'tis"),
        ("'tis", "'tis"),
        ("''", ""),
    ],
)
def test_text_of_arff_is_what_weka_means_by_it_whatever_its_marks(table, rows, cell, meant):
    head = "@relation t\n@attribute 'it\\'s' string\n@attribute b {'x, y',no}\n@attribute n numeric\n@data\n"

    dense = table(f"{head}{cell},'x, y',1\n\"c, d\",no,2\n")
    sparse = table(f'{head}{{0 {cell}, 2 1}}\n{{0 "c, d" , 1 no, 2 2}}\n')

    assert list(dense.frame.columns) == ["it's", "b", "n"]
    assert rows(dense) == rows(sparse) == [[meant or None, "x, y", "1"], ["c, d", "no", "2"]]


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
        column = formats.column(some).rename("x")
        return validate.validate_column(column, dictionary.Column(type="category"))[0].tolist()

    assert str(words(cells)) == str([words([cell])[0] for cell in cells])


def test_files_of_whole_numbers_and_of_fractions_keep_every_digit_beside_each_other(written, rows):
    files = [written(parquet(pd.DataFrame({"a": [n]})), f"{n}.parquet") for n in (2**53 + 1, 0.5)]

    assert rows(read.tables(files)) == [[str(2**53 + 1)], ["0.5"]]


@pytest.mark.parametrize(
    ("kind", "cell", "dtype"),
    [(pa.int64(), 7, "Int64"), (pa.bool_(), True, "boolean"), (pa.decimal128(5, 2), Decimal("1.50"), "float64")],
    ids=str,
)
def test_empty_column_of_one_file_leaves_the_others_their_type(written, kind, cell, dtype):
    files = []
    for name, cells in (("full", [cell, cell]), ("empty", [None, None])):
        rows = pa.table({"a": pa.array(cells, kind), "b": [1, 2]})
        files.append(written(parquet(rows), f"{name}.parquet"))

    found = read.tables(files).frame["a"]

    assert str(found.dtype) == dtype and found.isna().tolist() == [False, False, True, True]


def test_list_in_a_cell_reads_alike_whatever_stands_in_other_cells(table, rows):
    alone = table('[{"tags": ["a", "b"]}]', "t.json")

    among = table('[{"tags": ["a", "b"]}, {"tags": ["x;y", null]}, {"tags": [{"n": 1}]}]', "t.json")

    assert rows(alone) == [["a; b"]]
    assert rows(among) == [["a; b"], ["x,y"], ['[{"n": 1}]']]
    assert "semicolons within the items of lists read as commas: 'tags'" in among.decisions
