import json
import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from data_science_project import evaluate as evaluation
from data_science_project import pipeline
from data_science_project.engine.columns import dictionary
from data_science_project.engine.modelling import metrics
from data_science_project.engine.project import artefact, git, records, settings
from data_science_project.engine.project.errors import DataError, ProjectError, SettingsError
from data_science_project.engine.runs import compare, lineage, listing, loading, promote, registry, reproduce


class Payload:
    """Unpickled, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def about(metric, project=None, **features):
    """What the record of a run, the newest of a project, says that was chosen by a metric."""
    task, classes = ("regression", []) if metric == "mae" else ("classification", ["no", "yes"])
    record = {"task": task, "classes": classes, "target": "t", "features": features, "metrics": {"chosen_by": metric}}
    run = registry.folders(project)[0].name if project else ""
    return {**record, "parameters": {"split": {"by": "stratified"}}, "run": run}


def slice_check(project, now, before, *, metric="accuracy", levels=("A", "B"), kind="one-hot"):
    """The check of slices for what was answered to rows, all of them "no" or 0, divided into equal slices."""
    rows = pd.DataFrame({"shop": np.repeat(levels, len(now) // len(levels))})
    truth = np.zeros(len(now)) if metric == "mae" else np.array(["no"] * len(now), dtype=object)
    record = about(metric, project, **{kind: ["shop"]})
    both = (compare.Evaluated(rows, {"shop"}, truth, metrics.Predictions(values), record) for values in (now, before))
    return promote.no_slice_worse(project, *both)


def wrong(count, of=100):
    return np.array(["yes"] * count + ["no"] * (of - count), dtype=object)


def test_first_champion_must_beat_the_constant_answer_and_a_worse_run_does_not_take_over(contest, dummy, linear):
    with pytest.raises(ProjectError, match='failed "better than a constant answer": gain in roc_auc 0 '):
        pipeline.promote(contest, dummy)
    assert not (contest.models / registry.CHAMPION).exists()

    checks = pipeline.promote(contest, linear)
    cure = f"make promote RUN={dummy.name} FORCE='the reason'"
    with pytest.raises(ProjectError, match=f'failed "better than the champion": gain in roc_auc -0(.|\n)*{cure}'):
        pipeline.promote(contest, dummy)

    assert registry.champion(contest) == linear
    assert all(check.passed for check in checks) and len(checks) == 4


def test_reason_in_words_is_kept_where_one_was_needed_and_a_better_run_takes_over_once(contest, dummy, linear):
    for reason in ("1", "yes", "   "):
        with pytest.raises(SettingsError, match="is no reason"):
            pipeline.promote(contest, dummy, force=reason)
    pipeline.promote(contest, dummy, force="the others leak")
    pipeline.promote(contest, linear, force="just in case")

    assert pipeline.promote(contest, linear) == []
    forced, better = registry.history(contest)
    assert (forced["forced"], better["forced"]) == ("the others leak", "")
    assert [check["name"] for check in forced["gate"] if not check["passed"]] == ["better than a constant answer"]
    assert (better["run"], better["before"]) == (linear.name, dummy.name)


def test_predict_uses_the_champion_although_parameters_were_edited(contest, dummy):
    promote.keep(contest, dummy.name, {"gate": []})

    (path,) = pipeline.make(settings.load(contest.root, ['train.candidates=["linear"]', "train.seed=5"]), "predict")

    assert set(pd.read_csv(path)["run"]) == {dummy.name}
    assert len(registry.folders(contest)) == 2, "nothing is trained"


@pytest.mark.parametrize(
    ("count", "levels", "found"),
    [
        (20, ["A", "B"], "shop = A: error up by 0.400 on 50 rows"),
        (20, [None, "B"], "shop = nan: error up by 0.400 on 50 rows"),
        (0, ["A", "B"], ""),
        (1, ["A", "B"], ""),
        (20, ["A", "B", "C", "D"], ""),
    ],
    ids=["worse", "worse in empty cells", "as good", "hardly worse", "too small"],
)
def test_run_that_is_worse_in_one_slice_is_refused(contest, count, levels, found):
    check = slice_check(contest, wrong(count), wrong(0), levels=levels)
    number = slice_check(contest, np.repeat([12.0, 1.0], 50), np.full(100, 10.0), metric="mae")

    assert check.passed == (not found) and check.found.startswith(found)
    assert number.found == "shop = A: error up by 0.200 on 50 rows", "measured against the mean error"


@pytest.mark.parametrize("kind", ["one-hot", "target encoding", "string encoding", "number", "none"])
def test_country_whose_rows_all_turned_wrong_is_found_however_models_see_countries(contest, kind):
    countries = [f"country {number:02}" for number in range(20)]

    check = slice_check(contest, wrong(50, 1000), wrong(0, 1000), levels=countries, kind=kind)

    assert not check.passed and check.found == "shop = country 00: error up by 1.000 on 50 rows"


def test_twenty_small_slices_refuse_equal_models_hardly_more_often_than_one_does(contest):
    random, countries = np.random.default_rng(0), [f"country {number:02}" for number in range(20)]

    def refused(levels):
        answers = [np.where(random.random(50 * len(levels)) < 0.1, "yes", "no").astype(object) for _ in range(2)]
        return not slice_check(contest, *answers, levels=levels).passed

    assert sum(refused(countries) for _ in range(100)) <= 10, "at two standard errors 31 of 100"


def test_rollback_goes_back_over_three_champions_in_no_circle_and_the_history_is_complete(contest, dummy, linear):
    with pytest.raises(ProjectError, match="none at all.\nTo choose one: make runs, make promote"):
        promote.rollback(contest)
    for folder in (dummy, linear, dummy):
        promote.keep(contest, folder.name, {"gate": []})

    assert [promote.rollback(contest), promote.rollback(contest)] == [linear, dummy]
    with pytest.raises(ProjectError, match=f"no champion before the present one: {dummy.name} is the first"):
        promote.rollback(contest)

    history = json.loads((contest.models / registry.CHAMPION).read_text(encoding="utf-8"))["history"]
    assert promote.standing(history) == [dummy.name]
    assert [change["run"] for change in history] == [folder.name for folder in (dummy, linear, dummy, linear, dummy)]
    assert [change["before"] for change in history] == [None, *(change["run"] for change in history[:-1])]
    assert [change.get("rollback of") for change in history[3:]] == [dummy.name, linear.name]
    assert all(change["time"] for change in history)


def test_run_that_cannot_answer_the_test_rows_fails_the_gate_and_a_reason_overrules_that_too(contest, dummy):
    test = contest.split("test")
    about = records.recorded(test)
    pd.read_parquet(test).drop(columns="amount").to_parquet(test)
    records.record(test, {**about, "sha256": artefact.sha256(test)})

    def evaluate(folder):
        evaluation.run(contest, folder=folder, output=contest.root / "reports" / folder.name / "evaluation.html")

    with pytest.raises(promote.Refused, match=r'failed "answers the test rows": .* lacks amount.*[^.]\.\n') as refused:
        promote.run(contest, dummy, evaluate=evaluate)
    promote.run(contest, dummy, evaluate=evaluate, force="back to the good one")

    assert str(refused.value).count("\n") == 1
    assert registry.champion(contest) == dummy


def test_reason_overrules_that_present_test_rows_break_a_rule_also_after_they_were_answered(contest, dummy):
    pipeline.make(contest, "evaluate", run=dummy.name)
    columns = dictionary.load(contest.dictionary)
    stricter = columns | {"amount": replace(columns["amount"], range=(0.0, 1.0), rule="refuse")}
    contest.dictionary.write_text(dictionary.dumps(stricter), encoding="utf-8")

    (check,) = promote.run(contest, dummy, evaluate=lambda _: None, force="we looked at them")

    assert (check.name, check.passed) == ("answers the test rows", False) and "'amount' has values" in check.found
    assert registry.champion(contest) == dummy and registry.history(contest)[-1]["gate"][0]["found"] == check.found


def test_run_that_was_trained_on_other_splits_is_refused(contest, linear):
    elsewhere = settings.load(contest.root, ["split.seed=1", "promote.latency_ms=1e9"])

    with pytest.raises(ProjectError, match="trained on other splits, it may know these test rows"):
        pipeline.promote(elsewhere, linear)


def test_slow_run_and_features_that_differ_each_time_or_alone_are_refused(contest, linear, monkeypatch):
    model = loading.load(linear)
    drawn = replace(model, add_features=lambda rows: rows.assign(luck=np.random.random(len(rows)), one=1))  # noqa: NPY002

    strict = settings.load(contest.root, ["promote.latency_ms=1e-6"])
    slow = promote.latency(strict, model, contest.models)
    monkeypatch.setattr(promote, "SLOWER", 1e3)  # a busy machine does not decide
    beside = promote.latency(strict, model, linear)
    monkeypatch.setattr(promote, "SLOWER", 1e-3)
    slower = promote.latency(strict, model, linear)
    lucky = promote.reproducible(contest, drawn)
    ranked = promote.reproducible(contest, replace(model, add_features=lambda rows: rows.assign(rank=range(len(rows)))))

    assert promote.reproducible(contest, model).passed
    assert not slow.passed and "ms of CPU a row, allowed 1e-06" in slow.found
    assert beside.passed and "the champion takes" in beside.found, "the machine is slow, not the run"
    assert not slower.passed and "the champion takes" in slower.found
    assert not lucky.passed and "add_features computes 'luck' otherwise each time" in lucky.found
    assert not ranked.passed and "add_features computes 'rank' of a row alone otherwise" in ranked.found


@pytest.mark.parametrize(
    ("lost", "said"),
    [("data/raw/*/table.csv", "is gone or changed"), (".git", "does not have commit"), ("", "without a git commit")],
)
def test_run_without_a_commit_or_its_raw_data_is_not_reproducible(contest, linear, lost, said):
    model = loading.load(linear)
    for path in contest.root.glob(lost) if lost else ():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    git.run(contest.root, "init", "-q")

    commit = model.record["commit"] if lost else None
    check = promote.reproducible(contest, replace(model, record={**model.record, "commit": commit}))

    assert not check.passed and said in check.found


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}, "detected dubious ownership"),
        ({"PATH": ""}, "No such file or directory"),
    ],
)
def test_gate_says_in_the_words_of_git_why_there_is_no_commit(contest, linear, monkeypatch, variables, said):
    model = loading.load(linear)
    git.run(contest.root, "init", "-q")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    for commit in (None, "0123456789abcdef"):
        check = promote.reproducible(contest, replace(model, record={**model.record, "commit": commit}))

        assert not check.passed and said in check.found


def test_swapped_pickle_is_never_executed(contest, dummy, linear, tmp_path):
    pipeline.promote(contest, linear)
    promote.keep(contest, dummy.name, {"gate": []})
    trace = tmp_path / "the payload ran"
    (linear / registry.MODEL).write_bytes(pickle.dumps(Payload(trace)))

    for verb in (
        lambda: loading.load(linear),
        lambda: pipeline.promote(contest, linear, force="I want it so"),
        lambda: promote.rollback(contest),
        lambda: pipeline.make(contest, "predict", run=linear.name),
        lambda: reproduce.run(contest, linear, offline=True),
    ):
        with pytest.raises(DataError, match=r"model\.pkl was changed since the run was made"):
            verb()
    compare.run(contest, dummy, linear)
    lineage.trace(contest, linear / registry.MODEL)

    assert not trace.exists()
    assert registry.champion(contest) == dummy


def test_damaged_champion_file_is_an_error_with_its_cure(contest, linear):
    for harm in ("{ half", "", "[]", '{"champion": "x", "history": []}'):
        (contest.models / registry.CHAMPION).write_text(harm)
        for verb in (
            lambda: pipeline.promote(contest, linear),
            lambda: promote.rollback(contest),
            lambda: pipeline.make(contest, "predict"),
            lambda: listing.rows(contest),
        ):
            with pytest.raises(DataError, match=r"models/champion\.json cannot be read: (.|\n)*make promote"):
                verb()


def test_champion_that_does_not_answer_or_is_gone_is_named_and_can_be_left(contest, dummy, linear):
    for folder in (linear, dummy):
        promote.keep(contest, folder.name, {"gate": []})
    shutil.rmtree(contest.root / "reports" / dummy.name)
    (dummy / registry.MODEL).write_bytes(b"")
    with pytest.raises(ProjectError, match=f"{dummy.name} does not answer"):
        pipeline.promote(contest, linear)
    shutil.rmtree(dummy)

    with pytest.raises(DataError, match=f"{dummy.name} is not in models/ any more(.|\n)*make rollback"):
        pipeline.make(contest, "predict")
    with pytest.raises(ProjectError, match=f"{dummy.name} is not in models/ any more"):
        pipeline.promote(contest, linear)

    assert promote.rollback(contest) == linear


def test_run_takes_over_from_a_champion_of_a_leak_that_was_found_and_left_out_since(contest, linear):
    pipeline.promote(contest, linear)
    params = contest.root / "params.toml"
    params.write_text(params.read_text().replace("[data]\n", '[data]\ndrop = ["amount"]\n'))
    columns = dictionary.load(contest.dictionary)
    dictionary.write(contest.dictionary, {**columns, "amount": replace(columns["amount"], role="ignored")})
    present = settings.load(contest.root, ["promote.latency_ms=1e9"])
    without = pipeline.make(present, "train")[0].parent
    with pytest.raises(DataError, match="'amount'(.|\n)*make promote RUN="):
        pipeline.make(present, "predict")

    with pytest.raises(ProjectError, match='failed "better than a constant answer"') as caught:
        pipeline.promote(present, without)
    pipeline.promote(present, without, force="the amount is known too late")

    assert "the champion needs 'amount'" in str(caught.value)
    assert registry.champion(present) == without


@pytest.mark.parametrize("new", [["maybe"], [f"maybe {letter}" for letter in "ABC"]], ids=["one", "several"])
def test_run_of_other_classes_than_the_champion_is_refused_in_words_and_a_reason_overrules_it(contest, linear, new):
    pipeline.promote(contest, linear)
    table = pd.read_csv(contest.root / "table.csv")
    table.loc[2::5, "answer"] = np.resize(new, len(table.loc[2::5]))
    table.to_csv(contest.root / "table.csv", index=False)
    columns = dictionary.load(contest.dictionary)
    values = tuple(sorted(["no", "yes", *new]))
    dictionary.write(contest.dictionary, {**columns, "answer": replace(columns["answer"], values=values)})
    pipeline.make(contest, "data", accept=True)
    newer = pipeline.make(contest, "train")[0].parent

    pipeline.make(contest, "evaluate", run=linear.name)
    listed = pd.read_csv(contest.root / "reports" / linear.name / registry.LABEL_ERRORS)
    with pytest.raises(ProjectError, match=f"{linear.name} do not both know the class {new[0]!r}"):
        pipeline.promote(contest, newer)
    pipeline.promote(contest, newer, force="a new class came")
    with pytest.raises(ProjectError, match=f"{newer.name} do not both know the class {new[0]!r}"):
        pipeline.promote(contest, linear)  # as where a class vanished

    assert len(listed) and table.loc[listed["row"] - 2, "answer"].tolist() == listed["given"].tolist()
    assert registry.champion(contest) == newer and registry.history(contest)[-1]["forced"] == "a new class came"


def beside(contest, seed, turned=None, share=0.0, first=0):
    """The checks for two models: one learned from 200 rows, one from 400 more, of which some labels were turned."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(1200, 4))
    truth = np.where(rows[:, 0] + rows[:, 1] + random.normal(0, 0.5, 1200) > 0, "yes", "no").astype(object)
    told = np.arange(1200) >= 600
    wrong = told & (random.random(1200) < share) & ((truth == turned) | (turned is None))
    said = np.where(wrong, np.where(truth == "yes", "no", "yes"), truth).astype(object)
    learned, asked = (np.arange(1200) < 200) | (told & (np.arange(1200) < 1000)), np.arange(1200) % 600 >= 400
    asked[:first] = False
    record, both = about("log_loss", contest), []
    for known in (learned, learned & ~told):
        model = LogisticRegression(C=1e6).fit(rows[known], said[known])
        answers = metrics.Predictions(model.predict(rows[asked]), model.predict_proba(rows[asked]), ("no", "yes"))
        both.append(compare.Evaluated(pd.DataFrame(rows[asked]), set(), said[asked], answers, record))
    held = np.zeros(0), (np.arange(100) < 12).astype(float)
    return {check.name: check.passed for check in promote.beside(contest, *both, told[asked], held)}


