"""What is suspicious in the data is said with its columns and its cure, and nothing is said of ordinary data."""

import json

import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.checks import drift, suspicions
from data_science_project.engine.columns import dictionary, infer
from data_science_project.engine.modelling import split
from data_science_project.engine.project import settings
from data_science_project.engine.steps import features

SIZE = 300


@pytest.fixture
def table():
    """Ordinary rows: a number, a category, and a yes or no that depends on the number a little."""
    random = np.random.default_rng(0)
    number = random.normal(0, 1, SIZE)
    answer = np.where(number + random.normal(0, 2, SIZE) > 0, "yes", "no")
    return pd.DataFrame({"number": number, "colour": random.choice(["red", "blue"], SIZE), "answer": answer})


@pytest.fixture
def amounts(table):
    """The same with three amounts that say nothing of the answer."""
    random = np.random.default_rng(1)
    return table.assign(**{name: random.gamma(2, 10, SIZE) + 1 for name in ("web", "shop", "phone")})


def suspect(table, target="answer", by="stratified"):
    """The findings in a table of native types, divided as it would be."""
    columns, _ = infer.infer(table, target=target, split_by=by, read={})
    parts = split.split(table, target, settings.Split(by=by))
    return suspicions.find(table, parts, columns, by)


def kinds(found):
    return [suspicion.kind for suspicion in found]


def test_ordinary_data_is_not_suspected(table, amounts):
    assert suspect(table) == suspect(amounts) == []


def test_suspicion_holds_its_columns_its_figures_and_its_cure(table):
    (found,) = suspect(table.assign(status=np.where(table["answer"] == "yes", 2, 1)))

    assert (found.kind, found.columns) == ("answer", ("status",))
    assert found.figures["score"] == 1
    assert "is 'answer' in another coding" in found.sentence
    assert 'role = "ignored" in references/data_dictionary.toml' in str(found)


@pytest.mark.parametrize(
    "formula",
    [
        lambda t: t["web"] + t["shop"] + t["phone"],
        lambda t: (t["web"] + t["shop"] + t["phone"]).round(),
        lambda t: t["web"] - t["shop"],
        lambda t: t["web"] / t["shop"],
        lambda t: (t["web"] * t["phone"]).round(2),
    ],
    ids=["sum", "rounded sum", "difference", "ratio", "product"],
)
def test_columns_that_the_target_was_computed_from_are_named(amounts, formula):
    found = suspect(amounts.drop(columns="answer").assign(total=formula), target="total")

    assert kinds(found) == ["answer"]
    assert "web" in found[0].columns and "number" not in found[0].columns


@pytest.mark.parametrize("formula", [lambda t: t["web"] - t["shop"], lambda t: t["web"] / t["shop"] - 1.2])
def test_two_columns_that_decide_the_class_together_are_named(amounts, formula):
    found = suspect(amounts.assign(answer=np.where(formula(amounts) > 0, "yes", "no")))

    assert [(suspicion.kind, set(suspicion.columns)) for suspicion in found] == [("answer", {"web", "shop"})]


@pytest.mark.parametrize(
    ("one", "other"),
    [(1e38, 1e-300), (1, 1e-310), (3e38, -3e38), (1e-323, 1)],
    ids=["ratio", "denormals", "sum", "tiny"],
)
def test_columns_whose_ratio_or_difference_no_float32_holds_are_looked_at(table, one, other):
    sizes = np.random.default_rng(1).uniform(0.5, 1, (2, SIZE))
    yes = np.where(sizes[0] > sizes[1], "yes", "no")

    found = suspect(table.assign(one=one * sizes[0], other=other * sizes[1], answer=yes))

    assert {suspicion.columns for suspicion in found if suspicion.kind == "answer"} <= {("one", "other")}


def test_part_of_a_date_and_word_of_a_text_that_tell_the_answer_are_named(table):
    yes = table["answer"] == "yes"
    random = np.random.default_rng(2)
    days = [f"20{random.integers(10, 26)}-{month:02d}-{random.integers(1, 28):02d}" for month in np.where(yes, 3, 8)]
    notes = [f"parcel {row} was {'returned' if told else 'kept'}" for row, told in enumerate(yes)]

    found = suspect(table.assign(day=pd.to_datetime(days), note=notes))

    assert {suspicion.columns for suspicion in found if suspicion.kind == "answer"} == {("day",), ("note",)}


def test_mean_of_the_target_by_group_is_named(table):
    rate = (table["answer"] == "yes").groupby(np.arange(SIZE) % 20).transform("mean")

    (found,) = suspect(table.assign(rate=rate))

    assert found.columns == ("rate",) and "is the mean of 'answer'" in found.sentence


