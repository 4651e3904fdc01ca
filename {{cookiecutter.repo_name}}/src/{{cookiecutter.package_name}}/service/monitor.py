"""How is the service, and is the model still well? The figures of `/monitor` and of `reports/monitoring.html`.

    make monitor [INPUT=batch.csv] [RUN=run]

Reads the newest answers in the log, or lets a run answer a file; what was told of them; `reports/<run>/reference.json`
and the rows held out in training. Writes `reports/monitoring.html`, one file. Alarms are what `[monitor]` says.
"""

import asyncio
import functools
import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..engine.modelling import confidence, decision
from ..engine.project import artefact, records
from ..engine.project.errors import DataError, ProjectError, SettingsError
from ..engine.project.settings import Project
from ..engine.report.verdict import number
from ..engine.runs import registry
from ..engine.sources.source import parted
from . import newest, score, settings
from .app import Service
from .database import opened
from .feedback import QUEUE
from .health import Window, health, of_file, of_log, sample_of
from .tables import NEWEST, answers
from .versions import wanted as runs_wanted
from .words import OF_PAGES, PAGES

log = logging.getLogger(__name__)
LOOKS = 600.0  # seconds from one look of the service at itself to the next: each takes 0.4 to 1 s of CPU
BARS = 24  # of a chart
FIFTHS, CLASSES = np.arange(1, 5) / 5, 20  # of numbers; of classes so many are told one by one
PAGE = Path("reports") / "monitoring.html"
PATIENCE = 8.0  # seconds that a page waits for the log


def run(project: Project, *, input: Path | None, name: str) -> tuple[Path, list[str]]:
    """Look at the newest answers of a run in the log, or at its answers to a file; the page, and the alarms.

    `name` is of the run, "" for the one that answers by default, or did before it was asked. A `DataError` where there
    is no log and no file, or no answer in the log.
    """
    folder = registry.named(project, name) if name else runs_wanted(project)[0]
    inputs = {}
    if input is None:
        content = logged(project, folder, instead=not name)
    else:
        window = of_file(project, folder, input)
        inputs = {project.relative(input): artefact.sha256(Path(parted(str(input))[0]))}
        content = contents(project, None, window.rows, window)
    page, css = project.root / PAGE, (OF_PAGES / "static" / "page.css").read_text(encoding="utf-8")
    known = {"project": project.root.name, "css": css, "source": project.relative(input) if input else "the log"}
    artefact.write_text(page, PAGES.get_template("monitor.html").render(content | known))
    records.record(page, {"step": "monitor", "run": content["health"].window.folder.name, "inputs": inputs})
    return page, content["health"].alarms


async def watch(service: Service) -> None:
    """Look at the newest answers every so many seconds, for ever, for `/metrics`; where that fails it is said."""
    while True:
        try:
            await looking(service).figures()
        except Exception:  # whatever it is, the service answers on
            log.exception("the newest answers could not be looked at")
        await asyncio.sleep(LOOKS)


def logged(project: Project, folder: Path, *, instead: bool) -> dict[str, Any]:
    """What the page shows of the newest answers of a run in the log; if none, `instead` of who answered last."""
    try:
        with opened(project) as database:
            rows, _ = newest.answered(database.engine, answers.c.run == folder.name)
            if rows.empty and instead and (before := answered_last(project, database.engine)):
                log.warning("nobody asked %s yet: what is told is of %s, which answered last", folder.name, before.name)
                folder, (rows, _) = before, newest.answered(database.engine, answers.c.run == before.name)
            window = None if rows.empty else of_log(database.engine, project, folder.name, rows)
            if window:
                return contents(project, database.engine, rows, window)
    except DataError as error:
        raise DataError(f"{error}, or look at a file: make monitor INPUT=batch.csv") from None
    raise DataError(f"The log has no answer of {folder.name}.\nName another run, RUN=..., or a file, INPUT=batch.csv")


def answered_last(project: Project, engine: sa.Engine) -> Path | None:
    """The run of the newest answer in the log, if it is there still."""
    runs = newest.answered(engine, answers.c.role == "answer")[0]["run"]
    return next((project.models / run for run in runs if (project.models / run / registry.RECORD).is_file()), None)


