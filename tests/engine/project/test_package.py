import pytest

from data_science_project.engine.project import artefact, package


@pytest.fixture
def folder(make_project):
    """The package of a throw-away project."""
    return make_project().package


def test_edited_added_and_lost_files_of_the_engine_are_named(folder):
    engine, as_it_came = folder / "engine", package.edited(folder)
    (engine / "runs" / "mine.py").write_text("")
    (engine / "report" / "verdict.py").unlink()
    split = engine / "modelling" / "split.py"
    artefact.write_text(split, split.read_text() + "# mine\n")

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


def test_modules_that_a_module_needs_are_found_whatever_way_they_are_imported(folder):
    for name in ("a", "b", "c", "d", "late", "alone"):
        (folder / f"{name}.py").write_text("")
    (folder / "tools").mkdir()
    (folder / "tools" / "__init__.py").write_text("from ..d import x\n\n\ndef f():\n    from .. import alone\n")
    (folder / "tools" / "deep.py").write_text("import numpy.linalg\nimport tomllib\n")
    (folder / "a.py").write_text(f"from . import b\nfrom {package.NAME}.c import x\nfrom .tools.deep import y\n")
    (folder / "b.py").write_text(f"import {package.NAME}.tools\n\n\ndef f():\n    from .late import z\n")

    whole, early = (package.needed(folder, ["a"], late=late) for late in (True, False))

    found = [path.relative_to(folder).as_posix() for path in whole if "engine" not in path.parts]
    assert found == ["__init__.py", "a.py", "b.py", "c.py", "d.py", "late.py", "tools/__init__.py", "tools/deep.py"]
    assert folder / "late.py" in whole and folder / "late.py" not in early and folder / "alone.py" not in whole
    assert package.foreign(whole, folder) >= {"numpy"} and "tomllib" not in package.foreign(whole, folder)


def test_parts_that_a_file_asks_for_by_their_written_name_are_found_and_nothing_else_is(tmp_path):
    file = tmp_path / "mine.py"
    lines = [
        "import pkgutil, importlib as lib; from importlib import resources; from importlib import import_module as get",
        f"get('{package.NAME}.tools')",
        f"lib.import_module(f'{package.NAME}.{{1}}')",
        f"pkgutil.get_data('{package.NAME}', 'prices.json')",
        f"resources.files('{package.NAME}')",
        f"files('{package.NAME}'); archive.files('{package.NAME}'); get_data('{package.NAME}.csv')",
        "get('numpy')",
        "get('.tools', __package__)",
        f"print('{package.NAME}.tools')",
        "get(f'')",
        "resources.files()",
        "dict({})",
    ]
    file.write_text("\n".join(lines))

    found = [line for line, _ in package.looked_up(file)]

    assert found == [2, 3, 4, 5]


def test_file_that_is_no_python_looks_nothing_up_and_needs_nothing(folder):
    file = folder / "scratch.py"
    file.write_text('print "hello"\n')

    found, needed = list(package.looked_up(file)), package.needed(folder, ["scratch"])

    assert found == [] and file in needed
