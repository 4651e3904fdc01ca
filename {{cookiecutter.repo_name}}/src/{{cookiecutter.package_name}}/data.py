"""Fetch the source, keep it as it came, describe it, and write it typed.

    make data

Reads `[data] source` of `params.toml`; writes `data/raw/<dump>/` (read-only, with a source card),
`references/data_dictionary.toml` (the first time only) and `data/interim/clean.parquet`.
"""

import logging

import pandas as pd

from . import artefact, conform, dictionary, infer, read
from .errors import DataError, SettingsError
from .settings import Project
from .source import Dump

log = logging.getLogger(__name__)


def run(project: Project, dump: Dump) -> None:
    """Turn a raw dump into the clean table.

    Parameters
    ----------
    project : Project
    dump : Dump
        The raw files, fetched by `source.fetch`.

    Raises
    ------
    DataError
        The files cannot be read, the target is missing, or rows do not fit the data dictionary.
    """
    settings = project.settings.data
    table = read.tables(dump.files, settings.read)
    where = dump.files[0].name
    for text in table.decisions:
        log.info("%s", text)
    check_columns(project, table.frame, where)
    if not project.dictionary.exists():
        describe(project, table.frame)
    columns = dictionary.load(project.dictionary)
    check_dictionary(project, columns)
    frame, warnings = conform.conform(table.frame, columns, where=where, first_row=table.first_row)
    for text in warnings:
        log.warning("%s", text)
    known = frame[frame[settings.target].notna()].reset_index(drop=True)
    if len(known) < len(frame):
        log.warning("%d rows without a value of %r left out", len(frame) - len(known), settings.target)
    if known.empty:
        raise DataError(f"{where}: the target {settings.target!r} is empty in all {len(frame)} rows.")
    # `add_features` must not compute anything from what is not known when a prediction is needed.
    known = known.drop(columns=list(settings.drop))
    with artefact.whole(project.clean) as path:
        known.to_parquet(path, index=False)
    log.info("%d rows, %d columns -> %s", *known.shape, project.relative(project.clean))


def check_columns(project: Project, frame: pd.DataFrame, where: str) -> None:
    """The target and the columns to drop must be there."""
    settings, found = project.settings.data, [str(name) for name in frame.columns]
    if settings.target not in found:
        near = [name for name in found if name.strip().lower() == settings.target.strip().lower()]
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise SettingsError(
            f"{where}: there is no column {settings.target!r} to predict.\n"
            f"Found: {', '.join(found[:30])}{', ...' if len(found) > 30 else ''}.\n"
            f"{hint}Set [data] target in params.toml."
        )
    if unknown := [name for name in settings.drop if name not in found]:
        raise SettingsError(
            f"params.toml: [data] drop names {', '.join(map(repr, unknown))}, which {where} does not have.\n"
            f"Found: {', '.join(found[:30])}."
        )


def describe(project: Project, frame: pd.DataFrame) -> None:
    """Infer the data dictionary, say what was decided, and write it."""
    settings = project.settings
    columns, decisions = infer.infer(
        frame,
        target=settings.data.target,
        drop=settings.data.drop,
        split_by=settings.split.by,
        read=settings.data.read,
    )
    for text in decisions:
        log.info("%s", text)
    dictionary.write(project.dictionary, columns)
    log.info("wrote %s: it is yours now, check and commit it", project.relative(project.dictionary))


def check_dictionary(project: Project, columns: dictionary.Dictionary) -> None:
    """Parameters and dictionary must agree on the target and on what is dropped."""
    settings, name = project.settings.data, project.relative(project.dictionary)
    if dictionary.target(columns) != settings.target:
        raise SettingsError(
            f"params.toml says target = {settings.target!r}, {name} says {dictionary.target(columns)!r}.\n"
            f"Change the role in {name}, or delete that file to have it made again."
        )
    used = [name for name in settings.drop if name in columns and columns[name].role != "ignored"]
    if used:
        raise SettingsError(
            f"params.toml: [data] drop names {used[0]!r}, but its role is {columns[used[0]].role!r}.\n"
            f'Set role = "ignored" for it in {name}.'
        )
