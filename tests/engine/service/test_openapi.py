import math
from dataclasses import replace
from types import SimpleNamespace

import jsonschema
import pytest

from data_science_project.engine.columns.dictionary import Column
from data_science_project.engine.runs import registry
from data_science_project.service import example, openapi, settings

from .conftest import ask, load_runs

COLUMNS = {
    "key": Column(type="integer", role="id"),
    "age": Column(type="integer", range=(0.0, 120.0), missing_allowed=False, description="in years"),
    "pay": Column(type="number", missing=("-1",)),
    "odd": Column(type="number", range=(0.0, 1.0), rule="warn"),
    "job": Column(type="category", values=("cook", "clerk")),
    "tags": Column(type="list", separator=";", values=("x", "y.z")),
    "new": Column(type="boolean", missing_allowed=False),
    "day": Column(type="datetime"),
    "note": Column(type="text", missing_allowed=False),
    "answer": Column(type="category", role="target"),
}
ROW = {"age": 30, "pay": 1.5, "odd": 0, "job": "cook", "tags": "x; y.z", "new": True, "day": "2026-01-31", "note": "a"}


def fits(row):
    return jsonschema.Draft202012Validator(openapi.row(COLUMNS)).is_valid(row)


def test_what_no_rule_says_of_a_cell_is_told_in_words():
    columns = {
        "day": Column(type="datetime", format="%d.%m.%Y", description="of the order"),
        "job": Column(type="category", values=("cook", "clerk"), rule="warn"),
        "free": Column(type="text", rule="warn"),
        "tags": Column(type="list", separator="|"),
    }

    cells = openapi.row(columns)["properties"]

    assert cells["day"]["description"] == "of the order; a date as 31.01.2026 or 2026-01-31"
    assert cells["job"]["description"] == "known: cook, clerk" and "description" not in cells["free"]
    assert cells["tags"]["description"] == "several: a list, or a text parted by '|'"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"age": 0, "odd": 5, "new": "yes", "key": None, "unknown": "x"},
        {"pay": None, "job": None, "tags": None, "day": None},
        {"pay": "-1", "job": "", "day": "na", "note": 5},
        {"day": "2026-01-31T10:20:30", "pay": math.pi, "new": 1},
        *({"day": day} for day in ("2026-01-31 10:20", "2024-02-29", "2000-02-29T10:00", "2096-02-29")),
        {"note": "東京", "key": "Ä", "pay": "n/a"},
        *({"key": cell} for cell in (10**39, "=1+1", False, "\t")),
        {"tags": ["x", "y.z"], "note": ["a", -2.0, None, True], "key": [1], "unknown": [], "odd": [1]},
    ],
)
def test_row_that_is_answered_fits_its_description(changes):
    assert fits(ROW | changes)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("key", [0.5]),
        ("age", [None, 121, 30.5]),
        ("job", ["driver"]),
        ("tags", ["x; z", "yxz", ["z"], [["x"]]]),
        ("new", ["perhaps", 2]),
        ("day", ["soon", "2025-02-29", "1900-02-29", "2100-02-29", "2025-02-30", "2025-04-31"]),
        ("note", [" ", "\u3000", [], [" ", None], [[1]]]),
        ("unknown", [[[1]], {}]),
    ],
)
def test_cell_that_is_refused_does_not_fit_its_description(name, cells):
    assert [cell for cell in cells if fits(ROW | {name: cell})] == []


def test_words_for_missing_are_no_enum_of_which_generators_would_make_the_same_name_twice():
    cells = openapi.row(COLUMNS)["properties"]

    assert not any("enum" in form for name in ("pay", "new", "day") for form in cells[name]["anyOf"])
    assert cells["pay"]["anyOf"][-1] == {"type": "null"}


@pytest.mark.parametrize(("rule", "valid"), [("refuse", [0, 90]), ("warn", [-7, 0, 90, 900])])
def test_truth_of_a_number_is_described_as_it_is_taken(rule, valid):
    run = SimpleNamespace(record={"classes": None, "target": "age"})
    columns = COLUMNS | {"age": replace(COLUMNS["age"], rule=rule)}

    described = jsonschema.Draft202012Validator(openapi.taken(run, columns))

    assert [one for one in [-7, 0, 90, 90.5, 900, 1e39] if described.is_valid(one)] == valid


