import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.modelling import metrics
from data_science_project.engine.report import slices

RANDOM = np.random.default_rng(0)


def two(probability):
    table = np.column_stack([1 - probability, probability])
    return metrics.Predictions(np.where(probability > 0.5, "yes", "no"), table, ("no", "yes"))


def test_slice_in_which_numbers_are_said_too_low_comes_first_with_its_means():
    rows = pd.DataFrame({"shop": ["a"] * 100 + ["b"] * 30})
    truth = RANDOM.normal(10, 3, 130)
    said = truth + RANDOM.normal(0, 1, 130) - 4 * (rows["shop"] == "b")

    odd, looked_at = slices.slices(rows, truth, metrics.Predictions(said.to_numpy()))

    assert looked_at == 2 and odd.iloc[0][["column", "slice", "rows"]].tolist() == ["shop", "b", 30]
    assert odd.iloc[0]["said_by"] > 0 and odd.iloc[0]["came_true"] == pytest.approx(truth[100:].mean())
    assert odd.iloc[0]["constant"] == pytest.approx(np.abs(truth[100:] - np.median(truth[100:])).mean())


def test_slice_of_rows_that_are_alike_is_not_worse_where_its_probabilities_keep_their_word():
    long = np.arange(600) % 2 == 0  # few of them leave, and none can be told apart: a ranking of them is a coin
    chance = np.where(long, 0.03, RANDOM.uniform(0.05, 0.95, 600))
    truth = np.where(RANDOM.random(600) < chance, "yes", "no")
    rows = pd.DataFrame({"contract": np.where(long, "two years", "month")})

    honest, looked_at = slices.slices(rows, truth, two(chance))
    boast, _ = slices.slices(rows, truth, two(np.where(long, 0.3, chance)))

    assert honest.empty and looked_at == 2
    assert boast["slice"].tolist() == ["two years"] and boast.iloc[0]["said_by"] < 0


def test_slice_that_is_off_by_little_of_what_its_rows_are_is_not_named_however_sure_that_is():
    rows = pd.DataFrame({"shop": np.repeat(["a", "b"], 50_000)})
    random = np.random.default_rng(1)
    truth = random.normal(450, 90, 100_000)
    said = truth + random.normal(0, 10, 100_000) + 0.5 * (rows["shop"] == "b")

    odd, looked_at = slices.slices(rows, truth, metrics.Predictions(said.to_numpy()))

    assert odd.empty and looked_at == 2


def test_slice_where_its_own_constant_answer_costs_less_is_named():
    rows = pd.DataFrame({"shop": ["a"] * 200 + ["b"] * 100})
    truth = RANDOM.normal(0, 3, 300)
    noise = np.where(rows["shop"] == "b", RANDOM.choice([-8.0, 8.0], 300), 0)

    odd, _ = slices.slices(rows, truth, metrics.Predictions(truth + noise))

    assert odd["slice"].tolist() == ["b"] and odd.iloc[0]["gain_by"] < 0 < odd.iloc[0]["cost"]


@pytest.mark.parametrize(("metric", "named"), [("mae", ["a"]), ("r2", [])])
def test_constant_of_a_slice_is_the_one_that_is_best_by_the_metric(metric, named):
    random = np.random.default_rng(0)
    claims = np.where(random.random(2000) < 0.85, 0.0, random.exponential(2000, 2000))
    rows, mean = pd.DataFrame({"area": ["a", "b"] * 1000}), np.full(2000, claims.mean())
    truth = np.where(rows["area"] == "a", claims, claims.mean() + random.choice([-1.0, 1.0], 2000))

    odd, looked_at = slices.slices(rows, truth, metrics.Predictions(mean), metric=metric)

    assert odd["slice"].tolist() == named and looked_at == 2  # 0 is nearer to most, and no better a mean


def test_slice_that_loses_next_to_nothing_is_not_named_though_its_rows_are_all_alike():
    random, pure = np.random.default_rng(0), np.arange(2000) % 2 == 0
    truth = np.where(pure | (random.random(2000) < 0.5), "yes", "no")
    amounts = np.where(pure, 0.0, random.normal(500, 300, 2000))
    rows = pd.DataFrame({"queue": np.where(pure, "q-log", "other")})

    classes, looked_at = slices.slices(rows, truth, two(np.where(pure, 0.996, 0.5)))
    numbers, _ = slices.slices(rows, amounts, metrics.Predictions(np.where(pure, 2.0, amounts)), metric="r2")
    boast, _ = slices.slices(rows, truth, two(np.where(pure, 0.8, 0.5)))

    assert classes.empty and numbers.empty and looked_at == 2
    assert boast["slice"].tolist() == ["q-log"]


def noise(random, size):
    return pd.DataFrame({f"x{place}": random.choice(list("abcd"), size) for place in range(5)})


@pytest.mark.parametrize("shares", [[0.98, 0.02], [0.8, 0.08, 0.07, 0.05], [0.1] * 10])
def test_classes_however_rare_or_many_make_no_slice_where_the_shares_that_are_said_are_the_true_ones(shares):
    random, kinds, named = np.random.default_rng(0), [f"k{place}" for place in range(len(shares))], 0

    for _ in range(30):
        said = metrics.Predictions(np.full(200, "k0", dtype=object), np.tile(shares, (200, 1)), kinds)
        named += len(slices.slices(noise(random, 200), random.choice(kinds, 200, p=shares).astype(object), said)[0]) > 0

    assert named <= 3  # by shares fitted to the rows that they were judged on: up to 15


