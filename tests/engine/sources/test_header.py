"""The table is found among titles, notes, totals and other tables, and its columns get names of their own."""

import itertools

import pytest

from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import read

BODY = [[f"R{number}", number, number * 3 - 40] for number in range(20)]


def lines_of(table):
    """Rows as lines."""
    return "".join(",".join(map(str, row)) + "\n" for row in table)


def text(*above, below=(), names=("region", "sales", "costs")):
    """A table with lines above and below it."""
    return lines_of([*above, names, *BODY, *below])


FOUND = {
    "titles of one cell": text(["Sales of 2020"], ["by region"]),
    "padded titles": text(["Sales of 2020", "", ""], ["", "", ""]),
    "a total": text(below=[["Total", 190, -230]]),
    "a padded total": text(below=[["", "", ""], ["Total", 190, ""]]),
    "an average": text(below=[["", "Average", -11.5]]),
    "footnotes": text(below=[["Source: the office"], ["* provisional"]]),
    "footnotes below a blank line": text(below=[[""], ["as counted by hand in every region"]]),
    "a row of units": text(["region", "sales", "costs"], names=["-", "EUR", "EUR"]),
}


@pytest.mark.parametrize("case", FOUND)
def test_table_is_found_and_what_stands_around_it_set_aside(table, rows, case):
    found = table(FOUND[case])

    assert list(found.frame.columns) == ["region", "sales", "costs"]
    assert rows(found) == [list(map(str, row)) for row in BODY]
    assert found.set_aside or "units" in case


@pytest.mark.parametrize(
    "grades",
    [
        ["Poor", "Good", "Average"] * 7,
        ["Poor", "Good", "Average"],
        ["Sink", "Source"] * 7,
        ["Mean", "Sum", "Total"],
        ["Min", "Max", "Median", "Std", "Average"],
    ],
)
@pytest.mark.parametrize("gap", ["", 7])
def test_last_row_that_sums_up_nothing_is_a_row_whatever_its_first_word(table, grades, gap):
    body = [[grade, place * 3 + 20, place + 4, "w"] for place, grade in enumerate(grades)]
    body[-1][2] = gap

    found = table(lines_of([["grade", "x", "y", "z"], *body]))

    assert len(found.frame) == len(grades) and not found.set_aside


@pytest.mark.parametrize(("above", "target"), [([["X1", "X2", "Y"]], "Costs"), ([], "R3")])
def test_name_of_the_target_tells_the_header_and_a_cell_that_is_called_like_it_does_not(table, above, target):
    found = table(text(*above), target=target)

    assert list(found.frame.columns) == ["region", "sales", "costs"] and len(found.frame) == 20


def test_every_row_of_a_long_second_table_is_kept(table):
    second = [["", "", ""], ["city", "rain", "sun"], *[[f"C{n}", n, n] for n in range(2_000)]]

    found = table(text(below=second))

    assert len(found.frame) == 20 and len(found.set_aside) == 2_001
    assert "a second table from row 22 on left out" in found.decisions


GROUPED = "Days,Travel,,Other\n,Air,Rail,\n" + "".join(f"{n}.05.20,{n},{n * 2},{n * 3}\n" for n in range(20))


@pytest.mark.parametrize(
    ("content", "names", "rows"),
    [
        (text(["", 2020, ""], names=["region", "sales", "sales"]), ["region", "2020 sales", "2020 sales_2"], "two"),
        (GROUPED, ["Days", "Travel Air", "Travel Rail", "Other"], "2"),
    ],
)
def test_names_in_two_rows_are_joined_where_the_groups_are_wide(table, content, names, rows):
    found = table(content)

    assert list(found.frame.columns) == names and len(found.frame) == 20
    assert f"names joined from {rows} rows" in found.decisions
    assert len(table("".join(GROUPED.splitlines(True)[:4])).frame) == 3, "too few rows to tell"


@pytest.mark.parametrize(("first", "second", "names"), [("a,,", ",b,c\n", "a|a b|a c"), ("a,b,c", "", "a|b|c")])
def test_names_are_joined_across_thousands_of_empty_rows_which_else_stay_rows(table, first, second, names):
    found = table(f"{first}\n" + ",,\n" * 3000 + second + "1,2,3\n" * 20)

    assert "|".join(found.frame.columns) == names and len(found.frame) == (20 if second else 3020)