def test_columns_that_must_be_there_are_required_and_described():
    described = openapi.row(COLUMNS)

    assert described["required"] == list(ROW) and "answer" not in described["properties"]
    age = {"type": "integer", "minimum": 0.0, "maximum": 120.0, "description": "in years"}
    assert described["properties"]["age"] == age


def test_document_names_the_runs_and_their_answers_and_the_token_where_one_is_asked_for(project, folder):
    project.parts["serve"] = settings.Serve(rows=7)
    loaded = load_runs(project)

    document = openapi.document(loaded, asks_for_token=True)

    predict = document["paths"]["/predict"]["post"]
    sent = predict["requestBody"]["content"]["application/json"]["schema"]
    assert predict["parameters"][0]["schema"]["enum"] == [folder.name]
    assert sent["properties"]["rows"]["maxItems"] == 7 and sent["example"] == {"rows": [example.row(loaded.get())]}
    said = predict["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["predictions"]["items"]
    assert said["properties"]["prediction"] == {"enum": ["no", "yes"]}
    assert said["properties"]["confident"]["description"].startswith("always true while abstain_below")
    assert {"200", "400", "401", "403", "404", "408", "413", "415", "422", "500", "503"} == {*predict["responses"]}
    routes = {"/predict", "/feedback", "/example", "/runs", "/health/live", "/health/ready", "/metrics"}
    assert document["openapi"] == "3.1.0" and {*document["paths"]} == routes
    assert document["security"] and document["paths"]["/health/live"]["get"]["security"] == []


def test_every_operation_has_a_name_and_all_that_is_refused_is_of_one_class(loaded, serving):
    document = openapi.document(loaded, asks_for_token=True)

    operations = {path: does for path, methods in document["paths"].items() for does in methods.values()}
    ready = operations["/health/ready"]["responses"]
    kinds = [said["content"] for does in operations.values() for code, said in does["responses"].items() if code > "4"]
    kinds.remove(ready["503"]["content"])  # which says why
    answer = ask(serving(), body=b"{}")[1]

    assert [*operations] == ["/" + does["operationId"].replace("_", "/") for does in operations.values()]
    assert len(kinds) > 30 and all(kind == kinds[0] for kind in kinds)
    assert kinds[0]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}
    assert jsonschema.Draft202012Validator(document["components"]["schemas"]["Error"]).is_valid(answer)
    assert [*ready] == ["200", "403", "500", "503"] and ready["503"]["description"] == "They are not; why"


def of_several(*runs, vary=False):
    """The description of an answer of several runs, each its classes, its band and the limits of what it has seen."""
    made = []
    for classes, band, ends in runs:
        run = SimpleNamespace(record={"classes": classes, "target_range": ends})
        policy = SimpleNamespace(limits=SimpleNamespace(band=band, least=0.0))
        made.append(SimpleNamespace(run=run, policy=policy))
    return openapi.prediction(made, vary)


@pytest.mark.parametrize("run", [(["no", "yes"], None, None), ([], "band", (0.0, 9.0))])
def test_answer_of_several_runs_alike_is_described_as_that_of_one(run):
    assert of_several(run, run) == of_several(run)


def test_of_runs_that_differ_only_what_all_say_is_described():
    classes = of_several((["no", "yes"], None, None), (["later", "no", "yes"], None, None), vary=True)
    numbers = of_several(([], "band", (0.0, 9.0)), ([], None, (0.0, 8.0)))

    assert classes["required"] == ["id", "prediction", "confident", "unusual"]
    assert classes["properties"]["prediction"] == {}
    assert numbers["required"] == classes["required"] and "description" not in numbers["properties"]["confident"]


def test_document_of_two_runs_with_the_same_classes_names_their_probabilities_and_truths(contest):
    contest.parts["serve"] = settings.Serve(runs=tuple(one.name for one in registry.folders(contest)))
    loaded = load_runs(contest)

    paths = openapi.document(loaded, asks_for_token=False)["paths"]

    said = paths["/predict"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    told = paths["/feedback"]["post"]["requestBody"]["content"]["application/json"]["schema"]["properties"]["truth"]
    assert len(loaded.served) == 2 and told == {"enum": ["no", "yes"]}
    assert {"probability", "probability_no", "probability_yes"} <= {*said["predictions"]["items"]["required"]}
