"""The graph of the steps, and the question whether a step has to run.

A step is up to date when its outputs are on disk with the digests on record, and were made from the same inputs, the
same parameters and the same code. Content decides; times only spare reading a file again. This module imports no
pandas: a command that has nothing to do costs little more than starting Python.
"""

import importlib
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from . import artefact, credentials, dictionary, lock, runs, shelf, source
from .errors import DataError, missing_file
from .settings import PARTS, Project

log = logging.getLogger(__name__)

IMPORT = re.compile(r"^\s*from \.(\w*) import ([\w, ]+|\()", re.MULTILINE)
READ_BY_RECIPE = ("type", "role", "transformation")
READ_BY_CONFORM = tuple("type role missing_allowed range values rule decimal thousands unit missing format".split())


@dataclass
class Work:
    """One command at work: the project, what was asked, and what is known so far.

    Attributes
    ----------
    project : Project
    digests : Digests
    wish : dict
        Options of the command: `run`, `input`, `output`, `message`, `accept`, `refresh`, `frozen`.
    dump : Dump or None
        The raw files, once known.
    folder : Path or None
        The run that answers, once known.
    """

    project: Project
    digests: artefact.Digests
    wish: Mapping[str, Any] = field(default_factory=dict)
    dump: source.Dump | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class Step:
    """A node of the graph: what it needs, what it reads and what it writes.

    Attributes
    ----------
    needs : tuple of str
        Steps that come before.
    parameters : tuple of str
        Dotted keys of `params.toml` that it reads.
    columns : tuple of str
        Keys of the data dictionary that it reads.
    inputs, outputs : callable
        `(Work) -> list of Path`.
    start : callable
        `(Work, key) -> None`: imports the module of the step and runs it.
    carries : tuple of str
        Modules that are not imported, but go into the output: a run takes `features.py` with it.
    """

    needs: tuple[str, ...]
    parameters: tuple[str, ...]
    columns: tuple[str, ...]
    inputs: Callable[[Work], list[Path]]
    outputs: Callable[[Work], list[Path]]
    start: Callable[[Work, str], Any]
    carries: tuple[str, ...] = ()


def make(project: Project, verb: str, **wish: Any) -> list[Path]:
    """Run a step and, before it, those it needs; each only if something that it reads has changed.

    Parameters
    ----------
    project : Project
    verb : str
        A key of `STEPS`.
    **wish
        See `Work`.

    Returns
    -------
    list of Path
        The outputs of the step.
    """
    folder = chosen_run(project, verb, wish.get("run"))
    names = chain(verb, folder, wish)
    # Scoring a file of its own with a run that is there need not wait until a long training has ended.
    room = "predict" if names == ["predict"] else "steps"
    with lock.alone(project.root, verb, name=room, output=wish.get("output")):
        work = Work(project, artefact.Digests(project.root), wish, folder=folder)
        try:
            ran = [name for name in names if bring_up_to_date(name, work)]
            outputs = STEPS[verb].outputs(work)
        finally:
            work.digests.save()
    if "train" in ran or "evaluate" in ran:
        start("track").after(project)
    if not ran:
        named = ", ".join(project.relative(path) for path in outputs)
        logging.getLogger(f"{__package__}.{verb}").info("nothing to do, up to date: %s", named)
    return outputs


def chain(verb: str, folder: Path | None, wish: Mapping[str, Any]) -> list[str]:
    """The steps to look at, in order; a run that was named needs no training, and a named input no test split."""
    needs = STEPS[verb].needs
    if folder:
        needs = tuple(name for name in needs if name != "train")
        needs += ("features",) if verb in ("evaluate", "predict") and not wish.get("input") else ()
    before = [step for name in needs for step in chain(name, folder, wish)]
    return [*dict.fromkeys(before), verb]