def test_questions_and_keys_of_a_survey_below_its_names_are_no_answers(table, rows):
    keys = '"{""ImportId"":""Q1""}","{""ImportId"":""Q2""}"'

    found = table(f'tools,happy\nWhich tools?,"Are you happy, all in all?"\n{keys}\n' + "a,yes\nb,no\n" * 20)

    assert list(found.frame.columns) == ["tools", "happy"] and rows(found)[0] == ["a", "yes"]
    assert "left out above the table: 2 lines" in found.decisions
    assert [line.line for _, line in found.set_aside] == [2, 3]


PEOPLE = [[f"Bob{n}", f"Rome{n}", "n", "ab"[n % 2]] for n in range(20)]
LATER = [[f"Ann{n}", f"Oslo{n}", "", f"c{n}"] for n in range(20)]
WEIGHTS = [[f"s{n}", n, 1, n * 2] for n in range(20)]
ROWS = {
    "begins with the word of a total": (text(below=[["Total Recall", 7, 9]]), 21),
    "begins with the word of a source": (text(below=[["Source Code", 7, 9]]), 21),
    "begins with the word of a note": (text(below=[["Notes on a Scandal", 7, 9]]), 21),
    "with gaps is no average": (lines_of([[*"wxzy"], *WEIGHTS, ["Average weight men", 3, "", ""]]), 21),
    "of few cells below a gap": (text(below=[[""] * 3, *[[f"R{n}", n, ""] for n in (20, 21, 22)], [23, 23, 69]]), 25),
    "below blank lines, without one column": (lines_of([["name", "city", "note", "y"], *PEOPLE, [""] * 4, *LATER]), 41),
    "with the key of a survey in one cell": ('meta,x\na,1\n"{""ImportId"":""Q1""}",\n' + "c,1\nd,2\n" * 20, 42),
    "of words above numbers": ("code,x\nPK,1\nK,2\nUG,3\n" + "".join(f"{n},{n * 3}\n" for n in range(30)), 33),
}


@pytest.mark.parametrize("case", ROWS)
def test_row_is_a_row_though_it(table, case):
    content, count = ROWS[case]

    found = table(content)

    assert len(found.frame) == count and not found.set_aside


@pytest.mark.parametrize(
    ("content", "names", "said"),
    [
        ("a,b,a\n1,2,3\n4,5,6\n", ["a", "b", "a_2"], "stand twice: a"),
        ("a,,\n1,2,3\n4,5,6\n", ["a", "column_2", "column_3"], "without a name: named column_2, column_3"),
        ("a,,b\n1,,3\n4,,6\n", ["a", "b"], "empty columns without a name left out: 1"),
    ],
)
def test_columns_without_a_name_of_their_own_get_one(table, content, names, said):
    found = table(content)

    assert list(found.frame.columns) == names
    assert any(said in decision for decision in found.decisions)


@pytest.mark.parametrize(
    ("options", "names", "count"),
    [
        ({"header": 3}, ["R0", "0", "-40"], 19),
        ({"skip": 1}, ["region", "sales", "costs"], 20),
        ({"skip": 1, "footer": 5}, ["region", "sales", "costs"], 15),
        ({"skip": 2, "columns": ["x", "y", "z"]}, ["x", "y", "z"], 20),
    ],
)
def test_options_say_where_the_table_is(table, options, names, count):
    found = table(text(["one", "two", "three"]), **options)

    assert list(found.frame.columns) == names and len(found.frame) == count


@pytest.mark.parametrize("footer", [3, 40, -1])
def test_footer_that_leaves_no_row_is_refused(table, footer):
    with pytest.raises(DataError, match=rf"footer = {footer} in \[data\.read\]: the table has 3 rows"):
        table("a,b\n1,2\n3,4\n", footer=footer)


def test_target_of_a_file_without_a_header_is_given_by_its_place(table):
    found = table("5.1,3.5,setosa\n4.9,3.0,setosa\n4.7,3.2,virginica\n", target="3")

    assert list(found.frame.columns) == ["column_1", "column_2", "3"]


@pytest.mark.parametrize(
    ("target", "others", "names"),
    [("", 3, "region sales costs"), (" Age", 3, "who age"), ("", 20, "region sales costs who age")],
)
def test_one_of_two_tables_side_by_side_in_a_sheet_is_taken_where_they_end_apart(workbook, target, others, names):
    people = [["who", "age"], *[[f"P{n}", 30 + n] for n in range(others)]]
    pairs = itertools.zip_longest([["region", "sales", "costs"], *BODY], people, fillvalue=[None, None])
    sheet = [[*one, None, *other] for one, other in pairs]

    found = read.tables([workbook(A=sheet)], read.Known(target=target))

    assert list(found.frame.columns) == names.split() and len(found.frame) == (3 if target else 20)
    assert any("2 tables side by side" in decision for decision in found.decisions) == (others == 3)
