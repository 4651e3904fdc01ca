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

from ..project import artefact, lock, records
from ..project.errors import DataError, SettingsError
from ..project.settings import Project
from ..sources import source
from . import registry, store
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
    with lock.alone(project.root, "pull"), store.opened(project) as origin:
        if not origin.sizes:
            cure = f"Check the address in {store.VARIABLE}, or be the first: make push"
            raise DataError(f"There is nothing in {origin.shown}.\n{cure}")
        chosen = [named(origin, name)] if name else origin.names("run")
        dumps = needed(origin, chosen[0]) if name else origin.names("source")
        taken, wrong = store.every(dumps, lambda of: take_dump(project, origin, of), "pull")
        found, damaged = store.every(chosen, lambda of: take_run(project, origin, of), "pull")
        new = [*(project.root / source.RAW / of for of in taken), *(project.models / of for of in found)]
        if take_champion(project, origin):
            new.append(project.models / registry.CHAMPION)
        log.info("%d runs, dumps and records are new here <- %s", len(new), origin.shown)
        store.complain(wrong + damaged)
        shutil.rmtree(origin.cache, ignore_errors=True)
        return new


def named(origin: Store, name: str) -> str:
    """The run in the store that has this name or end of a name."""
    known = origin.names("run")
    found = [of for of in known if of.endswith(name)]
    if len(found) != 1:
        newest = ", ".join(known[:-6:-1]) or "none yet: make push"
        raise SettingsError(f"{len(found)} runs in {origin.shown} are called {name!r}.\nKnown, newest first: {newest}.")
    return found[0]


def needed(origin: Store, run: str) -> list[str]:
    """The dumps that hold the raw files of a run, whatever their names."""
    _, record = store.newest(origin, "run", run)
    wanted = {digest: file for file, digest in record["input_data"].items() if file.startswith("data/raw/")}
    cards = {of: store.newest(origin, "source", of)[1] for of in origin.names("source")}
    held = {of: {entry["sha256"] for entry in card["files"]} for of, card in cards.items()}
    for digest, file in wanted.items():
        if not any(digest in digests for digests in held.values()):
            lacking = f"{origin.shown} lacks {file}, from which {run} was made"
            raise DataError(f"{lacking}.\nWho has it sends it: make push RUN={run}")
    return [of for of, digests in held.items() if digests & set(wanted)]


def take_dump(project: Project, origin: Store, name: str) -> bool:
    """Put a dump into `data/raw/`, read-only as `data` leaves it, or what is missing of it; False if all is here."""
    content, card = store.newest(origin, "source", name)
    files = {entry["name"]: entry["sha256"] for entry in card["files"]}
    folder = project.root / source.RAW / name
    if folder.exists():
        mended = restored(project, origin, folder, files)
        mended = renewed(folder / source.CARD, content, origin.versions("source", name)) or mended
    else:
        mended = True
        with artefact.whole_folder(folder) as new:
            for of, digest in files.items():
                put(origin, new / of, digest, folder=new)
            (new / source.CARD).write_bytes(content)
    for path in folder.iterdir() if mended else ():
        path.chmod(0o444)
    return mended


def take_run(project: Project, origin: Store, name: str) -> bool:
    """Put a run into `models/`, or what is missing of it, or scores of later evaluations; False if all is here."""
    content, record = store.newest(origin, "run", name)
    folder = project.models / name
    if folder.exists():
        mended = restored(project, origin, folder, record["files"])
        return renewed(folder / registry.RECORD, content, origin.versions("run", name)) or mended
    with artefact.whole_folder(folder) as new:
        for of, digest in record["files"].items():
            put(origin, new / of, digest, folder=new)
        (new / registry.RECORD).write_bytes(content)
    return True


def restored(project: Project, origin: Store, folder: Path, files: dict[str, str]) -> bool:
    """Bring back files that are missing of a run or a dump; one that was changed stays, and is named."""
    missing = [name for name in files if not (folder / name).exists()]
    for name in missing:
        with artefact.whole(folder / name) as temporary:
            put(origin, temporary, files[name], folder=folder)
    digests = records.Digests(project.root)
    if changed := [name for name in files if digests.of(folder / name) != files[name]]:
        raise DataError(
            f"{project.relative(folder / changed[0])} was changed since it was recorded: it stays as it is.\n"
            "To have it back as it was, delete it and pull again."
        )
    return bool(missing)


def take_champion(project: Project, origin: Store) -> bool:
    """Take the store's champion if it goes on from the one here, and its run is here; say what else is the case."""
    if not origin.versions("champion"):
        return False
    content, record = store.newest(origin, "champion")
    mine, theirs = registry.history(project), record["history"]
    if theirs == mine[: len(theirs)]:
        return False
    if mine != theirs[: len(mine)]:
        text = "the team's champion is %s, and yours was changed too: yours stays. To take theirs, delete %s and pull"
        log.warning(text, record["champion"], project.relative(project.models / registry.CHAMPION))
        return False
    if not (project.models / record["champion"] / registry.RECORD).is_file():
        log.warning("the team's champion %s is not here, so predict does not use it: make pull", record["champion"])
        return False
    log.info("the champion is %s now", record["champion"])
    with artefact.whole(project.models / registry.CHAMPION) as temporary:
        temporary.write_bytes(content)
    return True


def put(origin: Store, path: Path, digest: str, *, folder: Path) -> None:
    """Copy a file from the store to `path`, which lies in `folder`."""
    if not path.resolve().is_relative_to(folder.resolve()) or not SHA256.fullmatch(digest):
        name = f"{path.name!r} {digest!r}"
        raise DataError(f"{origin.shown}: a record names {name}, which is no file of a run: refused.")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(origin.fetched(f"{FILES}/{digest}", digest), path)


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
