import asyncio
import gc
import json

import pytest

from data_science_project.engine.runs import answers, registry
from data_science_project.service.guard import Problem
from data_science_project.service.tables import Entry

from .conftest import BODY, ROW, ask, call


def test_answer_has_an_id_a_row_and_is_in_the_log_with_what_was_asked(serving):
    application = serving()

    status, reply = ask(application, body=json.dumps({"rows": [ROW, ROW | {"order": 8, "more": 1}]}).encode())

    first, second = reply["predictions"]
    columns = ["id", "prediction", "probability", "probability_no", "probability_yes", "confident", "unusual"]
    assert status == 200 and list(first) == [*columns, "key"] and first["key"] == {"order": 7}
    assert first["id"] < second["id"] and "left out: more" in second["warnings"][0]
    entry, told = application.service.log.database.find([first["id"]])[first["id"]]
    assert told == [] and json.loads(entry.inputs) == ROW and entry.run == reply["run"]
    assert json.loads(entry.output) == {name: first[name] for name in columns[1:-1]}
    assert (entry.role, entry.road, entry.unusual, entry.asker) == ("answer", "compiled", False, "")


def test_list_in_a_cell_is_answered_with_the_bits_that_make_predict_gives_the_same_json(serving, project):
    rows = [ROW | {"order": place, "note": ["parcel", -2.0, None, "went"], "shop": [place]} for place in range(2)]
    path, application = project.root / "rows.json", serving()
    path.write_text(json.dumps(rows))
    run = application.service.versions.get().run
    typed, _ = answers.read_rows(project, run, path, project.root / "aside.csv")

    status, reply = ask(application, body=json.dumps({"rows": rows}).encode())

    found = answers.answer(run, typed)
    assert status == 200
    assert [one["probability"] for one in reply["predictions"]] == found["probability"].tolist()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b'{"rows": []}', 422, "No rows"),
        (b'{"rows": [{"a": NaN}]}', 400, "character 16"),
        (b'{"rows": [{"a": {"b": 1}}]}', 400, "row 1, column 'a'"),
        (json.dumps({"rows": [ROW | {"amount": "much"}]}).encode(), 422, "not a number, like 'much'"),
        (json.dumps({"rows": [{}]}).encode(), 422, "are missing: 'amount'"),
        (json.dumps({"rows": [ROW] * 4}).encode(), 413, "4 rows; allowed: 3"),
        (b" " * 2000, 413, "larger than 1,000 bytes"),
    ],
)
def test_body_that_cannot_be_answered_is_refused_with_the_reason(serving, body, status, said):
    found, reply = ask(serving(rows=3, megabytes=0.001), body=body)

    assert found == status and said in reply["error"]


def test_refused_cell_is_told_with_row_column_problem_and_cure(serving):
    _, reply = ask(serving(), body=json.dumps({"rows": [ROW, ROW | {"amount": "much"}]}).encode())

    (violation,) = reply["violations"]
    assert (violation["row"], violation["column"]) == (2, "amount")
    assert "not a number" in violation["problem"] and "[amount]" in violation["cure"]


def test_text_with_nul_and_date_in_the_year_10000_and_huge_numbers_are_no_error_of_the_service(serving):
    application = serving()
    hostile = {"note": "a\x00b", "shop": "\x00", "colour": "\U0001f600" * 50, "day": "10000-01-01", "amount": 10**400}

    bodies = [json.dumps({"rows": [ROW | {name: cell}]}).encode() for name, cell in hostile.items()]
    statuses = [ask(application, body=body)[0] for body in bodies]

    assert statuses[0] == 200 and set(statuses) <= {200, 422}


def test_unknown_run_path_and_method_are_told_with_what_is_known(serving, folder):
    application = serving()

    run, path = (ask(application, path=one) for one in ("/predict?run=none", "/prediction"))
    method = ask(application, "GET")

    assert run[0] == 404 and folder.name in run[1]["error"]
    assert path[0] == 404 and "/predict, /runs" in path[1]["error"]
    assert method[0] == 405 and "POST" in method[1]["error"]
    assert ask(application, "DELETE", "/runs")[0] == 405
    assert ask(application, path=f"/predict?run={folder.name[-8:]}")[0] == 200


