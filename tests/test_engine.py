"""The machinery: tests/engine, run in a project's environment, on the oldest and the newest Python that is here.

Runs reach a real MLflow server: the extra as a user adds it, and the server, which users do without.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PLAIN_ENVIRONMENT, TEMPLATE, edit, make

OLDEST = 11
MINORS = range(OLDEST, OLDEST + 20)


def pythons() -> list[str]:
    """The oldest and the newest Python on the PATH that a project can be installed with."""
    found = [path for minor in MINORS if (path := shutil.which(f"python3.{minor}")) and can_make_environments(path)]
    return list(dict.fromkeys([found[0], found[-1]])) if found else ["python3"]


def can_make_environments(path: str) -> bool:
    """Whether it starts and has what it needs; a version manager's stand-in may do neither."""
    return subprocess.run([path, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0


def install(project: Path, extras: str, more: list[str], *words: str) -> None:
    """Make a project's environment with further extras, and put packages into it that tests alone need."""
    edit(project / "pyproject.toml", 'extras = ["dev", "service"]', f'extras = ["dev", "service", {extras}]')
    done = make(project, "install", *words)
    assert done.returncode == 0, done.stderr
    python = project / ".venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, *more], check=True)


def run_tests(project: Path, *words: str) -> str:
    """Run tests of tests/engine in a project's environment; what pytest says once they have passed."""
    environment = PLAIN_ENVIRONMENT | {"PYTHONPATH": str(project / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [project / ".venv" / "bin" / "python", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", *words]
    options = {"cwd": TEMPLATE / "tests" / "engine", "env": environment, "capture_output": True, "text": True}
    done = subprocess.run(command, **options)
    assert done.returncode == 0, done.stdout[-20_000:]
    return done.stdout


@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).name)
def test_machinery_passes_its_tests(render, tmp_path, python):
    project = render(tmp_path)
    more = ["openpyxl", "selenium"]  # to write Excel files, to drive a browser
    install(project, '"postgresql", "otel"', more, f"PYTHON={python}")

    said = run_tests(project, ".", "--doctest-modules", str(project / "src"))

    print(re.findall(r"^\d+ passed.*", said, re.MULTILINE)[-1], "with", project)


@pytest.mark.long
def test_tests_of_tracking_pass_against_a_real_server(render, tmp_path):
    project = render(tmp_path)
    install(project, '"mlflow"', ["mlflow"])
    assert "mlflow-skinny==" in (project / "requirements.lock").read_text()

    said = run_tests(project, "runs/test_track.py")

    assert "skipped" not in said
