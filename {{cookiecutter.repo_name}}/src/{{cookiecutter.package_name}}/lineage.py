"""Where an artefact came from, step by step, back to the source.

    make lineage FILE=data/predictions/test.csv

Reads the sidecars, `run.json` and the source cards; writes nothing. Each line says whether the file still has the
digest on record.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import artefact, runs
from .errors import DataError
from .settings import Project

SHOWN_DIGITS = 12


@dataclass(frozen=True)
class Link:
    """One file on the way back to the source.

    Attributes
    ----------
    depth : int
        Steps away from the file that was asked for.
    file : str
        Relative to the project's root.
    digest : str
        SHA-256 on record, hexadecimal.
    state : {"as recorded", "changed since", "gone"}
    made : str
        What made it: step, commit and time; or where it was fetched from.
    """

    depth: int
    file: str
    digest: str
    state: str
    made: str


def trace(project: Project, path: Path) -> list[Link]:
    """Follow the records from a file to the source.

    Parameters
    ----------
    project : Project
    path : Path
        Predictions, a report, a run's `model.pkl` or `run.json`, a split, the clean table or a raw file.

    Returns
    -------
    list of Link
        The file first, its inputs below it.

    Raises
    ------
    DataError
        The file has no record.
    """
    path = path if path.is_absolute() else project.root / path
    if not (about := record_of(path)):
        raise DataError(f"{project.relative(path)} has no record of its making: no step of this project wrote it.")
    links: list[Link] = []
    follow(project, path, about["sha256"], 0, links)
    return links


def follow(project: Project, path: Path, digest: str, depth: int, links: list[Link]) -> None:
    """Add a file and, below it, its inputs; a file that was shown already is not followed again."""
    found = artefact.sha256(path) if path.is_file() else None
    state = "gone" if found is None else "as recorded" if found == digest else "changed since"
    about = record_of(path)
    seen = any(link.file == project.relative(path) for link in links)
    links.append(Link(depth, project.relative(path), digest, state, about.get("made by", "")))
    for name, input_digest in {} if seen else about.get("inputs", {}).items():
        follow(project, project.root / name, input_digest, depth + 1, links)


def record_of(path: Path) -> dict[str, Any]:
    """What is on record about a file: `sha256`, `inputs` by name, and `made by` for people; empty if nothing is."""
    if (path.parent / runs.RECORD).is_file():
        return record_of_run(path)
    if (card := path.parent / "source.json").is_file():
        source = json.loads(card.read_text(encoding="utf-8"))
        digests = {entry["name"]: entry["sha256"] for entry in source["files"]}
        made = f"fetched from {source['source']} {source['fetched']}"
        return {"sha256": digests.get(path.name, ""), "made by": made}
    if not (about := artefact.recorded(path)):
        return {}
    return {"sha256": about["sha256"], "inputs": about["inputs"], "made by": said(about["step"], about, about["made"])}


def record_of_run(path: Path) -> dict[str, Any]:
    """The record of a file in a run's folder."""
    record = runs.read(path.parent)
    digest = record["files"].get(path.name) or artefact.sha256(path)
    made = said(f"train ({record['model']['name']})", record, record["started"])
    inputs = {name: of for name, of in record["input_data"].items() if Path(name).stem in ("train", "dev")}
    return {"sha256": digest, "inputs": inputs, "made by": made}


def said(step: str, about: dict[str, Any], time: str) -> str:
    """Step, commit and time as one phrase."""
    commit = (about["commit"] or "no commit")[:SHOWN_DIGITS]
    return f"{step}, {commit}{' with uncommitted changes' if about['dirty'] else ''}, {time}"


def render(links: list[Link]) -> str:
    """The chain as an indented text, one file a line."""
    return "\n".join(
        f"{'  ' * link.depth}{link.file}  {link.digest[:SHOWN_DIGITS]}  {link.state}  <- {link.made}" for link in links
    )
