import functools
import json
import re
import shutil
from dataclasses import replace

import pytest

from data_science_project.engine.project import records
from data_science_project.engine.runs import compare, registry


@pytest.fixture
def pair(dummy, linear):
    """The run of the dummy and that of the linear model."""
    return dummy, linear


@pytest.fixture
def twins(folder, copied):
    """A run and its copy, which a test may edit."""
    return folder, copied(folder)


def differing(compared):
    return {comparison.what: comparison for comparison in compared if not comparison.identical}


def names(comparison):
    return {difference.name: (difference.a, difference.b) for difference in comparison.differences}


def test_run_and_its_copy_from_another_dump_of_the_same_bytes_are_identical_in_everything(project, twins, edit):
    with edit(twins[1]) as record:
        inputs = record["input_data"].items()
        record["input_data"] = {name.replace("data/raw/", "data/raw/2020-01-01-"): digest for name, digest in inputs}

    assert not differing(compare.run(project, *twins))
    assert compare.differing("metrics", {"dev r2": float("nan")}, {"dev r2": float("nan")}).identical


def test_edited_file_of_the_code_and_key_of_the_dictionary_are_differences_in_their_parts(project, twins):
    code, path = twins[1] / "code", twins[1] / registry.DICTIONARY
    (code / "features.py").write_text("# edited\n")
    (code / "mine.py").touch()
    head, mark, tail = path.read_text(encoding="utf-8").partition('["amount"]')
    path.write_text(head + mark + tail.replace('rule = "refuse"', 'rule = "warn"', 1), encoding="utf-8")

    found = differing(compare.run(project, *twins))

    assert set(found) == {"code", "data"} and set(names(found["code"])) == {"features.py", "mine.py"}
    assert names(found["code"])["mine.py"][0] is None
    assert names(found["data"]) == {"dictionary: amount.rule": ("refuse", "warn")}


@pytest.mark.parametrize(
    ("part", "where", "changes", "found"),
    [
        ("environment", ["environment"], {"python": "4.0.0"}, {"python": "4.0.0"}),
        ("environment", ["environment", "packages"], {"numpy": "0.1", "new": "1"}, {"numpy": "0.1", "new": "1"}),
        ("parameters", ["parameters", "split", "shares"], {"train": 0.5}, {"split.shares.train": 0.5}),
        ("data", ["input_data"], {"data/processed/dev.parquet": "0" * 64}, {"data/processed/dev.parquet": "0" * 12}),
    ],
)
def test_what_differs_in_a_record_is_named_in_its_part_alone_and_scores_on_another_split_are_not_comparable(
    project, twins, edit, part, where, changes, found
):
    with edit(twins[1]) as record:
        functools.reduce(dict.__getitem__, where, record).update(changes)

    everything = compare.run(project, *twins)
    compared, lines = differing(everything), compare.render(*twins, everything).splitlines()

    assert set(compared) == {part}
    assert (lines[2] == "metrics      not comparable: other split") == ("split" in where)
    assert {name: b for name, (_, b) in names(compared[part]).items()} == found


def test_other_model_and_its_scores_are_told_with_the_paired_gain_as_text_and_for_programs(contest, pair):
    compared = compare.run(contest, *pair)
    found, back = differing(compared), compare.run(contest, *pair[::-1])[-1]

    lines = compare.render(*pair, compared).splitlines()
    parts = json.loads(json.dumps(compare.as_json(*pair, compared)))["compared"]

    assert {"parameters", "model", "metrics"} <= set(found)
    assert names(found["parameters"]) == {"train.candidates": (["dummy"], ["linear"])}
    assert names(found["model"])["name"] == ("dummy", "linear")
    assert {"dev roc_auc", "test roc_auc"} <= set(names(found["metrics"]))
    assert re.fullmatch(r"paired gain of b in roc_auc: 0\..* on the same 24 test rows", found["metrics"].note)
    assert back.note.startswith("paired gain of b in roc_auc: -0.")
    assert lines[0].startswith(f"a  {pair[0].name}") and lines[0].endswith("dummy")
    assert lines[1].startswith(f"b  {pair[1].name}")
    assert "code         identical" in lines and "  train.candidates: ['dummy'] -> ['linear']" in lines
    assert [part["what"] for part in parts][:2] == ["code", "data"] and parts[0]["identical"] is True
    assert {"name": "train.candidates", "a": ["dummy"], "b": ["linear"]} in parts[2]["differences"]


def test_text_says_the_metrics_first_the_users_files_as_a_diff_and_ends_within_forty_lines(project, twins, edit):
    code, path = twins[1] / "code", twins[1] / registry.DICTIONARY
    (code / "features.py").write_text((code / "features.py").read_text() + "# edited\n")
    (code / "predict.py").write_text("# of the template\n")
    many = "".join(f'[column_{place}]\ndescription = "{"long " * 99}"\n' for place in range(300))
    path.write_text(path.read_text(encoding="utf-8") + many, encoding="utf-8")
    with edit(twins[1]) as record:
        record["environment"]["packages"] |= {f"package{place}": "1" for place in range(50)}

    lines = compare.render(*twins, compare.run(project, *twins)).splitlines()

    assert len(lines) <= 40 and max(map(len, lines)) <= 160
    assert lines[2].startswith("metrics") and "    +# edited" in lines
    assert "  and 1 file of the template" in lines
    assert sum("more: --json" in line for line in lines) >= 2


def test_run_that_was_not_evaluated_or_whose_answers_were_edited_has_no_gain_and_is_not_evaluated_now(contest, pair):
    reports, said = contest.root / "reports" / pair[0].name, f"no paired gain: make evaluate RUN={pair[0].name}"
    records.record(reports / registry.ANSWERS, {"inputs": {"model.pkl": "of another model"}})
    assert compare.kept(contest, pair[0]) is None
    (reports / registry.ANSWERS).write_bytes((reports / registry.ANSWERS).read_bytes()[:-1])
    edited = compare.run(contest, *pair)[-1].note
    shutil.rmtree(reports)

    assert compare.run(contest, *pair)[-1].note == edited == said
    assert not reports.exists()


def test_answers_to_the_same_question_and_rows_are_compared_whatever_the_features(contest, pair):
    one, other = (compare.kept(contest, folder) for folder in pair)
    more = replace(other, rows=other.rows.assign(made=1.0))
    elsewhere = replace(other, rows=other.rows.iloc[::-1].reset_index(drop=True))
    asked = replace(other, record={**other.record, "target": "colour"})

    assert compare.not_comparable(one, other) == compare.not_comparable(one, more) == ""
    assert "same test rows" in compare.not_comparable(one, elsewhere)
    assert "different questions" in compare.not_comparable(one, asked)
    turned = compare.not_comparable(one, replace(other, record={**other.record, "classes": ["yes", "no"]}))
    assert turned.startswith("its positive class is 'yes', that of the other run 'no' (to ask as it does: positive = ")
    assert turned.endswith('= "no" in [train])')


def test_command_compares_two_runs_by_the_end_of_their_names(contest, pair, call):
    a, b = (f"--{letter}={folder.name[-8:]}" for letter, folder in zip("ab", pair, strict=True))

    both = call(contest.root, "runs", a, b, "--json")
    alone = call(contest.root, "runs", a)

    assert [json.loads(both.stdout)[letter] for letter in "ab"] == [folder.name for folder in pair]
    assert alone.exit_code == 2 and "Two runs are compared: make runs A=run B=run" in alone.stderr
