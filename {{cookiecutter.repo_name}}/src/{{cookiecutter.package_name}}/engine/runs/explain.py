"""One row: what a run says of it, why, and what it would say with another value in a column.

    make explain ROW=row [INPUT=file] [RUN=run]

Reads the run and the file (default: the test split without its target); writes to the terminal. The row is named by an
id of it or by its number, counted from 1.
"""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from ..columns import dictionary
from ..modelling import decision, reasons
from ..modelling.estimators import threads
from ..project.errors import DataError, SettingsError
from ..project.settings import Project
from . import answers, loading
from .listing import aligned
from .loading import Run

log = logging.getLogger(__name__)
COLUMNS_SHOWN = 10


def run(project: Project, folder: Path, *, row: str, input: Path | None) -> str:
    """Explain one row of `input`, or of the test split, by the run in `folder`; a `DataError` if it is not there."""
    if not row:
        raise SettingsError("Which row? Name one by its id or its number, for example: make explain ROW=1")
    model, settings = loading.load(folder), project.settings
    policy = decision.policy(folder, model.record, settings.predict, settings.decision)
    if input is None:
        rows, where = answers.test_rows(project, model), project.relative(project.split("test"))
    else:
        (rows, notes), where = answers.read_rows(project, model, input, None), project.relative(input)
        for note in notes:
            log.warning("%s", note)
    place, name = find(rows, dictionary.by_role(model.columns, "id"), row, where)
    one, alone = rows.iloc[[place]], replace(policy, reasons=0, decision=replace(policy.decision, capacity=0))
    with threads(1):
        said = answers.answered(folder, model, one, alone)
        own, moved = explained(folder, model, one)
    cells = [(column, shown(value)) for column, value in said.iloc[0].items() if column not in ("row", "run")]
    asked = "the prediction"
    if classes := model.record["classes"]:
        asked = f"the probability of '{classes[1] if len(classes) == 2 else said['prediction'].iloc[0]}'"
    title = f"What moved {asked}, and what it would be with another value in one column:"
    if said.iloc[0].get("seen") == "held out":
        title = f"By the model itself, which learned from this row and says {shown(own)}:\n{title}"
    return "\n\n".join([f"{name} of {where}, run {model.name}\n{aligned(cells)}", f"{title}\n\n{aligned(moved)}"])


def find(rows: pd.DataFrame, ids: list[str], wanted: str, where: str) -> tuple[int, str]:
    """The position of a row, by an id or its number from 1, and what to call it."""
    ids = [name for name in ids if name in rows]
    for name in ids:
        places = np.flatnonzero(rows[name].astype(str) == wanted)
        if len(places):
            return int(places[0]), f"{name} {wanted}" + (f", the first of {len(places)}," if len(places) > 1 else "")
    places = np.flatnonzero(rows.index == (int(wanted) - 1 if wanted.isdecimal() else -1))
    if len(places):
        return int(places[0]), f"row {wanted}"
    named = f", or an id in {ids[0]}, such as {rows[ids[0]].iloc[0]}" if ids else ""
    raise DataError(f"{where}: there is no row {wanted!r}.\nAllowed: 1 to {rows.index.max() + 1}{named}.")


def explained(folder: Path, model: Run, one: pd.DataFrame) -> tuple[float, list[tuple[str, ...]]]:
    """What the model says; a head, and a line a column that moved it: value, by how much, least and most otherwise."""
    features = model.add_features(one)
    answer, usual, asked, _ = answers.background(folder, model, features)
    lines: list[tuple[str, ...]] = [("column", "value", "moved it by", "at least", "at most")]
    for name, value, effect, _ in answers.reasons_of(folder, model, features, COLUMNS_SHOWN)[0]:
        # What features.py makes of a column follows its new value, where the model sees the column as it is.
        as_it_is = name in one and one[name].reset_index(drop=True).equals(features[name].reset_index(drop=True))
        never = name in model.columns and not model.columns[name].missing_allowed  # then rare words are what is missing
        values, ends = usual[name].dropna() if never else usual[name], ["-", "-"]
        if len(values):
            copies = reasons.with_usual(one if as_it_is else features, values)
            said = answer(model.add_features(copies) if as_it_is else copies)[:, asked[0]]
            places = said.argmin(), said.argmax()
            ends = [f"{shown(said[end])} with {reasons.cell(copies[name].iloc[end])}" for end in places]
        lines.append((name, value, effect, *ends))
    return float(answer(features)[0, asked[0]]), lines


def shown(value: object) -> str:
    """A value of an answer with four digits that count, or as a whole number."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
