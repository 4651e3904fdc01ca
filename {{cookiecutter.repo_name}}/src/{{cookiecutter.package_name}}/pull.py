"""Fetch raw data and runs from the store of the team.

    make pull [RUN=run]

Reads the store that `DATA_STORE` in `.env` names (see `store.py`); writes `data/raw/` and `models/`. Every file is
compared with its digest before it takes its place. What is here stays as it is: a run of which you have a version of
your own is left alone, and said. A pull which was broken off goes on where it was, from `.cache/pulled/`.
"""

import logging
import re
import shutil
from pathlib import Path
from typing import Any

from . import artefact, lock, runs, source, store
from .console import progress
from .errors import DataError, SettingsError
from .settings import Project
from .store import FILES, Store

log = logging.getLogger(__name__)

SHA256 = re.compile(r"[0-9a-f]{64}")


def run(project: Project, name: str = "") -> list[Path]:
    """Fetch one run and the raw files that it was made from, or everything.

    Parameters
    ----------
    project : Project
    name : str
        The name of a run in the store or the end of it; all runs, all dumps and the champion by default.

    Returns
    -------
    list of Path
        The runs, dumps and records that are new here.

    Raises
    ------
    SettingsError
        No run in the store, or more than one, has that name.
    DataError
        A file in the store is missing or is not what its name says.
    """
    cache = project.root / ".cache" / "pulled"
    with lock.alone(project.root, "pull"), store.opened(project) as origin:
        if not origin.sizes:
            cure = f"Check the address in {store.VARIABLE}, or be the first: make push"
            raise DataError(f"There is nothing in {origin.shown}.\n{cure}")
        chosen = [named(origin, name)] if name else origin.names("run")
        records = {of: store.content_of(origin, origin.versions("run", of)[-1], cache) for of in chosen}
        cards = {
            of: store.content_of(origin, origin.versions("source", of)[-1], cache) for of in origin.names("source")
        }
        if name:
            cards = needed(origin, records[chosen[0]][1], cards)
        new = [
            project.root / source.RAW / of
            for of in progress(cards, "pull")
            if take_dump(project, origin, of, cards[of])
        ]
        new += [project.models / of for of in progress(chosen, "pull") if take_run(project, origin, of, records[of])]
        if not name and (versions := origin.versions("champion")):
            content, _ = store.content_of(origin, versions[-1], cache)
            new += [project.models / runs.CHAMPION] * renewed(project.models / runs.CHAMPION, content, versions)
        shutil.rmtree(cache, ignore_errors=True)
        log.info("%d runs, dumps and records are new here <- %s", len(new), origin.shown)
        return new


def named(origin: Store, name: str) -> str:
    """The run in the store that has this name or end of a name."""
    known = origin.names("run")
    found = [of for of in known if of.endswith(name)]
    if len(found) != 1:
        newest = ", ".join(known[:-6:-1]) or "none yet: make push"
        raise SettingsError(f"{len(found)} runs in {origin.shown} are called {name!r}.\nKnown, newest first: {newest}.")
    return found[0]


def needed(origin: Store, record: dict[str, Any], cards: dict[str, tuple]) -> dict[str, tuple]:
    """The dumps that hold the raw files of a run, whatever their names."""
    wanted = {digest: file for file, digest in record["input_data"].items() if file.startswith("data/raw/")}
    held = {of: {entry["sha256"] for entry in card["files"]} for of, (_, card) in cards.items()}
    for digest, file in wanted.items():
        if not any(digest in digests for digests in held.values()):
            lacking = f"{origin.shown} lacks {file}, from which {record['run']} was made"
            raise DataError(f"{lacking}.\nWho has it sends it: make push RUN={record['run']}")
    return {of: cards[of] for of, digests in held.items() if digests & set(wanted)}


def take_dump(project: Project, origin: Store, name: str, found: tuple[bytes, dict]) -> bool:
    """Put a dump into `data/raw/`, read-only as `data` leaves it; False if it is here."""
    content, card = found
    folder = project.root / source.RAW / name
    if folder.exists():
        return False
    with artefact.whole_folder(folder) as new:
        fill(project, origin, new, {entry["name"]: entry["sha256"] for entry in card["files"]})
        (new / source.CARD).write_bytes(content)
        for path in new.iterdir():
            path.chmod(0o444)
    return True


def take_run(project: Project, origin: Store, name: str, found: tuple[bytes, dict]) -> bool:
    """Put a run into `models/`, or bring its `run.json` up to date; False if there was nothing to do."""
    content, record = found
    folder = project.models / name
    if folder.exists():
        return renewed(folder / runs.RECORD, content, origin.versions("run", name))
    with artefact.whole_folder(folder) as new:
        fill(project, origin, new, record["files"])
        (new / runs.RECORD).write_bytes(content)
    return True


def fill(project: Project, origin: Store, folder: Path, files: dict[str, str]) -> None:
    """Copy files from the store into a new folder, by their names on record."""
    for name, digest in files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()) or not SHA256.fullmatch(digest):
            raise DataError(f"{origin.shown}: a record names {name!r} {digest!r}, which is no file of a run: refused.")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(fetched(project, origin, digest), path)


def fetched(project: Project, origin: Store, digest: str) -> Path:
    """A file of the store, in `.cache/pulled/`, compared with its digest."""
    path = project.root / ".cache" / "pulled" / digest
    if not path.is_file():
        with artefact.whole(path) as temporary:
            if f"{FILES}/{digest}" not in origin.sizes:
                raise DataError(f"{origin.shown} lacks {FILES}/{digest}.\nWho has it sends it again: make push")
            origin.get(f"{FILES}/{digest}", temporary)
            if artefact.sha256(temporary) != digest:
                cure = "Delete it there; who has the whole one sends it again: make push"
                raise DataError(f"{origin.shown}: {FILES}/{digest} is damaged: it is not taken.\n{cure}")
    return path


def renewed(path: Path, content: bytes, versions: list[str]) -> bool:
    """Write the newest version of a record, unless the one here is the same or unknown to the store."""
    if path.is_file():
        here = artefact.sha256(path)[:12]
        known = [store.digest_in(place) for place in versions]
        if here == known[-1]:
            return False
        if here not in known:
            log.warning("%s has changes that the store does not know: it stays as it is. To send it: make push", path)
            return False
    with artefact.whole(path) as temporary:
        temporary.write_bytes(content)
    return True
