"""What schemathesis finds: requests made from /openapi.json, right ones and wrong ones, with all of its checks.

    .venv/bin/python benchmarks/serving/fuzz.py PROJECT --schemathesis ENV/bin/schemathesis [--cases 10000]

Serves PROJECT (its `.venv`, or `--ours PYTHON`) behind a token, with a log of its own; exit 1 where a check fails.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

LEFT_OUT = {".venv", ".cache", ".git", "log", "mlruns"}
TOKEN = "fuzz"
REFUSALS = "[checks.negative_data_rejection]\nexpected-statuses = [400, 401, 403, 404, 405, 413, 422, 503]\n"


def serve(python: str, project: Path) -> tuple[subprocess.Popen, str]:
    """Start the service; its process and address."""
    (package,) = [path.parent.name for path in project.glob("src/*/cli.py")]
    command = [python, "-m", package, "serve", "--set", "serve.port=0"]
    env = {**os.environ, "PYTHONPATH": str(project / "src"), "API_TOKEN": TOKEN, "DATABASE_URL": ""}
    process = subprocess.Popen(command, cwd=project, env=env, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split(" ")[0]


def main() -> int:
    """Serve a copy of a project, ask it, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path)
    parser.add_argument("--ours", metavar="PYTHON")
    parser.add_argument("--schemathesis", default="schemathesis")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    project = options.project.resolve()
    python = options.ours or str(project / ".venv/bin/python")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(project, Path(folder) / "p", ignore=lambda _, names: LEFT_OUT & {*names}))
        process, address = serve(python, copy)
        try:
            command = [options.schemathesis, "run", f"{address}/openapi.json", "-H", f"Authorization: Bearer {TOKEN}"]
            command += ["--checks", "all", "--continue-on-failure", "--seed", str(options.seed)]
            command += ["--max-examples", str(options.cases), "--suppress-health-check", "all"]
            Path(folder, "schemathesis.toml").write_text(REFUSALS)
            return subprocess.run(command, cwd=folder, check=False).returncode
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


if __name__ == "__main__":
    sys.exit(main())
