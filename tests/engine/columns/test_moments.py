import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import dictionary, infer, moments, validate
from data_science_project.engine.project.errors import DataError

SIZE = 48
HOURS = pd.date_range("2026-02-27 05:00", periods=SIZE, freq="7h")


def table(**cells):
    return pd.DataFrame({**cells, "y": ["a", "b"] * (SIZE // 2)}).astype("str")


NUMBERS = table(yr=HOURS.year, Month=HOURS.month, day=HOURS.day, hour=HOURS.hour)
CLOCK = table(Date=HOURS.strftime("%d/%m/%Y"), Time=HOURS.strftime("%H:%M"))
TRIP = table(
    **{
        "start date": HOURS.strftime("%Y-%m-%d"),
        "start time": HOURS.strftime("%H:%M"),
        "end date": (HOURS + pd.Timedelta("30h")).strftime("%Y-%m-%d"),
        "end time": (HOURS + pd.Timedelta("30h")).strftime("%H:%M"),
    }
)


@pytest.mark.parametrize(
    ("frame", "made"),
    [
        (NUMBERS, {"moment": ("yr", "Month", "day", "hour")}),
        (CLOCK, {"moment": ("Date", "Time")}),
        (TRIP, {"moment of start date": ("start date", "start time"), "moment of end date": ("end date", "end time")}),
    ],
)
def test_columns_that_are_one_moment_become_one_and_it_is_said(frame, made):
    columns, said = infer.infer(frame, target="y", read={})

    found = {name: column for name, column in columns.items() if column.moment}
    assert {name: column.moment for name, column in found.items()} == made
    assert all((c.type, c.role, c.transformation) == ("datetime", "feature", "date parts") for c in found.values())
    assert all(any(f"one moment: {name!r}" in line for line in said) for name in made)


def test_moment_that_divides_the_rows_is_not_learned_from():
    columns, _ = infer.infer(NUMBERS, target="y", split_by="time:moment", read={})

    assert (columns["moment"].role, columns["moment"].transformation) == ("time", "none")


@pytest.mark.parametrize("frame", [NUMBERS, CLOCK])
def test_moment_is_computed_for_a_table_and_for_a_row_and_takes_the_place_of_date_and_clock(frame):
    columns, _ = infer.infer(frame, target="y", read={})

    whole, _ = validate.validate(frame, columns, where="table.csv")
    alone, _ = validate.validate(frame.iloc[[7]], columns, where="table.csv")
    again, _ = validate.validate(whole, columns, where="splits")

    assert whole["moment"].tolist() == HOURS.tolist() and whole["moment"].dtype == "datetime64[us]"
    assert alone["moment"].tolist() == [HOURS[7]] and again["moment"].equals(whole["moment"])
    assert list(whole) == (["y", "moment"] if frame is CLOCK else [*NUMBERS, "moment"])


def test_moment_that_may_be_missing_is_where_a_part_is_and_its_parts_are_wanted_and_make_one():
    columns, _ = infer.infer(NUMBERS, target="y", read={})
    columns |= {name: dictionary.replace(columns[name], missing_allowed=True) for name in ("day", "moment")}
    gap = NUMBERS.head(3).assign(day=["1", None, "3"])

    rows, _ = validate.validate(gap, columns, where="new.csv", target=False)

    assert rows["moment"].isna().tolist() == [False, True, False]
    with pytest.raises(DataError, match=r"has cells that make no 'moment' \(1 row: 1\)"):
        validate.validate(gap.assign(day=["30", None, "3"], Month="2"), columns, where="new.csv", target=False)
    with pytest.raises(DataError, match="missing: 'day'"):
        validate.validate(NUMBERS.drop(columns="day"), columns, where="new.csv", target=False)
    columns, _ = infer.infer(CLOCK, target="y", read={})
    with pytest.raises(DataError, match="missing: 'Time'"):
        validate.validate(CLOCK.drop(columns="Time"), columns, where="new.csv", target=False)


@pytest.mark.parametrize(
    ("frame", "changes", "said"),
    [
        (CLOCK, {"Time": None}, "column 'Time' has cells that make no 'moment' (1 row: 2)"),
        (CLOCK, {"Time": "soon"}, "column 'Time' has cells that are not a datetime, like 'soon' (1 row: 2)"),
        (CLOCK, {"Date": "2026-02-27T10:00"}, "column 'Date' has cells that make no 'moment' (1 row: 2)"),
        (NUMBERS, {"Month": "2", "day": "30"}, "column 'yr' has cells that make no 'moment' (1 row: 2)"),
    ],
)
def test_row_without_a_moment_that_every_row_must_have_is_refused_and_the_cell_is_named(frame, changes, said):
    columns, _ = infer.infer(frame, target="y", read={})
    rows = frame.head(3).copy()
    rows.loc[1, [*changes]] = [*changes.values()]
    lenient = {name: dictionary.replace(column, rule="warn") for name, column in columns.items()}

    with pytest.raises(DataError) as caught:
        validate.validate(rows, columns, where="new.csv", target=False)
    found, warned = validate.validate(rows, lenient, where="new.csv", target=False)

    assert said in str(caught.value) and not any(one.column == "moment" for one in caught.value.violations)
    assert found["moment"].isna().tolist() == [False, True, False] and any(said in line for line in warned)


def test_two_dates_make_no_moment():
    day = pd.Series(pd.to_datetime(["2026-02-27"]))

    assert moments.put_together({"day": day, "at": day + pd.Timedelta(hours=10)}, ["day", "at"]).isna().all()


def test_moments_that_are_given_in_some_rows_and_parts_in_others_are_all_kept():
    columns, _ = infer.infer(CLOCK, target="y", read={})
    rows = CLOCK.head(3).assign(moment=[None, "2026-03-01 10:00", None])
    rows.loc[1, ["Date", "Time"]] = None

    found, _ = validate.validate(rows, columns, where="log", target=False)

    assert found["moment"].tolist() == [HOURS[0], pd.Timestamp("2026-03-01 10:00"), HOURS[2]]


@pytest.mark.parametrize(
    "frame",
    [
        NUMBERS.assign(yr=["0", "1"] * 24),  # a code, no year
        NUMBERS.assign(day="31"),  # of February
        NUMBERS.drop(columns="day"),
        CLOCK.assign(other=CLOCK["Date"]),  # of which date?
        CLOCK.assign(Date=HOURS.strftime("%Y-%m-%d %H:%M")),  # has a time of day already
        table(n=np.arange(SIZE)),
    ],
)
def test_columns_that_are_no_moment_or_not_clearly_one_stay_as_they_are(frame):
    columns, _ = infer.infer(frame, target="y", read={})

    assert not [name for name, column in columns.items() if column.moment]


def test_moment_whose_part_is_dropped_is_not_made():
    columns, _ = infer.infer(CLOCK, target="y", read={})

    kept = dictionary.without(columns, ["Date"])
    rows, _ = validate.validate(CLOCK.drop(columns="Date"), kept, where="new.csv", target=False)

    assert list(rows) == ["Time"]


@pytest.mark.parametrize("parts", ["hour", "yr Month", "yr yr yr", "yr Month y", "yr Month day gone"])
def test_moment_of_other_columns_than_it_is_made_of_is_refused(tmp_path, parts):
    columns, _ = infer.infer(NUMBERS, target="y", read={})
    columns["moment"] = dictionary.replace(columns["moment"], moment=tuple(parts.split()))
    dictionary.write(tmp_path / "d.toml", columns)

    said = r"\[moment\] moment names 'gone'" if "gone" in parts else "of a date and a time of day, or of 3 to 5 whole"
    with pytest.raises(DataError, match=said):
        dictionary.load(tmp_path / "d.toml")
