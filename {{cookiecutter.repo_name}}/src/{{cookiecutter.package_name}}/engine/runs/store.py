"""The store of a team: raw data and runs by digest, in a folder or an object store that `DATA_STORE` names.

Used by `push.py` and `pull.py`. In the store lie `files/<sha256>`, the bytes of every file once, and the records that
name them: `models/<run>/run-<n>-<digest>.json`, `data/raw/<dump>/source-<n>-<digest>.json` and
`models/champion-<n>-<digest>.json`. A record that changes, as `run.json` does when a run is evaluated, is a new version
`n` beside the old ones: nothing is overwritten. A record is written last, so what it names is there.
"""

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from ..project import artefact, records
from ..project.errors import DataError, ProjectError, SettingsError
from ..project.log import progress
from ..project.settings import Project
from ..sources import credentials, remote

T = TypeVar("T")
VARIABLE = "DATA_STORE"
FILES = "files"
RECORDS = {"run": "models/{}/run", "source": "data/raw/{}/source", "champion": "models/champion"}
VERSION = re.compile(r"-(\d+)-([0-9a-f]{12})\.json$")
AGAIN = "Delete it there; who has the whole one sends it again: make push"
CURE = f"Check the address in {VARIABLE}, and the credentials in the environment or .env."


@dataclass(frozen=True)
class Store:
    """A store that was opened.

    Attributes
    ----------
    files : fsspec.AbstractFileSystem
    root : str
        Path in it, without a slash at the end.
    shown : str
        The address as messages show it, without secrets.
    cache : Path
        `.cache/pulled/` of the project.
    sizes : dict of str to int
        Bytes of what lies in the store, by path below `root`.
    """

    files: Any
    root: str
    shown: str
    cache: Path
    sizes: dict[str, int] = field(default_factory=dict)

    def has(self, digest: str, size: int) -> bool:
        """Whether the file is there; one of another size was cut while it was sent."""
        return self.sizes.get(f"{FILES}/{digest}") == size

    def put(self, path: Path, place: str) -> None:
        """Copy a file to `place`, whole or not at all."""
        if self.folder:
            with artefact.whole(self.folder / place) as temporary:
                shutil.copyfile(path, temporary)
        else:
            self.files.put_file(str(path), f"{self.root}/{place}")
        self.sizes[place] = path.stat().st_size

    def get(self, place: str, path: Path) -> None:
        """Copy what lies at `place` to a file."""
        self.files.get_file(f"{self.root}/{place}", str(path))

    def fetched(self, place: str, digest: str) -> Path:
        """A copy of what lies at `place`, in the cache, whose SHA-256 begins with `digest`; it is fetched once."""
        path = self.cache / place.replace("/", "-")
        if place not in self.sizes:
            raise DataError(f"{self.shown} lacks {place}.\nWho has it sends it again: make push")
        if not path.is_file():
            with artefact.whole(path) as temporary:
                self.get(place, temporary)
                if not artefact.sha256(temporary).startswith(digest):
                    raise DataError(f"{self.shown}: {place} is damaged: it is not taken.\n{AGAIN}")
        return path

    @property
    def folder(self) -> Path | None:
        """The store as a folder of this machine; None for an object store."""
        return Path(self.root) if "file" in self.files.protocol else None

    def versions(self, kind: str, name: str = "") -> list[str]:
        """The places of all versions of a record, oldest first."""
        stem = RECORDS[kind].format(name)
        found = (place for place in self.sizes if VERSION.sub("", place) == stem and VERSION.search(place))
        return sorted(found, key=lambda place: (int(VERSION.search(place)[1]), place))

    def names(self, kind: str) -> list[str]:
        """The runs or dumps of which there is a record."""
        before, _, after = RECORDS[kind].partition("{}")
        found = (re.fullmatch(rf"{before}([^/]+){after}", VERSION.sub("", place)) for place in self.sizes)
        return sorted({match[1] for match in found if match})


def digest_in(place: str) -> str:
    """The first 12 digits of a record's digest, from its place."""
    return VERSION.search(place)[2]


