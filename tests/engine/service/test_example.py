from datetime import datetime

import jsonschema
import pandas as pd
import pytest

from data_science_project.engine.columns import validate
from data_science_project.engine.columns.dictionary import Column
from data_science_project.service import example, openapi, versions

from .conftest import COLUMNS


def test_person_is_asked_for_what_a_model_sees_first_for_a_moment_by_its_parts_and_never_for_the_truth():
    ignored, when = Column(type="datetime", role="ignored"), Column(type="datetime", moment=("day", "at"))
    columns = {"gone": ignored, "day": ignored, "at": ignored, "when": when}

    assert [*example.asked(COLUMNS)] == ["price", "rooms", "new", "kind", "sold", "note", "id"]
    assert [*example.asked(columns)] == ["day", "at"] and example.asked(columns)["day"].role == "feature"


@pytest.mark.parametrize(("form", "cell"), [("Q%q %Y", "Q2 2026"), ("%G-W%V", "2026-W20"), ("%b-%y", "May-26")])
def test_example_of_a_date_is_in_the_format_of_its_column_and_is_read_by_it(form, cell):
    column = Column(type="datetime", format=form)

    said = example.dated(column, datetime(2026, 5, 17))

    assert said == cell and not validate.parse(pd.Series([said, "2026-05-17"]), column)[1].iloc[0]


def test_usual_values_are_medians_and_frequent_words_that_the_run_kept(made_version):
    kept = {
        "price": [1.0, 3.5, 9.0, 9.5] * 25,
        "rooms": [3, 4, 4, 5] * 25,
        "new": [True, True, False, True] * 25,
        "kind": ["house", "house", "flat", None] * 25,
        "sold": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-02-01", "2026-03-01"] * 25),
        "note": [f"of person {place}" for place in range(10) for _ in range(10)],
    }

    found = example.usual(made_version(kept))

    usual = {"price": 3.5, "rooms": 4, "new": True, "kind": "house", "sold": "01.02.2026", "note": None, "id": None}
    assert found == usual
    assert [type(found[name]) for name in ("price", "rooms", "new")] == [float, int, bool]


TAGS = ["red", None, "blue", "gift", "red;vip", "vip", None, "blue;vip", "gift;vip", "gift;red"]


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        (Column(type="list", separator=";"), TAGS * 10),
        (Column(type="category", values=("Aachen", "Bonn")), ["Bonn"] * 20 + [None] * 80),
        (Column(type="text"), ["tired", "tired", None, None, None] * 20),
        (COLUMNS["price"], [1.0, None, None, None, None] * 20),
        (Column(type="number", range=(0.0, 1.0)), [5.0] * 20),
        (Column(type="category", values=("flat",)), ["house"] * 20),
    ],
    ids=["a tenth of lists", "other towns or none", "few notes", "few prices", "beyond its range", "no value of today"],
)
def test_usual_is_no_value_of_a_tenth_or_fewer_none_where_most_are_empty_and_none_against_the_rules_of_today(
    made_version, column, cells
):
    assert example.usual(made_version({"x": cells}, {"x": column})) == {"x": None}


def test_usual_moment_fills_the_date_and_the_time_that_it_is_made_of(made_version):
    columns = {
        "day": Column(type="datetime", role="ignored", format="%d.%m.%Y"),
        "at": Column(type="datetime", role="ignored", format="%H:%M"),
        "when": Column(type="datetime", moment=("day", "at")),
    }
    kept = {"when": pd.to_datetime(["2026-01-01 08:00", "2026-02-01 19:30", "2026-03-01 09:00"])}

    assert example.usual(made_version(kept, columns)) == {"day": "01.02.2026", "at": "19:30"}


def test_run_of_before_has_the_usual_values_that_its_dictionary_suggests(made_version):
    allowed = {"price": 5.0, "rooms": 4, "new": True, "kind": "flat", "sold": "31.01.2026", "note": "text", "id": None}
    assert example.usual(made_version()) == allowed


def test_row_for_programs_is_that_of_the_form_and_is_answered_and_fits_its_description(project, folder):
    found = versions.Version(project, folder)
    row = example.row(found)

    assert row.items() <= example.usual(found).items() and row["amount"] is not None
    assert jsonschema.Draft202012Validator(openapi.row(found.columns)).is_valid(row)
    assert len(found.reference([row])) == 1


def test_list_in_the_row_for_programs_is_a_list(made_version):
    columns = {"tags": Column(type="list", separator="|", missing_allowed=False), "note": Column(type="text")}

    assert example.row(made_version({"tags": ["red| vip"] * 20}, columns)) == {"tags": ["red", "vip"], "note": None}
