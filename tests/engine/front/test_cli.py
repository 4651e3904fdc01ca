import json
import os
import re
import shutil
import subprocess

import pytest

from data_science_project import cli
from data_science_project.engine.project import package, settings
from data_science_project.engine.runs import registry

VERBS = list(cli.main.commands)
LIGHT = """
import sys
from {0}.cli import main
try:
    main({1!r})
finally:
    assert not set("pandas numpy sklearn".split()) & set(sys.modules)
"""


FETCHING = ["data", "features", "train", "evaluate", "predict", "explore", "notebook", "test"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_does_and_those_that_fetch_can_be_told_to_take_a_changed_source(call, tmp_path, verb):
    result = call(tmp_path, verb, "--help")

    assert result.exit_code == 0 and result.stdout.splitlines()[2].strip(), "a sentence below the usage"
    options = ("--debug", "--set", *(["--accept", "--refresh", "--frozen"] if verb in FETCHING else []))
    assert all(option in result.stdout for option in options)


def test_help_lists_the_verbs_in_the_order_of_the_pipeline_and_each_has_a_make_target(call, tmp_path):
    files = [settings.find_root(package.FOLDER) / "Makefile", *package.FOLDER.glob("*/verbs.mk")]
    makefile = "".join(path.read_text(encoding="utf-8") for path in files)

    text = call(tmp_path, "--help").stdout

    places = [text.index(f"\n  {verb} ") for verb in ("data", "features", "train", "evaluate", "predict")]
    assert places == sorted(places)
    assert set(re.findall(r"^(\w+):.*##", makefile, re.MULTILINE)) - {"help"} == set(VERBS)
    assert call(tmp_path, "--version").stdout.startswith("data-science-project 0.1.0 (Python 3.")


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["runs"]])
def test_quick_command_imports_no_pandas(make_project, command, arguments):
    done = command(make_project().root, "-c", LIGHT.format(package.NAME, arguments))

    assert done.returncode == 0, done.stderr


def test_evaluate_ends_with_its_page(call, contest):
    linear = registry.folders(contest)[0]

    result = call(contest.root, "evaluate", "--run", linear.name, "--set", 'train.candidates=["linear"]')

    assert result.stdout.splitlines()[-1].endswith("evaluation.html") and result.exit_code == 0, result.stderr


def test_stdout_carries_the_result_or_json_and_stderr_the_log(call, project, folder):
    result = call(project.root, "predict")

    assert (result.exit_code, result.stdout.replace("\\", "/")) == (0, "data/predictions/test.csv\n")
    assert result.stderr.startswith("predict: nothing to do, up to date")
    assert [line["run"] for line in json.loads(call(project.root, "runs", "--json").stdout)] == [folder.name]


@pytest.mark.parametrize("verb", [("predict",), ("explain", "--row", "1")])
def test_what_add_features_prints_is_no_result(project, anew, verb):
    text = "def add_features(rows):\n    print('looked at')\n    return rows.copy()\n"
    (project.package / "features.py").write_text(text)

    done = anew(project.root, *verb)

    assert "looked at" in done.stderr and "looked at" not in done.stdout


def test_message_for_a_run_that_is_there_already_is_said_not_to_be_kept(call, project, folder):
    late = call(project.root, "train", "--message", "too late")

    assert "MESSAGE is not kept" in late.stderr and registry.read(folder)["decision"] == ""


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
@pytest.mark.parametrize(
    ("word", "level", "refused"), [("input=new.csv", "0", True), ("INPUT=new.csv", "0", False), ("DIR=x", "1", False)]
)
def test_make_refuses_a_variable_that_it_does_not_know(word, level, refused):
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name} | {"MAKELEVEL": level}
    words = ["make", "-C", settings.find_root(package.FOLDER), "-n", "help", word]

    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)

    assert bool(done.returncode) == refused == ("make knows no input. Allowed: INPUT" in done.stderr)


def test_conflict_in_the_machinery_is_one_message_with_its_line(make_project, command):
    project = make_project()
    path = project.package / "engine" / "project" / "log.py"
    text = path.read_text(encoding="utf-8")
    path.unlink()  # a link to what all tests share
    path.write_text(f"<<<<<<< ours\n{text}", encoding="utf-8")

    done = command(project.root, "-m", package.NAME, "check")

    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"{path}, line 1: invalid syntax.\nMend that line; a conflict" in done.stderr
