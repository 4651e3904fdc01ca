import os
import shutil
from dataclasses import replace

import pytest

from data_science_project import pipeline
from data_science_project.engine.columns import dictionary
from data_science_project.engine.project import artefact, package, records, settings
from data_science_project.engine.project.errors import DataError, SettingsError
from data_science_project.engine.runs import registry
from data_science_project.engine.sources import source
from data_science_project.engine.steps import fresh

NOTHING_TO_DO = """
import sys
from {0}.engine.project import settings
from {0}.pipeline import make
make(settings.load(), "predict")
slow = "pandas numpy sklearn pyarrow requests sqlalchemy fsspec dotenv importlib.metadata {0}.train {0}.predict"
heavy = set(slow.split()) & set(sys.modules)
assert not heavy, heavy
"""


def made(project):
    """When each file was written and whether it is on record, by step; and the number of runs."""
    places = {"data": "data/interim/*.parquet", "features": "data/processed/*.parquet"}
    places["predict"] = "data/predictions/test.csv"
    states = {
        step: [(path.stat().st_mtime_ns, records.sidecar(path).exists()) for path in sorted(project.root.glob(place))]
        for step, place in places.items()
    }
    return {**states, "train": len(registry.folders(project))}


def remade(project, verb="predict", *overrides, **options):
    """The steps that ran again."""
    before = made(project)
    pipeline.make(settings.load(project.root, overrides), verb, **options)
    return {step for step, state in made(project).items() if state != before[step]}


@pytest.mark.parametrize(
    ("verb", "override", "expected"),
    [
        ("predict", "split.seed=1", {"features", "train", "predict"}),
        ("predict", 'data.read={separator=","}', {"data", "predict"}),  # the same rows come out: nothing to split anew
        ("train", "train.seed=1", {"train"}),
    ],
)
def test_edited_parameter_runs_what_reads_it_and_what_reads_what_changed(project, caplog, verb, override, expected):
    caplog.set_level("INFO")

    assert remade(project, verb, override) == expected
    assert "nothing to do" not in caplog.text and not [*project.root.glob("models/*/run.json.json")]


def test_second_make_does_nothing_says_so_and_imports_no_pandas_and_no_step(project, command, caplog, tmp_path):
    caplog.set_level("INFO")
    with (project.root / "params.toml").open("a") as params:
        params.write("# a comment\n")
    moved = settings.load(shutil.copytree(project.root, tmp_path / "moved"))
    for path in moved.root.rglob("*"):
        if path.is_file():
            os.utime(path, (1, 1))

    assert remade(project) == remade(moved) == set()
    done = command(project.root, "-c", NOTHING_TO_DO.format(package.NAME))

    assert "nothing to do, up to date" in caplog.messages[-1]
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("damaged", [False, True])
def test_going_back_to_earlier_parameters_computes_nothing_unless_the_cache_was_damaged(project, caplog, damaged):
    before, test = registry.folders(project), project.split("test").read_bytes()
    pipeline.make(settings.load(project.root, ["split.seed=1"]), "predict")
    for kept in (project.root / ".cache").rglob("test.parquet") if damaged else ():
        flip(kept)
    caplog.clear()
    caplog.set_level("INFO")

    pipeline.make(project, "predict")

    taken = "made before from the same: taken from .cache"
    assert damaged or caplog.messages == [taken] * 2  # features and predict
    assert project.split("test").read_bytes() == test
    assert set(before) < set(registry.folders(project)) and len(registry.folders(project)) == 2


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.once
@pytest.mark.parametrize("harm", [flip, os.unlink])
@pytest.mark.parametrize("ending", ["", ".json"], ids=["file", "record"])
@pytest.mark.parametrize(
    ("file", "step"),
    [("interim/clean.parquet", "data"), ("processed/train.parquet", "features"), ("predictions/test.csv", "predict")],
)
def test_file_or_record_that_was_edited_or_lost_is_made_again(project, caplog, file, ending, step, harm):
    path = project.root / "data" / file
    before = path.read_bytes()

    harm(path.with_name(path.name + ending))

    again = remade(project)
    assert again == {step} or (ending and not again), "a record comes from the cache, beside the file as it is"
    assert path.read_bytes() == before and records.checked(path)
    assert harm is os.unlink or path.name + ending in caplog.text
    assert ending or ("is gone" in caplog.text) == (harm is os.unlink)


def test_changed_source_is_refused_until_it_is_accepted_and_a_failed_step_leaves_the_last_outputs(project, made_table):
    before = project.split("test").read_bytes()
    with pytest.raises(SettingsError):
        remade(project, "predict", "split.by=group:nothing")
    made_table.head(100).to_csv(project.root / "table.csv", index=False)
    with pytest.raises(DataError):
        remade(project)

    assert project.split("test").read_bytes() == before
    assert remade(project, accept=True) == {"data", "features", "train", "predict"}


def test_model_that_is_gone_is_named_with_the_ways_to_bring_it_back(project, folder):
    (folder / "model.pkl").unlink()

    with pytest.raises(DataError, match=r"model\.pkl is not there, predict reads it\.\n.*make pull"):
        pipeline.make(project, "predict", run=folder.name)


