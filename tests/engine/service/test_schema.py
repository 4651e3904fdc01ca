import json
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import validate
from data_science_project.engine.columns.dictionary import Column
from data_science_project.engine.project.errors import DataError
from data_science_project.service import reference, schema

COLUMNS = {
    "key": Column(type="integer", role="id", missing_allowed=False),
    "age": Column(type="integer", range=(0.0, 120.0), missing_allowed=False),
    "pay": Column(type="number", missing=("-1", "?")),
    "old": Column(type="number", range=(0.0, 1.0), rule="warn", decimal=","),
    "job": Column(type="category", values=("a clerk", "cook", "none"), missing=("none",)),
    "zip": Column(type="category", format="00000"),
    "note": Column(type="text"),
    "tags": Column(type="list", separator=";", values=("x", "y")),
    "new": Column(type="boolean"),
    "shop": Column(type="category", role="group"),
    "answer": Column(type="category", role="target"),
}
ROW = dict(key=7, age=30, pay=1.5, old=0.5, job="cook", zip="01067", note="he came", tags="x; y", new=True)


def test_body_becomes_rows_whose_floats_keep_their_bits():
    cells = {"a": 0.1 + 0.2, "b": 5e-324, "c": -0.0, "d": 2**60, "e": "é: 😀", "f": None, "g": False}

    (row,) = schema.decode(json.dumps({"rows": [cells]}).encode())

    assert [(type(cell), repr(cell)) for cell in row.values()] == [(type(x), repr(x)) for x in cells.values()]


def test_list_of_plain_values_is_the_text_that_it_becomes_in_a_file():
    body = b'{"rows": [{"a": ["red", null, -2.0, 0.1, true], "b": ["x", "y;z"], "c": []}]}'

    assert schema.decode(body, {"b": "|"}) == [{"a": "red; -2; 0.1; true", "b": "x| y;z", "c": None}]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "character 0"),
        (b"rows", "character 0"),
        (b'{"rows": [{"a": 1}]', "character 19"),
        (b'{"rows": [{"a": 1}]} x', "character 21"),
        (b'{"rows": [{"a": NaN}]}', r"NaN .*column 'a', character 16\): send null where a cell is empty"),
        (b'{"rows": [{"a": -Infinity}]}', r"-Infinity .*character 16"),
        (b'{"rows": [{"a": 1e999}]}', r"1e999 .*character 16"),
        (b'{"rows": [{"a": ' + b"9" * 5000 + b"}]}", "4300 digits"),
        (b'{"rows": [{"a": 1, "b": 2, "a": 3}]}', r"'a' stands twice .*character 27"),
        (b'{"rows": [], "rows": []}', r"'rows' stands twice"),
        (b'{"rows": [{"b": [1], "a": [1, [2]]}]}', "row 1, column 'a' holds an object, or a list in a list"),
        (b'{"rows": [{"a": 1}, {"b": {}}]}', "row 2, column 'b' holds an object, or a list in a list"),
        (b'{"rows": [{"a": 1}, 3]}', "row 2 is no object"),
        (b'{"rows": {"a": 1}}', "A body is"),
        (b'{"rows": [], "more": 1}', "A body is"),
        (b"[]", "A body is"),
        (b'{"rows": [{"a": "\\\\ \\ud83d\\ude00 \\ud800"}]}', r"half a character, \\ud800 \(character 33"),
        (b'{"rows": [{"a": "\xff"}]}', "byte 17"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"rows":' * 100_000, "nested too deep"),
    ],
)
def test_body_that_holds_no_rows_is_refused_with_the_place(body, place):
    with pytest.raises(schema.BadBody, match=place):
        schema.decode(body)


@pytest.mark.parametrize("form", ['{"rows": 1, "more": %s}', "%s", '{"rows": [{"a": %s, "a": 1}]}'])
def test_body_of_any_depth_is_refused_and_never_an_error_of_the_service(form):
    for depth in range(900, 1010):
        with pytest.raises(schema.BadBody):
            schema.decode((form % ("[" * depth + "]" * depth)).encode())


