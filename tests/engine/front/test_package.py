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


def test_threads_of_a_command_soon_wait_asleep_unless_the_environment_says_otherwise():
    names = "GOMP_SPINCOUNT", "OPENBLAS_THREAD_TIMEOUT"
    code = f"import os, {package.NAME}.__main__\nprint(*map(os.environ.get, {names}))"
    path = {"PYTHONPATH": str(package.FOLDER.parent)}

    for set_, said in (({}, "30000 4"), ({"GOMP_SPINCOUNT": "7"}, "7 4")):
        done = subprocess.run([sys.executable, "-c", code], env=path | set_, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == said
