import shutil

import pytest

from data_science_project.engine.project import package
from data_science_project.engine.runs import registry


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (["train", "--set", "train.sead=1"], 2, "unknown key 'sead'"),
        (["train", "--set", 'train.candidates=["xgb"]'], 2, "'xgb' is not in models.py"),
        (["features", "--set", "split.by=group:nothing"], 2, "no column 'nothing'"),
        (["predict", "--run", "nothing"], 2, "0 runs are called 'nothing'"),
        (["predict", "--input", "nothing.csv"], 1, "nothing.csv"),
        (["explain", "--row", "1", "--input", "nothing.csv"], 1, "no such file. In "),
        (["train", "--set", 'data.drop=["answer"]'], 2, "[data] drop names the target 'answer'"),
        (["data", "--set", "data.source=nothing.csv"], 1, "nothing.csv"),
        (["predict", "--output", "./folder.csv"], 2, "is no ordinary file"),
        (["predict", "--output", "new.ods"], 2, "written as CSV or Excel"),
        (["trian"], 2, "trian"),
        (["predict", "--message", "why"], 2, "No such option '--message'"),
        (["promote"], 2, "RUN="),
        (["reproduce"], 2, "RUN="),
        (["lineage"], 2, "FILE="),
    ],
)
def test_mistake_is_one_message_on_stderr_with_its_exit_code(call, project, arguments, exit_code, words):
    (project.root / "folder.csv").mkdir()

    result = call(project.root, *arguments)

    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert words in result.stderr and "Traceback" not in result.stderr
    assert len(result.stderr[result.stderr.index("Error:") :].splitlines()) <= 3


@pytest.mark.parametrize(
    ("module", "line", "words"),
    [
        ("features.py", "from blend import twice", "No module named 'blend'.\nAdd it to dependencies"),
        ("features.py", "import train", "No module named 'train'.\nIt lies in the package: from {0}"),
        ("features.py", "from .tols import twice", "No module named '{0}.tols'.\nMend"),
        ("features.py", "def add_features(rows:", "SyntaxError: '(' was never closed.\nMend"),
        ("models.py", "1 / 0", "ZeroDivisionError: division by zero.\nMend"),
    ],
)
def test_module_that_cannot_be_imported_is_one_message_with_its_line(project, anew, module, line, words):
    path = project.root / "src" / package.NAME / module
    path.write_text(f"{line}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")

    done = anew(project.root, "train")

    assert (done.exit_code, done.stdout) == (1, "")
    assert f"{module}, line 1: {words.format(package.NAME)}" in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n", done.stderr.index("Error: ")) <= 3


@pytest.mark.parametrize(("module", "name"), [("features", "add_features"), ("models", "classifiers")])
def test_function_or_dict_of_another_name_is_one_message_that_says_where_it_is_looked_for(project, anew, module, name):
    path = project.package / f"{module}.py"
    path.write_text(path.read_text().replace(f"def {name}", "def other").replace(f"{name}:", "other:"))

    done = anew(project.root, "train")

    assert done.exit_code == 1 and "Traceback" not in done.stderr
    assert f"cannot import name '{name}' from '{package.NAME}.{module}'.\nDefine it in {module}.py" in done.stderr


def test_error_in_the_code_that_a_run_keeps_is_one_message_with_its_line(project, anew, made_table, monkeypatch):
    text = "import os\n\n\ndef add_features(rows):\n    return rows.assign(by=float(os.environ['FACTOR']))\n"
    (project.package / "features.py").write_text(text)
    with (project.root / "params.toml").open("a") as params:
        params.write('[environment]\nvariables = ["FACTOR"]\n')
    made_table.head(3).to_csv(project.root / "new.csv", index=False)
    monkeypatch.setenv("FACTOR", "2")
    assert anew(project.root, "train").exit_code == 0
    monkeypatch.delenv("FACTOR")

    done = anew(project.root, "predict", "--run", registry.folders(project)[0].name, "--input", "new.csv")

    assert done.exit_code == 1 and "Traceback" not in done.stderr
    assert "FACTOR has another value than when run" in done.stderr
    said = "code/features.py, line 5: add_features ended in KeyError: 'FACTOR'.\n'FACTOR' is not set"
    assert f"{said}: write FACTOR=... into .env" in done.stderr


def test_environment_of_another_folder_is_refused_with_its_cure(make_project, command, tmp_path):
    root = make_project().root
    copy = shutil.copytree(root, tmp_path.with_name(f"{tmp_path.name} the copy"))

    done = command(copy, "-m", package.NAME, "train", PYTHONPATH=str(root / "src"))

    assert done.returncode == 2
    assert f"serves {root}, and you are in {copy}" in done.stderr and "make install" in done.stderr
    assert not (root / "models").exists() and not (copy / "models").exists()


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_cells_reach_no_terminal_raw(call, project, made_table, debug):
    table = made_table.drop(columns="answer").head(4)
    table.loc[0, "amount"] = 9e9
    table["colour"] = ["\x1b[31mred", "\x1b]0;title\x07", "v" * 1_000_000, "red"]
    table["day"] = ["\x1b[2J", *table["day"].tolist()[1:]]
    table.assign(**{"\x1b[5m": 1}).to_csv(project.root / "new.csv", index=False)

    done = call(project.root, "predict", "--input", "new.csv", *debug)

    assert done.exit_code == 1 and "\x1b" not in done.output and "\x07" not in done.output
    assert ("Traceback" in done.stderr) == bool(debug)
    assert "\\x1b[2J" in done.stderr and len(done.stderr) < 12_000
    assert "references/data_dictionary.toml" in done.stderr


def test_shell_completes_verbs_and_options_and_says_nothing_where_parameters_are_wrong(project, command):
    code = f"import sys; sys.argv[0] = {package.NAME!r}; from {package.NAME}.__main__ import main; main()"

    def completed(line):
        words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
        done = command(project.root, "-c", code, **words, **{f"_{package.NAME.upper()}_COMPLETE": "bash_complete"})
        return done.stdout + done.stderr

    assert "predict" in completed("it pred")
    assert "--run" in completed("it evaluate --r")
    (project.root / "params.toml").write_text("[data\n")
    assert completed("it runs --a 2").strip() == ""
