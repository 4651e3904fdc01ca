"""Send raw data and runs to the store of the team.

    make push [RUN=run]

Reads `data/raw/` and `models/`; writes the store that `DATA_STORE` in `.env` names (see `store.py`). What the store has
by digest is not sent again, so that a push which was broken off goes on where it was. Nothing there is overwritten.
"""

import logging
import time
from pathlib import Path

import dotenv

from ..project import artefact, lock, records
from ..project.errors import DataError
from ..project.settings import Project
from ..sources import source
from . import registry, store
from .store import FILES, Store

log = logging.getLogger(__name__)
SECRET = 8  # characters: shorter values of .env are words that stand in any code


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
        if target.folder:
            remove_old_halves(target.folder)
        before = set(target.sizes)
        items = [folder] if folder else registry.folders(project)
        dumps = raw_of(project, folder) if folder else sorted((project.root / source.RAW).glob(f"[!.]*/{source.CARD}"))
        cards, wrong = store.every(dumps, lambda card: send_dump(target, card), "push")
        folders, damaged = store.every(items, lambda path: send_run(project, target, path), "push")
        new = [*(card.parent for card in cards), *folders]
        if not folder and send_champion(project, target):
            new.append(project.models / registry.CHAMPION)
        log.info("%d files and records were new -> %s", len(set(target.sizes) - before), target.shown)
        store.complain(wrong + damaged)
        return new


def remove_old_halves(folder: Path) -> None:
    """Remove what a push that was killed a day ago or more left half sent; a younger one may still be at work."""
    for path in folder.rglob(".*.tmp"):
        if time.time() - path.stat().st_mtime > lock.A_DAY:
            path.unlink(missing_ok=True)


def raw_of(project: Project, folder: Path) -> list[Path]:
    """The source cards of the dumps that a run was made from."""
    found = registry.raw_files(project, registry.read(folder))
    if gone := [name for name, path in found.items() if path is None]:
        raise DataError(
            f"{gone[0]} is gone or changed: without it nobody can make {folder.name} again.\nBring it back."
        )
    return sorted({path.parent / source.CARD for path in found.values()})


def send_dump(target: Store, card: Path) -> bool:
    """Send the files of a dump, then its card; whether anything was new."""
    name = card.parent.name
    files = {entry["name"]: entry["sha256"] for entry in records.read_sealed(card)["files"]}
    return send(target, card.parent, files) | send_record(target, "source", name, card)


def send_run(project: Project, target: Store, folder: Path) -> bool:
    """Send the files of a run, then `run.json`; whether anything was new."""
    check_secrets(project, folder)
    new = send(target, folder, registry.read(folder)["files"])
    return send_record(target, "run", folder.name, folder / registry.RECORD) | new


def check_secrets(project: Project, folder: Path) -> None:
    """Refuse a run whose patch holds a value of `.env`: somebody copied it into a file that git does not ignore."""
    patch = folder / registry.PATCH
    text = patch.read_text(encoding="utf-8", errors="replace") if patch.is_file() else ""
    known = dotenv.dotenv_values(project.root / ".env")
    if found := [name for name, value in known.items() if value and len(value) >= SECRET and value in text]:
        raise DataError(
            f"{project.relative(patch)} holds the value of {found[0]} in .env: the run is not sent.\n"
            "Take it out of the file that holds it, let git ignore that file, and train again."
        )


def send_champion(project: Project, target: Store) -> bool:
    """Send the champion and its history, unless the store's was changed since mine was pulled.

    Raises
    ------
    DataError
        Two people changed it: the one would undo the other.
    """
    mine = registry.history(project)
    if not mine:
        return False
    if target.versions("champion"):
        _, record = store.newest(target, "champion")
        theirs = record["history"]
        if mine == theirs[: len(mine)]:
            return False
        if theirs != mine[: len(theirs)]:
            raise DataError(
                f"The champion in {target.shown} was changed meanwhile, to {record['champion']}: yours is not sent.\n"
                "To take it: delete models/champion.json, make pull, and promote again if yours is the better one."
            )
    return send_record(target, "champion", "", project.models / registry.CHAMPION)


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
