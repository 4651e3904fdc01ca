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


def test_effect_is_what_an_additive_answer_owes_to_a_column_beyond_its_usual_values(rows):
    usual = reasons.usual_values(rows)

    found = reasons.effects(answers, rows, usual, np.ones(300, dtype=int))

    of_contract = 0.5 * ((rows["contract"] == "month") - (usual["contract"] == "month").mean())
    of_age = 0.004 * (rows["age"] - usual["age"].mean())
    expected = np.column_stack([of_age, of_contract, np.zeros(300), np.zeros(300)])
    assert np.allclose(found, expected, atol=0.02), "shares of twenty rows are right to a fortieth"


def test_effects_of_two_columns_that_act_together_are_their_shapley_values(rows):
    rows, usual = rows.head(20), reasons.usual_values(rows)
    young, monthly = (usual["age"] < 40).mean(), (usual["contract"] == "month").mean()

    def both(table):
        return ((table["age"] < 40) & (table["contract"] == "month")).to_numpy(dtype=float)[:, None]

    found = reasons.effects(both, rows, usual, np.zeros(20, dtype=int))

    is_young, is_monthly = rows["age"] < 40, rows["contract"] == "month"
    of_age = (is_young - young) * (is_monthly + monthly) / 2
    of_contract = (is_monthly - monthly) * (is_young + young) / 2
    assert np.allclose(found[:, :2], np.column_stack([of_age, of_contract]), atol=0.1)
    assert not found[:, 2:].any()


def test_rows_in_several_calls_or_alone_have_the_same_effects(rows, monkeypatch):
    usual, asked = reasons.usual_values(rows), np.ones(300, dtype=int)
    whole = reasons.effects(answers, rows, usual, asked)
    monkeypatch.setattr(reasons, "ROWS_AT_ONCE", 100)

    parts = reasons.effects(answers, rows, usual, asked)
    alone = reasons.effects(answers, rows.iloc[[7]], usual, asked[:1])

    assert (parts == whole).all() and (alone[0] == whole[7]).all()


def test_reasons_are_the_strongest_first_in_words_without_what_moved_nothing(rows):
    rows = rows.assign(age=[18, *rows["age"][1:]], contract=["month", *rows["contract"][1:]]).head(1)
    moved = pd.DataFrame([[-0.12, 0.251, 0.004, -0.07]], columns=list(rows))

    assert reasons.in_words(rows, moved, 2, reasons.of_probability) == ["contract is month: +0.25; age is 18: -0.12"]
    (all_of_them,) = reasons.in_words(rows, moved, 9, reasons.of_probability)
    assert all_of_them.endswith("noise is missing: -0.07") and "day" not in all_of_them
    assert [reasons.of_number(value) for value in (12345.6, -0.5, 0.0)] == ["+12,346", "-0.5", ""]
    assert reasons.cell(pd.Timestamp("2026-01-02")) == "2026-01-02" and len(reasons.cell("long " * 20)) == 28


def test_words_of_one_person_are_not_kept():
    said = pd.Series(["fine"] * 30 + ["late"] * 20 + [f"my name is {place}" for place in range(50)], dtype="str")

    kept = reasons.usual_values(pd.DataFrame({"said": said}))["said"]

    assert set(kept.dropna()) == {"fine", "late"} and kept.isna().sum() == 50
