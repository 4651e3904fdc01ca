"""From feedback to a champion, in a throw-away project in git whose champion is the constant answer."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from conftest import copy_project, move_in

from data_science_project import pipeline
from data_science_project.engine.columns.digests import digests
from data_science_project.engine.modelling import confidence
from data_science_project.engine.project import artefact, records, settings
from data_science_project.engine.runs import lineage, loading, promote, registry, training_rows
from data_science_project.engine.sources import source
from data_science_project.service import forget, retrain
from data_science_project.service.database import opened
from data_science_project.service.tables import Entry, Told, new_ids

from .conftest import ROW

ROWS = 40
RETRAIN = ["retrain", "--set", "promote.latency_ms=1e9"]
NAMES = ["order", "amount", "colour", "shop", "day", "note", "answer"]


def tell(project, rows):
    """Rows that were answered, and what somebody said is true of them, the cells of `answer`; the ids."""
    ids = new_ids(len(rows))
    with opened(project, new=True) as database:
        for name, row in zip(ids, rows, strict=True):
            cells = {key: cell for key, cell in row.items() if key != "answer"}
            usual = ("run", "answer", "compiled", json.dumps(cells), "{}", True, False, "[]", 1.0, "web")
            database.insert([Entry(name, 0.0, *usual), Told(name, json.dumps(row["answer"]), 0.0, "ada", "http")])
    return ids


def new_orders(count=ROWS, first=7001):
    """Orders that the source does not have, each with the right answer."""
    random = np.random.default_rng(first)
    amounts = random.normal(50, 10, count).round(2).tolist()
    rows = []
    for place, amount in enumerate(amounts):
        colour, told = str(random.choice(["red", "green", "blue"])), "yes" if amount > 50 else "no"
        row = {"order": first + place, "amount": amount, "colour": colour, "note": f"parcel {place} came"}
        rows.append(ROW | row | {"day": "2026-03-01", "answer": told})
    return rows


def run(project):
    return list(retrain.run(project, pipeline.make, pipeline.promote))


def splits_of(project):
    return {part: pd.read_parquet(project.split(part)) for part in settings.PARTS}


@pytest.fixture(scope="module")
def retrained(rivals, tmp_path_factory):
    """Such a project after a first retraining: its folder, splits before, ids and lines; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        root = copy_project(rivals, tmp_path_factory.mktemp("retrained") / "project")
        move_in(root, patch)
        project = settings.load(root, ["promote.latency_ms=1e9"])
        promote.keep(project, registry.folders(project)[1].name, {"gate": []})
        before, ids = splits_of(project), tell(project, new_orders())
        lines = run(project)
    return root, before, ids, lines


@pytest.fixture
def after(retrained, tmp_path, monkeypatch):
    """A copy of that project for this test alone."""
    root = copy_project(retrained[0], tmp_path / "after")
    move_in(root, monkeypatch)
    return settings.load(root, ["promote.latency_ms=1e9"])


def test_run_from_what_was_told_becomes_champion_with_a_line_for_each_decision(after, retrained):
    (dump,) = source.told(after.root)
    folder, lines = registry.folders(after)[0], retrained[3]

    assert lines[0] == f"new truths: {ROWS} -> {after.relative(dump.folder)}"
    assert lines[1].startswith(f"{folder.name}: linear, roc_auc 0.") and lines[2].endswith("on the test split")
    first, rest = ["better than the champion", "no slice worse", "feedback fits"], ["fast enough", "reproducible"]
    checks = [*first, "no worse without feedback", "test rows unseen", *rest]
    assert [line.split(":")[0] for line in lines[3:-1]] == [f"passed {check}" for check in checks]
    assert lines[-1] == f"{folder.name} is champion" and registry.champion(after) == folder
    assert registry.read(folder)["decision"] == f"retrain: {after.relative(dump.folder)}"
    assert json.loads((after.root / "reports" / folder.name / "retrain.json").read_text())["champion"] is True


def test_verdict_goes_with_the_run_to_who_pulls_it_so_that_no_truth_is_judged_twice(after):
    shutil.rmtree(after.root / "reports")

    assert source.told(after.root) and not retrain.new_dumps(after)


def test_older_run_that_knows_none_of_the_test_rows_after_feedback_is_not_said_to_have_seen_some(
    after, caplog, package_log
):
    package_log.propagate, older = True, registry.folders(after)[1].name
    shutil.rmtree(after.root / "reports" / older)

    pipeline.make(after, "evaluate", run=older)

    assert "it may have seen" not in caplog.text
    assert registry.read(after.models / older)["metrics"]["test"]["may_have_been_seen"] is False


