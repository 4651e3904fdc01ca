"""The sections of the evaluation report about how the model behaves: what it leans on, and the rows it gets wrong."""

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.base import BaseEstimator, clone

from ..columns import dictionary
from ..modelling.recipe import ANALYSERS
from ..project.errors import listed
from ..runs.registry import columns_seen
from . import coefficients, diagnostics, figures
from .evidence import Evidence, table
from .findings import DOMINATES
from .slices import by_items, slices
from .verdict import number, percent

COLUMNS_OF_A_ROW = 6
CURVES = 4
NOISE_NAMED = 0.05  # chance of naming any column, where none says anything


def leaning(evidence: Evidence) -> dict[str, Any]:
    """On which columns the answer leans, and how it moves with the strongest, beside what came true."""
    found, seen = evidence.importances, evidence.importances["column"].tolist()
    clear = not_by_chance(found)
    least = clear["loss"].max() if len(clear) else max(DOMINATES * evidence.result.reach, evidence.result.width)
    unsure = found.drop(clear.index)[lambda others: others["loss"] > least]  # the first screen may name such a one
    shown = found.loc[sorted({*clear.index, *unsure.index})]
    drawn = {"importance": figures.importance(shown, evidence.result.metric.name)} if len(shown) else {}
    kinds = evidence.record["features"]
    apart = {n for kind in (*ANALYSERS, "date parts") for n in kinds.get(kind, ())}
    rows, known = evidence.test[columns_seen(evidence.record)], evidence.question
    chosen = [n for n in shown["column"] if n not in apart and rows[n].nunique() > 1][:CURVES]
    beside = {}
    for name in chosen:
        curve = diagnostics.dependence(evidence.answer, rows, name)
        if name in evidence.run.columns:  # else `add_features` made it
            curve = diagnostics.in_order(curve, evidence.run.columns[name].values)
        truth = diagnostics.observed(known.truth, known.rows[name], curve)
        if len(truth) > 1:  # where there are rows
            beside[name] = curve.loc[truth.index].reset_index(drop=True), truth.reset_index(drop=True)
    if beside:
        classes = evidence.result.classes
        answer = "probability" if classes else f"predicted {evidence.record['target']}"
        drawn["dependence"] = figures.dependence(beside, f"P({classes[1]})" if len(classes) == 2 else answer)
    together = [listed(names, 8) for names in diagnostics.together(rows[seen], evidence.result.predictions)]
    names, n_all = {"names": listed(clear["column"].tolist(), 8), "unsure": unsure.to_numpy().tolist()}, rows.shape[1]
    return {"figures": drawn, **names, "together": together, "n_examined": len(found), "n_all": n_all}


def not_by_chance(importances: pd.DataFrame) -> pd.DataFrame:
    """Those that say more than noise does in any of so many columns (Bonferroni); `loss` is normal around 0 there."""
    return importances[importances["loss"] > norm.isf(NOISE_NAMED / max(1, len(importances))) * importances["spread"]]


def linear(evidence: Evidence) -> dict[str, Any]:
    """The strongest coefficients of the linear candidate, or that they cannot be told; empty if there is none."""
    pipeline, classes, known = fitted_linear(evidence), evidence.result.classes, evidence.question
    if pipeline is None:
        return {}
    if not coefficients.can_be_told(pipeline, len(known.truth)):
        return {"untold": True}
    booleans = [name for name, column in evidence.run.columns.items() if column.type == "boolean"]
    found = coefficients.strongest(pipeline, known, booleans=booleans)
    seen, two = evidence.test[evidence.importances["column"]], len(classes) == 2
    for names in diagnostics.together(seen, evidence.result.predictions):
        others = {name: listed([other for other in names if other != name], 3) for name in names}
        found["column"] = [f"{name} (goes with {others[name]})" if name in others else name for name in found["column"]]
    told = (lambda value: f"×\u00a0{value:.3g}") if classes else (lambda value: f"{value:+.4g}")
    ends = zip(found.pop("low"), found.pop("high"), strict=True)
    found["factor" if classes else "added"] = [told(value) for value in found.pop("effect")]
    found["95\u00a0% interval"] = [f"{told(low)} to {told(high)}" for low, high in ends]
    if classes:
        found = found.drop(columns="towards") if two else found.rename(columns={"towards": "odds of"})
    chosen = evidence.record["model"]["name"] == "linear"
    about = {"n": len(found), "chosen": chosen, "positive": str(classes[1]) if two else ""}
    return {"table": table(found), **about}


def fitted_linear(evidence: Evidence) -> BaseEstimator | None:
    """The linear candidate, of the run or its blend, or fitted here (not fitted if that fails); None without one."""
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
    """The slices in which what the model says does not come true, or a constant would do better."""
    result, columns = evidence.result, evidence.importances["column"].tolist()
    rows = by_items(evidence.test[columns], dictionary.separators(evidence.run.columns))
    odd, looked_at = slices(rows, result.truth, result.predictions, metric=result.metric.name, groups=result.groups)
    if odd.empty:
        return {"looked_at": looked_at}
    wrong = np.where(odd["said_by"] > 0, "it says too little", "it says too much")
    odd["found"] = np.where(odd["said_by"].abs() >= -odd["gain_by"], wrong, "a constant does better")
    names = {"said": "said on average", "came_true": "came true", "cost": "its errors", "constant": "of a constant"}
    shown = odd.drop(columns=["said_by", "gain_by"]).rename(columns=names)
    told = percent if result.classes else number
    formats = {names["said"]: told, names["came_true"]: told, names["cost"]: number, names["constant"]: number}
    return {"looked_at": looked_at, "table": table(shown, **formats)}
