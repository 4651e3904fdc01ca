"""Whether "Before you lean on this" names what is planted, and is silent about tables that are left as they are.

    .venv/bin/python benchmarks/planted.py [--each 10] [--kinds lost,empty] [--jobs 2]

Twenty tables (four of scikit-learn's, sixteen made here from seeds: two classes, three classes and numbers, strong and
weak, skewed and not) are trained on and scored as they are, and with one trouble planted.
Prints a Markdown table: how many planted troubles are named, how many lines the box then has, and how many it has in
the tables that were left alone. The environment is the one that runs this script, as for `against_plain.py`.
"""

import argparse
import importlib
import json
import logging
import multiprocessing
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from against_plain import render
from sklearn import datasets

TARGET, TEST = "target", 0.2  # of the rows, the last ones where the split is by time


@dataclass
class Trial:
    """A table, how it is divided, and what the page must name; `later`: rows that come after a run was promoted."""

    table: pd.DataFrame
    says: str = ""
    by: str = "stratified"
    candidates: tuple[str, ...] = ("dummy", "linear", "boosting")
    later: pd.DataFrame | None = None
    lines: list[str] = field(default_factory=list)

    @property
    def numbers(self) -> bool:
        """Whether the target is a number."""
        return self.table[TARGET].dtype.kind == "f"


def made(seed: int) -> pd.DataFrame:
    """A table of 400 to 1,000 rows: numbers, words, a few empty cells, and a target that hangs on some of them."""
    random = np.random.default_rng(seed)
    size, width = int(random.integers(400, 1000)), int(random.integers(4, 10))
    table = pd.DataFrame(random.normal(size=(size, width)), columns=[f"n{i}" for i in range(width)])
    table["n1"] += 0.6 * table["n0"]
    table["n2"] = np.exp(table["n2"]).round(3)
    table["town"] = random.choice(["north", "east", "south", "west"], size, p=[0.4, 0.3, 0.2, 0.1])
    table["kind"] = random.choice(["a", "b", "c"], size)
    signal = (
        table["n0"]
        + 0.7 * table["n1"] ** 2 * (seed % 3 == 0)
        + 0.5 * np.log(table["n2"])
        + 0.8 * (table["town"] == "east")
    )
    signal += random.normal(0, (0.5, 1.0, 1.6)[seed % 3], size)
    if seed % 4 == 3:
        table[TARGET] = np.exp(signal).round(3) if seed % 8 == 3 else (10 + 3 * signal).round(2)
    else:
        cuts = [0.5] if seed % 4 == 0 else [0.8] if seed % 4 == 1 else [0.33, 0.67]
        table[TARGET] = np.array(["no", "yes", "maybe"])[np.searchsorted(np.quantile(signal, cuts), signal)]
    return table.mask(pd.DataFrame(random.random(table.shape) < 0.02, columns=list(table)) & (table.columns != TARGET))


def tables() -> list[pd.DataFrame]:
    """The twenty tables, their rows in the order of chance."""
    bundled = [datasets.load_breast_cancer, datasets.load_iris, datasets.load_wine, datasets.load_diabetes]
    frames = [load(as_frame=True).frame for load in bundled]
    for frame in frames[:3]:
        frame[TARGET] = frame[TARGET].map(lambda label: f"class {label}")
    return [frame.sample(frac=1, random_state=0, ignore_index=True) for frame in [*frames, *map(made, range(16))]]


