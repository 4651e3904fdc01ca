import itertools

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import infer, validate
from data_science_project.engine.project.errors import counted


@pytest.mark.parametrize(
    ("cells", "type_", "transformation"),
    [
        (["1", "2", "-3"], "integer", "number"),
        (["1.5", "2", "1e3"], "number", "number"),
        (["25,0 %", "10,0 %"], "number", "number"),
        (["true", "False", "TRUE"], "boolean", "number"),
        (["2026-01-31", "2026-02-01", None], "datetime", "date parts"),
        (["31.01.2026", "01.02.2026", "13.02.2026"], "datetime", "date parts"),
        (["red", "green", "red"], "category", "one-hot"),
        (["inf", "sup", "max"] * 20, "category", "one-hot"),
        (["12 rue A", "3 rue B", "12 rue A"], "category", "one-hot"),
        ([f"street {i}" for i in range(infer.ONE_HOT_LIMIT)] * 2, "category", "one-hot"),
        ([f"street{i}" for i in range(infer.ONE_HOT_LIMIT + 1)] * 2, "category", "target encoding"),
        (["", None, " "], "text", "none"),
        ([True, False, True], "boolean", "number"),
        ([1.0, 2.0, np.nan], "integer", "number"),
        ([1.5, 2.0, np.nan], "number", "number"),
        (pd.date_range("2026-01-01", periods=3), "datetime", "date parts"),
        ([f"the parcel number {i} was late" for i in range(40)], "text", "text"),
    ],
)
def test_type_is_read_off_the_cells_and_the_transformation_fits_it(describe, cells, type_, transformation):
    column, _ = describe(cells)

    assert (column.type, column.transformation) == (type_, transformation)


@pytest.mark.parametrize("mark", ["; ", "|"])
def test_cells_of_several_items_are_a_list_with_its_items_as_values(describe, mark):
    cells = ["Oracle", f"Redis{mark}SQLite", f"MySQL{mark}Redis", f"MySQL{mark}Oracle{mark}Redis", None] * 20
    cells += [f"SQLite{mark}MySQL", f"SQLite{mark}Oracle", f"Oracle{mark}MySQL{mark}SQLite", "Redis", "MySQL", "SQLite"]

    column, said = describe(cells)

    assert (column.type, column.separator, column.transformation) == ("list", mark.strip(), "one column an item")
    assert column.values == ("MySQL", "Oracle", "Redis", "SQLite") and column.rule == "warn"
    assert f"several items in a cell, parted by '{mark.strip()}': 4 different ones" in said


def test_target_is_never_a_list():
    cells = [";".join(pair) for pair in itertools.permutations("abcde", 2)] * 3 + list("abcde") * 3
    frame = pd.DataFrame({"x": range(len(cells)), "y": cells})

    assert infer.infer(frame, target="y", read={})[0]["y"].type == "category"


@pytest.mark.parametrize(
    ("cells", "read", "type_", "missing", "said"),
    [
        (["1", "2", "3"] * 20 + ["unknown"], {}, "integer", ("unknown",), "'unknown' (1 cell) read as missing"),
        (["1.5", "2.5"] * 30 + ["29 (+6)"], {}, "number", ("29 (+6)",), "read as missing in a column of type number"),
        (["1.5", "2.5"] * 30 + ["<0.006"], {}, "number", ("<0.006",), "'<0.006' (1 cell) read as missing"),
        ([*map(str, range(5, 65)), *["<5"] * 20], {}, "integer", ("<5",), "write the limit, or half of it, in the"),
        (["1", "2", "3"] * 3 + ["unknown"], {}, "category", (), ""),
        ([*(str(n / 4) for n in range(60)), *["k.A."] * 30], {}, "number", ("k.A.",), "'k.A.' (30 cells) read as"),
        ([*"123412341234", *"AAA"], {}, "category", (), ""),
        ([*map(str, range(19)), *["A", "B", "C"] * 5] * 3, {}, "category", (), ""),
        (["NA", "Ex", "Gd"] * 5, {}, "category", (), "'NA' kept as a category"),
        (["unknown", "red", "red"], {"missing": ["unknown"]}, "category", ("unknown",), ""),
    ],
)
def test_word_is_missing_among_numbers_or_where_it_was_said(describe, cells, read, type_, missing, said):
    column, decisions = describe(cells, read)

    assert (column.type, column.missing, column.missing_allowed) == (type_, missing, bool(missing))
    assert said in decisions
    assert type_ != "category" or set(column.values) == set(cells) - set(missing)


WORDS = {
    "grade": ["Ex", "Gd", "NA", "Po"] * 10,
    "note": ["NA", "late", "lost", "NA"] * 10,
    "code": ["EU", "NA", "AS", "AF"] * 10,  # North America
    "pool": ["yes", "NA"] * 20,
    "fence": ["wood", "NA", "wire", None] * 10,
    "alley": ["gravel", "NA", "paved", ""] * 10,
}


