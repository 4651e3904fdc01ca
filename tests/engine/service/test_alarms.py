import numpy as np
import pytest

from data_science_project.engine.project.errors import SettingsError
from data_science_project.service import alarms
from data_science_project.service.drift import Shift
from data_science_project.service.score import Score
from data_science_project.service.settings import Monitor

COLOUR = Shift("colour", 0.0, 0.5, "blue in all rows", True)
WORSE = Score("accuracy", 0.7, 0.68, 0.72, 0.9, 400, "2026-11-16 to 2026-11-22")


def test_column_that_may_move_is_no_alarm_and_an_unknown_one_is_refused():
    assert [alarms.moved([COLOUR], Monitor(may_move=names)) for names in ((), ("colour",))] == [[COLOUR], []]
    with pytest.raises(SettingsError, match=r"may_move names 'color'(.|\n)*colour"):
        alarms.moved([COLOUR], Monitor(may_move=("color",)))


def test_many_unusual_rows_are_an_alarm_and_a_few_are_none():
    assert alarms.of_unusual(np.arange(1000) < 60, [], Monitor(), alarms.OF_LOG) == []
    (line,) = alarms.of_unusual(np.arange(1000) < 100, [], Monitor(), alarms.OF_LOG)
    assert line.startswith("unusual: 10.0\u00a0% of 1,000 rows are unlike those of training, or break a rule")
    assert line.endswith("is their source sound?")


def test_score_below_that_of_training_is_an_alarm_with_interval_and_number_of_labels():
    expected, measured = alarms.of_scores([WORSE], [WORSE], Monitor(), alarms.OF_LOG)

    assert "accuracy 0.680 to 0.720 expected without labels (400 rows), 0.900 in training. Find out" in expected
    assert "measured on labels (400 rows answered 2026-11-16 to 2026-11-22)" in measured
    assert measured.endswith("Train with what was told: make retrain, which says how much is learned from.")
    chance, turned = (Score("roc_auc", high - 0.05, high - 0.1, high, 0.9, 400, "") for high in (0.55, 0.45))
    said = [alarms.of_scores([], [one], Monitor(), alarms.OF_LOG)[0] for one in (chance, turned)]
    assert [alarms.TURNED in line for line in said] == [False, True]


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        (COLOUR, "may_move."),
        (Shift("age", 0.0, 0.5, "", True, cure="Widen it"), "may_move. Widen it."),
        (Shift("age", 0.0, 0.5, "", True, cure="Say how", unread=True), "(PSI 0.5). Say how."),
        (Shift("age", 0.0, 0.5, "", True, other_unit=True, cure="Widen it"), "learns from both knows neither."),
    ],
    ids=["as it is", "beyond its range", "unread", "in another unit"],
)
def test_line_about_a_column_ends_with_what_to_do(shift, said):
    (line,) = alarms.of_drift([shift], alarms.OF_LOG)

    assert line.endswith(said)


def test_nobody_trains_again_while_a_unit_is_in_doubt_and_rollback_is_advised_where_it_can_be():
    doubt, sure = Shift("age", 0.0, 0.5, "", True, other_unit=True), [COLOUR]
    here = [alarms.advice_about(moved, of_file=False, back=True) for moved in (sure, [*sure, doubt])]
    of_file = alarms.advice_about(sure, of_file=True, back=False)

    assert here[0].train_again.endswith("; or go back: make rollback")
    assert here[1].train_again == here[1].moved == "First see to the unit of 'age'"
    assert "make retrain" not in str(of_file) and "rollback" not in str(of_file)