class Looking:
    """Looks at the log in one thread of its own, once for all who wait: a slow database stops nothing else."""

    def __init__(self, service: Service) -> None:
        self._service, self._worker = service, ThreadPoolExecutor(1, "monitor")
        self._found: Future[dict[str, Any]] | None = None
        self._last: dict[str, Any] = {}

    async def figures(self) -> dict[str, Any]:
        """What the page shows; where a look takes too long it goes on, and what the last one found is shown."""
        if self._found is None or self._found.done():
            self._found = self._worker.submit(self._look)
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(self._found)), PATIENCE)
        except TimeoutError:
            return self._last | state(self._service) | {"late": PATIENCE, "looked": self._last.get("now")}

    def _look(self) -> dict[str, Any]:
        """Look, and keep what was found for `/metrics` and for who comes while the next look takes too long."""
        self._last = figures(self._service)
        self._service.counts.health(self._last.get("health"))
        return self._last


looking = functools.lru_cache(1)(Looking)  # the one of a service, for its page and for `/metrics`


def state(service: Service) -> dict[str, Any]:
    """What is known of a service without its log; of requests to `/predict` since the start, what became of them."""
    samples = next(iter(service.counts.requests.collect())).samples
    return {
        "state": service.log.state(),
        "versions": service.versions,
        "unready": service.unready(),
        "outcomes": {one.labels["outcome"]: int(one.value) for one in samples if one.value and "outcome" in one.labels},
        "now": moment(datetime.now(UTC).timestamp()),
    }


def figures(service: Service) -> dict[str, Any]:
    """What the page shows; where the log cannot be read, what is known without it."""
    content, engine = state(service), service.log.database.engine
    try:
        rows, _ = newest.answered(engine)
        answered = rows.loc[rows["role"] == "answer", "run"]
        names = [name for name in service.versions.served if name in set(answered)] or answered.tolist()
        try:
            window = of_log(engine, service.project, names[0], rows) if names else None
            return content | contents(service.project, engine, rows, window)
        except ProjectError as error:
            return content | contents(service.project, engine, rows, None) | {"uncompared": str(error)}
    except sa.exc.SQLAlchemyError as error:
        return content | {"unread": str(service.log.database.explained(error))}


def contents(project: Project, engine: sa.Engine | None, rows: pd.DataFrame, window: Window | None) -> dict[str, Any]:
    """What page and report both show: each run in each role, charts over time, the health of the one of the window."""
    options, runs, both = settings.of(project, settings.Monitor), [], []
    found = health(window, options) if window else None
    if window and found and (champion := successor(project, engine, window)):
        found = replace(found, alarms=[], successor=champion)
    for (role, run), part in rows.groupby(["role", "run"]):
        if window and found and run == window.folder.name and role in set(window.rows["role"]):
            different, told = found.counted, window.told
        elif engine:
            names, this = window.names if window else None, (answers.c.run == run, answers.c.role == role)
            different, _ = newest.answered(engine, *this, names=names, most=options.rows)
            told = newest.told(engine, *this, names=names)
            both += on_both(window, str(run), told) if window else []
        runs.append(about_run(project, part, different, sample_of(told, different)))
    return {
        "runs": runs,
        "both": both,
        "charts": charts(rows[rows["role"] == "answer"]),
        "health": found,
        "caveat": score.CAVEAT,
        "newest": NEWEST,
        "slots": BARS,
        "now": moment(datetime.now(UTC).timestamp()),
    }


def successor(project: Project, engine: sa.Engine | None, window: Window) -> str:
    """The champion, where nobody asked it yet and it came after the newest answer of the window's run; else ""."""
    changes = registry.history(project)[-1:]
    if engine is None or not changes or changes[0]["run"] == window.folder.name:
        return ""
    since = datetime.fromisoformat(changes[0]["time"]).timestamp()  # in whole seconds
    asked, _ = newest.answered(engine, answers.c.run == changes[0]["run"], most=1)
    return changes[0]["run"] if asked.empty and int(window.rows["time"].max()) <= since else ""


