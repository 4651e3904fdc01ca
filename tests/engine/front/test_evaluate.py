import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_science_project import evaluate, pipeline
from data_science_project.engine.modelling.metrics import NUMBERS, Predictions
from data_science_project.engine.project import artefact, package, records, settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.report.diagnostics import Result
from data_science_project.engine.runs import loading, registry


def test_score_is_that_of_the_predictions_on_the_test_split_and_its_interval_holds_it(evaluated):
    root, _, record = evaluated

    test, (low, high) = record["metrics"]["test"], record["metrics"]["test"]["interval"]
    found = pd.read_csv(root / "data" / "predictions" / "test.csv")
    truth = pd.read_parquet(root / "data" / "processed" / "test.parquet")["answer"]
    assert test["rows"] == len(truth)
    assert test["accuracy"] == pytest.approx((found["prediction"] == truth).mean())
    assert low <= test["roc_auc"] <= high and test["interval_level"] == 0.95
    assert set(record["metrics"]["dev"]) < set(test)


@pytest.mark.once
def test_uses_of_the_test_split_are_counted_and_many_runs_on_it_and_other_splits_warned_of(
    evaluated, tmp_path, monkeypatch, report
):
    root, _, record = evaluated
    root = shutil.copytree(root, tmp_path / "project", symlinks=True)
    monkeypatch.setattr(package, "FOLDER", root / "src" / package.NAME)
    project, folder = settings.load(root), root / registry.MODELS / record["run"]
    pipeline.make(project, "evaluate")
    assert registry.read(folder) == record and loading.load(folder).model is not None
    with_other_features = {**record["metrics"]["test"], "data": "of other columns"}
    for name in ("2026-01-01-000000-0a0a0a0a", "2026-01-01-000001-0b0b0b0b"):
        other = shutil.copytree(folder, folder.with_name(name))
        registry.write(other, {**record, "run": name, "metrics": {**record["metrics"], "test": with_other_features}})

    page, again = report(project, folder)
    pipeline.make(settings.load(project.root, ["split.seed=7"]), "features")

    assert [one["metrics"]["test"]["runs_on_this_split"] for one in (record, again)] == [1, 3]
    assert again["test_uses"] == record["test_uses"] + 1 == 2
    assert "3 runs in all scored on it" in page
    assert "trained on other splits than the present ones" in report(project, folder)[0]


def test_answers_about_a_target_named_self_are_kept(tmp_path):
    truth = np.array([1.0, 2.0])
    result = Result(truth, Predictions(truth), Predictions(truth), NUMBERS["r2"], (0.0, 1.0))

    evaluate.keep_answers(tmp_path / "kept.parquet", pd.DataFrame({"a": [3, 4]}), "self", result)

    found = pd.read_parquet(tmp_path / "kept.parquet").to_dict("list")
    assert found == {"a": [3, 4], "self": [1.0, 2.0], "prediction": [1.0, 2.0]}


def test_run_is_measured_with_its_own_features_after_features_were_edited(project, folder):
    def made(rows):
        return rows.assign(made=1.0, told="answer" in rows).set_axis(range(len(rows))[::-1])

    path = project.split("test")
    pd.read_parquet(path).assign(made=0.0).to_parquet(path, index=False)
    records.record(path, {"step": "features", "inputs": {}})
    run = replace(loading.load(folder), add_features=made)

    rows, truth, _ = evaluate.read(project, run, "test")

    assert truth.tolist() == pd.read_parquet(path)["answer"].tolist(), "by place: the index is the user's"
    assert set(rows["made"]) == {1.0} and not rows["told"].any()


def test_column_that_the_run_needs_and_the_split_lacks_is_named(project, folder, report):
    path = project.split("test")
    about = records.recorded(path)
    pd.read_parquet(path).drop(columns="amount").to_parquet(path)
    records.record(path, about | {"sha256": artefact.sha256(path)})

    with pytest.raises(DataError, match="lacks amount, which run"):
        report(project, folder)
