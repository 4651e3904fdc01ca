"""The model is better than no model."""

import pytest

from {{ cookiecutter.package_name }}.engine.runs import registry


def test_model_beats_the_dummy_on_rows_it_was_not_fitted_on(run):
    metrics = registry.read(run)["metrics"]
    name, sign = metrics["chosen_by"], 1 if metrics["higher_is_better"] else -1
    if "dummy" not in metrics["leaderboard"]:
        pytest.skip('no baseline: add "dummy" to candidates of [train] in params.toml')

    ours, dummy = metrics["dev"][name], metrics["leaderboard"]["dummy"][name]

    assert sign * ours > sign * dummy, (
        f"{name}: the best model has {ours:.4g}, always answering the same has {dummy:.4g}. The columns may say nothing"
        " about the target: look at `make explore`, add features in features.py, or collect other data."
    )
