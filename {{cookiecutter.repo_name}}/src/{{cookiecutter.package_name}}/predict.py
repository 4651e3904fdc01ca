"""Score a table with a run.

    make predict [INPUT=file] [OUTPUT=file] [RUN=run]

Reads a file of any kind that `data` reads (default: the test split without its target), checks it against the data
dictionary, writes CSV or Excel: the id columns, `prediction`, `probability` and one column a class (classification),
`confident`, `run`; and, if there are any, the lines that are in no row beside it, `<output name>_set_aside.csv`.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from .engine.columns import dictionary
from .engine.columns.validate import validate
from .engine.modelling import confidence, decision
from .engine.modelling.estimators import threads
from .engine.modelling.recipe import as_in_use
from .engine.project import artefact, records, spreadsheet
from .engine.project.errors import DataError, SettingsError
from .engine.project.settings import Project
from .engine.runs import answers, loading, registry, training_rows
from .engine.sources.source import parted

log = logging.getLogger(__name__)


def run(project: Project, *, folder: Path, input: Path | None, output: Path, replace: bool = True) -> list[str]:
    """Score `input` with the run in `folder`, `models/<run>`, and write `output`, CSV or Excel, whole or not at all.

    The input, of an archive, has `?member=` behind it; None takes the test split. Predictions of another input are
    replaced where `replace` says so: the user named `output`. Returned is what was decided and found in the input, one
    line each, for the record; a `DataError`, and nothing is written, if the input does not fit the data dictionary.
    """
    check_output(output)
    if not replace:
        check_same_input(project, input and Path(parted(str(input))[0]), output)
    model = loading.load(folder)
    policy = decision.policy(folder, model.record, project.settings.predict, project.settings.decision)
    called = policy.decision.rows
    aside = output.with_name(f"{output.stem}_set_aside.csv")
    if input is None:
        rows, decisions = answers.test_rows(project, model), list[str]()
    else:
        rows, decisions = answers.read_rows(project, model, input, aside)
        decisions += training_rows.emptied(folder, rows)
    for line in decisions:
        log.info("%s", line)
    with threads(len(rows)):
        table = answers.answered(folder, model, rows, policy)
    answers.say_what_is_known(model.name, table)
    if policy.decision.capacity:
        table = table.sort_values("rank")
        log.info("sorted, what to act on first: %d of %d %s", (table["act"] == "yes").sum(), len(table), called)
    if policy.level is not None:
        log.info("[decision]: '%s' from a probability of %.3g on", model.record["classes"][1], policy.level)
    decisions += write(output, table)
    say_what_cannot_be_held(policy, project.settings.predict.error_rate)
    unsure = int((~table["confident"]).sum())
    about = (len(table), called, unsure, model.name, project.relative(output))
    log.info("%d %s, %d not confident, run %s -> %s", *about)
    return decisions


def write(output: Path, table: pd.DataFrame) -> list[str]:
    """Write predictions as CSV or as a workbook; what was changed in them for spreadsheets, if anything."""
    with artefact.whole(output) as path:
        if output.suffix.lower() == ".xlsx":
            spreadsheet.write_workbook(path, table)
            return []
        changed = spreadsheet.write(path, table)
    if not changed:
        return []
    log.warning("%s", spreadsheet.SAID.format(changed))
    return [spreadsheet.SAID.format(changed)]


def say_what_cannot_be_held(policy: decision.Policy, rate: float) -> None:
    """Warn where the rows that were held out in training cannot show the wanted error rate."""
    limits = policy.limits
    if limits.least > 1:
        said = "error_rate %g cannot be shown on the rows held out in training: no row is confident. The least is %.2f"
        log.warning(said, rate, confidence.least_rate(policy.held))
    if limits.band and np.isinf(limits.band.reach).any():
        said = "too few rows were held out in training to hold error_rate %g: low and high are infinite for some"
        log.warning(said, rate)


def own(folder: Path) -> tuple[dictionary.Dictionary, Callable, Callable]:
    """The door into a run, `models/<run>`, called in its own copy of this package: its columns, features and rules."""
    from .features import add_features  # not above: a slip in today's features stops no run that is older

    like = {name: kind for kind, names in registry.read(folder)["features"].items() for name in names}
    columns = dictionary.load(folder / registry.DICTIONARY)
    return columns, as_in_use(add_features, columns, like), validate


def check_output(path: Path) -> None:
    """Refuse to write anything but CSV and Excel, or over anything but predictions."""
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        cure = "Allowed: a name that ends in .csv or .xlsx."
        raise SettingsError(f"OUTPUT={path.name}: predictions are written as CSV or Excel.\n{cure}")
    if path.exists() and not path.is_file():
        raise SettingsError(f"OUTPUT={path} is no ordinary file.\nName another OUTPUT.")
    if path.is_file():
        with path.open("rb") as file:
            ours = file.readline().rstrip().endswith(b"confident,run")
        if not (ours if kind == ".csv" else records.recorded(path).get("step") == "predict"):
            raise DataError(f"{path} exists and holds no predictions: it is not overwritten.\nName another OUTPUT.")


def check_same_input(project: Project, input: Path | None, output: Path) -> None:
    """Refuse to replace the predictions of one file by those of another."""
    scored = project.relative(input or project.split("test"))
    inputs = records.recorded(output).get("inputs", {}) if output.is_file() else {}
    before = [path for path in inputs if not path.endswith(f"/{registry.MODEL}")]
    if before and scored not in before:
        cure = "It is not overwritten: name another OUTPUT, or remove it."
        raise DataError(f"{project.relative(output)} holds the predictions of {before[0]}, not of {scored}.\n{cure}")
