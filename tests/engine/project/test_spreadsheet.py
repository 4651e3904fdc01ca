import numpy as np
import openpyxl
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from data_science_project.engine.project import spreadsheet
from data_science_project.engine.project.errors import SettingsError


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

    spreadsheet.write_workbook(path, table)
    before = path.read_bytes()
    spreadsheet.write_workbook(path, table)

    rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert rows[0] == list(table)
    assert rows[1] == ["9007199254740993", 0.1, True, "=1+1 <a & b>\x0b", "2026-01-02 00:00:00"]
    assert rows[2] == [7, "", False, "Müller: +0.21", ""]
    assert path.read_bytes() == before


def test_header_is_bold_and_in_sight_with_a_filter_and_columns_are_as_wide_as_they_need(tmp_path):
    path = tmp_path / "list.xlsx"
    table = pd.DataFrame({"a <b>": ["x" * 30, "y"], "p": [0.123456789, 12.5], "long": ["z" * 500, ""]})

    spreadsheet.write_workbook(path, table)

    sheet = openpyxl.load_workbook(path).active
    assert [cell.value for cell in sheet[1]] == [*table] and [cell.font.b for cell in sheet[1]] == [True] * 3
    assert not sheet["A2"].font.b and sheet["B2"].number_format == "[<=-10]General;[<10]0.0000;General"
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:C3")
    narrow, wide = (sheet.column_dimensions[name].width for name in "BC")
    assert narrow < 15 < 55 < wide < 65


def test_more_rows_than_a_sheet_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 2)

    with pytest.raises(SettingsError, match="3 rows: a sheet of Excel holds 2"):
        spreadsheet.write_workbook(tmp_path / "list.xlsx", pd.DataFrame({"a": [1, 2, 3]}))


def test_text_that_no_cell_holds_is_cut_and_said_and_a_folder_that_is_gone_is_an_error_of_the_system(tmp_path, caplog):
    spreadsheet.write_workbook(tmp_path / "list.xlsx", pd.DataFrame({"note": ["x" * 40_000, "short"]}))

    assert "1 cells have more than 32767 characters" in caplog.text
    with pytest.raises(FileNotFoundError):
        spreadsheet.write_workbook(tmp_path / "nowhere" / "list.xlsx", pd.DataFrame({"note": ["short"]}))
