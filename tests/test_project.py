"""A rendered project does what its Makefile and README say: every command in them is read and run."""

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from conftest import PLAIN_ENVIRONMENT, PROJECT, TEMPLATE, make

HELP = re.compile(r"^([a-z]+):.*## ", re.MULTILINE)
TARGETS = HELP.findall((TEMPLATE / PROJECT / "Makefile").read_text("utf-8"))
CONTRACT = (
    "help install data features train evaluate predict explain explore card export runs promote rollback reproduce "
    "lineage push pull track notebook docs test check fix clean"
).split()
OF_THE_SERVICE = ["serve", "feedback", "label", "replay", "forget", "monitor", "retrain"]
NEEDS_MORE = {
    "promote": ["RUN={run}"],
    "reproduce": ["RUN={run}", "OFFLINE=1"],
    "lineage": ["FILE=data/predictions/test.csv"],
    "explain": ["ROW=1"],
}


def commands(readme: Path) -> list[str]:
    """Return the commands that a README's code blocks tell to type, without a prompt's dollar and a comment."""
    fenced, found = False, []
    for line in readme.read_text("utf-8").splitlines():
        fenced ^= line.startswith("```")
        if fenced or line.startswith("    "):
            found.append(re.sub(r"\s+# .*", "", line.strip().removeprefix("$ ")))
    return [command for command in found if command == "make" or command.startswith(("make ", "python -m "))]


def test_help_is_the_default_and_lists_the_targets_in_pipeline_order(default_project):
    done = make(default_project)

    assert re.findall(r"^make ([a-z]+) ", done.stdout, re.MULTILINE) == [*CONTRACT, *OF_THE_SERVICE]
    assert TARGETS == CONTRACT


def runs(project: Path) -> list[str]:
    """The names of the runs, the first first."""
    return sorted(path.parent.name for path in project.glob("models/*/run.json"))


def run(project: Path, target: str, *words: str) -> str:
    """What a target of a project prints; it has to succeed."""
    done = make(project, target, *words, DATA_STORE=str(project.parent / "store"))
    assert done.returncode == 0, f"make {target}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout.strip()


def test_every_target_runs_in_the_order_of_the_pipeline(installed_project):
    *targets, last = [target for target in TARGETS if target != "track"]  # which has a test of its own

    for target in [*targets, "predict", last]:
        if target == "rollback":  # from a champion that came after
            run(installed_project, "train", "SET=train.candidates=['dummy']")
            run(installed_project, "promote", f"RUN={runs(installed_project)[-1]}", "FORCE=to see it go back")
        more = [word.format(run=runs(installed_project)[0]) for word in NEEDS_MORE.get(target, [])]
        printed = run(installed_project, target, *more)
        assert target != "rollback" or printed == runs(installed_project)[0]


def test_pages_have_the_title_of_the_readme_and_wide_tables_scroll(installed_project):
    page = installed_project / run(installed_project, "docs")

    assert '<h1 class="logo"><a href="#">Data Science Project</a></h1>' in page.read_text("utf-8")
    assert "overflow-x: auto" in (page.parent / "_static" / "custom.css").read_text("utf-8")


def test_track_without_a_server_says_where_its_address_goes(installed_project):
    done = make(installed_project, "track")

    assert done.returncode == 2
    assert "MLFLOW_TRACKING_URI is not set.\nPut it into .env" in done.stderr


def test_commands_of_the_project_readme_run(installed_project):
    path = {"PATH": f"{installed_project}/.venv/bin{os.pathsep}{PLAIN_ENVIRONMENT['PATH']}"}
    options = {"cwd": installed_project, "env": PLAIN_ENVIRONMENT | path, "capture_output": True, "text": True}
    run(installed_project, "features")
    rows = "import pandas as pd; pd.read_parquet('data/processed/test.parquet').to_csv('new_rows.csv', index=False)"
    subprocess.run([".venv/bin/python", "-c", rows], cwd=installed_project, check=True)
    told = dict.fromkeys(commands(installed_project / "README.md"))
    assert "make predict" in told and told.pop("make serve", "") is None, "which has a test of its own: it does not end"
    for command in told:
        done = subprocess.run(["bash", "-c", command], **options)
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


def test_service_answers_what_its_own_description_shows_and_stops_with_exit_code_0(installed_project):
    run(installed_project, "train")
    command = [installed_project / ".venv/bin/python", "-m", "data_science_project", "serve", "--set", "serve.port=0"]
    options = {"cwd": installed_project, "env": PLAIN_ENVIRONMENT, "text": True, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **options) as process:
        address = process.stdout.readline().split()[0]
        try:
            described = json.loads(urllib.request.urlopen(f"{address}/openapi.json", timeout=60).read())
            body = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
            asked = urllib.request.Request(f"{address}/predict", json.dumps(body["example"]).encode())
            answer = json.loads(urllib.request.urlopen(asked, timeout=60).read())
            page = urllib.request.urlopen(address, timeout=60).read().decode()
        finally:
            process.terminate()

    assert process.returncode == 0
    assert answer["predictions"][0]["prediction"] in ("benign", "malignant") and "<form" in page
    assert "1 with the same bits" in run(installed_project, "replay")


def test_commands_of_the_template_readme_are_targets():
    known = HELP.findall((TEMPLATE / "Makefile").read_text("utf-8"))

    for command in commands(TEMPLATE / "README.md"):
        if command.startswith("make "):
            words = [word for word in shlex.split(command)[1:] if "=" not in word and not word.startswith("-")]
            assert set(words) <= {*known, *TARGETS}, command


@pytest.mark.long
def test_demo_prints_where_predictions_and_report_are(template, give_environment, tmp_path):
    give_environment(tmp_path, "venv")
    for name in ("Makefile", "pyproject.toml"):
        (template / name).write_bytes((TEMPLATE / name).read_bytes())
    folder = tmp_path / "my demo"

    there = [f"DIR={folder}", f"BIN={Path(sys.executable).parent}", f"VENV={tmp_path / 'venv'}"]

    done = make(template, "-o", ".venv/ready", "demo", *there)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    for label in ("Predictions: ", "Report:      "):
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(label)]
        assert Path(line.removeprefix(label)).stat().st_size > 0


@pytest.mark.parametrize(
    "value",
    ["plain.csv", "my file.csv", "it's.csv", 'say "x".csv', "a$b.csv", "a;b|c&d.csv", "ü😀.csv", "-x.csv", "*.csv"],
)
@pytest.mark.parametrize("variable", ["INPUT", "OUTPUT", "RUN", "MESSAGE", "SET"])
def test_options_reach_the_command_as_typed(default_project, variable, value):
    done = make(default_project, "--dry-run", "-o", ".venv/ready", "predict", f"{variable}={value}")

    assert shlex.split(done.stdout)[-3:] == ["predict", f"--{variable.lower()}", value]


@pytest.mark.parametrize(("value", "given"), [("1", True), ("yes", True), ("0", False), ("no", False), ("", False)])
def test_flags_are_given_or_not(default_project, value, given):
    done = make(default_project, "--dry-run", "-o", ".venv/ready", "data", f"ACCEPT={value}")

    assert ("--accept" in done.stdout) == given
