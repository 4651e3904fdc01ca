"""Score a table with a run.

    make predict [INPUT=file] [OUTPUT=file] [RUN=run]

Reads a file of any kind that `data` reads (default: the test split without its target), checks it against the data
dictionary, writes CSV: the id columns, `prediction`, `probability` and one column a class (classification),
`confident`, `run`.
"""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from . import artefact, confidence, dictionary, read, runs, threshold
from .confidence import Band
from .errors import DataError, SettingsError
from .models import threads
from .runs import Run
from .settings import Project

log = logging.getLogger(__name__)

LAST_COLUMNS = b"confident,run"
CLASSES_SHOWN = 20  # with more classes, a column for each would hide the answer


def run(project: Project, *, folder: Path, input: Path | None, output: Path, replace: bool = True) -> list[str]:
    """Score `input` with the run in `folder` and write `output`.

    Parameters
    ----------
    project : Project
    folder : Path
        `models/<run>`.
    input : Path or None
        The rows; None takes the test split.
    output : Path
        A CSV file, written whole or not at all.
    replace : bool
        Whether the predictions of another input may be replaced: where the user named `output`.

    Returns
    -------
    list of str
        What was decided and found in the input, one line each, for the record of the predictions.

    Raises
    ------
    DataError
        The input does not fit the data dictionary; nothing is written.
    """
    check_output(output)
    if not replace:
        check_same_input(project, input, output)
    model = runs.load(folder)
    check_costs(project, model)
    limits = confidence.limits(folder, project.settings.predict)
    rows, said = (test_rows(project, model), []) if input is None else read_rows(project, model, input)
    for text in said:
        log.info("%s", text)
    with threads(len(rows)):
        table = answer(model, rows, abstain_below=limits.least, band=limits.band)
    with artefact.whole(output) as path:
        table.to_csv(path, index=False)
    if limits.least > 1:
        text = "error_rate %g cannot be shown on the rows held out in training: no row is confident. The least is %.2f"
        log.warning(text, project.settings.predict.error_rate, confidence.least_rate(confidence.held_out(folder)))
    if limits.band and np.isinf(limits.band.reach).any():
        text = "too few rows were held out in training to hold error_rate %g: low and high are infinite for some"
        log.warning(text, project.settings.predict.error_rate)
    unsure = int((~table["confident"]).sum())
    log.info("%d rows, %d not confident, run %s -> %s", len(table), unsure, model.name, project.relative(output))
    return said


def check_costs(project: Project, model: Run) -> None:
    """Say so where the run decides by other costs than `[predict]` names now: the threshold is part of the model."""
    then, wish = threshold.costs_of(model.record), project.settings.predict
    now = wish.cost_false_positive, wish.cost_false_negative
    if then[0] * now[1] != then[1] * now[0]:
        text = "run %s decides by the costs it was trained with, %g and %g, not by %g and %g: train again to change it"
        log.warning(text, model.name, *then, *now)


def check_output(path: Path) -> None:
    """Refuse to write anything but CSV, or over anything but predictions."""
    if path.suffix.lower() != ".csv":
        raise SettingsError(f"OUTPUT={path.name}: predictions are written as CSV.\nAllowed: a name that ends in .csv.")
    if path.exists() and not path.is_file():
        raise SettingsError(f"OUTPUT={path} is no ordinary file.\nName another OUTPUT.")
    if path.is_file():
        with path.open("rb") as file:
            if not file.readline().rstrip().endswith(LAST_COLUMNS):
                raise DataError(f"{path} exists and holds no predictions: it is not overwritten.\nName another OUTPUT.")


def check_same_input(project: Project, input: Path | None, output: Path) -> None:
    """Refuse to replace the predictions of one file by those of another."""
    scored = project.relative(input or project.split("test"))
    inputs = artefact.recorded(output).get("inputs", {}) if output.is_file() else {}
    before = [path for path in inputs if not path.endswith(f"/{runs.MODEL}")]
    if before and scored not in before:
        raise DataError(
            f"{project.relative(output)} holds the predictions of {before[0]}, not of {scored}.\n"
            "It is not overwritten: name another OUTPUT, or remove it."
        )


