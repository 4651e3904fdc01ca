"""Draw windows in a project that has trained, `python windows.py LATER.csv WINDOWS SEED SIZE ...`; JSON comes out."""

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from project.engine.modelling import confidence
from project.engine.project import settings
from project.engine.runs import loading, registry
from project.service import health, profile, score

FACTOR, SCORED = 2.54, 25  # windows of a split whose score is looked at
Rows = pd.DataFrame
Plant = Callable[[Rows, str, np.random.Generator], Rows]


def half(rows: Rows, name: str, random: np.random.Generator) -> Rows:
    """Half a standard deviation more."""
    return rows.assign(**{name: rows[name] + SPREAD[name] / 2})


def points(rows: Rows, name: str, random: np.random.Generator) -> Rows:
    """10 points of a kind more, taken from all others alike."""
    cells = rows[name].astype(object)
    kinds = cells.value_counts(normalize=True)
    kind = random.choice(kinds.index[kinds < 0.8])
    others = np.flatnonzero(cells != kind)
    cells.iloc[random.choice(others, min(len(others), len(rows) // 10), replace=False)] = kind
    return rows.assign(**{name: cells})


def gone(rows: Rows, name: str, random: np.random.Generator) -> Rows:
    """A tenth of the cells missing."""
    return rows.assign(**{name: rows[name].where(random.random(len(rows)) >= 0.1)})


def unit(rows: Rows, name: str, random: np.random.Generator) -> Rows:
    """Inches become centimetres."""
    return rows.assign(**{name: rows[name] * FACTOR})


project = settings.load()
folder = registry.folders(project)[0]
run, reference = loading.load(folder), profile.make(project, folder)
train = pd.read_parquet(project.split("train"))
compared = list(reference["columns"])
numbers = [name for name in compared if run.columns[name].type in ("integer", "number") and train[name].nunique() > 10]
SPREAD = train[numbers].std()
PLANTS: dict[str, tuple[Plant, list[str]]] = {
    "half a sd": (half, numbers),
    "10 points": (points, [name for name in compared if run.columns[name].type == "category"]),
    "10 % missing": (gone, [name for name in compared if train[name].isna().mean() < 0.1]),
    "unit": (unit, [name for name in numbers if (train[name].fillna(0) != 0).mean() > 0.5]),
}


def moved(later: health.Window, rows: Rows, said: Rows | None = None) -> tuple[list[str], int]:
    """The columns that are named of a window, the predictions too where they are given; how many rows counted."""
    table = pd.DataFrame({"id": range(len(rows))}) if said is None else said
    shifts, counted = health.moves(replace(later, rows=table, cells=rows, broken={}))
    return [one.column for one in shifts or [] if one.moved], len(counted)


def within(said: Rows) -> dict[str, tuple[bool, float]]:
    """Whether the score that is measured lies in the interval that was expected, and how wide that is, by metric."""
    truth = said["truth"].to_numpy(dtype=None if run.record["classes"] else "float64")
    predictions = score.said_of(said, run.record)
    metrics = {metric.name: metric for metric in score.wanted(run.record, predictions)}
    found = score.expected(said, run.record, confidence.held_out(folder))
    scores = {one.metric: metrics[one.metric].score(truth, predictions) for one in found}
    return {one.metric: (bool(one.low <= scores[one.metric] <= one.high), one.high - one.low) for one in found}


def look(later: health.Window, said: Rows, size: int, windows: int, random: np.random.Generator) -> dict:
    """What is found in windows of a size: of rows of their own where there are enough, else drawn with replacement."""
    cells = later.cells
    enough = len(cells) >= size * windows
    found = {name: [] for name in ("alarms without drift", "different", "scores", *PLANTS)}
    for window in range(windows):
        places = np.arange(size) + size * window if enough else random.integers(0, len(cells), size)
        rows, told = (table.iloc[places].reset_index(drop=True) for table in (cells, said))
        names, counted = moved(later, rows, told)
        found["alarms without drift"].append(bool(names))
        found["different"].append(counted)
        if window < SCORED:  # of rows that differ: those that come again say less than they are
            apart = places if enough else random.permutation(len(cells))[: min(size, len(cells) * 2 // 3)]
            found["scores"].append(within(said.iloc[apart].reset_index(drop=True)))
        for name, (plant, columns) in PLANTS.items():
            column = random.choice(columns)
            found[name].append(column in moved(later, plant(rows, column, random))[0])
    return {"rows": reference["rows"], "columns": len(compared), **found}


def main(path: str, windows: str, seed: str, *sizes: str) -> None:
    """Print what is found, by the size of the windows."""
    later, random = health.of_file(project, folder, Path(path)), np.random.default_rng(int(seed))
    said = later.rows.assign(truth=later.told["truth"])
    print(json.dumps({size: look(later, said, int(size), int(windows), random) for size in sizes}))


main(*sys.argv[1:])
