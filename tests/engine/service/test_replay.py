import json
import time

import pytest

from data_science_project.engine.project import settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import registry
from data_science_project.service import replay
from data_science_project.service.database import opened
from data_science_project.service.tables import Entry, new_ids
from data_science_project.service.versions import Version

ROWS = [
    {"order": 1, "amount": 31.5, "colour": "red", "shop": "shop A", "day": "2026-01-05", "note": "a\0b"},
    {"order": 2, "amount": None, "colour": None, "shop": "shop B", "day": "2026-01-06", "note": "parcel 3 went out"},
    {"order": 3, "amount": 71, "colour": "blue", "shop": "shop C", "day": "2026-01-07", "note": "", "other": 2},
]


@pytest.fixture
def answered():
    """Let a run of a project answer rows, and log that; the ids of the answers."""

    def answer(project, folder, rows, **changes):
        said = [one.output for one in Version(project, folder).reference(rows)]
        ids, fields = new_ids(len(rows)), (True, False, "[]", 0.1, "token")
        entries = [
            Entry(number, time.time(), folder.name, "answer", "compiled", json.dumps(row), json.dumps(one), *fields)
            for number, row, one in zip(ids, rows, [{**one, **changes} for one in said], strict=True)
        ]
        with opened(project, new=True) as database:
            database.insert(entries)
        return ids

    return answer


def test_rows_are_answered_with_the_same_bits_all_or_one_by_its_id_and_an_unknown_one_is_named(
    project, folder, answered
):
    ids = answered(project, folder, ROWS)

    assert replay.run(project) == ("replay: 3 answers, 3 with the same bits, 0 not", True)
    assert replay.run(project, ids=ids[1:2]) == ("replay: 1 answers, 1 with the same bits, 0 not", True)
    with pytest.raises(DataError, match="'a\\\\x00b' is no answer in the log"):
        replay.run(project, ids=["a\0b"])


def test_one_bit_of_difference_is_found_with_its_answer_and_make_ends_with_one(project, folder, answered, call):
    probability = Version(project, folder).reference(ROWS[:1])[0].output["probability"]
    (wrong,) = answered(project, folder, ROWS[:1], probability=probability + 2**-52)
    answered(project, folder, ROWS)

    text, same = replay.run(project)
    done = call(project.root, "replay")

    assert (done.exit_code, done.stdout) == (1, f"{text}\n")
    assert not same and text.startswith("replay: 4 answers, 3 with the same bits, 1 not")
    assert f"{wrong} of {folder.name}: probability was " in text
    assert "an edited log, or the compiled road was wrong" in text


def test_difference_is_explained_by_what_was_edited_since(project, folder, answered):
    answered(project, folder, ROWS)

    stricter = replay.run(settings.load(project.root, ["predict.abstain_below=1.0"]))
    dictionary = project.dictionary.read_text()
    kept = dictionary.replace('values = ["blue", "green", "red"]\nrule = "warn"', 'values = ["blue", "green"]')
    project.dictionary.write_text(kept)
    refused = replay.run(project)

    assert not stricter[1] and "3 of them: [predict] or [decision] of params.toml asks something else" in stricter[0]
    assert "confident was true, is false" in stricter[0]
    assert "3 answers, 2 with the same bits, 1 not" in refused[0] and "the row is refused" in refused[0], refused[0]


def test_run_that_is_gone_or_damaged_is_named(project, folder, answered):
    answered(project, folder, ROWS)

    (folder / registry.MODEL).write_bytes(b"x")
    damaged = replay.run(project)
    folder.rename(folder.with_name("2026-01-01-000000-0a0a0a0a"))
    gone = replay.run(project)

    assert not damaged[1] and "3 of them: " in damaged[0] and "was changed since the run was made" in damaged[0]
    assert not gone[1] and f"the run {folder.name} is not in models any more" in gone[0]


def test_other_run_says_how_many_answers_change_by_class(contest, answered):
    linear, dummy = registry.folders(contest)
    answered(contest, linear, ROWS)
    classes = [one.output["prediction"] for one in Version(contest, linear).reference(ROWS)]
    other = Version(contest, dummy).reference(ROWS)[0].output["prediction"]
    (changed,) = {*classes} - {other}

    text, well = replay.run(contest, name=dummy.name)

    assert well and classes.count(changed) in (1, 2)
    assert text.splitlines() == [
        f"replay: 3 answers, what {dummy.name} would have said",
        f"{classes.count(changed)} of 3 predictions change, 0 rows are not answered",
        f"{changed} -> {other}: {classes.count(changed)}",
    ]
