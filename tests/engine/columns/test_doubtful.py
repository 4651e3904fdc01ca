import pandas as pd
import pytest

from data_science_project.engine.columns import validate
from data_science_project.engine.columns.dictionary import Column

AMOUNTS = [str(n / 8) for n in range(1, 61)]


def typed(cells, column, **how):
    """One column of cells typed by its entry in the dictionary, and the warnings."""
    frame, warnings = validate.validate(pd.DataFrame({"x": cells}), {"x": column}, where="t.csv", **how)
    return frame["x"].tolist(), warnings


def test_limits_of_detection_among_amounts_are_half_of_them_and_counted(describe):
    cells = [*AMOUNTS, "<0.006", "< 0.1", "<=2", "<1e-3", "≤0.5", ">400", "<0.1"]

    column, _ = describe(cells)
    values, warnings = typed(cells, column)

    assert (column.type, column.missing) == ("number", ())
    assert values[60:] == [0.003, 0.05, 1.0, 0.0005, 0.25, 400.0, 0.05]
    assert warnings == [
        "t.csv: column 'x' has limits like '<0.006', read as 0.003: half of one below, one above as it is "
        "(7 rows: 61, 62, 63, 64, 65, ...)"
    ]


def test_limit_of_a_batch_is_read_with_the_marks_of_its_column_or_is_missing_where_that_was_said():
    commas = Column(type="number", decimal=",", thousands=".", unit="mg")

    assert typed(["<0,5", "> 1.200 mg", "3"], commas, target=False)[0] == [0.25, 1200.0, 3.0]
    values, warnings = typed(["<0.5", "3"], Column(type="number", missing=("<0.5",)))
    assert pd.isna(values[0]) and not warnings


def test_counts_with_a_limit_are_numbers_so_that_another_limit_fits_a_later_batch(describe):
    column, _ = describe([*map(str, range(60)), "<2"])

    assert column.type == "number"
    assert typed(["<5", "7"], column, target=False)[0] == [2.5, 7.0]


@pytest.mark.parametrize(
    "cells",
    [["<18", ">65"] * 20, ["<18", "18", "19", "20"] * 20, ["<18", "18-30", "31-65", ">65"] * 20],
    ids=["bands", "few numbers", "ranges"],
)
def test_limits_among_few_numbers_are_words_as_they_stand(describe, cells):
    column, _ = describe(cells)

    assert column.type == "category" and set(column.values) == set(cells)


def test_limit_in_a_column_of_whole_numbers_is_refused():
    with pytest.raises(validate.DataError, match="'<5'"):
        typed(["<5", "7"], Column(type="integer"))


@pytest.mark.parametrize(("odd", "share"), [("29 (+6)", 1 / 61), ("[98]", 1 / 61)])
def test_one_odd_cell_among_numbers_is_missing_and_said(describe, odd, share):
    column, said = describe([*AMOUNTS, odd])

    assert column.type == "number" and f"'{odd}' (1 cells) read as missing in a column of type number" in said


def test_id_that_begins_like_a_limit_stands_as_it_is():
    values, warnings = typed(["<b>7</b>", "<8"], Column(type="integer", role="id"), target=False)

    assert values == ["<b>7</b>", "<8"] and not warnings