@pytest.mark.parametrize(("turned", "share"), [(None, 0.3), ("yes", 0.6)], ids=["at random", "of one class"])
@pytest.mark.parametrize("first", [0, 600], ids=["", "no other row to compare with"])
def test_burst_of_wrong_feedback_does_not_pass_the_gate_although_its_own_test_rows_like_it(
    contest, turned, share, first
):
    tries = [beside(contest, seed, turned, share, first) for seed in range(5)]

    assert not any(all(checks.values()) for checks in tries)
    assert all(checks["better than the champion"] for checks in tries), "this alone would let it pass"


def test_wrong_feedback_of_which_the_test_split_holds_few_rows_is_told_by_rows_held_out_in_training(contest):
    truth, told = np.where(np.arange(216) % 2, "yes", "no").astype(object), np.arange(216) >= 200
    said = np.where(np.arange(216) % 10 < np.where(told, 4, 2), "no", truth).astype(object)
    record = about("accuracy", contest)
    predictions = metrics.Predictions(said, np.full((216, 2), 0.5), ("no", "yes"))
    one = compare.Evaluated(pd.DataFrame(index=range(216)), set(), truth, predictions, record)
    held = (np.arange(80) % 10 < 4).astype(float), (np.arange(400) % 10 < 1).astype(float)

    alone = promote.beside(contest, one, one, told, (np.zeros(0), held[1]))
    both = promote.beside(contest, one, one, told, held)

    fits = [next(check for check in checks if check.name == "feedback fits") for checks in (alone, both)]
    assert fits[0].passed and not fits[1].passed
    assert "on 96 rows that people told, 0.100 on others: wrong labels" in fits[1].found


