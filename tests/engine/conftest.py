"""What the tests of the machinery share: throw-away projects that a test may break. Here a warning is an error."""

import contextlib
import gc
import importlib
import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from data_science_project import cli, pipeline
from data_science_project.engine.modelling import metrics
from data_science_project.engine.project import artefact, git, lock, package, settings
from data_science_project.engine.runs import registry, share, track

gc.set_threshold(100_000)  # as the command has it: looking for garbage took a twenty-fifth of the time
PACKAGE = package.FOLDER
FEW = 20  # resamples


@pytest.fixture(scope="session", autouse=True)
def alone():
    """Nothing that a test does reaches a team's MLflow server, store or log."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (track.VARIABLE, share.VARIABLE, "DATABASE_URL"):
            patch.setenv(name, "")
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_pages():
    """Intervals from a tenth of the resamples, and pictures coarsely, their panels as they fall: half of the time."""
    from matplotlib.figure import Figure

    from data_science_project.engine.report import figures, learning

    with pytest.MonkeyPatch.context() as patch:
        for drawing in (metrics.Metric.interval, metrics.Metric.gain):
            patch.setitem(drawing.__kwdefaults__, "repeats", FEW)
        patch.setattr(learning, "RESAMPLES", FEW)
        patch.setattr(figures, "DPI", 40)
        patch.setattr(Figure, "get_layout_engine", lambda figure: None)
        yield


@pytest.fixture(scope="session")
def machinery(tmp_path_factory):
    """A copy of the package where the throw-away projects lie, so that they can link to it."""
    folder = Path(shutil.copytree(PACKAGE, tmp_path_factory.mktemp("machinery") / package.NAME))
    with unchanged(folder):
        yield folder


@pytest.fixture
def made_table():
    """The table of the throw-away projects."""
    return orders()


@pytest.fixture
def make_project(tmp_path, monkeypatch, made_table, machinery):
    """Write a throw-away project about the made table, or another one; keywords are sections of params.toml."""

    def make(table=made_table, **sections):
        write_project(tmp_path, table, sections)
        move_in(tmp_path, monkeypatch, machinery)
        return settings.load(tmp_path)

    return make


@pytest.fixture(scope="session")
def trained(tmp_path_factory, machinery):
    """The folder of a throw-away project after `make predict`: to be copied, not changed."""
    root = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        write_project(root, orders(), {})
        move_in(root, patch, machinery)
        pipeline.make(settings.load(root), "predict")
    with unchanged(root):
        yield root


@pytest.fixture
def project(trained, tmp_path, monkeypatch):
    """A throw-away project after `make predict`, for this test alone."""
    root = copy_project(trained, tmp_path / "project")
    move_in(root, monkeypatch)
    return settings.load(root)


@pytest.fixture
def known(project):
    """The rows of its source."""
    return pd.read_parquet(project.clean)


@pytest.fixture
def folder(project):
    """The only run of that project."""
    return registry.folders(project)[0]


@pytest.fixture(scope="session")
def evaluated(trained, tmp_path_factory):
    """The folder of the throw-away project after an evaluation, the page and the record: not to be changed."""
    root = copy_project(trained, tmp_path_factory.mktemp("evaluated") / "project")
    artefact.write_text(root / "reports" / "exploration.html", "made before")
    with pytest.MonkeyPatch.context() as patch:
        move_in(root, patch)
        page = pipeline.make(settings.load(root), "evaluate")[0]
    return root, page.read_text(encoding="utf-8"), registry.read(root / registry.MODELS / page.parent.name)


@pytest.fixture(scope="session")
def exploration(evaluated):
    """The page about the data of that project."""
    from data_science_project import explore

    explore.run(settings.load(evaluated[0]))
    return (evaluated[0] / "reports" / "exploration.html").read_text(encoding="utf-8")


@pytest.fixture
def team(tmp_path, monkeypatch):
    """The folder that the team shares, empty."""
    folder = tmp_path / "team"
    monkeypatch.setenv(share.VARIABLE, str(folder))
    return folder


@pytest.fixture
def colleague(project, tmp_path):
    """The same project in a colleague's clone: without data, runs and cache."""
    ignored = shutil.ignore_patterns("data", "models", "reports", ".cache")
    return settings.load(shutil.copytree(project.root, tmp_path / "colleague", symlinks=True, ignore=ignored))


@pytest.fixture(scope="session")
def rivals(trained, tmp_path_factory):
    """The folder of a throw-away project in git, with an evaluated run of the dummy and one of the linear model."""
    root = copy_project(trained, tmp_path_factory.mktemp("rivals") / "project")
    shutil.rmtree(root / "models")
    commit_all(root)
    with pytest.MonkeyPatch.context() as patch:
        move_in(root, patch)
        for name in ("dummy", "linear"):
            project = settings.load(root, [f'train.candidates=["{name}"]'])
            folder = pipeline.make(project, "train", message=name)[0].parent
            pipeline.make(project, "evaluate", run=folder.name)
    return root


