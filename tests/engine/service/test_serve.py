import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

from data_science_project.engine.project.errors import SettingsError
from data_science_project.engine.runs import promote, registry
from data_science_project.service import database, serve, settings, versions
from data_science_project.service.database import Database
from data_science_project.service.tables import Entry

from .conftest import BODY

START = """
import sys
from data_science_project.engine.project import settings
from data_science_project.engine.project.log import start_logging
from data_science_project.service import serve
start_logging()
serve.run(settings.load(overrides=["serve.port=0", *sys.argv[1:]]))
"""


@pytest.fixture
def start():
    """Start a server of a project in a process of its own; the process and its port."""
    processes = []

    def begin(project, *overrides, **environment):
        variables = {**os.environ, "PYTHONPATH": str(project.root / "src"), "API_TOKEN": "", "DATABASE_URL": ""}
        process = subprocess.Popen(
            [sys.executable, "-c", START, *overrides],
            cwd=project.root,
            env=variables | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        found = re.match(r"http://127\.0\.0\.1:(\d+) answers with ", process.stdout.readline())
        assert found, process.stderr.read()
        return process, int(found[1])

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


def get(port, path, body=None):
    """Status and JSON of a request."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def logged(project):
    """The answers in the log of a project, by id."""
    found = Database(database.address(project), flush=False)
    entries = {entry.id: entry for entry in found.read(Entry)}
    found.drop()
    return entries


def test_server_answers_without_uvloop_as_on_windows_and_deletes_answers_older_than_keep_days(
    project, start, tmp_path, entries, until
):
    found = Database(database.address(project), flush=False)
    found.open()
    found.insert(entries(2, time=time.time() - 40 * 86_400) + entries())
    found.drop()
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "uvloop.py").write_text("raise ImportError")

    path = f"{tmp_path / 'none'}:{project.root / 'src'}"
    process, port = start(project, "serve.keep_days=30", PYTHONPATH=path)

    until(lambda: len(logged(project)) == 1)
    assert get(port, "/predict", BODY)[0] == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0


def test_server_answers_and_sigterm_lets_what_is_in_flight_be_answered_while_ready_says_no(project, folder, start):
    process, port = start(project)
    before, (status, reply) = get(port, "/health/ready"), get(port, "/predict", BODY)
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    with socket.create_connection(("127.0.0.1", port)) as slow, slow.makefile("rb") as answers:
        slow.sendall(head + BODY[:10])
        time.sleep(0.3)

        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        ready = get(port, "/health/ready")
        slow.sendall(BODY[10:])
        answer = answers.read()

    assert before == (200, {"ready": True, "why": []}) and (status, reply["run"]) == (200, folder.name)
    assert ready == (503, {"ready": False, "why": ["it is stopping"]})
    assert answer.startswith(b"HTTP/1.1 200") and process.wait(timeout=15) == 0
    assert list(logged(project))[0] == reply["predictions"][0]["id"] and len(logged(project)) == 2


def test_sigterm_ends_it_within_drain_while_a_thread_hangs(project, start, tmp_path):
    (tmp_path / "none").mkdir()
    hangs = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    (tmp_path / "none" / "sitecustomize.py").write_text(hangs)
    path = f"{tmp_path / 'none'}:{project.root / 'src'}"
    process, port = start(project, "serve.drain=6.0", PYTHONPATH=path)
    status, reply = get(port, "/predict", BODY)

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=6) == 0 and status == 200
    assert [*logged(project)] == [reply["predictions"][0]["id"]]


def test_head_of_a_request_that_does_not_come_is_408_and_holds_up_nobody(project, start):
    process, port = start(project, "serve.seconds=1.0")

    with socket.create_connection(("127.0.0.1", port)) as silent, socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(b"POST /predict HTTP/1.1\r\nHost: 127")
        status, _ = get(port, "/predict", BODY)
        said = [one.recv(1000) + one.recv(1000) for one in (silent, half)]

    assert status == 200
    assert all(text.startswith(b"HTTP/1.1 408") for text in said)


@pytest.mark.once
def test_second_sigterm_under_load_loses_no_acknowledged_row(project, start):
    process, port = start(project)
    acknowledged = []

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            while process.poll() is None:
                connection.request("POST", "/predict", BODY)
                answer = connection.getresponse()
                content = json.load(answer)
                if answer.status == 200:
                    acknowledged.append(content["predictions"][0]["id"])
        except (OSError, http.client.HTTPException):
            pass
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=15)
    for thread in threads:
        thread.join(timeout=20)

    assert code == 0 and len(acknowledged) > 20
    assert {*acknowledged} <= {*logged(project)}


@pytest.mark.once
def test_twenty_changes_of_champion_under_load_fail_no_request_and_each_answer_is_of_the_run_it_names(contest, start):
    new, old = (folder.name for folder in registry.folders(contest))
    promote.keep(contest, old, {})
    promote.keep(contest, new, {})
    process, port = start(contest)
    expected = {run: get(port, f"/predict?run={run}", BODY)[1]["predictions"][0] for run in (old, new)}
    found, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            found.append(get(port, "/predict", BODY))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for change in range(20):
        promote.keep(contest, (old, new)[change % 2], {})
        time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()

    assert {status for status, _ in found} == {200}
    assert {reply["run"] for _, reply in found} == {old, new}
    for _, reply in found:
        given = reply["predictions"][0]
        assert given == expected[reply["run"]] | {"id": given["id"]}


def test_greeting_names_the_runs_that_answer_and_those_that_are_refused(contest):
    new, old = (folder.name for folder in registry.folders(contest))
    for name in (old, new):
        promote.keep(contest, name, {})
    said = []
    for damaged in (None, new, old):
        if damaged:
            (contest.models / damaged / registry.MODEL).write_bytes(b"damaged")
        found = versions.Versions(contest)
        found.load()
        said.append(serve.greeting("http://a", found))

    assert said == [
        f"http://a answers with {new}, {old}",
        f"http://a answers with {old}; refused (the log says why): {new}",
        f"http://a answers with no run; refused (the log says why): {new}, {old}",
    ]


def test_port_in_use_is_said_with_the_cure(project, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        project.parts["serve"] = settings.Serve(port=port)
        with pytest.raises(
            SettingsError, match=rf"\[serve\] 127\.0\.0\.1 port {port}: Address already in use(.|\n)*8001"
        ):
            serve.run(project)


@pytest.mark.parametrize("tokens", ["", " ", "\n"])
def test_other_host_without_a_token_is_refused(make_project, monkeypatch, tokens):
    monkeypatch.setenv("API_TOKEN", tokens)
    project = make_project()
    project.parts["serve"] = settings.Serve(host="0.0.0.0")

    with pytest.raises(SettingsError, match=r"0\.0\.0\.0.*API_TOKEN"):
        serve.run(project)


def test_token_without_a_secret_is_refused_before_anything_is_opened(make_project, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "ada:")

    with pytest.raises(SettingsError, match="token 1 has no secret"):
        serve.run(make_project())
