import pytest


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b\n1,x\n2,y\n", "','"),
        ("a;b\n1;x\n2;y\n", "';'"),
        ("a\tb\n1\tx\n2\ty\n", "tab"),
        ("a|b\n1|x\n2|y\n", "'|'"),
        ("  a   b\n  1   x\n  2 \t y\n", "runs of blanks"),
        ('"a","b"\r\n"1","x"\r\n"2","y"\r\n', "','"),
        ("\n\na,b\n\n1,x\n2,y\n   \n", "','"),
        ("a,b\r1,x\r2,y\r", "','"),
        ("a||b\n1||x\n2||y\n", "'||'"),
        ("a^b\n1^x\n2^y\n", "'^'"),
    ],
)
def test_separators_are_found_and_said(table, rows, content, said):
    found = table(content)

    assert list(found.frame.columns) == ["a", "b"] and rows(found) == [["1", "x"], ["2", "y"]]
    assert f"separator {said} " in found.decisions[0]


AS_MEANT = {
    "only empty cells are missing": ('a,b\nNA,-999\n,""\n?,x\n', [["NA", "-999"], [None, None], ["?", "x"]]),
    "cells stay text": ("a,b\n007, 1.50\n9007199254740993,inf\n", [["007", " 1.50"], ["9007199254740993", "inf"]]),
    "decimal commas between semicolons": ("a;b;c\n1,5;2,5;x\n3;4;y\n", [["1,5", "2,5", "x"], ["3", "4", "y"]]),
    "quoted line breaks and separators": ('a,b\n1,"x\ny, ""z"""\n2,q\n', [["1", 'x\ny, "z"'], ["2", "q"]]),
    "a blank before a quote mark": ('a, b\n1, "x, y"\n2, "z"\n', [["1", "x, y"], ["2", "z"]]),
    "one column where no separator fits": (
        "text\nhi, you\nfine\nso, la, la\n",
        [["hi, you"], ["fine"], ["so, la, la"]],
    ),
}


QUOTED = {
    "blanks before quote marks": (
        '"id",   "who"\n' + "".join(f'{n},  "J{n}"\n' for n in range(9)),
        "J8",
        "blanks between separator and quote mark left out",
    ),
    "apostrophes": ("id,who\n" + "".join(f"{n},'Smith, J{n}'\n" for n in range(9)), "Smith, J8", "quote mark"),
    "a backslash before a quote mark": (
        "id,size\n" + "".join(f'{n},"boots, {n}\\" high"\n' for n in range(9)),
        'boots, 8" high',
        "after a backslash",
    ),
    "a quote mark that is never closed": (
        "id,who\n" + "".join(f'{n},"a, b"\n' for n in range(8)) + '8,"open\n',
        '"open',
        "a quote mark within a cell kept as text: 1 lines (line 10 the first)",
    ),
    "a quote mark in the middle": (
        "id,who\n" + "".join(f'{n},"a, b"\n' for n in range(8)) + '8,"a "big" b"\n',
        'a "big" b',
        "a quote mark within a cell kept as text: 1 lines (line 10 the first)",
    ),
}


@pytest.mark.parametrize("case", QUOTED)
def test_quote_marks_of_other_habits_are_understood_and_said(table, rows, case):
    content, last, said = QUOTED[case]

    found = table(content)

    assert len(found.frame) == 9 and rows(found)[8] == ["8", last]
    assert any(said in decision for decision in found.decisions)


@pytest.mark.parametrize("case", AS_MEANT)
def test_cells_are_read_as_they_stand(table, rows, case):
    content, expected = AS_MEANT[case]

    found = table(content)

    assert rows(found) == expected
    assert set(map(str, found.frame.dtypes)) == {"str"}


def test_unbalanced_quote_marks_in_tabbed_text_swallow_no_rows(table, rows):
    lines = ['ham\t"hello', "spam\tcall now", 'ham\t"Speak" only', 'ham\tbye"', "spam\twin"]

    found = table("\n".join(lines), "sms.tsv")

    assert rows(found) == [line.split("\t") for line in lines]
    assert list(found.frame.columns) == ["column_1", "column_2"] and found.first_row == 1
    assert any("quote marks are part of the text" in decision for decision in found.decisions)


BY_PLACE = [
    ["name", "age", "city", "paid"],
    ["Lovelace, Ada", "36", "London", "1.50"],
    ["Émile", None, "New York", None],
    ["van Dam, Noor", "7", None, "12.25"],
    ["Bo", "41", "Rome, IT", "3"],
    ["Cy", "5", "Oslo", "4"],
]


def placed(table, widths=(15, -4, 12, -6)):
    """Lines whose cells stand at the same places, those of a negative width at its right end."""
    cell = lambda text, width: (text or "").ljust(width) if width > 0 else (text or "").rjust(-width) + "  "  # noqa: E731
    return "".join("".join(map(cell, row, widths[: len(row)])).rstrip() + "\n" for row in table)


def test_columns_that_stand_at_the_same_places_of_all_lines_are_parted_and_it_is_said(table, rows):
    found = table(placed([*BY_PLACE[:3], [], *BY_PLACE[3:]]))

    assert list(found.frame.columns) == BY_PLACE[0] and rows(found) == BY_PLACE[1:]
    assert not found.set_aside and len(found.decisions) == 1
    assert "4 columns at the same places of all lines: from the letters 1, 17, 22, 35" in found.decisions[0]


def test_comma_in_cells_is_no_separator_where_the_names_have_none_and_the_columns_their_places(table, rows):
    people = [[f"{name}, Dr", str(n), "x"] for n, name in enumerate(["Bo", "Cy", "Di", "Ed", "Flo", "Gus"])]

    found = table(placed([["name", "number", "code"], *people], widths=(9, -6, -4)))

    assert rows(found) == people


def test_blank_at_the_same_place_of_all_cells_parts_no_column(table, rows):
    streets = [[str(n), f"No. {n} A, Long Street", "x"] for n in range(6)]

    found = table(placed([["id", "street", "code"], *streets], widths=(6, 24, -4)))

    assert rows(found) == streets


NOT_PLACED = {
    "a line out of place": [*BY_PLACE, ["Maximilian Alexander Xu", "4", "Bonn", "1"]],
    "a column without a name": [["name", "age", None, "paid"], *BY_PLACE[1:]],
    "few lines": BY_PLACE[:4],
}


@pytest.mark.parametrize("case", NOT_PLACED)
def test_lines_that_do_not_show_their_columns_clearly_stay_one_column(table, case):
    found = table(placed(NOT_PLACED[case]))

    assert found.frame.shape[1] == 1 and "one column" in found.decisions[0]


def test_single_words_below_each_other_are_no_columns(table):
    lines = ["the title", "one sheep", "two goats", "six lambs", "red wines", "old horse"]

    assert table("\n".join(lines)).frame.shape[1] == 1
