"""The packages on whose versions the answers of a model hang."""

import re
import tomllib

from ..project.settings import Project

ALWAYS = ("numpy", "pandas", "scikit-learn", "scipy")
# Of the dependencies that a project starts with, those that no answer passes through.
NEVER = frozenset(
    "charset-normalizer cleanlab click fsspec jinja2 matplotlib pyarrow python-calamine python-dotenv requests "
    "skrub sqlalchemy threadpoolctl".split()
)


def names(project: Project) -> set[str]:
    """Those of every model, and the dependencies in `pyproject.toml` that the user added."""
    file = project.root / "pyproject.toml"
    wanted = tomllib.loads(file.read_text("utf-8"))["project"]["dependencies"] if file.is_file() else []
    return {*ALWAYS, *(re.split(r"[^\w.-]", text, maxsplit=1)[0].lower().replace("_", "-") for text in wanted)} - NEVER


def pinned(project: Project) -> list[str]:
    """The lines of `requirements.lock`, if there is one, that name a package on which answers hang."""
    lock, wanted = project.root / "requirements.lock", names(project)
    lines = lock.read_text("utf-8").splitlines() if lock.is_file() else []
    return [line for line in lines if line.partition("==")[0] in wanted]
