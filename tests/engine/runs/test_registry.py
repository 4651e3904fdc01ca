import json
import pickle
import shutil

import pytest
from sklearn.dummy import DummyClassifier

from data_science_project.engine.project import artefact, package
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.runs import answers, listing, loading, registry


@pytest.fixture
def folder(project):
    return registry.folders(project)[0]


def copied(folder, name, **changes):
    """A second run: a copy with another name, and other values in its record."""
    other = shutil.copytree(folder, folder.with_name(name))
    record = {**registry.read(other), "run": name, **changes}
    record["files"] = {file: artefact.sha256(other / file) for file in record["files"]}
    registry.write(other, record)
    return other


def scored(metric, value, *, higher_is_better=True, **more):
    leaderboard = {"dummy": {metric: 0.5}}
    return {
        "chosen_by": metric,
        "higher_is_better": higher_is_better,
        "dev": {metric: value},
        "leaderboard": leaderboard,
        **more,
    }


def test_run_answers_with_the_features_it_was_trained_with(project, folder):
    other = copied(folder, "2026-01-01-000000-0a0a0a0a")
    with (other / "code" / "features.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef add_features(rows):\n    return rows.assign(amount=0.0, mark='of the run')\n")
    copied(other, "2026-01-02-000000-0b0b0b0b")

    run = loading.load(project.models / "2026-01-02-000000-0b0b0b0b")

    assert set(run.add_features(answers.test_rows(project, run))["mark"]) == {"of the run"}


def test_model_is_made_of_the_classes_of_its_own_copy(folder):
    model = loading.load(folder).model

    assert type(model).__module__.startswith(f"{package.NAME}_run_")


def trained_elsewhere(folder, model=None, **versions):
    """The run, as if it had been trained with these versions of packages."""
    if model is not None:
        (folder / registry.MODEL).write_bytes(model)
    record = registry.read(folder)
    packages = {**record["environment"]["packages"], **versions}
    files = {**record["files"], registry.MODEL: artefact.sha256(folder / registry.MODEL)}
    registry.write(folder, {**record, "environment": {**record["environment"], "packages": packages}, "files": files})


def test_other_versions_of_packages_that_matter_are_said_on_load(project, folder, caplog):
    now = registry.read(folder)["environment"]["packages"]["scipy"]
    trained_elsewhere(folder, scipy="0.1", ruff="0.0.1")

    loading.load(folder)

    (line,) = caplog.messages
    assert f"scipy 0.1 (now {now}): " in line and "ruff" not in line
    assert f"make reproduce RUN={folder.name}" in line


def test_same_versions_are_not_mentioned(folder, caplog):
    loading.load(folder)

    assert not caplog.messages


def test_model_that_other_versions_cannot_read_is_a_message(folder):
    trained_elsewhere(folder, b"cnumpy\nno_such_function\n.", numpy="0.1")

    with pytest.raises(DataError, match=r"cannot be loaded(.|\n)*numpy 0\.1 \(now (.|\n)*make reproduce RUN="):
        loading.load(folder)


def test_model_that_does_not_answer_with_other_versions_is_a_message(project, folder):
    trained_elsewhere(folder, pickle.dumps(DummyClassifier()), scipy="0.1")
    run = loading.load(folder)

    with pytest.raises(DataError, match=r"does not answer(.|\n)*scipy 0\.1 \(now (.|\n)*make reproduce RUN="):
        answers.answer(run, answers.test_rows(project, run), abstain_below=0.0)


def test_error_that_other_versions_do_not_explain_is_left_as_it_is(folder):
    trained_elsewhere(folder, b"cnumpy\nno_such_function\n.")

    with pytest.raises(AttributeError, match="no_such_function"):
        loading.load(folder)


@pytest.mark.parametrize("name", ["model.pkl", "data_dictionary.toml", "code/features.py"])
def test_run_that_was_changed_is_not_loaded(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)

    with pytest.raises(DataError, match=f"{name} was changed since the run was made"):
        loading.load(folder)


def test_run_with_a_missing_file_is_not_loaded(folder):
    (folder / "code" / "predict.py").unlink()

    with pytest.raises(DataError, match="predict.py is missing"):
        loading.load(folder)


@pytest.mark.parametrize("harm", ["{ half", None])
def test_run_without_a_readable_record_is_named(folder, harm):
    (folder / registry.RECORD).write_text(harm) if harm else (folder / registry.RECORD).unlink()

    with pytest.raises(DataError, match="run.json cannot be read"):
        loading.load(folder)


def test_run_is_found_by_its_whole_key_only(project, folder):
    key = registry.read(folder)["key"]

    assert registry.find(project, key) == folder
    assert registry.find(project, key[:8] + "0" * 56) is None


def test_half_written_run_is_not_listed(project, folder):
    shutil.copytree(folder, folder.with_name("2027-01-01-000000-00000000") / "inner")

    assert registry.folders(project) == [folder]


def test_run_is_named_by_its_end(project, folder):
    assert registry.named(project, folder.name) == folder
    assert registry.named(project, folder.name[-8:]) == folder


@pytest.mark.parametrize("name", ["nothing", ""])
def test_name_of_no_run_or_of_several_is_refused_with_those_that_exist(project, folder, name):
    copied(folder, "2026-01-01-000000-0a0a0a0a")

    with pytest.raises(SettingsError, match=f"(runs are called '{name}'|Which run)(.|\n)*{folder.name}"):
        registry.named(project, name)


def test_table_is_newest_first_with_the_best_of_each_metric_marked(project, folder):
    shutil.rmtree(folder)
    source = folder.with_name("source")
    source.mkdir()
    record = {
        "model": {"name": "linear"},
        "input_data": {"data/processed/train.parquet": "0" * 64},
        "commit": None,
        "dirty": True,
        "seconds": 1.0,
        "decision": "why",
    }
    for name, metrics in [
        ("2026-01-01-a", scored("roc_auc", 0.9, test={"roc_auc": 0.88, "interval": [0.8, 0.95]})),
        ("2026-01-02-b", scored("roc_auc", 0.8)),
        ("2026-01-03-c", scored("mae", 3.0, higher_is_better=False)),
        ("2026-01-04-d", scored("mae", 2.0, higher_is_better=False)),
    ]:
        registry.write(project.models / name, {**record, "run": name, "metrics": metrics})

    table = listing.rows(project)
    text = listing.render(table).splitlines()

    assert [(line["run"][-1], line["best"]) for line in table] == [("d", True), ("c", False), ("b", False), ("a", True)]
    assert json.loads(json.dumps(table)) == table
    assert text[1].startswith("*") and text[2].startswith(" ")
    assert "0.8 ... 0.95" in text[4] and "none+" in text[4] and text[4].endswith("why")


def test_table_without_runs_says_how_to_get_one():
    assert "make train" in listing.render([])
