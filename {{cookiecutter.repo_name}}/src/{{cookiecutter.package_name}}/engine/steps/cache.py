"""Outputs of earlier keys, kept in `.cache/steps/`, so that going back to old parameters needs no computing.

Used by `steps.py`. The folder may be deleted at any time; what is damaged in it is not taken.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from ..project import artefact, records

SHELVES = 5  # of each step


def put(root: Path, step: str, key: str, paths: Sequence[Path]) -> None:
    """Keep the outputs of a step under its key, as hard links, so that going back to it needs no computing.

    The newest `SHELVES` keys of a step are kept, in `.cache/steps/<step>-<first 16 of the key>/`.
    """
    import shutil

    shelf = shelf_of(root, step, key)
    with contextlib.suppress(OSError):  # a full disk: the outputs themselves are in place
        shutil.rmtree(shelf, ignore_errors=True)  # there already, but `take` would not take it: damaged
        with artefact.whole_folder(shelf) as folder:
            for path in paths:
                for file in (path, records.sidecar(path)):
                    artefact.link_or_copy(file, folder / file.name)
        same_step = shelf.parent.glob(f"{step}-*")
        for old in sorted(same_step, key=lambda folder: folder.stat().st_mtime_ns)[:-SHELVES]:
            shutil.rmtree(old)


def take(root: Path, step: str, key: str, paths: Sequence[Path]) -> bool:
    """Put the outputs of a key back in place; False, and nothing is touched, if one is missing or was changed."""
    kept = [shelf_of(root, step, key) / path.name for path in paths]
    for file in kept:
        about = records.recorded(file)
        if about.get("key") != key or not file.is_file() or about["sha256"] != artefact.sha256(file):
            return False
    for file, path in zip(kept, paths, strict=True):
        for source, place in ((file, path), (records.sidecar(file), records.sidecar(path))):
            with artefact.whole(place) as temporary:
                artefact.link_or_copy(source, temporary)
    return True


def shelf_of(root: Path, step: str, key: str) -> Path:
    """The folder in the cache for the outputs of a key."""
    return root / ".cache" / "steps" / f"{step}-{key[:16]}"
