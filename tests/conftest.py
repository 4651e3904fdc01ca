"""What the tests share: rendering, one default project, and that project with its environment."""

import contextlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cookiecutter.main import cookiecutter

TEMPLATE = Path(__file__).resolve().parents[1]
PROJECT = "{{cookiecutter.repo_name}}"
# Make's own variables would leak from `make test` into the makes that the tests start.
LEAKY = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS", "VIRTUAL_ENV", "PYTHONPATH", "GIT_DIR", "GIT_WORK_TREE")
# Two workers share the processors: a thread that waits for its neighbour sleeps, and does not ask again and again.
PLAIN_ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in LEAKY}
PLAIN_ENVIRONMENT |= {"OMP_WAIT_POLICY": "PASSIVE"}
OLDEST = 11
MINORS = range(OLDEST, OLDEST + 20)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put one test of the machinery at the head of each half, because `--dist worksteal` gives a worker one half.

    What shares an installed project follows the second one: the fewer workers have one, the better. The many short
    tests stand at the ends, where an idle worker takes what is left.
    """
    machinery = [item for item in items if item.originalname == "test_machinery_passes_its_tests"]
    installed = [item for item in items if "installed_project" in item.fixturenames]
    rest = [item for item in items if item not in {*machinery, *installed}]
    rest.sort(key=lambda item: item.get_closest_marker("long") is None)
    middle = len(items) // 2 - 1
    items[:] = [*machinery[:1], *rest[:middle], *machinery[1:], *installed, *rest[middle:]]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    """Tests start in a plain environment, whatever started them."""
    for name in LEAKY:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """The template as a clone has it: without the caches that tools leave in a working copy."""
    copy = tmp_path_factory.mktemp("template")
    caches = shutil.ignore_patterns("__pycache__", ".*_cache", "*.egg-info")
    for part in ("hooks", PROJECT):
        shutil.copytree(TEMPLATE / part, copy / part, ignore=caches)
    shutil.copy(TEMPLATE / "cookiecutter.json", copy)
    return copy


@pytest.fixture(scope="session")
def render(template, tmp_path_factory):
    """Render the template in this process: `render(folder, repo_name="churn")` returns the project's folder."""
    return renderer(template, tmp_path_factory.mktemp("config"))


def renderer(template: Path, folder: Path):
    """What renders a template, with a configuration of its own."""
    config = folder / "cookiecutter.yaml"
    config.write_text(f"replay_dir: {folder}/replay\ncookiecutters_dir: {folder}/templates\n")

    def render_into(folder: Path, **answers: str) -> Path:
        made = cookiecutter(
            str(template), no_input=True, extra_context=answers, output_dir=str(folder), config_file=str(config)
        )
        return Path(made)

    return render_into


@pytest.fixture(scope="session")
def default_project(render, tmp_path_factory) -> Path:
    """The project that the default answers give; read it, do not change it."""
    return render(tmp_path_factory.mktemp("default"))


@pytest.fixture
def project(default_project, tmp_path) -> Path:
    """A copy of the default project that a test may change."""
    return Path(shutil.copytree(default_project, tmp_path / "project"))


@pytest.fixture(scope="session")
def first_project(render, tmp_path_factory) -> Path:
    """A default project that `make install` gave an environment, once for all workers: to be copied, not used."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with alone(folder / "first.lock"):
        project = next((folder / "first").glob("*"), None) or render(folder / "first")
        done = make(project, "install", f"PYTHON={pythons()[0]}")
        assert done.returncode == 0, done.stderr
    return project


@pytest.fixture(scope="session")
def give_environment(first_project):
    """Give a project the packages of the first one, as links to the same files; `make install` does the rest."""

    def give(project: Path, venv: str = ".venv") -> None:
        shutil.copytree(first_project / ".venv", project / venv, symlinks=True, copy_function=os.link)
        shutil.copy(first_project / "requirements.lock", project)

    return give


@pytest.fixture(scope="session")
def installed_project(render, give_environment, tmp_path_factory) -> Path:
    """A default project in a folder with a blank in its name, with its own environment: `make install` has run.

    It compares few candidates, because it trains often; `make demo` compares all.
    """
    project = render(tmp_path_factory.mktemp("a folder"))
    edit(project / "params.toml", ', "boosting_stopped", "boosting_log", "forest", "network", "text"]', "]")
    give_environment(project)
    done = make(project, "install")
    assert done.returncode == 0, done.stderr
    return project


@contextlib.contextmanager
def alone(path: Path):
    """Wait until no other worker holds the file."""
    import fcntl  # where there is none, `make test` does not run either

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def pythons() -> list[str]:
    """The oldest and the newest Python on the PATH that a project can be installed with."""
    found = [path for minor in MINORS if (path := shutil.which(f"python3.{minor}")) and can_make_environments(path)]
    return list(dict.fromkeys([found[0], found[-1]])) if found else ["python3"]


def can_make_environments(path: str) -> bool:
    """Whether it starts and has what it needs; a version manager's stand-in may do neither."""
    return subprocess.run([path, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0


def make(project: Path, *words: str, timeout: float = 900, **environment: str) -> subprocess.CompletedProcess:
    """Run make in a project and keep what it prints."""
    return subprocess.run(
        ["make", *words],
        cwd=project,
        env=PLAIN_ENVIRONMENT | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def edit(path: Path, before: str, after: str) -> None:
    """Replace the first of a text in a file that is known to hold it."""
    text = path.read_text("utf-8")
    assert before in text, path
    path.write_text(text.replace(before, after, 1), "utf-8")


def git(folder: Path, *words: str) -> str:
    """Run git in a folder and return what it prints."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, env=PLAIN_ENVIRONMENT, capture_output=True, text=True, check=True
    ).stdout
