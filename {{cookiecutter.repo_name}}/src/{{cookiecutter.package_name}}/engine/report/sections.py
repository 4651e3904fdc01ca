"""What each section of the evaluation report shows: the values that `templates/evaluate.html` puts into words.

Used by `make evaluate`. Each function takes the evidence and returns a dict for the template; its figures, if any, are
in `figures`.
"""

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from pyarrow.parquet import read_metadata
from sklearn.pipeline import Pipeline

from ...models import classifiers, regressors
from ..columns import dictionary
from ..modelling import metrics, threshold
from ..modelling.question import Question, predict
from ..modelling.recipe import ANALYSERS, Recipe
from ..modelling.split import groups_of
from ..project import records
from ..project.settings import Project
from ..runs.loading import Run
from ..sources.source import CARD
from . import coefficients, diagnostics, figures, learning, verdict
from .diagnostics import Result
from .slices import slices
from .verdict import number, percent, scored

CLASSES_DRAWN = 15  # a larger confusion matrix cannot be read
COLUMNS_OF_A_ROW = 6
CURVES = 4
CELL = 120  # characters of a text that a table shows


@dataclass(frozen=True)
class Evidence:
    """All that the sections draw on.

    Attributes
    ----------
    project : Project
    run : Run
    record : dict
        `run.json`, with the scores on the test split.
    test : DataFrame, shape (n_rows, n_columns)
        The rows that were scored, without the target.
    result : Result
    question : Question
        Train and dev.
    """

    project: Project
    run: Run
    record: dict[str, Any]
    test: pd.DataFrame
    result: Result
    question: Question

    def answer(self, rows: pd.DataFrame) -> metrics.Predictions:
        """What the run says of rows, shape (n_rows, n_columns)."""
        return predict(self.run.model, rows, self.result.said.classes)

    @cached_property
    def importances(self) -> pd.DataFrame:
        """`column`, `loss` and `spread` of the columns that were examined, the strongest first."""
        rows = self.test[features(self.record)]
        columns = diagnostics.strongest_related(rows, self.result.said)
        found = diagnostics.importances(self.answer, rows, self.result.truth, self.result.yardstick, columns=columns)
        return pd.DataFrame(list(found)).sort_values("loss", ascending=False, kind="stable", ignore_index=True)


def features(record: dict[str, Any]) -> list[str]:
    """The columns that the model of a run sees."""
    return [name for names in record["features"].values() for name in names]


def table(frame: pd.DataFrame, **formats: Callable) -> dict[str, Any]:
    """A frame for the template: `head` (name, is it a number?) and `rows` of texts."""
    numeric = {name: pd.api.types.is_numeric_dtype(frame[name].dtype) for name in frame.columns}
    head = [(name.replace("_", " ") if name in formats else name, numeric[name]) for name in frame.columns]
    rows = [[formats.get(name, cell)(line[name]) for name in frame.columns] for line in frame.to_dict("records")]
    return {"head": head, "rows": rows}


def cell(value: Any) -> str:
    """A value of the data as a table shows it."""
    if pd.isna(value):
        return "missing"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}".removesuffix(" 00:00")
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:.6g}"
    return figures.short(value, CELL)


def top(evidence: Evidence) -> dict[str, Any]:
    """The answer and the warnings."""
    record, result = evidence.record, evidence.result
    dev = record["metrics"]["dev"][result.yardstick.name]
    looks = record["metrics"]["test"]["runs_on_this_split"]
    caveats = verdict.warnings(result, importances=evidence.importances, dev=dev, looks=looks)
    names = {"model": record["model"]["name"], "target": record["target"]}
    return {
        "answer": verdict.answer(result, **names, costs=threshold.costs_of(record)),
        "warnings": [*caveats, *suspected(evidence.project)],
    }


def suspected(project: Project) -> list[str]:
    """What `features` found suspicious in these rows, with its cure."""
    if not project.suspicions.is_file():
        return []
    found = json.loads(project.suspicions.read_text(encoding="utf-8"))["suspicions"]
    return [f"Found in the data: {one['sentence']}. {one['cure']}" for one in found]


