import numpy as np
import openpyxl
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
    assert rows[1] == ["9007199254740993", 0.1, True, "=1+1 <a & b>\x0b", "2026-01-02 00:00:00"]
    assert rows[2] == [7, "", False, "Müller: +0.21", ""]
    assert path.read_bytes() == before


def test_header_is_bold_and_in_sight_with_a_filter_and_columns_are_as_wide_as_they_need(tmp_path):
    path = tmp_path / "list.xlsx"
    table = pd.DataFrame({"a <b>": ["x" * 30, "y"], "p": [0.123456789, 12.5], "long": ["z" * 500, ""]})

    workbook.write(path, table)

    sheet = openpyxl.load_workbook(path).active
    assert [cell.value for cell in sheet[1]] == [*table] and [cell.font.b for cell in sheet[1]] == [True] * 3
    assert not sheet["A2"].font.b and sheet["B2"].number_format == "[<=-10]General;[<10]0.0000;General"
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:C3")
    narrow, wide = (sheet.column_dimensions[name].width for name in "BC")
    assert narrow < 15 < 55 < wide < 65


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 2)

    with pytest.raises(SettingsError, match="3 rows: a sheet of Excel holds 2"):
        workbook.write(tmp_path / "list.xlsx", pd.DataFrame({"a": [1, 2, 3]}))


def test_text_that_no_cell_holds_is_cut_and_said_and_a_file_that_cannot_be_made_is_an_error_of_the_system(
    tmp_path, caplog
):
    workbook.write(tmp_path / "list.xlsx", pd.DataFrame({"note": ["x" * 40_000, "short"]}))

    assert "1 cells have more than 32767 characters" in caplog.text
    with pytest.raises(FileNotFoundError):
        workbook.write(tmp_path / "nowhere" / "list.xlsx", pd.DataFrame({"note": ["short"]}))