@pytest.mark.parametrize(("wrong", "told", "fits"), [(1, 1, True), (8, 20, False), (3, 20, True)])
def test_one_told_row_that_is_wrong_says_little_and_eight_of_twenty_say_much(contest, wrong, told, fits):
    errors, others = (np.arange(told) < wrong).astype(float), (np.arange(400) % 10 < 1).astype(float)

    check = promote.feedback_fits(contest, {"task": "classification"}, errors, others)

    assert check.passed is fits


def test_right_feedback_passes_the_gate(contest):
    tries = [beside(contest, seed) for seed in range(5)]

    assert sum(all(checks.values()) for checks in tries) >= 2


def test_no_worse_without_feedback_says_estimate_interval_and_rule_and_goes_by_the_estimate():
    truth, rows = np.array([0.0, 0.0, 0.0, 9.0] * 2), pd.DataFrame({"order": range(8)})
    said = (metrics.Predictions(np.full(8, value)) for value in (1.0, 1.01))
    better, worse = (compare.Evaluated(rows, set(), truth, one, about("mae")) for one in said)

    passed, failed = promote.no_worse(better, worse), promote.no_worse(worse, better)

    assert (passed.passed, failed.passed) == (True, False)
    interval = r"\(95 %: -0\.01 \.\.\. 0\.00\d+\)"
    rule = "on 8 rows of the source; below 0 fails, whatever the interval"
    assert re.fullmatch(rf"gain in mae -0\.005 {interval} {rule}", failed.found)
    assert not promote.better("another", better, worse.predictions).passed, "there 0 lies within the interval"


def test_divided_by_time_only_rows_count_that_are_newer_than_all_that_the_champion_learned_from(contest, linear):
    project = settings.load(contest.root, ["split.by=time:day"])
    parts = {part: pd.read_parquet(project.split(part)) for part in ("dev", "test")}
    early = parts["dev"][parts["dev"]["day"] < "2026-03-01"]
    rows = pd.concat([early, parts["test"]], ignore_index=True)
    record = registry.read(linear)
    evaluated = compare.Evaluated(rows, set(), np.array([]), metrics.Predictions(np.array([])), record)

    newer = promote.not_seen(project, linear, evaluated)
    everything = promote.not_seen(contest, linear, evaluated)

    assert everything.all()
    assert newer.tolist() == (rows["day"] > early["day"].max()).tolist() and newer.any()
