"""What the service does with more than it can bear: requests at times of their own, whoever has been answered or not.

    .venv/bin/python benchmarks/serving/overload.py PROJECT [--times 3] [--seconds 10] [--connections 256]

First its capacity: 16 connections that each wait for an answer before they ask again. Then `--times` as many requests
a second as that, one row each (the example of the project), at random moments (Poisson), over `--connections` that stay
open, as a proxy keeps them; a request that finds none idle waits. Time counts from the moment when a request was due,
so what the client is late with is in it. The bar: as many answers a second as 80 % of the capacity, 99 % of them within
a second, the others 503 with Retry-After. `its cores` is how much of a core the service was given meanwhile: on a busy
machine all times grow by what is lacking.
"""

import argparse
import asyncio
import multiprocessing
import os
import random
import signal
import statistics
import sys
import time
import urllib.request
from collections import deque
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fuzz import TOKEN, serve

CLOSED = 16  # connections for the capacity
LAST = 5.0  # seconds that are waited for answers at the end
HEAD = "POST /predict HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n"


class Answer(NamedTuple):
    """What became of a request: status (0: none), seconds since it was due, and whether it says when to come again."""

    status: int
    seconds: float
    retry: bool


class Connection(asyncio.Protocol):
    """One connection, one request at a time; requests that wait are `due`, oldest first."""

    def __init__(self, request: bytes, due: deque[float], idle: list["Connection"], found: list[Answer]) -> None:
        self.request, self.waiting, self.idle, self.found = request, due, idle, found
        self.due, self.buffer = 0.0, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = transport
        self.idle.append(self)

    def ask(self) -> None:
        """Send the oldest request that waits."""
        self.due = self.waiting.popleft()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Note an answer that is whole, and go on."""
        self.buffer += data
        head, gap, body = self.buffer.partition(b"\r\n\r\n")
        if gap and len(body) >= length(head):
            self.found.append(Answer(int(head[9:12]), time.perf_counter() - self.due, b"retry-after" in head.lower()))
            self.buffer = b""
            if self.waiting:
                self.ask()
            else:
                self.idle.append(self)


def length(head: bytes) -> int:
    """The bytes of a body."""
    return int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])


async def closed(place: tuple[str, int], request: bytes, seconds: float) -> float:
    """Answers a second where everybody waits for an answer before they ask again."""
    until, count = time.perf_counter() + seconds, 0

    async def one() -> None:
        nonlocal count
        reader, writer = await asyncio.open_connection(*place)
        while time.perf_counter() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(length(head))
            count += head.startswith(b"HTTP/1.1 200")
        writer.close()

    await asyncio.gather(*(one() for _ in range(CLOSED)))
    return count / seconds


async def opened(place: tuple[str, int], request: bytes, rate: float, seconds: float, connections: int) -> list[Answer]:
    """What became of requests at times of their own."""
    loop, found, waiting, idle = asyncio.get_running_loop(), list[Answer](), deque[float](), list[Connection]()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(request, waiting, idle, found), *place)
    due, asked = time.perf_counter(), 0
    until = due + seconds
    while (due := due + random.expovariate(rate)) < until:
        await asyncio.sleep(max(due - time.perf_counter(), 0))
        waiting.append(due)
        asked += 1
        if idle:
            idle.pop().ask()
    end = time.perf_counter() + LAST
    while len(found) < asked and time.perf_counter() < end:
        await asyncio.sleep(0.05)
    return found + [Answer(0, LAST, False)] * (asked - len(found))


def client(*what: Any) -> list[Answer]:
    """One process that asks."""
    return asyncio.run(opened(*what))


def cpu(process: int) -> float:
    """CPU seconds that a process has taken, from /proc (Linux)."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def quantile(values: list[float], share: float) -> float:
    """A quantile in milliseconds."""
    return 1000 * statistics.quantiles(values, n=100)[round(100 * share) - 1] if len(values) > 1 else float("nan")


def main() -> int:
    """Measure the capacity, overload, print one line of a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--ours", metavar="PYTHON")
    parser.add_argument("--times", type=float, default=3.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--connections", type=int, default=256)
    options = parser.parse_args()
    project = options.project.resolve()
    process, address = serve(options.ours or str(project / ".venv/bin/python"), project)
    try:
        asked = urllib.request.Request(f"{address}/example", headers={"Authorization": f"Bearer {TOKEN}"})
        body, place = urllib.request.urlopen(asked).read(), urlsplit(address)
        request = HEAD.format(place.netloc, TOKEN, len(body)).encode() + body
        where = (place.hostname, place.port)
        asyncio.run(closed(where, request, 1.0))
        capacity = asyncio.run(closed(where, request, options.seconds / 2))
        each = options.times * capacity / options.clients
        with multiprocessing.Pool(options.clients) as pool:
            before, begin = cpu(process.pid), time.perf_counter()
            how = where, request, each, options.seconds, options.connections // options.clients
            parts = pool.starmap(client, [how] * options.clients)
            cores = (cpu(process.pid) - before) / (time.perf_counter() - begin)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    found = [one for part in parts for one in part]
    answered = [one.seconds for one in found if one.status == 200]
    refused = [one for one in found if one.status == 503]
    good = len(answered) / options.seconds
    figures = {
        "capacity /s": f"{capacity:.0f}",
        "asked /s": f"{len(found) / options.seconds:.0f}",
        "answered /s": f"{good:.0f}",
        "of capacity": f"{good / capacity:.0%}",
        "p50 ms": f"{quantile(answered, 0.5):.0f}",
        "p99 ms": f"{quantile(answered, 0.99):.0f}",
        "503": f"{len(refused)}",
        "with Retry-After": f"{sum(one.retry for one in refused)}",
        "not answered": f"{len(found) - len(answered) - len(refused)}",
        "its cores": f"{cores:.2f}",
    }
    print(f"| {' | '.join(figures)} |\n|{'---|' * len(figures)}\n| {' | '.join(figures.values())} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
