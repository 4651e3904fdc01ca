import itertools

import pandas as pd
import pytest

from data_science_project.engine.columns import infer, spelling, validate
from data_science_project.engine.columns.dictionary import Column

DAYS = [f"{day:02}/03/2026" for day in range(1, 31)]


@pytest.mark.parametrize(
    ("cells", "read", "marks"),
    [
        (["1,5", "2,25", "3"], {}, (",", "")),
        (["1.000,5", "2,25", "12.345.678,0"], {}, (",", ".")),
        (["1,000", "2,500,000", "12"], {}, (".", ",")),
        (["1,500", "2,250", "3,125"], {"decimal": ","}, (",", "")),
        (["1'000", "2'000", "12"], {"thousands": "'"}, (".", "'")),
        (["1'000", "2'000", "12"], {}, (".", "'")),
        (["9.000", "1.234.567", "12"], {}, (".", ".")),
        *(([f"9{blank}000", f"1{blank}234{blank}567"], {}, (".", " ")) for blank in " \u00a0\u202f"),
        *(([f"9{blank}000,50", "241,68", f"1{blank}234{blank}567,1"], {}, (",", " ")) for blank in " \u00a0\u202f"),
        (["1 234,50 kr", "99,00 kr"], {}, (",", " ")),
        (["CHF 1\u2019234.50", "CHF 12.05"], {}, (".", "'")),
        (["1'234,50", "99,05"], {}, (",", "'")),
        (["1,295", "0,601", "2,250"], {}, (",", "")),
        (["1,295", "3,601", "2,250"], {"separator": ";"}, (",", "")),
        (["1,295,000", "3,601", "2,250"], {"separator": ";"}, (".", ",")),
        (["1,295", "3,601", "2,250"], {}, (".", ",")),
    ],
)
def test_marks_in_numbers_are_detected_or_taken_as_said(describe, cells, read, marks):
    column, _ = describe(cells, read)

    assert column.type in ("integer", "number")
    assert (column.decimal, column.thousands) == marks


