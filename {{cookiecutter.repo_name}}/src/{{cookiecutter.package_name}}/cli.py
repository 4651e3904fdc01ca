"""The command line: parses, calls, prints.

    python -m <package> VERB [OPTIONS]

Results go to stdout, the log to stderr. Exit code 2 is a wrong setting or option, 1 any other failure. Modules that
bring others with them are imported inside the commands, so that `--help` and a command with nothing to do stay fast.
"""

import importlib
import json
from pathlib import Path
from typing import Any

import click

from .engine.project import package
from .engine.project.errors import SettingsError, SourceError
from .engine.project.log import results_alone, show
from .engine.project.settings import Project
from .engine.runs import registry
from .engine.steps import chores
from .engine.steps.command import main, option_path, option_run, step, verb

__all__ = ["main"]
THE_CHAMPION = "A run, by its name or the end of it [default: the champion, else that of the present parameters]."


@results_alone()
def make(project: Project, name: str, options: dict[str, Any]) -> list[Path]:
    """Bring a step up to date, and those that it needs; the paths that it wrote."""
    from . import pipeline

    return pipeline.make(project, name, **options)


@verb
def install(project: Project) -> None:
    """Bring .venv to what pyproject.toml and requirements.lock say."""
    from .engine.steps.install import main as install_environment

    raise SystemExit(install_environment([]))


@step
@click.option("--infer", is_flag=True, help="Infer the data dictionary again; what you changed in it stays.")
def data(project: Project, **options: Any) -> list[Path]:
    """Fetch the source, keep it raw, describe it, write data/interim/clean.parquet."""
    return make(project, "data", options)


@step
def features(project: Project, **options: Any) -> list[Path]:
    """Divide the rows and add your features: data/processed/{train,dev,test}.parquet."""
    return make(project, "features", options)


@step
@click.option("--message", default="", help="Why this run is made; kept in run.json.")
def train(project: Project, **options: Any) -> list[Path]:
    """Compare the candidates, keep the best, write models/<run>/."""
    paths = make(project, "train", options)
    if options["message"] and registry.read(paths[0].parent)["decision"] != options["message"]:
        show("train: MESSAGE is not kept: the run is older, and keeps the reason it was made for", err=True)
    return paths


@step
@option_run("A run, by its name or the end of it [default: that of the present parameters].")
def evaluate(project: Project, **options: Any) -> list[Path]:
    """Score a run on the test split and write reports/<run>/evaluation.html."""
    return make(project, "evaluate", options)[::-1]  # the page comes last, where a person looks


@step
@option_path("--input", text="Rows to score, in any kind of file that can be a source [default: the test split].")
@option_path("--output", text="CSV or .xlsx to write, in data/predictions if no folder is named.", bare=True)
@option_run(THE_CHAMPION)
def predict(project: Project, **options: Any) -> list[Path]:
    """Score a file with a run."""
    if options["output"]:
        options["output"] = project.predictions(None).parent / options["output"]
    return make(project, "predict", options)


@step
@click.option("--row", default="", help="An id, or the number of a row from 1.")
@option_path("--input", text="The file that the row is of [default: the test split].")
@option_run(THE_CHAMPION)
def explain(project: Project, **options: Any) -> None:
    """Say why one row got its answer, and what it would be with another value in a column."""
    from . import pipeline

    show(results_alone()(pipeline.explain)(project, **options))


@step
def explore(project: Project, **options: Any) -> list[Path]:
    """Write an interactive report of the clean table: reports/exploration.html."""
    return make(project, "explore", options)


@step
@option_run(THE_CHAMPION)
def card(project: Project, **options: Any) -> list[Path]:
    """Write the model card of a run: reports/<run>/model_card.html and .md."""
    return make(project, "card", options)


@step
@option_run(THE_CHAMPION)
def export(project: Project, **options: Any) -> list[Path]:
    """Pack a run into one file that answers without the project: dist/*.whl, for pip or unzip."""
    return make(project, "export", options)


