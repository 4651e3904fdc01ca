"""Fetch the source, keep it as it came, describe it, and write it typed.

    make data

Reads `[data] source` of `params.toml`; writes `data/raw/<dump>/` (read-only, with a source card),
`references/data_dictionary.toml` (the first time, and with `INFER=1`; beside it what was inferred, to tell what you
changed) and `data/interim/clean.parquet`; lines that are in no row go to `data/interim/set_aside.csv`.
"""

import logging
import os
import tomllib
from dataclasses import replace

import pandas as pd

from .engine.columns import dictionary, infer, merge, told, validate
from .engine.project import artefact
from .engine.project.errors import DataError, SettingsError, counted, listed
from .engine.project.settings import Project
from .engine.sources import read
from .engine.sources.names import in_other_letters, nearest
from .engine.sources.source import Dump, parted

log = logging.getLogger(__name__)
MOST_COLUMNS = 10_000  # measured: 6 ms of CPU a column here, 11 ms in `features`
INFER = "make data INFER=1"
INFERRED = f"""\
# What inference said of the columns the last time. {INFER} compares data_dictionary.toml with it: a line that
# differs is yours and stays. Commit both; edit the other one.
"""


def run(project: Project, dump: Dump, *, again: bool = False) -> list[str]:
    """Turn a raw dump into the clean table; return what was decided and found, one line each, for its record.

    With `again` the data dictionary is inferred anew, and keeps what a person changed. A `DataError` if the files
    cannot be read, the target is missing, or rows do not fit the data dictionary.
    """
    settings = project.settings.data
    where = listed([path.name for path in dump.files], 1)
    try:
        member = parted(settings.source)[1]
        about = replace(read.Known.of(settings, settings.target, member), needed=settings.target)
        table = read.tables(dump.files, about)
    except DataError as error:  # what is to be mended is the source, not its read-only copy
        raise DataError(str(error).replace(f"{dump.folder}{os.sep}", "")) from None
    decisions = [*read.keep_aside(project.clean.with_name("set_aside.csv"), table.set_aside), *table.decisions]
    for text in decisions:
        log.info("%s", text)
    if table.frame.empty:
        raise DataError(f"{where}: {read.NO_ROWS}")
    check_columns(project, table, where)
    if again or not project.dictionary.exists():
        describe(project, table, where)
    columns = dictionary.of(project)
    check_dictionary(project, columns)
    check_reading(project, columns)
    # What is dropped is not judged, and `add_features` must not compute anything from what is not known in use.
    wanted = table.frame.drop(columns=list(settings.drop))
    gaps = {settings.target: replace(columns[settings.target], missing_allowed=True)}  # such rows are left out below
    fractions = validate.check_percent(wanted, columns, where)
    frame, warnings = validate.validate(wanted, {**columns, **gaps}, where=where, first_row=table.first_row)
    frame.index = table.frame.index + table.first_row  # a row stays known by its number
    warnings = [*fractions, *warnings, *free_categories(frame, columns)]
    for text in warnings:
        log.warning("%s", text)
    known = frame[frame[settings.target].notna()]
    if len(known) < len(frame):
        warnings.append(f"{counted(len(frame) - len(known), 'row')} without a value of {settings.target!r} left out")
        log.warning("%s", warnings[-1])
        truth = validate.parse(known[settings.target], columns[settings.target])[0]  # 0 and 1, no longer 0.0 and 1.0
        known = known.assign(**{settings.target: truth})
    if known.empty:
        raise DataError(empty_target(where, settings.target, len(frame)))
    known, said = told.added(project, known, columns)
    for text in said:
        log.info("%s", text)
    with artefact.whole(project.clean) as path:
        known.to_parquet(path)
    log.info("%d rows, %d columns -> %s", *known.shape, project.relative(project.clean))
    return [*decisions, *warnings, *said]


def free_categories(frame: pd.DataFrame, columns: dictionary.Dictionary) -> list[str]:
    """Categories that a person left without `values`, though they are few enough to be listed."""
    free = [n for n, c in columns.items() if (c.type, c.role, c.values) == ("category", "feature", None) and n in frame]
    few = [repr(name) for name in free if frame[name].nunique() <= infer.VALUES_LIMIT]
    said = "categories without 'values': a new one is not noticed, and 1.0 is another than 1"
    return [f"{said}: {listed(few)}"] if few else []


def check_columns(project: Project, table: read.Table, where: str) -> None:
    """A `SettingsError` if the target or a column to drop is not there, a `DataError` if there are too many columns."""
    settings, found = project.settings.data, [str(name) for name in table.frame.columns]
    if len(found) - len(settings.drop) > MOST_COLUMNS:
        cure = "Choose columns in the source, name others in drop, or make few of many (sums, components) beforehand."
        allowed = f"Allowed: {MOST_COLUMNS:,}, for each costs about 20 ms of CPU"
        raise DataError(f"{where}: {len(found):,} columns. {allowed}.\n{cure}")
    there = f"Found: {listed(found, 30)[:500]}."
    if settings.target not in found:
        cure = f"{hint(settings.target, found)}Set [data] target in params.toml."
        raise SettingsError(f"{where}: there is no column {settings.target!r} to predict.\n{there}\n{cure}")
    if unknown := ", ".join(repr(name) for name in settings.drop if name not in found):
        raise SettingsError(f"params.toml: [data] drop names {unknown}, which {where} does not have.\n{there}")


