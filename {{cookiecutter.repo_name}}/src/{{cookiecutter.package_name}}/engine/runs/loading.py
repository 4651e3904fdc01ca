"""Load a run's model with the run's own copy of the package, so that it answers as on the day it was trained.

The copy is imported under a name of its own, beside the present package and those of other runs. Whatever it imports
by the package's name, in whatever way, comes from the copy: relative, absolute, from a sub-folder, inside a function.
"""

import builtins
import contextlib
import importlib.abc
import importlib.machinery
import importlib.util
import logging
import pickle
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from ..columns.dictionary import Column
from ..project import artefact, errors
from ..project.errors import DataError, ProjectError
from ..project.package import LOCK, NAME, code
from . import signatures
from .environment import other_variables, other_versions
from .registry import CODE, MODEL, read

log = logging.getLogger(__name__)

DOOR = "predict"  # the module of the copy whose function `own` opens the run


@dataclass(frozen=True)
class Run:
    """A run that was loaded and can answer, with the functions and columns of the day when it was trained."""

    name: str
    record: dict[str, Any]  # run.json
    model: Any  # fitted; takes rows after add_features
    columns: dict  # its data dictionary, with the columns of today's code
    add_features: Callable
    validate: Callable
    versions: str = ""  # packages that have other versions now than when it was trained


def check(folder: Path) -> dict[str, Any]:
    """Compare every file of a run with its digest, and ask who signed it, where the team wants to know; its `run.json`.

    A `DataError` if one is missing, was changed, or came later into the code, where it would be imported.
    """
    record = read(folder)
    signatures.check(folder.parents[1], folder.name, record)
    expected = record["files"]
    found = {path.relative_to(folder).as_posix() for path in code(folder / CODE)}
    for name in [*expected, *sorted(found - set(expected))]:
        path = folder / name
        if not path.is_file() or name not in expected or artefact.sha256(path) != expected[name]:
            state = ("was changed" if name in expected else "was added") if path.exists() else "is missing"
            raise DataError(f"{path} {state} since the run was made: it is not loaded.\nTrain again, or restore it.")
    return record


def load(folder: Path) -> Run:
    """Check every file of a run and load its model with the code it was trained with; `DataError` as for `check`."""
    record = check(folder)
    other_variables(folder, record)
    if versions := other_versions(record):
        said = "run %s was trained with %s: its answers may differ in the last digits. To see: make reproduce RUN=%s"
        log.warning(said, folder.name, versions, folder.name)
    with explained(folder.name, versions, "cannot be loaded"), warnings.catch_warnings():
        if versions:  # it is said already, once and not for each part of the model
            warnings.filterwarnings("ignore", message="Trying to unpickle estimator")
        name = record.get("package", NAME)  # of another project, in a model that was exported
        alias = load_code(folder / CODE, name).__name__
        with (folder / MODEL).open("rb") as file:
            model = OwnPickle(file, alias, name).load()
        own = getattr(importlib.import_module(f"{alias}.{DOOR}"), "own", None)
        columns, add_features, validate = own(folder) if own else before_the_engine(folder, alias)
    known = {one.name for one in fields(Column)}  # today's code asks for what an older copy's columns had not yet
    columns = {name: Column(**vars(c)) if vars(c).keys() <= known else c for name, c in columns.items()}
    return Run(folder.name, record, model, columns, add_features, validate, versions)


@contextlib.contextmanager
def explained(run: str, versions: str, what: str) -> Iterator[None]:
    """Name other versions of packages, if there are any, as the cause of an error that is not the project's own."""
    try:
        yield
    except ProjectError:
        raise
    except Exception as error:  # what a package raises that is not the one it was made with, nobody can list
        if not versions:
            raise
        python = re.match(r"Python (3\.\d+)", versions)
        other, also = (", rm -r .venv", f" PYTHON=python{python[1]}") if python else ("", "")
        said = " ".join(str(error).split())[:200]
        raise DataError(
            f"run {run} {what}: {type(error).__name__}: {said}.\nIt was trained with {versions}. Have them again:\n"
            f"{LOCK} of its commit{other}, make install{also}; or see what it says: make reproduce RUN={run}"
        ) from error


def before_the_engine(folder: Path, alias: str) -> tuple[dict, Callable, Callable]:
    """What `own` gives, of a run whose package was still flat."""
    names = ("dictionary", "features", "conform")
    dictionary, features, conform = (importlib.import_module(f"{alias}.{name}") for name in names)
    return dictionary.load(folder / "data_dictionary.toml"), features.add_features, conform.conform


def load_code(folder: Path, name: str = NAME) -> ModuleType:
    """Import `models/<run>/code`, a package of this name, under a name of its own."""
    alias = f"{NAME}_run_{folder.parent.name.replace('-', '_')}"
    if alias not in sys.modules:
        sys.meta_path.insert(0, Finder(alias, folder, name))
        for name in ("errors", "engine.project.errors"):
            sys.modules[f"{alias}.{name}"] = errors  # so that its errors are caught as ours
    return importlib.import_module(alias)


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of a run's copy, `models/<run>/code` of the package `name`, that are imported as `alias`."""

    def __init__(self, alias: str, folder: Path, name: str) -> None:
        self._alias, self._folder, self._name = alias, folder, name

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        """How to load a module, if it is one of the copy."""
        if fullname == self._alias:
            start, places = self._folder / "__init__.py", [str(self._folder)]
            spec = importlib.util.spec_from_file_location(fullname, start, submodule_search_locations=places)
        elif fullname.startswith(f"{self._alias}."):
            spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        else:
            return None
        if spec and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            loader = Loader(fullname, spec.loader.path)
            loader.own, spec.loader = self._name, loader
        return spec


class Loader(importlib.machinery.SourceFileLoader):
    """Runs a module of a copy; what it imports by the package's name, `own`, is looked up in the copy."""

    own = NAME

    def get_code(self, fullname: str) -> Any:
        """Compiled from the source, which is on record; Python would take bytecode that lies beside it."""
        return self.source_to_code(self.get_data(self.path), self.path)

    def exec_module(self, module: ModuleType) -> None:
        """Run it with an `import` statement of its own."""
        alias, own = module.__name__.partition(".")[0], self.own

        def import_own(name, globals=None, locals=None, fromlist=(), level=0):  # noqa: A002 (Python's own names)
            if level == 0 and name.partition(".")[0] == own:
                name = alias + name[len(own) :]
            return builtins.__import__(name, globals, locals, fromlist, level)

        vars(module)["__builtins__"] = {**vars(builtins), "__import__": import_own}
        super().exec_module(module)


class OwnPickle(pickle.Unpickler):
    """Unpickle a file whose digest was checked with what the run's own copy of the package `name`, `alias`, defines."""

    def __init__(self, file: BinaryIO, alias: str, name: str = NAME) -> None:
        super().__init__(file)
        self._alias, self._name = alias, name
        self.modules: set[str] = set()  # what the pickle names, by dotted name

    def find_class(self, module: str, name: str) -> Any:
        """Look a global up, in the run's copy if it is the package's."""
        self.modules.add(module)
        if module.partition(".")[0] == self._name:
            module = self._alias + module[len(self._name) :]
            importlib.import_module(module)
        return super().find_class(module, name)
