"""Logs of throw-away projects, and rows to keep in them."""

import json
import time

import pytest

from data_science_project.service import database
from data_science_project.service.log import Entry, Log, new_ids
from data_science_project.service.settings import DATABASE, Serve


@pytest.fixture
def entries():
    """So many rows that were answered; keywords change their fields."""

    def make(count=1, **changes):
        usual = {
            "time": time.time(),
            "run": "2026-11-21-101010-abcdefab",
            "role": "answer",
            "road": "compiled",
            "inputs": json.dumps({"amount": 51.5, "colour": "red"}),
            "output": json.dumps({"prediction": "yes", "probability": 0.75, "confident": True}),
            "confident": True,
            "unusual": False,
            "warnings": "[]",
            "milliseconds": 0.25,
            "asker": "token",
        }
        return [Entry(id=name, **{**usual, **changes}) for name in new_ids(count)]

    return make


@pytest.fixture
def open_log(make_project, monkeypatch):
    """Start the log of the throw-away project; keywords are keys of `[serve]`, `url` is another database."""
    opened = []

    def start(url="", **options):
        monkeypatch.setenv(DATABASE, url)
        project = opened[0][0] if opened else make_project()
        log = Log(project, Serve(**options))
        opened.append((project, log))
        log.start()
        return log

    yield start
    for _, log in opened:
        log.close(1.0)


@pytest.fixture
def stored():
    """The rows of a database as a person would see them who opens it, in order."""

    def read(where, kind=Entry):
        return list(where.read(kind))

    return read


@pytest.fixture
def until():
    """Wait until something is so, at most so many seconds."""

    def wait(holds, seconds=10.0):
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, "it did not come so"
            time.sleep(0.02)

    return wait


@pytest.fixture
def file(tmp_path):
    """The file of the SQLite log."""
    return tmp_path / database.FOLDER / database.FILE
