import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from data_science_project import models
from data_science_project.engine.modelling import calibration, estimators, recipe
from data_science_project.engine.project import settings

RECIPE = recipe.Recipe({"number": ["x"]}, "classification", 0)


def said(share, *, sharper):
    """Honest probabilities of 2000 rows, made sharper (over-confident, above 1) or softer, and the truth."""
    random = np.random.default_rng(0)
    honest = random.beta(share, share, 2000)
    truth = np.where(random.random(2000) < honest, "yes", "no")
    return calibration.temper(np.column_stack([1 - honest, honest]), 1 / sharper), truth


@pytest.mark.parametrize("sharper", [0.4, 1.0, 3.0])
def test_temperature_undoes_wrong_confidence(sharper):
    probabilities, truth = said(1.0, sharper=sharper)

    temperature = calibration.find_temperature(truth, probabilities, np.array(["no", "yes"]))

    assert temperature == pytest.approx(sharper, rel=0.15)


def test_high_temperature_softens_and_low_sharpens():
    before = np.array([[0.2, 0.8]])

    assert calibration.temper(before, 1.0) == pytest.approx(before)
    assert calibration.temper(before, 2.0)[0, 1] == pytest.approx(np.sqrt(0.8) / (np.sqrt(0.8) + np.sqrt(0.2)))
    assert calibration.temper(before, 0.5)[0, 1] > 0.8


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 20.0])
def test_tempered_probabilities_add_up_and_keep_their_order(temperature):
    before = np.random.default_rng(0).dirichlet([1, 1, 1], 50)
    before[0] = [1, 0, 0]

    after = calibration.temper(before, temperature)

    assert after.sum(axis=1) == pytest.approx(np.ones(50))
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()


def test_calibrated_model_predicts_what_its_model_does_with_other_probabilities():
    random = np.random.default_rng(0)
    rows = random.normal(size=(100, 2))
    truth = np.where(rows[:, 0] + random.normal(size=100) > 0, "yes", "no")
    plain = LogisticRegression().fit(rows, truth)

    calibrated = calibration.Calibrated(LogisticRegression(), temperature=3.0).fit(rows, truth)

    assert (calibrated.predict(rows) == plain.predict(rows)).all()
    assert calibrated.predict_proba(rows) == pytest.approx(calibration.temper(plain.predict_proba(rows), 3.0))
    assert calibrated.predict_proba(rows).max() < plain.predict_proba(rows).max()


def test_calibrated_model_does_not_fit_the_model_it_was_given():
    given = DummyClassifier()

    calibration.Calibrated(given).fit([[0], [1]], ["a", "b"])

    assert not hasattr(given, "classes_")


def test_number_is_never_outside_of_what_was_seen():
    model = estimators.Clipped(LinearRegression()).fit([[0.0], [1.0]], [10.0, 20.0])

    assert model.predict([[-9.0], [0.5], [9.0]]) == pytest.approx([10, 15, 20])


def test_candidates_that_params_names_by_default_exist():
    classes, numbers = (set(known(RECIPE, settings.Train())) for known in (models.classifiers, models.regressors))

    assert set(settings.Train().candidates) <= classes | numbers
    assert {"dummy", "linear", "boosting", "network"} <= classes & numbers


def test_balance_and_seed_reach_the_estimators():
    found = models.classifiers(RECIPE, settings.Train(balance=True, seed=7))
    both = (found, models.regressors(RECIPE, settings.Train(seed=7)))
    drawn = [known[name][-1].get_params() for known in both for name in ("boosting", "forest", "network")]

    assert {value for one in drawn for key, value in one.items() if key.endswith("random_state")} == {7}
    assert {found[name][-1].class_weight for name in found if name != "dummy"} == {"balanced"}
    assert models.classifiers(RECIPE, settings.Train())["linear"][-1].class_weight is None


def test_model_of_texts_knows_a_word_that_is_spelt_otherwise():
    rows = pd.DataFrame({"note": ["free prize", "see you"] * 20})
    truth = np.array(["spam", "ham"] * 20, dtype=object)
    known = models.classifiers(recipe.Recipe({"text": ["note"]}, "classification", 0), settings.Train())

    new = pd.DataFrame({"note": ["freee prizes"]})

    linear, text = (known[name].fit(rows, truth).predict_proba(new) for name in ("linear", "text"))

    assert linear[0, 1] == pytest.approx(0.5)
    assert text[0, 1] > 0.8
