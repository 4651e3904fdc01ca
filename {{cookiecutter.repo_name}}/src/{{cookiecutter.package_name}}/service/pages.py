"""The pages for people: ask by a form or with a table, see how sure the model is and why, say what was right.

Rendered here, plain forms, no script needed; all that comes from data or people is escaped by the templates.
"""

import asyncio
import base64
import csv
import email
import functools
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ..engine.columns import dictionary
from ..engine.project import spreadsheet
from ..engine.project.errors import DataError
from ..engine.report.verdict import number, percent
from ..engine.sources import read
from . import feedback, settings, words
from .guard import COOKIE, Guard, Problem, body_of, busy
from .log import LogError
from .monitor import figures, moment
from .schema import Row
from .versions import Busy, UnknownRun, Version

FOLDER = Path(__file__).parent
PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
PAGES.globals |= {"few": 30, "many": 300, "infinite": float("inf")}  # choices that a list shows, or that are offered
PAGES.filters |= {"number": number, "percent": percent, "shown": words.shown}
UNKNOWN, UNABLE = (UnknownRun, feedback.UnknownAnswer), (Busy, LogError)
SHOWN = 200  # answers of a table on its page
COLUMNS = ("prediction", "probability", "low", "high", "confident", "unusual")  # of an answer, on the page of a table
Page = Callable[[Request], Awaitable[Response]]


def page(request: Request, template: str, status: int = 200, **content: Any) -> Response:
    """A page from a template."""
    known = {"project": request.app.state.service.project.root.name, "here": request.url.path}
    return HTMLResponse(PAGES.get_template(template).render(known | content), status)


def or_why_not(handle: Page) -> Page:
    """The page, or another one that says why there is none."""

    @functools.wraps(handle)
    async def answered(request: Request) -> Response:
        try:
            return await handle(request)
        except Problem as problem:
            status, text = problem.status, str(problem)
        except UNKNOWN as error:
            status, text = 404, str(error)
        except UNABLE:
            status, text = 503, "Too many ask, or it can be kept nowhere. Ask again in a moment."
        except DataError as error:
            status, text = 422, str(error)
        return page(request, "problem.html", status, said=text)

    return answered


async def sent(request: Request) -> bytes:
    """The body of a request, within the limits of `[serve]`."""
    options = request.app.state.service.options
    try:
        async with asyncio.timeout(options.seconds):
            return await body_of(request.scope, request.receive, int(options.megabytes * 1e6))
    except TimeoutError:
        raise Problem(408, "slow", f"The form took more than {options.seconds:g} s ([serve] seconds).") from None


async def form_of(request: Request) -> dict[str, str]:
    """What somebody filled in."""
    return dict(parse_qsl((await sent(request)).decode(errors="replace"), keep_blank_values=True))


def version_of(request: Request) -> Version:
    """The run that is asked."""
    versions = request.app.state.service.versions
    if not versions.served:
        raise busy("no run is loaded yet")
    return versions.get(request.query_params.get("run", ""))


@or_why_not
async def ask(request: Request) -> Response:
    """The form, filled in by hand or by an example, and what is said of it."""
    service, version = request.app.state.service, version_of(request)
    if request.method == "GET":
        return form(request, version, words.usual(version) if "example" in request.query_params else {})
    filled = await form_of(request)
    texts = {name.removeprefix("cell."): text for name, text in filled.items()}
    row = words.row_of(version.columns, texts)
    try:
        reply = await service.answer([row], version.name, request.scope["asker"])
    except DataError as error:
        problems = error.violations or [{"column": "", "problem": str(error), "cure": ""}]
        return form(request, version, row, 422, problems=problems)
    said = reply.predictions[0]
    return form(
        request, version, row, said=said, kept=reply.logged, reasons=await words.reasons(service, version, row, said)
    )


def form(request: Request, version: Version, row: Row, status: int = 200, **more: Any) -> Response:
    """The page with the form, below the answer `said` or the `problems` with a row."""
    service, problems = request.app.state.service, more.get("problems", [])
    content = {
        "record": version.run.record,
        "description": version.columns[version.run.record["target"]].description,
        "run": version.name,
        "others": [name for name in service.versions.served if name != version.name],
        "fields": words.fields(version.columns, row, problems),
        "most": service.options.rows,
    }
    return page(request, "ask.html", status, **content | more)


