import numpy as np
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from data_science_project.engine.project import workbook
from data_science_project.engine.project.errors import SettingsError


def test_workbook_holds_numbers_truth_and_text_as_they_are_and_computes_nothing(tmp_path):
    path = tmp_path / "list.xlsx"
    table = pd.DataFrame(
        {
            "id": [9007199254740993, 7],
            "share": [0.1, np.nan],
            "sure": [True, False],
            "reasons": ["=1+1 <a & b>\x0b", "Müller: +0.21"],
            "day": pd.to_datetime(["2026-01-02", None]),
        }
    )

    workbook.write(path, table)
    before = path.read_bytes()
    workbook.write(path, table)

    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert rows[0] == list(table)
    assert rows[1] == ["9007199254740993", 0.1, True, "=1+1 <a & b>", "2026-01-02 00:00:00"]
    assert rows[2] == [7, "", False, "Müller: +0.21", ""]
    assert path.read_bytes() == before


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)

    with pytest.raises(SettingsError, match="3 rows: a sheet of Excel holds 2"):
        workbook.write(tmp_path / "list.xlsx", pd.DataFrame({"a": [1, 2, 3]}))
