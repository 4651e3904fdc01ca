"""What a run remembers of the rows it learned from: digests, to know them again, and usual values, for reasons.

`train` writes both into the run. A digest is of what the model saw of a row, once with the id columns and once
without; beside it stands which line of `held_out.parquet` answers that row, by models that had not seen it. Usual
values are columns by themselves, so no row can be read in them.
"""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..columns import dictionary
from ..columns.digests import digests, tell_apart
from ..columns.lists import items_of
from ..modelling.reasons import usual_values
from ..project import records
from ..project.errors import listed
from ..project.settings import Project
from . import registry

KNOWN = 0.9  # share of its rows that a run must know again, before to know none of the test rows says anything
LONGEST = 10  # digits of an id whose zeros at the front were cut off, as programs do that take it for a number
BATCH_ROWS = 10  # fewer may well lack a cell that half of the rows lack
DIGESTS = "row_digests.parquet"
USUAL = "usual_values.parquet"
WITH_IDS, WITHOUT, HELD = "with_ids", "without_ids", "held_out"


def keep(project: Project, folder: Path, names: list[str], held: np.ndarray) -> None:
    """Write both files of a run that is being made.

    `names` are the columns that its model sees, `held` the positions of the rows in `held_out.parquet`, in its order.
    """
    train, dev = (pd.read_parquet(records.checked(project.split(part))) for part in ("train", "dev"))
    rows = pd.concat([train, dev], ignore_index=True)
    ids = [name for name in dictionary.by_role(dictionary.of(project), "id") if name in rows]
    lines = np.full(len(rows), -1)
    lines[held] = np.arange(len(held))
    found = {WITH_IDS: digests(rows, [*ids, *names]), WITHOUT: digests(rows, names), HELD: lines}
    pd.DataFrame(found).to_parquet(folder / DIGESTS, index=False)
    usual_values(dev[names]).to_parquet(folder / USUAL, index=False)


def emptied(folder: Path, rows: pd.DataFrame) -> list[str]:
    """What to say of columns that are empty in all of some rows, and were not in most rows of the training."""
    usual = pd.read_parquet(folder / USUAL) if (folder / USUAL).is_file() else rows[[]]
    names = usual.columns[usual.notna().mean() > 1 / 2].intersection(rows.columns[rows.isna().all()])
    said = f"empty in all {len(rows)} rows, though mostly filled in training: {listed([*map(repr, names)])}"
    return [said] if len(names) and len(rows) >= BATCH_ROWS else []


def seen(
    folder: Path, rows: pd.DataFrame, names: list[str], columns: dictionary.Dictionary
) -> tuple[np.ndarray, np.ndarray] | None:
    """Which rows a run learned from, or rows exactly like them where the ids are not all there; shape (n_rows,), bool.

    With the line of `held_out.parquet` that answers each, -1 for none. `rows` are those that its model sees, with the
    id columns. None of a run that kept no digests, or where so many rows of the training are alike that to be alike
    says nothing.
    """
    ids, kept = dictionary.by_role(columns, "id"), digests_of(folder)
    whole = all(name in rows for name in ids)
    known = pd.Index(kept[WITH_IDS if whole else WITHOUT])
    if not len(known) or not tell_apart(known.to_numpy()):
        return None
    first, left, places = ~known.duplicated(), np.arange(len(rows)), np.full(len(rows), -1)
    for spelled in spellings(rows.reset_index(drop=True), columns, ids if whole else []):
        asked = digests(spelled.loc[left], [*ids, *names] if whole else names)
        places[left] = known[first].get_indexer(asked)
        left = np.flatnonzero(places < 0)
    lines = kept.get(HELD, np.full(len(known), -1))[first]
    return places >= 0, np.where(places >= 0, lines[places], -1)


def spellings(rows: pd.DataFrame, columns: dictionary.Dictionary, ids: list[str]) -> Iterator[pd.DataFrame]:
    """The rows as they are; the items of lists parted with a blank, and without; ids with zeros in front, 007 for 7."""
    yield rows
    lists = {name: mark for name, mark in dictionary.separators(columns).items() if name in rows}
    for after in ("", " ") if lists else ():
        again = rows[[*lists]].astype(object)
        for name, mark in lists.items():
            cells = [f"{mark}{after}".join(items_of(cell, mark)) for cell in rows[name].fillna("")]
            again[name] = again[name].where(rows[name].isna(), cells)
        yield rows.assign(**again)
    texts = {name: rows[name].astype(str) for name in ids if columns[name].type not in ("integer", "number")}
    cut = {name: cells.str.fullmatch(r"0|[1-9]\d*") for name, cells in texts.items()}
    for width in range(2, LONGEST + 1) if any(found.any() for found in cut.values()) else ():
        filled = {name: rows[name].mask(cut[name], texts[name].str.zfill(width)) for name in cut}
        yield rows.astype(dict.fromkeys(cut, object)).assign(**filled)


def may_have_seen(project: Project, record: dict[str, Any], rows: pd.DataFrame) -> bool:
    """Whether a run may have learned from one of the present test rows, shape (n_rows, n_columns), as it sees them.

    The same rows with other features have another digest; the same table cut in the same way has the same rows. Of
    others it has not seen one if it knows none, but still most of its own: a column that moved changes all digests.
    """
    clean, test = (records.recorded(path) for path in (project.clean, project.split("test")))
    same_table = record["input_data"].get(project.relative(project.clean)) == clean.get("sha256")
    same_rows = record["input_data"].get(project.relative(project.split("test"))) == test.get("sha256")
    cut_alike = test.get("parameters", {}).get("split") == record["parameters"]["split"]
    if same_rows or (same_table and cut_alike):
        return False
    folder = project.models / record["run"]
    found = seen_by(folder, record, rows)
    return found is None or bool(found.any()) or still_here(project, folder, record) < KNOWN


def still_here(project: Project, folder: Path, record: dict[str, Any]) -> float:
    """The share of the rows that a run learned from, 0-1, that lie in the present train and dev splits."""
    names = registry.columns_seen(record)
    ids = dictionary.by_role(dictionary.load(folder / registry.DICTIONARY), "id")
    rows = pd.concat([pd.read_parquet(records.checked(project.split(part))) for part in ("train", "dev")])
    if not {*names, *ids}.issubset(rows):
        return 0.0
    return float(np.isin(digests_of(folder)[WITH_IDS], digests(rows, [*ids, *names])).mean())


def seen_by(folder: Path, record: dict[str, Any], rows: pd.DataFrame) -> np.ndarray | None:
    """Which rows a run learned from, bool, see `seen`; None where it does not remember what tells rows apart."""
    found = seen(folder, rows, registry.columns_seen(record), dictionary.load(folder / registry.DICTIONARY))
    return found[0] if found else None


@functools.cache
def digests_of(folder: Path) -> dict[str, np.ndarray]:
    """The digests that a run kept, which never change; empty of a run that is older than they are."""
    if not (folder / DIGESTS).is_file():
        return {WITH_IDS: np.empty(0), WITHOUT: np.empty(0)}
    return {name: column.to_numpy() for name, column in pd.read_parquet(folder / DIGESTS).items()}
