"""A clock that jumps: the newest run is the one that was made last, whatever the clock said."""

from datetime import UTC, datetime, timedelta

from data_science_project import pipeline
from data_science_project.engine.project import settings
from data_science_project.engine.runs import registry


def test_run_that_is_made_after_the_clock_went_back_is_the_newest(project):
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    first = registry.folders(project)[0]
    first = first.rename(first.with_name(f"{tomorrow.strftime(registry.TIME)}{first.name[-9:]}"))

    pipeline.make(settings.load(project.root, ["train.seed=1"]), "train")

    newest = registry.folders(project)[0]
    assert newest != first and len(registry.folders(project)) == 2
    assert registry.read(newest)["parameters"]["train"]["seed"] == 1
    assert datetime.fromisoformat(registry.read(newest)["started"]) < tomorrow
