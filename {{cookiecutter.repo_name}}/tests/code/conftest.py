"""What the tests of the machinery share: throw-away projects that a test may break. Here a warning is an error."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import (
    artefact,
    features,
    settings,
    steps,
    store,
    surroundings,
)

PACKAGE = Path(steps.__file__).parent
# The made table has none of the user's columns, so the user's own features are set aside in throw-away projects.
NO_FEATURES = "\n\ndef add_features(rows):  # noqa: D103, F811\n    return rows.copy()\n"


def pytest_collection_modifyitems(items):
    """A warning is an error in these tests, and in no other of the project's."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("error"), append=False)


@pytest.fixture
def made_table():
    """The table of the throw-away projects."""
    return orders()


@pytest.fixture
def make_project(tmp_path, monkeypatch, made_table):
    """Write a throw-away project about the made table, or another one; keywords are sections of params.toml."""

    def make(table=made_table, **sections):
        write_project(tmp_path, table, sections)
        move_in(tmp_path, monkeypatch)
        return settings.load(tmp_path)

    yield make
    steps.code_of.cache_clear()


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The folder of a throw-away project after `make predict`: to be copied, not changed."""
    root = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        write_project(root, orders(), {})
        move_in(root, patch)
        steps.make(settings.load(root), "predict")
    steps.code_of.cache_clear()
    return root


@pytest.fixture
def project(trained, tmp_path, monkeypatch):
    """A throw-away project after `make predict`, for this test alone."""
    root = shutil.copytree(trained, tmp_path / "project", symlinks=True)
    move_in(root, monkeypatch)
    yield settings.load(root)
    steps.code_of.cache_clear()


@pytest.fixture
def team(tmp_path, monkeypatch):
    """The folder that the team shares, empty."""
    folder = tmp_path / "team"
    monkeypatch.setenv(store.VARIABLE, str(folder))
    return folder


@pytest.fixture
def colleague(project, tmp_path):
    """The same project in a colleague's clone: without data, runs and cache."""
    ignored = shutil.ignore_patterns("data", "models", "reports", ".cache")
    return settings.load(shutil.copytree(project.root, tmp_path / "colleague", symlinks=True, ignore=ignored))


@pytest.fixture(scope="session")
def rivals(trained, tmp_path_factory):
    """The folder of a throw-away project in git, with an evaluated run of the dummy and one of the linear model."""
    root = shutil.copytree(trained, tmp_path_factory.mktemp("rivals") / "project", symlinks=True)
    shutil.rmtree(root / "models")
    commit_all(root)
    with pytest.MonkeyPatch.context() as patch:
        move_in(root, patch)
        for name in ("dummy", "linear"):
            project = settings.load(root, [f'train.candidates=["{name}"]'])
            folder = steps.make(project, "train", message=name)[0].parent
            steps.make(project, "evaluate", run=folder.name)
    steps.code_of.cache_clear()
    return root


@pytest.fixture
def contest(rivals, tmp_path, monkeypatch):
    """A copy of the project with the two rivals, for this test alone; a slow machine is fast enough."""
    root = shutil.copytree(rivals, tmp_path / "contest", symlinks=True)
    move_in(root, monkeypatch)
    yield settings.load(root, ["promote.latency_ms=1e9"])
    steps.code_of.cache_clear()


@pytest.fixture
def in_git():
    """Put all that is not made by steps into a git commit of a throw-away project; the commit's name."""
    return commit_all


@pytest.fixture
def command():
    """Run `python` with the package of a throw-away project, in a process of its own."""

    def call(root, *arguments, **environment):
        variables = {**os.environ, "PYTHONPATH": str(root / "src"), **environment}
        return subprocess.run(
            [sys.executable, *arguments], cwd=root, env=variables, capture_output=True, text=True, check=False
        )

    return call


def commit_all(root):
    """Commit code, parameters and dictionary; the repository is made if need be."""
    if not (root / ".git").exists():
        artefact.git(root, "init", "-q", "-b", "main")
        artefact.git(root, "config", "user.name", "Test")
        artefact.git(root, "config", "user.email", "test@example.org")
        ignored = ["/data/", "/models/", "/reports/", ".cache/", ".env", "__pycache__/"]
        (root / ".gitignore").write_text("\n".join(ignored) + "\n")
    artefact.git(root, "add", "--all")
    artefact.git(root, "commit", "-q", "--allow-empty", "-m", "as it is")
    artefact.commit.cache_clear()
    return artefact.git(root, "rev-parse", "HEAD").strip()


def orders():
    """120 orders: an id, a number and a category with empty cells, a group, a date, a text, and a yes or no."""
    random, size = np.random.default_rng(0), 120
    amount = random.normal(50, 10, size).round(2)
    table = pd.DataFrame(
        {
            "order": np.arange(1001, 1001 + size),
            "amount": amount,
            "colour": random.choice(["red", "green", "blue"], size),
            "shop": random.choice([f"shop {letter}" for letter in "ABCDEFGHIJKL"], size),
            "day": pd.date_range("2026-01-01", periods=size).strftime("%Y-%m-%d"),
            "note": [f"parcel {row} went out" for row in random.permutation(size)],
            "answer": np.where(amount + random.normal(0, 4, size) > 50, "yes", "no"),
        }
    )
    table.loc[::10, "amount"] = np.nan
    table.loc[5::10, "colour"] = None
    return table


def write_project(root, table, sections):
    """`table.csv` and a `params.toml` with the sections; keys may be dotted."""
    table.to_csv(root / "table.csv", index=False)
    sections = {
        "data": {"source": "table.csv", "target": "answer"},
        "train": {"candidates": ["dummy", "linear"]},
        **sections,
    }
    lines = [
        f"[{name}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in keys.items()) for name, keys in sections.items()
    ]
    (root / "params.toml").write_text("\n".join(lines), encoding="utf-8")


def move_in(root, monkeypatch):
    """Give the project its own copy of the package, without the user's features, and work from it."""
    package = root / "src" / steps.__package__
    if not package.exists():
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        with (package / "features.py").open("a", encoding="utf-8") as file:
            file.write(NO_FEATURES)
    for module in (settings, steps, surroundings):
        monkeypatch.setattr(module, "__file__", str(package / Path(module.__file__).name))
    monkeypatch.setattr(features, "add_features", pd.DataFrame.copy)
    steps.code_of.cache_clear()
