"""What an answer costs over HTTP: `make serve` beside FastAPI, MLflow and BentoML with the same fitted model.

    .venv/bin/python benchmarks/serving PROJECT --rival fastapi=ENV/bin/python --rival mlflow=... --rival bento=...

`PROJECT` is a folder with a run; its `.venv`, or `--ours PYTHON`, serves it. A rival's interpreter has its framework
and what the project installs. A rival gets the fitted model alone and makes a data frame of the request: it checks
nothing and logs nothing, while ours checks, answers, logs, commits and counts. Every server is one process on a core of
its own where there are two. They take turns, and their CPU is read from /proc (Linux), children included. One row a
request, real rows of the test split; 1, 16 and 64 connections that each wait for an answer before they ask again.

With `--many 1000`, in place of that: requests of so many rows, beside what the reference road alone takes for them, and
the CPU from the start to ready, beside importing pandas and scikit-learn. Ours only, by turns, medians of `--rounds`.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONNECTIONS = (1, 16, 64)
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 120  # seconds until a server answers
# CPU milliseconds of the reference road: a frame of the rows, checked, answered, judged.
REFERENCE = """
import statistics, time
from {package}.engine.modelling.estimators import threads
from {package}.engine.project import settings
from {package}.service.versions import Version, wanted
project, rows, spent = settings.load(), ({rows!r} * {count})[:{count}], []
version = Version(project, wanted(project)[0])
with threads(1):
    for _ in range(11):
        start = time.process_time()
        version.reference(rows)
        spent.append(1000 * (time.process_time() - start))
print(statistics.median(spent))
"""


@dataclass
class Server:
    """A process that answers: how it is started, where it is asked and what a request looks like."""

    name: str
    command: list[str]
    path: str
    body: bytes
    port: int
    env: dict[str, str] = field(default_factory=dict)

    def request(self) -> bytes:
        """One request as bytes."""
        head = f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


def rows_of(project: Path, python: str) -> list[dict]:
    """Rows of the test split, as JSON holds them."""
    code = (
        "import json, pandas as pd, sys, tomllib;"
        "target = tomllib.loads(open('params.toml').read())['data']['target'];"
        "rows = pd.read_parquet('data/processed/test.parquet').drop(columns=target).head(64);"
        "print(rows.to_json(orient='records', double_precision=15))"
    )
    return json.loads(subprocess.run([python, "-c", code], cwd=project, capture_output=True, check=True).stdout)


def servers(project: Path, ours: str, rivals: dict[str, str]) -> list[Server]:
    """Ours and the rivals, each on a port of its own."""
    row = rows_of(project, ours)[0]
    rows = json.dumps({"rows": [row]}).encode()
    (package,) = [path.parent.name for path in project.glob("src/*/cli.py")]
    port = free_port()
    serve = [ours, "-m", package, "serve", "--set", f"serve.port={port}"]
    found = [Server("ours", serve, "/predict", rows, port, {"PYTHONPATH": "src"})]
    for name, python in rivals.items():
        port = free_port()
        env = {"PYTHONPATH": f"{project / 'src'}:{HERE}", "PACKAGE": package, "PORT": str(port)}
        env["PROJECT"] = str(project)
        env["PATH"] = f"{Path(python).parent}:{os.environ['PATH']}"
        path = "/invocations" if name == "mlflow" else "/predict"
        body = json.dumps({"dataframe_records": [row]}).encode() if name == "mlflow" else rows
        found.append(Server(name, [python, str(HERE / f"{name}_app.py")], path, body, port, env))
    return found


def start(server: Server, project: Path) -> tuple[subprocess.Popen, float]:
    """Start a server and wait until it answers; with the seconds that took."""
    begin = time.perf_counter()
    env = {**os.environ, **server.env, "OMP_NUM_THREADS": "1"}
    log = (project / f".cache/serving-{server.name}.log").open("w")
    process = subprocess.Popen(server.command, cwd=project, env=env, stdout=log, stderr=log, start_new_session=True)
    while time.perf_counter() - begin < PATIENCE:
        try:
            ask = urllib.request.Request(f"http://127.0.0.1:{server.port}{server.path}", server.body)
            ask.add_header("Content-Type", "application/json")
            urllib.request.urlopen(ask, timeout=10).read()
            return process, time.perf_counter() - begin
        except OSError:
            time.sleep(0.1)
        if process.poll() is not None:
            break
    os.killpg(process.pid, signal.SIGTERM)
    raise SystemExit(f"{server.name} does not answer: see {log.name}")


def family(process: int) -> list[int]:
    """The ids of a process and of all that it started."""
    found = [process]
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def cpu(process: int) -> float:
    """CPU seconds that a process and all that it started have taken."""
    taken = 0
    for one in family(process):
        words = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        taken += int(words[11]) + int(words[12])
    return taken / TICKS


def memory(process: int) -> float:
    """Megabytes that they hold."""
    pages = sum(int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in family(process))
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def ask(server: Server, seconds: float, taken: list[float], errors: list[bytes]) -> None:
    """Ask over one connection, again and again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    request, until = server.request(), time.perf_counter() + seconds
    while time.perf_counter() < until:
        begin = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.split(b":")[1]))
        taken.append(time.perf_counter() - begin)
        if not head.startswith(b"HTTP/1.1 200"):
            errors.append(head.split(b"\r\n")[0])
    writer.close()


