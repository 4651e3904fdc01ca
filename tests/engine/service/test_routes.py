import asyncio
import json

import pytest

from data_science_project.engine.runs import registry

from .conftest import ask, call


def test_ready_says_no_and_why_until_a_run_is_loaded_and_when_it_stops(serving, monkeypatch):
    application = serving()
    service = application.service

    with monkeypatch.context() as patch:
        patch.setattr(service.versions, "served", {})
        empty = ask(application, "GET", "/health/ready"), ask(application)[0]
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


def test_runs_are_told_with_their_roles_and_every_answer_has_the_headers_of_a_safe_page(serving, contest):
    new, old = (folder.name for folder in registry.folders(contest))
    application = serving(contest, own=True, runs=(new,), shadow=(old,))

    _, headers, content = asyncio.run(call(application, "GET", "/runs"))

    assert [(one["run"], one["role"]) for one in json.loads(content)["runs"]] == [(new, "served"), (old, "shadow")]
    assert "default-src 'self'" in headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff"


def test_truth_is_kept_once_and_what_is_none_is_refused(serving):
    application = serving()
    number = ask(application)[1]["predictions"][0]["id"]

    def tell(**content):
        return ask(application, path="/feedback", body=json.dumps(content).encode())

    first, again, other = tell(id=number, truth="yes"), tell(id=number, truth="yes"), tell(id=number, truth="no")

    assert first == (200, {"id": number, "news": True}) and again[1]["news"] is False and other[1]["news"] is True
    _, told = application.service.log.database.find([number])[number]
    assert [json.loads(one.truth) for one in told] == ["yes", "no"] and told[0].source == "http"
    assert tell(id=number, truth="perhaps")[0] == 422 and tell(id="0" * 32, truth="yes")[0] == 404
    assert tell(id="\x00", truth="yes")[0] == 404 and tell(id=5, truth="yes")[0] == 400
    assert tell(id=number)[0] == 400 and tell(id=number, truth=[1])[0] == 400
    assert ask(application, path="/feedback", body=b"[" * 100_000)[0] == 400
    twice = f'{{"id": "{number}", "truth": "yes", "truth": "no"}}'.encode()
    assert "the key 'truth' stands twice" in ask(application, path="/feedback", body=twice)[1]["error"]


def test_same_truth_sent_twice_at_the_same_moment_is_kept_once(serving):
    application = serving()
    number = ask(application)[1]["predictions"][0]["id"]
    body = json.dumps({"id": number, "truth": "yes"}).encode()

    async def both():
        return await asyncio.gather(*(call(application, "POST", "/feedback", body) for _ in range(2)))

    replies = asyncio.run(both())

    assert [status for status, _, _ in replies] == [200, 200]
    assert len(application.service.log.database.find([number])[number][1]) == 1


@pytest.mark.parametrize("token", ["", "web:s3cret"])
def test_readme_s_two_curls_work_as_printed_with_a_token_and_without(serving, token):
    application, header = serving(token=token), f"Bearer {token}"

    _, _, body = asyncio.run(call(application, "GET", "/example", authorization=header))
    status, _, content = asyncio.run(call(application, "POST", "/predict", body, authorization=header))

    assert status == 200 and len(json.loads(content)["predictions"]) == 1


def test_description_asks_for_a_token_as_the_service_does_whatever_is_written_to_env_meanwhile(serving, project):
    application = serving()
    (project.root / ".env").write_text("API_TOKEN=web:secret\n", encoding="utf-8")

    status, document = ask(application, "GET", "/openapi.json")

    assert status == 200 and "security" not in document
