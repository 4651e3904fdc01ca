"""One command at a time works in a project, and what a killed one left half written is removed.

Used by every verb that writes. The lock is the operating system's own, on `.cache/<name>.lock`: it ends with the
process, however that ends, so that nothing is left to undo after `kill -9`. `cat` shows who worked last.
"""

import contextlib
import errno
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import artefact

log = logging.getLogger(__name__)
if sys.platform == "win32":
    import msvcrt
else:
    import fcntl
PAUSE = 0.1  # seconds between two looks at a lock that is taken
FAR_BYTE = 1 << 30  # Windows keeps others from reading a locked byte: one is taken that is not there
READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
WIDTH = 60  # always the same: cutting a file to nothing makes ext4 wait for the disk, 5 ms
LEFT = re.compile(r"\..*\.(\d+)\.tmp")
WRITTEN = ("models", "data", "references", "reports", "dist", ".cache")
A_DAY = 86_400  # seconds after which a temporary file counts as left behind where processes cannot be asked for


@contextlib.contextmanager
def alone(root: Path, verb: str, *, name: str = "steps", output: Path | None = None) -> Iterator[None]:
    """Wait until no other command works in the project, then work; temporary files of killed commands are removed.

    Others see `verb` while they wait. Commands that cannot disturb each other take locks of different names; `output`
    is a file elsewhere that is going to be written. In a project that may not be written, and on a file system without
    locks, the command works on and says so.
    """
    with held(root, verb, name):
        half = [path for name in WRITTEN for path in left_in(root / name, deeper=True)]
        for path in (*half, *(left_in(output.parent) if output else ())):
            artefact.remove(path)
            log.info("removed %s: a command that was killed had left it", path)
        yield


@contextlib.contextmanager
def held(root: Path, verb: str, name: str) -> Iterator[None]:
    """The lock of `alone` and nothing else, for a moment within a command that has temporary files of its own."""
    handle = taken(root / ".cache" / f"{name}.lock", verb)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def taken(path: Path, verb: str) -> int | None:
    """An open lock file that is locked, as soon as no other command has it; None where there can be no lock."""
    looks = 0
    while True:
        looks += 1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            log.warning("%s cannot be written: other commands are not waited for", path)
            return None
        if seized(handle, path):
            with contextlib.suppress(OSError):  # a full disk; the text is for people
                os.lseek(handle, 0, os.SEEK_SET)
                os.write(handle, f"{verb}, process {os.getpid()}".ljust(WIDTH).encode() + b"\n")
            return handle
        if looks == 2:  # at the first one the other may not have written its name yet
            os.lseek(handle, 0, os.SEEK_SET)
            who = os.read(handle, 100).decode(errors="replace").strip()
            log.info("waiting until another command is finished here: %s", who)
        os.close(handle)
        time.sleep(PAUSE)


def reproduced(root: Path) -> tuple[list[Path], list[Path]]:
    """The folders that `reproduce` left, and those in which it works now."""
    found: tuple[list[Path], list[Path]] = [], []
    for folder in sorted(root.glob(".cache/reproduce/*")):
        found[is_held(root, f"reproduce-{folder.name}")].append(folder)
    return found


def is_held(root: Path, name: str) -> bool:
    """Whether a command holds the lock of this name now, see `alone`."""
    path = root / ".cache" / f"{name}.lock"
    if not path.is_file():
        return False
    handle = os.open(path, os.O_RDWR)
    try:
        return not seized(handle, path)
    finally:
        os.close(handle)


def seized(handle: int, path: Path) -> bool:
    """Whether the lock is ours now; not so if `path` was deleted meanwhile, for the next one would make it anew."""
    try:
        if sys.platform == "win32":
            os.lseek(handle, FAR_BYTE, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except OSError as error:
        if error.errno not in NO_LOCKS:
            return False
        log.warning("%s: no locks on this file system, run one command at a time", path)
        return True


def left_in(folder: Path, deeper: bool = False) -> Iterator[Path]:
    """Temporary files and folders of processes that are gone, in a folder and, if wanted, one folder deeper."""
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        path, found = Path(entry), LEFT.fullmatch(entry.name)
        if found and is_gone(int(found[1]), path):
            yield path
        elif deeper and not found and entry.is_dir(follow_symlinks=False):
            yield from left_in(path)


def is_gone(process: int, path: Path) -> bool:
    """Whether the process that wrote a temporary file has ended; our own number is that of an earlier process."""
    if os.name == "nt":  # os.kill would end it
        return time.time() - path.stat().st_mtime > A_DAY
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    return process == os.getpid()
