import json
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from data_science_project import evaluate, models, pipeline, train
from data_science_project.engine.columns import dictionary
from data_science_project.engine.modelling import metrics, recipe
from data_science_project.engine.modelling.question import Question
from data_science_project.engine.project import artefact, settings
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.runs import registry


def question(classes=("no", "yes")):
    """200 rows of noise: train on the first half, hold out the second."""
    random, half = np.random.default_rng(0), np.arange(100)
    rows = pd.DataFrame({"x": random.normal(size=200)})
    truth = random.choice(["no", "yes"], 200).astype(object)
    return Question(rows, truth, "classification", classes, [(half, half + 100)])


def test_run_holds_what_the_contract_promises_by_the_same_seed_the_same_bytes_without_the_test_split(project, folder):
    project.split("test").write_bytes(b"no table")
    before = artefact.sha256(folder / registry.MODEL)

    folder = train.run(project, key="0123456789", message="to see")

    record = json.loads((folder / registry.RECORD).read_text(encoding="utf-8"))
    promised = "run commit dirty environment input_data output_data model parameters metrics started seconds decision"
    assert set(promised.split()) <= set(record)
    assert record["run"] == folder.name and folder.name.endswith("-01234567")
    assert record["decision"] == "to see"
    assert record["parameters"]["train"]["seed"] == 0 and record["parameters"]["overrides"] == {}
    for path in (project.split("train"), project.split("dev")):
        assert record["input_data"][project.relative(path)] == artefact.sha256(path)
    assert record["output_data"] == {"model.pkl": before} and artefact.sha256(folder / "model.pkl") == before
    assert record["environment"]["packages"]["scikit-learn"] and record["environment"]["processor"]
    assert any(re.fullmatch(r"\w+ [\d.]+ \w+", library) for library in record["environment"]["blas"])
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(record["files"]) == files - {registry.RECORD}
    assert {"model.pkl", "data_dictionary.toml", "code/features.py"} <= files


def test_split_that_was_edited_is_not_used(project):
    with project.split("dev").open("ab") as file:
        file.write(b" ")

    with pytest.raises(DataError, match=r"dev\.parquet was changed"):
        train.run(project, key="0123456789")


def test_features_are_all_but_ids_target_and_the_column_of_the_groups_which_folds_keep_whole(project):
    _, plain = train.prepare(project)
    asked, recipe = train.prepare(settings.load(project.root, ["split.by=group:shop"]))

    assert set(plain.names) == {"amount", "colour", "shop", "day", "note"}
    assert plain.rows_a_tree == len(asked.rows), "one tree a round for two classes"
    assert dictionary.load(project.dictionary)["shop"].role == "feature" and "shop" not in recipe.names
    for fitted, held in asked.folds:
        assert not set(asked.groups.iloc[fitted]) & set(asked.groups.iloc[held])


def test_rows_held_out_are_those_of_dev_where_rows_have_an_order(project):
    asked, _ = train.prepare(settings.load(project.root, ["split.by=time:day"]))

    sizes = [len(pd.read_parquet(project.split(part))) for part in ("train", "dev")]
    assert [[len(rows) for rows in fold] for fold in asked.folds] == [sizes] and sizes[0] > sizes[1]


def test_table_without_features_and_unknown_candidates_are_refused(project):
    wrong = settings.load(project.root, ['train.candidates=["linaer"]'])
    with pytest.raises(SettingsError, match=r"'linaer' is not in models.py(.|\n)*Allowed for a classification: dummy"):
        train.candidates(wrong, question(), train.prepare(project)[1])

    text = project.dictionary.read_text(encoding="utf-8")
    project.dictionary.write_text(text.replace('role = "feature"', 'role = "ignored"'), encoding="utf-8")
    with pytest.raises(DataError, match="no column is left to learn from"):
        train.prepare(project)


@pytest.mark.parametrize("kind", ["number", "text"])
def test_model_of_texts_known_by_its_recipe_is_a_candidate_where_there_are_texts(project, monkeypatch, kind):
    def own(plan, settings):
        return {"dummy": DummyClassifier(), "letters": plan.linear(LogisticRegression(), letters=True)}

    monkeypatch.setattr(train, "classifiers", own)
    asked = settings.load(project.root, ['train.candidates=["dummy", "letters"]'])

    found = train.candidates(asked, question(), recipe.Recipe({kind: ["note"]}, "classification", 0))

    assert ("letters" in found) == (kind == "text")


@pytest.mark.parametrize(("target", "trees"), [("colour", 3), ("amount", 1)])
def test_recipe_knows_the_rows_of_each_tree_that_boosting_grows_a_round(make_project, made_table, target, trees):
    project = make_project(made_table, data={"source": "table.csv", "target": target})
    pipeline.make(project, "features")

    question, plan = train.prepare(project)

    assert plan.rows_a_tree == len(question.rows) // trees


def test_target_of_as_many_classes_as_rows_is_refused():
    names = pd.Series([f"name {i}" for i in range(100)], name="y")

    with pytest.raises(DataError, match="100 classes in 100 rows"):
        train.check_target(names, tuple(names))


def test_target_that_is_always_the_same_is_refused(make_project, made_table):
    project = make_project(made_table.assign(answer=5.5))

    with pytest.raises(DataError, match=r"The target 'answer' is 5\.5 in all 100 rows .* nothing to learn"):
        pipeline.make(project, "train")


