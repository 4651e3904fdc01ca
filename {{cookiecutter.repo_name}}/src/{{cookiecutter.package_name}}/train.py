"""Fit the candidates, compare them on rows they were not fitted on, keep the best, write one run.

    make train

Reads `data/processed/{train,dev}.parquet`, writes `models/<run>/`. The comparison uses the dev split, or
cross-validation over train and dev where rows are few; the best candidate is then fitted on both, with its
probabilities calibrated by a temperature found on the rows that were held out. The test split is not read.
"""

import logging
import pickle
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from .engine.columns import dictionary
from .engine.modelling import blend, confidence, metrics, recipe, threshold, trials
from .engine.modelling.calibration import Calibrated, find_temperature, temper
from .engine.modelling.estimators import threads
from .engine.modelling.metrics import Metric, Predictions
from .engine.modelling.question import Question, hold_out, refusal
from .engine.modelling.split import folds, groups_of, infer_task
from .engine.project import artefact, records
from .engine.project.errors import DataError, SettingsError, listed
from .engine.project.log import progress, warnings_as_lines
from .engine.project.settings import EXTERNAL, PARTS, Project
from .engine.runs import environment, registry, signatures, training_rows
from .models import classifiers, regressors

log = logging.getLogger(__name__)
BLEND = "blend"
HeldOut = dict[str, Predictions]  # what each candidate says of rows that it has not seen
LEAST_MEAN = 0.01  # of amounts: Poisson's loss learns nothing of much smaller ones
CLASSES_SHARE = 0.2  # a target with more classes than this share of its rows is text or an id