def test_marker_of_the_numbers_is_missing_in_the_words_too_unless_the_words_say_otherwise_and_is_said_once():
    frame = pd.DataFrame({"kg": ["1", "2.5", "NA", "7"] * 10, **WORDS, "y": ["a", "b"] * 20})

    columns, said = infer.infer(frame, target="y", read={})
    without, _ = infer.infer(frame.assign(kg="1"), target="y", read={})
    _, alone = infer.infer(frame[["kg", "y"]], target="y", read={})

    assert [name for name in WORDS if "NA" in columns[name].missing] == ["grade", "note"]
    assert all("NA" in columns[name].values for name in ("code", "pool", "fence", "alley"))
    assert [line for line in said if "'NA'" in line] == [
        "'NA' means missing in numbers of this table, so in words too: grade, note",
        "'code', 'pool', 'fence', 'alley': 'NA' kept as a category; if it means missing, say so in 'missing'",
    ]
    assert all("NA" in without[name].values for name in WORDS) and not [line for line in alone if "words" in line]


@pytest.mark.parametrize(
    ("cells", "role"),
    [
        (list(range(100, 140)), "id"),
        ([f"K{i}" for i in range(40)], "id"),
        (["one"] * 40, "ignored"),
        ([None] * 40, "ignored"),
        (list(range(0, 80, 2)), "feature"),
        (np.linspace(0, 1, 40), "feature"),
        ([*range(100, 139), 100], "feature"),
        (["t"] * 20 + [None] * 20, "feature"),
        (["t"] + [None] * 99, "feature"),
        (["t"] + [None] * 100, "ignored"),
        (["t"] * 100 + [None], "ignored"),
        (["2026-01-31"] * 20 + [None] * 20, "ignored"),
    ],
)
def test_ids_and_constants_are_told_from_features(describe, cells, role):
    assert describe(cells)[0].role == role


@pytest.mark.parametrize(
    ("value", "type_"), [("t", "category"), ("1", "integer"), ("true", "boolean"), ("1.5", "number")]
)
def test_column_that_is_filled_or_not_is_one_hot_and_said_once(value, type_):
    cells = [value, None, None] * 20
    frame = pd.DataFrame({"bread": cells, "milk": cells, "none": [None] * 60, "y": ["a", "b"] * 30})

    columns, said = infer.infer(frame, target="y", read={})

    assert (columns["milk"].type, columns["milk"].transformation) == (type_, "one-hot")
    assert [line for line in said if "bread" in line] == ["one value or none, of which only that counts: bread, milk"]
    assert "ignored, constant or empty: none" in said


@pytest.mark.parametrize("odd", ["3E5", "1e30", "1.0", "+5"])
def test_ids_that_are_no_plain_numbers_are_words(describe, odd):
    column, _ = describe([odd, *map(str, range(1000, 1039))], name="order_id")

    assert (column.role, column.type) == ("id", "category")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["Self employed", "self-employed", "retired"], "'Self employed' and 'self-employed'"),
        (["Süd", "sud", "SUD", "nord"], "'SUD' and 'Süd' and 'sud'"),
        (["5-9", "59", "60"], ""),
        (["C", "C++", "C#"], ""),
    ],
)
@pytest.mark.parametrize("target", ["y", "x"])
def test_categories_that_differ_in_case_blanks_hyphens_or_accents_are_named_once_and_stay(words, named, target):
    frame = pd.DataFrame({"x": words * 12, "y": ["a", "b"] * (len(words) * 6)})

    columns, said = infer.infer(frame, target=target, read={})

    assert set(columns["x"].values or ()) in (set(words), set())
    about = [line for line in said if line.startswith("'x':") and "differ only in" in line]
    assert len(about) == bool(named) and all(named in line for line in about)
    assert all(("docs/features.md" in line) == (target == "y") for line in about)


UNIQUE, FEW_TWICE = [*range(0, 400, 2)], [*range(0, 396, 2), 8, 8]
MOST_ONCE = [*range(1000, 1288, 2), *range(1000, 1032, 2), *range(1000, 1080, 2)]


@pytest.mark.parametrize(
    ("name", "numbers", "role"),
    [
        ("PassengerId", UNIQUE, "id"),
        ("visit", UNIQUE, "feature"),
        ("order_id", FEW_TWICE, "id"),
        ("postal_code", FEW_TWICE, "id"),
        ("visit", FEW_TWICE, "feature"),
        ("customer_id", MOST_ONCE, "id"),
        ("postal_code", MOST_ONCE, "feature"),
        ("visit", MOST_ONCE, "feature"),
    ],
)
def test_numbers_called_id_are_ids_though_a_few_stand_twice_or_most_are_of_one_customer(describe, name, numbers, role):
    assert describe(pd.Series(numbers), name=name)[0].role == role


