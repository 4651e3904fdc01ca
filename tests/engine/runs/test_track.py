import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.project import package, settings
from data_science_project.engine.project.errors import ProjectError, SettingsError
from data_science_project.engine.runs import promote, registry, track

START = 120  # seconds that the server may take to answer first


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def answers(address):
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
        return answer.status == 200
    return False


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of an MLflow server on SQLite, started here."""
    pytest.importorskip("mlflow")
    pytest.importorskip("mlflow.server", reason="mlflow-skinny has no server")
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    words = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "files")]
    command = [sys.executable, "-m", "mlflow", "server", *words, "--port", str(port), "--workers", "1"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    end, address = time.monotonic() + START, f"http://127.0.0.1:{port}"
    try:
        while not answers(address):
            assert process.poll() is None and time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@pytest.fixture
def team(server, monkeypatch, request):
    """The client of the server, with an experiment of this test's own."""
    import mlflow

    monkeypatch.setenv(track.VARIABLE, server)
    monkeypatch.setenv(track.EXPERIMENT, request.node.name)
    return mlflow.MlflowClient(server)


def on_server(team, name):
    experiment = team.get_experiment_by_name(os.environ[track.EXPERIMENT])
    return track.find(team, experiment.experiment_id, name)


@pytest.mark.filterwarnings("ignore")
def test_runs_are_shown_with_parameters_metrics_and_model(team, contest):
    sent = track.run(contest)

    versions = team.search_model_versions(f"name = '{package.NAME}'")
    for folder in registry.folders(contest):
        record, shown = registry.read(folder), on_server(team, folder.name)
        assert shown.info.status == "FINISHED" and shown.info.run_name == folder.name
        assert shown.data.tags["mlflow.source.git.commit"] == record["commit"]
        assert shown.data.tags["mlflow.note.content"] == record["decision"]
        assert shown.data.params["split.by"] == "stratified" and shown.data.params["train.seed"] == "0"
        assert shown.data.metrics["dev/roc_auc"] == record["metrics"]["dev"]["roc_auc"]
        assert shown.data.metrics["test/roc_auc"] == record["metrics"]["test"]["roc_auc"]
        assert {file.path for file in team.list_artifacts(shown.info.run_id)} == {"model", "report"}
        assert folder.name in [version.tags[track.RUN_TAG] for version in versions]
    assert sent == [folder.name for folder in registry.folders(contest)[::-1]]


@pytest.mark.filterwarnings("ignore")
def test_nothing_is_sent_twice_and_later_scores_are_added(team, project, folder):
    track.run(project)
    first = on_server(team, folder.name)

    assert track.run(project) == []
    pipeline.make(project, "evaluate")

    again = on_server(team, folder.name)
    assert again.info.run_id == first.info.run_id
    assert "test/roc_auc" not in first.data.metrics and "test/roc_auc" in again.data.metrics
    assert len(team.search_model_versions(f"run_id = '{first.info.run_id}'")) == 1


@pytest.mark.filterwarnings("ignore")
def test_alias_follows_the_champion_forth_and_back_and_its_model_answers_as_predict_does(team, contest):
    import mlflow

    def alias():
        return team.get_model_version_by_alias(package.NAME, track.ALIAS).tags[track.RUN_TAG]

    better, other = sorted(registry.folders(contest), key=lambda path: registry.read(path)["model"]["name"] == "dummy")
    for verb, name in [
        (lambda: pipeline.promote(contest, better), better.name),
        (lambda: pipeline.promote(contest, other, force="to see the alias move"), other.name),
        (lambda: promote.rollback(contest), better.name),
    ]:
        verb()
        assert alias() == name
    rows = pd.read_csv(contest.root / "table.csv", dtype=str, keep_default_na=False).drop(columns="answer")
    rows.to_csv(contest.root / "rows.csv", index=False)
    (path,) = pipeline.make(contest, "predict", input=contest.root / "rows.csv")

    mlflow.set_tracking_uri(os.environ[track.VARIABLE])
    answers = mlflow.pyfunc.load_model(f"models:/{package.NAME}@{track.ALIAS}").predict(rows).reset_index(drop=True)

    pd.testing.assert_frame_equal(answers, pd.read_csv(path), check_dtype=False, rtol=0, atol=0)


def test_server_that_is_down_stops_no_training_and_is_said(project, monkeypatch, caplog):
    pytest.importorskip("mlflow")
    monkeypatch.setenv(track.VARIABLE, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    (path,) = pipeline.make(settings.load(project.root, ["train.seed=5"]), "train")

    assert path.is_file()
    assert "To send it later: make track" in caplog.text


def test_address_that_is_not_set_and_package_that_is_not_installed_are_named_with_the_cure(project, monkeypatch):
    with pytest.raises(SettingsError, match="MLFLOW_TRACKING_URI is not set"):
        track.run(project)
    monkeypatch.setenv(track.VARIABLE, "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "mlflow", None)

    with pytest.raises(ProjectError, match='Add "mlflow" to extras'):
        track.run(project)


def test_scores_of_all_candidates_are_sent(project):
    record = registry.read(registry.folders(project)[0])

    found = dict(track.metrics(record))

    assert {"dev/roc_auc", "candidates/dummy/roc_auc", "candidates/linear/log_loss"} <= set(found)
    assert all(isinstance(value, float) for value in found.values())
