import datetime
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import dictionary, validate
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import read

LIST = {"type": "list", "separator": ";"}


@pytest.mark.parametrize(
    ("cells", "about", "expected", "dtype"),
    [
        (["1", " 2"], {"type": "integer"}, [1, 2], "int64"),
        (["1", None], {"type": "integer"}, [1, np.nan], "float64"),
        (["1.5", "NA", "?", "-1e3"], {"type": "number"}, [1.5, np.nan, np.nan, -1000], "float64"),
        (["1.234,5", "2"], {"type": "number", "decimal": ",", "thousands": "."}, [1234.5, 2], "float64"),
        (["1,234", "12,345,678"], {"type": "integer", "thousands": ","}, [1234, 12345678], "int64"),
        (["999", "3"], {"type": "integer", "missing": ("999",)}, [np.nan, 3], "float64"),
        (["1.5", "-999.0"], {"type": "number", "missing": ("-999",)}, [1.5, np.nan], "float64"),
        ([999, 3], {"type": "integer", "missing": ("999",)}, [np.nan, 3], "float64"),
        ([7, 3], {"type": "integer", "missing": ("?",)}, [7, 3], "int64"),
        (["yes", "F", "1"], {"type": "boolean"}, [True, False, True], "bool"),
        (["true", None], {"type": "boolean"}, [1.0, np.nan], "float64"),
        ([True, False], {"type": "boolean"}, [True, False], "bool"),
        ([1, 0], {"type": "boolean"}, [True, False], "bool"),
        (["2026-01-31", None], {"type": "datetime"}, ["2026-01-31", "NaT"], "datetime64[us]"),
        (["2026-01-31T01:00:00+02:00"], {"type": "datetime", "unit": "UTC"}, ["2026-01-30T23:00:00"], "datetime64[us]"),
        (["31/01/2026"], {"type": "datetime", "format": "%d/%m/%Y"}, ["2026-01-31"], "datetime64[us]"),
        ([" red ", "", None, "?"], {"type": "category", "missing": ("?",)}, ["red", None, None, None], "str"),
        (["a; b ", "", "?"], {**LIST, "missing": ("?",)}, ["a; b", None, None], "str"),
        (["1e20", "5"], {"type": "integer"}, [1e20, 5], "float64"),
        ([-(2.0**63), 2.0**62], {"type": "integer"}, [-(2**63), 2**62], "int64"),
        (["0", "10", None], {"type": "number", "range": (0.0, 10.0)}, [0, 10, np.nan], "float64"),
    ],
)
def test_cells_become_the_type_of_the_dictionary(one, cells, about, expected, dtype):
    values, warnings = one(cells, **about)

    assert values.dtype == dtype and not warnings
    pd.testing.assert_series_equal(values, pd.Series(expected, name="x").astype(dtype))


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_number_that_no_model_holds_is_called_too_large_and_not_no_number(one, kind):
    cells = pd.Series(["1", "much", 1e308, -(10**400), "-1e39", 2], dtype=object)

    values, warnings = one(cells, type=kind)

    assert values.dropna().tolist() == [1, 2]
    assert f"{kind}, like 'much' (1 row: 2)" in warnings[0]
    assert warnings[1:] == ["new.csv: column 'x' has numbers beyond 3.4e+38, like '1e+308' (3 rows: 3, 4, 5)"]


@pytest.mark.parametrize("marks", [{}, {"thousands": "."}, {"unit": "kg"}])
def test_number_is_one_beside_texts_whatever_marks_those_have(one, marks):
    about = {"type": "number", "decimal": ",", **marks}
    cells = pd.Series([0.1 + 0.2, "0,5", 1234.567, 7, "8", None, "-999", -999.0], dtype=object)

    values, warnings = one(cells, missing=("-999",), **about)

    assert values.isna().tolist() == [False] * 5 + [True] * 3 and not warnings
    assert values.dropna().tolist() == [0.1 + 0.2, 0.5, 1234.567, 7, 8]
    _, warnings = one(pd.Series([True, 10**400, "1,5"], dtype=object), **about)
    assert "cells that are not a number, like 'True' (1 row: 1)" in warnings[0] and "(1 row: 2)" in warnings[1]


