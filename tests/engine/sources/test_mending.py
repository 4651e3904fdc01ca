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


@pytest.mark.parametrize(
    ("cells", "row"),
    [
        (["1", "", "", "x", "2/3"], ["1", "", "x", "2/3"]),
        (["1", "", "x", "", "2/3"], []),
        (["", "1", "2", "x", "2/3"], ["1", "2", "x", "2/3"]),
        (["1", "2", "x", "2/3", ""], ["1", "2", "x", "2/3"]),
        (["1", "y", "", "2/3", "2/3"], []),
    ],
)
def test_one_empty_cell_too_many_is_left_out_where_one_way_alone_fits(cells, row):
    kinds = ({"number", ""}, {"number", "word", ""}, {"word", ""}, {"date"})
    shape = mending.Shape(4, 0, tuple(map(frozenset, kinds)), None, frozenset())

    assert mending._without_empty(cells, shape) == row


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ('1,"a 5" wide, b",c', ["1", 'a 5" wide, b', "c"]),
        ('1,"a,"b",c', ["1", 'a,"b', "c"]),
        ('1,"a,b', ["1", '"a', "b"]),
        ('1,"a\nb",c', ["1", '"a\nb"', "c"]),
        (",", ["", ""]),
    ],
)
def test_quoted_cell_with_marks_in_it_ends_at_the_first_mark_before_a_separator(line, cells):
    assert mending._loosely(line, ",", '"') == cells
