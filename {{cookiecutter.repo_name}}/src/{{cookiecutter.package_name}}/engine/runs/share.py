"""Raw data and runs in the team's store: a folder or an object store that `DATA_STORE` in `.env` names.

    make push [RUN=run]
    make pull [RUN=run]

Read and write `data/raw/` and `models/`. In the store lie `files/<sha256>`, the bytes of every file once, and, where
they lie in the project, the records that name them, each version (`n`) beside the others and sent after its files:
`models/<run>/run-<n>-<digest>.json`, `data/raw/<dump>/source-<n>-<digest>.json`, `models/champion-<n>-<digest>.json`.
Nothing is overwritten. A pull that was broken off goes on with what waits in `.cache/pulled/`.
"""

import contextlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dotenv
import fsspec

from ..project import artefact, credentials, git, lock, package, records
from ..project.errors import DataError, ProjectError, SettingsError, listed
from ..project.log import progress
from ..project.settings import EXTERNAL, Project
from ..sources import remote, source
from . import registry, signatures

log = logging.getLogger(f"{__name__}.pull")  # the last word begins the line
VARIABLE = "DATA_STORE"
CACHE = Path(".cache", "pulled")
CHAMPION_RECORD = f"models/{registry.CHAMPION}"
# The name of a run or a dump is no way out of its folder. Groups: the record without its suffix, number, digest.
VERSION = re.compile(r"((?:models|data/raw)/[^/\\.][^/\\]*/(?:run|source)|models/champion)-(\d+)-([0-9a-f]{12})\.json")
RESEND = "Delete it there; who has the whole one sends it again: make push"


def push(project: Project, folder: Path | None = None) -> list[Path]:
    """Send one run and the raw files that it was made from, or everything; return what had something new.

    Who names a run signs it, where the team wants that and nobody has. One that nobody whom it accepts has signed is
    left out, and said; named, it is an error. So it is if `DATA_STORE` names no store, the store refuses, or a file is
    not as its record says: neither is sent.
    """
    if folder:
        signatures.sign(project, folder)
    with opened(project) as store:
        for half in store.folder.rglob(".*.tmp") if store.folder else ():
            if time.time() - half.stat().st_mtime > lock.A_DAY:  # a younger one may still be at work
                half.unlink(missing_ok=True)
        if folder:
            raw = registry.found_by_digest(project, registry.read(folder))
            found = [*sorted({path.parent / source.CARD for path in raw.values()}), folder / registry.RECORD]
        else:
            found = sorted((project.root / source.RAW).glob(f"[!.]*/{source.CARD}"))
            found += [path / registry.RECORD for path in registry.folders(project)]
            found += project.models.glob(registry.CHAMPION)
        return each(store, "push", [project.relative(path) for path in found], send)


def pull(project: Project, name: str = "") -> list[Path]:
    """Fetch the run of this name, or end of a name, and its raw files, or everything; return what is new here.

    An error if no run in the store, or more than one, has that name, or a file there is missing or is not what its name
    says.
    """
    # In this order: `promote` evaluates, which takes the lock of the steps, while it has that of the champion.
    with lock.alone(project.root, "pull", name="champion"), lock.alone(project.root, "pull"), opened(project) as store:
        if not store.sizes:
            cure = f"Check the address in {VARIABLE}, or be the first: make push"
            raise DataError(f"There is nothing in {store.shown}.\n{cure}")
        new = each(store, "pull", needed(store, name) if name else store.names, take)
        artefact.remove(project.root / CACHE)
        runs = sorted(path for path in new if path.parent == project.models and path.name != registry.CHAMPION)
        declared = dict[Path, Path]()  # the newest of what `[data] also` names, by its place
        for run in reversed(registry.folders(project)):
            declared |= {path.relative_to(run / EXTERNAL): path for path in package.code(run / EXTERNAL)}
        for place, path in declared.items():
            if not {*path.parents} & {*runs}:  # of a run that was here
                continue
            if not (project.root / place).exists():
                artefact.copy(path, project.root / place)
            elif artefact.sha256(project.root / place) != artefact.sha256(path):
                log.warning("%s is not as the newest run has it; to take that: cp %s %s", place, path, place)
        for folder in reversed(runs):
            record = registry.read(folder)
            signer = signatures.check(project.root, folder.name, record)
            author = git.author(project.root, record["commit"]) or "somebody whose commit is not here"
            whose = f"{signer}, who signed it" if signer else author
            log.info("%s is by %s; its code runs here when it answers", folder.name, whose)
        return new