def test_forecast_that_is_right_on_average_is_not_taken_for_a_mean(table):
    random = np.random.default_rng(3)
    forecast = random.integers(1, 10, SIZE)
    chance = np.where(random.random(SIZE) < forecast / 10, "yes", "no")

    assert suspect(table.assign(forecast=forecast / 10, answer=chance)) == []


def test_ids_in_the_order_of_the_answer_are_named(table):
    sorted_ids = table.sort_values("answer", ignore_index=True).assign(record=np.arange(SIZE))

    (found,) = suspect(sorted_ids.sample(frac=1, random_state=0, ignore_index=True))

    assert (found.kind, found.columns) == ("id", ("record",))


def test_name_of_a_row_among_the_features_is_named(table):
    codes = [f"T-{number}" for number in range(SIZE - 5)] + ["T-0"] * 5

    assert [suspicion.columns for suspicion in suspect(table.assign(code=codes))] == [("code",)]


def test_second_opinion_is_recognised_by_its_name_and_its_values(table):
    (found,) = suspect(table.assign(reviewer_2=table["answer"].to_numpy()[::-1]))

    assert found.kind == "labels" and 'role = "label:<who>"' in found.cure


@pytest.mark.parametrize("changed", [None, "number", "web", "colour"])
def test_rows_that_are_copied_in_all_cells_or_in_all_but_one_are_counted(amounts, changed):
    copies = amounts.sample(60, random_state=1)
    if changed:
        copies[changed] = copies[changed].sample(frac=1, random_state=2).to_numpy()

    found = suspect(pd.concat([amounts, copies], ignore_index=True).sample(frac=1, random_state=3))

    assert set(kinds(found)) == {"duplicates"}
    assert sum(suspicion.figures["rows"] for suspicion in found) >= 15


def test_copies_with_another_spelling_are_counted():
    random = np.random.default_rng(0)
    words = "the parcel came late and never again thank you for quick help".split()
    notes = pd.DataFrame({"note": [" ".join(random.choice(words, 9)) for _ in range(SIZE)]})
    notes["answer"] = random.choice(["yes", "no"], SIZE)
    shouted = notes.head(60).assign(note=notes["note"].head(60).str.upper() + " !")

    (found,) = suspect(pd.concat([notes, shouted], ignore_index=True))

    assert found.kind == "duplicates"


def test_table_of_a_few_values_has_no_copies():
    random = np.random.default_rng(0)
    coarse = pd.DataFrame({name: random.integers(0, 5, 1000).astype(str) for name in "abc"})

    found = suspect(coarse.assign(answer=random.choice(["yes", "no"], 1000)))

    assert kinds(found) == ["ambiguity"]


def test_ceiling_of_contradicting_rows_is_the_best_that_any_answer_to_them_can_reach(table):
    turned = table.assign(answer=table["answer"].map({"yes": "no", "no": "yes"})).head(30)
    both = pd.concat([table, turned], ignore_index=True)

    (found,) = [suspicion for suspicion in suspect(both) if suspicion.kind == "ambiguity"]

    best = both.groupby(["number", "colour"])["answer"].agg(lambda answers: answers.value_counts().max()).sum()
    assert found.figures == {"rows": 30, "ceiling": pytest.approx(best / len(both), abs=1e-6)}


def test_ceiling_of_contradicting_numbers_is_that_of_their_means(amounts):
    sales = amounts.drop(columns="answer").rename(columns={"web": "total"})
    both = pd.concat([sales, sales.head(30).assign(total=sales["total"].head(30) + 25)], ignore_index=True)

    (found,) = [suspicion for suspicion in suspect(both, target="total") if suspicion.kind == "ambiguity"]

    apart = 30 * 2 * 12.5**2 / ((both["total"] - both["total"].mean()) ** 2).sum()
    assert found.figures["ceiling"] == pytest.approx(1 - apart, abs=1e-6)


@pytest.mark.parametrize("step", [1, -1])
def test_file_in_the_order_of_a_date_asks_for_a_split_by_time(table, step):
    dated = table.assign(day=pd.date_range("2026-01-01", periods=SIZE)[::step])

    assert [suspicion.columns for suspicion in suspect(dated)] == [("day",)]
    assert "time" not in kinds(suspect(dated, by="time:day"))


def test_answer_that_changes_with_a_date_asks_for_a_split_by_time_in_any_order_of_rows(table):
    chance = np.linspace(0.1, 0.9, SIZE)
    answer = np.where(np.random.default_rng(2).random(SIZE) < chance, "yes", "no")
    dated = table.assign(answer=answer, day=pd.date_range("2026-01-01", periods=SIZE))

    (found,) = suspect(dated.sample(frac=1, random_state=0, ignore_index=True))

    assert found.cure.endswith('[split] by = "time:day".')
    assert kinds(suspect(dated.drop(columns="day"))) == ["time"]


def test_file_that_is_merely_sorted_by_its_answer_is_not_suspected(table):
    assert suspect(table.sort_values("answer", ignore_index=True)) == []


