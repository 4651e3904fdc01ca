import itertools
import math

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.modelling import reasons


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": random.integers(18, 80, 300),
            "contract": random.choice(["month", "year", "two years"], 300, p=[0.5, 0.3, 0.2]),
            "day": pd.date_range("2026-01-01", periods=300),
            "noise": np.where(np.arange(300) % 10, random.normal(size=300), np.nan),
        }
    )


def answers(table):
    """Sure by the contract, a little by age; a column a class."""
    chance = 0.1 + 0.5 * (table["contract"] == "month") + 0.004 * (table["age"] - 18)
    return np.column_stack([1 - chance, chance])


def test_usual_values_have_about_the_shares_and_the_spread_of_their_column_and_are_no_rows(rows):
    found = reasons.usual_values(rows)

    assert np.allclose(found["contract"].value_counts(), 100 * rows["contract"].value_counts(normalize=True), atol=1)
    assert found["age"].is_monotonic_increasing and found["age"].mean() == pytest.approx(rows["age"].mean(), abs=2)
    assert found["noise"].isna().sum() == 10 and found["age"].nunique() == 10 and found.dtypes.equals(rows.dtypes)
    assert len(found.merge(rows)) == 0


def test_usual_values_of_pandas_categories_are_those_of_their_words(rows):
    contract = rows["contract"]

    found = reasons.usual_of(contract.astype("category"))

    assert found.tolist() == reasons.usual_of(contract).tolist()


def test_effect_is_what_an_additive_answer_owes_to_a_column_beyond_its_usual_values(rows):
    usual = reasons.usual_values(rows)

    found = reasons.effects(answers, rows, usual, np.ones(300, dtype=int))

    of_contract = 0.5 * ((rows["contract"] == "month") - (usual["contract"] == "month").mean())
    of_age = 0.004 * (rows["age"] - usual["age"].mean())
    expected = np.column_stack([of_age, of_contract, np.zeros(300), np.zeros(300)])
    assert np.allclose(found, expected, atol=0.02), "shares of twenty rows are right to a fortieth"


def exact(answer, rows, lines):
    """Shapley values by every coalition, with the lines as background."""
    names = list(lines)
    copies = pd.concat([rows.iloc[[place]].assign(line=line) for place in range(len(rows)) for line in lines.index])
    usual, found = lines.loc[copies["line"]], dict.fromkeys(names, 0.0)
    size = len(names)
    for name in names:
        others = [other for other in names if other != name]
        for inside in itertools.chain.from_iterable(itertools.combinations(others, k) for k in range(size)):
            share = 1 / math.comb(size - 1, len(inside)) / size
            ends = [
                copies.assign(**{other: usual[other].array for other in names if other not in known})
                for known in (inside, (*inside, name))
            ]
            found[name] = found[name] + share * (answer(ends[1]) - answer(ends[0]))[:, 0]
    return np.column_stack(list(found.values())).reshape(len(rows), len(lines), size).mean(axis=1)


@pytest.mark.parametrize("together", [2, 3, 4])
def test_effects_of_columns_that_act_together_are_nearly_their_shapley_values(together):
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.choice([0.3, 1.0], (300, 5)), columns=list("abcde"))
    usual, rows = reasons.usual_values(table), table.head(20)

    def all_of(rows):
        return rows.iloc[:, :together].prod(axis=1).to_numpy()[:, None]

    found = reasons.effects(all_of, rows, usual, np.zeros(20, dtype=int))

    assert np.abs(found - exact(all_of, rows, reasons.shuffled(usual))).max() < 0.01
    assert not found[:, together:].any()


@pytest.mark.parametrize("columns", [1, 4, 8, 9, 20, 25, 100])
def test_columns_of_a_design_are_in_balance_by_twos_and_threes(columns):
    design = reasons.balanced(columns)

    one, two, three = design[:, :columns], design[:, :1], design[:, -1:]

    assert one.shape == (len(design), columns) and not one.sum(axis=0).any()
    assert (one.T @ one == len(design) * np.eye(columns)).all()
    assert not (one * two * three).sum(axis=0).any()


def test_lines_are_the_fewer_the_more_columns_there_are_and_a_row_of_twenty_costs_less_than_a_thousand_answers():
    usual = {columns: reasons.usual_values(pd.DataFrame(np.zeros((100, columns)))) for columns in (8, 12, 20, 200)}

    lines = {columns: reasons.shuffled(table) for columns, table in usual.items()}

    assert [len(table) for table in lines.values()] == [20, 20, 10, 10]
    assert len(reasons.questions(*lines[20].shape)[0]) == 820


def test_whole_numbers_have_effects_beside_usual_values_with_gaps_and_a_column_may_be_named_self(rows):
    usual = reasons.usual_values(rows.assign(age=rows["age"].where(rows["age"] > 30)))

    found = reasons.effects(lambda table: answers(table.fillna({"age": 18})), rows, usual, np.ones(300, dtype=int))
    otherwise = reasons.with_usual(rows.head(1), usual["age"])["age"]

    assert usual["age"].hasnans and np.isfinite(found).all()
    assert otherwise.isna().sum() == 1 and otherwise.nunique() == usual["age"].nunique()
    row, named = pd.DataFrame({"self": [5]}), pd.Series([1, 2, 1], name="self")
    assert reasons.with_usual(row, named)["self"].tolist() == [1, 2] and row["self"].tolist() == [5]


def test_rows_in_several_calls_or_alone_have_the_same_effects(rows, monkeypatch):
    usual, rows, asked = reasons.usual_values(rows), rows.head(20), np.ones(20, dtype=int)
    whole = reasons.effects(answers, rows, usual, asked)
    monkeypatch.setattr(reasons, "CELLS_AT_ONCE", 20_000)

    parts = reasons.effects(answers, rows, usual, asked)
    alone = reasons.effects(answers, rows.iloc[[7]], usual, asked[:1])

    assert (parts == whole).all() and (alone[0] == whole[7]).all()


def test_reasons_are_the_strongest_first_in_words_without_what_moved_nothing(rows):
    rows = rows.assign(age=[18, *rows["age"][1:]], contract=["month", *rows["contract"][1:]]).head(1)
    moved = pd.DataFrame([[-0.12, 0.251, 0.004, -0.03]], columns=list(rows))

    (two,), (all_of_them,) = (reasons.strongest(rows, moved, most, reasons.of_probability) for most in (2, 9))
    assert reasons.in_words(two) == "contract is month: +0.25; age is 18: -0.12" and two[0][3] == 0.251
    assert all_of_them[2:] == [("noise", "missing", "-0.03", -0.03)], "day moved too little to tell"
    assert [reasons.of_number(value) for value in (12345.6, -0.5, 0.0)] == ["+12,346", "-0.5", ""]
    assert len(reasons.cell("long " * 20)) == 28


def test_words_of_one_person_are_not_kept():
    said = pd.Series(["fine"] * 30 + ["late"] * 20 + [f"my name is {place}" for place in range(50)], dtype="str")

    kept = reasons.usual_values(pd.DataFrame({"said": said}))["said"]

    assert set(kept.dropna()) == {"fine", "late"} and kept.isna().sum() == 50
