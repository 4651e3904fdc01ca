"""The image of `deploy/Dockerfile`, built and run on a Debian of its own: needs root, podman, runc and debootstrap.

It runs as on a cluster, and stricter: no network at all, a read-only root, no capabilities, a user of its own.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest
from conftest import PLAIN_ENVIRONMENT

TOOLS = ("podman", "runc", "debootstrap")
SUITE, PACKAGES = "bookworm", "python3,python3-venv,python3-pip,ca-certificates"  # Python 3.11
BASE, USER = "localhost/base:local", 10001
CERTIFICATES = "/etc/ssl/certs"
MEMORY, STORE = "/dev/shm", 10_000_000_000  # bytes that it may need at the worst; a disk takes twice as long
OF_AN_INDEX = ("index-url", "extra-index-url", "trusted-host", "proxy", "cert")
BUILD = "--quiet --isolation=chroot --layers=false --format=docker --file=deploy/Dockerfile"
CONFINED = """--network=none --read-only --read-only-tmpfs=false --tmpfs=/tmp --cap-drop=ALL --env=API_TOKEN=web:secret
--security-opt=no-new-privileges --ulimit=nofile=1024:1024 --ulimit=nproc=1024:1024"""
STARTED = 60  # seconds in which it has to be ready
# Posts what is on stdin, a line for each answer, until nothing listens any more.
CLIENT = """
import json, sys, urllib.error, urllib.request
headers, body = {"Authorization": "Bearer secret"}, sys.stdin.buffer.read()
while True:
    try:
        request = urllib.request.Request("http://127.0.0.1:8000/predict", body, headers)
        print(urllib.request.urlopen(request).read().decode(), flush=True)
    except urllib.error.HTTPError as error:
        print(json.dumps({"status": error.code}), flush=True)
    except OSError:
        break
"""


def run(*words: str | Path, **options) -> str:
    """What a command prints; it has to succeed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return done.stdout


@pytest.fixture
def podman():
    """podman's words, with a store of its own that holds a Debian with Python."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing or os.geteuid():
        pytest.skip(f"needs root, and {', '.join(TOOLS)} (not here: {', '.join(missing) or 'root'})")
    memory = MEMORY if os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > STORE else None
    with tempfile.TemporaryDirectory(dir=memory, ignore_cleanup_errors=True) as folder:
        base, command = Path(folder, "base"), ["env", f"TMPDIR={folder}", "podman", "--runtime=runc"]
        command += ["--cgroup-manager=cgroupfs"]
        command += [f"--{name}={folder}/{name}" for name in ("root", "runroot", "tmpdir")]
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, base)
        (base / "usr/bin/python").symlink_to("python3")
        run("tar", "--create", "--directory", base, "--file", f"{base}.tar", ".")
        run(*command, "import", "--quiet", f"{base}.tar", BASE)
        yield command
        run(*command, "rm", "--force", "--all", "--time=1")


@pytest.fixture
def champion(installed_project, tmp_path) -> Path:
    """A run that is champion and has answered the test split, in a project with data and secrets that stay at home."""
    project = tmp_path / "project"
    shutil.copytree(installed_project, project, ignore=shutil.ignore_patterns(".venv", ".cache"))
    (project / "models" / "champion.json").unlink(missing_ok=True)
    (project / ".env").write_text("API_TOKEN=never:in-an-image\n")
    python = [installed_project / ".venv" / "bin" / "python", "-m", next((project / "src").iterdir()).name]
    options = {"cwd": project, "env": PLAIN_ENVIRONMENT | {"PYTHONPATH": str(project / "src")}}
    name = Path(run(*python, "train", **options).strip()).parent.name
    run(*python, "promote", "--run", name, "--force", "for this test", **options)
    run(*python, "predict", **options)
    return project / "models" / name


def pip_configuration() -> str:
    """What this machine's pip says of its index, as pip.conf has it; it goes into no layer."""
    lines = [line.partition("=") for line in run(sys.executable, "-m", "pip", "config", "list").splitlines()]
    said = {key.rpartition(".")[2]: value.strip("'") for key, _, value in lines}
    return "".join(["[global]\n", *(f"{key} = {said[key]}\n" for key in OF_AN_INDEX if key in said)])


