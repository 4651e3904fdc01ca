"""Bring a data dictionary up to date: a three-way merge, in which what a person wrote wins.

Used by `make data INFER=1`. The three are the present dictionary, what inference said the last time
(`references/data_dictionary.inferred.toml`), and what it says now. A key whose value is not what inference had said is
a person's.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from ..project import schema
from ..project.errors import NAMED, listed
from .dictionary import ALWAYS_WRITTEN, DECIDED, LABEL, Column, Dictionary, dumps, notes_of, quote, toml_of

KEYS = tuple(field.name for field in fields(Column))
OF_NO_TYPE = {"role", "missing_allowed", "description"}  # keys that mean the same whatever the type is


def merged(mine: Dictionary, before: Dictionary, now: Dictionary) -> tuple[Dictionary, Dictionary, list[str]]:
    """Merge the present dictionary with what inference said the last time, if that is known, and says now.

    Returned are the columns in the order of `mine`, new ones at the end, those that are gone with the role `ignored`;
    what inference said, to be compared with the next time; and what was kept, brought up to date, added and marked,
    one line each.
    """
    columns, inferred = dict[str, Column](), dict(now)
    kept, changed, gone = list[str](), list[str](), list[str]()
    for name, column in mine.items():
        if name in now:
            columns[name] = one = merged_column(column, before.get(name), now[name])
            kept += named(name, [key for key in KEYS if getattr(one, key) != getattr(now[name], key)])
            changed += named(name, [key for key in KEYS if getattr(one, key) != getattr(column, key)])
            continue
        gone.append(repr(name))
        columns[name] = absent(column)
        if name in before:
            inferred[name] = absent(before[name])
    added = [name for name in now if name not in mine and name not in before]
    lines = {
        "kept as you wrote it": kept,
        "as it is inferred now": changed,
        "new columns added": [repr(name) for name in added],
        "gone from the source, ignored from now on": gone,
        "left out, as you took them out": [repr(name) for name in now if name in before and name not in mine],
    }
    said = [f"{what}: {listed(names, NAMED)}" for what, names in lines.items() if names]
    return {**columns, **{name: now[name] for name in added}}, inferred, said


def named(name: str, keys: list[str]) -> list[str]:
    """A column with those of its keys that are meant; nothing where there are none."""
    return [f"{name!r} ({', '.join(keys)})"] if keys else []


def merged_column(mine: Column, before: Column | None, now: Column) -> Column:
    """The column as a person changed it, and as inference says now in all else; it stays whole where types differ."""
    own = {key: getattr(mine, key) for key in KEYS if before is None or getattr(mine, key) != getattr(before, key)}
    if "target" in (mine.role, now.role):  # which column is the target, params.toml says
        own = {**own, "role": now.role}
    if mine.type != now.type and not own.keys() <= OF_NO_TYPE:
        return replace(mine, role=own.get("role", now.role))
    return replace(now, **own)


def absent(column: Column) -> Column:
    """A column that is not in the source any more, marked unless its role lets it be absent already."""
    may_be = column.role in ("ignored", "id") or column.role.startswith(LABEL)
    return column if may_be else replace(column, role="ignored")


def edited(text: str, columns: Mapping[str, Column], decisions: Sequence[str] = ()) -> str:
    """The text of a dictionary with the lines changed that do not say what `columns` say; comments stay.

    `decisions` replace those at its top; without any they stay. Text that cannot be edited so is written anew.
    """
    head, *blocks = re.split(r"(?m)^(?=\[)", text)
    if decisions:
        head = re.sub(rf"(?m)^(#\n)?{re.escape(DECIDED)}(# - .*\n)*", "", head).rstrip("\n") + "\n"
        head += notes_of(decisions) + "\n"
    try:
        found = dict(map(read_block, blocks))
        missing = "".join(f"\n[{quote(name)}]\n{toml_of(columns[name])}" for name in columns if name not in found)
        parts = [edited_block(block, *entry, columns) for block, entry in zip(blocks, found.items(), strict=True)]
        result = head + "".join(parts) + missing
        as_wanted = dict(map(read_block, re.split(r"(?m)^(?=\[)", result)[1:])) == dict(columns)
    except ValueError:  # a value that goes over several lines
        as_wanted = False
    return result if as_wanted else dumps(columns, decisions)


def read_block(block: str) -> tuple[str, Column]:
    """The name and the column of one table of the dictionary's text."""
    ((name, content),) = tomllib.loads(block).items()
    return name, schema.convert(content, Column, name)


def edited_block(block: str, name: str, found: Column, columns: Mapping[str, Column]) -> str:
    """One table of the dictionary's text with the lines changed that say something else than is wanted."""
    wanted, lines = columns[name], block.splitlines(keepends=True)
    for field in fields(Column):
        key, value = field.name, getattr(wanted, field.name)
        if value == getattr(found, key):
            continue
        line = f"{key} = {quote(value)}\n" if key in ALWAYS_WRITTEN or value != field.default else ""
        place = next((at for at, old in enumerate(lines) if re.match(rf"{key}\s*=", old)), None)
        lines[slice(1, 1) if place is None else slice(place, place + 1)] = [line] if line else []
    return "".join(lines)