def test_target_lists_all_its_classes_and_refuses_others():
    found, _ = infer.infer(pd.DataFrame({"y": [f"class{i}" for i in range(40)] * 2}), target="y", read={})

    target = found["y"]
    assert (target.role, target.transformation, len(target.values), target.rule) == ("target", "none", 40, "refuse")


@pytest.mark.parametrize(
    ("options", "role"), [({"split_by": "group:x"}, "group"), ({"split_by": "time:x"}, "time"), ({}, "feature")]
)
def test_role_that_was_said_wins(describe, options, role):
    assert describe(["2026-01-01", "2026-01-02", "2026-01-03"], **options)[0].role == role


@pytest.mark.parametrize(
    ("cells", "limits"),
    [
        ([1, 5, 9], (0, 17)),
        ([-7.5, 2.5], (-18, 13)),
        ([0, 0.001], (0, 0.002)),
        ([1e9, 3e9, 2e9], (0, 5e9)),
        ([-5, -3], (-7, -1)),
        ([1984, 1985, 1988], (1900, 2000)),
        ([36.6, 37.0, 39.5], (33, 43)),
        (["0", "1", "1"], (0, 1)),
        ([0.0, 1.0, np.nan], (0, 1)),
    ],
)
def test_range_is_wider_than_what_was_seen_but_never_negative_without_reason_nor_of_0_and_1(describe, cells, limits):
    assert describe(cells)[0].range == limits


def test_words_with_numbers_are_listed_by_the_size_of_these(describe):
    column, _ = describe(["100+", "10-19", "5-9", "none", "20-99"] * 5)

    assert column.values == ("5-9", "10-19", "20-99", "100+", "none")
    for words in (["1" * 5000, "2"], ["01", "1"], ["1", "01"]):
        assert list(describe([*words, "x"] * 5)[0].values) == sorted([*words, "x"], key=infer.by_size)
    assert infer.by_size("01") != infer.by_size("1")


def test_columns_called_like_sex_race_age_or_nationality_are_marked_sensitive_and_others_are_not():
    called = ["Sex", "customer_age", "personal status sex", "race", "nationality", "age_group"]
    others = ["house_age", "HouseAge", "average", "page", "stage", "race_time", "bandage", "answer", "unisex"]
    frame = pd.DataFrame({name: ["a", "b"] * 20 for name in [*called, *others]})

    columns, decisions = infer.infer(frame, target="answer", read={})

    assert [name for name, column in columns.items() if column.sensitive] == called
    assert any("is it so?" in line and "Sex" in line for line in decisions)


@pytest.mark.parametrize("share", [0.01, 0.4, 0.9])
@pytest.mark.parametrize("kind", ["str", "float64"])
def test_infinite_numbers_are_missing_and_said_whatever_their_share_and_file(share, kind):
    cells = pd.Series([float(number) for number in range(200)]).mask(np.arange(200) < 200 * share, np.inf)
    cells.iloc[-1] = -np.inf
    frame = pd.DataFrame({"most": cells.astype(kind), "y": np.arange(200)})

    columns, said = infer.infer(frame, target="y", read={})
    values, _ = validate.validate(frame, columns, where="f", first_row=1)

    assert (columns["most"].type, columns["most"].missing) == ("integer", ("inf", "-inf"))
    assert values["most"].isna().sum() == 200 * share + 1
    assert f"'most': 'inf' ({counted(int(200 * share), 'cell')}), '-inf' (1 cell) read as missing" in "".join(said)


@pytest.mark.parametrize(
    ("codes", "form"),
    [
        ([f"{code:05d}" for code in range(0, 90_000, 300)], "00000"),
        ([f"{code:05d}" for code in range(0, 90_000, 300)] + ["abroad"], "00000"),
        ([f"{code:05d}" for code in range(0, 60_000, 300)], ""),  # 200 are listed
        ([f"{code:05d}" for code in range(0, 90_000, 300)] + ["971"], ""),
        ([f"{code:05d}" for code in range(0, 90_000, 300)] + ["1.0"], ""),
        (["007", *(f"shop {code}" for code in range(300))], ""),
        ([f"{code:018d}" for code in range(300)], ""),
    ],
)
def test_codes_beyond_those_that_are_listed_are_known_by_how_many_digits_all_have(describe, codes, form):
    column, _ = describe(codes * 3)

    assert column.type == "category" and (column.values is None) == (len(codes) > 200)
    assert column.format == form


def test_digits_kept_for_their_leading_zeros_are_said(describe):
    said = "digits kept as category for their leading zeros, as in '00501'"

    assert said in describe(["10001", "00501", "08123"] * 20)[1]
    assert "leading zeros" not in describe(["007", "a", "b"] * 20)[1]
