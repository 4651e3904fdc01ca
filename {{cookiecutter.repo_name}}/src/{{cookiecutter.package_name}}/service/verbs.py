"""The verbs of the service on the command line; `cli.py` adds them where this folder is."""

import importlib
import signal
import sys
from pathlib import Path
from typing import Any

import click

from ..engine.project import package
from ..engine.project.log import show
from ..engine.project.settings import Project
from ..engine.steps.command import option_path, option_run, verb


@verb
def serve(project: Project) -> None:
    """Answer over HTTP with the champion, and keep a log of it: [serve] in params.toml."""
    # The first process of a container ignores every signal that it has no function for, and the import takes seconds.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    from . import serve

    serve.run(project)


@verb
@option_path("--input", text="A table with the truth: a column id (of the answer), or key columns, and the target.")
@click.option("--partly", is_flag=True, help="Take the rows that can be taken; without it, all or none.")
def feedback(project: Project, **options: Any) -> None:
    """Take what turned out to be true of logged answers from a file."""
    from . import feedback

    show(feedback.run(project, **options))


@verb
def label(project: Project) -> None:
    """Choose the rows most worth a person's minute, from the log and data/external/unlabelled/: [label]."""
    from . import label

    show(label.run(project))


@verb
@click.option("--id", "ids", multiple=True, metavar="ID", help="This answer only [default: all that are logged].")
@option_run("Let this run answer, instead of the one that did.")
def replay(project: Project, ids: tuple[str, ...], run: str) -> None:
    """Score logged rows again: the same bits, or what differs and why."""
    from . import replay

    text, same = replay.run(project, ids=ids, name=run)
    show(text)
    raise SystemExit(0 if same else 1)


@verb
@click.option("--key", default="", metavar="COLUMN=VALUE", help="Whose rows: email=ada@example.org.")
def forget(project: Project, key: str) -> None:
    """Delete a person's rows from the log of the service, and say what that cannot reach."""
    from . import forget

    show(forget.run(project, key=key))


@verb
@option_path("--input", text="A table: a run answers it, and is looked at [default: the newest answers in the log].")
@option_run("Look at the answers of this run [default: the champion].")
def monitor(project: Project, input: Path | None, run: str) -> None:
    """Say whether the model is still well: reports/monitoring.html; exit code 1 if an alarm of [monitor] fires."""
    from . import monitor

    page, alarms = monitor.run(project, input=input, name=run)
    show("\n".join([*alarms, project.relative(page)]))
    raise SystemExit(1 if alarms else 0)


@verb
def retrain(project: Project) -> None:
    """Make a run from what people said of answers; it becomes champion if it passes the gate."""
    from . import retrain

    pipeline = importlib.import_module(f"{package.NAME}.pipeline")  # the front: nothing else of the service knows it
    for line in retrain.run(project, pipeline.make, pipeline.promote):
        show(f"retrain: {line}")
