import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_science_project import evaluate, pipeline
from data_science_project.engine.columns import dictionary
from data_science_project.engine.project import records, settings
from data_science_project.engine.report import label_errors, verdict
from data_science_project.engine.runs import listing, loading, registry


def report(project):
    """Evaluate the only run of a project; its page and its record."""
    folder = registry.folders(project)[0]
    page = project.root / "reports" / folder.name / "evaluation.html"
    evaluate.run(project, folder=folder, output=page)
    return page.read_text(encoding="utf-8"), registry.read(folder)


def page_about(make_project, table, **sections):
    """The page and the record of a new project about a table."""
    project = make_project(table, **sections)
    pipeline.make(project, "train")
    return report(project)


def numbers(size=90, seed=0):
    random = np.random.default_rng(seed)
    words = ["a", "b", "c"] * (size // 3)
    return pd.DataFrame({"x": random.normal(size=size), "z": random.normal(size=size), "word": words})


@pytest.fixture(scope="module")
def evaluated(trained, tmp_path_factory):
    """A copy of the shared project after an evaluation, its page and its record; not to be changed."""
    root = shutil.copytree(trained, tmp_path_factory.mktemp("evaluated") / "project", symlinks=True)
    page, record = report(settings.load(root))
    return root, page, record


def test_interval_holds_the_score_and_both_are_on_record(evaluated):
    _, _, record = evaluated

    test = record["metrics"]["test"]
    low, high = test["interval"]
    assert low <= test["roc_auc"] <= high
    assert set(record["metrics"]["dev"]) < set(test)
    assert test["interval_level"] == 0.95


def test_score_is_that_of_the_predictions_on_the_test_split(evaluated):
    root, _, record = evaluated

    said = pd.read_csv(root / "data" / "predictions" / "test.csv")
    truth = pd.read_parquet(root / "data" / "processed" / "test.parquet")["answer"]
    assert record["metrics"]["test"]["rows"] == len(truth)
    assert record["metrics"]["test"]["accuracy"] == pytest.approx((said["prediction"] == truth).mean())


def test_report_names_the_question_the_baseline_and_the_interval(evaluated):
    _, page, record = evaluated

    assert "How well can answer be predicted?" in page
    assert re.search(r"always answering &#39;(yes|no)&#39; gives 0.500", page)
    assert "interval" in page
    for candidate in record["metrics"]["leaderboard"]:
        assert f"<td>{candidate}" in page


def test_report_asks_nothing_from_elsewhere(evaluated):
    _, page, _ = evaluated

    assert not re.search(r"""(src|href)=["'](?!data:image/png;base64|#)""", page)
    assert "@import" not in page and "url(" not in page and "<script" not in page


def test_figures_are_files_too(evaluated):
    root, page, record = evaluated

    names = {path.name for path in (root / "reports" / "figures").glob("*.png")}
    assert {f"{record['run']}-{what}.png" for what in ("confusion", "ranking", "calibration", "importance")} <= names
    assert page.count("data:image/png") == len(names)


def test_each_use_of_the_test_split_is_counted(project):
    report(project)
    _, record = report(project)

    assert record["test_uses"] == 2
    assert record["metrics"]["test"]["runs_on_this_split"] == 1


def test_runs_on_the_same_test_split_are_counted_and_many_are_warned_of(project):
    report(project)
    first = registry.folders(project)[0]
    for seed in (1, 2):
        pipeline.make(settings.load(project.root, overrides=[f"train.seed={seed}"]), "evaluate")

    page, record = report_of(project, first)

    assert record["metrics"]["test"]["runs_on_this_split"] == 3
    assert "3 runs have been scored on this test split" in page


def report_of(project, folder):
    page = project.root / "again.html"
    evaluate.run(project, folder=folder, output=page)
    return page.read_text(encoding="utf-8"), registry.read(folder)


def test_evaluation_leaves_the_model_loadable_and_is_not_made_twice(project):
    pipeline.make(project, "evaluate")
    record = registry.read(registry.folders(project)[0])
    pipeline.make(project, "evaluate")

    assert registry.read(registry.folders(project)[0]) == record
    assert loading.load(registry.folders(project)[0]).model is not None


def test_run_of_other_splits_is_scored_with_a_warning(project):
    folder = registry.folders(project)[0]
    pipeline.make(settings.load(project.root, overrides=["split.seed=7"]), "features")

    page, _ = report_of(project, folder)

    assert "trained on other splits than the present ones" in page


def test_what_features_suspected_stands_where_a_decision_is_made(make_project, made_table):
    project = make_project(made_table.assign(status=np.where(made_table["answer"] == "yes", 7, 3)))

    (page, _) = pipeline.make(project, "evaluate")

    assert "Found in the data: column &#39;status&#39; is &#39;answer&#39; in another coding" in page.read_text()


def test_odds_of_the_report_are_those_of_the_positive_class(made_table, make_project):
    pages = {}
    for positive in ("yes", "no"):
        project = make_project(made_table, train={"positive": positive, "candidates": ["dummy", "linear"]})
        (page, _) = pipeline.make(project, "evaluate")
        section = page.read_text().partition('id="coefficients"')[2]
        pages[positive] = float(re.search(r">amount</td>.*?×\s*([\d.e+-]+)", section, re.DOTALL)[1])

    assert pages["yes"] > 1 > pages["no"]
    assert pages["yes"] * pages["no"] == pytest.approx(1, rel=0.02)


def test_cells_and_names_from_the_data_are_escaped(make_project):
    table = numbers().rename(columns={"x": "<b>x</b>"})
    table["word"] = table["word"].replace("a", "<script>alert(1)</script>")
    table["y"] = np.where(np.random.default_rng(1).random(len(table)) > 0.5, "<i>yes</i>", "no")

    page, _ = page_about(make_project, table, data={"source": "table.csv", "target": "y"})

    assert "<script" not in page and "<b>" not in page and "<i>" not in page
    assert "&lt;i&gt;yes&lt;/i&gt;" in page


def test_number_is_reported_in_its_own_unit_with_its_errors(make_project):
    table = numbers()
    table["price"] = 1000 * table["x"] + 50_000

    page, record = page_about(make_project, table, data={"source": "table.csv", "target": "price"})

    assert "price is off by" in page
    assert "multiplies the odds" not in page and "adds so much to the predicted price" in page
    assert record["metrics"]["test"]["mae"] < 200


@pytest.mark.parametrize(
    "target",
    [
        lambda table: np.where(table["x"] > 0, True, False),
        lambda table: np.select([table["x"] > 0.7, table["x"] > -0.5], [3, 2], 1),
        lambda table: np.where(table["x"] > 0, "été", "$winter$"),
    ],
    ids=["yes and no", "three whole numbers", "odd words"],
)
def test_any_kind_of_class_is_reported(make_project, target):
    table = numbers()
    table["y"] = target(table)

    page, record = page_about(make_project, table, data={"source": "table.csv", "target": "y"})

    assert record["metrics"]["test"]["accuracy"] > 0.5
    assert "The worst errors" in page


def test_tiny_test_split_without_one_of_the_classes_is_reported(make_project, tmp_path):
    table = numbers(60)
    table["y"] = ["rare" if row % 30 < 12 and row < 48 else "often" for row in range(60)]
    table["when"] = pd.date_range("2026-01-01", periods=60).strftime("%Y-%m-%d")

    page, record = page_about(
        make_project, table, data={"source": "table.csv", "target": "y"}, split={"by": "time:when"}
    )

    assert record["metrics"]["test"]["roc_auc"] is None and record["metrics"]["test"]["interval"] is None
    assert "no row of rare" in page
    assert "cannot be said from these rows" in page
    assert record["run"] in listing.render(listing.rows(settings.load(tmp_path)))


def test_class_that_the_model_never_saw_is_set_aside_and_said(make_project):
    table = numbers(60)
    table["y"] = ["new" if row > 56 else "ab"[row % 2] for row in range(60)]
    table["when"] = pd.date_range("2026-01-01", periods=60).strftime("%Y-%m-%d")

    page, record = page_about(
        make_project, table, data={"source": "table.csv", "target": "y"}, split={"by": "time:when"}
    )

    assert "3 rows of the class 'new'" in page
    assert record["metrics"]["test"]["rows"] == 9


def test_run_with_a_dummy_alone_is_no_use_and_the_report_says_so(make_project):
    table = numbers()
    table["y"] = ["yes", "no"] * 45

    page, _ = page_about(
        make_project, table, data={"source": "table.csv", "target": "y"}, train={"candidates": ["dummy"]}
    )

    assert "the model is of no use as it stands" in page


def test_run_is_measured_with_its_own_features_after_features_were_edited(project):
    run = loading.load(registry.folders(project)[0])
    path = project.split("test")
    pd.read_parquet(path).assign(made=0.0).to_parquet(path, index=False)
    records.record(path, {"step": "features", "inputs": {}})

    rows, _, _ = evaluate.read(project, replace(run, add_features=lambda rows: rows.assign(made=1.0)), "test")

    assert set(rows["made"]) == {1.0}


def test_people_who_labelled_the_same_rows_stand_beside_the_model(make_project, made_table):
    turned = made_table["answer"].map({"yes": "no", "no": "yes"})
    labels = made_table["answer"].where(np.arange(120) % 4 > 0, turned).where(np.arange(120) % 5 > 0)
    project = make_project(made_table.assign(second=labels))
    pipeline.make(project, "data")
    columns = dictionary.load(project.dictionary)
    dictionary.write(project.dictionary, {**columns, "second": replace(columns["second"], role="label:ann")})
    pipeline.make(project, "train")

    page, record = report(project)

    test = pd.read_parquet(project.split("test"))
    both = test["second"].notna()
    right = (test["second"] == test["answer"])[both].mean()
    cells = re.search(r"<td>ann</td><td>the target</td><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td>", page)
    assert cells.groups() == (str(both.sum()), verdict.percent(right))
    assert "second" not in [name for names in record["features"].values() for name in names]


def test_page_without_further_labels_does_not_speak_of_people(evaluated):
    assert "How well do people do it?" not in evaluated[1]


def test_report_of_a_split_by_group_keeps_groups_whole(make_project, made_table):
    table = pd.concat([made_table.sample(frac=1, random_state=seed) for seed in range(4)])
    fields = [f"field {row // 24}" for row in range(len(table))]
    turned = np.where((table["amount"] > 50) ^ (np.arange(len(table)) % 15 == 0), "yes", "no")
    project = make_project(table.assign(field=fields, answer=turned), split={"by": "group:field"})

    page = pipeline.make(project, "evaluate")[0].read_text(encoding="utf-8")

    run = loading.load(registry.folders(project)[0])
    asked = evaluate.learned_from(project, run)
    alone, _ = label_errors.find(
        project, run.record, replace(asked, groups=None), evaluate.candidates(project, run.record, asked)
    )
    kept = pd.read_csv(project.root / "reports" / run.name / registry.LABEL_ERRORS)
    assert kept["probability_of_given"].tolist() != alone["probability_of_given"].tolist()
    assert asked.groups.tolist() == asked.rows["field"].tolist()
    assert "rows, whole groups at a time" in page
    assert "bootstrap over whole groups" in page
    assert "too few groups to say" in page and "clearly worse</td>" not in page
