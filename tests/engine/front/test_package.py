"""What importing the package does, and what it offers to other programs."""

import subprocess
import sys

import pandas as pd
import pytest

from data_science_project.engine.project import package
from data_science_project.engine.runs import model, registry

MODULES = [
    ".".join((package.NAME, *path.relative_to(package.FOLDER).with_suffix("").parts)).removesuffix(".__init__")
    for path in package.code(package.FOLDER)
    if path.suffix == ".py" and path.name != "__main__.py"
]
LOAD = """
import sys
import pandas as pd
from data_science_project import load
load(*sys.argv[2:]).predict(pd.read_csv(sys.argv[1], dtype=str)).to_csv("by_load.csv", index=False)
"""


def test_importing_every_module_prints_and_creates_nothing(tmp_path):
    code = f"import importlib\nfor name in {MODULES}:\n    importlib.import_module(name)"
    command, path = [sys.executable, "-B", "-W", "error", "-c", code], {"PYTHONPATH": str(package.FOLDER.parent)}

    done = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, check=True)

    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == (b"", b"", [])


def test_loaded_model_answers_from_any_folder_as_make_predict_does(project, made_table, command, tmp_path):
    rows = project.root / "rows.csv"
    made_table.head(7).to_csv(rows, index=False)
    made = command(project.root, "-m", package.NAME, "predict", "--input", "rows.csv", "--output", "by_predict.csv")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    done = command(elsewhere, "-c", LOAD, str(rows), PYTHONPATH=str(project.root / "src"))

    assert made.returncode == done.returncode == 0, made.stderr + done.stderr
    assert (elsewhere / "by_load.csv").read_bytes() == (project.root / "by_predict.csv").read_bytes()


def test_loaded_model_keeps_the_index_of_the_rows_and_leaves_them_as_they_are(project, made_table):
    rows = made_table.head(3).set_axis(["a", "b", "c"])
    before = rows.copy()

    answers = model.load().predict(rows)

    assert answers.index.tolist() == ["a", "b", "c"]
    pd.testing.assert_frame_equal(rows, before)


def test_loading_takes_the_named_run(project):
    name = registry.folders(project)[0].name

    assert model.load(name[-8:]).name == name


def test_loading_without_a_run_says_how_to_make_one(make_project):
    make_project()

    with pytest.raises(Exception, match="Train one: make train"):
        model.load()
