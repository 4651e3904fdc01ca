"""Logs of throw-away projects, and rows to keep in them."""

import asyncio
import contextlib
import copy
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import psycopg
import pytest

from data_science_project.engine.columns.dictionary import Column, dumps, load
from data_science_project.engine.modelling.estimators import threads
from data_science_project.engine.project import settings as params
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import registry
from data_science_project.service import app, database, drawn, label, profile, versions
from data_science_project.service.log import Log
from data_science_project.service.settings import DATABASE, Label, Serve
from data_science_project.service.tables import Entry, new_ids

ROW = {"order": 7, "amount": 51.5, "colour": "red", "shop": "shop A", "day": "2026-02-01", "note": "parcel 3 went out"}
PRICE = Column(type="number", decimal=",", thousands=".", range=(0.0, 10.0))
COLUMNS = {
    "id": Column(type="text", role="id"),
    "price": PRICE,
    "rooms": Column(type="integer", range=(0.0, 9.0), missing_allowed=False),
    "new": Column(type="boolean", missing_allowed=False),
    "kind": Column(type="category", values=("flat", "house"), missing_allowed=False),
    "sold": Column(type="datetime", format="%d.%m.%Y", missing_allowed=False),
    "note": Column(type="text"),
    "y": Column(type="number", role="target"),
    "who": Column(type="number", role="label:anna"),
    "old": Column(type="number", role="ignored"),
}
BODY = json.dumps({"rows": [ROW]}).encode()


@pytest.fixture(scope="session", autouse=True)
def quick_loads():
    """Both roads of a run that is loaded are compared in 100 drawn rows, not 1,000 as test_compiled and servers do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn.difference, "__defaults__", (drawn.FEWEST_ROWS,))
        yield


@pytest.fixture(scope="module")
def one_thread():
    """Two threads wait for each other on a busy machine."""
    with threads(1):
        yield


@pytest.fixture(scope="session")
def trained(trained, tmp_path_factory):
    """The trained project with the reference of its run, which a service would make at each start without it."""
    return with_references(trained, tmp_path_factory)


@pytest.fixture(scope="session")
def rivals(rivals, tmp_path_factory):
    """The project with two runs, with their references."""
    return with_references(rivals, tmp_path_factory)


def with_references(root, tmp_path_factory):
    """A copy of a project in which the reference of each run is made."""
    project = params.load(shutil.copytree(root, tmp_path_factory.mktemp("known") / root.name, symlinks=True))
    for folder in registry.folders(project):
        profile.make(project, folder)
    return project.root


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


def write(log, *requests):
    """What `write` says to each of several requests at once."""

    async def all_of_them():
        return await asyncio.gather(*(log.write(rows) for rows in requests), return_exceptions=True)

    return asyncio.run(all_of_them())


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
    return tmp_path / database.LOG_FOLDER / database.LOG_FILE


@pytest.fixture(scope="session")
def server():
    """A real PostgreSQL of its own, or a skip where there is none."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        postgres = Postgres(Path(folder))
        postgres.start()
        yield postgres
        postgres.stop()


@pytest.fixture
def postgres(server):
    """The server, with nothing in it."""
    server.start()
    with psycopg.connect(server.url) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return server


