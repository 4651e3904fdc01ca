"""A clock that jumps: the newest run is the one that was made last, whatever the clock said."""

from datetime import UTC, datetime, timedelta

import pytest

from data_science_project import pipeline
from data_science_project.engine.project import settings
from data_science_project.engine.runs import registry

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([], "2026-11-20-120000"),
        (["2026-11-19-235959-aaaaaaaa"], "2026-11-20-120000"),
        (["2026-11-20-120000-aaaaaaaa"], "2026-11-20-120001"),  # in the same second
        (["2026-11-21-000000-aaaaaaaa", "2026-11-01-000000-bbbbbbbb"], "2026-11-21-000001"),  # the clock went back
        (["my favourite", "2026-99-99-000000-x", ".gitkeep"], "2026-11-20-120000"),
    ],
)
def test_name_of_a_run_sorts_after_all_others(make_project, there, expected):
    project = make_project()
    for name in there:
        (project.models / name).mkdir(parents=True)

    assert registry.new_name(project, "c" * 64, NOW) == f"{expected}-cccccccc"


def test_clock_that_is_a_day_behind_is_mentioned(make_project, caplog):
    project = make_project()
    (project.models / "2026-11-21-120000-aaaaaaaa").mkdir(parents=True)

    registry.new_name(project, "c" * 64, NOW)

    assert "is it right?" in caplog.text


def test_run_that_is_made_after_the_clock_went_back_is_the_newest(project):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    first = registry.folders(project)[0]
    first = first.rename(first.with_name(f"{tomorrow.strftime(registry.TIME)}{first.name[-9:]}"))

    pipeline.make(settings.load(project.root, ["train.seed=1"]), "train")

    newest = registry.folders(project)[0]
    assert newest != first and len(registry.folders(project)) == 2
    assert registry.read(newest)["parameters"]["train"]["seed"] == 1
    assert datetime.fromisoformat(registry.read(newest)["started"]) < tomorrow