@pytest.mark.parametrize("each", [2, 10])
def test_rows_of_a_group_that_are_alike_make_no_slice_of_chance(each):
    random, kinds, named = np.random.default_rng(0), np.array(["a", "b", "c"], dtype=object), 0
    said = metrics.Predictions(np.full(400, "a", dtype=object), np.tile([0.9, 0.06, 0.04], (400, 1)), tuple(kinds))
    groups = pd.Series(np.repeat(np.arange(400 // each), each))

    for _ in range(20):
        rows = noise(random, 400 // each).loc[groups].reset_index(drop=True)
        truth = np.repeat(random.choice(kinds, 400 // each, p=[0.9, 0.06, 0.04]), each)
        named += len(slices.slices(rows, truth, said, groups=groups)[0]) > 0

    assert named <= 2  # by the spread of single rows 15 of 20 where ten are alike


def test_rare_large_numbers_make_no_slice_of_the_rows_that_have_none_but_a_model_that_is_off_does():
    random, named, found = np.random.default_rng(0), 0, 0

    for _ in range(30):
        rows, mean = noise(random, 200), random.normal(100, 10, 200)
        said = metrics.Predictions(mean + np.where(rows["x0"] == "a", random.choice([-40, 40], 200), 0))
        claims = np.where(random.random(200) < 0.03, mean / 0.03, 0.0)
        named += len(slices.slices(rows, claims, metrics.Predictions(mean), metric="r2")[0]) > 0
        odd, _ = slices.slices(rows, mean + random.normal(0, 20, 200), said, metric="r2")
        found += odd[["column", "slice"]].values.tolist()[:1] == [["x0", "a"]]

    assert named <= 3 and found >= 27  # by the spread of its own rows 29 were named


def test_shares_that_are_wrong_in_a_slice_are_found_though_the_classes_are_many():
    random, kinds, found = np.random.default_rng(0), list("abcdefgh"), 0

    for _ in range(30):
        rows, said = noise(random, 400), np.tile(np.full(8, 1 / 8), (400, 1))
        odd_ones = (rows["x0"] == "a").to_numpy()
        said[odd_ones] = random.dirichlet(np.full(8, 0.5), odd_ones.sum())
        answers = metrics.Predictions(np.array(kinds, dtype=object)[said.argmax(axis=1)], said, kinds)
        odd, _ = slices.slices(rows, random.choice(kinds, 400).astype(object), answers)
        found += odd[["column", "slice"]].values.tolist()[:1] == [["x0", "a"]]

    assert found >= 27


def test_list_has_a_slice_for_each_frequent_item_with_the_rows_that_hold_it():
    rows = pd.DataFrame({"tools": ["saw; axe", "axe", None, "saw"] * 30, "n": range(120)})
    errors = np.where(rows["tools"].fillna("").str.contains("saw"), 5.0, 1.0) + RANDOM.normal(0, 0.1, 120)

    table = slices.by_items(rows, {"tools": ";"})
    odd, _ = slices.slices(table, np.zeros(120), metrics.Predictions(errors))

    assert list(table) == ["n", "tools: saw", "tools: axe"] and table["tools: saw"].tolist()[:3] == ["yes", "no", "no"]
    assert ["tools: saw", "yes", 60] in odd[["column", "slice", "rows"]].values.tolist()


def test_slice_of_fewer_than_twenty_rows_or_five_groups_is_not_looked_at():
    few = pd.DataFrame({"shop": ["a"] * 100 + ["b"] * 19})
    groups = pd.Series(np.repeat(np.arange(6), 20)[:119], name="customer")

    alone = [slices.slices(few, np.zeros(119), metrics.Predictions(np.ones(119)), groups=g) for g in (None, groups)]

    assert [looked_at for _, looked_at in alone] == [1, 1]
    halves = pd.DataFrame({"shop": ["a"] * 60 + ["b"] * 59})
    assert slices.slices(halves, np.zeros(119), metrics.Predictions(np.ones(119)), groups=groups)[1] == 0


def test_rows_of_one_group_say_less_of_a_slice():
    rows = pd.DataFrame({"shop": ["a"] * 400 + ["b"] * 400})
    groups = pd.Series(np.arange(800) // 40, name="customer")
    said = np.repeat(RANDOM.normal(0, 1, 20), 40) + RANDOM.normal(0, 0.1, 800)

    by_row, by_group = (
        slices.slices(rows, np.zeros(800), metrics.Predictions(said), groups=g)[0] for g in (None, groups)
    )

    assert by_row["said_by"].abs().min() > 5 and by_group["said_by"].abs().max() < 2


def test_every_row_of_numbers_dates_and_texts_is_in_one_quarter_or_in_the_slice_of_missing_cells():
    rows = pd.DataFrame({"number": [*[np.nan] * 30, *range(170)], "date": pd.date_range("2026-01-01", periods=200)})
    rows["text"] = [f"{'word ' * (row % 40)}{row}" for row in range(200)]

    found = [(column, label, part) for column, label, part in slices.cuts(rows)]

    assert [part.sum() for column, label, part in found if label == "missing"] == [30]
    for name in rows.columns:
        assert (np.sum([part for column, _, part in found if column == name], axis=0) == 1).all(), name
