"""What it costs that nothing is ever half, lost or unexplained: CPU seconds with and without.

    .venv/bin/python benchmarks/overhead.py [--repeats 9]

Renders the default project and runs in turn, each in a process of its own: `train`, which locks, checks digests, copies
the code, lists the environment, asks git, syncs and records; the same training without any of that, its model pickled
to a file; a `predict` that has nothing to do; and a Python that imports click. Prints a Markdown table of the least of
each, because what else the machine does only adds, and of the median of the ratios, pair by pair. The environment is
the one that runs this script, as for `against_plain.py`.
"""

import argparse
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from against_plain import cpu, render

# The command line and the garbage collector as `__main__.py` has them: they are not what is measured.
PLAIN = """
import atexit, gc, pickle
gc.set_threshold(100_000)
atexit.register(gc.freeze)
from pathlib import Path
from project import cli, train
from project.engine.project import settings
model, about, _, held = train.learn(settings.load(), Path())
with open("plain.pkl", "wb") as file:
    pickle.dump(model, file, protocol=5)
"""
PAIRS = {
    "train": (["-m", "project", "train"], ["-c", PLAIN]),
    "nothing to do": (["-m", "project", "predict"], ["-c", "import click"]),
}


def measure(project: Path, what: str, repeats: int) -> str:
    """One line of the table."""
    pairs = []
    for _ in range(repeats):
        if what == "train":
            for run in project.glob("models/2*"):
                shutil.rmtree(run)
        pairs.append([cpu([sys.executable, *words], project)[0] for words in PAIRS[what]])
    ours, other = (min(seconds) for seconds in zip(*pairs, strict=True))
    median = statistics.median(one / two for one, two in pairs)
    return f"| {what} | {ours:.3f} | {other:.3f} | {ours / other:.2f} | {median:.2f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        project = render(Path(folder), "sklearn:breast_cancer", "diagnosis", [])
        cpu([sys.executable, "-m", "project", "predict"], project)
        print("| command | CPU s | without, or click alone, CPU s | ratio | median |\n|---|---|---|---|---|")
        print(measure(project, "train", repeats), flush=True)
        cpu([sys.executable, "-m", "project", "predict"], project)
        print(measure(project, "nothing to do", 2 * repeats), flush=True)


if __name__ == "__main__":
    main()
