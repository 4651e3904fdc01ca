import asyncio
from types import SimpleNamespace

import pandas as pd
import pytest

from data_science_project.engine.columns.dictionary import Column
from data_science_project.service import words

PRICE = Column(type="number", decimal=",", thousands=".", range=(0.0, 10.0))
COLUMNS = {
    "id": Column(type="text", role="id"),
    "price": PRICE,
    "rooms": Column(type="integer", range=(0.0, 9.0), missing_allowed=False),
    "new": Column(type="boolean", missing_allowed=False),
    "kind": Column(type="category", values=("flat", "house"), missing_allowed=False),
    "sold": Column(type="datetime", format="%d.%m.%Y", missing_allowed=False),
    "note": Column(type="text"),
    "y": Column(type="number", role="target"),
    "who": Column(type="number", role="label:anna"),
    "old": Column(type="number", role="ignored"),
}


@pytest.fixture
def service(tmp_path):
    """A service whose only run kept these usual values; keywords are columns, and what the versions answer."""

    def make(usual=None, answer=None):
        (tmp_path / "run").mkdir()
        if usual is not None:
            pd.DataFrame(usual).to_parquet(tmp_path / "run" / "usual_values.parquet")
        return SimpleNamespace(project=SimpleNamespace(models=tmp_path), versions=SimpleNamespace(answer=answer))

    return make


def version(columns=COLUMNS):
    """A run as far as words need it."""
    return SimpleNamespace(columns=columns, name="run")


def test_person_is_asked_for_what_a_model_sees_first_and_never_for_the_truth():
    assert words.asked(COLUMNS) == ["price", "rooms", "new", "kind", "sold", "note", "id"]


def test_moment_is_asked_for_by_its_parts():
    columns = {
        "day": Column(type="datetime", role="ignored"),
        "hour": Column(type="integer", role="ignored"),
        "when": Column(type="datetime", moment=("day", "hour")),
    }

    assert words.asked(columns) == ["day", "hour"]


@pytest.mark.parametrize(
    ("column", "text", "cell"),
    [
        (Column(type="number"), "1.5", 1.5),
        (Column(type="number"), "1e999", "1e999"),
        (Column(type="number"), "nan", "nan"),
        (Column(type="number"), "much", "much"),
        (PRICE, "1.234,5", "1.234,5"),
        (Column(type="boolean"), "false", False),
        (Column(type="boolean"), "maybe", "maybe"),
        (Column(type="category"), "1.5", "1.5"),
        (Column(type="text"), "", None),
    ],
)
def test_text_becomes_the_cell_that_a_program_would_send(column, text, cell):
    assert words.read(column, text) == cell


def test_number_is_written_as_the_dictionary_writes_numbers():
    assert [words.written(PRICE, cell) for cell in (2.5, None, "2,5")] == ["2,5", "", "2,5"]


def test_row_has_no_cell_where_nothing_was_written_and_no_column_where_none_is_needed():
    assert words.row_of(COLUMNS, {"price": " 2,5 ", "kind": "flat", "id": ""}) == {
        **{"price": "2,5", "rooms": None, "new": None, "kind": "flat"},
        **{"sold": None, "note": None},
    }


def test_usual_values_are_medians_and_frequent_words_that_the_run_kept(service):
    kept = {
        "price": [1.0, 3.5, 9.0, 9.5] * 25,
        "rooms": [3, 4, 4, 5] * 25,
        "new": [True, True, False, True] * 25,
        "kind": ["house", "house", "flat", None] * 25,
        "sold": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-02-01", "2026-03-01"] * 25),
        "note": [f"of person {place}" for place in range(10) for _ in range(10)],
    }

    found = words.usual(service(kept), version())

    assert found == {
        **{"price": 3.5, "rooms": 4, "new": True, "kind": "house", "sold": "01.02.2026"},
        **{"note": None, "id": None},
    }
    assert [type(found[name]) for name in ("price", "rooms", "new")] == [float, int, bool]


def test_run_of_before_has_the_usual_values_that_its_dictionary_suggests(service):
    assert words.usual(service(), version()) == {
        **{"price": 5.0, "rooms": 4, "new": True, "kind": "flat", "sold": "31.01.2026"},
        **{"note": "text", "id": None},
    }


def test_cells_are_shown_as_people_write_them():
    cells = [None, "", True, False, 2026, 2026.0, 0.123456, 180796.06, "<b>"]

    assert [words.shown(cell) for cell in cells] == [
        *("nothing", "nothing", "yes", "no", "2026", "2026", "0.1235", "180,796", "<b>")
    ]


def test_at_most_32_columns_are_compared_those_furthest_from_usual_in_one_call(service):
    names = [f"x{place}" for place in range(100)]
    columns = {name: Column(type="number", range=(0.0, 100.0)) for name in names}
    asked = []

    async def answer(version, rows):
        asked.append(rows)
        return [SimpleNamespace(output={"prediction": sum(row.values())}) for row in rows]

    asker = service({name: [0.0] * 100 for name in names}, answer)
    row = {name: float(place) for place, name in enumerate(names)}
    said = {"prediction": sum(row.values())}

    found = asyncio.run(words.reasons(asker, version(columns), row, said))

    assert [len(rows) for rows in asked] == [32]
    assert [(one["column"], one["change"]) for one in found] == [(f"x{place}", place) for place in range(99, 93, -1)]
    assert [round(one["width"], 1) for one in found][:2] == [100.0, 99.0]


def test_change_is_in_the_probability_of_what_was_said_also_where_classes_have_no_columns():
    said = {"prediction": "a", "probability": 0.9}

    assert words.change(said, {"prediction": "b", "probability": 0.8, "probability_a": 0.2}) == pytest.approx(0.7)
    assert words.change(said, {"prediction": "a", "probability": 0.6}) == pytest.approx(0.3)
    assert words.change(said, {"prediction": "b", "probability": 0.6}) == pytest.approx(0.9)
