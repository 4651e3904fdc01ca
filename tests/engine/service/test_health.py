import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import dictionary
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import promote, registry
from data_science_project.service import health
from data_science_project.service.settings import Monitor
from data_science_project.service.words import PAGES

TURNED = {"yes": "no", "no": "yes"}


@pytest.fixture
def batch(project, made_table, tmp_path):
    """A file of the table, 240 rows, with columns replaced."""

    def write(**columns):
        twice = pd.concat([made_table, made_table.assign(order=made_table["order"] + 500)], ignore_index=True)
        twice["amount"] = twice["amount"] + np.linspace(0, 0.01, len(twice))  # so that no row comes twice
        twice.assign(**columns).to_csv(tmp_path / "batch.csv", index=False)
        return tmp_path / "batch.csv"

    return write


@pytest.fixture
def window_of(project, folder, batch):
    """What the run says of a file of the table, as it is after a `change`, with columns replaced."""

    def answer(change=None, **columns):
        path = batch(**columns)
        if change:
            change(pd.read_csv(path)).to_csv(path, index=False)
        return health.of_file(project, folder, path)

    return answer


@pytest.fixture
def looked(window_of):
    """What is said of such a file."""
    return lambda *change, **columns: health.health(window_of(*change, **columns), Monitor())


def page_of(found):
    return " ".join(PAGES.get_template("monitor.html").render(health=found, caveat="").split())


def test_file_like_the_training_raises_no_alarm_and_is_scored_by_its_target(looked):
    found = looked()

    assert found.alarms == [] and "None moved" in page_of(found) and "come first" not in page_of(found)
    assert (found.window.looked, found.told, len(found.counted)) == (240, 240, 240)
    assert {one.column for one in found.shifts} >= {"amount", "colour", "predictions: probability_yes"}
    assert [metric for before, after in found.scores for metric in [after.metric]][:2] == ["roc_auc", "accuracy"]


def test_moved_column_is_an_alarm_of_one_line_that_names_it_and_says_what_to_do(looked):
    found = looked(colour="blue")

    (line,) = [line for line in found.alarms if "'colour'" in line]
    assert "blue in 100.0\u00a0% of the filled cells, in training" in line
    assert "like that now: add rows with their truth to the source, then make train" in line and "\n" not in line
    assert "None moved" not in page_of(found) and "Those that moved come first." in page_of(found)


def test_cells_that_break_every_rule_are_looked_at_and_not_refused(looked, change, project):
    change(project, "amount", range=(0.0, 100.0))

    lines = [looked(amount=make(1e3, 1e6, 240)).alarms for make in (np.geomspace, np.linspace)]

    spread, scaled = (line for found in lines for line in found if line.startswith("drift: 'amount'"))
    assert "240 values outside 0 ... " in spread and "if the world is like that" in spread, "it may have moved"
    assert "widen 'range' of [amount] in references/data_dictionary.toml" in spread
    assert "another unit?; 240 values outside 0" in scaled and scaled.endswith("knows neither.")
    assert "make" not in scaled and "widen" not in scaled, "nobody learns from, or allows, two units"
    others = [line for line in lines[1] if line != scaled]
    assert others and not any("make train" in line for line in others)


def test_rows_of_a_file_that_break_a_rule_that_only_warns_are_unusual_as_in_the_log_and_no_other_rule_is_named(
    project, change, window_of, looked
):
    change(project, "colour", rule="warn")
    before, colour = window_of().rows["unusual"], ["mauve"] * 200 + ["red"] * 40

    rows = window_of(colour=colour).rows
    found = looked(colour=colour, amount=["much"] * 240, order=[f"no {place}" for place in range(240)])

    (line,) = [line for line in found.alarms if line.startswith("unusual")]
    assert "break a rule that warns: 'colour' has 200 unknown categories, like 'mauve'" in line
    assert "'amount'" not in line and "'order'" not in line
    assert rows["unusual"][:200].all() and rows["unusual"][200:].sum() <= before.sum()


def test_range_of_today_counts_for_a_file_as_for_the_log(window_of, change, project, folder):
    change(project, "amount", range=(0.0, 60.0), rule="warn")
    columns = dictionary.load(project.dictionary)

    (found,) = health.broken(window_of(amount=np.linspace(50.0, 70.0, 240)))
    _, broken = health.typed(pd.DataFrame({"amount": np.linspace(50.0, 70.0, 240)}), columns)

    assert found == f"'amount' has {len(broken['amount'].rows)} {broken['amount'].problem}"
    assert "outside 0 ... 60" in found


