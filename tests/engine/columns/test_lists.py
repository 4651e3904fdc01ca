import itertools

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import lists

TOOLS = ["Redis", "MySQL", "SQLite", "Oracle", "MS SQL"]


def chosen(separator, size=200):
    random = np.random.default_rng(0)
    return [separator.join(tool for tool in TOOLS if random.random() < 0.4) or TOOLS[0] for _ in range(size)]


@pytest.mark.parametrize("separator", [";", "; ", "|", ", "])
def test_few_items_that_make_many_cells_are_a_list(separator):
    assert lists.separator_of(pd.Series(chosen(separator))) == separator.strip()


@pytest.mark.parametrize("brackets", ["['{}']", '["{}"]', "{{{}}}", "[{}]"])
def test_items_of_a_list_as_programs_write_it_stand_without_brackets_and_quote_marks(brackets):
    mark = brackets[1].strip("{")
    cells = pd.Series([brackets.format(cell.replace(", ", f"{mark}, {mark}")) for cell in chosen(", ")])

    assert lists.separator_of(cells) == ","
    assert lists.different_items(cells, ",") == sorted(TOOLS)
    assert lists.items_of("[]", ",") == [] and lists.items_of("a;b;;a", ";") == ["a", "b"]


@pytest.mark.parametrize("cell", ["[EU], [US]", "[EU, US]", "['EU', 'US']", "EU, US"])
def test_items_are_the_same_whichever_brackets_stand_around_them(cell):
    assert lists.items_of(cell, ",") == ["EU", "US"]
    assert lists.items_of("[EU]", ",") == ["EU"] and lists.items_of("a[1], b[2]", ",") == ["a[1]", "b[2]"]


def names():
    last, first = ["Smith", "Jones", "Li", "Berg", "Cruz"], ["John", "Ann", "Eva", "Max", "Ida"]
    return [f"{a}, {b}" for a, b in itertools.product(last, first)] * 4


def addresses():
    return [f"{n} High Street, {city}, UK" for n in range(30) for city in ("London", "Leeds")]


@pytest.mark.parametrize(
    "cells",
    [
        names(),
        addresses(),
        [f"{city}, {state}" for city, state in zip("ABCDEFGHIJ" * 5, "VWXYZ" * 10, strict=True)],
        [f"{n},{m:03}" + ",000" * (n % 2) for n in range(1, 9) for m in range(9)],
        [f"I like it, but it is late, part {n}" for n in range(40)],
        ["red", "green", "blue"] * 20,
        chosen(";", 12),
    ],
)
def test_names_addresses_amounts_sentences_words_and_a_few_cells_are_no_lists(cells):
    assert lists.separator_of(pd.Series(cells)) == ""


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Redis, MySQL", "Redis; MySQL"),
        ("Redis|MySQL ", "Redis; MySQL"),
        ('["Redis", "MySQL"]', "Redis; MySQL"),
        ("MS SQL, Redis; MySQL", "MS SQL; Redis; MySQL"),
        ("Smith, J; Redis, MySQL", "Smith, J; Redis; MySQL"),
        ("Redis;MySQL", None),
        ("Smith, J", None),
        ("Redis, DB2", None),
        ("DB2", None),
        (",", None),
    ],
)
def test_unknown_item_of_known_ones_by_another_mark_is_parted_as_it_is_alone(cell, expected):
    cells = pd.Series([cell, "Redis", None, "A, B"], dtype="str")

    found, mended = lists.parted(cells, ";", [*TOOLS, "Smith, J"])
    alone, _ = lists.parted(cells[:1], ";", [*TOOLS, "Smith, J"])

    assert mended.tolist() == [expected is not None, False, False, False]
    assert found[0] == alone[0] == (expected or cell) and found[1:].equals(cells[1:])