@pytest.fixture
def contest(rivals, tmp_path, monkeypatch):
    """A copy of the project with the two rivals, for this test alone; a slow machine is fast enough."""
    root = copy_project(rivals, tmp_path / "contest")
    move_in(root, monkeypatch)
    return settings.load(root, ["promote.latency_ms=1e9"])


@pytest.fixture
def package_log():
    """The package's logger, which is as before afterwards."""
    everything = logging.getLogger(package.NAME)
    before = everything.handlers[:], everything.propagate, everything.level
    yield everything
    everything.handlers[:], everything.propagate = before[:2]
    everything.setLevel(before[2])


@pytest.fixture
def waits(caplog):
    """Whether a thread has said that it waits for another command, within half a minute, and has not ended."""
    caplog.set_level("INFO")

    def wait(thread):
        for _ in range(300):
            thread.join(0 if "waiting until another command" in caplog.text else lock.PAUSE)
        return "waiting until another command" in caplog.text and thread.is_alive()

    return wait


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


@pytest.fixture
def contrast():
    """The contrast ratio of WCAG 2 of two colours, `#` and three or six hexadecimal digits each."""

    def luminance(colour):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        shares = np.array([int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)])
        return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    def ratio(front, back):
        low, high = sorted([luminance(front), luminance(back)])
        return (high + 0.05) / (low + 0.05)

    return ratio


@pytest.fixture
def report():
    """Evaluate a run of a project, or its newest; the page and the record of the run."""
    from data_science_project import evaluate  # matplotlib: seconds that most tests need not wait for

    def run(project, folder=None):
        folder = folder or registry.folders(project)[0]
        page = project.root / "reports" / folder.name / "evaluation.html"
        evaluate.run(project, folder=folder, output=page)
        return page.read_text(encoding="utf-8"), registry.read(folder)

    return run


def commit_all(root):
    """Commit code, parameters and dictionary; the repository is made if need be."""
    if not (root / ".git").exists():
        git.run(root, "init", "-q", "-b", "main")
        git.run(root, "config", "user.name", "Test")
        git.run(root, "config", "user.email", "test@example.org")
        ignored = ["/data/", "/models/", "/reports/", ".cache/", ".env", "__pycache__/"]
        (root / ".gitignore").write_text("\n".join(ignored) + "\n")
    git.run(root, "add", "--all")
    git.run(root, "commit", "-q", "--allow-empty", "-m", "as it is")
    git.commit.cache_clear()
    return git.run(root, "rev-parse", "HEAD").strip()


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


def move_in(root, monkeypatch, machinery=PACKAGE):
    """Give the project its own copy of the package, compiled as it is, and let the package that runs be that one."""
    own = root / "src" / package.NAME
    if not own.exists():
        copy_project(machinery, own)
    monkeypatch.setattr(package, "FOLDER", own)


def copy_project(root, place):
    """Copy a project or its package; of the machinery's 300 files come links, in a quarter of the time.

    A test that edits one of those puts a new file in its place.
    """

    def copy(path, place):
        linked = path.endswith(".pyc") or is_machinery(Path(path), root)
        return os.link(path, place) if linked else shutil.copy2(path, place)

    return Path(shutil.copytree(root, place, symlinks=True, copy_function=copy))


def is_machinery(path, root):
    """Whether a file of a project, or of its package, belongs to the template's folders, wherever the project lies."""
    return not {"engine", "service"}.isdisjoint(path.relative_to(root).parts)


@contextlib.contextmanager
def unchanged(root):
    """Whoever edits a file that all tests share is found out at the end."""

    def digests():
        files = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".pyc")
        return {path: artefact.sha256(path) for path in files if is_machinery(path, root)}

    before = digests()
    yield
    assert digests() == before, "a test edited a file through a link"


@pytest.fixture
def anew(monkeypatch, package_log):
    """Run a command with the package of a throw-away project, imported anew as it is now; keywords are variables.

    The result is as that of `call`. A process of its own would first import pandas and scikit-learn for two seconds.
    """

    def run(root, *arguments, **environment):
        monkeypatch.chdir(root)
        with imported_anew(root):
            main = importlib.import_module(f"{package.NAME}.cli").main
            return CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment)

    return run


@contextlib.contextmanager
def imported_anew(root):
    """Here the package, and what lies beside it, are those of the project; afterwards all modules are as before."""
    before = {name: module for name, module in sys.modules.items() if name.startswith(package.NAME)}
    known, path = set(sys.modules) - set(before), sys.path[:]
    for name in before:
        del sys.modules[name]
    sys.path[:0] = [str(root), str(root / "src")]
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - known:
            if name.startswith(package.NAME) or str(getattr(sys.modules[name], "__file__", "")).startswith(str(root)):
                del sys.modules[name]
        sys.modules.update(before)


@pytest.fixture
def call(monkeypatch, package_log):
    """Run a command in a folder; the result has `exit_code`, `stdout` and `stderr`."""

    def run(root, *arguments):
        monkeypatch.chdir(root)
        return CliRunner().invoke(cli.main, [str(argument) for argument in arguments])

    return run
