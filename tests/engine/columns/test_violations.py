import pandas as pd
import pytest

from data_science_project.engine.columns import dictionary, validate
from data_science_project.engine.project.errors import DataError

AGE = dictionary.Column(type="integer", range=(0.0, 120.0))


def test_refusal_carries_every_violation_with_column_problem_cure_and_rows_and_absent_columns_too():
    rows = pd.DataFrame({"age": [200, 30, -1], "name": ["a", None, "b"]})
    columns = {"age": AGE, "name": dictionary.Column(type="text", missing_allowed=False)}

    with pytest.raises(DataError) as refusal:
        validate.validate(rows, columns, where="rows")

    assert [(one.column, one.rows) for one in refusal.value.violations] == [("age", (0, 2)), ("name", (1,))]
    assert "outside 0 ... 120, like 200" in refusal.value.violations[0].problem
    assert "widen 'range' of [age]" in refusal.value.violations[0].cure
    with pytest.raises(DataError) as absence:
        validate.validate(rows[1:], columns | {"name": AGE, "pay": AGE}, where="rows")
    assert ("pay", (0, 1)) in [(one.column, one.rows) for one in absence.value.violations]


def test_refusal_says_apart_what_is_only_warned_of():
    rows = pd.DataFrame({"age": [200, 30, 250], "pay": [-1, 1, 1]})
    columns = {"age": dictionary.Column(type="integer", range=(0.0, 120.0), rule="warn"), "pay": AGE}

    with pytest.raises(DataError) as refusal:
        validate.validate(rows, columns, where="new.csv", first_row=2)

    refused, cure = str(refusal.value).splitlines()
    assert refused == "new.csv: column 'pay' has values outside 0 ... 120, like -1 (1 row: 2)"
    assert "widen 'range' of [pay]" in cure or "'range' in [pay]" in cure
    assert cure.endswith(
        "references/data_dictionary.toml. Only warned of: 'age' has values outside 0 ... 120, like 200 (2 rows: 2, 4)."
    )


def test_warning_is_its_line_and_knows_its_violation():
    columns = {"age": dictionary.Column(type="integer", range=(0.0, 120.0), rule="warn")}

    _, (said,) = validate.validate(pd.DataFrame({"age": [200, 30]}), columns, where="rows")

    assert said == "rows: column 'age' has values outside 0 ... 120, like 200 (1 row: 1)"
    assert said.violation.rows == (0,) and said.violation.column == "age"


def test_table_without_a_known_column_is_said_to_have_none_and_not_to_have_nothing():
    with pytest.raises(DataError, match=r"missing: 'age'\.\nFound: none that is known\.\nAdd them"):
        validate.validate(pd.DataFrame(index=range(2)), {"age": AGE}, where="rows")
