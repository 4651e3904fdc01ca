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
        ("a,b\r1,x\r\n2,y\n", "','"),
        ("a||b\n1||x\n2||y\n", "'||'"),
        ("a^b\n1^x\n2^y\n", "'^'"),
        ("a\x01b\n1\x01x\n2\x01y\n", "'\\x01'"),
        ("a::b\n1::x\n2::y\n", "'::'"),
    ],
)
def test_separators_are_found_and_said(table, rows, content, said):
    found = table(content)

    assert list(found.frame.columns) == ["a", "b"] and rows(found) == [["1", "x"], ["2", "y"]]
    assert f"separator {said} " in found.decisions[0]


@pytest.mark.parametrize(
    ("above", "names", "said"),
    [
        ("# by me, today\n# twice\na;b", ["a", "b"], "lines left out above the table: 2 that begin with #"),
        ("# by me\n# a;b", ["# a", "b"], "lines left out above the table: 1 that begin with #"),
        ("sep=;\na;b", ["a", "b"], "separator ';' (the line sep= says so)"),
    ],
)
def test_comments_and_the_separator_above_a_table_are_no_rows_and_said(table, rows, above, names, said):
    found = table(f"{above}\n1;x\n2;y\n")

    assert list(found.frame.columns) == names and rows(found) == [["1", "x"], ["2", "y"]]
    assert said in found.decisions


AS_MEANT = {
    "only empty cells are missing": ('a,b\nNA,-999\n,""\n?,x\n', [["NA", "-999"], [None, None], ["?", "x"]]),
    "cells stay text": ("a,b\n007, 1.50\n9007199254740993,inf\n", [["007", " 1.50"], ["9007199254740993", "inf"]]),
    "decimal commas between semicolons": ("a;b;c\n1,5;2,5;x\n3;4;y\n", [["1,5", "2,5", "x"], ["3", "4", "y"]]),
    "quoted line breaks and separators": ('a,b\n1,"x\ny, ""z"""\n2,q\n', [["1", 'x\ny, "z"'], ["2", "q"]]),
    "a blank before two quote marks": ('a, b\n1, """x"" y"\n2, "z, ""u"\n', [["1", '"x" y'], ["2", 'z, "u']]),
    "clock times": ("time\n12:30\n13:45\n", [["12:30"], ["13:45"]]),
    "a blank before a quote mark": ('a, b\n1, "x, y"\n2, "z"\n', [["1", "x, y"], ["2", "z"]]),
    "backslashes within quote marks": ('a,b\n"C:\\\\",1\n"D:\\\\",2\n', [["C:\\\\", "1"], ["D:\\\\", "2"]]),
    "backslashes before separators": ("a,b,c\n\\\\,x,1\n\\\\,y,2\n", [["\\\\", "x", "1"], ["\\\\", "y", "2"]]),
    "one column of names with colons": ("name\nstd::a::b\nstd::c::d\n", [["std::a::b"], ["std::c::d"]]),
    "one column where no mark fits": ("text\nhi, you\nfine\nso, la, la\n", [["hi, you"], ["fine"], ["so, la, la"]]),
}


CLOSER, ESCAPED = "blanks between separator and quote mark left out", "a mark after a backslash is part of its cell"
WITHIN = "a quote mark within a cell kept as text: 1 line (line 10 the first)"


@pytest.mark.parametrize(
    ("line", "last", "cell", "said"),
    [
        ('{},  "J{}"', '8,  "J8"', "J8", CLOSER),
        ("{},'Smith, J{}'", "8,'Smith, J8'", "Smith, J8", 'quote mark "\'" (fewer lines fit without)'),
        ('{},"boots, {}\\" high"', '8,"boots, 8\\" high"', 'boots, 8" high', ESCAPED),
        ('{},"C:\\dir, {}\\" high"', '8,"C:\\dir, 8\\" high"', 'C:\\dir, 8" high', ESCAPED),
        ('{},\\"boots\\"\\, {}\\" high', '8,\\"boots\\"\\, 8\\" high', '"boots", 8" high', ESCAPED),
        ('{},"a, b{}"', '8,"open', '"open', WITHIN),
        ('{},"a, b{}"', '8,"a "big" b"', 'a "big" b', WITHIN),
    ],
    ids=["blanks", "apostrophes", "backslash", "backslashes", "backslash without quotes", "open", "in the middle"],
)
def test_quote_marks_of_other_habits_are_understood_and_said(table, rows, line, last, cell, said):
    found = table("\n".join(["id,who", *(line.format(n, n) for n in range(8)), last]) + "\n")

    assert len(found.frame) == 9 and rows(found)[8] == ["8", cell]
    assert said in found.decisions


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
