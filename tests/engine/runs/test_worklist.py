import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline, predict
from data_science_project.engine.modelling import confidence
from data_science_project.engine.project import artefact, settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import answers, loading, model, registry, training_rows, worklist


@pytest.fixture
def score(project, folder):
    """Answer a table with overrides of params.toml; the file that `predict` writes."""

    def call(table, *overrides):
        table.to_csv(project.root / "new.csv", index=False)
        output = project.root / "out.csv"
        predict.run(
            settings.load(project.root, overrides), folder=folder, input=project.root / "new.csv", output=output
        )
        return pd.read_csv(output)

    return call


@pytest.fixture
def new(made_table):
    return made_table.drop(columns="answer").assign(order=made_table["order"] + 5000)


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
    assert list(worklist.put(ids, "act", ["no"], before="rank")) == ["act", "rank", "act (id)", "prediction"]
    assert list(worklist.put(ids, "rank", [1], before="rank")) == ["rank", "rank (id)", "act", "prediction"]


def test_rows_that_the_run_learned_from_are_counted_and_marked(score, new, made_table, project, caplog):
    nothing = score(new)
    found = score(pd.concat([made_table.drop(columns="answer"), new], ignore_index=True))

    learned = pd.concat([pd.read_parquet(project.split(part)) for part in ("train", "dev")])["order"]
    assert "seen" not in nothing and list(found)[-3:] == ["seen", "confident", "run"]
    assert set(found.loc[found["seen"] == "held out", "order"]) == set(learned)
    assert set(found["seen"]) == {"held out", "no"}
    assert f"learned from {len(learned)} of these 240 rows" in caplog.text
    assert {record.name.rpartition(".")[2] for record in caplog.records} == {"predict"}, "the verb as typed"
    assert f": {len(learned)} are answered as while they were held out. The column" in caplog.text


def test_row_of_the_training_has_the_answer_of_the_fold_that_held_it_out(score, made_table, project, folder):
    rows = pd.concat([pd.read_parquet(project.split(part)) for part in ("train", "dev")], ignore_index=True)
    held, lines = confidence.held_out(folder), pd.read_parquet(folder / training_rows.DIGESTS)["held_out"]
    plain = answers.answer(loading.load(folder), rows.drop(columns="answer"), abstain_below=0.0)

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


def test_row_of_the_training_that_no_fold_held_out_is_marked(score, made_table, folder, caplog):
    digests = pd.read_parquet(folder / training_rows.DIGESTS)
    digests.assign(held_out=[-1] * len(digests)).to_parquet(folder / training_rows.DIGESTS)
    record = registry.read(folder)
    record["files"][training_rows.DIGESTS] = artefact.sha256(folder / training_rows.DIGESTS)
    registry.write(folder, record)

    found = score(made_table.drop(columns="answer"))

    assert set(found["seen"]) == {"yes", "no"} and "its answers are too good. The column seen" in caplog.text


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


def test_reasons_of_a_run_from_before_they_were_are_refused(score, new, folder, project):
    usual = folder / training_rows.USUAL
    table = pd.DataFrame({"confident": [True]})
    policy = type("Asked", (), {"reasons": 3})()
    run = loading.load(folder)
    usual.unlink()

    with pytest.raises(DataError, match="kept no usual values"):
        worklist.reasons_of(folder, run, table, policy)
