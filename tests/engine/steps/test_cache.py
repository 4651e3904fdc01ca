import pytest

from data_science_project.engine.project import records
from data_science_project.engine.steps import cache


@pytest.fixture
def output(tmp_path):
    """`output(key)` writes an output of a step under a key, and puts it into the cache; its path."""

    def write(key):
        path = tmp_path / "out" / "table.csv"
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(key)
        records.record(path, {"key": key})
        cache.put(tmp_path, "features", key, [path])
        return path

    return write


def test_output_of_an_earlier_key_comes_back_with_its_record_unless_it_was_changed_in_the_cache(tmp_path, output):
    output("first")
    path = output("second")
    kept = cache.folder_of(tmp_path, "features", "second") / path.name
    kept.unlink()
    kept.write_text("Second")

    assert cache.take(tmp_path, "features", "first", [path])
    assert path.read_text() == "first" and records.recorded(path)["key"] == "first"
    assert not cache.take(tmp_path, "features", "second", [path])
    assert not cache.take(tmp_path, "features", "never made", [path])
    assert path.read_text() == "first"


def test_newest_keys_of_a_step_are_kept(tmp_path, output):
    keys = [f"key {number}" for number in range(cache.KEYS_KEPT + 2)]
    path = [output(key) for key in keys][-1]

    assert [cache.take(tmp_path, "features", key, [path]) for key in keys] == [False] * 2 + [True] * cache.KEYS_KEPT