def test_date_as_programs_write_it_is_read_beside_the_format_of_the_file_and_no_other_is(one):
    values, _ = one(["31.01.2026", "2026-02-01", "2026-02-01T06:00:00", None], type="datetime", format="%d.%m.%Y")

    days = ["2026-01-31", "2026-02-01", "2026-02-01T06:00", None]
    assert values.equals(pd.Series(pd.to_datetime(days, format="ISO8601")).astype("datetime64[us]"))
    week, _ = one(["2026-W05", "2026-02-02"], type="datetime", format="%G-W%V")
    assert week.astype(str).tolist() == ["2026-01-26", "2026-02-02"]
    clock, _ = one(["14:05", "1900-01-01T06:00:00"], type="datetime", format="%H:%M")
    assert clock.astype("str").tolist() == ["1900-01-01 14:05:00", "1900-01-01 06:00:00"]
    for format, cell in (("%H:%M", "2026-01-31"), ("%Y-%d-%m", "2026-01-31")):
        with pytest.raises(DataError, match=f"like '{cell}'"):
            one([cell], type="datetime", format=format, rule="refuse")
    for cell in ("2026", "20260201", "2026-02-30"):
        with pytest.raises(DataError, match=f"like '{cell}'"):
            one([cell], type="datetime", format="%d.%m.%Y", rule="refuse")


@pytest.mark.parametrize("cells", [["9999-12-31", "31.12.9999", "2026-01-31"], pd.to_datetime(["9999-12-31", None])])
def test_date_that_means_missing_is_one_in_any_format(one, cells):
    values, warnings = one(cells, type="datetime", format="ISO8601 | %d.%m.%Y", missing=("9999-12-31",))

    assert values.dropna().astype(str).tolist() == ["2026-01-31"][: len(cells) - 2] and not warnings


@pytest.mark.parametrize("more", [[], [""], ["1,5"]])
def test_marker_of_no_value_is_one_whatever_cells_stand_beside_it(one, more):
    values, _ = one(["-99,9", *more], type="number", decimal=",", missing=("-99,9",))

    assert pd.isna(values[0])


def test_times_with_a_zone_are_said_where_training_had_none(one):
    cells = [
        "2026-01-31T01:00:00+02:00",
        "2026-01-31 01:00",
        "2026-01-31T01:00Z",
        "2026-01-31",
        "2026-01-31T01:00+00:00",
    ]

    values, (said,) = one(cells, type="datetime", rule="refuse")
    known, nothing = one(cells, type="datetime", unit="UTC")

    assert (
        "has times with a zone turned into UTC, like '2026-01-31T01:00:00+02:00' read as '2026-01-30 23:00:00'" in said
    )
    assert said.endswith("(1 row: 1)") and values.equals(known) and not nothing


def test_what_mends_new_rows_leaves_the_reading_of_the_source_as_it_is():
    cells = pd.DataFrame({"fee": ["1,234"], "toll": ["$ 1"]})
    columns = {"fee": dictionary.Column(type="number"), "toll": dictionary.Column(type="number", unit="€")}

    with pytest.raises(DataError) as new:
        validate.validate(cells, columns, where="new.csv", target=False)
    with pytest.raises(DataError) as source:
        validate.validate(cells, columns, where="source.csv")

    assert [one.cure.partition("(")[2] for one in new.value.violations] == [
        "'thousands', 'unit', 'missing') in [fee]",
        "'thousands', 'missing') in [toll]",
    ]
    assert str(source.value).endswith("in [toll] in references/data_dictionary.toml.")
    assert "('decimal', 'thousands', 'unit', 'missing')" in source.value.violations[0].cure


@pytest.mark.parametrize(
    ("cells", "about", "problem", "cure"),
    [
        (["1", "x", "3"], {"type": "integer"}, "cells that are not an integer, like 'x'", "missing"),
        (["1", "2.5", "3"], {"type": "integer"}, "like '2.5'", "'type'"),
        (["1", "1,5", "3"], {"type": "number"}, "not a number, like '1,5'", "missing"),
        (["1", "inf", "3"], {"type": "number"}, "like 'inf'", "missing"),
        (["yes", "maybe", "no"], {"type": "boolean"}, "not a boolean, like 'maybe'", "missing"),
        (["2026-01-01", "2026-02-30", "2026-03-01"], {"type": "datetime"}, "like '2026-02-30'", "missing"),
        (["2026-01-01", "now", "2026-03-01"], {"type": "datetime"}, "like 'now'", "missing"),
        (["1", "", "3"], {"type": "integer", "missing_allowed": False}, "empty cells", "missing_allowed = true"),
        (["1", "11", "3"], {"type": "number", "range": (0.0, 10.0)}, "outside 0 ... 10, like 11", "'range'"),
        (["1", "-0.1", "3"], {"type": "number", "range": (0.0, 10.0)}, "outside 0 ... 10, like -0.1", "'range'"),
        (["a", "c", "b"], {"type": "category", "values": ("a", "b")}, "unknown categories, like 'c'", "'values'"),
        (["a", "b;c ; a", "b"], {**LIST, "values": ("a", "b")}, "unknown items, like 'c'", "'values'"),
    ],
)
def test_broken_rule_is_refused_with_column_row_and_cure_or_said_or_treated_as_empty(one, cells, about, problem, cure):
    with pytest.raises(DataError) as caught:
        one(cells, first_row=2, rule="refuse", **about)
    passed, warnings = one(cells, rule="warn", **about)
    emptied, (told,) = one(cells, rule="treat as missing", **about)

    message = str(caught.value)
    assert message.startswith("new.csv: column 'x' has ") and "(1 row: 3)" in message
    assert problem in message and cure in message and "[x]" in message
    assert len(message.splitlines()) <= 3
    assert len(passed) == 3 and problem in warnings[0] and "(1 row: 2)" in warnings[0]
    assert emptied.isna().tolist() == [False, True, False]
    assert ("read as missing (1 row: 2)" in told) == (problem != "empty cells")


