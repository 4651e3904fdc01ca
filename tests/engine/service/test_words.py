import asyncio
from types import SimpleNamespace

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


def test_at_most_32_columns_are_compared_those_furthest_from_usual_in_one_call(made_version):
    names = [f"x{place}" for place in range(100)]
    columns = {name: Column(type="number", range=(0.0, 100.0)) for name in names}
    asked = []

    async def answer(_, rows):
        asked.append(rows)
        return [SimpleNamespace(output={"prediction": sum(row.values())}) for row in rows]

    service = SimpleNamespace(versions=SimpleNamespace(answer=answer))
    row = {name: float(place) for place, name in enumerate(names)}
    said = {"prediction": sum(row.values())}

    found = asyncio.run(words.reasons(service, made_version({name: [0.0] * 100 for name in names}, columns), row, said))

    assert [len(rows) for rows in asked] == [32]
    assert [(one["column"], one["change"]) for one in found] == [(f"x{place}", place) for place in range(99, 93, -1)]
    assert [round(one["width"], 1) for one in found][:2] == [100.0, 99.0]


def test_whole_number_that_no_float_holds_is_compared_like_a_word(made_version):
    columns = {"x": Column(type="number", range=(0.0, 1.0), rule="warn")}

    async def answer(_, rows):
        return [SimpleNamespace(output={"prediction": 2.0}) for _ in rows]

    service, version = SimpleNamespace(versions=SimpleNamespace(answer=answer)), made_version({"x": [0.0]}, columns)

    (found,) = asyncio.run(words.reasons(service, version, {"x": 10**400}, {"prediction": 3.0}))

    assert (found["column"], found["change"]) == ("x", 1.0)


def test_change_is_in_the_probability_of_what_was_said_also_where_classes_have_no_columns():
    said = {"prediction": "a", "probability": 0.9}

    assert words.change(said, {"prediction": "b", "probability": 0.8, "probability_a": 0.2}) == pytest.approx(0.7)
    assert words.change(said, {"prediction": "a", "probability": 0.6}) == pytest.approx(0.3)
    assert words.change(said, {"prediction": "b", "probability": 0.6}) == pytest.approx(0.9)
