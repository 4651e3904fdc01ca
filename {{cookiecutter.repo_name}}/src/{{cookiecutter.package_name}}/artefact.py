"""Artefacts: files that appear whole or not at all, and know by digest what they were made from.

Beside every artefact `x` lies a sidecar `x.json` with its sha256, the step that made it, the inputs with their
digests, the parameters and the commit. `cat` shows it. Its last key, `seal`, is the digest of the others: a record that
was cut or edited does not count. The cache of digests (`.cache/digests.json`) spares reading a file again while its
size and time stay the same; it may be deleted at any time.
"""

import contextlib
import errno
import functools
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .errors import DataError

log = logging.getLogger(__name__)

SEAL = "seal"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PATCH_LIMIT = 1 << 20  # bytes: a larger file that git does not know is data, unless it is Python
SECRETS = (":(top,exclude,glob)**/.env", ":(top,exclude,glob)**/.env.*")  # even where .gitignore forgot them
# Plumbing and explicit prefixes, so that the user's settings of git do not change the patch.
AS_PATCH = ("--binary", "--no-ext-diff", "--no-textconv", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, whatever its size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(value: Any) -> str:
    """Hexadecimal SHA-256 of a JSON value, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


@contextlib.contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what was written there becomes `path` at once, or never.

    Parameters
    ----------
    path : Path
        The file to make; its folder is made if need be. An existing file stays as it is until the new one is on disk.

    Raises
    ------
    OSError
        The disk is full or the folder is read-only; it names `path`, and the temporary file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(path)
    temporary.unlink(missing_ok=True)  # of a killed process with our number; it may be a link to a file in use
    try:
        with naming(path):
            yield temporary
            move_in(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; with all that was put into it, it becomes `path` at once, or never.

    Parameters
    ----------
    path : Path
        The folder to make; it must not be there yet.

    Raises
    ------
    OSError
        As for `whole`; what was put into the folder is removed.
    """
    import shutil

    temporary = beside(path)
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with naming(path):
            temporary.mkdir(parents=True)
            yield temporary
            for file in temporary.rglob("*"):
                sync(file)
            move_in(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def beside(path: Path) -> Path:
    """A temporary path that `lock.py` knows for one and removes when this process has been killed."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def move_in(temporary: Path, path: Path) -> None:
    """Rename a finished file or folder, so that a power cut afterwards leaves it whole too."""
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Bring a file or the list of a folder's entries to the disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name `path` in an error of the operating system, which knows the temporary file or no file at all."""
    try:
        yield
    except OSError as error:
        mine = error.filename is None or beside(path).name in str(error.filename) or error.errno in FULL
        if error.errno is None or not mine:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON (UTF-8, indented by two blanks) whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=plain) + "\n")


def plain(value: Any) -> Any:
    """What JSON has no word for: NumPy's numbers as Python's, all else as text."""
    return value.item() if hasattr(value, "item") else str(value)


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """A record as JSON holds it, with its own fingerprint as the last key."""
    content = json.loads(json.dumps(value, default=plain))
    return {**content, SEAL: fingerprint(content)}


def read_sealed(path: Path) -> dict[str, Any]:
    """Read a record that was written as `write_json(path, sealed(value))`; the seal itself is left out.

    Raises
    ------
    OSError
        It is not there or cannot be read.
    ValueError
        It was cut or edited.
    """
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict) or value.pop(SEAL, None) != fingerprint(value):
        raise ValueError("it was cut or edited after it was written")
    return value


class Digests:
    """Digests of files by content, with size and time as a shortcut, kept in `.cache/digests.json`.

    Parameters
    ----------
    root : Path
        The project's root.
    """

    def __init__(self, root: Path) -> None:
        self._file = root / ".cache" / "digests.json"
        self._changed = False
        try:
            self._known = read_sealed(self._file)
        except (OSError, ValueError):
            self._known = {}

    def of(self, path: Path) -> str | None:
        """The SHA-256 of `path`, or None where there is no such file."""
        try:
            stat = path.stat()
        except OSError:
            return None
        seen = [stat.st_size, stat.st_mtime_ns]
        known = self._known.get(str(path))
        if known and known[:2] == seen:
            return known[2]
        digest = sha256(path)
        self._known[str(path)] = [*seen, digest]
        self._changed = True
        return digest

    def save(self) -> None:
        """Write the cache if it has changed; of files that are gone nothing is kept."""
        if self._changed:
            known = {path: known for path, known in self._known.items() if os.path.exists(path)}
            with contextlib.suppress(OSError):  # a full disk: what a command really has to write says so
                write_json(self._file, sealed(known))


