"""Runs reach a real MLflow server: the extra as a user adds it, and the server, which users do without."""

import shutil
import subprocess

import pytest
from conftest import PLAIN_ENVIRONMENT, TEMPLATE, make


@pytest.mark.long
def test_tests_of_tracking_pass_against_a_real_server(render, tmp_path):
    project = render(tmp_path)
    pyproject = project / "pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('extras = ["dev"]', 'extras = ["dev", "mlflow"]'))
    installed = make(project, "install")
    assert installed.returncode == 0, installed.stderr
    assert "mlflow-skinny==" in (project / "requirements.lock").read_text()
    python = project / ".venv" / "bin" / "python"
    uv = [shutil.which("uv")] if shutil.which("uv") else [python, "-m", "uv"]
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, "mlflow"], check=True, env=PLAIN_ENVIRONMENT)

    words = [python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "runs/test_track.py"]
    environment = PLAIN_ENVIRONMENT | {"PYTHONPATH": str(project / "src")}
    done = subprocess.run(words, cwd=TEMPLATE / "tests" / "engine", env=environment, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout
