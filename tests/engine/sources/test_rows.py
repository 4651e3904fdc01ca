"""Lines that do not fit are mended where that leaves no doubt, else set aside, and refused where they are too many."""

import pytest

from data_science_project.engine.project.errors import DataError

LINES = [f"{number},{number / 2},w{number % 4}" for number in range(300)]


def lines(*odd, at=100, names="a,b,c"):
    """A table of 300 lines with odd ones from line `at` + 2 on."""
    return "\n".join([names, *LINES[:at], *odd, *LINES[at:]]) + "\n"


KEPT = "a quote mark within a cell kept as text"
MENDED = {
    "too few cells": ("7,1.5", ["7", "1.5", None], "too few cells, the last ones taken as missing"),
    "surplus empty cells": ("7,1.5,x,,", ["7", "1.5", "x"], "surplus empty cells left out"),
    "an empty cell in the middle": ("7,,1.5,x", ["7", "1.5", "x"], "surplus empty cells left out"),
    "an empty cell in front": (",7,1.5,x", ["7", "1.5", "x"], "surplus empty cells left out"),
    "a mark and a separator within quotes": ('7,1.5,"a 5" wide, b"', ["7", "1.5", 'a 5" wide, b'], KEPT),
    "a mark after a separator": ('7,1.5,"a,"b"', ["7", "1.5", 'a,"b'], KEPT),
    "another separator": ("7;1.5;x", ["7", "1.5", "x"], "separated by ';', unlike the others"),
}
NOT_MENDED = {"two cells run into one": "71.5,x", "a decimal comma": "7,1,5,x", "words too many": "7,1.5,x,,more"}
NOT_MENDED["one of two empty cells too many"] = ",7,,x"


@pytest.mark.parametrize("case", MENDED)
def test_line_is_mended_and_counted(table, rows, case):
    line, expected, said = MENDED[case]

    found = table(lines(line))

    assert rows(found)[100] == expected and len(found.frame) == 301 and not found.set_aside
    assert f"{said}: 1 line (line 102 the first)" in found.decisions


def test_quote_mark_that_is_left_open_swallows_no_lines(table, rows):
    body = [f'{number},"w, {number}"' for number in range(300)]

    found = table("\n".join(["a,b", *body[:100], '7,"open', *body[100:]]) + "\n")

    assert len(found.frame) == 301 and rows(found)[100:102] == [["7", '"open'], ["100", "w, 100"]]


STATIONS = [f"{number};BAR {number};TOWN {number % 7};{number % 90}" for number in range(200)]


@pytest.mark.parametrize(
    ("close", "quoted"),
    [
        ('80;BAR "ROMA" SNC;TOWN;7', '90;"BAR; 90";TOWN;7'),
        ('80;"BAR";TOWN;7', '90;"BAR; 90";TOWN;7'),
        ('80;BAR";TOWN;7', "90;x;y;7"),
    ],
    ids=["a mark within a cell", "a quoted cell", "a mark at the end of a cell"],
)
def test_rows_between_a_quote_mark_that_is_left_open_and_the_next_one_stay_rows(table, rows, close, quoted):
    body = [*STATIONS[:20], '20;"BAR & CO;TOWN;7', *STATIONS[21:80], close, *STATIONS[81:90], quoted, *STATIONS[91:]]

    found = table("\n".join(["id;name;place;sold", *body]) + "\n")

    assert [row[0] for row in rows(found)] == [str(number) for number in range(200)] and not found.set_aside
    assert "a quote mark within a cell kept as text: 1 line (line 22 the first)" in " ".join(found.decisions)


@pytest.mark.parametrize(
    "cell", ["1;2\n3;4\n5;6", "to buy:\n1;BAR 1;TOWN\n2;BAR 2", "a;b;c;d\ne;f;g;h", "1;a;b;3\nso there"]
)
def test_line_ends_in_a_quoted_cell_are_the_cell_s_own_where_its_lines_are_no_rows(table, rows, cell):
    body = [*STATIONS[:20], f'20;BAR;"{cell}";7', *STATIONS[21:]]

    found = table("\n".join(["id;name;place;sold", *body]) + "\n")

    assert rows(found)[20] == ["20", "BAR", cell, "7"] and len(found.frame) == 200


@pytest.mark.parametrize(
    "cell", ["1 Main St\nSpringfield, 10823, US", "\n".join(["a,7,b"] * 25)], ids=["address", "table"]
)
@pytest.mark.parametrize(("n_rows", "every", "odd"), [(300, 1, ""), (300, 10, ""), (10, 5, ""), (300, 3, "x,5")])
def test_cells_over_several_lines_that_look_like_rows_stay_cells(table, rows, cell, n_rows, every, odd):
    cell = cell if every < 5 or n_rows > 10 else "1 Main St\nSpringfield, 10823, US"
    cells = [cell if number % every == 0 else "at home" for number in range(n_rows)]
    body = [f'n {number},{number % 90},"{one}"' for number, one in enumerate(cells)]

    found = table("\n".join(["name,age,address", *body, *[odd] * bool(odd)]) + "\n")

    assert [row[2] for row in rows(found)][:n_rows] == cells


def test_each_line_of_a_row_over_several_that_fits_no_way_counts_against_the_limit(refusal):
    body = [*STATIONS[:20], 'x;BAR;"one\ntwo"x;7', 'y;BAR;"one\ntwo\nthree"x;7', *STATIONS[22:]]

    message = refusal("\n".join(["id;name;place;sold", *body]) + "\n")

    assert "5 of 203 lines do not fit: a quote mark out of place (5, as line 22: 'x;BAR;\"one')" in message


