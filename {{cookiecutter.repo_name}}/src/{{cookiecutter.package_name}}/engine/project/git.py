"""What git knows of the project: the commit, and a patch of all that differs from it."""

import functools
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .errors import DataError

PATCH_LIMIT = 1 << 20  # bytes: a larger file that git does not know is data, unless it is Python
SECRETS = (":(top,exclude,glob)**/.env", ":(top,exclude,glob)**/.env.*")  # even where .gitignore forgot them
# Plumbing and explicit prefixes, so that the user's settings of git do not change the patch.
AS_PATCH = ("--binary", "--no-ext-diff", "--no-textconv", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")


@functools.cache
def commit(root: Path) -> dict[str, Any]:
    """The git commit of the project and whether the tree differs from it; None and True without git."""
    # Without optional locks, for `kill -9` would leave the user's git locked.
    status = attempt(root, "--no-optional-locks", "status", "--porcelain=v2", "--branch", "--no-ahead-behind")
    lines = status.splitlines() if status else ["# branch.oid (initial)"]
    name = next(line for line in lines if line.startswith("# branch.oid ")).split()[-1]
    if name == "(initial)":
        return {"commit": None, "dirty": True}
    return {"commit": name, "dirty": any(not line.startswith("# ") for line in lines)}


def refusal(root: Path, name: str) -> str:
    """Why git does not have a commit, in its own words, "" where it has; one that no branch holds is collected."""
    try:
        return run(root, "cat-file", "-e", f"{name}^{{commit}}")  # which prints nothing
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        return " ".join(said.encode("ascii", "backslashreplace").decode().split())


def author(root: Path, name: str | None) -> str:
    """Who made a commit, "" where git does not have it: anybody can write any name there."""
    return (attempt(root, "show", "--no-patch", "--format=%an <%ae>", name, "--") or "").strip() if name else ""


def attempt(root: Path, *words: str) -> str | None:
    """The output of a git command; None without git, outside of a repository, or if git refuses."""
    try:
        return run(root, *words)
    except (OSError, subprocess.CalledProcessError):
        return None


def patch(root: Path, path: Path) -> list[str]:
    """Write all that differs from the commit, new files included, as a patch for `git apply`.

    It is of the whole repository; the user's staging area and object store stay as they are. Returned are the files
    that are not in it: untracked ones above 1 MiB but for `*.py`, and repositories inside this one. A `DataError` if
    git cannot read a file of the project.
    """
    try:
        places = run(root, "rev-parse", "--show-toplevel", "--git-path", "objects").removesuffix("\n").split("\n")
        top, objects = Path(places[0]), root / places[1]
        untracked = run(top, "ls-files", "--others", "--exclude-standard", "-z").split("\0")
        left_out = [name for name in untracked if name.endswith("/") or (name and too_large(top / name))]
        apart = [f":(top,exclude,literal){name.removesuffix('/')}" for name in left_out]
        with tempfile.TemporaryDirectory() as folder:
            aside = {"GIT_INDEX_FILE": str(Path(folder) / "index"), "GIT_OBJECT_DIRECTORY": folder}
            aside["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(objects)
            run(top, "read-tree", "HEAD", environment=aside)
            run(top, "add", "--all", "--", ":(top)", *SECRETS, *apart, environment=aside)
            run(top, "diff-index", "--cached", *AS_PATCH, f"--output={path.absolute()}", "HEAD", environment=aside)
    except subprocess.CalledProcessError as error:
        raise DataError(f"git cannot say what differs from the commit: {error.stderr.strip()[-200:]}") from None
    return left_out


def too_large(path: Path) -> bool:
    """Whether a file is no source code by its name and size; a link counts as itself."""
    return path.suffix != ".py" and path.lstat().st_size > PATCH_LIMIT


def run(root: Path, *words: str, environment: Mapping[str, str] = MappingProxyType({})) -> str:
    """The output of a git command in the project's root; names of files that are no UTF-8 survive."""
    how: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape", "env": {**os.environ, **environment}}
    return subprocess.run(["git", "-C", str(root), *words], capture_output=True, check=True, **how).stdout
