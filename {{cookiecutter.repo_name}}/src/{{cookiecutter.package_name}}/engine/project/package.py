"""Which files of the package are whose, the template's or the user's, and which of them a module needs."""

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from .artefact import sha256

NAME = __name__.partition(".")[0]
FOLDER = Path(__file__).parents[2]
YOURS = ("features.py", "models.py")
FRONT = "__init__.py __main__.py cli.py data.py evaluate.py explore.py pipeline.py predict.py py.typed train.py".split()
SERVICE = "service"  # a folder beside the engine, from the template too; a project may have been made without it
LOCK = "requirements.lock"
MANIFEST = "MANIFEST.sha256"
BY_NAME = frozenset(("importlib.import_module", "importlib.resources.files", "pkgutil.get_data"))
NO_CODE = frozenset(("__pycache__", ".ipynb_checkpoints", ".DS_Store"))


def code(folder: Path) -> Iterator[Path]:
    """Every file in a folder, if it is there, in order, without what Python and other programs leave there."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name in NO_CODE:
            continue
        if path.is_dir():
            yield from code(path)
        else:
            yield path


def yours(folder: Path) -> list[Path]:
    """The user's files: `features.py`, `models.py`, and every module or folder that the template does not have."""
    ours = {"engine", SERVICE, *FRONT}
    return [path for path in code(folder) if path.relative_to(folder).parts[0] not in ours]


def edited(folder: Path) -> list[str]:
    """Files of the engine that are not as the template made them: changed, added or gone.

    The digests are in `engine/MANIFEST.sha256`, one line a file as `sha256sum` writes it; [] without that file.
    """
    manifest = folder / "engine" / MANIFEST
    if not manifest.is_file():
        return []
    lines = (line.split(maxsplit=1) for line in manifest.read_text(encoding="utf-8").splitlines())
    made = {name: digest for digest, name in lines}
    here = {path.relative_to(manifest.parent).as_posix(): sha256(path) for path in code(manifest.parent)}
    return sorted(name for name in {*made, *here} - {MANIFEST} if made.get(name) != here.get(name))


def needed(folder: Path, modules: Iterable[str], *, late: bool = True) -> list[Path]:
    """The files of the package in `folder` that modules, by dotted name ("" is the package), import, and so on.

    With `late` imports inside of functions count, but not those of an `__init__.py`, which offer what few ask for.
    What is imported by a written name cannot be seen.
    """
    found: set[Path] = set()
    waiting = ["", *modules]
    while waiting:
        dotted = waiting.pop()
        place = folder.joinpath(*filter(None, dotted.split(".")))
        path = next(filter(Path.is_file, (place / "__init__.py", place.with_suffix(".py"))), None)
        if path is None or path in found:
            continue
        found.add(path)
        waiting.append(dotted.rpartition(".")[0])  # Python runs the package of a module first
        names = imported(path, folder, late=late and path.name != "__init__.py")
        waiting += [name.partition(".")[2] for name in names if name.split(".")[0] == NAME]
    return sorted(found)


def foreign(paths: Iterable[Path], folder: Path) -> set[str]:
    """The top names, such as `sklearn`, of what files in a package import, and that is neither its own nor Python's."""
    names = (name for path in paths if path.suffix == ".py" for name in imported(path, folder))
    return {name.split(".")[0] for name in names} - {NAME} - sys.stdlib_module_names


def imported(path: Path, folder: Path, *, late: bool = True) -> Iterator[str]:
    """The whole dotted names that a file of the package in `folder` imports; some are of functions and classes."""
    tree, here = parsed(path), [NAME, *path.relative_to(folder).parent.parts]
    for node in ast.walk(tree) if late else tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            yield from (origin, *(f"{origin}.{alias.name}" for alias in node.names))


def looked_up(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a file that ask for a part of the package by its written name, which no copy can turn to itself."""
    nodes, known = list(ast.walk(parsed(path))), dict[str, str]()
    for node in nodes:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            origin = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            known |= {part.asname or part.name: origin + part.name for part in node.names}
    for call in nodes:
        if isinstance(call, ast.Call) and call.args:
            first, _, rest = ast.unparse(call.func).rpartition(".")
            if (f"{known.get(first, first)}.{rest}" if first else known.get(rest)) not in BY_NAME:
                continue
            for part in ast.walk(call.args[0]):  # of an f-string, what stands before the braces
                if isinstance(part, ast.Constant) and str(part.value).partition(".")[0] == NAME:
                    yield call.lineno, str(part.value)


def parsed(path: Path) -> ast.Module:
    """A file of the user's as a tree, empty of what is no Python: who imports that is told so by Python."""
    try:
        return ast.parse(path.read_bytes(), path)
    except (SyntaxError, ValueError):
        return ast.Module([], [])