def test_colons_and_escapes_in_texts_are_no_keys_that_stand_twice():
    rows = [{"a:b": '": "', "c": "::", "\\": '\\"a\\": 1'}]

    assert schema.decode(json.dumps({"rows": rows}).encode()) == rows


PLAIN = [
    {},
    {"age": 30.0, "pay": 2, "old": 1},
    {"pay": None, "job": None, "note": None, "tags": None, "new": None},
    {"pay": -1, "job": "none", "note": "", "tags": ""},
    {"zip": "abroad"},
    {"zip": "123456", "job": "a clerk", "note": "x\ty\x00 ü", "tags": "y", "new": False},
    {"pay": 3.4e38, "old": -0.0, "shop": "B"},
]


@pytest.mark.parametrize("changes", [*PLAIN, {"unknown": 1, "another": "x", "answer": "yes"}])
def test_plain_row_is_as_validate_would_leave_it(changes):
    row = ROW | changes
    frame = pd.DataFrame([row]).astype({"note": object, "tags": object, "job": object})

    found = schema.Checker(COLUMNS).plain(row)

    typed, warnings = validate.validate(frame, COLUMNS, where="rows", target=False)
    expected = {name: None if pd.isna(cell) else cell for name, cell in typed.iloc[0].items()}
    assert found is not None and found[1] == warnings and list(found[0]) == list(expected)
    for name, cell in expected.items():
        same = type(cell)(found[0][name]) if cell is not None else found[0][name]
        assert same == cell and np.signbit(same) == np.signbit(cell) if isinstance(cell, float) else same == cell


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("age", ["30", True, 30.5, 121, None]),
        ("key", [None, "007"]),
        ("pay", [1e39, 2**53 + 1, 10**400]),
        ("old", [2]),
        ("job", ["driver", " cook"]),
        ("zip", ["1067", "1067.0", "01067.0", 1067]),
        ("note", ["x\u00a0", "\u200bx", 5]),
        ("tags", ["x; z"]),
        ("new", [1, "yes"]),
    ],
)
def test_row_that_breaks_a_rule_or_is_in_other_types_goes_to_validate(name, cells):
    checker, rows = schema.Checker(COLUMNS), [ROW | {name: cell} for cell in cells]

    assert [row for row in rows if checker.plain(row) or checker.table([ROW, row]) is not None] == []


@pytest.mark.parametrize("changes", [*PLAIN, {"shop": "B", "answer": "yes"}])
def test_table_of_plain_rows_is_as_validate_would_leave_it(changes):
    usual = dict.fromkeys(changes) | ROW
    rows = [usual | {"key": 1}, usual | changes | {"key": 2}, usual | {"key": 3}]
    frame = pd.DataFrame({name: reference.series(name, COLUMNS, rows) for name in rows[0]})

    found = schema.Checker(COLUMNS).table(rows)

    typed, warnings = validate.validate(frame, COLUMNS, where="rows", target=False)
    pd.testing.assert_frame_equal(found, typed)
    assert not warnings


def test_rows_that_differ_in_their_columns_or_have_unknown_ones_are_no_table():
    checker, other = schema.Checker(COLUMNS), ROW | {"unknown": 1}

    assert [checker.table(rows) is None for rows in ([ROW, ROW], [ROW, other], [other, other])] == [False, True, True]


def test_row_without_a_column_goes_to_validate_unless_it_may_be_absent():
    checker = schema.Checker(COLUMNS)
    without = {name: {other: cell for other, cell in ROW.items() if other != name} for name in ROW}

    assert [name for name, row in without.items() if checker.plain(row)] == ["key"]
    with pytest.raises(DataError, match="'age'"):
        validate.validate(pd.DataFrame([without["age"]]), COLUMNS, where="rows", target=False)


