"""A bit flipped or a file cut, anywhere: it is found, named and not used, and what the message advises helps."""

import importlib.util
import py_compile
import random
import shutil

import pytest

from data_science_project import pipeline
from data_science_project.engine.project import artefact, records, settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import lineage, listing, loading, registry
from data_science_project.engine.sources import source


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


@pytest.fixture
def champion(project):
    """The only run, promoted."""
    folder = registry.folders(project)[0]
    change = {"run": folder.name, "before": None, "time": "2026-11-01T00:00:00+00:00", "forced": "a test", "gate": []}
    about = records.sealed({"champion": folder.name, "history": [change]})
    artefact.write_json(project.models / registry.CHAMPION, about)
    return folder


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize(
    "name", ["run.json", "model.pkl", "data_dictionary.toml", "requirements.lock", "code/features.py"]
)
def test_run_that_is_damaged_is_named_and_trained_anew_beside_it(project, caplog, name, harm):
    folder = registry.folders(project)[0]
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
def test_champion_that_is_damaged_does_not_answer_until_it_is_brought_back(project, champion, name, harm):
    before = (champion / name).read_bytes()
    harm(champion / name, random.Random(2))

    with pytest.raises(DataError, match=name):
        pipeline.make(project, "predict", input=project.root / "table.csv")
    (champion / name).write_bytes(before)

    assert pipeline.make(project, "predict", input=project.root / "table.csv")


@pytest.mark.parametrize("harm", HARMS)
def test_damaged_list_of_champions_is_named_and_may_be_deleted(project, champion, harm):
    harm(project.models / registry.CHAMPION, random.Random(3))

    with pytest.raises(DataError, match=r"champion\.json cannot be read"):
        pipeline.make(project, "predict")
    (project.models / registry.CHAMPION).unlink()

    assert pipeline.make(project, "predict")


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize(
    "name", [f"data/{name}.parquet" for name in ("interim/clean", "processed/train", "processed/dev", "processed/test")]
)
@pytest.mark.parametrize("ending", ["", ".json"])
def test_artefact_or_its_record_is_named_and_made_again(project, caplog, name, ending, harm):
    before = artefact.sha256(project.root / name)
    harm(project.root / (name + ending), random.Random(4))

    with pytest.raises(DataError, match=name.rpartition("/")[2]):
        records.checked(project.root / name)
    caplog.clear()
    pipeline.make(project, "features")

    assert name.rpartition("/")[2] + ending in caplog.text
    assert artefact.sha256(records.checked(project.root / name)) == before


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("name", ["table.csv", "source.json"])
def test_raw_data_that_are_damaged_are_named_and_fetched_again_when_deleted(project, name, harm):
    (dump,) = (path.parent for path in project.root.glob("data/raw/*/source.json"))
    harm(dump / name, random.Random(5))

    with pytest.raises(DataError, match=name):
        pipeline.make(project, "predict")
    shutil.rmtree(dump)
    pipeline.make(project, "predict")

    assert len(registry.folders(project)) == 1


@pytest.mark.parametrize("harm", HARMS)
def test_damaged_choice_of_dumps_is_named_and_may_be_deleted(project, harm):
    pointers = project.root / source.RAW / source.CURRENT
    harm(pointers, random.Random(6))

    with pytest.raises(DataError, match=r"current\.json cannot be read"):
        pipeline.make(project, "predict")
    pointers.unlink()

    assert pipeline.make(project, "predict")


@pytest.mark.parametrize("harm", HARMS)
def test_damaged_cache_of_digests_is_not_believed(project, harm, caplog):
    caplog.set_level("INFO")
    harm(project.root / ".cache" / "digests.json", random.Random(7))

    pipeline.make(settings.load(project.root), "predict")

    assert "nothing to do" in caplog.messages[-1]


def test_bytecode_which_is_not_on_record_is_not_run(project, tmp_path):
    folder = registry.folders(project)[0]
    folder = folder.rename(folder.with_name("another"))  # not loaded yet in this process
    (tmp_path / "planted.py").write_text("raise SystemExit('planted')")
    planted = importlib.util.cache_from_source(folder / "code" / "features.py")
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(tmp_path / "planted.py", planted, invalidation_mode=unchecked)

    assert loading.load(folder).name == "another"


def test_damage_shows_in_the_lineage(project):
    flip(project.clean, random.Random(8))

    states = {link.file: link.state for link in lineage.trace(project, project.split("test"))}

    assert states["data/interim/clean.parquet"] == "changed since"
