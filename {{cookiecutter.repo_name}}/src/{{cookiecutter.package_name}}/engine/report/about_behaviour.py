"""The sections of the evaluation report about how the model behaves: what it leans on, and the rows it gets wrong."""

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone

from ..columns import dictionary
from ..modelling.recipe import ANALYSERS
from ..modelling.split import groups_of
from ..project.errors import listed
from . import coefficients, diagnostics, figures
from .evidence import Evidence, columns_seen, table
from .slices import by_items, slices
from .verdict import number, percent, scored

COLUMNS_OF_A_ROW = 6
CURVES = 4


def leaning(evidence: Evidence) -> dict[str, Any]:
    """On which columns the answer leans, and how it moves with the strongest."""
    found, name = evidence.importances, evidence.result.metric.name
    drawn = {"importance": figures.importance(found, name)}
    kinds = evidence.record["features"]
    apart = {n for kind in (*ANALYSERS, "date parts") for n in kinds.get(kind, ())}
    plain = [n for n in found["column"] if n not in apart]
    rows = evidence.test[columns_seen(evidence.record)]
    chosen = [n for n in plain if rows[n].nunique() > 1][:CURVES]
    if chosen:
        curves = {n: diagnostics.dependence(evidence.answer, rows, n) for n in chosen}
        classes = evidence.result.classes
        answer = "probability" if classes else f"predicted {evidence.record['target']}"
        of = f"P({classes[1]})" if len(classes) == 2 else answer
        drawn["dependence"] = figures.dependence(curves, of)
    clear = found[found["loss"] > 2 * found["spread"]]["column"].tolist()
    n_all = len(columns_seen(evidence.record))
    return {"figures": drawn, "names": listed(clear, 8), "n_examined": len(found), "n_all": n_all}


def linear(evidence: Evidence) -> dict[str, Any]:
    """The strongest coefficients of the linear candidate, or that they cannot be told; empty if there is none."""
    pipeline, classes = fitted_linear(evidence), evidence.result.classes
    if pipeline is None:
        return {}
    if not coefficients.can_be_told(pipeline):
        return {"untold": True}
    booleans = [name for name, column in evidence.run.columns.items() if column.type == "boolean"]
    found = coefficients.strongest(pipeline, evidence.question.rows, labels=classes, booleans=booleans)
    effects, two = found.pop("effect"), len(classes) == 2
    if classes:
        found["factor"] = [f"×\u00a0{value:.3g}" for value in effects]
        found = found.drop(columns="towards") if two else found.rename(columns={"towards": "odds of"})
    else:
        found["added"] = [f"{'+' if value > 0 else '-'}{number(abs(value))}" for value in effects]
    chosen = evidence.record["model"]["name"] == "linear"
    return {"table": table(found), "chosen": chosen, "positive": str(classes[1]) if two else ""}


def fitted_linear(evidence: Evidence) -> BaseEstimator | None:
    """The linear candidate, of the run or its blend, or fitted here where the rows allow it; None if there is none."""
    model = getattr(evidence.run.model, "estimator_", evidence.run.model)  # behind its threshold, if it has one
    model = getattr(model, "model_", model)
    if evidence.record["model"]["name"] == "linear":
        return model
    members, candidate = getattr(model, "named_estimators_", {}), evidence.candidates.get("linear")
    if "linear" in members or candidate is None:
        return members.get("linear")
    with warnings.catch_warnings(), contextlib.suppress(ValueError):  # `train` leaves such a candidate out
        warnings.simplefilter("ignore")  # it is a table to read, not a model to answer
        return clone(candidate).fit(evidence.question.rows, evidence.question.truth)
    return candidate


def errors(evidence: Evidence) -> dict[str, Any]:
    """The worst errors, with the columns that the model leans on most."""
    worst = diagnostics.worst_errors(evidence.decided.truth, evidence.decided.predictions)
    rows = evidence.test.iloc[worst["position"]].reset_index(drop=True)
    ids = [name for name in dictionary.by_role(evidence.run.columns, "id") if name in rows.columns]
    strongest = evidence.importances["column"].head(COLUMNS_OF_A_ROW).tolist()
    spare = ["of_truth"] if len(evidence.result.classes) == 2 else []  # it is 1 - probability
    shown = worst.drop(columns=["position", *spare]).rename(columns={"of_truth": "given to the truth"})
    place = pd.DataFrame({"row": worst["position"] + 1})
    both = pd.concat([place, rows[ids], shown, rows[[name for name in strongest if name not in ids]]], axis=1)
    formats: dict[str, Callable] = dict.fromkeys(("probability", "given to the truth"), percent)
    if not evidence.result.classes:
        formats = dict.fromkeys(("truth", "prediction", "error"), number)
    return {"table": table(both.loc[:, ~both.columns.duplicated()], **formats), "n": len(worst)}


def parts(evidence: Evidence) -> dict[str, Any]:
    """The slices on which the model is worst."""
    result, record = evidence.result, evidence.record
    stand_in = {"r2": "mae", "average_precision": "roc_auc"}.get(result.metric.name, result.metric.name)
    metric = evidence.measures[stand_in]
    columns = evidence.importances["column"].tolist()
    groups = groups_of(evidence.test, record["parameters"]["split"]["by"])
    rows = by_items(evidence.test[columns], dictionary.separators(evidence.run.columns))
    worst, looked_at = slices(rows, result.truth, result.predictions, metric, groups=groups)
    whole = metric.score(result.truth, result.predictions)
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
