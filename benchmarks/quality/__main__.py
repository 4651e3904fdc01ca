"""The default project beside other ways to a model, on the same rows: quality and cost.

    .venv/bin/python benchmarks/quality [TABLE.csv:TARGET[:DROPPED,...] ...] [--sets SETS.toml]
        [--rivals hgb,linear,flaml,autogluon] [--keep FOLDER] [--again ours,flaml]

Renders a project for each set (default: those that come with scikit-learn) and runs its `train` with the default
parameters; every rival gets the same rows of train and dev, the same columns and types, and answers for the same test
rows; all are scored alike, and a Markdown table comes out. Each contender is a process of its own, whose CPU seconds
(user and system, with its children) and wall seconds are counted, imports included; ours reads and splits the file too.

hgb and linear are scikit-learn's boosting and linear model behind ordinary preprocessing. flaml (30 s) and autogluon
(`medium_quality`, 60 s) are installed with uv, each into an environment of its own in FOLDER, when they are asked for.
Their budgets are wall seconds: on a busy machine they get less done, which "cores used" shows. With --keep, what is
done is not done again until its rows change, or --again names it. A file of sets has a table a set:

    [bank]
    source = "bank.csv"                     # as `data_source`; a file is looked for beside the TOML file
    target = "y"
    drop = ["duration"]                     # optional
    set = ["split.by=time:date"]            # optional, as `--set`

The environment is the one that runs this script, as for `against_plain.py`.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from against_plain import BUNDLED, render  # noqa: E402 (it lies beside this folder)
from table import OURS, Contest, Outcome, tables  # noqa: E402

BUDGET = {"hgb": 0, "linear": 0, "flaml": 30, "autogluon": 60}  # wall seconds; 0: it takes what it takes
PACKAGES = {"flaml": ["flaml[automl]", "pyarrow"], "autogluon": ["autogluon.tabular[all]", "pyarrow"]}
PATIENCE = 20  # a rival that has not ended after so many budgets, and PATIENCE seconds, is stopped
ROWS = ("fit.parquet", "fit_truth.npy", "test.parquet", "test_truth.npy", "question.json")


@dataclass(frozen=True)
class Table:
    """One set: where it is, what is asked, and what the parameters say beside the defaults."""

    name: str
    source: str
    target: str
    drop: tuple[str, ...] = ()
    set: tuple[str, ...] = ()


def measured(command: list[str], folder: Path, seconds: float | None = None) -> Outcome:
    """Run a command; its costs, and why it failed if it did."""
    environment = {**os.environ, "PYTHONPATH": "src", "PYTHONWARNINGS": "ignore"}
    before, clock = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds)
        failed = complaint(done.stderr) or f"exit {done.returncode}" if done.returncode else ""
    except subprocess.TimeoutExpired:
        failed = f"not ready after {seconds:.0f} s"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Outcome(cpu, time.perf_counter() - clock, failed)


def complaint(stderr: str) -> str:
    """What a command complained of: our `Error:` line, or the last one of a traceback."""
    lines = ["", *stderr.strip().split("\n")]
    said = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")] or lines[-1:]
    return said[0][:120].replace("|", "/")


def train(table: Table, kept: Path) -> Outcome:
    """Render, train, and take rows and answers out into `kept`."""
    with tempfile.TemporaryDirectory() as temporary:
        project = render(Path(temporary), table.source, table.target, list(table.drop))
        options = [word for override in table.set for word in ("--set", override)]
        outcome = measured([sys.executable, "-m", "project", "train", *options], project)
        if not outcome.failed:
            taken = measured([sys.executable, str(HERE / "ours.py"), str(kept), *options], project)
            outcome.failed = taken.failed
    return outcome


def compete(rival: str, kept: Path, keep: Path) -> Outcome:
    """Let one rival fit and answer."""
    budget = BUDGET[rival]
    command = [str(python_of(rival, keep)), str(HERE / "contend.py"), rival, str(kept), str(budget)]
    return measured([*command, str(kept / f"{rival}.npy")], kept, PATIENCE * (budget + PATIENCE))


def python_of(rival: str, keep: Path) -> Path:
    """The interpreter that has the rival; its environment is made if it is not there."""
    if rival not in PACKAGES:
        return Path(sys.executable)
    folder = keep / "environments" / rival
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "ready").exists():
        uv = [sys.executable, "-m", "uv"]
        subprocess.run([*uv, "venv", "--quiet", "--clear", str(folder)], check=True)
        subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES[rival]], check=True)
        (folder / "ready").touch()
    return python


def contest(table: Table, contenders: list[str], keep: Path, again: list[str]) -> Contest | Outcome:
    """One set: what is kept, and what has to be done anew; an Outcome where there are no rows to compete for."""
    kept = keep / table.name
    kept.mkdir(parents=True, exist_ok=True)
    outcomes = {}
    for name in [OURS, *contenders]:
        note = kept / f"{name}.json"
        known = json.loads(note.read_text()) if note.exists() and name not in again else {}
        if known.pop("rows", None) != (digest(kept, table) if (kept / ROWS[0]).exists() else ""):
            outcome = train(table, kept) if name == OURS else compete(name, kept, keep)
            known = {key: value for key, value in asdict(outcome).items() if key != "answers"}
            if outcome.failed and name == OURS:
                return outcome
            note.write_text(json.dumps({**known, "rows": digest(kept, table)}))
            print(f"{table.name}: {name} {outcome.failed or f'{outcome.cpu:.1f} CPU s'}", file=sys.stderr)
        answers = np.empty(0) if known["failed"] else np.load(kept / f"{name}.npy")
        outcomes[name] = Outcome(**known, answers=answers)
    question, truth = json.loads((kept / "question.json").read_text()), np.load(kept / "test_truth.npy")
    groups = np.load(kept / "test_groups.npy")
    return Contest(table.name, len(np.load(kept / "fit_truth.npy")), truth, groups, question["classes"], outcomes)


def digest(kept: Path, table: Table) -> str:
    """SHA-256 of all rows and of the question."""
    found = hashlib.sha256(repr(table).encode())
    for name in ROWS:
        found.update((kept / name).read_bytes())
    return found.hexdigest()


def read_sets(words: list[str], file: Path | None) -> Iterator[Table]:
    """The sets of the command line, then those of the file; the bundled ones if there are none."""
    for word in words:
        path, target, *rest = word.split(":")
        yield Table(Path(path).stem, str(Path(path).absolute()), target, tuple(rest[0].split(",")) if rest else ())
    for name, about in tomllib.loads(file.read_text(encoding="utf-8")).items() if file else ():
        source = about.pop("source")
        source = source if ":" in source else str((file.parent / source).absolute())
        yield Table(name, source, about.pop("target"), **{key: tuple(value) for key, value in about.items()})
    if not words and not file:
        for name, target in BUNDLED.items():
            yield Table(name, f"sklearn:{name}", target)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE:TARGET[:DROPPED,...]")
    parser.add_argument("--sets", type=Path, help="a TOML file of further sets")
    parser.add_argument("--rivals", default="hgb,linear", help=f"of {','.join(BUDGET)}")
    parser.add_argument("--keep", type=Path, help="a folder for results and environments; default: a temporary one")
    parser.add_argument("--again", default="", help="contenders to do anew: ours, or a rival")
    arguments = parser.parse_args()
    rivals, again = arguments.rivals.split(","), arguments.again.split(",")
    if unknown := [name for name in rivals if name not in BUDGET]:
        parser.error(f"--rivals: {', '.join(unknown)} is not known. Allowed: {', '.join(BUDGET)}.")
    with tempfile.TemporaryDirectory() as temporary:
        keep = (arguments.keep or Path(temporary)).absolute()
        found = {t.name: contest(t, rivals, keep, again) for t in read_sets(arguments.tables, arguments.sets)}
        print(tables([one for one in found.values() if isinstance(one, Contest)], [OURS, *rivals]))
    for name, outcome in found.items():
        if isinstance(outcome, Outcome):
            print(f"\n{name} is not compared, our `train` failed: {outcome.failed}")


if __name__ == "__main__":
    main()
