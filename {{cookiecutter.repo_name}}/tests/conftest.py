"""What the tests of your data, features and model share: this project as it stands; skipped where there are no data."""

from pathlib import Path

import pandas as pd
import pytest

from {{ cookiecutter.package_name }} import pipeline
from {{ cookiecutter.package_name }}.engine.columns import dictionary
from {{ cookiecutter.package_name }}.engine.project import settings
from {{ cookiecutter.package_name }}.engine.project.errors import SourceError
from {{ cookiecutter.package_name }}.engine.runs import answers, loading, share, track

ROWS = 200  # of the test split, so that the tests stay quick on a large table


@pytest.fixture(scope="session", autouse=True)
def alone():
    """Nothing that a test does reaches the team's MLflow server or store, whatever the user's `.env` says."""
    with pytest.MonkeyPatch.context() as patch:
        for name in (track.VARIABLE, share.VARIABLE):
            patch.setenv(name, "")
        yield


@pytest.fixture(scope="session")
def own():
    """The user's project."""
    return settings.load(Path(__file__).parent)


@pytest.fixture(scope="session")
def columns(own, run):
    """The user's data dictionary."""
    return dictionary.of(own)


@pytest.fixture(scope="session")
def clean(own, run):
    """The user's clean table."""
    return pd.read_parquet(own.clean)


@pytest.fixture(scope="session")
def splits(own, run):
    """The user's three splits, by name."""
    return {part: pd.read_parquet(own.split(part)) for part in settings.PARTS}


@pytest.fixture(scope="session")
def run(own):
    """The folder of the run that the present parameters, data and code make; made here if `make train` was not."""
    try:
        return pipeline.make(own, "train")[0].parent
    except SourceError as error:
        pytest.skip(f"no data here: {str(error).splitlines()[0]}")


@pytest.fixture(scope="session")
def model(run):
    """The user's model, loaded."""
    return loading.load(run)


@pytest.fixture(scope="session")
def rows(own, model):
    """At most ROWS rows of the test split, without the target, as `predict` reads them."""
    return answers.test_rows(own, model).head(ROWS)