@pytest.mark.parametrize("query", ["Run={run}", "rnu={run}", "run=", "run", "run={run}&run={run}", "run={run}&x", "_"])
def test_query_that_does_not_ask_one_run_is_not_answered_by_the_default(serving, folder, query):
    status, reply = ask(serving(), path=f"/predict?{query.format(run=folder.name)}")

    assert status == 404 and f"{query.split('{')[0]}" in reply["error"]
    assert ("No run" in reply["error"]) == query.startswith("run={run}&"), "what is no run is not called one"
    assert reply["error"].endswith(f"Known, as run=: {folder.name}.")


def test_error_in_add_features_is_an_id_that_is_in_the_log_and_the_next_request_is_answered(serving, caplog):
    application = serving(own=True)
    version = application.service.versions.get("")
    whole = version.run.add_features

    def broken(rows):
        return whole(rows) if (rows["amount"] != 13).all() else 1 / 0

    object.__setattr__(version.run, "add_features", broken)
    version.compiled = None

    status, reply = ask(application, body=json.dumps({"rows": [ROW | {"amount": 13}]}).encode())
    later, _ = ask(application)

    assert status == 500 and reply["id"] in caplog.text and "ZeroDivisionError" in caplog.text
    assert "division" not in str(reply) and ".py" not in str(reply)
    assert later == 200


def test_above_so_many_requests_in_flight_the_answer_is_503_at_once(serving):
    application = serving(waiting=2)

    async def many():
        return await asyncio.gather(*(call(application, "POST", "/predict", BODY) for _ in range(6)))

    found = asyncio.run(many())

    assert [status for status, _, _ in found].count(200) == 2
    assert {headers.get("retry-after") for status, headers, _ in found if status == 503} == {"1"}


async def asked_with_shadows(application):
    """The body of an answer, when the shadows have answered too."""
    _, _, content = await call(application, "POST", "/predict", BODY)
    while application.service._shadows:
        await asyncio.sleep(0.01)
    return content


def test_shadow_is_logged_beside_the_answer_and_never_shown(serving, contest):
    new, old = (folder.name for folder in registry.folders(contest))
    application = serving(contest, own=True, runs=(new,), shadow=(old,))

    reply = json.loads(asyncio.run(asked_with_shadows(application)))

    assert reply["run"] == new and old not in str(reply)
    rows = list(application.service.log.database.read(Entry))
    number = reply["predictions"][0]["id"]
    assert {(row.id, row.run, row.role) for row in rows} == {(number, new, "answer"), (number, old, "shadow")}


def test_shadow_is_left_out_and_counted_when_the_service_is_busy(serving, contest):
    new, old = (folder.name for folder in registry.folders(contest))
    application = serving(contest, own=True, runs=(new,), shadow=(old,))

    application.service.in_flight = 2
    asyncio.run(asked_with_shadows(application))

    assert b"shadows_dropped_total 1.0" in application.service.counts.page()
    assert [row.role for row in application.service.log.database.read(Entry)] == ["answer"]


def test_requests_to_predict_are_counted_by_outcome_and_of_other_routes_their_bugs_alone(serving):
    application, known = serving(token="web:s3cret"), {"authorization": "Bearer s3cret"}
    for path in ("/", "/runs", "/metrics", "/none"):
        ask(application, "GET", path)
    ask(application, path="/none", **known)
    for body in (BODY, b"{", b'{"rows": []}'):
        ask(application, body=body, **known)
    application.service.log.database.find = None
    ask(application, path="/feedback", body=b'{"id": "a", "truth": "yes"}', **known)

    page = asyncio.run(call(application, "GET", "/metrics", **known))[2].decode()

    lines = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    counted = {name: value for name, value in lines.items() if "requests_total" in name and value != "0.0"}
    assert counted == {f'requests_total{{outcome="{outcome}"}}': "1.0" for outcome in ("answered", "bad", "invalid")}
    assert lines["errors_total"] == "1.0"


def test_refused_request_is_held_by_nothing_afterwards(serving):
    application = serving()
    gc.collect()
    gc.disable()
    try:
        status, _ = ask(application, content_length="9000000")
        held = [one for one in gc.get_objects() if isinstance(one, Problem)]
    finally:
        gc.enable()

    assert (status, held) == (413, [])
