"""Artefacts: files that appear whole or not at all, and know by digest what they were made from.

Beside every artefact `x` lies a sidecar `x.json` with its sha256, the step that made it, the inputs with their
digests, the parameters and the commit. `cat` shows it. The cache of digests (`.cache/digests.json`) spares reading a
file again while its size and time stay the same; it may be deleted at any time.
"""

import contextlib
import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .errors import DataError

CHUNK = 1 << 20
SHELVES = 5


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes, read in chunks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


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
        The disk is full or the folder is read-only; the temporary file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


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
            self._known = json.loads(self._file.read_text(encoding="utf-8"))
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
        """Write the cache if it has changed."""
        if self._changed:
            write_json(self._file, self._known)


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
    write_json(sidecar(path), about)


def recorded(path: Path) -> dict[str, Any]:
    """The sidecar of an artefact, or an empty dict where there is none that can be read."""
    try:
        return json.loads(sidecar(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
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


def shelve(root: Path, step: str, key: str, paths: Sequence[Path]) -> None:
    """Keep the outputs of a step under its key, as hard links, so that going back to it needs no computing.

    The newest `SHELVES` keys of a step are kept, in `.cache/steps/<step>/<first 16 of the key>/`.
    """
    shelf = root / ".cache" / "steps" / step / key[:16]
    if shelf.exists():
        return
    shelf.mkdir(parents=True)
    for path in paths:
        for file in (path, sidecar(path)):
            link_or_copy(file, shelf / file.name)
    for old in sorted(shelf.parent.iterdir(), key=lambda folder: folder.stat().st_mtime_ns)[:-SHELVES]:
        shutil.rmtree(old)


def unshelve(root: Path, step: str, key: str, paths: Sequence[Path]) -> bool:
    """Put the outputs of a key back in place; False, and nothing is touched, if one is missing or was changed."""
    shelf = root / ".cache" / "steps" / step / key[:16]
    kept = [shelf / path.name for path in paths]
    if not all(recorded(file).get("key") == key and recorded(file)["sha256"] == sha256(file) for file in kept):
        return False
    for file, path in zip(kept, paths, strict=True):
        for source, place in ((file, path), (sidecar(file), sidecar(path))):
            with whole(place) as temporary:
                link_or_copy(source, temporary)
    return True


def link_or_copy(source: Path, place: Path) -> None:
    """A hard link where the file system has them, else a copy."""
    try:
        os.link(source, place)
    except OSError:
        shutil.copyfile(source, place)


@functools.cache
def commit(root: Path) -> dict[str, Any]:
    """The git commit of the project and whether the tree differs from it; None and True without git."""
    try:
        name = git(root, "rev-parse", "HEAD")
        return {"commit": name.strip(), "dirty": bool(git(root, "status", "--porcelain").strip())}
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "dirty": True}


def patch(root: Path) -> str:
    """All that differs from the commit, new files included, as a patch for `git apply`; empty on a clean tree.

    A copy of the index is used, so that the user's own staging area stays as it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(root, "read-tree", "HEAD", environment=index)
        git(root, "add", "--all", environment=index)
        return git(root, "diff", "--cached", "--binary", "HEAD", environment=index)


def git(root: Path, *words: str, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    """The output of a git command in the project's root."""
    command, variables = ["git", "-C", str(root), *words], {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=variables).stdout
