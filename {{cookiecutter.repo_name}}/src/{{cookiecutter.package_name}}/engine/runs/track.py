"""Send runs to an MLflow tracking server, so that the team's MLflow pages show them.

    make track [RUN=run]

Reads `models/` and `reports/`; writes to the server that `MLFLOW_TRACKING_URI` in `.env` names: parameters, metrics,
artefacts, a registered model, and the alias `champion`. What the server has in its present state is not sent again.
`train`, `evaluate`, `promote` and `rollback` send by themselves once the address is set. `models/` stays the record;
the server is a window on it.
"""

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dotenv

from ..project import artefact, package
from ..project.errors import ProjectError, SettingsError
from ..project.log import progress
from ..project.settings import Decision, Predict, Project
from . import registry
from .compare import flat

log = logging.getLogger(__name__)
if TYPE_CHECKING:
    import mlflow

    from .model import Model
VARIABLE = "MLFLOW_TRACKING_URI"
EXPERIMENT = "MLFLOW_EXPERIMENT_NAME"
ALIAS = "champion"
MODEL_FOLDER = "model"  # folder of the MLflow model among the artefacts of its run
RUN_TAG, DIGEST_TAG = "run", "run.json sha256"  # tags by which a run is found again
DEFAULTS = {  # stdout carries results alone, and a server that is down should not hold up a training for minutes
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


def run(project: Project, folder: Path | None = None) -> list[str]:
    """Send one run or all, let the alias follow the champion, and return the names of the runs that were sent.

    A `SettingsError` if `MLFLOW_TRACKING_URI` is not set; a `ProjectError` if the package is not installed, or the
    server does not answer or refuses.
    """
    if not configured(project):
        raise SettingsError(f"{VARIABLE} is not set.\nPut it into .env: {VARIABLE}=http://mlflow.example.com:5000")
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    try:
        import mlflow
    except ImportError:
        cure = 'Add "mlflow" to extras in [tool.install] of pyproject.toml, then: make install'
        raise ProjectError(f"mlflow is not installed.\n{cure}") from None
    try:
        mlflow.set_tracking_uri(os.environ[VARIABLE])
        client = mlflow.MlflowClient()
        experiment = mlflow.set_experiment(os.environ.get(EXPERIMENT) or package.NAME).experiment_id
        folders = [folder] if folder else registry.folders(project)[::-1]
        sent = [path.name for path in progress(folders, "track") if send(project, client, experiment, path)]
        set_alias(project, client, experiment)
    except mlflow.exceptions.MlflowException as error:
        reason = str(error).splitlines()[0].partition(": Max retries")[0][:200].rstrip(".")
        raise ProjectError(f"{os.environ[VARIABLE]}: {reason}.\nIs the server up, and {VARIABLE} right?") from None
    log.info("%d of %d runs were new or changed -> %s", len(sent), len(folders), os.environ[VARIABLE])
    return sent


def after(project: Project) -> None:
    """Send what is new if a server is configured; a server that is down does not undo what was done here."""
    if configured(project):
        try:
            run(project)
        except ProjectError as error:
            log.warning("%s\nTo send it later: make track", error)


def configured(project: Project) -> bool:
    """Whether the environment or `.env` names a server; an empty address is none."""
    dotenv.load_dotenv(project.root / ".env")  # what is set already stays
    return bool(os.environ.get(VARIABLE))


def send(project: Project, client: "mlflow.MlflowClient", experiment: str, folder: Path) -> bool:
    """Send a run unless the server has it as it is; one that was sent before, or half, is completed."""
    from mlflow.entities import Metric, Param, RunTag

    record, digest = registry.read(folder), artefact.sha256(folder / registry.RECORD)
    known = find(client, experiment, folder.name)
    if known and known.data.tags.get(DIGEST_TAG) == digest:
        return False
    start = int(1000 * datetime.fromisoformat(record["started"]).timestamp())
    end = start + int(1000 * record["seconds"])
    name = known.info.run_id if known else client.create_run(experiment, start, run_name=folder.name).info.run_id
    about = {RUN_TAG: folder.name, **tags(record)}
    client.log_batch(
        name,
        metrics=[Metric(key, value, end, 0) for key, value in metrics(record)],
        params=[Param(key, str(value)) for key, value in flat(record["parameters"]).items()],
        tags=[RunTag(key, value) for key, value in about.items()],
    )
    reports = project.root / "reports" / folder.name
    if reports.is_dir():
        client.log_artifacts(name, str(reports), "report")
    if not client.search_model_versions(f"run_id = '{name}'"):
        register(client, folder, name)
    client.set_terminated(name, "FINISHED", end)
    client.set_tag(name, DIGEST_TAG, digest)  # last: a run that was sent half has none
    return True


def find(client: "mlflow.MlflowClient", experiment: str, name: str) -> Any:
    """The run of this name on the server; None if it was not sent yet."""
    found = client.search_runs([experiment], filter_string=f"tags.`{RUN_TAG}` = '{name}'", max_results=1)
    return found[0] if found else None


def register(client: "mlflow.MlflowClient", folder: Path, run_id: str) -> None:
    """Log the run as an MLflow model and make it a version of the registered model."""
    from mlflow import pyfunc

    with tempfile.TemporaryDirectory() as place:
        model = Path(place) / MODEL_FOLDER
        code, lock = [str(package.FOLDER)], str(folder / package.LOCK)
        pyfunc.save_model(model, loader_module=__name__, data_path=str(folder), code_paths=code, pip_requirements=lock)
        client.log_artifacts(run_id, str(model), MODEL_FOLDER)
    if not client.search_registered_models(f"name = '{package.NAME}'"):
        client.create_registered_model(package.NAME)
    source = f"{client.get_run(run_id).info.artifact_uri}/{MODEL_FOLDER}"
    client.create_model_version(package.NAME, source, run_id, tags={RUN_TAG: folder.name})


def set_alias(project: Project, client: "mlflow.MlflowClient", experiment: str) -> None:
    """Let the alias `champion` of the registered model point to the champion, if there is one."""
    champion = registry.champion(project)
    known = find(client, experiment, champion.name) if champion else None
    for version in client.search_model_versions(f"run_id = '{known.info.run_id}'") if known else ():
        client.set_registered_model_alias(package.NAME, ALIAS, version.version)


def tags(record: Mapping[str, Any]) -> dict[str, str]:
    """What MLflow shows beside a run; names that start with `mlflow.` have a place of their own on its pages."""
    found = {
        "mlflow.source.name": f"python -m {package.NAME} train",
        "mlflow.source.git.commit": record["commit"] or "",
        "mlflow.note.content": record["decision"],
        "dirty": record["dirty"],
        "model": record["model"]["name"],
        "target": record["target"],
        "task": record["task"],
        "chosen by": record["metrics"]["chosen_by"],
        "train split sha256": record["input_data"]["data/processed/train.parquet"],
    }
    return {name: str(value) for name, value in found.items() if value != ""}


def metrics(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Scores by name: `dev/<metric>`, `test/<metric>`, `test interval/low` and `high`, `candidates/<name>/<metric>`."""
    found = record["metrics"]
    test = found.get("test", {})
    parts = {"dev": found["dev"], "test": {name: test.get(name) for name in found["dev"]}}
    if test.get("interval"):
        parts["test interval"] = dict(zip(("low", "high"), test["interval"], strict=True))
    parts |= {f"candidates/{name}": scores for name, scores in found["leaderboard"].items()}
    for part, scores in parts.items():
        yield from ((f"{part}/{name}", value) for name, value in scores.items() if isinstance(value, float))


def _load_pyfunc(folder: str) -> "Model":
    """What MLflow calls to load the model: it answers by the parameters and the dictionary of the run itself."""
    from .model import Model  # with all that reads a table: a run that is only sent needs none of it

    path = Path(folder)
    stated = registry.read(path)["parameters"]
    options = {key: value for key, value in stated["predict"].items() if hasattr(Predict, key)}  # runs of old have more
    decided = Decision(**stated.get("decision", {}))
    return Model(path, Predict(**options), path / registry.DICTIONARY, decided)
