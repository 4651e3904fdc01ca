"""The live data dictionary: one description of the columns that validates, transforms, serves and documents.

Reads and writes `references/data_dictionary.toml`: one table a column. It is inferred once (`infer.py`), then it
belongs to the user: every later batch is checked against it (`validate.py`) and the recipe follows it (`recipe.py`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from ..project import artefact, schema
from ..project.errors import DataError
from ..project.settings import Project

Type = Literal["integer", "number", "category", "text", "list", "boolean", "datetime"]
Categorical = Literal["one-hot", "target encoding", "string encoding"]
Textual = Literal["text", "text without stop words"]
Transformation = Literal["number", "log", Categorical, Textual, "one column an item", "date parts", "none"]
Thousands = Literal["", ",", ".", " ", "'"]
Rule = Literal["refuse", "warn", "treat as missing"]
DECIDED = "# Decided when it was inferred:\n"
HEADER = """\
# The data dictionary: one table a column. It was inferred once; from now on it is yours. `make data INFER=1` infers it
# again: what you changed stays.
#
# type             integer, number, category, text, list (several items in a cell), boolean or datetime
# role             feature, target, id (kept beside predictions), time, group (for the split), ignored (as all that
#                  [data] drop of params.toml names, whatever stands here), or label:<who>
#                  (what <who> says the target is; never a feature, and absent from rows to score)
# missing_allowed  may a cell be empty?
# range / values   smallest and largest allowed number / the known categories or items; without it, and in an id,
#                  anything goes
# rule             what happens to a cell that breaks this: refuse (the batch), warn, or treat as missing
# transformation   how models see it: what was suggested, or another one that its type allows; "none" hides it
#   integer, number: number, log (for skewed amounts), one-hot, target encoding    boolean: number, one-hot
#   category: one-hot, target encoding, string encoding (groups of letters), text    datetime: date parts
#   text: text (its words), text without stop words (English), string encoding, target encoding
#   list: one column an item (of the frequent ones; the others are counted in one more)
#   the target: none, or log for a number: models then learn its logarithm
# sensitive        true: evaluate compares how its groups fare (suggested by name for sex, race, age, nationality)
# description      for people: what it means, its unit, who measures it, when it is known
# For reading:     decimal, thousands (marks in numbers), unit ($, %, kg: left out of numbers; UTC: times had a zone),
#                  separator (between the items of a list), missing (texts that mean "no value"),
#                  format (of dates, parted by " | "; %q is a quarter, as in "Q%q %Y"; of codes "00000": five digits)
# moment           the column is in no file: it is made of these, a date and a time of day, or year, month, day, hour
#                  and minute as numbers; a date and a time of day that are ignored leave their place to it
"""


@dataclass(frozen=True, kw_only=True)
class Column:
    """What is known about one column; the keys are explained at the top of the file itself."""

    type: Type
    role: str = "feature"
    missing_allowed: bool = True
    range: tuple[float, float] | None = None
    values: tuple[str, ...] | None = None
    rule: Rule = "refuse"
    transformation: Transformation = "none"
    description: str = ""
    decimal: Literal[".", ","] = "."
    thousands: Thousands = ""
    unit: str = ""
    separator: str = ""
    moment: tuple[str, ...] = ()
    sensitive: bool = False
    missing: tuple[str, ...] = ()
    format: str = ""

    @property
    def digits(self) -> int:
        """How many digits the codes of a category have that are not listed, by `format = "00000"`; 0 of all else."""
        of_codes = self.type == "category" and self.values is None and self.role != "id" and not self.format.strip("0")
        return len(self.format) if of_codes else 0


ALLOWED: dict[Type, tuple[Transformation, ...]] = {
    "integer": ("number", "log", "one-hot", "target encoding", "none"),
    "number": ("number", "log", "one-hot", "target encoding", "none"),
    "boolean": ("number", "one-hot", "none"),
    "category": ("one-hot", "target encoding", "string encoding", "text", "none"),
    "text": ("text", "text without stop words", "string encoding", "target encoding", "none"),
    "list": ("one column an item", "none"),
    "datetime": ("date parts", "none"),
}
Dictionary = dict[str, Column]
ROLES = ("feature", "target", "id", "time", "group", "ignored")
LABEL = "label:"
ONE_HOT_LIMIT = 12  # categories; above, a column per category is slower and no better than target encoding
LARGEST = 3.4e38  # scikit-learn's trees compute in single precision, where more is infinite
ALWAYS_WRITTEN = ("type", "role", "missing_allowed", "rule", "transformation", "description")


def load(path: Path) -> Dictionary:
    """Read the data dictionary, a TOML file with one top-level table a column, in its order; an id has no bounds.

    A `SettingsError` names an unknown key, a wrong type, or a word that is not allowed; a `DataError` what does not go
    together: role, transformation and type, a list and its separator, a moment and its columns, labels and the target.
    """
    try:
        tree = schema.load(path)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as a data dictionary: {error}.") from None
    columns = {name: schema.convert(table, Column, f"{path}: [{name}]") for name, table in tree.items()}
    for name, column in columns.items():
        if column.transformation not in (allowed := ALLOWED[column.type]):
            found = f"transformation = {column.transformation!r} does not fit a column of type {column.type}"
            raise DataError(f"{path}: [{name}] {found}.\nAllowed: {', '.join(map(repr, allowed))}.")
        if unknown := [part for part in column.moment if part not in columns]:
            raise DataError(f"{path}: [{name}] moment names {unknown[0]!r}, which is not in the dictionary.")
        kinds = [alike(columns[part].type) for part in dict.fromkeys(column.moment) if columns[part].role != "target"]
        made = column.moment and column.role != "ignored"
        if made and kinds not in [["datetime"] * 2, *(["number"] * parts for parts in (3, 4, 5))]:
            cure = "It is made of a date and a time of day, or of 3 to 5 whole numbers: year, month, day, hour, minute."
            raise DataError(f"{path}: [{name}] moment = {list(column.moment)}.\n{cure}")
        if (column.type == "list") != bool(column.separator):
            found = f"type = {column.type!r} and separator = {column.separator!r}"
            cure = 'A list needs a separator, as in separator = ";"; no other type has one.'
            raise DataError(f"{path}: [{name}] {found}.\n{cure}")
        if column.role not in ROLES and not re.fullmatch(rf"{LABEL}\s*\S.*", column.role):
            roles = ", ".join(map(repr, (*ROLES, LABEL + "<who>")))
            raise DataError(f"{path}: [{name}] role = {column.role!r}.\nAllowed: {roles}.")
    if len(targets := by_role(columns, "target")) != 1:
        found = ", ".join(map(repr, targets)) or "no column"
        cure = "Give it to the target of [data] in params.toml alone."
        raise DataError(f'{path}: role = "target" is had by {found}, and belongs to one.\n{cure}')
    check_labels(columns, path)
    unbounded = {name: replace(columns[name], range=None, values=None) for name in by_role(columns, "id")}
    return columns | unbounded


def of(project: Project) -> Dictionary:
    """Read the data dictionary of a project, in which a column that `[data] drop` names is ignored."""
    return without(load(project.dictionary), project.settings.data.drop)


def without(columns: Dictionary, names: Iterable[str]) -> Dictionary:
    """The columns, those named, and moments that are made of them, with the role `ignored`."""
    names = set(names)
    left_out = [name for name, column in columns.items() if name in names or not names.isdisjoint(column.moment)]
    return columns | {name: replace(columns[name], role="ignored") for name in left_out}


def check_labels(columns: Dictionary, path: Path) -> None:
    """Refuse labels of another type than the target, or of one person twice."""
    people, kind = label_columns(columns), columns[target(columns)].type
    for name, who in people.items():
        if alike(columns[name].type) != alike(kind):
            found = f"type = {columns[name].type!r}, but it holds labels of {target(columns)!r}, which is {kind!r}"
            raise DataError(f"{path}: [{name}] {found}.\nGive both the same type.")
        if list(people.values()).count(who) > 1:
            raise DataError(f"{path}: two columns have role = {LABEL + who!r}.\nGive one of them another name.")


def alike(kind: Type) -> str:
    """The type, where whole numbers count as numbers."""
    return "number" if kind == "integer" else kind


def write(path: Path, columns: Mapping[str, Column], decisions: Iterable[str] = ()) -> None:
    """Write the dictionary as TOML, whole or not at all."""
    artefact.write_text(path, dumps(columns, decisions))


def dumps(columns: Mapping[str, Column], decisions: Iterable[str] = ()) -> str:
    """The dictionary as TOML text, on top the explanation of its keys and what was decided when it was inferred."""
    tables = "".join(f"\n[{quote(name)}]\n{toml_of(column)}" for name, column in columns.items())
    return HEADER + notes_of(decisions) + tables


def notes_of(decisions: Iterable[str]) -> str:
    """What was decided, as comments for the top of the file; "" without decisions."""
    notes = "".join(f"# - {one_line(text)}\n" for text in decisions)
    return f"#\n{DECIDED}{notes}" if notes else ""


def one_line(text: str) -> str:
    """A text as a comment may hold it: TOML ends a comment with the line, and allows no control characters."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def toml_of(column: Column) -> str:
    """The lines of one column; keys that say nothing are left out."""
    written = [f.name for f in fields(Column) if f.name in ALWAYS_WRITTEN or getattr(column, f.name) != f.default]
    return "".join(f"{key} = {quote(getattr(column, key))}\n" for key in written)


