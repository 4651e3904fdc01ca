"""Every answer gives a valid project or is refused by name, with the rule and an example, and nothing left behind."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import PLAIN_ENVIRONMENT, TEMPLATE, git, renderer
from cookiecutter.exceptions import FailedHookException, OutputDirExistsException, UndefinedVariableInTemplate
from jinja2 import TemplateError

OF_JINJA = (UndefinedVariableInTemplate, TemplateError, ZeroDivisionError)
REFUSALS = (FailedHookException, OutputDirExistsException, *OF_JINJA)
SAFE = {"repo_name": "churn", "package_name": "churn_model"}
TEXTS = ("project_name", "author_name", "description")

HOSTILE = {
    "empty": "",
    "blanks around": "  churn  ",
    "tab": "a\tb",
    "newline": "first\nsecond",
    "null": "a\0b",
    "escape": "a\x1b[31mb",
    "delete": "a\x7fb",
    "line separator": "a\u2028b",
    "lone surrogate": "a\udcffb",
    "double quote": 'the "best" one',
    "three quotes": 'a"""b',
    "single quote": "M. O'Neil",
    "backslash": "a\\b",
    "backslash at the end": "a\\",
    "backslash u": "\\u0041\\U0001F600",
    "umlaut": "Größe",
    "arabic": "بيانات",
    "emoji": "churn 😀 👩‍💻",
    "no-break space": "a\u00a0b",
    "right to left override": "a\u202eb",
    "jinja": "{{ 7 * 7 }}",
    "jinja answer": "{{ cookiecutter.target }}",
    "jinja undefined": "{{ nothing }}",
    "jinja open": "{{",
    "jinja closed": "a }} b",
    "jinja error": "{{ 1/0 }}",
    "jinja block": "{% if True %}x",
    "jinja comment": "{# gone #}",
    "github expression": "${{ secrets.TOKEN }}",
    "dollar": "$HOME $(id) `id`",
    "percent": "%s %(x)s 100 %",
    "markup": "<script>alert(1)</script>",
    "markdown": "# *x* [y](z) | `w`",
    "toml": '"\n[evil]\nx = "',
    "long": "x" * 300,
    "very long": "y " * 5000,
    "dot": ".",
    "dots": "..",
    "slash": "a/b",
    "parent": "../outside",
    "absolute": "/absolutely/not",
    "windows": "C:\\x\\y",
    "wildcard": "*",
    "option": "--help",
    "digits first": "2024-sales",
    "upper case": "Churn",
    "keyword": "class",
    "soft keyword": "match",
    "standard module": "json",
    "dependency": "pandas",
    "distribution": "scikit-learn",
    "folder": "tests",
    "device": "aux",
    "dunder": "__init__",
    "underscore": "_",
    "hyphen last": "churn-",
    "null word": "null",
}
# No text at all; no single line, which a target and a source have to be; what gives no name of a folder.
NO_TEXT = ["empty", "null", "escape", "delete", "lone surrogate"]
NO_TEXT += [name for name, answer in HOSTILE.items() if "{{" in answer]
NO_LINE = ["tab", "newline", "line separator", "toml"]
NO_FOLDER = ["dependency", "distribution", "folder", "device"]


@pytest.fixture(scope="session")
def template(template, tmp_path_factory) -> Path:
    """The template without the files that name no answer: what they hold is the same in every project."""
    front = Path(shutil.copytree(template, tmp_path_factory.mktemp("front") / "template"))
    for path in [path for path in front.rglob("*.*") if path.is_file()]:
        named = b"cookiecutter" in path.read_bytes() or path.suffix == ".service"  # which is the end of one that does
        if not named and path.name != "__init__.py":
            path.unlink()
    return front


@pytest.fixture(scope="session")
def render(template, tmp_path_factory):
    """Render that template."""
    return renderer(template, tmp_path_factory.mktemp("config"))


def everything_in(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


def assert_valid(project: Path) -> dict:
    """Check what must hold in every project and return pyproject.toml and params.toml as one dict."""
    settings = {name: tomllib.loads((project / f"{name}.toml").read_text("utf-8")) for name in ("pyproject", "params")}
    (package,) = (project / "src").iterdir()
    assert package.name.isidentifier() and (package / "__init__.py").exists()
    for path in sorted(project.rglob("*")):
        if path.is_file() and ".git" not in path.parts:
            text = path.read_text("utf-8")
            assert "{{ cookiecutter." not in text and "cookiecutter.__" not in text, path
            if path.suffix == ".ipynb":
                json.loads(text)
            if path.suffix == ".py" and package not in path.parents:
                compile(text, path, "exec")
    assert git(project, "rev-list", "--count", "HEAD").strip() == "1"
    return settings


def render_or_refuse(render, folder: Path, capfd, prompt: str, answers: dict) -> dict | None:
    """Return the settings of a valid project; None for a refusal, once it is checked that it was a good one."""
    inner = folder / "outer" / "inner"
    inner.mkdir(parents=True)
    before = everything_in(folder)
    try:
        project = render(inner, **answers)
    except REFUSALS as error:
        assert everything_in(folder) == before, "something was left behind"
        message = capfd.readouterr().err
        if isinstance(error, FailedHookException):
            named = {prompt, *({"repo_name"} - set(answers))}  # which follows the project's name where it is not given
            assert message.split()[0] in named and "It must be" in message and "For example" in message, message
        else:
            assert "{" in answers[prompt] or set(answers[prompt]) <= {"."}, error
        return None
    assert project.parent == inner
    return assert_valid(project)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in NO_TEXT])
