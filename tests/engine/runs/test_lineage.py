import shutil

import pytest

from data_science_project import pipeline
from data_science_project.engine.project import artefact, records, settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import lineage


def files(links):
    return {link.file: link for link in links}


def test_run_goes_back_to_its_own_data_after_the_splits_were_made_anew(project, folder):
    before = files(lineage.trace(project, folder / "model.pkl"))
    text = project.dictionary.read_text(encoding="utf-8")
    project.dictionary.write_text(text.replace('"shop A"', '"shop A", "shop Z"'), encoding="utf-8")
    pipeline.make(settings.load(project.root, ["split.seed=7"]), "features")

    after = files(lineage.trace(project, folder / "model.pkl"))

    assert {name: link.digest for name, link in after.items()} == {name: link.digest for name, link in before.items()}
    assert after["data/processed/train.parquet"].state == "changed since"
    inputs = {"data/interim/clean.parquet": "b", "data/external/prices.csv": "c"}
    known = {"data/processed/train.parquet": "a", **inputs, "data/raw/table.csv": "d"}
    assert lineage.version(project, project.split("train"), "a", known)["inputs"] == inputs
    assert next(link.state for name, link in after.items() if name.startswith("data/raw/")) == "as recorded"


@pytest.mark.parametrize("name", ["run.json", "code/train.py", "requirements.lock", "data_dictionary.toml"])
def test_every_file_of_a_run_was_made_by_training(project, folder, name):
    links = lineage.trace(project, folder / name)

    assert links[0].made.startswith("train (") and len(links) > 3


def test_figure_belongs_to_the_report_of_its_run(contest):
    figure = next((contest.root / "reports" / "figures").glob("*.png"))

    links = lineage.trace(contest, figure)

    assert links[0].made.startswith("evaluate, ") and links[0].state == "no digest on record"
    assert links[1].file.endswith("model.pkl") and links[1].file.split("/")[1] in figure.name


def test_chain_is_text_with_one_file_a_line_and_nothing_is_written(project, folder):
    shutil.rmtree(project.root / ".cache")
    links = lineage.trace(project, project.root / "data" / ".." / "models" / folder.name / "model.pkl")

    lines = lineage.render(links).splitlines()

    assert links[0].file == f"models/{folder.name}/model.pkl" and len(lines) == len(links)
    assert lines[1].startswith("  data/processed/train.parquet  ")
    assert "as recorded" in lines[1] and "<- features, " in lines[1]
    assert not (project.root / ".cache").exists()


@pytest.mark.parametrize(
    "name",
    "params.toml models models/notes.txt models/{}/notes.txt data/raw/notes.txt reports/figures/own.png "
    "reports/{}/label_errors.csv".split(),
)
def test_file_of_the_users_own_or_that_people_write_into_has_no_record(project, folder, name):
    path = project.root / name.format(folder.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_dir():
        path.touch()

    said = f"(?s){name.format(folder.name)} has no record of its making.*write into, as label_errors.csv, and your own"
    with pytest.raises(DataError, match=said):
        lineage.trace(project, path)
    with pytest.raises(DataError, match="nowhere.csv is not here, and has no record"):
        lineage.trace(project, path.with_name("nowhere.csv"))


def test_commit_is_not_said_to_be_missing_where_the_record_holds_none(project):
    page = project.root / "reports" / "monitoring.html"
    artefact.write_text(page, "well")
    records.record(page, {"step": "monitor", "inputs": {}})

    (link,) = lineage.trace(project, page)

    assert link.made.startswith("monitor, 2") and "commit" not in link.made


def test_predictions_go_back_to_the_source_card_even_if_they_are_gone(project, folder):
    path = project.root / "data/predictions/test.csv"

    links = lineage.trace(project, path)
    path.unlink()
    gone = lineage.trace(project, path)

    raw = next(link for link in links if link.file.startswith("data/raw/"))
    order = [link.file for link in links]
    assert [link.depth for link in links[:2]] == [0, 1]
    assert order[:2] == ["data/predictions/test.csv", f"models/{folder.name}/model.pkl"]
    splits = {f"data/processed/{part}.parquet" for part in settings.PARTS}
    assert splits | {"data/interim/clean.parquet"} <= set(order)
    assert raw.made.startswith("fetched from table.csv 2")
    assert {link.state for link in links} == {"as recorded"}
    assert gone[0].state == "gone" and [link.file for link in gone] == order
    assert "data/processed/test.parquet" not in files(lineage.trace(project, folder / "model.pkl"))


def test_changed_file_missing_file_and_damaged_source_card_are_named(project, folder):
    project.clean.write_bytes(b"edited")
    project.split("dev").unlink()

    links = files(lineage.trace(project, folder / "model.pkl"))

    states = [links[f"data/{name}.parquet"].state for name in ("interim/clean", "processed/dev", "processed/train")]
    assert states == ["changed since", "gone", "as recorded"]
    card = next((project.root / "data" / "raw").glob("*/source.json"))
    card.chmod(0o644)
    card.write_text("{ half")
    with pytest.raises(DataError, match=r"source\.json: the source card is damaged"):
        lineage.trace(project, folder / "model.pkl")
