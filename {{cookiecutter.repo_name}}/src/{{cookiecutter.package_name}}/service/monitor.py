"""The figures of `/monitor`: of the newest rows of the log and the newest words of feedback."""

import datetime
import json
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..engine.modelling import confidence
from ..engine.project.settings import Project
from ..engine.runs import registry
from .database import answers, feedback

NEWEST = 5000  # rows and words of feedback: 0.1 s
BARS = 24
FIFTHS = 5
CLASSES = 20  # that are told one by one


def figures(service: Any) -> dict[str, Any]:
    """What the page shows; without a log, the counts of this process alone."""
    versions, state = service.versions, service.log.state()
    content: dict[str, Any] = {
        "state": state,
        "served": versions.served,
        "shadows": versions.shadows,
        "refused": versions.refused,
        "unready": service.unready(),
        "outcomes": outcomes(service),
        "runs": [],
        "charts": [],
        "newest": NEWEST,
        "slots": BARS,
        "now": f"{datetime.datetime.now():%Y-%m-%d %H:%M:%S}",
    }
    try:
        rows, told = newest(service.log.database.engine)
    except sa.exc.SQLAlchemyError as error:
        return content | {"unread": str(service.log.database.explained(error))}
    if rows.empty:
        return content
    runs = [about_run(service.project, *key, part, told) for key, part in rows.groupby(["run", "role"])]
    return content | {"runs": runs, "charts": charts(rows[rows["role"] == "answer"])}


def outcomes(service: Any) -> dict[str, int]:
    """Requests since the start, by what became of them."""
    samples = next(iter(service.counts.requests.collect())).samples
    return {one.labels["outcome"]: int(one.value) for one in samples if one.name.endswith("_total") and one.value}


def newest(engine: sa.Engine) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The newest answers, and the newest answers of which the truth was told, each with its last truth."""
    columns = [answers.c[name] for name in ("id", "time", "run", "role", "road", "output", "confident", "unusual")]
    of_answers = sa.select(*columns, answers.c.milliseconds).order_by(answers.c.id.desc()).limit(NEWEST)
    joined = sa.select(feedback.c.truth, *columns).join(answers, answers.c.id == feedback.c.id)
    with engine.connect() as connection:
        rows = said(pd.DataFrame(connection.execute(of_answers).mappings().all()))
        told = said(
            pd.DataFrame(connection.execute(joined.order_by(feedback.c.number.desc()).limit(NEWEST)).mappings().all())
        )
    if len(told):
        told = told.drop_duplicates(["id", "run"])
        told["truth"] = told["truth"].map(json.loads)
    return rows, told


def said(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with what was answered in columns."""
    if rows.empty:
        return rows
    return rows.join(
        pd.DataFrame([json.loads(text) for text in rows["output"]], rows.index)[
            lambda table: [name for name in ("prediction", "probability", "low", "high") if name in table]
        ]
    )


def about_run(project: Project, run: str, role: str, rows: pd.DataFrame, told: pd.DataFrame) -> dict[str, Any]:
    """What is told of the answers of a run."""
    folder = project.models / run
    record = registry.sound(folder) if (folder / registry.RECORD).is_file() else None
    mine = told[(told["run"] == run) & (told["role"] == role)] if len(told) else told
    found = {
        "run": run,
        "role": role,
        "rows": len(rows),
        "compiled": float((rows["road"] == "compiled").mean()),
        "unsure": float(1 - rows["confident"].mean()),
        "unusual": float(rows["unusual"].mean()),
        "probability": float(rows["probability"].mean()) if "probability" in rows else np.nan,
        "milliseconds": rows["milliseconds"].quantile([0.5, 0.99]).tolist(),
        "told": len(mine),
        "known": record is not None,
    }
    if record is None:
        return found
    if record["task"] == "regression":
        return found | parts(rows["prediction"], confidence.held_out(folder)) | errors_of_numbers(mine)
    return found | shares(rows["prediction"], record["classes"], confidence.held_out(folder), mine)


def parts(predictions: pd.Series, held: pd.DataFrame | None) -> dict[str, Any]:
    """Answers by fifths of the numbers that the run answered to rows it had not seen."""
    if held is None:
        return {}
    edges = np.unique(held["prediction"].quantile(np.arange(1, FIFTHS) / FIFTHS))
    now, then = (
        np.bincount(np.searchsorted(edges, cells), minlength=len(edges) + 1)
        for cells in (predictions, held["prediction"])
    )
    names = [f"up to {edge:,.4g}" for edge in edges] + [f"above {edges[-1]:,.4g}"]
    return {
        "answers": [(name, int(n), n / now.sum(), t / then.sum()) for name, n, t in zip(names, now, then, strict=True)]
    }


def shares(predictions: pd.Series, classes: list, held: pd.DataFrame | None, told: pd.DataFrame) -> dict[str, Any]:
    """Answers by class, and how many of those told were wrong: said and not so, so and not said."""
    found = []
    for label in classes[:CLASSES]:
        count = int((predictions == label).sum())
        then = float((held["prediction"] == label).mean()) if held is not None else np.nan
        said, true = (
            (told["prediction"] == label, told["truth"] == label) if len(told) else (pd.Series(dtype=bool),) * 2
        )
        found.append(
            (
                str(label),
                count,
                count / len(predictions),
                then,
                int((said & ~true).sum()),
                int((true & ~said).sum()),
                int(true.sum()),
            )
        )
    wrong = float((told["prediction"] != told["truth"]).mean()) if len(told) else np.nan
    return {"classes": found, "wrong": wrong}


def errors_of_numbers(told: pd.DataFrame) -> dict[str, Any]:
    """How far the answers told of were from the truth."""
    if told.empty:
        return {}
    off = (told["prediction"] - told["truth"]).abs()
    within = float(told["truth"].between(told["low"], told["high"]).mean()) if "low" in told else np.nan
    return {"error": float(off.mean()), "within": within}


def charts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Traffic, latency and probability over time, as bars: heights of 100."""
    if rows.empty:
        return []
    width = max(rows["time"].max() - rows["time"].min(), 1.0) / BARS
    place = ((rows["time"] - rows["time"].min()) // width).clip(upper=BARS - 1).astype(int)
    ends = [
        f"{datetime.datetime.fromtimestamp(moment):%Y-%m-%d %H:%M}"
        for moment in (rows["time"].min(), rows["time"].max())
    ]
    wanted = {
        "Rows answered": rows.groupby(place).size(),
        "Latency, 99th percentile, ms": rows.groupby(place)["milliseconds"].quantile(0.99),
        "Share that is not confident": 1 - rows.groupby(place)["confident"].mean(),
    }
    if "probability" in rows:
        wanted["Average probability"] = rows.groupby(place)["probability"].mean()
    return [chart(title, values, ends) for title, values in wanted.items()]


def chart(title: str, values: pd.Series, ends: list[str]) -> dict[str, Any]:
    """The bars of a chart."""
    top = float(values.max()) or 1.0
    bars = [(place, 100 * value / top, value) for place, value in values.items()]
    return {"title": title, "top": float(values.max()), "last": float(values.iloc[-1]), "bars": bars, "ends": ends}
