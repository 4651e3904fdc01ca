"""The HTTP interface: who may ask, what is read, what is answered, and what becomes of an error.

POST /predict, POST /feedback, GET /example, /runs, /health/live, /health/ready, /metrics, /openapi.json, and the pages.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_plus

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Router

from ..engine.project.errors import DataError
from ..engine.project.settings import Project
from . import settings
from .counts import Counts
from .database import DamagedLog, LogError
from .guard import ENCODE, JSON, RETRY, SECURITY, Bodies, Guard, Problem, Receive, Scope, Send, busy, respond
from .log import Log
from .reference import Answered
from .routes import ROUTES
from .schema import BadBody, Cell, Row, decode
from .tables import Entry, new_ids
from .versions import Version, Versions

log = logging.getLogger(__name__)


class Reply(msgspec.Struct, omit_defaults=True):
    """The answer to a request: the run, and what it says of each row; `logged` is false where the log is damaged."""

    run: str
    predictions: list[dict[str, Any]]
    logged: bool = True


class Service:
    """Answers rows and keeps the answers, in a log that was started."""

    def __init__(self, project: Project, log: Log) -> None:
        self.project, self.options, self.log = project, settings.of(project, settings.Serve), log
        self.versions, self.counts = Versions(project), Counts()
        self.draining, self.in_flight, self._kept = False, 0, True
        self.tasks = set[Any]()  # uvicorn's, one a request
        self._shadows: set[asyncio.Task] = set()

    async def answer(self, rows: list[Row], run: str = "", asker: str = "") -> Reply:
        """Answer rows, at least one, plain cells by column, and return when the answers are in the log.

        `run` is the run that is asked, by its name or the end of it, "" for the default; `asker` is who asks, for the
        log. Raises `Problem` (no such run, or more requests wait than are answered in time), `DataError` (cells break a
        rule: `violations`) and `LogError` (the answers could be kept nowhere).
        """
        version, ids = self.versions.get(run), new_ids(len(rows))
        kept, answered = await self._say(version, "answer", rows, ids, asker)
        self.counts.answered(version.name, answered)
        if self.versions.shadows:
            task = asyncio.create_task(self._ask_shadows(rows, ids, asker))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)
        keys = [{name: row[name] for name in version.ids if name in row} for row in rows]
        return Reply(version.name, [prediction(*one) for one in zip(ids, answered, keys, strict=True)], kept)

    async def _say(
        self, version: Version, role: str, rows: list[Row], ids: list[str], asker: str
    ) -> tuple[bool, list[Answered]]:
        """Answer rows and log that; whether the log keeps it."""
        start = time.perf_counter()
        answered = await self.versions.answer(version, rows)
        milliseconds, now = 1000 * (time.perf_counter() - start) / len(rows), time.time()
        entries = [
            Entry(
                *(number, now, version.name, role, one.road, ENCODE(row).decode(), ENCODE(one.output).decode()),
                *(bool(one.output["confident"]), one.unusual, ENCODE(one.warnings).decode(), milliseconds, asker),
            )
            for number, row, one in zip(ids, rows, answered, strict=True)
        ]
        try:
            logged = self._kept = await self.log.write(entries, alone=len(self.tasks) == 1)
        except LogError:
            self._kept = False
            raise
        return logged, answered

    async def _ask_shadows(self, rows: list[Row], ids: list[str], asker: str) -> None:
        """Let the shadows answer too, unless there is more to do."""
        for version in self.versions.shadows.values():
            await asyncio.sleep(0)  # the reply goes first
            try:
                if self.in_flight > 1 or self.draining:
                    raise busy("somebody waits")
                await self._say(version, "shadow", rows, ids, asker)
            except Exception as error:
                self.counts.dropped.inc(len(rows))
                if not isinstance(error, Problem):
                    log.exception("shadow %s", version.name)

    def unready(self) -> list[str]:
        """Why the service is not ready; nothing if it is."""
        state = self.log.state()
        lost = not self._kept and state.database != "ok" or not state.keeps
        empty = not self.versions.served
        whys = {"it is stopping": self.draining, "no run is loaded yet": empty, state.database: lost}
        return [why for why, holds in whys.items() if holds]


def prediction(number: str, one: Answered, ids: dict[str, Cell]) -> dict[str, Any]:
    """What the answer to a row says."""
    more = {"warnings": one.warnings, "key": ids}
    return {"id": number, **one.output, "unusual": one.unusual, **{name: said for name, said in more.items() if said}}


FULL = {"type": "http.response.body", "body": ENCODE(busy("as many requests as [serve] waiting allows").content)}
LENGTH = (b"content-length", str(len(FULL["body"])).encode())
TURNED_AWAY = {"type": "http.response.start", "status": 503, "headers": [JSON, LENGTH, RETRY, *SECURITY]}


class Application:
    """The service as an ASGI application; `/predict` is answered without a detour, all else by its route."""

    def __init__(self, service: Service, pages: Sequence[BaseRoute] = ()) -> None:
        self.service, self.bodies = service, Bodies(service.options)
        self.guard = Guard(settings.secret(service.project, settings.TOKEN))
        self._routes = Router([*ROUTES, *pages], redirect_slashes=False)
        self._known = ", ".join(sorted({"/predict", *(getattr(route, "path", "") for route in self._routes.routes)}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self.service.in_flight >= self.service.options.waiting and scope["path"] == "/predict":
            self.service.counts.busy.inc()  # and nothing else: to turn somebody away must cost next to nothing
            await send(TURNED_AWAY)
            return await send(FULL)
        started = False

        async def guarded(message: dict[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *SECURITY]
            await send(message)

        try:
            asker = self.guard.asker(scope)
            if scope["path"] == "/predict":
                await self._predict(scope, receive, guarded, asker)
            else:
                await self._routes({**scope, "app": self, "asker": asker}, receive, guarded)  # type: ignore[arg-type]
        except Exception as error:
            problem = self.problem(error, scope)
            if scope["path"] == "/predict":
                self.service.counts.requests.labels(problem.outcome).inc()
            if not started:
                await respond(guarded, problem.status, problem.content, *problem.headers)
            del problem  # it holds this frame, which would hold it, and what was read of the body, for long

    async def _predict(self, scope: Scope, receive: Receive, send: Send, asker: str) -> None:
        """Answer rows."""
        service, options = self.service, self.service.options
        if scope["method"] != "POST":
            raise HTTPException(405, headers={"Allow": "POST"})
        if service.draining or not service.versions.served:
            raise busy("; ".join(service.unready()))
        body = await self.bodies.read(scope, receive)
        if service.in_flight >= options.waiting:
            raise busy(f"{service.in_flight} requests are being answered, as many as [serve] waiting allows")
        start = time.perf_counter()
        service.in_flight += 1
        try:
            query = unquote_plus(scope["query_string"].decode("latin-1"))
            before, _, name = query.partition("run=")
            if before or (query and not name):  # the default would pass for the run that was meant
                known = ", ".join(service.versions.served)
                raise Problem(404, "unknown", f"The query {query[:80]!r} asks no run. Known, as run=: {known}.")
            version = service.versions.get(name)
            rows = decode(body, version.separators)
            if not rows:
                raise Problem(422, "invalid", "No rows. Send at least one.", violations=[])
            if len(rows) > options.rows:
                said = f"{len(rows)} rows; allowed: {options.rows} ([serve] rows). Send fewer at once."
                raise Problem(413, "too_large", said)
            reply = await service.answer(rows, version.name, asker)
        finally:
            service.in_flight -= 1
        service.counts.seconds.observe(time.perf_counter() - start)
        await respond(send, 200, reply)
        service.counts.done.inc()

    def problem(self, error: Exception, scope: Scope) -> Problem:
        """What is said of an error; of one of ours only an id, which is in the log with the rest."""
        if isinstance(error, Problem):
            return error
        if isinstance(error, BadBody):
            return Problem(400, "bad", str(error))
        if isinstance(error, HTTPException):
            allowed = f" (allowed: {error.headers['Allow']})" if error.headers and "Allow" in error.headers else ""
            said = f"{error.detail}: {scope['method']} {scope['path'][:80]}{allowed}. Known: {self._known}."
            headers = ((name.lower().encode(), value.encode()) for name, value in (error.headers or {}).items())
            return Problem(error.status_code, "unknown", said, *headers)
        if isinstance(error, DataError) and error.violations:
            return Problem(422, "invalid", str(error), violations=error.violations)
        if isinstance(error, SQLAlchemyError):
            error = self.service.log.database.explained(error)
        if isinstance(error, LogError):
            log.error("%s", error)
            damaged = isinstance(error, DamagedLog)
            return busy("the log is damaged" if damaged else "the log cannot be read, or nothing can be kept in it")
        self.service.counts.errors.inc()
        number = uuid.uuid4().hex
        log.error("error %s at %r", number, scope["path"], exc_info=error)
        return Problem(500, "error", "The service has failed; its log says more under this id.", id=number)
