import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.neighbors import KNeighborsClassifier

from data_science_project import pipeline, train
from data_science_project.engine.columns import dictionary
from data_science_project.engine.modelling import metrics, recipe, threshold
from data_science_project.engine.modelling.question import Question
from data_science_project.engine.project import artefact, settings
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.runs import registry


def with_settings(project, *overrides):
    return settings.load(project.root, overrides)


def question(size=200, *, task="classification", classes=("no", "yes")):
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"x": random.normal(size=size)})
    truth = (
        random.choice(np.array(classes, dtype=object), size) if task == "classification" else random.normal(size=size)
    )
    half = np.arange(size // 2)
    return Question(rows, truth, task, classes if task == "classification" else (), [(half, half + size // 2)])


def test_run_holds_what_the_contract_promises(project):
    folder = train.run(project, key="0123456789", message="to see")

    record = json.loads((folder / registry.RECORD).read_text(encoding="utf-8"))
    promised = "run commit dirty environment input_data output_data model parameters metrics started seconds decision"
    assert set(promised.split()) <= set(record)
    assert record["run"] == folder.name and folder.name.endswith("-01234567")
    assert record["decision"] == "to see"
    assert record["parameters"]["train"]["seed"] == 0 and record["parameters"]["overrides"] == {}
    for path in (project.split("train"), project.split("dev")):
        assert record["input_data"][project.relative(path)] == artefact.sha256(path)
    assert record["output_data"] == {"model.pkl": artefact.sha256(folder / "model.pkl")}
    assert record["environment"]["packages"]["scikit-learn"]
    assert record["environment"]["processor"]
    assert any(re.fullmatch(r"\w+ [\d.]+ \w+", library) for library in record["environment"]["blas"])


def test_run_lists_every_file_with_its_digest(project):
    folder = train.run(project, key="0123456789")

    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(registry.read(folder)["files"]) == files - {registry.RECORD}
    assert {"model.pkl", "data_dictionary.toml", "code/features.py"} <= files


def test_test_split_is_not_read(project):
    model = artefact.sha256(registry.folders(project)[0] / registry.MODEL)
    project.split("test").write_bytes(b"no table")

    assert artefact.sha256(train.run(project, key="0123456789") / registry.MODEL) == model


def test_split_that_was_edited_is_not_used(project):
    with project.split("dev").open("ab") as file:
        file.write(b" ")

    with pytest.raises(DataError, match=r"dev\.parquet was changed"):
        train.run(project, key="0123456789")


def test_same_seed_gives_the_same_bytes(project):
    folders = [train.run(project, key=key) for key in ("1" * 8, "2" * 8)]

    one, other = (artefact.sha256(folder / registry.MODEL) for folder in folders)
    assert one == other


def test_failure_leaves_no_half_run(project):
    before = set(project.models.iterdir())
    project.dictionary.unlink()

    with pytest.raises(FileNotFoundError):
        train.run(project, key="0" * 64)

    assert set(project.models.iterdir()) == before


def test_column_of_the_groups_is_not_a_feature_whatever_its_role(project):
    _, recipe = train.prepare(with_settings(project, "split.by=group:shop"))

    assert dictionary.load(project.dictionary)["shop"].role == "feature"
    assert "shop" not in recipe.names


def test_folds_keep_the_groups_of_the_split_whole(project):
    asked, _ = train.prepare(with_settings(project, "split.by=group:shop"))

    for fitted, held in asked.folds:
        assert not set(asked.groups.iloc[fitted]) & set(asked.groups.iloc[held])


def test_rows_held_out_are_those_of_dev_where_rows_are_not_few(project):
    sizes = [len(pd.read_parquet(project.split(part))) for part in ("train", "dev")]

    asked, _ = train.prepare(with_settings(project, "split.by=time:day"))

    assert [[len(rows) for rows in fold] for fold in asked.folds] == [sizes]
    assert sizes[0] > sizes[1]


def test_ids_target_and_ignored_columns_are_not_features(project):
    asked, recipe = train.prepare(project)

    assert set(recipe.names) == {"amount", "colour", "shop", "day", "note"}
    assert list(asked.rows) == recipe.names


def test_table_without_features_is_refused(project):
    text = project.dictionary.read_text(encoding="utf-8")
    project.dictionary.write_text(text.replace('role = "feature"', 'role = "ignored"'), encoding="utf-8")

    with pytest.raises(DataError, match="no column is left to learn from"):
        train.prepare(project)


@pytest.mark.parametrize(
    ("truth", "words"),
    [(["yes"] * 100, ["one class only", "'yes'"]), ([f"name {i}" for i in range(100)], ["100 classes in 100 rows"])],
)
def test_target_that_is_no_class_is_refused(truth, words):
    target = pd.Series(truth, name="y")

    with pytest.raises(DataError) as caught:
        train.check_classes(target, tuple(target.unique()))

    assert all(word in str(caught.value) for word in words)


def test_unknown_candidate_is_named_with_those_that_exist(project):
    wrong = with_settings(project, 'train.candidates=["linaer"]')

    with pytest.raises(SettingsError, match=r"'linaer' is not in models.py(.|\n)*Allowed for a classification: dummy"):
        train.candidates(wrong, question(), train.prepare(project)[1])


@pytest.mark.parametrize("transformation", ["target encoding", "text"])
def test_model_of_texts_is_a_candidate_where_there_are_texts(project, transformation):
    plan = recipe.Recipe({transformation: ["note"]}, "classification", 0)

    found = train.candidates(with_settings(project, 'train.candidates=["dummy", "text"]'), question(), plan)

    assert ("text" in found) == (transformation == "text")


def test_best_model_is_fitted_on_train_and_dev_and_calibrated_on_rows_held_out():
    asked = question()
    over_confident = metrics.Predictions(asked.truth, np.tile([0.001, 0.999], (200, 1)), asked.classes)

    model, said = train.fit_best(KNeighborsClassifier(1), asked, asked.truth, over_confident, threshold.Rule())

    assert model.temperature > 5
    assert model.model_.n_samples_fit_ == 200
    assert metrics.log_loss(asked.truth, said) < metrics.log_loss(asked.truth, over_confident)


BOARD = {"dummy": {"mae": 3.0, "r2": 0.0}, "linear": {"mae": 1.0, "r2": 0.5}, "boosting": {"mae": 2.0, "r2": 0.9}}


@pytest.mark.parametrize(("name", "best"), [("mae", "linear"), ("r2", "boosting")])
def test_best_candidate_is_the_one_with_the_least_error_or_the_highest_score(name, best):
    assert train.choose_best(BOARD, name, metrics.NUMBERS[name], {}) == best


@pytest.mark.parametrize(("noise", "best"), [(0.01, "blend"), (3.0, "linear")])
def test_blend_is_taken_unless_it_is_clearly_worse(noise, best):
    random, truth = np.random.default_rng(0), np.arange(100.0)
    error = random.normal(size=100)
    held = {
        "linear": (truth, metrics.Predictions(truth + error)),
        "blend": (truth, metrics.Predictions(truth + error + random.normal(0, noise, 100))),
    }
    board = {"linear": {"mae": 1.0}, "blend": {"mae": 1.0 + noise}}

    assert train.choose_best(board, "mae", metrics.NUMBERS["mae"], held) == best


@pytest.mark.parametrize("target", ["amount", "colour"])
def test_numbers_and_many_classes_are_trained_too(make_project, made_table, target):
    project = make_project(made_table, data={"source": "table.csv", "target": target})

    record = registry.read(pipeline.make(project, "train")[0].parent)

    assert record["task"] == ("regression" if target == "amount" else "classification")
    assert record["metrics"]["chosen_by"] == ("r2" if target == "amount" else "log_loss")
    assert record["target"] == target


def test_candidate_that_the_rows_do_not_allow_is_left_out_and_said(caplog):
    estimators = {"far": KNeighborsClassifier(n_neighbors=10**6), "near": KNeighborsClassifier(n_neighbors=3)}

    with caplog.at_level("WARNING", logger=train.log.name):
        held = train.hold_out_all(estimators, question())

    assert list(held) == ["near"]
    assert "far is left out" in caplog.text


def test_candidate_that_a_class_of_one_row_in_dev_does_not_allow_is_left_out(caplog):
    asked = question(classes=("no", "yes"))
    truth = asked.truth.copy()
    truth[150] = "once"
    asked = replace(asked, truth=truth, classes=("no", "once", "yes"))
    stopped = HistGradientBoostingClassifier(early_stopping=True, max_iter=3)

    with caplog.at_level("WARNING", logger=train.log.name):
        held = train.hold_out_all({"stopped": stopped, "near": KNeighborsClassifier(n_neighbors=3)}, asked)

    assert list(held) == ["near"]
    assert "stopped is left out" in caplog.text


def test_rows_that_no_candidate_can_learn_from_are_refused():
    with pytest.raises(DataError, match="No candidate"):
        train.hold_out_all({"far": KNeighborsClassifier(n_neighbors=10**6)}, question())
