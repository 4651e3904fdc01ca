"""The project's errors: the command line turns each into one message on stderr and an exit code.

A message says what was found, where, what is allowed, and the cure, in at most three lines.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

NAMED = 20  # columns that a line of the log names
CELL_SHOWN, NAME_SHOWN, LINE_SHOWN = 40, 80, 2000  # characters of a cell, a name and a line that a message shows
SOURCE = "source in [data] of params.toml"
NO_DATA = "\nGit keeps no data: put the file there, or run make pull, which takes it from DATA_STORE in .env."
# Control characters but line feed and tab, what turns the direction of writing, invisible ones, half characters.
STEERING = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


class ProjectError(Exception):
    """Something the user can mend; `exit_code` is what the command line returns."""

    exit_code = 1


class SettingsError(ProjectError):
    """`params.toml`, an option or a command is wrong: nothing was started."""

    exit_code = 2


class DataError(ProjectError):
    """A source, a table or a row does not fit what is written about it; `violations` has the cells, if they are known.

    They are what `validate` found, each with its `column`, `problem`, `cure` and `rows`.
    """

    def __init__(self, message: str, violations: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.violations = violations


class SourceError(DataError):
    """The source is not here and could not be fetched: there are no data to work on."""


def missing_file(path: Path, wanted_as: str = SOURCE) -> DataError:
    """Return the error for a path where no file is, with the names nearby."""
    import difflib

    if path.is_dir():
        glob = "" if wanted_as == "INPUT" else ", or a glob: *.csv"
        return DataError(f"{path} is a folder. Name a file in it{glob}.")
    if path.is_symlink() and not path.exists():
        return DataError(f"{path} links to {path.readlink()}, which is not there.\nMend the link or {wanted_as}.")
    if path.exists():
        return DataError(f"{path} is a pipe or a device, no file.\nWrite it to a file first, and name that one.")
    folder = next(parent for parent in path.parents if parent.is_dir())
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    wanted = path.relative_to(folder).parts[0]
    near = difflib.get_close_matches(wanted, names, n=5, cutoff=0.5) or names[:5]
    found = f"{path}: no such file. In {folder} there is: {', '.join(near) or 'nothing'}"
    return DataError(f"{found}.\nMend {wanted_as}.{NO_DATA if wanted_as == SOURCE else ''}")


def failed_import(error: Exception, root: Path) -> ProjectError | None:
    """Return what to say where a module of the project in `root` could not be imported; None of any other error."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    places = [(Path(frame.filename), frame.lineno) for frame in frames if frame.name == "<module>"]
    text = f"{type(error).__name__}: {error}"
    cure = "Mend that line; --debug shows the traceback."
    if isinstance(error, SyntaxError):  # the file that cannot be read has no frame
        places.append((Path(error.filename or ""), error.lineno))
        text = f"{type(error).__name__}: {error.msg}"
    elif isinstance(error, ModuleNotFoundError):
        text = str(error)
        first, package = (error.name or "").partition(".")[0], __name__.partition(".")[0]
        folder = root / "src" / package
        if (folder / first).is_dir() or (folder / f"{first}.py").is_file():
            cure = f"It lies in the package: from {package}.{error.name} import ..."
        elif first != package:
            cure = "Add it to dependencies in pyproject.toml, then: make install"
    elif isinstance(error, ImportError) and (file := Path(error.path or "")).parent.parent == root / "src":
        text = str(error).rpartition(" (")[0]  # the rest is where that module lies
        return ProjectError(f"{text}.\nDefine it in {file.name}, by that name; --debug shows the traceback.")
    code = {root / "src", root / "models"}  # a run imports its copy of the code
    if ours := [(file, line) for file, line in places if code & {*file.parents}]:
        file, line = ours[-1]
        return ProjectError(f"{file.relative_to(root)}, line {line}: {text}.\n{cure}")
    return None


def listed(names: list, most: int = 5) -> str:
    """Return at most so many names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    plain = (" ".join(str(name).split()) for name in names[:most])  # a name may hold line breaks
    return ", ".join(name if len(name) <= NAME_SHOWN else f"{name[:NAME_SHOWN]}…" for name in plain) + more


def counted(number: int, noun: str) -> str:
    """Return a number of things in words: "1 line", "2,000 lines"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shown(cell: str) -> str:
    """Return a cell as messages quote it: in quotes, control characters escaped, shortened."""
    return repr(cell) if len(cell) <= CELL_SHOWN else f"{cell[:CELL_SHOWN]!r}… ({len(cell):,} characters)"


def printable(text: str) -> str:
    """Return the text with what would steer a terminal (colours, the cursor, its title) as escapes, as in `repr`."""
    return STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shortened(text: str) -> str:
    """Return a message as a terminal shows it: `printable`, without the middle of a line that has no end."""
    half, end = LINE_SHOWN // 2, LINE_SHOWN // 4
    lines = (line if len(line) <= LINE_SHOWN else f"{line[:half]} … {line[-end:]}" for line in text.split("\n"))
    return printable("\n".join(lines))