def measure(server: Server, process: subprocess.Popen, connections: int, seconds: float) -> tuple[float, list[float]]:
    """CPU milliseconds a request, and how long each took in seconds."""
    taken: list[float] = []
    errors: list[bytes] = []

    async def load() -> None:
        await asyncio.gather(*(ask(server, seconds, taken, errors) for _ in range(connections)))

    before = cpu(process.pid)
    asyncio.run(load())
    if errors:
        raise SystemExit(f"{server.name}: {len(errors)} of {len(taken)} requests failed: {errors[0].decode()}")
    return 1000 * (cpu(process.pid) - before) / len(taken), taken


def spent_by(command: list[str], project: Path, variables: dict[str, str]) -> tuple[float, str]:
    """CPU seconds of a command, and what it prints."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, **variables, "OMP_NUM_THREADS": "1"}
    said = subprocess.run(command, cwd=project, env=env, capture_output=True, check=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, said


def many(project: Path, python: str, count: int, rounds: int) -> None:
    """Print what a request of many rows and the start cost, beside the reference and the imports."""
    (server,) = servers(project, python, {})
    package, one = server.command[2], json.loads(server.body)
    rows = rows_of(project, python)
    requests, starts = [], []
    for _ in range(rounds):
        server.body = json.dumps(one).encode()
        process, _ = start(server, project)
        try:
            imports, _ = spent_by([python, "-c", "import pandas, sklearn"], project, server.env)
            starts.append((cpu(process.pid), imports))
            server.body = json.dumps({"rows": (rows * count)[:count]}).encode()
            spent, _ = measure(server, process, 1, 4.0)
            code = REFERENCE.format(package=package, rows=rows, count=count)
            requests.append((spent, float(spent_by([python, "-c", code], project, server.env)[1])))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    for what, pairs in ((f"{count} rows, ms", requests), ("start, s", starts)):
        ours, beside = (statistics.median(found) for found in zip(*pairs, strict=True))
        ratio = statistics.median(spent / other for spent, other in pairs)
        print(f"{what}: {ours:.2f} CPU, beside {beside:.2f}, {ratio:.2f} times")


def main() -> None:
    """Start all, let them take turns, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--ours", metavar="PYTHON")
    parser.add_argument("--rival", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--many", type=int, metavar="ROWS")
    options = parser.parse_args()
    project = options.project.resolve()
    (project / ".cache").mkdir(exist_ok=True)
    ours = options.ours or str(project / ".venv/bin/python")
    if options.many:
        return many(project, ours, options.many, options.rounds)
    rivals = dict(one.split("=", 1) for one in options.rival)
    started = []
    try:
        for server in servers(project, ours, rivals):
            started.append((server, *start(server, project)))
        figures = {server.name: {count: ([], []) for count in CONNECTIONS} for server, _, _ in started}
        for _ in range(options.rounds):
            for count in CONNECTIONS:
                for server, process, _ in started:
                    spent, taken = measure(server, process, count, options.seconds)
                    figures[server.name][count][0].append(spent)
                    figures[server.name][count][1].extend(taken)
        print("| server | connections | CPU ms a request | p50 ms | p99 ms | ours is 1 / | ready s | MB |")
        print("|---|---|---|---|---|---|---|---|")
        for server, process, ready in started:
            for count in CONNECTIONS:
                spent = statistics.median(figures[server.name][count][0])
                quantiles = statistics.quantiles(figures[server.name][count][1], n=100)
                ratio = spent / statistics.median(figures["ours"][count][0])
                shown = f"{1000 * quantiles[49]:.1f} | {1000 * quantiles[98]:.1f} | {ratio:.1f}"
                print(f"| {server.name} | {count} | {spent:.2f} | {shown} | {ready:.1f} | {memory(process.pid):.0f} |")
    finally:
        for _, process, _ in started:
            os.killpg(process.pid, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
