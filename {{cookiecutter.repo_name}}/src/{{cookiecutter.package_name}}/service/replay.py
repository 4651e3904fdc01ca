"""Score logged rows again.

    make replay [ID=answer] [RUN=run]

Reads the log. Without RUN, the run that answered a row answers it again, on the road of `make predict`: the bits are
the same, or it says what differs and why. With RUN: what that run would have said, and how many answers change.
"""

import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec import json

from ..engine.project.errors import DataError, ProjectError, listed
from ..engine.project.settings import Project
from ..engine.runs import registry
from .database import Database, opened
from .reference import Reference
from .tables import Entry, answers

ROWS_AT_ONCE, MOST_SHOWN = 1000, 20  # rows that are scored at once, answers that are shown
OF_TODAY = {"confident", "low", "high"}  # what [predict] asks of an answer, not what the model says
OF_DECISIONS = OF_TODAY | {"prediction", "probability"}  # and what [decision] makes of the same probabilities
Change = tuple[Entry, dict[str, Any], str]  # an answer that differs, what is said now ({}: nothing), and why


def run(project: Project, *, ids: Sequence[str] = (), name: str = "") -> tuple[str, bool]:
    """Score the answers with these ids, or all in the log, by the run that gave them or by the run of that name.

    Returns what differs, and whether that is well: nothing does, or another run was asked for. A `DataError` if there
    is no log, or no answer with such an id in it.
    """
    other = registry.named(project, name).name if name else ""
    load = functools.cache(functools.partial(loaded, project))
    count, changes = 0, list[Change]()
    with opened(project) as database:
        if unknown := sorted(set(ids) - set(database.find(ids))):
            raise DataError(f"{unknown[0]!r} is no answer in the log.\nAn id stands in the reply to /predict.")
        for entries in parts(database, ids):
            count += len(entries)
            changes += scored(load(other or entries[0].run), entries)
    if other:
        return "\n".join([f"replay: {count} answers, what {other} would have said", *compared(count, changes)]), True
    lines = [f"replay: {count} answers, {count - len(changes)} with the same bits, {len(changes)} not"]
    shown = changes[:MOST_SHOWN]
    lines += [f"{entry.id} of {entry.run}: {difference(entry, now) or 'no answer'}" for entry, now, _ in shown]
    whys = Counter(why for _, _, why in changes)
    lines += [f"{rows} of them: {why}" for why, rows in whys.most_common(MOST_SHOWN)]
    return "\n".join(lines), not changes


def loaded(project: Project, name: str) -> Reference | str:
    """A run as it answers today, or why it cannot be loaded."""
    folder = project.models / name
    if not folder.is_dir():
        return f"the run {name} is not in {project.relative(project.models)} any more"
    try:
        return Reference(project, folder, judged=False)
    except ProjectError as error:
        return " ".join(str(error).split())


def parts(database: Database, ids: Sequence[str]) -> Iterator[list[Entry]]:
    """The answers with these ids, or all, in parts that one run gave."""
    wanted = [answers.c.role == "answer", *([answers.c.id.in_(ids)] if ids else [])]
    with database.engine.connect() as connection:
        names = connection.scalars(sa.select(answers.c.run).where(*wanted).distinct().order_by(answers.c.run)).all()
    for name in names:
        entries = database.read(Entry, *wanted, answers.c.run == name)
        while part := list(itertools.islice(entries, ROWS_AT_ONCE)):
            yield part


def scored(known: Reference | str, entries: list[Entry]) -> list[Change]:
    """What a run says of rows, where it is something else than was said."""
    if isinstance(known, str):
        return [(entry, {}, known) for entry in entries]
    try:
        found = known.reference([json.decode(entry.inputs) for entry in entries])
    except DataError as error:  # of one of them: the others are scored without it
        if len(entries) == 1:
            return [(entries[0], {}, f"the row is refused: {' '.join(str(error).split())}")]
        half = len(entries) // 2
        return scored(known, entries[:half]) + scored(known, entries[half:])
    said = [(entry, json.decode(json.encode(one.output))) for entry, one in zip(entries, found, strict=True)]
    return [(entry, now, cause(known, entry, now)) for entry, now in said if difference(entry, now)]


def difference(entry: Entry, now: dict[str, Any]) -> str:
    """Which columns of an answer were other bits; "" for none."""
    was, found = json.decode(entry.output), []
    for name in {**was, **now} if now else ():
        before, after = (json.encode(one.get(name)).decode() for one in (was, now))
        found += [f"{name} was {before}, is {after}"] if before != after else []
    return "; ".join(found)


def cause(known: Reference, entry: Entry, now: dict[str, Any]) -> str:
    """Why an answer is another one, as far as it can be known."""
    was, run = json.decode(entry.output), known.run
    of_today = OF_DECISIONS if was.get("prediction") != now.get("prediction") else OF_TODAY
    rest = {*was, *now} - of_today
    if (rest or of_today is OF_TODAY) and all(was.get(name) == now.get(name) for name in rest):
        return "[predict] or [decision] of params.toml asks something else of an answer now"
    if run.versions:
        return f"the run was trained with {run.versions}"
    if edited := [name for name, column in known.columns.items() if vars(column) != vars(run.columns[name])]:
        return f"references/data_dictionary.toml says other things now than then of {listed(edited)}"
    return f"not known; another machine, an edited log, or the {entry.road} road was wrong"


def compared(count: int, changes: list[Change]) -> list[str]:
    """How many predictions another run would have changed, by class, or by how much."""
    refused = Counter(why for _, now, why in changes if not now)
    pairs = [(json.decode(entry.output)["prediction"], now["prediction"]) for entry, now, _ in changes if now]
    other = [(was, now) for was, now in pairs if was != now]
    lines = [f"{len(other)} of {count} predictions change, {sum(refused.values())} rows are not answered"]
    if all(isinstance(now, float) for _, now in other):
        far = [abs(was - now) for was, now in other]
        lines += [f"by {sum(far) / len(far):g} in the mean, by {max(far):g} at most"] if far else []
    else:
        lines += [f"{was} -> {now}: {rows}" for (was, now), rows in Counter(other).most_common(MOST_SHOWN)]
    return lines + [f"{rows} not answered: {why}" for why, rows in refused.most_common(MOST_SHOWN)]
