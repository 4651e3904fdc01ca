"""Artefacts: files that appear whole or not at all, and the digests of their bytes."""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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

    The folder of `path` is made if need be. An existing file stays as it is until the new one is on disk. An `OSError`
    (a full disk, a read-only folder) names `path`, and what was written is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = beside(path)
    remove(temporary)  # of a killed process with our number; it may be a link to a file in use
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)  # a power cut from now on leaves it whole too
    except OSError as error:  # the operating system knows the temporary file, or no file at all
        mine = error.filename is None or temporary.name in str(error.filename) or error.errno in FULL
        if error.errno is None or not mine:
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        remove(temporary)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, which is not there yet (else an `OSError`); all in it as for `whole`."""
    with whole(path) as folder:
        folder.mkdir()
        yield folder
        for file in folder.rglob("*"):
            sync(file)


def beside(path: Path) -> Path:
    """A temporary path of this thread, which `lock.py` knows for one and removes when the process has been killed."""
    return path.with_name(f".{path.name}.{threading.get_ident()}.{os.getpid()}.tmp")


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Bring a file or the list of a folder's entries to the disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open a folder
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole or not at all."""
    with whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON (UTF-8, indented by two blanks) whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, default=plain) + "\n")


def copy(source: Path, path: Path) -> None:
    """Copy a file, whole or not at all."""
    with whole(path) as temporary:
        shutil.copyfile(source, temporary)


def copy_all(paths: Iterable[Path], start: Path, place: Path) -> list[Path]:
    """Copy files from below the folder `start` to below another, each as it is; the copies."""
    places = [(path, place / path.relative_to(start)) for path in paths]
    for path, other in places:
        other.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, other)
    return [other for _, other in places]


def plain(value: Any) -> Any:
    """What JSON has no word for: NumPy's numbers as Python's, all else as text."""
    return value.item() if hasattr(value, "item") else str(value)


def link_or_copy(source: Path, place: Path) -> None:
    """A hard link where the file system has them, else a copy."""
    try:
        os.link(source, place)
    except OSError:
        shutil.copyfile(source, place)
