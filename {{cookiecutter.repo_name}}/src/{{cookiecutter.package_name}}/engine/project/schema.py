"""Read, write and check TOML: against a frozen dataclass, no unknown keys, right types, values in their bounds.

The standard library alone. pydantic (2.14) with one model takes 0.10 CPU s, as much as a whole command that has nothing
to do. msgspec (0.22) takes 0.01, but says `Expected int, got str - at $.seed` and not what is allowed.
"""

import dataclasses
import functools
import json
import operator
import re
import tomllib
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from .errors import SettingsError

T = TypeVar("T")
CALLED = {str: "text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}
BOUNDS: dict[str, tuple[Callable[[Any, Any], bool], Callable[[Any], str]]] = {  # whether a value holds, and the words
    "above": (operator.gt, "above {}".format),
    "below": (operator.lt, "below {}".format),
    "least": (operator.ge, "at least {}".format),
    "most": (operator.le, "at most {}".format),
    "filled": (lambda value, _: bool(value), "not empty".format),
    "among": (lambda value, texts: re.sub("(?<=:).+", "<column>", value) in texts, ", ".join),
}


def bounds(**limits: Any) -> dict[str, Any]:
    """Metadata of a field: `above`, `below`, `least`, `most`, `filled` (not empty), `among` (these texts)."""
    return {"bounds": limits}


def toml(value: Any) -> str:
    """A JSON value as TOML on one line; DEL is the one letter that TOML alone wants escaped."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml(key)} = {toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def dumps(sections: Mapping[str, Any]) -> str:
    """The text of a TOML file, a section a line."""
    return "".join(f"{name} = {toml(keys)}\n" for name, keys in sections.items())


def load(path: Path) -> dict[str, Any]:
    """What a TOML file holds; a `ValueError` says why it is none, and names the marks of a merge that git left open."""
    text = path.read_text(encoding="utf-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        if mark := re.search("^(<{7}|>{7}) .*", text, re.MULTILINE):
            line = text.count("\n", 0, mark.start()) + 1
            found = f"line {line} is git's mark of a merge conflict, {mark[0][:40]!r}"
            raise ValueError(f"{found}: keep what is right of both sides") from None
        raise


@functools.cache
def hints(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields, by name."""
    return typing.get_type_hints(kind)


def convert(table: Any, kind: type[T], place: str) -> T:
    """Make a dataclass of a TOML table; fields without a default are required.

    A `SettingsError` names the place (`params.toml: [train]`), the key, what was found and what is allowed.
    """
    model: Any = kind  # nothing says to a type checker that T is a dataclass
    if not isinstance(table, Mapping):
        raise SettingsError(f"{place} is {table!r}, not a table.")
    fields = {field.name: field for field in dataclasses.fields(model)}
    if unknown := [key for key in table if key not in fields]:
        raise SettingsError(f"{place}: unknown key {unknown[0]!r}.\nAllowed: {', '.join(fields)}.")
    required = [name for name, field in fields.items() if field.default is field.default_factory]  # both MISSING
    if absent := [name for name in required if name not in table]:
        raise SettingsError(f"{place}: the key {absent[0]!r} is missing.\nAllowed: {', '.join(fields)}.")
    values = {}
    for key, found in table.items():
        values[key] = value = check(found, hints(model)[key], f"{place} {key}")
        limits = fields[key].metadata.get("bounds", {})
        if not all(BOUNDS[name][0](value, limit) for name, limit in limits.items()):
            allowed = " and ".join(BOUNDS[name][1](limit) for name, limit in limits.items())
            raise SettingsError(f"{place} {key} = {value!r} is out of bounds.\nAllowed: {allowed}.")
    return kind(**values)


def check(value: Any, hint: Any, place: str) -> Any:
    """The value as the type says: lists become tuples, whole numbers floats where floats are wanted."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return convert(value, hint, place)
    if origin is types.UnionType:
        return check(value, arguments[0], place)  # TOML has no null: only `X | None` is used
    if origin is Literal:
        if value not in arguments:
            raise SettingsError(f"{place} = {value!r}.\nAllowed: {', '.join(map(repr, arguments))}.")
        return value
    if origin is tuple:
        endless = arguments[-1] is Ellipsis  # `tuple[X, ...]` is of any length, `tuple[X, Y]` of that one
        if not isinstance(value, list | tuple) or not (endless or len(value) == len(arguments)):
            size = "" if endless else f" of {len(arguments)} values"
            raise SettingsError(f"{place} = {value!r} is not a list{size}.")
        kinds = [arguments[0]] * len(value) if endless else arguments
        return tuple(check(item, kind, place) for item, kind in zip(value, kinds, strict=True))
    wanted = origin or hint
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is not wanted:
        raise SettingsError(f"{place} = {value!r} is not {CALLED[wanted]}.")
    return value