def build(podman: list[str], run_folder: Path, secret: Path) -> str:
    """Build the image as the head of the Dockerfile says, on the base that is here, and return its name."""
    project, tag = run_folder.parents[1], f"churn:{run_folder.name}"
    arguments = {"RUN": run_folder.name, "DIGEST": sha256((run_folder / "run.json").read_bytes()).hexdigest()}
    arguments |= {"COMMIT": "abc", "BUILD_BASE": BASE, "RUN_BASE": BASE}
    words = [*BUILD.split(), *(f"--build-arg={name}={value}" for name, value in arguments.items())]
    words += [f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"] if Path(CERTIFICATES).is_dir() else []
    run(*podman, "build", *words, f"--secret=id=pip,src={secret}", f"--tag={tag}", ".", cwd=project)
    return f"localhost/{tag}"


def healthy(podman: list[str]) -> bool:
    """Whether the container's own health check passes."""
    return subprocess.run([*podman, "healthcheck", "run", "one"], capture_output=True).returncode == 0


def logged(folder: Path) -> set[str]:
    """The ids of the answers in the log and in the spool beside it."""
    found = set()
    for file in folder.glob("*.db"):
        with sqlite3.connect(file) as connection:
            found |= {number for (number,) in connection.execute("SELECT id FROM answers")}
    return found


@pytest.mark.long
def test_image_answers_as_predict_does_drains_and_writes_to_its_volume_alone(podman, champion, tmp_path):
    project, volume, secret = champion.parents[1], tmp_path / "log", tmp_path / "pip.conf"
    rows = pd.read_parquet(project / "data/processed/test.parquet").drop(columns="diagnosis").head(3)
    expected = pd.read_csv(project / "data/predictions/test.csv").head(3)
    secret.write_text(pip_configuration())
    volume.mkdir()
    os.chown(volume, USER, USER)

    image = build(podman, champion, secret)
    run(*podman, "run", "--detach", "--name=one", *CONFINED.split(), f"--volume={volume}:/app/data/log", image)
    end = time.monotonic() + STARTED
    while not healthy(podman) and time.monotonic() < end:
        time.sleep(0.5)
    inside = run(*podman, "exec", "one", "find", "/app", "-maxdepth", "2", "-not", "-path", "/app/src/*")
    kept = run(*podman, "exec", "one", "find", "/app/reports", "-type", "f").split()
    compilers = run(*podman, "exec", "one", "sh", "-c", "command -v cc gcc; id --user; ls /etc/pip.conf; true")
    client = [*podman, "exec", "--interactive", "one", "python", "-c", CLIENT]
    told = tmp_path / "told"  # no pipe: one that is full would hold up the end of the container
    with told.open("w") as out, subprocess.Popen(client, stdin=subprocess.PIPE, stdout=out, text=True) as asking:
        asking.stdin.write(json.dumps({"rows": rows.to_dict("records")}))
        asking.stdin.close()
        while "\n" not in told.read_text() and asking.poll() is None:
            time.sleep(0.1)
        run(*podman, "stop", "--time=20", "one")
    first, *others = [json.loads(line) for line in told.read_text().splitlines()]
    about = json.loads(run(*podman, "inspect", "one"))[0]

    files = {line.removeprefix("/app/") for line in inside.split()[1:]}
    assert {Path(line).name for line in kept} <= {"reference.json", "reference.json.json"}, "no page, no rows"
    assert {name for name in files if not name.startswith("reports")} == {
        *("data", "data/log", "models", "models/champion.json", f"models/{champion.name}", "params.toml"),
        *("pyproject.toml", "references", "references/.gitkeep", "references/data_dictionary.toml"),
        *("references/data_dictionary.inferred.toml", "src"),
    }
    assert compilers.split() == [str(USER)]
    labels, digest = about["Config"]["Labels"], sha256((champion / "run.json").read_bytes()).hexdigest()
    assert labels["org.opencontainers.image.version"] == champion.name
    assert labels["run.digest"].removeprefix("sha256:") == digest
    both = (table[["prediction", "probability"]] for table in (pd.DataFrame(first["predictions"]), expected))
    said, by_predict = (table.values.tolist() for table in both)
    assert first["run"] == champion.name and said == by_predict
    assert about["State"]["ExitCode"] == 0
    away = {reply.get("status", 503) for reply in others}
    assert away <= {503}, "in flight is answered, what comes then is sent away"
    assert {one["id"] for reply in (first, *others) for one in reply.get("predictions", ())} <= logged(volume)
