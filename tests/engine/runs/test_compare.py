import json
import shutil

import pytest

from data_science_project.engine.project import package
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import compare, registry


@pytest.fixture
def pair(contest):
    """The run of the dummy and that of the linear model."""
    return tuple(reversed(registry.folders(contest)))


@pytest.fixture
def twins(project):
    """A run and its copy, which a test may edit."""
    folder = registry.folders(project)[0]
    return folder, shutil.copytree(folder, folder.with_name("2026-01-01-000000-0a0a0a0a"))


def edit(folder, **changes):
    registry.write(folder, {**registry.read(folder), **changes})


def differing(compared):
    return {comparison.what: comparison for comparison in compared if not comparison.identical}


def names(comparison):
    return {difference.name: (difference.a, difference.b) for difference in comparison.differences}


def test_run_and_its_copy_are_identical_in_everything(project, twins):
    assert not differing(compare.run(project, *twins))


def test_edited_file_of_the_code_is_a_difference_in_code_alone(project, twins):
    with (twins[1] / "code" / "features.py").open("a") as file:
        file.write("# edited\n")
    (twins[1] / "code" / "mine.py").touch()

    found = differing(compare.run(project, *twins))

    assert set(found) == {"code"}
    assert set(names(found["code"])) == {"features.py", "mine.py"}
    assert names(found["code"])["mine.py"][0] is None


def test_package_version_python_and_platform_are_differences_in_the_environment(project, twins):
    environment = registry.read(twins[0])["environment"]
    packages = {**environment["packages"], "numpy": "0.1", "new": "1.0"}
    edit(twins[1], environment={**environment, "python": "4.0.0", "packages": packages})

    found = differing(compare.run(project, *twins))

    assert set(found) == {"environment"}
    assert names(found["environment"])["python"][1] == "4.0.0"
    assert names(found["environment"])["numpy"][1] == "0.1"
    assert names(found["environment"])["new"] == (None, "1.0")


def test_parameter_is_named_by_its_dotted_key(project, twins):
    parameters = registry.read(twins[0])["parameters"]
    parameters["split"]["shares"]["train"] = 0.5
    edit(twins[1], parameters={**parameters, "overrides": {"split.shares.train": 0.5}})

    found = differing(compare.run(project, *twins))

    assert set(found) == {"parameters"}
    assert names(found["parameters"]) == {"split.shares.train": (0.6, 0.5)}


def test_input_is_a_difference_in_data_by_its_digest(project, twins):
    inputs = registry.read(twins[0])["input_data"]
    edit(twins[1], input_data={**inputs, "data/interim/clean.parquet": "0" * 64})

    found = differing(compare.run(project, *twins))

    assert set(found) == {"data"}
    assert names(found["data"])["data/interim/clean.parquet"][1] == "0" * 12


def test_same_raw_bytes_in_another_dump_are_the_same_data(project, twins):
    inputs = registry.read(twins[0])["input_data"]
    moved = {name.replace("data/raw/", "data/raw/2020-01-01-"): digest for name, digest in inputs.items()}
    edit(twins[1], input_data=moved)

    assert not differing(compare.run(project, *twins))


def test_key_of_the_data_dictionary_is_a_difference_in_data(project, twins):
    path = twins[1] / registry.DICTIONARY
    head, mark, tail = path.read_text(encoding="utf-8").partition('["amount"]')
    path.write_text(head + mark + tail.replace('rule = "refuse"', 'rule = "warn"', 1), encoding="utf-8")

    found = differing(compare.run(project, *twins))

    assert names(found["data"]) == {"dictionary: amount.rule": ("refuse", "warn")}


