import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import infer


@pytest.mark.parametrize(
    ("cells", "type_", "transformation"),
    [
        (["1", "2", "-3"], "integer", "number"),
        (["1.5", "2", "1e3"], "number", "number"),
        (["true", "False", "TRUE"], "boolean", "number"),
        (["2026-01-31", "2026-02-01", None], "datetime", "date parts"),
        (["31.01.2026", "01.02.2026", "13.02.2026"], "datetime", "date parts"),
        (["red", "green", "red"], "category", "one-hot"),
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


@pytest.mark.parametrize(
    ("cells", "read", "type_", "missing", "said"),
    [
        (["1", "2", "3"] * 20 + ["unknown"], {}, "integer", ("unknown",), "'unknown' (1 cells) read as missing"),
        (["1", "2", "3"] * 3 + ["unknown"], {}, "category", (), ""),
        ([*(str(n / 4) for n in range(60)), *["k.A."] * 30], {}, "number", ("k.A.",), "'k.A.' (30 cells) read as"),
        ([*"123412341234", *"AAA"], {}, "category", (), ""),
        (["NA", "Ex", "Gd"] * 5, {}, "category", (), "'NA' kept as a category"),
        (["unknown", "red", "red"], {"missing": ["unknown"]}, "category", ("unknown",), ""),
    ],
)
def test_word_is_missing_among_numbers_or_where_it_was_said(describe, cells, read, type_, missing, said):
    column, decisions = describe(cells, read)

    assert (column.type, column.missing, column.missing_allowed) == (type_, missing, bool(missing))
    assert said in decisions
    assert type_ != "category" or set(column.values) == set(cells) - set(missing)


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
    ],
)
def test_ids_and_constants_are_told_from_features(describe, cells, role):
    assert describe(cells)[0].role == role


def test_name_makes_an_id_of_unique_numbers_and_the_target_lists_all_its_classes_and_refuses_others():
    frame = pd.DataFrame({"PassengerId": range(0, 160, 2), "y": [f"class{i}" for i in range(40)] * 2})

    found, _ = infer.infer(frame, target="y", read={})

    target = found["y"]
    assert found["PassengerId"].role == "id"
    assert (target.role, target.transformation, len(target.values), target.rule) == ("target", "none", 40, "refuse")


@pytest.mark.parametrize(
    ("options", "role"),
    [
        ({"drop": ("x",)}, "ignored"),
        ({"split_by": "group:x"}, "group"),
        ({"split_by": "time:x"}, "time"),
        ({}, "feature"),
    ],
)
def test_role_that_was_said_wins(describe, options, role):
    assert describe(["2026-01-01", "2026-01-02", "2026-01-03"], **options)[0].role == role


@pytest.mark.parametrize("cells", [[1, 5, 9], [-7.5, 2.5], [0, 0.001], [1e9, 3e9, 2e9], [-5, -3]])
def test_range_is_wider_than_what_was_seen_and_never_negative_without_reason(describe, cells):
    low, high = describe(cells)[0].range

    width = max(cells) - min(cells)
    assert high >= max(cells) + width
    assert low == 0 if min(cells) >= 0 else low <= min(cells) - width
