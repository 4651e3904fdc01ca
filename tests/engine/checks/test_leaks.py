import numpy as np
import pandas as pd
import pytest


@pytest.mark.parametrize(
    ("one", "other"),
    [(1e38, 1e-300), (1, 1e-310), (3e38, -3e38), (1e-323, 1)],
    ids=["ratio", "denormals", "sum", "tiny"],
)
def test_columns_of_numbers_that_no_float32_holds_are_looked_at(table, suspect, one, other):
    sizes = np.random.default_rng(1).uniform(0.5, 1, (2, 300))
    yes = np.where(sizes[0] > sizes[1], "yes", "no")

    found = suspect(table.assign(one=one * sizes[0], other=other * sizes[1], answer=yes))

    assert {suspicion.columns for suspicion in found if suspicion.kind == "answer"} == set()


def test_part_of_a_date_and_word_of_a_text_that_tell_the_answer_are_named(table, suspect):
    yes = table["answer"] == "yes"
    random = np.random.default_rng(2)
    days = [f"20{random.integers(10, 26)}-{month:02d}-{random.integers(1, 28):02d}" for month in np.where(yes, 3, 8)]
    notes = [f"parcel {row} was {'returned' if told else 'kept'}" for row, told in enumerate(yes)]

    found = suspect(table.assign(day=pd.to_datetime(days), note=notes))

    assert {suspicion.columns for suspicion in found if suspicion.kind == "answer"} == {("day",), ("note",)}


BANDS = {
    "threshold": lambda pay: (pay > 30).astype(float),
    "rare": lambda pay: np.where(pay >= np.sort(pay)[-6], "rich", "poor"),
    "bands": lambda pay: pd.cut(pay, [0, 10, 30, 1000], labels=["low", "middle", "high"]).astype(str),
    "falling": lambda pay: -np.log(pay),
}


@pytest.mark.parametrize("how", BANDS)
def test_column_that_is_the_target_cut_into_bands_is_named(amounts, suspect, how):
    band = pd.Series(BANDS[how](amounts["web"]), index=amounts.index)

    found = suspect(amounts.assign(band=band.where(amounts.index % 10 > 0)), target="web")

    assert [suspicion.columns for suspicion in found if suspicion.kind == "answer"] == [("band",)]
    assert "'web'" in found[0].sentence
    assert ("is a function of 'web'" in found[0].sentence) == (how == "falling")
    assert (" bands" in found[0].sentence) == (how != "falling")


def test_column_that_tells_the_order_of_amounts_is_named_though_a_few_large_ones_make_most_of_their_variance(suspect):
    random = np.random.default_rng(0)
    paid = np.where(random.random(3000) < 0.3, np.exp(random.normal(7, 2.5, 3000)), 0)
    reserved = np.round(paid**0.9 * random.uniform(0.95, 1.05, 3000), 2)
    table = pd.DataFrame({"age": random.integers(18, 80, 3000), "reserved": reserved, "answer": paid})

    found = suspect(table)

    assert [suspicion.columns for suspicion in found if suspicion.kind == "answer"] == [("reserved",)]


@pytest.mark.parametrize("share", [0.5, 0.03])
def test_class_that_is_a_number_cut_in_two_is_named_however_rare_it_is(amounts, suspect, share):
    rich = amounts["web"] > amounts["web"].quantile(1 - share)

    found = suspect(amounts.assign(answer=np.where(rich, "yes", "no")), by="random")

    assert [suspicion.columns for suspicion in found if suspicion.kind == "answer"] == [("web",)]


def test_columns_that_follow_the_target_by_chance_or_nearly_are_not_named(amounts, suspect):
    largest = amounts["web"] == amounts["web"].max()
    nearly = (amounts["web"] > 30) ^ (amounts.index % 50 == 0)

    years = pd.Series(0, index=amounts.index)  # of one row each, beside the largest amounts: no bands
    years[amounts["web"].nlargest(11).index] = [4, 2, 9, 1, 11, 3, 8, 5, 10, 7, 6]

    table = amounts.drop(columns="answer").assign(largest=largest, nearly=nearly, years=years)
    assert suspect(table, target="web") == []