def test_numbers_of_a_file_in_other_marks_are_read_as_predict_reads_them(window_of):
    window = window_of(amount=[f"{place % 100},5" for place in range(240)])

    assert (
        window.cells["amount"].tolist() == [place % 100 + 0.5 for place in range(240)] and "amount" not in window.broken
    )


def test_damaged_lines_of_a_file_are_counted_out_loud(project, folder, batch, package_log, caplog):
    path = batch()
    path.write_text(path.read_text() + "9,8,7,6,5,4,3,2,1\n")

    assert len(health.of_file(project, folder, path).rows) == 240
    assert "1 line of batch.csv is in no row, and not looked at: line 242" in caplog.text


def test_sheet_whose_dropped_column_holds_formulas_without_results_is_looked_at(project, folder, batch, tmp_path):
    sheet = pd.read_csv(batch()).assign(total="=A1+1")
    sheet.to_excel(tmp_path / "batch.xlsx", index=False)
    dropping = settings.load(project.root, overrides=['data.drop=["total"]'])

    assert len(health.of_file(dropping, folder, tmp_path / "batch.xlsx").rows) == 240


def test_cells_that_cannot_be_read_are_named_beside_the_column_with_their_cure(looked, package_log, caplog):
    package_log.propagate = True
    caplog.set_level("INFO", logger=health.log.name)

    found = looked(amount=[f"{place} EUR or so" for place in range(240)])

    (line,) = [line for line in found.alarms if "'amount'" in line]
    assert "in 100.0\u00a0% of the rows" in line and "240 cells that are not a number, like '0 EUR or so'" in line
    assert "say how to read them" in line and "make retrain" not in line
    assert "in [amount] in references/data_dictionary.toml" in line
    assert "'amount' has cells that are not a number" in caplog.text


def test_truths_of_a_file_that_are_none_are_counted_out_loud(looked, made_table, package_log, caplog):
    found = looked(answer=["maybe"] * 60 + [*made_table["answer"], *made_table["answer"]][60:])

    assert found.told == 180
    assert "60 of 240 truths count for nothing: 'maybe' is no class of 'answer' (no, yes)" in caplog.text


def test_row_that_is_sent_all_day_counts_once_for_expected_score_labels_and_unusual_rows(window_of):
    window = window_of(lambda rows: pd.concat([rows.head(100), *[rows.head(1)] * 900]))
    window.rows["unusual"] = np.arange(1000) % 100 == 0

    found = health.health(window, Monitor())

    assert {one.rows for pair in found.scores for one in pair if one} == {100} == {found.told}
    assert found.few == 0
    assert [line for line in found.alarms if line.startswith(("unusual", "score"))] == []


def test_fewer_different_rows_than_are_judged_are_said_to_be_few(looked):
    found = looked(lambda rows: pd.concat([rows.head(40), *[rows.head(1)] * 60]))

    assert (found.window.looked, len(found.counted), found.few) == (100, 40, 50)
    assert found.shifts is not None and not any(before for before, _ in found.scores)


