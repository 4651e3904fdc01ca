"""Rows that people told the truth about, in the dumps that `make retrain` writes, as rows of the clean table.

Used by `make data`. Reads `feedback.parquet` of each such dump: `id` of an answer, `inputs` (JSON, the row as it was
asked) and `truth` (JSON); of one answer the last truth counts. Without such a dump nothing happens.
"""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from ..project import artefact
from ..project.errors import DataError, listed
from ..project.settings import Project
from ..sources import source
from .dictionary import Dictionary, by_role, nameless, target
from .digests import digests, tell_apart
from .validate import stripped, validate

Key = tuple[list[str], pd.Series]  # columns by which rows are known again, and which rows, bool
FIRST = -1  # the number of the first row; a row of the source has that of its line, from 1


def added(project: Project, known: pd.DataFrame, columns: Dictionary) -> tuple[pd.DataFrame, list[str]]:
    """The clean rows of the source, shape (n_rows, n_columns), and below them those that were told, numbered -1, -2 ...

    With a line for each thing that was decided. A row that is in the source already, by its ids where they name one row
    each or by its cells where those tell rows apart, is left out: the truth in the source counts. So is one that does
    not fit the data dictionary.
    """
    dumps = source.told(project.root)
    if not dumps:
        return known, []
    cells = read(dumps, columns)
    rows, said = typed(cells, columns)
    by = project.settings.split.by.partition(":")[2]
    if by in rows:
        rows = without(rows, said, f"without {by!r}, by which [split] divides", rows[by].isna())
    ids = [name for name in by_role(columns, "id") if name in known]
    seen, truth = inputs(known, columns), target(columns)
    named = bool(ids) and known[ids].notna().all(axis=None) and not known.duplicated(ids).any()
    by_id = rows[ids].notna().all(axis=1) & named
    told_apart = bool(seen) and tell_apart(digests(known, seen))
    rows = once(known, rows, said, (ids, by_id), truth)
    rows = once(known, rows, said, (seen, ~by_id & told_apart), truth)
    unsure, names = rows[~by_id[rows.index]], [*seen, truth]
    alike = 0 if told_apart else int(np.isin(digests(unsure, names), digests(known, names)).sum())
    if alike:
        said.append(f"feedback: {alike} of these are like rows of the source, they may stand twice: no id tells")
    rows = rows.set_axis(range(FIRST, FIRST - len(rows), -1))
    whole = pd.DataFrame({name: stacked(known[name], rows[name]) for name in known}) if len(rows) else known
    said = [f"feedback: {len(rows)} of {len(cells)} rows added, from {len(dumps)} dump(s) of the log", *said]
    return whole, said


def read(dumps: Sequence[source.Dump], columns: Dictionary) -> pd.DataFrame:
    """The cells of the rows, shape (n_answers, n_columns), as they were sent, and the truth, in order of the ids."""
    files = [file for dump in dumps for file in dump.files if file.name == source.FEEDBACK]
    for file, dump in zip(files, dumps, strict=True):
        if artefact.sha256(file) != next(one["sha256"] for one in dump.card["files"] if one["name"] == source.FEEDBACK):
            raise DataError(f"{file} is not as it was written.\nBring it back from a copy, or from the team: make pull")
    table = pd.concat([pd.read_parquet(file) for file in files]).drop_duplicates("id", keep="last").sort_values("id")
    cells = [{**json.loads(row), target(columns): json.loads(t)} for row, t in table[["inputs", "truth"]].to_numpy()]
    names = [name for name, column in columns.items() if not column.moment or any(name in row for row in cells)]
    return pd.DataFrame(cells, columns=names, dtype=object)


def typed(cells: pd.DataFrame, columns: Dictionary) -> tuple[pd.DataFrame, list[str]]:
    """The rows that fit the data dictionary, typed, and what to say of the others; ids may be missing."""
    columns = nameless(columns)
    try:
        return validate(cells, columns, where=source.FEEDBACK)[0], []
    except DataError as error:
        odd = sorted({row for one in error.violations for row in one.rows})
        why = listed(list(dict.fromkeys(f"{one.column!r} has {one.problem}" for one in error.violations)), 3)
    fit = validate(cells.drop(index=cells.index[odd]), columns, where=source.FEEDBACK)[0]
    return fit, [f"feedback: {len(odd)} rows left out, they do not fit the data dictionary: {why}"]


def without(rows: pd.DataFrame, said: list[str], why: str, which: pd.Series) -> pd.DataFrame:
    """The rows without some, of which `said` gets a line."""
    if which.any():
        said.append(f"feedback: {int(which.sum())} rows left out, {why}")
    return rows[~which]


def once(known: pd.DataFrame, rows: pd.DataFrame, said: list[str], key: Key, truth: str) -> pd.DataFrame:
    """The rows without those of them that are in the source already, or were told again later; `said` gets lines."""
    names, which = key[0], key[1].reindex(rows.index)
    if not which.any():
        return rows
    before = pd.Series(known[truth].to_numpy(), index=digests(known, names))
    before = before[~before.index.duplicated()].reindex(digests(rows, names)).set_axis(rows.index)
    twice = which & before.notna()
    other = int((twice & (before != rows[truth])).sum())
    named = f", {other} with another truth there, which counts" if other else ""
    rows = without(rows, said, f"in the source already{named}", twice)
    keyed = pd.Series(digests(rows, names), rows.index)[which.reindex(rows.index)]
    again = keyed.duplicated(keep="last").reindex(rows.index, fill_value=False)
    return without(rows, said, "told again later", again)


def inputs(rows: pd.DataFrame, columns: Dictionary) -> list[str]:
    """The columns of a table that say what is known of a row when it is asked."""
    return [name for name in by_role(columns, "feature", "time", "group") if name in rows]


def stacked(one: pd.Series, other: pd.Series) -> pd.Series:
    """A column below another of the same meaning; of whole numbers and booleans only where both are."""
    if one.dtype != other.dtype and is_numeric_dtype(one.dtype) and is_numeric_dtype(other.dtype):
        fits = other.notna().all() and (other == other.astype(one.dtype)).all()
        one, other = (one, other.astype(one.dtype)) if fits else (one.astype("float64"), other.astype("float64"))
    elif one.dtype != other.dtype:
        one, other = stripped(one).astype("str"), stripped(other).astype("str")
    return pd.concat([one, other])
