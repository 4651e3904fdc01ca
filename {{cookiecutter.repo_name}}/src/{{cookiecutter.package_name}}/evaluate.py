"""Score a run on the test split, once, and write a report for somebody who was not there and has to decide.

    make evaluate [RUN=run]

Reads `models/<run>/`, `data/processed/{train,dev,test}.parquet` and the source card; writes into `reports/<run>/`
`evaluation.html`, `test_answers.parquet` and `label_errors.csv`, `reports/figures/<run>-<what>.png`, and into
`run.json` the scores with their interval and how often the test split was used. No other verb scores a model on
the test split; `features` and `explore` look at it for what is suspicious, and choose nothing by it.
"""

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from .engine.columns import dictionary
from .engine.modelling import metrics
from .engine.modelling.decision import check_decision
from .engine.modelling.question import Question, predict
from .engine.modelling.recipe import Recipe
from .engine.modelling.split import groups_of
from .engine.project import artefact, lock, records, spreadsheet
from .engine.project.errors import DataError, listed
from .engine.project.log import progress
from .engine.project.settings import Project
from .engine.report import annotators, figures, label_errors, verdict
from .engine.report.about_behaviour import errors, leaning, linear, parts
from .engine.report.about_data import data, question
from .engine.report.about_decision import outcome
from .engine.report.about_scores import board, calibration, growth, mistakes, scores, top
from .engine.report.choices import abstention, decision, search
from .engine.report.diagnostics import Result
from .engine.report.evidence import Evidence, table
from .engine.report.fairness import fairness
from .engine.report.page import render
from .engine.runs import answers, loading, registry, training_rows
from .models import classifiers, regressors

log = logging.getLogger(__name__)
DOUBTS_SHOWN, DOUBTS_COLUMNS = 10, 9  # rows and columns of the list of label errors on the page
OPENING = (outcome, top, question, data, board, scores, mistakes, calibration, growth)
BEHAVIOUR = (leaning, linear, errors, parts, fairness)
CHOICES = (search, decision, abstention)
ONE_THREAD_BELOW = 100_000  # rows: threads would wait longer than they work (7 CPU s with one, 15 to 29 with two)


def run(project: Project, *, folder: Path, output: Path) -> dict[str, list[str]]:
    """Write the report on the run in `folder` to `output`, HTML, whole or not at all; its `decisions` and `warnings`.

    A `DataError` if a file of the run or a split was changed, or the test split lacks a column that the run needs.
    """
    clock = time.perf_counter()
    model = loading.load(folder)
    check_decision(project.settings.decision, tuple(model.record["classes"]))
    question = learned_from(project, model)
    with figures.style(), threadpool_limits(1 if len(question.truth) < ONE_THREAD_BELOW else None):
        test, result, set_aside = score_test(project, model, question.truth)
        if stale := training_rows.may_have_seen(project, model.record, test):
            log.warning("run %s was trained on other splits: it may have seen rows of this test split", model.name)
        record = put_on_record(project, folder, result, {"may_have_been_seen": stale, "set_aside": set_aside})
        evidence = Evidence(project, model, record, test, result, question, candidates(project, model))
        page: dict[str, Any] = {"people": people(evidence)}
        page["doubts"] = keep_label_errors(output.with_name(registry.LABEL_ERRORS), evidence)
        for section in progress((*OPENING, *BEHAVIOUR, *CHOICES), "evaluate", lambda part: part.__name__):
            name = section.__name__
            page[name] = section(evidence)
            page[name]["figures"] = keep_figures(project, model.name, page[name].get("figures", {}))
    keep_answers(output.with_name(registry.ANSWERS), test, record["target"], result)
    target = dictionary.target(model.columns)
    page["here"] = [name for name in ("model_card.html", "../exploration.html") if (output.parent / name).is_file()]
    artefact.write_text(output, render("evaluate.html", record=record, target=target, **page))
    name, (low, high) = result.metric.name, result.interval
    shown = [verdict.scored(name, value) for value in (result.score, low, high, result.baseline)]
    about = (len(result.truth), name, *shown, time.perf_counter() - clock, project.relative(output))
    log.info("%d rows, %s %s (%s ... %s), constant answer %s, %.1f s -> %s", *about)
    return {"decisions": page["outcome"]["answer"], "warnings": page["top"]["warnings"]}


