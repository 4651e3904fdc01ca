import pytest

from data_science_project.engine.columns.dictionary import Column
from data_science_project.service import words

from .conftest import COLUMNS, PRICE


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (Column(type="number"), {"1.5": 1.5, "7": 7}),
        (Column(type="integer"), {"9007199254740993": 9007199254740993}),
        (PRICE, {"0,289": 0.289, "12": 12}),
        (Column(type="number", thousands=","), {"1234.5": 1234.5}),
        (Column(type="boolean"), {"false": False}),
        (Column(type="text"), {"": None}),
    ],
)
def test_text_becomes_the_cell_that_a_program_would_send(column, cells):
    found = {text: words.read(column, text) for text in cells}

    assert found == cells and [*map(type, found.values())] == [*map(type, cells.values())]


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (Column(type="integer"), ["007", "1_000"]),
        (Column(type="integer", role="id"), ["007", "1e5"]),
        (Column(type="number"), ["[" * 5000, "1e999", "nan", "much"]),
        (PRICE, ["1.234,5", "2.5", "2,5,1"]),
        (Column(type="number", thousands=","), ["1,234"]),
        (Column(type="number", unit="kg"), ["3 kg"]),
        (Column(type="boolean"), ["maybe"]),
        (Column(type="category"), ["1.5"]),
    ],
)
def test_text_that_validate_has_to_read_is_sent_as_it_stands(column, texts):
    assert [words.read(column, text) for text in texts] == texts


def test_numbers_and_limits_are_written_as_the_dictionary_writes_numbers():
    assert [words.written(PRICE, cell) for cell in (2.5, None, "2,5")] == ["2,5", "", "2,5"]
    assert words.allowed(Column(type="number", decimal=",", range=(-0.5, 1.9))) == "a number from -0,5 to 1,9"


def test_classes_stand_in_the_order_of_the_data_dictionary():
    target = Column(type="category", role="target", values=("low", "medium", "high"))

    assert words.in_order(["high", "low", "medium", "new"], target) == ["low", "medium", "high", "new"]
    assert words.in_order([1, 0], Column(type="integer", role="target")) == [1, 0]


def test_row_has_no_cell_where_nothing_was_written_and_no_column_where_none_is_needed():
    row = {"price": 2.5, "rooms": None, "new": None, "kind": "flat", "sold": None, "note": None}
    assert words.row_of(COLUMNS, {"price": " 2,5 ", "kind": "flat", "id": ""}) == row


def test_what_is_wrong_with_a_cell_is_said_to_who_wrote_it():
    wrong = {name: words.wrong(column, "x", "cells that are odd") for name, column in COLUMNS.items()}

    assert wrong["price"] == "“x” is not a number from 0 to 10" and wrong["kind"] == "“x” is not known here"
    assert wrong["note"] == "cells that are odd" and words.wrong(PRICE, "", "empty cells") == "Needed"


def test_number_with_the_other_decimal_sign_is_told_which_one_is_written_here():
    point = Column(type="number", range=(0.0, 50.0))

    found = [words.wrong(column, text, "") for column, text in ((point, "3,4"), (PRICE, "3.4"), (point, "much"))]

    assert found[0] == "“3,4” is not a number from 0 to 50; the decimal sign is “.” here"
    assert found[1].endswith("; the decimal sign is “,” here") and "decimal" not in found[2]


def test_page_of_an_unusual_row_says_which_of_the_two_it_is():
    columns = {"amount": Column(type="number", rule="warn"), "x": Column(type="number")}
    record = {"target": "answer", "classes": ["no", "yes"]}
    shown, outside = [], "rows: column 'amount' has values outside 0 ... 60, like 61 (1 row: 1)"
    for warning in (outside, "rows: column 'x' has doubts"):
        said = {"prediction": "yes", "probability": 0.9, "confident": True, "unusual": True, "warnings": [warning]}
        known = {"record": record, "said": said, "broken": words.broken(columns, [warning]), "most": 1}
        shown.append(words.PAGES.get_template("ask.html").render(known))

    assert "amount breaks a rule" in shown[0] and "all of these cells together" not in shown[0]
    assert "no row of the training was like all of these cells together" in shown[1]
    assert "breaks a rule" not in shown[1]


def test_cells_are_shown_as_people_write_them():
    cells = [None, "", True, False, 2026, 2026.0, 0.123456, 180796.06, "<b>"]

    texts = ["missing", "missing", "yes", "no", "2026", "2026", "0.1235", "180,796", "<b>"]
    assert [words.shown(cell) for cell in cells] == texts
