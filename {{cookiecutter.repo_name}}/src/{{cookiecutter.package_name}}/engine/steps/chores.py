"""The verbs around the pipeline that other programs do: notebooks, docs, tests, checks, cleaning up."""

import glob
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

from ..project import lock, package
from ..project.alive import alive
from ..project.errors import ProjectError, listed
from ..project.settings import Project

log = logging.getLogger(__name__)
# What make built and can build again. Raw data, the data dictionary, runs, predictions and feedback are never in it.
CLEANED = (
    ".cache/reproduce/*",
    ".cache/*",
    ".pytest_cache",
    ".ruff_cache",
    "data/interim/*",
    "data/processed/*",
    "docs/_build",
    "reports/*.html*",
    "reports/notebooks",
)


def notebook(project: Project) -> list[Path]:
    """Run every notebook from top to bottom and write it as a page into `reports/notebooks/`."""
    notebooks = sorted((project.root / "notebooks").glob("*.ipynb"))
    folder = project.root / "reports" / "notebooks"
    for path in notebooks:
        with alive(f"notebook {path.name}"):
            how = ("--log-level=WARN", "--execute", "--to=html", f"--output-dir={folder}")
            call(project, "nbconvert", *how, glob.escape(str(path)))
    pages = [folder / f"{path.stem}.html" for path in notebooks]
    log.info("%d notebook(s) ran -> %s", len(pages), project.relative(folder))
    return pages


def docs(project: Project) -> Path:
    """Build the documentation with Sphinx, warnings as errors."""
    output = project.root / "docs" / "_build" / "html"
    with alive("docs"):
        call(project, "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(project.root / "docs"), str(output))
    log.info("docs -> %s", project.relative(output / "index.html"))
    return output / "index.html"


def check(project: Project) -> None:
    """Lint, check format and types, each whatever the others find, and say what of the engine was edited."""
    if found := package.edited(project.package):
        log.info("edited in engine/, which an update of the template replaces: %s", listed(found))
    failed = []
    for tool in (("ruff", "check", "--no-cache", "."), ("ruff", "format", "--no-cache", "--check", "."), ("mypy",)):
        try:
            call(project, *tool)
        except ProjectError as error:
            failed.append(error)
    if failed:
        raise ProjectError("\n".join(dict.fromkeys(map(str, failed))))


def fix(project: Project) -> None:
    """Mend lint and format."""
    call(project, "ruff", "check", "--fix", ".")
    call(project, "ruff", "format", ".")


def call(project: Project, module: str, *arguments: str) -> None:
    """Run `python -m module` in the project's root; a failure of it is one of ours."""
    environment = {**os.environ, "PYTHONUTF8": "1"}
    code = subprocess.run([sys.executable, "-m", module, *arguments], cwd=project.root, env=environment).returncode
    if code:
        raise ProjectError(f"{module} found something to mend: see above (exit code {code}).")


def clean(project: Project) -> None:
    """Remove what make built; never raw data, runs or predictions, nor a folder in which `reproduce` works now."""
    removed = 0
    with lock.alone(project.root, "clean"):
        _, kept = lock.reproduced(project.root)
        for path in [path for pattern in CLEANED for path in project.root.glob(pattern)]:
            in_use = any(folder.is_relative_to(path) for folder in kept)
            if path.name != ".gitkeep" and path.suffix != ".lock" and not in_use:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
                removed += 1
    for folder in kept:
        log.info("%s stays: make reproduce works there", project.relative(folder))
    log.info("%d files and folders removed", removed)