def in_time(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a day for each row, of which nothing depends."""
    return table.assign(day=pd.date_range("2020-01-01", periods=len(table), freq="h").astype(str))


def last(table: pd.DataFrame) -> pd.Index:
    """The rows of the test split."""
    return table.index[round((1 - TEST) * len(table)) :]


def apart(table: pd.DataFrame, random: np.random.Generator) -> Trial | None:
    """The answers of the test rows, the last ones, are exchanged among each other."""
    table, where = in_time(table), last(table)
    table.loc[where, TARGET] = random.permutation(table.loc[where, TARGET])
    return Trial(table, "more apart than chance explains", "time:day") if len(table) > 400 else None


def guessing(table: pd.DataFrame, random: np.random.Generator) -> Trial:
    """The columns say nothing of the target."""
    return Trial(table.assign(**{TARGET: random.permutation(table[TARGET])}), "Better than guessing is not shown")


def word(table: pd.DataFrame, random: np.random.Generator) -> Trial | None:
    """In the test rows one of two classes is far rarer than before, or numbers spread far more."""
    table, where, trial = in_time(table), last(table), Trial(table)
    if trial.numbers:
        spread = 2 * table[TARGET].std()
        table.loc[where, TARGET] += random.normal(0, spread, len(where)) ** 2 / spread
    elif table[TARGET].nunique() == 2:
        common = table.loc[where, TARGET].mode()[0]
        few = (table.loc[where, TARGET] != common) & (random.random(len(where)) < 0.9)
        rows = table.loc[where][~few]
        table = pd.concat([table.drop(where), rows.sample(len(where), replace=True, random_state=0).sort_values("day")])
        table["day"] = in_time(table)["day"].to_numpy()
    return Trial(table, "do not keep their word", "time:day") if trial.numbers or table[TARGET].nunique() == 2 else None


def lost(table: pd.DataFrame, random: np.random.Generator) -> Trial | None:
    """A class has so few rows that a candidate which keeps some back cannot be fitted."""
    table.loc[random.permutation(len(table))[:3], TARGET] = "rare" if table[TARGET].dtype.kind != "f" else np.nan
    trial = Trial(table, "candidates could not be compared", candidates=(*Trial.candidates, "boosting_stopped"))
    return None if trial.numbers else trial


def groups(table: pd.DataFrame, random: np.random.Generator) -> Trial:
    """The rows come from a few sites, which are kept together."""
    sites = np.array([f"site {place}" for place in range(int(random.integers(12, 30)))])
    return Trial(table.assign(site=random.choice(sites, len(table))), "groups (site) only", "group:site")


def empty(table: pd.DataFrame, random: np.random.Generator) -> Trial:
    """A column is empty in 60 to 90 % of the rows."""
    name = random.choice([name for name in table if name != TARGET])
    cells = table[name].mask(random.random(len(table)) < random.uniform(0.6, 0.9))
    return Trial(table.assign(**{name: cells}), f"Empty in most rows: {name} (")


def old(table: pd.DataFrame, random: np.random.Generator) -> Trial:
    """A run is champion, and then rows come."""
    return Trial(table.head(len(table) * 4 // 5), "is older than the data", later=table)


def late(table: pd.DataFrame, random: np.random.Generator) -> Trial:
    """A column is written when the answer is known, and seldom wrong."""
    truth, trial = table[TARGET], Trial(table)
    spread = random.normal(0, truth.std() / 5, len(table)) if trial.numbers else 0.0
    said = truth + spread if trial.numbers else truth.where(random.random(len(table)) < 0.95, random.permutation(truth))
    return Trial(table.assign(late=said), "'late'")


PLANTS: dict[str, Callable[[pd.DataFrame, np.random.Generator], Trial | None]] = {
    "dev and test apart": apart,
    "interval holds the baseline": guessing,
    "bands or probabilities break their word": word,
    "a candidate lost": lost,
    "few groups": groups,
    "a column empty in most rows": empty,
    "a champion older than its data": old,
    "a column that follows the answer": late,
}


def trials(kind: str, each: int) -> list[Trial]:
    """So many tables with a trouble of one kind, the tables in another order for each kind."""
    random = np.random.default_rng(list(PLANTS).index(kind))
    known, found = tables(), []
    for place in random.permutation(len(known)):
        trial = PLANTS[kind](known[place], random)
        found += [trial] if trial and len(found) < each else []
    return found


def evaluate(trial: Trial) -> Trial:
    """Train on the table, and keep the lines that the page would have. Runs in a process of its own."""
    from project import pipeline
    from project.engine.project import package, settings
    from project.engine.runs import promote

    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(shutil.copytree(package.FOLDER.parents[1], Path(folder) / "project", symlinks=True))
        package.FOLDER = root / "src" / "project"
        options = {"data.source": "table.csv", "data.target": TARGET, "split.by": trial.by}
        options |= {"train.candidates": trial.candidates}
        sets = [f"{name}={json.dumps(value)}" for name, value in options.items()]
        trial.table.to_csv(root / "table.csv", index=False)
        run = pipeline.make(settings.load(root, sets), "train")[0].parent
        if trial.later is not None:
            promote.keep(settings.load(root, sets), run.name, {"forced": "to have a champion", "gate": []})
            trial.later.to_csv(root / "table.csv", index=False)
            run = pipeline.make(settings.load(root, sets), "train", accept=True)[0].parent
        trial.lines = box(settings.load(root, sets), run)
    return trial


def box(project: Any, folder: Path) -> list[str]:
    """The findings about a run, as `evaluate` makes them, without the sections that choose none."""
    from project import evaluate
    from project.engine.report import evidence, findings
    from project.engine.runs import loading

    run = loading.load(folder)
    question = evaluate.learned_from(project, run)
    test, result, set_aside = evaluate.score_test(project, run, question.truth)
    about = {"may_have_been_seen": False, "set_aside": set_aside}
    record = evaluate.put_on_record(project, folder, result, about)
    return findings.ranked(evidence.Evidence(project, run, record, test, result, question, {}))


def summary(kind: str, done: list[Trial]) -> str:
    """One line of the table."""
    named = sum(any(trial.says in line for line in trial.lines) for trial in done)
    share, mean = f"{named} of {len(done)}", np.mean([len(trial.lines) for trial in done])
    return f"| {kind} | {share} | {mean:.1f} | {max(len(trial.lines) for trial in done)} |"


def main() -> None:
    """Print the table, and on stderr what was missed and what untouched tables were said to have."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=10)
    parser.add_argument("--kinds", default=",".join(function.__name__ for function in PLANTS.values()))
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    wanted = [kind for kind, function in PLANTS.items() if function.__name__ in options.kinds.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, str(render(Path(folder), "table.csv", TARGET, []) / "src"))
        for name in ("train", "evaluate", "engine.runs.promote"):  # once, before the processes part
            importlib.import_module(f"project.{name}")
        print("| planted | named | lines in the box, mean | most |\n|---|---|---|---|")
        with multiprocessing.get_context("fork").Pool(options.jobs, maxtasksperchild=1) as pool:
            measure(pool, wanted, options.each)


def measure(pool: Pool, wanted: list[str], each: int) -> None:
    """Print a line for each kind, and one for the tables as they are."""
    for kind in wanted:
        done = pool.map(evaluate, trials(kind, each), chunksize=1)
        print(summary(kind, done), flush=True)
        for trial in done:
            if not any(trial.says in line for line in trial.lines):
                print(f"missed: {kind}: {trial.table.shape} {trial.lines}", file=sys.stderr, flush=True)
    alone = pool.map(evaluate, map(Trial, tables()), chunksize=1)
    few, counts = sum(len(trial.lines) < 2 for trial in alone), [len(trial.lines) for trial in alone]
    print(f"| nothing | {few} of {len(alone)} have one line or none | {np.mean(counts):.1f} | {max(counts)} |")
    for trial in alone:
        print(f"{trial.table.shape}: {trial.lines}", file=sys.stderr)


if __name__ == "__main__":
    main()
