"""The packages on whose versions the answers of a model hang."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from ..project.package import LOCK
from ..project.settings import Project

ALWAYS = ("numpy", "pandas", "scikit-learn", "scipy")
# Of the dependencies that a project starts with, those that no answer passes through.
NEVER = frozenset(
    "charset-normalizer cleanlab click fsspec jinja2 matplotlib pyarrow python-calamine python-dotenv requests "
    "skrub sqlalchemy threadpoolctl xlsxwriter".split()
)


def names(project: Project) -> set[str]:
    """Those of every model, and the dependencies in `pyproject.toml` that the user added."""
    file = project.root / "pyproject.toml"
    wanted = tomllib.loads(file.read_text("utf-8"))["project"]["dependencies"] if file.is_file() else []
    return {*ALWAYS, *(re.split(r"[^\w.-]", text, maxsplit=1)[0].lower().replace("_", "-") for text in wanted)} - NEVER


def pinned(project: Project) -> list[str]:
    """The lines of `requirements.lock`, if there is one, that name a package on which answers hang."""
    lock, wanted = project.root / LOCK, names(project)
    lines = lock.read_text("utf-8").splitlines() if lock.is_file() else []
    return [line for line in lines if line.partition("==")[0] in wanted]


def required(record: Mapping[str, Any], imported: Iterable[str]) -> list[str]:
    """Lines for pip: the packages that are imported, and those on which answers hang, in the versions of a run."""
    import importlib.metadata  # 8 ms, a tenth of a command that has nothing to do

    versions = {plain(name): (name, version) for name, version in record["environment"]["packages"].items()}
    by_import = importlib.metadata.packages_distributions()
    wanted = {plain(of) for name in imported for of in by_import.get(name, (name,))}
    wanted |= {plain(name) for name in record["environment"].get("answers_hang_on", ALWAYS)}
    return ["==".join(versions[name]) for name in sorted(wanted & set(versions))]


def plain(name: str) -> str:
    """The name of a package as an index compares it."""
    return name.lower().replace("_", "-").replace(".", "-")
