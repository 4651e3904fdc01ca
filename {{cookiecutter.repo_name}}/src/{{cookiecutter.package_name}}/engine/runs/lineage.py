"""Where an artefact came from, step by step, back to the source.

    make lineage FILE=data/predictions/test.csv

Reads the sidecars, `run.json` and the source cards; writes nothing. Each line says whether the file still has the
digest on record.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..project import artefact, records
from ..project.errors import DataError
from ..project.settings import Project
from ..sources import source
from . import registry
from .listing import aligned
from .registry import SHOWN_DIGITS

# Where the inputs of a file lie if the record beside it is that of another version: a run knows the whole chain.
BEFORE = {"data/processed/": ("data/interim/", "data/external/"), "data/interim/": ("data/raw/",)}


@dataclass(frozen=True)
class Link:
    """One file on the way back to the source."""

    depth: int  # steps away from the file that was asked for
    file: str  # relative to the project's root
    digest: str  # SHA-256 on record, hexadecimal; "" where the record of a whole folder covers the file
    state: str  # "as recorded", "changed since", "gone" or "no digest on record"
    made: str  # what made it: step, commit and time; or where it was fetched from


def trace(project: Project, path: Path) -> list[Link]:
    """Follow the records from a file that has one to the source: the file first, its inputs below it.

    A `DataError` if the file has no record, or a record is damaged.
    """
    path = Path(os.path.normpath(project.root / path))
    if not (about := record_of(project, path)):
        gone = "" if path.exists() else "is not here, and "
        raise DataError(
            f"{project.relative(path)} {gone}has no record of its making, in a sidecar, a run.json or a source card.\n"
            "Predictions, evaluations, figures, splits, raw files and files of a run have one; files that people write "
            "into, as label_errors.csv, and your own have none."
        )
    links, known = list[Link](), dict[str, str]()  # the digests of the inputs of the runs that were met
    waiting = [(0, path, about["sha256"])]
    while waiting:
        depth, path, digest = waiting.pop()
        name, about = project.relative(path), version(project, path, digest, known)
        seen = any((link.file, link.digest) == (name, digest) for link in links)
        links.append(Link(depth, name, digest, state(path, digest), about["made by"]))
        known.update(about.get("known", {}))
        if not seen:
            inputs = about.get("inputs", {}).items()
            waiting += reversed([(depth + 1, project.root / of, digest) for of, digest in inputs])
    return links


def version(project: Project, path: Path, digest: str, known: dict[str, str]) -> dict[str, Any]:
    """What is on record about this version of a file, beside it or in what a run says of its inputs."""
    name, about = project.relative(path), record_of(project, path)
    if about.get("sha256") == digest:
        return about
    before = next((place for start, place in BEFORE.items() if name.startswith(start)), ())
    inputs = {of: known[of] for of in known if of.startswith(before) and known.get(name) == digest}
    return {"inputs": inputs, "made by": "the record beside it is of another version" if about else "no record"}


def state(path: Path, digest: str) -> str:
    """What has become of a file."""
    if not path.is_file():
        return "gone"
    if not digest:
        return "no digest on record"
    return "as recorded" if artefact.sha256(path) == digest else "changed since"


def record_of(project: Project, path: Path) -> dict[str, Any]:
    """What is on record about a file: `sha256`, `inputs` by name, and `made by` for people; empty if nothing is."""
    if (path.parent / source.CARD).is_file():
        return record_of_raw(path)
    of_run = project.models in path.parent.parents
    if of_run and (found := record_of_run(project, path)):  # `export` puts files with a sidecar beside the model
        return found
    if path.parent == project.root / "reports" / "figures":
        return record_of_figure(project, path)
    about = records.recorded(path)
    return {**about, "made by": making(about["step"], about, about["made"])} if about else {}


def record_of_raw(path: Path) -> dict[str, Any]:
    """What the source card says of a raw file."""
    card = path.parent / source.CARD
    cure = "Put it back, or fetch the source again."
    about = records.read_or_refuse(card, f"{card}: the source card is damaged", cure)
    digests = {entry["name"]: entry["sha256"] for entry in about["files"]}
    made = f"fetched from {about['source']} {about['fetched']}"
    return {"sha256": digests[path.name], "made by": made} if path.name in digests else {}


def record_of_run(project: Project, path: Path) -> dict[str, Any]:
    """The record of a file in a run's folder: made by `train` from train and dev."""
    folder = project.models / path.relative_to(project.models).parts[0]
    name = path.relative_to(folder).as_posix()
    if not (folder / registry.RECORD).is_file():
        return {}
    record = registry.read(folder)
    digest = "" if name == registry.RECORD else record["files"].get(name)  # `evaluate` adds its scores to run.json
    if digest is None:
        return {}
    learned = [project.relative(project.split(part)) for part in ("train", "dev")]
    inputs = {of: record["input_data"][of] for of in learned}
    made = making(f"train ({record['model']['name']})", record, record["started"])
    return {"sha256": digest, "inputs": inputs, "made by": made, "known": record["input_data"]}


def record_of_figure(project: Project, path: Path) -> dict[str, Any]:
    """A figure belongs to the report of the run that its name begins with."""
    folder = next((folder for folder in registry.folders(project) if path.name.startswith(f"{folder.name}-")), None)
    about = record_of(project, project.root / "reports" / folder.name / "evaluation.html") if folder else {}
    return {**about, "sha256": ""} if about else {}


def making(step: str, about: dict[str, Any], time: str) -> str:
    """Step, commit, if that is on record, and time as one phrase."""
    commit = (about.get("commit") or "no commit")[:SHOWN_DIGITS]
    commit = f", {commit}{' with uncommitted changes' if about.get('dirty') else ''}" if "commit" in about else ""
    return f"{step}{commit}, {time}"


def render(links: list[Link]) -> str:
    """The chain as an indented text, one file a line."""
    return aligned(
        [("  " * one.depth + one.file, one.digest[:SHOWN_DIGITS] or "-", one.state, f"<- {one.made}") for one in links]
    )
