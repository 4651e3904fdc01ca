"""Make a new run from what people said of answers, and let it answer if it passes the gate.

    make retrain

Reads the log: answers whose truth was told. Writes those that are new into a dump beside the source, `data/raw/<dump>/`
(a card with the ids, read-only), then does `data`, `features`, `train`, `evaluate` and `promote`, with a line for each
decision, which `reports/<run>/retrain.json` keeps. A row stays in its split: `engine/modelling/division.py`. What was
killed goes on where it was: a dump is new until a run that learned of it stood before the gate, as `run.json` says.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from ..engine.modelling import division
from ..engine.project import artefact, lock, records
from ..engine.project.settings import PARTS, Project
from ..engine.runs import promote, registry, signatures
from ..engine.sources import source
from .database import Database, opened
from .settings import Retrain, of
from .tables import Told

Make = Callable[..., list[Path]]
Gate = Callable[[Project, Path], list[promote.Check]]


def run(project: Project, make: Make, gate: Gate) -> Iterator[str]:
    """Retrain, if something new was told; a line for each decision.

    `make` brings a step of the pipeline up to date and returns its outputs, `gate` promotes a run or raises `Refused`.
    Who comes while another retrains waits, and finds nothing new. A `DataError` or `LogError` if there is no log, it
    cannot be read, or a step cannot be done.
    """
    with lock.alone(project.root, "retrain", name="retrain"):
        with opened(project) as database:
            rows = new_rows(project, database)
            least = of(project, Retrain).rows
            if len(rows) >= least:
                dump = keep(project, make, database, rows)
                yield f"new truths: {len(rows)} -> {project.relative(dump.folder)}"
        if dumps := new_dumps(project):
            yield from judged(project, make, gate, dumps)
        else:
            few = f"new truths: {len(rows)}, fewer than [retrain] rows = {least}" if len(rows) else "no truth is new"
            yield f"{few}: nothing is trained"


def new_rows(project: Project, database: Database) -> pd.DataFrame:
    """The answers with the truth that was told of each last, where no dump has it; in order of the ids."""
    dumps = [pd.read_parquet(dump.folder / source.FEEDBACK) for dump in source.told(project.root)]
    known = set().union(*(dump["number"] for dump in dumps))
    last = {told.id: told for told in database.read(Told)}
    ids = sorted(name for name, told in last.items() if told.number not in known)
    found = database.find(ids)
    rows = []
    for entry, told in ((found[name][0], last[name]) for name in ids if name in found):
        who = {"told": told.time, "asker": told.asker, "source": told.source, "number": told.number}
        rows.append({"id": entry.id, "run": entry.run, "inputs": entry.inputs, "truth": told.truth, **who})
    return pd.DataFrame(rows)


def keep(project: Project, make: Make, database: Database, rows: pd.DataFrame) -> source.Dump:
    """Write rows into a dump; into the first one under the present `[split]` also where the rows of the source lie."""
    how, parts = project.settings.split, None
    if not how.by.startswith("time:") and division.kept(project, how) is None:
        paths, wanted = [project.split(part) for part in PARTS], json.loads(json.dumps(asdict(how)))
        made = [records.recorded(path).get("parameters", {}).get("split") for path in paths if path.is_file()]
        if made != [wanted] * len(paths):
            make(project, "features")
        parts = division.last(project)
    ids = {"count": len(rows), "first": rows["id"].min(), "last": rows["id"].max()}
    about = {"url": database.engine.url.render_as_string(hide_password=True), "answers": ids}

    def write(folder: Path) -> None:
        rows.to_parquet(folder / source.FEEDBACK, index=False)
        if parts is not None:
            parts.to_parquet(folder / source.SPLIT, index=False)

    return source.keep(project.root, about | ({} if parts is None else {"split": asdict(how)}), write)


def new_dumps(project: Project) -> dict[str, str]:
    """The digests of all dumps, by folder, if of one of them no run that learned of it stood before the gate."""
    runs = filter(None, map(registry.sound, registry.folders(project)))
    known = {digest for run in runs for digest in run.get(signatures.JUDGED, ())}
    dumps = {project.relative(dump.folder): dump.card["sha256"] for dump in source.told(project.root)}
    return dumps if set(dumps.values()) - known else {}


def judged(project: Project, make: Make, gate: Gate, dumps: dict[str, str]) -> Iterator[str]:
    """Train on all that was told, and put the run before the gate; a line for each decision."""
    make(project, "features")
    how, parts = project.settings.split, [pd.read_parquet(project.split(part)) for part in PARTS]
    counts = [rows.attrs.get(division.TOLD, 0) for rows in parts]
    if how.by.startswith("time:") and counts[-1]:
        yield (
            f"{sum(counts[:-1])} of {sum(counts)} told rows are learned from: by {how.by!r} the others are in the test "
            f"split, the newest {100 * how.shares.test:g} %. It moves on as newer rows come; to learn from them now: a "
            "smaller test in [split] shares, then make train"
        )
    folder = make(project, "train", message=f"retrain: {', '.join(dumps)}")[0].parent
    record = registry.read(folder)
    metric = record["metrics"]["chosen_by"]
    yield f"{folder.name}: {record['model']['name']}, {metric} {record['metrics']['dev'][metric]:.4g} on held-out rows"
    make(project, "evaluate", run=folder.name)
    score = registry.read(folder)["metrics"]["test"][metric]
    yield f"{folder.name}: {metric} {score:.4g} on the test split"
    try:
        checks, passed = gate(project, folder), True
    except promote.Refused as refused:
        checks, passed = refused.checks, False
    yield from (f"{'passed' if check.passed else 'FAILED'} {check.name}: {check.found}" for check in checks)
    about: dict[str, Any] = {"run": folder.name, "dumps": dumps, "champion": passed, "gate": list(map(asdict, checks))}
    artefact.write_json(project.root / "reports" / folder.name / "retrain.json", records.sealed(about))
    with lock.held(project.root, "retrain", registry.RECORD):  # in the run, too, which push sends
        registry.write(folder, {**registry.read(folder), signatures.JUDGED: sorted(dumps.values())})
    champion = registry.champion(project)
    kept = f"the champion stays {champion.name}" if champion else "there is no champion"
    cure = f"more truths train again, or overrule it: make promote RUN={folder.name} FORCE='why'"
    yield f"{folder.name} is champion" if passed else f"{kept}. Look at what FAILED; {cure}"
