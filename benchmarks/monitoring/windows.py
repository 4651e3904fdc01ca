"""Draw windows in the root of a project that has trained, `python windows.py NAME WINDOWS`; a line of Markdown each."""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from project.engine.modelling import confidence
from project.engine.project import settings
from project.engine.runs import answers, loading, registry
from project.service import health, profile, score

SIZES, SCORED = (200, 1000), 50
FACTOR = 2.54
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
train, test = (pd.read_parquet(project.split(part)) for part in ("train", "test"))
names = list(reference["columns"])
numbers = [name for name in names if run.columns[name].type in ("integer", "number") and train[name].nunique() > 10]
SPREAD = train[numbers].std()
PLANTS: dict[Plant, list[str]] = {
    half: numbers,
    points: [name for name in names if run.columns[name].type == "category"],
    gone: [name for name in names if train[name].isna().mean() < 0.1],
    unit: [name for name in numbers if (train[name].fillna(0) != 0).mean() > 0.5],
}


def moved(rows: Rows, said: bool = False) -> list[str]:
    """The columns that are named of a window; the predictions too, where they are wanted."""
    blank = pd.DataFrame({"id": range(len(rows))})
    told = blank.assign(truth=None, source="").head(0)
    table = answered(rows) if said else blank
    window = health.Window(folder, run.record, table, rows, told, reference)
    return [one.column for one in health.moves(window) or [] if one.moved]


def answered(rows: Rows) -> pd.DataFrame:
    """What the run says."""
    return answers.predictions(run, rows.drop(columns=run.record["target"]), abstain_below=0.0, band=None, level=None)


def is_within(random: np.random.Generator, size: int) -> list[bool]:
    """Whether the score that is measured on different rows lies in the interval that was expected, metric by metric."""
    rows = test.iloc[random.permutation(len(test))[:size]].reset_index(drop=True)
    said, held = answered(rows), confidence.held_out(folder)
    truth = rows[run.record["target"]].to_numpy(dtype=None if run.record["classes"] else "float64")
    predictions = score.said_of(said, run.record)
    metrics = {metric.name: metric for metric in score.wanted(run.record, predictions)}
    found = score.expected(said, run.record, held)
    return [one.low <= metrics[one.metric].score(truth, predictions) <= one.high for one in found]


def main(name: str, windows: int) -> None:
    """A line for each size of the windows."""
    for size in SIZES:
        random = np.random.default_rng(size)
        false, found = [], {plant: [] for plant in PLANTS}
        for _ in range(windows):
            rows = test.iloc[random.integers(0, len(test), size)].reset_index(drop=True)
            false.append(bool(moved(rows, said=True)))
            for plant, columns in PLANTS.items():
                column = random.choice(columns)
                found[plant].append(column in moved(plant(rows, column, random)))
        within = [is_within(random, size) for _ in range(min(SCORED, windows))] if len(test) > size else []
        cells = [
            name,
            f"{len(train):,} and {len(test):,}",
            len(names),
            f"{size:,}",
            share(false),
            *map(share, found.values()),
        ]
        cells.append(", ".join(map(share, zip(*within, strict=True))) or "-")
        print(f"| {' | '.join(map(str, cells))} |", flush=True)


def share(found: list[bool]) -> str:
    """The share of what holds, in percent."""
    return f"{100 * np.mean(found):.1f} %"


main(sys.argv[1], int(sys.argv[2]))
