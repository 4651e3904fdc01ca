"""What people told, as rows of the clean table; the throw-away project has the id `order`."""

import itertools
import json
from dataclasses import replace

import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.columns import dictionary, told
from data_science_project.engine.project import records
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import source

NEW = {"order": 5001, "amount": 51.5, "colour": "red", "shop": "shop A", "day": "2026-02-01", "note": "parcel 3 is out"}


@pytest.fixture
def tell(project):
    """A dump of rows, each a dict with the answer in it."""

    numbers = itertools.count()

    def make(*rows, ids=None):
        cells = [{name: cell for name, cell in row.items() if name != "answer"} for row in rows]
        table = pd.DataFrame(
            {
                "id": ids or [f"{next(numbers):032x}" for _ in rows],
                "inputs": [json.dumps(row) for row in cells],
                "truth": [json.dumps(row.get("answer", "yes")) for row in rows],
            }
        )
        return source.keep(project.root, {}, lambda folder: table.to_parquet(folder / source.FEEDBACK, index=False))

    return make


def added(project, known):
    return told.added(project, known, dictionary.of(project))


def in_source(known, place, **changes):
    row = known.iloc[place].to_dict()
    cells = {name: None if pd.isna(cell) else cell for name, cell in row.items()}
    return cells | {"day": str(row["day"].date()), "order": int(row["order"])} | changes


def test_nothing_changes_where_nobody_told_anything_or_all_of_it_was_forgotten(project, known, tell):
    found, said = added(project, known)
    tell()

    assert found is known and said == []
    none, left = added(project, known)
    assert none.equals(known) and left == ["feedback: 0 of 0 rows added, from 1 dump(s) of the log"]


def test_rows_that_were_told_stand_below_those_of_the_source_with_numbers_and_types_of_their_own(project, known, tell):
    tell(NEW, {**NEW, "order": 5002, "amount": 7, "answer": "no"})
    tell({**NEW, "order": 5003, "amount": None})

    found, said = added(project, known)

    assert said == ["feedback: 3 of 3 rows added, from 2 dump(s) of the log"]
    assert found.head(len(known)).equals(known) and found.index[-3:].tolist() == [-1, -2, -3]
    assert found.dtypes.equals(known.dtypes)
    assert found["order"].tolist()[-3:] == [5001, 5002, 5003] and found["answer"].tolist()[-3:] == ["yes", "no", "yes"]
    assert found["day"].iloc[-1] == pd.Timestamp("2026-02-01")


def test_number_is_what_was_sent_where_the_source_has_a_comma_for_decimals(project, known, tell):
    columns = dictionary.of(project)
    columns["amount"] = replace(columns["amount"], decimal=",", thousands=".")
    tell(NEW, {**NEW, "order": 5002, "amount": "7,25"})

    found, _ = told.added(project, known, columns)

    assert found["amount"].tolist()[-2:] == [51.5, 7.25]


def test_row_of_the_source_is_not_counted_twice_and_its_own_truth_counts(project, known, tell):
    other = {"yes": "no", "no": "yes"}[known["answer"].iloc[3]]
    by_id = in_source(known, 3, amount=1.0, answer=other)
    alike = in_source(known, 7, order=None)
    tell(by_id, alike, NEW)

    found, said = added(project, known)

    assert len(found) == len(known) + 1 and found["order"].iloc[-1] == 5001
    assert found.head(len(known)).equals(known)
    assert said[1:] == [
        "feedback: 1 rows left out, in the source already, 1 with another truth there, which counts",
        "feedback: 1 rows left out, in the source already",
    ]


def test_told_row_like_one_of_the_source_is_added_and_said_where_no_column_tells_rows_apart(project, known, tell):
    columns = dictionary.of(project)
    for name in ("order", "amount", "shop", "day", "note"):
        columns[name] = replace(columns[name], role="ignored")
    source_rows = known[["colour", "answer"]].assign(answer="yes")
    tell({"colour": "red"}, {"colour": "red"}, {"colour": "violet"}, {"colour": "red", "answer": "no"})

    found, said = told.added(project, source_rows, columns)

    assert len(found) == len(known) + 4
    assert said[1:] == ["feedback: 2 of these are like rows of the source, they may stand twice: no id tells"]


def test_last_truth_counts_of_an_answer_and_of_a_row_that_was_told_twice(project, known, tell):
    tell({**NEW, "answer": "no"}, {**NEW, "order": 5002, "answer": "no"}, ids=["a", "b"])
    tell({**NEW, "answer": "yes"}, ids=["a"])
    tell({**NEW, "order": 5002, "answer": "yes"}, ids=["c"])

    found, said = added(project, known)

    assert found.iloc[-2:]["order"].tolist() == [5001, 5002] and set(found.iloc[-2:]["answer"]) == {"yes"}
    assert "feedback: 1 rows left out, told again later" in said


def test_row_that_does_not_fit_the_dictionary_is_left_out_and_said(project, known, tell):
    tell(NEW, {**NEW, "order": 5002, "amount": "plenty"}, {**NEW, "order": 5003, "answer": "perhaps"})

    found, said = added(project, known)

    assert found["order"].iloc[-1] == 5001 and len(found) == len(known) + 1
    assert said[0] == "feedback: 1 of 3 rows added, from 1 dump(s) of the log"
    assert said[1].startswith("feedback: 2 rows left out, they do not fit the data dictionary: ") and len(said) == 2
    assert "'answer' has unknown categories, like 'perhaps'" in said[1] and "like 'plenty'" in said[1]


def test_dump_that_was_edited_is_refused(project, known, tell):
    file = tell(NEW).folder / source.FEEDBACK
    file.chmod(0o644)
    pd.read_parquet(file).assign(truth='"no"').to_parquet(file, index=False)

    with pytest.raises(DataError, match="is not as it was written"):
        added(project, known)


def test_step_data_takes_the_dumps_in_and_knows_of_them(project, known, tell):
    dump = tell(NEW)

    pipeline.make(project, "data")

    made = records.recorded(project.clean)
    assert len(pd.read_parquet(project.clean)) == len(known) + 1
    assert project.relative(dump.folder / source.FEEDBACK) in made["inputs"]
    assert "feedback: 1 of 1 rows added, from 1 dump(s) of the log" in made["decisions"]
