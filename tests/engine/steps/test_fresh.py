import os
import shutil
from dataclasses import replace

import pytest

from data_science_project import pipeline
from data_science_project.engine.columns import dictionary
from data_science_project.engine.project import artefact, package, records, settings
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.runs import registry

NOTHING_TO_DO = """
import sys
from {0}.engine.project import settings
from {0}.pipeline import make
make(settings.load(), "predict")
heavy = set("pandas numpy sklearn pyarrow {0}.train {0}.predict".split()) & set(sys.modules)
assert not heavy, heavy
"""
AFTER_SPLIT = {"features", "train", "predict"}


def made(project):
    """When each file was written and whether it is on record, by step; and the number of runs."""
    files = {
        "data": [project.clean],
        "features": [project.split(part) for part in settings.PARTS],
        "predict": [project.root / "data" / "predictions" / "test.csv"],
        "explore": [project.root / "reports" / "exploration.html"],
    }
    states = {
        step: [(path.stat().st_mtime_ns, records.sidecar(path).exists()) for path in paths if path.exists()]
        for step, paths in files.items()
    }
    return {**states, "train": len(registry.folders(project))}


def remade(project, verb="predict", *overrides, **wish):
    """The steps that ran again."""
    before = made(project)
    pipeline.make(settings.load(project.root, overrides), verb, **wish)
    return {step for step, state in made(project).items() if state != before[step]}


def edit_params(project, section, line):
    """Put a line into a section of params.toml."""
    path = project.root / "params.toml"
    text = path.read_text(encoding="utf-8")
    text = text if f"[{section}]" in text else f"{text}\n[{section}]\n"
    path.write_text(text.replace(f"[{section}]\n", f"[{section}]\n{line}\n"), encoding="utf-8")


def edit_column(project, name, **changes):
    columns = dictionary.load(project.dictionary)
    dictionary.write(project.dictionary, {**columns, name: replace(columns[name], **changes)})


def test_second_make_does_nothing_and_says_so(project, caplog):
    caplog.set_level("INFO")

    assert remade(project) == set()

    assert "nothing to do, up to date" in caplog.messages[-1]


def test_second_make_imports_no_pandas_and_no_step(project, command):
    done = command(project.root, "-c", NOTHING_TO_DO.format(package.NAME))

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("section", "line", "expected"),
    [
        ("split", "seed = 1", AFTER_SPLIT),
        ("split", "shares = {train = 0.5, dev = 0.25, test = 0.25}", AFTER_SPLIT),
        ("split", 'by = "random"', AFTER_SPLIT),
        ("train", "seed = 1", {"train", "predict"}),
        ("train", 'metric = "accuracy"', {"train", "predict"}),
        ("train", "balance = true", {"train", "predict"}),
        ("predict", "abstain_below = 0.9", {"predict"}),
        ("data", 'read = {separator = ","}', {"data", "predict"}),  # the same rows come out: nothing to split anew
        ("data", "# a comment", set()),
    ],
)
def test_edited_parameter_runs_exactly_the_steps_that_read_it(project, section, line, expected):
    edit_params(project, section, line)

    assert remade(project) == expected


def go_and_come_back(project):
    """Edit a parameter, make, and put the old parameters back."""
    path = project.root / "params.toml"
    text = path.read_text(encoding="utf-8")
    edit_params(project, "split", "seed = 1")
    pipeline.make(settings.load(project.root), "predict")
    path.write_text(text, encoding="utf-8")


def test_going_back_to_earlier_parameters_computes_nothing(project, caplog):
    before, test = registry.folders(project), project.split("test").read_bytes()
    go_and_come_back(project)
    caplog.clear()
    caplog.set_level("INFO")

    pipeline.make(project, "predict")

    assert caplog.messages == ["made before from the same: taken from .cache"] * 2  # features and predict
    assert project.split("test").read_bytes() == test
    assert set(before) < set(registry.folders(project)) and len(registry.folders(project)) == 2


def test_file_that_was_changed_in_the_cache_is_not_taken(project):
    test = project.split("test").read_bytes()
    go_and_come_back(project)
    for kept in (project.root / ".cache").rglob("test.parquet"):
        flip(kept)

    pipeline.make(project, "predict")

    assert project.split("test").read_bytes() == test


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"description": "in kg"}, set()),
        ({"range": (-9.0, 999.0)}, {"data", "predict"}),
        ({"rule": "warn"}, {"data", "predict"}),
        ({"missing": ("?",)}, {"data", "predict"}),
        ({"transformation": "none"}, {"features", "train", "predict"}),
        ({"role": "ignored"}, {"data", "features", "train", "predict"}),
    ],
)
def test_edited_data_dictionary_runs_exactly_the_steps_that_read_it(project, changes, expected):
    edit_column(project, "amount", **changes)

    assert remade(project) == expected


def test_description_of_a_column_makes_the_exploration_anew_alone(project):
    pipeline.make(project, "explore")

    edit_column(project, "amount", description="in kg")

    assert remade(project) == set()
    assert remade(project, "explore") == {"explore"}


def test_touched_files_run_nothing(project):
    for path in project.root.rglob("*"):
        if path.is_file():
            os.utime(path, (1, 1))

    assert remade(project) == set()


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lose_record(path):
    records.sidecar(path).unlink()


