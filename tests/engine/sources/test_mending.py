"""What the rows of a table look like is told from a sample; cells have kinds."""

import pytest

from data_science_project.engine.sources import mending

ROWS = [["a", "b"], *([str(number), f"w{number % 3}"] for number in range(20))]


def test_shape_names_the_width_the_place_of_the_names_and_the_kinds_of_cells():
    shape = mending.shape_of([["a title"], [], *ROWS], "")

    assert (shape.width, shape.start) == (2, 2)
    assert shape.fits(["7", "x"]) and shape.fits(["", "x"]) and not shape.fits(["x", "7"])


@pytest.mark.parametrize(
    ("cell", "kind"),
    [(" ", ""), ("-1,5", "number"), ("$3.5", "number"), ("31/01/2020", "date"), ("12:30", "date"), ("A-1", "word")],
)
def test_cell_has_a_kind(cell, kind):
    assert mending.kind(cell) == kind


def test_year_may_be_a_name_beside_that_of_the_target():
    assert mending.row_with([["a title"], ["region", "2019", "y"]], "y") == 1


def test_quote_mark_was_left_open_where_each_line_of_a_row_would_be_a_row():
    shape = mending.shape_of([["a", "b", "c"], *([str(number), "2", f"w{number % 3}"] for number in range(20))], "")
    lines, other = ['1,2,"a\n', "3,4,b\n", '5,6,c"\n'], ['1,2,"a\n', "so, and\n", 'so"\n']
    (row,), (text,) = (mending.Dialect(",", '"').rows(block) for block in (lines, other))

    assert shape.is_open(row, lines, mending.Dialect(",", '"'))
    assert not shape.is_open(text, other, mending.Dialect(",", '"'))
