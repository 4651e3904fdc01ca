import json
import os
import shutil

import pytest

from data_science_project.engine.project import artefact, records
from data_science_project.engine.project.errors import DataError


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_text("one")
    return path


def test_digests_read_a_file_again_only_when_size_or_time_changed(tmp_path, file):
    digests = records.Digests(tmp_path)
    first, stat = digests.of(file), file.stat()

    file.write_text("two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    unnoticed = digests.of(file)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))

    assert unnoticed == first  # the shortcut: same size, same time
    assert digests.of(file) == artefact.sha256(file) != first
    assert digests.of(tmp_path / "nothing") is None


def test_digests_are_remembered_and_may_be_lost_or_not_be_written(tmp_path, file):
    cache = tmp_path / ".cache" / "digests.json"
    digests = records.Digests(tmp_path)
    digests.of(file)

    digests.save()
    remembered = cache.read_text()
    cache.write_text("{ not json")

    assert artefact.sha256(file) in remembered
    assert records.Digests(tmp_path).of(file) == artefact.sha256(file)
    shutil.rmtree(cache.parent)
    cache.parent.write_text("in the way")
    digests.save()
    assert cache.parent.read_text() == "in the way"


def test_record_says_what_the_file_is_and_what_made_it(file):
    records.record(file, {"step": "data", "inputs": {"raw": "00"}})

    found = json.loads(file.with_name("file.json").read_text())
    assert found["sha256"] == artefact.sha256(file) and found["bytes"] == 3
    assert found["step"] == "data" and found["inputs"] == {"raw": "00"} and found["made"]
    assert records.checked(file) == file


@pytest.mark.parametrize("harm", ["edit", "cut", "file gone", "record gone", "record torn"])
def test_file_that_is_not_as_recorded_is_refused(file, harm, caplog):
    records.record(file, {})
    record = records.sidecar(file)

    {
        "edit": lambda: file.write_text("One"),
        "cut": lambda: file.write_text("on"),
        "file gone": file.unlink,
        "record gone": record.unlink,
        "record torn": lambda: record.write_text(record.read_text()[:20]),
    }[harm]()

    with pytest.raises(DataError, match="file"):
        records.checked(file)
    assert ("does not count" in caplog.text) == (harm == "record torn")


def test_no_flipped_bit_in_a_record_goes_unnoticed(tmp_path):
    record = {"run": "ä", "files": {"a": "0" * 64}, "metrics": [0.5, None, 1e-9], "n": 10}
    path = tmp_path / "record.json"
    artefact.write_json(path, records.sealed(record))
    whole, noticed = path.read_bytes(), 0

    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            assert records.read_or_refuse(path, "wrong", "cure") == record
        except DataError:
            noticed += 1

    assert noticed > 0.8 * len(whole)  # the others turned one blank into another
