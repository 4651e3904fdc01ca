import hashlib
import json
import os

import numpy as np
import pytest

from data_science_project.engine.project import artefact, git, package, records
from data_science_project.engine.project.errors import DataError

DIE_HALF_WAY = """
import os, sys
from pathlib import Path
from {0}.engine.project import artefact
with artefact.whole(Path("file.txt")) as path:
    path.write_text("half")
    os._exit(9)
"""


def test_digest_is_the_sha256_of_the_bytes(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x" * ((1 << 20) + 1))

    assert artefact.sha256(file) == hashlib.sha256(file.read_bytes()).hexdigest()


def test_fingerprint_depends_on_content_not_on_the_order_of_keys():
    assert artefact.fingerprint({"a": 1, "b": [2]}) == artefact.fingerprint({"b": [2], "a": 1})
    assert artefact.fingerprint({"a": 1}) != artefact.fingerprint({"a": 2})


def test_file_is_not_there_while_it_is_written(tmp_path):
    file = tmp_path / "folder" / "file.txt"

    with artefact.whole(file) as path:
        path.write_text("half")
        seen = file.exists()

    assert not seen
    assert file.read_text() == "half"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_keeps_the_old_file_and_no_rest(tmp_path, failure):
    file = tmp_path / "file.txt"
    file.write_text("old")

    with pytest.raises(type(failure)), artefact.whole(file) as path:
        path.write_text("half")
        raise failure

    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("file.txt", "old")]


def test_killed_process_leaves_the_old_file(make_project, command):
    root = make_project().root
    (root / "file.txt").write_text("old")

    done = command(root, "-c", DIE_HALF_WAY.format(package.NAME))

    assert done.returncode == 9, done.stderr
    assert (root / "file.txt").read_text() == "old"


def test_json_keeps_letters_of_all_languages_and_numbers_of_numpy(tmp_path):
    artefact.write_json(tmp_path / "a.json", {"größe": "大", "classes": [np.int64(1), np.float64(0.5), np.bool_(True)]})

    assert "größe" in (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == {"größe": "大", "classes": [1, 0.5, True]}


def test_digests_read_a_file_again_only_when_size_or_time_changed(tmp_path):
    file = tmp_path / "file"
    file.write_text("one")
    digests = records.Digests(tmp_path)
    first, stat = digests.of(file), file.stat()

    file.write_text("two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    unnoticed = digests.of(file)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))

    assert unnoticed == first  # the shortcut: same size, same time
    assert digests.of(file) == artefact.sha256(file) != first


def test_digests_are_remembered_and_may_be_lost(tmp_path):
    file, cache = tmp_path / "file", tmp_path / ".cache" / "digests.json"
    file.write_text("one")
    digests = records.Digests(tmp_path)
    digests.of(file)

    digests.save()
    remembered = cache.read_text()
    cache.write_text("{ not json")

    assert artefact.sha256(file) in remembered
    assert records.Digests(tmp_path).of(file) == artefact.sha256(file)


def test_digest_of_no_file_is_none(tmp_path):
    assert records.Digests(tmp_path).of(tmp_path / "nothing") is None


def test_record_says_what_the_file_is_and_what_made_it(tmp_path):
    file = tmp_path / "file.csv"
    file.write_text("1")

    records.record(file, {"step": "data", "inputs": {"raw": "00"}})

    found = json.loads((tmp_path / "file.csv.json").read_text())
    assert found["sha256"] == artefact.sha256(file) and found["bytes"] == 1
    assert found["step"] == "data" and found["inputs"] == {"raw": "00"} and found["made"]


def test_file_on_record_is_accepted(tmp_path):
    file = tmp_path / "file"
    file.write_text("as it was")
    records.record(file, {})

    assert records.checked(file) == file


@pytest.mark.parametrize("harm", ["edit", "cut", "file gone", "record gone", "record torn"])
def test_file_that_is_not_as_recorded_is_refused(tmp_path, harm):
    file = tmp_path / "file"
    file.write_text("as it was")
    records.record(file, {})
    record = records.sidecar(file)

    {
        "edit": lambda: file.write_text("As it was"),
        "cut": lambda: file.write_text("as"),
        "file gone": file.unlink,
        "record gone": record.unlink,
        "record torn": lambda: record.write_text(record.read_text()[:20]),
    }[harm]()

    with pytest.raises(DataError, match="file"):
        records.checked(file)


def test_commit_is_none_outside_git(tmp_path):
    assert git.commit(tmp_path) == {"commit": None, "dirty": True}


def test_commit_tells_a_dirty_tree(tmp_path):
    me = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    git.run(tmp_path, "init", "-q")
    git.run(tmp_path, *me, "commit", "-q", "--allow-empty", "-m", "first")
    clean = git.commit(tmp_path)
    git.commit.cache_clear()

    (tmp_path / "new.py").write_text("")

    assert clean == {"commit": git.run(tmp_path, "rev-parse", "HEAD").strip(), "dirty": False}
    assert git.commit(tmp_path)["dirty"]
