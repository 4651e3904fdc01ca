"""service/tables.py: ids in order of time."""

from data_science_project.service import tables


def test_ids_come_in_order_whatever_the_clock_does():
    ids = tables.Ids()
    first = ids.new(3)

    ids.after("ffffffffffffff" + 18 * "0")
    last = ids.new(1)

    assert sorted(first + last) == first + last and len({*first}) == 3
