import numpy as np
import pandas as pd
import pytest

FORMULAS = {
    "sum": lambda t: t["web"] + t["shop"] + t["phone"],
    "a little of one": lambda t: t["shop"] + t["phone"] + t["web"] / 4,
    "rounded sum": lambda t: (t["web"] + t["shop"] + t["phone"]).round(),
    "difference": lambda t: t["web"] - t["shop"],
    "ratio": lambda t: t["web"] / t["shop"],
    "product": lambda t: (t["web"] * t["phone"]).round(2),
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_columns_that_the_target_was_computed_from_are_named(amounts, suspect, formula):
    (found,) = suspect(amounts.drop(columns="answer").assign(total=FORMULAS[formula]), target="total")

    assert found.kind == "answer"
    assert "web" in found.columns and "number" not in found.columns


TOTALS = {
    "exact": lambda t, random: 0.0,
    "a constant": lambda t, random: 2.5,
    "few constants": lambda t, random: random.choice([0.0, 2.5, 7.75], len(t)),
    "a few other rows": lambda t, random: np.where(np.arange(len(t)) % 50 == 7, 40.0, 1.0),
}


@pytest.mark.parametrize("rest", TOTALS)
def test_total_that_holds_the_target_is_named_with_its_other_parts(amounts, suspect, rest):
    parts = amounts.drop(columns="answer").round(2)
    total = parts[["web", "shop", "phone"]].sum(axis=1) + TOTALS[rest](parts, np.random.default_rng(5))

    (found,) = suspect(parts.assign(total=total.round(2)), target="phone")

    assert (found.kind, set(found.columns)) == ("answer", {"total", "web", "shop"})


@pytest.mark.parametrize("where", ["independent", "often all", "with zeros"])
def test_one_part_of_a_sum_is_named_where_the_others_are_not_there(amounts, suspect, where):
    rest = {
        "independent": amounts["shop"],
        "often all": amounts["web"] * (amounts.index % 7 > 0) * np.random.default_rng(4).uniform(0, 3, len(amounts)),
        "with zeros": amounts["shop"].where(amounts.index % 3 > 0, 0.0),
    }[where]

    (found,) = suspect(amounts.drop(columns=["answer", "shop"]).assign(total=amounts["web"] + rest), target="total")

    assert (found.kind, found.columns) == ("answer", ("web",))
    assert "'web' is never above 'total'" in found.sentence


def beside_the_largest(whole, share, random):
    """Below it and 0 but in the rows where it is largest, so that in a straight line it says nothing of the rest."""
    part = (whole * random.uniform(0.5, 1, len(whole))).where(whole > whole.quantile(1 - share), 0.0)
    return part * np.cov(part, whole)[0, 1] / np.var(part, ddof=1)


HONEST = {
    "forecast": lambda t, random: (t["web"].round(), t["web"].round() + random.integers(-2, 3, len(t))),
    "another unit": lambda t, random: (10 * t["web"] * t["shop"], t["web"]),
    "much smaller": lambda t, random: (1000 + t["web"] + t["shop"], t["web"]),
    "below by far": lambda t, random: (t["web"] * random.uniform(1, 3, len(t)), t["web"]),
    "one of fifty": lambda t, random: (t["web"], beside_the_largest(t["web"], 0.02, random)),
    "below 0": lambda t, random: (t["web"] + t["shop"], t["web"] - t["web"].quantile(0.01)),
    "light": lambda t, random: (t["web"], beside_the_largest(t["web"], 0.4, random)),
    "noise around": lambda t, random: (t["web"] + random.normal(0, 5, len(t)), t["web"]),
}


@pytest.mark.parametrize("how", HONEST)
def test_column_that_is_only_near_the_target_or_below_it_is_no_part(amounts, suspect, how):
    target, column = HONEST[how](amounts, np.random.default_rng(6))
    table = pd.DataFrame({"target": target, "column": column, "phone": amounts["phone"]})

    found = [suspicion.sentence for suspicion in suspect(table, target="target")]
    assert not [sentence for sentence in found if "looks like one part" in sentence or "but for" in sentence]
