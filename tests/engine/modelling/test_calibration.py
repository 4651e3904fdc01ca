import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from data_science_project.engine.modelling import calibration


@pytest.mark.parametrize("sharper", [0.4, 1.0, 3.0])
def test_temperature_undoes_wrong_confidence(sharper):
    random = np.random.default_rng(0)
    honest = random.beta(1, 1, 2000)
    truth = np.where(random.random(2000) < honest, "yes", "no")
    probabilities = calibration.temper(np.column_stack([1 - honest, honest]), 1 / sharper)

    temperature = calibration.find_temperature(truth, probabilities, np.array(["no", "yes"]))

    assert temperature == pytest.approx(sharper, rel=0.15)


@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 20.0])
def test_tempered_probabilities_add_up_keep_their_order_and_are_softened_or_sharpened(temperature):
    before, pair = np.random.default_rng(0).dirichlet([1, 1, 1], 50), np.array([0.2, 0.8])
    before[0] = [1, 0, 0]

    after = calibration.temper(before, temperature)

    assert after.sum(axis=1) == pytest.approx(np.ones(50))
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()
    powers = pair ** (1 / temperature)
    assert calibration.temper(pair[None], temperature)[0] == pytest.approx(powers / powers.sum())


def test_calibrated_model_predicts_what_its_model_does_with_other_probabilities():
    random = np.random.default_rng(0)
    rows = random.normal(size=(100, 2))
    truth = np.where(rows[:, 0] + random.normal(size=100) > 0, "yes", "no")
    given, plain = LogisticRegression(), LogisticRegression().fit(rows, truth)

    calibrated = calibration.Calibrated(given, temperature=3.0).fit(rows, truth)

    assert (calibrated.predict(rows) == plain.predict(rows)).all()
    assert calibrated.predict_proba(rows) == pytest.approx(calibration.temper(plain.predict_proba(rows), 3.0))
    assert calibrated.predict_proba(rows).max() < plain.predict_proba(rows).max()
    assert not hasattr(given, "classes_"), "the model it was given is not fitted"