def test_rows(project: Project, model: Run) -> pd.DataFrame:
    """The test split as it was before features were added, without its target."""
    test = pd.read_parquet(artefact.checked(project.split("test")))
    check_left_out(project, model, test, "test")
    rows, _ = model.conform(test[[n for n in test if n in model.columns]], model.columns, where="test", target=False)
    return rows


def read_rows(project: Project, model: Run, path: Path) -> tuple[pd.DataFrame, list[str]]:
    """Read a file and make it conform to the run's columns under the rules of the present dictionary."""
    table = read.table(path, project.settings.data.read)
    check_left_out(project, model, table.frame, path.name)
    columns = rules_of_today(model.columns, project.dictionary)
    rows, warnings = model.conform(table.frame, columns, where=path.name, first_row=table.first_row, target=False)
    return rows, [*table.decisions, *warnings]


def check_left_out(project: Project, model: Run, rows: pd.DataFrame, where: str) -> None:
    """Refuse rows without a column that the run needs and the project has left out since: to add it is no cure."""
    lacking = runs.lacking(model.columns, rows)
    if lacking and project.dictionary.is_file():
        wanted = dictionary.by_role(dictionary.load(project.dictionary), "feature", "time")
        if left_out := ", ".join(repr(name) for name in lacking if name not in wanted):
            raise DataError(
                f"{where} lacks {left_out}: run {model.name} was trained with it, the project leaves it out now.\n"
                "Let a run answer that does without: make train, make predict RUN=...; for good: make promote RUN=..."
            )


def rules_of_today(columns: dict, path: Path) -> dict:
    """The columns of the run, with ranges, categories and rules as the dictionary has them now."""
    if not path.is_file():
        return columns
    today = dictionary.load(path)
    same = [name for name in columns if name in today and today[name].type == columns[name].type]
    return {**columns, **{name: today[name] for name in same if today[name].role == columns[name].role}}


def answer(model: Run, rows: pd.DataFrame, *, abstain_below: float, band: Band | None = None) -> pd.DataFrame:
    """What a run says of rows.

    Parameters
    ----------
    model : Run
    rows : DataFrame, shape (n_rows, n_columns)
        Typed by the data dictionary, without the target.
    abstain_below : float
        In [0, 1], or infinite: a classification with a lower probability is not confident.
    band : Band, optional
        How far from a predicted number the truth may be; it adds `low` and `high`.

    Returns
    -------
    DataFrame, shape (n_rows, n_ids + ...)
        The id columns (or `row`, counted from 1) and that of a group (`<name> (id)` where one is named like what
        follows), `prediction`, for classes `probability` (of the prediction, 0-1) and `probability_<class>`, for
        numbers with a band `low` and `high` (in the target's unit), then `confident` (for numbers: within the range of
        the training target) and `run`.
    """
    table = pd.DataFrame(index=range(len(rows)))
    features = model.add_features(rows)
    if model.record["task"] == "regression":
        table["prediction"] = model.model.predict(features)
        if band:
            table["low"], table["high"] = band.of(table["prediction"].to_numpy())
        low, high = model.record["target_range"]
        table["confident"] = table["prediction"].between(low, high)
    else:
        probabilities = model.model.predict_proba(features)
        places = threshold.places(model.model, probabilities)
        table["prediction"] = model.model.classes_[places]
        table["probability"] = probabilities[np.arange(len(rows)), places]
        if len(model.model.classes_) <= CLASSES_SHOWN:
            for index, label in enumerate(model.model.classes_):
                table[f"probability_{label}"] = probabilities[:, index]
        table["confident"] = table["probability"] >= abstain_below
    table["run"] = model.name
    ids, groups = ([n for n in dictionary.by_role(model.columns, role) if n in rows] for role in ("id", "group"))
    before = rows[ids].reset_index(drop=True) if ids else pd.DataFrame({"row": np.arange(1, len(rows) + 1)})
    before = before.join(rows[groups].reset_index(drop=True))
    return before.rename(columns={name: f"{name} (id)" for name in before if name in table}).join(table)