def test_other_model_and_its_scores_are_told_with_the_paired_gain(contest, pair):
    found = differing(compare.run(contest, *pair))

    assert {"parameters", "model", "metrics"} <= set(found)
    assert names(found["parameters"]) == {"train.candidates": (["dummy"], ["linear"])}
    assert names(found["model"])["name"] == ("dummy", "linear")
    assert {"dev roc_auc", "test roc_auc"} <= set(names(found["metrics"]))
    assert found["metrics"].note.startswith("paired gain of b in roc_auc: 0.")
    assert found["metrics"].note.endswith("on the same 24 test rows")


def test_gain_has_its_sign_from_a_to_b(contest, pair):
    there, back = (compare.run(contest, *folders)[-1].note for folders in (pair, pair[::-1]))

    assert " 0." in there and " -0." in back


def test_run_that_was_not_evaluated_has_no_gain_and_is_not_evaluated_now(contest, pair):
    shutil.rmtree(contest.root / "reports" / pair[0].name)

    assert compare.run(contest, *pair)[-1].note == f"no paired gain: make evaluate RUN={pair[0].name}"
    assert not (contest.root / "reports" / pair[0].name).exists()


def test_answers_that_were_edited_do_not_count(contest, pair):
    path = contest.root / "reports" / pair[0].name / registry.ANSWERS
    path.write_bytes(path.read_bytes()[:-1])

    assert compare.kept(contest, pair[0]) is None


def test_answers_to_other_rows_are_not_compared(contest, pair):
    one, other = (compare.kept(contest, folder) for folder in pair)
    elsewhere = compare.Answers(**{**vars(other), "rows": other.rows.iloc[::-1].reset_index(drop=True)})

    assert compare.not_comparable(one, other) == ""
    assert "same test rows" in compare.not_comparable(one, elsewhere)


def test_answers_are_compared_where_only_the_features_differ(contest, pair):
    one, other = (compare.kept(contest, folder) for folder in pair)
    more = compare.Answers(**{**vars(other), "rows": other.rows.assign(made=1.0)})

    assert compare.not_comparable(one, more) == ""


def test_answers_to_another_question_are_not_compared(contest, pair):
    one, other = (compare.kept(contest, folder) for folder in pair)
    asked = compare.Answers(**{**vars(other), "record": {**other.record, "target": "colour"}})

    assert "different questions" in compare.not_comparable(one, asked)


def test_text_has_the_runs_and_one_difference_a_line(contest, pair):
    lines = compare.render(*pair, compare.run(contest, *pair)).splitlines()

    assert lines[0].startswith(f"a  {pair[0].name}") and lines[0].endswith("dummy")
    assert lines[1].startswith(f"b  {pair[1].name}")
    assert "code         identical" in lines
    assert "  train.candidates: ['dummy'] -> ['linear']" in lines


def test_programs_get_json(contest, pair):
    found = json.loads(json.dumps(compare.as_json(*pair, compare.run(contest, *pair))))

    assert [part["what"] for part in found["compared"]][:2] == ["code", "data"]
    assert found["compared"][0]["identical"] is True
    assert {"name": "train.candidates", "a": ["dummy"], "b": ["linear"]} in found["compared"][2]["differences"]


def test_nan_equals_nan():
    assert compare.differing("metrics", {"dev r2": float("nan")}, {"dev r2": float("nan")}).identical


def test_damaged_record_of_one_run_is_named(contest, pair):
    (pair[0] / registry.RECORD).write_text("{ half")

    with pytest.raises(DataError, match=r"run\.json cannot be read"):
        compare.run(contest, *pair)


def test_command_compares_two_runs_by_the_end_of_their_names(contest, pair, command):
    a, b = (f"--{letter}={folder.name[-8:]}" for letter, folder in zip("ab", pair, strict=True))

    both = command(contest.root, "-m", package.NAME, "runs", a, b, "--json")
    alone = command(contest.root, "-m", package.NAME, "runs", a)

    assert [json.loads(both.stdout)[letter] for letter in "ab"] == [folder.name for folder in pair]
    assert alone.returncode == 2 and "Two runs are compared: make runs A=run B=run" in alone.stderr
