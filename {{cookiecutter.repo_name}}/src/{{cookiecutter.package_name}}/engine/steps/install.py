"""Make the environment: `python3 src/<package>/engine/steps/install.py`, with the standard library only.

Reads `pyproject.toml` and `requirements.lock`; writes `.venv/` and, the first time or when the dependencies in
pyproject.toml changed, `requirements.lock`: exact versions for every platform, to be committed. `.venv/ready` is
written last and holds the digest of what was installed: while it fits, nothing is done.
"""

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":  # a script belongs to no package: the rest imports itself as the module that it is
    oldest = (3, 11)
    if sys.version_info < oldest:
        found, needed = (".".join(map(str, version[:2])) for version in (sys.version_info, oldest))
        sys.exit(
            f"install: Python {found} ({sys.executable}) is too old, {needed} is needed.\n"
            "Install a newer one, then name it: make install PYTHON=python3.13"
        )
    folder = Path(__file__).resolve().parents[2]
    sys.path[0] = str(folder.parent)
    sys.exit(importlib.import_module(f"{folder.name}.engine.steps.install").main())

import argparse
import contextlib
import logging
import os
import re
import shutil
import subprocess
import time
import tomllib
from typing import Any

from ..project import artefact, lock, package, settings
from ..project.alive import RED, alive, coloured
from ..project.errors import ProjectError, shortened
from ..project.package import LOCK
from ..sources import source

UNFINISHED = "unfinished"  # in the environment until it is ready: what a killed command left in it is not trusted
MADE_FROM = "make install, from the dependencies in pyproject.toml, sha256 "
NETWORK = "See above. Behind a proxy set HTTPS_PROXY, for your own index UV_DEFAULT_INDEX and PIP_INDEX_URL."
# "python" is, for Jupyter, the one that runs Jupyter: a path would lead a copied or moved project to where it was made.
KERNEL = {
    "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": f"Python ({package.NAME})",
    "language": "python",
}


def main(arguments: list[str] | None = None) -> int:
    """Bring the environment up to date; return 0 when it is ready, 1 when it could not be made."""
    parser = argparse.ArgumentParser(prog="install", description="Make the environment from requirements.lock.")
    parser.add_argument("--venv", default=".venv", help="folder of the environment (default: .venv)")
    venv = parser.parse_args(arguments).venv
    logging.basicConfig(format="install: %(message)s", level=logging.INFO)
    try:
        install(Path(__file__).resolve().parents[4], venv)
    except ProjectError as error:
        print(coloured(shortened(f"install: {error}"), RED), file=sys.stderr)
        return 1
    return 0


def install(root: Path, venv: str = ".venv") -> None:
    """Make or mend the environment `venv` of the project in `root`, if anything has changed."""
    with lock.alone(root, "install", name="install"):
        ready = root / venv / "ready"
        if ready.exists() and ready.read_text(encoding="utf-8") == state(root):
            ready.touch()
            return
        say_what_is_missing(root)
        start = time.monotonic()
        say(f"{venv} ...")
        ready.unlink(missing_ok=True)  # killed half-way, the environment must not look ready
        fill(root, make_venv(root / venv))
        (root / venv / UNFINISHED).unlink()
        artefact.write_text(ready, state(root))
        say(f"{venv} is ready, {time.monotonic() - start:.1f} s")


def say(what: str) -> None:
    """Print a line at once, before the programs that are started print theirs."""
    print(f"install  {what}", file=sys.stderr, flush=True)


def state(root: Path) -> str:
    """What `.venv/ready` says of an environment that is up to date; one outside of the project points to the folder."""
    return artefact.fingerprint([dependencies(root), locked(root), str(root), KERNEL])


def dependencies(root: Path) -> str:
    """The digest of what pyproject.toml says about installing; a change of the linter's rules is none."""
    content = pyproject(root)
    tool = content.get("tool", {})
    parts = [content.get("project"), content.get("build-system"), tool.get("hatch"), tool.get("install")]
    return artefact.fingerprint(parts)


def pyproject(root: Path) -> dict[str, Any]:
    """What pyproject.toml holds."""
    try:
        return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ProjectError(f"pyproject.toml cannot be read: {error}") from error


def locked(root: Path) -> str:
    """The text of the lock, "" without one."""
    return (root / LOCK).read_text(encoding="utf-8") if (root / LOCK).exists() else ""


def say_what_is_missing(root: Path) -> None:
    """Say at once that there will be nothing to work on: a clone comes without data."""
    with contextlib.suppress(ProjectError, OSError):  # the step that reads the source says what is wrong
        named = settings.load(root).settings.data.source
        if source.is_local(named) and "${" not in named and source.first_file(root, named) is None:
            cure = f"Put it at {root / named}, or run make pull, which takes it from DATA_STORE in .env."
            say(f"{named} (source in [data] of params.toml) is not here, nor a copy in data/raw.\n{cure}")


