"""Make the environment: `python3 src/<package>/install.py`, before anything is installed (standard library only).

Reads `pyproject.toml` and `requirements.lock`; writes `.venv/` and, the first time or when the dependencies in
pyproject.toml changed, `requirements.lock`: exact versions for every platform, to be committed. `.venv/ready` is
written last and holds the digests of what was installed: while they fit, nothing is done.
"""

import argparse
import hashlib
import importlib.util
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

OLDEST_PYTHON = (3, 11)
LOCK = "requirements.lock"
UNFINISHED = "unfinished"  # in the environment until it is ready: what a killed command left in it is not trusted
MADE_FROM = "# made from the dependencies in pyproject.toml, sha256 "
NETWORK = "Is there a network? Behind a proxy set HTTPS_PROXY, for your own index UV_DEFAULT_INDEX and PIP_INDEX_URL."


class InstallError(Exception):
    """The environment could not be made; the message says why and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Bring the environment up to date.

    Parameters
    ----------
    arguments : list of str, optional
        Command line arguments, those of the process by default.

    Returns
    -------
    int
        Exit code: 0 when the environment is ready, 1 when it could not be made.
    """
    parser = argparse.ArgumentParser(prog="install", description="Make the environment from requirements.lock.")
    parser.add_argument("--venv", default=".venv", help="folder of the environment (default: .venv)")
    venv = parser.parse_args(arguments).venv
    logging.basicConfig(format="install: %(message)s", level=logging.INFO)
    try:
        install(Path(__file__).resolve().parents[2], venv)
    except InstallError as error:
        print(f"install: {error}", file=sys.stderr)
        return 1
    return 0


def install(root: Path, venv: str | Path = ".venv") -> bool:
    """Make or mend the environment of the project, unless it is up to date.

    Parameters
    ----------
    root : Path
        The project: the folder of `pyproject.toml`.
    venv : str or Path
        Folder of the environment, relative to `root` or absolute.

    Returns
    -------
    bool
        Whether anything had to be installed.

    Raises
    ------
    InstallError
        Python is too old, `venv` is missing or is no environment, or a package could not be found or fetched.
    """
    if sys.version_info < OLDEST_PYTHON:
        found, oldest = (".".join(map(str, version[:2])) for version in (sys.version_info, OLDEST_PYTHON))
        raise InstallError(
            f"Python {found} ({sys.executable}) is too old, {oldest} is needed.\n"
            "Install a newer one, then name it: make install PYTHON=python3.13"
        )
    with neighbour("lock").alone(root, "install", name="install"):
        ready = root / venv / "ready"
        if ready.exists() and ready.read_text(encoding="utf-8") == state(root):
            ready.touch()
            return False
        start = time.monotonic()
        print(f"install  {venv} ...", file=sys.stderr, flush=True)
        ready.unlink(missing_ok=True)  # killed half-way, the environment must not look ready
        fill(root, make_venv(root / venv))
        (root / venv / UNFINISHED).unlink()
        write_whole(ready, state(root))
        print(f"install  {venv} is ready, {time.monotonic() - start:.1f} s", file=sys.stderr)
        return True


def neighbour(name: str) -> ModuleType:
    """Return a module of the package that needs nothing installed; as a script this one belongs to no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fill(root: Path, python: Path) -> None:
    """Install what the lock says, made first if need be, and the project itself."""
    uv = find_uv(python)
    if locked_from(root) != dependencies(root):
        write_lock(root, uv)
    options = ["--quiet", "--compile-bytecode", "--python", str(python)]
    run([*uv, "pip", "sync", *options, LOCK], root, f"the packages of {LOCK} could not be installed. {NETWORK}")
    project = ["--no-deps", "--editable", "."]
    run([*uv, "pip", "install", *options, *project], root, f"the project could not be installed. {NETWORK}")
    serve_own_folder(root, python.parents[1])


def serve_own_folder(root: Path, venv: Path) -> None:
    """Let the environment look for the package beside itself: copied or moved with the project, it serves that one."""
    paths = [*venv.glob("lib/python*/site-packages/*.pth"), *venv.glob("Lib/site-packages/*.pth")]
    for path in paths if venv.resolve().is_relative_to(root) else ():
        if path.read_text(encoding="utf-8").strip() == str(root / "src"):
            write_whole(path, os.path.relpath(root / "src", path.parent) + "\n")


def state(root: Path) -> str:
    """Return what `.venv/ready` says of an environment that is up to date: it changes with content, not with time."""
    lock = root / LOCK
    locked = hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else "none"
    # The folder is part of it because an environment outside of the project points there.
    return f"dependencies {dependencies(root)}\nlock {locked}\nfolder {root}\n"


def dependencies(root: Path) -> str:
    """Return the digest of what pyproject.toml says about installing; a change of the linter's rules is none."""
    import tomllib  # Python 3.11: main has to be able to say that an older one is too old

    try:
        content = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InstallError(f"pyproject.toml cannot be read: {error}") from error
    tool = content.get("tool", {})
    matters = [content.get("project"), content.get("build-system"), tool.get("hatch"), tool.get("install")]
    return hashlib.sha256(json.dumps(matters, sort_keys=True).encode()).hexdigest()


