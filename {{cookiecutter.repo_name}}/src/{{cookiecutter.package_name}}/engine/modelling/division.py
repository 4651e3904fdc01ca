"""Divide the clean rows into train, dev and test so that none moves when others come.

Used by the step `features` and by the pages. Without feedback it is `split.py` alone. With it, the rows that were
divided before stay where they were, known by their digests: those that `make retrain` kept with the first dump
(`split.parquet`), or else those that the source alone gives. A new row is placed by a hash of its own, or of its group,
in the shares of `[split]`, so that it lies in the same split for ever. `time:` moves with the time.
"""

from dataclasses import asdict

import numpy as np
import pandas as pd

from ..columns import dictionary
from ..columns.dictionary import Dictionary
from ..columns.digests import digests
from ..columns.told import inputs
from ..project import records
from ..project.settings import PARTS, Project, Split
from ..sources import source
from .split import infer_task, split

TOLD = "told"  # the attribute of a split that says how many of its rows, the last, were told


def divide(project: Project, clean: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Divide the clean rows, shape (n_rows, n_columns), as `split` says, but let those that were divided stay.

    Rows with a number below 0 were told by people. Errors are those of `split`.
    """
    how, target, task = project.settings.split, project.settings.data.target, project.settings.train.task
    told, before = clean.index < 0, kept(project, how)
    if how.by.startswith("time:") or (before is None and not told.any()):
        return marked(split(clean, target, how, task))
    columns = dictionary.of(project)
    if before is None:
        before = where(split(clean[~told], target, how, task), columns, how.by)
    found = placed(known_by(clean, columns, how.by), before, how)
    labels = found.to_numpy(dtype=object)
    if how.by == "stratified" and infer_task(clean[target], task) == "classification":  # as `split` wants it
        parts = pd.Series(labels).groupby(clean[target].to_numpy()).transform("nunique")
        labels = np.where(parts == len(PARTS), labels, "")
    return marked({part: clean[labels == part] for part in PARTS})


def marked(parts: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The splits, of which each says how many of its rows were told, if any of all was."""
    counts = {part: int((rows.index < 0).sum()) for part, rows in parts.items()}
    for part in PARTS if any(counts.values()) else ():
        parts[part].attrs[TOLD] = counts[part]
    return parts


def known_by(rows: pd.DataFrame, columns: Dictionary, by: str) -> pd.DataFrame:
    """What rows, shape (n_rows, n_columns), are known by: `row`, the digest of its group or cells, and `whole`.

    `whole` is that of all of a row, ids and target too: rows that are alike but for these keep their places.
    """
    kind, _, group = by.partition(":")
    cells = [group] if kind == "group" else inputs(rows, columns)
    others = [name for name in dictionary.by_role(columns, "id", "target") if name in rows]
    whole = digests(rows, [*inputs(rows, columns), *others])
    return pd.DataFrame({"row": digests(rows, cells), "whole": whole})


def where(parts: dict[str, pd.DataFrame], columns: Dictionary, by: str) -> pd.DataFrame:
    """What the rows of splits are known by, and the `part` that each lies in; without those that were told."""
    own = {part: rows.iloc[: len(rows) - rows.attrs.get(TOLD, 0)] for part, rows in parts.items()}
    found = [known_by(rows, columns, by).assign(part=part) for part, rows in own.items()]
    return pd.concat(found, ignore_index=True)


def placed(rows: pd.DataFrame, before: pd.DataFrame, how: Split) -> pd.Series:
    """The split of each row, shape (n_rows,); of `before` is known where rows lay, see `known_by` for the columns."""
    places = pd.Series(before["part"].to_numpy(), index=numbered(before["whole"]))
    alike = before.drop_duplicates("row").set_index("row")["part"]
    found = pd.Series(places.reindex(numbered(rows["whole"])).to_numpy(), dtype=object)
    found = found.where(found.notna(), rows["row"].map(alike))
    hashes = pd.util.hash_array(rows["row"].to_numpy() ^ np.uint64(how.seed))
    edges = np.array([how.shares.train, how.shares.train + how.shares.dev]) * 2.0**64
    by_hash = np.array(PARTS)[np.searchsorted(edges, hashes.astype("float64"), side="right")]
    return found.where(found.notna(), pd.Series(by_hash, dtype=object))


def numbered(keys: pd.Series) -> pd.MultiIndex:
    """Each key with how many like it came before, so that the second of two rows that are alike is the second again."""
    return pd.MultiIndex.from_arrays([keys, keys.groupby(keys).cumcount()])


def kept(project: Project, how: Split) -> pd.DataFrame | None:
    """Where the rows of the source lay when feedback first came under the present `[split]`; None before that."""
    dumps = (dump for dump in source.told(project.root) if dump.card.get("split") == asdict(how))
    return next((pd.read_parquet(dump.folder / source.SPLIT) for dump in dumps), None)


def last(project: Project) -> pd.DataFrame:
    """Where the rows of the source lie in `data/processed/`."""
    parts = {part: pd.read_parquet(records.checked(project.split(part))) for part in PARTS}
    return where(parts, dictionary.of(project), project.settings.split.by)
