"""The page `/label`: the rows that `make label` chose, one at a time, one key a class.

What somebody says goes the way of all feedback, with a source that says that it was asked for.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pandas as pd
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ..engine.columns import dictionary
from ..engine.project.errors import DataError, SettingsError
from ..engine.runs import registry
from ..engine.runs.answers import rules_of_today
from . import feedback, forget, label, tables
from .app import Service
from .feedback import ID, QUEUE, RANDOM, WHY
from .guard import Problem
from .pages import form_of, or_why_not, page
from .schema import without_truth
from .words import in_order

KEYS = "123456789abcdefghijklmnopqrtvwxyz"  # of the classes; s skips, u takes back
COOKIE_NAME, LONGEST = "labeller", 60  # of the cookie; letters of a name
BROWSER = "browser"  # another cookie: people may share a token and give no name
Queue = dict[str, tuple[str, tables.Entry, list[tables.Told]]]


@or_why_not
async def ask_next(request: Request) -> Response:
    """The next row of which nobody has said what it is."""
    return await asyncio.to_thread(shown, request, await asyncio.to_thread(queue_of, request.app.service))


def shown(request: Request, queue: Queue, said: str = "", at: str = "") -> Response:
    """The page with one row, and what was `said` of the label that was sent."""
    asked = {**request.query_params, **({"at": at} if at else {})}
    me = request.cookies.get(BROWSER) or secrets.token_hex(16)
    number = next_of(queue, asked, me)
    done = sum(1 for _, _, told in queue.values() if told)
    content: dict[str, Any] = {"said": said, "done": done, "all": len(queue), "number": number, "keys": KEYS}
    if number:
        content["why"], entry, _ = queue[number]
        folder = request.app.service.project.models / entry.run
        record, learned = registry.read(folder), dictionary.load(folder / registry.DICTIONARY)
        columns = rules_of_today(learned, request.app.service.project.dictionary, learned)
        content |= {"record": record, "classes": in_order(record["classes"] or (), columns[record["target"]])}
        cells = msgspec.json.decode(entry.inputs)
        content["row"] = [(name, cells[name], columns[name]) for name in without_truth(columns) if name in cells]
    content |= {"name": name_of(request), "undo": last_of(request, queue)}
    response = page(request, "label.html", 422 if said else 200, **content)
    response.set_cookie(BROWSER, me, path="/label", httponly=True, samesite="strict")
    return response


def next_of(queue: Queue, asked: Mapping[str, str], me: str) -> str:
    """The row `at` a place if it waits, else the next `after` another, else the first; "" where none waits.

    In an order of this browser: else all who label at the same time would see the same row.
    """
    places = sorted(queue, key=lambda number: hashlib.blake2b(f"{me} {number}".encode()).digest())
    start = places.index(asked["after"]) + 1 if asked.get("after") in queue else 0
    waiting = [one for one in places[start:] + places[:start] if not queue[one][2]]
    return asked["at"] if asked.get("at") in waiting else next(iter(waiting), "")


def queue_of(service: Service) -> Queue:
    """The rows that were chosen, by the id of their answer: why, the answer, what was said of it."""
    path = service.project.root / label.TO_LABEL
    rows = feedback.queued(path).astype(str) if path.is_file() else pd.DataFrame()
    if not {ID, WHY} <= set(rows):
        return {}
    here = {folder.name for folder in registry.folders(service.project)}
    found = service.log.database.find([*rows[ID]])
    chosen = ((number, why) for number, why in zip(rows[ID], rows[WHY], strict=True) if number in found)
    return {number: (why, *found[number]) for number, why in chosen if found[number][0].run in here}


def name_of(request: Request) -> str:
    """What somebody calls himself here."""
    return unquote(request.cookies.get(COOKIE_NAME, ""))


def who(request: Request) -> str:
    """Who labels: the name of the token, and the name given here, or else which browser."""
    browser = request.cookies.get(BROWSER, "")[:8]
    return ": ".join(filter(None, [request.scope["asker"], name_of(request) or (browser and f"browser {browser}")]))


def last_of(request: Request, queue: Queue) -> tables.Told | None:
    """The last label of who asks."""
    last = (told[-1] for _, _, told in queue.values() if told)
    mine = (one for one in last if one.asker == who(request) and one.source in (QUEUE, RANDOM))
    return max(mine, key=lambda one: one.number, default=None)


@or_why_not
async def answer(request: Request) -> Response:
    """Keep a label, take back the last one, keep the name, or choose rows."""
    service, filled = request.app.service, await form_of(request)
    if "name" in filled:
        name = quote(" ".join(filled["name"].split())[:LONGEST])
        cookie = f"{COOKIE_NAME}={name}; Path=/label; HttpOnly; SameSite=Strict; Max-Age=31536000"
        return RedirectResponse(f"/label?at={quote(filled.get('id', ''))}", 303, {"set-cookie": cookie})
    try:
        if "choose" in filled:
            await asyncio.to_thread(label.run, service.project)
            return RedirectResponse("/label", 303)
        queue = await asyncio.to_thread(queue_of, service)
        if "undo" in filled:
            return await asyncio.to_thread(take_back, request, queue, filled["undo"])
        number = filled.get("id", "")
        if number not in queue:
            raise Problem(404, "unknown", "This row is not among those that are to be labelled. Go on at /label.")
        source, truth = feedback.SOURCES.get(queue[number][0], QUEUE), filled.get("truth", "")
        await feedback.tell(service.log, number, truth, asker=who(request), source=source)
    except (DataError, SettingsError) as error:
        queue = await asyncio.to_thread(queue_of, service)
        return await asyncio.to_thread(shown, request, queue, str(error), filled.get("id", ""))
    return RedirectResponse(f"/label?after={number}", 303)


def take_back(request: Request, queue: Queue, number: str) -> Response:
    """Delete a label that who asks gave last, and ask for the row again; a `Problem` if it is not their last."""
    last, log = last_of(request, queue), request.app.service.log.database
    if last is None or last.id != number:
        raise Problem(409, "unknown", "This was not your last label, or it was taken back already. Go on at /label.")
    log.execute([tables.feedback.delete().where(tables.feedback.c.number == last.number)])
    forget.note(log, "label", {"taken back": last.id})
    return RedirectResponse(f"/label?at={number}", 303)


ROUTES = (Route("/label", ask_next), Route("/label", answer, methods=["POST"]))
