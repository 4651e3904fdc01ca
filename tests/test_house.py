"""The house: what stands where in the package, and that imports point down, read from the syntax trees."""

import ast
import hashlib
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PROJECT, TEMPLATE

PACKAGE = next((TEMPLATE / PROJECT / "src").iterdir())
ENGINE = PACKAGE / "engine"
ROOMS = re.findall(r"^- (\w+):", (ENGINE / "__init__.py").read_text("utf-8"), re.MULTILINE)
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
MARKER = "py.typed"  # empty: it tells type checkers that the package has types
YOURS = ("features.py", "models.py")
LINES = 18_011


SERVICE_LINES = 6_213


def name_of(path: Path) -> str:
    """`engine/runs/compare.py` -> `engine.runs.compare`."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


NAMES = {name_of(path) for path in MODULES}


def imports(path: Path) -> set[str]:
    """Modules of the package that a module imports, anywhere in it, by dotted name."""
    here = [*path.relative_to(PACKAGE).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            start = ".".join([*here[: len(here) - node.level + 1], *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                inner = f"{start}.{alias.name}".strip(".")
                found.add(inner if inner in NAMES else start)
    return found


def room(name: str) -> str:
    """The room of a module of the engine, "service" beside it, "" for the front."""
    if name.startswith("service."):
        return "service"
    return name.split(".")[1] if name.startswith("engine.") else ""


def test_front_has_twelve_entries_and_the_map_of_the_engine_names_every_room():
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__", MARKER}
    rooms = [path.name for path in ENGINE.iterdir() if path.is_dir() and path.name != "__pycache__"]

    assert len(entries - {"service"}) <= 12 and {*YOURS, "engine"} <= entries, sorted(entries)
    assert sorted(ROOMS) == sorted(rooms)


@pytest.mark.parametrize("path", [path for path in MODULES if ENGINE in path.parents], ids=name_of)
def test_module_of_the_engine_imports_from_its_room_or_from_rooms_above(path):
    found = imports(path)

    assert not [name for name in found if not name.startswith("engine.")], "the engine imports nothing of the front"
    here = ROOMS.index(room(name_of(path))) if room(name_of(path)) else 0
    assert not [name for name in found if room(name) and ROOMS.index(room(name)) > here]


def test_no_two_modules_import_each_other_round_a_circle():
    arrows = {name_of(path): imports(path) - {name_of(path)} for path in MODULES}
    while ends := [name for name, found in arrows.items() if not found & set(arrows)]:
        for name in ends:
            del arrows[name]

    assert not arrows


def test_files_are_at_most_350_lines_long_and_half_of_them_at_most_150_and_all_of_them_do_not_grow():
    sizes = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}

    assert {name: size for name, size in sizes.items() if size > 350} == {}
    assert statistics.median(size for name, size in sizes.items() if size > 1) <= 150
    assert sum(size for name, size in sizes.items() if not name.startswith("service")) <= LINES
    service = [size for name, size in sizes.items() if name.startswith("service")]
    assert max(service) <= 300 and sum(service) <= SERVICE_LINES


def test_no_function_of_the_package_has_more_than_ten_ways_through_it():
    rule = ["--select", "C901", "--config", "lint.mccabe.max-complexity=10"]
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", *rule, str(PACKAGE)]

    done = subprocess.run(command, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout


def test_no_function_of_the_package_takes_more_than_five_parameters():
    takes = {}
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                place = f"{name_of(path)}:{node.lineno}"
                takes[place] = [argument.arg for argument in taken if argument.arg not in ("self", "cls")]

    assert {place: names for place, names in takes.items() if len(names) > 5} == {}


def named(node: ast.stmt) -> dict[str, str]:
    """The constants that a statement names, with their values as they are written."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return {}
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    names, values = [target], [node.value]
    if isinstance(target, ast.Tuple):
        names, values = target.elts, getattr(node.value, "elts", [node.value] * len(target.elts))
    pairs = ((name.id, ast.unparse(value)) for name, value in zip(names, values, strict=True) if hasattr(name, "id"))
    return {name: value for name, value in pairs if name.isupper() and len(name) > 1}  # T stands for a type


