import pickle

import numpy as np
import pandas as pd

from data_science_project.engine.modelling.items import MOST_ITEMS, ItemEncoder

CELLS = pd.Series(["saw;axe", "axe; drill", "saw", ""] * 5 + ["axe;once"])


def test_frequent_items_get_a_column_each_and_the_others_are_counted():
    encoder = ItemEncoder(";").fit(CELLS)

    made = encoder.transform(["drill; axe ;axe", "once; never;saw", ""])

    assert encoder.items_ == ["axe", "drill", "saw"]
    assert made.tolist() == [[1, 1, 0, 0], [0, 0, 1, 2], [0, 0, 0, 0]] and made.dtype == "float64"


def test_only_the_most_frequent_of_many_items_get_a_column():
    cells = [";".join(f"item {n:03}" for n in range(row)) for row in range(70)]

    encoder = ItemEncoder(";").fit(cells)

    assert encoder.items_ == [f"item {n:03}" for n in range(MOST_ITEMS)]


def test_list_without_a_frequent_item_is_counted_and_the_bytes_do_not_depend_on_the_order_of_rows():
    rare = ItemEncoder("|").fit(["a|b", "c"])
    one, other = (pickle.dumps(ItemEncoder(";").fit(cells)) for cells in (CELLS, CELLS[::-1]))

    np.testing.assert_array_equal(rare.transform(["a|z", "c"]), [[2], [1]])
    assert one == other