def new_version(store: Store, kind: str, name: str, content: bytes) -> str | None:
    """Where the record goes; None if this version of it is in the store already."""
    versions, digest = store.versions(kind, name), hashlib.sha256(content).hexdigest()[:12]
    if digest in map(digest_in, versions):
        return None
    number = int(VERSION.search(versions[-1])[1]) + 1 if versions else 1
    return f"{RECORDS[kind].format(name)}-{number}-{digest}.json"


@contextlib.contextmanager
def opened(project: Project) -> Iterator[Store]:
    """Open the store and see what lies in it; what goes wrong in its package becomes one message.

    Raises
    ------
    SettingsError
        `DATA_STORE` is not set, or its folder cannot be made.
    ProjectError
        The store does not answer, refuses, or its package is not installed.
    """
    address = address_of(project)
    shown = credentials.shown(address)
    try:
        import fsspec

        files, root = fsspec.core.url_to_fs(credentials.filled_in(project.root, address))
        files.invalidate_cache()
        store = Store(files, root.rstrip("/"), shown, project.root / ".cache" / "pulled")
        if store.folder:
            check_folder(project, store.folder)
        found = files.find(store.root, detail=True) if files.exists(store.root) else {}
        store.sizes.update({path.removeprefix(store.root).lstrip("/"): about["size"] for path, about in found.items()})
        yield store
    except ProjectError:
        raise
    except ImportError:
        raise ProjectError(f"{shown}: {remote.not_installed(address.partition('://')[0])}") from None
    except OSError as error:
        if error.filename is not None:  # a file of this machine: cli.py says so
            raise
        raise ProjectError(said(project, address, error)) from None
    except Exception as error:  # each store's package has errors of its own: no credentials, no rights, no network
        raise ProjectError(said(project, address, error)) from None


def check_folder(project: Project, folder: Path) -> None:
    """A store that is a folder lies outside of the project, where it would be taken for new files of yours."""
    if not folder.parent.is_dir():
        raise SettingsError(f"{VARIABLE}={folder}: there is no folder {folder.parent}.\nMake it, or mend .env.")
    if folder.resolve().is_relative_to(project.root.resolve()):
        raise SettingsError(f"{VARIABLE}={folder} lies in the project.\nName a folder outside, that the team shares.")


def every(items: Iterable[T], act: Callable[[T], bool], label: str) -> tuple[list[T], list[str]]:
    """The items with which there was something to do, and what was wrong with others: one must not stop the rest."""
    new, wrong = [], []
    for item in progress(list(items), label):
        try:
            if act(item):
                new.append(item)
        except DataError as error:
            wrong.append(str(error))
    return new, wrong


def complain(wrong: list[str]) -> None:
    """Raise what was wrong with some of the items, after the others were seen to."""
    if wrong:
        first, _, cure = wrong[0].partition("\n")
        more = f" (and {len(wrong) - 1} more like this)" if len(wrong) > 1 else ""
        raise DataError(f"{first}{more}\n{cure} What else there was to do is done.")


def said(project: Project, address: str, error: Exception) -> str:
    """An error of a store's package as a message without secrets."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:200].rstrip(".")
    return credentials.without_secrets(f"{credentials.shown(address)}: {reason}.\n{CURE}", address)


def address_of(project: Project) -> str:
    """`DATA_STORE` of the environment or of `.env`; a relative folder starts in the project."""
    import dotenv

    dotenv.load_dotenv(project.root / ".env")
    address = os.environ.get(VARIABLE, "").strip()
    if not address:
        kinds = "s3://bucket/folder, gs://..., az://... or a folder that the team shares"
        raise SettingsError(f"{VARIABLE} is not set.\nPut it into .env: {VARIABLE}={kinds}.")
    return address if "://" in address else str((project.root / Path(address).expanduser()).absolute())


def newest(store: Store, kind: str, name: str = "") -> tuple[bytes, dict[str, Any]]:
    """The newest version of a record in the store, as bytes and as what it says.

    Raises
    ------
    DataError
        It was cut or edited.
    """
    place = store.versions(kind, name)[-1]
    path = store.fetched(place, digest_in(place))
    try:
        return path.read_bytes(), records.read_sealed(path)
    except ValueError as error:
        raise DataError(f"{store.shown}: {place} is damaged: {error}.\n{AGAIN}") from None
