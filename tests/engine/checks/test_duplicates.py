import numpy as np
import pandas as pd
import pytest


def ambiguity(found):
    (one,) = [suspicion for suspicion in found if suspicion.kind == "ambiguity"]
    return one.figures


def test_copies_with_another_spelling_are_counted(suspect):
    random = np.random.default_rng(0)
    words = "the parcel came late and never again thank you for quick help".split()
    notes = pd.DataFrame({"note": [" ".join(random.choice(words, 9)) for _ in range(300)]})
    notes["answer"] = random.choice(["yes", "no"], 300)
    shouted = notes.head(60).assign(note=notes["note"].head(60).str.upper() + " !")

    (found,) = suspect(pd.concat([notes, shouted], ignore_index=True))

    assert found.kind == "duplicates" and 10 <= found.figures["rows"] < found.figures["test rows"]


def test_table_of_a_few_values_has_no_copies(suspect):
    random = np.random.default_rng(0)
    coarse = pd.DataFrame({name: random.integers(0, 5, 1000).astype(str) for name in "abc"})

    (found,) = suspect(coarse.assign(answer=random.choice(["yes", "no"], 1000)))

    assert found.kind == "ambiguity"
    assert suspect(pd.DataFrame({"answer": random.choice(["yes", "no"], 1000)})) == [], "no feature, no ambiguity"


def test_ceiling_of_contradicting_rows_is_the_best_that_any_answer_to_them_can_reach(table, suspect):
    turned = table.assign(answer=table["answer"].map({"yes": "no", "no": "yes"})).head(30)
    both = pd.concat([table, turned], ignore_index=True)

    best = both.groupby(["number", "colour"])["answer"].agg(lambda answers: answers.value_counts().max()).sum()
    assert ambiguity(suspect(both)) == {"rows": 30, "ceiling": pytest.approx(best / len(both), abs=1e-6)}


def test_ceiling_of_contradicting_numbers_is_that_of_their_means(amounts, suspect):
    sales = amounts.drop(columns="answer").rename(columns={"web": "total"})
    few = sales.head(30)
    both = pd.concat([sales, few, few.assign(total=few["total"] + 30)], ignore_index=True)

    apart = 30 * (2 * 10**2 + 20**2) / ((both["total"] - both["total"].mean()) ** 2).sum()
    assert ambiguity(suspect(both, target="total"))["ceiling"] == pytest.approx(1 - apart, abs=1e-6)
