import os
import sys

import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

from data_science_project.engine.project import artefact
from data_science_project.engine.project.errors import ProjectError
from data_science_project.engine.steps import install

PYPROJECT = '[project]\nname = "x"\ndependencies = ["numpy"]\n[tool.ruff]\nline-length = 99\n'


@pytest.fixture
def root(tmp_path):
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "requirements.lock").write_text("numpy==2.4.0\n")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "text", "again"),
    [
        ("pyproject.toml", PYPROJECT.replace("99", "120"), False),
        ("pyproject.toml", PYPROJECT.replace("numpy", "scipy"), True),
        ("requirements.lock", "numpy==2.4.1\n", True),
    ],
)
def test_environment_is_out_of_date_when_what_is_installed_changed_and_not_before(root, file, text, again):
    before = install.state(root)

    (root / file).write_text(text)

    assert (install.state(root) != before) == again


def test_folder_that_is_no_environment_is_not_touched(root):
    (root / "mine").mkdir()
    (root / "mine" / "notes.txt").write_text("years of work")

    with pytest.raises(ProjectError, match="is not a Python environment: move it away, or name another"):
        install.make_venv(root / "mine")

    assert [path.name for path in (root / "mine").iterdir()] == ["notes.txt"]


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for uv is a shell script")
def test_packages_that_the_lock_does_not_name_are_said_when_they_are_removed(root, monkeypatch, capsys):
    packages = root / ".venv" / "lib" / "python3.13" / "site-packages"
    for name in ("numpy-2.4.0", "shap-1.0", "scikit_image-2.0"):
        (packages / f"{name}.dist-info").mkdir(parents=True)
    (root / "requirements.lock").write_text(f"numpy==2.4.0  # {install.dependencies(root)}\n")
    (root / "uv").write_text(f"#!/bin/sh\n[ $2 != sync ] || rm -rf {packages}/s*\n")
    (root / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(root), prepend=os.pathsep)

    for _ in range(2):
        install.fill(root, root / ".venv" / "bin" / "python")

    (said,) = capsys.readouterr().err.splitlines()
    assert "removed, as requirements.lock does not name them: scikit_image, shap." in said and "extra dev" in said


def test_kernel_is_the_python_that_runs_jupyter_wherever_the_environment_was_made(tmp_path):
    artefact.write_json(tmp_path / "it" / "kernel.json", install.KERNEL)
    kernel = KernelManager(kernel_name="it", kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(tmp_path)]))

    words = kernel.format_kernel_cmd()

    assert words[:3] == [sys.executable, "-m", "ipykernel_launcher"]


def test_broken_pyproject_is_named(root):
    (root / ".venv").mkdir()
    (root / ".venv" / "ready").touch()  # no environment is built first
    (root / "pyproject.toml").write_text("[project\n")

    with pytest.raises(ProjectError, match="pyproject.toml cannot be read"):
        install.install(root)
