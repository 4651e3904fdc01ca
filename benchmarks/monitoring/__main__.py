"""How often `make monitor` raises an alarm without drift, and how often it names the column that was moved.

    .venv/bin/python benchmarks/monitoring [TABLE ...] [--windows 200] [--splits 4]

Divides each table of `divided.py` into rows that are known and rows that come later, another way for each split;
renders a project about the former, trains it with two candidates, and lets `windows.py` draw windows of the latter, as
they are and with a planted shift. A Markdown table comes out. The environment is the one that runs this script, as for
`against_plain.py`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from against_plain import render  # noqa: E402 (it lies beside this folder)
from divided import TABLES, TARGET, divided  # noqa: E402

SIZES = (200, 1000)
SHARES = ["alarms without drift", "half a sd", "10 points", "10 % missing", "unit"]
HEAD = ["table", "learned from", "columns", "window", "different rows", *SHARES, "score within its interval (width)"]


def measure(name: str, windows: int, seed: int) -> dict[str, dict]:
    """What is found in so many windows of one split, by the size of the windows."""
    with tempfile.TemporaryDirectory() as temporary:
        source, later = Path(temporary) / f"{name}.csv", Path(temporary) / "later.csv"
        for path, rows in zip((source, later), divided(name, seed, max(SIZES) * windows), strict=True):
            rows.to_csv(path, index=False)
        project = render(Path(temporary), str(source), TARGET, [])
        environment = {**os.environ, "PYTHONPATH": "src", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}
        train = [sys.executable, "-m", "project", "train", "--set", 'train.candidates=["linear", "boosting"]']
        subprocess.run(train, cwd=project, env=environment, check=True, capture_output=True)
        look = [sys.executable, str(HERE / "windows.py"), str(later), str(windows), str(seed), *map(str, SIZES)]
        done = subprocess.run(look, cwd=project, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)


def line(name: str, size: int, found: list[dict]) -> str:
    """A line of Markdown about all windows of a size."""
    shares = [np.mean([one[what] for one in found]) for what in SHARES]
    scores = [window for one in found for window in one["scores"]]
    of_metric = {metric: np.array([window[metric] for window in scores]).mean(axis=0) for metric in scores[0]}
    within = [f"{metric} {share:.1%} ({width:.3g})" for metric, (share, width) in of_metric.items()]
    different = np.mean([one["different"] for one in found])
    cells = [name, f"{found[0]['rows']:,}", found[0]["columns"], f"{size:,}", f"{different:,.0f}"]
    shown = [*cells, *(f"{share:.1%}" for share in shares), ", ".join(within)]
    return f"| {' | '.join(map(str, shown)).replace('%', ' %')} |"


def main() -> None:
    """Measure the tables that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", default=[*TABLES], help="of divided.py")
    parser.add_argument("--windows", type=int, default=200)
    parser.add_argument("--splits", type=int, default=4)
    options = parser.parse_args()
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}", flush=True)
    for name in options.tables:
        found = [measure(name, options.windows // options.splits, seed) for seed in range(options.splits)]
        for size in SIZES:
            print(line(name, size, [one[str(size)] for one in found]), flush=True)


if __name__ == "__main__":
    main()
