"""Answers as a list to work through: what to do first, why, and which rows the model knows from its training."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..columns import dictionary
from ..modelling import decision, reasons
from ..modelling.decision import Policy
from ..project import package
from ..project.errors import DataError
from . import answers, loading, training_rows
from .loading import Run

log = logging.getLogger(f"{package.NAME}.predict")


def answered(folder: Path, model: Run, rows: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """What a run says of rows by today's parameters: `answers.answer`, complete; their features are computed once."""
    with loading.explained(model.name, model.versions, "does not answer"):
        features = model.add_features(rows)
    model, limits = replace(model, add_features=lambda _: features), policy.limits
    table = answers.answer(model, rows, abstain_below=limits.least, band=limits.band, level=policy.level)
    return complete(folder, model, rows, table, policy)


def complete(folder: Path, model: Run, rows: pd.DataFrame, table: pd.DataFrame, policy: Policy) -> pd.DataFrame:
    """The answers to rows with what `[decision]` and `[predict]` ask for beside them, in the same order.

    `rank`, 1 first, and `act`, "yes" or "no", in front where a capacity is stated; `reasons` where `[predict]` asks for
    them, and `seen`, "yes" or "no", where the run learned from any of the rows, before `confident`.
    """
    names = [name for group in model.record["features"].values() for name in group]
    features = model.add_features(rows)
    if policy.reasons:
        table = put(table, "reasons", reasons_of(folder, model, features, policy), before="confident")
    ids = dictionary.by_role(model.columns, "id")
    whole = features.join(rows[[name for name in ids if name in rows and name not in features]])
    known, lines = training_rows.seen(folder, whole, names, ids)
    lines = lines if policy.held is not None else np.full(len(rows), -1)
    if known.any():
        table = as_held_out(table, model, lines, policy)
        table = put(table, "seen", np.select([lines >= 0, known], ["held out", "yes"], "no"), before="confident")
    if policy.decision.capacity:
        table = ranked(table, model, policy)
    return table


def say_what_is_known(run: str, table: pd.DataFrame) -> None:
    """Warn of answers to rows that the run learned from."""
    held, others = (int((table["seen"] == word).sum()) for word in ("held out", "yes")) if "seen" in table else (0, 0)
    how = [f"{held} are answered as while they were held out"] if held else []
    how += [f"for {others} its answers are too good"] if others else []
    if how:
        log.warning(
            "run %s learned from %d of these %d rows, or from rows exactly like them: %s. The column seen marks them",
            *(run, held + others, len(table), ", ".join(how)),
        )


def as_held_out(table: pd.DataFrame, model: Run, lines: np.ndarray, policy: Policy) -> pd.DataFrame:
    """The answers with those of models that had not seen a row, where there is one: its line of the held-out rows."""
    held, rows = policy.held, lines >= 0
    if held is None:
        return table
    for name in table.columns.intersection(held.columns.drop("truth")):
        values = table[name].to_numpy(copy=True)
        values[rows] = held[name].to_numpy()[lines[rows]]
        table = table.assign(**{name: values})
    return answers.bounded(table, model, abstain_below=policy.limits.least, band=policy.limits.band)


def ranked(table: pd.DataFrame, model: Run, policy: Policy) -> pd.DataFrame:
    """The answers with `rank` and `act` in front: first the positive of two classes, the surest or the largest."""
    classes = model.record["classes"]
    by = "prediction"
    if classes:
        by = f"probability_{classes[1]}" if len(classes) == 2 else "probability"
    urgent = table[by].to_numpy(dtype="float64")
    acted = decision.acted_on(policy.decision, urgent, policy.level)
    rank = pd.Series(-urgent).rank(method="first").astype(int).to_numpy()
    table = put(table, "act", np.where(acted, "yes", "no"), before=table.columns[0])
    return put(table, "rank", rank, before="act")


def put(table: pd.DataFrame, name: str, values: object, *, before: str) -> pd.DataFrame:
    """The table with one more column before another; an id that is named like it gets ` (id)` behind its name."""
    before = f"{before} (id)" if before == name else before
    found = table.rename(columns={name: f"{name} (id)"})
    found.insert(found.columns.get_loc(before), name, values)
    return found


def reasons_of(folder: Path, model: Run, features: pd.DataFrame, policy: Policy) -> list[str]:
    """Why each row got its answer, as text; a `DataError` if the run is older than reasons."""
    answer, usual, asked, shown = background(folder, model, features)
    moved = pd.DataFrame(reasons.effects(answer, features, usual, asked), columns=list(usual))
    return reasons.in_words(features, moved, policy.reasons, shown)


def background(
    folder: Path, model: Run, features: pd.DataFrame
) -> tuple[reasons.Answers, pd.DataFrame, np.ndarray, Callable[[float], str]]:
    """What reasons are measured with: the model, usual values, which answer of each row is meant, how it is written."""
    path = folder / training_rows.USUAL
    if not path.is_file():
        raise DataError(
            f"{model.name} kept no usual values that a reason could be measured on: it was made before reasons.\n"
            "Train again, or set [predict] reasons = 0 in params.toml."
        )
    usual, classes = pd.read_parquet(path), model.record["classes"]
    if not classes:
        by_number = (lambda rows: model.model.predict(rows)[:, None]), usual, np.zeros(len(features), dtype=int)
        return *by_number, reasons.of_number
    answer = model.model.predict_proba
    asked = answer(features).argmax(axis=1)
    if len(classes) == 2:
        asked[:] = np.flatnonzero(model.model.classes_ == classes[1])[0]
    return answer, usual, asked, reasons.of_probability
