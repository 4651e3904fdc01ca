import json
import os

import pytest

from data_science_project import evaluate, pipeline
from data_science_project.engine.project import settings
from data_science_project.engine.runs import listing, promote, registry


@pytest.fixture
def four(make_project):
    """A project with two runs that were chosen by one metric and two that were chosen by another."""
    project = make_project()
    about = {"model": {"name": "linear"}, "commit": None, "dirty": True, "seconds": 1.0, "decision": "why"}
    about |= {"input_data": {"data/processed/train.parquet": "0" * 64}, "parameters": {"split": {"seed": 0}}}
    for name, metric, value, test in [
        ("2026-01-01-a", "roc_auc", 0.9, {"roc_auc": 0.88, "interval": [0.8, 0.95]}),
        ("2026-01-02-b", "roc_auc", 0.8, {}),
        ("2026-01-03-c", "mae", 3.0, {}),
        ("2026-01-04-d", "mae", 2.0, {}),
    ]:
        scores = {"dev": {metric: value}, "leaderboard": {"dummy": {metric: 0.5}}, "test": test}
        scores |= {"chosen_by": metric, "higher_is_better": metric == "roc_auc"}
        (project.models / name).mkdir(parents=True)
        registry.write(project.models / name, {**about, "run": name, "metrics": scores})
    return project


def test_best_is_marked_among_several_of_a_split_whatever_the_features_and_the_only_one_is_not(four):
    metrics = registry.read(four.models / "2026-01-02-b")["metrics"]
    for name, seed, made, more in [
        ("2026-01-01-a", 1, "0", {}),
        ("2026-01-02-b", 2, "1", {}),
        ("2026-01-04-d", 1, "1", {"metrics": metrics}),
    ]:
        record = {**registry.read(four.models / name), "parameters": {"split": {"seed": seed}}, **more}
        record["input_data"] = {"data/interim/clean.parquet": "0", "data/processed/train.parquet": made}
        registry.write(four.models / name, record)

    table = {line["run"][-1]: line for line in listing.rows(four)}

    assert [table[name]["best"] for name in "abcd"] == [True, False, False, False]
    assert table["a"]["split"] == table["d"]["split"] != table["b"]["split"]
    assert table["a"]["split"] in listing.render(listing.rows(four))


def test_table_is_newest_first_with_the_best_of_each_metric_marked(four):
    table = listing.rows(four)
    text = listing.render(table).splitlines()

    assert [(line["run"][-1], line["best"]) for line in table] == [("d", True), ("c", False), ("b", False), ("a", True)]
    assert json.loads(json.dumps(table)) == table
    assert text[1].startswith("*") and text[2].startswith(" ")
    assert "0.8 ... 0.95" in text[4] and "none+" in text[4] and text[4].endswith("why")
    assert text[5:] == [listing.LEGEND["best"]]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
@pytest.mark.parametrize("name", ["2026-01-03-c", "2026-01-03-c/run.json"])
def test_run_that_may_not_be_read_is_named_with_the_rights_as_the_cause(four, name, caplog):
    (four.models / name).chmod(0)
    try:
        if os.access(four.models / name, os.R_OK):
            pytest.skip("this user may read everything, as root may")
        table = listing.rows(four)
    finally:
        (four.models / name).chmod(0o700)

    assert [line["run"][-1] for line in table] == ["d", "b", "a"]
    assert "2026-01-03-c" in caplog.text and "right to read" in caplog.text and "copy" not in caplog.text


def test_score_on_test_rows_of_another_split_than_its_own_is_marked(project, folder):
    assert not listing.row(registry.read(folder))["on_other_rows"]
    elsewhere = settings.load(project.root, ["split.seed=1"])
    pipeline.make(elsewhere, "features")

    evaluate.run(elsewhere, folder=folder, output=project.root / "evaluation.html")

    (line,) = listing.rows(project)
    text = listing.render([line])
    assert line["on_other_rows"] and "~" in text and listing.LEGEND["on_other_rows"] in text


def test_table_marks_the_champion_and_without_runs_says_how_to_get_one(four):
    promote.keep(four, "2026-01-02-b", {"gate": []})

    table = listing.rows(four)
    text = listing.render(table)
    assert [line["champion"] for line in table] == [False, False, True, False]
    assert "\nchampion " in text and listing.LEGEND["champion"] in text
    assert "make train" in listing.render([])
