"""The environment follows content: nothing is installed twice, and what cannot work is said."""

import ast
import importlib
import os
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest
from conftest import make


@pytest.fixture
def module(project, monkeypatch) -> ModuleType:
    """install.py of the copy, as it runs before anything is installed."""
    (path,) = project.glob("src/*/engine/steps/install.py")
    package = path.parents[2].name
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(path.parents[3])
    return importlib.import_module(f"{package}.engine.steps.install")


def make_ready(project: Path, module: ModuleType) -> Path:
    """Let the environment look finished, without one."""
    ready = project / ".venv" / "ready"
    ready.parent.mkdir()
    (project / "requirements.lock").write_text(f"{module.MADE_FROM}{module.dependencies(project)}\n")
    ready.write_text(module.state(project))
    return ready


def test_nothing_is_done_while_the_content_is_the_same_whatever_the_time_stamps_say(project, module, capsys):
    ready = make_ready(project, module)
    os.utime(ready, (0, 0))

    changed = module.install(project)

    assert not changed and capsys.readouterr() == ("", "")
    assert time.time() - ready.stat().st_mtime < 60, "make would look again and again"
    assert [path.name for path in ready.parent.iterdir()] == ["ready"]
    (project / "pyproject.toml").touch()
    done = make(project, "install")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("there", [True, False])
def test_clone_without_data_is_told_so_before_the_environment_is_built(project, there):
    params = project / "params.toml"
    params.write_text(params.read_text().replace("sklearn:breast_cancer", "sales.csv"))
    if there:
        (project / "sales.csv").touch()
    (script,) = project.glob("src/*/engine/steps/install.py")

    done = subprocess.run([sys.executable, script, "--venv", "src"], capture_output=True, text=True)

    assert done.returncode == 1 and "is not a Python environment" in done.stderr  # `src`: what is said comes before
    assert (f"Put it at {project / 'sales.csv'}" in done.stderr) != there
    assert ("DATA_STORE in .env" in done.stderr and "make pull" in done.stderr) != there


def test_environment_of_a_moved_project_is_out_of_date(project, module, tmp_path):
    make_ready(project, module)

    moved = project.rename(tmp_path / "moved")

    assert (moved / ".venv" / "ready").read_text() != module.state(moved)


def test_old_python_can_read_the_file_and_is_named_with_the_cure(project, monkeypatch):
    (path,) = project.glob("src/*/engine/steps/install.py")
    ast.parse(path.read_text("utf-8"), feature_version=(3, 8))
    monkeypatch.setattr(sys, "version_info", (3, 9, 1, "final", 0))

    with pytest.raises(SystemExit, match=r"Python 3\.9 .*3\.11 is needed.\n.*make install PYTHON="):
        runpy.run_path(str(path), run_name="__main__")


def test_environment_that_a_killed_command_left_is_made_anew(project, module):
    venv = project / ".venv"
    python = module.make_venv(venv)
    (venv / "half").write_text("of a package")

    assert module.make_venv(venv) == python

    assert not (venv / "half").exists() and (venv / module.UNFINISHED).exists()
    assert subprocess.run([python, "-c", ""]).returncode == 0


def test_environment_of_a_copied_or_moved_project_serves_the_folder_that_it_is_in(project, module, tmp_path):
    module.make_venv(project / ".venv")
    (packages,) = (project / ".venv").glob("lib/python*/site-packages")
    (packages / "_editable_impl_it.pth").write_text(str(project / "src"))  # as the build back end leaves it
    (package,) = (project / "src").iterdir()
    code = f"import {package.name}; print({package.name}.__file__)"

    module.serve_own_folder(project, project / ".venv")
    copied = shutil.copytree(project, tmp_path / "the copy", symlinks=True)
    moved = project.rename(tmp_path / "the other")

    for folder in (copied, moved):
        python = folder / ".venv" / "bin" / "python"
        done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True)
        assert done.stdout.strip() == str(folder / "src" / package.name / "__init__.py"), done.stderr


def test_lock_names_versions_for_every_platform_and_no_place(installed_project):
    lines = (installed_project / "requirements.lock").read_text("utf-8").splitlines()

    pinned = [line for line in lines if not line.lstrip().startswith("#")]
    assert len(pinned) > 50 and all("==" in line for line in pinned)
    assert any("sys_platform == 'win32'" in line for line in pinned)
    assert len({line.partition("==")[0] for line in pinned}) == len(pinned), "a run of one Python is loaded by another"
    assert not any(word in line for line in lines for word in ("://", "file:", str(installed_project), "--index"))


def test_packages_that_cannot_be_fetched_end_with_the_reason_above_and_the_cure_of_the_likeliest(project):
    nowhere = dict.fromkeys(["PIP_INDEX_URL", "UV_DEFAULT_INDEX"], "http://127.0.0.1:9/simple")
    at_once = {"PIP_RETRIES": "0", "UV_NO_CACHE": "1", "UV_HTTP_RETRIES": "0"}

    done = make(project, "install", **nowhere, **at_once)

    above, _, cure = done.stderr.partition("See above.")
    assert done.returncode != 0 and "error: " in above.lower() and "Behind a proxy set HTTPS_PROXY" in cure
    assert not (project / ".venv" / "ready").exists() and not (project / "requirements.lock").exists()