def test_answers_arrive_as_typed_all_at_once(render, tmp_path, capfd, name):
    answer = HOSTILE[name]
    answers = {"package_name": "churn_model"} | dict.fromkeys(TEXTS, answer)
    answers |= {"repo_name": "churn"} if name in NO_FOLDER else {}
    answers |= {} if name in NO_LINE else {"target": answer, "data_source": f"{answer}/x.csv"}

    settings = render_or_refuse(render, tmp_path, capfd, "project_name", answers)

    about, typed = settings["pyproject"]["project"], " ".join(answer.split())  # white space of any kind is one blank
    assert about["name"] and about["description"] == about["authors"][0]["name"] == typed
    if name not in NO_LINE:  # a source may stand after the way to it, where there is such a file
        data = settings["params"]["data"]
        assert data["target"] == answer and data["source"].endswith(f"{answer}/x.csv")


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        *((prompt, name) for prompt in (*TEXTS, "target", "data_source") for name in NO_TEXT),
        *((prompt, name) for prompt in ("target", "data_source") for name in NO_LINE),
        *(("project_name", name) for name in NO_FOLDER),
    ],
)
def test_answer_that_is_no_line_of_text_or_gives_no_name_of_a_folder_is_refused(render, tmp_path, capfd, prompt, name):
    answers = {"package_name": "churn_model"} | ({} if name in NO_FOLDER else SAFE)
    answers |= {prompt: HOSTILE[name] + (".csv" if prompt == "data_source" else "")}

    assert render_or_refuse(render, tmp_path, capfd, prompt, answers) is None


@pytest.mark.parametrize("prompt", ["repo_name", "package_name"])
@pytest.mark.parametrize("name", HOSTILE)
def test_name_is_a_good_one_or_refused(render, tmp_path, capfd, prompt, name):
    answer = HOSTILE[name]

    settings = render_or_refuse(render, tmp_path, capfd, prompt, SAFE | {prompt: answer})

    accepted = {
        "repo_name": ("keyword", "soft keyword", "standard module", "null word"),
        "package_name": ("upper case", "soft keyword", "null word"),
    }
    assert (settings is not None) == (name in accepted[prompt])


@pytest.mark.parametrize(
    ("project_name", "repo_name"),
    [
        ("Customer churn", "customer-churn"),
        ("2024 sales", "project-2024-sales"),
        ("Größe & Preis", "grosse-preis"),
        ("😀", "project"),
        ("a/b", "a-b"),
    ],
)
def test_folder_name_follows_the_project_name(render, tmp_path, project_name, repo_name):
    project = render(tmp_path, project_name=project_name)

    assert project.name == repo_name
    assert (project / "src" / repo_name.replace("-", "_")).is_dir()


@pytest.mark.parametrize(
    "source",
    [
        *("sklearn:wine", "data.csv", "DATA.CSV", "many files/part-*.parquet", "C:\\data\\x.xlsx", "a.csv.gz"),
        *("a.tsv.zip", "archive.zip", "adult.data", "survey.sav", "data", "archive.zip?member=train/*.csv"),
        *("https://example.org/download?id=7", "s3://bucket/key.csv", "gs://bucket/part-*.parquet"),
        *("az://container/x.json", "sqlite:///shop.db?table=orders"),
        "postgresql+psycopg://user:pass@host/db?query=select * from t where a > 'x'",
    ],
)
def test_known_sources_are_accepted(render, tmp_path, source):
    params = tomllib.loads((render(tmp_path, data_source=source) / "params.toml").read_text("utf-8"))

    assert params["data"]["source"] == source


SOURCES = "sklearn:boston sklearn:x.csv data/ .csv dir/.csv https:// ftp://h/x.csv sqlite:///x.db".split()


@pytest.mark.parametrize(("prompt", "answer"), [*(("data_source", one) for one in SOURCES), ("target", "{{ 7 * 7 }}")])
def test_unknown_sources_and_expressions_are_refused_as_they_were_typed(render, tmp_path, capfd, prompt, answer):
    with pytest.raises(FailedHookException):
        render(tmp_path, **{prompt: answer})

    assert capfd.readouterr().err.startswith(f"{prompt} {answer!r} is refused")
    assert everything_in(tmp_path) == set()


