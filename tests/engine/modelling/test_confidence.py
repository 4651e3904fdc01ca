import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.modelling import confidence
from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import DataError


def classes(size=3000, seed=0):
    """Held-out answers whose probability is honest: the surer, the seldomer wrong."""
    random = np.random.default_rng(seed)
    sure = random.uniform(0.5, 1, size)
    right = random.random(size) < sure
    return pd.DataFrame({"truth": np.where(right, "a", "b"), "prediction": "a", "probability": sure})


def numbers(size=1000, seed=0):
    """Held-out numbers whose errors grow with them."""
    random = np.random.default_rng(seed)
    predicted = random.uniform(1, 10, size)
    return pd.DataFrame({"truth": predicted + predicted * random.normal(0, 0.1, size), "prediction": predicted})


@pytest.mark.parametrize("rate", [0.2, 0.1, 0.05])
def test_wanted_rate_is_kept_on_other_rows_nine_times_in_ten(rate):
    kept = []
    for seed in range(40):
        least, other = confidence.least_probability(classes(seed=seed), rate), classes(10_000, seed=1000 + seed)
        answered = other[other["probability"] >= least]
        kept.append((answered["truth"] != answered["prediction"]).mean() <= rate if len(answered) else True)

    assert np.mean(kept) >= 0.9


@pytest.mark.parametrize("rate", [0.2, 0.1, 0.05])
def test_band_holds_the_truth_of_other_rows_at_every_size(rate):
    other = numbers(20_000, seed=1)

    low, high = confidence.band(numbers(), rate).of(other["prediction"].to_numpy())

    inside = other["truth"].between(low, high)
    assert inside.mean() == pytest.approx(1 - rate, abs=0.03)
    assert inside.groupby(pd.qcut(other["prediction"], 5)).mean().to_numpy() == pytest.approx(1 - rate, abs=0.12)
    assert (high - low)[other["prediction"] > 9].mean() > 2 * (high - low)[other["prediction"] < 2].mean()


def test_band_goes_below_zero_only_where_a_truth_did(tmp_path):
    amounts = numbers().assign(truth=lambda rows: rows["truth"].clip(lower=0))
    below = amounts.assign(truth=amounts["truth"] - 1)
    kept = confidence.Limits(band=confidence.band(amounts, 0.05))

    confidence.write(tmp_path, kept)
    again = confidence.limits(tmp_path, settings.Predict(), None)

    assert kept.band.of(np.array([-0.5]))[0].item() < -0.5, "a model may say less than any truth"
    ends = [band.of(np.array([0.0]))[0].item() for band in (kept.band, again.band, confidence.band(below, 0.05))]
    assert ends[0] == ends[1] == 0 > ends[2]


def test_more_errors_allowed_answer_more_rows_and_few_rows_promise_nothing():
    found = [confidence.least_probability(classes(), rate) for rate in (0.05, 0.1, 0.2)]

    assert found == sorted(found, reverse=True) and found[1] < 1
    assert confidence.least_probability(classes(20), 0.05) == np.inf
    two = pd.DataFrame({"truth": ["a"] * 42 + ["b"] * 2, "prediction": "a", "probability": 0.9})
    assert confidence.least_probability(two, 0.1) == np.inf, "two errors in 44 do not show 10 %"
    assert confidence.least_probability(classes(), 0.5) == 0, "all together keep it: no row is left open"
    assert confidence.band(numbers(10), 0.05).of(np.array([5.0])) == (-np.inf, np.inf)


def test_quantile_is_the_conformal_one():
    errors = np.arange(1.0, 20.0)  # 19 of them: ceil(20 * 0.9) = 18

    assert [confidence.reach(errors, rate) for rate in (0.1, 0.05, 0.04)] == [18, 19, np.inf]


def test_run_keeps_its_answers_to_the_rows_held_out_and_one_from_before_is_named_where_a_rate_is_wanted(folder):
    held = pd.read_parquet(folder / confidence.HELD_OUT)
    options = [settings.Predict(below, error_rate=0.3) for below in (0.0, 0.99)]
    some, few = (confidence.limits(folder, asked, held).least for asked in options)

    assert list(held)[:3] == ["truth", "prediction", "probability"] and held["probability"].between(0.5, 1).all()
    assert len(held) == 96  # cross-validation: all rows of train and dev
    assert some < 0.99 and few == 0.99, "the stricter limit counts"
    (folder / confidence.HELD_OUT).unlink()
    gone = confidence.held_out(folder)
    assert confidence.limits(folder, settings.Predict(abstain_below=0.7), gone).least == 0.7
    with pytest.raises(DataError, match="Train again, or set"):
        confidence.limits(folder, settings.Predict(error_rate=0.1), gone)


def test_rate_that_cannot_be_shown_leaves_no_row_confident_and_the_least_that_can_is_said(project, folder, caplog):
    held = confidence.held_out(folder)
    least = confidence.least_rate(held)

    (path,) = pipeline.make(settings.load(project.root, ["predict.error_rate=0.001"]), "predict")

    assert not pd.read_csv(path)["confident"].any()
    assert "error_rate 0.001 cannot be shown on the rows held out" in caplog.text
    assert f"The least is {least:.2f}" in caplog.text
    assert np.isfinite(confidence.least_probability(held, least))
    assert not np.isfinite(confidence.least_probability(held, least - 0.01))


def test_numbers_get_low_and_high_and_bands_that_are_left_open_are_said(make_project, made_table, caplog):
    project = make_project(made_table, data={"source": "table.csv", "target": "amount"}, predict={"error_rate": 0.2})
    said = "too few rows were held out in training"

    for wanted, left_open in ((project, False), (settings.load(project.root, ["predict.error_rate=0.001"]), True)):
        table = pd.read_csv(pipeline.make(wanted, "predict")[0])

        assert list(table) == ["order", "prediction", "low", "high", "confident", "run"]
        assert ((table["low"] < table["prediction"]) & (table["prediction"] < table["high"])).all()
        assert np.isinf(table[["low", "high"]].to_numpy()).all() == (said in caplog.text) == left_open
