import asyncio
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
import uvicorn
from uvicorn.server import ServerState

from data_science_project.engine.project.errors import SettingsError
from data_science_project.engine.runs import promote, registry
from data_science_project.service import database, serve, settings
from data_science_project.service.database import Database
from data_science_project.service.tables import Entry

ROW = {"order": 7, "amount": 51.5, "colour": "red", "shop": "shop A", "day": "2026-02-01", "note": "parcel 3 went out"}
BODY = json.dumps({"rows": [ROW]}).encode()
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

    def begin(project, *overrides, wait=True, **environment):
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
        line = process.stdout.readline() if wait else ""
        found = re.match(r"http://127\.0\.0\.1:(\d+) answers with ", line)
        assert found or not wait, process.stderr.read()
        return process, int(found[1]) if found else 0

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


def test_server_prints_its_address_answers_and_ends_with_0_on_sigterm(project, folder, start):
    process, port = start(project)

    assert get(port, "/health/ready") == (200, {"ready": True, "why": []})
    status, reply = get(port, "/predict", BODY)
    process.send_signal(signal.SIGTERM)

    assert status == 200 and reply["run"] == folder.name
    assert process.wait(timeout=15) == 0
    assert list(logged(project)) == [reply["predictions"][0]["id"]]


def test_server_answers_without_uvloop_as_on_windows(project, start, tmp_path):
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "uvloop.py").write_text("raise ImportError")

    process, port = start(project, PYTHONPATH=f"{tmp_path / 'none'}:{project.root / 'src'}")

    assert get(port, "/predict", BODY)[0] == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0


def test_sigterm_lets_what_is_in_flight_be_answered_while_ready_says_no(project, start):
    process, port = start(project)
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(BODY)
    with socket.create_connection(("127.0.0.1", port)) as slow, slow.makefile("rb") as answers:
        slow.sendall(head + BODY[:10])
        time.sleep(0.3)

        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        ready = get(port, "/health/ready")
        slow.sendall(BODY[10:])
        answer = answers.read()

    assert ready == (503, {"ready": False, "why": ["it is stopping"]})
    assert answer.startswith(b"HTTP/1.1 200") and process.wait(timeout=15) == 0
    assert len(logged(project)) == 1


def test_head_of_a_request_that_does_not_come_is_408_and_holds_up_nobody(project, start):
    process, port = start(project, "serve.seconds=1.0")

    with socket.create_connection(("127.0.0.1", port)) as silent, socket.create_connection(("127.0.0.1", port)) as half:
        half.sendall(b"POST /predict HTTP/1.1\r\nHost: 127")
        status, _ = get(port, "/predict", BODY)
        said = [one.recv(1000) + one.recv(1000) for one in (silent, half)]

    assert status == 200
    assert all(text.startswith(b"HTTP/1.1 408") for text in said)


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
        time.sleep(0.4)
    stop.set()
    for thread in threads:
        thread.join()

    assert {status for status, _ in found} == {200}
    assert {reply["run"] for _, reply in found} == {old, new}
    for _, reply in found:
        given = reply["predictions"][0]
        assert given == expected[reply["run"]] | {"id": given["id"]}


def test_reply_that_is_written_in_one_piece_is_the_one_that_uvicorn_writes_in_two(serving):
    request = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: %b\r\nContent-Length: %d\r\n\r\n%b"
    application, said = serving(), []

    async def talk():
        config = uvicorn.Config(application, lifespan="off", log_config=None, proxy_headers=False)
        state = ServerState()
        state.default_headers = [(b"date", b"today")]
        server = await asyncio.get_running_loop().create_server(lambda: serve.Protocol(config, state, {}), "127.0.0.1")
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        for connection in (b"keep-alive", b"close"):
            writer.write(request % (connection, len(BODY), BODY))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(re.search(rb"content-length: (\d+)", head)[1])
            said.append((sorted(head.split(b"\r\n")), json.loads(await reader.readexactly(length))))
        writer.close()
        server.close()
        await server.wait_closed()

    asyncio.run(talk())
    (head, one), (whole, two) = said

    assert [line for line in whole if line not in head] == [b"connection: close"]
    assert [line for line in head if line not in whole] == []
    assert one["predictions"][0]["probability"] == two["predictions"][0]["probability"]


def test_port_in_use_is_said_with_the_cure(project, start):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process, _ = start(project, f"serve.port={port}", wait=False)
        _, said = process.communicate(timeout=20)

    assert process.returncode != 0
    assert f"[serve] 127.0.0.1 port {port}: Address already in use" in said and "SET=serve.port=8001" in said


def test_other_host_without_a_token_and_a_project_without_a_run_are_refused(project, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "")
    project.parts["serve"] = settings.Serve(host="0.0.0.0")
    with pytest.raises(SettingsError, match=r"0\.0\.0\.0.*API_TOKEN"):
        serve.run(project)

    project.parts["serve"] = settings.Serve()
    project.models.rename(project.root / "elsewhere")
    with pytest.raises(SettingsError, match="There is no run"):
        serve.run(project)


def test_answers_older_than_keep_days_are_deleted_while_the_service_runs(project, start, entries, until):
    found = Database(database.address(project), flush=False)
    found.open()
    found.insert(entries(2, time=time.time() - 40 * 86_400) + entries())
    found.drop()

    process, _ = start(project, "serve.keep_days=30")

    until(lambda: len(logged(project)) == 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0
