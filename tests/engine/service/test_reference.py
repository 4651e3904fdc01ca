import json
from dataclasses import replace

from data_science_project.engine.columns.dictionary import Column
from data_science_project.engine.columns.violations import Violation
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import answers, model, registry
from data_science_project.service import reference, versions, words

from .conftest import ROW


def test_rows_of_json_get_the_bits_and_columns_of_make_predict(project, version):
    rows, _ = answers.read_rows(project, version.run, project.root / "table.csv", project.root / "aside.csv")
    expected = answers.answer(version.run, rows).drop(columns=["order", "run"])
    cells = [json.loads(row.to_json()) for _, row in rows.assign(day=rows["day"].dt.strftime("%Y-%m-%d")).iterrows()]

    found = version.reference(cells)

    assert [one.output for one in found] == expected.to_dict("records")
    assert [one.output for one in version.reference(cells[7:8])] == [found[7].output]
    assert {one.road for one in found} == {"reference"}


FEATURES = """
def add_features(rows):
    day = rows["day"].where(rows["amount"].notna()).dt.date
    late = (rows["amount"].convert_dtypes() > 50).astype("boolean")
    return rows.assign(day_of=day, hue=rows["colour"].astype("string"), late=late)
"""


def test_row_alone_gets_the_bits_of_the_file_on_every_road_whatever_types_add_features_makes(project, anew):
    (project.package / "features.py").write_text(FEATURES)
    assert anew(project.root, "train").exit_code == 0
    (folder,) = set(registry.folders(project)) - {min(registry.folders(project))}
    run = registry.read(folder)["features"]
    assert "day_of" in run["date parts"] and "hue" in run["one-hot"] and "late" in run["number"]
    version, loaded = versions.Version(project, folder), model.load(folder.name)
    rows, _ = answers.read_rows(project, version.run, project.root / "table.csv", None)

    expected = answers.answer(version.run, rows).drop(columns=["order", "run"]).to_dict("records")

    days = rows.assign(day=rows["day"].dt.strftime("%Y-%m-%d"))
    for place in (0, 5, 7, 10):  # of 0 and 10 the new date is missing, of 5 the colour
        cells = json.loads(days.iloc[place].to_json())
        said = loaded.predict(rows.iloc[[place]], held_out=False).iloc[0]
        assert version.reference([cells])[0].output == expected[place] == version.many([cells])[0].output
        assert {name: said[name] for name in expected[place]} == expected[place]
    assert version.compiled is not None, version.why
    assert version.fast([cells])[0].output == expected[place]


def test_date_of_a_moment_breaks_the_rules_of_the_moment():
    day, at = (Column(type="datetime", role="ignored", rule="refuse") for _ in range(2))
    broken = Violation("day", "cells that are not a datetime", "Fix them", (0,))
    columns = {"day": day, "at": at, "when": Column(type="datetime", rule="warn", moment=("day", "at"))}
    warning = "rows: column 'day' has cells that are not a datetime"

    assert reference.is_odd(columns, broken) and words.broken(columns, [warning]) == ["day"]
    assert not reference.is_odd({"day": replace(day, rule="warn")}, broken), "no model sees it"


def test_warnings_of_a_row_are_those_it_gets_alone_and_hold_no_cell_of_any(project, folder, change):
    change(project, "colour", rule="warn")
    change(project, "shop", values=("shop A", "shop B"), rule="warn")
    change(project, "amount", rule="treat as missing", range=(0.0, 60.0))
    version = versions.Version(project, folder)
    odd = [{"colour": "<b>Ada</b>"}, {"colour": "=Bob"}, {"shop": "SHOP B"}, {"shop": "Shop a"}, {"amount": 61}, {}]
    odd += [{"amount": "much, read as missing"}, {"amount": 1e300}, {"x": 1, "y": 2}, {"y": 1, "x": 2}]
    odd += [{"day": "2026-02-01T10:00+01:00"}]
    odd.append({"colour": "=Eva", "shop": "SHOP B"})  # a harmless warning after the other
    rows = [ROW | {"order": place} | cells for place, cells in enumerate(odd)]

    found, alone = version.reference(rows), [version.many([row])[0] for row in rows]

    assert [one.warnings for one in found] == [one.warnings for one in alone]
    assert [one.unusual for one in found] == [one.unusual for one in alone]
    assert found[0].unusual and found[11].unusual and not found[5].unusual, "it breaks a rule that only warns"
    amount, shop = "rows: column 'amount' has ", "rows: column 'shop' has words written otherwise"
    assert found[0].warnings == found[1].warnings == ["rows: column 'colour' has unknown categories"]
    assert found[2].warnings == found[3].warnings == [shop]
    assert found[4].warnings == [f"{amount}values outside 0 ... 60, read as missing"] and found[5].warnings == []
    assert found[6].warnings == [f"{amount}cells that are not a number, read as missing"]
    assert found[10].warnings == ["rows: column 'day' has times with a zone turned into UTC"] and not found[10].unusual
    assert found[7].warnings == [f"{amount}numbers beyond 3.4e+38, read as missing"]