@pytest.mark.parametrize("mark", ["\r", "\n", "\r\n"])
def test_break_within_a_quoted_cell_is_the_cell_s_own_where_another_line_is_mended(table, rows, mark):
    found = table(lines(f'7,1.5,"x{mark}y"', "7,1.5,x,,"))

    assert rows(found)[100:102] == [["7", "1.5", f"x{mark}y"], ["7", "1.5", "x"]] and len(found.frame) == 302


@pytest.mark.parametrize("case", NOT_MENDED)
def test_line_that_fits_no_way_is_set_aside_as_it_stands(table, rows, case):
    found = table(lines(NOT_MENDED[case]))

    assert len(found.frame) == 300
    ((name, aside),) = found.set_aside
    assert (name, aside.line, aside.text) == ("table.csv", 102, NOT_MENDED[case])
    assert found.first_row + found.frame.index[100] == 103, "rows below keep the number of their line"


def test_last_line_is_set_aside_where_the_file_ends_within_it(table):
    found = table(lines() + "300,15")

    assert len(found.frame) == 300 and found.set_aside[0][1].line == 302


def test_more_odd_lines_than_the_limit_are_refused_with_reasons_and_examples(refusal, table):
    content = lines(*["7,1,5,x"] * 3, "1,2,3,4,5")

    assert len(table(content, set_aside_limit=0.05).set_aside) == 4
    message = refusal(content)
    assert "4 of 304 lines do not fit: 4 cells in place of 3 (3, as line 102: '7,1,5,x'); 5 cells" in message
    assert "line 103: too few cells" in refusal("# by me\n" + lines("7,1.5"), set_aside_limit=0)


@pytest.mark.parametrize(("names", "line"), [("a,b,c", "{},5,{},25,w\n"), ("x,y", "{},5,{}\n")])
def test_decimal_commas_in_every_line_shift_no_column(refusal, names, line):
    content = names + "\n" + "".join(line.format(number % 9, number % 7) for number in range(50))

    assert "decimal comma?" in refusal(content)


@pytest.mark.parametrize(
    ("content", "names", "first"),
    [
        ("x,y\n" + "".join(f"car {n},{n},{n}\n" for n in range(30)), ["column_1", "x", "y"], ["car 0", "0", "0"]),
        ("x,y\n" + "".join(f"{n},w{n % 3},\n" for n in range(30)), ["x", "y"], ["0", "w0"]),
        ("x,y\n" + "".join(f"{n};w{n % 3}\n" for n in range(30)), ["x", "y"], ["0", "w0"]),
        ("x,y,z\n" + "".join(f"{n},w{n % 3}\n" for n in range(30)), ["x", "y", "z"], ["0", "w0", None]),
    ],
    ids=["names of rows", "a separator at every end", "another separator in the header", "a column without cells"],
)
def test_header_that_differs_from_every_line_is_understood(table, rows, content, names, first):
    found = table(content)

    assert list(found.frame.columns) == names and rows(found)[0] == first and len(found.frame) == 30
    labels = "the first one, of labels, has none, 'x' names the second"
    assert any(labels in line for line in found.decisions) == (names[0] == "column_1")


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("\nx,y,z,q\n1,2,3,4\n", "what stands below the table, from line 303 on, left out"),
        ("\nx,y,z\n" + "1,2,3\n" * 4, "a second table from row 302 on left out"),
        ("a,b,c,d\n1,2,w,x\n", "a second table from line 302 on left out"),
        ("k,v\n1,2\n3,4\n", "a second table from line 302 on left out"),
        ("k,v,w,x\n1,2,3,4\n3,4,5,\n", "a second table from line 302 on left out"),
        ("1,2,3,4,5\nk,v\n1,2\n3,4\n", "a second table from line 303 on left out"),
    ],
)
def test_second_table_further_down_is_set_aside_and_said(table, rows, second, said):
    found = table(lines() + second, set_aside_limit=0.02)

    assert len(found.frame) == 300 and rows(found)[-1] == LINES[-1].split(",")
    assert said in found.decisions and len(found.set_aside) == len(second.split())


def test_drawn_lines_are_no_rows(table):
    found = table("a,b,c\n-----,---,---\n" + "\n".join(LINES) + "\n=========\n")

    assert len(found.frame) == 300 and [line.line for _, line in found.set_aside] == [2, 303]
    assert found.set_aside[0][1].reason == "a drawn line"


@pytest.mark.parametrize(
    "body",
    [
        ["***,", "*,a", "*****,b"],
        ["---,-", "-.-,_", "___,---"],
        ["---,---", "a,b", "---,---"],
        ["a,b", "---,---", "c,d"],
        ["---", "AC--G", "-----"],
        [",---", "x,---", "***,***"],
    ],
)
def test_cells_of_dashes_and_stars_are_values(table, body):
    names = "sign" if "," not in body[1] else "sign,y"

    found = table("\n".join([names, *body * 20]) + "\n", target="sign")

    assert len(found.frame) == 60 and not found.set_aside


@pytest.mark.parametrize("above", ["+-----+---+", ""])
@pytest.mark.parametrize("target", ["", "b"])
def test_table_drawn_with_bars_is_read(table, above, target):
    body = "".join(f"| {number} | w{number % 4} |\n" for number in range(20))

    found = table(f"{above}\n| a | b |\n|:----|---|\n{body}".lstrip(), target=target)

    assert list(found.frame.columns) == ["a", "b"] and len(found.frame) == 20
    assert {line.reason for _, line in found.set_aside} == {"a drawn line"}


def test_lines_with_one_cell_more_are_too_many_where_others_have_as_many_as_there_are_names(table):
    with pytest.raises(DataError, match="200 of 300 lines do not fit: 4 cells in place of 3"):
        table("a,b,c\n" + "".join(f"{line},7\n" if place % 3 else f"{line}\n" for place, line in enumerate(LINES)))