COLUMNS = {
    "y": dictionary.Column(type="category", role="target"),
    "a": dictionary.Column(type="integer"),
    "b": dictionary.Column(type="category", role="id"),
    "c": dictionary.Column(type="number", role="ignored", missing_allowed=False),
    "d": dictionary.Column(type="category", role="label:ann", missing_allowed=False),
}
TABLE = pd.DataFrame({"d": ["", "p"], "c": ["1", ""], "b": ["u", "v"], "a": ["1", "2"], "y": ["p", "q"]})


def test_columns_have_the_order_of_the_dictionary_and_unknown_ones_are_left_out_and_said():
    typed, warnings = validate.validate(TABLE.assign(new=1), COLUMNS, where="new.csv")

    assert list(typed) == list(COLUMNS)
    assert warnings == ["new.csv: columns that the data dictionary does not know are left out: new"]
    assert typed["d"].isna().tolist() == [True, False], "somebody need not have labelled every row"


def test_ids_ignored_columns_and_labels_may_be_absent_and_neither_target_nor_labels_are_read_for_new_rows():
    few, _ = validate.validate(TABLE[["a"]], COLUMNS, where="new.csv", target=False)
    new, _ = validate.validate(TABLE, COLUMNS, where="new.csv", target=False)
    learned, _ = validate.validate(TABLE[["a", "y"]], COLUMNS, where="new.csv")

    assert [list(typed) for typed in (few, new, learned)] == [["a"], ["a", "b", "c"], ["y", "a"]]
    with pytest.raises(DataError, match=r"missing: 'y', 'a'(.|\n)*Found: 'c', 'b'"):
        validate.validate(TABLE[["c", "b"]], COLUMNS, where="new.csv")


def test_typed_table_fits_again_unchanged_and_the_argument_stays_as_it_is(made_table):
    about = {
        "amount": dictionary.Column(type="number", missing=("?",), decimal=",", range=(0.0, 50.0), rule="warn"),
        "colour": dictionary.Column(type="category", missing=("none",)),
        "day": dictionary.Column(type="datetime", format="%Y-%m-%d"),
        "answer": dictionary.Column(type="category", role="target", values=("no", "yes")),
    }
    before = made_table.copy()

    once, warnings = validate.validate(made_table, about, where="table.csv")
    twice, again = validate.validate(once, about, where="table.csv")

    assert [line for line in warnings if "left out" not in line] == again
    pd.testing.assert_frame_equal(twice, once)
    pd.testing.assert_frame_equal(made_table, before)


def test_missing_columns_broken_rules_and_warnings_are_in_one_message_of_three_lines():
    about = {name: dictionary.Column(type="integer") for name in "abcdef"}
    about["f"] = dictionary.Column(type="category", values=("red",), rule="warn")
    frame = pd.DataFrame({**{name: ["x"] * 9 for name in "bcde"}, "f": ["blue"] * 9})

    with pytest.raises(DataError) as caught:
        validate.validate(frame, about, where="new.csv")

    message = str(caught.value)
    assert len(message.splitlines()) == 3
    assert "missing: 'a'." in message and "unknown categories, like 'blue'" in message
    cells = "has cells that are not an integer, like 'x' (9 rows: 1, 2, 3, 4, 5, ...)"
    assert all(f"'{name}' {cells}" in message for name in "bcde")


