"""The tests that a project's user owns: green after edits that the docs invite, skipped with a reason without data."""

import os
import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
from conftest import PLAIN_ENVIRONMENT, edit

ROOMS = ("tests/data", "tests/features", "tests/model/test_answers.py", "tests/service")


def run_tests(project: Path, installed: Path) -> subprocess.CompletedProcess:
    """Run what `make test` runs, in the environment of another project."""
    (package,) = (project / "src").iterdir()
    python = installed / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    command = [python, "-m", package.name, "test", *ROOMS]
    environment = PLAIN_ENVIRONMENT | {"PYTHONPATH": str(package.parent)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


def add_weighted(project: Path) -> None:
    """The candidate that docs/train.md shows, copied from there."""
    page, (models,) = (project / "docs" / "train.md").read_text("utf-8"), project.glob("src/*/models.py")
    shown = page[page.index("    class Weighted(") : page.index("The same data, parameters")]
    written, line = textwrap.dedent(shown).strip().rsplit("\n\n", 1)
    edit(models, "import BaseEstimator", "import BaseEstimator, ClassifierMixin, clone")
    edit(models, "def boosting(", f"{written}\n\n\ndef boosting(")
    edit(models, '"dummy": ', f'{line}\n        "dummy": ')
    edit(project / "params.toml", '["dummy", ', '["dummy", "weighted", ')


def test_own_features_own_candidate_and_a_split_by_group_leave_the_users_tests_green(project, installed_project):
    random = np.random.default_rng(0)
    mass, volume = random.normal(10, 1, 300), random.normal(5, 1, 300).clip(1)
    answer = np.where(mass / volume > 2, "sinks", "swims")
    table = {"shop": random.integers(100, 140, 300).astype(str), "mass": mass, "volume": volume, "answer": answer}
    table["weight"] = random.uniform(1, 2, 300)
    pd.DataFrame(table).assign(shop=lambda t: "shop " + t["shop"]).to_csv(project / "table.csv", index=False)
    edit(project / "params.toml", '"sklearn:breast_cancer"', '"table.csv"')
    edit(project / "params.toml", '"diagnosis"', '"answer"')
    edit(project / "params.toml", 'by = "stratified"', 'by = "group:shop"')
    (features,) = project.glob("src/*/features.py")
    edit(features, "rows.assign(**days)", 'rows.assign(**days, density=rows["mass"] / rows["volume"])')
    add_weighted(project)

    done = run_tests(project, installed_project)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "now: give the row in this example" not in done.stdout
    assert "asks for weight by name" in done.stdout and "left out" not in done.stderr


def test_rare_class_repeated_id_few_values_and_other_dates_leave_the_users_tests_green(project, installed_project):
    random = np.random.default_rng(0)
    size, rooms = random.normal(10, 1, 300), random.integers(1, 9, 300)
    kind = np.where(size > 10, "large", "small")
    kind[:2] = "odd"
    flats = random.permutation([*range(1000, 1297), *range(1000, 1003)])  # three twice, by mistake
    days = random.permutation(pd.date_range("2026-01-01", periods=300).strftime("%d.%m.%Y"))
    table = pd.DataFrame({"flat_id": flats, "size": size, "rooms": rooms, "day": days, "kind": kind})
    table.to_csv(project / "table.csv", index=False)
    edit(project / "params.toml", '"sklearn:breast_cancer"', '"table.csv"')
    edit(project / "params.toml", '"diagnosis"', '"kind"')

    classes = run_tests(project, installed_project)
    edit(project / "params.toml", 'target = "kind"', 'target = "rooms"')
    edit(project / "params.toml", 'task = "auto"', 'task = "regression"')
    (project / "references/data_dictionary.toml").unlink()
    numbers = run_tests(project, installed_project)

    assert classes.returncode == 0, classes.stdout[-3000:] + classes.stderr[-3000:]
    assert "of 'flat_id' have rows in several splits" in classes.stdout and "'group:flat_id'" in classes.stdout
    assert numbers.returncode == 0, numbers.stdout[-3000:] + numbers.stderr[-3000:]


def test_users_tests_that_need_data_are_skipped_with_a_reason_where_there_are_none(project, installed_project):
    edit(project / "params.toml", '"sklearn:breast_cancer"', '"nowhere.csv"')

    done = run_tests(project, installed_project)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "nowhere.csv: no such file" in done.stdout and "run make pull" in done.stderr
    assert " passed, " in done.stdout