def test_names_of_all_dependencies_are_taken(default_project):
    project = tomllib.loads((default_project / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    wanted += [*project["optional-dependencies"]["service"], *project["optional-dependencies"]["postgresql"]]

    taken = (TEMPLATE / "hooks/pre_gen_project.py").read_text("utf-8").split('TAKEN = """')[1].split('"""')[0].split()

    assert {re.split(r"[>\[]", word)[0].replace("-", "_") for word in wanted} <= set(taken)


def start(template: Path, folder: Path, *words: str, **options) -> subprocess.CompletedProcess:
    """Start cookiecutter as a user does, in a shell that stands in `folder`; all that it prints is in `stdout`."""
    program = options.pop("program", ["-m", "cookiecutter"])
    command = [sys.executable, *program, str(template), "--no-input", "--default-config", *words]
    environment = PLAIN_ENVIRONMENT | {"PWD": str(folder), "HOME": str(folder.parent)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.run(command, cwd=folder, env=environment, **pipes, **options)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no Ctrl-C for one process")
@pytest.mark.parametrize("program", [["-m", "cookiecutter"], [str(Path(sys.executable).with_name("cookiecutter"))]])
def test_refusal_is_the_last_that_a_person_sees(template, tmp_path, program):
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}  # the tests may ignore it

    done = start(template, tmp_path, "package_name=pandas", program=program, **heard)

    assert done.returncode == 1
    *lines, last = [line for line in done.stdout.splitlines() if line]
    assert [line.split()[0] for line in lines] == ["package_name", "It", "For"] and last == "Aborted!"
    assert everything_in(tmp_path) == set()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no Ctrl-C for one process")
def test_refusal_in_the_background_leaves_nothing_behind(template, tmp_path):
    ignored = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}

    done = start(template, tmp_path, "package_name=os", **ignored)

    assert done.returncode == 1 and "'os' is refused" in done.stdout
    assert "FileNotFoundError" not in done.stdout and everything_in(tmp_path) == set()


def test_refusal_leaves_what_was_there(template, tmp_path):
    mine = tmp_path / "data-science-project" / "mine.txt"
    mine.parent.mkdir()
    mine.touch()

    done = start(template, tmp_path, "--overwrite-if-exists", "package_name=pandas")

    assert done.returncode == 1 and "'pandas' is refused" in done.stdout
    assert mine.exists()


@pytest.mark.parametrize("place", [".", "else where"])
@pytest.mark.parametrize(
    ("file", "source", "written"),
    [
        ("bank.csv", "bank.csv", "{}bank.csv"),
        ("in put/é😀.csv", "in put/é😀.csv", "{}in put/é😀.csv"),
        ("parts/1.csv", "parts/*.csv", "{}parts/*.csv"),
        ("both.zip", "both.zip?member=a.csv", "{}both.zip?member=a.csv"),
        ("shop.db", "sqlite:///shop.db?table=orders", "sqlite:///{}shop.db?table=orders"),
    ],
)
def test_relative_source_is_taken_from_where_cookiecutter_started(
    render, tmp_path, monkeypatch, place, file, source, written
):
    folder = tmp_path / "start"
    (folder / file).parent.mkdir(parents=True)
    (folder / file).touch()

    monkeypatch.chdir(folder)
    monkeypatch.setenv("PWD", str(folder))  # as the shell in which cookiecutter starts says

    params = render(folder / place, data_source=source, target="y") / "params.toml"

    up = os.path.relpath(folder, params.parent) + "/"
    assert tomllib.loads(params.read_text("utf-8"))["data"]["source"] == written.format(up)


def test_missing_source_is_named_with_the_line_to_edit(render, tmp_path, capfd):
    project = render(tmp_path, data_source="nowhere.csv")

    message = capfd.readouterr().out
    line = int(message.split("params.toml, line ")[1].split(".")[0])
    assert (project / "params.toml").read_text("utf-8").splitlines()[line - 1] == 'source = "nowhere.csv"'
    assert message.splitlines()[-1].startswith("Next: put the file there or mend that line, then: cd ")


def test_next_command_can_be_typed_from_where_cookiecutter_started(template, tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()

    printed = start(template, folder, "--output-dir", "my projects").stdout

    command = printed.strip().splitlines()[-1].removeprefix("Next: ").removesuffix(" && make predict")
    place = subprocess.run(["bash", "-c", f"{command} && pwd"], cwd=folder, capture_output=True, text=True).stdout
    assert Path(place.strip()) == (folder / "my projects" / "data-science-project").resolve()