@pytest.mark.parametrize("harm", [cut, flip, os.unlink, lose_record])
@pytest.mark.parametrize(
    ("file", "step"),
    [
        ("data/interim/clean.parquet", "data"),
        ("data/processed/test.parquet", "features"),
        ("data/processed/dev.parquet", "features"),
        ("data/predictions/test.csv", "predict"),
    ],
)
def test_file_that_was_cut_edited_or_lost_is_made_again(project, file, step, harm):
    path = project.root / file
    before = path.read_bytes()

    harm(path)

    assert remade(project) == {step}
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["model.pkl", "code/features.py"])
def test_run_that_was_edited_is_trained_anew_beside_it(project, name):
    folder = registry.folders(project)[0]
    with (folder / name).open("ab") as file:
        file.write(b"\n")
    moved = folder.rename(folder.with_name("2026-01-01-000000" + folder.name[-9:]))

    assert remade(project) == {"train", "predict"}
    assert moved.is_dir()


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("features", AFTER_SPLIT),  # even if the rows stay the same: the run carries its own copy
        ("models", {"train", "predict"}),
        ("mytools", AFTER_SPLIT),
        ("tools/numbers", AFTER_SPLIT),
        ("engine/sources/formats", {"data", "features", "predict"}),
        ("engine/checks/drift", {"features"}),
        ("engine/modelling/blend", AFTER_SPLIT),
        ("engine/report/figures", set()),
        ("evaluate", set()),
        ("cli", set()),
    ],
)
def test_edited_module_runs_the_steps_that_use_it(project, module, expected):
    path = project.package / f"{module}.py"
    path.parent.mkdir(exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n# edited\n")

    assert remade(project) == expected


def test_changed_source_is_refused_until_it_is_accepted(project, made_table):
    made_table.head(100).to_csv(project.root / "table.csv", index=False)

    with pytest.raises(DataError):
        remade(project)

    assert remade(project, accept=True) == {"data", *AFTER_SPLIT}


def test_set_counts_and_is_recorded_in_the_run(project):
    assert remade(project, "train", "train.seed=5") == {"train"}

    record = registry.read(registry.folders(project)[0])
    assert record["parameters"]["overrides"] == {"train.seed": 5}
    assert record["parameters"]["train"]["seed"] == 5


def test_message_becomes_the_decision_of_the_run(project):
    remade(project, "train", "train.seed=5", message="because of the new shop")

    assert "because of the new shop" in [registry.read(folder)["decision"] for folder in registry.folders(project)]


def test_run_that_was_named_answers_without_training(project):
    first = registry.folders(project)[0]
    edit_params(project, "train", "seed = 1")
    project = settings.load(project.root)

    output = pipeline.make(project, "predict", run=first.name, output=project.root / "by_first.csv")[0]

    assert len(registry.folders(project)) == 1
    assert first.name in output.read_text(encoding="utf-8")


def test_input_is_scored_to_a_file_of_its_name_and_again_when_it_changes(project, made_table):
    new = project.root / "new.rows.csv"
    made_table.head(3).to_csv(new, index=False)
    output = pipeline.make(project, "predict", input=new)[0]
    first = output.stat().st_mtime_ns, len(output.read_text().splitlines())
    pipeline.make(project, "predict", input=new)
    second = output.stat().st_mtime_ns

    made_table.head(5).to_csv(new, index=False)
    pipeline.make(project, "predict", input=new)

    assert project.relative(output).replace("\\", "/") == "data/predictions/new.rows.csv"
    assert first == (second, 4)
    assert len(output.read_text().splitlines()) == 6


def test_input_that_does_not_exist_is_named(project):
    with pytest.raises(DataError, match=r"nothing\.csv"):
        pipeline.make(project, "predict", input=project.root / "nothing.csv")


def test_failed_step_leaves_the_outputs_of_the_last_one(project):
    before = project.split("test").read_bytes()
    edit_params(project, "split", 'by = "group:nothing"')

    with pytest.raises(SettingsError):
        pipeline.make(settings.load(project.root), "predict")

    assert project.split("test").read_bytes() == before


def test_every_artefact_says_what_made_it_from_what(project):
    for file, step in [(project.clean, "data"), (project.split("dev"), "features")]:
        about = records.recorded(file)

        assert about["step"] == step and about["parameters"] and about["code"] and "commit" in about
        assert all(artefact.sha256(project.root / path) == digest for path, digest in about["inputs"].items())


def test_key_does_not_depend_on_where_the_project_lies(project, tmp_path):
    moved = settings.load(shutil.copytree(project.root, tmp_path / "moved"))

    assert remade(moved) == set()


@pytest.mark.parametrize(("line", "again"), [("scipy==0.2", {"train", "predict"}), ("ruff==0.2", set())])
def test_other_versions_in_the_lock_train_again_if_they_matter(project, line, again):
    lock = project.root / registry.LOCK
    lock.write_text("ruff==0.1\nscipy==0.1 ; python_version > '3'\n    # via scikit-learn\n")
    remade(project)
    lock.write_text(lock.read_text().replace(line.replace("2", "1"), line))

    assert remade(project) == again
