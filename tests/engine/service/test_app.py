import asyncio
import json
import logging

import pytest

from data_science_project.engine.runs import registry
from data_science_project.service import app, guard, log, settings
from data_science_project.service.database import Entry

ROW = {"order": 7, "amount": 51.5, "colour": "red", "shop": "shop A", "day": "2026-02-01", "note": "parcel 3 went out"}
BODY = json.dumps({"rows": [ROW]}).encode()


@pytest.fixture
def serving(project, monkeypatch):
    """The application of a project, loaded, with its log; keywords are keys of `[serve]`."""
    opened = []

    def start(project=project, token="", **options):
        monkeypatch.setenv("API_TOKEN", token)
        monkeypatch.setenv("DATABASE_URL", "")
        project.settings.parts["serve"] = settings.Serve(**options)
        kept = log.Log(project, settings.of(project))
        kept.start()
        opened.append(kept)
        service = app.Service(project, kept)
        service.versions.load()
        return app.Application(service)

    yield start
    for one in opened:
        one.close(5)


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


def test_answer_has_an_id_a_row_and_is_in_the_log_with_what_was_asked(serving):
    application = serving()

    status, reply = ask(application, body=json.dumps({"rows": [ROW, ROW | {"order": 8, "more": 1}]}).encode())

    first, second = reply["predictions"]
    columns = ["id", "prediction", "probability", "probability_no", "probability_yes", "confident", "unusual"]
    assert status == 200 and list(first) == [*columns, "key"] and first["key"] == {"order": 7}
    assert first["id"] < second["id"] and "left out: more" in second["warnings"][0]
    entry, told = application.service.log.database.find([first["id"]])[first["id"]]
    assert told == [] and json.loads(entry.inputs) == ROW and entry.run == reply["run"]
    assert json.loads(entry.output) == {name: first[name] for name in columns[1:-1]}
    assert (entry.role, entry.road, entry.unusual, entry.asker) == ("answer", "compiled", False, "")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b'{"rows": []}', 422, "No rows"),
        (b'{"rows": [{"a": NaN}]}', 400, "character 16"),
        (b'{"rows": [{"a": {"b": 1}}]}', 400, "row 1, column 'a'"),
        (json.dumps({"rows": [ROW | {"amount": "much"}]}).encode(), 422, "not a number, like 'much'"),
        (json.dumps({"rows": [{}]}).encode(), 422, "are missing: 'amount'"),
        (json.dumps({"rows": [ROW] * 4}).encode(), 413, "4 rows; allowed: 3"),
        (b" " * 2000, 413, "larger than 1,000 bytes"),
    ],
)
def test_body_that_cannot_be_answered_is_refused_with_the_reason(serving, body, status, said):
    found, reply = ask(serving(rows=3, megabytes=0.001), body=body)

    assert found == status and said in reply["error"]


def test_refused_cell_is_told_with_row_column_problem_and_cure(serving):
    _, reply = ask(serving(), body=json.dumps({"rows": [ROW, ROW | {"amount": "much"}]}).encode())

    (violation,) = reply["violations"]
    assert (violation["row"], violation["column"]) == (2, "amount")
    assert "not a number" in violation["problem"] and "[amount]" in violation["cure"]


def test_text_with_nul_and_date_in_the_year_10000_and_huge_numbers_are_no_error_of_the_service(serving):
    application = serving()
    hostile = {"note": "a\x00b", "shop": "\x00", "colour": "\U0001f600" * 50, "day": "10000-01-01", "amount": 10**400}

    statuses = [
        ask(application, body=json.dumps({"rows": [ROW | {n: cell}]}).encode())[0] for n, cell in hostile.items()
    ]

    assert statuses[0] == 200 and set(statuses) <= {200, 422}


def test_too_large_a_body_is_refused_before_it_is_read(serving):
    status, reply = ask(serving(), body=b"", content_length="9000000")

    assert status == 413 and "8,000,000 bytes" in reply["error"]


def test_slow_body_is_refused(serving):
    status, reply = ask(serving(seconds=0.05), slow=0.2)

    assert status == 408 and "0.05 s" in reply["error"]


def test_unknown_run_path_and_method_are_told_with_what_is_known(serving, folder):
    application = serving()

    run, path, method = (
        ask(application, path="/predict?run=none"),
        ask(application, path="/prediction"),
        ask(application, "GET"),
    )

    assert run[0] == 404 and folder.name in run[1]["error"]
    assert path[0] == 404 and "/predict, /runs" in path[1]["error"]
    assert method[0] == 405 and "POST" in method[1]["error"]
    assert ask(application, "DELETE", "/runs")[0] == 405
    assert ask(application, path=f"/predict?run={folder.name[-8:]}")[0] == 200


def test_token_is_asked_for_but_for_health_and_its_name_is_in_the_log(serving):
    application = serving(token="anna:s3cret other:s4cret")
    host = "example.org"

    nobody, wrong, right = (
        ask(application, host=host),
        ask(application, host=host, authorization="Bearer s3cre"),
        ask(application, host=host, authorization="Bearer s4cret"),
    )

    assert (nobody[0], wrong[0], right[0]) == (401, 401, 200) and "s3cret" not in str(wrong)
    number = right[1]["predictions"][0]["id"]
    assert application.service.log.database.find([number])[number][0].asker == "other"
    assert ask(application, host=host, cookie="a=b; token=s3cret")[0] == 200
    assert ask(application, "GET", "/metrics", host=host)[0] == 401
    assert ask(application, "GET", "/health/ready", host=host)[0] == 200


