import time
from types import SimpleNamespace

from data_science_project.service import tables
from data_science_project.service.log import Log
from data_science_project.service.settings import Serve
from data_science_project.service.tables import new_ids

from .conftest import write


def test_ids_are_in_order_of_time_and_unguessable_even_with_the_clock_put_back(open_log, entries, monkeypatch, stored):
    log, first = open_log(), entries(3)
    write(log, first)
    monkeypatch.setattr(time, "time_ns", lambda: 1_600_000_000_000_000_000)
    monkeypatch.setattr(tables.IDS, "_last", 0)  # another process
    again = Log(SimpleNamespace(root=log.database.file.parents[2]), Serve())

    log.close(1.0)
    again.start()
    ids = [*(row.id for row in first), *new_ids(1000), *new_ids(1)]
    again.close(1.0)

    assert ids == sorted(set(ids)) and {len(text) for text in ids} == {32}
    assert len({text[14:] for text in ids}) == len(ids)


def test_nul_and_half_characters_are_kept_as_escapes(open_log, entries, stored):
    log = open_log()
    rows = entries(inputs='{"note": "a\0b"}', asker="half \ud800")

    write(log, rows)

    assert [(row.inputs, row.asker) for row in stored(log.database)] == [('{"note": "a\\u0000b"}', "half \\ud800")]
