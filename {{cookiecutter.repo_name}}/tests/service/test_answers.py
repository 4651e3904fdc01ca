"""The service says of your rows what `make predict` says, in every bit, whichever of its two roads they take."""

import json

import pandas as pd
import pytest

from {{ cookiecutter.package_name }}.engine.runs import answers
from {{ cookiecutter.package_name }}.service import drawn, versions

ROWS = 20


@pytest.fixture(scope="module")
def version(own, run):
    return versions.Version(own, run)


@pytest.fixture(scope="module")
def requests(rows):
    """Rows as programs send them."""
    return [json.loads(json.dumps(cells)) for cells in drawn.as_cells(rows.head(ROWS))]


@pytest.fixture(scope="module")
def expected(version, rows):
    return answers.predictions(version.run, rows.head(ROWS), version.policy).drop(columns="run")


def test_row_alone_is_answered_as_predict_answers_it(version, requests, expected):
    said = [(version.fast([row]) or version.reference([row]))[0].output for row in requests]

    assert drawn.differing(pd.DataFrame(said), expected) == ""


def test_rows_together_are_answered_as_predict_answers_them(version, requests, expected):
    said = [one.output for one in version.reference(requests)]

    assert drawn.differing(pd.DataFrame(said), expected) == ""
