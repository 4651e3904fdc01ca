import json

import pytest

RECORDS = [{"n": 1, "y": "u"}, {"n": 2, "y": None}, {"n": 3, "y": "v"}]
CELLS = [[1, "u"], [2, None], [3, "v"]]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"data": RECORDS}, "under 'data' (3)"),
        ({"data": RECORDS, "longer": {"bin": [*range(9)], "count": [*range(9)]}}, "under 'data' (3)"),
        ({"status": "ok", "data": {"n": 3, "items": RECORDS}, "errors": []}, "under 'data.items' (3)"),
        ({"errors": [{"x": 1}], "rows": RECORDS}, "under 'rows' (3); left out: 'errors' (1)"),
    ],
)
def test_records_of_json_are_found_under_a_key(table, rows, document, said):
    found = table(json.dumps(document, indent=1), "t.csv")

    assert rows(found) == CELLS
    assert said in found.decisions[0]


COLUMNS = {"a": [1, 2, None], "y": ["u", "v", "u"]}


@pytest.mark.parametrize(
    "document",
    [
        COLUMNS,
        {name: {str(place): cell for place, cell in enumerate(cells)} for name, cells in COLUMNS.items()},
        [[*COLUMNS], *zip(*COLUMNS.values(), strict=True)],
        {"status": "ok", "result": COLUMNS},
        {"columns": [*COLUMNS], "index": [0, 1, 2], "data": [*zip(*COLUMNS.values(), strict=True)]},
    ],
    ids=["columns", "numbered columns", "lists", "under a key", "split"],
)
def test_json_of_columns_or_of_lists_below_their_names_is_read_and_said(table, rows, document):
    found = table(json.dumps(document))

    assert list(found.frame.columns) == ["a", "y"]
    assert rows(found) == [[1, "u"], [2, "v"], [None, "u"]]
    assert any(said in found.decisions[-1] for said in ("columns of one object: a, y", "names taken from"))


def test_names_beside_lists_of_texts_are_the_names(table, rows, refusal):
    found = table(json.dumps({"columns": ["who", "city"], "index": [0, 1], "data": [["Bob", "Rome"], ["Ann", "Oslo"]]}))

    assert list(found.frame.columns) == ["who", "city"] and rows(found) == [["Bob", "Rome"], ["Ann", "Oslo"]]
    assert "not a list of records" in refusal(json.dumps([["a", "a"], [1, 2], [3, 4]])), "no name stands twice"


def test_records_of_json_stand_one_behind_the_other_over_several_lines_or_alone(table, rows):
    assert rows(table("".join(json.dumps(record, indent=2) + "\n" for record in RECORDS))) == CELLS
    assert rows(table('{"a": 1, "b": {"c": 2}}')) == [[1, 2]]


@pytest.mark.parametrize("damaged", [0, 7, 29])
def test_damaged_line_of_json_is_set_aside_and_rows_around_keep_their_numbers_among_blank_lines(table, damaged):
    lines = [f'{{"a": {n}}}' for n in range(30)]
    lines[damaged] = lines[damaged][:-1]

    found = table("\n\n".join(lines) + "\n")

    ((name, aside),) = found.set_aside
    assert (name, aside.line, aside.text) == ("table.csv", 2 * damaged + 1, f'{{"a": {damaged}')
    assert [2 * n + 1 for n in found.frame["a"]] == list(found.frame.index + found.first_row)


def test_two_damaged_lines_of_json_among_few_are_refused(refusal):
    lines = "".join(f'{{"a": {n}}}\n' for n in range(30)).replace('": 7}', '": 7')

    assert "2 of 31 lines do not fit: not valid JSON (2, as line 8" in refusal(lines + '{"a": 30')


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('{"a": 1},\n{"a": 2},\n{"a": 3},\n', "line 1: not valid JSON"),
        ('[{"a": 1},\n {"a": 2}] x\n', "line 2: not valid JSON"),
        ('{\n"a": 1\n}\n{\n"a": 2,\n', "line 6: not valid JSON"),
        ('{"data": [{"a": 1}, {"a": 2}]}\n-- end\n', "line 2: not valid JSON"),
        ('{"a": 1}\n{"a":\n{"a":\n', "line 4: not valid JSON"),
        ('[\n{"a": 1},\n', "line 3"),
        ('{"a": {"0": 1}}', "not a list of records"),
        ("[1, 2]", "not a list of records"),
        ('[["Ann", "Rome"], ["Bob", "Oslo"]]', "not a list of records"),
        ('{"name": "x", "rows": [[1, 2]]}', "not a list of records"),
        ('{"a":' * 900 + "1" + "}" * 900, "not a list of records"),
        ('{"a": [{"x": 1}], "b": [{"x": 2}]}', "'a' and 'b'"),
        ('[{"a":' + '{"a":' * 5000 + "1" + "}" * 5001 + "]", "nested too deep"),
        ("[" * 100_000, "nested too deep"),
        ('[{"a": 1, "a": 2}]', "'a' twice"),
        ("[]", "no rows"),
    ],
)
def test_json_that_holds_no_records_or_is_damaged_is_refused(refusal, content, named):
    assert named in refusal(content, "t.json")
