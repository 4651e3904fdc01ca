"""Fetching: a colleague has the same runs, raw data and champion, and nothing of theirs is lost."""

import shutil

import pytest

from data_science_project import pipeline
from data_science_project.engine.project import artefact, records, settings
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.runs import pull, push, registry, store
from data_science_project.engine.steps import fresh


def contents(folder):
    """The files of a folder by name, but for bytecode, which Python writes beside code that it has imported."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def evaluated(project, folder, uses):
    """What `evaluate` does to a record."""
    record = registry.read(folder)
    registry.write(folder, {**record, "metrics": {**record["metrics"], "test": {"uses": uses}}})


def promoted(project, *names):
    """What `promote` writes, without its gate."""
    history = [{"run": name, "time": "2026-11-01T00:00:00+00:00"} for name in names]
    about = records.sealed({"champion": names[-1], "history": history})
    artefact.write_json(project.models / registry.CHAMPION, about)


def test_colleague_has_the_same_run_and_raw_data_and_need_not_train(project, colleague, team):
    push.run(project)

    new = pull.run(colleague)

    (run,), (theirs,) = registry.folders(project), registry.folders(colleague)
    assert [path.parent.name for path in new] == ["raw", "models"]
    assert contents(theirs) == contents(run)
    assert contents(colleague.root / "data/raw") == {
        name: content for name, content in contents(project.root / "data/raw").items() if name != "current.json"
    }
    assert pipeline.make(colleague, "train") == [theirs / registry.RECORD]


def test_raw_files_that_were_pulled_are_read_only(project, colleague, team):
    push.run(project)

    pull.run(colleague)

    modes = {path.stat().st_mode & 0o777 for path in (colleague.root / "data/raw").glob("*/*")}
    assert modes == {0o444}


def test_second_push_and_second_pull_do_nothing(project, colleague, team):
    push.run(project)
    pull.run(colleague)
    before = {path: path.stat().st_mtime_ns for path in team.rglob("*")}

    assert push.run(project) == []
    assert pull.run(colleague) == []
    assert {path: path.stat().st_mtime_ns for path in team.rglob("*")} == before


def test_pull_that_was_broken_off_goes_on_with_what_it_has(project, colleague, team, monkeypatch):
    push.run(project)
    get, asked = store.Store.get, []

    def break_off(self, place, path):
        if len(asked) == 20:
            raise KeyboardInterrupt
        asked.append(place)
        get(self, place, path)

    monkeypatch.setattr(store.Store, "get", break_off)
    with pytest.raises(KeyboardInterrupt):
        pull.run(colleague)
    monkeypatch.setattr(store.Store, "get", lambda self, *words: (asked.append(words[0]), get(self, *words)))

    pull.run(colleague)

    files = [place for place in asked if place.startswith("files/")]
    assert registry.folders(colleague) and len(files) == len(set(files))
    assert not (colleague.root / ".cache/pulled").exists()


def test_one_run_brings_the_dump_that_it_was_made_from_and_no_other(project, colleague, team):
    (project.root / "table.csv").write_text("order,answer\n1,yes\n2,no\n")
    pipeline.raw_files(fresh.Work(project, records.Digests(project.root), {"accept": True}))
    push.run(project)
    (folder,) = registry.folders(project)

    new = pull.run(colleague, folder.name[-8:])

    (file,) = registry.raw_files(colleague, registry.read(folder)).values()
    assert len(list(team.glob("data/raw/*"))) == 2
    assert new == [file.parent, colleague.models / folder.name]


def test_scores_of_a_later_evaluation_are_a_new_version_beside_the_old(project, colleague, team):
    (folder,) = registry.folders(project)
    push.run(project)
    pull.run(colleague)
    (first,) = (team / "models" / folder.name).iterdir()
    before = first.read_bytes()
    evaluated(project, folder, 1)

    push.run(project)
    pull.run(colleague)

    versions = sorted(path.name[:6] for path in (team / "models" / folder.name).iterdir())
    assert versions == ["run-1-", "run-2-"] and first.read_bytes() == before
    assert contents(colleague.models / folder.name) == contents(folder)


def test_record_with_changes_of_your_own_stays(project, colleague, team, caplog):
    (folder,) = registry.folders(project)
    push.run(project)
    pull.run(colleague)
    evaluated(project, folder, 1)
    push.run(project)
    mine = colleague.models / folder.name
    evaluated(colleague, mine, 7)

    assert pull.run(colleague) == []
    assert registry.read(mine)["metrics"]["test"] == {"uses": 7}
    assert "changes that the store does not know" in caplog.text


def test_champion_is_the_team_s(contest, tmp_path, team):
    from data_science_project.engine.runs import promote

    best = max(registry.folders(contest), key=lambda path: registry.read(path)["model"]["name"] == "linear")
    pipeline.promote(contest, best)
    push.run(contest)
    other = tmp_path / "other"
    shutil.copytree(contest.root, other, symlinks=True, ignore=shutil.ignore_patterns("models", ".cache"))

    pull.run(settings.load(other))

    assert registry.champion(settings.load(other)).name == best.name


def test_champion_that_two_changed_is_neither_pushed_over_nor_pulled_over(project, colleague, team, caplog):
    name = registry.folders(project)[0].name
    promoted(project, name)
    push.run(project)
    pull.run(colleague)
    promoted(project, name, name)
    push.run(project)
    promoted(colleague, name, "other")
    mine = (colleague.models / registry.CHAMPION).read_bytes()
    with pytest.raises(DataError, match="was changed meanwhile"):
        push.run(colleague)
    pull.run(colleague)

    assert (colleague.models / registry.CHAMPION).read_bytes() == mine
    assert "yours was changed too: yours stays" in caplog.text


def test_one_run_alone_brings_the_champion_if_that_is_it_and_else_says_who_it_is(project, colleague, team, caplog):
    name = registry.folders(project)[0].name
    promoted(project, name)
    push.run(project)
    shutil.copytree(colleague.root, colleague.root.with_name("third"))
    third = settings.load(colleague.root.with_name("third"))

    pull.run(colleague, name)
    shutil.rmtree(third.models, ignore_errors=True)
    with store.opened(third) as origin:
        taken = pull.take_champion(third, origin)

    assert registry.champion(colleague).name == name
    assert not taken and f"the team's champion {name} is not here" in caplog.text


def test_files_that_are_missing_here_come_back_and_changed_ones_are_named(project, colleague, team):
    push.run(project)
    pull.run(colleague)
    (folder,) = registry.folders(colleague)
    (raw,) = (colleague.root / "data/raw").glob("*/*.csv")
    whole = contents(folder), raw.read_bytes()
    (folder / registry.MODEL).unlink()
    raw.unlink()

    new = pull.run(colleague)

    assert (contents(folder), raw.read_bytes()) == whole and set(new) == {folder, raw.parent}
    assert raw.stat().st_mode & 0o777 == 0o444
    (folder / registry.MODEL).write_bytes(b"other")
    with pytest.raises(DataError, match="model.pkl was changed since it was recorded: it stays"):
        pull.run(colleague)
    assert (folder / registry.MODEL).read_bytes() == b"other"


def test_damaged_run_does_not_stop_the_others(contest, tmp_path, team):
    first, second = registry.folders(contest)
    (second / registry.MODEL).write_bytes(b"other")

    with pytest.raises(DataError, match="it is not sent"):
        push.run(contest)

    assert list((team / "models" / first.name).iterdir()) and not (team / "models" / second.name).exists()


def test_damaged_file_in_the_store_is_named_and_not_taken(project, colleague, team):
    push.run(project)
    (folder,) = registry.folders(project)
    digest = registry.read(folder)["files"][registry.MODEL]
    path = team / "files" / digest
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    with pytest.raises(DataError, match=f"files/{digest} is damaged"):
        pull.run(colleague)

    assert not (colleague.models / folder.name).exists()


def test_edited_record_in_the_store_is_refused(project, colleague, team):
    push.run(project)
    (record,) = team.glob("models/*/*")
    record.write_text(record.read_text().replace('"linear"', '"forest"'))

    with pytest.raises(DataError, match="is damaged"):
        pull.run(colleague)


def test_record_that_names_a_file_elsewhere_is_refused(project, colleague, team):
    (folder,) = registry.folders(project)
    record = registry.read(folder)
    registry.write(folder, {**record, "files": {**record["files"], "../../evil.py": record["files"][registry.MODEL]}})
    shutil.copyfile(folder / registry.MODEL, project.root / "evil.py")
    push.run(project)

    with pytest.raises(DataError, match="no file of a run"):
        pull.run(colleague)

    assert not list(colleague.root.rglob("evil.py"))


def test_object_store_holds_the_same_as_a_folder(project, colleague, monkeypatch):
    monkeypatch.setenv(store.VARIABLE, "memory://team/project")
    push.run(project)

    pull.run(colleague)

    (run,), (theirs,) = registry.folders(project), registry.folders(colleague)
    assert contents(theirs) == contents(run)
    assert push.run(colleague) == []


def test_pull_from_an_empty_store_is_refused(colleague, team):
    with pytest.raises(DataError, match="There is nothing in"):
        pull.run(colleague)


def test_unknown_run_is_answered_with_those_in_the_store(project, colleague, team):
    push.run(project)

    with pytest.raises(SettingsError, match=registry.folders(project)[0].name):
        pull.run(colleague, "ffffffff")