def question(evidence: Evidence) -> dict[str, Any]:
    """What was asked."""
    classes, truth = [str(label) for label in evidence.result.said.classes], evidence.question.truth
    return {
        "description": evidence.run.columns[evidence.record["target"]].description,
        "classes": verdict.listed(classes, 20),
        "n_classes": len(classes),
        "positive": classes[1] if len(classes) == 2 else "",
        "low": "" if classes else number(float(truth.min())),
        "high": "" if classes else number(float(truth.max())),
        "meaning": evidence.result.yardstick.metric.meaning,
        "higher": evidence.result.yardstick.metric.higher_is_better,
    }


def data(evidence: Evidence) -> dict[str, Any]:
    """Where the rows came from, how they were divided, and what they look like."""
    project, columns, kinds = evidence.project, evidence.run.columns, evidence.record["features"]
    made = records.recorded(project.clean)
    made_from = made.get("inputs", {})
    card = next((project.root / path for path in made_from), project.root).parent / CARD
    sizes = {part: read_metadata(project.split(part)).num_rows for part in ("train", "dev")}
    seen, test = evidence.question.rows, evidence.test
    shares = pd.DataFrame({"train and dev": seen.isna().mean(), "test": test.isna().mean()})
    shares = shares.loc[features(evidence.record)][lambda table: table.max(axis=1) > 0]
    shares = shares.sort_values("train and dev", ascending=False).head(10).rename_axis("column").reset_index()
    return {
        "card": json.loads(card.read_text(encoding="utf-8")) if card.is_file() else {},
        "files": list(made_from),
        "decisions": made.get("decisions", []),
        "sizes": sizes,
        "n_seen": len(seen),
        "n_test": len(test),
        "recipe": {kind: (len(names), verdict.listed(names, 12)) for kind, names in kinds.items()},
        "ids": verdict.listed(dictionary.by_role(columns, "id"), 12),
        "ignored": verdict.listed(dictionary.by_role(columns, "ignored"), 12),
        "target": distribution(evidence),
        "missing": table(shares, **{"train and dev": percent, "test": percent}),
    }


def distribution(evidence: Evidence) -> dict[str, Any]:
    """The classes by share, or the quartiles of the target, in what was learned from and in the test split."""
    parts = {"train and dev": evidence.question.truth, "test": evidence.result.truth}
    if evidence.result.said.classes:
        counts = {name: pd.Series(part).astype(str).value_counts() for name, part in parts.items()}
        frame = pd.DataFrame(counts).fillna(0).sort_values("train and dev", ascending=False).head(20)
        for name, part in parts.items():
            frame[name] = [f"{count:,.0f} ({percent(count / len(part))})" for count in frame[name]]
        return table(frame.rename_axis("class").reset_index())
    points = {"smallest": 0, "a quarter is below": 0.25, "median": 0.5, "three quarters are below": 0.75, "largest": 1}
    columns = {name: np.quantile(part, list(points.values())) for name, part in parts.items()}
    frame = pd.DataFrame({evidence.record["target"]: list(points), **columns})
    return table(frame, **dict.fromkeys(parts, number))


def board(evidence: Evidence) -> dict[str, Any]:
    """All candidates with all metrics, on the rows that they were compared on."""
    record = evidence.record
    known = metrics.available(record["task"], len(evidence.result.said.classes))
    scores = pd.DataFrame(record["metrics"]["leaderboard"]).T
    best = {name: scores[name].max() if known[name].higher_is_better else scores[name].min() for name in scores}
    name = record["metrics"]["chosen_by"]
    scores = scores.sort_values(name, ascending=not record["metrics"]["higher_is_better"])
    lines = [
        (model, [(scored(metric, value), value == best[metric]) for metric, value in line.items()])
        for model, line in scores.iterrows()
    ]
    return {"metrics": list(scores.columns), "lines": lines}


def scores(evidence: Evidence) -> dict[str, Any]:
    """All metrics on the test split beside the constant answer and the score at the time of choice."""
    result, lines = evidence.result, []
    for name, metric in metrics.available(evidence.record["task"], len(result.said.classes)).items():
        yardstick = diagnostics.Yardstick(name, metric)
        values = (
            yardstick.score(result.truth, result.said),
            yardstick.score(result.truth, result.constant),
            evidence.record["metrics"]["dev"][name],
        )
        lines.append((name, [scored(name, value) for value in values], metric.meaning, metric.higher_is_better))
    return {"lines": lines}


