"""Runs that are like the one that is there, but for what a test is about."""

import contextlib
import shutil

import pytest

from data_science_project.engine.project import artefact
from data_science_project.engine.runs import registry


@pytest.fixture
def edit():
    """The record of a run, for a `with` block that changes it; then it is sealed with the digests of today's files."""

    @contextlib.contextmanager
    def edited(folder):
        record = registry.read(folder)
        yield record
        record["files"] = {name: artefact.sha256(folder / name) for name in record["files"]}
        registry.write(folder, record)

    return edited


@pytest.fixture
def dummy(contest):
    return registry.folders(contest)[1]


@pytest.fixture
def linear(contest):
    return registry.folders(contest)[0]


@pytest.fixture
def copied(edit):
    """A second run: a copy of a folder with another name."""

    def copy(folder):
        other = shutil.copytree(folder, folder.with_name("2026-01-01-000000-0a0a0a0a"))
        with edit(other) as record:
            record["run"] = other.name
        return other

    return copy
