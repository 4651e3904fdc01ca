"""Two commands at once on one project: one waits, says so, and takes over what the other made."""

import shutil
import subprocess
import sys

import pytest

from data_science_project import pipeline, predict, train
from data_science_project.engine.project import artefact, lock, package, settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import registry

MADE = ("data/raw/*", "data/interim/*", "data/processed/*", "data/predictions/*", "models/*", "references/*", ".cache")


@pytest.fixture
def empty(project):
    """A project in which no command has run yet."""
    for path in [path for pattern in MADE for path in project.root.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return project


@pytest.fixture
def at_once(monkeypatch):
    """Start commands at the same time, each in a process of its own, and return their logs."""

    def call(root, *commands):
        monkeypatch.setenv("PYTHONPATH", str(root / "src"))
        words = [[sys.executable, "-m", package.NAME, *command.split()] for command in commands]
        options = {"cwd": root, "stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL, "text": True}
        processes = [subprocess.Popen(word, **options) for word in words]
        logs = [process.communicate()[1] for process in processes]
        assert [process.returncode for process in processes] == [0] * len(commands), logs
        return logs

    return call


@pytest.mark.once
@pytest.mark.parametrize("verb", ["data", "predict"])
def test_the_second_of_two_waits_and_has_nothing_to_do(empty, at_once, verb):
    logs = sorted(at_once(empty.root, verb, verb), key=len)

    assert f"waiting until another command is finished here: {verb}, process" in logs[0]
    assert f"{verb}: nothing to do, up to date" in logs[0]
    assert len([path for path in empty.root.glob("data/raw/*") if path.is_dir()]) == 1
    assert len(registry.folders(empty)) == (verb != "data")


@pytest.mark.once
def test_two_trainings_with_different_splits_do_not_mix(empty, at_once):
    at_once(empty.root, "train", "train --set split.seed=1")

    records = [registry.read(folder) for folder in registry.folders(empty)]
    assert sorted(record["parameters"]["split"]["seed"] for record in records) == [0, 1]
    for record in records:
        project = settings.load(empty.root, [f"split.seed={record['parameters']['split']['seed']}"])
        pipeline.make(project, "features")
        for part in settings.PARTS:
            digest = record["input_data"][f"data/processed/{part}.parquet"]
            assert artefact.sha256(project.split(part)) == digest


@pytest.fixture
def new(tmp_path, made_table):
    path = tmp_path / "new.csv"
    made_table.head(5).to_csv(path, index=False)
    return path


def test_file_of_its_own_is_scored_while_others_work(project, folder, new):
    with lock.alone(project.root, "train"):
        (output,) = pipeline.make(project, "predict", run=folder.name, input=new)

    assert len(output.read_text().splitlines()) == 6


def test_input_that_changes_while_it_is_read_does_not_count(project, new, made_table, monkeypatch):
    run = predict.run

    def replaced_meanwhile(*arguments, **words):
        run(*arguments, **words)
        made_table.head(6).to_csv(new, index=False)

    with monkeypatch.context() as patch:
        patch.setattr(predict, "run", replaced_meanwhile)
        with pytest.raises(DataError, match=r"new\.csv changed while predict read it"):
            pipeline.make(project, "predict", input=new)

    (output,) = pipeline.make(project, "predict", input=new)
    assert len(output.read_text().splitlines()) == 7


@pytest.fixture
def edited_before(project, monkeypatch):
    """The project with a declared file that is edited when this function of `train` is called."""
    prices = project.root / "prices.csv"
    prices.write_text("a\n")

    def edit(name):
        function = getattr(train, name)
        monkeypatch.setattr(train, name, lambda *given, **words: prices.write_text("b\n") and function(*given, **words))
        return settings.load(project.root, ['data.also=["prices.csv"]'])

    return edit


def test_run_that_was_made_of_a_file_edited_since_its_key_is_not_kept(project, edited_before):
    runs, declared = registry.folders(project), edited_before("run")

    with pytest.raises(DataError, match=r"prices\.csv changed while train read it"):
        pipeline.make(declared, "train")

    assert registry.folders(project) == runs


def test_run_that_copied_a_file_before_it_was_edited_is_kept(project, edited_before):
    (record,) = pipeline.make(edited_before("learn"), "train")

    assert (record.parent / "external" / "prices.csv").read_text() == "a\n"
    assert registry.folders(project)[0] == record.parent