def each(store: "Store", verb: str, records: Sequence[str], act: Callable[["Store", str], bool]) -> list[Path]:
    """Send or take each record, and return what was new; one that is damaged stops no other, and is said at the end."""
    new, wrong, unaccepted = [], [], []
    for record in progress(records, verb):
        path = store.project.root / record
        try:
            if act(store, record):
                new.append(path if record == CHAMPION_RECORD else path.parent)
        except signatures.UnacceptedError:
            unaccepted.append(path.parent.name)
        except DataError as error:
            wrong.append(str(error))
        except (KeyError, TypeError, AttributeError) as error:
            wrong.append(f"{store.shown}: {record} lacks what a record holds ({error!r}): it is not taken.\n{RESEND}")
    logged = logging.getLogger(f"{__name__}.{verb}")
    logged.info("%d of %d runs, dumps and records were new (%s)", len(new), len(records), store.shown)
    if unaccepted:
        whose = f"that nobody in {store.project.settings.team.signers} has signed"
        logged.warning("left out %s, %s. Who made one signs it: make push RUN=...", listed(unaccepted), whose)
    if wrong:
        first, _, cure = wrong[0].partition("\n")
        more = f" (and {len(wrong) - 1} more like this)" if len(wrong) > 1 else ""
        raise DataError(f"{first}{more}\nWhat else there was to do is done. {cure}")
    return new


@dataclass(frozen=True)
class Store:
    """A store that was opened: where it is, and the bytes of all that lies in it, by path below `root`."""

    project: Project
    files: Any
    root: str
    folder: Path | None  # `root` where it is a folder of this machine
    shown: str
    sizes: dict[str, int]

    def put(self, path: Path, place: str) -> None:
        """Copy a file to `place`, whole or not at all."""
        if self.folder:
            artefact.copy(path, self.folder / place)
        else:
            self.files.put_file(str(path), f"{self.root}/{place}")
        self.sizes[place] = path.stat().st_size

    def fetched(self, place: str, digest: str) -> Path:
        """A copy of what lies at `place`, whose SHA-256 begins with `digest`; it is fetched once."""
        path = self.project.root / CACHE / place.replace("/", "-")
        if place not in self.sizes:
            raise DataError(f"{self.shown} lacks {place}.\nWho has it sends it again: make push")
        if not path.is_file():
            with artefact.whole(path) as temporary:
                self.files.get_file(f"{self.root}/{place}", str(temporary))
                if not artefact.sha256(temporary).startswith(digest):
                    raise DataError(f"{self.shown}: {place} is damaged: it is not taken.\n{RESEND}")
        return path

    @cached_property
    def versions(self) -> dict[str, list[re.Match]]:
        """The places of all versions of each record, oldest first; their groups are stem, number and digest."""
        found: dict[str, list[re.Match]] = {}
        for match in filter(None, map(VERSION.fullmatch, self.sizes)):
            found.setdefault(f"{match[1]}.json", []).append(match)
        return {name: sorted(found[name], key=lambda match: (int(match[2]), match[3])) for name in sorted(found)}

    @property
    def names(self) -> list[str]:
        """The records in the store, as paths in the project: dumps, runs, and at the end the champion's, if any."""
        return sorted(self.versions, key=lambda name: (name == CHAMPION_RECORD, name))

    def newest(self, record: str) -> tuple[Path, dict[str, Any]]:
        """A copy of a record's newest version, and what it says."""
        version = self.versions[record][-1]
        path = self.fetched(version[0], version[3])
        return path, records.read_or_refuse(path, f"{self.shown}: {version[0]} is damaged", RESEND)


@contextlib.contextmanager
def opened(project: Project) -> Iterator[Store]:
    """Open the store and see what lies in it; what goes wrong in its package becomes one message."""
    address = address_of(project)
    shown = credentials.redacted(address)
    try:
        files, root = fsspec.core.url_to_fs(credentials.filled_in(project.root, address))
        files.invalidate_cache()
        found = files.find(root, detail=True) if files.exists(root) else {}
        sizes = {path.removeprefix(root).lstrip("/"): about["size"] for path, about in found.items()}
        folder = Path(root) if "file" in files.protocol else None
        yield Store(project, files, root.rstrip("/"), folder, shown, sizes)
    except ImportError:
        raise ProjectError(f"{shown}: {remote.not_installed(address.partition('://')[0])}") from None
    except Exception as error:  # each store's package has errors of its own: no credentials, no rights, no network
        if isinstance(error, ProjectError) or getattr(error, "filename", None) is not None:  # cli.py names the file
            raise
        cure = f"Check the address in {VARIABLE}, and the credentials in the environment or .env."
        said = f"{shown}: {remote.first_line(error)}.\n{cure}"
        raise ProjectError(credentials.without_secrets(said, address)) from None


