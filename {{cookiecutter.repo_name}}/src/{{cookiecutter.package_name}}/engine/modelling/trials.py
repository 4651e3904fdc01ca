"""Search the hyper-parameters of candidates at random, seeded; what was tried already is not tried again.

Used by `train` when `[train] trials` is above 0. Each trial is a file of its own in `.cache/trials/<fingerprint>/`,
whole or absent, so a search that was killed goes on where it was; the fingerprint holds the rows, the parameters (but
for `trials` itself) and the code.

Source: Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", JMLR 2012.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import ParameterSampler

from ..project import artefact, package, records
from ..project.log import progress
from ..project.settings import PARTS, Project, Train
from .metrics import Metric
from .question import refusal

log = logging.getLogger(__name__)
SPACES: dict[str, dict[str, Any]] = {
    "boosting_stopped": {
        "learning_rate": loguniform(0.01, 0.3),
        "max_leaf_nodes": [4, 6, 8, 12, 16, 24, 32, 48, 64],
        "min_samples_leaf": [2, 5, 10, 20, 40, 80],
        "l2_regularization": loguniform(1e-3, 1e2),
        "max_features": uniform(0.3, 0.7),
    },
    "linear": {"C": loguniform(1e-3, 1e2)},  # of classes; RidgeCV, for numbers without texts, searches its own
}
TABLE = "trials.csv"
Score = Callable[[BaseEstimator], float]  # of rows not fitted on


def memory_of(project: Project) -> Path:
    """The folder of the trials of these rows, parameters and code."""
    facts = {
        "rows": [artefact.sha256(project.split(part)) for part in PARTS if part != "test"],
        "train": {name: value for name, value in asdict(project.settings.train).items() if name != "trials"},
        "split": project.settings.split.by,
        "dictionary": artefact.sha256(project.dictionary),
        "code": {project.relative(path): artefact.sha256(path) for path in package.code(project.package)},
    }
    return project.root / ".cache" / "trials" / artefact.fingerprint(facts)[:16]


def run(
    memory: Path, options: Train, metric: Metric, estimators: dict[str, BaseEstimator], score: Score
) -> tuple[dict[str, BaseEstimator], pd.DataFrame]:
    """Try parameters of each candidate, not fitted, that has some to search; what is in `memory` is not tried again.

    The best of each, not fitted, by `<candidate>_tuned`; and a table of the trials in order: `candidate`, `trial` (from
    1; 0 is the candidate as it is), `score`, `best` (so far), and a column a parameter. What fails is in neither.
    """
    tuned, tables, sign = {}, [], 1 if metric.higher_is_better else -1
    for name in [name for name in SPACES if name in estimators and searchable(estimators[name], SPACES[name])]:
        tries = [{}, *ParameterSampler(SPACES[name], options.trials, random_state=options.seed)]
        lines = []
        try:
            for trial, parameters in enumerate(progress(tries, f"trials of {name}")):
                value = remembered(memory / f"{name}-{trial}.json", parameters, estimators[name], score)
                lines.append({"candidate": name, "trial": trial, "score": value, **parameters})
        except Exception as error:  # what estimators of other packages raise, nobody can list
            log.warning("%s is not tuned: %s", name, refusal(error))
            log.debug("%s", name, exc_info=True)
            continue
        table = pd.DataFrame(lines)
        gains = sign * table["score"]
        table.insert(3, "best", gains.cummax() * sign)
        best = int(gains.iloc[1:].idxmax())
        tuned[f"{name}_tuned"] = with_parameters(estimators[name], tries[best])
        scores = lines[best]["score"], lines[0]["score"]
        log.info("%s: best of %d trials %.4g, as it is %.4g", name, options.trials, *scores)
        tables.append(table)
    return tuned, pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def remembered(path: Path, parameters: dict[str, Any], estimator: BaseEstimator, score: Score) -> float:
    """The score of a trial: from its file if it was finished before, else measured and written."""
    if path.is_file():
        try:
            kept = records.read_sealed(path)
        except ValueError:
            log.warning("%s was cut or edited: the trial is made again", path.name)
        else:
            if kept["parameters"] == parameters:
                return kept["score"]
    value = float(score(with_parameters(estimator, parameters)))
    artefact.write_json(path, records.sealed({"parameters": parameters, "score": value}))
    return value


def pipeline_of(estimator: BaseEstimator) -> Any:
    """The estimator behind its preprocessing, without the logarithm of the target if there is one."""
    return getattr(estimator, "regressor", estimator)


def searchable(estimator: BaseEstimator, space: dict[str, Any]) -> bool:
    """Whether the estimator has the parameters of a space; `models.py` belongs to the user."""
    pipeline = pipeline_of(estimator)
    return hasattr(pipeline, "steps") and set(space) <= set(pipeline[-1].get_params())


def with_parameters(estimator: BaseEstimator, parameters: dict[str, Any]) -> BaseEstimator:
    """A copy of the estimator, not fitted, with other parameters."""
    copy = clone(estimator)
    pipeline_of(copy)[-1].set_params(**parameters)
    return copy
