import json
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from data_science_project.engine.project import artefact


@pytest.mark.parametrize(
    ("failure", "said"),
    [(OSError(28, "what the library said"), r"No space left on device: .*file.txt'$"), (KeyboardInterrupt(), None)],
)
def test_failure_keeps_the_old_file_and_no_rest_and_names_the_file_that_was_meant(tmp_path, failure, said):
    file = tmp_path / "folder" / "file.txt"
    with artefact.whole(file) as path:
        path.write_text("old")
        assert not file.exists(), "it is not there while it is written"

    with pytest.raises(type(failure), match=said), artefact.whole(file) as path:
        path.write_text("half")
        raise failure

    assert [(f.name, f.read_text()) for f in file.parent.iterdir()] == [("file.txt", "old")]


def test_two_threads_that_write_one_file_each_write_all_of_it(tmp_path):
    file, both = tmp_path / "file.txt", threading.Barrier(2, timeout=10)

    def write(letter):
        with artefact.whole(file) as path, path.open("w") as open_file:
            both.wait()
            open_file.write(letter * 1000)
            both.wait()
            open_file.write(letter * 1000)

    with ThreadPoolExecutor(2) as threads:
        [*threads.map(write, "ab")]

    assert file.read_text() in ("a" * 2000, "b" * 2000)
    assert [*tmp_path.iterdir()] == [file]


def test_json_keeps_letters_of_all_languages_and_numbers_of_numpy_and_is_brought_to_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(artefact.os, "fsync", synced.append)

    artefact.write_json(tmp_path / "a.json", {"größe": "大", "classes": [np.int64(1), np.float64(0.5), np.bool_(True)]})

    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "größe" in text and json.loads(text) == {"größe": "大", "classes": [1, 0.5, True]}
    assert len(synced) == 2, "the file, then the list of its folder"


def test_fingerprint_depends_on_content_not_on_the_order_of_keys():
    assert artefact.fingerprint({"a": 1, "b": [2]}) == artefact.fingerprint({"b": [2], "a": 1})
    assert artefact.fingerprint({"a": 1}) != artefact.fingerprint({"a": 2})