def hint(target: str, found: list[str]) -> str:
    """The column that was probably meant, or why there is none."""
    if len(found) == 1 and target in found[0]:
        return "The columns were not told apart: set separator in [data.read], or save it as CSV. "
    if found[0] == "column_1" and found[-1] == f"column_{len(found)}":
        return "If the first row holds the names, set header = true in [data.read]. "
    near = nearest(target, found)
    same = near in in_other_letters([near], [target])  # they print alike
    return f"Did you mean {ascii(near) if same else repr(near)}? " if near else ""


def empty_target(where: str, target: str, rows: int) -> str:
    """What to say of a table that answers nothing."""
    cure = "Set [data] target in params.toml, or fill the column in the source."
    return f"{where}: the target {target!r} is empty in all {rows} rows.\n{cure}"


def describe(project: Project, table: read.Table, where: str) -> None:
    """Infer the data dictionary, say what was decided, and write it."""
    settings, frame = project.settings, table.frame
    semicolons = any(text.startswith("separator ';'") for text in table.decisions)
    target, reading = settings.data.target, {"separator": ";" if semicolons else "", **settings.data.read}
    columns, decisions = infer.infer(frame, target=target, split_by=settings.split.by, read=reading)
    for text in decisions:
        log.info("%s", text)
    if validate.parse(frame[target], columns[target])[0].isna().all():  # before a dictionary of it is written
        raise DataError(empty_target(where, target, len(frame)))
    name = project.relative(project.dictionary)
    if project.dictionary.exists():
        update(project, columns, decisions)
        log.info("brought %s up to date: check and commit it", name)
        return
    dictionary.write(project.dictionary, columns, decisions)
    keep_inferred(project, columns)
    log.info("wrote %s: it is yours now, check and commit it", name)


def update(project: Project, columns: dictionary.Dictionary, decisions: list[str]) -> None:
    """Merge what is inferred now into the dictionary that is there, and say what became of it."""
    before = dictionary.load(project.inferred) if project.inferred.exists() else {}
    if not before:
        log.info("%s is not there: each line counts as changed by you", project.relative(project.inferred))
    mine = dictionary.load(project.dictionary)
    merged, inferred, said = merge.merged(mine, before, columns)
    for text in said:
        log.info("%s", text)
    text = project.dictionary.read_text(encoding="utf-8")
    artefact.write_text(project.dictionary, merge.edited(text, merged, [*decisions, *said]))
    keep_inferred(project, inferred)


def keep_inferred(project: Project, columns: dictionary.Dictionary) -> None:
    """Write what inference said, to be compared with what a person made of it."""
    artefact.write_text(project.inferred, INFERRED + dictionary.dumps(columns).removeprefix(dictionary.HEADER))


def check_reading(project: Project, columns: dictionary.Dictionary) -> None:
    """Say so where `[data.read]` wants what the columns, once described, do not have: the dictionary counts."""
    read, where = project.settings.data.read, project.relative(project.dictionary)
    for key in ("decimal", "thousands"):
        numbers = {name: column for name, column in columns.items() if dictionary.alike(column.type) == "number"}
        other = [name for name, column in numbers.items() if getattr(column, key) != read.get(key)]
        if key in read and other:
            said = "[data.read] has %s = %r, but %s of %s counts, and says otherwise of %s: change it there, or %s"
            log.warning(said, key, read[key], key, where, ", ".join(map(repr, other[:5])), INFER)
    known = {marker for column in columns.values() for marker in column.missing}
    if new := [marker for marker in map(str, read.get("missing", ())) if marker not in known]:
        said = "[data.read] has missing = %s, but 'missing' of no column in %s, which counts, has it: add it, or %s"
        log.warning(said, new, where, INFER)


def check_dictionary(project: Project, columns: dictionary.Dictionary) -> None:
    """Parameters and dictionary must agree on the target; bounds of an id, which count for nothing, are said."""
    settings, name = project.settings.data, project.relative(project.dictionary)
    written = tomllib.loads(project.dictionary.read_text(encoding="utf-8"))
    if bounded := [one for one in dictionary.by_role(columns, "id") if {"range", "values"} & written[one].keys()]:
        log.warning("%s: range and values of an id are not looked at: %s", name, ", ".join(map(repr, bounded)))
    if (said := dictionary.target(columns)) != settings.target:
        cure = f"Change the role in {name}, or have it inferred again, which keeps what you changed: {INFER}."
        raise SettingsError(f"params.toml says target = {settings.target!r}, {name} says {said!r}.\n{cure}")
    if columns[settings.target].type == "datetime":
        cure = f"Make a number of it in the source (days until then), or mend its type in {name}."
        raise SettingsError(f"The target {settings.target!r} is a date: classes and numbers can be predicted.\n{cure}")