@pytest.mark.parametrize("name", ["customer", "Client ID", "acct", "household", "patientId", "email"])
@pytest.mark.parametrize("form", ["c{}", "{}"])
def test_customer_with_several_rows_asks_for_a_split_by_group(table, name, form):
    one = [form.format(number % 60 * 7 + 1000) for number in range(SIZE)]
    customers = pd.to_numeric(pd.Series(one)) if form == "{}" else one

    (found,) = suspect(table.assign(**{name: customers}))

    assert found.cure == f'For new ones, set [split] by = "group:{name}".'


def test_column_that_others_belong_to_is_a_group_whatever_its_name(table):
    unit = np.random.default_rng(0).integers(0, 60, SIZE)
    town = np.random.default_rng(1).choice(list("NSEW"), 60)

    (found,) = suspect(table.assign(zz=[f"q{number}" for number in unit], town=town[unit]))

    assert (found.kind, found.columns) == ("groups", ("zz",))


def test_amount_that_is_called_like_customers_is_no_group(table):
    random = np.random.default_rng(0)

    assert suspect(table.assign(households=random.integers(1, 100, SIZE), shop=np.arange(SIZE) % 20)) == []


def test_rare_class_is_named_with_its_rows(table):
    table.loc[:3, "answer"] = "perhaps"

    (found,) = suspect(table)

    assert found.figures == {"perhaps": 4}


def test_columns_that_move_between_train_and_test_are_named(table):
    late = np.random.default_rng(0).random(SIZE) < np.linspace(-0.5, 1.5, SIZE)
    moving = table.assign(
        day=pd.date_range("2026-01-01", periods=SIZE), level=np.arange(SIZE) * 1.5, kind=np.where(late, "new", "old")
    )

    (found,) = suspect(moving, by="time:day")

    assert found.kind == "drift" and {"level", "kind"} <= set(found.columns) and "number" not in found.columns


def test_columns_a_model_does_not_see_are_not_suspected(table):
    told = table.assign(status=np.where(table["answer"] == "yes", "paid", "open"))
    columns, _ = infer.infer(told, target="answer", drop=("status",), read={})
    parts = split.split(told, "answer", settings.Split())

    assert dictionary.by_role(columns, "ignored") == ["status"]
    assert suspicions.find(told, parts, columns, "stratified") == []


def test_features_writes_what_it_says_into_a_file(make_project, made_table, caplog):
    told = made_table.assign(status=np.where(made_table["answer"] == "yes", 7, 3))
    project = make_project(told)
    pipeline.make(project, "data")

    features.run(project, pd.DataFrame.copy)

    written = json.loads(project.suspicions.read_text(encoding="utf-8"))
    assert written["rows"] == len(told)
    (found,) = [suspicion for suspicion in written["suspicions"] if suspicion["kind"] == "answer"]
    assert found["columns"] == ["status"]
    assert f"suspicious: {found['sentence']}. {found['cure']}" in caplog.messages


@pytest.mark.parametrize(
    ("train", "test", "distance"),
    [
        (["a"] * 50 + ["b"] * 50, ["a", "b", "c", "d"] * 25, 0.5),
        (["a"] * 80 + ["b"] * 20, ["a"] * 20 + ["b"] * 80, 0.6),
        (range(100), range(60, 160), 0.6),
    ],
    ids=["four kinds", "two kinds", "numbers"],
)
def test_drift_is_half_the_sum_of_the_differences_in_shares(train, test, distance):
    parts = {"train": pd.DataFrame({"x": train}), "test": pd.DataFrame({"x": test})}

    (found,) = drift.drift(parts, "x", [])

    assert found.figures == {"x": distance}
    assert f"'x' ({distance:.2f})" in found.sentence


def test_column_of_a_few_groups_that_fell_to_the_test_is_no_drift():
    random = np.random.default_rng(0)
    shops = pd.DataFrame({"shop": [f"shop {i}" for i in range(60)], "size": random.normal(0, 1, 60)})
    rows = shops.loc[np.repeat(shops.index, 40)].reset_index(drop=True)
    rows["answer"] = random.choice(["yes", "no"], len(rows))
    moved = rows.assign(size=rows["size"] + (rows.index // 40 >= 45))

    parts = {"train": moved[:1800], "test": moved[1800:]}

    assert "drift" in kinds(drift.drift(parts, "answer", ["size"]))
    assert kinds(drift.drift(suspicions.one_of_each(parts, "group:shop"), "answer", ["size"])) == []


@pytest.mark.parametrize("name", ["class", "school", "Team"])
def test_number_of_a_group_that_is_called_so_is_one(table, name):
    found = suspect(table.assign(**{name: np.arange(SIZE) // 10 + 100}))

    assert [(one.kind, one.columns) for one in found] == [("groups", (name,))]