def test_labels_of_the_newest_answers_are_measured_counted_and_dated_and_weeks_are_of_all(project, folder, batch):
    costly = settings.load(project.root, ["decision.cost_false_positive=1", "decision.cost_false_negative=9"])
    window = health.of_file(costly, folder, batch())
    told = pd.concat([window.told] * 11, ignore_index=True)
    days = 1.7e9 - 86400 * (np.arange(2640) // 100)
    window = replace(window, told=told.assign(id=range(2640), time=days))

    found = health.health(window, Monitor())

    assert {after.rows for _, after in found.scores if after} == {1000} == {found.told}
    assert sum(map(sum, found.confusion)) == 1000
    assert sum(one.rows for _, one in found.weeks) == 2640
    page = PAGES.get_template("monitor.html").render(health=found, caveat="", source="the log")
    accuracy = window.record["metrics"]["dev"]["accuracy"]
    assert "truth was told, 2023-11-05 to 2023-11-14; expected" in page
    level = "yes from a probability of 10.0\u00a0% on, as [decision] has it"
    assert f"{level} (accuracy when chosen: {accuracy:.3f})" in page


@pytest.fixture
def labelled(window_of):
    """What is said of a window whose labels are of so many weeks, the newest first: how many, and whether turned."""
    window = window_of()

    def look(*weeks):
        rows = []
        for place, (count, turned) in enumerate(weeks):
            part = window.told.sample(count, replace=True, random_state=place).assign(time=1.7e9 - 7 * 86400.0 * place)
            rows.append(part.assign(truth=part["truth"].map(TURNED)) if turned else part)
        told = pd.concat(rows, ignore_index=True)
        return health.health(replace(window, told=told.assign(id=range(len(told)))), Monitor()).alarms

    return look


def test_alarms_about_a_file_advise_what_sees_it_and_name_no_day_of_its_rows(looked, made_table):
    turned = made_table["answer"].map(TURNED)

    moved, other = looked(colour="blue", amount=1e6).alarms, looked(answer=[*turned, *turned])
    said = [*moved, *other.alarms]

    assert {line.split(":")[0] for line in moved} >= {"drift"} and other.alarms and other.weeks == []
    assert not [line for line in said if re.search("make retrain|/label|answered 20|what was told", line)]
    (about,) = [line for line in moved if "'colour'" in line]
    assert "to the source, then make" in about


def test_week_in_which_the_target_turned_is_an_alarm_and_an_incident_that_is_over_is_none(labelled):
    found = labelled((120, True), *[(300, False)] * 4)

    assert found and all("measured on labels (120 rows answered 2023-11-14 to 2023-11-14)" in line for line in found)
    assert labelled((60, True), (60, True), *[(300, False)] * 4), "weeks of few labels are put together"
    assert labelled(*[(300, False)] * 5) == []
    assert labelled((100, False), (300, True), (300, False)) == []
    assert labelled(*[(500, False)] * 2, (500, True)) == []


def test_target_that_means_the_opposite_is_seen_by_labels_and_not_without(looked, made_table):
    turned = made_table["answer"].map(TURNED)

    found = looked(answer=[*turned, *turned])

    assert [line[:5] for line in found.alarms] == ["score", "score"]
    assert all("measured on labels" in line and "0." in line for line in found.alarms)
    assert all("are the labels turned?" in line and "Train with what was told" not in line for line in found.alarms)


def test_numbers_beyond_those_of_the_training_are_named_beside_the_expected_score(looked):
    far, near, long = looked(amount=1e6), looked(colour="blue"), looked(note="a word " * 500)

    page = page_of(far)
    assert "learned from: 100.0 % of amount. How far off its answers are there is not known" in page
    assert page.index("No labels".lower()) < page.index("100.0 % of amount.") < page.index("Does it see other rows")
    assert all("nearly all that the run learned from" not in page_of(one) for one in (near, long, looked()))


def test_column_of_texts_that_moved_says_that_its_letters_are_counted(looked):
    (line,) = [line for line in looked(note="so long a note that no other was as long").alarms if "'note'" in line]

    assert line.startswith("drift: 'note': number of letters: median 40, in training ")


def test_file_without_its_target_is_expected_to_be_as_right_as_the_training(looked):
    found = looked(answer=None)

    assert found.told == 0 and found.alarms == []
    assert found.scores and all(after is None and one.low <= one.then + 0.1 for one, after in found.scores)


def test_run_that_cannot_be_compared_is_an_alarm(window_of):
    window = replace(window_of(colour="blue"), reference=None)

    found = health.health(window, Monitor())

    assert found.alarms[0].startswith(
        "not watched: the run has no reference that can be read, nor can one be made here"
    )
    assert "Alarms: " in page_of(found) and "Not compared yet" not in page_of(found)


def test_too_few_rows_are_not_compared_and_it_is_said(window_of):
    window = window_of(lambda rows: rows.head(49))
    window.rows["unusual"] = True

    found = health.health(window, Monitor())

    assert (found.few, found.shifts, found.alarms) == (50, None, [])


def test_rollback_is_advised_of_the_champion_where_another_stood_before(project, folder, contest):
    assert not health.has_before(project, folder)

    first, second = registry.folders(contest)
    for one in (first, second):
        promote.keep(contest, one.name, {"forced": "because", "gate": []})

    assert health.has_before(contest, second) and not health.has_before(contest, first)


def test_file_that_lacks_a_column_is_refused_by_name_and_one_without_rows_too(window_of):
    with pytest.raises(DataError, match="amount"):
        window_of(lambda rows: rows.drop(columns="amount"))
    with pytest.raises(DataError, match="no rows"):
        window_of(lambda rows: rows.head(0))


def test_logged_rows_are_typed_and_cells_that_were_not_sent_are_missing(folder):
    columns = dictionary.load(folder / registry.DICTIONARY)

    found, _ = health.typed(pd.DataFrame([{"amount": "3.5", "x": 1}, {"colour": "red"}]), columns)

    assert found["amount"].tolist()[0] == 3.5 and found["amount"].isna().tolist() == [False, True]
    assert found["colour"].tolist()[1] == "red" and found["day"].isna().all()
