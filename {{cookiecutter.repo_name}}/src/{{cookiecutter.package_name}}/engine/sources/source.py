"""Fetches what `[data] source` names into a dump: a folder of data/raw/ with the files as they came and a card.

Used by `make data`. Reads the source; writes `data/raw/<YYYY-MM-DD>-<first 8 of the digest>/`, whole or not at all,
with `source.json` (the card), all read-only and never overwritten. `data/raw/current.json` maps each source to the
folder of its current dump: going back to content that was here before changes this line alone; without the line the
newest dump of the source counts. Imports the standard library alone, so that "nothing to do" is said at once.
"""

import contextlib
import functools
import glob
import itertools
import logging
import math
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..project import artefact, records
from ..project.credentials import filled_in, redacted, safe_names, without_secrets
from ..project.errors import DataError, SourceError, missing_file
from ..project.records import CARD

log = logging.getLogger(__name__)
_warn_once = functools.cache(log.warning)  # each step of a command looks at the source
RAW = Path("data", "raw")
CURRENT = "current.json"
BY_SERVICE = "feedback of the service"  # the source of the dumps that `make retrain` writes
FEEDBACK, SPLIT = "feedback.parquet", "split.parquet"  # their files: what was told, where the rows of the source lay
Digest = Callable[[Path], str | None]


@dataclass(frozen=True)
class Dump:
    """A source as it was fetched once: its folder in data/raw/, its card, its files in order."""

    folder: Path
    card: dict[str, Any]
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Terms:
    """On which terms a source is fetched."""

    sha256: str = ""  # what the digest of the dump (of one file that of its bytes) must be, where that is given
    accept: bool = False  # take content that changed as a new dump beside the old one
    refresh: bool = False  # look at a remote source again; local files, SQLite among them, are looked at each time
    most: float = math.inf  # bytes that a download may have


TAKEN_AS_IT_IS = Terms()


def fetch(root: Path, source: str, terms: Terms = TAKEN_AS_IT_IS, *, digest: Digest = artefact.sha256) -> Dump:
    """Return the dump of a source, fetching it where there is none yet.

    Relative paths in `source` start at the project's root, and its `.env` fills `${NAME}`; a `?member=` at its end is
    left to who reads the dump. A `digest` that remembers sizes and times spares reading big files again.

    A `DataError`, which holds no secret, if the source is not there or out of reach (`SourceError`), or changed and is
    not accepted, or the dump was edited.
    """
    source = parted(source)[0]
    dump = current(root, source)
    try:
        if dump is not None:
            for file, entry in zip(dump.files, dump.card["files"], strict=True):
                if digest(file) != entry["sha256"]:
                    raise _touched(file)
            if _is_up_to_date(root, source, dump, digest=digest, look=terms.refresh or terms.accept):
                _check_digest(dump.card["sha256"], terms.sha256, source)
                return dump
        started = time.monotonic()
        with _building(root) as folder:
            address = filled_in(root, source)
            if is_local(source):
                about = _copied(root, address, folder)
            else:
                from . import remote

                about = remote.download(root, source, address, folder, terms.most)
            told = {key: without_secrets(value, source) for key, value in about.items()}
            card = {"source": redacted(source), **told, **content(folder)}
            _check_digest(card["sha256"], terms.sha256, source)
            dump = _settled(root, source, folder, card, accept=terms.accept)
        size, seconds = sum(file["bytes"] for file in card["files"]), time.monotonic() - started
        log.info("%s -> %s, %d bytes, %.1f s", redacted(source), dump.folder.relative_to(root), size, seconds)
        return dump
    except DataError as error:
        raise type(error)(without_secrets(str(error), source)) from None
    except OSError as error:
        reason = f"{redacted(source)}: {error.strerror or error}" + (f" ({error.filename})" if error.filename else "")
        raise DataError(without_secrets(f"{reason}.\nCheck the disk and the rights, then try again.", source)) from None


