import asyncio
import itertools
import json
import math
import re
import shutil
import threading
import time
import zipfile

import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.project import settings as project_settings
from data_science_project.engine.runs import promote, registry
from data_science_project.service import app, feedback, health, log, monitor, newest, profile, settings, words
from data_science_project.service.tables import Told

from .conftest import ROW


@pytest.fixture
def service(project):
    """The service of the throw-away project, without a version loaded."""
    kept = log.Log(project, settings.of(project, settings.Serve))
    kept.start()
    yield app.Service(project, kept)
    kept.close(5)


@pytest.fixture
def answered(service, entries, folder):
    """Put answers to rows that differ into the log, each with what was told of it, if anything; their ids."""
    amounts = itertools.count()

    def put(*said, run=folder.name, **changes):
        ids = []
        for output, truth in said:
            row = {"inputs": json.dumps({"amount": next(amounts)})}
            (entry,) = entries(run=run, output=json.dumps(output), **row | changes)
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


def test_slowest_is_the_99th_percentile(service, answered):
    answered(*[(yes(), None)] * 18, milliseconds=1.0)
    answered(*[(yes(), None)] * 2, milliseconds=50.0)

    assert [run["slowest"] for run in monitor.figures(service)["runs"]] == [50]


def test_champion_and_shadow_are_compared_on_the_rows_that_both_answered(service, answered, entries, folder):
    ids = answered(*[(yes(), "no")] * 6, *[(yes(), "yes")] * 2, (no(), "no"), (no(), None))
    service.log.database.insert([Told(ids[4], '"no"', time.time() + 1, "", feedback.QUEUE)])
    for place, output in enumerate([no(), no(), yes(), no(), yes(), no()], start=4):
        row = {"inputs": json.dumps({"amount": place}), "output": json.dumps(output)}
        (shadow,) = entries(run="another", role="shadow", **row)
        shadow.id = ids[place]
        service.log.database.insert([shadow])

    found = monitor.figures(service)

    assert found["both"] == [("another", 4, 0.25, 0.5)]
    page = " ".join(words.PAGES.get_template("monitor.html").render(found).split())
    said = "another both answered and whose truth is told: 25.0 % and 50.0 % wrong."
    assert said in page


def test_page_of_the_service_and_report_say_the_same_score_whatever_shadows_there_are(
    service, answered, entries, folder, call, monkeypatch
):
    monkeypatch.setattr(newest, "NEWEST", 40)
    for number in answered(*[(yes(), "no"), (yes(), "yes")] * 20):
        shadows = entries(3, role="shadow")
        for place, one in enumerate(shadows):
            one.id, one.run = number, f"another {place}"
        service.log.database.insert(shadows)

    live = monitor.figures(service)["health"]
    report = monitor.logged(service.project, folder, instead=False)["health"]

    assert live.told == report.told == 40
    assert live.scores == report.scores and live.window.looked == report.window.looked == 40


def test_truth_told_of_the_rows_that_are_shown_is_told_apart_from_older_ones(service, answered, monkeypatch):
    answered(*[(yes(), "yes")] * 9)
    monkeypatch.setattr(newest.answered, "__kwdefaults__", {"names": None, "most": 5})
    answered(*[(no(), None)] * 3)

    found = monitor.figures(service)

    (run,), page = found["runs"], words.PAGES.get_template("monitor.html").render(found)
    assert (run["rows"], run["of_these"], run["told"]) == (5, 2, 9)
    assert page.index("Rows, of the newest 5,000") < page.index("Truth told of them") < page.index("Rows looked at")
    assert "Truth told, older ones too, at most 5,000" in page and "newest 5,000 answers at most whose truth" in page


def test_error_of_numbers_and_share_within_the_band_and_answers_by_fifth(service, answered, folder):
    record = registry.read(folder) | {"task": "regression", "classes": []}
    registry.write(folder, record)
    (folder / "held_out.parquet").unlink()
    said = [{"prediction": float(place), "low": place - 1.5, "high": place + 1.5} for place in range(10)]
    answered(*((one, one["prediction"] + 1 + place % 2) for place, one in enumerate(said)))

    (run,) = monitor.figures(service)["runs"]

    assert (run["error"], run["within"], run["told"]) == (1.5, 0.5, 10)
    assert [(count, share) for _, count, share, _ in run["said"]] == [(2, 0.2)] * 5


