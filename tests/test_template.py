"""The template as a house: its rules of size and hygiene, checked on the unrendered files and on rendered projects."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT, TEMPLATE, edit, git

LICENSES = ("MIT", "BSD-3-Clause", "Apache-2.0", "Proprietary")
CONTROL = re.compile(
    r"\{%-?\s*(cookiecutter|if|elif|else|endif|for|endfor|set|macro|raw|endraw|include|import|block)\b"
)
LEFTOVER = re.compile(r"\{\{-? ?cookiecutter\.|\{%-?\s*(cookiecutter|if|elif|else|endif|for|endfor|raw|endraw)\b")
STUB = re.compile(r"\bTODO\b|\bFIXME\b|\bXXX\b|assert True\b|replace this", re.IGNORECASE)


def text_files(folder: Path) -> list[Path]:
    """Every file of text in a folder, without git's own."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and ".git" not in path.parts]
    return [path for path in files if b"\0" not in path.read_bytes()]


def assert_tidy(folder: Path, *places: str) -> None:
    """Let ruff lint these places of a folder, and look at their format."""
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", *places]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_root_has_at_most_twelve_entries_and_each_hook_sixty_lines():
    visible = {path.name for path in TEMPLATE.iterdir() if not path.name.startswith(".")} - {"demo"}
    hooks = {path.name: len(path.read_text("utf-8").splitlines()) for path in TEMPLATE.glob("hooks/*.py")}

    assert len(visible) <= 12, sorted(visible)
    assert len(hooks) == 2 and max(hooks.values()) <= 60, hooks


def test_makefile_is_short_and_has_no_control_lines_and_one_command_in_each_recipe(template):
    text = (template / PROJECT / "Makefile").read_text("utf-8")

    assert len(text.splitlines()) <= 120
    assert set(re.findall(r"\{\{ ?cookiecutter\.(\w+)", text)) == {"package_name"}
    for recipe in text.split("\n\n"):
        assert len([line for line in recipe.splitlines() if line.startswith("\t@")]) <= 1, recipe


def test_control_lines_stay_within_the_budget(template):
    files = [path for path in text_files(template) if path.parent.name != "templates"]  # of pages, not of projects
    lines = [line for path in files for line in path.read_text("utf-8").splitlines()]

    assert sum(bool(CONTROL.search(line)) for line in lines) <= len(lines) / 100


def test_braces_in_rendered_files_are_only_those_of_the_template(template):
    for path in text_files(template / PROJECT):
        copied = {"workflows", "src", "alerts.yml", "grafana.json", "retrain.yml"} & {*path.relative_to(template).parts}
        stray = re.search(r"\{\{(?! ?\(?cookiecutter\.)", path.read_text("utf-8"))
        assert copied or not stray, f"{path}: write two braces in another way, cookiecutter would read them"


def test_python_files_have_no_control_lines_and_modules_of_the_package_no_jinja_at_all(template):
    modules = sorted((template / PROJECT / "src").rglob("*.py"))

    assert not [path for path in template.rglob("*.py") if CONTROL.search(path.read_text("utf-8"))]
    assert modules and not [path for path in modules if "cookiecutter" in path.read_text("utf-8")]


def test_modules_hooks_and_tests_lint_and_are_formatted_as_they_lie_in_the_template(template):
    assert_tidy(template / PROJECT, "src")
    assert_tidy(TEMPLATE, "hooks", "tests")


@pytest.mark.parametrize("name", ["x", "data_science_project", "long_" * 11 + "name"])
def test_rendered_project_lints_and_is_formatted(render, tmp_path, name):
    assert_tidy(render(tmp_path, package_name=name), ".")


def test_caches_in_the_template_stay_out_of_a_project(render, template, tmp_path):
    inside = ["", "engine/", "service/static/"]  # of the package; folders of which cookiecutter copies whole
    caches = [".ruff_cache", ".mypy_cache", "tests/__pycache__"]
    caches += [f"src/{{{{cookiecutter.package_name}}}}/{folder}__pycache__" for folder in inside]
    folders = [template / PROJECT / cache for cache in caches]
    for folder in folders:
        folder.mkdir()
        (folder / "{{ x }}").write_bytes(b"\xff text {{ x }} {% if\n" * 50)
        (folder / "text").write_text("{{ x }}")

    try:
        project = render(tmp_path)
    finally:
        for folder in folders:
            shutil.rmtree(folder)

    assert not [path for path in project.rglob("*") if path.name in {folder.name for folder in folders}]
    assert git(project, "status", "--porcelain") == ""


