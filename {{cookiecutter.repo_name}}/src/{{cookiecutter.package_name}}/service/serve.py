"""Answer over HTTP.

    make serve

Listens on `[serve] host` and `port`, loads the runs, prints the address, and stops on SIGTERM when all is answered.
"""

import asyncio
import gc
import math
import os
import socket
import sys
import threading
from types import FrameType
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..engine.modelling.estimators import threads
from ..engine.project.errors import SettingsError
from ..engine.project.log import show
from ..engine.project.settings import Project
from . import forget, labelling, monitor, pages, settings
from .app import Application, Service
from .guard import Guard, is_loopback
from .log import Log
from .traces import LAST_SPANS, traced
from .versions import Versions, wanted

try:
    from uvloop import run as run_loop
except ImportError:  # there is none for Windows
    from asyncio import run as run_loop  # type: ignore[assignment]

TICK = 0.05  # seconds
FLUSH = 1.0  # seconds that the log has for its last rows, and as many for the rest in the spool
LONGEST_HEAD = 65_536  # bytes, beside those that come at once
LAST_WORD = 0.5  # seconds in which the readiness route says no before the socket closes


def run(project: Project) -> None:
    """Serve until SIGTERM or ctrl-C."""
    options = settings.of(project, settings.Serve)
    if not Guard(settings.secret(project, settings.TOKEN)).tokens and not is_loopback(url_host(options.host)):
        why = f"host = {options.host!r} is not this machine alone, and there is no API_TOKEN"
        raise SettingsError(f'params.toml: [serve] {why}.\nSet API_TOKEN=name:secret in .env, or host = "127.0.0.1".')
    wanted(project)
    with listen(options) as door, threads(1):
        show("serve: loads the runs and compares both roads; the address follows when it answers", err=True)
        log = Log(project, options)
        log.start()
        run_loop(serve_and_close(Service(project, log), door))


def listen(options: settings.Serve) -> socket.socket:
    """A socket that listens; a `SettingsError` if that cannot be."""
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        return socket.create_server((options.host, options.port), family=family)
    except OSError as error:
        why = str(error.strerror).partition(" (while")[0]
        cure = "Stop what listens there, or choose another one: make serve SET=serve.port=8001"
        raise SettingsError(f"[serve] {options.host} port {options.port}: {why}.\n{cure}") from None


def url_host(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


class Protocol(HttpToolsProtocol):
    """uvicorn's, which knows since when it waits for the head of a request: a timer for each would cost more.

    A head, or what follows a body, that does not end is given up too: the parser would copy it for each part.
    """

    since, begun, size = math.inf, 0, 0  # heads and parts of bodies that began; bytes since the last of them
    head, past = b"", 0  # of a request for another protocol: to be read again, and where it ended in what came

    def connection_made(self, transport: Any) -> None:
        """Wait for the first request."""
        super().connection_made(transport)
        self.since = self.loop.time()

    def _should_upgrade(self) -> bool:
        """Let no request begin whose body the parser would leave to another protocol."""
        return True

    def handle_websocket_upgrade(self) -> None:
        """Let its head be read again without that wish: RFC 9110, 7.8, allows to answer the request all the same."""
        version, method = self.scope["http_version"].encode(), self.scope["method"].encode()
        fields = [b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        if len(fields) == len(self.headers):  # CONNECT
            return self.end(b"405 Method Not Allowed")
        (self.past,) = cast(BaseException, sys.exception()).args
        self.head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(fields))
        self.parser = type(self.parser)(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own

    def on_message_begin(self) -> None:
        """Wait for the rest of the head."""
        self.since, self.begun = self.loop.time(), self.begun + 1
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Take a part of a body, after which no head is being read."""
        self.begun += 1
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """Wait no longer; `Application` waits for the body."""
        self.since = math.inf
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head is too long."""
        begun, rest = self.begun, data
        while rest:
            self.head, self.past = b"", len(rest)
            super().data_received(rest)
            rest = self.head + rest[self.past :]
        self.size = self.size + len(data) if self.begun == begun else 0
        if self.size > LONGEST_HEAD:
            self.end(b"431 Request Header Fields Too Large")

    def give_up(self, before: float) -> None:
        """Close the connection if it waits since before this time of the event loop."""
        if self.since < before:
            self.end(b"408 Request Timeout")

    def end(self, why: bytes) -> None:
        """Close the connection and say why."""
        self.transport.write(b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % why)
        self.transport.close()


class Server(uvicorn.Server):
    """uvicorn, which stops when what is in flight was answered and the readiness route has said no."""

    service: Service

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: at the second signal at once."""
        self.should_exit, self.service.draining = self.service.draining, True


async def serve_and_close(service: Service, door: socket.socket) -> None:
    """Serve, close the log, and end soon even where a thread still waits for something, as a look for a database."""
    try:
        await serve(service, door)
    finally:
        service.log.close(FLUSH)
    end = threading.Timer(LAST_SPANS, os._exit, [0])
    end.daemon = True
    end.start()


def greeting(address: str, versions: Versions) -> str:
    """Where which runs answer, and which of those that should do not."""
    refused = f"; refused (the log says why): {', '.join(versions.refused)}" if versions.refused else ""
    return f"{address} answers with {', '.join(versions.served) or 'no run'}{refused}"


async def serve(service: Service, door: socket.socket) -> None:
    """Load the runs and answer until a signal comes."""
    options, host = service.options, service.options.host
    drain = max(1, int(options.drain - LAST_WORD - 2 * FLUSH - LAST_SPANS))
    unused: dict[str, Any] = {"lifespan": "off", "ws": "none", "access_log": False, "log_config": None}
    unused |= {"server_header": False, "proxy_headers": False}
    application = traced(service.project, Application(service, [*labelling.ROUTES, *pages.ROUTES]))
    server = Server(uvicorn.Config(application, http=Protocol, timeout_graceful_shutdown=drain, **unused))
    server.service, service.tasks = service, server.server_state.tasks
    serving = asyncio.create_task(server.serve(sockets=[door]))
    await asyncio.to_thread(service.versions.load)
    gc.freeze()  # what is loaded stays: to look through it takes 0.1 s, in which nobody is answered
    expire = forget.keep_days(service.log.database, options.keep_days)
    tasks = [*map(asyncio.create_task, (service.versions.watch(), expire, monitor.watch(service)))]
    address = f"http://{url_host(host)}:{door.getsockname()[1]}"
    show(greeting(address, service.versions))
    while not (service.draining or serving.done()):
        for connection in cast(list[Protocol], [*server.server_state.connections]):
            connection.give_up(asyncio.get_running_loop().time() - options.seconds)
        await asyncio.sleep(TICK)
    for task in tasks:
        task.cancel()
    await asyncio.sleep(LAST_WORD)
    server.should_exit = True
    await serving
