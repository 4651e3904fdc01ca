"""Sending: files before the records that name them, nothing twice, nothing changed, nothing secret."""

import os
import time

import pytest

from data_science_project.engine.project import artefact
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import push, registry, store


def test_files_lie_in_the_store_by_digest_and_records_name_them(project, team):
    push.run(project)

    (folder,) = registry.folders(project)
    (record,) = (team / "models" / folder.name).iterdir()
    assert record.read_bytes() == (folder / registry.RECORD).read_bytes()
    digests = {path.name: artefact.sha256(path) for path in (team / "files").iterdir()}
    assert list(digests) == list(digests.values())
    assert set(registry.read(folder)["files"].values()) <= set(digests)


def test_push_that_was_broken_off_sends_only_what_is_missing(project, team):
    push.run(project)
    files = sorted((team / "files").iterdir())
    whole = {path.name: path.read_bytes() for path in files}
    for path in [*files[:3], *team.glob("models/*/*")]:
        path.unlink()
    files[4].write_bytes(whole[files[4].name][:-1])
    times = {path.name: path.stat().st_mtime_ns for path in files[5:]}

    push.run(project)

    assert {path.name: path.read_bytes() for path in (team / "files").iterdir()} == whole
    assert {path.name: path.stat().st_mtime_ns for path in files[5:]} == times


def test_record_without_its_files_is_not_in_the_store(project, team, monkeypatch):
    put = store.Store.put

    def break_off(self, path, place):
        if len(self.sizes) == 5:
            raise KeyboardInterrupt
        put(self, path, place)

    monkeypatch.setattr(store.Store, "put", break_off)
    with pytest.raises(KeyboardInterrupt):
        push.run(project)

    assert not list(team.glob("models/*/*"))


def test_run_whose_patch_holds_a_value_of_dot_env_is_not_sent(project, team):
    (folder,) = registry.folders(project)
    (project.root / ".env").write_text("API_KEY=correct-horse-battery\n")
    (folder / registry.PATCH).write_text('+KEY = "correct-horse-battery"\n')

    with pytest.raises(DataError, match="changes.patch holds the value of API_KEY"):
        push.run(project)

    assert not list(team.glob("models/*"))


def test_what_a_killed_push_left_is_removed_a_day_later(project, team):
    push.run(project)
    old, young = (team / "files" / f".{name}.7.tmp" for name in ("old", "young"))
    for path in (old, young):
        path.write_text("half")
    os.utime(old, (time.time() - 90_000,) * 2)

    push.run(project)

    assert young.exists() and not old.exists()


def test_changed_model_is_not_sent(project, team):
    (folder,) = registry.folders(project)
    (folder / registry.MODEL).write_bytes(b"other")

    with pytest.raises(DataError, match="changed since it was recorded"):
        push.run(project)

    assert not list(team.glob("models/*/*"))
