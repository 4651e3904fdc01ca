"""The newest answers in the log, and the newest truths told of them, as tables."""

import json
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import pandas as pd
import sqlalchemy as sa

from .database import PART
from .feedback import ASKER
from .tables import LOOK_BACK, NEWEST, answers, feedback

SAID_COLUMNS = ["prediction", "probability", "low", "high"]  # where an answer has none, it is missing
Names = Sequence[str] | None  # columns in which rows differ; None where all count


def answered(engine: sa.Engine, *conditions: Any, names: Names = None, most: int = NEWEST) -> tuple[pd.DataFrame, int]:
    """So many answers that fit, `NEWEST` at most, and among how many they were found; none that `make label` asked for.

    They are looked for in the log of all runs from the newest that fits back: of a champion that few have asked it has
    no more, and nothing finds its rows at once.
    """
    fit, newest_first = sa.and_(answers.c.asker != ASKER, *conditions), answers.c.id.desc()
    last = sa.select(answers.c.id).where(fit).order_by(newest_first).limit(1).scalar_subquery()
    back = sa.select(answers.c.id).where(answers.c.id <= last).order_by(newest_first).limit(LOOK_BACK).subquery()
    near = answers.c.id >= sa.select(sa.func.min(back.c.id)).scalar_subquery()
    return different(engine, sa.select(answers).where(fit, near).order_by(newest_first), names, min(most, NEWEST))


def told(engine: sa.Engine, *conditions: Any, names: Names) -> pd.DataFrame:
    """The newest answers that fit all conditions, among the newest of all runs that have a `truth`; that, its `source`.

    Of a row that came again what was told last counts, and one that is told all day pushes no other out.
    """
    last, newest_first = sa.func.max(feedback.c.number).label("number"), feedback.c.id.desc()
    back = sa.select(last).group_by(feedback.c.id).order_by(newest_first).limit(LOOK_BACK).subquery()
    query = sa.select(feedback.c.truth, feedback.c.source, feedback.c.number, answers).where(*conditions)
    both = query.join(back, back.c.number == feedback.c.number).join(answers, answers.c.id == feedback.c.id)
    rows, _ = different(engine, both.order_by(newest_first), names, NEWEST, kept="number")
    rows["truth"] = [json.loads(text) for text in rows["truth"]]
    return rows.sort_values("id", ascending=False)


def different(
    engine: sa.Engine, query: sa.Select[Any], names: Names, most: int, kept: str = "id"
) -> tuple[pd.DataFrame, int]:
    """So many of the first answers of a query, no two alike in the columns `names`, if any, and among how many.

    Of those that are alike the one with the greatest value in the column `kept` stays.
    """
    found, looked = dict[str, sa.RowMapping](), 0
    with engine.connect().execution_options(yield_per=PART) as connection:
        for row in connection.execute(query).mappings():
            cells = {} if names is None else json.loads(row["inputs"])
            alike = repr([row["id"], row["run"]] if names is None else [row["output"], *map(cells.get, names)])
            found[alike] = max(found.get(alike, row), row, key=itemgetter(kept))
            looked += 1
            if len(found) == most:
                break
    rows = pd.DataFrame([*found.values()], columns=pd.Index(query.selected_columns.keys()))
    said = pd.DataFrame([json.loads(text) for text in rows["output"]], index=rows.index)
    columns = said.columns.union(SAID_COLUMNS, sort=False).drop("confident", errors="ignore")  # the log has it
    return rows.join(said.reindex(columns=columns)), looked