def test_constant_that_other_modules_use_has_a_name_that_means_nothing_else():
    homes, used = {}, {"ROUTES": set()}
    for path in MODULES:
        tree = ast.parse(path.read_text("utf-8"))
        for name, value in (pair for node in tree.body for pair in named(node).items()):
            if not value.endswith(f".{name}"):
                homes.setdefault(name, set()).add(name_of(path))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                for alias in node.names:
                    used.setdefault(alias.name, set()).add(name_of(path))
            elif isinstance(node, ast.Attribute):
                used.setdefault(node.attr, set()).add(name_of(path))
    del used["ROUTES"]  # of each module of pages: one thing

    assert {name: places for name, places in homes.items() if len(places) > 1 and name in used} == {}


def test_module_of_the_service_imports_from_those_listed_before_it_and_nothing_of_the_front():
    order = (PACKAGE / "service" / "__init__.py").read_text("utf-8").strip('"\n').rpartition(":\n\n")[2]
    order = order.replace("\n", " ").split(", ")
    for path in (PACKAGE / "service").glob("[!_]*.py"):
        found = imports(path)
        inside = [name.split(".")[1] for name in found if name.startswith("service.")]

        assert all(order.index(name) < order.index(path.stem) for name in inside if path.stem != "verbs"), path.stem
        assert {name.partition(".")[0] for name in found} <= {"engine", "service"}, path.stem


def test_every_module_of_the_engine_and_the_service_has_a_test_of_its_name():
    modules = {path.relative_to(ENGINE) for path in ENGINE.rglob("*.py") if path.name != "__init__.py"}
    modules |= {path.relative_to(PACKAGE) for path in (PACKAGE / "service").glob("[!_]*.py")}
    tests = {path.relative_to(TEMPLATE / "tests" / "engine") for path in (TEMPLATE / "tests/engine").rglob("test_*.py")}

    assert sorted(str(path) for path in modules if path.with_name(f"test_{path.name}") not in tests) == []


@pytest.mark.parametrize("verb", ["data", "train", "evaluate", "predict", "explore", "features"])
def test_step_names_every_room_that_its_code_comes_from(verb):
    tree = ast.parse((PACKAGE / "pipeline.py").read_text("utf-8"))
    steps = next(node.value for node in tree.body if isinstance(node, ast.Assign) and node.targets[0].id == "STEPS")
    call = steps.values[[key.value for key in steps.keys].index(verb)]
    named = set(ast.literal_eval(next(word.value for word in call.keywords if word.arg == "rooms")))
    waiting, seen = ["engine.steps.features" if verb == "features" else verb], set()

    while waiting:
        name = waiting.pop()
        seen.add(name)
        path = PACKAGE / Path(*name.split(".")).with_suffix(".py")
        waiting += [other for other in imports(path) if other not in seen] if path.is_file() else []

    assert {room(name) for name in seen if room(name)} == named


def test_ways_in_the_docs_lead_through_files_and_functions_that_are_there():
    text = (TEMPLATE / "docs" / "house.md").read_text("utf-8")
    steps = re.findall(r"^\d\. `([\w/]+\.py)`: (?:`(\w+))?", text, re.MULTILINE)

    assert len(steps) > 12
    for file, name in steps:
        assert re.search(rf"^(def )?{name}\b", (PACKAGE / file).read_text("utf-8"), re.MULTILINE), (file, name)


def test_manifest_of_the_engine_is_up_to_date():
    lines = (ENGINE / "MANIFEST.sha256").read_text("utf-8").splitlines()
    here = [path for path in ENGINE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    digests = {path.relative_to(ENGINE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in here}
    del digests["MANIFEST.sha256"]

    written = {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}
    assert written == digests, "make fix writes it"
