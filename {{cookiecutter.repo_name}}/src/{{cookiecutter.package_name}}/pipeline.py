"""The graph of the steps, one table: what each needs, reads, writes, and which parameters and code it depends on.

Used by every verb that makes something, with or without make. Whether a step has to run is decided in
`engine/steps/fresh.py`.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .engine.project import records
from .engine.project.credentials import safe_name
from .engine.project.errors import SourceError, missing_file
from .engine.project.settings import PARTS, Project, variable_digests
from .engine.runs import packages, registry
from .engine.sources import source
from .engine.steps.fresh import Step, Work, logger, run

if TYPE_CHECKING:
    from .engine.runs.promote import Check

READ_BY_RECIPE = ("type", "role", "transformation", "separator")
READ_BY_VALIDATE = tuple(
    "type role missing_allowed range values rule decimal thousands unit separator moment missing format".split()
)


def make(project: Project, verb: str, **options: Any) -> list[Path]:
    """Run a step and, before it, those it needs, each only if something that it reads has changed; its outputs.

    `verb` is a key of `STEPS`, the options are those of `Work`.
    """
    folder = chosen_run(project, verb, options.get("run"))
    work = Work(STEPS, project, records.Digests(project.root), options, folder=folder)
    ran = run(work, verb)
    if "train" in ran or "evaluate" in ran:
        from .engine.runs import track

        track.after(project)
    return STEPS[verb].outputs(work)


def promote(project: Project, folder: Path, force: str = "") -> "list[Check]":
    """Put a run through the gate, evaluated first if need be; see `engine/runs/promote.py`."""
    from .engine.runs import promote

    return promote.run(project, folder, evaluate=lambda run: make(project, "evaluate", run=run.name), force=force)


def explain(project: Project, *, row: str, input: Path | None = None, **options: Any) -> str:
    """Say why one row of a file, or of the test split, got its answer; see `engine/runs/explain.py`."""
    input_of({"input": input})
    folder = chosen_run(project, "explain", options.pop("run", ""))
    if folder is None:
        folder = make(project, "train", **options)[0].parent
    elif input is None:
        make(project, "features", **options)
    from .engine.runs import explain

    return explain.run(project, folder, row=row, input=input)


def chosen_run(project: Project, verb: str, name: str | None) -> Path | None:
    """The run that was named, the champion for what uses one; None where the run follows from the parameters."""
    if name:
        return registry.named(project, name)
    champion = registry.champion(project) if verb in ("predict", "explain", "card", "export") else None
    if champion:
        logger(verb).info("the champion %s answers, whatever was edited since; RUN=... asks another", champion.name)
    return champion


def dump_of(work: Work) -> source.Dump:
    """The raw dump, looked for once a command: fetched if it is not here, refused if the source has changed."""
    root, settings, options = work.project.root, work.project.settings.data, work.options
    if work.dump is None and options.get("frozen"):
        work.dump = source.current(root, settings.source)
        if work.dump is None:
            raise SourceError("--frozen: there is no raw dump of the source here.\nFetch it: make data, or make pull.")
    elif work.dump is None:
        asked = {name: options.get(name, False) for name in ("accept", "refresh")}
        terms = source.Terms(settings.sha256, **asked, most=settings.max_gigabytes * 1e9)
        work.dump = source.fetch(root, settings.source, terms, digest=work.digests.of)
    return work.dump


def run_of(work: Work) -> Path:
    """The run at hand: named, or found or made by `train`, which comes before all that ask for it."""
    assert work.folder
    return work.folder


def variables_of_run(work: Work) -> dict[str, Any]:
    """What counts beside files where the features of the run at hand are computed: the variables that it declared."""
    then = registry.read(run_of(work))["environment"].get("variables", {})
    return {"variables": variable_digests(work.project.root, then)}


def report(work: Work, *names: str) -> list[Path]:
    """Files of the report of the run at hand: by default the evaluation, and its answers to the test rows."""
    folder = work.project.root / "reports" / run_of(work).name
    return [folder / name for name in names or ("evaluation.html", registry.ANSWERS)]


def on_the_card(work: Work) -> list[Path]:
    """What a model card quotes: the run, its evaluation, what people wrote, and which run is champion."""
    written = [work.project.root / "docs" / "charter.md", work.project.models / registry.CHAMPION]
    return [*to_pack(work), *report(work), *filter(Path.is_file, written)]


def to_pack(work: Work) -> list[Path]:
    """The model, and what the project says of itself."""
    about = work.project.root / "pyproject.toml"
    return [run_of(work) / registry.MODEL, *([about] if about.is_file() else [])]


def packed(work: Work) -> list[Path]:
    """What `export` writes of the run at hand: a wheel, and ONNX where it was written."""
    from .engine.project import wheel  # with zipfile: 3 ms of a command that has nothing to do

    name, version = wheel.name_and_version(work.project, registry.read(run_of(work)))
    onnx = run_of(work) / registry.ONNX
    also = [onnx] if records.sidecar(onnx).is_file() else []
    return [work.project.root / "dist" / wheel.About(name, version).file, *also]


def rows_to_score(work: Work) -> list[Path]:
    """The model, and the file that `predict` scores."""
    rows, _ = input_of(work.options)
    return [run_of(work) / registry.MODEL, rows or work.project.split("test")]


def input_of(options: Mapping[str, Any]) -> tuple[Path | None, str]:
    """The file that `INPUT` names, if any, and its member, "" for none; what is no file is refused: a pipe may hang."""
    file, member = source.parted(str(options.get("input") or ""))
    if file and not Path(file).is_file():
        raise missing_file(Path(file), "INPUT")
    return (Path(file) if file else None), member


def predictions(work: Work) -> list[Path]:
    """Where `predict` writes: `OUTPUT`, or `data/predictions/<input name>.csv`."""
    rows, member = input_of(work.options)
    if rows and member:
        rows = rows.with_name(f"{rows.name}_{safe_name(member.replace('/', '_'))}")
    return [work.options.get("output") or work.project.predictions(rows)]


def to_divide(work: Work) -> list[Path]:
    """The clean table, and where its rows lay before feedback came."""
    before = [dump.folder / source.SPLIT for dump in source.told(work.project.root) if "split" in dump.card]
    return [work.project.clean, *before]


def start_data(work: Work, key: str) -> list[str]:
    """Turn the raw files into the clean table."""
    from . import data

    return data.run(work.project, dump_of(work), again=work.options.get("infer", False))


def start_features(work: Work, key: str) -> None:
    """Divide the rows and add the user's features."""
    from .engine.steps import features as step
    from .features import add_features

    step.run(work.project, add_features)