@pytest.mark.parametrize(("unknown", "asked"), [(19, False), (20, False), (21, True)])
def test_column_of_mostly_unknown_categories_is_asked_about(one, unknown, asked):
    _, (warning,) = one(["maybe"] * unknown + ["J"] * 20, type="category", values=("J", "N"))

    assert ("(most cells: is it coded otherwise? known: 'J', 'N')" in warning) == asked


def test_format_that_is_none_and_column_in_other_letters_are_named_with_what_is_wanted(one):
    with pytest.raises(DataError, match="column 'x': format = '%Q' is no format of dates"):
        one(["2026"], type="datetime", format="%Q")
    with pytest.raises(DataError, match="format = '%Y-%q' is no format of dates .%q needs a Q beside it"):
        one(["2024-1"], type="datetime", format="%Y-%q")

    columns = {"Age": dictionary.Column(type="integer"), "pay day": dictionary.Column(type="text")}
    with pytest.raises(DataError, match=r"Rename 'AGE' to 'Age' \(and 1 more\), or give"):
        validate.validate(pd.DataFrame({"AGE": ["1"], "Pay Day": ["x"]}), columns, where="new.csv")
    with pytest.raises(DataError, match=r"Rename ' Age' to 'Age', or give"):
        validate.validate(pd.DataFrame({" Age": ["1"], "pay day": ["x"]}), columns, where="rows")


def test_group_is_wanted_for_learning_and_is_called_as_it_likes_in_a_batch():
    shop = dictionary.Column(type="integer", role="group", range=(1, 9))
    columns = {"x": dictionary.Column(type="integer"), "shop": shop}
    rows = pd.DataFrame({"x": ["1", "2"], "shop": ["7", "K-12"]})

    batch, _ = validate.validate(rows, columns, where="new.csv", target=False)
    without, _ = validate.validate(rows[["x"]], columns, where="new.csv", target=False)

    assert batch["shop"].tolist() == ["7", "K-12"] and list(without) == ["x"]
    with pytest.raises(DataError, match="like 'K-12'"):
        validate.validate(rows, columns, where="new.csv")
    with pytest.raises(DataError, match="'shop'"):
        validate.validate(rows[["x"]], columns, where="new.csv")


@pytest.mark.parametrize(("name", "found"), [("Caf\u00e9", "Cafe\u0301"), ("Cafe\u0301", "Caf\u00e9")])
def test_name_in_other_code_points_is_the_column_and_said(name, found):
    columns = {name: dictionary.Column(type="integer")}

    rows, warnings = validate.validate(pd.DataFrame({found: ["1"]}), columns, where="new.csv")

    assert rows.to_dict("list") == {name: [1]}
    assert warnings == [f"new.csv: names in other code points are those of the data dictionary: {found!a}"]


PERCENT = dictionary.Column(type="number", unit="%", range=(0, 100))
FRACTIONS = [round(n / 40, 3) for n in range(1, 22)]


@pytest.mark.parametrize("cells", [[*FRACTIONS, 0.0], [*map(str, FRACTIONS), ""]], ids=["numbers", "text"])
def test_cells_that_are_percent_or_fractions_are_said_to_be_either(cells):
    (said,) = validate.check_percent(pd.DataFrame({"rate": pd.Series(cells)}), {"rate": PERCENT}, "new.csv")

    assert said == (
        "new.csv: column 'rate' has no cell above 1, as 0.025, and no sign; known: to 100 %.\n"
        "If these are percent, nothing is to be done; if fractions, multiply them by 100."
    )


@pytest.mark.parametrize(
    ("cells", "changes"),
    [
        ([f"{n} %" for n in FRACTIONS], {}),
        ([*FRACTIONS, 12.0], {}),
        ([1, 0] * 20, {}),
        ([0.2, 0.5, 0.8, 0.3, 0.1, 0.9], {}),  # too few to tell
        (FRACTIONS, {"range": (0, 2)}),
        (FRACTIONS, {"unit": "kg"}),
    ],
)
def test_what_can_be_percent_is_no_fraction(cells, changes):
    columns = {"rate": replace(PERCENT, **changes)}

    assert not [*validate.check_percent(pd.DataFrame({"rate": cells}), columns, "new.csv")]


@pytest.mark.parametrize("kind", ["float32", "float64", "Float64"])
def test_whole_floats_of_a_category_lose_their_point_whatever_stands_beside_them(kind):
    words = validate.stripped(pd.Series([1, 1.1, None, 2**24, 1e20], dtype=kind))

    assert words.tolist()[:2] == ["1", "1.1"] and words.isna().tolist() == [False, False, True, False, False]
    assert words.tolist()[3] == "16777216" and words.tolist()[4].startswith("1000000")


