"""Load a run's model with the run's own copy of the package, so that it answers as on the day it was trained.

Used by `runs.load`, after every file was compared with its digest.
"""

import importlib
import importlib.util
import pickle
import shutil
import sys
from pathlib import Path
from types import ModuleType

from . import errors


def load_code(code: Path) -> ModuleType:
    """Import `models/<run>/code` under a name of its own, beside the present package."""
    alias = f"{__package__}_run_{code.parent.name.replace('-', '_')}"
    if alias not in sys.modules:
        # Bytecode is not on record, and Python would take it for the code that is.
        shutil.rmtree(code / "__pycache__", ignore_errors=True)
        spec = importlib.util.spec_from_file_location(
            alias, code / "__init__.py", submodule_search_locations=[str(code)]
        )
        sys.modules[alias] = module = importlib.util.module_from_spec(spec)
        sys.modules[f"{alias}.errors"] = errors  # so that its errors are caught as ours
        spec.loader.exec_module(module)
    return sys.modules[alias]


class OwnCode(pickle.Unpickler):
    """Unpickle with the package's classes and functions taken from the run's own copy.

    Parameters
    ----------
    file : binary file
        Its digest has been checked.
    alias : str
        The name under which `load_code` imported the copy.
    """

    def __init__(self, file, alias: str) -> None:
        super().__init__(file)
        self._alias = alias

    def find_class(self, module: str, name: str):
        """Look a global up, in the run's copy if it is the package's."""
        if module.split(".")[0] == __package__:
            module = self._alias + module[len(__package__) :]
            importlib.import_module(module)
        return super().find_class(module, name)
