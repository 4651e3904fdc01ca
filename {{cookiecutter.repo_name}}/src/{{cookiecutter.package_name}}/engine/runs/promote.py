"""Make a run the champion, the one that `predict` uses: through a gate, or past it with a reason.

    make promote RUN=run [FORCE="reason"]
    make rollback

Reads the answers that `evaluate` kept of the test split; writes `models/champion.json`: the champion, and the history
of every change with what the gate found. `rollback` goes back to the champion before, at once.
"""

import contextlib
import logging
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..checks.alone import unsteady
from ..columns import dictionary
from ..modelling import confidence
from ..modelling.division import TOLD
from ..modelling.estimators import threads
from ..modelling.metrics import Predictions, constant
from ..project import artefact, git, lock, records
from ..project.errors import DataError, ProjectError, SettingsError, listed
from ..project.settings import Project
from . import answers, compare, loading, registry, track, training_rows
from .compare import Evaluated

log = logging.getLogger(__name__)

Evaluate = Callable[[Path], object]
LATENCY_REPEATS = 7
SLOWER = 1.5  # times the champion's CPU time: what a run may take on a machine that is too slow for both
ROWS_TWICE = 200  # rows whose features are computed twice
ROUNDING = 1e-9  # of two scores that are equal
CERTAINTY = 2.0  # standard errors: a slice of 50 rows is noisy
SLICED = ("category", "boolean")
NORMAL = statistics.NormalDist()


class Refused(ProjectError):
    """The gate is closed; `checks` is all that was found."""

    checks: "list[Check]"


@dataclass(frozen=True)
class Check:
    """One condition of the gate: `name`, whether it `passed`, and what was `found`."""

    name: str
    passed: bool
    found: str


def run(project: Project, folder: Path, *, evaluate: Evaluate, force: str = "") -> list[Check]:
    """Put a run through the gate and make it the champion; return what was checked, nothing if it is champion already.

    `evaluate` evaluates a run, given by its folder, on the present test split, if need be; `force` is the reason to
    promote it whatever the gate finds, and is kept in the history. `Refused` if the gate is closed without a reason.
    """
    if force and len(force.split()) < 2:
        cure = "Say why in a few words, they are kept: FORCE='the champion saw the answers'."
        raise SettingsError(f"{force!r} is no reason.\n{cure}")
    with lock.alone(project.root, "promote", name="champion"):
        champions = standing(registry.history(project))
        if champions[-1:] == [folder.name]:
            log.info("%s is champion already", folder.name)
            return []
        checks = gate(project, folder, champions[-1] if champions else None, evaluate)
        failed = [check for check in checks if not check.passed]
        if failed and not force:
            reasons = "; ".join(f'failed "{check.name}": {check.found.rstrip(".")}' for check in failed)
            cure = f"To overrule it, with a reason that is kept: make promote RUN={folder.name} FORCE='the reason'"
            refused = Refused(f"{folder.name} is not promoted. {reasons}.\n{cure}")
            refused.checks = checks
            raise refused
        keep(project, folder.name, {"forced": force if failed else "", "gate": [asdict(check) for check in checks]})
        log.info("%s is champion%s", folder.name, f", forced: {force}" if failed else "")
        return checks


def gate(project: Project, folder: Path, champion: str | None, evaluate: Evaluate) -> list[Check]:
    """All conditions, whether or not one fails: against the champion, or a constant answer while there is none."""
    model = loading.load(folder)
    try:
        challenger = answered(project, folder, evaluate)
        quick = latency(project, model, project.models / (champion or ""))
        checks = [unseen(project, challenger), quick, reproducible(project, model)]
    except DataError as error:
        return [Check("answers the test rows", False, dictionary.one_line(str(error)))]
    return [*against(project, challenger, champion, evaluate), *checks]