@or_why_not
async def answer(request: Request) -> Response:
    """An answer of the log; what was said of it, and what people say of it now."""
    service, name = request.app.state.service, request.query_params.get("id", "")
    if request.method == "POST":
        filled = await form_of(request)
        truth = filled.get("right") or filled.get("truth", "")
        await feedback.tell(service.project, service.log, name, truth, asker=request.scope["asker"], source="page")
        return RedirectResponse(f"/answer?id={name}", 303)
    entry, told = await asyncio.to_thread(feedback.find, service.log, name)
    if entry.run not in service.versions.served:
        raise Problem(404, "unknown", f"Run {entry.run}, which answered, is not loaded. Name it in [serve] runs.")
    version, row, said = service.versions.served[entry.run], json.loads(entry.inputs), json.loads(entry.output)
    reasons = await words.reasons(service, version, row, said)
    said |= {"id": name, "unusual": entry.unusual, "warnings": json.loads(entry.warnings)}
    truths = [(json.loads(one.truth), moment(one.time)) for one in told]
    return form(request, version, row, said=said, kept=True, reasons=reasons, told=truths)


@or_why_not
async def table(request: Request) -> Response:
    """Answers to the rows of a table."""
    service, version = request.app.state.service, version_of(request)
    name, content = file_of(request.headers.get("content-type", ""), await sent(request))
    options, features = service.project.settings.data.read, dictionary.by_role(version.columns, "feature")
    try:
        found = await asyncio.to_thread(read.sent, content, name, options, features[0])
        if len(found.frame) > service.options.rows:
            raise DataError(f"{name}: {len(found.frame)} rows; allowed: {service.options.rows} ([serve] rows).")
        rows = found.frame.astype(object).where(found.frame.notna(), None).to_dict("records")
        reply = await service.answer(rows, version.name, request.scope["asker"])
    except DataError as error:
        return form(request, version, {}, 422, problems=[{"column": "", "problem": str(error), "cure": ""}])
    ids = [one for one in dictionary.by_role(version.columns, "id") if one in found.frame]
    head = [*(ids or ["row"]), *(one for one in COLUMNS if one in reply.predictions[0]), "id", "run"]
    lines = [
        [*([row[one] for one in ids] or [place]), *(said[one] for one in head[len(ids or "1") : -1]), reply.run]
        for place, (row, said) in enumerate(zip(rows, reply.predictions, strict=True), start=1)
    ]
    return page(
        request,
        "table.html",
        record=version.run.record,
        name=name,
        head=head,
        lines=lines,
        notes=[*found.decisions, *dict.fromkeys(one for said in reply.predictions for one in said.get("warnings", ()))],
        csv=as_csv([head, *lines]),
        shown=SHOWN,
    )


def file_of(kind: str, body: bytes) -> tuple[str, bytes]:
    """Name and content of the file in a form."""
    message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    for part in message.walk():
        name, content = part.get_filename(), part.get_payload(decode=True)
        if name and isinstance(content, bytes):
            return name, content
    raise Problem(400, "bad", "No file was sent. Choose one.")


def as_csv(lines: list[list[Any]]) -> str:
    """A CSV file in base64."""
    text = io.StringIO()
    csv.writer(text).writerows([map(spreadsheet.safe, line) for line in lines])
    return base64.b64encode(text.getvalue().encode("utf-8-sig")).decode()


@or_why_not
async def monitor(request: Request) -> Response:
    """How the service is, and how right it was."""
    return page(request, "monitor.html", **await asyncio.to_thread(figures, request.app.state.service))


async def login(request: Request) -> Response:
    """Ask for the token once."""
    token = (await form_of(request)).get("token", "").strip() if request.method == "POST" else ""
    guard = Guard(settings.secret(request.app.state.service.project, "API_TOKEN"))
    headers = [(b"host", request.headers["host"].encode()), (b"authorization", b"Bearer " + token.encode())]
    try:
        guard.asker({**request.scope, "path": "/", "headers": headers})
    except Problem:
        return page(request, "login.html", 401 if token else 200, wrong=bool(token))
    secure = "; Secure" if request.url.scheme == "https" else ""
    cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}"
    return RedirectResponse("/", 303, {"set-cookie": cookie})


ROUTES: tuple[BaseRoute, ...] = (
    Route("/", ask, methods=["GET", "POST"]),
    Route("/answer", answer, methods=["GET", "POST"]),
    Route("/table", table, methods=["POST"]),
    Route("/monitor", monitor),
    Route("/login", login, methods=["GET", "POST"]),
    Mount("/static", StaticFiles(directory=FOLDER / "static")),
)
