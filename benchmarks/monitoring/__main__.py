"""How often `make monitor` raises an alarm without drift, and how often it names the column that was moved.

    .venv/bin/python benchmarks/monitoring [TABLE ...] [--windows 200]

Writes each table of `tables.py` to a file, renders a project about it, trains it with two candidates, and lets
`windows.py` draw windows of its test rows, with replacement, as they are and with a planted shift. A Markdown table
comes out. The environment is the one that runs this script, as for `against_plain.py`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from against_plain import render  # noqa: E402 (it lies beside this folder)
from tables import TABLES, TARGET  # noqa: E402

HEAD = [
    "table",
    "train and test rows",
    "columns",
    "window",
    "alarms without drift",
    "half a sd",
    "10 points",
    "10 % missing",
    "unit",
]
HEAD += ["score within its interval"]


def measure(name: str, windows: int) -> str:
    """The lines of a table."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / f"{name}.csv"
        TABLES[name]().to_csv(source, index=False)
        project = render(Path(temporary), str(source), TARGET, [])
        environment = {**os.environ, "PYTHONPATH": "src", "PYTHONWARNINGS": "ignore", "OMP_NUM_THREADS": "1"}
        train = [sys.executable, "-m", "project", "train", "--set", 'train.candidates=["linear", "boosting"]']
        subprocess.run(train, cwd=project, env=environment, check=True, capture_output=True)
        look = [sys.executable, str(HERE / "windows.py"), name, str(windows)]
        return subprocess.run(look, cwd=project, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Measure the tables that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", default=[*TABLES], help="of tables.py")
    parser.add_argument("--windows", type=int, default=200)
    options = parser.parse_args()
    print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
    for name in options.tables:
        print(measure(name, options.windows), end="", flush=True)


if __name__ == "__main__":
    main()
