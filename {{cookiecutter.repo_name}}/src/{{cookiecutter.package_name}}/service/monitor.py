"""The figures of `/monitor`: of the newest answers in the log, and of the newest of which the truth was told."""

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..engine.modelling import confidence
from ..engine.project.settings import Project
from ..engine.report.verdict import number
from ..engine.runs import registry
from .app import Service
from .database import answers, feedback

NEWEST = 5000  # answers, and truths told: 0.1 s of CPU
BARS = 24  # of a chart
FIFTHS, CLASSES = np.arange(1, 5) / 5, 20  # of numbers; of classes so many are told one by one
SAID = ["prediction", "probability", "low", "high"]


def figures(service: Service) -> dict[str, Any]:
    """What the page shows; where the log cannot be read, what is known without it."""
    content: dict[str, Any] = {
        "state": service.log.state(),
        "versions": service.versions,
        "unready": service.unready(),
        "outcomes": outcomes(service),
        "newest": NEWEST,
        "slots": BARS,
        "now": moment(datetime.now(UTC).timestamp()),
    }
    try:
        rows, told = newest(service.log.database.engine)
    except sa.exc.SQLAlchemyError as error:
        return content | {"unread": str(service.log.database.explained(error))}
    runs = [about_run(service.project, part, told) for _, part in rows.groupby(["role", "run"])]
    return content | {"runs": runs, "charts": charts(rows[rows["role"] == "answer"])}


def moment(seconds: float) -> str:
    """A time as people read it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def outcomes(service: Service) -> dict[str, int]:
    """Requests of programs since the start, by what became of them."""
    samples = next(iter(service.counts.requests.collect())).samples
    return {one.labels["outcome"]: int(one.value) for one in samples if one.value and "outcome" in one.labels}


def newest(engine: sa.Engine) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The newest answers, and those of which the truth was told last, with that truth."""
    words = sa.select(feedback.c.truth, answers).join(answers, answers.c.id == feedback.c.id)
    with engine.connect() as connection:
        rows = frame(connection.execute(sa.select(answers).order_by(answers.c.id.desc()).limit(NEWEST)))
        told = frame(connection.execute(words.order_by(feedback.c.number.desc()).limit(NEWEST)))
    told["truth"] = [json.loads(text) for text in told["truth"]]
    return rows, told.drop_duplicates(["id", "run"])


def frame(found: sa.CursorResult) -> pd.DataFrame:
    """Answers as a table, with what was said in columns."""
    rows = pd.DataFrame(found.mappings().all(), columns=pd.Index(list(found.keys())))
    said = pd.DataFrame([json.loads(text) for text in rows["output"]], index=rows.index)
    return rows.join(said.reindex(columns=SAID))


def about_run(project: Project, rows: pd.DataFrame, told: pd.DataFrame) -> dict[str, Any]:
    """What is told of the answers of a run in one role."""
    run, role = rows[["run", "role"]].iloc[0]
    folder, told = project.models / run, told[(told["run"] == run) & (told["role"] == role)]
    record = registry.sound(folder) if (folder / registry.RECORD).is_file() else None
    found = {
        "run": run,
        "role": role,
        "rows": len(rows),
        "compiled": (rows["road"] == "compiled").mean(),
        "unsure": 1 - rows["confident"].mean(),
        "unusual": rows["unusual"].mean(),
        "probability": rows["probability"].mean(),
        "median": rows["milliseconds"].median(),
        "slowest": rows["milliseconds"].quantile(0.99),
        "told": len(told),
    }
    if record is None:
        return found
    held = confidence.held_out(folder)
    if record["task"] == "regression":
        within = told["truth"].between(told["low"], told["high"]).mean() if told["low"].notna().all() else np.nan
        error = (told["prediction"] - told["truth"]).abs().mean()
        return found | {"error": error, "within": within, "numbers": by_fifth(rows["prediction"], held)}
    return found | {
        "wrong": (told["prediction"] != told["truth"]).mean(),
        "classes": by_class(rows["prediction"], record["classes"], held, told),
    }


def by_fifth(said: pd.Series, held: pd.DataFrame | None) -> list[tuple]:
    """Answers by fifths of what the run said of the rows held out in training: name, count, share, share then."""
    then = said if held is None else held["prediction"]
    edges = np.unique(then.quantile(FIFTHS))
    counts, before = (np.bincount(np.searchsorted(edges, x), minlength=len(edges) + 1) for x in (said, then))
    names = [*(f"up to {number(edge)}" for edge in edges), f"above {number(edges[-1])}"]
    return [*zip(names, counts.tolist(), counts / counts.sum(), before / before.sum(), strict=True)]


def by_class(said: pd.Series, classes: list, held: pd.DataFrame | None, told: pd.DataFrame) -> list[tuple]:
    """Answers by class: name, count, share, share then; of those told, false positives, negatives, how many it was."""
    found = []
    for label in classes[:CLASSES]:
        then = np.nan if held is None else (held["prediction"] == label).mean()
        yes, true = told["prediction"] == label, told["truth"] == label
        false = int((yes & ~true).sum()), int((true & ~yes).sum()), int(true.sum())
        found.append((str(label), int((said == label).sum()), (said == label).mean(), then, *false))
    return found


def charts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Traffic, latency and confidence over time, each with its bars: place, height of 100, value."""
    if rows.empty:
        return []
    first, last = rows["time"].min(), rows["time"].max()
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
        found += [{"title": title, "bars": bars, **ends}] if values.notna().all() else []
    return found
