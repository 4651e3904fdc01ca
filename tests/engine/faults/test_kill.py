"""`kill -9` at random, seeded moments of each step: the same command then completes, as if nothing had happened.

    python -m pytest tests/engine/faults/test_kill.py              6 kills, one a step, part of `make test`
    KILLS=200 python -m pytest tests/engine/faults/test_kill.py    200 kills, some twenty minutes

Half of the kills come from outside, to the whole process group, at a random time of the step. The other half come
before a random one of its writes (a file opened, renamed, linked or deleted, a folder made), because most of the time
of a small step is spent on imports. The number of a kill says all: `KILLS=200 ... -k '[17]'` does number 17 again.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.project import artefact, package, records, settings
from data_science_project.engine.runs import loading, registry

unix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither process groups nor kill -9")
pytestmark = [unix, pytest.mark.once]

KILLS = int(os.environ.get("KILLS", "6"))
OUTPUTS = {
    "data": ("data/raw/*", "references/*.toml", "data/interim/*"),
    "features": ("data/processed/*",),
    "train": ("models/*",),
    "evaluate": ("reports/*",),
    "predict": ("data/predictions/*",),
    "explore": ("reports/*",),
}
STEPS = tuple(OUTPUTS)
# Counts writes below `folder`, notes their number at the end, and dies before number `limit`.
WATCHED = """
import atexit, os, runpy, signal, sys
package, folder, limit, note, *words = sys.argv[1:]
seen = 0

def watch(event, found):
    global seen
    writes = event == "open" and isinstance(found[2], int) and found[2] & (os.O_WRONLY | os.O_RDWR)
    changes = event in ("os.rename", "os.link", "os.mkdir", "os.remove")
    if (writes or changes) and str(found[0]).startswith(folder):
        seen += 1
        if seen == int(limit):
            os.kill(0, 9)

sys.argv[1:] = words
sys.addaudithook(watch)
atexit.register(lambda: open(note, "w").write(str(seen)))
runpy.run_module(package, run_name="__main__", alter_sys=True)
"""


@pytest.fixture(scope="session")
def undisturbed(trained, tmp_path_factory):
    """`undisturbed(step)` runs a step once: the project before it, its seconds, how often it wrote, what came out."""
    known, quick = {}, copy(trained, tmp_path_factory.mktemp("quick") / "project")
    params = quick / settings.PARAMS
    params.write_text(params.read_text().replace("[train]\n", '[train]\nmetric = "accuracy"\n'))  # quick to resample
    remove(quick, OUTPUTS["train"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "FOLDER", quick / "src" / package.NAME)
        pipeline.make(settings.load(quick), "predict")

    def of(step):
        if step not in known:
            before = copy(quick, tmp_path_factory.mktemp(step) / "project")
            for later in STEPS[STEPS.index(step) :]:
                remove(before, OUTPUTS[later])
            remove(before, (".cache",))
            after = copy(before, before.with_name("after"))
            clock = time.perf_counter()
            process, note = start(after, step)
            log = process.communicate()[1].decode()
            assert process.returncode == 0, log
            seconds, writes = time.perf_counter() - clock, int(note.read_text())
            known[step] = SimpleNamespace(before=before, seconds=seconds, writes=writes, results=results(after))
        return known[step]

    return of


def copy(root, place):
    return shutil.copytree(root, place, symlinks=True)


def remove(root, patterns):
    for path in [path for pattern in patterns for path in root.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def start(root, step, limit=0):
    """A step in a process group of its own that dies before write number `limit`, and the file with their number."""
    variables = {**os.environ, "PYTHONPATH": str(root / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    note = root.with_suffix(".writes")
    words = [sys.executable, "-c", WATCHED, package.NAME, str(root), str(limit), str(note), step]
    pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.DEVNULL}
    return subprocess.Popen(words, cwd=root, env=variables, start_new_session=True, **pipes), note


def results(root):
    """What has to be the same, bit by bit: all but the names of runs and times."""
    files = ["table.csv", "references/data_dictionary.toml", "data/interim/clean.parquet"]
    files += [f"data/processed/{part}.parquet" for part in settings.PARTS]
    found = {file: artefact.sha256(root / file) for file in files if (root / file).exists()}
    for pattern in ("data/raw/*/table.csv", "models/*/model.pkl", "reports/*/test_answers.parquet"):
        found[pattern] = [artefact.sha256(path) for path in root.glob(pattern)]
    for path in root.glob("data/predictions/*.csv"):
        found[path.name] = pd.read_csv(path, dtype=str).drop(columns="run").to_csv()
    return {**found, "explored": (root / "reports" / "exploration.html").exists()}


def check(root):
    """Whatever has its final name is whole, and the records tell the truth."""
    for folder in registry.folders(settings.load(root)):
        loading.check(folder)
    for card in root.glob("data/raw/*/source.json"):
        for entry in records.read_sealed(card)["files"]:
            assert artefact.sha256(card.parent / entry["name"]) == entry["sha256"]
    for record in root.rglob("*.json"):
        assert record.read_bytes().rstrip().endswith(b"}"), record


@pytest.mark.parametrize("number", range(KILLS))
def test_step_after_a_kill_completes_as_if_nothing_had_happened(undisturbed, anew, tmp_path, number):
    chance, step = random.Random(number), STEPS[number % len(STEPS)]
    normal = undisturbed(step)
    root = copy(normal.before, tmp_path / "project")
    inside = chance.random() < 0.5
    process, _ = start(root, step, chance.randint(1, normal.writes) if inside else 0)
    if not inside:
        time.sleep(chance.uniform(0, normal.seconds))
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    check(root)

    again = anew(root, step)

    assert again.exit_code == 0, again.stderr
    assert results(root) == normal.results, again.stderr
    check(root)
    assert not [path for path in root.rglob(".*") if path.name.endswith(".tmp")]
    for path in root.rglob("*.parquet"):
        if not {".cache", "raw", "models"} & set(path.parts):  # a run has its digests in run.json
            records.checked(path)
