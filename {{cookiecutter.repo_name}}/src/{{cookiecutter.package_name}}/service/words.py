"""What people read: the fields of a form, an answer as a sentence, and what it hangs on."""

import datetime
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.columns.dictionary import Column, Dictionary, by_role
from ..engine.project.errors import DataError
from ..engine.report.verdict import number, percent
from ..engine.sources import formats
from .database import Told
from .schema import Cell, Row
from .versions import Busy, Version

FEW, MANY = 30, 300  # choices that are all shown, and that are offered to who types
COMPARED, TOLD = 32, 6  # columns put back to a usual value, and those that are told
LITTLE = 0.0005  # a change of a probability that nobody would tell
MODELLED = ("feature", "time")


def asked(columns: Dictionary) -> list[str]:
    """The columns of a row that a person is asked for, those that a model sees first."""
    made = [name for name, column in columns.items() if column.moment and column.role != "ignored"]
    parts = [part for name in made for part in columns[name].moment]
    others = [*parts, *by_role(columns, "id", "group")]
    return list(dict.fromkeys(name for name in [*by_role(columns, *MODELLED), *others] if name not in made))


def row_of(version: Version, texts: Mapping[str, str]) -> Row:
    """A row as a program would send it; what is left empty is no cell, or none at all where there need not be one."""
    row = {name: cell_of(version.columns[name], text.strip()) for name, text in texts.items()}
    return {name: cell for name, cell in row.items() if cell is not None or version.columns[name].role in MODELLED}


def cell_of(column: Column, text: str) -> Cell:
    """A text as a cell; numbers and yes or no in their JSON type, as long as the column writes them as JSON does."""
    if text == "":
        return None
    if column.type == "boolean" and text in ("true", "false"):
        return text == "true"
    if column.type in ("integer", "number") and column.decimal == "." and not column.thousands:
        try:
            value = float(text)
        except ValueError:
            return text
        return value if math.isfinite(value) else text
    return text


def text_of(column: Column, cell: Cell) -> str:
    """A cell as it stands in a form."""
    text = "" if cell is None else formats.spelled(cell)
    return text.replace(".", column.decimal) if isinstance(cell, float) else text


def shown(cell: Any) -> str:
    """A cell as people read it."""
    words = {None: "nothing", True: "yes", False: "no", "": "nothing"}
    if cell is None or isinstance(cell, bool) or cell == "":
        return words[cell]
    return number(cell) if isinstance(cell, float) else formats.spelled(cell)


