import numpy as np
import pandas as pd

from data_science_project.engine.columns.digests import digests, tell_apart


def test_digest_is_the_same_whatever_type_a_column_was_stored_as_and_wherever_the_row_is():
    rows = pd.DataFrame({"n": [1, 2], "t": ["a", None], "d": pd.to_datetime(["2026-01-01 00:00", "2026-01-02 10:00"])})
    other = rows.astype({"n": "Float64", "t": "category"}).assign(d=rows["d"].astype("datetime64[us]"))

    same = digests(rows, ["n", "t", "d"])

    assert (digests(other.set_axis([5, 6]), ["n", "t", "d"]) == same).all() and same[0] != same[1]
    assert (digests(rows[::-1], ["n", "t", "d"]) == same[::-1]).all()
    assert same[0] == 498812657594737067, "a division that was kept knows its rows no more"


def test_moments_that_nanoseconds_do_not_hold_have_digests_of_their_own():
    far = pd.to_datetime(["9999-12-31", "0001-01-01", "1970-01-01", None], format="ISO8601").astype("datetime64[us]")

    found = digests(pd.DataFrame({"day": far}), ["day"])

    assert len({*found}) == 4


def test_rows_are_told_apart_where_nine_of_ten_digests_differ():
    assert tell_apart(np.arange(10).clip(max=8)) and not tell_apart(np.arange(10).clip(max=7))
