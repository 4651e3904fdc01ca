"""Whether a step has to run: its outputs against all that it reads.

A step is up to date when its outputs are on disk with the digests on record, and were made from the same inputs, the
same parameters and the same code. Content decides; times only spare reading a file again. The graph itself is
`pipeline.py`. This module imports no pandas: a command that has nothing to do costs little more than starting Python.
"""

import functools
import logging
import operator
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..columns import dictionary
from ..project import artefact, credentials, git, lock, package, records
from ..project.alive import alive
from ..project.errors import DataError
from ..project.settings import Project
from ..runs import registry
from ..sources import source
from . import cache


@dataclass
class Work:
    """One command at work: the project, what was asked, and what is known so far."""

    steps: "Mapping[str, Step]"  # the graph
    project: Project
    digests: records.Digests
    options: Mapping[str, Any] = field(default_factory=dict)  # run, input, output, message, and flags
    dump: source.Dump | None = None  # the raw files, once known
    folder: Path | None = None  # the run that answers, once known


@dataclass(frozen=True, kw_only=True)
class Step:
    """A node of the graph: what it needs, what it reads and what it writes."""

    needs: tuple[str, ...] = ()  # steps that come before
    parameters: tuple[str, ...] = ()  # dotted keys of params.toml that it reads
    columns: tuple[str, ...] = ()  # keys of the data dictionary that it reads
    rooms: tuple[str, ...]  # rooms of the engine that it uses
    inputs: Callable[[Work], list[Path]]
    outputs: Callable[[Work], list[Path]]
    start: Callable[[Work, str], Any]  # runs the module with a key; lines for the record, lists by name, or None
    yours: bool = False  # whether it uses the user's files
    but: tuple[str, ...] = ()  # names of those that it does not use
    also: Callable[[Work], dict[str, Any]] = lambda work: {}  # what else counts, by name


def run(work: Work, verb: str) -> list[str]:
    """Run a step and, before it, those it needs, each only if something that it reads has changed; which had to run."""
    names = chain(work, verb)
    # Scoring a file of its own with a run that is there need not wait until a long training has ended.
    room = "predict" if names == ["predict"] else "steps"
    with lock.alone(work.project.root, verb, name=room, output=work.options.get("output")):
        try:
            ran = [name for name in names if bring_up_to_date(name, work)]
            outputs = work.steps[verb].outputs(work)
        finally:
            work.digests.save()
    if not ran:
        named = ", ".join(work.project.relative(path) for path in outputs)
        logger(verb).info("nothing to do, up to date: %s", named)
    return ran


def logger(verb: str) -> logging.Logger:
    """The log of a step, under its name."""
    return logging.getLogger(f"{package.NAME}.{verb}")


def chain(work: Work, verb: str) -> list[str]:
    """The steps to look at, in order; a run that was named needs no training, and a named input no test split."""
    needs = work.steps[verb].needs
    if work.folder:
        needs = tuple(name for name in needs if name != "train")
        needs += ("features",) if verb in ("evaluate", "predict") and not work.options.get("input") else ()
    before = [step for name in needs for step in chain(work, name)]
    return [*dict.fromkeys(before), verb]


def bring_up_to_date(name: str, work: Work) -> bool:
    """Run one step unless it is up to date; say which it was."""
    step = work.steps[name]
    key, facts = key_of(name, work)
    if name == "train":
        work.folder = registry.find(work.project, key)
    again = name == "data" and work.options.get("infer", False)
    if not again and is_fresh(step, key, work):
        return False
    root, run = work.project.root, name == "train"
    if not (run or again) and cache.take(root, name, key, step.outputs(work)):
        logger(name).info("made before from the same: taken from .cache")
        return True
    described = work.project.dictionary.is_file() and not again
    with alive(name):
        said = step.start(work, key)
    used = registry.read(work.folder)["input_data"] if run and work.folder else inputs_of(step, work)
    if changed := [path for path, digest in facts["inputs"].items() if used.get(path) != digest]:
        if run and work.folder:  # else it would be found under the key of other rows
            artefact.remove(work.folder)
        raise DataError(f"{changed[0]} changed while {name} read it: what came out does not count.\nRun it again.")
    if run:
        return True
    if not described:  # `data` has written the dictionary that it reads
        key, facts = key_of(name, work)
    outputs = step.outputs(work)
    lines = {"decisions": said} if isinstance(said, list) else said if isinstance(said, dict) else {}
    for path in outputs:
        records.record(path, {"step": name, "key": key, **facts, **lines, **git.commit(root)})
    cache.put(root, name, key, outputs)
    return True


def key_of(name: str, work: Work) -> tuple[str, dict[str, Any]]:
    """The fingerprint of all that a step reads, and its parts for the record."""
    step, project = work.steps[name], work.project
    inputs = inputs_of(step, work)
    if missing := [path for path, digest in inputs.items() if digest is None]:
        cure = "Bring it back from a copy or by make pull, or train again."
        raise DataError(f"{missing[0]} is not there, {name} reads it.\n{cure}")
    settings = credentials.masked(asdict(project.settings))
    facts = {
        "inputs": inputs,
        "parameters": {key: functools.reduce(operator.getitem, key.split("."), settings) for key in step.parameters},
        "dictionary": artefact.fingerprint(columns_read(project, step.columns)),
        "code": code_of(name, work),
    }
    facts |= step.also(work)
    return artefact.fingerprint({"step": name, **facts}), facts


def inputs_of(step: Step, work: Work) -> dict[str, str | None]:
    """The digests of the files that a step reads, by their paths; None of one that is not there."""
    return {work.project.relative(path): work.digests.of(path) for path in step.inputs(work)}


def code_of(name: str, work: Work) -> dict[str, str]:
    """Fingerprints of the code of a step: its verb, the user's files that it uses, and the rooms that it uses."""
    step, folder = work.steps[name], work.project.package
    parts = {room: list(package.code(folder / "engine" / room)) for room in step.rooms}
    if step.yours:
        parts["own"] = [path for path in package.yours(folder) if path.name not in step.but]
    if f"{name}.py" not in package.YOURS:
        parts[name] = [folder / f"{name}.py"]
    return {
        part: artefact.fingerprint({path.relative_to(folder).as_posix(): work.digests.of(path) for path in paths})
        for part, paths in parts.items()
    }


def columns_read(project: Project, keys: tuple[str, ...]) -> Any:
    """The part of the data dictionary that a step reads; None while there is no dictionary."""
    path = project.dictionary
    if not path.is_file():
        return None
    columns = dictionary.without(parsed(path, path.stat().st_mtime_ns), project.settings.data.drop)
    return {name: {key: getattr(column, key) for key in keys} for name, column in columns.items()}


@functools.cache
def parsed(path: Path, modified: int) -> dictionary.Dictionary:
    """The data dictionary; read again if it was modified meanwhile, for `data` writes it."""
    return dictionary.load(path)


def is_fresh(step: Step, key: str, work: Work) -> bool:
    """Whether all outputs are there, as they were written, and made from this key."""
    outputs = step.outputs(work)
    for path in outputs:
        of_run = path.name == registry.RECORD and path.is_file()
        about = registry.read(path.parent) if of_run else records.recorded(path)
        if about.get("key") != key:
            return False
        model = {path.parent / name: digest for name, digest in about.get("files", {}).items()}
        for file, expected in (model or {path: about["sha256"]}).items():
            found = work.digests.of(file)
            if found != expected:
                state = "was changed by hand or cut" if found else "is gone"
                said = f"{work.project.relative(file)} {state} since it was made"
                logger("records").warning("%s: it is made again", said)
                return False
    return bool(outputs)
