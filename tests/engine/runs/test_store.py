"""The address of the team's store: what cannot be used or reached is named, without its secrets."""

import os
import sys

import pytest

from data_science_project.engine.project.errors import ProjectError, SettingsError
from data_science_project.engine.runs import push, store


def test_store_in_the_project_is_refused(project, monkeypatch):
    monkeypatch.setenv(store.VARIABLE, "store")

    with pytest.raises(SettingsError, match="lies in the project"):
        push.run(project)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "DATA_STORE is not set"),
        ("/nowhere/at/all", "there is no folder /nowhere/at"),
        ("nosuch://bucket/x", "Protocol not known: nosuch"),
        ("gs://bucket/x", 'Add "gs" to extras'),
        ("ftp://127.0.0.1:1/x", "Check the address in DATA_STORE"),
    ],
)
def test_store_that_cannot_be_reached_is_named_with_the_cure(project, monkeypatch, address, said):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    monkeypatch.setenv(store.VARIABLE, address)

    with pytest.raises(ProjectError, match=said):
        push.run(project)


def test_password_in_the_address_is_not_shown(project, monkeypatch):
    monkeypatch.setenv(store.VARIABLE, "ftp://me:hush@127.0.0.1:1/x")

    with pytest.raises(ProjectError) as caught:
        push.run(project)

    assert "hush" not in str(caught.value)


def test_address_may_stand_in_dot_env(project, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, store.VARIABLE, "x")
    monkeypatch.delitem(os.environ, store.VARIABLE)
    (project.root / ".env").write_text(f"{store.VARIABLE}=../shared-folder\n")

    push.run(project)

    assert (tmp_path / "shared-folder" / "files").is_dir()