def address_of(project: Project) -> str:
    """`DATA_STORE` of the environment or of `.env`; a folder of the project would be taken for new files of yours."""
    dotenv.load_dotenv(project.root / ".env")
    address = os.environ.get(VARIABLE, "").strip().removeprefix("file://")
    if not address:
        kinds = "s3://bucket/folder, gs://..., az://... or a folder that the team shares"
        raise SettingsError(f"{VARIABLE} is not set.\nPut it into .env: {VARIABLE}={kinds}.")
    if "://" in address:
        return address
    folder = (project.root / Path(address).expanduser()).absolute()
    if not folder.parent.is_dir():
        raise SettingsError(f"{VARIABLE}={folder}: there is no folder {folder.parent}.\nMake it, or mend .env.")
    if folder.resolve().is_relative_to(project.root.resolve()):
        raise SettingsError(f"{VARIABLE}={folder} lies in the project.\nName a folder outside, that the team shares.")
    return str(folder)


def digests_in(record: Mapping[str, Any]) -> dict[str, str]:
    """The digests of the files that a record names: a run has them by name, a source card in a list."""
    found = record.get("files", {})
    return found if isinstance(found, dict) else {entry["name"]: entry["sha256"] for entry in found}


def send(store: Store, record: str) -> bool:
    """Send the files that a record names and the store lacks, then this version of it; whether anything was new."""
    path, new = store.project.root / record, False
    if record == CHAMPION_RECORD and not goes_on(store):
        return False
    check_secrets(store.project, path.parent)
    about = records.read_or_refuse(path, f"{path} is damaged", "Bring it back from a copy.")
    if path.name == registry.RECORD:
        signatures.check(store.project.root, path.parent.name, about)
    for name, digest in digests_in(about).items():
        file = path.parent / name
        if file.is_file() and store.sizes.get(f"files/{digest}") == file.stat().st_size:  # else it was cut, or is new
            continue
        if not file.is_file() or artefact.sha256(file) != digest:
            raise DataError(f"{file} is gone or was changed since it was recorded: it is not sent.\nBring it back.")
        store.put(file, f"files/{digest}")
        new = True
    versions, digest = store.versions.get(record, []), artefact.sha256(path)[:12]
    if digest in [version[3] for version in versions]:
        return new
    number = int(versions[-1][2]) + 1 if versions else 1
    store.put(path, f"{record.removesuffix('.json')}-{number}-{digest}.json")
    return True


def check_secrets(project: Project, folder: Path) -> None:
    """Refuse a run whose patch holds a value of `.env`: somebody copied it into a file that git does not ignore."""
    patch = folder / registry.PATCH
    text = patch.read_text(encoding="utf-8", errors="replace") if patch.is_file() else ""
    if names := credentials.found_in(text, project.root):
        found = f"{project.relative(patch)} holds the value of {names[0]} in .env: the run is not sent"
        cure = "Take it out of the file that holds it, let git ignore that file, and train again."
        raise DataError(f"{found}.\n{cure}")


def champions(store: Store) -> tuple[list, list, str]:
    """The history of the champion here, that in the store, and the champion there."""
    record = store.newest(CHAMPION_RECORD)[1] if CHAMPION_RECORD in store.versions else {}
    return registry.history(store.project), record.get("history", []), record.get("champion", "")


def goes_on(store: Store) -> bool:
    """Whether my champion goes on from the store's; a `DataError` if both were changed: one would undo the other."""
    mine, theirs, name = champions(store)
    if mine[: len(theirs)] != theirs[: len(mine)]:
        cure = f"To take it: delete {CHAMPION_RECORD}, make pull, and promote again if yours is the better one."
        raise DataError(f"The champion in {store.shown} was changed meanwhile, to {name}: yours is not sent.\n{cure}")
    return len(mine) > len(theirs)