def make_venv(venv: Path) -> Path:
    """The Python of the environment, made if it is missing, was never finished or does not start."""
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = venv / UNFINISHED
    finished = python.exists() and not mark.exists()
    if finished and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
        mark.touch()
        return python
    if venv.exists() and any(venv.iterdir()) and not (mark.exists() or (venv / "pyvenv.cfg").exists()):
        cure = "move it away, or name another with VENV=folder"
        raise ProjectError(f"{venv} exists and is not a Python environment: {cure}.")
    venv.mkdir(parents=True, exist_ok=True)
    mark.touch()
    for path in venv.iterdir():  # not venv's own --clear, which would remove the mark too
        if path != mark:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    without_pip = ["--without-pip"] if shutil.which("uv") else []
    cure = "where venv is a package of its own: apt install python3-venv"
    run([sys.executable, "-m", "venv", *without_pip, str(venv)], f"{sys.executable} cannot make an environment; {cure}")
    return python


def fill(root: Path, python: Path) -> None:
    """Install what the lock says, made first if need be, and the project itself; say what is there no more."""
    before = in_packages(python.parents[1], "*.dist-info")
    uv = ["uv"] if shutil.which("uv") else [str(python), "-m", "uv"]
    if uv != ["uv"] and subprocess.run([*uv, "--version"], capture_output=True).returncode:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv>=0.5.10"]
        run(pip, f"uv could not be fetched. {NETWORK}")
    if dependencies(root) not in locked(root):
        write_lock(root, uv)
    how = ["--quiet", "--compile-bytecode", "--python", str(python)]
    run([*uv, "pip", "sync", *how, LOCK], f"the packages of {LOCK} could not be installed. {NETWORK}", root)
    run([*uv, "pip", "install", *how, "--no-deps", "-e", "."], f"the project could not be installed. {NETWORK}", root)
    serve_own_folder(root, python.parents[1])
    # The notebooks ask for a kernel of the package's name: no other environment has it.
    artefact.write_json(python.parents[1] / "share/jupyter/kernels" / package.NAME / "kernel.json", KERNEL)
    there = {path.name.partition("-")[0] for path in in_packages(python.parents[1], "*.dist-info")}
    if gone := sorted({path.name.partition("-")[0] for path in before} - there):
        say(f"removed, as {LOCK} does not name them: {', '.join(gone)}. To keep: the extra dev in pyproject.toml")


def in_packages(venv: Path, pattern: str) -> list[Path]:
    """What lies where an environment has its packages."""
    return [*venv.glob(f"lib/python*/site-packages/{pattern}"), *venv.glob(f"Lib/site-packages/{pattern}")]


def serve_own_folder(root: Path, venv: Path) -> None:
    """Let the environment look for the package beside itself: copied or moved with the project, it serves that one."""
    for path in in_packages(venv, "*.pth") if venv.resolve().is_relative_to(root) else ():
        if path.read_text(encoding="utf-8").strip() == str(root / "src"):
            artefact.write_text(path, os.path.relpath(root / "src", path.parent) + "\n")


def write_lock(root: Path, uv: list[str]) -> None:
    """Resolve pyproject.toml for every platform into requirements.lock; versions that are locked and still fit stay.

    One version of a package for all Pythons, where there is one: a run of one is loaded by the others.
    """
    content = pyproject(root)
    oldest = re.findall(r"\d+\.\d+", content["project"].get("requires-python", ""))[:1] or ["3.11"]
    extras = content.get("tool", {}).get("install", {}).get("extras", ["dev"])
    with artefact.whole(root / LOCK) as draft:
        draft.write_text(locked(root), encoding="utf-8")
        options = ["--universal", "--fork-strategy=fewest", "--quiet", "--python-version", *oldest]
        options += ["--output-file", draft.name, "--custom-compile-command", MADE_FROM + dependencies(root)]
        options += ["pyproject.toml", *(f"--extra={name}" for name in extras)]
        run([*uv, "pip", "compile", *options], f"no versions were found that fit pyproject.toml. {NETWORK}", root)


def run(command: list[str], failure: str, folder: Path | None = None) -> None:
    """Run a command with its output on the terminal; raise ProjectError with `failure` when it fails."""
    # uv would rather install into an environment that happens to be active.
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    with alive("install"):
        code = subprocess.run(command, cwd=folder, env=env).returncode
    if code:
        raise ProjectError(failure)
