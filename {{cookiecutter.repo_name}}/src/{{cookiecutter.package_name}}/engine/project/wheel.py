"""Write a wheel: a package of Python in one file, for pip or for unzip.

The same files give the same bytes. Format: "Binary distribution format", packaging.python.org.
"""

import base64
import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from . import artefact, package
from .settings import Project

WHEEL = "Wheel-Version: 1.0\nGenerator: {name}\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
MARKDOWN = "text/markdown"
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first time that a zip file knows
READABLE = 0o644 << 16


@dataclass(frozen=True)
class About:
    """What the metadata say: `name` is that of the package too, `requires` are lines such as `numpy==2.1.0`."""

    name: str
    version: str  # PEP 440
    summary: str = ""
    requires: Sequence[str] = ()
    python: str = ""  # such as ">=3.11"
    text: str = ""  # Markdown

    @property
    def file(self) -> str:
        """The name of the wheel."""
        return f"{self.name}-{self.version}-py3-none-any.whl"

    @property
    def metadata(self) -> str:
        """The file METADATA."""
        head = [("Metadata-Version", "2.1"), ("Name", self.name), ("Version", self.version), ("Summary", self.summary)]
        head += [("Requires-Python", self.python)] if self.python else []
        head += [("Requires-Dist", line) for line in self.requires]
        lines = [f"{key}: {' '.join(value.split())}" for key, value in [*head, ("Description-Content-Type", MARKDOWN)]]
        return "\n".join([*lines, "", self.text, ""])


def name_and_version(project: Project, record: Mapping[str, Any]) -> tuple[str, str]:
    """What the model of a run is called, and its version: later runs have higher ones, and the key tells two apart.

    At its end stands a digest of the rules of today, which are in the file: pip keeps what has the same version. Of
    several of one run it says nothing of which is newer.
    """
    rules = project.dictionary.read_bytes() if project.dictionary.is_file() else b""
    decided = repr((project.settings.predict, project.settings.decision)).encode()
    made = datetime.fromisoformat(record["started"])
    moment = f"{made.year}.{made.month}.{made.day}.{int(made.strftime('%H%M%S'))}"
    return f"{package.NAME}_model", f"{moment}+r{record['key'][:8]}.d{hashlib.sha256(decided + rules).hexdigest()[:7]}"


def write(path: Path, folder: Path, about: About) -> None:
    """Pack the package in `folder` into a wheel, whole or not at all."""
    files = {f"{folder.name}/{file.relative_to(folder).as_posix()}": file.read_bytes() for file in package.code(folder)}
    info = f"{about.name}-{about.version}.dist-info"
    files[f"{info}/METADATA"] = about.metadata.encode()
    files[f"{info}/WHEEL"] = WHEEL.format(name=package.NAME).encode()
    record = [f"{name},sha256={digest(content)},{len(content)}" for name, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    with artefact.whole(path) as temporary, zipfile.ZipFile(temporary, "w") as packed:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, READABLE
            packed.writestr(entry, content)


def digest(content: bytes) -> str:
    """A SHA-256 as RECORD holds it."""
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