def is_wanted(store: Store) -> bool:
    """Whether the store's champion goes on from the one here, and its run is here; what else is the case is said."""
    mine, theirs, name = champions(store)
    if mine[: len(theirs)] != theirs[: len(mine)]:
        cure = f"yours stays. To take theirs, delete {CHAMPION_RECORD} and pull"
        log.warning("the team's champion is %s, and yours was changed too: %s", name, cure)
        return False
    here, newer = (store.project.models / name / registry.RECORD).is_file(), len(theirs) > len(mine)
    if newer and not here:
        log.warning("the team's champion %s is not here, so predict does not use it: make pull", name)
    elif newer:
        log.info("the champion is %s now", name)
    return newer and here


def held_by(store: Store, card: str) -> set[str]:
    """The digests of a dump's files; none where its card cannot be read, which stops no run that is made of others."""
    try:
        return set(digests_in(store.newest(card)[1]).values())
    except (DataError, KeyError, TypeError, AttributeError):
        return set()


def needed(store: Store, name: str) -> list[str]:
    """The records of the run with this name or end of a name, of the dumps it was made from, and of the champion."""
    known = store.names
    names = [Path(record).parent.name for record in known if record.endswith(f"/{registry.RECORD}")]
    found = [of for of in names if of.endswith(name)]
    if len(found) != 1:
        newest = ", ".join(names[:-6:-1]) or "none yet: make push"
        raise SettingsError(f"{len(found)} runs in {store.shown} are called {name!r}.\nKnown, newest first: {newest}.")
    run = f"models/{found[0]}/{registry.RECORD}"
    about = store.newest(run)[1]
    signatures.check(store.project.root, found[0], about)
    wanted = {digest: file for file, digest in about["input_data"].items() if file.startswith("data/raw/")}
    held = {record: held_by(store, record) for record in known if record.endswith(f"/{source.CARD}")}
    if lacking := [file for digest, file in wanted.items() if digest not in set().union(*held.values())]:
        wanted_by = f"from which {found[0]} was made.\nWho has it sends it: make push RUN={found[0]}"
        raise DataError(f"{store.shown} lacks {lacking[0]}, {wanted_by}")
    return [*(card for card, digests in held.items() if digests & set(wanted)), run, *({CHAMPION_RECORD} & {*known})]


def take(store: Store, record: str) -> bool:
    """Bring a run or a dump, what is missing of it, later scores of a run, or the champion; False if all is here."""
    if record == CHAMPION_RECORD and not is_wanted(store):
        return False
    copy, about = store.newest(record)
    path, files = store.project.root / record, digests_in(about)
    if path.name == registry.RECORD:
        signatures.check(store.project.root, path.parent.name, about)
    here = path.parent.exists()
    with contextlib.nullcontext(path.parent) if here else artefact.whole_folder(path.parent) as folder:
        new = fill(store, folder, files)
        mine = artefact.sha256(path)[:12] if path.is_file() else ""
        known = [version[3] for version in store.versions[record]]
        if mine and mine not in known and record != CHAMPION_RECORD:
            log.warning("%s has changes that the store does not know: it stays as it is. To send it: make push", path)
        elif mine != known[-1]:
            new = True
            artefact.copy(copy, folder / path.name)
    if new and path.name == source.CARD:
        for file in path.parent.iterdir():
            file.chmod(0o444)  # as `data` leaves a dump
    return new


def fill(store: Store, folder: Path, files: dict[str, str]) -> bool:
    """Copy what is missing in a folder; whether anything was. A file that was changed stays, and is named."""
    missing = [name for name in files if not (folder / name).exists()]
    for name in missing:
        path, digest = folder / name, files[name]
        if not path.resolve().is_relative_to(folder.resolve()) or not re.fullmatch(r"[0-9a-f]{64}", digest):
            named = f"{path.name!r} {digest!r}"
            raise DataError(f"{store.shown}: a record names {named}, which is no file of a run: refused.")
        artefact.copy(store.fetched(f"files/{digest}", digest), path)
    digests = records.Digests(store.project.root)
    if changed := [name for name in files if name not in missing and digests.of(folder / name) != files[name]]:
        name, cure = store.project.relative(folder / changed[0]), "To have it back as it was, delete it and pull again."
        raise DataError(f"{name} was changed since it was recorded: it stays as it is.\n{cure}")
    return bool(missing)
