"""Ordinary tables, and what is suspected in a table."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from data_science_project.engine.checks import suspicions
from data_science_project.engine.columns import dictionary, infer
from data_science_project.engine.modelling import split
from data_science_project.engine.project import settings

SIZE = 300


@pytest.fixture
def table():
    """Ordinary rows: a number, a category, and a yes or no that depends on the number a little."""
    random = np.random.default_rng(0)
    number = random.normal(0, 1, SIZE)
    answer = np.where(number + random.normal(0, 2, SIZE) > 0, "yes", "no")
    return pd.DataFrame({"number": number, "colour": random.choice(["red", "blue"], SIZE), "answer": answer})


@pytest.fixture
def amounts(table):
    """The same with three amounts that say nothing of the answer."""
    random = np.random.default_rng(1)
    return table.assign(**{name: random.gamma(2, 10, SIZE) + 1 for name in ("web", "shop", "phone")})


@pytest.fixture
def suspect():
    """The findings in a table of native types, divided as it would be."""

    def find(table, target="answer", by="stratified", drop=(), groups=()):
        inferred, _ = infer.infer(table, target=target, split_by=by, read={})
        columns = dictionary.without(inferred, drop)
        columns |= {name: replace(columns[name], role="group") for name in groups}
        parts = split.split(table, target, settings.Split(by=by))
        return suspicions.find(table, parts, columns, by)

    return find
