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
from .monitor import figures
from .schema import Row
from .versions import Busy, UnknownRun, Version

FOLDER = Path(__file__).parent
PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
PAGES.filters |= {"number": number, "percent": percent}
REFUSED = {UnknownRun: 404, feedback.UnknownAnswer: 404, DataError: 422, Busy: 503, LogError: 503}
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
        except (Problem, *REFUSED) as error:
            known = [status for kind, status in REFUSED.items() if isinstance(error, kind)]
            status = error.status if isinstance(error, Problem) else known[0]
            text = "Too many ask, or the answers can be kept nowhere. Ask again." if status == 503 else str(error)
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
        return form(request, version, words.example(version) if "example" in request.query_params else {})
    filled = await form_of(request)
    row = words.row_of(version, {name: filled.get(f"cell.{name}", "") for name in words.asked(version.columns)})
    try:
        reply = await service.answer([row], version.name, request.scope["asker"])
    except DataError as error:
        problems = error.violations or [{"column": "", "problem": str(error), "cure": ""}]
        return form(request, version, row, 422, problems=problems)
    said = reply.predictions[0] | {"kept": reply.logged}
    return form(request, version, row, answer=await words.answer(service, version, row, said))


def form(request: Request, version: Version, row: Row, status: int = 200, **more: Any) -> Response:
    """The page with the form; `problems` are violations, by which fields are marked."""
    problems, record = more.pop("problems", []), version.run.record
    content = {
        "target": record["target"],
        "description": version.columns[record["target"]].description,
        "classes": list(map(words.shown, record["classes"])),
        "run": version.name,
        "others": [name for name in request.app.state.service.versions.served if name != version.name],
        "fields": words.fields(version.columns, row, problems),
        "problems": problems,
        "most": request.app.state.service.options.rows,
    }
    return page(request, "ask.html", status, **content | more)


@or_why_not
async def answer(request: Request) -> Response:
    """An answer of the log, and what is said of it, which can be said here."""
    service, name = request.app.state.service, request.query_params.get("id", "")
    if request.method == "POST":
        filled = await form_of(request)
        truth = filled.get("right") or filled.get("truth", "")
        await feedback.tell(service.project, service.log, name, truth, asker=request.scope["asker"], source="page")
        return RedirectResponse(f"/answer?id={name}", 303)
    entry, told = await asyncio.to_thread(feedback.find, service.log, name)
    version = service.versions.served.get(entry.run)
    row, said = json.loads(entry.inputs), json.loads(entry.output)
    said |= {"id": name, "unusual": entry.unusual, "warnings": json.loads(entry.warnings), "kept": True}
    if version is None:
        raise Problem(404, "unknown", f"Run {entry.run}, which answered, is not loaded: make serve, [serve] runs.")
    return form(request, version, row, answer=await words.answer(service, version, row, said, told))


@or_why_not
async def table(request: Request) -> Response:
    """Answers to the rows of a table."""
    service, version = request.app.state.service, version_of(request)
    name, content = file_of(request.headers.get("content-type", ""), await sent(request))
    features = dictionary.by_role(version.columns, "feature")
    options = service.project.settings.data.read
    found = await asyncio.to_thread(read.sent, content, name, options, features[0])
    if len(found.frame) > service.options.rows:
        raise Problem(413, "too_large", f"{len(found.frame)} rows; allowed: {service.options.rows} ([serve] rows).")
    rows = found.frame.astype(object).where(found.frame.notna(), None).to_dict("records")
    try:
        reply = await service.answer(rows, version.name, request.scope["asker"])
    except DataError as error:
        return form(request, version, {}, 422, said=f"{name}: {error}")
    ids = [one for one in dictionary.by_role(version.columns, "id") if one in found.frame]
    head = [*(ids or ["row"]), *(one for one in COLUMNS if one in reply.predictions[0])]
    cells = [
        [*([row[one] for one in ids] or [place]), *(said[one] for one in head[len(ids) or 1 :])]
        for place, (row, said) in enumerate(zip(rows, reply.predictions, strict=True), start=1)
    ]
    numbers = [said["id"] for said in reply.predictions]
    content = {
        "target": version.run.record["target"],
        "run": version.name,
        "name": name,
        "file": f"{Path(name).stem}_answers.csv",
        "rows": len(rows),
        "head": head,
        "notes": [
            *found.decisions,
            *dict.fromkeys(text for said in reply.predictions for text in said.get("warnings", ())),
        ],
        "table": [(one, map(words.shown, line)) for one, line in list(zip(numbers, cells, strict=True))[:SHOWN]],
        "csv": as_csv(
            [*head, "id", "run"], [[*line, one, version.name] for one, line in zip(numbers, cells, strict=True)]
        ),
    }
    return page(request, "table.html", **content)


def file_of(kind: str, body: bytes) -> tuple[str, bytes]:
    """Name and content of the file in a form."""
    message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    for part in message.walk():
        if part.get_filename():
            return Path(part.get_filename().replace("\\", "/")).name, part.get_payload(decode=True)
    raise Problem(400, "bad", "No file. Choose one.")


def as_csv(head: list[str], lines: list[list[Any]]) -> str:
    """A CSV file in base64."""
    text = io.StringIO()
    csv.writer(text).writerows([[spreadsheet.safe(cell) for cell in line] for line in [head, *lines]])
    return base64.b64encode(text.getvalue().encode("utf-8-sig")).decode()


@or_why_not
async def monitor(request: Request) -> Response:
    """How the service is, and how right it was."""
    return page(request, "monitor.html", **await asyncio.to_thread(figures, request.app.state.service))


async def login(request: Request) -> Response:
    """Ask for the token once."""
    token = (await form_of(request)).get("token", "").strip() if request.method == "POST" else ""
    guard = Guard(settings.secret(request.app.state.service.project, "API_TOKEN"))
    headers = [(name, cell) for name, cell in request.scope["headers"] if name == b"host"]
    try:
        guard.asker(
            request.scope | {"path": "/", "headers": [*headers, (b"authorization", f"Bearer {token}".encode())]}
        )
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
