"""The same seed gives the same bytes, and a model stays itself whatever is edited afterwards."""

import os
import shutil
import subprocess
import sys

import pytest

from {{ cookiecutter.package_name }}.engine.project import (
    artefact,
    package,
    records,
    settings,
)
from {{ cookiecutter.package_name }}.engine.runs import registry, reproduce
from {{ cookiecutter.package_name }}.engine.runs.model import Model

FEW = 100  # rows of each split: two processes train on them
TRAIN = "from {0} import train; from {0}.engine.project import settings; train.run(settings.load(), key='same')"


@pytest.fixture
def copy(own, run, tmp_path):
    """A copy of the user's project, with its parameters, dictionary, tables, code and run."""
    shutil.copytree(own.package, tmp_path / own.relative(own.package), ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(run, tmp_path / own.relative(run))
    for path in (own.dictionary, own.root / settings.PARAMS, own.clean, own.split("test"), *own.also):
        (tmp_path / own.relative(path)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / own.relative(path))
    params = tmp_path / settings.PARAMS  # a copy is signed by nobody
    params.write_text(reproduce.SIGNERS.sub(r'\1""', params.read_text("utf-8")), "utf-8")
    return settings.load(tmp_path)


def run_python(root, *arguments, **environment):
    """Run `python` with the package of a copied project, in a process of its own."""
    variables = {**os.environ, "PYTHONPATH": str(root / "src"), **environment}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, check=False)


def test_same_seed_gives_the_same_bytes_in_two_processes(copy, splits):
    shutil.rmtree(copy.models)
    for part in ("train", "dev"):
        splits[part].sample(min(FEW, len(splits[part])), random_state=0).to_parquet(copy.split(part))
        records.record(copy.split(part), {})
    projects = [copy, settings.load(shutil.copytree(copy.root, copy.root.with_name("second")))]

    done = [
        run_python(project.root, "-c", TRAIN.format(package.NAME), PYTHONHASHSEED=seed)
        for project, seed in zip(projects, "12", strict=True)
    ]

    assert not any(process.returncode for process in done), done[0].stderr
    one, other = (artefact.sha256(registry.folders(project)[0] / registry.MODEL) for project in projects)
    assert one == other


def test_model_answers_the_same_after_features_were_edited(own, copy, run, rows):
    before = Model(run, own.settings.predict, own.dictionary, own.settings.decision).predict(rows)
    rows.to_parquet(copy.root / "rows.parquet")
    with (copy.package / "features.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef add_features(rows):\n    raise RuntimeError('edited after the training')\n")

    options = ["--run", run.name, "--input", "rows.parquet", "--output", "./new.csv"]
    done = run_python(copy.root, "-m", package.NAME, "predict", *options)

    assert done.returncode == 0, done.stderr
    listed = before.sort_values("rank") if own.settings.decision.capacity else before
    listed.to_csv(copy.root / "old.csv", index=False)
    assert (copy.root / "new.csv").read_bytes() == (copy.root / "old.csv").read_bytes()
