"""Runs: one folder a trained model, `models/<run>/`, that can be read with `ls` and `cat`.

    make runs

A run holds `run.json`, `model.pkl`, `data_dictionary.toml`, `requirements.lock` (the exact environment),
`changes.patch` if the tree was dirty, and `code/`: the package as it was on the day of training, so that the model
predicts the same whatever is edited afterwards. Every file is checked against the digests in `run.json` before anything
in it is loaded.
"""

import importlib
import importlib.util
import json
import pickle
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from . import artefact, errors
from .errors import DataError, SettingsError
from .settings import Project

RECORD = "run.json"
MODEL = "model.pkl"
DICTIONARY = "data_dictionary.toml"
CODE = "code"
LOCK = "requirements.lock"
PATCH = "changes.patch"
CHAMPION = "champion.json"


@dataclass(frozen=True)
class Run:
    """A run that was loaded and can answer.

    Attributes
    ----------
    name : str
    record : dict
        `run.json`.
    model : estimator
        Fitted; takes rows after `add_features`.
    columns : Dictionary
        The data dictionary of the run.
    add_features, conform : callable
        `features.add_features` and `conform.conform` as they were when the model was trained.
    """

    name: str
    record: dict[str, Any]
    model: Any
    columns: dict
    add_features: Callable
    conform: Callable


def folders(project: Project) -> list[Path]:
    """The folders of all finished runs, newest first."""
    return sorted((file.parent for file in project.models.glob(f"*/{RECORD}")), reverse=True)


def read(folder: Path) -> dict[str, Any]:
    """`run.json` of a run."""
    try:
        return json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / RECORD} cannot be read: {error}.\nThe run is damaged; train again.") from None


def find(project: Project, key: str) -> Path | None:
    """The run that was made from exactly these inputs, parameters and code; None if there is none."""
    matching = sorted(project.models.glob(f"*-{key[:8]}/{RECORD}"), reverse=True)
    return next((file.parent for file in matching if read(file.parent)["key"] == key), None)


def named(project: Project, name: str) -> Path:
    """The folder of a run by its name or the end of it.

    Raises
    ------
    SettingsError
        No run, or more than one, has that name.
    """
    found = [folder for folder in folders(project) if folder.name == name or folder.name.endswith(name)]
    if len(found) != 1:
        known = ", ".join(folder.name for folder in folders(project)[:5]) or "none yet: make train"
        raise SettingsError(f"{len(found)} runs are called {name!r}.\nKnown, newest first: {known}.")
    return found[0]


def history(project: Project) -> list[dict[str, Any]]:
    """Every change of the champion, oldest first; see `promote.py`."""
    path = project.models / CHAMPION
    return json.loads(path.read_text(encoding="utf-8"))["history"] if path.is_file() else []


def champion(project: Project) -> Path | None:
    """The folder of the promoted run; None while none was promoted."""
    changes = history(project)
    return named(project, changes[-1]["run"]) if changes else None


def load(folder: Path) -> Run:
    """Check every file of a run and load its model with the code it was trained with.

    Parameters
    ----------
    folder : Path
        `models/<run>`.

    Raises
    ------
    DataError
        A file is missing, or is not the one that was written.
    """
    record = read(folder)
    for name, expected in record["files"].items():
        path = folder / name
        if not path.is_file() or artefact.sha256(path) != expected:
            state = "was changed" if path.is_file() else "is missing"
            raise DataError(f"{path} {state} since the run was made: it is not loaded.\nTrain again, or restore it.")
    code = load_code(folder)
    with (folder / MODEL).open("rb") as file:
        model = OwnCode(file, code.__name__).load()
    own = {name: importlib.import_module(f"{code.__name__}.{name}") for name in ("dictionary", "features", "conform")}
    columns = own["dictionary"].load(folder / DICTIONARY)
    return Run(folder.name, record, model, columns, own["features"].add_features, own["conform"].conform)


def load_code(folder: Path) -> ModuleType:
    """Import the run's copy of the package under a name of its own, beside the present one."""
    alias = f"{__package__}_run_{folder.name.replace('-', '_')}"
    if alias not in sys.modules:
        code = folder / CODE
        spec = importlib.util.spec_from_file_location(
            alias, code / "__init__.py", submodule_search_locations=[str(code)]
        )
        sys.modules[alias] = module = importlib.util.module_from_spec(spec)
        sys.modules[f"{alias}.errors"] = errors  # so that its errors are caught as ours
        spec.loader.exec_module(module)
    return sys.modules[alias]


class OwnCode(pickle.Unpickler):
    """Unpickle with the package's classes and functions taken from the run's own copy.

    Parameters
    ----------
    file : binary file
        Its digest has been checked.
    alias : str
        The name under which `load_code` imported the copy.
    """

    def __init__(self, file, alias: str) -> None:
        super().__init__(file)
        self._alias = alias

    def find_class(self, module: str, name: str):
        """Look a global up, in the run's copy if it is the package's."""
        if module.split(".")[0] == __package__:
            module = self._alias + module[len(__package__) :]
            importlib.import_module(module)
        return super().find_class(module, name)


def rows(project: Project) -> list[dict[str, Any]]:
    """What the table of runs shows, newest first.

    Returns
    -------
    list of dict
        `run`, `model`, `metric` (name), `dev` (its value on rows not fitted on), `test` and `interval` (None before
        `evaluate`), `dummy`, `data` (first 8 of the digest), `commit`, `dirty`, `seconds`, `decision`, `best` and
        `champion`.
    """
    reigning = champion(project)
    table = [{**row(read(folder)), "champion": folder == reigning} for folder in folders(project)]
    for metric in {line["metric"] for line in table}:
        same = [line for line in table if line["metric"] == metric]
        sign = 1 if same[0]["higher_is_better"] else -1
        max(same, key=lambda line: sign * line["dev"])["best"] = True
    return table


def row(record: dict[str, Any]) -> dict[str, Any]:
    """One run as a row of the table."""
    metric = record["metrics"]["chosen_by"]
    test = record["metrics"].get("test", {})
    return {
        "run": record["run"],
        "model": record["model"]["name"],
        "metric": metric,
        "higher_is_better": record["metrics"]["higher_is_better"],
        "dev": record["metrics"]["dev"][metric],
        "test": test.get(metric),
        "interval": test.get("interval"),
        "dummy": record["metrics"]["leaderboard"].get("dummy", {}).get(metric),
        "data": record["input_data"]["data/processed/train.parquet"][:8],
        "commit": (record["commit"] or "none")[:8],
        "dirty": record["dirty"],
        "seconds": record["seconds"],
        "decision": record["decision"],
        "best": False,
    }


def render(table: list[dict[str, Any]]) -> str:
    """The table of runs as text; `*` marks the best run of each metric, `champion` the promoted one."""
    if not table:
        return "No run yet: make train"
    head = ("", "run", "model", "metric", "dev", "test", "95 % interval", "dummy", "data", "commit", "decision")
    lines = [head, *(cells(line) for line in table)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def cells(line: dict[str, Any]) -> tuple[str, ...]:
    """One row of the table as texts."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.4g}"

    low_high = line["interval"]
    interval = f"{low_high[0]:.4g} ... {low_high[1]:.4g}" if low_high else "-"
    commit = line["commit"] + ("+" if line["dirty"] else "")
    numbers = (number(line["dev"]), number(line["test"]), interval, number(line["dummy"]))
    mark = " ".join(word for word, marked in (("*", line["best"]), ("champion", line["champion"])) if marked)
    start = (mark, line["run"], line["model"], line["metric"])
    return (*start, *numbers, line["data"], commit, line["decision"])
