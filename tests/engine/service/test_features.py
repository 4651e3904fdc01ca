import hashlib
import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_science_project import features as of_project
from data_science_project.engine.columns import dictionary, validate
from data_science_project.engine.runs import loading
from data_science_project.service import drawn, features, trees

COLUMNS = {
    "key": dictionary.Column(type="integer", role="id"),
    "kg": dictionary.Column(type="number"),
    "count": dictionary.Column(type="integer", range=(0, 9)),
    "fast": dictionary.Column(type="boolean"),
    "colour": dictionary.Column(type="category"),
    "sent": dictionary.Column(type="datetime"),
    "back": dictionary.Column(type="datetime"),
    "answer": dictionary.Column(type="category", role="target"),
}


def run_of(add_features, columns=COLUMNS):
    return loading.Run("the run", {}, None, columns, add_features, validate.validate)


def own(rows):
    """One that a user might write: of numbers, text, truth values and dates; it changes a column too."""
    return rows.assign(
        kg=rows["kg"] * 2,
        share=rows["kg"] / rows["count"],
        name=rows["colour"].str.upper(),
        light=rows["kg"] < 3,
        week=rows["sent"].dt.to_period("W").dt.start_time,
        types=" ".join(map(str, rows.dtypes)),
        columns=" ".join(rows),
    )


def test_digest_is_that_of_the_templates_features():
    digest = hashlib.sha256(Path(inspect.getfile(of_project)).read_bytes()).hexdigest()

    assert digest == features.DEFAULTS[0], "features.py was edited: its digest belongs into service/features.py"


def test_days_between_dates_have_the_bits_of_the_templates_add_features():
    rows = drawn.drawn(COLUMNS, 500, seed=1)
    name = "days from sent to back"

    found = [features.of(run_of(of_project.add_features), ["kg", name])(cells)[name] for cells in drawn.as_cells(rows)]

    expected = of_project.add_features(rows)[name]
    assert np.array(found, dtype="float64").tobytes() == expected.to_numpy().tobytes()
    assert 50 < expected.isna().sum() < 450, "some between a date and a time of day"


def test_own_add_features_gets_the_row_as_validate_leaves_it():
    rows = drawn.drawn(COLUMNS, 40, seed=0)
    needed = ["kg", "share", "name", "light", "week", "types", "columns"]
    made = features.of(run_of(own), needed)

    for place in range(len(rows)):
        one = validate.validate(rows.iloc[[place]], COLUMNS, where="rows", target=False)[0]

        found = made(drawn.as_cells(one)[0])

        expected = own(one)
        assert list(found) == needed and expected["columns"].item() == "key kg count fast colour sent back"
        for name in needed:
            cell = expected[name].iloc[0]
            assert found[name] is None if pd.isna(cell) else found[name] == cell, (place, name)


def test_column_that_is_made_of_others_is_not_compiled():
    moment = dictionary.Column(type="datetime", moment=("sent", "back"), transformation="date parts")

    with pytest.raises(trees.NotCompiled, match="^'moment' is made of other columns$"):
        features.of(run_of(of_project.add_features, {**COLUMNS, "moment": moment}), ["kg", "moment"])


def test_date_in_another_zone_is_read_in_utc():
    assert features.as_moment("2026-01-01T01:00:00+02:00") == pd.Timestamp("2025-12-31 23:00").to_pydatetime()