@pytest.mark.parametrize(
    ("others", "cells", "marks", "doubtful"),
    [
        (["7,7", "16.440,00"], ["125.976", "950", "k.A."], (",", "."), False),
        (["7,7", "8,10"], ["1,295", "3,601"], (",", ""), False),
        (["7.7", "1,440.00"], ["1,295", "3,601"], (".", ","), False),
        (["7.7", "8.10"], ["1.295", "3.601"], (".", ""), False),
        (["7,7", "7.7"], ["125.976", "950", "k.A."], (".", ""), True),
        (["8", "9"], ["125.976", "950", "k.A."], (".", ""), True),
        (["1.295", "2.500"], ["1,295", "3,601"], (",", ""), True),
        (["7.7", "8.12"], ["2.236", "1.180", "188"], (".", ""), False),
        (["8", "9"], ["2.236", "1.180", "188"], (",", "."), True),
        (["8", "9"], ["2.236", "1.187", "188"], (".", ""), True),
    ],
)
def test_mark_that_could_be_either_is_settled_by_the_other_columns_or_said(others, cells, marks, doubtful):
    """One column for each cell of `others`."""
    rows = 60
    frame = pd.DataFrame({f"n{place}": [cell] * (rows - 1) + ["3"] for place, cell in enumerate(others)})
    frame["x"] = (cells[:2] * rows)[: rows - len(cells[2:])] + cells[2:]

    columns, said = infer.infer(frame.assign(y=["a", "b"] * (rows // 2)), target="y", read={"separator": ";"})

    about = [line for line in said if "'x'" in line]
    assert (columns["x"].decimal, columns["x"].thousands) == marks
    assert any("it could be the" in line for line in about) == doubtful
    assert any("as in the other columns" in line for line in about) != doubtful
    assert others != ["7.7", "8.10"] or 'other columns; if not so: thousands = "."' in about[0], "what to write then"


@pytest.mark.parametrize(
    ("cells", "form", "first", "said"),
    [
        (["08.2025", "11.2019"], "%m.%Y", "2025-08-01", "a month alone is its first day"),
        (["8/2025", "11/2019"], "%m/%Y", "2025-08-01", "a month alone is its first day"),
        (["2025-08", "2019-11"], "", "2025-08-01", "a month alone is its first day"),
        (["Jan 2024", "Feb 2025"], "%b %Y", "2024-01-01", "a month alone is its first day"),
        (["JAN-24", "FEB-25"], "%b-%y", "2024-01-01", "a month alone is its first day"),
        (["March 2024", "May 2025"], "%B %Y", "2024-03-01", "a month alone is its first day"),
        (["Q4 2024", "Q1 2025"], "Q%q %Y", "2024-10-01", "a quarter alone is its first day"),
        (["2024Q3", "2025Q1"], "%YQ%q", "2024-07-01", "a quarter alone is its first day"),
        (["2024-Q2", "2025-Q1"], "%Y-Q%q", "2024-04-01", "a quarter alone is its first day"),
        (["2024-W05", "2020-W53"], "%G-W%V", "2024-01-29", "a week alone is its Monday"),
        (["2024W05", "2025W01"], "%GW%V", "2024-01-29", "a week alone is its Monday"),
        (["20220131", "20231201"], "%Y%m%d", "2022-01-31", 'if they are no days: then say type = "integer"'),
        ([20220131, 20231201], "%Y%m%d", "2022-01-31", 'if they are no days: then say type = "integer"'),
    ],
)
def test_month_quarter_week_and_day_in_digits_are_dates_and_said(describe, cells, form, first, said):
    column, decisions = describe(cells * 15)

    assert (column.type, column.format) == ("datetime", form) and said in decisions
    assert validate.parse(pd.Series(cells), column)[0].iloc[0] == pd.Timestamp(first)


@pytest.mark.parametrize(
    ("cells", "kind", "name"),
    [
        (["Q7 2024", "Q1 2025"], "category", "x"),
        (["2021-W53", "2024-W05"], "category", "x"),  # the year has 52 weeks
        (["1200W20", "2000W10"], "category", "x"),
        (["2000W6", "2000W4"], "category", "x"),
        (["Q1 1200", "Q2 1300"], "category", "x"),
        (["20221301", "20221201"], "integer", "x"),
        ([21220131, 21230131], "integer", "x"),
        ([*range(20220101, 20220131)], "integer", "order_id"),
    ],
)
def test_what_is_no_quarter_week_or_day_is_no_date(describe, cells, kind, name):
    assert describe(cells * (30 // len(cells)), name=name)[0].type == kind


@pytest.mark.parametrize(("cells", "doubtful"), [(["Dec-31", "Jan-01"], True), (["Dec-31", "Jan-98"], False)])
def test_digits_after_a_month_that_could_all_be_days_are_doubted(describe, cells, doubtful):
    column, said = describe(cells * 15)

    assert column.format == "%b-%y"
    assert ('if the digits are days: then say type = "category"' in said) == doubtful


@pytest.mark.parametrize(
    ("cells", "form", "marker"),
    [
        ([*range(20220101, 20220129)] * 2 + [0] * 2, "%Y%m%d", "0"),
        ([f"{row % 12 + 1:02}.{1990 + row}" for row in range(36)] + ["k.A."] * 10, "%m.%Y", "k.A."),
    ],
)
def test_marker_among_days_in_digits_or_months_of_a_year_means_missing(describe, cells, form, marker):
    column, _ = describe(cells)

    assert (column.type, column.format, column.missing) == ("datetime", form, (marker,))


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["8.2025", "11.2019"], {}),
        (["08.3025", "11.2019"], {}),
        (["0.2025", "1.2019"], {}),
        (["01.1950", "12.2010", "05.5000"], {}),
        (["08.2025", "11.2019"], {"decimal": "."}),
    ],
)
def test_number_that_no_month_begins_or_whose_decimal_mark_was_said_stays_a_number(describe, cells, read):
    assert describe(cells * 30, read)[0].type == "number"


@pytest.mark.parametrize(
    ("cells", "read", "format_", "doubtful"),
    [
        (DAYS, {}, "%d/%m/%Y", False),
        (DAYS[:12], {}, "%m/%d/%Y", True),
        (DAYS[:12], {"dates": "day-first"}, "%d/%m/%Y", False),
        (["03-2026-31", "04-2026-01"], {"dates": "%m-%Y-%d"}, "%m-%Y-%d", False),
    ],
)
def test_order_of_day_and_month_is_detected_or_as_said_and_a_doubt_is_said(describe, cells, read, format_, doubtful):
    column, said = describe(cells, read)

    assert column.format == format_
    assert ("the other way round" in said) == doubtful


@pytest.mark.parametrize(
    ("cells", "unit", "first"),
    [
        (["$1,234.50", "$2.00", "$17.25"], "$", 1234.5),
        (["12.5%", "3 %", "80.0%"], "%", 12.5),
        (["7 €"] * 3, "€", 7),
        (["EUR 7", "EUR 8"], "EUR", 7),
    ],
)
def test_unit_that_all_numbers_carry_is_left_out_and_said(describe, cells, unit, first):
    column, said = describe(cells)

    assert column.type in ("integer", "number") and column.unit == unit
    assert validate.parse(pd.Series(cells), column)[0].iloc[0] == first
    assert len(set(cells)) == 1 or repr(unit) in said


DATES = pd.date_range("2026-01-01", periods=40)
MIXED = [day.strftime(("%Y-%m-%d", "%d.%m.%Y", "%b %d, %Y")[place % 3]) for place, day in enumerate(DATES)]
CLOCK = [f"{place % 24:02}:{place:02}" for place in range(40)]
BIG = [2**60 + place % 7 for place in range(40)]
POUNDS = [*[f"{row} kg" for row in range(60, 100)], *[f"{row} lb" for row in range(148, 168)]]
READ = {
    "three formats": (MIXED, DATES, "ISO8601 (14 cells), %d.%m.%Y (13 cells), %b %d, %Y (13 cells)"),
    "another format once": (["01.01.2026", *DATES[1:].astype(str)], DATES, "%d.%m.%Y (1 cell)"),
    "zones": (DATES.strftime("%Y-%m-%dT00:00:00+02:00"), DATES - pd.Timedelta("2h"), "turned into UTC"),
    "zones of some": (["2026-01-01T00:00Z", *DATES[1:].strftime("%Y-%m-%d %H:%M")], DATES, "39 without one taken as"),
    "clock times": (CLOCK, pd.to_datetime("1900-01-01 " + pd.Series(CLOCK)), "as %H:%M on 1900-01-01"),
    "dates of SAS": (DATES.strftime("%d%b%Y").str.upper(), DATES, "dates read as %d%b%Y"),
    "times of SAS": (DATES.strftime("%d%b%Y:%H:%M:%S").str.upper(), DATES, "dates read as %d%b%Y:%H:%M:%S"),
    "years before 1677": (["1500-01-01", "1501-01-01"], pd.DatetimeIndex(["1500-01-01", "1501-01-01"]), "dates: x"),
    "yes and no": (["yes", "N", "TRUE", "0"], [True, False, True, False], "'0', 'N', 'TRUE', 'yes' read as true and"),
    "beyond 2^53": ([*map(str, BIG)], [*map(str, BIG)], "whole numbers beyond 2^53 kept as category"),
    "native beyond 2^53": (BIG, [*map(str, BIG)], "whole numbers beyond 2^53 kept as category"),
    "leading zeros": (["007", "012"], ["007", "012"], ""),
    "two units": (["$1", "5%"] * 20, ["$1", "5%"] * 20, "no one way reads all of them"),
    "two lengths": (["1.5 cm", "20 mm"] * 20, ["1.5 cm", "20 mm"] * 20, "cells like numbers, but no one way reads all"),
    "a unit of a few": (POUNDS, POUNDS, "no one way reads all of them ('148 lb')"),
    "both orders": (["31/01/2026", "01/31/2026"], ["31/01/2026", "01/31/2026"], "no one way reads all of them"),
}


@pytest.mark.parametrize("case", READ)
def test_cells_are_read_as_they_are_meant_and_the_decision_is_said(describe, case):
    cells, expected, said = READ[case]

    column, decisions = describe(cells)

    assert validate.parse(pd.Series(cells), column)[0].tolist() == list(expected) and said in decisions


@pytest.mark.parametrize(("order", "form"), [("01-{:02}-{}", "%d-%m-%y"), ("{:02}-01-{}", "%m-%d-%y")])
def test_part_that_is_one_in_every_row_is_the_day_where_the_other_takes_all_twelve(describe, order, form):
    column, said = describe([order.format(month, year) for year in range(13, 18) for month in range(1, 13)])

    assert column.format == form
    assert "the day is the part that is 1 in every row, as the other takes all of 1 to 12; if not so: format" in said


@pytest.mark.parametrize("months", [range(1, 12), [*range(1, 13), 1, 1]])
def test_days_of_some_months_or_of_some_parts_stay_a_doubt(describe, months):
    cells = [f"01-{month:02}-{year}" for year in range(13, 18) for month in months]
    cells += ["02-03-18"] * (len(months) > 12)

    assert "the other way round" in describe(cells)[1]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["000953000", "000879.17", "002603.41"], "number"),
        (["000953000", "000879,17", "002603,41"], "number"),
        (["00501", "08123", "10001"], "category"),
        (["01", "01.1", "01.11"], "category"),
        (["001", "001.1", "250.00"], "category"),
    ],
)
def test_cells_padded_to_one_length_some_with_decimals_are_amounts_and_other_leading_zeros_a_code(
    describe, cells, kind
):
    column, said = describe(cells * 20)

    assert column.type == kind and ("leading zeros left out, as in '000953000'" in said) == (kind == "number")


