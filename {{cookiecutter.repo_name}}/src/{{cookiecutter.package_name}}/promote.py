"""Make a run the champion, the one that `predict` uses: through a gate, or past it with a reason.

    make promote RUN=run [FORCE="reason"]
    make rollback

Reads the answers that `evaluate` kept of the test split; writes `models/champion.json`: the champion, and the history
of every change with what the gate found. `rollback` goes back to the champion before, at once.
"""

import logging
import statistics
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from . import artefact, evaluate, metrics, predict, runs
from .errors import ProjectError
from .metrics import Predictions
from .settings import Project
from .steps import make

log = logging.getLogger(__name__)

LATENCY_REPEATS = 7
CERTAINTY = 2.0  # standard errors: a slice of 50 rows is noisy


@dataclass(frozen=True)
class Check:
    """One condition of the gate: `name`, whether it `passed`, and what was `found`."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Answers:
    """What a run said of the test split.

    Attributes
    ----------
    rows : DataFrame, shape (n_rows, n_columns)
    truth : ndarray, shape (n_rows,)
    said : Predictions
    record : dict
        `run.json`.
    """

    rows: pd.DataFrame
    truth: np.ndarray
    said: Predictions
    record: dict[str, Any]


def run(project: Project, folder: Path, *, force: str = "") -> list[Check]:
    """Put a run through the gate and, if it passes or is forced, make it the champion.

    Parameters
    ----------
    project : Project
    folder : Path
        `models/<run>` of the challenger.
    force : str
        The reason to promote whatever the gate finds; it is kept in the history.

    Returns
    -------
    list of Check
        What the gate found.

    Raises
    ------
    ProjectError
        The gate is closed and there is no reason to force it; the champion stays.
    """
    champion = runs.champion(project)
    checks = gate(project, folder, champion)
    failed = [check for check in checks if not check.passed]
    if failed and not force:
        reasons = "; ".join(f"{check.name}: {check.found}" for check in failed)
        cure = "To overrule it, with a reason that is kept: make promote RUN=... FORCE='reason'"
        raise ProjectError(f"{folder.name} is not promoted. {reasons}.\n{cure}")
    keep(project, folder.name, {"forced": force, "gate": [asdict(check) for check in checks]})
    log.info("%s is champion%s", folder.name, f", forced: {force}" if failed else "")
    return checks


def gate(project: Project, folder: Path, champion: Path | None) -> list[Check]:
    """All conditions, whether or not one fails: against the champion, or against the dummy while there is none."""
    challenger = answers(project, folder)
    checks = [latency(project, folder), reproducible(project, folder)]
    if champion is None or champion == folder:
        return [beats_dummy(challenger), *checks]
    reigning = answers(project, champion)
    if len(reigning.truth) != len(challenger.truth) or not (reigning.truth == challenger.truth).all():
        return [Check("same test rows", False, "the two runs were not evaluated on the same test rows"), *checks]
    return [better(challenger, reigning), no_slice_worse(project, challenger, reigning), *checks]


def answers(project: Project, folder: Path) -> Answers:
    """The answers of a run on the present test split, evaluated first if need be."""
    kept = next(path for path in make(project, "evaluate", run=folder.name) if path.name == evaluate.ANSWERS)
    table, record = pd.read_parquet(artefact.checked(kept)), runs.read(folder)
    truth = table.pop(record["target"]).to_numpy(dtype=object if record["classes"] else float)
    values = table.pop("prediction").to_numpy(dtype=truth.dtype)
    chances = [table.pop(f"probability_{label}") for label in record["classes"]]
    said = Predictions(values, np.column_stack(chances) if chances else None, tuple(record["classes"]))
    return Answers(table, truth, said, record)


def measure(one: Answers) -> metrics.Metric:
    """The metric that the run was chosen by."""
    return metrics.available(one.record["task"], len(one.record["classes"]))[one.record["metrics"]["chosen_by"]]


def beats_dummy(challenger: Answers) -> Check:
    """The first champion has to beat the constant answer on the test split, by its whole interval."""
    test, sign = challenger.record["metrics"]["test"], 1 if measure(challenger).higher_is_better else -1
    worst = min(sign * bound for bound in test["interval"] or [float("-inf")])
    found = f"{test['interval']} against {test['constant']} of a constant answer"
    return Check("better than the dummy", test["constant"] is not None and worst > sign * test["constant"], found)


def better(challenger: Answers, reigning: Answers) -> Check:
    """Better on the same rows: the paired 95 % interval of the gain lies above 0."""
    low, high = metrics.gain(measure(challenger), challenger.truth, challenger.said, reigning.said)
    name = challenger.record["metrics"]["chosen_by"]
    return Check("better than the champion", low > 0, f"gain in {name} {low:.4g} ... {high:.4g}")


def no_slice_worse(project: Project, challenger: Answers, reigning: Answers) -> Check:
    """In no category does the error rise by more than `slice_loss`, as far as the rows can tell."""
    allowed = project.settings.promote
    rise = errors(challenger) - errors(reigning)
    if challenger.record["task"] == "regression":
        rise = rise / errors(reigning).mean()
    worse = []
    for name in challenger.record["features"].get("one-hot", []):
        for level, positions in challenger.rows.groupby(name, observed=True).indices.items():
            some = rise[positions]
            noise = CERTAINTY * some.std() / np.sqrt(len(some))
            if len(some) >= allowed.slice_rows and some.mean() > allowed.slice_loss and some.mean() > noise:
                worse.append(f"{name} = {level}: error up by {some.mean():.3f} on {len(some)} rows")
    return Check("no slice worse", not worse, "; ".join(worse) or f"none by more than {allowed.slice_loss:g}")


def errors(one: Answers) -> np.ndarray:
    """1 where the class is wrong, or the absolute error; shape (n_rows,)."""
    if one.record["task"] == "regression":
        return np.abs(one.said.values - one.truth)
    return (one.said.values != one.truth).astype(float)


def latency(project: Project, folder: Path) -> Check:
    """The median time of an answer to one row, model loaded, in milliseconds."""
    model, allowed = runs.load(folder), project.settings.promote.latency_ms
    row, times = predict.test_rows(project, model).head(1), []
    for _ in range(LATENCY_REPEATS):
        clock = time.perf_counter()
        predict.answer(model, row, abstain_below=0.0)
        times.append(1000 * (time.perf_counter() - clock))
    found = statistics.median(times)
    return Check("fast enough", found <= allowed, f"{found:.0f} ms a row, allowed {allowed:g}")


def reproducible(project: Project, folder: Path) -> Check:
    """The commit is known, and the raw files of the run are here as they were."""
    record = runs.read(folder)
    raw = {name: digest for name, digest in record["input_data"].items() if name.startswith("data/raw/")}
    gone = [name for name, digest in raw.items() if not same(project.root / name, digest)]
    reasons = [*(["it was trained without a git commit"] if record["commit"] is None else [])]
    reasons += [f"{name} is gone or changed" for name in gone]
    return Check("reproducible", not reasons, "; ".join(reasons) or f"commit {record['commit'][:12]}, raw data here")


def same(path: Path, digest: str) -> bool:
    """Whether the file is there with this SHA-256."""
    return path.is_file() and artefact.sha256(path) == digest


def rollback(project: Project) -> Path:
    """Make the champion before the present one champion again.

    Raises
    ------
    ProjectError
        There is none before.
    """
    history = runs.history(project)
    present = history[-1]["run"] if history else None
    before = [e["before"] for e in history if e["run"] == present and e["before"] and "gate" in e]
    if not before or not (project.models / before[-1]).is_dir():
        raise ProjectError(
            "There is no champion before the present one.\nTo choose one: make runs, make promote RUN=..."
        )
    keep(project, before[-1], {"rollback of": present})
    log.info("%s is champion again", before[-1])
    return project.models / before[-1]


def keep(project: Project, name: str, about: dict[str, Any]) -> None:
    """Write the champion and add the change to the history."""
    history = runs.history(project)
    before = history[-1]["run"] if history else None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    history.append({"run": name, "before": before, "time": now, **about})
    artefact.write_json(project.models / runs.CHAMPION, {"champion": name, "history": history})