def start_train(work: Work, key: str) -> None:
    """Train, and remember the run for the steps that follow."""
    from . import train

    work.folder = train.run(work.project, key=key, message=work.options.get("message", ""))


def start_evaluate(work: Work, key: str) -> dict[str, list[str]]:
    """Score the run at hand and write its report."""
    from . import evaluate

    return evaluate.run(work.project, folder=run_of(work), output=report(work)[0])


def start_predict(work: Work, key: str) -> list[str]:
    """Score a file with the run at hand."""
    from . import predict

    output, named = predictions(work)[0], bool(work.options.get("output"))
    return predict.run(work.project, folder=run_of(work), input=work.options.get("input"), output=output, replace=named)


def start_card(work: Work, key: str) -> None:
    """Write the model card of the run at hand."""
    from .engine.report import card

    card.run(work.project, run_of(work))


def start_export(work: Work, key: str) -> list[str]:
    """Pack the run at hand into one file."""
    from .engine.runs import export

    return export.run(work.project, run_of(work), packed(work)[0])


def start_explore(work: Work, key: str) -> None:
    """Look at the clean table."""
    from . import explore

    explore.run(work.project)


STEPS = {
    "data": Step(
        parameters=("data",),
        columns=READ_BY_VALIDATE,
        rooms=("project", "sources", "columns"),
        also=lambda work: {"by": work.project.settings.split.by} if source.told(work.project.root) else {},
        inputs=lambda work: [file for dump in (dump_of(work), *source.told(work.project.root)) for file in dump.files],
        outputs=lambda work: [work.project.clean],
        start=start_data,
    ),
    "features": Step(
        needs=("data",),
        parameters=("split", "train.task"),
        columns=READ_BY_RECIPE,
        rooms=("project", "sources", "columns", "modelling", "checks", "steps"),
        yours=True,
        but=("models.py",),
        also=lambda work: {"variables": work.project.variables},
        inputs=lambda work: [*to_divide(work), *work.project.also],
        outputs=lambda work: [*map(work.project.split, PARTS), work.project.suspicions],
        start=start_features,
    ),
    "train": Step(
        needs=("features",),
        parameters=("train", "split.by"),
        columns=READ_BY_RECIPE,
        rooms=("project", "columns", "modelling", "runs"),
        yours=True,
        also=lambda work: {"variables": work.project.variables, "packages": packages.pinned(work.project)},
        inputs=lambda work: [*(work.project.split(part) for part in ("train", "dev")), *work.project.also],
        outputs=lambda work: [work.folder / registry.RECORD] if work.folder else [],
        start=start_train,
    ),
    "evaluate": Step(
        needs=("train",),
        parameters=("predict.abstain_below", "predict.error_rate", "decision"),
        columns=("sensitive",),
        rooms=("project", "sources", "columns", "checks", "modelling", "runs", "report"),
        yours=True,
        also=variables_of_run,
        inputs=lambda work: [run_of(work) / registry.MODEL, *map(work.project.split, PARTS)],
        outputs=report,
        start=start_evaluate,
    ),
    "predict": Step(
        needs=("train",),
        parameters=("predict", "decision", "data.read"),
        columns=READ_BY_VALIDATE,
        rooms=("project", "sources", "columns", "modelling", "runs"),
        also=lambda work: {"member": input_of(work.options)[1], **variables_of_run(work)},
        inputs=rows_to_score,
        outputs=predictions,
        start=start_predict,
    ),
    "explore": Step(
        needs=("data",),
        parameters=("data.target", "split", "train.task"),
        columns=("type", "role", "transformation", "description", "values", "separator"),
        rooms=("project", "sources", "columns", "modelling", "checks", "report"),
        also=lambda work: {"decisions": records.recorded(work.project.clean).get("decisions", [])},
        inputs=to_divide,
        outputs=lambda work: [work.project.root / "reports" / "exploration.html"],
        start=start_explore,
    ),
    "card": Step(
        needs=("evaluate",),
        parameters=("predict.abstain_below", "predict.error_rate", "decision"),
        rooms=("project", "columns", "modelling", "runs", "report"),
        also=lambda work: {"scored": registry.scored(work.project)},
        inputs=on_the_card,
        outputs=lambda work: report(work, "model_card.html", "model_card.md"),
        start=start_card,
    ),
    "export": Step(
        needs=("train",),
        parameters=("predict", "decision"),
        columns=READ_BY_VALIDATE,
        rooms=("project", "columns", "modelling", "runs"),
        inputs=to_pack,
        outputs=packed,
        start=start_export,
        also=lambda work: {"onnx": all(map(find_spec, registry.FOR_ONNX))},
    ),
}
