"""How often a row is marked as unusual: usual ones, and such that were put together from different rows.

    PROJECT/.venv/bin/python benchmarks/unusual.py PROJECT

`PROJECT` is a rendered project, whose code is measured. Six tables, three seeds: 60 % of the rows are learned from,
20 % are held out, the others are looked at as they are, with each column drawn from another row of them, and with
three columns or one. Prints a Markdown table of the means; `benchmarks/tables.py` makes the tables.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import tables

NAMES = ("breast_cancer", "digits", "diabetes", "machines", "customers", "people")
SEEDS, DRAWN, TIMED = 3, 1000, 2000  # seeds; rows that are put together; rows that are timed


def mixed(rows: pd.DataFrame, random: np.random.Generator, replaced: int) -> pd.DataFrame:
    """Rows in each of which so many columns come from other rows."""
    found = rows.iloc[random.integers(0, len(rows), DRAWN)].reset_index(drop=True)
    which = random.permuted(np.tile(np.arange(rows.shape[1]) < replaced, (DRAWN, 1)), axis=1)
    for place, name in enumerate(rows):
        other = rows[name].iloc[random.integers(0, len(rows), DRAWN)].set_axis(found.index)
        found[name] = found[name].mask(which[:, place], other)
    return found


def measure(project: Path, name: str, seed: int) -> list[float]:
    """Shares of usual rows, and of those with all, three and one column replaced; CPU s to fit, CPU ms a row."""
    unusual, drawn = tables.module(project, "service.unusual"), tables.module(project, "service.drawn")
    whole = tables.table(name)
    columns, random = tables.columns_of(project, whole), np.random.default_rng(seed)
    rows = whole.drop(columns=tables.TARGET).iloc[random.permutation(len(whole))].reset_index(drop=True)
    train, dev, test = (
        rows.iloc[edge] for edge in np.split(np.arange(len(rows)), [len(rows) * 6 // 10, len(rows) * 8 // 10])
    )
    start = time.process_time()
    judge = unusual.Unusual(unusual.fit(train, dev, columns))
    seconds = time.process_time() - start
    marked = [np.mean(judge.marks(test))]
    marked += [np.mean(judge.marks(mixed(test, random, replaced))) for replaced in (rows.shape[1], 3, 1)]
    cells = (drawn.as_cells(test) * (TIMED // len(test) + 1))[:TIMED]
    start = time.process_time()
    for row in cells:
        judge.row(row)
    return [*marked, seconds, (time.process_time() - start) / len(cells) * 1000]


def main() -> None:
    """Print the table."""
    project = Path(sys.argv[1]).resolve()
    print("| table | rows | columns | usual rows | all columns | three | one | CPU s to fit | CPU ms a row |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in NAMES:
        size = tables.table(name).shape
        found = np.mean([measure(project, name, seed) for seed in range(SEEDS)], axis=0)
        shares = " | ".join(f"{100 * share:.1f} %" for share in found[:4])
        print(f"| {name} | {size[0]} | {size[1] - 1} | {shares} | {found[4]:.1f} | {found[5]:.3f} |", flush=True)


if __name__ == "__main__":
    main()
