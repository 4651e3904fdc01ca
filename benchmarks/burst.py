"""Does a burst of wrong feedback get past the gate? How many of so many tries with 30 % of the labels turned do.

    PYTHONPATH=PROJECT/src python benchmarks/burst.py PROJECT later.csv TARGET [TRIES]

PROJECT is a rendered project with a champion, `later.csv` holds rows of the same table that its source lacks, with the
truth. Each try works in a copy: up to 500 rows are told, with labels turned at random or of the most frequent class
alone, and the run that learned from them stands before the gate by its own metric and, of classes, by log_loss.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd

PACKAGE = next(path.parent.name for path in Path(sys.argv[1]).glob("src/*/pipeline.py"))
pipeline, settings, registry, promote, compare, loading, dictionary, question, retrain, database, tables = (
    import_module(f"{PACKAGE}.{name}")
    for name in (
        *("pipeline", "engine.project.settings", "engine.runs.registry", "engine.runs.promote", "engine.runs.compare"),
        *("engine.runs.loading", "engine.columns.dictionary", "engine.modelling.question", "service.retrain"),
        "service.database",
        "service.tables",
    )
)
ROWS, TURNED = 500, 0.3


def turned(truth: pd.Series, random: np.random.Generator, directed: bool) -> pd.Series:
    """The labels, shape (n_rows,), of which some are others: of any class, or of the most frequent one."""
    values, wrong = truth.value_counts().index, truth.copy()
    may = np.flatnonzero(truth == values[0]) if directed else np.arange(len(truth))
    for place in random.choice(may, min(len(may), round(TURNED * len(truth))), replace=False):
        others = [values[1]] if directed else [value for value in values[:50] if value != truth.iloc[place]]
        wrong.iloc[place] = random.choice(others)
    return wrong


def tell(project, rows: pd.DataFrame, target: str) -> None:
    """Put rows and what is said of them into the log."""
    log = database.Database(database.address(project), flush=False)
    log.open()
    for name, row in zip(tables.new_ids(len(rows)), rows.to_dict("records"), strict=True):
        truth, cells = row.pop(target), {key: None if pd.isna(cell) else cell for key, cell in row.items()}
        about = ("run", "answer", "compiled", json.dumps(cells), "{}", True, False, "[]", 1.0, "")
        told = tables.Told(name, json.dumps(truth), time.time(), "", "http")
        log.insert([tables.Entry(name, time.time(), *about), told])
    log.drop()


def answers(project, folder: Path):
    """What a run says of the test rows."""
    run, test = loading.load(folder), pd.read_parquet(project.split("test"))
    truth = test.pop(run.record["target"]).to_numpy(dtype=object if run.record["classes"] else float)
    said = question.predict(run.model, run.add_features(test), tuple(run.record["classes"]))
    return compare.Evaluated(test, set(dictionary.load(folder / registry.DICTIONARY)), truth, said, run.record)


def failed(project, later: pd.DataFrame, target: str, seed: int, directed: bool) -> dict[str, list[str]]:
    """By metric, the conditions of the gate that did not hold."""
    random, champion = np.random.default_rng(seed), registry.champion(project)
    rows = later.sample(frac=1, random_state=seed).head(ROWS)
    tell(project, rows.assign(**{target: turned(rows[target], random, directed)}), target)
    with database.opened(project) as log:
        retrain.keep(project, pipeline.make, log, retrain.new_rows(project, log))
    both = [answers(project, folder) for folder in (pipeline.make(project, "train")[0].parent, champion)]
    own, found = both[0].record["metrics"]["chosen_by"], {}
    for metric in {own, "log_loss"} if both[0].record["classes"] else {own}:
        records = [one.record | {"metrics": one.record["metrics"] | {"chosen_by": metric}} for one in both]
        pair = [replace(one, record=record) for one, record in zip(both, records, strict=True)]
        held = promote.held_out(project, both[0].record, champion)
        checks = promote.beside(project, *pair, promote.told_rows(project, "test"), held)
        found[metric] = [check.name for check in checks if not check.passed]
    return found


def main(root: str, later: str, target: str, tries: str = "20") -> None:
    """Print a line a try, and how many passed."""
    rows, passed = pd.read_csv(later), 0
    for seed in range(int(tries)):
        with tempfile.TemporaryDirectory() as folder:
            place = shutil.copytree(root, Path(folder) / "project", symlinks=True)
            os.chdir(place)
            found = failed(settings.load(place), rows, target, seed, directed=seed % 2 == 1)
            os.chdir("/")
        passed += not all(found.values())
        print(seed, found, flush=True)
    print(f"{passed} of {tries} passed")


if __name__ == "__main__":
    main(*sys.argv[1:])
