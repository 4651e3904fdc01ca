"""The machinery: tests/engine, run in a project's environment, on the oldest and the newest Python that is here.

Runs reach a real MLflow server: the extra as a user adds it, and the server, which users do without.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import PLAIN_ENVIRONMENT, TEMPLATE, edit, make, pythons

# The tables of the tests are small, and two threads that wait for each other on a busy machine take ten times as long.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
# Hundreds of throw-away projects of 400 files each: in memory nothing waits for a disk.
MEMORY, ROOM = "/dev/shm", 2_000_000_000  # bytes


def install(project: Path, extras: str, more: list[str], *words: str) -> None:
    """Make a project's environment with further extras, and put packages into it that tests alone need."""
    edit(project / "pyproject.toml", 'extras = ["dev", "service"]', f'extras = ["dev", "service", {extras}]')
    done = make(project, "install", *words)
    assert done.returncode == 0, done.stderr
    python = project / ".venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, *more], check=True)


def run_tests(project: Path, *words: str) -> str:
    """Run tests of tests/engine in a project's environment; what pytest says once they have passed."""
    environment = PLAIN_ENVIRONMENT | {"PYTHONPATH": str(project / "src")} | ONE_THREAD
    command = [project / ".venv" / "bin" / "python", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *words]
    options = {"cwd": TEMPLATE / "tests" / "engine", "env": environment, "capture_output": True, "text": True}
    memory = MEMORY if os.path.isdir(MEMORY) and shutil.disk_usage(MEMORY).free > ROOM else None
    with tempfile.TemporaryDirectory(dir=memory, ignore_cleanup_errors=True) as folder:
        done = subprocess.run([*command, f"--basetemp={folder}/tests"], **options)
    assert done.returncode == 0, done.stdout[-20_000:]
    return done.stdout


@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).name)
def test_machinery_passes_its_tests(render, request, tmp_path, python):
    project = render(tmp_path)
    more, extras = ["openpyxl", "selenium"], '"postgresql", "otel"'  # to write Excel files, to drive a browser
    if python == pythons()[0]:  # the other one does not wait for that environment, it makes its own
        request.getfixturevalue("give_environment")(project)
        extras += ', "onnx", "spss"'  # a new Python waits for their wheels
    install(project, extras, more, f"PYTHON={python}")

    whole = [] if python == pythons()[0] else ["-m", "not once"]

    said = run_tests(project, ".", "--doctest-modules", str(project / "src"), *whole)

    print(re.findall(r"^\d+ passed.*", said, re.MULTILINE)[-1], "with", project)


@pytest.mark.long
def test_tests_of_tracking_pass_against_a_real_server(render, give_environment, tmp_path):
    project = render(tmp_path)
    give_environment(project)
    install(project, '"mlflow"', ["mlflow"])
    assert "mlflow-skinny==" in (project / "requirements.lock").read_text()

    said = run_tests(project, "runs/test_track.py")

    assert "skipped" not in said