def mistakes(evidence: Evidence) -> dict[str, Any]:
    """Confusion and ranking for classes, predictions against the truth for numbers."""
    result = evidence.result
    if not result.said.classes:
        return {"figures": {"fit": figures.fit(result.truth, result.said.values, evidence.record["target"])}}
    counts = diagnostics.confusion(result.truth, result.said)
    shares = diagnostics.by_class(counts)
    drawn = {"confusion": figures.confusion(counts)} if len(counts) <= CLASSES_DRAWN else {}
    if len(counts) == 2 and len(set(result.truth)) == 2:
        drawn["ranking"] = figures.ranking(result.truth, result.said)
    worst = shares.sort_values("found").head(20) if len(shares) > 20 else shares
    return {"figures": drawn, "classes": table(worst, rows=number, found=share, right=share, taken_for=str)}


def share(value: float) -> str:
    """A share that may be undefined."""
    return "-" if value != value else percent(value)


def honesty(evidence: Evidence) -> dict[str, Any]:
    """Whether the probabilities can be believed; empty for a regression."""
    result = evidence.result
    if not result.said.classes:
        return {}
    bins, classes = diagnostics.reliability(result.truth, result.said), result.said.classes
    of = f"'{classes[1]}'" if len(classes) == 2 else "the predicted class"
    figure = figures.calibration(bins, diagnostics.said_probability(result.said), of)
    off = float(np.average((bins["said"] - bins["came_true"]).abs(), weights=bins["rows"]))
    return {"figures": {"calibration": figure}, "reading": verdict.reading_of_probabilities(result), "off": off}


def growth(evidence: Evidence) -> dict[str, Any]:
    """The learning curve and what it says."""
    name = evidence.result.yardstick.name
    points = pd.DataFrame(list(learning.curve(evidence.run.model, evidence.question, evidence.test, evidence.result)))
    drawn = {} if points.empty else {"learning": figures.learning(points, name, evidence.result.baseline)}
    return {"figures": drawn, "reading": verdict.reading_of_curve(points, evidence.result)}


def leaning(evidence: Evidence) -> dict[str, Any]:
    """On which columns the answer leans, and how it moves with the strongest."""
    found, name = evidence.importances, evidence.result.yardstick.name
    drawn = {"importance": figures.importance(found, name)}
    kinds = evidence.record["features"]
    apart = {n for kind in (*ANALYSERS, "date parts") for n in kinds.get(kind, ())}
    plain = [n for n in found["column"] if n not in apart]
    rows = evidence.test[features(evidence.record)]
    chosen = [n for n in plain if rows[n].nunique() > 1][:CURVES]
    if chosen:
        curves = {n: diagnostics.dependence(evidence.answer, rows, n) for n in chosen}
        classes = evidence.result.said.classes
        answer = "probability" if classes else f"predicted {evidence.record['target']}"
        of = f"P({classes[1]})" if len(classes) == 2 else answer
        drawn["dependence"] = figures.dependence(curves, of)
    clear = found[found["loss"] > 2 * found["spread"]]["column"].tolist()
    n_all = len(features(evidence.record))
    return {"figures": drawn, "names": verdict.listed(clear), "n_examined": len(found), "n_all": n_all}


def linear(evidence: Evidence) -> dict[str, Any]:
    """The strongest coefficients of the linear candidate; empty if there is none."""
    pipeline, chosen = fitted_linear(evidence), evidence.record["model"]["name"] == "linear"
    if pipeline is None:
        return {}
    booleans = [name for name, column in evidence.run.columns.items() if column.type == "boolean"]
    classes = evidence.result.said.classes
    positive = classes[1] if len(classes) == 2 else None
    rows = evidence.question.rows
    found = coefficients.strongest(pipeline, rows, labels=sorted(classes), positive=positive, booleans=booleans)
    if classes:
        odds = [f"×\u00a0{value:.3g}" for value in found["effect"]]
        found = found.drop(columns="effect").rename(columns={"towards": "odds of"}).assign(factor=odds)
        found = found.drop(columns="odds of") if len(classes) == 2 else found
    else:
        added = [f"{'+' if value > 0 else '-'}{number(abs(value))}" for value in found["effect"]]
        found = found.drop(columns="effect").assign(added=added)
    return {"table": table(found), "chosen": chosen, "positive": "" if positive is None else str(positive)}


