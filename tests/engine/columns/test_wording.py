import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import wording


@pytest.mark.parametrize("rule", ["refuse", "warn", "treat as missing"])
@pytest.mark.parametrize(
    ("known", "cells", "expected", "said"),
    [
        (("1", "2", "x"), ["2", "1.0", "x", None, "2.00"], ["2", "1", "x", None, "2"], "'1.0' read as '1' (2 rows"),
        (("1.0", "2.0"), [1, 2], ["1.0", "2.0"], "'1' read as '1.0' (2 rows: 1, 2)"),
        (("J", "N"), ["j", "N"], ["J", "N"], "'j' read as 'J' (1 row: 1)"),
        (("d'accord", "No\u00ebl"), ["D\u2019accord", "noel"], ["d'accord", "No\u00ebl"], "(2 rows: 1, 2)"),
        (("Ja", "Nein"), [True, "no", "Ja"], ["Ja", "Nein", "Ja"], "'True' read as 'Ja' (2 rows: 1, 2)"),
        (("J", "N"), ["ja", "nein"], ["J", "N"], "'ja' read as 'J' (2 rows: 1, 2)"),
        (("self-employed", "retired"), ["Self employed"], ["self-employed"], "(1 row: 1)"),
        (("no", "unknown", "yes"), ["Y", "no"], ["yes", "no"], "'Y' read as 'yes' (1 row: 1)"),
        (("01067", "80331"), ["1067", "80331"], ["01067", "80331"], "'1067' read as '01067' (1 row: 1)"),
    ],
)
def test_category_that_is_a_known_one_written_otherwise_is_that_one_and_said(one, rule, known, cells, expected, said):
    values, (warning,) = one(cells, type="category", values=known, rule=rule)

    assert values.astype(object).where(values.notna(), None).tolist() == expected
    assert "words written otherwise, like" in warning and said in warning


@pytest.mark.parametrize(
    ("known", "cell"),
    [
        (("1", "22"), "01"),
        (("1",), "1.5"),
        (("1",), "1.0.0"),
        (("a b", "A-B"), "a_b"),
        (("59",), "5-9"),
        (("a", "no"), "n"),
        (("e", "n", "s", "w"), "o"),
        (("N", "S"), "O"),
        (("0", "1"), "s"),
        (("no", "yes"), "D"),
        (("1", "2", "9"), "-9"),
        (("A", "B"), "A-"),
        (("102",), "10\u00b2"),
        (("\u30d1\u30ea",), "\u30d0\u30ea"),
    ],
)
def test_word_that_could_be_another_stays_unknown(one, known, cell):
    values, (warning,) = one([cell], type="category", values=known)

    assert values.tolist() == [cell] and f"unknown categories, like '{cell}'" in warning


@pytest.mark.parametrize("rule", ["refuse", "warn", "treat as missing"])
@pytest.mark.parametrize(
    ("cells", "expected", "said"),
    [
        (["8189", "08189", "abroad", None], ["08189", "08189", "abroad", None], "'8189' read as '08189' (1 row: 1)"),
        ([8189.0, np.nan, 80331.0], ["08189", None, "80331"], "(1 row: 1)"),
        ([8189, 80331, 7], ["08189", "80331", "00007"], "(2 rows: 1, 3)"),
        (["8189.0", "80331.0"], ["08189", "80331"], "'8189.0' read as '08189' (2 rows: 1, 2)"),
        ([8189, "8189", "08189"], ["08189", "08189", "08189"], "(2 rows: 1, 2)"),
    ],
)
def test_zeros_that_a_program_cut_off_codes_that_are_not_listed_are_put_back_and_said(one, rule, cells, expected, said):
    about = {"type": "category", "format": "00000", "rule": rule}

    typed, (warning,) = one(cells, **about)
    alone = [one(cells[row : row + 1], **about)[0] for row in range(len(cells))]

    for values in (typed, pd.concat(alone)):
        assert values.astype(object).where(values.notna(), None).tolist() == expected
    assert "words written otherwise, like" in warning and said in warning


@pytest.mark.parametrize(
    "column", [{"format": "00000"}, {"format": "00000", "role": "id"}, {"format": "%Y"}, {"format": ""}]
)
def test_codes_stay_where_they_are_whole_or_ids_or_of_no_known_length(one, column):
    cells = ["80331", "-1", "12 3", "1e3", "8189,5", "123456", "1234567890123456", ""]
    cells += [] if column == {"format": "00000"} else ["8189", "1.0"]

    values, warnings = one(cells, type="category", rule="refuse", **column)

    assert values.fillna("").tolist() == cells and not warnings


def test_cell_of_a_list_is_no_word(one):
    values, (warning,) = one(["Red", "Red; blue"], type="list", values=("red", "blue"), separator=";")

    assert values.tolist() == ["Red", "Red; blue"] and "unknown items, like 'Red' (2 rows: 1, 2)" in warning


@pytest.mark.parametrize(
    ("known", "words", "read"),
    [
        (("no", "yes"), ["ja", "nein"], ["ja", "nein"]),
        (("no", "yes"), ["nie", "tak"], ["nie", "tak"]),
        (("ja", "nein"), ["j", "n", "ja", "nee"], ["ja", "nein", "ja", "nein"]),
        (("n", "y"), ["yes", "no", "TRUE", "0"], ["y", "n", "y", "n"]),
    ],
)
def test_yes_and_no_of_a_language_are_known_both_or_neither(known, words, read):
    values, _ = wording.rewritten(pd.Series(words, dtype="str"), known)

    assert values.fillna(pd.Series(words)).tolist() == read


def test_list_parted_otherwise_is_read_and_said(one):
    values, (warning,) = one(["red, blue", "red"], type="list", values=("red", "blue"), separator=";", rule="refuse")

    assert values.tolist() == ["red; blue", "red"]
    assert "items parted otherwise, like 'red, blue' read as 'red; blue' (1 row: 1)" in warning
