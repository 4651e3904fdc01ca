import ast
import re
import subprocess
import sys
from pathlib import Path

import PACKAGE as package
import pytest

from data_science_project.engine.steps import fresh

FOLDER = Path(package.__file__).parent
MAP = [re.findall(r"\w+", line.partition(": ")[2]) for line in package.__doc__.splitlines() if line.startswith("- ")]
LEVEL = {name: number for number, names in enumerate(MAP) for name in names}
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")


def imported(name):
    """The package's modules that a module imports when it is imported; what a function imports is not among them."""
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level == 1]
    return {other for node in found for other in ([node.module] if node.module else [a.name for a in node.names])}


def test_map_of_the_package_names_every_module_once():
    assert sorted(name for names in MAP for name in names) == MODULES


@pytest.mark.parametrize("name", MODULES)
def test_module_imports_from_its_own_line_of_the_map_and_from_lines_above(name):
    below = [other for other in imported(name) if LEVEL[other] > LEVEL[name]]

    assert not below


@pytest.mark.parametrize("name", MODULES)
def test_freshness_of_a_step_sees_every_import_of_a_module(name):
    path = FOLDER / f"{name}.py"

    assert imported(name) <= set(fresh.module_at(path, path.stat().st_mtime_ns)[1])


def test_importing_every_module_prints_and_creates_nothing(tmp_path):
    names = [f"{package.__name__}.{name}" for name in MODULES if name != "__main__"]
    code = f"import importlib\nfor name in {names}:\n    importlib.import_module(name)"
    command, path = [sys.executable, "-B", "-W", "error", "-c", code], {"PYTHONPATH": str(FOLDER.parent)}

    done = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, check=True)

    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == (b"", b"", [])