def run(project: Project, *, key: str, message: str = "") -> Path:
    """Train and write a run, `models/<run>`.

    The first 8 digits of `key`, the fingerprint of inputs, parameters and code, end its name; `message`, why it was
    made, is kept as `decision`.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    signatures.signing_key(project)  # one that is missing stops no training at its end
    folder = project.models / registry.new_name(project, key, started)
    with artefact.whole_folder(folder) as new:
        record = {"run": folder.name, "key": key, **environment.keep(project, new)}
        model, learned, question, held = learn(project, new)
        confidence.keep(new, question.held_out, held)
        training_rows.keep(project, new, registry.columns_seen(learned), question.held_places)
        about = {"started": started.isoformat(timespec="seconds"), "seconds": round(time.perf_counter() - clock, 3)}
        write(project, new, model, {**record, **learned, **about, "decision": message})
        try:
            signatures.sign(project, new)
        except DataError as error:  # hours of training are not lost for a passphrase
            log.warning("%s", error)
    found, best = learned["metrics"], learned["model"]["name"]
    metric, board = found["chosen_by"], found["leaderboard"]
    dummy = f" (dummy {board['dummy'][metric]:.4g})" if "dummy" in board else ""
    score, place = found["dev"][metric], project.relative(folder)
    positive = f", positive {learned['classes'][1]!r}" if len(learned["classes"]) == 2 else ""
    first = max(board, key=lambda name: board[name][metric] * (1 if found["higher_is_better"] else -1))
    hedged = "" if first == best else f", but for chance, as good as {first} ({board[first][metric]:.4g}),"
    log.info("%s is%s best of %d: %s %.4g%s%s -> %s", best, hedged, len(board), metric, score, dummy, positive, place)
    return folder


def learn(project: Project, folder: Path) -> tuple[BaseEstimator, dict[str, Any], Question, Predictions]:
    """Compare the candidates and fit the best; what `run.json` says, what was asked, what was said of held-out rows.

    The table of the trials, if there are any, is written into `folder`.
    """
    question, plan = prepare(project)
    estimators = candidates(project, question, plan)
    metric = metrics.choose(project.settings.train.metric, question.classes)
    truth = question.held_out

    def score(estimator: BaseEstimator) -> float:
        return metric.score(truth, decided(truth, hold_out(estimator, question), metric.name))

    with warnings_as_lines(log), threads(len(question.rows)):
        if project.settings.train.trials:
            memory = trials.memory_of(project)
            tuned, table = trials.run(memory, project.settings.train, metric, estimators, score)
            table.to_csv(folder / trials.TABLE, index=False)
            estimators |= tuned
        held, lost = hold_out_all(estimators, question)
    weights = add_blend(estimators, held, question) if project.settings.train.blend else {}
    held = {name: decided(truth, predictions, metric.name) for name, predictions in held.items()}
    board = {name: metrics.score(truth, predictions) for name, predictions in held.items()}
    best = choose_best(board, metric, truth, held)
    if best == "dummy" and len(board) > 1:
        log.warning("no candidate is better than the constant answer: that these columns tell the target is not shown")
    with warnings_as_lines(log), threads(len(question.rows)):
        model, predictions = fit_best(estimators[best], question, held[best], metric.name)
    n_folds = len(question.folds)
    record = {
        "model": {
            "name": best,
            "weights": weights if best == BLEND else {},
            "temperature": getattr(getattr(model, "estimator", model), "temperature", None),
            **threshold.described(model, metric.name, question.classes),
            "file": registry.MODEL,
        },
        "metrics": {
            "chosen_by": metric.name,
            "higher_is_better": metric.higher_is_better,
            "dev": metrics.score(truth, predictions),
            "leaderboard": board,
            "held_out": f"{len(truth)} rows in {n_folds} folds" if n_folds > 1 else f"{len(truth)} rows",
        },
        "task": question.task,
        "target": dictionary.target(dictionary.of(project)),
        "classes": list(question.classes),
        "target_range": [question.truth.min(), question.truth.max()] if question.task == "regression" else None,
        "features": plan.columns,
        "left_out": lost,
    }
    return model, record, question, predictions


def prepare(project: Project) -> tuple[Question, recipe.Recipe]:
    """Read the two splits, decide the task, the folds and the recipe."""
    settings, columns = project.settings, dictionary.of(project)
    parts = [pd.read_parquet(records.checked(project.split(part))) for part in ("train", "dev")]
    rows = pd.concat(parts, ignore_index=True)
    target = dictionary.target(columns)
    truth = rows.pop(target)
    task = infer_task(truth, settings.train.task)
    classes = tuple(np.unique(truth.to_numpy()).tolist()) if task == "classification" else ()
    check_target(truth, classes)
    classes = threshold.positive_last(classes, settings.train.positive)
    values = truth.to_numpy(dtype="float64" if task == "regression" else None)
    values = values.astype(object) if values.dtype.kind in "OUT" else values
    groups = groups_of(rows, settings.split.by)
    plan = recipe.plan(columns, rows, task=task, seed=settings.train.seed)
    plan = plan if groups is None else plan.without([groups.name])
    amounts = task == "regression" and values.min() >= 0 and values.mean() > LEAST_MEAN
    plan = replace(plan, rows_a_tree=len(rows) // (len(classes) if len(classes) > 2 else 1), amounts=amounts)
    if constant := recipe.constant_columns(rows[plan.names]):
        log.warning("left out, they hold one value or none in the rows to learn from: %s", listed(constant, 20))
        plan = plan.without(constant)
    if not plan.names:
        raise DataError(f'{project.dictionary.name}: no column is left to learn from.\nGive one the role "feature".')
    check_splits(project, values, n_train=len(parts[0]), classes=classes)
    divided = folds(values, settings.split.by, groups, n_train=len(parts[0]), seed=settings.train.seed)
    return Question(rows[plan.names], values, task, classes, divided, groups), plan


def check_target(truth: pd.Series, classes: tuple) -> None:
    """Refuse a target that is always the same, or has so many classes that it is none at all."""
    if truth.nunique() < 2:
        found = f"The target {truth.name!r} is {truth.tolist()[0]!r} in all {len(truth)} rows of train and dev"
        raise DataError(f"{found}: there is nothing to learn.\nChoose another [data] target in params.toml.")
    if len(classes) > max(50, CLASSES_SHARE * len(truth)):
        found = f"The target {truth.name!r} has {len(classes)} classes in {len(truth)} rows"
        cure = "Choose another target, or set [train] task in params.toml if it is a number."
        raise DataError(f"{found}: it looks like text or an id.\n{cure}")


def check_splits(project: Project, truth: np.ndarray, *, n_train: int, classes: tuple) -> None:
    """Refuse splits that hold one class only: nothing can be learned from one, nothing measured on the other."""
    for part, values in zip(PARTS, np.split(truth, [n_train]), strict=False):
        if classes and len(different := set(values.tolist())) < 2:
            name, (label,) = project.relative(project.split(part)), different
            found = f"{name} holds one class only, {label!r} ({len(values)} rows)"
            cure = f"Split otherwise than by = {project.settings.split.by!r}, or with other shares, in params.toml."
            raise DataError(f"{found}.\n{cure}")


def candidates(project: Project, question: Question, plan: recipe.Recipe) -> dict[str, BaseEstimator]:
    """The estimators that `[train] candidates` names."""
    settings = project.settings.train
    known = (classifiers if question.task == "classification" else regressors)(plan, settings)
    elsewhere = (regressors if question.task == "classification" else classifiers)(plan, settings)
    unknown = ", ".join(repr(name) for name in settings.candidates if name not in known and name not in elsewhere)
    fitting = [name for name in known if plan.has_text or not getattr(known[name], "for_texts", False)]
    chosen = {name: known[name] for name in settings.candidates if name in fitting}
    if unknown or not chosen:
        found = f"{unknown} is not in models.py" if unknown else f"none is for a {question.task} of these columns"
        allowed = f"Allowed for a {question.task}: {', '.join(fitting)}."
        raise SettingsError(f"params.toml: [train] candidates: {found}.\n{allowed}")
    return chosen


def add_blend(estimators: dict[str, BaseEstimator], held: HeldOut, question: Question) -> dict[str, float]:
    """Add the weighted mean of the candidates as one more candidate, if it is more than one of them."""
    members = {name: predictions for name, predictions in held.items() if name != "dummy"}
    if len(members) < 2:
        return {}
    weights = blend.weigh(question.held_out, members)
    if len(weights) > 1:
        held[BLEND] = blend.mix(weights, members)
        estimators[BLEND] = blend.assemble(weights, estimators, question.task)
    return weights


def hold_out_all(estimators: dict[str, BaseEstimator], question: Question) -> tuple[HeldOut, dict[str, str]]:
    """What each candidate says of rows it has not seen; and, logged too, what the others raised."""
    held, lost, counts = {}, dict[str, str](), np.unique(question.truth, return_counts=True)[1]
    lone = question.task == "classification" and counts.min() == 1  # in dev alone, it is met by the last fit only
    for name, estimator in progress(estimators.items(), "train", lambda item: item[0]):
        try:
            pickle.dumps(estimator)  # what cannot be kept, a lambda for one, is found out before it is fitted
            predictions = hold_out(estimator, question)
            if lone:
                clone(estimator).fit(question.rows, question.truth)
            held[name] = predictions
        except Exception as error:  # what estimators of other packages raise, nobody can list
            lost[name] = refusal(error)
            log.warning("%s is left out: %s", name, lost[name])
            log.debug("%s", name, exc_info=True)
    if lost and held.keys() <= {"dummy"}:
        found = [f"{', '.join(n for n in lost if lost[n] == why)}: {why}" for why in dict.fromkeys(lost.values())]
        cure = "Mend models.py, or the columns of add_features; dummy alone is asked for by [train] candidates."
        raise DataError(f"No candidate{' but dummy' if held else ''} can be compared. {'; '.join(found)}\n{cure}")
    return held, lost


def choose_best(board: dict[str, dict[str, float]], metric: Metric, truth: np.ndarray, held: HeldOut) -> str:
    """The best candidate by the metric; the blend, which hedges, unless it is clearly worse than that one."""
    best = max(board, key=lambda name: metric.better_by(board[name][metric.name], 0))
    if BLEND not in board or best in (BLEND, "dummy"):
        return best
    _, most = metric.gain(truth, held[BLEND], held[best])
    return best if most < 0 else BLEND


def fit_best(
    estimator: BaseEstimator, question: Question, held: Predictions, metric: str
) -> tuple[BaseEstimator, Predictions]:
    """Calibrate and decide on what was held out, fit on all rows; with what the model would have said of the former."""
    if question.task == "regression":
        return clone(estimator).fit(question.rows, question.truth), held
    temperature, level, said = calibrate(question.held_out, held, metric)
    model = threshold.with_threshold(Calibrated(clone(estimator), temperature), level, question.classes)
    return model.fit(question.rows, question.truth), said


def calibrate(truth: np.ndarray, held: Predictions, metric: str) -> tuple[float, float, Predictions]:
    """The temperature and the threshold that held-out rows ask for, and what is said of these rows with both."""
    temperature = find_temperature(truth, held.probabilities, held.classes)
    calibrated = replace(held, probabilities=temper(held.probabilities, temperature))
    level = threshold.best(metric, truth, calibrated)
    return temperature, level, threshold.decide(calibrated, level)


def decided(truth: np.ndarray, held: Predictions, metric: str) -> Predictions:
    """The same probabilities with the answers by the threshold that suits this candidate."""
    if not threshold.is_searched(metric, held.classes):
        return held
    return replace(held, values=calibrate(truth, held, metric)[2].values)


def write(project: Project, folder: Path, model: BaseEstimator, record: dict[str, Any]) -> None:
    """Write the model and `run.json` with the digests of all that is in the run and of all that went into it."""
    (folder / registry.MODEL).write_bytes(pickle.dumps(model, protocol=5))
    digests = {p.relative_to(folder).as_posix(): artefact.sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    inputs = {project.relative(p): artefact.sha256(p) for p in (project.clean, *map(project.split, PARTS))}
    also = {name.removeprefix(f"{EXTERNAL}/"): digests[name] for name in digests if name.startswith(f"{EXTERNAL}/")}
    found = {
        "input_data": {**records.recorded(project.clean).get("inputs", {}), **inputs, **also},
        "output_data": {registry.MODEL: digests[registry.MODEL]},
        "files": digests,
    }
    registry.write(folder, {**record, **found})
