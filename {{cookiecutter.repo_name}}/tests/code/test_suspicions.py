"""What is suspicious in the data is said, and nothing is said of ordinary data."""

import numpy as np
import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import dictionary, infer, settings, split, suspicions

SIZE = 300


@pytest.fixture
def table():
    """Ordinary rows: a number, a category, and a yes or no that depends on the number a little."""
    random = np.random.default_rng(0)
    number = random.normal(0, 1, SIZE)
    answer = np.where(number + random.normal(0, 2, SIZE) > 0, "yes", "no")
    return pd.DataFrame({"number": number, "colour": random.choice(["red", "blue"], SIZE), "answer": answer})


def suspect(table, target="answer", by="stratified"):
    """The findings in a table of native types, divided as it would be."""
    columns, _ = infer.infer(table, target=target, split_by=by, read={})
    parts = split.split(table, target, settings.Split(by=by))
    return suspicions.find(table, parts, columns, by)


def test_ordinary_data_is_not_suspected(table):
    assert suspect(table) == []


def test_column_that_is_the_answer_in_other_words_is_named(table):
    (line,) = suspect(table.assign(status=np.where(table["answer"] == "yes", "paid", "open")))

    assert "'status' alone predicts 'answer'" in line and "[data] drop" in line


def test_columns_that_add_up_to_the_target_are_named(table):
    random = np.random.default_rng(1)
    amounts = table.assign(web=random.gamma(2, 10, SIZE), shop=random.gamma(2, 10, SIZE))

    found = suspect(amounts.assign(total=amounts["web"] + amounts["shop"]).drop(columns="answer"), target="total")

    assert len(found) == 1 and "'total' is a sum of 'web', 'shop'" in found[0]


def test_rows_that_stand_in_two_splits_are_counted(table):
    found = suspect(pd.concat([table, table], ignore_index=True))

    assert any("test rows have the same features as a row of train or dev" in line for line in found)


def test_ceiling_of_contradicting_rows_is_said(table):
    turned = table.assign(answer=table["answer"].map({"yes": "no", "no": "yes"}))

    found = suspect(pd.concat([table, turned], ignore_index=True))

    assert any("no model can be right in more than 50.0%" in line for line in found)


def test_file_in_the_order_of_a_date_asks_for_a_split_by_time(table):
    dated = table.assign(day=pd.date_range("2026-01-01", periods=SIZE))

    assert any('[split] by = "time:day"' in line for line in suspect(dated))
    assert not any("ordered" in line for line in suspect(dated, by="time:day"))


def test_target_that_drifts_along_the_file_is_said(table):
    chance = np.linspace(0.1, 0.9, SIZE)
    answer = np.where(np.random.default_rng(2).random(SIZE) < chance, "yes", "no")

    assert any("changes along the file" in line for line in suspect(table.assign(answer=answer)))


def test_file_that_is_merely_sorted_by_its_answer_is_not_suspected(table):
    assert suspect(table.sort_values("answer", ignore_index=True)) == []


def test_customer_with_several_rows_asks_for_a_split_by_group(table):
    customers = [f"c{number % 60}" for number in range(SIZE)]

    assert any('[split] by = "group:customer"' in line for line in suspect(table.assign(customer=customers)))


def test_rare_class_is_named_with_its_rows(table):
    table.loc[:3, "answer"] = "perhaps"

    assert any("'perhaps' (4)" in line for line in suspect(table))


def test_number_that_moves_between_train_and_test_is_named(table):
    moving = table.assign(day=pd.date_range("2026-01-01", periods=SIZE), level=np.arange(SIZE) * 1.5)

    assert any("distributed otherwise" in line and "'level'" in line for line in suspect(moving, by="time:day"))


def test_columns_a_model_does_not_see_are_not_suspected(table):
    status = np.where(table["answer"] == "yes", "paid", "open")
    columns, _ = infer.infer(table.assign(status=status), target="answer", drop=("status",), read={})
    parts = split.split(table.assign(status=status), "answer", settings.Split())

    assert dictionary.by_role(columns, "ignored") == ["status"]
    assert suspicions.find(table.assign(status=status), parts, columns, "stratified") == []


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ([-200.0, *range(100, 2000, 20)], "-200"),
        ([999, *range(18, 78)], "999"),
        ([-9999, *range(-30, 30)], "-9999"),
        ([-1, -1, -1, *range(1, 60)], "-1"),
        ([99, *range(0, 98)], ""),
        ([-1, *range(-30, 30)], ""),
        ([999, *range(0, 1500, 25)], ""),
    ],
)
def test_number_that_may_mean_missing_is_named_with_the_cure(values, named):
    cells = pd.Series([values[0], *values], name="x")

    found = list(suspicions.sentinels(cells.to_frame(), ["x"]))

    assert len(found) == bool(named)
    assert not named or f'missing = ["{named}"] and missing_allowed = true' in found[0]