def test_nothing_of_the_template_is_left_in_a_project_and_nothing_is_a_stub(default_project):
    for path in text_files(default_project):
        text = path.read_text("utf-8")
        assert "templates" in path.parts or not LEFTOVER.search(text), path
        assert path.name == "LICENSE" or not STUB.search(text), path


def test_every_function_does_something_in_at_most_sixty_lines(default_project):
    for path in default_project.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert does_something(node), f"{path}: {node.name}"
                assert node.end_lineno - node.lineno < 60, f"{path}: {node.name}"


def does_something(node):
    """Whether a function has more than a docstring, `...` and `pass`; of a group of commands click makes the rest."""
    said = [part for part in node.body if isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)]
    stub = all(part in said or isinstance(part, ast.Pass) for part in node.body)
    return not stub or any(ast.unparse(made).startswith("click.group") for made in node.decorator_list)


@pytest.mark.parametrize(
    ("text", "real"),
    [
        ("def f():\n    'says so'", False),
        ("async def f():\n    'says so'\n    ...", False),
        ("def f():\n    pass", False),
        ("def f():\n    return 5", True),
        ("@click.group()\ndef f():\n    'the verbs'", True),
    ],
)
def test_stub_is_told_from_a_function(text, real):
    assert does_something(ast.parse(text).body[0]) == real


@pytest.mark.parametrize("service", ["yes", "no"])
@pytest.mark.parametrize("license_name", LICENSES)
def test_the_chosen_licence_is_the_only_one_and_the_service_is_there_or_nowhere(
    render, tmp_path, license_name, service
):
    project = render(tmp_path, license=license_name, service=service, author_name='Ada "Q" Lovelace')

    text = (project / "LICENSE").read_text("utf-8")
    assert 'Ada "Q" Lovelace' in text and "cookiecutter" not in text
    assert [path.name for path in project.glob("LICENSE*")] == ["LICENSE"]
    declared = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["license"]
    assert declared.removeprefix("LicenseRef-") == license_name
    assert not list(project.rglob("*.service")) and git(project, "status", "--porcelain") == ""
    told = subprocess.run(["make", "help"], cwd=project, capture_output=True, text=True).stdout
    found = [path.relative_to(project) for path in project.rglob("*service*") if ".git" not in path.parts]
    names = ["params.toml", "pyproject.toml", "README.md", "AGENTS.md", ".env.example", "docs/index.md", "Makefile"]
    word = re.compile(r"\b(serve|service(?! account))\b")
    told_of = [name for name in names if word.search((project / name).read_text("utf-8"))]
    expected = [name for name in names if name != "Makefile"] if service == "yes" else []
    assert bool(found) == ("make serve" in told) == (project / "deploy").is_dir() == (service == "yes")
    assert told_of == expected and len((project / "README.md").read_text("utf-8").splitlines()) <= 120


def test_project_starts_with_one_commit_on_main_and_a_clean_tree(default_project):
    assert git(default_project, "rev-list", "--count", "HEAD").strip() == "1"
    assert git(default_project, "branch", "--show-current").strip() == "main"
    assert git(default_project, "status", "--porcelain", "--untracked-files=all") == ""


def test_clone_keeps_every_folder(default_project, tmp_path):
    git(tmp_path, "clone", "--quiet", str(default_project), "clone")

    def folders(root: Path) -> set[str]:
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_dir() and ".git" not in path.parts}

    assert folders(tmp_path / "clone") == folders(default_project)
    wanted = "data/external data/raw data/interim data/processed data/predictions models references reports/figures"
    assert set(wanted.split()) <= folders(tmp_path / "clone")


def test_data_models_and_secrets_never_enter_git(render, tmp_path):
    project = render(tmp_path)
    secret = ["data/raw/dump/bank.csv", "data/new.csv", "models/run/model.pkl", "reports/run/evaluation.html", ".env"]
    secret += [".env.production", ".venv/ready", "reports/figures/a.png", ".cache/digests.json"]
    kept = ["requirements.lock", "references/data_dictionary.toml", "references/codes.pdf", "notebooks/2.0-x.ipynb"]
    for name in secret + kept:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()

    seen = git(project, "status", "--porcelain", "--untracked-files=all").splitlines()

    assert sorted(line.removeprefix("?? ") for line in seen) == sorted(kept)