@pytest.mark.parametrize(
    ("format", "cells"),
    [
        ("", ["2026-01-31", "2026-01-31T10:20:30", "2026-01-31 10:20:30.123456"]),
        ("", ["2026-01-31 00:00", "2026-01-31T23:59"]),
        ("%d.%m.%Y", ["31.01.2026", "2026-01-31", "2026-01-31T10:20:30", "2026-01-31 10:20"]),
        ("%m/%d/%y %H:%M", ["01/31/26 23:59"]),
        ("ISO8601 | %d.%m.%Y", ["31.01.2026", "2026-01-31"]),
        ("%d.%m.%Y | %m.%d.%Y", ["12.13.2026"]),
        ("%Y%m%d", ["20260131"]),
        ("%Y-%d-%m", ["2026-31-01"]),
        ("%m.%Y", ["01.2026"]),
        ("%H:%M", ["14:05"]),
    ],
)
def test_date_in_the_format_of_the_file_or_as_programs_write_it_is_plain(format, cells):
    columns = {"day": Column(type="datetime", format=format)}
    checker = schema.Checker(columns)
    for cell in cells:
        typed, _ = validate.validate(pd.DataFrame({"day": [cell]}), columns, where="rows", target=False)

        (found, warnings), table = checker.plain({"day": cell}), checker.table([{"day": cell}])

        assert pd.Timestamp(datetime.fromisoformat(found["day"])) == typed["day"][0] and warnings == []
        pd.testing.assert_frame_equal(table, typed)


@pytest.mark.parametrize("cell", ["31.12.9999", "9999-12-31", "k.A.", "0000-00-00", None, "31.01.2026"])
def test_date_that_means_missing_is_plain_as_any_other(cell):
    column = Column(type="datetime", format="%d.%m.%Y", missing=("9999-12-31", "k.A.", "0000-00-00"))
    typed, _ = validate.validate(pd.DataFrame({"day": [cell]}), {"day": column}, where="rows", target=False)

    cells, _ = schema.Checker({"day": column}).plain({"day": cell})

    assert (cells["day"] is None) == pd.isna(typed["day"][0]) == (cell != "31.01.2026")


@pytest.mark.parametrize(
    ("format", "cells"),
    [
        ("", ["2026-02-30", "2026-1-1", "10000-01-01", "0001-01-01", 20260131]),
        ("", ["2026-01-31T10:20:30+02:00", "2026-01-31 10:20Z", "2026-01-31 10", "2026-01-31 24:00"]),
        ("%d.%m.%Y", ["31.1.2026", "31.02.2026", "31.01.1500"]),
        ("%Y-%d-%m", ["2026-01-31"]),
        ("%H:%M", ["2026-01-31"]),
        ("%d.%m.%Y | %d.%m.%Y", ["31.1.2026"]),
        ("%d. %b %Y", ["31. Jan 2026", "2026-01-31"]),
        ("%d.%m.", ["31.01."]),
        ("Q%q %Y", ["Q1 2026", "Q5 2026"]),
        ("%G-W%V", ["2026-W05", "2026-W54"]),
        ("%Y%m%d", [20260131]),
    ],
)
def test_date_in_another_format_goes_to_validate(format, cells):
    checker = schema.Checker({"day": Column(type="datetime", format=format)})

    assert [cell for cell in cells if checker.plain({"day": cell})] == []


def test_name_in_other_code_points_goes_to_validate():
    checker = schema.Checker({"x": Column(type="integer"), "caf\u00e9": Column(type="integer", role="group")})

    assert checker.plain({"x": 1, "cafe\u0301": 2}) is None and checker.plain({"x": 1, "other": 2}) is not None


def test_column_to_be_put_together_goes_to_validate():
    made = {"y": Column(type="integer", role="ignored"), "when": Column(type="datetime", moment=("y",))}

    assert schema.Checker(made).plain({"y": 2026}) is None
