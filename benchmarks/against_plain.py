"""Cost and quality of a generated project beside a script written by hand.

    .venv/bin/python benchmarks/against_plain.py [TABLE.csv:TARGET[:DROPPED,...] ...] [--repeats 3]

Renders a project for each table (default: the sets that come with scikit-learn), then runs its `predict` and
`plain.py` in turn, each in a process of its own, and prints a Markdown table: CPU seconds of both (median), their
ratio, CPU seconds of a `predict` that has nothing to do, and the test metric of the project's model, of scikit-learn's
boosting and of its linear model on the project's own splits. The environment is the one that runs this script: it
needs the project's dependencies (`pip install` the rendered pyproject.toml) besides cookiecutter.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent.parent
BUNDLED = {"breast_cancer": "diagnosis", "iris": "species", "wine": "cultivar", "diabetes": "disease_progression"}
COMPARE = """
import json, sys
import numpy as np, pandas as pd
sys.path.insert(0, sys.argv[1])
import plain
from project import train
from project.engine.columns import dictionary
from project.engine.modelling import metrics
from project.engine.modelling.question import predict
from project.engine.project import settings
from project.engine.runs import loading, registry
project = settings.load()
question, _ = train.prepare(project)
test = pd.read_parquet(project.split("test"))
truth = test.pop(dictionary.target(dictionary.load(project.dictionary))).to_numpy().astype(question.truth.dtype)
run = loading.load(registry.folders(project)[0])
name = run.record["metrics"]["chosen_by"]
def score(model, rows):
    return metrics.score(truth, predict(model, rows, question.classes))[name]
def plainly(frame):
    dates = frame.select_dtypes("datetime").columns
    return frame.assign(**{column: frame[column].astype("int64") / 1e15 for column in dates})
rivals = plain.pipelines(len(question.classes))
columns = list(question.rows.columns)
scores = {"ours": score(run.model, test)}
for rival in ("boosting", "linear"):
    fitted = rivals[rival].fit(plainly(question.rows), question.truth)
    scores[rival] = score(fitted, plainly(test[columns]))
print(json.dumps({"metric": name, **scores}))
"""


def cpu(command: list[str], folder: Path) -> tuple[float, str]:
    """CPU seconds (user and system) of a command and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": "src", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def render(folder: Path, source: str, target: str, dropped: list[str]) -> Path:
    """A project about a table."""
    answers = ["repo_name=project", f"data_source={source}", f"target={target}"]
    command = [sys.executable, "-m", "cookiecutter", "--no-input", str(TEMPLATE), "-o", str(folder), *answers]
    subprocess.run(command, check=True, capture_output=True)
    params = folder / "project" / "params.toml"
    params.write_text(params.read_text().replace("drop = []", f"drop = {json.dumps(dropped)}"))
    return folder / "project"


def compare(source: str, target: str, dropped: list[str], repeats: int) -> str:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as temporary:
        project = render(Path(temporary), source, target, dropped)
        predict = [sys.executable, "-m", "project", "predict"]
        cpu([sys.executable, "-m", "project", "data"], project)
        table = str(next((project / "data" / "raw").glob("*/*.[ct]sv")))
        plain = [sys.executable, str(Path(__file__).with_name("plain.py")), table, target, "plain.csv", *dropped]
        costs = {"ours": [], "plain": [], "nothing": []}
        for _ in range(repeats):
            subprocess.run(["rm", "-rf", *project.glob("models/2*"), project / "references/data_dictionary.toml"])
            subprocess.run(["rm", "-rf", project / "data/interim/clean.parquet", project / ".cache"])
            costs["ours"].append(cpu(predict, project)[0])
            costs["plain"].append(cpu(plain, project)[0])
            costs["nothing"].append(cpu(predict, project)[0])
        scores = json.loads(cpu([sys.executable, "-c", COMPARE, str(Path(__file__).parent)], project)[1])
    ours, by_hand, nothing = (statistics.median(costs[name]) for name in ("ours", "plain", "nothing"))
    quality = " | ".join(f"{scores[name]:.4f}" for name in ("ours", "boosting", "linear"))
    name = Path(source).name if ":" not in source else source.partition(":")[2]
    cost = f"{ours:.1f} | {by_hand:.1f} | {ours / by_hand:.2f} | {nothing:.2f}"
    return f"| {name} | {cost} | {scores['metric']} | {quality} |"


def main() -> None:
    """Print the table, a line a data set as it is ready."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", help="TABLE.csv:TARGET[:DROPPED,...]")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    given = [table.split(":") for table in arguments.tables]
    sets = [(str(Path(t[0]).absolute()), t[1], t[2].split(",") if t[2:] else []) for t in given]
    print("| data | ours, CPU s | by hand, CPU s | ratio | nothing to do, CPU s | metric | ours | boosting | linear |")
    print("|---|---|---|---|---|---|---|---|---|")
    for source, target, dropped in sets or [(f"sklearn:{name}", target, []) for name, target in BUNDLED.items()]:
        print(compare(source, target, dropped, arguments.repeats), flush=True)


if __name__ == "__main__":
    main()