def test_dump_has_a_card_that_says_which_answers_and_is_read_only(after, retrained):
    (dump,) = source.told(after.root)
    ids = sorted(retrained[2])

    assert dump.card["answers"] == {"count": ROWS, "first": ids[0], "last": ids[-1]}
    assert pd.read_parquet(dump.folder / source.FEEDBACK)["id"].tolist() == ids
    for file, entry in zip(dump.files, dump.card["files"], strict=True):
        assert artefact.sha256(file) == entry["sha256"] and not file.stat().st_mode & 0o222


def test_gate_counts_what_models_that_had_not_seen_them_say_of_told_rows_of_the_training(after):
    challenger, champion = registry.folders(after)[:2]
    parts, found = splits_of(after), promote.held_out(after, registry.read(challenger), champion)

    told = [parts[part].iloc[-parts[part].attrs["told"] :] for part in ("train", "dev")]
    known = training_rows.digests_of(challenger)
    lines = known["held_out"][np.isin(known["with_ids"], digests(pd.concat(told), NAMES[:-1]))]
    held = confidence.held_out(challenger)
    wrong = (held["truth"] != held["prediction"]).astype(float)
    assert sorted(wrong[lines]) == sorted(found[0]) and len(lines) == ROWS - parts["test"].attrs["told"]
    assert [*wrong.drop(lines)] == [*found[1]] and len(found[1]) == 96
    assert [*map(len, promote.held_out(after, registry.read(champion), champion))] == [0, 96], "learned from others"


def test_test_row_that_moves_is_caught(after, retrained):
    before, now = retrained[1], splits_of(after)

    for part in settings.PARTS:
        then, found = digests(before[part], NAMES), digests(now[part], NAMES)
        assert (found[: len(then)] == then).all(), f"a row of {part} moved"
        assert len(found) - len(then) == now[part].attrs["told"] > 0
    known = np.concatenate([digests(now[part], ["order"]) for part in settings.PARTS])
    assert len(known) == len(set(known)) == sum(len(rows) for rows in before.values()) + ROWS


def test_divided_by_time_the_gate_compares_on_rows_newer_than_all_that_the_champion_learned_from(contest):
    by_time = ["promote.latency_ms=1e9", "split.by=time:day", 'train.candidates=["linear"]']
    project, champion = settings.load(contest.root, by_time), registry.folders(contest)[1]
    promote.keep(project, champion.name, {"gate": []})
    tell(project, [row | {"day": "2026-06-01"} for row in new_orders(20)])

    lines = run(project)

    test = splits_of(project)["test"]
    assert lines[1] == (
        "0 of 20 told rows are learned from: by 'time:day' the others are in the test split, the newest 20 %. "
        "It moves on as newer rows come; to learn from them now: a smaller test in [split] shares, then make train"
    )
    assert (len(test), test.attrs["told"]) == (28, 20) and (test["day"].iloc[-20:] == pd.Timestamp("2026-06-01")).all()
    assert any(re.fullmatch(r".* feedback fits: error [\d.]+ on 20 rows that people told, .*", one) for one in lines)
    assert not any("no worse without feedback" in one for one in lines), "older rows count too"
    assert lines[-1] == f"{registry.folders(project)[0].name} is champion"


def test_second_feedback_leaves_the_first_where_it_was(after):
    before = splits_of(after)
    tell(after, new_orders(10, first=8001))
    with opened(after) as database:
        retrain.keep(after, pipeline.make, database, retrain.new_rows(after, database))

    pipeline.make(after, "features")

    now, (_, second) = splits_of(after), source.told(after.root)
    assert all(set(before[part]["order"]) <= set(now[part]["order"]) for part in settings.PARTS)
    assert "split" not in second.card and second.card["answers"]["count"] == 10, "where the source lay is known"


def test_nothing_new_trains_nothing_and_exits_with_0(after, anew):
    runs = registry.folders(after)

    done = anew(after.root, *RETRAIN)

    assert done.exit_code == 0 and done.stdout == "retrain: no truth is new: nothing is trained\n"
    assert registry.folders(after) == runs and len(source.told(after.root)) == 1


def test_run_that_was_refused_is_named_beside_what_can_be_done_and_the_next_truths_train_again(after):
    promote.keep(after, registry.folders(after)[0].name, {"gate": []})
    nameless, *others = new_orders(3, first=8001)
    del nameless["order"]  # the form and /predict do without
    tell(after, [nameless, *others])

    lines = run(after)

    refused, stays = registry.folders(after)[0], registry.champion(after)
    assert any(line.startswith("FAILED better than the champion: gain in ") for line in lines) and refused != stays
    assert lines[-1] == (
        f"the champion stays {stays.name}. Look at what FAILED; more truths train again, or overrule it: "
        f"make promote RUN={refused.name} FORCE='why'"
    )
    assert run(after) == ["no truth is new: nothing is trained"]