def test_tokens_are_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr(guard.hmac, "compare_digest", lambda *pair: compared.append(pair) or pair[0] == pair[1])
    scope = {"path": "/runs", "method": "GET", "headers": [(b"authorization", b"Bearer one")]}

    assert guard.Guard("a:one b:two").asker(scope) == "a"
    assert [pair[0] for pair in compared] == [b"one", b"two"], "all of them, whichever fits"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8000", 200),
        ("127.0.0.1", 200),
        ("[::1]:8000", 200),
        ("example.org", 403),
        ("127.0.0.1.example.org", 403),
        ("localhost.example.org", 403),
        ("[", 403),
        ("", 403),
    ],
)
def test_without_a_token_only_this_machine_is_answered(serving, host, status):
    assert ask(serving(), "GET", "/runs", host=host)[0] == status


def test_page_of_another_origin_cannot_post(serving):
    application = serving()

    assert ask(application, origin="http://example.org")[0] == 403
    assert ask(application, origin="http://127.0.0.1:8000")[0] == 200


def test_error_in_add_features_is_an_id_that_is_in_the_log_and_the_next_request_is_answered(serving, caplog):
    application = serving()
    version = application.service.versions.get("")
    whole = version.run.add_features

    def broken(rows):
        return whole(rows) if (rows["amount"] != 13).all() else 1 / 0

    object.__setattr__(version.run, "add_features", broken)
    version.compiled = None

    status, reply = ask(application, body=json.dumps({"rows": [ROW | {"amount": 13}]}).encode())
    later, _ = ask(application)

    assert status == 500 and reply["id"] in caplog.text and "ZeroDivisionError" in caplog.text
    assert "division" not in str(reply) and ".py" not in str(reply)
    assert later == 200


def test_above_so_many_requests_in_flight_the_answer_is_503_at_once(serving):
    application = serving(waiting=2)

    async def many():
        return await asyncio.gather(*(call(application, "POST", "/predict", BODY) for _ in range(6)))

    found = asyncio.run(many())

    assert [status for status, _, _ in found].count(200) == 2
    assert {headers.get("retry-after") for status, headers, _ in found if status == 503} == {"1"}


def test_ready_says_no_and_why_until_a_run_is_loaded_and_when_it_stops(serving):
    application = serving()
    service = application.service
    loaded, service.versions.served = service.versions.served, {}

    empty = ask(application, "GET", "/health/ready"), ask(application)[0]
    service.versions.served = loaded
    fine = ask(application, "GET", "/health/ready")
    service.draining = True
    stopping = ask(application, "GET", "/health/ready"), ask(application)[0]

    assert empty == ((503, {"ready": False, "why": ["no run is loaded yet"]}), 503)
    assert fine == (200, {"ready": True, "why": []})
    assert stopping == ((503, {"ready": False, "why": ["it is stopping"]}), 503)


def test_damaged_log_is_said_and_the_service_answers(serving, project):
    file = project.root / "data" / "log" / "predictions.db"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no database" * 1000)
    application = serving()

    status, reply = ask(application)

    assert status == 200 and reply["logged"] is False
    status, reply = ask(application, "GET", "/health/ready")
    assert status == 503 and "is damaged" in reply["why"][0]


def test_shadow_is_logged_beside_the_answer_and_never_shown(serving, contest):
    new, old = (folder.name for folder in registry.folders(contest))
    application = serving(contest, runs=(new,), shadow=(old,))

    async def once():
        _, _, content = await call(application, "POST", "/predict", BODY)
        while application.service._shadows:
            await asyncio.sleep(0.01)
        return json.loads(content)

    reply = asyncio.run(once())

    assert reply["run"] == new and old not in str(reply)
    rows = list(application.service.log.database.read(Entry))
    number = reply["predictions"][0]["id"]
    assert {(row.id, row.run, row.role) for row in rows} == {(number, new, "answer"), (number, old, "shadow")}


def test_shadow_is_left_out_and_counted_when_the_service_is_busy(serving, contest):
    new, old = (folder.name for folder in registry.folders(contest))
    application = serving(contest, runs=(new,), shadow=(old,))

    async def once():
        application.service.in_flight = 2
        await call(application, "POST", "/predict", BODY)
        while application.service._shadows:
            await asyncio.sleep(0.01)
        return await call(application, "GET", "/metrics")

    page = asyncio.run(once())[2].decode()

    assert "shadows_dropped_total 1.0" in page
    assert [row.role for row in application.service.log.database.read(Entry)] == ["answer"]


def test_runs_are_told_with_their_roles_and_every_answer_has_the_headers_of_a_safe_page(serving, contest):
    new, old = (folder.name for folder in registry.folders(contest))
    application = serving(contest, runs=(new,), shadow=(old,))

    _, headers, content = asyncio.run(call(application, "GET", "/runs"))

    assert [(one["run"], one["role"]) for one in json.loads(content)["runs"]] == [(new, "served"), (old, "shadow")]
    assert "default-src 'self'" in headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff"


def test_error_answers_are_counted_by_outcome(serving, caplog):
    caplog.set_level(logging.CRITICAL)
    application = serving()
    ask(application)
    ask(application, body=b"{")
    ask(application, body=b'{"rows": []}')

    page = asyncio.run(call(application, "GET", "/metrics"))[2].decode()

    for outcome in ("answered", "bad", "invalid"):
        assert f'requests_total{{outcome="{outcome}"}} 1.0' in page
