import pytest

from data_science_project.engine.project import package


@pytest.fixture
def folder(make_project):
    """The package of a throw-away project."""
    return make_project().package


def test_edited_added_and_lost_files_of_the_engine_are_named(folder):
    engine, as_it_came = folder / "engine", package.edited(folder)
    (engine / "runs" / "mine.py").write_text("")
    (engine / "report" / "verdict.py").unlink()
    with (engine / "modelling" / "split.py").open("a") as file:
        file.write("# mine\n")

    assert as_it_came == []
    assert package.edited(folder) == ["modelling/split.py", "report/verdict.py", "runs/mine.py"]


def test_own_files_are_the_two_to_edit_and_whatever_the_template_does_not_have(folder):
    (folder / "tools").mkdir()
    (folder / "tools" / "prices.csv").write_text("a,b\n")
    (folder / "mytools.py").write_text("")
    (folder / "__pycache__").mkdir(exist_ok=True)
    (folder / "__pycache__" / "mytools.cpython-311.pyc").write_bytes(b"")

    yours = [path.relative_to(folder).as_posix() for path in package.yours(folder)]

    assert yours == ["features.py", "models.py", "mytools.py", "tools/prices.csv"]