def quote(value: Any) -> str:
    """A value as TOML, whole numbers without a point."""
    whole_numbers = isinstance(value, tuple | list) and all(isinstance(x, float) and x.is_integer() for x in value)
    return schema.toml([int(x) for x in value] if whole_numbers else value)


def by_role(columns: Mapping[str, Column], *roles: str) -> list[str]:
    """Names of the columns with one of the roles, in the dictionary's order."""
    return [name for name, column in columns.items() if column.role in roles]


def nameless(columns: Dictionary) -> Dictionary:
    """The columns, where ids may be missing: people tell the truth of rows without."""
    return columns | {name: replace(columns[name], missing_allowed=True) for name in by_role(columns, "id")}


def target(columns: Mapping[str, Column]) -> str:
    """The name of the target column."""
    return by_role(columns, "target")[0]


def features(columns: Mapping[str, Column]) -> list[str]:
    """Names of the columns that models may see: features, and times that have a transformation."""
    return [name for name in by_role(columns, "feature", "time") if columns[name].transformation != "none"]


def label_columns(columns: Mapping[str, Column]) -> dict[str, str]:
    """Who labelled (`anna` of `role = "label:anna"`), by the column that holds these labels."""
    roles = {name: column.role for name, column in columns.items() if column.role.startswith(LABEL)}
    return {name: role.removeprefix(LABEL).strip() for name, role in roles.items()}


def withheld(columns: Mapping[str, Column]) -> list[str]:
    """Names of the target, labels and ignored columns, which `add_features` never gets: rows to score may lack them."""
    parts = {part for column in columns.values() if column.role != "ignored" for part in column.moment}
    ignored = [name for name in by_role(columns, "ignored") if name not in parts]
    return [*by_role(columns, "target"), *label_columns(columns), *ignored]


def separators(columns: Mapping[str, Column]) -> dict[str, str]:
    """What parts the items of a cell, by column of lists."""
    return {name: column.separator for name, column in columns.items() if column.type == "list"}
