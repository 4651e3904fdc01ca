"""The reasons of `make predict` beside exact Shapley values, on tables of at most eight columns.

    .venv/bin/python benchmarks/reasons PROJECT [PROJECT ...] [--rows 40] [--lines 100]

Each PROJECT is a rendered project with a run (`make train`). Every coalition of columns is asked (Shapley 1953, the
interventional value function of Lundberg and Lee 2017): the columns in it have the row's cells, the others those of
each line of a background. A row agrees if its three largest reasons are the columns with the three largest exact
values, in that order, with their signs. That is the strict figure. In the other one two exact values that differ by
less than a reason shows are a tie: 0.01 of a probability, 0.02 standard deviations of the answers of a number; and a
reason below half of that is not shown, so it is not compared. Two backgrounds: the lines of usual values that the
reasons themselves are measured on, column by column, which is what they promise; and LINES rows of the dev split as
they are, so that columns that go together do so. Two halves of those rows say how far a background settles the answer
(but for ties). A Markdown table comes out, with the CPU milliseconds that the reasons of a row took, of 100 rows asked
at once, the least of five times: on a busy machine the same work takes more. Of a table with more columns there are the
milliseconds alone.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

MOST = 8
HEAD = (
    "| table | columns | rows | strict | but ties | dev rows, strict | but ties | two halves of them | ms a row |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Measure each project in a process of its own, for their packages have names of their own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("projects", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=40)
    parser.add_argument("--lines", type=int, default=100)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        print(json.dumps(measured(asked.projects[0], asked.rows, asked.lines)))
        return
    print(HEAD)
    for project in asked.projects:
        root = project.resolve()
        environment = {**os.environ, "PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, str(root), "--inside", f"--rows={asked.rows}", f"--lines={asked.lines}"]
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{project}: {done.stderr.strip().splitlines()[-1]}")
        found = json.loads(done.stdout.splitlines()[-1])
        shares = [f"{share:.0%}" for share in found["shares"]] or ["-", "-", "-", "-", "-"]
        print(f"| {root.name} | {found['columns']} | {found['rows']} | {' | '.join(shares)} | {found['ms']:.1f} |")


def measured(root: Path, n_rows: int, n_lines: int) -> dict[str, object]:
    """Agreement of the reasons of some test rows with their exact values, as shares of the rows."""
    import importlib
    import time

    import pandas as pd

    package = next(path.name for path in (root / "src").iterdir() if (path / "engine").is_dir())
    engine = f"{package}.engine"
    settings = importlib.import_module(f"{engine}.project.settings")
    registry, loading, answers = (
        importlib.import_module(f"{engine}.runs.{name}") for name in ("registry", "loading", "answers")
    )
    reasons = importlib.import_module(f"{engine}.modelling.reasons")
    project = settings.load(root)
    folder = registry.folders(project)[0]
    model = loading.load(folder)
    every = model.add_features(answers.test_rows(project, model))
    rows, many = every.head(n_rows), every.iloc[np.arange(100) % len(every)].reset_index(drop=True)
    answer, usual, asked, _ = answers.background(folder, model, many)
    clock = [time.process_time()]
    for _ in range(5):
        reasons.effects(answer, many, usual, asked)
        clock.append(time.process_time())
    found = {"ms": 10 * float(np.diff(clock).min()), "columns": usual.shape[1], "rows": len(rows), "shares": []}
    if usual.shape[1] > MOST:
        return found
    answer, usual, asked, _ = answers.background(folder, model, rows)
    dev = pd.read_parquet(project.split("dev"))[list(usual)]
    dev = dev.sample(min(n_lines, len(dev)), random_state=0).reset_index(drop=True)
    value = values(reasons, answer, rows, pd.concat([reasons.shuffled(usual), dev], ignore_index=True), asked)
    own, first, second = np.split(value, [value.shape[2] - len(dev), value.shape[2] - len(dev) // 2], axis=2)
    stated, whole, one, other = (
        shapley(part.mean(axis=2)) for part in (own, np.concatenate([first, second], axis=2), first, second)
    )
    said, tell = reasons.effects(answer, rows, usual, asked), 0.01
    if not model.record["classes"]:
        tell = 0.02 * float(np.std(answer(rows)))
    found["shares"] = [agreement(said, exact, some).mean() for exact in (stated, whole) for some in (0.0, tell)]
    found["shares"].append(agreement(one, other, tell).mean())
    return found


def values(reasons, answer, rows, lines, asked) -> np.ndarray:
    """The answers by every coalition, shape (2 ** n_columns, n_rows, n_lines); a column of bit k is in it or not."""
    import pandas as pd

    n = len(rows)
    both = {name: reasons.joined(rows[name], cells) for name, cells in lines.items()}
    own, others = np.repeat(np.arange(n), len(lines)), n + np.tile(np.arange(len(lines)), n)
    found = []
    for inside in range(2 ** len(both)):
        chosen = {name: own if inside >> k & 1 else others for k, name in enumerate(both)}
        said = answer(pd.DataFrame({name: both[name].array[places] for name, places in chosen.items()}))
        found.append(said[np.arange(len(own)), np.repeat(asked, len(lines))].reshape(n, -1))
    return np.array(found)


def shapley(value: np.ndarray) -> np.ndarray:
    """Exact Shapley values, shape (n_rows, n_columns), of the value of every coalition, (2 ** n_columns, n_rows)."""
    size = len(value).bit_length() - 1
    found = np.zeros((value.shape[1], size))
    for inside, with_it in enumerate(value):
        k = inside.bit_count()
        for place in range(size):
            if inside >> place & 1:
                share = math.factorial(k - 1) * math.factorial(size - k) / math.factorial(size)
                found[:, place] += share * (with_it - value[inside ^ 1 << place])
    return found


def agreement(found: np.ndarray, exact: np.ndarray, tie: float) -> np.ndarray:
    """For each row, whether the first three have the right signs and stand where they belong; shape (n_rows,)."""
    rows = []
    for said, true in zip(found.round(12), exact.round(12), strict=True):
        first = [place for place in np.argsort(-np.abs(said), kind="stable")[:3] if abs(said[place]) >= tie / 2]
        signs = all(said[place] * true[place] > 0 or abs(true[place]) <= tie for place in first)
        later = [np.delete(np.abs(true), first[: rank + 1]) for rank in range(len(first))]
        order = all((rest <= abs(true[place]) + tie).all() for place, rest in zip(first, later, strict=True))
        rows.append(signs and order)
    return np.array(rows)


if __name__ == "__main__":
    main()
