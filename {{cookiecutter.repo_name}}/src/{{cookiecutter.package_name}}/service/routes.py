"""The routes beside `/predict` that programs ask: feedback, runs, health, figures, the description of it all."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..engine.project.errors import DataError
from . import example, openapi
from .feedback import tell
from .guard import ENCODE, Problem
from .schema import BadBody, strictly


def as_json(content: Any, status: int = 200) -> Response:
    """A value as a response."""
    return Response(ENCODE(content), status, media_type="application/json")


class Truth(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `/feedback`."""

    id: str
    truth: float | int | bool | str


async def feedback(request: Request) -> Response:
    """Keep what somebody says is true of an answer."""
    service = request.app.service
    body = await request.app.bodies.read(request.scope, request.receive)
    try:
        strictly(body)  # of a key that stands twice, msgspec takes the last
        said = TRUTH.decode(body)
    except (BadBody, msgspec.DecodeError) as error:
        wrong = f'{str(error).removesuffix(".")}. A body is {{"id": "of the answer", "truth": its class or number}}.'
        raise Problem(400, "bad", wrong) from None
    try:
        news = await tell(service.log, said.id, said.truth, asker=request.scope["asker"], source="http")
    except DataError as error:
        raise Problem(422, "invalid", str(error), violations=[]) from None
    return as_json({"id": said.id, "news": news})


async def runs(request: Request) -> Response:
    """The runs that answer, the default first, and those that should and cannot."""
    versions = request.app.service.versions
    told = []
    for role, of_role in {"served": versions.served, "shadow": versions.shadows}.items():
        for one in of_role.values():
            known = {"run": one.name, "role": role, "compiled": not one.why, "why": one.why}
            told.append(known | {name: one.run.record[name] for name in ("task", "started", "metrics")})
    return as_json({"runs": told, "refused": versions.refused})


async def an_example(request: Request) -> Response:
    """A body for `/predict`."""
    return as_json({"rows": [example.row(request.app.service.versions.get())]})


async def live(request: Request) -> Response:
    """Say that the process can answer."""
    return as_json({"live": True})


async def ready(request: Request) -> Response:
    """Say whether predictions are answered, and why not."""
    reasons = request.app.service.unready()
    return as_json({"ready": not reasons, "why": reasons}, 503 if reasons else 200)


async def metrics(request: Request) -> Response:
    """The figures for Prometheus."""
    service = request.app.service
    known = {version.name: not version.why for version in service.versions.all()}
    service.counts.look(known, service.log.state(), not service.unready())
    return Response(service.counts.page(), media_type="text/plain; version=0.0.4")


async def description(request: Request) -> Response:
    """The OpenAPI document."""
    asks = bool(request.app.guard.tokens)
    return as_json(openapi.document(request.app.service.versions, asks_for_token=asks))


TRUTH = msgspec.json.Decoder(Truth)
ROUTES: tuple[Route, ...] = (
    Route("/feedback", feedback, methods=["POST"]),
    Route("/example", an_example),
    Route("/runs", runs),
    Route("/health/live", live),
    Route("/health/ready", ready),
    Route("/metrics", metrics),
    Route("/openapi.json", description),
)
