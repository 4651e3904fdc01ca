"""A bit flipped or a file cut, anywhere: it is found, named and not used, and what the message advises helps."""

import importlib.util
import py_compile
import random
import shutil

import pytest

from data_science_project import pipeline
from data_science_project.engine.project import artefact
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import listing, loading, promote, registry


def cut(path, chance):
    """Keep a part of a file, or nothing."""
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[: chance.randrange(path.stat().st_size)])


def flip(path, chance):
    """Flip one bit; raw files are read-only."""
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.chmod(0o644)
    path.write_bytes(content)


HARMS = [flip, cut]


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize(
    "name", ["run.json", "model.pkl", "data_dictionary.toml", "requirements.lock", "code/features.py"]
)
def test_run_that_is_damaged_is_named_and_trained_anew_beside_it(project, folder, caplog, name, harm):
    model = artefact.sha256(folder / "model.pkl")
    harm(folder / name, random.Random(1))

    with pytest.raises(DataError, match=name.rpartition("/")[2]):
        loading.load(folder)
    pipeline.make(project, "predict")

    assert name in caplog.text
    newest = registry.folders(project)[0]
    assert newest != folder and artefact.sha256(newest / "model.pkl") == model
    assert newest.name in (project.root / "data" / "predictions" / "test.csv").read_text()
    assert newest.name in listing.render(listing.rows(project))


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", ["run.json", "model.pkl"])
def test_champion_that_is_damaged_does_not_answer_until_it_is_brought_back(project, folder, name, harm):
    promote.keep(project, folder.name, {"gate": []})
    before = (folder / name).read_bytes()
    harm(folder / name, random.Random(2))

    with pytest.raises(DataError, match=name):
        pipeline.make(project, "predict", input=project.root / "table.csv")
    (folder / name).write_bytes(before)

    assert pipeline.make(project, "predict", input=project.root / "table.csv")


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("pattern", ["data/raw/*/table.csv", "data/raw/*/source.json", "data/raw/current.json"])
def test_raw_data_that_are_damaged_are_named_and_fetched_again_when_deleted(project, pattern, harm):
    (path,) = project.root.glob(pattern)
    harm(path, random.Random(5))

    with pytest.raises(DataError, match=path.name):
        pipeline.make(project, "predict")
    path.unlink() if path.name == "current.json" else shutil.rmtree(path.parent)
    pipeline.make(project, "predict")

    assert len(registry.folders(project)) == 1


def test_bytecode_which_is_not_on_record_is_not_run(folder, tmp_path):
    folder = folder.rename(folder.with_name("another"))  # not loaded yet in this process
    (tmp_path / "planted.py").write_text("raise SystemExit('planted')")
    planted = importlib.util.cache_from_source(folder / "code" / "features.py")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(tmp_path / "planted.py", planted, invalidation_mode=unchecked)

    assert loading.load(folder).name == "another"
