from dataclasses import replace

import pytest

from data_science_project.engine.columns import dictionary, merge
from data_science_project.engine.columns.dictionary import Column

TARGET = Column(type="category", role="target", values=("no", "yes"))
AGE = Column(type="integer", range=(0.0, 99.0), transformation="number")
CITY = Column(type="category", values=("Bonn", "Oslo"), rule="warn", transformation="one-hot")


def merged(mine, before, now):
    found, base, said = merge.merged({"y": TARGET, **mine}, {"y": TARGET, **before}, {"y": TARGET, **now})
    return found, base, "\n".join(said)


def test_line_that_a_person_changed_stays_and_the_others_say_what_is_inferred_now():
    mine = Column(type="integer", range=(0.0, 99.0), transformation="log", description="in years")
    now = Column(type="integer", range=(0.0, 200.0), transformation="number", missing_allowed=False)

    found, _, said = merged({"age": mine}, {"age": AGE}, {"age": now})

    assert found["age"] == replace(now, transformation="log", description="in years")
    assert "kept as you wrote it: 'age' (transformation, description)" in said
    assert "as it is inferred now: 'age' (missing_allowed, range)" in said


def test_new_column_comes_at_the_end_and_one_that_is_gone_is_ignored_until_it_returns():
    own, before = Column(type="text", role="id"), {"age": AGE, "city": CITY}
    found, base, said = merged({**before, "own": own}, before, {"city": CITY, "new": AGE})
    again, _, _ = merged(found, base, {"age": AGE, "city": CITY, "new": AGE})

    assert list(found) == ["y", "age", "city", "own", "new"] and found["new"] == AGE
    assert found["age"].role == "ignored" and again["age"] == AGE and found["own"] == own
    assert "new columns added: 'new'" in said and "gone from the source, ignored from now on: 'age', 'own'" in said


def test_column_that_a_person_took_out_stays_out_and_one_that_he_put_in_stays_as_it_is():
    own = Column(type="category", role="group")

    found, base, said = merged({"own": own}, {"age": AGE}, {"age": AGE, "own": CITY})

    assert "age" not in found and "age" in base and found["own"] == own
    assert "left out, as you took them out: 'age'" in said


@pytest.mark.parametrize(
    ("mine", "now"),
    [
        (Column(type="category", transformation="one-hot"), AGE),
        (Column(type="integer", range=(0.0, 99.0), transformation="log"), CITY),
    ],
)
def test_column_whose_type_is_another_now_stays_whole_where_a_person_said_how_it_is_read(mine, now):
    found, _, _ = merged({"age": mine}, {"age": AGE}, {"age": now})

    assert found["age"] == mine


def test_target_follows_the_parameters():
    other = Column(type="category", values=("no", "yes"), transformation="one-hot")
    mine = {"y": TARGET, "city": Column(type="category", role="group")}
    now = {"y": other, "city": Column(type="category", role="target")}

    found, _, _ = merge.merged(mine, {"y": TARGET, "city": CITY}, now)

    assert dictionary.target(found) == "city" and found["y"].role == "feature"


def test_comments_blank_lines_and_own_spelling_stay_where_nothing_changes(tmp_path):
    text = dictionary.dumps({"y": TARGET, "age": AGE, "city": CITY}, ["'age': a guess"])
    text = text.replace("range = [0, 99]", "range = [0,   99]  # by law").replace('["city"]', '# asked twice\n["city"]')
    wanted = {"y": TARGET, "age": Column(type="number", range=(0.0, 99.0), transformation="number"), "city": CITY}

    edited = merge.edited(text, {**wanted, "new": AGE}, ["'age': a number"])

    assert merge.edited(text, {**wanted, "age": AGE}) == text, "byte for byte where nothing changes"
    assert "range = [0,   99]  # by law" in edited and "# asked twice" in edited
    assert "# - 'age': a number" in edited and "a guess" not in edited
    (tmp_path / "d.toml").write_text(edited, encoding="utf-8")
    assert dictionary.load(tmp_path / "d.toml") == {**wanted, "new": AGE}


def test_text_that_cannot_be_edited_line_by_line_is_written_anew(tmp_path):
    text = dictionary.dumps({"y": TARGET, "city": CITY}).replace('["Bonn", "Oslo"]', '[\n "Bonn",\n "Oslo",\n]')
    wanted = {"y": TARGET, "city": Column(type="category", values=("Rome",))}

    edited = merge.edited(text, wanted)

    (tmp_path / "d.toml").write_text(edited, encoding="utf-8")
    assert dictionary.load(tmp_path / "d.toml") == wanted
