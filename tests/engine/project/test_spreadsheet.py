import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.project import spreadsheet


@pytest.mark.parametrize(
    "cell", ["=1+1", '=HYPERLINK("x")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-a", "=", "+49 1"]
)
def test_text_that_begins_like_a_formula_gets_an_apostrophe(tmp_path, cell):
    table = pd.DataFrame({"id": [cell, "plain"], "n": [-1.5, 2]})

    changed = spreadsheet.write(tmp_path / "out.csv", table)

    assert changed == 1
    assert pd.read_csv(tmp_path / "out.csv", lineterminator="\n")["id"].tolist() == [f"'{cell}", "plain"]
    assert table["id"].tolist() == [cell, "plain"]


@pytest.mark.parametrize(
    "cells", [["-1", "+1.5", "-2e-3", "-1,5"], [-1, 2], [-0.5, np.nan], [True, False], ["a=b", "a-b"], ["-", "--"]]
)
def test_numbers_also_those_in_text_and_other_words_stay(tmp_path, cells):
    table = pd.DataFrame({"x": cells})

    changed = spreadsheet.write(tmp_path / "out.csv", table)

    assert changed == 0
    assert (tmp_path / "out.csv").read_text() == table.to_csv(index=False)


def test_names_of_columns_categories_and_mixed_cells_are_looked_at_too(tmp_path):
    table = pd.DataFrame({"=x": pd.Categorical(["@a", "b"]), "mixed": pd.Series(["=1", 1], dtype=object)})

    changed = spreadsheet.write(tmp_path / "out.csv", table)

    assert changed == 3
    assert (tmp_path / "out.csv").read_text().splitlines() == ["'=x,mixed", "'@a,'=1", "b,1"]