@verb
@option_run("With --b: say what differs between two runs.", "--a")
@option_run("The other run; a difference reads from a to b.", "--b")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def runs(project: Project, a: str, b: str, as_json: bool) -> None:
    """List all runs, newest first, the best marked; or compare two."""
    if a and b:
        from .engine.runs import compare

        folders = registry.named(project, a), registry.named(project, b)
        found = compare.run(project, *folders)
        show(json.dumps(compare.as_json(*folders, found), indent=2) if as_json else compare.render(*folders, found))
        return
    if a or b:
        raise SettingsError("Two runs are compared: make runs A=run B=run.\nmake runs lists them.")
    from .engine.runs import listing

    table = listing.rows(project)
    show(json.dumps(table, indent=2) if as_json else listing.render(table))


@verb
@option_path("--file", "path", text="A file with a record: predictions, a report, a split, a file of a run.")
def lineage(project: Project, path: Path | None) -> None:
    """Say where a file came from, back to the source."""
    from .engine.runs import lineage

    if path is None:
        raise SettingsError("Which file? Name one, for example: make lineage FILE=data/predictions/test.csv")
    show(lineage.render(lineage.trace(project, path)))


@verb
@option_run()
@click.option("--force", default="", metavar="REASON", help="Promote whatever the gate finds, and why.")
def promote(project: Project, run: str, force: str) -> None:
    """Make a run the champion, if it passes the gate."""
    from . import pipeline

    for check in results_alone()(pipeline.promote)(project, registry.named(project, run), force):
        show(f"{'passed' if check.passed else 'FAILED':<7} {check.name}: {check.found}")


@verb
def rollback(project: Project) -> None:
    """Make the champion before the present one champion again."""
    from .engine.runs import promote

    show(promote.rollback(project).name)


@verb
@option_run()
@click.option("--offline", is_flag=True, help="Use the present environment instead of building the run's.")
def reproduce(project: Project, run: str, offline: bool) -> None:
    """Make a run again in a folder of its own and compare it bit by bit."""
    from .engine.runs import compare, reproduce

    found = reproduce.run(project, registry.named(project, run), offline=offline)
    show(compare.lines(found))
    raise SystemExit(0 if all(comparison.identical for comparison in found) else 1)


@verb
@option_run("This run and its raw files only [default: everything].")
def push(project: Project, run: str) -> list[Path]:
    """Send raw data and runs to the team's store, DATA_STORE."""
    from .engine.runs import share

    return share.push(project, registry.named(project, run) if run else None)


@verb
@option_run("This run and its raw files only [default: everything].")
def pull(project: Project, run: str) -> list[Path]:
    """Fetch raw data and runs from the team's store, DATA_STORE."""
    from .engine.runs import share

    return share.pull(project, run)


@verb
@option_run("This run only [default: all].")
def track(project: Project, run: str) -> None:
    """Send runs to the MLflow server, MLFLOW_TRACKING_URI."""
    from .engine.runs import track

    for sent in track.run(project, registry.named(project, run) if run else None):
        show(sent)


@step
def notebook(project: Project, **options: Any) -> list[Path]:
    """Run the notebooks from top to bottom; pages in reports/notebooks/."""
    make(project, "train", options)
    return chores.notebook(project)


@verb
def docs(project: Project) -> list[Path]:
    """Build the documentation: docs/_build/html/index.html."""
    return [chores.docs(project)]


@step
@click.argument("arguments", nargs=-1)
def test(project: Project, arguments: tuple[str, ...], **options: Any) -> None:
    """Run the tests of your data, features and model; those that need data are skipped where there are none."""
    try:
        make(project, "train", options)
    except SourceError as error:
        show(f"test: no data are here, tests that need them are skipped:\n{error}", err=True)
    chores.call(project, "pytest", *arguments)


for chore in (chores.check, chores.fix, chores.clean):
    verb(chore)

if (package.FOLDER / package.SERVICE).is_dir():  # a part that the project may have been made without
    importlib.import_module(f".{package.SERVICE}.verbs", __package__)