def test_cell_reads_the_same_alone_and_beside_cells_of_other_types():
    columns = {"code": Column(type="category"), "x": Column(type="number")}
    rows = [{"code": 1, "x": 1}, {"code": None, "x": None}, {"code": 2**60 + 1, "x": 2.5}, {"code": 1.5, "x": 2**2000}]

    code, x = (reference.series(name, columns, rows) for name in columns)

    assert code.tolist() == [1, None, 2**60 + 1, 1.5] and x.tolist() == [1, None, 2.5, 2**2000]
    assert reference.series("x", columns, rows[:3]).dtype == "float64"


def test_rows_with_other_columns_each_are_answered_as_alone_those_with_the_same_known_ones_together(version):
    more = [ROW | {f"more {place}": 1, "order": place, "amount": 40 + place} for place in range(4)]
    rows = [*more, without(ROW, "order"), without(ROW, "order") | {"more": 1, "amount": 30}]
    alone = [version.reference([row])[0] for row in rows]
    calls, version.kinds = listened(version), 2

    found = version.reference(rows)

    assert [(one.output, one.warnings) for one in found] == [(one.output, one.warnings) for one in alone]
    assert [size for _, size in calls] == [4, 2], "columns that nobody knows part no rows"


def test_name_in_other_code_points_is_known_beside_a_row_that_has_it_in_its_own(version):
    learned = version.run.columns | {"caf\u00e9": Column(type="integer", role="id")}
    object.__setattr__(version.run, "columns", learned)
    version.follow({})

    found = version.reference([ROW | {"caf\u00e9": 1}, ROW | {"cafe\u0301": 2}])

    assert found[0].warnings == [] and "other code points" in found[1].warnings[0]


def test_violations_of_rows_with_other_columns_each_are_those_of_each_alone(version, refused):
    soon = without(ROW | {"day": "soon"}, "order")
    rows = [ROW, without(ROW, "day", "colour"), ROW | {"amount": -5, "more": 1}, soon]
    alone = [(place, *said[1:]) for place, row in enumerate(rows[1:], start=2) for said in refused(version, row)]

    found = refused(version, *rows)

    assert found == alone and [one[:2] for one in found] == [(2, "colour"), (2, "day"), (3, "amount"), (4, "day")]


def test_own_add_features_sees_no_column_that_the_row_does_not_have(version, project):
    calls = listened(version)
    version.follow({})  # it is not the template's any more

    version.reference([ROW, without(ROW, "order"), ROW | {"more": 1}])

    assert [("order" in names, size) for names, size in calls] == [(True, 2), (False, 1)]


def test_request_of_too_many_kinds_of_rows_is_refused(version, project, refused):
    listened(version)
    version.follow({})
    version.kinds = 1

    assert "2 different sets of columns" in refused(version, ROW, without(ROW, "order"))[0][2]


def test_items_are_parted_by_the_mark_that_the_run_learned_whatever_the_dictionary_has_now(version):
    learned = Column(type="list", separator=";", values=("red", "vip"))
    object.__setattr__(version.run, "columns", version.run.columns | {"tags": learned})

    version.follow({"tags": replace(learned, separator="|", values=("red",))})

    assert version.separators == {"tags": ";"}
    assert (version.columns["tags"].separator, version.columns["tags"].values) == (";", ("red",))


def test_verbs_answer_rows_of_more_kinds_than_a_request_may_have(project, folder):
    found = reference.Reference(project, folder, judged=False)
    calls, ids = listened(found), {f"id {bit}": Column(type="integer", role="id") for bit in range(5)}
    object.__setattr__(found.run, "columns", found.run.columns | ids)
    found.follow({})
    rows = [ROW | {name: kind for bit, name in enumerate(ids) if kind >> bit & 1} for kind in range(32)]

    assert len(found.reference(rows)) == len(calls) == 32 > reference.COLUMN_SETS


def without(row, *names):
    """A row that lacks columns."""
    return {name: cell for name, cell in row.items() if name not in names}


def listened(version):
    """The columns that `add_features` of a run sees from now on, and in how many rows, by call."""
    calls, add_features = [], version.run.add_features

    def listening(rows):
        calls.append(([*rows], len(rows)))
        return add_features(rows)

    object.__setattr__(version.run, "add_features", listening)
    return calls


def test_text_alone_is_told_of_a_run_whose_copy_does_not_tell_the_cells(version, refused):
    def older(frame, columns, *, where, target):
        raise DataError("rows: column 'amount' has values")

    object.__setattr__(version.run, "validate", older)

    assert refused(version, ROW) == [(None, "", "rows: column 'amount' has values")]
