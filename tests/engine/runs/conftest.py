"""Runs that are like the one that is there, but for what a test is about."""

import shutil

import pytest

from data_science_project.engine.project import artefact
from data_science_project.engine.runs import registry


@pytest.fixture
def copied():
    """A second run: a copy of a folder with another name, and other values in its record."""

    def copy(folder, name="2026-01-01-000000-0a0a0a0a", **changes):
        other = shutil.copytree(folder, folder.with_name(name))
        registry.write(other, {**registry.read(other), "run": name, **changes})
        return other

    return copy


@pytest.fixture
def trained_elsewhere(folder):
    """Let the run be one that was trained with these versions of packages; its model may be other bytes."""

    def pretend(model=None, **versions):
        if model is not None:
            (folder / registry.MODEL).write_bytes(model)
        record = registry.read(folder)
        record["environment"]["packages"].update(versions)
        record["files"][registry.MODEL] = artefact.sha256(folder / registry.MODEL)
        registry.write(folder, record)

    return pretend