def current(root: Path, source: str) -> Dump | None:
    """Return the current dump of a source without looking at the source, or None.

    A `DataError` if a card cannot be read, or a file of the dump is missing or has another size than its card says.
    """
    source = parted(source)[0]
    dumps = _dumps(root, source)
    chosen = _pointers(root).get(redacted(source))
    dump = next((dump for dump in dumps if dump.folder.name == chosen), dumps[-1] if dumps else None)
    for file, entry in zip(dump.files, dump.card["files"], strict=True) if dump else ():
        if not file.is_file() or file.stat().st_size != entry["bytes"]:
            raise _touched(file)
    return dump


def told(root: Path) -> list[Dump]:
    """Return the dumps of what people said of answers, oldest first; see `columns/told.py`."""
    return _dumps(root, BY_SERVICE)


def keep(root: Path, about: dict[str, Any], write: Callable[[Path], None]) -> Dump:
    """Make a dump of what is told: `write` puts its files into a folder, its card says that and `about`."""
    with _building(root) as folder:
        write(folder)
        return _placed(root, folder, {"source": BY_SERVICE, **about, **content(folder)})


def parted(source: str) -> tuple[str, str]:
    """Return a source, of `file://` the path, without the `?member=` at its end, and the member, or glob of members."""
    path, is_url = re.subn(r"^file://(localhost)?(/(?=\w:))?", "", source)
    address, _, member = path.rpartition("member=")
    if address[-1:] not in ("?", "&") or "&" in member or "table=" in address or "query=" in address:
        address, member = f"{path}?", ""
    return (unquote(address[:-1]), unquote(member)) if is_url else (address[:-1], member)


def is_local(source: str) -> bool:
    """Tell whether a source is a path or a glob."""
    return not re.match(r"sklearn:|[A-Za-z][\w+.-]*://", source)


def first_file(root: Path, source: str) -> Path | None:
    """The first file of a local source, or of its dump, None without one; `.env` does not complete its name."""
    source = parted(source)[0]
    dump = current(root, source)
    return next(iter(_matching(root, source) or (dump.files if dump else ())), None)


def _is_up_to_date(root: Path, source: str, dump: Dump, *, digest: Digest, look: bool) -> bool:
    """Tell whether a source is as it was fetched, or gone; a remote one is not looked at unless `look` says so."""
    if is_local(source):
        paths = _matching(root, filled_in(root, source))
        entries = [{"name": name, "sha256": digest(path)} for name, path in zip(safe_names(paths), paths, strict=True)]
        found, known = _digest(entries) if entries else "", dump.card["sha256"]
    elif "state" in dump.card and not look:
        from . import remote

        found, known = remote.database_state(root, filled_in(root, source), digest), dump.card["state"]
    else:
        return source.startswith("sklearn:") or not look
    if not found:
        _warn_once("%s is gone: its dump %s is used", redacted(source), dump.folder)
    return found in ("", known)


def _matching(root: Path, pattern: str) -> list[Path]:
    expanded = os.path.expanduser(pattern)
    if (root / expanded).is_file():
        return [root / expanded]
    found = glob.glob(os.path.join(glob.escape(str(root)), expanded), recursive=True)
    longest_first = sorted((Path(name) for name in found), key=lambda path: len(path.parts), reverse=True)
    once = {(os.path.realpath(path.parent), path.name): path for path in longest_first}  # links may lead upwards
    raw = (root / RAW).resolve()  # copies of the source, which `**` at the root would read as more of it
    return sorted(path for path in once.values() if path.is_file() and raw not in path.resolve().parents)


def _copied(root: Path, pattern: str, folder: Path) -> dict[str, str]:
    import shutil

    paths = _matching(root, pattern)
    if not paths:
        path = root / os.path.expanduser(pattern)
        raise missing_file(path) if path.exists() else SourceError(str(missing_file(path)))
    for name, path in zip(safe_names(paths), paths, strict=True):
        before = path.stat()
        shutil.copyfile(path, folder / name)
        after = path.stat()
        sizes = {before.st_size, after.st_size, (folder / name).stat().st_size}
        if len(sizes) > 1 or before.st_mtime_ns != after.st_mtime_ns:
            found = f"{path} changed while it was read: {before.st_size} bytes, then {after.st_size}"
            raise DataError(f"{found}.\nTry again when it is finished.")
    return {"path": os.path.abspath(root / os.path.expanduser(pattern))}


