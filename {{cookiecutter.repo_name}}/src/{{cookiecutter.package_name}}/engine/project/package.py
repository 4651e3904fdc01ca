"""Which files of the package are whose: the template's front, its engine, and the user's own."""

from collections.abc import Iterator
from pathlib import Path

from .artefact import sha256

NAME = __name__.partition(".")[0]
FOLDER = Path(__file__).parents[2]
YOURS = ("features.py", "models.py")
FRONT = "__init__.py __main__.py cli.py data.py evaluate.py explore.py pipeline.py predict.py py.typed train.py".split()
SERVICE = "service"  # a folder beside the engine, from the template too; a project may have been made without it
MANIFEST = "MANIFEST.sha256"
NO_CODE = frozenset(("__pycache__", ".ipynb_checkpoints", ".DS_Store"))


def code(folder: Path) -> Iterator[Path]:
    """Every file of a package or of a part of it, in order, without what Python and other programs leave there."""
    for path in sorted(folder.iterdir()):
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
