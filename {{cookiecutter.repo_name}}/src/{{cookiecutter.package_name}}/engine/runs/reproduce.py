"""Make a run again, in a folder of its own, and compare bit by bit.

    make reproduce RUN=run [OFFLINE=1]

Reads `models/<run>/` and the raw dump it came from; works in `.cache/reproduce/<run>/`: a git worktree of the run's
commit with its uncommitted changes (without git, the run's own copy of the code), the same raw files by digest, the
same parameters, and an environment built from the run's `requirements.lock` (with OFFLINE the present one).
"""

import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ..project import artefact, git, lock, schema
from ..project.errors import ProjectError
from ..project.package import LOCK, NAME
from ..project.settings import EXTERNAL, PARAMS, Project
from ..sources import source
from . import compare, environment, loading, registry
from .compare import Comparison, Difference

log = logging.getLogger(__name__)
BY_THE_RUN = Path("data/predictions/by-the-run.csv")
SIGNERS = re.compile(r"""(?m)((?:^|[{,])\s*["']?signers["']?\s*=\s*)("[^"\n]*"|'[^'\n]*')""")
UNDECLARED = (
    "the same rows and code gave other features: add_features uses what it does not declare, like the clock, random "
    "numbers, a variable or another file"
)
# A hook of the user's would run in the worktree.
GIT_QUIETLY = ("-c", f"core.hooksPath={os.devnull}", "-c", "advice.detachedHead=false")


def run(project: Project, folder: Path, *, offline: bool = False) -> list[Comparison]:
    """Train a run again, in its own environment or (`offline`) the present one, let both models answer, and compare.

    Compared are `model`, `metrics` and `predictions`; where one differs, also `code`, `data`, `parameters` and
    `environment`. A `DataError` if a file of the run was changed, or a raw file of it is not here any more; a
    `ProjectError` if the environment could not be built, or the training failed.
    """
    with lock.alone(project.root, "reproduce", name=f"reproduce-{folder.name}"):
        record = loading.check(folder)
        raw = registry.found_by_digest(project, record)
        environment.other_variables(folder, record)
        place = check_out(project, folder, project.root / ".cache" / "reproduce" / folder.name)
        restore_data(raw, place)
        python = sys.executable if offline else build_environment(folder, place)
        log.info("training again in %s%s", project.relative(place), ", in the present environment" if offline else "")
        changed = [f"--set={key}={schema.toml(value)}" for key, value in record["parameters"]["overrides"].items()]
        predict = [python, "-m", NAME, "predict", "--frozen", *changed]
        call(predict, place, record)
        again = max(place.glob(f"models/*/{registry.RECORD}")).parent
        # The old model answers in the same place, with the same packages: only the model can make a difference.
        shutil.copytree(folder, place / "models" / folder.name)
        call([*predict, f"--run={folder.name}", f"--output={BY_THE_RUN}"], place, record)
        compared = [*compare.compared(folder, again, compare.RESULTS, parts=("dev",)), predictions(place)]
        same = all(comparison.identical for comparison in compared)
        return compared if same else compared + why(folder, again)


def why(folder: Path, again: Path) -> list[Comparison]:
    """What else differs; where the same rows and code gave other splits, that `add_features` used something else."""
    found = compare.compared(folder, again, compare.REASONS)
    differing = [difference.name for comparison in found for difference in comparison.differences]
    if differing and all(name.startswith("data/processed/") for name in differing):
        return [replace(comparison, note="" if comparison.identical else UNDECLARED) for comparison in found]
    return found


