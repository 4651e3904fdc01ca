"""Fetch the source, keep it as it came, describe it, and write it typed.

    make data

Reads `[data] source` of `params.toml`; writes `data/raw/<dump>/` (read-only, with a source card),
`references/data_dictionary.toml` (the first time only) and `data/interim/clean.parquet`; lines that are in no row go to
`data/interim/set_aside.csv`.
"""

import difflib
import logging
import os
import unicodedata

from .engine.columns import dictionary, infer, validate
from .engine.project import artefact
from .engine.project.errors import DataError, SettingsError, listed
from .engine.project.settings import Project
from .engine.sources import read
from .engine.sources.source import Dump, parted

log = logging.getLogger(__name__)
NUMBERS = ("integer", "number")


def run(project: Project, dump: Dump) -> list[str]:
    """Turn a raw dump into the clean table; return what was decided and found, one line each, for its record.

    Raises
    ------
    DataError
        The files cannot be read, the target is missing, or rows do not fit the data dictionary.
    """
    settings = project.settings.data
    where = dump.files[0].name
    try:
        member, most = parted(settings.source)[1], settings.max_gigabytes * 1e9
        table = read.tables(dump.files, settings.read, target=settings.target, member=member, most=most)
    except DataError as error:  # what is to be mended is the source, not its read-only copy
        raise DataError(str(error).replace(f"{dump.folder}{os.sep}", "")) from None
    decisions = [*read.keep_aside(project.clean.with_name("set_aside.csv"), table.set_aside), *table.decisions]
    for text in decisions:
        log.info("%s", text)
    if table.frame.empty:
        raise DataError(f"{where}: {read.NO_ROWS}")
    check_columns(project, table, where)
    if not project.dictionary.exists():
        describe(project, table, where)
    columns = dictionary.load(project.dictionary)
    check_dictionary(project, columns)
    check_reading(project, columns)
    frame, warnings = validate.validate(table.frame, columns, where=where, first_row=table.first_row)
    frame.index = table.frame.index + table.first_row  # a row stays known by its number
    for text in warnings:
        log.warning("%s", text)
    known = frame[frame[settings.target].notna()]
    if len(known) < len(frame):
        warnings.append(f"{len(frame) - len(known)} rows without a value of {settings.target!r} left out")
        log.warning("%s", warnings[-1])
    if known.empty:
        raise DataError(empty_target(where, settings.target, len(frame)))
    # `add_features` must not compute anything from what is not known when a prediction is needed.
    known = known.drop(columns=list(settings.drop))
    with artefact.whole(project.clean) as path:
        known.to_parquet(path)
    log.info("%d rows, %d columns -> %s", *known.shape, project.relative(project.clean))
    return [*decisions, *warnings]


def check_columns(project: Project, table: read.Table, where: str) -> None:
    """The target and the columns to drop must be there."""
    settings, found = project.settings.data, [str(name) for name in table.frame.columns]
    if settings.target not in found:
        raise SettingsError(
            f"{where}: there is no column {settings.target!r} to predict.\n"
            f"Found: {listed(found, 30)[:500]}.\n"
            f"{hint(settings.target, found, table.decisions)}Set [data] target in params.toml."
        )
    if unknown := [name for name in settings.drop if name not in found]:
        raise SettingsError(
            f"params.toml: [data] drop names {', '.join(map(repr, unknown))}, which {where} does not have.\n"
            f"Found: {listed(found, 30)[:500]}."
        )


def hint(target: str, found: list[str], decisions: tuple[str, ...]) -> str:
    """The column that was probably meant, or why there is none."""
    if len(found) == 1 and target in found[0]:
        return "The columns were not told apart: set separator in [data.read]. "
    if found[0] == "column_1" and found[-1] == f"column_{len(found)}":
        return "If the first row holds the names, set header = true in [data.read]. "
    plain = {unicodedata.normalize("NFKC", name).strip().casefold(): name for name in found}
    wanted = unicodedata.normalize("NFKC", target).strip().casefold()
    if near := difflib.get_close_matches(wanted, plain, n=1, cutoff=0.75):
        same = unicodedata.normalize("NFC", plain[near[0]]) == unicodedata.normalize("NFC", target)
        how = f" (the same letters, written as {ascii(plain[near[0]])})" if same else ""
        return f"Did you mean {plain[near[0]]!r}{how}? "
    if any(text.startswith("sheet ") for text in decisions):
        return "If another sheet is meant, set sheet in [data.read]. "
    return ""


def empty_target(where: str, target: str, rows: int) -> str:
    """What to say of a table that answers nothing."""
    return (
        f"{where}: the target {target!r} is empty in all {rows} rows.\n"
        "Set [data] target in params.toml, or fill the column in the source."
    )


def describe(project: Project, table: read.Table, where: str) -> None:
    """Infer the data dictionary, say what was decided, and write it."""
    settings, frame = project.settings, table.frame
    semicolons = any(text.startswith("separator ';'") for text in table.decisions)
    columns, decisions = infer.infer(
        frame,
        target=settings.data.target,
        drop=settings.data.drop,
        split_by=settings.split.by,
        read={"separator": ";" if semicolons else "", **settings.data.read},
    )
    for text in decisions:
        log.info("%s", text)
    target = settings.data.target
    if validate.parse(frame[target], columns[target])[0].isna().all():  # before a dictionary of it is written
        raise DataError(empty_target(where, target, len(frame)))
    dictionary.write(project.dictionary, columns, decisions)
    log.info("wrote %s: it is yours now, check and commit it", project.relative(project.dictionary))


def check_reading(project: Project, columns: dictionary.Dictionary) -> None:
    """Say so where `[data.read]` wants marks that the columns, once described, do not have: the dictionary counts."""
    marks = {key: mark for key, mark in project.settings.data.read.items() if key in ("decimal", "thousands")}
    for key, mark in marks.items():
        if other := [name for name, c in columns.items() if c.type in NUMBERS and getattr(c, key) != mark]:
            log.warning(
                "[data.read] has %s = %r, but %s of %s counts, and says otherwise of %s: change it there",
                *(key, mark, key, project.relative(project.dictionary), ", ".join(map(repr, other[:5]))),
            )


def check_dictionary(project: Project, columns: dictionary.Dictionary) -> None:
    """Parameters and dictionary must agree on the target and on what is dropped."""
    settings, name = project.settings.data, project.relative(project.dictionary)
    if dictionary.target(columns) != settings.target:
        raise SettingsError(
            f"params.toml says target = {settings.target!r}, {name} says {dictionary.target(columns)!r}.\n"
            f"Change the role in {name}, or delete that file to have it made again."
        )
    if columns[settings.target].type == "datetime":
        raise SettingsError(
            f"The target {settings.target!r} is a date: classes and numbers can be predicted.\n"
            f"Make a number of it in the source (days until then), or mend its type in {name}."
        )
    used = [name for name in settings.drop if name in columns and columns[name].role != "ignored"]
    if used:
        raise SettingsError(
            f"params.toml: [data] drop names {used[0]!r}, but its role is {columns[used[0]].role!r}.\n"
            f'Set role = "ignored" for it in {name}.'
        )
