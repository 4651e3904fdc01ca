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
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ..engine.columns import dictionary, spelling, validate
from ..engine.modelling.reasons import Told
from ..engine.project import spreadsheet
from ..engine.project.errors import DataError, shown
from ..engine.sources import read
from . import feedback, openapi, words
from .example import usual
from .guard import COOKIE, PATHS, Problem
from .monitor import looking, moment
from .schema import Row, without_truth
from .versions import Version

FORM, FIELDS = 10_000, 10  # bytes and fields of a form that is no row
ROW_FIELDS = 1000  # of a form of another run, which has since been replaced, at least
TABLE_SHOWN = 200  # answers of a table on its page
COLUMNS = ("prediction", "probability", "low", "high", "confident", "unusual")  # of an answer, on the page of a table
ASIDE_SHOWN = 20  # lines that are in no row, on that page: a file may have 200,000, and the others wait meanwhile
ASIDE = "Line {} is in no row and was not answered ({}): {}"
TRUTH_LEFT = "{}: what is asked for stood in the table; it was left out, and is not kept as what was true."
KEY = re.compile(r" \(\[\w+\] \w+\)")  # of params.toml, which people at a page do not know
Page = Callable[[Request], Awaitable[Response]]


def page(request: Request, template: str, status: int = 200, **content: Any) -> Response:
    """A page from a template."""
    known = {"project": request.app.service.project.root.name, "here": request.url.path}
    return HTMLResponse(words.PAGES.get_template(template).render(known | content), status)


def or_why_not(handle: Page) -> Page:
    """The page, or another one that says why there is none."""

    @functools.wraps(handle)
    async def answered(request: Request) -> Response:
        try:
            response = await handle(request)
        except Exception as error:
            problem = request.app.problem(error, request.scope)
            back = f"/answer?{request.url.query}" if request.url.path == "/answer" and problem.status == 422 else ""
            said = KEY.sub("", str(problem))
            response = page(request, "problem.html", problem.status, said=said, back=back)
            response.raw_headers.extend(problem.headers)
        request.app.service.counts.pages.labels(response.status_code).inc()
        return response

    return answered


async def form_of(request: Request, most: float = FORM, fields: int = FIELDS) -> dict[str, str]:
    """What somebody filled in: at most so many bytes and fields, which takes seconds where there are millions."""
    body = await request.app.bodies.read(request.scope, request.receive, most)
    read = functools.partial(parse_qsl, keep_blank_values=True, max_num_fields=fields)
    try:
        return dict(await asyncio.to_thread(read, body.decode(errors="replace")))
    except ValueError:
        raise Problem(400, "bad", f"The form has more than {fields:,} fields.") from None


def version_of(request: Request) -> Version:
    """The run that is asked."""
    return request.app.service.versions.get(request.query_params.get("run", ""))


@or_why_not
async def ask(request: Request) -> Response:
    """The form, filled in by hand or by an example, and what is said of it."""
    service, version = request.app.service, version_of(request)
    if request.method != "POST":
        return form(request, version, usual(version) if "example" in request.query_params else {})
    fields = max(ROW_FIELDS, len(version.columns))
    filled = await form_of(request, math.inf, fields)  # a row may be as large as one of a program
    row = words.row_of(version.columns, {name.removeprefix("cell."): text for name, text in filled.items()})
    try:
        reply = await service.answer([row], version.name, request.scope["asker"])
    except DataError as error:
        return form(request, version, row, 422, problems=problems_of(error))
    said = reply.predictions[0]
    return form(request, version, row, said=said, kept=reply.logged, reasons=await reasons(request, version, row))


async def reasons(request: Request, version: Version, row: Row) -> Told | None:
    """What moves the answer to a row most; None where that cannot be told, or too many wait for it."""
    try:
        return await request.app.service.versions.explainer.ask(version.reasons, row)
    except (DataError, Problem):
        return None
    except Exception as error:  # the answer is given and logged: it is shown, and the log says what failed
        request.app.problem(error, request.scope)
        return None


