import tomllib

import pytest

from data_science_project.engine.project import package, settings
from data_science_project.engine.runs import packages

PYPROJECT = '[project]\ndependencies = ["numpy>=2.1", "Some_Trees>=1", "click>=8.1"]\n'
LOCK = "# made\nclick==8.3.0\nnumpy==2.4.0\nscipy==1.17.1\nsome-trees==1.2 ; python_version >= '3.11'\n"


@pytest.fixture
def project(make_project):
    project = make_project()
    (project.root / "pyproject.toml").write_text(PYPROJECT)
    (project.root / "requirements.lock").write_text(LOCK)
    return project


def test_dependency_that_the_user_added_matters_and_its_line_of_the_lock_and_a_tool_does_not(project):
    lines = packages.pinned(project)
    (project.root / "requirements.lock").unlink()

    assert packages.names(project) == {"numpy", "pandas", "scikit-learn", "scipy", "some-trees"}
    assert [line.partition("==")[0] for line in lines] == ["numpy", "scipy", "some-trees"]
    assert packages.pinned(project) == []


def test_no_dependency_that_a_project_starts_with_but_those_of_every_model_matters():
    own = settings.load(package.FOLDER)

    assert packages.names(own) == set(packages.ALWAYS)
    wanted = tomllib.loads((own.root / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    assert {line.partition(">")[0] for line in wanted} == {*packages.ALWAYS, *packages.NEVER}


def test_required_are_what_is_imported_and_what_answers_hang_on_in_the_versions_of_the_run():
    versions = {"numpy": "1.0", "scikit-learn": "2.0", "Pillow": "3.0", "ruff": "4.0"}
    record = {"environment": {"packages": versions, "answers_hang_on": ["numpy", "scipy"]}}

    required = packages.required(record, ["sklearn", "PIL", "no_such"])

    assert required == ["numpy==1.0", "Pillow==3.0", "scikit-learn==2.0"]
