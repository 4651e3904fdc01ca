import re
import shutil

import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import ParameterSampler

from data_science_project import models, pipeline
from data_science_project.engine.modelling import metrics, recipe, trials
from data_science_project.engine.modelling.estimators import threads
from data_science_project.engine.project import settings
from data_science_project.engine.runs import registry

PLAN = recipe.Recipe({"number": ["x"]}, "classification", 0)


def search(memory, score, candidates=None, metric=metrics.TWO_CLASSES["roc_auc"], **options):
    """What five trials of the linear candidate come to."""
    options = settings.Train(**{"trials": 5, **options})
    return trials.run(memory, options, metric, candidates or linear(), score)


def linear():
    return {"linear": models.classifiers(PLAN, settings.Train())["linear"]}


class Score:
    """A score that is highest at C = 1, counts its calls, and may break off."""

    def __init__(self, *, last=1000):
        self.calls, self.last = 0, last

    def __call__(self, estimator):
        self.calls += 1
        if self.calls > self.last:
            raise KeyboardInterrupt
        return -abs(estimator[-1].C - 1.0)


@pytest.mark.parametrize(("name", "sign"), [("roc_auc", 1), ("log_loss", -1)])
def test_best_of_the_trials_is_kept_and_the_candidate_as_it_is_is_the_first_line(tmp_path, name, sign):
    metric = metrics.TWO_CLASSES[name]

    tuned, table = search(tmp_path, lambda estimator: -sign * abs(estimator[-1].C - 1.0), metric=metric)

    assert list(table["trial"]) == list(range(6))
    assert table["C"].isna().tolist() == [True, *[False] * 5]
    assert table["best"].tolist() == (sign * (sign * table["score"]).cummax()).tolist()
    best = table.iloc[1:].loc[(sign * table["score"]).iloc[1:].idxmax()]
    assert tuned["linear_tuned"][-1].C == best["C"]


def test_search_that_broke_off_goes_on_where_it_was_and_finds_the_same(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, Score(last=3))
    rest = Score()

    _, resumed = search(tmp_path, rest)
    _, at_once = search(tmp_path / "other", Score())

    assert rest.calls == 3
    pd.testing.assert_frame_equal(resumed, at_once, check_exact=True)


def test_more_trials_begin_where_fewer_ended_and_one_whose_file_was_cut_is_made_again(tmp_path):
    _, few = search(tmp_path, Score())
    more, again = Score(), Score()

    _, many = search(tmp_path, more, trials=8)
    (tmp_path / "linear-2.json").write_text('{"score": 9')
    shutil.copy(tmp_path / "linear-4.json", tmp_path / "linear-3.json")  # of other parameters
    search(tmp_path, again)

    assert (more.calls, again.calls) == (3, 2)
    pd.testing.assert_frame_equal(many.head(6), few, check_exact=True)


def test_spaces_fit_the_candidates_of_models_and_others_are_left_alone(tmp_path):
    known = models.classifiers(PLAN, settings.Train())
    others = {"linear": PLAN.linear(DummyClassifier()), "dummy": DummyClassifier()}

    tuned, table = search(tmp_path, Score(), others)

    assert tuned == {} and table.empty
    rows = pd.DataFrame({"x": range(40)})
    for name, space in trials.SPACES.items():
        (drawn,) = ParameterSampler(space, 1, random_state=0)
        with threads(40):
            fitted = trials.with_parameters(known[name], drawn).fit(rows, rows["x"] > 20)
        assert fitted.predict(rows).any(), name


def test_tuned_candidates_compete_and_the_report_shows_the_trials(project):
    searched = settings.load(project.root, ["train.trials=2"])
    assert not list(project.root.rglob(trials.TABLE)) and not (project.root / ".cache" / "trials").exists()

    page = pipeline.make(searched, "evaluate")[0]

    folder = searched.models / page.parent.name
    record, table = registry.read(folder), pd.read_csv(folder / trials.TABLE)
    board = record["metrics"]["leaderboard"]
    assert trials.TABLE in record["files"] and table["candidate"].tolist() == ["linear"] * 3
    assert table["score"][0] == pytest.approx(board["linear"]["roc_auc"])
    assert table["score"][1:].max() == pytest.approx(board["linear_tuned"]["roc_auc"])
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")))
    assert "What the search for hyper-parameters found" in text
    assert re.search(r"linear 0\.\d+ 0\.\d+ 2 ", text)
    assert list((searched.root / "reports" / "figures").glob("*-trials.png"))


def test_other_rows_parameters_or_dictionary_have_another_memory(project):
    def memory(*overrides):
        return trials.memory_of(settings.load(project.root, overrides))

    before = memory()

    assert memory("train.trials=9") == before != memory("train.seed=1")
    project.dictionary.write_text(project.dictionary.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    now = memory()
    assert now != before
    pd.read_parquet(project.split("dev")).iloc[1:].to_parquet(project.split("dev"))
    assert memory() not in (now, before)


@pytest.mark.parametrize(
    ("error", "said"), [(ValueError("too few rows"), "too few rows"), (TypeError("no text"), "TypeError: no text")]
)
def test_candidate_that_fails_in_any_way_is_not_tuned_and_stops_no_training(tmp_path, caplog, error, said):
    def refuse(estimator):
        raise error

    with caplog.at_level("WARNING", logger=trials.log.name):
        tuned, table = search(tmp_path, refuse)

    assert tuned == {} and table.empty
    assert f"linear is not tuned: {said}" in caplog.text
