"""The reasons of `make predict` beside exact Shapley values, on tables of at most eight columns.

    .venv/bin/python benchmarks/reasons PROJECT [PROJECT ...] [--rows 40] [--lines 50]

Each PROJECT is a rendered project with a run (`make train`). Every coalition of columns is asked (Shapley 1953, the
interventional value function of Lundberg and Lee 2017): the columns in it have the row's cells, the others those of
LINES rows of the dev split, as they are, so that columns that go together do so in the background. The reasons
themselves know usual values column by column only. A row agrees if, of its first three reasons, each has the sign of
its exact value, and none is named before or instead of one whose exact value is larger by more than what a reason
shows: 0.01 of a probability, 0.02 standard deviations of the answers of a number. A Markdown table comes out, with
how far two exact backgrounds agree with each other, and the CPU milliseconds that the reasons of a row took.
"""

import argparse
import itertools
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

MOST = 8
HEAD = (
    "| table | columns | rows | sign | order | sign and order | two backgrounds agree | ms a row |\n"
    "|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Measure each project in a process of its own, for their packages have names of their own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--lines", type=int, default=50)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        print(json.dumps(measured(asked.projects[0], asked.rows, asked.lines)))
        return
    print(HEAD)
    for project in asked.projects:
        root = project.resolve()
        environment = {**os.environ, "PYTHONPATH": str(root / "src")}
        command = [sys.executable, __file__, str(root), "--inside", f"--rows={asked.rows}", f"--lines={asked.lines}"]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{project}: {done.stderr.strip().splitlines()[-1]}")
        found = json.loads(done.stdout.splitlines()[-1])
        shares = [f"{found[name]:.0%}" for name in ("sign", "order", "both", "backgrounds")]
        print(f"| {root.name} | {found['columns']} | {found['rows']} | {' | '.join(shares)} | {found['ms']:.1f} |")


def measured(root: Path, n_rows: int, n_lines: int) -> dict[str, float]:
    """Agreement of the reasons of some test rows with their exact values, as shares of the rows."""
    import importlib
    import time

    import pandas as pd

    package = next(path.name for path in (root / "src").iterdir() if (path / "engine").is_dir())
    engine = f"{package}.engine"
    settings = importlib.import_module(f"{engine}.project.settings")
    registry, loading, worklist, answers = (
        importlib.import_module(f"{engine}.runs.{name}") for name in ("registry", "loading", "worklist", "answers")
    )
    reasons = importlib.import_module(f"{engine}.modelling.reasons")
    project = settings.load(root)
    folder = registry.folders(project)[0]
    model = loading.load(folder)
    rows = model.add_features(answers.test_rows(project, model).head(n_rows))
    answer, usual, asked, _ = worklist.background(folder, model, rows)
    names = list(usual)
    if len(names) > MOST:
        sys.exit(f"{len(names)} columns are too many for every coalition: at most {MOST}")
    clock = time.process_time()
    found = reasons.effects(answer, rows, usual, asked)
    spent = 1000 * (time.process_time() - clock) / len(rows)
    dev = pd.read_parquet(project.split("dev"))[names].sample(2 * n_lines, random_state=0, replace=True)
    exact, other = (shapley(answer, rows[names], lines, asked) for lines in (dev[:n_lines], dev[n_lines:]))
    is_class = bool(model.record["classes"])
    tell = 0.01 if is_class else 0.02 * float(np.std(answer(rows)))
    both = [agreement(one, exact, tell) for one in (found, other)]
    shares = {"sign": both[0][0].mean(), "order": both[0][1].mean(), "both": (both[0][0] & both[0][1]).mean()}
    between = (both[1][0] & both[1][1]).mean()
    return {**shares, "backgrounds": between, "ms": spent, "columns": len(names), "rows": len(rows)}


def shapley(answer, rows, lines, asked) -> np.ndarray:
    """Exact Shapley values by every coalition, shape (n_rows, n_columns)."""
    import pandas as pd

    n, size = rows.shape
    both = pd.concat([rows, lines.astype(rows.dtypes.to_dict())], ignore_index=True)
    own, others = np.repeat(np.arange(n), len(lines)), n + np.tile(np.arange(len(lines)), n)
    value = {}
    for inside in itertools.product((False, True), repeat=size):
        cells = {
            name: both[name].iloc[own if known else others].array for name, known in zip(rows, inside, strict=True)
        }
        said = answer(pd.DataFrame(cells))[np.arange(len(own)), np.repeat(asked, len(lines))]
        value[inside] = said.reshape(n, -1).mean(axis=1)
    found = np.zeros((n, size))
    for inside, with_it in value.items():
        k = sum(inside)
        for place in range(size):
            if inside[place]:
                without = value[(*inside[:place], False, *inside[place + 1 :])]
                found[:, place] += (with_it - without) * math.factorial(k - 1) * math.factorial(size - k)
    return found / math.factorial(size)


def agreement(found: np.ndarray, exact: np.ndarray, tell: float) -> tuple[np.ndarray, np.ndarray]:
    """For each row, whether the first three have the right signs, and stand where they belong; shape (n_rows,)."""
    signs, orders = [], []
    for said, true in zip(found, exact, strict=True):
        first = [place for place in np.argsort(-np.abs(said), kind="stable")[:3] if abs(said[place]) >= tell / 2]
        signs.append(all(said[place] * true[place] > 0 or abs(true[place]) <= tell for place in first))
        later = [set(range(len(true))) - set(first[: rank + 1]) for rank in range(len(first))]
        orders.append(
            all(
                abs(true[other]) <= abs(true[place]) + tell
                for place, rest in zip(first, later, strict=True)
                for other in rest
            )
        )
    return np.array(signs), np.array(orders)


if __name__ == "__main__":
    main()