def fields(columns: Dictionary, row: Row, problems: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The fields of the form, with what is wrong with a cell; `problems` get the place of the field."""
    found = []
    for place, name in enumerate(asked(columns)):
        column, here = columns[name], [one for one in problems if one["column"] == name]
        for one in here:
            one["place"] = f"c{place}"
        found.append(
            {
                "name": name,
                "place": f"c{place}",
                "value": text_of(column, row.get(name)),
                "kind": kind_of(column),
                "choices": choices(column),
                "hint": hint(column),
                "required": not column.missing_allowed and column.role in MODELLED,
                "problem": "; ".join(one["problem"] for one in here),
            }
        )
    return found


def kind_of(column: Column) -> str:
    """Which field a column gets."""
    if column.type == "boolean" or (column.type == "category" and len(column.values or range(FEW + 1)) <= FEW):
        return "choice"
    return {"text": "long", "integer": "number", "number": "number"}.get(column.type, "line")


def choices(column: Column) -> dict[str, str]:
    """What may be chosen, or is offered: the cell and its text."""
    if column.type == "boolean":
        return {"true": "yes", "false": "no"}
    return {value: value for value in (column.values or ())[:MANY]} if column.type != "list" else {}


def hint(column: Column) -> str:
    """What to know of a column before one fills it in."""
    kinds = {"integer": "a whole number", "number": "a number", "list": f"several, parted by {column.separator}"}
    said = [column.description, kinds.get(column.type, "")]
    if column.type == "datetime":
        said.append(f"a date like {datetime.date.today().strftime((column.format or '%Y-%m-%d').split(' | ')[0])}")
    if column.range:
        said.append(f"{column.range[0]:g} to {column.range[1]:g}")
    said += [f"in {column.unit}" if column.unit else "", "" if column.role in MODELLED else f"the {column.role}"]
    return "; ".join([*filter(None, said), "may stay empty" if column.missing_allowed else "needed"])


def usual(version: Version) -> Row:
    """A usual value of each column: of the rows that the run learned from, or a guess by the dictionary."""
    known = version.run.record.get("usual", {})  # runs of before have none
    return {name: known.get(name, guess(version.columns[name])) for name in asked(version.columns)}


def guess(column: Column) -> Cell:
    """A value that the dictionary allows."""
    if column.type in ("integer", "number") and column.range:
        middle = sum(column.range) / 2
        return float(round(middle)) if column.type == "integer" else middle
    return column.values[0] if column.values and column.type in ("category", "list") else None


def example(version: Version) -> Row:
    """A row of usual values, of no person."""
    return {name: cell for name, cell in usual(version).items() if cell is not None}


async def answer(service: Any, version: Version, row: Row, said: Mapping[str, Any], told: Sequence[Told] = ()) -> dict:
    """An answer in words, with what it hangs on and what somebody said of it."""
    record, prediction = version.run.record, shown(said["prediction"])
    sentence, words = f"{record['target']}: {prediction}", []
    if "probability" in said:
        sentence += f", with a probability of {percent(said['probability'])}"
    elif "low" in said and math.isfinite(said["high"] - said["low"]):
        sentence += f", probably between {number(said['low'])} and {number(said['high'])}"
    if not said["confident"] and "probability" in said:
        words.append("Not confident: the model is too unsure here; take it as a hint, no more.")
    elif not said["confident"]:
        low, high = map(number, record["target_range"])
        words.append(f"Not confident: it is outside of all that the model has learned from, {low} to {high}.")
    if said["unusual"]:
        words.append("Unusual: the model has seen no such row, so the answer is worth less than it looks.")
    words += [text.removeprefix("rows: ") for text in said.get("warnings", ())]
    when = datetime.datetime.fromtimestamp(told[-1].time) if told else None
    return {
        **{name: said[name] for name in ("id", "kept")},
        "prediction": prediction,
        "sentence": f"{sentence}.",
        "words": words,
        "reasons": await reasons(service, version, row, said),
        "changes": f"points of the probability of {prediction}"
        if "probability" in said
        else "in the unit of the answer",
        "told": shown(json.loads(told[-1].truth)) if told else "",
        "when": f"{when:%Y-%m-%d %H:%M}" if when else "",
    }


async def reasons(service: Any, version: Version, row: Row, said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns that changed the answer most: what it would be if they were usual."""
    other = {name: cell for name, cell in usual(version).items() if shown(cell) != shown(row.get(name))}
    other = {
        n: c
        for n, c in other.items()
        if version.columns[n].role in MODELLED and (c is not None or version.columns[n].missing_allowed)
    }
    names = sorted(other, key=lambda name: -distance(version.columns[name], row.get(name), other[name]))[:COMPARED]
    try:
        answers = await service.versions.answer(version, [row | {name: other[name]} for name in names]) if names else []
    except (DataError, Busy):
        return []
    found = []
    for name, one in zip(names, answers, strict=True):
        change = difference(said, one.output)
        if abs(change) > (LITTLE if "probability" in said else 0):
            found.append({"column": name, "here": shown(row.get(name)), "usual": shown(other[name]), "by": change})
    found = sorted(found, key=lambda one: -abs(one["by"]))[:TOLD]
    for one in found:
        points = 100 * one["by"] if "probability" in said else one["by"]
        one |= {"change": f"{points:+.1f}" if "probability" in said else f"{'+' if points > 0 else ''}{number(points)}"}
        one |= {"less": points < 0, "width": round(100 * abs(one["by"] / found[0]["by"]), 1)}
    return found


def distance(column: Column, here: Cell, usual: Cell) -> float:
    """How far a cell is from usual: as a share of the range, or 1."""
    if (
        isinstance(here, float)
        and isinstance(usual, int | float)
        and column.range
        and column.range[0] < column.range[1]
    ):
        return abs(here - usual) / (column.range[1] - column.range[0])
    return 1.0


def difference(said: Mapping[str, Any], other: Mapping[str, Any]) -> float:
    """By how much an answer is above another: in probability of what it says, or in its number."""
    if "probability" not in said:
        return said["prediction"] - other["prediction"]
    known = other["probability"] if other["prediction"] == said["prediction"] else 0.0  # with more than 20 classes
    return said["probability"] - other.get(f"probability_{said['prediction']}", known)
