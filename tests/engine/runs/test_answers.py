import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier

from data_science_project import pipeline, predict
from data_science_project.engine.columns import dictionary, validate
from data_science_project.engine.modelling import confidence
from data_science_project.engine.modelling.decision import Policy
from data_science_project.engine.modelling.estimators import threads
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import answers, loading, model, registry, training_rows

X = dictionary.Column(type="integer")


def run_of(model, columns, record):
    return loading.Run("the run", record, model, columns, pd.DataFrame.copy, validate.validate)


def answered(labels, rows, *, limit=0.0, **others):
    """What a run says that always answers with the shares of these labels."""
    run = run_of(DummyClassifier().fit([[0]] * len(labels), labels), {**others, "x": X}, {"task": "classification"})
    return answers.answer(run, pd.DataFrame(rows), Policy(confidence.Limits(limit)))


@pytest.mark.parametrize(("limit", "confident"), [(0.0, [True, True]), (0.6, [True, True]), (0.61, [False, False])])
def test_answer_below_the_limit_is_not_confident(limit, confident):
    found = answered(["a", "a", "a", "b", "b"], {"x": [1, 2]}, limit=limit)

    assert found["confident"].tolist() == confident
    assert found["prediction"].tolist() == ["a", "a"] and found["probability"].tolist() == [0.6, 0.6]


@pytest.mark.parametrize(("seen", "confident"), [([0, 10], True), ([0, 4], False), ([6, 9], False)])
def test_number_outside_of_what_was_trained_on_is_not_confident(seen, confident):
    model = DummyRegressor(strategy="constant", constant=5.0).fit([[0], [0]], [5.0, 5.0])
    run = run_of(model, {"key": replace(X, role="id"), "x": X}, {"task": "regression", "target_range": seen})

    found = answers.answer(run, pd.DataFrame({"key": [7], "x": [1]}))

    assert list(found) == ["key", "prediction", "confident", "run"]
    assert found["confident"].tolist() == [confident]


def test_id_and_group_stand_beside_the_answer_and_many_classes_get_no_column_each():
    many = answered([f"class {i:02}" for i in range(answers.CLASSES_SHOWN + 1)], {"x": [1]})
    found = answered(["a", "b"], {"run": [7], "x": [1]}, run=replace(X, role="id"))
    grouped = answered(["a", "b"], {"shop": ["new"], "x": [1]}, shop=dictionary.Column(type="category", role="group"))

    assert found["run (id)"].tolist() == [7] and found["run"].tolist() == ["the run"]
    assert list(found)[-2:] == ["confident", "run"]
    assert list(grouped)[:3] == ["row", "shop", "prediction"] and grouped["shop"].tolist() == ["new"]
    assert list(many) == ["row", "prediction", "probability", "confident", "run"], "not one column a class"


def test_model_that_does_not_answer_with_other_versions_is_a_message(project, folder, edit):
    (folder / registry.MODEL).write_bytes(pickle.dumps(DummyClassifier()))
    with edit(folder) as record:
        record["environment"]["packages"]["scipy"] = "0.1"
    run = loading.load(folder)

    with pytest.raises(DataError, match=r"does not answer(.|\n)*scipy 0\.1 \(now (.|\n)*make reproduce RUN="):
        answers.answer(run, answers.test_rows(project, run))


def test_row_of_many_classes_has_the_bits_alone_that_it_has_in_a_table():
    random = np.random.default_rng(0)
    rows = pd.DataFrame({"x": random.normal(size=300), "y": random.normal(size=300)})
    labels = pd.qcut(rows["x"] + random.normal(size=300), 10, labels=False)
    model = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5, random_state=0)
    with threads(1):
        run = run_of(model.fit(rows, labels), {"x": X, "y": X}, {"task": "classification"})
        together = answers.answer(run, rows.head(60))
        alone = [answers.answer(run, rows.iloc[[place]]) for place in range(60)]

    assert pd.concat(alone, ignore_index=True).equals(together)


