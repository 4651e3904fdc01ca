import json
import warnings
from pathlib import Path

import pytest

from data_science_project import pipeline
from data_science_project.engine.project import lock
from data_science_project.engine.project.errors import ProjectError
from data_science_project.engine.runs import registry
from data_science_project.engine.steps import chores

NOTEBOOKS = next(Path(__file__).parents[3].glob("{{*/notebooks"))


def files(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_clean_removes_what_make_built_and_nothing_else_and_make_takes_the_run_that_is_there(project):
    keep = ["data/external/labels.csv", "data/interim/.gitkeep", "notebooks/1.0-look.ipynb", "reports/figures/mine.png"]
    gone = ["docs/_build/html/index.html", "reports/exploration.html", "reports/exploration.html.json"]
    for name in [*keep, *gone]:
        path = project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    before, runs = files(project.root), registry.folders(project)

    chores.clean(project)

    removed = before - files(project.root)
    assert set(gone) | {"data/interim/clean.parquet", "data/processed/test.parquet.json"} <= removed
    kept = ("data/raw/", "models/", "data/predictions/", "references/", "src/", "params.toml", "table.csv", *keep)
    assert not [name for name in removed if name.startswith(kept)]
    pipeline.make(project, "predict")
    assert registry.folders(project) == runs and project.clean.is_file()


def test_clean_leaves_a_reproduction_alone_as_long_as_it_works(make_project):
    project = make_project()
    made = [project.root / ".cache" / "reproduce" / name / "params.toml" for name in ("one", "other")]
    for path in made:
        path.parent.mkdir(parents=True)
        path.touch()

    with lock.alone(project.root, "reproduce", name="reproduce-one"):
        chores.clean(project)
        during = [path.exists() for path in made]
    chores.clean(project)

    assert during == [True, False] and not made[0].exists()


def test_notebook_runs_in_a_folder_whatever_its_name_has_in_it(project, anew, tmp_path):
    root = project.root.rename(tmp_path / "v1 [old]")
    (root / "notebooks").mkdir()
    cell = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": ["It ran."]}
    page = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (root / "notebooks" / "1.0-look [new].ipynb").write_text(json.dumps(page))

    done = anew(root, "notebook")

    assert done.exit_code == 0, done.stderr
    assert "It ran." in (root / "reports" / "notebooks" / "1.0-look [new].html").read_text("utf-8")


def test_program_that_fails_ends_the_command_with_a_failure(make_project):
    project = make_project()

    with pytest.raises(ProjectError, match=r"ruff .*exit code 2") as caught:
        chores.call(project, "ruff", "check", "--no-such-option")

    assert caught.value.exit_code == 1


def test_check_asks_every_tool_and_writes_nothing_and_fix_mends(make_project, capfd):
    project = make_project()
    wrong = project.root / "wrong.py"
    wrong.write_text("import os\nx = { 'a':1 }\n")
    (project.root / "ruff.toml").write_text('include = ["wrong.py"]\n[lint]\nselect = ["F"]\n')
    (project.root / "mypy.ini").write_text("[mypy]\nfiles = wrong.py\n")

    with pytest.raises(ProjectError, match="ruff"):
        chores.check(project)
    said, unchanged = capfd.readouterr().out, wrong.read_text()
    chores.fix(project)
    chores.check(project)

    assert all(part in said for part in ("F401", "would be reformatted", "no issues found"))
    assert unchanged == "import os\nx = { 'a':1 }\n" and wrong.read_text() == 'x = {"a": 1}\n'


def test_notebook_asks_the_model_about_a_telling_column_without_the_target_and_without_a_warning(
    project, caplog, monkeypatch
):
    monkeypatch.chdir(project.root)
    (path,) = NOTEBOOKS.glob("2.0-*.ipynb")
    cells = [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    seen = {}

    with warnings.catch_warnings(action="error"):
        for cell in cells:
            source = "".join(cell["source"]).replace("{{ cookiecutter.package_name }}", "data_science_project")
            *_, last = source.splitlines()
            exec(f"{source}\nshown = {last}" if not last.startswith(" ") else source, seen)

    shown = seen["shown"]
    assert not caplog.messages
    assert "answer" not in seen["rows"] and len(seen["why"]) == 20
    assert shown.index.name in ("amount", "colour") and shown.index.is_unique and 2 <= len(shown) <= 8
    assert list(shown) == ["prediction", "probability", "probability_no", "probability_yes"]
    assert shown["probability_yes"].nunique() > 1
