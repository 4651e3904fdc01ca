import asyncio
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import SettingsError
from data_science_project.engine.runs import promote, registry
from data_science_project.service import compiled, guard, profile, versions

from .conftest import ROW, load_runs


def test_plain_rows_with_or_without_an_id_take_the_compiled_road_and_get_the_bits_of_the_reference(version):
    rows = [ROW | {"amount": amount, "order": number} for number, amount in enumerate([51.5, 48, None])]
    unnamed = {name: cell for name, cell in ROW.items() if name != "order"}
    rows += [unnamed, unnamed | {"amount": 48}]

    fast, slow = version.fast(rows), version.reference(rows)

    assert {one.road for one in fast} == {"compiled"} and {one.road for one in slow} == {"reference"}
    assert [(one.output, one.warnings) for one in fast] == [(one.output, one.warnings) for one in slow]
    assert [list(one.output) for one in fast] == [list(one.output) for one in slow]


def test_run_whose_rows_a_data_frame_has_to_read_is_not_called_compiled(version):
    before = version.why

    version.follow({"day": replace(version.columns["day"], format="%d. %b %Y")})

    assert before == "" and version.why == "'day' has dates that are not digits alone"


def test_rows_that_validate_has_to_see_and_many_rows_take_the_reference(version):
    assert version.fast([ROW | {"amount": "51.5"}]) is None
    assert version.fast([ROW, ROW]) is None, "an id that stands twice is warned of"
    assert version.fast([ROW | {"order": number} for number in range(1000)]) is None


def test_many_plain_rows_get_the_bits_of_the_reference_without_validate(version):
    rows = [ROW | {"order": place, "amount": 30 + place if place % 9 else None} for place in range(40)]
    twice, expected = version.many([ROW, ROW]), version.reference(rows)
    object.__setattr__(version.run, "validate", None)

    assert version.many(rows) == expected
    assert "ids that stand twice" in twice[0].warnings[0]


def test_run_whose_compiled_road_gives_another_bit_is_answered_by_the_reference(project, folder, monkeypatch, caplog):
    answer = compiled.Compiled.answer

    def off(self, cells):
        found = answer(self, cells)
        return found | {"probability": np.nextafter(found["probability"], 0).item()}

    monkeypatch.setattr(compiled.Compiled, "answer", off)

    found = versions.Version(project, folder)

    assert found.compiled is None and "'probability' in" in found.why and found.why in caplog.text
    assert found.fast([ROW]) is None


def test_champion_and_the_one_before_answer_and_a_rollback_is_followed_and_said_as_an_edit_of_params(contest, caplog):
    caplog.set_level("INFO")
    new, old = (folder.name for folder in registry.folders(contest))
    newest = load_runs(contest)
    for name in (old, new):
        promote.keep(contest, name, {})
    found = load_runs(contest)

    assert list(newest.served) == [new], "no champion: the newest"
    assert list(found.served) == [new, old] and found.get("").name == new and found.get(old[-8:]).name == old
    with pytest.raises(guard.Problem, match=rf"No run 'x' .*Known, as run=: {new}, {old}"):
        found.get("x")

    promote.rollback(contest)
    with (contest.root / settings.PARAMS).open("a") as file:
        file.write("# another line\n")
    found.load()
    found.load()

    assert list(found.served) == [old, new]
    said = [record.getMessage() for record in caplog.records if record.name.endswith("versions")]
    assert said == [
        "params.toml has changed: restart the service to follow it",
        f"run {old} answers from now on, before it {new}",
    ]


def test_change_of_champion_is_followed_within_two_seconds(contest):
    new, old = (folder.name for folder in registry.folders(contest))
    promote.keep(contest, new, {})
    found = load_runs(contest)

    async def change():
        watching = asyncio.create_task(found.watch())
        await asyncio.sleep(0.1)
        promote.keep(contest, old, {})
        end = time.monotonic() + 30  # on a busy machine
        while found.get("").name != old and time.monotonic() < end:
            await asyncio.sleep(0.05)
        watching.cancel()

    asyncio.run(change())

    assert found.get("").name == old and versions.POLL < 1


def test_damaged_run_is_refused_and_the_others_go_on_also_where_it_is_promoted_while_they_answer(contest, caplog):
    new, old = (folder.name for folder in registry.folders(contest))
    promote.keep(contest, old, {})
    serving = load_runs(contest)
    (contest.models / new / registry.MODEL).write_bytes(b"damaged")
    promote.keep(contest, new, {})

    serving.load()

    for found in (serving, load_runs(contest)):
        assert found.get("").name == old and "model.pkl was changed" in found.refused[new]
    assert f"run {new} does not answer" in caplog.text


