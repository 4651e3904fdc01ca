import os
import re
import shutil

import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.project import git, package, settings
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.runs import registry, reproduce

MINE = "def weight(rows):\n    return rows.assign(heavy=rows['amount'] * 2)\n"
FEATURES = "\n\nfrom .mine import weight as add_features  # noqa: E402, F401, F811\n"
NOTHING = "\n\ndef add_features(rows):  # noqa: D103, F811\n    return rows.assign(amount=0.0)\n"


def append(path, text):
    with path.open("a") as file:
        file.write(text)


@pytest.fixture
def remake(project):
    """Train anew, as by `make train`, whatever git says now."""

    def train(*overrides):
        git.commit.cache_clear()
        return pipeline.make(settings.load(project.root, overrides), "train")[0].parent

    shutil.rmtree(project.models)
    yield train
    git.commit.cache_clear()


SAME = {"model": True, "metrics": True, "predictions": True}


def results(compared):
    return {comparison.what: comparison.identical for comparison in compared}


def test_run_is_made_again_whatever_was_changed_since(project, anew, in_git, tmp_path):
    root = project.root.rename(tmp_path / "Mein schönes Projekt")  # a blank and an umlaut on the way
    shutil.rmtree(root / "models")
    in_git(root)
    assert anew(root, "train").exit_code == 0
    params = root / "params.toml"
    params.write_text(params.read_text().replace('"linear"', '"boosting"'))
    (root / "table.csv").write_text("amount,answer\n1,no\n2,yes\n")
    append(root / "src" / package.NAME / "features.py", NOTHING)
    in_git(root)
    name = next(root.glob("models/*/run.json")).parent.name

    done = anew(root, "reproduce", "--offline", "--run", name)

    assert done.exit_code == 0, done.stderr
    assert re.findall(r"(\w+) +(\w+)", done.stdout) == [(what, "identical") for what in SAME]
    assert "in the present environment" in done.stderr
    assert git.run(root, "status", "--porcelain") == ""


@pytest.mark.once
def test_run_of_a_dirty_tree_is_made_again_with_edited_and_new_files(project, anew, in_git):
    def state():
        return [git.run(project.root, *words) for words in (("diff", "--cached"), ("status", "--porcelain"))]

    in_git(project.root)
    shutil.rmtree(project.models)
    append(project.package / "features.py", FEATURES)
    (project.package / "mine.py").write_text(MINE + f"# {'a table in the code' * 60_000}\n")  # above 1 MiB
    (project.root / "noted.txt").write_bytes("größer\r\nals gedacht\r\n".encode("latin-1"))
    (project.root / "picture.bin").write_bytes(bytes(range(256)))
    (project.root / "large.csv").write_bytes(b"1,2,3\n" * 200_000)
    git.run(project.root, "add", "noted.txt")
    (project.root / "noted.txt").write_bytes(b"staged otherwise\n")
    staged, objects = state(), git.run(project.root, "count-objects")
    assert anew(project.root, "train").exit_code == 0
    assert staged == state(), "the user's staging area is untouched"
    (folder,) = registry.folders(project)

    compared = reproduce.run(project, folder, offline=True)

    assert objects == git.run(project.root, "count-objects")
    assert registry.read(folder)["dirty"] and registry.read(folder)["left_out_of_patch"] == ["large.csv"]
    assert results(compared) == SAME
    place = project.root / ".cache" / "reproduce" / folder.name
    assert (place / "noted.txt").read_bytes() == b"staged otherwise\n"
    assert (place / "picture.bin").read_bytes() == bytes(range(256))
    assert not (place / "large.csv").exists()
    said = place / reproduce.BY_THE_RUN
    pd.read_csv(said, dtype=str).assign(prediction="no").to_csv(said, index=False)
    assert not reproduce.predictions(place).identical


def test_what_does_not_come_out_again_is_named_with_the_reason_and_what_was_set_is_set_again(
    project, in_git, remake, edit
):
    in_git(project.root)
    folder = remake("train.metric=log_loss")
    with edit(folder) as record:
        append(folder / "code" / "features.py", NOTHING)
        record["environment"]["packages"]["numpy"] = "0.1"
        record["metrics"]["dev"]["roc_auc"] = 0.5

    compared = {comparison.what: comparison for comparison in reproduce.run(project, folder, offline=True)}

    found = {what: [one.name for one in comparison.differences] for what, comparison in compared.items()}
    answers = compared["predictions"]
    assert [found[what] for what in ("metrics", "code", "environment")] == [["dev roc_auc"], ["features.py"], ["numpy"]]
    assert not any(found[what] for what in ("model", "data", "parameters"))
    assert "24 of 24" in answers.differences[0].b
    assert re.fullmatch(r"largest difference: 0\.\d+, in probability(_no|_yes)?", answers.note)