def check_out(project: Project, folder: Path, place: Path) -> Path:
    """Put the run's code, parameters and data dictionary into `place`; return the project's folder in there."""
    record = registry.read(folder)
    forget(project, place)
    try:
        root = from_git(project, folder, place, record)
    except (OSError, subprocess.CalledProcessError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        log.warning("not from git (%s): the run's own copy of the code is used", reason)
        forget(project, place)
        root = place
        shutil.copytree(folder / registry.CODE, root / "src" / NAME)
        sections = {name: keys for name, keys in record["parameters"].items() if name != "overrides"}
        (root / PARAMS).write_text(schema.dumps(sections), encoding="utf-8")
    if (folder / EXTERNAL).is_dir():
        shutil.copytree(folder / EXTERNAL, root, dirs_exist_ok=True)
    (root / "references").mkdir(exist_ok=True)
    shutil.copyfile(folder / registry.DICTIONARY, root / "references" / "data_dictionary.toml")
    # Who may sign has been asked; what is made again is nobody's.
    params = SIGNERS.sub(r'\1""', (root / PARAMS).read_text(encoding="utf-8"))
    artefact.write_text(root / PARAMS, params)
    return root


def from_git(project: Project, folder: Path, place: Path, record: Mapping[str, Any]) -> Path:
    """A worktree of the run's commit with its uncommitted changes; the project may be a folder of the repository."""
    if record["commit"] is None:
        raise FileNotFoundError("it was made without a commit")
    inside = git.run(project.root, "rev-parse", "--show-prefix").removesuffix("\n")
    # Twice: a killed `worktree add` leaves its entry locked.
    words = ("worktree", "add", "--force", "--force", "--detach", str(place), record["commit"])
    git.run(project.root, *GIT_QUIETLY, *words)
    if (folder / registry.PATCH).is_file() and (folder / registry.PATCH).stat().st_size:
        git.run(place, "apply", "--binary", "--whitespace=nowarn", str(folder / registry.PATCH))
    for path in [path for path in (place / inside).rglob("*") if path.is_symlink()]:
        there = path.exists() and Path(os.path.realpath(path)).is_relative_to(place.resolve())
        if not there and not path.is_relative_to(place / inside / "src"):  # steps would write into the real folders
            log.info("%s is left out: the link leads to nothing in the repository", path.relative_to(place))
            path.unlink()
    if not (place / inside / PARAMS).is_file():
        raise FileNotFoundError(f"{record['commit'][:12]} does not hold {PARAMS}")
    log.info("commit %s%s", record["commit"][:12], " and its changes" if record["dirty"] else "")
    if left_out := record.get("left_out_of_patch"):
        log.warning("the changes on record do not hold %s", ", ".join(left_out))
    return place / inside


def forget(project: Project, place: Path) -> None:
    """Remove an earlier reproduction, finished or killed."""
    if place.exists():
        shutil.rmtree(place)
    git.attempt(project.root, "worktree", "prune")  # without git there are none


def restore_data(raw: Mapping[str, Path], place: Path) -> None:
    """Link the raw files that the run was made from into `place`, under their names on record, with their card."""
    for name, path in raw.items():
        dump = (place / name).parent
        dump.mkdir(parents=True, exist_ok=True)
        artefact.link_or_copy(path, place / name)
        shutil.copyfile(path.parent / source.CARD, dump / source.CARD)


def build_environment(folder: Path, place: Path) -> str:
    """The Python of an environment with exactly the packages of the run, and its Python if there is one to be had."""
    record, venv = registry.read(folder), place / ".venv"
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv = ["uv"] if shutil.which("uv") else [sys.executable, "-m", "uv"]
    version = record["environment"]["python"]
    try:
        call([*uv, "venv", "--quiet", "--python", version, str(venv)], place, record)
    except ProjectError:
        log.warning("there is no Python %s: the present one is taken", version)
        call([*uv, "venv", "--quiet", "--python", sys.executable, str(venv)], place, record)
    call([*uv, "pip", "sync", "--quiet", "--python", str(python), str(folder / LOCK)], place, record)
    return str(python)


def call(command: list[str], place: Path, record: Mapping[str, Any]) -> None:
    """Run a command in `place` with its own code in front and the hash seed of the run."""
    # What is made again is no new run for the team's MLflow pages.
    variables = {**os.environ, "PYTHONPATH": str(place / "src"), "MLFLOW_TRACKING_URI": ""}
    if (seed := record["environment"].get("hash_seed", "random")) != "random":
        variables["PYTHONHASHSEED"] = seed
    done = subprocess.run(command, cwd=place, env=variables, stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        found = f"{' '.join(command[:5])} ended with exit code {done.returncode} in {place}: see above"
        cure = "If it is the environment that cannot be built: OFFLINE=1 uses the present one."
        raise ProjectError(f"{found}.\n{cure}")


def predictions(place: Path) -> Comparison:
    """The test rows answered by the new model and by the old one, cell by cell; the name of the run is left out."""
    paths = (place / BY_THE_RUN, place / "data/predictions/test.csv")
    then, now = (pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="run") for path in paths)
    if list(then) != list(now) or len(then) != len(now):
        shapes = [f"{len(table)} rows, {len(table.columns) + 1} columns" for table in (then, now)]
        return Comparison("predictions", (Difference("table", *shapes),))
    if then.equals(now):
        return Comparison("predictions")
    rows = int((then != now).any(axis=1).sum())
    differences = (Difference("rows that differ", 0, f"{rows} of {len(then)}"),)
    numbers = [table.apply(pd.to_numeric, errors="coerce") for table in (then, now)]
    gaps = (numbers[0] - numbers[1]).abs().max().dropna()
    note = f"largest difference: {gaps.max():.3g}, in {gaps.idxmax()}" if len(gaps) else ""
    return Comparison("predictions", differences, note)
