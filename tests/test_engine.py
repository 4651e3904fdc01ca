"""The machinery: tests/engine, run in a project's environment, on the oldest and the newest Python that is here."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PLAIN_ENVIRONMENT, TEMPLATE, make

OLDEST = 11
MINORS = range(OLDEST, OLDEST + 20)


def pythons() -> list[str]:
    """The oldest and the newest Python on the PATH that a project can be installed with."""
    found = [path for minor in MINORS if (path := shutil.which(f"python3.{minor}")) and can_make_environments(path)]
    return list(dict.fromkeys([found[0], found[-1]])) if found else ["python3"]


def can_make_environments(path: str) -> bool:
    """Whether it starts and has what it needs; a version manager's stand-in may do neither."""
    return subprocess.run([path, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0


@pytest.mark.parametrize("python", pythons(), ids=lambda path: Path(path).name)
def test_machinery_passes_its_tests(render, tmp_path, python):
    project = render(tmp_path)
    done = make(project, "install", f"PYTHON={python}")
    assert done.returncode == 0, done.stderr
    python = project / ".venv" / "bin" / "python"  # Excel files are written by tests alone
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, "openpyxl"], check=True
    )
    environment = PLAIN_ENVIRONMENT | {"PYTHONPATH": str(project / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    doctests = ["--doctest-modules", str(project / "src")]

    tested = subprocess.run(
        [*command, *doctests], cwd=TEMPLATE / "tests" / "engine", env=environment, capture_output=True, text=True
    )

    assert tested.returncode == 0, tested.stdout[-20_000:]
    print(re.findall(r"^\d+ passed.*", tested.stdout, re.MULTILINE)[-1], "with", project)
