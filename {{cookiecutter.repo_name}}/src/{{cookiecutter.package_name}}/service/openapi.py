"""The OpenAPI document, made from the data dictionary of the run that answers by default."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..engine.columns.dictionary import LARGEST, Column, Dictionary
from ..engine.columns.spelling import CLOCKS
from ..engine.columns.validate import FALSE_WORDS, MISSING_WORDS, TRUE_WORDS
from ..engine.project.errors import listed
from ..engine.runs.answers import CLASSES_SHOWN
from ..engine.runs.loading import Run
from . import example
from .guard import OPEN
from .versions import Version, Versions

Schema = dict[str, Any]
TEXT, NUMBER_SCHEMA, YES_OR_NO = {"type": "string"}, {"type": "number"}, {"type": "boolean"}
PLAIN = {"type": ["number", "string", "boolean", "null"]}
CELL: Schema = {"type": [*PLAIN["type"], "array"], "items": PLAIN}
SOME = r"[^\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"  # what a text is not empty by
SOME_DAY = datetime(2026, 1, 31)
MONTHS = r"(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31"
DAY = rf"((1[7-9]|20|21)\d\d-({MONTHS})|((1[7-9]|20|21)(0[48]|[2468][048]|[13579][26])|2000)-02-29)"
TIME = r"([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?)?"
# What else may be answered.
FAILURES = {400: "The body holds no rows", 401: "No token, or a wrong one", 403: "Asked from elsewhere", 404: "Unknown"}
FAILURES |= {408: "The body came too slowly", 413: "Too much at once", 422: "Cells break a rule"}
FAILURES |= {415: "A compressed body", 500: "The service has failed", 503: "Not now"}


def document(versions: Versions, *, asks_for_token: bool) -> Schema:
    """The document."""
    version, names, served = versions.get(), list(versions.served), list(versions.served.values())
    vary = len({repr(one.run.record["classes"]) for one in served}) > 1  # 1 is True for Python
    rows = {"type": "array", "minItems": 1, "maxItems": versions.options.rows, "items": row(version.columns)}
    body = an_object(rows=rows) | {"additionalProperties": False, "example": {"rows": [example.row(version)]}}
    answer = an_object(run=TEXT, predictions=an_array(prediction(served, vary)), logged=YES_OR_NO)
    true = {} if vary else taken(version.run, version.columns)
    told = an_object(id=TEXT, truth=true) | {"additionalProperties": False}
    described = an_object(run=TEXT, role=TEXT, compiled=YES_OR_NO, why=TEXT, task=TEXT, started=TEXT, metrics={})
    ready = an_object(ready=YES_OR_NO, why=an_array(TEXT))
    which = {"name": "run", "in": "query", "schema": {"enum": names}, "description": "The run that is asked"}
    figures = {"content": {"text/plain": {"schema": TEXT}}, "description": "For Prometheus"}
    asked = an_object(rows=an_array({"type": "object"}))
    paths = {
        "/predict": {"post": asks("Answer rows", answer, body, 404) | {"parameters": [which]}},
        "/feedback": {"post": asks("Say what was true of an answer", an_object(id=TEXT, news=YES_OR_NO), told, 404)},
        "/example": {"get": asks("An example of what /predict is sent", asked, None, 503)},
        "/runs": {"get": asks("The runs that answer", an_object(runs=an_array(described), refused={}))},
        "/health/live": {"get": asks("Whether the process can answer", an_object(live=YES_OR_NO))},
        "/health/ready": {"get": asks("Whether predictions are answered", ready)},
        "/metrics": {"get": asks("Figures", TEXT) | {"responses": {"200": figures, **others(401, 403, 500)}}},
    }
    paths["/health/ready"]["get"]["responses"]["503"] = success(ready, "They are not; why")
    for path, (does,) in ((path, methods.values()) for path, methods in paths.items()):
        does["operationId"] = path[1:].replace("/", "_")
        if path in OPEN:
            del does["responses"]["401"]
            does["security"] = []
    about = {"title": versions.project.root.name, "version": version.name}
    violation = an_object(row={"type": ["integer", "null"]}, column=TEXT, problem=TEXT, cure=TEXT)
    content = {"error": TEXT, "id": TEXT, "violations": an_array(violation)}
    error = {"type": "object", "properties": content, "required": ["error"]}
    found: Schema = {"openapi": "3.1.0", "info": about, "paths": paths, "components": {"schemas": {"Error": error}}}
    if asks_for_token:
        found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        found["security"] = [{"token": []}]
    return found


def an_object(**properties: Schema) -> Schema:
    """An object that has these keys, but `logged`, which is there where it is false."""
    return {"type": "object", "properties": properties, "required": [n for n in properties if n != "logged"]}


def an_array(items: Schema) -> Schema:
    """A list of these."""
    return {"type": "array", "items": items}


def success(content: Schema, said: str = "As asked") -> Schema:
    """A response of JSON."""
    return {"description": said, "content": {"application/json": {"schema": content}}}


def others(*statuses: int) -> Schema:
    """The responses to what is not answered, of one kind: generators make a class of each that has no name."""
    return {str(status): success({"$ref": "#/components/schemas/Error"}, FAILURES[status]) for status in statuses}


def asks(summary: str, answer: Schema, body: Schema | None = None, *further: int) -> Schema:
    """One operation."""
    statuses = (401, 403, 500, *further, *((400, 408, 413, 415, 422, 503) if body else ()))
    said = {"summary": summary, "responses": {"200": success(answer), **others(*dict.fromkeys(statuses))}}
    sent = {"requestBody": {"required": True, "content": {"application/json": {"schema": body}}}} if body else {}
    return said | sent


def row(columns: Dictionary) -> Schema:
    """A row that is answered: any further column is left out."""
    asked = example.asked(columns)
    needed = [name for name, column in asked.items() if column.role in example.MODELLED]
    cells = {name: cell(column) for name, column in asked.items()}
    return {"type": "object", "properties": cells, "required": needed, "additionalProperties": CELL}


def cell(column: Column) -> Schema:
    """The cells of a column that are answered."""
    said = "; ".join(filter(None, [column.description, known(column)]))
    about = {"description": said} if said else {}
    if column.rule != "refuse" or column.role in ("ignored", "group"):
        return CELL | about
    found = forms(column)
    if column.missing_allowed:
        words = sorted(MISSING_WORDS) if column.type not in ("category", "text", "list") else [""]
        found += [one_of([*words, *column.missing], "a word for empty"), {"type": "null"}]
    return ({"anyOf": found} if len(found) > 1 else found[0]) | about


def known(column: Column) -> str:
    """What a reader is told of the cells of a column that no rule of JSON Schema says."""
    if column.type == "datetime" and column.format in CLOCKS:
        return f"a time as {example.dated(column, SOME_DAY)}"
    if column.type == "datetime" and column.format:
        return f"a date as {example.dated(column, SOME_DAY)} or {SOME_DAY:%Y-%m-%d}"
    said = [f"several: a list, or a text parted by '{column.separator}'"] if column.type == "list" else []
    said += [f"known: {listed([*column.values], 20)}"] if column.values and column.rule != "refuse" else []
    return "; ".join(said)


def forms(column: Column) -> list[Schema]:
    """The forms of a cell that is not missing."""
    low, high = column.range or (-LARGEST, LARGEST)
    some: Schema = {} if column.missing_allowed else {"pattern": SOME}
    filled: Schema = {"contains": {"type": PLAIN["type"][:3], **some}} if some else {}
    anything: list[Schema] = [TEXT | some, NUMBER_SCHEMA, YES_OR_NO, an_array(PLAIN) | filled]
    if column.role == "id":  # text as it stands, where it is no plain number
        number = {"type": column.type} if column.type in ("integer", "number") else NUMBER_SCHEMA
        return [anything[0], number, *anything[2:]]
    if column.type in ("integer", "number"):
        return [{"type": column.type, "minimum": low, "maximum": high}]
    if column.type == "boolean":
        words = one_of(sorted(TRUE_WORDS | FALSE_WORDS), "yes or no in a word")
        return [YES_OR_NO, {"type": "integer", "minimum": 0, "maximum": 1}, words]
    if column.type == "datetime":
        return [TEXT | ({} if column.format else {"pattern": f"^{DAY}{TIME}$"})]
    if column.values is not None and column.type == "category":
        return [{"enum": list(column.values)}]
    if column.values is not None and column.type == "list":
        items = "|".join(map(re.escape, column.values))
        several = an_array({"enum": list(column.values)}) | ({} if column.missing_allowed else {"minItems": 1})
        return [TEXT | {"pattern": f"^({items})({re.escape(column.separator)} ?({items}))*$"}, several]
    return anything


def one_of(words: Sequence[str], said: str) -> Schema:
    """One of these texts: no `enum`, of which generators make names, and `n/a` and `na` would have the same."""
    return TEXT | {"pattern": f"^({'|'.join(map(re.escape, dict.fromkeys(words)))})$", "description": said}


def taken(run: Run, columns: Dictionary) -> Schema:
    """What is taken as true of an answer: any class, or a number that the target can be."""
    column = columns[run.record["target"]]
    if run.record["classes"]:
        return truth(run)
    return forms(column if column.rule == "refuse" else replace(column, range=None))[0]


def truth(run: Run) -> Schema:
    """What a run answers."""
    classes = run.record["classes"]
    return {"enum": classes} if classes else NUMBER_SCHEMA | {"minimum": -LARGEST, "maximum": LARGEST}


def prediction(served: Sequence[Version], vary: bool) -> Schema:
    """What is said of a row by all runs that answer; where their classes `vary`, each says its own."""
    version, classes = served[0], served[0].run.record["classes"]
    said: dict[str, Schema] = {"id": TEXT, "prediction": {} if vary else truth(version.run)}
    if classes and not vary:
        said["probability"] = {"type": "number", "minimum": 0, "maximum": 1}
        said |= {f"probability_{label}": NUMBER_SCHEMA for label in classes if len(classes) <= CLASSES_SHOWN}
    if all(one.policy.limits.band for one in served):
        said |= {name: {"type": ["number", "null"]} for name in ("low", "high")}
    sure = YES_OR_NO if len({*map(confident, served)}) > 1 else YES_OR_NO | {"description": confident(version)}
    whole = an_object(**said, confident=sure, unusual=YES_OR_NO)
    whole["properties"] |= {"warnings": an_array(TEXT), "key": {"type": "object"}}
    return whole


def confident(version: Version) -> str:
    """What makes an answer confident."""
    record, least = version.run.record, version.policy.limits.least
    if not record["classes"]:
        low, high = record["target_range"]
        return f"the number is within those of the training, {low:g} to {high:g}"
    if not least:
        return "always true while abstain_below and error_rate in [predict] of params.toml are 0"
    return f"the probability is at least {least:g}"
