import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import infer, validate

DAYS = [f"{day:02}/03/2026" for day in range(1, 31)]


def describe(cells, read=None, **options):
    frame = pd.DataFrame({"x": pd.Series(cells), "y": ["a", "b"] * (len(cells) // 2) + ["a"] * (len(cells) % 2)})
    columns, decisions = infer.infer(frame, target="y", read=read or {}, **options)
    return columns["x"], "\n".join(decisions)


@pytest.mark.parametrize(
    ("cells", "type_"),
    [
        (["1", "2", "-3"], "integer"),
        (["1", " 2 ", None], "integer"),
        (["1.5", "2", "1e3"], "number"),
        (["true", "False", "TRUE"], "boolean"),
        (["2026-01-31", "2026-02-01", None], "datetime"),
        (["2026-01-31 12:00", "2026-02-01 13:30:01", ""], "datetime"),
        (["31.01.2026", "01.02.2026", "13.02.2026"], "datetime"),
        (["Jan 31 2026", "Feb 01 2026", "Mar 01 2026"], "datetime"),
        (["red", "green", "red"], "category"),
        (["007", "012", "001"], "category"),
        (["12345678901234567890", "12345678901234567891", "12345678901234567891"], "category"),
        (["12 rue A", "3 rue B", "12 rue A"], "category"),
        (["", None, " "], "text"),
        ([True, False, True], "boolean"),
        ([1.0, 2.0, np.nan], "integer"),
        ([1.5, 2.0, np.nan], "number"),
        (pd.date_range("2026-01-01", periods=3), "datetime"),
        ([f"the parcel number {i} was late" for i in range(40)], "text"),
    ],
)
def test_type_is_read_off_the_cells(cells, type_):
    assert describe(cells)[0].type == type_


@pytest.mark.parametrize(
    ("cells", "read", "marks"),
    [
        (["1,5", "2,25", "3"], {}, (",", "")),
        (["1.000,5", "2,25", "12.345.678,0"], {}, (",", ".")),
        (["1,000", "2,500,000", "12"], {}, (".", ",")),
        (["1,500", "2,250", "3,125"], {"decimal": ","}, (",", "")),
        (["1'000", "2'000", "12"], {"thousands": "'"}, (".", "'")),
        (["1,295", "0,601", "2,250"], {}, (",", "")),
        (["1,295", "3,601", "2,250"], {"separator": ";"}, (",", "")),
        (["1,295,000", "3,601", "2,250"], {"separator": ";"}, (".", ",")),
        (["1,295", "3,601", "2,250"], {}, (".", ",")),
    ],
)
def test_marks_in_numbers_are_detected_or_taken_as_said(cells, read, marks):
    column, _ = describe(cells, read)

    assert column.type in ("integer", "number")
    assert (column.decimal, column.thousands) == marks


def test_odd_word_among_numbers_means_missing_and_is_said():
    column, decisions = describe(["1", "2", "3"] * 20 + ["unknown"])

    assert column.type == "integer" and column.missing == ("unknown",) and column.missing_allowed
    assert "'unknown' (1 cells) read as missing" in decisions


def test_many_odd_words_make_a_category():
    assert describe(["1", "2", "3"] * 3 + ["unknown"])[0].type == "category"


def test_na_stays_a_category_of_its_own_and_is_said():
    column, decisions = describe(["NA", "Ex", "Gd"] * 5)

    assert "NA" in column.values and not column.missing_allowed
    assert "'NA' kept as a category" in decisions


def test_marker_that_was_said_is_missing():
    column, _ = describe(["unknown", "red", "red"], {"missing": ["unknown"]})

    assert column.values == ("red",) and column.missing_allowed


@pytest.mark.parametrize(
    ("cells", "read", "format_"),
    [
        (DAYS, {}, "%d/%m/%Y"),
        (DAYS[:12], {}, "%m/%d/%Y"),
        (DAYS[:12], {"dates": "day-first"}, "%d/%m/%Y"),
        (["03-2026-31", "04-2026-01"], {"dates": "%m-%Y-%d"}, "%m-%Y-%d"),
    ],
)
def test_order_of_day_and_month_is_detected_or_taken_as_said(cells, read, format_):
    assert describe(cells, read)[0].format == format_


def test_doubtful_order_of_day_and_month_is_said():
    assert "the other way round" in describe(DAYS[:12])[1]
    assert "the other way round" not in describe(DAYS)[1]


@pytest.mark.parametrize(
    ("cells", "role"),
    [
        (list(range(100, 140)), "id"),
        ([f"K{i}" for i in range(40)], "id"),
        (["one"] * 40, "ignored"),
        ([None] * 40, "ignored"),
        (list(range(0, 80, 2)), "feature"),
        (np.linspace(0, 1, 40), "feature"),
        (["red", "green"] * 20, "feature"),
        ([*range(100, 139), 100], "feature"),
    ],
)
def test_ids_and_constants_are_told_from_features(cells, role):
    assert describe(cells)[0].role == role


def test_name_makes_an_id_of_unique_numbers():
    frame = pd.DataFrame({"PassengerId": range(0, 80, 2), "y": ["a", "b"] * 20})

    assert infer.infer(frame, target="y", read={})[0]["PassengerId"].role == "id"


@pytest.mark.parametrize(
    ("options", "role"),
    [
        ({"drop": ("x",)}, "ignored"),
        ({"split_by": "group:x"}, "group"),
        ({"split_by": "time:x"}, "time"),
        ({}, "feature"),
    ],
)
def test_role_that_was_said_wins(options, role):
    assert describe(["2026-01-01", "2026-01-02", "2026-01-03"], **options)[0].role == role


@pytest.mark.parametrize(
    ("cells", "transformation"),
    [
        ([1.5, 2.5, 4.0], "number"),
        ([True, False, True], "number"),
        (list("abc") * 4, "one-hot"),
        ([f"street {i}" for i in range(infer.ONE_HOT_LIMIT)] * 2, "one-hot"),
        ([f"street{i}" for i in range(infer.ONE_HOT_LIMIT + 1)] * 2, "target encoding"),
        (["2026-01-01", "2026-02-02", "2026-03-03"], "date parts"),
        ([f"the parcel number {i} was late" for i in range(40)], "text"),
    ],
)
def test_transformation_fits_the_type(cells, transformation):
    assert describe(cells)[0].transformation == transformation


@pytest.mark.parametrize("cells", [[1, 5, 9], [-7.5, 2.5], [0, 0.001], [1e9, 3e9, 2e9], [-5, -3]])
def test_range_is_wider_than_what_was_seen_and_never_negative_without_reason(cells):
    low, high = describe(cells)[0].range

    width = max(cells) - min(cells)
    assert high >= max(cells) + width
    assert low == 0 if min(cells) >= 0 else low <= min(cells) - width


def test_target_lists_all_its_classes_and_refuses_others():
    frame = pd.DataFrame({"x": range(80), "y": [f"class{i}" for i in range(40)] * 2})

    target = infer.infer(frame, target="y", read={})[0]["y"]

    assert (target.role, target.transformation, len(target.values), target.rule) == ("target", "none", 40, "refuse")


def test_table_conforms_to_what_was_inferred_from_it(made_table):
    frame = made_table.astype("str").where(made_table.notna())

    columns, _ = infer.infer(frame, target="answer", read={})
    typed, warnings = validate.validate(frame, columns, where="table.csv")

    assert not warnings
    assert {name: column.role for name, column in columns.items() if column.role != "feature"} == {
        "order": "id",
        "answer": "target",
    }
    assert typed["amount"].isna().sum() == made_table["amount"].isna().sum()


@pytest.mark.parametrize(
    ("cells", "unit", "first"),
    [(["$1,234.50", "$2.00", "$17.25"], "$", 1234.5), (["12.5%", "3 %", "80.0%"], "%", 12.5), (["7 €"] * 3, "€", 7)],
)
def test_unit_that_all_numbers_carry_is_left_out_and_said(cells, unit, first):
    column, said = describe(cells)

    assert column.type in ("integer", "number") and column.unit == unit
    assert validate.parse(pd.Series(cells), column)[0].iloc[0] == first
    assert len(set(cells)) == 1 or repr(unit) in said


def test_letter_before_the_digits_is_a_code_not_a_unit():
    assert describe(["A12", "A13", "A12"])[0].type == "category"


def test_word_in_a_third_of_the_amounts_means_missing_and_is_said():
    column, said = describe([*(str(number / 4) for number in range(60)), *["k.A."] * 30])

    assert column.type == "number" and column.missing == ("k.A.",)
    assert "'k.A.' (30 cells) read as missing" in said


def test_letter_among_a_few_grades_stays_a_category():
    assert describe([*"123412341234", *"AAA"])[0].type == "category"
