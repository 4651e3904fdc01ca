"""Which rows are most worth a person's minute.

    make label

Looks at the answers in the log of which nobody has said what was true, and at tables in `data/external/unlabelled/`.
Writes `[label] rows` of their rows to `data/external/to_label.csv`: a tenth at random, by which scores stay honest, up
to a tenth that are unusual, and those that the run is least sure of, each unlike the others. The rows of tables are
answered and logged, so that every row has an id: fill the file in for `make feedback`, or label at `/label`.
"""

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa
from msgspec import json
from scipy.spatial.distance import cdist

from ..engine.columns import dictionary
from ..engine.modelling import confidence
from ..engine.project import artefact, lock, spreadsheet
from ..engine.project.errors import DataError, listed, shown
from ..engine.project.settings import Project
from ..engine.runs import answers, registry
from ..engine.runs.loading import Run
from . import database, feedback, newest, tables
from .drawn import as_cells
from .feedback import ASKER, ID, QUEUE, WHY
from .guard import ENCODE
from .reference import Reference
from .schema import without_truth
from .settings import Label, of
from .unusual import kinds_of
from .versions import wanted

UNLABELLED, TO_LABEL = Path("data/external/unlabelled"), Path("data/external/to_label.csv")
log = logging.getLogger(__name__)
AT_RANDOM, UNUSUAL, UNSURE = feedback.AT_RANDOM, "unusual", "unsure"
TENTH, WIDE = 0.1, 10  # share of the rows; of so many times as many of the least sure, unlike ones are taken
RATE = 0.2  # of the truths outside of the band that says how sure a number is


def run(project: Project) -> str:
    """Write the rows; what to print. A `DataError` if there are none, or if labels in the file would be lost."""
    path, most, version = project.root / TO_LABEL, of(project, Label).rows, Reference(project, wanted(project)[0])
    model = version.run
    with lock.held(project.root, "label", name="label"), database.opened(project, new=True) as kept:
        check_taken(path, kept, model.record["target"])
        pool = answered(version, [*from_log(version, project, kept), *from_tables(project, model, kept)])
        table = spread(pool["cells"].tolist(), model.columns)
        doubt = doubts(version, pd.DataFrame(pool["output"].tolist()))
        chosen = choose(doubt, pool["unusual"].to_numpy(), table, most)
        rows = pool.loc[[*chosen]].assign(**{WHY: [*chosen.values()]})
        fresh = rows[ID] == ""
        rows.loc[fresh, ID] = tables.new_ids(int(fresh.sum()))
        kept.insert([entry(model.name, row) for row in rows[fresh].to_dict("records")])
        sources = rows.set_index(ID)[WHY].map(feedback.SOURCES).fillna(QUEUE)
        again = tables.asked.delete().where(tables.asked.c.id.in_([*sources.index]))
        kept.execute([again, tables.asked.insert().values([*sources.items()])])
        write(path, rows, model)
    counts = ", ".join(f"{count} {why}" for why, count in rows[WHY].value_counts().items())
    places = ", ".join(f"{count} of {file}" for file, count in rows["file"].value_counts().items())
    return f"label: {len(rows)} of {len(pool)} rows in {project.relative(path)}: {counts}; {places}"


def from_log(version: Reference, project: Project, kept: database.Database) -> list[dict[str, Any]]:
    """The newest answers, no two to the same row, by runs that are here, of which nobody has said what was true."""
    here = [folder.name for folder in registry.folders(project)]
    columns, said = tables.answers.c, sa.select(tables.feedback.c.id)
    query = sa.select(tables.answers).where(columns.role == "answer", columns.run.in_(here), columns.id.not_in(said))
    last = query.order_by(columns.id.desc()).limit(tables.LOOK_BACK)
    rows, _ = newest.different(kept.engine, last, without_truth(version.columns), tables.NEWEST)
    found = rows.loc[~rows["inputs"].isin(told(kept)), ["id", "inputs"]].itertuples(index=False, name=None)
    return [{ID: number, "file": "the log", "cells": json.decode(text)} for number, text in found]


def from_tables(project: Project, model: Run, kept: database.Database) -> list[dict[str, Any]]:
    """The rows of the tables of which nobody has said what was true; a `DataError` names cells that break a rule."""
    known, found = told(kept), list[dict[str, Any]]()
    for path in sorted((project.root / UNLABELLED).glob("[!.]*")):
        aside = project.root / TO_LABEL.with_name(f"{path.stem}_set_aside.csv")
        rows, notes = answers.read_rows(project, model, path, aside)
        for note in notes:
            log.info("%s", note)
        cells = [row for row in as_cells(rows) if ENCODE(row).decode() not in known]
        found += [{ID: "", "file": path.name, "cells": row} for row in cells]
    return found


def told(kept: database.Database) -> set[str]:
    """The inputs of all answers of which somebody has said what was true: a row that came again has other ids."""
    both = tables.answers.join(tables.feedback, tables.answers.c.id == tables.feedback.c.id)
    with kept.engine.connect() as connection:
        return set(connection.scalars(sa.select(tables.answers.c.inputs).select_from(both)))