def test_costs_that_a_run_of_another_target_cannot_have_stop_no_look(service, answered, folder, project):
    answered((yes(), "no"), (no(), "no"))
    registry.write(folder, registry.read(folder) | {"classes": ["no", "so", "yes"]})
    costly = project_settings.load(project.root, ["decision.gain_true_positive=5", "decision.cost_false_positive=1"])

    rows, _ = newest.answered(service.log.database.engine)
    about = monitor.about_run(costly, rows, rows, newest.told(service.log.database.engine, names=None))

    assert [name for name, *_ in about["said"]] == ["no", "yes"]


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

    page = words.PAGES.get_template("monitor.html").render(monitor.figures(service))
    ends = '<p class="soft ends"><span>1970-01-01 00:16 UTC</span><span>1970-01-01 00:17 UTC</span></p>'
    assert page.count(ends) == page.count("<figure>") == 4, "each chart over time has its two ends"
    last = monitor.BARS - 1
    assert found["Rows answered"]["bars"] == [(0, 50.0, 1), (last, 100.0, 2)]
    assert found["Milliseconds, 99th percentile"]["bars"] == [(0, 100.0, 4.0), (last, 50.0, 2.0)]
    assert found["Average probability"]["last"] == pytest.approx(0.6)
    assert found["Share that is not confident"]["most"] == 1.0
    assert found["Rows answered"]["from"] == "1970-01-01 00:16 UTC"


def test_requests_are_told_by_what_became_of_them(service):
    service.counts.requests.labels("busy").inc(3)

    assert monitor.state(service)["outcomes"] == {"busy": 3}
    page = words.PAGES.get_template("monitor.html").render(monitor.figures(service))
    assert "<dd>3 busy</dd>" in page, "'busy 3' would read like a status"


def test_service_looks_at_itself_for_its_figures_and_goes_on_when_it_cannot(
    service, entries, folder, caplog, package_log
):
    package_log.propagate = True
    service.log.database.insert(asked(entries, folder.name, 60))

    async def look(until):
        task = asyncio.create_task(monitor.watch(service))
        for _ in range(500):
            await asyncio.sleep(0.02)
            if until():
                break
        task.cancel()

    asyncio.run(look(lambda: b"monitor_alarms{" in service.counts.page()))
    assert b"monitor_alarms{run=" in service.counts.page() and b"drifted_columns{run=" in service.counts.page()
    del service.versions
    asyncio.run(look(lambda: "could not be looked at" in caplog.text))

    assert "the newest answers could not be looked at" in caplog.text


def asked(entries, run, count, **cells):
    """So many answers to rows that differ, a minute after another."""
    found = []
    for place in range(count):
        amount = 50.0 + 3 * math.sin(place * 2.4) * (place % 7)
        row = ROW | {"order": place, "amount": amount, "note": f"parcel {place % 100} went out"} | cells
        output = json.dumps(yes(0.5 + place % 50 / 100) | {"probability_yes": 0.5 + place % 50 / 100})
        found += entries(inputs=json.dumps(row), output=output, time=1.7e9 + 60 * place, run=run)
    return found


def test_row_that_is_asked_all_day_pushes_no_other_out_of_the_window(service, entries, folder):
    service.project.parts["monitor"] = settings.Monitor(rows=60)
    (probe,) = asked(entries, folder.name, 1)
    row, said = json.loads(probe.inputs), {"output": probe.output, "run": probe.run}
    service.log.database.insert(asked(entries, folder.name, 60, amount=500.0))
    for place in range(100):
        service.log.database.insert(entries(inputs=json.dumps(row | {"order": place}), **said))

    found = monitor.figures(service)["health"]

    assert [line for line in found.alarms if line.startswith("drift: 'amount': median 500")]
    (run,) = monitor.figures(service)["runs"]
    assert (run["rows"], run["different"], sum(count for _, count, *_ in run["said"])) == (160, 60, 60)
    assert (found.window.looked, len(found.counted)) == (159, 60), "a probe with an id of its own repeats itself too"


