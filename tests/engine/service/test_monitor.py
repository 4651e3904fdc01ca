import asyncio
import json

import pytest

from data_science_project.engine.runs import registry
from data_science_project.service import app, log, monitor, settings
from data_science_project.service.database import Told


@pytest.fixture
def service(project, monkeypatch):
    """The service of the throw-away project, without a version loaded."""
    monkeypatch.setenv("DATABASE_URL", "")
    kept = log.Log(project, settings.of(project))
    kept.start()
    yield app.Service(project, kept)
    kept.close(5)


@pytest.fixture
def answered(service, entries, folder):
    """Put answers into the log, each with what was told of it, if anything; their ids."""

    def put(*said, run=folder.name, **changes):
        ids = []
        for output, truth in said:
            (entry,) = entries(run=run, output=json.dumps(output), **changes)
            told = [Told(entry.id, json.dumps(truth), entry.time, "", "http")] if truth is not None else []
            service.log.database.insert([entry, *told])
            ids.append(entry.id)
        return ids

    return put


def yes(probability=0.8):
    return {"prediction": "yes", "probability": probability, "confident": True}


def no(probability=0.6):
    return {"prediction": "no", "probability": probability, "confident": True}


def test_figures_of_an_empty_log_are_none_and_its_state_is_told(service):
    found = monitor.figures(service)

    assert found["runs"] == found["charts"] == []
    assert (found["state"].database, found["unready"]) == ("ok", ["no run is loaded yet"])


def test_false_positives_and_negatives_of_a_run_are_counted_by_the_last_truth(service, answered, entries):
    first, *_ = answered((yes(), "yes"), (yes(), "no"), (yes(), "no"), (no(), "yes"), (no(), "no"), (no(), None))
    service.log.database.insert([Told(first, '"no"', 1.0, "", "page")])

    (run,) = monitor.figures(service)["runs"]

    assert (run["rows"], run["told"], run["wrong"]) == (6, 5, 0.8)
    assert [(name, count, now) for name, count, now, _ in run["said"]] == [("no", 3, 0.5), ("yes", 3, 0.5)]
    assert run["said"][0][3] + run["said"][1][3] == pytest.approx(1)
    assert [(name, positives[:2], negatives[:2]) for name, positives, negatives in run["mistakes"]] == [
        ("no", (1, 2), (3, 4)),
        ("yes", (3, 3), (1, 1)),
    ]


def test_shadow_stands_beside_the_answer_with_figures_of_its_own(service, answered, entries):
    (number,) = answered((yes(0.9), "no"))
    (shadow,) = entries(run="another", role="shadow", output=json.dumps(no(0.7)), milliseconds=9.0)
    shadow.id = number
    service.log.database.insert([shadow])

    answer, beside = monitor.figures(service)["runs"]

    assert (answer["role"], answer["told"], answer["probability"]) == ("answer", 1, 0.9)
    assert (beside["role"], beside["run"], beside["told"], beside["median"]) == ("shadow", "another", 1, 9.0)


def test_error_of_numbers_and_share_within_the_band_and_answers_by_fifth(service, answered, folder):
    record = registry.read(folder) | {"task": "regression", "classes": []}
    registry.write(folder, record)
    (folder / "held_out.parquet").unlink()
    said = [{"prediction": float(place), "low": place - 1.5, "high": place + 1.5} for place in range(10)]
    answered(*((one, one["prediction"] + 1 + place % 2) for place, one in enumerate(said)))

    (run,) = monitor.figures(service)["runs"]

    assert (run["error"], run["within"], run["told"]) == (1.5, 0.5, 10)
    assert [(count, share) for _, count, share, _ in run["said"]] == [(2, 0.2)] * 5


def test_run_that_is_gone_and_a_log_that_cannot_be_read_stop_nothing(service, answered, folder):
    answered((yes(), "no"), run="gone")

    (run,) = monitor.figures(service)["runs"]
    assert run["told"] == 1 and "wrong" not in run

    with service.log.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE feedback")
    assert "no such table" in monitor.figures(service)["unread"]


def test_charts_show_rows_latency_and_confidence_over_time(service, answered):
    answered((yes(0.9), None), time=1000.0, milliseconds=4.0)
    answered((yes(0.7), None), (yes(0.5), None), time=1000.0 + monitor.BARS, milliseconds=2.0, confident=False)

    found = {chart["title"]: chart for chart in monitor.figures(service)["charts"]}

    last = monitor.BARS - 1
    assert found["Rows answered"]["bars"] == [(0, 50.0, 1), (last, 100.0, 2)]
    assert found["Milliseconds, 99th percentile"]["bars"] == [(0, 100.0, 4.0), (last, 50.0, 2.0)]
    assert found["Average probability"]["last"] == pytest.approx(0.6)
    assert (found["Share that is not confident"]["most"], found["Rows answered"]["from"]) == (
        1.0,
        "1970-01-01 00:16 UTC",
    )


def test_requests_are_told_by_what_became_of_them(service):
    service.counts.requests.labels("busy").inc(3)

    assert monitor.outcomes(service) == {"busy": 3}


def test_service_looks_at_itself_and_goes_on_when_it_cannot(service, answered, monkeypatch, caplog, package_log):
    package_log.propagate = True
    answered(*[yes()] * 60)

    async def look():
        task = asyncio.create_task(monitor.watch(service))
        for _ in range(500):
            await asyncio.sleep(0.02)
            if b"monitor_alarms{" in service.counts.page() or "could not be looked at" in caplog.text:
                break
        task.cancel()

    asyncio.run(look())
    assert b"monitor_alarms{run=" in service.counts.page()
    monkeypatch.setattr(service, "versions", None)
    service.counts.health(None)
    asyncio.run(look())

    assert "the newest answers could not be looked at" in caplog.text
