import json

import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.steps import features


def test_ordinary_data_is_not_suspected(table, amounts, suspect):
    sorted_by_answer = table.sort_values("answer", ignore_index=True)

    assert suspect(table) == suspect(amounts) == suspect(sorted_by_answer) == []


def test_name_of_a_row_among_the_features_is_named(table, suspect):
    (name,) = suspect(table.assign(code=[f"T-{number % 295}" for number in range(300)]))

    assert (name.kind, name.columns) == ("id", ("code",))


def test_rare_class_is_named_with_its_rows(table, suspect):
    (found,) = suspect(table.assign(answer=["perhaps"] * 4 + table["answer"].tolist()[4:]))

    assert found.figures == {"perhaps": 4}


@pytest.mark.parametrize("constant", [5.5, 5, "yes"])
def test_target_that_is_always_the_same_is_named_and_nothing_else(amounts, suspect, constant):
    (found,) = suspect(amounts.assign(answer=constant))

    assert found.kind == "classes" and f"'answer' is {constant!r} in every row" in found.sentence


@pytest.mark.parametrize("step", [1, -1, 5])
def test_file_in_the_order_of_a_date_asks_for_a_split_by_time(table, suspect, step):
    """A day a row, forwards or backwards, or five rows a day."""
    dated = table.assign(day=pd.date_range("2026-01-01", periods=300).repeat(max(step, 1))[:: min(step, 1)][:300])

    (found,) = suspect(dated)

    assert found.columns == ("day",)
    assert "time" not in [one.kind for one in suspect(dated, by="time:day")]


def test_parts_of_a_moment_are_no_order_of_the_rows(table, suspect):
    days = pd.date_range("2026-01-01", periods=300, freq="6h")

    found = suspect(table.assign(year=days.year, month=days.month, day=days.day))

    assert "time" not in [one.kind for one in found]


def test_answer_that_changes_with_a_date_asks_for_a_split_by_time_in_any_order_of_rows(table, suspect):
    answer = np.where(np.random.default_rng(2).random(300) < np.linspace(0.1, 0.9, 300), "yes", "no")
    dated = table.assign(answer=answer, day=pd.date_range("2026-01-01", periods=300))

    (found,) = suspect(dated.sample(frac=1, random_state=0, ignore_index=True))

    assert found.cure.endswith('[split] by = "time:day".')
    assert [one.kind for one in suspect(dated.drop(columns="day"))] == ["time"]


@pytest.mark.parametrize("name", ["customer", "Client ID", "acct", "patientId", "school", "Team", "class"])
@pytest.mark.parametrize("form", ["c{}", "{}"])
def test_customer_with_several_rows_asks_for_a_split_by_group(table, suspect, name, form):
    one = [form.format(number % 60 * 7 + 1000) for number in range(300)]
    customers = pd.to_numeric(pd.Series(one)) if form == "{}" else one

    (found,) = suspect(table.assign(**{name: customers}))

    assert found.cure == f'For new ones, set [split] by = "group:{name}".'


@pytest.mark.parametrize("differs", [True, False])
def test_ids_that_repeat_with_another_class_in_most_are_individuals_only_if_a_person_knows(table, suspect, differs):
    band = np.where(np.arange(300) % 2, "north", "south") if differs else np.repeat(["north", "south"], 150)
    ids = [f"N{row // 2}" for row in range(300)]

    found = [one for one in suspect(table.assign(ring_id=ids, band=band), target="band") if one.kind == "groups"]

    assert [one.columns for one in found] == [("ring_id",)]
    assert ("'band' differs within 100% of these, so" in found[0].sentence) == differs


@pytest.mark.parametrize(("again", "kinds"), [(60, ["groups"]), (10, [])])
def test_customers_of_whom_most_have_one_row_ask_for_a_split_by_group_where_many_rows_share_one(
    table, suspect, again, kinds
):
    numbers = [*range(1000, 1000 + 2 * (300 - again), 2), *range(1000, 1000 + 2 * again, 2)]

    assert [one.kind for one in suspect(table.assign(customer_id=numbers))] == kinds


def test_column_that_others_belong_to_is_a_group_and_an_amount_that_is_called_like_one_is_not(table, suspect):
    random = np.random.default_rng(0)
    unit, town = random.integers(0, 60, 300), np.random.default_rng(1).choice(list("NSEW"), 60)

    (found,) = suspect(table.assign(zz=[f"q{number}" for number in unit], town=town[unit]))

    assert (found.kind, found.columns) == ("groups", ("zz",))
    names = ["households", "age_driver", "time_in_hospital", "distance_to_school"]
    measured = {name: random.integers(1, 30, 300) for name in names}
    assert suspect(table.assign(**measured, shop=np.arange(300) % 20)) == []


@pytest.mark.parametrize("computed", [True, False])
def test_number_of_which_another_is_the_first_digits_is_no_group_for_that(table, suspect, computed):
    random = np.random.default_rng(0)
    clock = 100 * random.integers(6, 22, 300) + 15 * random.integers(0, 4, 300)
    hour = clock // 100 if computed else random.integers(6, 22, 2200)[clock]

    found = suspect(table.assign(clock=clock, hour=-hour, minute=clock % 100))

    assert [one.columns for one in found] == ([] if computed else [("clock",)])


def test_column_that_differs_within_groups_of_many_rows_is_not_said_to_be_the_same_in_them(table, suspect):
    city, row = np.divmod(np.arange(1200), 30)
    state = (city + 20 * ((city < 8) & (row % 2))) % 37  # eight cities of one name in two states each
    places = {"city": [f"city {place}" for place in city], "state": [f"state {place}" for place in state]}

    found = suspect(pd.concat([table] * 4, ignore_index=True).assign(number=np.arange(1200) % 7, **places))

    assert not [one for one in found if one.kind == "groups"]


def test_group_of_the_dictionary_is_one_whatever_its_name_where_the_split_is_not_by_it(table, suspect):
    repeated = table.assign(zz=[f"q{number}" for number in np.arange(300) % 60])

    (found,) = suspect(repeated, groups=("zz",))

    assert (found.kind, found.columns) == ("groups", ("zz",)) and suspect(repeated) == []


def test_columns_a_model_does_not_see_are_not_suspected(table, suspect):
    told = table.assign(status=np.where(table["answer"] == "yes", "paid", "open"))

    assert suspect(told) and suspect(told, drop=("status",)) == []


def test_features_writes_what_it_says_into_a_file(make_project, made_table, caplog):
    told = made_table.assign(status=np.where(made_table["answer"] == "yes", 7, 3))
    project = make_project(told)
    pipeline.make(project, "data")

    features.run(project, pd.DataFrame.copy)

    written = json.loads(project.suspicions.read_text(encoding="utf-8"))
    assert written["rows"] == len(told)
    (found,) = [one for one in written["suspicions"] if one["kind"] == "answer"]
    assert found["columns"] == ["status"]
    assert f"suspicious: {found['sentence']}. {found['cure']}" in caplog.messages


def test_rows_that_were_told_stand_at_the_end_of_the_table_and_are_no_order_of_the_file(table, suspect):
    said = table[table["answer"] == "yes"].assign(number=lambda rows: rows["number"] + 0.5)

    of_file = suspect(pd.concat([table, said], ignore_index=True))
    told = suspect(pd.concat([table, said.set_axis(range(-1, -len(said) - 1, -1))]))

    assert [one.kind for one in of_file].count("time") == 1 and "time" not in [one.kind for one in told]