def test_different_rows_are_looked_for_among_the_newest_of_the_log_of_whatever_run(
    service, entries, folder, monkeypatch
):
    monkeypatch.setattr(newest, "LOOK_BACK", 60)
    for run, count in ((folder.name, 9), ("another", 58), (folder.name, 2)):
        service.log.database.insert(asked(entries, run, count))

    found = monitor.figures(service)["health"]

    assert (found.window.folder, found.window.looked) == (folder, 2)


def test_log_of_one_row_alone_says_that_no_different_ones_are_there(service, answered):
    answered(*[(yes(), None)] * 60, inputs="{}")

    page = words.PAGES.get_template("monitor.html").render(monitor.figures(service))

    assert "Not compared yet" in page and "Fewer than 50 different answers say nothing about drift" in page


def test_monitor_writes_one_file_about_the_log_and_ends_with_one_where_an_alarm_fires(service, entries, folder, call):
    service.log.database.insert(asked(entries, folder.name, 60, amount=500.0))

    done = call(service.project.root, "monitor")

    page = (service.project.root / monitor.PAGE).read_text(encoding="utf-8")
    lines = [line for line in done.stdout.splitlines() if line.startswith("drift: 'amount': median 500")]
    assert (done.exit_code, len(lines)) == (1, 1)
    assert "<style>" in page and "amount" in page
    assert not re.search(r'(src|href)="(?!#)', page)


def test_monitor_of_a_file_needs_no_log_and_ends_with_none_where_all_is_well(project, made_table, call, tmp_path):
    made_table.to_csv(tmp_path / "batch.csv", index=False)

    done = call(project.root, "monitor", "--input", tmp_path / "batch.csv")

    assert (done.exit_code, done.stdout) == (0, "reports/monitoring.html\n")
    assert "5,000" not in (project.root / "reports" / "monitoring.html").read_text(encoding="utf-8"), "all of a file"
    assert not (project.root / "data" / "log").exists()


def test_monitor_of_a_file_looks_at_predicted_numbers_too(make_project, made_table, tmp_path):
    project = make_project(
        made_table[["amount", "colour", "answer"]],
        data={"source": "table.csv", "target": "amount"},
        train={"candidates": ["linear"]},
    )
    pipeline.make(project, "train")
    with zipfile.ZipFile(tmp_path / "batch.zip", "w") as archive:
        archive.writestr("notes.txt", "of the batch")
        archive.writestr("batch.csv", made_table.to_csv(index=False))

    page, alarms = monitor.run(project, input=tmp_path / "batch.zip?member=batch.csv", name="")

    assert "108 labels" in page.read_text(encoding="utf-8") and alarms == []


def test_monitor_without_log_says_what_to_do_and_without_answers_of_a_run_names_it(project, call, folder, request):
    no_log = call(project.root, "monitor")
    request.getfixturevalue("service")  # it makes a log
    no_answer = call(project.root, "monitor", "--run", folder.name)

    assert no_log.exit_code == no_answer.exit_code == 1
    assert "make serve, or look at a file: make monitor INPUT=batch.csv" in no_log.stderr
    assert f"no answer of {folder.name}" in no_answer.stderr


def test_run_that_answered_last_is_looked_at_until_the_champion_is_asked(service, call, answered, folder):
    answered((yes(), None), (no(), None))
    newer = shutil.copytree(folder, folder.with_name("2099-01-01-000000-00000000"))
    registry.write(newer, {**registry.read(folder), "run": newer.name})

    done = call(service.project.root, "monitor")

    shutil.rmtree(newer)
    assert done.exit_code == 0
    assert f"nobody asked {newer.name} yet: what is told is of {folder.name}, which answered last" in done.stderr