def moment(seconds: float) -> str:
    """A time as people read it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def about_run(project: Project, rows: pd.DataFrame, different: pd.DataFrame, told: pd.DataFrame) -> dict[str, Any]:
    """What is told of a run in one role: its answers, the newest `different` ones, and those whose truth was told."""
    run, role = rows[["run", "role"]].iloc[0]
    folder = project.models / run
    record = registry.sound(folder) if (folder / registry.RECORD).is_file() else None
    found = {
        "run": run,
        "role": role,
        "rows": len(rows),
        "compiled": (rows["road"] == "compiled").mean(),
        "median": rows["milliseconds"].median(),
        "slowest": rows["milliseconds"].quantile(0.99),
        "different": len(different),
        "unsure": 1 - different["confident"].mean(),
        "unusual": different["unusual"].mean(),
        "probability": different["probability"].mean(),
        "told": len(told),
        "of_these": told["id"].isin(rows["id"]).sum() if "id" in rows else len(told),
    }
    if record is None:
        return found
    try:
        held = decision.policy(folder, record, project.settings.predict, project.settings.decision).held
    except SettingsError:  # [decision] is of the target of today, this run may be of another one
        held = confidence.held_out(folder)
    if record["task"] == "regression":
        within = told["truth"].between(told["low"], told["high"]).mean() if told["low"].notna().all() else np.nan
        error = (told["prediction"] - told["truth"]).abs().mean()
        names, places, then = by_fifth(different["prediction"], held)
        found |= {"error": error, "within": within}
    else:
        names, places, then = by_class(different["prediction"], record["classes"], held)
        wrong = (told["prediction"] != told["truth"]).mean()
        found |= {"wrong": wrong, "mistakes": score.mistakes(told, record["classes"][:CLASSES])}
    counts = np.bincount(places, minlength=len(then))
    said = [*zip(names, counts.tolist(), counts / counts.sum(), then, strict=True)]
    return found | {"said": [one for one in said if one[1] or one[3] > 0]}


def on_both(window: Window, run: str, told: pd.DataFrame) -> list[tuple[str, int, float, float]]:
    """Of how many rows that a run and that of the window answered the truth is told, and how wrong both are there."""
    both = window.told.merge(told[["id", "prediction"]], on="id", suffixes=("", " of it"))
    both = both[both["source"] != QUEUE]
    said = both[["prediction", "prediction of it"]]
    wrong = said.ne(both["truth"], axis=0) if window.record["classes"] else said.sub(both["truth"], axis=0).abs()
    return [(run, len(both), *wrong.mean())] if len(both) else []


def by_fifth(said: pd.Series, held: pd.DataFrame | None) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Fifths of what a run said of the rows held out in training: names, the place of each answer, shares then."""
    then = said if held is None else held["prediction"]
    edges = np.unique(then.quantile(FIFTHS))
    places, before = (np.searchsorted(edges, values) for values in (said, then))
    names = [*(f"up to {number(edge)}" for edge in edges), f"above {number(edges[-1])}"]
    return names, places, np.bincount(before, minlength=len(names)) / len(before)


def by_class(said: pd.Series, classes: list, held: pd.DataFrame | None) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Classes, the last of many together: names, the place of each answer, shares of the rows held out in training."""
    names = [*map(str, classes[:CLASSES]), *(["others"] if len(classes) > CLASSES else [])]
    place = {label: min(index, CLASSES) for index, label in enumerate(classes)}
    then = np.full(len(names), np.nan)
    if held is not None:
        then = np.bincount([place[label] for label in held["prediction"]], minlength=len(names)) / len(held)
    return names, np.array([place[label] for label in said], dtype=int), then


def charts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Traffic, latency and confidence over time, unless all is 0, each with its bars: place, height of 100, value."""
    first, last = rows["time"].min(), rows["time"].max()
    if not first < last:  # no row has none
        return []
    slots = rows.groupby(((rows["time"] - first) / max(last - first, 1.0) * (BARS - 1)).astype(int))
    wanted = {
        "Rows answered": slots.size(),
        "Milliseconds, 99th percentile": slots["milliseconds"].quantile(0.99),
        "Average probability": slots["probability"].mean(),
        "Share that is not confident": 1 - slots["confident"].mean(),
    }
    found = []
    for title, values in wanted.items():
        bars = [(place, 100 * value / (values.max() or 1), value) for place, value in values.items()]
        ends = {"from": moment(first), "to": moment(last), "most": values.max(), "last": values.iloc[-1]}
        found += [{"title": title, "bars": bars, **ends}] if values.notna().all() and values.any() else []
    return found