def test_split_of_one_class_is_refused(project):
    with pytest.raises(DataError, match=r"dev\.parquet holds one class only, 1 \(2 rows\)\.\nSplit otherwise"):
        train.check_splits(project, np.array([0, 1, 0, 1, 1]), n_train=3, classes=(0, 1))


def test_best_model_is_fitted_on_train_and_dev_and_calibrated_on_rows_held_out():
    asked = question()
    held = asked.held_out
    over_confident = metrics.Predictions(held, np.tile([0.001, 0.999], (100, 1)), asked.classes)

    model, tempered = train.fit_best(KNeighborsClassifier(1), asked, over_confident, "roc_auc")

    assert model.temperature > 5
    assert model.model_.n_samples_fit_ == 200
    assert metrics.log_loss(held, tempered) < metrics.log_loss(held, over_confident)


@pytest.mark.parametrize(("name", "best"), [("mae", "linear"), ("r2", "boosting")])
def test_best_candidate_is_the_one_with_the_least_error_or_the_highest_score(name, best):
    board = {"dummy": {"mae": 3.0, "r2": 0}, "linear": {"mae": 1.0, "r2": 0.5}, "boosting": {"mae": 2.0, "r2": 0.9}}

    assert train.choose_best(board, metrics.NUMBERS[name], np.empty(0), {}) == best


@pytest.mark.parametrize(("noise", "best"), [(0.01, "blend"), (3.0, "linear")])
def test_blend_is_taken_unless_it_is_clearly_worse(noise, best):
    random, truth = np.random.default_rng(0), np.arange(100.0)
    linear = truth + random.normal(size=100)
    answers = {"linear": linear, "blend": linear + random.normal(0, noise, 100)}
    held = {name: metrics.Predictions(values) for name, values in answers.items()}
    board = {"linear": {"mae": 1.0}, "blend": {"mae": 1.0 + noise}}

    assert train.choose_best(board, metrics.NUMBERS["mae"], truth, held) == best


def test_candidate_that_rows_or_a_class_of_one_row_do_not_allow_that_fails_or_cannot_be_kept_is_left_out_and_said(
    caplog,
):
    caplog.set_level("DEBUG", logger=train.log.name)
    asked = question(classes=("no", "once", "yes"))
    asked.truth[150] = "once"  # in dev
    far, near = KNeighborsClassifier(n_neighbors=10**6), KNeighborsClassifier(n_neighbors=3)
    stopped = HistGradientBoostingClassifier(early_stopping=True, max_iter=3)
    unnamed = make_pipeline(FunctionTransformer(lambda cells: cells), near)
    given = {"far": far, "stopped": stopped, "kind": KNeighborsClassifier, "kept": unnamed, "near": near}
    said = {"far": "Expected n_neigh", "stopped": "it sets rows of each class aside", "kind": "TypeError: ", "kept": ""}

    held, failed = train.hold_out_all(given, asked)

    assert list(held) == ["near"] and list(failed) == list(said) and "lambda" in failed["kept"]
    assert all(failed[name].startswith(said[name]) and f"{name} is left out: " in caplog.text for name in said)
    assert caplog.text.count("Traceback") == 4, "where the mistake is"
    with pytest.raises(DataError, match="No candidate can be compared. far: Expected n_neigh"):
        train.hold_out_all({"far": far}, asked)
    with pytest.raises(
        DataError, match="No candidate but dummy can be compared. far, away: Expected .*\nMend models.py"
    ):
        train.hold_out_all({"dummy": DummyClassifier(), "far": far, "away": far}, asked)
    assert list(train.hold_out_all({"dummy": DummyClassifier()}, question())[0]) == ["dummy"], "asked for alone"


def test_column_that_says_nothing_reaches_no_model_and_a_candidate_that_was_lost_is_named_before_all_scores(
    make_project, made_table, caplog, monkeypatch
):
    caplog.set_level("INFO", logger=train.log.name)
    classifiers = models.classifiers
    own = lambda plan, asked: {**classifiers(plan, asked), "far": plan.linear(KNeighborsClassifier(10**6))}  # noqa: E731
    for module in (train, evaluate):
        monkeypatch.setattr(module, "classifiers", own)
    known = made_table.assign(later=np.nan, same="x")
    without = made_table.head(30).assign(answer=None, later=range(30), same="y")
    table = pd.concat([known, without], ignore_index=True)
    project = make_project(table, train={"candidates": ["linear", "boosting_stopped", "far"]})

    page = pipeline.make(project, "evaluate")[0].read_text(encoding="utf-8")

    record = registry.read(registry.folders(project)[0])
    features = {*registry.columns_seen(record)}
    assert not {"later", "same"} & features and {"amount", "colour"} <= features
    assert len(record["metrics"]["leaderboard"]) >= 2 and set(record["left_out"]) == {"far"}
    assert "left out, they hold one value or none in the rows to learn from: later, same" in caplog.text
    assert ", positive 'yes' -> models/" in caplog.text
    assert "later, same (one value or none in the rows to learn from)" in page
    box = page[page.index("Before you lean on this") :].partition("</ul>")[0]
    assert "1 of 3 candidates could not be compared (far: Expected n_neigh" in box


@pytest.mark.parametrize(("factor", "amounts"), [(1, True), (-1, False), (1e-6, False)])
def test_numbers_are_amounts_where_none_is_negative_and_not_all_are_tiny(make_project, made_table, factor, amounts):
    table = made_table.assign(amount=made_table["amount"] * factor)
    project = make_project(table, data={"source": "table.csv", "target": "amount"})
    pipeline.make(project, "features")

    assert train.prepare(project)[1].amounts == amounts
