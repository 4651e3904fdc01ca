"""What the service does with more than it can bear: requests at times of their own, whoever has been answered or not.

    .venv/bin/python benchmarks/serving/overload.py PROJECT [--times 3] [--seconds 10] [--clients 2]

First its capacity: 16 connections that each wait for an answer before they ask again. Then `--times` as many requests
a second as that, one row each (the example of the project), at random moments (Poisson); a request takes a connection
that is idle or opens another. Time counts from the moment when a request was due, so what the client itself is late
with is in it, and told beside. The bar: as many answers a second as 80 % of the capacity, 99 % of them within a second,
the others 503 with Retry-After.
"""

import argparse
import asyncio
import multiprocessing
import random
import signal
import statistics
import sys
import time
import urllib.request
from pathlib import Path
from typing import NamedTuple
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
    """One connection, one request at a time."""

    def __init__(self, idle: list["Connection"], found: list[Answer]) -> None:
        self.idle, self.found, self.due, self.buffer, self.busy = idle, found, 0.0, b"", False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = transport

    def ask(self, request: bytes, due: float) -> None:
        """Send a request."""
        self.due, self.busy = due, True
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Note an answer that is whole."""
        self.buffer += data
        head, gap, body = self.buffer.partition(b"\r\n\r\n")
        if gap and len(body) >= int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            self.note(int(head[9:12]), b"retry-after" in head.lower())
            self.buffer = b""
            self.idle.append(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Note that there is no answer."""
        if self in self.idle:
            self.idle.remove(self)
        if self.busy:
            self.note(0, False)

    def note(self, status: int, retry: bool) -> None:
        """One request is over."""
        self.busy = False
        self.found.append(Answer(status, time.perf_counter() - self.due, retry))


async def closed(place: tuple[str, int], request: bytes, seconds: float) -> float:
    """Answers a second where everybody waits for an answer before they ask again."""
    until, count = time.perf_counter() + seconds, 0

    async def one() -> None:
        nonlocal count
        reader, writer = await asyncio.open_connection(*place)
        while time.perf_counter() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]))
            count += head.startswith(b"HTTP/1.1 200")
        writer.close()

    await asyncio.gather(*(one() for _ in range(CLOSED)))
    return count / seconds


async def opened(place: tuple[str, int], request: bytes, rate: float, seconds: float) -> tuple[list, list[float]]:
    """What became of requests at times of their own, and how late each was sent."""
    loop, found, late, idle, tasks = asyncio.get_running_loop(), [], [], [], set()

    async def one(due: float) -> None:
        try:
            _, connection = await loop.create_connection(lambda: Connection(idle, found), *place)
            connection.ask(request, due)
        except OSError:
            found.append(Answer(0, time.perf_counter() - due, False))

    due, asked = time.perf_counter(), 0
    until = due + seconds
    while (due := due + random.expovariate(rate)) < until:
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        late.append(time.perf_counter() - due)
        asked += 1
        if idle:
            idle.pop().ask(request, due)
        else:
            tasks.add(task := asyncio.create_task(one(due)))
            task.add_done_callback(tasks.discard)
        if not asked % 20:
            await asyncio.sleep(0)
    end = time.perf_counter() + LAST
    while len(found) < asked and time.perf_counter() < end:
        await asyncio.sleep(0.05)
    return found + [Answer(0, LAST, False)] * (asked - len(found)), late


def client(place: tuple[str, int], request: bytes, rate: float, seconds: float) -> tuple[list, list[float]]:
    """One process that asks."""
    return asyncio.run(opened(place, request, rate, seconds))


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
            parts = pool.starmap(client, [(where, request, each, options.seconds)] * options.clients)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    found, late = ([one for part in parts for one in part[place]] for place in (0, 1))
    answered = [one.seconds for one in found if one.status == 200]
    refused = [one for one in found if one.status == 503]
    good = len(answered) / options.seconds
    print("| capacity /s | asked /s | answered /s | of capacity | p50 ms | p99 ms | 503 | with Retry-After | other | late p99 ms |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    print(
        f"| {capacity:.0f} | {len(found) / options.seconds:.0f} | {good:.0f} | {good / capacity:.0%} "
        f"| {quantile(answered, 0.5):.0f} | {quantile(answered, 0.99):.0f} | {len(refused)} "
        f"| {sum(one.retry for one in refused)} | {len(found) - len(answered) - len(refused)} | {quantile(late, 0.99):.0f} |"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