def against(project: Project, challenger: Evaluated, champion: str | None, evaluate: Evaluate) -> list[Check]:
    """How the challenger does beside the champion; beside a constant answer if that one cannot answer these rows."""
    folder = project.models / (champion or "")
    if champion and not (folder / registry.RECORD).is_file():
        return [Check("better than the champion", False, f"{champion} is not in models/ any more")]
    lacking = registry.lacking(dictionary.load(folder / registry.DICTIONARY), challenger.rows) if champion else []
    if champion is None or lacking:
        why = f"; the champion needs {', '.join(map(repr, lacking))}, which the present rows lack" if lacking else ""
        return [better("a constant answer", challenger, always_the_same(project, challenger), why)]
    if one_sided := {*challenger.record["classes"]} ^ {*registry.read(folder)["classes"]}:
        found = f"it and {champion} do not both know the class {listed(sorted(map(repr, one_sided)))}"
        return [Check("better than the champion", False, found)]
    try:
        reigning = answered(project, folder, evaluate)
    except DataError as error:
        return [Check("better than the champion", False, dictionary.one_line(f"{champion} does not answer: {error}"))]
    if different := compare.not_comparable(challenger, reigning):
        return [Check("better than the champion", False, different)]
    newer = not_seen(project, folder, reigning)
    if not newer.any():
        return [Check("better than the champion", False, "it learned from rows as new as the newest test rows")]
    both = chosen(challenger, newer), chosen(reigning, newer)
    told = told_rows(project, "test")[newer]
    return beside(project, *both, told, held_out(project, challenger.record, folder if told.all() else None))


def beside(
    project: Project, challenger: Evaluated, reigning: Evaluated, told: np.ndarray, held: tuple[np.ndarray, np.ndarray]
) -> list[Check]:
    """How the challenger does beside the champion on the same rows, of which people told some: bool, shape (n_rows,).

    `held` are errors on rows held out in training, told and others, see `held_out`.
    """
    found = [better("the champion", challenger, reigning.predictions), no_slice_worse(project, challenger, reigning)]
    if told.any():
        errors = error_of_rows(challenger)
        both = (np.concatenate(pair) for pair in zip((errors[told], errors[~told]), held, strict=True))
        found.append(feedback_fits(project, challenger.record, *both))
    if told.any() and not told.all():
        found.append(no_worse(chosen(challenger, ~told), chosen(reigning, ~told)))
    return found


def feedback_fits(project: Project, record: dict[str, Any], told: np.ndarray, others: np.ndarray) -> Check:
    """The challenger errs on what people told it not clearly more than on other rows: else labels are turned."""
    usual = float(others.mean()) or 1.0 if record["task"] == "regression" else 1.0
    more = float(told.mean() - others.mean()) / usual * len(told) / (len(told) + 2)  # two that err as others do
    noise = CERTAINTY * float(max(told.std(), others.std()) * np.sqrt(1 / len(told) + 1 / len(others))) / usual
    passed = more <= max(noise, project.settings.promote.slice_loss)
    cure = "" if passed else ": wrong labels, or none but hard rows were told: look at them"
    found = f"error {told.mean():.3f} on {len(told)} rows that people told, {others.mean():.3f} on others"
    return Check("feedback fits", passed, found + cure)


