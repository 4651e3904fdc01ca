import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.modelling import decision
from data_science_project.engine.modelling.metrics import Predictions
from data_science_project.engine.project.settings import Decision
from data_science_project.engine.report import figures, gains


@pytest.fixture
def rows():
    """Calibrated probabilities of 2,000 rows, and which are positive."""
    random = np.random.default_rng(0)
    chance = random.beta(0.7, 2.0, 2000)
    return random.random(2000) < chance, chance


def test_gains_count_the_positives_among_the_most_urgent_rows():
    yes, urgent = np.array([True, True, False, False]), np.array([0.9, 0.8, 0.1, 0.2])

    assert gains.gains(yes, urgent).tolist() == [0, 1, 2, 2, 2]


def test_interval_of_a_sum_holds_the_sum_of_other_rows_and_is_wider_where_groups_come_together():
    random, inside = np.random.default_rng(0), []
    for _ in range(300):
        values = random.exponential(10, 200)
        _, low, high = gains.summed(values)
        inside.append(low <= 2000 <= high)
    total, low, high = gains.summed(np.repeat(values[:20], 10), pd.Series(np.repeat(np.arange(20), 10)))

    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)
    alone = gains.summed(np.repeat(values[:20], 10))
    assert total == alone[0] and high - low > 2 * (alone[2] - alone[1])


def test_worth_by_level_is_highest_where_the_formula_says(rows):
    options = Decision(gain_true_positive=9, cost_false_positive=3)

    curve = gains.values_by_level(options, *rows, None)

    best = curve.loc[curve["total"].idxmax(), "level"]
    assert best == pytest.approx(decision.formula(options), abs=0.1)
    assert (curve["low"] <= curve["total"]).all() and (curve["high"] >= curve["total"]).all()


def test_cost_by_shift_is_lowest_where_errors_are_made_up_for():
    truth = np.random.default_rng(0).normal(100, 10, 400)

    curve = gains.costs_by_shift(Decision(cost_over=1, cost_under=1), truth, truth - 5, None)

    assert curve.loc[curve["total"].idxmin(), "shift"] == pytest.approx(5, abs=0.3)


def test_numbers_are_off_by_a_share_of_the_truth_where_that_is_above_0():
    found = gains.off_by(np.array([100.0, -50.0, 0.0, 0.0, 50.0]), np.array([90.0, -60.0, 0.0, 1.0, 60.0]))

    assert found.tolist() == [0.1, 0.2]


def test_right_class_among_the_most_probable_and_confusions_are_counted():
    shares = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5], [0.1, 0.2, 0.7]])
    classes = ("a", "b", "c")
    said = Predictions(np.array(classes)[shares.argmax(axis=1)], shares, classes)
    truth = np.array(["a", "b", "b", "a"], dtype=object)

    assert gains.among_first(truth, said).tolist() == [1, 3, 4]
    assert gains.confusions(truth, said).values.tolist() == [["a", "c", 1], ["b", "a", 1], ["b", "c", 1]]
    assert gains.confusions(said.values, said).empty


@pytest.mark.parametrize(
    ("n", "capacity", "expected"),
    [(1409, 100, [50, 100, 200, 400]), (1409, 0, [50, 100, 200, 400]), (24, 5, [2, 5, 6, 12])],
)
def test_table_looks_at_usual_sizes_and_at_the_capacity(n, capacity, expected):
    assert gains.sizes(n, capacity) == expected


def test_pictures_mark_what_is_acted_on(rows):
    found = gains.gains(*rows)
    by_level = gains.values_by_level(Decision(gain_true_positive=9, cost_false_positive=3), *rows, None)

    with figures.style():
        (curve,) = gains.draw_gains(found, 100, "yes", "orders").axes
        plain = gains.draw_worth(found, 100, None, 0.5, "").axes
        lift, worth = gains.draw_worth(found, 100, by_level, 0.25, " (EUR)").axes

    assert [text.get_text() for text in curve.get_legend().get_texts()][-1] == f"100 orders: {found[100]} found"
    assert len(plain) == 1 and lift.lines[0].get_ydata()[-1] == pytest.approx(1)
    assert worth.get_ylabel() == "worth of all rows (EUR)" and worth.lines[-1].get_xdata()[0] == 0.25
