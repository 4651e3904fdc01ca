"""What a run is compared with later: the artefact `reports/<run>/reference.json`, which holds no rows.

    make serve, make monitor

Both make it where the splits of the run are, checked by digest; with the run it goes into an image. Of each column and
of the answers to rows held out in training: quantiles of numbers, shares of kinds and of missing cells.
"""

import json
import logging
from pathlib import Path
from typing import Any

import pandas as pd

from ..engine.columns import dictionary
from ..engine.modelling import confidence, decision
from ..engine.project import artefact, records
from ..engine.project.errors import DataError, ProjectError
from ..engine.project.settings import Project
from ..engine.runs import registry
from . import drift, unusual

log = logging.getLogger(__name__)
VERSION = 2  # of what is in it: one of another version is not read
Profile = dict[str, Any]


def of(project: Project, folder: Path) -> Profile | None:
    """The reference of a run, read if it is there and sound, else made; None, and a line says why, if it cannot be."""
    path = path_of(project, folder)
    try:
        if path.is_file():
            found: Profile = json.loads(records.checked(path).read_text(encoding="utf-8"))
            if found.get("version") == VERSION:
                return found
            log.warning("%s is of version %s, not %s", project.relative(path), found.get("version", 1), VERSION)
    except DataError as error:
        log.warning("%s", error)
    try:
        return make(project, folder)
    except (ProjectError, OSError, ImportError, AttributeError) as error:  # the last two: of another scikit-learn
        log.warning("run %s is compared with no training data: %s", folder.name, error)
        return None


def make(project: Project, folder: Path) -> Profile:
    """Write the reference of a run, `models/<run>`, whole or not at all.

    A `DataError` if the splits that it learned from are not here any more, or it kept no held-out answers.
    """
    record, columns = registry.read(folder), dictionary.load(folder / registry.DICTIONARY)
    train, dev = (split_of(project, record, part) for part in ("train", "dev"))
    held, rows = confidence.held_out(folder), pd.concat([train, dev], ignore_index=True)
    names = [name for name in dictionary.features(columns) if name in rows]
    if held is None:
        raise DataError(f"{folder.name} kept no rows that were held out in training.\nTrain again: make train")
    found: Profile = {
        "version": VERSION,
        "run": folder.name,
        "rows": len(rows),  # that it learned from, train and dev
        "distinct": float((~rows[names].duplicated()).mean()),  # the share of them that differ
        "columns": {name: drift.summary(drift.comparable(rows[name], columns[name])) for name in names},
        "predictions": {name: drift.summary(values) for name, values in said(held, record).items()},
        "unusual": unusual.fit(train, dev, columns),
    }
    path = path_of(project, folder)
    artefact.write_json(path, found)
    names = [project.relative(project.split(part)) for part in ("train", "dev")]
    inputs = {name: record["input_data"][name] for name in names}
    records.record(path, {"step": "reference", "run": folder.name, "inputs": inputs})
    return found


def said(answers: pd.DataFrame, record: dict[str, Any]) -> pd.DataFrame:
    """What is compared of held-out answers: of two classes the probability of the positive, whatever `[decision]` says.

    Nothing of a constant answer, which was another one in each fold and cannot move. The columns are called as those
    of an answer in the log. How sure the answers are of more classes is not compared: a model that has learned from all
    rows is surer than those that held some out. The expected score watches it.
    """
    classes = record["classes"]
    if record["model"]["name"] == "dummy":
        return answers[[]]
    if len(classes) == 2:
        return pd.DataFrame({f"probability_{classes[1]}": decision.of_positive(answers, tuple(classes))})
    return answers[["prediction"]].astype(str) if classes else answers[["prediction"]]


def path_of(project: Project, folder: Path) -> Path:
    """Where the reference of a run lies."""
    return project.root / "reports" / folder.name / "reference.json"


def split_of(project: Project, record: dict[str, Any], part: str) -> pd.DataFrame:
    """A split as a run learned from it, here or where `make reproduce` made it; else a `DataError`."""
    name, run = project.relative(project.split(part)), record["run"]
    again, parts = project.root / ".cache" / "reproduce" / run, project.root.parts
    places = [again.joinpath(*parts[start:]) for start in range(1, len(parts) + 1)]  # of a folder in a repository
    for path in [project.root / name, *(place / name for place in reversed(places))]:
        if path.is_file() and artefact.sha256(path) == record["input_data"].get(name):
            return pd.read_parquet(path)
    cure = f"Make it again (make reproduce RUN={run}), then the reference (make monitor RUN={run}), or make train."
    raise DataError(f"run {run} learned from {name}, which is not here, or is another file now.\n{cure}")
