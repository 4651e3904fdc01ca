import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.columns import dictionary
from data_science_project.engine.modelling import division
from data_science_project.engine.modelling.split import split
from data_science_project.engine.project import settings
from data_science_project.engine.project.settings import PARTS, Shares, Split
from data_science_project.engine.sources import source

ORDERS = 400


@pytest.fixture
def more(known):
    """The rows of the source, and below them others that were told."""
    rows = known.iloc[np.arange(ORDERS) % len(known)].copy()
    rows["order"], rows["amount"] = np.arange(9000, 9000 + ORDERS), np.arange(ORDERS) * 1.5
    return pd.concat([known, rows.set_axis(range(-1, -ORDERS - 1, -1))])


def parts_of(rows):
    """The split of each row by its number."""
    return pd.concat([pd.Series(part, index=found.index) for part, found in rows.items()])


def test_without_feedback_the_split_is_that_of_split_to_the_bit(project, known):
    how = project.settings.split

    found, expected = division.divide(project, known), split(known, "answer", how)

    assert all(found[part].equals(expected[part]) and not found[part].attrs for part in PARTS)


@pytest.mark.parametrize("by", ["stratified", "random", "group:shop"])
def test_no_row_of_the_source_moves_when_feedback_comes_and_none_of_that_when_more_comes(project, known, more, by):
    project = settings.load(project.root, [f"split.by={by}"])
    before = parts_of(division.divide(project, known))

    some, all_ = (parts_of(division.divide(project, more.head(rows))) for rows in (len(known) + 50, len(more)))

    assert some[before.index].equals(before) and all_[some.index].equals(some)
    assert len(all_) == len(more)


def test_new_rows_are_placed_in_the_shares_of_split_and_each_split_says_how_many(project, known, more):
    found = division.divide(project, more)

    shares = [(found[part].index < 0).sum() / ORDERS for part in PARTS]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.06)
    assert [found[part].attrs[division.TOLD] for part in PARTS] == [(found[part].index < 0).sum() for part in PARTS]
    assert all((found[part].index[-found[part].attrs[division.TOLD] :] < 0).all() for part in PARTS), "the last"


def test_groups_stay_together_whether_they_are_known_or_new(project, known, more):
    project = settings.load(project.root, ["split.by=group:shop"])
    told = more.index < 0
    more["shop"] = more["shop"].where(~told | (more["order"] % 2 == 0), "stand " + (more["order"] % 37).astype(str))

    found = division.divide(project, more)

    shops = [set(found[part]["shop"]) for part in PARTS]
    assert not shops[0] & shops[1] and not shops[0] & shops[2] and not shops[1] & shops[2]
    assert all(any(shop.startswith("stand") for shop in part) for part in shops)


def test_divided_by_time_the_newest_rows_are_the_test_whoever_told_them(project, known, more):
    project = settings.load(project.root, ["split.by=time:day"])
    more.loc[more.index < 0, "day"] = pd.date_range("2027-01-01", periods=ORDERS)

    found = division.divide(project, more)

    assert (found["test"].index < 0).all() and found["train"]["day"].max() <= found["dev"]["day"].min()


def test_rows_that_were_kept_stay_when_the_source_has_changed(project, known):
    columns, how = dictionary.of(project), project.settings.split
    before = division.divide(project, known)
    parts = division.where(before, columns, how.by)
    source.keep(project.root, {"split": division.asdict(how)}, lambda folder: parts.to_parquet(folder / source.SPLIT))
    grown = pd.concat([known.sample(frac=1, random_state=3), known.assign(amount=known["amount"] + 100)])
    grown["answer"] = np.where(grown["order"] == 1001, "yes", grown["answer"])  # a label that was mended

    after = division.divide(project, grown.set_axis(range(1, len(grown) + 1)))

    for part in PARTS:
        old = after[part][after[part]["amount"].fillna(0) < 90]
        assert set(before[part]["order"]) <= set(old["order"])
        assert set(before[part].dropna()["note"]) <= set(old["note"])
    other = settings.load(project.root, ["split.seed=1"])
    assert division.kept(other, other.settings.split) is None, "who changes [split] divides anew"
    assert len(division.known_by(known.drop(columns="order"), columns, how.by)) == len(known), "ids may be absent"


def test_second_of_two_rows_that_are_alike_is_the_second_again_and_further_ones_lie_with_the_first():
    keys = np.array([1, 1, 2], dtype="uint64")
    before = pd.DataFrame({"row": keys, "whole": [5, 5, 7], "part": ["test", "train", "dev"]})
    rows = pd.DataFrame({"row": np.array([2, 1, 1, 1], dtype="uint64"), "whole": [7, 5, 5, 5]})

    found = division.placed(rows, before, Split(shares=Shares(0.6, 0.2, 0.2)))

    assert found.tolist() == ["dev", "test", "train", "test"]
    new = pd.DataFrame({"row": np.arange(100, dtype="uint64"), "whole": np.arange(100) + 9})
    assert not division.placed(new, before, Split(seed=0)).equals(division.placed(new, before, Split(seed=1)))