def test_data_dictionary_that_cannot_be_read_is_said_once_and_the_rules_of_before_go_on(project, caplog, until):
    found, text = load_runs(project), project.dictionary.read_text(encoding="utf-8")
    project.dictionary.write_text("[amount", encoding="utf-8")

    async def watch():
        watching = asyncio.create_task(found.watch())
        await asyncio.to_thread(until, lambda: "rules of before" in caplog.text)
        await asyncio.sleep(2 * versions.POLL)
        watching.cancel()

    asyncio.run(watch())

    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "data_dictionary.toml" in said and "rules of before" in said
    assert found.get("").fast([ROW]) and found.refused == {}
    project.dictionary.write_text(text, encoding="utf-8")
    found.load()
    assert found.get("").columns["amount"]


def test_edited_data_dictionary_counts_from_then_on_also_for_a_promoted_run_while_it_cannot_be_read(
    contest, change, refused
):
    new, old = (folder.name for folder in registry.folders(contest))
    promote.keep(contest, old, {})
    found = load_runs(contest)
    change(contest, "amount", range=(0.0, 10.0))
    found.load()
    edited = refused(found.get(""), ROW)
    contest.dictionary.write_text("[amount", encoding="utf-8")
    promote.keep(contest, new, {})

    found.load()

    assert list(found.served) == [new, old] and found.refused == {}
    assert [column for _, column, _ in edited] == ["amount"] and refused(found.get(""), ROW) == edited


def test_champion_answers_beside_the_runs_of_params_and_no_run_at_all_is_said(contest):
    new, old = (folder.name for folder in registry.folders(contest))
    named = settings.load(contest.root, [f'serve.runs=["{old}"]', f'serve.shadow=["{new[-8:]}"]'])
    found = load_runs(named)
    alone = list(found.served), list(found.shadows)
    served = []
    for champion in (new, old):
        promote.keep(contest, champion, {})
        found.load()
        served.append(list(found.served))

    assert alone == ([old], [new]) and served == [[new, old], [old]]
    with pytest.raises(SettingsError, match="There is no run"):
        versions.wanted(replace(contest, root=contest.root / "src"))


def test_request_that_would_wait_too_long_for_the_worker_is_turned_away(project, version):
    found = load_runs(project)

    async def many():
        return await asyncio.gather(*(found.answer(version, [ROW] * 5) for _ in range(60)), return_exceptions=True)

    version.compiled, found._worker._pace = None, 0.05
    outcomes = [type(one) for one in asyncio.run(many())]

    assert outcomes.count(list) >= 10 and outcomes.count(guard.Problem) >= 30


def test_slow_answers_leave_the_event_loop_to_others_until_they_are_quick_again(version):
    version._pace = 1.0

    slow = version.fast([ROW])
    version._pace = versions.IN_LOOP / 2
    quick = version.fast([ROW])

    assert slow is None and quick[0].road == "compiled"
    assert version._pace < versions.IN_LOOP / 2


def test_unusual_row_is_marked_on_both_roads_alike(version):
    rows = [ROW | {"amount": amount, "order": number} for number, amount in enumerate([51.5, 48, None])]

    version.judge.limit = np.nextafter(version.judge.row(ROW), -np.inf)
    fast, slow = version.fast(rows), version.reference(rows)

    assert [one.unusual for one in fast] == [one.unusual for one in slow]
    assert fast[0].unusual

    version.judge.limit = version.judge.row(ROW)

    assert not version.fast(rows[:1])[0].unusual and not version.reference(rows[:1])[0].unusual


def test_id_that_stands_twice_is_warned_of_and_makes_no_row_unusual(project, folder, change):
    change(project, "order", rule="warn")
    version = versions.Version(project, folder)

    alone, twice = version.reference([ROW]), version.reference([ROW, ROW])

    assert [one.unusual for one in twice] == [alone[0].unusual] * 2
    assert all("ids that stand twice" in one.warnings[0] for one in twice)


def test_run_without_reference_answers_and_calls_no_row_unusual_and_says_so_once(project, folder, caplog):
    profile.path_of(project, folder).unlink()
    project.split("train").unlink()

    found = versions.Version(project, folder)

    assert not found.fast([ROW])[0].unusual and not found.reference([ROW])[0].unusual
    assert caplog.text.count("is compared with no training data") == 1


def test_run_answers_by_the_reference_where_private_names_of_libraries_are_gone(contest, monkeypatch, caplog):
    for name in ("sklearn.ensemble._hist_gradient_boosting._predictor", "scipy.sparse._sparsetools"):
        monkeypatch.setitem(sys.modules, name, None)

    version = load_runs(contest).get("")

    assert version.compiled is None and version.judge is None
    assert "knows no unusual rows" in caplog.text
