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
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from data_science_project.engine.project.errors import SettingsError
from data_science_project.engine.runs import promote, registry
from data_science_project.service import serve, settings
from data_science_project.service.database import opened
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
        where = {"cwd": project.root, "env": variables | environment}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen([sys.executable, "-c", START, *overrides], **where, **pipes)
        processes.append(process)
        found = re.match(r"http://127\.0\.0\.1:(\d+) answers with ", process.stdout.readline())
        assert found, process.stderr.read()
        return process, int(found[1])

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def beside(tmp_path):
    """Modules that a server of a project finds before any others; what PYTHONPATH has to be."""

    def write(project, **modules):
        folder = tmp_path / "beside"
        folder.mkdir()
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text)
        return f"{folder}:{project.root / 'src'}"

    return write


def get(port, path, body=None):
    """Status and JSON of a request."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", body, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def logged(project):
    """The ids of the answers in the log of a project."""
    with opened(project) as found:
        return [entry.id for entry in found.read(Entry)]


def test_server_without_uvloop_deletes_answers_older_than_keep_days_and_gives_up_heads_that_do_not_come_or_end(
    project, start, beside, place, entries, until
):
    place.insert(entries(2, time=time.time() - 40 * 86_400) + entries())

    path = beside(project, uvloop="raise ImportError")  # there is none for Windows
    _, port = start(project, "serve.keep_days=30", "serve.seconds=2.0", PYTHONPATH=path)

    until(lambda: place.count() == 1)
    with socket.create_connection(("127.0.0.1", port)) as silent, socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(b"POST /predict HTTP/1.1\r\nHost: 127")
        status, _ = get(port, "/predict", BODY)
        said = [one.recv(1000) + one.recv(1000) for one in (silent, half)]
    with socket.create_connection(("127.0.0.1", port)) as endless:
        endless.sendall(b"GET / HTTP/1.1\r\nHost: ")
        for _ in range(4):
            time.sleep(0.02)
            endless.sendall(b"x" * 20_000)
        assert endless.recv(1000).startswith(b"HTTP/1.1 431")
    with socket.create_connection(("127.0.0.1", port)) as endless:
        endless.sendall(b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ")
        with pytest.raises(ConnectionError):
            for _ in range(40):
                time.sleep(0.05)
                endless.sendall(b"x" * 20_000)
    assert status == 200
    assert all(text.startswith(b"HTTP/1.1 408") for text in said)


def test_sigterm_lets_what_is_in_flight_be_answered_while_ready_says_no_and_ends_within_drain_though_a_thread_hangs(
    project, folder, start, beside, until
):
    hangs = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"
    process, port = start(project, "serve.drain=6.0", PYTHONPATH=beside(project, sitecustomize=hangs))
    before, (status, reply) = get(port, "/health/ready"), get(port, "/predict", BODY)
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    with socket.create_connection(("127.0.0.1", port)) as slow, slow.makefile("rb") as answers:
        slow.sendall(head + BODY[:10])
        time.sleep(0.3)

        process.send_signal(signal.SIGTERM)
        until(lambda: get(port, "/health/ready")[0] == 503)
        ready = get(port, "/health/ready")
        slow.sendall(BODY[10:])
        answer = answers.read()

    assert before == (200, {"ready": True, "why": []}) and (status, reply["run"]) == (200, folder.name)
    assert ready == (503, {"ready": False, "why": ["it is stopping"]})
    assert answer.startswith(b"HTTP/1.1 200") and process.wait(timeout=20) == 0
    assert logged(project)[0] == reply["predictions"][0]["id"] and len(logged(project)) == 2


@pytest.mark.once
def test_server_says_on_stderr_that_it_gets_ready_and_loses_no_acknowledged_row_by_two_sigterms_under_load(
    project, start
):
    process, port = start(project)
    first = process.stderr.readline()
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

    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(ask)
        time.sleep(1.5)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=15)

    assert first.startswith("serve: loads the runs and compares both roads; the address follows")
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

    with ThreadPoolExecutor(3) as threads:
        for _ in range(3):
            threads.submit(ask)
        for change in range(20):
            promote.keep(contest, (old, new)[change % 2], {})
            time.sleep(0.2)
        stop.set()

    assert {status for status, _ in found} == {200}
    assert {reply["run"] for _, reply in found} == {old, new}
    for _, reply in found:
        given = reply["predictions"][0]
        assert given == expected[reply["run"]] | {"id": given["id"]}


def test_request_for_another_protocol_is_answered_with_its_body_and_writes_nothing_into_the_log(project, start):
    process, port = start(project)
    asked = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings%b\r\nUpgrade: h2c\r\n"
    live = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close, Upgrade\r\nUpgrade: websocket\r\n\r\n"
    whole = asked % b"" + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    parts = asked % b", close" + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
    hidden = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n"  # a body, whatever it looks like
    hiding = asked % b"" + b"Content-Length: %d\r\n\r\n" % len(hidden)

    said = []
    thirds = whole[:40], whole[40:-9], whole[-9:] + live
    connect = b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for sent in ([whole + whole + live], [parts], thirds, [hiding, hidden + live], [connect + live]):
        with socket.create_connection(("127.0.0.1", port)) as client, client.makefile("rb") as answers:
            for part in sent:
                client.sendall(part)
                time.sleep(0.1)
            said.append(re.findall(rb"HTTP/1.1 (\d+)", answers.read()))
    process.terminate()

    assert said == [[b"200"] * 3, [b"200"], [b"200"] * 2, [b"400", b"200"], [b"405"]]
    assert "pgrade" not in process.communicate(timeout=20)[1]


def test_greeting_names_the_runs_that_answer_and_those_that_are_refused():
    said = []
    for served, refused in ((["b", "a"], []), (["a"], ["b"]), ([], ["b", "a"])):
        found = SimpleNamespace(served=dict.fromkeys(served), refused=dict.fromkeys(refused, "why"))
        said.append(serve.greeting("http://a", found))

    assert said == [
        "http://a answers with b, a",
        "http://a answers with a; refused (the log says why): b",
        "http://a answers with no run; refused (the log says why): b, a",
    ]


def test_port_in_use_is_said_with_the_cure(project):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        project.parts["serve"] = settings.Serve(port=port)
        said = rf"\[serve\] 127\.0\.0\.1 port {port}: Address already in use(.|\n)*8001"
        with pytest.raises(SettingsError, match=said):
            serve.run(project)


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_other_host_without_a_token_is_refused(make_project, monkeypatch, blank):
    monkeypatch.setenv("API_TOKEN", blank)
    project = make_project()
    project.parts["serve"] = settings.Serve(host="0.0.0.0")

    with pytest.raises(SettingsError, match=r"0\.0\.0\.0.*API_TOKEN"):
        serve.run(project)