def bring_up_to_date(name: str, work: Work) -> bool:
    """Run one step unless it is up to date; say which it was."""
    step = STEPS[name]
    key, facts = key_of(name, work)
    if name == "train":
        work.folder = runs.find(work.project, key)
    if is_fresh(step, key, work):
        return False
    root, run = work.project.root, name == "train"
    if not run and shelf.take(root, name, key, step.outputs(work)):
        logging.getLogger(f"{__package__}.{name}").info("made before from the same: taken from .cache")
        return True
    described = work.project.dictionary.is_file()
    said = step.start(work, key)
    for path in step.inputs(work):
        if work.digests.of(path) != facts["inputs"][work.project.relative(path)]:
            raise DataError(f"{path} changed while {name} read it: what came out does not count.\nRun it again.")
    if run:
        return True
    if not described:  # `data` has written the dictionary that it reads
        key, facts = key_of(name, work)
    outputs = step.outputs(work)
    for path in outputs:
        decisions = {"decisions": said} if isinstance(said, list) else {}
        artefact.record(path, {"step": name, "key": key, **facts, **decisions, **artefact.commit(root)})
    shelf.put(root, name, key, outputs)
    return True


def key_of(name: str, work: Work) -> tuple[str, dict[str, Any]]:
    """The fingerprint of all that a step reads, and its parts for the record."""
    step, project = STEPS[name], work.project
    inputs = {project.relative(path): work.digests.of(path) for path in step.inputs(work)}
    if missing := [path for path, digest in inputs.items() if digest is None]:
        raise DataError(f"{missing[0]} does not exist: {name} cannot read it.")
    facts = {
        "inputs": inputs,
        "parameters": {dotted: parameter(project, dotted) for dotted in step.parameters},
        "dictionary": artefact.fingerprint(columns_read(project.dictionary, step.columns)),
        "code": [code_of(module) for module in (name, *step.carries)],
    }
    return artefact.fingerprint({"step": name, **facts}), facts


def parameter(project: Project, dotted: str) -> Any:
    """The value of a dotted key of `params.toml`, as plain data."""
    value: Any = project.settings
    for word in dotted.split("."):
        value = getattr(value, word)
    return credentials.masked(asdict(value)) if is_dataclass(value) else value


def columns_read(path: Path, keys: tuple[str, ...]) -> Any:
    """The part of the data dictionary that a step reads; None while there is no dictionary."""
    return dictionary.facts(parsed(path, path.stat().st_mtime_ns), *keys) if path.is_file() else None


@cache
def parsed(path: Path, modified: int) -> dictionary.Dictionary:
    """The data dictionary; read again if it was modified meanwhile, for `data` writes it the first time."""
    return dictionary.load(path)


@cache
def code_of(module: str) -> str:
    """The fingerprint of a module, of all that it imports from this package, and of its templates."""
    folder, found, waiting = Path(__file__).parent, {}, [module]
    while waiting:
        name = waiting.pop()
        path = folder / f"{name}.py"
        found[name], imported = module_at(path, path.stat().st_mtime_ns)
        waiting += [other for other in imported if other not in found]
    for template in sorted(folder.glob(f"templates/{module}*")):
        found[template.name] = template.read_text(encoding="utf-8")
    return artefact.fingerprint(found)


@cache
def module_at(path: Path, modified: int) -> tuple[str, list[str]]:
    """The text of a module and the names of those that it imports from this package; most serve several steps."""
    text = path.read_text(encoding="utf-8")
    imports = IMPORT.findall(text)
    words = [word.strip() for origin, names in imports for word in ([origin] if origin else names.split(","))]
    return text, [word for word in words if path.with_name(f"{word}.py").is_file()]


def is_fresh(step: Step, key: str, work: Work) -> bool:
    """Whether all outputs are there, as they were written, and made from this key."""
    outputs = step.outputs(work)
    for path in outputs:
        about = runs.read(path.parent) if path.name == runs.RECORD and path.is_file() else artefact.recorded(path)
        if about.get("key") != key:
            return False
        model = {path.parent / name: digest for name, digest in about.get("files", {}).items()}
        for file, expected in (model or {path: about["sha256"]}).items():
            found = work.digests.of(file)
            if found != expected:
                state = "was changed by hand or cut" if found else "is gone"
                log.warning("%s %s since it was made: it is made again", work.project.relative(file), state)
                return False
    return bool(outputs)