def fitted_linear(evidence: Evidence) -> Pipeline | None:
    """The linear candidate: the model of the run, a part of its blend, or fitted here on the same rows."""
    model = getattr(evidence.run.model, "estimator_", evidence.run.model)  # behind its threshold, if it has one
    model = getattr(model, "model_", model)
    if evidence.record["model"]["name"] != "linear":
        model = getattr(model, "named_estimators_", {}).get("linear") or fit_linear(evidence)
    last = getattr(model[-1], "model_", model[-1]) if isinstance(model, Pipeline) else None
    return model if hasattr(last, "coef_") else None


def fit_linear(evidence: Evidence) -> Any:
    """The linear candidate of `models.py`, fitted on train and dev; None if there is none."""
    question, settings = evidence.question, evidence.project.settings.train
    recipe = Recipe(evidence.record["features"], question.task, settings.seed)
    known = (classifiers if question.classes else regressors)(recipe, settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is a table to read, not a model to answer
        return known["linear"].fit(question.rows, question.truth) if "linear" in known else None


def errors(evidence: Evidence) -> dict[str, Any]:
    """The worst errors, with the columns that the model leans on most."""
    worst = diagnostics.worst_errors(evidence.result.truth, evidence.result.said)
    rows = evidence.test.iloc[worst["position"]].reset_index(drop=True)
    ids = [name for name in dictionary.by_role(evidence.run.columns, "id") if name in rows.columns]
    strongest = evidence.importances["column"].head(COLUMNS_OF_A_ROW).tolist()
    spare = ["of_truth"] if len(evidence.result.said.classes) == 2 else []  # it is 1 - probability
    shown = worst.drop(columns=["position", *spare]).rename(columns={"of_truth": "given to the truth"})
    place = pd.DataFrame({"row": worst["position"] + 1})
    both = pd.concat([place, rows[ids], shown, rows[[name for name in strongest if name not in ids]]], axis=1)
    formats = {"probability": percent, "given to the truth": percent} if evidence.result.said.classes else {}
    if not formats:
        formats = dict.fromkeys(("truth", "prediction", "error"), number)
    return {"table": table(both.loc[:, ~both.columns.duplicated()], **formats), "n": len(worst)}


def parts(evidence: Evidence) -> dict[str, Any]:
    """The slices on which the model is worst."""
    result, record = evidence.result, evidence.record
    stand_in = {"r2": "mae", "average_precision": "roc_auc"}.get(result.yardstick.name, result.yardstick.name)
    known = metrics.available(record["task"], len(result.said.classes))
    yardstick = diagnostics.Yardstick(stand_in, known[stand_in])
    columns: Sequence[str] = evidence.importances["column"].tolist()
    groups = groups_of(evidence.test, record["parameters"]["split"]["by"])
    worst, looked_at = slices(evidence.test[columns], result.truth, result.said, yardstick, groups=groups)
    whole = yardstick.score(result.truth, result.said)
    about = {"metric": stand_in, "whole": scored(stand_in, whole), "looked_at": looked_at, "n": len(worst)}
    if worst.empty:
        return about
    bounds = zip(worst["low"], worst["high"], strict=True)
    worst["interval"] = [
        f"{scored(stand_in, low)} … {scored(stand_in, high)}" if low == low else "too few groups to say"
        for low, high in bounds
    ]
    worst["verdict"] = np.where(worst["clear"], "clearly worse", "may be chance")
    worst[stand_in] = [scored(stand_in, value) for value in worst["score"]]
    return about | {"table": table(worst[["column", "slice", "rows", stand_in, "interval", "verdict"]])}


ALL: dict[str, Callable[[Evidence], dict[str, Any]]] = {
    "top": top,
    "question": question,
    "data": data,
    "board": board,
    "scores": scores,
    "mistakes": mistakes,
    "honesty": honesty,
    "growth": growth,
    "leaning": leaning,
    "linear": linear,
    "errors": errors,
    "parts": parts,
}
