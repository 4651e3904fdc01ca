"""A full disk and folders that cannot be written: one message, exit code 1, and every file whole."""

import os
import shutil
import sys

import pytest

from data_science_project import pipeline
from data_science_project.engine.project import artefact, package, records, settings

# No file may grow beyond the limit: the error is EFBIG instead of ENOSPC, and reaches the code in the same places.
LIMITED = """
import resource, runpy, sys
package, limit, *words = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
sys.argv[1:] = words
runpy.run_module(package, run_name="__main__", alter_sys=True)
"""


def content(root):
    """Digest of every file outside of the cache."""
    files = [path for path in root.rglob("*") if path.is_file() and ".cache" not in path.parts]
    return {path: artefact.sha256(path) for path in files if "__pycache__" not in path.parts}


def one_message(stderr):
    """The message, if stderr ends with one of at most three lines."""
    lines = stderr[stderr.index("Error: ") :].splitlines()
    assert len(lines) <= 3 and "Traceback" not in stderr, stderr
    return lines[0]


@pytest.mark.once
@pytest.mark.skipif(os.name == "nt", reason="Windows cannot limit the size of a file")
@pytest.mark.parametrize(
    ("words", "limit", "named"),
    [
        (["data", "--set", "data.read={missing=['?']}"], 1000, "clean.parquet"),
        (["features", "--set", "split.seed=1"], 1000, "train.parquet"),
        (["train", "--set", "train.seed=1"], 1000, "models"),
        (["evaluate"], 3000, "run.json"),
        (["predict", "--set", "predict.abstain_below=0.9"], 0, "test.csv"),
        (["explore"], 1000, "exploration.html"),
    ],
)
def test_full_disk_is_one_message_and_leaves_everything_as_it_was(project, command, words, limit, named):
    before = content(project.root)

    done = command(project.root, "-c", LIMITED, package.NAME, str(limit), *words)

    assert done.returncode == 1, done.stderr
    assert named in one_message(done.stderr)
    assert content(project.root) == before


@pytest.mark.once
@pytest.mark.skipif(os.name == "nt", reason="Windows cannot limit the size of a file")
def test_disk_that_is_full_after_the_first_of_two_files_is_not_said_to_be_as_it_was(
    project, command, made_table, tmp_path
):
    made_table.head(3).to_csv(tmp_path / "new.csv", index=False)
    out = tmp_path / "out.csv"
    words = [package.NAME, "predict", "--input", tmp_path / "new.csv", "--output", out, "--set"]
    assert command(project.root, "-m", *words, "predict.abstain_below=0.5").returncode == 0
    before, record = out.read_text(), records.recorded(out)

    done = command(project.root, "-c", LIMITED, words[0], "1000", *words[1:], "predict.abstain_below=1")

    assert "out.csv.json" in one_message(done.stderr) and "some may be new" in done.stderr
    assert out.read_text() != before and records.recorded(out) == record
    assert command(project.root, "-m", *words, "predict.abstain_below=1").returncode == 0
    assert records.checked(out) == out


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has a file that is always full")
def test_full_disk_behind_the_output_is_one_message(project, command):
    shell = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:], stdout=open('/dev/full', 'w')).returncode)"

    done = command(project.root, "-c", shell, sys.executable, "-m", package.NAME, "predict")

    assert done.returncode == 1
    assert "No space left" in one_message(done.stderr)


def test_project_that_may_only_be_read_still_scores_into_another_folder(project, folder, tmp_path, made_table):
    made_table.head(5).to_csv(tmp_path / "new.csv", index=False)
    options = {"run": folder.name, "input": tmp_path / "new.csv", "output": tmp_path / "out.csv"}
    folders = [project.root, *(path for path in project.root.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)

    try:
        if os.access(project.root, os.W_OK):
            pytest.skip("this user may write everywhere, as root may")
        pipeline.make(settings.load(project.root), "predict", **options)
    finally:
        for path in folders:
            path.chmod(0o755)

    assert len((tmp_path / "out.csv").read_text().splitlines()) == 6


@pytest.mark.once
@pytest.mark.parametrize("folder", ["data/interim", "data/processed", "models", "data/predictions", ".cache"])
def test_file_where_a_folder_should_be_is_named_and_not_touched(project, anew, folder):
    shutil.rmtree(project.root / folder)
    (project.root / folder).write_text("mine")

    done = anew(project.root, "predict", "--set", "train.seed=1")

    assert done.exit_code == 1, done.stderr
    assert folder in one_message(done.stderr).replace("\\", "/")
    assert (project.root / folder).read_text() == "mine"
