import asyncio
import contextlib
import functools

import pytest

from data_science_project.engine.project.errors import SettingsError
from data_science_project.service import guard
from data_science_project.service.settings import Serve

from .conftest import BODY, ask


def test_slow_body_is_refused_and_too_large_a_one_before_it_is_read(serving):
    application = serving(seconds=0.05)

    slow, large = ask(application, slow=0.2), ask(application, body=b"", content_length="9000000")

    assert slow[0] == 408 and "0.05 s" in slow[1]["error"]
    assert large[0] == 413 and "8,000,000 bytes" in large[1]["error"]


def test_large_body_is_refused_while_many_bytes_are_being_read_and_a_small_one_is_not(monkeypatch):
    monkeypatch.setattr(guard, "AT_ONCE", 1)
    bodies = guard.Bodies(Serve(megabytes=1.0))

    def part(size, *, more=False):
        return {"type": "http.request", "body": bytes(size), "more_body": more}

    async def asked():
        parts = asyncio.Queue()
        slow = asyncio.create_task(bodies.read({"headers": []}, parts.get))
        for _ in range(2):
            parts.put_nowait(part(450_000, more=True))
            await asyncio.sleep(0)
        for size in (50_000, 150_000):
            with (
                contextlib.nullcontext() if size < guard.SMALL else pytest.raises(guard.Problem, match="950,000|1,050")
            ):
                await bodies.read({"headers": []}, functools.partial(asyncio.sleep, 0, part(size)))
        parts.put_nowait(part(0))
        await slow
        return len(await bodies.read({"headers": []}, functools.partial(asyncio.sleep, 0, part(900_000))))

    assert asyncio.run(asked()) == 900_000


def test_token_is_asked_for_but_for_health_and_its_name_is_in_the_log(serving):
    application = serving(token="anna:s3cret other:s4cret")
    host = "example.org"

    nobody = ask(application, host=host)
    wrong, right = (ask(application, host=host, authorization=f"Bearer {one}") for one in ("s3cre", "s4cret"))

    assert (nobody[0], wrong[0], right[0]) == (401, 401, 200) and "s3cret" not in str(wrong)
    number = right[1]["predictions"][0]["id"]
    assert application.service.log.database.find([number])[number][0].asker == "other"
    assert ask(application, host=host, cookie="a=b; token=s3cret")[0] == 200
    assert ask(application, "GET", "/metrics", host=host)[0] == 401
    assert ask(application, host=host, accept="text/html")[0] == 401, "a program, too, may take it"
    assert ask(application, "GET", "/health/ready", host=host)[0] == 200


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        *(("ada:", "token 1 has no secret"), ("web:x prometheus:", "token 2 has no secret")),
        *((":", "token 1 has no secret"), ("anna:my secret", "token 2 has no name")),
    ],
)
def test_token_without_a_secret_or_with_a_blank_is_refused_at_the_start(tokens, said):
    with pytest.raises(SettingsError, match=rf"API_TOKEN: {said}(.|\n)*name:secret"):
        guard.Guard(tokens)


def test_secret_is_all_that_follows_the_first_colon():
    one = guard.Guard("ada:long:secret:1")

    names = [one.name_of(given) for given in (b"ada:long:secret:1", b"long:secret:1", b"1", b"long:secret:1x", b"")]

    assert names == ["ada", "ada", None, None, None]


def asker(tokens, method="GET", **headers):
    """Who asks for a route, or the status with which that is refused."""
    fields = [(name.encode(), text.encode()) for name, text in headers.items()]
    try:
        return guard.Guard(tokens).asker({"path": "/runs", "method": method, "headers": fields})
    except guard.Problem as problem:
        return problem.status


def test_tokens_are_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr(guard.hmac, "compare_digest", lambda *pair: compared.append(pair) or pair[0] == pair[1])

    assert asker("a:one b:two", authorization="Bearer one") == "a"
    assert [pair[0] for pair in compared] == [b"one", b"two"], "all of them, whichever fits"


@pytest.mark.parametrize(
    ("host", "found"),
    [
        *((host, "") for host in ("localhost:8000", "127.0.0.1", "[::1]:8000")),
        *((host, 403) for host in ("example.org", "127.0.0.1.example.org", "localhost.example.org", "[", "")),
    ],
)
def test_without_a_token_only_this_machine_is_answered(host, found):
    assert asker("", host=host) == found


@pytest.mark.parametrize("origin", ["http://example.org", "http://127.0.0.1:8000.example.org", "http://[", "null"])
def test_page_of_another_origin_cannot_post(origin):
    assert asker("", "POST", host="127.0.0.1:8000", origin=origin) == 403
    assert asker("", "POST", host="127.0.0.1:8000", origin="http://127.0.0.1:8000") == ""


@pytest.mark.parametrize("path", ["/predict", "/feedback"])
def test_compressed_body_is_refused_by_its_name_and_one_that_is_not_is_read(serving, path):
    application = serving()

    packed = [ask(application, path=path, body=b"\x1f\x8b", content_encoding=kind) for kind in ("gzip", "br")]

    assert {(status, said["error"].partition(":")[0]) for status, said in packed} == {
        (415, "Compressed bodies are not read")
    }
    assert ask(application, content_encoding="identity")[0] == 200


def test_body_with_a_byte_order_mark_is_read_or_named(serving):
    application = serving()
    utf_8, utf_16 = (ask(application, body=BODY.decode().encode(kind)) for kind in ("utf-8-sig", "utf-16"))

    assert utf_8[0] == 200
    assert utf_16 == (400, {"error": "not UTF-8 (but UTF-16, as > of Windows PowerShell writes it)."})
