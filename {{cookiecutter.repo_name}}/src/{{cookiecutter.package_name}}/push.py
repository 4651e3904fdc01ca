"""Send raw data and runs to the store of the team.

    make push [RUN=run]

Reads `data/raw/` and `models/`; writes the store that `DATA_STORE` in `.env` names (see `store.py`). What the store has
by digest is not sent again, so that a push which was broken off goes on where it was. Nothing there is overwritten.
"""

import logging
from pathlib import Path

from . import artefact, runs, source, store
from .console import progress
from .errors import DataError
from .settings import Project
from .store import FILES, Store

log = logging.getLogger(__name__)


def run(project: Project, folder: Path | None = None) -> list[Path]:
    """Send one run and the raw files that it was made from, or everything.

    Parameters
    ----------
    project : Project
    folder : Path, optional
        `models/<run>`; all runs, all dumps and the champion by default.

    Returns
    -------
    list of Path
        The runs, dumps and records of which something was new to the store.

    Raises
    ------
    DataError
        A file is not as its record says: it is not sent, and neither is that record.
    """
    with store.opened(project) as target:
        before = len(target.sizes)
        items = [folder] if folder else runs.folders(project)
        dumps = raw_of(project, folder) if folder else sorted((project.root / source.RAW).glob(f"[!.]*/{source.CARD}"))
        new = [path.parent for path in progress(dumps, "push") if send_dump(target, path)]
        new += [path for path in progress(items, "push") if send_run(target, path)]
        champion = project.models / runs.CHAMPION
        if not folder and runs.history(project) and send_record(target, "champion", "", champion):
            new.append(champion)
        log.info("%d files and records were new -> %s", len(target.sizes) - before, target.shown)
        return new


def raw_of(project: Project, folder: Path) -> list[Path]:
    """The source cards of the dumps that a run was made from."""
    found = runs.raw_files(project, runs.read(folder))
    if gone := [name for name, path in found.items() if path is None]:
        raise DataError(
            f"{gone[0]} is gone or changed: without it nobody can make {folder.name} again.\nBring it back."
        )
    return sorted({path.parent / source.CARD for path in found.values()})


def send_dump(target: Store, card: Path) -> bool:
    """Send the files of a dump, then its card; whether anything was new."""
    name = card.parent.name
    files = {entry["name"]: entry["sha256"] for entry in artefact.read_sealed(card)["files"]}
    return send(target, card.parent, files) | send_record(target, "source", name, card)


def send_run(target: Store, folder: Path) -> bool:
    """Send the files of a run, then `run.json`; whether anything was new."""
    new = send(target, folder, runs.read(folder)["files"])
    return send_record(target, "run", folder.name, folder / runs.RECORD) | new


def send(target: Store, folder: Path, files: dict[str, str]) -> bool:
    """Send those of the files that the store does not have; whether there were any."""
    new = False
    for name, digest in files.items():
        path = folder / name
        if path.is_file() and target.has(digest, path.stat().st_size):
            continue
        if not path.is_file() or artefact.sha256(path) != digest:
            raise DataError(f"{path} is gone or was changed since it was recorded: it is not sent.\nBring it back.")
        target.put(path, f"{FILES}/{digest}")
        new = True
    return new


def send_record(target: Store, kind: str, name: str, path: Path) -> bool:
    """Send this version of a record; whether it was new."""
    place = store.new_version(target, kind, name, path.read_bytes())
    if place:
        target.put(path, place)
    return place is not None