def answered(version: Reference, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows that are not twice there and fit the rules of today, with the `output` of the run and whether `unusual`."""
    names, different = {*without_truth(version.columns)}, dict[bytes, dict[str, Any]]()
    for row in rows:
        row["cells"] = {name: cell for name, cell in row["cells"].items() if name in names}
        different.setdefault(ENCODE(row["cells"]), row)
    rows = [*different.values()]
    try:
        found = version.reference([row["cells"] for row in rows])
    except DataError as error:
        broken = {one["row"] for one in error.violations}
        log.warning("%d of %d rows are left out: %s", len(broken), len(rows), str(error).splitlines()[0])
        rows = [row for place, row in enumerate(rows, start=1) if place not in broken]
        found = version.reference([row["cells"] for row in rows])
    if not rows:
        cure = "Answer rows (make serve), or put tables without the target there."
        raise DataError(f"Nothing to label: the log holds no answer without truth, {UNLABELLED} no table.\n{cure}")
    said = [{"output": one.output, "unusual": one.unusual} for one in found]
    return pd.DataFrame([row | more for row, more in zip(rows, said, strict=True)])


def doubts(version: Reference, said: pd.DataFrame) -> np.ndarray:
    """How unsure the run is of each row, shape (n_rows,): between two classes, or by the width of a band."""
    record = version.run.record
    if record["task"] == "regression":
        held = confidence.held_out(version.folder)
        low, high = confidence.band(held, RATE).of(said["prediction"].to_numpy()) if held is not None else (0, 0)
        return np.broadcast_to(np.subtract(high, low), len(said))
    names = [f"probability_{label}" for label in record["classes"]]
    if not set(names) <= set(said):
        return 1 - said["probability"].to_numpy()
    second, first = np.sort(said[names].to_numpy(), axis=1)[:, -2:].T
    return 1 - (first - second)


def spread(rows: list[Mapping[str, Any]], columns: dictionary.Dictionary) -> np.ndarray:
    """Rows as places, shape (n_rows, n_numbers), between which distances count: 1 from one kind or end to another."""
    names, found = dictionary.features(columns), [np.zeros((len(rows), 1))]
    cells = pd.DataFrame(rows).reindex(columns=names)
    for name in names:
        if columns[name].type in ("integer", "number"):
            rank = pd.to_numeric(cells[name], errors="coerce").rank(pct=True)
            found.append(rank.fillna(0.5).to_numpy()[:, None])
        elif columns[name].type in ("category", "boolean"):
            kinds = cells[name].astype(object).where(cells[name].notna(), "").map(str)
            found.append((kinds.to_numpy()[:, None] == np.array(kinds_of(kinds), dtype=object)) / 2)
    return np.hstack(found)


def choose(doubt: np.ndarray, unusual: np.ndarray, table: np.ndarray, most: int) -> dict[int, str]:
    """At most so many rows, by their places, and why; mixed, so that of a part of them a tenth is at random too.

    `doubt` and `unusual`, shape (n_rows,), say how unsure the run is of a row, in any unit, and whether it is unusual;
    `table`, shape (n_rows, n_numbers), has the rows as `spread` does.
    """
    random = np.random.default_rng(0)
    places, share = random.permutation(len(doubt)), int(np.ceil(TENTH * most))
    chosen = dict.fromkeys(places[:share].tolist(), AT_RANDOM)
    strange = [place for place in places[share:].tolist() if unusual[place]]
    chosen |= dict.fromkeys(strange[:share], UNUSUAL)
    rank = pd.Series(doubt).rank(pct=True).to_numpy()
    left = np.array([place for place in places[np.argsort(-rank[places])] if place not in chosen], dtype=int)
    left = left[: WIDE * most]
    near = cdist(table[left], table[[*chosen]], "cityblock").min(axis=1)
    for _ in range(min(most - len(chosen), len(left))):
        best = np.argmax(rank[left] * near)
        chosen[int(left[best])] = UNSURE
        near = np.minimum(near, cdist(table[left], table[left[best]][None], "cityblock")[:, 0])
        near[best] = -1
    order = random.permutation(len(chosen))
    return {[*chosen][place]: [*chosen.values()][place] for place in order}


def entry(run: str, row: Mapping[str, Any]) -> tables.Entry:
    """An answer to a row of a table, for the log."""
    cells, said, sure = *(ENCODE(row[one]).decode() for one in ("cells", "output")), bool(row["output"]["confident"])
    usual = row[ID], time.time(), run, "answer", "reference"
    return tables.Entry(*usual, cells, said, sure, row["unusual"], "[]", 0.0, ASKER)


def write(path: Path, rows: pd.DataFrame, model: Run) -> None:
    """Write the file: id, why, the target to be filled in, then the cells of the row."""
    cells, asked = pd.DataFrame(rows["cells"].tolist(), index=rows.index), rows[[ID, WHY]].copy()
    asked[model.record["target"]] = ""
    cells = cells.rename(columns={name: f"{name} (row)" for name in cells if name in asked})
    with artefact.whole(path) as temporary:
        spreadsheet.write(temporary, asked.join(cells))


def check_taken(path: Path, kept: database.Database, target: str) -> None:
    """A `DataError` if the file holds labels that are not in the log: another one would take its place."""
    if not path.is_file():
        return
    rows = feedback.queued(path).reindex(columns=[ID, target])
    labelled = rows.loc[rows[target].notna(), ID].fillna("").astype(str).tolist()
    known = kept.find(labelled)
    if lost := [number for number in labelled if not number or (number in known and not known[number][1])]:
        said = f"{len(lost)} labels are not in the log yet (id {listed([*map(shown, lost)])})"
        raise DataError(f"{path}: {said}.\nTake them: make feedback INPUT={path}; or move the file away.")