def form(request: Request, version: Version, row: Row, status: int = 200, **more: Any) -> Response:
    """The page with the form, below the answer `said` or the `problems` with a row."""
    service, problems = request.app.service, [] if "rows" in more else more.get("problems", [])
    target = version.columns[version.run.record["target"]]
    content = {
        "record": version.run.record,
        "description": target.description,
        "classes": words.in_order(version.run.record["classes"] or (), target),
        "run": version.name,
        "named": "run" in request.query_params,  # else the run that answers by default when the form is sent
        "others": [name for name in service.versions.served if name != version.name],
        "fields": words.fields(version.columns, row, problems),
        "most": service.options.rows,
        "broken": words.broken(version.columns, more.get("said", {}).get("warnings", ())),
    }
    return page(request, "ask.html", status, **content | more)


def problems_of(error: DataError) -> list[dict[str, Any]]:
    """Why rows are not answered, for who sent them: what the project could do about it is not for them."""
    if not error.violations:
        return [{"column": "", "problem": KEY.sub("", str(error).splitlines()[0])}]
    rows: dict[tuple[str, str], int] = {}
    for one in error.violations:
        rows.setdefault((one["column"], one["problem"]), one["row"])
    return [{"column": column, "problem": problem, "row": row} for (column, problem), row in rows.items()]


@or_why_not
async def answer(request: Request) -> Response:
    """An answer of the log; what was said of it, and what people say of it now."""
    service, name = request.app.service, request.query_params.get("id", "")
    if request.method == "POST":
        filled = await form_of(request)
        truth = filled.get("right") or filled.get("truth", "")
        try:
            await feedback.tell(service.log, name, truth, asker=request.scope["asker"], source="page")
        except DataError as error:
            raise Problem(422, "invalid", str(error)) from None
        return RedirectResponse(f"/answer?id={name}", 303)
    entry, told = await asyncio.to_thread(feedback.find, service.log, name)
    if entry.run not in service.versions.served:
        raise Problem(404, "unknown", f"Run {entry.run}, which gave this answer, is not loaded here any more.")
    version, row, said = service.versions.served[entry.run], json.loads(entry.inputs), json.loads(entry.output)
    said |= {"id": name, "unusual": entry.unusual, "warnings": json.loads(entry.warnings)}
    truths = [(json.loads(one.truth), moment(one.time)) for one in told]
    why = await reasons(request, version, row)
    return form(request, version, row, said=said, kept=True, reasons=why, told=truths)


@or_why_not
async def table(request: Request) -> Response:
    """Answers to the rows of a table."""
    service, version = request.app.service, version_of(request)
    body = await request.app.bodies.read(request.scope, request.receive)
    name, content = file_of(request.headers.get("content-type", ""), body)
    options, first = service.project.settings.data.read, next(iter(words.asked(version.columns)), "")
    known = read.Known(options, first, separators=version.separators, rows=service.options.rows)
    numbers: list[int] = []  # of the rows, as the file counts them
    try:
        found = await asyncio.to_thread(read.sent, content, name, known)
        if found.frame.empty:
            raise DataError(f"{name}: no rows below its header. Fill in at least one.")
        if len(found.frame) > service.options.rows:
            raise DataError(f"{name}: {len(found.frame)} rows; allowed: {service.options.rows}. Send them in parts.")
        numbers = (found.frame.index + found.first_row).tolist()
        truths = [one for one in found.frame if one in {*version.columns} - {*without_truth(version.columns)}]
        marked, marks = await asyncio.to_thread(spelling.in_other_marks, found.frame, version.columns, name)
        changed = {one: column for one, column in marked.items() if column != version.columns[one]}
        plain = {one: validate.parse(found.frame[one], column)[0] for one, column in changed.items()}
        frame = found.frame.drop(columns=truths).assign(**plain).astype(object)
        rows = frame.where(frame.notna(), None).to_dict("records")
        reply = await service.answer(rows, version.name, request.scope["asker"])
    except DataError as error:
        return form(request, version, {}, 422, problems=problems_of(error), rows=numbers)
    ids = [one for one in dictionary.by_role(version.columns, "id") if one in found.frame]
    told = [one for one in COLUMNS if one in reply.predictions[0]]
    head = [*(ids or ["row"]), *told, "answer_id" if "id" in ids else "id", "run"]
    lines = [
        [*([row[one] for one in ids] or [place]), *(said[one] for one in told), said["id"], reply.run]
        for place, (row, said) in enumerate(zip(rows, reply.predictions, strict=True), start=1)
    ]
    warned = Counter(one for said in reply.predictions for one in said.get("warnings", ()))
    warnings = [f"{text} ({count:,} of {len(lines):,} rows)" for text, count in warned.items()]
    left_out = [*map(TRUTH_LEFT.format, truths), *in_no_row([aside for _, aside in found.set_aside])]
    notes = [f"confident: {openapi.confident(version)}", *left_out, *found.decisions, *marks, *warnings]
    about: dict[str, Any] = {"record": version.run.record, "name": name, "head": head, "lines": lines, "notes": notes}
    return page(request, "table.html", **about, csv=as_csv([head, *lines]), shown=TABLE_SHOWN)


