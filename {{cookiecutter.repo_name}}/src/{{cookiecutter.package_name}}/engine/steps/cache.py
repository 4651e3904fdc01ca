"""Outputs of earlier keys, kept in `.cache/steps/`, so that going back to old parameters needs no computing.

Used by `fresh.py`. The folder may be deleted at any time; what is damaged in it is not taken.
"""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from ..project import artefact, records

STEPS_KEPT = Path(".cache", "steps")
KEYS_KEPT = 5  # of each step


def put(root: Path, step: str, key: str, paths: Sequence[Path]) -> None:
    """Keep the outputs of a step under its key, as hard links; the newest `KEYS_KEPT` keys of a step are kept."""
    place = folder_of(root, step, key)
    with contextlib.suppress(OSError):  # a full disk: the outputs themselves are in place
        artefact.remove(place)  # there already, but `take` would not take it: damaged
        with artefact.whole_folder(place) as folder:
            for path in paths:
                for file in (path, records.sidecar(path)):
                    artefact.link_or_copy(file, folder / file.name)
        same_step = place.parent.glob(f"{step}-*")
        for old in sorted(same_step, key=lambda folder: folder.stat().st_mtime_ns)[:-KEYS_KEPT]:
            artefact.remove(old)


def take(root: Path, step: str, key: str, paths: Sequence[Path]) -> bool:
    """Put the outputs of a key back in place; False, and nothing is touched, if one is missing or was changed."""
    kept = [folder_of(root, step, key) / path.name for path in paths]
    for file in kept:
        about = records.recorded(file)
        if about.get("key") != key or not file.is_file() or about["sha256"] != artefact.sha256(file):
            return False
    for file, path in zip(kept, paths, strict=True):
        for source, place in ((file, path), (records.sidecar(file), records.sidecar(path))):
            with artefact.whole(place) as temporary:
                artefact.link_or_copy(source, temporary)
    return True


def folder_of(root: Path, step: str, key: str) -> Path:
    """Where the outputs of a key are kept."""
    return root / STEPS_KEPT / f"{step}-{key[:16]}"