@contextlib.contextmanager
def _building(root: Path) -> Iterator[Path]:
    """Yield a new folder in data/raw/ that is gone afterwards, unless it was renamed."""
    folder = artefact.beside(root / RAW / "dump")
    artefact.remove(folder)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        artefact.remove(folder)


def content(folder: Path) -> dict[str, Any]:
    """Return the `files` and `sha256` of a card for a folder, which may have one already."""
    paths = sorted(path for path in folder.iterdir() if path.name != CARD)
    files = [{"name": path.name, "sha256": artefact.sha256(path), "bytes": path.stat().st_size} for path in paths]
    return {"files": files, "sha256": _digest(files)}


def _settled(root: Path, source: str, folder: Path, card: dict[str, Any], *, accept: bool) -> Dump:
    """Make `folder` the current dump: by renaming it, or by going back to the earlier dump that equals it."""
    found, dump = card["sha256"], current(root, source)
    if dump and dump.card["sha256"] != found and not accept:
        both = f"sha256 was {dump.card['sha256'][:12]}, is {found[:12]}"
        cure = f"{dump.folder.relative_to(root)} stays. To take the new content as a dump beside it: make data ACCEPT=1"
        raise DataError(f"{redacted(source)} changed since {dump.card['fetched'][:10]}: {both}.\n{cure}")
    earlier = [dump for dump in _dumps(root, source) if dump.card["sha256"] == found]
    chosen = earlier[-1] if earlier else _placed(root, folder, card)
    pointers = {**_pointers(root), redacted(source): chosen.folder.name}
    if pointers != _pointers(root):
        artefact.write_json(root / RAW / CURRENT, records.sealed(pointers))
    return chosen


def _placed(root: Path, folder: Path, card: dict) -> Dump:
    """Seal a folder, read-only and safe on the disk, and give it its name, after the day and the digest."""
    fetched = datetime.now(UTC).isoformat(timespec="milliseconds")
    stem = f"{fetched[:10]}-{card['sha256'][:8]}"
    artefact.write_json(folder / CARD, records.sealed({**card, "fetched": fetched}))
    for file in folder.iterdir():
        artefact.sync(file)
        file.chmod(0o444)
    artefact.sync(folder)
    # Another source can have the same content on the same day.
    places = (root / RAW / (f"{stem}-{number}" if number > 1 else stem) for number in itertools.count(1))
    target = next(place for place in places if not place.exists())
    folder.rename(target)
    artefact.sync(target.parent)
    return _dump(target / CARD)


def _digest(entries: Sequence[dict]) -> str:
    """Return the digest of one file as it is, of several that of their names and digests."""
    if len(entries) == 1:
        return entries[0]["sha256"]
    return artefact.fingerprint([[entry["name"], entry["sha256"]] for entry in entries])


def _check_digest(found: str, wanted: str, source: str) -> None:
    if wanted and found != wanted.lower():
        both = f"its sha256 is {found},\nsha256 in [data] of params.toml is {wanted}"
        raise DataError(f"{redacted(source)}: {both}.\nMend the one that is wrong.")


def _dumps(root: Path, source: str) -> list[Dump]:
    """Return the dumps of a source, oldest first."""
    dumps = [_dump(card) for card in (root / RAW).glob(f"[!.]*/{CARD}")]
    same = [dump for dump in dumps if dump.card["source"] == redacted(source)]
    return sorted(same, key=lambda dump: dump.card["fetched"])


def _dump(path: Path) -> Dump:
    try:
        card = records.read_sealed(path)
        return Dump(path.parent, card, tuple(path.parent / entry["name"] for entry in card["files"]))
    except (ValueError, KeyError, TypeError):
        cure = "Put it back, or delete its folder to fetch again."
        raise DataError(f"{path}: the source card is damaged.\n{cure}") from None


def _pointers(root: Path) -> dict[str, str]:
    path, cure = root / RAW / CURRENT, "Delete it: the newest dump of each source counts then."
    return records.read_or_refuse(path, f"{path} cannot be read", cure) if path.exists() else {}


def _touched(file: Path) -> DataError:
    cure = f"Put it back, or delete {file.parent} to fetch it again."
    return DataError(f"{file} is not as it was fetched: missing or edited.\n{cure}")
