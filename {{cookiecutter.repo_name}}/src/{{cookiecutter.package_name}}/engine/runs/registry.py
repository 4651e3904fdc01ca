"""Runs: one folder a trained model, `models/<run>/`, that can be read with `ls` and `cat`.

    make runs

A run holds `run.json`, `model.pkl`, `held_out.parquet` (its answers to rows it had not seen), `row_digests.parquet`
and `usual_values.parquet` (what it remembers of the rows it learned from), `trials.csv` (what was searched, if
anything), `data_dictionary.toml`, `requirements.lock` (the exact environment), `changes.patch` if the tree was dirty,
and `code/`: the package as it was on the day of training, so that the model predicts the same whatever is edited
afterwards. Every file is checked against the digests in `run.json` before anything in it is loaded.
"""

import contextlib
import glob
import logging
from collections.abc import Container, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..columns.dictionary import Dictionary, by_role
from ..project import artefact, records
from ..project.errors import DataError, SettingsError
from ..project.settings import RECORD, Project

log = logging.getLogger(__name__)
MODEL = "model.pkl"
MODELS = "models"
ONNX, FOR_ONNX = "model.onnx", ("onnx", "onnxruntime")  # the packages that `export` writes it with
DICTIONARY = "data_dictionary.toml"
CODE = "code"
PATCH = "changes.patch"
CHAMPION = "champion.json"
ANSWERS = "test_answers.parquet"
LABEL_ERRORS = "label_errors.csv"
SHOWN_DIGITS = 12  # of a digest or a commit
TIME = "%Y-%m-%d-%H%M%S"
ONE_SECOND, ONE_MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def folders(project: Project) -> list[Path]:
    """The folders of all finished runs, newest first."""
    return sorted((file.parent for file in project.models.glob(f"*/{RECORD}")), reverse=True)


def read(folder: Path) -> dict[str, Any]:
    """`run.json` of a run."""
    cure = f"Bring it back from a copy, or move {folder.name} out of {folder.parent.name}/ and train again."
    return records.read_or_refuse(folder / RECORD, f"{folder / RECORD} cannot be read", cure)


def write(folder: Path, record: Mapping[str, Any]) -> None:
    """Write `run.json`, whole and sealed: `read` refuses it when it was cut or edited."""
    artefact.write_json(folder / RECORD, records.sealed(record))


def sound(folder: Path) -> dict[str, Any] | None:
    """`run.json` of a run, or None if it is damaged, which is said: one damaged run must not stop the others."""
    try:
        return read(folder)
    except DataError as error:
        log.warning("%s", error)
        return None


def new_name(project: Project, key: str, started: datetime) -> str:
    """The name of a new run: the time and the first 8 digits of the key.

    Names sort by time. A clock that was put back, or two runs in a second, must not make an older run the newest: the
    name is then a second later than that of the newest run. `started` in `run.json` is what the clock said.
    """
    times = [started - ONE_SECOND]
    for path in project.models.glob("*"):
        with contextlib.suppress(ValueError):  # it is called otherwise
            times.append(datetime.strptime(path.name[: len("2026-01-31-235959")], TIME).replace(tzinfo=UTC))
    earliest = max(times) + ONE_SECOND
    if earliest - started > ONE_MINUTE:
        log.warning("the clock says %s, which is before the newest run: is it right?", started.strftime(TIME))
    return f"{max(started, earliest).strftime(TIME)}-{key[:8]}"


def find(project: Project, key: str) -> Path | None:
    """The newest run that was made from exactly these inputs, parameters and code; None if there is none."""
    for folder in folders(project):
        if folder.name.endswith(f"-{key[:8]}") and (record := sound(folder)) and record["key"] == key:
            return folder
    return None


def named(project: Project, name: str) -> Path:
    """The folder of a run by its name or the end of it; a `SettingsError` if no run, or several, have that name."""
    found = [folder for folder in folders(project) if name and folder.name.endswith(name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(folder.name for folder in found or folders(project)[:5]) or "none yet: make train"
    wrong = f"{len(found)} runs are called {name!r}." if name else "Which run? Name one: RUN=..."
    raise SettingsError(f"{wrong}\n{'Name more of it' if found else 'Known, newest first'}: {known}.")


def history(project: Project) -> list[dict[str, Any]]:
    """Every change of the champion, oldest first; a `DataError` if `models/champion.json` is damaged."""
    path = project.models / CHAMPION
    if not path.is_file():
        return []
    cure = "Bring it back from a copy, or delete it and name the champion again: make promote RUN=... FORCE='why'"
    return records.read_or_refuse(path, f"{project.relative(path)} cannot be read", cure)["history"]


def champion(project: Project) -> Path | None:
    """The folder of the promoted run; None while none was promoted. A `DataError` if it is gone."""
    changes = history(project)
    if not changes:
        return None
    folder = project.models / changes[-1]["run"]
    if not (folder / RECORD).is_file():
        cure = "Bring its folder back, or choose another one: make rollback, or make promote RUN=... FORCE='why'"
        raise DataError(f"The champion {folder.name} is not in {project.relative(project.models)}/ any more.\n{cure}")
    return folder


def raw_files(project: Project, record: Mapping[str, Any]) -> dict[str, Path | None]:
    """Where each raw file of a run is now, by its name on record; None where its digest is nowhere in `data/raw/`.

    A dump is named after the day it was fetched: on another machine the same bytes lie in another folder.
    """
    found: dict[str, Path | None] = {}
    for name, digest in record["input_data"].items():
        if name.startswith("data/raw/"):
            path = project.root / name
            places = [path, *path.parent.parent.glob(f"*/{glob.escape(path.name)}")]
            same = (place for place in places if place.is_file() and artefact.sha256(place) == digest)
            found[name] = next(same, None)
    return found


def found_by_digest(project: Project, record: Mapping[str, Any]) -> dict[str, Path]:
    """The raw files of a run, by the name on record; a `DataError` if one is not here as it was."""
    raw = raw_files(project, record)
    if gone := [name for name, path in raw.items() if path is None]:
        state = "was changed" if (project.root / gone[0]).is_file() else "is not here"
        found = f"{gone[0]} {state}: no file in data/raw has its sha256 {record['input_data'][gone[0]][:12]}"
        cure = f"{record['run']} cannot be made again without it"
        raise DataError(f"{found}.\nBring it back, from a colleague's copy of data/raw or from the source: {cure}.")
    return {name: path for name, path in raw.items() if path}


def scored(project: Project) -> dict[str, str]:
    """The divisions on whose test rows runs were scored, as `split_of` names them, by the name of the run."""
    known = [one for one in map(sound, folders(project)) if one and "test" in one["metrics"]]
    return {one["run"]: one["metrics"]["test"].get("split") or split_of(one) for one in known}


def split_of(record: Mapping[str, Any]) -> str:
    """What names the division of the rows that a run was scored on, whatever its features: 8 digits."""
    table = record["input_data"].get("data/interim/clean.parquet")
    return artefact.fingerprint([table, record["parameters"]["split"]])[:8]


def columns_seen(record: Mapping[str, Any]) -> list[str]:
    """The columns that the model of a run sees."""
    return [name for names in record["features"].values() for name in names]


def lacking(columns: Dictionary, rows: Container[str]) -> list[str]:
    """The columns that a run with this data dictionary needs and `rows` lacks."""
    made = {name: getattr(column, "moment", ()) for name, column in columns.items()}  # runs of old do not know it
    wanted = by_role(columns, "feature", "time")
    return [name for name in wanted if name not in rows and not made[name]]