@pytest.fixture
def score(project, folder):
    """Answer a table with overrides of params.toml; the file that `predict` writes."""

    def call(table, *overrides):
        paths = {name: project.root / f"{name}.csv" for name in ("input", "output")}
        table.to_csv(paths["input"], index=False)
        predict.run(settings.load(project.root, overrides), folder=folder, **paths)
        return pd.read_csv(paths["output"])

    return call


@pytest.fixture
def new(made_table):
    return made_table.drop(columns="answer").assign(order=made_table["order"] + 5000)


def test_cells_that_are_percent_or_fractions_are_answered_and_said_in_a_file_and_a_frame(
    score, new, project, folder, caplog
):
    columns = dictionary.of(project)
    percent = replace(columns["amount"], unit="%", range=(0, 1000))
    dictionary.write(project.dictionary, {**columns, "amount": percent}, [])
    small = new.assign(amount=np.linspace(0, 1, len(new)))
    caplog.set_level("INFO")

    answered = [answer(small) for answer in (score, model.load(folder.name).predict)]

    assert [len(answers) for answers in answered] == [len(new)] * 2
    assert caplog.text.count("column 'amount' has no cell above 1") == 2


def test_numbers_in_other_marks_have_the_same_bits_in_a_file_and_a_frame_and_are_said(
    score, new, folder, caplog, project
):
    rounded = new.assign(amount=new["amount"].round(2))
    german = new.assign(amount=[f"{amount:.2f}".replace(".", ",") for amount in new["amount"]])
    caplog.set_level("INFO")
    plain = score(rounded)

    in_file, in_frame = score(german), model.load(folder.name).predict(german)

    assert in_file.equals(plain) and in_frame["probability_yes"].tolist() == plain["probability_yes"].tolist()
    assert caplog.text.count("column 'amount' has numbers written otherwise, like '") == 2
    odd = german.assign(amount="1,234")
    for ask in (score, model.load(folder.name).predict):
        with pytest.raises(DataError, match=r"like '1,234' .*\n.*\('thousands', 'unit', 'missing'\) in \[amount\]"):
            ask(odd)


def test_list_is_sorted_with_rank_and_act_where_a_capacity_is_stated(score, new, caplog):
    caplog.set_level("INFO")
    plain, found = score(new), score(new, "decision.capacity=7", 'decision.rows="orders"')

    assert list(found) == ["rank", "act", *plain] and found["rank"].tolist() == list(range(1, 121))
    assert found["probability_yes"].is_monotonic_decreasing
    assert found["act"].tolist() == ["yes"] * 7 + ["no"] * 113
    same = found.drop(columns=["rank", "act"]).sort_values("order", ignore_index=True)
    pd.testing.assert_frame_equal(same, plain, check_exact=True)
    assert "120 rows, 0 not confident" in caplog.text
    assert "first: 7 of 120 orders" in caplog.text and "120 orders, 0 not confident" in caplog.text


def test_act_is_no_where_acting_does_not_pay_and_ids_of_those_names_are_kept(score, new):
    costs = ["decision.capacity=100", "decision.cost_false_positive=9", "decision.cost_false_negative=1"]

    found = score(new, *costs)

    assert (found["act"] == "yes").equals(found["probability_yes"] >= 0.9) and (found["act"] == "no").any()
    ids = pd.DataFrame({"rank": [5], "act": ["x"], "prediction": ["yes"]})
    assert list(answers.put(ids, "act", ["no"], before="rank")) == ["act", "rank", "act (id)", "prediction"]
    assert list(answers.put(ids, "rank", [1], before="rank")) == ["rank", "rank (id)", "act", "prediction"]


def test_rows_that_the_run_learned_from_are_counted_and_marked(score, new, made_table, project, caplog):
    nothing = score(new)
    found = score(pd.concat([made_table.drop(columns="answer"), new], ignore_index=True))

    learned = pd.concat([pd.read_parquet(project.split(part)) for part in ("train", "dev")])["order"]
    assert "seen" not in nothing and list(found)[-3:] == ["seen", "confident", "run"]
    assert set(found.loc[found["seen"] == "held out", "order"]) == set(learned)
    assert set(found["seen"]) == {"held out", "no"}
    assert f"learned from {len(learned)} of these 240 rows" in caplog.text
    assert {record.name.rpartition(".")[2] for record in caplog.records} == {"predict"}, "the verb as typed"
    assert f": {len(learned)} get the answer of a model that had not seen them. The column" in caplog.text


