import subprocess
import sys

from data_science_project.engine.project import package

MODULES = [
    ".".join((package.NAME, *path.relative_to(package.FOLDER).with_suffix("").parts)).removesuffix(".__init__")
    for path in package.code(package.FOLDER)
    if path.suffix == ".py" and path.name != "__main__.py"
]


def test_importing_every_module_prints_and_creates_nothing(tmp_path):
    code = f"import importlib\nfor name in {MODULES}:\n    importlib.import_module(name)"
    command, path = [sys.executable, "-B", "-W", "error", "-c", code], {"PYTHONPATH": str(package.FOLDER.parent)}

    done = subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, check=True)

    assert (done.stdout, done.stderr, list(tmp_path.iterdir())) == (b"", b"", [])
