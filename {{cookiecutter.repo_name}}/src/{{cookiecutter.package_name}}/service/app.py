"""The HTTP interface: who may ask, what is read, what is answered, and what becomes of an error.

POST /predict · GET /runs · GET /health/live · GET /health/ready · GET /metrics · GET /openapi.json, and the pages.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..engine.project.errors import DataError
from ..engine.project.settings import Project
from . import settings
from .counts import Counts
from .guard import ENCODE, SECURITY, Guard, Problem, Receive, Scope, Send, body_in_time, busy, respond
from .log import Entry, Log, LogError, new_ids
from .reference import Answered, key
from .schema import BadBody, Cell, Row, decode
from .versions import Busy, UnknownRun, Version, Versions

log = logging.getLogger(__name__)


class Reply(msgspec.Struct, omit_defaults=True):
    """The answer to a request: the run, and what it says of each row; `logged` is false where the log is damaged."""

    run: str
    predictions: list[dict[str, Any]]
    logged: bool = True


class Service:
    """Answers rows and keeps the answers.

    Parameters
    ----------
    project : Project
    log : Log
        Where the answers are kept; it was started.
    """

    def __init__(self, project: Project, log: Log) -> None:
        self.project, self.options, self.log = project, settings.of(project), log
        self.versions, self.counts = Versions(project), Counts()
        self.draining, self.in_flight, self._kept = False, 0, True
        self._shadows: set[asyncio.Task] = set()

    async def answer(self, rows: list[Row], run: str = "", asker: str = "") -> Reply:
        """Answer rows, and return when the answers are in the log.

        Parameters
        ----------
        rows : list of dict
            Plain cells by column, at least one row.
        run : str
            The run that is asked, by its name or the end of it; "" for the default.
        asker : str
            Who asks, for the log.

        Raises
        ------
        UnknownRun, DataError, Busy, LogError
            No such run answers; cells break a rule (`violations`); more requests wait than are answered in time; the
            answers could be kept nowhere.
        """
        version, ids = self.versions.get(run), new_ids(len(rows))
        kept, answered = await self._say(version, "answer", rows, ids, asker)
        self.counts.answered(version.name, answered)
        if self.versions.shadows:
            task = asyncio.create_task(self._ask_shadows(rows, ids, asker))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)
        keys = [key(version.columns, row) for row in rows]
        return Reply(version.name, [told(*one) for one in zip(ids, answered, keys, strict=True)], kept)

    async def _say(
        self, version: Version, role: str, rows: list[Row], ids: list[str], asker: str
    ) -> tuple[bool, list[Answered]]:
        """Answer rows and log that; whether the log keeps it."""
        start = time.perf_counter()
        answered = await self.versions.answer(version, rows)
        milliseconds, now = 1000 * (time.perf_counter() - start), time.time()
        entries = [
            Entry(
                *(number, now, version.name, role, one.road, ENCODE(row).decode(), ENCODE(one.output).decode()),
                *(bool(one.output["confident"]), one.unusual, ENCODE(one.warnings).decode(), milliseconds, asker),
            )
            for number, row, one in zip(ids, rows, answered, strict=True)
        ]
        self._kept = False
        logged = await self.log.write(entries)
        self._kept = True
        return logged, answered

    async def _ask_shadows(self, rows: list[Row], ids: list[str], asker: str) -> None:
        """Let the shadows answer too, unless there is more to do."""
        for version in self.versions.shadows.values():
            await asyncio.sleep(0)  # the reply goes first
            try:
                if self.in_flight > 1 or self.draining:
                    raise Busy
                await self._say(version, "shadow", rows, ids, asker)
            except Busy:
                self.counts.dropped.inc(len(rows))
            except Exception:
                log.exception("shadow %s", version.name)
                self.counts.dropped.inc(len(rows))

    def unready(self) -> list[str]:
        """Why the service is not ready; nothing if it is."""
        state = self.log.state()
        lost = not state.keeps or (not self._kept and state.database != "ok")
        reasons = {
            "it is stopping": self.draining,
            "no run is loaded yet": not self.versions.served,
            state.database: lost,
        }
        return [reason for reason, holds in reasons.items() if holds]


def told(number: str, one: Answered, ids: dict[str, Cell]) -> dict[str, Any]:
    """What the answer to a row says."""
    said = {"id": number, **one.output, "unusual": one.unusual}
    if one.warnings:
        said["warnings"] = one.warnings
    if ids:
        said["key"] = ids
    return said


class Application:
    """The service as an ASGI application; `/predict` is answered without a detour, all else through Starlette."""

    def __init__(self, service: Service, pages: Sequence[BaseRoute] = ()) -> None:
        self.service, self._guard = service, Guard(settings.secret(service.project, "API_TOKEN"))
        known = sorted({"/predict", *(getattr(route, "path", "") for route in (*ROUTES, *pages))})

        async def lost(request: Request, error: Exception) -> Response:
            assert isinstance(error, HTTPException)
            said = f"{error.detail}: {request.method} {request.url.path[:80]}. Known: {', '.join(known)}."
            return Response(ENCODE({"error": said}), error.status_code, error.headers, "application/json")

        self._rest = Starlette(routes=[*ROUTES, *pages], exception_handlers={HTTPException: lost})
        self._rest.router.redirect_slashes = False
        self._rest.state.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = False

        async def guarded(message: dict[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *SECURITY]
            await send(message)

        try:
            asker = self._guard.asker(scope)
            if scope["path"] == "/predict":
                await self._predict(scope, receive, guarded, asker)
            else:
                await self._rest({**scope, "asker": asker}, receive, guarded)  # type: ignore[arg-type]
        except Problem as problem:
            self.service.counts.requests.labels(problem.outcome).inc()
            await respond(guarded, problem.status, problem.content, *problem.headers)
        except Exception:
            number = uuid.uuid4().hex
            log.exception("error %s at %s", number, scope["path"])
            self.service.counts.requests.labels("error").inc()
            if not started:
                said = "The service has failed; its log says more under this id."
                await respond(guarded, 500, {"error": said, "id": number})

    async def _predict(self, scope: Scope, receive: Receive, send: Send, asker: str) -> None:
        """Answer rows."""
        service, options = self.service, self.service.options
        if scope["method"] != "POST":
            raise Problem(405, "unknown", "Rows are sent to /predict by POST.", (b"allow", b"POST"))
        if service.draining or not service.versions.served:
            raise busy("; ".join(service.unready()))
        body = await body_in_time(scope, receive, options)
        if service.in_flight >= options.waiting:
            raise busy(f"{service.in_flight} requests are being answered ([serve] waiting)")
        start = time.perf_counter()
        service.in_flight += 1
        try:
            reply = await self._reply(body, run_of(scope), asker)
        finally:
            service.in_flight -= 1
        service.counts.seconds.observe(time.perf_counter() - start)
        await respond(send, 200, reply)
        service.counts.requests.labels("answered").inc()

    async def _reply(self, body: bytes, run: str, asker: str) -> Reply:
        """The reply to a body, or the `Problem` with it."""
        most = self.service.options.rows
        try:
            rows = decode(body)
            if not rows:
                raise Problem(422, "invalid", "No rows. Send at least one.", violations=[])
            if len(rows) > most:
                raise Problem(
                    413, "too_large", f"{len(rows)} rows; allowed: {most} ([serve] rows). Send fewer at once."
                )
            return await self.service.answer(rows, run, asker)
        except BadBody as error:
            raise Problem(400, "bad", str(error)) from None
        except UnknownRun as error:
            raise Problem(404, "unknown", str(error)) from None
        except Busy:
            raise busy("too many requests wait") from None
        except LogError as error:
            log.error("%s", error)
            raise busy("the answers can be kept nowhere") from None
        except DataError as error:
            if not error.violations:
                raise
            raise Problem(422, "invalid", str(error), violations=error.violations) from None


def run_of(scope: Scope) -> str:
    """The run that the query asks for, "" for none."""
    return parse_qs(scope["query_string"].decode("latin-1")).get("run", [""])[0] if scope["query_string"] else ""


def as_json(content: Any, status: int = 200) -> Response:
    """A value as a response."""
    return Response(ENCODE(content), status, media_type="application/json")


async def runs(request: Request) -> Response:
    """The runs that answer, the default first, and those that should and cannot."""
    versions = request.app.state.service.versions
    told = [described(version, role) for role in ("served", "shadows") for version in getattr(versions, role).values()]
    return as_json({"runs": told, "refused": versions.refused})


def described(version: Version, role: str) -> dict[str, Any]:
    """What is said of a run."""
    record = version.run.record
    known = {"run": version.name, "role": role.removesuffix("s"), "compiled": not version.why, "why": version.why}
    return known | {name: record[name] for name in ("task", "started", "metrics")}


async def live(request: Request) -> Response:
    """Say that the process can answer."""
    return as_json({"live": True})


async def ready(request: Request) -> Response:
    """Say whether predictions are answered, and why not."""
    reasons = request.app.state.service.unready()
    return as_json({"ready": not reasons, "why": reasons}, 503 if reasons else 200)


async def metrics(request: Request) -> Response:
    """The figures for Prometheus."""
    service = request.app.state.service
    known = {version.name: not version.why for version in service.versions.all()}
    service.counts.look(known, service.log.state(), not service.unready())
    return Response(service.counts.page(), media_type="text/plain; version=0.0.4")


ROUTES: tuple[Route, ...] = (
    Route("/runs", runs),
    Route("/health/live", live),
    Route("/health/ready", ready),
    Route("/metrics", metrics),
)