def test_few_truths_wait_for_more(after):
    tell(after, new_orders(3, first=8001))

    lines = run(settings.load(after.root, ["retrain.rows=4"]))

    assert lines == ["new truths: 3, fewer than [retrain] rows = 4: nothing is trained"]
    assert len(source.told(after.root)) == 1


def test_truth_that_was_corrected_is_news_and_the_same_again_is_none(after, retrained):
    first = min(retrained[2])
    with opened(after) as database:
        database.insert([Told(first, '"yes"', time.time(), "ada", "http")])

        rows = retrain.new_rows(after, database)

    assert rows[["id", "truth"]].to_numpy().tolist() == [[first, '"yes"']]


def test_rows_that_were_forgotten_are_gone_from_the_dump_and_the_others_stay(after):
    text = forget.run(after, key="order=7003")

    (dump,) = source.told(after.root)
    rows = pd.read_parquet(dump.folder / source.FEEDBACK)
    copies = [pd.read_parquet(path) for path in (after.root / ".cache" / "steps").rglob("*.parquet")]
    assert not any((copy["order"] == 7003).any() for copy in copies)
    assert f"{after.relative(dump.folder / source.FEEDBACK)}: 1 rows removed" in text and "look into it" not in text
    assert len(rows) == ROWS - 1 and not rows["inputs"].str.contains("7003").any()
    assert dump.card["sha256"] == source.content(dump.folder)["sha256"]
    before = splits_of(after)
    pipeline.make(after, "features")
    now = splits_of(after)
    assert sum(map(len, now.values())) == sum(map(len, before.values())) - 1
    assert all(set(now[part]["order"]) <= set(before[part]["order"]) for part in settings.PARTS)


def test_row_that_is_forgotten_while_the_dump_is_made_does_not_come_back_in_it(contest, waits):
    tell(contest, new_orders(3))
    contest.split("test").unlink()  # so that `features` comes between reading the log and writing the dump
    person = threading.Thread(target=forget.run, args=[contest], kwargs={"key": "order=7003"})

    def make(project, verb):
        person.start()
        assert waits(person)
        return pipeline.make(project, verb)

    going = retrain.run(contest, make, pipeline.promote)
    next(going)
    going.close()
    person.join()

    (dump,) = source.told(contest.root)
    assert len(pd.read_parquet(dump.folder / source.FEEDBACK)) == 2
    assert not pd.read_parquet(dump.folder / source.FEEDBACK)["inputs"].str.contains("7003").any()


def test_lineage_of_the_champion_names_the_dump(after):
    (dump,) = source.told(after.root)
    model = registry.folders(after)[0] / registry.MODEL

    text = lineage.render(lineage.trace(after, model))

    assert f"{after.relative(dump.folder)}/{source.FEEDBACK}" in text and f"<- fetched from {source.BY_SERVICE}" in text
    assert "changed since" not in text and "gone" not in text


def start(project):
    variables = {**os.environ, "PYTHONPATH": str(project.root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    command = [sys.executable, "-m", "data_science_project", *RETRAIN]
    return subprocess.Popen(command, cwd=project.root, env=variables, **pipes)


@pytest.mark.once
def test_killed_anywhere_leaves_nothing_half_and_of_two_who_go_on_one_trains(contest, in_git):
    params = contest.root / settings.PARAMS
    params.write_text(params.read_text().replace("[train]\n", '[train]\nmetric = "accuracy"\n'))  # quick to resample
    in_git(contest.root)
    promote.keep(contest, registry.folders(contest)[1].name, {"gate": []})
    ids, before = tell(contest, new_orders()), registry.folders(contest)

    split = contest.split("test")
    undivided = split.stat().st_mtime_ns
    for begun in (  # in the middle of the dump, of the training; on a busy machine a little later
        lambda: [*contest.root.glob("data/raw/*/feedback.parquet")],
        lambda: split.stat().st_mtime_ns != undivided,
    ):
        process = start(contest)
        while process.poll() is None and not begun():
            time.sleep(0.001)
        process.kill()
        process.communicate()
        for card in contest.root.glob(f"data/raw/[!.]*/{records.CARD}"):
            assert records.read_sealed(card)["sha256"] == source.content(card.parent)["sha256"]
        assert registry.champion(contest) == before[1]
    both = [start(contest) for _ in range(2)]
    said = sorted((process.communicate()[0] for process in both), key=len)

    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == "retrain: no truth is new: nothing is trained\n" and "is champion" in said[1]
    (dump,) = source.told(contest.root)
    assert pd.read_parquet(dump.folder / source.FEEDBACK)["id"].tolist() == sorted(ids)
    assert len(registry.folders(contest)) == len(before) + 1
    loading.check(registry.champion(contest))
    assert not [path for path in contest.root.rglob(".*.tmp") if ".cache" not in path.parts]
