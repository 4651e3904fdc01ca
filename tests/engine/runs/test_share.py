import os
import shutil
import sys
import threading
import time

import pytest
from fsspec.implementations.local import LocalFileSystem

from data_science_project import pipeline
from data_science_project.engine.project import artefact, lock, records
from data_science_project.engine.project.errors import DataError, ProjectError, SettingsError
from data_science_project.engine.runs import promote, registry, share
from data_science_project.engine.sources import source


def contents(folder):
    """The files of a folder by name, but for bytecode, which Python writes beside code that it has imported."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.parent.name != "__pycache__")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def evaluated(project, folder, uses):
    """What `evaluate` does to a record."""
    record = registry.read(folder)
    registry.write(folder, {**record, "metrics": {**record["metrics"], "test": {"uses": uses}}})


@pytest.mark.parametrize("address", ["team", "memory://team/project"], ids=["folder", "object store"])
def test_colleague_has_the_same_run_is_told_whose_it_is_and_need_not_train(
    project, folder, colleague, tmp_path, monkeypatch, caplog, address
):
    caplog.set_level("INFO")
    monkeypatch.setenv(share.VARIABLE, address if "://" in address else str(tmp_path / address))
    share.push(project)

    new = share.pull(colleague)

    (whose,) = [line for line in caplog.messages if line.startswith(f"{folder.name} is by ")]
    assert "its code runs here when it answers" in whose
    raw = {name: file for name, file in contents(project.root / "data/raw").items() if name != "current.json"}
    assert [path.parent.name for path in new] == ["raw", "models"]
    assert contents(colleague.models / folder.name) == contents(folder)
    assert contents(colleague.root / "data/raw") == raw
    assert {path.stat().st_mode & 0o777 for path in (colleague.root / "data/raw").glob("*/*")} == {0o444}
    assert pipeline.make(colleague, "train") == [colleague.models / folder.name / registry.RECORD]
    stored = {path: path.stat().st_mtime_ns for path in tmp_path.glob("team/**/*")}
    assert share.push(project) == share.push(colleague) == share.pull(colleague) == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("team/**/*")} == stored


def test_pull_that_was_broken_off_goes_on_with_what_it_has(project, colleague, team, monkeypatch):
    share.push(project)
    get, asked = LocalFileSystem.get_file, []

    def break_off(self, *words):
        if len(asked) == 20:
            raise KeyboardInterrupt
        asked.append(words[0])
        get(self, *words)

    monkeypatch.setattr(LocalFileSystem, "get_file", break_off)
    with pytest.raises(KeyboardInterrupt):
        share.pull(colleague)
    monkeypatch.setattr(LocalFileSystem, "get_file", lambda self, *words: (asked.append(words[0]), get(self, *words)))

    share.pull(colleague)

    files = [place for place in asked if "/files/" in place]
    assert registry.folders(colleague) and len(files) == len(set(files))
    assert not (colleague.root / ".cache/pulled").exists()


def test_one_run_brings_the_dump_that_it_was_made_from_and_no_other(project, folder, colleague, team):
    (project.root / "table.csv").write_text("order,answer\n1,yes\n2,no\n")
    source.fetch(project.root, "table.csv", source.Terms(accept=True))
    share.push(project)

    new = share.pull(colleague, folder.name[-8:])

    (file,) = registry.raw_files(colleague, registry.read(folder)).values()
    assert len(list(team.glob("data/raw/*"))) == 2
    assert new == [file.parent, colleague.models / folder.name]


def test_later_scores_are_a_new_version_and_changes_of_your_own_stay(project, folder, colleague, team, caplog):
    share.push(project)
    share.pull(colleague)
    (first,), mine = (team / "models" / folder.name).iterdir(), colleague.models / folder.name
    before = first.read_bytes()
    evaluated(project, folder, 1)

    share.push(project)
    share.pull(colleague)

    versions = sorted(path.name[:6] for path in first.parent.iterdir())
    assert versions == ["run-1-", "run-2-"] and first.read_bytes() == before
    assert contents(mine) == contents(folder)
    evaluated(project, folder, 2)
    share.push(project)
    evaluated(colleague, mine, 7)
    assert share.pull(colleague) == []
    assert registry.read(mine)["metrics"]["test"] == {"uses": 7}
    assert "changes that the store does not know" in caplog.text


def test_champion_that_two_changed_is_neither_pushed_over_nor_pulled_over(project, folder, colleague, team, caplog):
    promote.keep(project, folder.name, {"gate": []})
    share.push(project)
    share.pull(colleague)
    promote.keep(project, "another", {"gate": []})
    share.push(project)
    promote.keep(colleague, "other", {"gate": []})
    mine = (colleague.models / registry.CHAMPION).read_bytes()

    with pytest.raises(DataError, match="was changed meanwhile"):
        share.push(colleague)
    share.pull(colleague)

    assert (colleague.models / registry.CHAMPION).read_bytes() == mine
    assert "yours was changed too: yours stays" in caplog.text


def test_pull_waits_for_a_promotion_so_that_the_gate_judges_the_champion_that_there_is(
    project, folder, colleague, team, caplog, waits
):
    promote.keep(project, folder.name, {"gate": []})
    share.push(project)
    pull = threading.Thread(target=share.pull, args=[colleague])

    with lock.alone(colleague.root, "promote", name="champion"):
        pull.start()
        assert waits(pull)
        during = registry.history(colleague)
    pull.join()

    assert during == [] and registry.champion(colleague).name == folder.name
    assert any("waiting until another command is finished here: promote" in line for line in caplog.messages)


def test_one_run_brings_the_champion_if_that_is_it_or_says_who_it_is(project, folder, colleague, team, caplog):
    promote.keep(project, folder.name, {"gate": []})
    share.push(project)
    with share.opened(colleague) as store:
        assert not share.take(store, share.CHAMPION_RECORD)
    assert f"the team's champion {folder.name} is not here" in caplog.text

    share.pull(colleague, folder.name)

    assert registry.champion(colleague).name == folder.name


def test_files_that_are_missing_here_come_back_and_changed_ones_are_named(project, colleague, team):
    share.push(project)
    share.pull(colleague)
    (folder,) = registry.folders(colleague)
    (raw,) = (colleague.root / "data/raw").glob("*/*.csv")
    whole = contents(folder), raw.read_bytes()
    (folder / registry.MODEL).unlink()
    raw.unlink()

    new = share.pull(colleague)

    assert (contents(folder), raw.read_bytes()) == whole and set(new) == {folder, raw.parent}
    assert raw.stat().st_mode & 0o777 == 0o444
    (folder / registry.MODEL).write_bytes(b"other")
    with pytest.raises(DataError, match="model.pkl was changed since it was recorded: it stays"):
        share.pull(colleague)
    assert (folder / registry.MODEL).read_bytes() == b"other"


@pytest.mark.parametrize(("name", "said"), [("model.pkl", "it is not sent"), ("run.json", "run.json is damaged")])
def test_damaged_run_is_not_sent_and_does_not_stop_the_others(contest, team, name, said):
    first, second = registry.folders(contest)
    (second / name).write_bytes(b"{")

    with pytest.raises(DataError, match=said):
        share.push(contest)

    assert list((team / "models" / first.name).iterdir()) and not (team / "models" / second.name).exists()


@pytest.mark.parametrize("harmed", ["a file", "a record"])
def test_what_is_damaged_in_the_store_is_named_and_not_taken(project, folder, colleague, team, harmed):
    share.push(project)
    digest = registry.read(folder)["files"][registry.MODEL]
    (path,) = team.glob(f"files/{digest}" if harmed == "a file" else "models/*/*")
    path.write_bytes(path.read_bytes().replace(b'"linear"', b'"forest"')[:-1] + b"\n" * (harmed == "a record"))

    with pytest.raises(DataError, match=f"files/{digest} is damaged" if harmed == "a file" else "is damaged"):
        share.pull(colleague)

    assert not (colleague.models / folder.name).exists()


def stored(team, place, record):
    """Put a sealed record into the store under a name that fits."""
    path = team / "half"
    artefact.write_json(path, records.sealed(record))
    path.rename(team / f"{place}-1-{artefact.sha256(path)[:12]}.json")


def test_record_without_its_keys_stops_itself_alone(project, folder, colleague, team):
    share.push(project)
    for place in ("models/2026-01-01-000000-aaaaaaaa/run", "data/raw/2026-01-01-aaaaaaaa/source"):
        (team / place).parent.mkdir(parents=True)
        stored(team, place, {"files": [{"sha256": "0" * 64}]})

    with pytest.raises(DataError, match=r"lacks what a record holds(.|\n)* 1 more like this"):
        share.pull(colleague)

    assert [path.name for path in registry.folders(colleague)] == [folder.name]
    shutil.rmtree(colleague.models / folder.name)
    assert share.pull(colleague, folder.name)[-1].name in (folder.name, registry.CHAMPION)


def test_record_that_names_a_file_elsewhere_or_lies_elsewhere_is_not_taken(project, folder, colleague, team):
    record = registry.read(folder)
    registry.write(folder, {**record, "files": {**record["files"], "../../evil.py": record["files"][registry.MODEL]}})
    shutil.copyfile(folder / registry.MODEL, project.root / "evil.py")
    share.push(project)
    shutil.copytree(team / "models" / folder.name, team / "models/.git")

    with pytest.raises(DataError, match="no file of a run"):
        share.pull(colleague)

    assert not list(colleague.root.rglob("evil.py")) and not (colleague.models / ".git").exists()


def test_champion_is_counted_where_there_is_one(project, colleague, team, caplog):
    caplog.set_level("INFO")
    assert not registry.champion(project)
    share.push(project)

    share.pull(colleague)

    assert "2 of 2 runs, dumps and records were new" in caplog.text and "of 3 " not in caplog.text


def test_empty_store_and_unknown_run_are_answered_with_what_is_there(project, folder, colleague, team):
    with pytest.raises(DataError, match="There is nothing in"):
        share.pull(colleague)
    share.push(project)

    with pytest.raises(SettingsError, match=folder.name):
        share.pull(colleague, "ffffffff")


def test_files_lie_in_the_store_by_digest_and_a_push_sends_only_what_is_missing(project, folder, team):
    share.push(project)
    files = sorted((team / "files").iterdir())
    whole = contents(team / "files")
    assert list(whole) and all(artefact.sha256(path) == path.name for path in files)
    assert set(registry.read(folder)["files"].values()) <= set(whole)
    for path in [*files[:3], *team.glob("models/*/*")]:
        path.unlink()
    files[4].write_bytes(files[4].read_bytes()[:-1])
    times = [path.stat().st_mtime_ns for path in files[5:]]

    share.push(project)

    assert contents(team / "files") == whole
    assert [path.stat().st_mtime_ns for path in files[5:]] == times


def test_tenth_version_is_later_than_the_second():
    names = [f"models/champion-{number}-{letter * 12}.json" for number, letter in ((10, "b"), (2, "a"))]

    store = share.Store(None, None, "", None, "", dict.fromkeys(names, 1))

    assert [match[2] for match in store.versions["models/champion.json"]] == ["2", "10"]


def test_record_without_its_files_is_not_in_the_store(project, team, monkeypatch):
    put = share.Store.put

    def break_off(self, path, place):
        if len(self.sizes) == 5:
            raise KeyboardInterrupt
        put(self, path, place)

    monkeypatch.setattr(share.Store, "put", break_off)
    with pytest.raises(KeyboardInterrupt):
        share.push(project)

    assert not list(team.glob("models/*/*"))


def test_run_whose_patch_holds_a_value_of_dot_env_is_not_sent(project, folder, team):
    (project.root / ".env").write_text("API_KEY=correct-horse-battery\n")
    (folder / registry.PATCH).write_text('+KEY = "correct-horse-battery"\n')

    with pytest.raises(DataError, match="changes.patch holds the value of API_KEY"):
        share.push(project)

    assert not list(team.glob("models/*"))


def test_what_a_killed_push_left_is_removed_a_day_later(project, team):
    share.push(project)
    old, young = (team / "files" / f".{name}.7.tmp" for name in ("old", "young"))
    for path in (old, young):
        path.write_text("half")
    os.utime(old, (time.time() - 90_000,) * 2)

    share.push(project)

    assert young.exists() and not old.exists()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "DATA_STORE is not set"),
        ("store", "lies in the project"),
        ("/nowhere/at/all", "there is no folder /nowhere/at"),
        ("nosuch://bucket/x", "Protocol not known: nosuch"),
        ("gs://bucket/x", 'Add "gs" to extras'),
        ("ftp://me:hush@127.0.0.1:1/x", "Check the address in DATA_STORE"),
    ],
)
def test_store_that_cannot_be_used_is_named_with_the_cure_and_without_its_password(project, monkeypatch, address, said):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    monkeypatch.setenv(share.VARIABLE, address)

    with pytest.raises(ProjectError, match=said) as caught:
        share.push(project)

    assert "hush" not in str(caught.value)


def test_address_may_stand_in_dot_env(project, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, share.VARIABLE, "x")
    monkeypatch.delitem(os.environ, share.VARIABLE)
    (project.root / ".env").write_text(f"{share.VARIABLE}=../shared-folder\n")

    share.push(project)

    assert (tmp_path / "shared-folder" / "files").is_dir()
