"""Make a run again, in a folder of its own, and compare bit by bit.

    make reproduce RUN=run [OFFLINE=1]

Reads `models/<run>/` and the raw dump it came from; works in `.cache/reproduce/<run>/`: a git worktree of the run's
commit with its uncommitted changes (without git, the run's own copy of the code), the same raw files by digest, the
same parameters, and an environment built from the run's `requirements.lock` (with OFFLINE the present one).
"""

import filecmp
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from . import artefact, predict, runs, settings, source
from .errors import DataError, ProjectError
from .settings import Project

log = logging.getLogger(__name__)

PREDICTIONS = Path("data/predictions/test.csv")


@dataclass(frozen=True)
class Comparison:
    """One thing that was compared: `what`, whether it is `identical`, and what differs if it is not."""

    what: str
    identical: bool
    found: str = ""


def run(project: Project, folder: Path, *, offline: bool = False) -> list[Comparison]:
    """Train the run again and compare model, metrics and predictions.

    Parameters
    ----------
    project : Project
    folder : Path
        `models/<run>`.
    offline : bool
        Use the present environment instead of building the run's.

    Returns
    -------
    list of Comparison
        `model`, `metrics` and `predictions`; where one differs, also `code`, `data`, `environment` and `parameters`.

    Raises
    ------
    DataError
        A raw file of the run is not here any more.
    ProjectError
        The environment could not be built, or the training failed again.
    """
    record = runs.read(folder)
    place = project.root / ".cache" / "reproduce" / folder.name
    check_out(project, folder, place)
    restore_data(project, folder, place)
    python = sys.executable if offline else build_environment(folder, place)
    log.info("training again in %s%s", project.relative(place), ", in the present environment" if offline else "")
    overrides = [f"--set={key}={toml(value)}" for key, value in record["parameters"]["overrides"].items()]
    call([python, "-m", __package__, "predict", "--frozen", *overrides], place)
    again = newest(place)
    compared = compare(folder, place, again)
    if all(comparison.identical for comparison in compared):
        return compared
    return compared + explain(folder, again)


def render(compared: list[Comparison]) -> str:
    """One line a comparison."""
    return "\n".join(
        f"{comparison.what:<12} {'identical' if comparison.identical else 'differs: ' + comparison.found}"
        for comparison in compared
    )


def check_out(project: Project, folder: Path, place: Path) -> None:
    """Put the run's code, parameters and data dictionary into `place`."""
    record = runs.read(folder)
    forget(project, place)
    try:
        if record["commit"] is None:
            raise subprocess.CalledProcessError(1, "git")
        artefact.git(project.root, "worktree", "add", "--force", "--detach", str(place), record["commit"])
        if (folder / runs.PATCH).is_file() and (folder / runs.PATCH).stat().st_size:
            artefact.git(place, "apply", "--binary", "--whitespace=nowarn", str(folder / runs.PATCH))
        log.info("commit %s%s", record["commit"][:12], " and its changes" if record["dirty"] else "")
    except subprocess.CalledProcessError:
        log.warning("the run's commit is not here: its own copy of the code is used")
        forget(project, place)
        shutil.copytree(folder / runs.CODE, place / "src" / __package__)
        write_parameters(record["parameters"], place / "params.toml")
    shutil.copyfile(folder / runs.DICTIONARY, make_folder(place / "references") / "data_dictionary.toml")


def forget(project: Project, place: Path) -> None:
    """Remove an earlier reproduction."""
    shutil.rmtree(place, ignore_errors=True)
    if (project.root / ".git").exists():
        artefact.git(project.root, "worktree", "prune")