def test_row_of_the_training_has_the_answer_of_the_fold_that_held_it_out(score, made_table, project, folder):
    rows = pd.concat([pd.read_parquet(project.split(part)) for part in ("train", "dev")], ignore_index=True)
    held, lines = confidence.held_out(folder), pd.read_parquet(folder / training_rows.DIGESTS)["held_out"]
    plain = answers.answer(loading.load(folder), rows.drop(columns="answer"))

    found = score(rows.drop(columns="answer"))

    names = ["prediction", "probability", "probability_no", "probability_yes"]
    assert (held["truth"].to_numpy()[lines] == rows["answer"]).all()
    pd.testing.assert_frame_equal(found[names], held[names].iloc[lines].reset_index(drop=True), check_exact=True)
    assert not np.allclose(found["probability_yes"], plain["probability_yes"])
    loaded = model.load(folder.name).predict(rows.drop(columns="answer"), held_out=False)
    pd.testing.assert_frame_equal(loaded[names], plain[names], check_exact=True)
    costs = ["decision.cost_false_positive=9", "decision.cost_false_negative=1", "predict.abstain_below=0.95"]
    strict = score(rows.drop(columns="answer"), *costs)
    assert ((strict["prediction"] == "yes") == (found["probability_yes"] >= 0.9)).all()
    assert strict["confident"].equals(strict["probability"] >= 0.95)


def test_row_of_the_training_that_no_fold_held_out_is_marked(score, made_table, folder, edit, caplog):
    with edit(folder):
        digests = pd.read_parquet(folder / training_rows.DIGESTS)
        digests.assign(held_out=[-1] * len(digests)).to_parquet(folder / training_rows.DIGESTS)

    found = score(made_table.drop(columns="answer"))

    assert set(found["seen"]) == {"yes", "no"} and "get its own, which is too good. The column seen" in caplog.text


def test_reasons_name_what_moved_each_answer_and_loaded_models_give_the_same(score, new, project, folder):
    found = score(new.head(20), "predict.reasons=2", "decision.capacity=5")
    options = settings.load(project.root, ["predict.reasons=2", "decision.capacity=5"]).settings
    loaded = model.Model(folder, options.predict, project.dictionary, options.decision).predict(new.head(20))

    likely = found[found["probability_yes"] > 0.9]
    own = model.load(folder.name).reasons(new.head(20), 2)
    told = dict(zip(loaded["order"], loaded["reasons"], strict=True))
    assert own.tolist() == [told[order] for order in new["order"].head(20)]
    assert likely["reasons"].str.match(r"amount is [\d.]+: \+0\.\d\d").all() and len(likely) > 2
    assert found["reasons"].dropna().str.count(";").max() <= 1
    assert loaded.index.tolist() == list(range(20))
    assert loaded.sort_values("rank")["reasons"].tolist() == found["reasons"].fillna("").tolist()


@pytest.mark.parametrize(
    ("target", "words"), [("amount", r"answer is yes: \+[\d.]+"), ("size", r"amount is [\d.]+: \+0\.\d\d")]
)
def test_reasons_of_numbers_are_in_their_unit_and_of_more_classes_about_the_answer(
    make_project, made_table, target, words
):
    whole = made_table.dropna()
    sizes = pd.qcut(whole["amount"], 3, labels=["small", "middle", "large"]).astype(str)
    project = make_project(whole.assign(size=sizes), data={"source": "table.csv", "target": target})

    (output,) = pipeline.make(settings.load(project.root, ["predict.reasons=3"]), "predict")

    assert pd.read_csv(output)["reasons"].dropna().str.contains(words).any()


@pytest.mark.parametrize(("more", "said"), [({}, "kept no usual values"), ({"package": "churn"}, "was exported")])
def test_reasons_of_a_run_from_before_they_were_or_that_was_exported_are_refused(folder, more, said):
    run = loading.load(folder)
    run.record.update(more)
    (folder / training_rows.USUAL).unlink()

    with pytest.raises(DataError, match=said):
        answers.background(folder, run, pd.DataFrame())
