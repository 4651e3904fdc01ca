"""Addresses with their secrets for who connects; without them for messages, records and names of files.

Used by `source.py` and what it calls, and by `share.py` for the store. `${NAME}` in an address stands for a value of
the environment or of `.env`. Imports the standard library alone, so that "nothing to do" is said at once.
"""

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import DataError

PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# Up to the last @ before the path; a written password may itself have what begins a path, or a query: that has a =.
PASSWORD = r"(://[^/@:\[\s]*):(?!\$\{\w+\}@|\d+[/?#])([^/?#\s]*|[^?\s]*|[^=\s]*|[^@\s]*)@(?![^/?#\s]*\?[^=@\s]*@)"
WRITTEN_TOKEN = r"(?i)([?&][^=&\s]*(?:sig|token|key|secret|credential|passw|auth)[^=&\s]*=)(?!\$\{)[^&\s]+"
LONG = 8  # characters: shorter values of .env are words that stand in any code


def redacted(source: str) -> str:
    """Return a source as messages and cards show it: `${NAME}` as it stands, a written password or token as ``***``."""
    if "://" not in source and "=" not in source:  # 2 ms to compile the patterns
        return source
    return re.sub(WRITTEN_TOKEN, r"\1***", re.sub(PASSWORD, r"\1:***@", source))


def masked(parameters: Mapping) -> dict:
    """Return parameters as records may keep them: written passwords and tokens in `source` or `data.source` masked."""
    kept: dict[str, Any] = {key: masked(v) if isinstance(v, Mapping) else v for key, v in parameters.items()}
    return {key: redacted(value) if key in ("source", "data.source") else value for key, value in kept.items()}


def without_secrets(text: str, source: str) -> str:
    """Return a text in which what `${NAME}` stands for in `source` is `${NAME}` again."""
    from urllib.parse import quote  # 2 ms, for sources with secrets alone

    values = {os.environ.get(name, ""): name for name in PLACEHOLDER.findall(source)}
    for value in sorted(values, key=len, reverse=True):
        for spelling in {value, quote(value, safe="")} if len(value) > 2 else ():
            text = text.replace(spelling, f"${{{values[value]}}}")
    return redacted(text)


def filled_in(root: Path, source: str) -> str:
    """Return a source with the environment's values, `.env` of the project included, in place of `${NAME}`."""
    if (root / ".env").is_file() and ("${" in source or "://" in source):
        import dotenv

        dotenv.load_dotenv(root / ".env")
    if missing := [name for name in PLACEHOLDER.findall(source) if name not in os.environ]:
        raise DataError(f"{redacted(source)}: {', '.join(missing)} is not set. Set it in .env or in the environment.")
    for name in PLACEHOLDER.findall(source):
        source = source.replace(f":${{{name}}}@", f":{_quoted(os.environ[name])}@")
        source = source.replace(f"${{{name}}}", os.environ[name])
    return with_password(source)


def with_password(address: str) -> str:
    """Return an address in which no mark of its password can be taken for one of the address: ``%40`` for ``@``."""
    return re.sub(PASSWORD, lambda found: f"{found[1]}:{_quoted(found[2])}@", address) if "@" in address else address


def _quoted(password: str) -> str:
    from urllib.parse import quote, unquote  # 2 ms, for sources with secrets alone

    return quote(unquote(password), safe="")  # one that is written so already stays


def found_in(text: str, root: Path) -> list[str]:
    """Return the names in `.env` of the project whose values stand in a text."""
    import dotenv

    known = dotenv.dotenv_values(root / ".env")
    return [name for name, value in known.items() if value and len(value) >= LONG and value in text]


def safe_names(paths: Sequence[str | Path]) -> list[str]:
    """Return the last parts of paths as names of files, numbered where two are alike."""
    names = [safe_name(str(path)) for path in paths]
    return names if len(set(names)) == len(names) else [f"{place:03}-{name}" for place, name in enumerate(names, 1)]


def safe_name(text: str) -> str:
    """Return a text as a file name: letters, digits, `.`, `-`, `_`; no folder, not hidden, at most 100 characters."""
    name = re.sub(r"[^\w.-]+", "_", text.replace("\\", "/").rpartition("/")[2]).lstrip("._")[-100:]
    return f"data-{name}" if name in ("", "source.json") else name  # the card of a dump