def sidecar(path: Path) -> Path:
    """Where the record of an artefact lies: `clean.parquet` -> `clean.parquet.json`."""
    return path.with_name(path.name + ".json")


def record(path: Path, about: Mapping[str, Any]) -> None:
    """Write the sidecar of a finished artefact.

    Parameters
    ----------
    path : Path
        The artefact.
    about : mapping
        What made it: `step`, `key`, `inputs`, `parameters`, as `steps.py` knows them.
    """
    made = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"file": path.name, "sha256": sha256(path), "bytes": path.stat().st_size, **about, "made": made}
    write_json(sidecar(path), sealed(about))


def recorded(path: Path) -> dict[str, Any]:
    """The sidecar of an artefact; an empty dict where there is none, or one that was cut or edited, which is said."""
    try:
        return read_sealed(sidecar(path))
    except (OSError, ValueError) as error:
        if not isinstance(error, FileNotFoundError):
            log.warning("%s does not count: %s", sidecar(path), error)
        return {}


def checked(path: Path) -> Path:
    """Return `path` if its bytes are those on record.

    Raises
    ------
    DataError
        The file is missing, has no sidecar, or was changed since it was made.
    """
    expected = recorded(path).get("sha256")
    if not path.is_file() or expected is None:
        raise DataError(f"{path} is missing or was not made by this project.\nMake the step that writes it again.")
    found = sha256(path)
    if found != expected:
        raise DataError(
            f"{path} was changed after it was made: sha256 {found[:12]}, on record {expected[:12]}.\n"
            "Delete it and run the command again: it is made anew."
        )
    return path


def link_or_copy(source: Path, place: Path) -> None:
    """A hard link where the file system has them, else a copy."""
    try:
        os.link(source, place)
    except OSError:
        import shutil

        shutil.copyfile(source, place)


@functools.cache
def commit(root: Path) -> dict[str, Any]:
    """The git commit of the project and whether the tree differs from it; None and True without git.

    Without optional locks, for `kill -9` would leave the user's git locked.
    """
    import subprocess  # here and below, because a command that has nothing to do asks no git: 3 ms

    try:
        words = ["--no-optional-locks", "status", "--porcelain=v2", "--branch", "--no-ahead-behind"]
        lines = git(root, *words).splitlines()
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": True}
    name = next(line for line in lines if line.startswith("# branch.oid ")).split()[-1]
    if name == "(initial)":
        return {"commit": None, "dirty": True}
    return {"commit": name, "dirty": any(not line.startswith("# ") for line in lines)}


def patch(root: Path, path: Path) -> list[str]:
    """Write all that differs from the commit, new files included, as a patch for `git apply`.

    The user's staging area and object store stay as they are: the index and the objects are temporary ones.

    Parameters
    ----------
    root : Path
        The project; the patch is of the whole repository.
    path : Path
        Where the patch goes.

    Returns
    -------
    list of str
        Files that are not in the patch: untracked ones above 1 MiB but for `*.py`, and repositories inside this one.

    Raises
    ------
    DataError
        git cannot read a file of the project.
    """
    import subprocess
    import tempfile

    try:
        top, objects = git(root, "rev-parse", "--show-toplevel", "--git-path", "objects").removesuffix("\n").split("\n")
        top, objects = Path(top), root / objects
        untracked = git(top, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
        left_out = [name for name in untracked if name.endswith("/") or (name and too_large(top / name))]
        apart = [f":(top,exclude,literal){name.removesuffix('/')}" for name in left_out]
        with tempfile.TemporaryDirectory() as folder:
            aside = {
                "GIT_INDEX_FILE": str(Path(folder) / "index"),
                "GIT_OBJECT_DIRECTORY": folder,
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(objects),
            }
            git(top, "read-tree", "HEAD", environment=aside)
            git(top, "add", "--all", "--", ":(top)", *SECRETS, *apart, environment=aside)
            git(top, "diff-index", "--cached", *AS_PATCH, f"--output={path.absolute()}", "HEAD", environment=aside)
    except subprocess.CalledProcessError as error:
        raise DataError(f"git cannot say what differs from the commit: {error.stderr.strip()[-200:]}") from None
    return left_out


def too_large(path: Path) -> bool:
    """Whether a file is no source code by its name and size; a link counts as itself."""
    return path.suffix != ".py" and path.lstat().st_size > PATCH_LIMIT


def git(root: Path, *words: str, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    """The output of a git command in the project's root; names of files that are no UTF-8 survive."""
    command, variables = ["git", "-C", str(root), *words], {**os.environ, **environment}
    import subprocess

    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="surrogateescape", check=True, env=variables
    )
    return done.stdout