def held_out(project: Project, record: dict[str, Any], champion: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """The errors of a run on rows held out in its training: those that people told, and the others, shape (n_rows,).

    Where it has no others, or did not learn from the present splits, the others are the champion's, if one is named.
    """
    instead = np.zeros(0) if champion is None else held_errors(champion)
    folder, parts = project.models / record["run"], ("train", "dev")
    digests = {project.relative(path): records.recorded(path).get("sha256") for path in map(project.split, parts)}
    told, lines = told_rows(project, *parts), training_rows.digests_of(folder).get(training_rows.HELD)  # -1: not held
    if lines is None or not digests.items() <= record["input_data"].items():
        return np.zeros(0), instead
    errors, by_people = held_errors(folder), np.zeros(int(lines.max()) + 1, dtype=bool)
    by_people[lines[lines >= 0]] = told[lines >= 0]
    return errors[by_people], instead if by_people.all() else errors[~by_people]


def held_errors(folder: Path) -> np.ndarray:
    """The errors of a run on rows held out in its training, as `error_of_rows` has them; shape (n_held_out,)."""
    held = confidence.held_out(folder)
    if held is None:
        return np.zeros(1)
    if registry.read(folder)["task"] == "regression":
        return (held["prediction"] - held["truth"]).abs().to_numpy()
    return (held["prediction"] != held["truth"]).to_numpy(dtype=float)


def not_seen(project: Project, folder: Path, reigning: Evaluated) -> np.ndarray:
    """Divided by time, the test rows that are newer than all that a run learned from; else all; bool, (n_rows,)."""
    kind, _, column = project.settings.split.by.partition(":")
    rows, seen = reigning.rows, training_rows.seen_by(folder, reigning.record, reigning.rows)
    if kind != "time" or seen is None or not seen.any():
        return np.ones(len(rows), dtype=bool)
    return (rows[column] > rows[column][seen].max()).to_numpy()


def told_rows(project: Project, *parts: str) -> np.ndarray:
    """The rows of splits that were told by people, bool, shape (n_rows,)."""
    splits = [pd.read_parquet(project.split(part)) for part in parts]
    return np.concatenate([np.arange(len(rows)) >= len(rows) - rows.attrs.get(TOLD, 0) for rows in splits])


def chosen(one: Evaluated, which: np.ndarray) -> Evaluated:
    """The same for some of the rows, `which` is bool, shape (n_rows,)."""
    rows = one.rows[which].reset_index(drop=True)
    return replace(one, rows=rows, truth=one.truth[which], predictions=one.predictions[which])


def no_worse(challenger: Evaluated, reigning: Evaluated) -> Check:
    """Not worse on rows of the source, whose truth no feedback can turn; a few turned labels hide in the interval."""
    metric, truth = challenger.metric, challenger.truth
    gain = metric.better_by(*(metric.score(truth, one.predictions) for one in (challenger, reigning)))
    low, high = compare.gain(challenger, reigning.predictions)
    found = f"gain in {metric.name} {gain:.4g} (95 %: {low:.4g} ... {high:.4g}) on {len(truth)} rows of the source"
    return Check("no worse without feedback", gain > -ROUNDING, f"{found}; below 0 fails, whatever the interval")


def answered(project: Project, folder: Path, evaluate: Evaluate) -> Evaluated:
    """The answers of a run to the present test split, evaluated first if need be."""
    evaluate(folder)
    found = compare.kept(project, folder)
    if found is None:
        raise DataError(f"reports/{folder.name} holds no answers of this model.\nDelete that folder and try again.")
    return found


def always_the_same(project: Project, challenger: Evaluated) -> Predictions:
    """The constant answer, from the truth of train and dev, to each test row."""
    record = challenger.record
    parts = [pd.read_parquet(records.checked(project.split(part))) for part in ("train", "dev")]
    seen = np.concatenate([part[record["target"]].to_numpy() for part in parts])
    return constant(seen, tuple(record["classes"]), len(challenger.truth), challenger.metric.name)


def better(than: str, challenger: Evaluated, others: Predictions, why: str = "") -> Check:
    """Better on the same rows: the paired 95 % interval of the gain lies above 0."""
    low, high = compare.gain(challenger, others)
    found = f"gain in {challenger.metric.name} {low:.4g} ... {high:.4g}, 95 %{why}"
    return Check(f"better than {than}", low > 0, found)


def unseen(project: Project, challenger: Evaluated) -> Check:
    """The challenger has not learned from the present test rows; a champion that has makes the gate narrower only."""
    passed = not training_rows.may_have_seen(project, challenger.record, challenger.rows)
    found = "it learned from none of them" if passed else "trained on other splits, it may know these test rows"
    return Check("test rows unseen", passed, found)


def no_slice_worse(project: Project, challenger: Evaluated, reigning: Evaluated) -> Check:
    """In no slice does the error rise by more than `slice_loss`, as far as the rows can tell.

    One slice by more than two standard errors; where there are many, as much more as keeps the chance of a false alarm
    in any of them at that of one (Bonferroni).
    """
    allowed = project.settings.promote
    rise = error_of_rows(challenger) - error_of_rows(reigning)
    if challenger.record["task"] == "regression":
        rise = rise / (error_of_rows(reigning).mean() or 1.0)
    slices = [
        (f"{name} = {level}", rise[positions])
        for name in divided_by(project, challenger)
        for level, positions in challenger.rows.groupby(name, observed=True, dropna=False).indices.items()
        if len(positions) >= allowed.slice_rows
    ]
    certainty, worse = -NORMAL.inv_cdf(NORMAL.cdf(-CERTAINTY) / max(len(slices), 1)), []
    for name, some in slices:
        if some.mean() > max(allowed.slice_loss, certainty * some.std() / np.sqrt(len(some))):
            worse.append(f"{name}: error up by {some.mean():.3f} on {len(some)} rows")
    found = f"none of {len(slices)} by more than {allowed.slice_loss:g}, as far as the rows can tell"
    return Check("no slice worse", not worse, "; ".join(worse) or found)


def divided_by(project: Project, one: Evaluated) -> list[str]:
    """The columns whose values are slices: categories, booleans, and what a model takes for a category."""
    columns = dictionary.load(project.models / one.record["run"] / registry.DICTIONARY)
    named = [name for name in dictionary.by_role(columns, "feature", "group") if columns[name].type in SLICED]
    taken = [name for kind in ("one-hot", "target encoding") for name in one.record["features"].get(kind, ())]
    return [name for name in dict.fromkeys([*taken, *named]) if name in one.rows]


def error_of_rows(one: Evaluated) -> np.ndarray:
    """1 where the class is wrong, or the absolute error; shape (n_rows,)."""
    if one.record["task"] == "regression":
        return np.abs(one.predictions.values - one.truth)
    return (one.predictions.values != one.truth).astype(float)


def latency(project: Project, model: loading.Run, champion: Path) -> Check:
    """An answer to one row takes no more CPU time than allowed, or hardly more than the champion's takes."""
    allowed, found, beside = project.settings.promote.latency_ms, cpu_of_a_row(project, model), ""
    if found > allowed and (champion / registry.RECORD).is_file():
        with contextlib.suppress(DataError):  # one that does not answer is no measure
            reigning = cpu_of_a_row(project, loading.load(champion))
            allowed, beside = max(allowed, SLOWER * reigning), f", the champion takes {reigning:.0f} ms"
    return Check("fast enough", found <= allowed, f"{found:.0f} ms of CPU a row, allowed {allowed:.4g}{beside}")


def cpu_of_a_row(project: Project, model: loading.Run) -> float:
    """The least CPU time of an answer to one row, model loaded, in milliseconds: other programs hardly count."""
    row, times = answers.test_rows(project, model).head(1), []
    with threads(len(row)):
        for _ in range(LATENCY_REPEATS):
            clock = time.process_time()
            answers.answer(model, row)
            times.append(1000 * (time.process_time() - clock))
    return min(times)


def reproducible(project: Project, model: loading.Run) -> Check:
    """The commit and the raw files of the run are here as they were; a row has the same features again, and alone."""
    commit, rows = model.record["commit"], answers.test_rows(project, model).head(ROWS_TWICE)
    reasons = [] if commit else ["it was trained without a git commit"]
    if said := git.refusal(project.root, commit or "HEAD"):
        reasons += [f"git does not have commit {(commit or 'HEAD')[:12]}: {said}"]
    raw = registry.raw_files(project, model.record)
    reasons += [f"{name} is gone or changed" for name, path in raw.items() if path is None]
    reasons += unsteady(model.add_features, rows)
    return Check("reproducible", not reasons, "; ".join(reasons) or f"commit {commit[:12]}, raw data here")


def rollback(project: Project) -> Path:
    """Make the champion before this one champion again; its folder. A `ProjectError` if none is there as it was."""
    with lock.alone(project.root, "rollback", name="champion"):
        champions = standing(registry.history(project))
        if len(champions) < 2:
            present = f"{champions[0]} is the first" if champions else "there is none at all"
            cure = "To choose one: make runs, make promote RUN=..."
            raise ProjectError(f"There is no champion before the present one: {present}.\n{cure}")
        present, before = champions[-1], project.models / champions[-2]
        loading.check(before)
        keep(project, before.name, {"rollback of": present})
        log.info("%s is champion again", before.name)
        return before


def standing(history: list[dict[str, Any]]) -> list[str]:
    """The present champion, last, above those to which `rollback` goes back, one after the other."""
    champions: list[str] = []
    for change in history:
        if "rollback of" in change:
            champions.pop()
        else:
            champions.append(change["run"])
    return champions


def keep(project: Project, name: str, about: dict[str, Any]) -> None:
    """Write the champion and add the change to the history."""
    history = registry.history(project)
    before = history[-1]["run"] if history else None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    history.append({"run": name, "before": before, "time": now, **about})
    artefact.write_json(project.models / registry.CHAMPION, records.sealed({"champion": name, "history": history}))
    track.after(project)