def test_run_that_was_replaced_since_its_newest_answer_raises_no_alarm_and_is_not_advised_to_come_back(
    service, call, answered, folder, monkeypatch
):
    answered(*[(yes(), None)] * health.LEAST_ROWS)
    promote.keep(service.project, folder.name, {"gate": []})
    monkeypatch.setattr(profile, "of", lambda *_: None)
    before = call(service.project.root, "monitor")
    newer = shutil.copytree(folder, folder.with_name("2099-01-01-000000-00000000"))
    registry.write(newer, {**registry.read(folder), "run": newer.name})
    promote.keep(service.project, newer.name, {"gate": []})

    found, after = monitor.figures(service)["health"], call(service.project.root, "monitor")

    assert before.exit_code == 1 and "not watched" in before.stdout + before.stderr and after.exit_code == 0
    assert (found.alarms, found.successor, found.window.back) == ([], newer.name, False)
    assert "nobody has asked it yet" in (service.project.root / monitor.PAGE).read_text(encoding="utf-8")
    answered((yes(), None), run=newer.name)
    assert call(service.project.root, "monitor", "--run", folder.name).exit_code == 1, "the champion was asked by then"


def test_labels_that_the_queue_asked_for_are_no_sample(service, answered, folder):
    answered_ids = answered(*[(yes(), None)] * 8)
    ids, sources = answered_ids[-3:], ("label", "label at random", "http")
    service.log.database.insert([Told(one, '"no"', 1.0, "", source) for one, source in zip(ids, sources, strict=True)])

    found = monitor.figures(service)

    assert (found["runs"][0]["told"], found["health"].told, found["health"].queued) == (2, 2, 1)

    service.log.database.insert([Told(one, '"no"', 1.0, "", "http") for one in answered_ids[:-3]])

    found = monitor.figures(service)

    assert (found["health"].told, found["health"].asked, found["health"].queued) == (8, 1, 0)
    page = words.PAGES.get_template("monitor.html").render(health=found["health"], caveat="")
    assert "1 of the labels are of rows chosen for being unsure" in page


def test_truth_of_nearly_all_answers_is_a_sample_with_those_that_the_queue_asked_for():
    rows = pd.DataFrame({"id": ["a", "b", "c", "d", "e"]})
    told = pd.DataFrame({"id": ["a", "b", "c"], "source": ["http", "label", "label"]})

    assert len(health.sample_of(told, rows)) == 3
    told_of_most = pd.DataFrame({"id": ["a", "b", "c", "e"], "source": ["http", "http", "http", "label"]})
    assert len(health.sample_of(told_of_most, rows)) == 3, "three of four others are not nearly all"
    assert health.sample_of(told[told["id"] != "b"].assign(id=["a", "e"]), rows)["id"].tolist() == ["a"]


def test_log_that_does_not_answer_holds_up_one_thread_and_what_it_finds_in_the_end_is_shown_at_the_next_load(
    service, answered, monkeypatch
):
    answered(*[(yes(), None)] * 60)
    read, started, end = newest.answered, [], threading.Event()

    def slow(engine, *conditions, **options):
        if not conditions:
            started.append(1)
            end.wait(9)
        return read(engine, *conditions, **options)

    monkeypatch.setattr(newest, "answered", slow)
    monkeypatch.setattr(monitor, "PATIENCE", 0.05)
    look = monitor.looking(service)

    async def loads():
        watching = asyncio.create_task(monitor.watch(service))
        first, *_ = await asyncio.gather(*(look.figures() for _ in range(20)))
        watching.cancel()
        end.set()
        await asyncio.wrap_future(look._found)
        end.clear()
        return first, await look.figures()

    first, then = asyncio.run(loads())
    end.set()
    look._found.result(9)  # it reads the log, which is closed after this

    shown = [re.sub(r"\s+", " ", words.PAGES.get_template("monitor.html").render(one)) for one in (first, then)]
    assert len(started) == 2, "one for all who waited"
    assert "takes longer than 0.05 s" in shown[0] and "load again" in shown[0] and "Rows answered" not in shown[0]
    assert f"the last one that was finished, of {then['looked']}" in shown[1] and "60 answers of" in shown[1]
    assert all("cannot be read" not in one and "No row was answered" not in one for one in shown)