def locked_from(root: Path) -> str | None:
    """Return the digest of the dependencies that the lock was made from; None without a lock."""
    lock = root / LOCK
    if not lock.exists():
        return None
    found = re.match(MADE_FROM + "([0-9a-f]{64})", lock.read_text(encoding="utf-8"))
    return found.group(1) if found else None


def make_venv(venv: Path) -> Path:
    """Return the Python of the environment, made if it is missing, was never finished or does not start.

    Raises
    ------
    InstallError
        The folder holds something else, or Python came without `venv`.
    """
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = venv / UNFINISHED
    finished = python.exists() and not mark.exists()
    if finished and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
        mark.touch()
        return python
    if venv.exists() and any(venv.iterdir()) and not (mark.exists() or (venv / "pyvenv.cfg").exists()):
        raise InstallError(
            f"{venv} exists and is not a Python environment: move it away, or name another with VENV=folder."
        )
    venv.mkdir(parents=True, exist_ok=True)
    mark.touch()
    for path in venv.iterdir():  # not venv's own --clear, which would remove the mark too
        if path != mark:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    without_pip = ["--without-pip"] if shutil.which("uv") else []
    run(
        [sys.executable, "-m", "venv", *without_pip, str(venv)],
        venv.parent,
        f"{sys.executable} cannot make an environment; where venv is a package of its own: apt install python3-venv",
    )
    return python


def find_uv(python: Path) -> list[str]:
    """Return the command that starts uv: the one on the PATH, else the environment's own, installed if need be."""
    if shutil.which("uv"):
        return ["uv"]
    uv = [str(python), "-m", "uv"]
    if subprocess.run([*uv, "--version"], capture_output=True).returncode:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv>=0.5"]
        run(pip, python.parent, f"uv could not be fetched. {NETWORK}")
    return uv


def write_lock(root: Path, uv: list[str]) -> None:
    """Resolve pyproject.toml for every platform into requirements.lock; versions that are locked and still fit stay."""
    import tomllib

    content = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    oldest = re.search(r"\d+\.\d+", content["project"].get("requires-python", "3.11")).group()
    extras = [f"--extra={name}" for name in content.get("tool", {}).get("install", {}).get("extras", ["dev"])]
    lock, draft = root / LOCK, root / f".{LOCK}.part"
    if lock.exists():
        shutil.copyfile(lock, draft)
    command = [*uv, "pip", "compile", "pyproject.toml", "--universal", "--python-version", oldest, *extras]
    command += ["--quiet", "--no-header", "--no-emit-index-url", "--no-emit-find-links", "--output-file", draft.name]
    try:
        run(command, root, f"no versions were found that fit pyproject.toml. {NETWORK}", stdout=subprocess.DEVNULL)
        lines = draft.read_text(encoding="utf-8").splitlines(keepends=True)
    finally:
        draft.unlink(missing_ok=True)
    pinned = "".join(line for line in lines if not line.startswith(MADE_FROM))
    write_whole(lock, f"{MADE_FROM}{dependencies(root)}\n{pinned}")


def run(command: list[str], folder: Path, failure: str, stdout: int | None = None) -> None:
    """Run a command with its output on the terminal; raise InstallError with `failure` when it fails."""
    # uv would rather install into an environment that happens to be active.
    env = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    try:
        code = subprocess.run(command, cwd=folder, env=env, stdout=stdout).returncode
    except OSError as error:
        raise InstallError(f"{command[0]} does not start: {error}") from error
    if code:
        raise InstallError(failure)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there as a whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8", newline="\n")
    part.replace(path)


if __name__ == "__main__":
    sys.exit(main())
