import json

import pandas as pd
import pytest

from data_science_project.engine.project.errors import DataError
from data_science_project.service import drift, profile


@pytest.fixture
def made(project, folder):
    """The reference of the run of the throw-away project, as it was made when that was trained."""
    return profile.of(project, folder)


def test_reference_holds_each_column_that_the_model_may_see_and_its_answers_to_held_out_rows(project, folder, made):
    train = pd.concat([pd.read_parquet(project.split(part)) for part in ("train", "dev")])
    held = pd.read_parquet(folder / "held_out.parquet")

    assert (made["run"], made["rows"], made["distinct"]) == (folder.name, len(train), 1.0)
    assert set(made["columns"]) == {"amount", "colour", "shop", "day", "note"}
    assert made["columns"]["amount"]["missing"] == train["amount"].isna().mean()
    assert made["columns"]["amount"]["quantiles"][500] == train["amount"].quantile(0.5, "higher")
    assert made["columns"]["colour"]["shares"] == train["colour"].value_counts(normalize=True).to_dict()
    positive = held["probability"].where(held["prediction"] == "yes", 1 - held["probability"])
    assert made["predictions"]["probability_yes"]["quantiles"][500] == positive.quantile(0.5, "higher")
    assert [*made["unusual"]["columns"]] == ["amount", "colour", "shop"]
    assert "parcel" not in json.dumps(made) and "shop A" not in json.dumps(made), "no text, no rare kind"


def test_reference_is_read_where_the_splits_are_gone(project, folder, made):
    project.split("train").unlink()

    assert profile.of(project, folder) == made


def test_reference_that_was_edited_is_made_again(project, folder, made, caplog):
    path = profile.path_of(project, folder)
    path.write_text(path.read_text().replace('"rows": 96', '"rows": 97'))

    assert profile.of(project, folder) == made
    assert "was changed after it was made" in caplog.text


def test_reference_of_another_version_is_made_again_or_else_left_and_said(project, folder, made, monkeypatch, caplog):
    monkeypatch.setattr(profile, "VERSION", "next")

    assert profile.of(project, folder) == made | {"version": "next"}

    monkeypatch.setattr(profile, "VERSION", "after that")
    project.split("train").unlink()
    assert profile.of(project, folder) is None
    assert "reference.json is of version next, not after that" in caplog.text
    assert "is compared with no training data" in caplog.text


@pytest.mark.parametrize("inside", ["", "project"])
def test_reference_is_made_of_the_splits_that_reproduce_made_again(project, folder, made, inside):
    place = project.root / ".cache/reproduce" / folder.name / inside / "data/processed"
    place.mkdir(parents=True)
    for part in ("train", "dev"):
        project.split(part).rename(place / f"{part}.parquet")
    profile.path_of(project, folder).unlink()

    assert profile.of(project, folder) == made


@pytest.mark.parametrize("gone", [True, False])
def test_splits_of_another_run_make_no_reference_and_it_is_said_why(project, folder, gone, caplog):
    path = project.split("train")
    path.unlink() if gone else path.write_bytes(b"another")
    profile.path_of(project, folder).unlink()

    with pytest.raises(DataError, match=f"{folder.name} learned from .*train.parquet(.|\n)*make reproduce"):
        profile.make(project, folder)
    assert profile.of(project, folder) is None
    assert "is compared with no training data" in caplog.text


def test_answers_are_compared_by_shares_of_classes_or_quantiles_of_numbers_and_not_by_how_sure_they_were():
    classes, numbers = ({"classes": found, "model": {"name": "linear"}} for found in ([1, 2, 3], []))
    of_classes = profile.said(pd.DataFrame({"prediction": [1] * 30 + [2] * 10, "probability": 0.5}), classes)
    of_numbers = profile.said(pd.DataFrame({"truth": [1.0, 2.0], "prediction": [1.5, 2.5]}), numbers)

    assert [*of_classes] == [*of_numbers] == ["prediction"]
    assert drift.summary(of_classes["prediction"])["shares"] == {"1": 0.75, "2": 0.25}
    assert set(drift.summary(of_numbers["prediction"])["quantiles"]) == {1.5, 2.5}


def test_constant_answer_is_not_compared_with_those_of_the_folds():
    held = pd.DataFrame({"truth": [1.0, 2.0], "prediction": [1.4, 1.6]})

    assert profile.said(held, {"classes": [], "model": {"name": "dummy"}}).empty
