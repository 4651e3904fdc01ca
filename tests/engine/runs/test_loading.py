import pandas as pd
import pytest

from data_science_project.engine.project import package
from data_science_project.engine.runs import loading, registry

TWICE = "def twice(numbers):\n    return numbers * 2\n"
WAYS = {
    "relative": ("mytools.py", "from .mytools import twice", "twice"),
    "absolute": ("mytools.py", f"from {package.NAME}.mytools import twice", "twice"),
    "absolute module": ("mytools.py", f"import {package.NAME}.mytools", f"{package.NAME}.mytools.twice"),
    "package": ("mytools.py", f"from {package.NAME} import mytools", "mytools.twice"),
    "sub-folder": ("tools/numbers.py", "from .tools.numbers import twice", "twice"),
    "sub-folder, absolute": ("tools/numbers.py", f"from {package.NAME}.tools.numbers import twice", "twice"),
    "inside the function": ("mytools.py", "", f"__import__('{package.NAME}.mytools', fromlist=['twice']).twice"),
}


def use(project, file, line, call):
    """Let `add_features` double the amount by a function of the user's own module."""
    own = project.package / file
    own.parent.mkdir(exist_ok=True)
    own.write_text(TWICE)
    features = f"{line}\n\n\ndef add_features(rows):\n    return rows.assign(twice={call}(rows['amount']))\n"
    (project.package / "features.py").write_text(features)
    return own


@pytest.mark.parametrize("way", WAYS)
def test_old_run_answers_the_same_after_a_module_of_the_users_was_edited(project, command, way):
    own = use(project, *WAYS[way])
    first = command(project.root, "-m", package.NAME, "predict", "--output", "first.csv")
    (name, _) = (folder.name for folder in registry.folders(project))
    own.write_text(TWICE.replace("* 2", "* -3"))

    second = command(project.root, "-m", package.NAME, "predict", "--output", "second.csv")
    again = command(project.root, "-m", package.NAME, "predict", "--run", name, "--output", "again.csv")

    assert first.returncode == second.returncode == again.returncode == 0, again.stderr
    assert len(registry.folders(project)) == 3, "the edit was noticed: it trained again"
    answers = {file: (project.root / f"{file}.csv").read_text() for file in ("first", "second", "again")}
    assert answers["again"] == answers["first"] != answers["second"]


def test_run_keeps_the_whole_tree_of_the_package(project):
    (folder,) = registry.folders(project)

    kept = {path.relative_to(folder / "code") for path in package.code(folder / "code")}

    assert kept == {path.relative_to(project.package) for path in package.code(project.package)}


def test_bytecode_beside_the_copy_is_not_run(project):
    (folder,) = registry.folders(project)
    cache = folder / "code" / "__pycache__"
    cache.mkdir()
    (cache / "features.cpython-311.pyc").write_bytes(b"planted")

    run = loading.load(folder)

    assert run.add_features(pd.DataFrame({"amount": [1.0]})).shape == (1, 1)


def test_run_of_a_flat_package_still_answers(tmp_path):
    code = tmp_path / "2020-01-01-000000-f1a7f1a7" / "code"
    code.mkdir(parents=True)
    (code / "__init__.py").write_text("")
    (code / "dictionary.py").write_text("def load(path):\n    return {'path': path.name}\n")
    (code / "features.py").write_text("def add_features(rows):\n    return 'added'\n")
    (code / "conform.py").write_text("def conform(rows):\n    return 'checked'\n")

    columns, add_features, validate = loading.before_the_engine(code.parent, loading.load_code(code).__name__)

    assert columns == {"path": "data_dictionary.toml"}
    assert (add_features(None), validate(None)) == ("added", "checked")