CELLS = ["7", "1283,67", "1,5", "0,601", "1,234", "1.234", "1.5", "1,234.5", "1.234,5", "1 234", "1'234,5", "1.234.567"]


@pytest.mark.parametrize(
    ("cells", "about", "numbers"),
    [
        (["1283,67", "624,360", "7", None, "?"], {}, [1283.67, 624.36, 7, None, None]),
        (["1,234", "2,500"], {}, None),
        (["1,234", "12,50"], {}, [1.234, 12.5]),
        (["1,234", "0,601"], {}, [1.234, 0.601]),
        (["1,234", "1,234.5"], {}, [1234, 1234.5]),
        (["1.234,5", "7"], {}, [1234.5, 7]),
        (["1.234,5", "1.5"], {}, None),
        (["1'234.5", "1 234"], {}, None),
        (["1,234", "7"], {"type": "integer"}, [1234, 7]),
        (["1.234", "7"], {"type": "integer"}, None),
        (["1,000", "2,000"], {"type": "integer"}, None),
        (["0.72", "2.3"], {"decimal": ","}, [0.72, 2.3]),
        (["2.080", "1.500"], {"decimal": ","}, None),
        (["€ 0.72", "2.5"], {"decimal": ",", "unit": "€"}, [0.72, 2.5]),
        (["15.9%", "3%"], {}, None),
        (["CHF 12", "CHF 3"], {}, None),
        (["1,5", "many"], {}, None),
        (["1,5", "2"], {"rule": "warn"}, None),
        (["1,5", "2"], {"role": "id"}, None),
        (["1.5", "2"], {}, None),
    ],
)
def test_column_of_a_batch_in_other_marks_is_read_and_said_where_no_doubt_is_left(cells, about, numbers):
    frame = pd.DataFrame({"x": pd.Series(cells, dtype="str")})
    before = {"x": Column(**{"type": "number", "missing": ("?",)} | about)}

    columns, said = spelling.in_other_marks(frame, before, "new.csv")

    assert len(said) == (numbers is not None) and (columns == before) == (numbers is None)
    if numbers is not None:
        assert validate.parse(frame["x"], columns["x"])[0].astype("float64").equals(pd.Series(numbers, dtype="float64"))
        assert "new.csv: column 'x' has numbers written otherwise, like '" in said[0]


@pytest.mark.parametrize("kind", ["number", "integer"])
@pytest.mark.parametrize("marks", [{}, {"decimal": ","}, {"thousands": ","}, {"decimal": ",", "thousands": "."}])
def test_row_alone_is_the_number_that_it_is_in_a_batch_or_one_of_both_is_refused(kind, marks):
    before = {"x": Column(type=kind, **marks)}

    def read(cells):
        frame = pd.DataFrame({"x": pd.Series(cells, dtype="str")})
        values, unread = validate.parse(frame["x"], spelling.in_other_marks(frame, before, "rows")[0]["x"])
        return values.tolist(), unread.any()

    alone = {cell: read([cell]) for cell in CELLS}
    for cells in itertools.product(CELLS, repeat=2):
        numbers, refused = read(cells)
        for cell, number in zip(cells, numbers, strict=True):
            assert refused or alone[cell][1] or alone[cell][0] == [number]