def late(table, *, but=16, first=0):
    """A column that says which answers are yes, but for every so many of them."""
    yes = table["answer"] == "yes"
    return np.where(yes & (yes.cumsum() % but != first), "sent", "none")


def test_column_that_tells_nearly_all_and_the_others_little_is_named(table, suspect):
    found = suspect(table.assign(bill=late(table)))

    assert [suspicion.columns for suspicion in found if suspicion.kind == "answer"] == [("bill",)]
    assert "column 'bill' alone predicts 'answer' far better than any other" in found[0].sentence
    assert "Is it known when a prediction is needed?" in found[0].cure


def test_strong_columns_of_which_another_says_nearly_as_much_are_not_named(table, suspect):
    two = {f"bill {first}": late(table, first=first) for first in (3, 4)}

    copies = suspect(table.assign(note=table["answer"], bill=late(table)))

    assert suspect(table.assign(**two)) == []
    assert [suspicion.columns for suspicion in copies] == [("note",)]
    assert suspect(table.assign(bill=late(table, but=2), other=late(table, but=4))) == []


def test_column_that_only_some_rows_of_a_class_have_is_named_with_its_shares(suspect):
    random = np.random.default_rng(3)
    yes = random.random(4000) < 0.08
    fees = np.where(random.random(4000) < np.where(yes, 0.9, 0.01), random.gamma(2, 40, 4000).round(2), 0.0)
    honest = random.normal(np.where(yes, 1.5, 0), 1)
    rows = pd.DataFrame({"fees": fees, "debt": honest, "answer": np.where(yes, "yes", "no")})

    found = suspect(rows)

    assert [suspicion.columns for suspicion in found] == [("fees",)]
    assert found[0].sentence.startswith("column 'fees' alone finds")
    assert "of the rows whose 'answer' is 'yes'" in found[0].sentence
    assert found[0].figures["found"] > 0.8 and found[0].figures["right"] > 0.8
    assert suspect(rows.drop(columns="fees")) == []


@pytest.mark.parametrize("elsewhere", [np.nan, 0.0])
def test_column_that_is_exact_where_it_is_filled_is_named(amounts, suspect, elsewhere):
    random = np.random.default_rng(4)
    there, exact = random.random(len(amounts)) < 0.7, 0.21 * amounts["web"] + random.normal(0, 0.05, len(amounts))
    noisy = amounts["web"] * random.normal(1, 0.3, len(amounts))

    found = suspect(amounts.assign(invoice=np.where(there, exact, elsewhere)), target="web", by="random")
    other = suspect(amounts.assign(invoice=np.where(there, noisy, elsewhere)), target="web", by="random")

    assert [suspicion.columns for suspicion in found if suspicion.kind == "answer"] == [("invoice",)]
    assert "almost perfectly" in found[0].sentence and "% of the rows where" in found[0].sentence
    assert [suspicion for suspicion in other if suspicion.kind == "answer"] == []


def test_part_of_a_date_is_named_and_not_asked_whether_it_is_known(amounts, suspect):
    days = pd.Series(pd.date_range("2024-01-01", periods=4000, freq="h")).sample(frac=1, random_state=0)
    load = 100 * np.sin(days.dt.hour / 24 * np.pi) + np.random.default_rng(6).normal(0, 1, 4000)

    found = suspect(pd.DataFrame({"time": days, "load": load}).reset_index(drop=True), target="load", by="random")

    (one,) = [suspicion for suspicion in found if suspicion.kind == "answer"]
    assert "'hour of time' alone predicts 'load'" in one.sentence
    assert "Is it known" not in one.cure and "own date is always known" in one.cure


def test_column_that_tells_one_of_many_small_classes_is_not_said_to_tell_them_all(suspect):
    kinds = np.repeat(["mammal", "bird", "fish", "insect", "reptile", "other"], [84, 50, 16, 16, 16, 18])
    table = pd.DataFrame({"kind": kinds, "feathers": (kinds == "bird").astype(int)})
    table["weight"] = np.random.default_rng(0).normal(size=len(table)).round(3)
    table = table.sample(frac=1, random_state=3).reset_index(drop=True)

    (found,) = [one.sentence for one in suspect(table, target="kind") if one.kind == "answer"]

    assert "'feathers' alone finds 100% of the rows whose 'kind' is 'bird'" in found
