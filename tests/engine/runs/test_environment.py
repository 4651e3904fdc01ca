import hashlib
import logging
import os
import shutil

import pandas as pd
import pytest

from data_science_project.engine.project import git, package, settings
from data_science_project.engine.runs import environment, loading, registry, share


def test_other_versions_of_packages_that_matter_are_said_on_load(folder, edit, caplog):
    loading.load(folder)
    assert not caplog.messages
    with edit(folder) as record:
        now = record["environment"]["packages"]["scipy"]
        record["environment"]["packages"] |= {"scipy": "0.1", "ruff": "0.0.1"}

    loading.load(folder)

    (line,) = caplog.messages
    assert "Python" not in line, "it is the same"
    assert f"scipy 0.1 (now {now}): " in line and "ruff" not in line
    assert f"make reproduce RUN={folder.name}" in line


def test_repository_that_git_refuses_is_said_and_none_and_one_without_a_commit_are_not(
    project, in_git, tmp_path, monkeypatch, caplog
):
    def said(name):
        git.commit.cache_clear()
        (tmp_path / name).mkdir()
        environment.keep(project, tmp_path / name)
        return caplog.text

    assert not said("in no repository")
    git.run(tmp_path, "init", "-q")
    assert not said("in one without a commit")
    in_git(tmp_path)
    assert not said("in one of ours")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # as if a colleague had made the folder
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    assert "no commit" in said("in one of a colleague") and "safe.directory" in caplog.text
    git.commit.cache_clear()


SECRET = "s3cr3t-Pa55w0rd-of-the-database"
SECRET_RATE = "3.14159265358979"
DECLARED = """

def add_features(rows):  # noqa: D103, F811
    import os

    from . import external

    price = float(external("data/external/price.txt").read_text()) * float(os.environ["RATE"])
    return rows.assign(cost=rows["amount"] * price)
"""


@pytest.fixture
def declaring(project, anew):
    """A project whose features read a file and a variable that are declared; and how to run a verb in it."""
    params, price = project.root / "params.toml", project.root / "data" / "external" / "price.txt"
    declared = params.read_text().replace("[data]\n", '[data]\nalso = ["data/external/*.txt"]\n')
    params.write_text(declared + '\n[environment]\nvariables = ["RATE"]\n')
    price.parent.mkdir()
    price.write_text("2")
    with (project.package / "features.py").open("a") as file:
        file.write(DECLARED)
    shutil.rmtree(project.models)

    def run(*words, rate="3"):
        done = anew(project.root, *words, RATE=rate)
        assert done.exit_code == 0, done.stderr
        return done

    return settings.load(project.root), price, run


def test_declared_variable_is_kept_as_a_digest_and_another_value_trains_again(declaring):
    project, _, run = declaring
    run("train", rate=SECRET_RATE)
    (first,) = registry.folders(project)

    run("train", rate="4")
    said = run("predict", "--run", first.name, "--output", "./after.csv", rate="4").stderr

    assert len(registry.folders(project)) == 2
    digest = hashlib.sha256(SECRET_RATE.encode()).hexdigest()
    assert registry.read(first)["environment"]["variables"] == {"RATE": digest}
    assert not [path for path in first.rglob("*") if path.is_file() and SECRET_RATE.encode() in path.read_bytes()]
    assert "RATE has another value than when run" in said


SET = ("--set", 'train.metric="log_loss"', "--set", "split.shares={train = 0.5, dev = 0.2, test = 0.3}")


@pytest.mark.once
def test_declared_file_is_kept_in_the_run_which_is_shared_and_made_again_without_git_as_it_was_set_after_an_edit(
    declaring, colleague, team, caplog
):
    project, price, run = declaring
    run("predict", "--output", "./before.csv", *SET)
    (first,) = registry.folders(project)
    record = registry.read(first)
    share.push(project, first)

    price.write_text("5")
    run("train", *SET)
    run("predict", "--run", first.name, "--output", "./after.csv", *SET)
    share.pull(colleague, first.name)

    assert record["commit"] is None
    assert record["input_data"]["data/external/price.txt"] == record["files"]["external/data/external/price.txt"]
    assert len(registry.folders(project)) == 2
    assert pd.read_parquet(project.split("test")).eval("cost / amount").dropna().round(6).eq(15).all()
    assert (project.root / "before.csv").read_bytes() == (project.root / "after.csv").read_bytes()
    assert (colleague.root / "data" / "external" / "price.txt").read_text() == "2"
    logging.getLogger(package.NAME).propagate = True
    (second,) = [folder for folder in registry.folders(project) if folder != first]
    share.push(project, second)
    share.pull(colleague)
    assert f"not as the newest run has it; to take that: cp {colleague.models / second.name}" in caplog.text
    price.unlink()
    again = run("reproduce", "--offline", "--run", first.name)
    assert again.stdout.split() == "model identical metrics identical predictions identical".split()


def test_secrets_reach_neither_a_run_nor_the_log(project, anew, in_git):
    in_git(project.root)
    (project.root / ".gitignore").write_text("/data/\n/models/\n.cache/\n__pycache__/\n")  # .env was forgotten
    for name in (".env", ".env.local", "src/.env"):
        (project.root / name).write_text(f"DATABASE_PASSWORD={SECRET}\n")
    shutil.rmtree(project.models)

    done = anew(project.root, "train", DATABASE_PASSWORD=SECRET, API_TOKEN=SECRET)

    written = [path for path in project.models.rglob("*") if path.is_file()]
    assert done.exit_code == 0, done.stderr
    assert any(path.name == registry.PATCH and b".gitignore" in path.read_bytes() for path in written)
    assert not [path for path in written if SECRET.encode() in path.read_bytes()]
    assert SECRET not in done.stdout + done.stderr


def test_file_of_the_package_that_is_declared_too_is_kept_with_the_code_and_as_declared(project, tmp_path):
    (project.package / "prices.csv").write_text("1")
    declaring = settings.load(project.root, [f'data.also=["src/{package.NAME}/prices.csv"]'])

    environment.keep(declaring, tmp_path / "run")

    for folder in (registry.CODE, f"external/src/{package.NAME}"):
        assert (tmp_path / "run" / folder / "prices.csv").read_text() == "1"
