import re

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.report import verdict

from .conftest import result


def half_right(size=200):
    truth = np.array(["no", "yes"] * (size // 2))
    return truth, np.where(np.arange(size) % 10 < 8, np.where(truth == "yes", 0.8, 0.2), 0.5001)


def curve(fitted, held, low, high, groups=0):
    about = {"rows": [100, 200], "groups": groups, "fitted": fitted, "held": held, "low": low, "high": high}
    return pd.DataFrame(about)


def test_answer_says_rows_model_score_interval_baseline_and_whether_chance_may_explain_it():
    sentences = verdict.answer(*[result(*half_right())] * 2, model="linear")

    assert sentences[0].startswith("On 200 rows it never saw, the model (linear) reaches accuracy 0.900")
    assert "0.800 … 0.900" in sentences[0] and "gives 0.500" in sentences[0]
    assert sentences[1] == "By accuracy that is better than the constant answer, and more than chance explains."
    assert "right class for 180 of 200 rows" in sentences[2]
    assert "chance alone may explain the difference" in verdict.comparison(result(*half_right(), (0.4, 0.95)))
    assert verdict.scored("roc_auc", 0.9998) == ">0.999" and verdict.scored("log_loss", 0.9998) == "1.000"


@pytest.mark.parametrize(
    ("before", "low", "high", "groups", "words"),
    [
        (0.8, 0.05, 0.15, 0, "would probably help"),
        (0.8, 0.05, 0.15, [5, 10], "200 rows, whole groups at a time"),
        (0.899, 0.0005, 0.002, 0, "help little"),
        (0.89, -0.01, 0.03, 0, "too few test rows to tell whether more rows would help"),
        (0.899, -0.001, 0.002, 0, "would not change much"),
        (0.95, -0.08, -0.02, 0, "Look at how the rows differ"),
        (0.95, -0.3, 0.002, 0, "too few test rows to tell whether more rows would help"),
    ],
)
def test_worth_of_more_rows_hangs_on_the_last_doubling(before, low, high, groups, words):
    table = curve([0.92, 0.92], [before, 0.9], [np.nan, low], [np.nan, high], groups)

    assert words in verdict.reading_of_curve(table, result(*half_right()))[1]


def test_worse_point_is_of_no_use_only_where_the_whole_interval_is():
    turned = half_right()[0], 1 - half_right()[1]

    some, all_of_it = (verdict.comparison(result(*turned, ends)) for ends in ((0.05, 0.55), (0.05, 0.4)))

    assert "of no use" in all_of_it and "chance alone may explain the difference" in some


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([0.0, 1.0, 0.0, 1.0], "^Log-loss 0.000; giving every row .* carry information"),
        ([0.4] * 4, "every row gets the same probabilities, which tell no row from another.$"),
        ([0.999, 0.9, 0.1, 0.9], "mislead"),
    ],
    ids=["right and sure", "the same in all rows", "worse than the shares of the classes"],
)
def test_probabilities_are_read_by_whether_they_inform(said, words):
    assert re.search(words, verdict.reading_of_probabilities(result(["no", "yes"] * 100, said * 50)))


def test_two_test_rows_of_a_class_do_not_tell_what_more_rows_would_bring_nor_that_it_is_no_luck():
    truth, said = np.repeat(["no", "yes"], [169, 2]), np.r_[np.linspace(0, 1, 169), 0.55, 0.99]
    few = result(truth, said, (0.53, 0.99), "roc_auc")
    table = curve([0.9, 0.9], [0.9, 0.77], [np.nan, 0.01], [np.nan, 0.02])

    assert "too few test rows, of a class or all, to tell" in verdict.reading_of_curve(table, few)[1]
    assert "chance alone may explain" in verdict.comparison(few)
    assert "more than chance explains" in verdict.comparison(
        result(np.tile(truth, 5), np.tile(said, 5), (0.53, 0.99), "roc_auc")
    )


@pytest.mark.parametrize(
    ("fitted", "held", "words"), [(0.54, 0.52, "Over-fitting cannot be told"), (1.0, 0.52, "Over-fitting: ")]
)
def test_over_fitting_and_worth_of_rows_are_not_told_of_a_gain_that_is_not_shown(fitted, held, words):
    table = curve([fitted, fitted], [0.45, held], [np.nan, 0.01], [np.nan, 0.1])

    first, second = verdict.reading_of_curve(table, result(*half_right(), (0.48, 0.56)))

    assert first.startswith(words)
    assert second.endswith("though still not shown to be better than guessing.")


@pytest.mark.parametrize(
    ("fitted", "held", "older", "words"),
    [
        (1.0, 0.8, None, "Over-fitting"),
        (0.91, 0.9, None, "No sign of"),
        (0.5, 0.5, None, "Under-fitting"),
        (1.0, 0.8, 0.82, "Over-fitting: "),
        (1.0, 0.8, 0.87, "Over-fitting, and time: "),
        (1.0, 0.8, 0.97, "Time more than over-fitting"),
    ],
)
def test_gap_between_fitted_and_unseen_rows_is_put_into_words(fitted, held, older, words):
    table = curve([fitted, fitted], [held, held], [np.nan, -0.1], [np.nan, 0.1])

    assert verdict.reading_of_curve(table, result(*half_right()), older)[0].startswith(words)
