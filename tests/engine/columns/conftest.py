"""What is found out about one column, and what becomes of its cells."""

import pandas as pd
import pytest

from data_science_project.engine.columns import dictionary, infer, validate


@pytest.fixture
def one():
    """The typed column `x` of the file new.csv, and the warnings; keywords are what is known of it."""

    def typed(cells, *, first_row=1, **about):
        column = dictionary.Column(**{"rule": "warn", "type": "text", **about})
        frame = pd.DataFrame({"x": pd.Series(cells)})
        found, warnings = validate.validate(frame, {"x": column}, where="new.csv", first_row=first_row)
        return found["x"], warnings

    return typed


@pytest.fixture
def describe():
    """The dictionary's entry of a column of these cells, and what was decided about it."""

    def infer_one(cells, read=None, name="x", **options):
        answer = ["a", "b"] * (len(cells) // 2) + ["a"] * (len(cells) % 2)
        frame = pd.DataFrame({name: pd.Series(cells), "y": answer})
        columns, decisions = infer.infer(frame, target="y", read=read or {}, **options)
        return columns[name], "\n".join(decisions)

    return infer_one