def score_test(project: Project, model: loading.Run, seen: np.ndarray) -> tuple[pd.DataFrame, Result, dict[str, int]]:
    """The test split without its target, what was measured on it, and how many rows of unknown classes it had.

    Those, which the run was never shown, are set aside. The constant answer is that of the truth `seen` in train and
    dev, shape (n_seen,).
    """
    test, truth, unknown = read(project, model, "test")
    classes = tuple(model.record["classes"])
    set_aside = {str(label): int((unknown == label).sum()) for label in sorted(set(unknown))}
    if not len(truth):
        raise DataError(f"{project.relative(project.split('test'))}: the model knows no class of it. Train again.")
    with loading.explained(model.name, model.versions, "does not answer"):
        predictions = predict(model.model, test, classes)
    metric = metrics.available(classes)[model.record["metrics"]["chosen_by"]]
    groups = groups_of(test, model.record["parameters"]["split"]["by"])
    interval = metric.interval(truth, predictions, groups=groups)
    baseline = metrics.constant(seen, classes, len(truth), metric.name)
    return test, Result(truth, predictions, baseline, metric, interval, groups), set_aside


def read(project: Project, model: loading.Run, part: str) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Rows of a split and their truth as the model was taught it; and the truth of others, of classes it does not know.

    In splits that were made since the run, the features are made anew by the run: `features.py` may have been edited.
    """
    path, target, columns = project.split(part), model.record["target"], model.columns
    rows = pd.read_parquet(records.checked(path))
    as_taught = model.record["input_data"].get(project.relative(path)) == records.recorded(path)["sha256"]
    needed = [target, *(name for name in registry.columns_seen(model.record) if as_taught or name in columns)]
    if missing := [name for name in needed if name not in rows.columns]:
        found = f"{project.relative(path)} lacks {listed(missing)}, which run {model.name} was trained with."
        raise DataError(f"{found}\nEvaluate a run of the present data, or go back to the settings of that run.")
    if not as_taught:
        known = answers.of_split(project, model, rows, path.name)
        truths = [target, *dictionary.label_columns(columns)]  # a run from before `withheld` would see them
        made = model.add_features(known.drop(columns=truths, errors="ignore")).set_axis(known.index)
        if part == "test" and not made.equals(model.add_features(known).set_axis(known.index)[[*made]]):
            log.warning("run %s computes features otherwise where it sees the target: measured without it", model.name)
        rows = made.join(known[known.columns.difference(made.columns, sort=False)])
    classes = tuple(model.record["classes"])
    truth = rows.pop(target).to_numpy(dtype=None if classes else "float64")
    truth = truth.astype(object) if truth.dtype.kind in "OUT" else truth
    known = np.isin(truth, classes or truth)
    return rows[known].reset_index(drop=True), truth[known], truth[~known]


def learned_from(project: Project, model: loading.Run) -> Question:
    """Train and dev: what the run learned from."""
    parts = [read(project, model, part) for part in ("train", "dev")]
    rows, truth = pd.concat([part[0] for part in parts], ignore_index=True), np.concatenate([part[1] for part in parts])
    groups = groups_of(rows, model.record["parameters"]["split"]["by"])
    return Question(rows, truth, model.record["task"], tuple(model.record["classes"]), [], groups)


def candidates(project: Project, model: loading.Run) -> dict[str, BaseEstimator]:
    """The candidates of `models.py`, not fitted, for the columns of a run."""
    record, columns = model.record, model.columns
    in_logs, separators = columns[record["target"]].transformation == "log", dictionary.separators(columns)
    recipe = Recipe(record["features"], record["task"], record["parameters"]["train"]["seed"], in_logs, separators)
    return (classifiers if record["classes"] else regressors)(recipe, project.settings.train)


def put_on_record(project: Project, folder: Path, result: Result, about: dict[str, Any]) -> dict[str, Any]:
    """Write the scores, and what is known about the test rows, into `run.json` before anything is drawn."""
    with lock.held(project.root, "evaluate", registry.RECORD):  # `push` may sign it now
        record = registry.read(folder)
        asked = records.recorded(project.split("test"))
        split = registry.split_of(asked | {"input_data": asked["inputs"]})
        scores = {**metrics.score(result.truth, result.predictions), "constant": result.baseline}
        found = {name: value if np.isfinite(value) else None for name, value in scores.items()}  # JSON has no NaN
        scored = registry.scored(project) | {folder.name: split}
        record["metrics"]["test"] = {
            **found,
            **about,
            "interval": list(result.interval) if np.isfinite(result.interval).all() else None,
            "interval_level": 0.95,
            "rows": len(result.truth),
            "data": asked["sha256"],
            "split": split,
            "runs_on_this_split": [*scored.values()].count(split),
        }
        record["test_uses"] = record.get("test_uses", 0) + 1
        registry.write(folder, record)
    return record


def keep_answers(path: Path, test: pd.DataFrame, target: str, result: Result) -> None:
    """Keep the test rows with their truth and what the run said, so that runs can be compared row by row."""
    known = result.predictions
    chances = {f"probability_{label}": known.probabilities[:, index] for index, label in enumerate(known.classes)}
    truth, answer = (pd.Series(values).infer_objects() for values in (result.truth, known.values))
    with artefact.whole(path) as temporary:
        kept = test.copy()  # of one piece
        for name, values in {target: truth, "prediction": answer, **chances}.items():
            kept[name] = values
        kept.to_parquet(temporary, index=False)


def keep_label_errors(path: Path, evidence: Evidence) -> dict[str, Any]:
    """Write the rows of train and dev whose label is probably wrong as CSV, and show the surest on the page.

    The file is no output that `pipeline.py` watches: a person writes into it, and that must not be made again.
    """
    found, about = label_errors.find(evidence)
    if label_errors.worked_on(path):
        log.warning("%s stays as it is: somebody has written verdicts into it", evidence.project.relative(path))
    else:
        with artefact.whole(path) as temporary:
            if changed := spreadsheet.write(temporary, found):
                log.warning("%s: %s", evidence.project.relative(path), spreadsheet.SAID.format(changed))
        if len(found) and not about["weak"]:
            counts = about["candidate"], about["n"], about["rows"], evidence.project.relative(path)
            log.info("%s contradicts the label of %d of %d rows that it has not seen, the surest -> %s", *counts)
    strongest = [name for name in evidence.importances["column"] if name in found]
    others = found.columns.drop("verdict")
    telling = [name for name in others if name not in registry.columns_seen(evidence.record)]
    surest = found[list(dict.fromkeys([*telling, *strongest, *others]))].iloc[:DOUBTS_SHOWN, :DOUBTS_COLUMNS]
    formats = {name: verdict.percent for name in surest if name.startswith("probability_of")}
    return {**about, "path": evidence.project.relative(path), "table": table(surest, **formats)}


def people(evidence: Evidence) -> dict[str, Any]:
    """Agreement of those who labelled the same rows, and their score beside the model's; empty without them."""
    labels, result = dictionary.label_columns(evidence.run.columns), evidence.result
    opinions = {who: evidence.test[name] for name, who in labels.items() if name in evidence.test}
    if not opinions:
        return {}
    amount = not result.classes
    truth, answers = (pd.Series(values).infer_objects() for values in (result.truth, result.predictions.values))
    agree = annotators.agreement({annotators.TARGET: truth, **opinions}, amount=amount)
    beside = annotators.beside_model(opinions, truth, answers, amount=amount)
    for line in beside[beside["against"] == annotators.TARGET].itertuples(index=False):
        log.info("%s against %s on %d test rows: %.4g, the model %.4g (%s)", *line[:5], beside.columns[3].split(",")[0])
    measures = {*agree, *beside} - {*annotators.PAIR, *annotators.BESIDE}
    formats = {name: verdict.percent if name.startswith("agree") else verdict.number for name in measures}
    kappa = "" if amount or agree.empty else f"{agree['kappa'].mean():.2f}"
    tables = {"agreement": table(agree, **formats), "beside": table(beside, **formats)}
    return {**tables, "kappa": kappa, "who": listed(list(opinions), 12)}


def keep_figures(project: Project, run: str, drawn: dict[str, Figure]) -> dict[str, str]:
    """Write figures to `reports/figures/<run>-<what>.png`; their addresses for the page, and those for a phone."""
    addresses = {}
    for what, figure in drawn.items():
        image = figures.png(figure)
        with artefact.whole(project.root / "reports" / "figures" / f"{run}-{what}.png") as path:
            path.write_bytes(image)
        addresses[what] = figures.address(image)
        if narrow := figures.stacked(figure):
            addresses[f"{what}_stacked"] = figures.address(figures.png(narrow))
    return addresses
