"""Records of artefacts: what made a file, from what, and the digests that tell when it was changed.

Beside every artefact `x` lies a sidecar `x.json` with its sha256, the step that made it, the inputs with their
digests, the parameters and the commit. `cat` shows it. Its last key, `seal`, is the digest of the others: a record that
was cut or edited does not count. The cache of digests (`.cache/digests.json`) spares reading a file again while its
size and time stay the same; it may be deleted at any time.
"""

import contextlib
import json
import logging
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .artefact import fingerprint, plain, sha256, write_json
from .errors import DataError

log = logging.getLogger(__name__)
SEAL = "seal"
CARD = "source.json"  # the record of a raw dump


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """A record as JSON holds it, with its own fingerprint as the last key."""
    content = json.loads(json.dumps(value, default=plain))
    return {**content, SEAL: fingerprint(content)}


def read_sealed(path: Path) -> dict[str, Any]:
    """Read a record without its seal; an `OSError` if it cannot be read, a `ValueError` if it was cut or edited."""
    value = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(value, dict) or value.pop(SEAL, None) != fingerprint(value):
        raise ValueError("it was cut or edited after it was written")
    return value


def read_or_refuse(path: Path, wrong: str, cure: str) -> dict[str, Any]:
    """Read a record without its seal; a `DataError` that says what is wrong with it, why, and the cure if it cannot."""
    try:
        return read_sealed(path)
    except (OSError, ValueError) as error:
        cure = "Its owner can give you the right to read it." if isinstance(error, PermissionError) else cure
        raise DataError(f"{wrong}: {error}.\n{cure}") from None


class Digests:
    """Digests of files by content, with size and time as a shortcut, kept in `.cache/digests.json` of a project."""

    def __init__(self, root: Path) -> None:
        self._file = root / ".cache" / "digests.json"
        self._changed = False
        try:
            self._known = read_sealed(self._file)
        except (OSError, ValueError):
            self._known = {}

    def of(self, path: Path) -> str | None:
        """The SHA-256 of `path`, or None where there is no such file."""
        try:
            stat = path.stat()
        except OSError:
            return None
        seen = [stat.st_size, stat.st_mtime_ns]
        known = self._known.get(str(path))
        if not known or known[:2] != seen:
            known = self._known[str(path)] = [*seen, sha256(path)]
            self._changed = True
        return known[2]

    def save(self) -> None:
        """Write the cache if it has changed; of files that are gone nothing is kept."""
        if self._changed:
            known = {path: known for path, known in self._known.items() if os.path.exists(path)}
            with contextlib.suppress(OSError):  # a full disk: what a command really has to write says so
                write_json(self._file, sealed(known))


def sidecar(path: Path) -> Path:
    """Where the record of an artefact lies: `clean.parquet` -> `clean.parquet.json`."""
    return path.with_name(path.name + ".json")


def record(path: Path, about: Mapping[str, Any]) -> None:
    """Write the sidecar of a finished artefact: its digest and what made it, as `fresh.py` knows it."""
    made = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"file": path.name, "sha256": sha256(path), "bytes": path.stat().st_size, **about, "made": made}
    write_json(sidecar(path), sealed(about))


def recorded(path: Path) -> dict[str, Any]:
    """The sidecar of an artefact; an empty dict where there is none, or one that was cut or edited, which is said."""
    try:
        return read_sealed(sidecar(path))
    except (OSError, ValueError) as error:
        if not isinstance(error, FileNotFoundError):
            log.warning("%s does not count: %s", sidecar(path), error)
        return {}


def checked(path: Path) -> Path:
    """Return `path` if its bytes are those on record; a `DataError` if not, or if it or its sidecar is missing."""
    expected = recorded(path).get("sha256")
    if not path.is_file() or expected is None:
        raise DataError(f"{path} is missing or was not made by this project.\nMake the step that writes it again.")
    if (found := sha256(path)) != expected:
        both = f"sha256 {found[:12]}, on record {expected[:12]}"
        cure = "Delete it and run the command again: it is made anew."
        raise DataError(f"{path} was changed after it was made: {both}.\n{cure}")
    return path