def make_folder(path: Path) -> Path:
    """The folder, made if need be."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_parameters(parameters: Mapping[str, Any], path: Path) -> None:
    """`params.toml` from what the run recorded, before its overrides."""
    lines = []
    for section, values in parameters.items():
        if section != "overrides":
            lines += [f"[{section}]", *(f"{key} = {toml(value)}" for key, value in values.items())]
    artefact.write_text(path, "\n".join(lines) + "\n")


def toml(value: Any) -> str:
    """A JSON value as TOML on one line."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def restore_data(project: Project, folder: Path, place: Path) -> None:
    """Link the raw dump that the run was made from into `place`; by digest, whatever is current now."""
    record = runs.read(folder)
    wanted = {name: digest for name, digest in record["input_data"].items() if name.startswith("data/raw/")}
    for name, digest in wanted.items():
        path = project.root / name
        if not path.is_file() or artefact.sha256(path) != digest:
            raise DataError(
                f"{name} with sha256 {digest[:12]} is not here: the run cannot be made again.\n"
                "Bring the file back, from a colleague's copy of data/raw or from the source."
            )
        dump = make_folder((place / name).parent)
        artefact.link_or_copy(path, place / name)
        shutil.copyfile(path.parent / source.CARD, dump / source.CARD)


def build_environment(folder: Path, place: Path) -> str:
    """The Python of an environment with exactly the packages of the run."""
    python = place / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    call([sys.executable, "-m", "venv", str(place / ".venv")], place)
    call([*find_uv(), "pip", "sync", "--quiet", "--python", str(python), str(folder / runs.LOCK)], place)
    return str(python)


def find_uv() -> list[str]:
    """The command that starts uv: on the PATH or in the present environment."""
    return ["uv"] if shutil.which("uv") else [sys.executable, "-m", "uv"]


def call(command: list[str], place: Path) -> None:
    """Run a command in `place` with its own code in front."""
    environment = {**os.environ, "PYTHONPATH": str(place / "src")}
    done = subprocess.run(command, cwd=place, env=environment, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise ProjectError(f"{' '.join(command[:4])} failed in {place} (exit code {done.returncode}): see above.")


def newest(place: Path) -> Path:
    """The run that was just made in `place`."""
    return sorted(file.parent for file in place.glob(f"models/*/{runs.RECORD}"))[-1]


def compare(folder: Path, place: Path, again: Path) -> list[Comparison]:
    """Model and metrics by their bytes, predictions of the same test rows cell by cell."""
    then, now = runs.read(folder), runs.read(again)
    digest, found = then["files"][runs.MODEL], now["files"][runs.MODEL]
    model = Comparison("model", digest == found, f"sha256 {found[:12]}, was {digest[:12]}")
    metrics = {key: (then["metrics"]["dev"][key], value) for key, value in now["metrics"]["dev"].items()}
    worst = ", ".join(f"{key} {new:.6g}, was {old:.6g}" for key, (old, new) in metrics.items() if old != new)
    return [model, Comparison("metrics", not worst, worst), compare_predictions(folder, place)]


def compare_predictions(folder: Path, place: Path) -> Comparison:
    """Let the old model answer the test rows of the new folder."""
    old = place / "data" / "predictions" / "by-the-run.csv"
    predict.run(settings.load(place), folder=folder, input=None, output=old)
    tables = [pd.read_csv(path, dtype=str).drop(columns="run") for path in (place / PREDICTIONS, old)]
    if tables[0].shape != tables[1].shape:
        return Comparison("predictions", False, f"shape {tables[0].shape}, was {tables[1].shape}")
    rows = int((tables[0].fillna("") != tables[1].fillna("")).any(axis=1).sum())
    return Comparison("predictions", rows == 0, f"{rows} of {len(tables[0])} rows differ")


def explain(folder: Path, again: Path) -> list[Comparison]:
    """Why two runs differ: code, data, environment, parameters."""
    then, now = runs.read(folder), runs.read(again)
    code = filecmp.dircmp(folder / runs.CODE, again / runs.CODE)
    changed = sorted(code.diff_files + code.left_only + code.right_only)
    packages = [record["environment"]["packages"] for record in (then, now)]
    moved = [
        f"{name} {packages[0].get(name)} -> {packages[1].get(name)}"
        for name in sorted({*packages[0], *packages[1]})
        if packages[0].get(name) != packages[1].get(name)
    ]
    inputs = [name for name, digest in then["input_data"].items() if now["input_data"].get(name, digest) != digest]
    parameters = [key for key, value in then["parameters"].items() if now["parameters"].get(key) != value]
    return [
        Comparison("code", not changed, ", ".join(changed)),
        Comparison("data", not inputs, ", ".join(inputs)),
        Comparison("environment", not moved, ", ".join(moved)),
        Comparison("parameters", not parameters, ", ".join(parameters)),
    ]