def test_configuration_files_can_be_read_and_no_version_is_capped(default_project):
    for path in default_project.rglob("*.y*ml"):
        assert yaml.safe_load(path.read_text("utf-8")), path
    for path in default_project.rglob("*.ipynb"):
        assert json.loads(path.read_text("utf-8"))["cells"], path
    read = {path.name: tomllib.loads(path.read_text("utf-8")) for path in default_project.rglob("*.toml")}

    project = read["pyproject.toml"]["project"]
    versions = [project["requires-python"], *project["dependencies"]]
    versions += [name for extra in ("dev", "service", "postgresql") for name in project["optional-dependencies"][extra]]
    assert all(read.values()) and all(re.fullmatch(r"[\w.\[\]-]*>=[\d.]+(;.*)?", version) for version in versions)


def test_users_git_set_up_cannot_stop_the_first_commit(render, tmp_path, monkeypatch):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    config = f"[core]\nhooksPath = {hooks}\n[commit]\ngpgsign = true\n[user]\nuseConfigOnly = true\n"
    (tmp_path / ".gitconfig").write_text(config)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))

    project = render(tmp_path, author_name="...")

    monkeypatch.delenv("GIT_DIR")
    assert git(project, "rev-list", "--count", "HEAD").strip() == "1"


def test_rendering_inside_a_repository_commits_nothing_and_in_an_ignored_folder_makes_its_own(render, tmp_path, capfd):
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("demo/\n")

    inside, ignored = render(tmp_path), render(tmp_path / "demo")

    assert not (inside / ".git").exists()
    assert "inside a git repository" in capfd.readouterr().out
    assert git(ignored, "rev-list", "--count", "HEAD").strip() == "1"


def test_rendering_without_git_says_so(render, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PATH", str(tmp_path))

    project = render(tmp_path)

    assert (project / "LICENSE").exists() and not (project / ".git").exists()
    assert "git init" in capfd.readouterr().out


def cruft(folder: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "cruft", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_update_merges_with_what_the_user_edited_and_added(template, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    origin, project = Path(shutil.copytree(template, tmp_path / "origin")), tmp_path / "data-science-project"
    commit_all(origin)
    cruft(tmp_path, "create", "--no-input", str(origin), "--extra-context", '{"data_source": "nowhere.csv"}')
    ours, theirs = next((project / "src").iterdir()), next((origin / PROJECT / "src").iterdir())
    edit(ours / "features.py", "return rows.assign(**days)", 'return rows.assign(**days, twice=rows["x"] * 2)')
    edit(ours / "models.py", '"dummy": DummyC', '"mine": recipe.trees(Mine()),\n        "dummy": DummyC')
    edit(project / "params.toml", "seed = 0", "seed = 7")
    (ours / "mytools.py").write_text("def twice(x):\n    return x * 2\n")
    commit_all(project)
    edit(theirs / "engine" / "modelling" / "split.py", '"""', '"""Newer. ')
    (theirs / "engine" / "modelling" / "newer.py").write_text('"""Newer."""\n')
    edit(theirs / "train.py", '"""', '"""Newer. ')
    edit(origin / PROJECT / "params.toml", "[promote]", "# Newer.\n[promote]")
    commit_all(origin)

    cruft(project, "update", "--skip-apply-ask")

    changed = [path.rpartition("/")[2] for path in git(project, "status", "--porcelain").split()[1::2]]
    assert sorted(changed) == [".cruft.json", "newer.py", "params.toml", "split.py", "train.py"]
    assert not git(project, "diff", "--name-only", "--diff-filter=U") and not list(project.rglob("*.rej"))
    assert "twice" in (ours / "features.py").read_text() and '"mine"' in (ours / "models.py").read_text()
    assert (ours / "mytools.py").is_file() and (ours / "engine" / "modelling" / "newer.py").is_file()
    params = (project / "params.toml").read_text()
    assert "seed = 7" in params and "# Newer." in params
    assert "Newer." in (ours / "train.py").read_text() and "Newer." in (ours / "engine/modelling/split.py").read_text()


def commit_all(folder: Path) -> None:
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "state")