def test_what_add_features_uses_undeclared_is_named_as_the_cause(folder, copied, edit):
    again = copied(folder)
    with edit(again) as record:  # the same code and rows gave another split
        record["input_data"]["data/processed/train.parquet"] = "0" * 64

    compared = {comparison.what: comparison for comparison in reproduce.why(folder, again)}

    assert {what for what, comparison in compared.items() if comparison.identical} >= {"code", "environment"}
    assert re.search("add_features uses what it does not declare.*clock.*random", compared["data"].note)


@pytest.mark.parametrize(
    ("pattern", "edit", "state"),
    [
        ("data/raw/*/table.csv", b"edited", "was changed"),
        ("data/raw/*/table.csv", None, "is not here"),
        ("models/*/data_dictionary.toml", b"", "was changed since the run was made"),
    ],
)
def test_raw_file_or_run_that_is_not_as_it_was_is_named_before_anything_is_done(project, folder, pattern, edit, state):
    (path,) = project.root.glob(pattern)
    path.unlink()
    if edit is not None:
        path.write_bytes(edit)

    with pytest.raises(DataError, match=f"{path.name} {state}"):
        reproduce.run(project, folder, offline=True)

    assert not (project.root / ".cache" / "reproduce").exists()


def test_raw_file_is_found_by_its_digest_in_a_dump_of_another_day(project, folder):
    (raw,) = project.root.glob("data/raw/*/table.csv")
    moved = raw.parent.rename(raw.parent.with_name("2020-02-02-00000000"))

    assert registry.found_by_digest(project, registry.read(folder)) == {project.relative(raw): moved / "table.csv"}


def test_project_may_be_a_folder_of_its_repository_whatever_hooks_and_rests_there_are(
    project, in_git, remake, tmp_path
):
    (tmp_path / ".gitignore").write_text("data/\nmodels/\nreports/\n.cache/\n__pycache__/\n")
    in_git(tmp_path)
    hook = tmp_path / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    for name, value in [("diff.noprefix", "true"), ("color.ui", "always"), ("diff.mnemonicPrefix", "true")]:
        git.run(tmp_path, "config", name, value)
    append(project.root / "params.toml", "# an edit\n")
    folder, place = remake(), project.root / ".cache" / "reproduce" / "the run"
    (tmp_path / ".git" / "hooks").rename(tmp_path / "hooks")
    git.run(tmp_path, "worktree", "add", "--lock", "--detach", str(place), "HEAD")  # by an attempt that was killed
    (tmp_path / "hooks").rename(tmp_path / ".git" / "hooks")
    shutil.rmtree(place / "project" / "src")

    root = reproduce.check_out(project, folder, place)

    assert root == place / project.root.relative_to(tmp_path)
    assert (root / "params.toml").read_text().endswith("# an edit\n")
    assert (root / "src" / package.NAME / "train.py").is_file() and (place / ".git").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows asks for rights to make a link")
def test_folders_that_are_links_are_left_alone_and_the_reproduction_has_its_own(project, in_git, remake, tmp_path):
    def link(name):
        place = tmp_path / "disk" / name
        if (project.root / name).is_dir():
            shutil.move(project.root / name, place)
        place.mkdir(parents=True, exist_ok=True)
        (project.root / name).symlink_to(place)

    def there():
        return {path: path.read_bytes() for path in (tmp_path / "disk").rglob("*") if path.is_file()}

    for name in ("models", "references", "lists"):
        link(name)
    known = tmp_path / "disk" / "lists" / "known.csv"
    known.write_text("as then")
    in_git(project.root)  # the commit holds these links, the patch of the run the next one
    link("data")
    folder = remake('data.also=["lists/known.csv"]')
    known.write_text("as now")
    before = there()

    compared = reproduce.run(project, folder, offline=True)

    assert results(compared) == SAME
    assert there() == before
    place = project.root / ".cache" / "reproduce" / folder.name
    assert (place / "lists" / "known.csv").read_text() == "as then"


def test_own_copy_of_the_code_is_used_where_the_commit_or_git_is_not(project, in_git, remake, monkeypatch, caplog):
    in_git(project.root)
    folder, place = remake(), project.root / ".cache" / "reproduce" / "the run"
    shutil.rmtree(project.root / ".git")
    without_commit = reproduce.check_out(project, folder, place)
    monkeypatch.setenv("PATH", os.devnull)

    without_git = reproduce.check_out(project, folder, place)

    for root in (without_commit, without_git):
        assert settings.load(root).settings == project.settings
        assert (root / "src" / package.NAME / "train.py").is_file()
    assert caplog.text.count("the run's own copy of the code is used") == 2