def chosen_run(project: Project, verb: str, name: str | None) -> Path | None:
    """The run that was named, the champion for `predict`; None where the run follows from the parameters."""
    if name:
        return runs.named(project, name)
    champion = runs.champion(project) if verb == "predict" else None
    if champion:
        logging.getLogger(f"{__package__}.{verb}").info("the champion %s answers; RUN=... asks another", champion.name)
    return champion


def raw_files(work: Work) -> list[Path]:
    """The raw files; fetched if they are not there, refused if the source has changed."""
    settings, wish = work.project.settings.data, work.wish
    if wish.get("frozen"):
        work.dump = source.current(work.project.root, settings.source)
    if work.dump is None:
        work.dump = source.fetch(
            work.project.root,
            settings.source,
            sha256=settings.sha256,
            accept=wish.get("accept", False),
            refresh=wish.get("refresh", False),
            digest=work.digests.of,
        )
    return list(work.dump.files)


def run_record(work: Work) -> list[Path]:
    """`run.json` of the run at hand, if there is one yet."""
    return [work.folder / runs.RECORD] if work.folder else []


def model_file(work: Work) -> list[Path]:
    """The model of the run at hand."""
    return [work.folder / runs.MODEL]


def report(work: Work) -> list[Path]:
    """The evaluation report of the run at hand, and its answers to the test rows."""
    folder = work.project.root / "reports" / work.folder.name
    return [folder / "evaluation.html", folder / runs.ANSWERS]


def rows_to_score(work: Work) -> list[Path]:
    """The model, and the file that `predict` scores."""
    rows = work.wish.get("input")
    if rows and not rows.is_file():  # to open a pipe would wait for ever
        raise missing_file(rows, "INPUT")
    return [*model_file(work), rows or work.project.split("test")]


def predictions(work: Work) -> list[Path]:
    """Where `predict` writes: `OUTPUT`, or `data/predictions/<input name>.csv`."""
    return [work.wish.get("output") or work.project.predictions(work.wish.get("input"))]


def start(name: str) -> Any:
    """The module of a step, imported when it has to run."""
    return importlib.import_module(f".{name}", __package__)


def start_train(work: Work, key: str) -> None:
    """Train, and remember the run for the steps that follow."""
    work.folder = start("train").run(work.project, key=key, message=work.wish.get("message", ""))


STEPS = {
    "data": Step(
        needs=(),
        parameters=("data",),
        columns=READ_BY_CONFORM,
        inputs=raw_files,
        outputs=lambda work: [work.project.clean],
        start=lambda work, key: start("data").run(work.project, work.dump),
    ),
    "features": Step(
        needs=("data",),
        parameters=("split",),
        columns=("type", "role", "transformation"),
        inputs=lambda work: [work.project.clean],
        outputs=lambda work: [*map(work.project.split, PARTS), work.project.suspicions],
        start=lambda work, key: start("features").run(work.project),
    ),
    "train": Step(
        needs=("features",),
        parameters=("train", "split.by", "predict.cost_false_positive", "predict.cost_false_negative"),
        columns=READ_BY_RECIPE,
        inputs=lambda work: [work.project.split(part) for part in ("train", "dev")],
        outputs=run_record,
        start=start_train,
        carries=("features", "conform"),
    ),
    "evaluate": Step(
        needs=("train",),
        parameters=("predict.abstain_below", "predict.error_rate"),
        columns=(),
        inputs=lambda work: [*model_file(work), work.project.split("test")],
        outputs=report,
        start=lambda work, key: start("evaluate").run(work.project, folder=work.folder, output=report(work)[0]),
    ),
    "predict": Step(
        needs=("train",),
        parameters=("predict", "data.read"),
        columns=READ_BY_CONFORM,
        inputs=rows_to_score,
        outputs=predictions,
        start=lambda work, key: start("predict").run(
            work.project,
            folder=work.folder,
            input=work.wish.get("input"),
            output=predictions(work)[0],
            replace=bool(work.wish.get("output")),
        ),
    ),
    "explore": Step(
        needs=("data",),
        parameters=("data.target", "split"),
        columns=("type", "role", "transformation", "description"),
        inputs=lambda work: [work.project.clean],
        outputs=lambda work: [work.project.root / "reports" / "exploration.html"],
        start=lambda work, key: start("explore").run(work.project),
    ),
}