class Postgres:
    """PostgreSQL's own programs; the server refuses to be root, so another user runs it then."""

    def __init__(self, folder):
        found = [shutil.which("pg_ctl"), *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")))]
        self.program = next((path for path in reversed(found) if path), None)
        if self.program is None:
            pytest.skip("there is no pg_ctl of PostgreSQL")
        self.folder, self.user = folder / "data", {}
        if os.name != "nt" and os.getuid() == 0:
            self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
            shutil.chown(folder, "nobody", "nogroup")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self.options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off"
        self.call("initdb", "-o", "--auth=trust --username=postgres --wal-segsize=1 --no-sync --encoding=UTF8")

    def call(self, *words):
        """`pg_ctl` with the server's folder."""
        command = [self.program, *words, "-D", str(self.folder), "-s", "-w", "-l", str(self.folder.parent / "log")]
        return subprocess.run(command, check=False, cwd=self.folder.parent, **self.user).returncode

    def start(self):
        if self.call("status") != 0:
            assert self.call("start", "-o", self.options) == 0

    def stop(self):
        self.call("stop", "-m", "immediate")

    def processes(self):
        """The server and what it started."""
        first = (self.folder / "postmaster.pid").read_text().split()[0]
        return [int(first), *map(int, Path(f"/proc/{first}/task/{first}/children").read_text().split())]

    @contextlib.contextmanager
    def paused(self):
        """Connections stay open and nobody answers."""
        processes = self.processes()
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    @contextlib.contextmanager
    def full(self):
        """No file may grow beyond a little more than a megabyte."""
        try:
            self.limit(1_100_000)
            yield
        finally:
            self.limit("unlimited")

    def limit(self, size):
        """Let no file of the server grow beyond so many bytes; root may not be allowed to limit another user."""
        for process in self.processes():  # one whose connection was given up may be gone meanwhile
            subprocess.run(["prlimit", "--pid", str(process), f"--fsize={size}:"], check=False, **self.user)


def load_runs(project):
    """The runs of a project as a service loads them."""
    found = versions.Versions(project)
    found.load()
    return found


@pytest.fixture(scope="session")
def loaded(trained):
    """The run of the trained project as a service loads it: not to be changed."""
    return load_runs(params.load(trained))


def application(project, found, *pages, token="", **options):
    """The application of a project with its log and the runs that were `found`; keywords are keys of `[serve]`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("API_TOKEN", token)
        project.parts["serve"] = Serve(**options)
        kept = Log(project, project.parts["serve"])
        kept.start()
        service = app.Service(project, kept)
        if found:
            service.versions = found
        else:
            service.versions.load()
        return app.Application(service, pages)


@pytest.fixture
def serving(project, loaded):
    """The application of a project; with `own` its runs are loaded for this test alone."""
    opened = []

    def start(project=project, *pages, own=False, **options):
        opened.append(application(project, None if own else loaded, *pages, **options))
        return opened[-1]

    yield start
    for one in opened:
        one.service.log.close(5)


@pytest.fixture
def place(project):
    """The database of the log of the trained project."""
    with database.opened(project, new=True) as found:
        yield found


async def call(application, method, path, body=b"", slow=0.0, **headers):
    """Send a request to the application; status, headers and body of the answer."""
    path, _, query = path.partition("?")
    headers = {"host": "127.0.0.1:8000", "content_length": str(len(body))} | headers
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": fields}
    waiting, sent = [body], []

    async def receive():
        await asyncio.sleep(slow)
        return {"type": "http.request", "body": waiting.pop(0)} if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await application(scope, receive, send)
    told = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])


def ask(application, method="POST", path="/predict", body=BODY, **options):
    """One request; the status and what the JSON says."""
    status, _, content = asyncio.run(call(application, method, path, body, **options))
    return status, json.loads(content)


@pytest.fixture
def version(loaded):
    """The run of the trained project as a service loads it, of which a test may change what it holds."""
    found = copy.copy(loaded.get())
    found.run, found.judge = replace(found.run), copy.copy(found.judge)
    return found


@pytest.fixture
def made_version(tmp_path):
    """A run as far as its example goes: usual values that it kept, and its columns."""

    def make(usual=None, columns=COLUMNS):
        if usual is not None:
            pd.DataFrame(usual).to_parquet(tmp_path / "usual_values.parquet")
        return SimpleNamespace(columns=columns, folder=tmp_path)

    return make


@pytest.fixture
def change():
    """Edit a column of the data dictionary."""

    def edit(project, column, **changes):
        columns = load(project.dictionary)
        project.dictionary.write_text(dumps(columns | {column: replace(columns[column], **changes)}), encoding="utf-8")

    return edit


@pytest.fixture
def waiting(project, made_table):
    """The project with a table of 60 rows without truth, of which 20 are asked for at once."""
    return with_unlabelled(project, made_table, 20)


def with_unlabelled(project, table, rows):
    """A project with the first rows of a table without truth, of which so many are asked for at once."""
    folder = project.root / label.UNLABELLED
    folder.mkdir(parents=True)
    table.drop(columns="answer").head(60).to_csv(folder / "new.csv", index=False)
    project.parts["label"] = Label(rows=rows)
    return project


@pytest.fixture
def refused():
    """The violations of rows."""

    def ask(version, *rows):
        with pytest.raises(DataError) as error:
            version.reference(list(rows))
        return [(one["row"], one["column"], one["problem"]) for one in error.value.violations]

    return ask
