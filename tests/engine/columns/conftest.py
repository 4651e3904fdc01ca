"""What is found out about one column."""

import pandas as pd
import pytest

from data_science_project.engine.columns import infer


@pytest.fixture
def describe():
    """The dictionary's entry of a column of these cells, and what was decided about it."""

    def infer_one(cells, read=None, name="x", **options):
        answer = ["a", "b"] * (len(cells) // 2) + ["a"] * (len(cells) % 2)
        frame = pd.DataFrame({name: pd.Series(cells), "y": answer})
        columns, decisions = infer.infer(frame, target="y", read=read or {}, **options)
        return columns[name], "\n".join(decisions)

    return infer_one