def test_input_is_scored_to_a_file_of_its_name_and_again_when_it_changes(project, made_table):
    new, seen = project.root / "new.rows.csv", []

    for rows in (3, 3, 5):
        made_table.head(rows).to_csv(new, index=False)
        (output,) = pipeline.make(project, "predict", input=new)
        seen.append((len(output.read_text().splitlines()), output.stat().st_mtime_ns))

    assert project.relative(output).replace("\\", "/") == "data/predictions/new.rows.csv"
    assert [lines for lines, _ in seen] == [4, 4, 6] and seen[0] == seen[1]


def test_every_artefact_says_what_made_it_from_what(project):
    for file, step in [(project.clean, "data"), (project.split("dev"), "features")]:
        about = records.recorded(file)

        assert about["step"] == step and about["parameters"] and about["code"] and "commit" in about
        assert all(artefact.sha256(project.root / path) == digest for path, digest in about["inputs"].items())


def keys(project, *overrides):
    """The key of each step for the only run of a project."""
    today, (folder,) = settings.load(project.root, overrides), registry.folders(project)
    work = fresh.Work(pipeline.STEPS, today, records.Digests(project.root), folder=folder)
    for path in pipeline.report(work):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return {verb: fresh.key_of(verb, work)[0] for verb in pipeline.STEPS}


def changed(before, after):
    """The steps whose key is another one."""
    return {verb for verb, key in after.items() if key != before[verb]}


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("split.seed=1", "features explore"),
        ("split.by=random", "features train explore"),
        ("train.seed=1", "train"),
        ("predict.abstain_below=0.9", "evaluate predict card export"),
        ("predict.error_rate=0.1", "evaluate predict card export"),
        ("predict.reasons=1", "predict export"),
        ("decision.currency=EUR", "evaluate predict card export"),
    ],
)
def test_edited_parameter_counts_for_the_steps_that_read_it_and_no_others(project, override, expected):
    assert changed(keys(project), keys(project, override)) == set(expected.split())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"description": "in kg"}, "explore"),
        ({"sensitive": True}, "evaluate"),
        ({"range": (-9.0, 999.0)}, "data predict export"),
        ({"rule": "refuse"}, "data predict export"),
        ({"missing": ("?",)}, "data predict export"),
        ({"values": ("red", "green", "blue")}, "data predict export explore"),
        ({"transformation": "none"}, "features train explore"),
        ({"role": "ignored"}, "data features train predict export explore"),
    ],
)
def test_edited_column_counts_for_the_steps_that_read_it_and_no_others(project, changes, expected):
    before, columns = keys(project), dictionary.load(project.dictionary)

    dictionary.write(project.dictionary, {**columns, "colour": replace(columns["colour"], **changes)})

    assert changed(before, keys(project)) == set(expected.split())


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("features", "features train evaluate"),  # train too: the run carries its own copy
        ("models", "train evaluate"),
        ("tools/numbers", "features train evaluate"),
        ("engine/sources/formats", "data features evaluate predict explore"),  # validation writes cells as it does
        ("engine/checks/drift", "features evaluate explore"),
        ("engine/modelling/blend", "features train evaluate predict explore card export"),
        ("engine/report/figures", "evaluate explore card"),
        ("evaluate", "evaluate"),
        ("cli", ""),
    ],
)
def test_edited_module_counts_for_the_steps_that_use_it_and_no_others(project, module, expected):
    before, path = keys(project), project.package / f"{module}.py"
    path.parent.mkdir(exist_ok=True)

    artefact.write_text(path, f"{path.read_text(encoding='utf-8') if path.exists() else ''}\n# edited\n")

    assert changed(before, keys(project)) == set(expected.split())


def test_variable_that_the_run_declares_counts_where_its_features_are_computed(project, folder, monkeypatch):
    record = registry.read(folder)
    registry.write(folder, {**record, "environment": {**record["environment"], "variables": {"RATE": None}}})
    before = keys(project)

    monkeypatch.setenv("RATE", "2")

    assert changed(before, keys(project)) == {"evaluate", "predict"}


def test_pages_are_made_again_when_another_file_that_they_show_changes(project):
    before = keys(project)

    shutil.copyfile(project.split("dev"), project.split("train"))
    records.record(project.clean, {**records.recorded(project.clean), "decisions": ["one row was mended"]})
    (project.root / "pyproject.toml").write_text("[project]\ndependencies = []\n")

    assert changed(before, keys(project)) == {"train", "evaluate", "explore", "card", "export"}


def test_data_are_typed_again_for_another_group_where_people_told_rows_because_those_without_one_go(project):
    other = "split.by=group:shop"
    untold = keys(project)["data"] == keys(project, other)["data"]

    source.keep(project.root, {"answers": {}}, lambda folder: (folder / source.FEEDBACK).touch())

    assert untold and keys(project)["data"] != keys(project, other)["data"]


@pytest.mark.parametrize(("line", "again"), [("scipy==0.2", {"train"}), ("ruff==0.2", set())])
def test_other_versions_in_the_lock_train_again_if_they_matter(project, line, again):
    lock = project.root / package.LOCK
    lock.write_text("ruff==0.1\nscipy==0.1 ; python_version > '3'\n    # via scikit-learn\n")
    before = keys(project)

    lock.write_text(lock.read_text().replace(line.replace("2", "1"), line))

    assert changed(before, keys(project)) == again


def test_frozen_without_a_dump_fetches_nothing_and_says_how_to(make_project):
    project = make_project()

    with pytest.raises(DataError, match="there is no raw dump of the source here"):
        pipeline.make(project, "data", frozen=True)

    assert not list((project.root / "data").glob("raw/*"))