@pytest.mark.parametrize(
    ("cells", "type_", "kept"),
    [
        (["3E5", "12"], "integer", ["3E5", "12"]),
        (["007", "12"], "integer", ["007", "12"]),
        (["12", "-3"], "integer", [12, -3]),
        ([12.0, 13.0], "integer", [12, 13]),
        (["1.50", "2"], "number", ["1.50", "2"]),
        (["31.01.2026", "2026-02-01"], "datetime", ["31.01.2026", "2026-02-01"]),
    ],
)
def test_id_is_kept_as_it_stands(one, cells, type_, kept):
    values, _ = one(cells, type=type_, role="id", format="%d.%m.%Y | ISO8601")

    assert values.tolist() == kept


def test_ids_that_stand_twice_are_said_with_whether_rows_are_copies_and_the_key_of_a_customer_is_no_finding(one):
    id_, text = dictionary.Column(type="category", role="id"), dictionary.Column(type="text", rule="warn")
    rows = pd.DataFrame({"order": [f"o{i}" for i in range(30)], "customer": [f"c{i % 9}" for i in range(30)]})
    rows["note"] = [f"n{i}" for i in range(30)]
    twice = pd.concat([rows, rows[:2]], ignore_index=True)
    other = twice.assign(note=[*twice["note"][:-1], "another"])
    columns = {"order": id_, "customer": id_, "note": text}

    said = [validate.validate(table, columns, where="new.csv")[1] for table in (twice, other)]

    ids = "new.csv: column 'order' has ids that stand twice, like 'o0' and 'o1', {} (4 rows: 1, 2, 31, 32)"
    assert said[0] == [ids.format("in rows that are copies of each other")]
    assert said[1] == [ids.format("2 of the rows copies of each other")]
    _, (few,) = one(["a", "b", "a", "c", "b", None, None], type="category", role="id")
    assert few == "new.csv: column 'x' has ids that stand twice, like 'a' and 'b' (4 rows: 1, 2, 3, 5)"


DAY = datetime.datetime(2026, 1, 2)


def as_json(path, cells):
    path.write_text(json.dumps([{"x": cell, "row": row} for row, cell in enumerate(cells)], default=str))
    return read.tables([path]).frame


def as_parquet(path, cells):
    pd.DataFrame({"x": cells, "row": range(len(cells))}).to_parquet(path)
    return read.tables([path]).frame


def as_excel(path, cells):
    book = path.with_suffix(".xlsx")
    pd.DataFrame({"x": pd.Series(cells, dtype=object), "row": range(len(cells))}).to_excel(book, index=False)
    return read.tables([book]).frame


def as_frame(path, cells):
    return pd.DataFrame({"x": cells})


@pytest.mark.parametrize("kind", [as_json, as_parquet, as_excel, as_frame])
@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([1.0, 1.5, 2.0], ["1", "1.5", "2"]),
        ([1, 2.5, None], ["1", "2.5", None]),
        ([7, None, 8], ["7", None, "8"]),
        ([True, None, False], ["true", None, "false"]),
        ([-0.0, 0.1, 1e15], ["0", "0.1", "1000000000000000"]),
        ([DAY, DAY.replace(hour=3, minute=4)], ["2026-01-02 00:00:00", "2026-01-02 03:04:00"]),
        ([1.0, "XL", 2], ["1", "XL", "2"]),
    ],
    ids=["floats", "a gap", "whole", "truth", "zero", "dates", "mixed"],
)
def test_category_is_the_same_word_alone_and_in_a_batch(tmp_path, kind, cells, words):
    if kind is as_parquet and "XL" in cells:
        pytest.skip("a column of Parquet has one type")
    columns = {"x": dictionary.Column(type="category")}

    def said(cells):
        frame = kind(tmp_path / "new", cells)
        typed = validate.validate(frame, columns, where="new")[0]["x"]
        return [None if pd.isna(word) else word for word in typed]

    assert said(cells) == words
    assert [said([cell])[0] for cell in cells if cell is not None] == [word for word in words if word]


@pytest.mark.parametrize("kind", ["integer", "number"])
@pytest.mark.parametrize("dtype", ["bool", "boolean", "object"])
def test_true_in_a_column_of_numbers_is_refused_alone_as_it_is_in_a_batch(kind, dtype):
    column = dictionary.Column(type=kind)

    alone = validate.parse(pd.Series([True], dtype=dtype), column)
    batch = validate.parse(pd.Series([True, 3], dtype=object), column)

    assert alone[1].tolist() == [True] and batch[1].tolist() == [True, False]