def in_no_row(aside: Sequence[read.SetAside]) -> list[str]:
    """What to say of the lines of a file that were not answered."""
    said = [ASIDE.format(one.line, one.reason, shown(one.text)) for one in aside[:ASIDE_SHOWN]]
    more = len(aside) - len(said)
    return [*said, f"Lines in no row beside these: {more:,}."] if more else said


def file_of(kind: str, body: bytes) -> tuple[str, bytes]:
    """Name and content of the file in a form."""
    border = email.message_from_string(f"content-type: {kind}").get_boundary("")
    parts = (b"\r\n" + body).split(b"\r\n--" + border.encode(), FIELDS)
    for part in parts[1:FIELDS]:  # what comes before them is none, nor the rest
        head, _, content = part.partition(b"\r\n\r\n")
        name = email.message_from_string(head[:FORM].decode(errors="replace").lstrip()).get_filename()
        if name:
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
    return page(request, "monitor.html", **await looking(request.app.service).figures())


@or_why_not
async def docs(request: Request) -> Response:
    """What programs send and get, out of the OpenAPI document."""
    version, base = version_of(request), f"{scheme(request)}://{request.url.netloc}"
    document = openapi.document(request.app.service.versions, asks_for_token=bool(request.app.guard.tokens))
    return page(request, "docs.html", document=document, run=version.name, base=base)


def scheme(request: Request) -> str:
    """How the service is asked: https where a proxy or the browser says so."""
    by = request.headers.get("x-forwarded-proto", ""), request.headers.get("origin", "")
    return "https" if any(one.lower().startswith("https") for one in by) else "http"


@or_why_not
async def login(request: Request) -> Response:
    """Ask for the token once, and lead to the page that was asked for: of this service, whatever an address says."""
    token = (await form_of(request)).get("token", "").strip() if request.method == "POST" else ""
    if request.app.guard.name_of(token.encode()) is None:
        return page(request, "login.html", 401 if token else 200, wrong=bool(token))
    secure = "; Secure" if scheme(request) == "https" else ""
    cookie = f"{COOKIE}={quote(token, safe='=+/')}; Path=/; HttpOnly; SameSite=Strict{secure}"
    path, _, query = request.query_params.get("next", "").partition("?")
    return RedirectResponse(f"{path if path in PATHS else '/'}?{query}".rstrip("?"), 303, {"set-cookie": cookie})


ROUTES: tuple[BaseRoute, ...] = (
    Route("/", ask, methods=["GET", "POST"]),
    Route("/answer", answer, methods=["GET", "POST"]),
    Route("/table", table, methods=["POST"]),
    Route("/monitor", monitor),
    Route("/docs", docs),
    Route("/login", login, methods=["GET", "POST"]),
    Mount("/static", StaticFiles(directory=words.OF_PAGES / "static")),
)
