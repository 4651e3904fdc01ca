"""Fetches what is not a local file: scikit-learn's bundled sets, object stores, databases; http(s) through web.py.

Used by `source.py`, which hands over the folder to fill. Heavy libraries are imported by the function that needs them.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from ..project import artefact
from ..project.credentials import redacted, safe_name, safe_names
from ..project.errors import DataError, SourceError, listed, missing_file
from .packing import check_size

if TYPE_CHECKING:
    import sqlalchemy
TARGETS = {"iris": "species", "wine": "cultivar", "diabetes": "disease_progression", "digits": "digit"}
BUNDLED = {"breast_cancer": "diagnosis", **TARGETS}
PACKAGES = {"psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient", "snowflake": "snowflake-sqlalchemy"}
EXTRAS = {"s3": "s3", "gs": "gs", "az": "az", "abfs": "az"}  # of pyproject.toml, by the scheme of an object store
QUESTION = re.compile(r"[?&](table|query)=(.*)$", re.DOTALL)
SOURCES_KNOWN = "a path, sklearn:<name>, http(s)://, s3://, gs://, az://, or a database address with ?table= or ?query="


def download(root: Path, source: str, address: str, folder: Path, most: float) -> dict[str, str]:
    """Fill an empty folder with the files of a source; `address` has its `${NAME}` filled in.

    Of http and object stores at most `most` bytes, of a database all that was asked for. Returned is what the card is
    to say beside the files: `url`, for http `etag` and `last_modified`, for SQLite `state`; nothing of a bundled set. A
    `SourceError`, which begins with the source (or the SQLite file that is missing), if it is unknown, unreachable,
    incomplete or empty, or a package for it is not installed.
    """
    scheme = address.partition("://")[0].lower()
    try:
        if address.startswith("sklearn:"):
            return _bundled(address.removeprefix("sklearn:"), folder)
        if scheme in ("http", "https"):
            from . import web

            return web.download(address, source, folder, most)
        if scheme in EXTRAS:
            return _from_store(address, folder, most)
        if QUESTION.search(address):
            return _from_database(root, address, folder)
        raise DataError(f"not a known kind of source.\nAllowed: {SOURCES_KNOWN}.")
    except DataError as error:
        named = str(error).startswith(str(root))  # a file of SQLite
        raise SourceError(str(error) if named else f"{redacted(source)}: {error}") from None


def _bundled(name: str, folder: Path) -> dict[str, str]:
    if name not in BUNDLED:
        raise DataError(f"not known. Allowed: {', '.join('sklearn:' + known for known in BUNDLED)}.")
    from sklearn import datasets

    options = {"scaled": False} if name == "diabetes" else {}  # in years and mm Hg rather than standardised
    bunch = getattr(datasets, f"load_{name}")(as_frame=True, **options)
    target, classes = bunch.target, bunch.get("target_names")
    if classes is not None and classes.dtype.kind in "UO":
        target = target.map(dict(enumerate(classes)))
    frame = bunch.data.assign(**{BUNDLED[name]: target})
    frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    return {}


def _from_store(address: str, folder: Path, most: float) -> dict[str, str]:
    """Copy the object, or the objects of a glob, through fsspec; its packages find credentials in the environment."""
    import fsspec

    try:
        store, path = fsspec.core.url_to_fs(address)
        objects = sorted(store.glob(path)) if re.search(r"[*?\[]", path) else [path]
        check_size(sum(store.size(item) or 0 for item in objects), most)
        for name, item in zip(safe_names(objects), objects, strict=True):
            store.get_file(item, str(folder / name))
    except ImportError:
        raise DataError(not_installed(address.partition("://")[0])) from None
    except FileNotFoundError:
        objects = []
    except Exception as error:  # each store's package has errors of its own: no credentials, no rights, no network
        cure = "Check the address, and the credentials in the environment or .env."
        raise DataError(f"{first_line(error)}.\n{cure}") from None
    if not objects:
        raise DataError("no such object. Check bucket and name: capitals count.")
    return {"url": address}


def not_installed(scheme: str) -> str:
    """What to do where the package for an object store is missing."""
    where = f'Add "{EXTRAS[scheme]}" to extras in [tool.install]' if scheme in EXTRAS else "Add it to dependencies"
    return f"the package for {scheme}:// is not installed.\n{where} of pyproject.toml, then: make install"


def first_line(error: Exception) -> str:
    """The kind of an error and the first line of what it says, at most 200 characters."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200].rstrip(".")


def _from_database(root: Path, address: str, folder: Path) -> dict[str, str]:
    """Write a table, or the answer to a query, as Parquet."""
    import sqlalchemy

    base, kind, asked = QUESTION.split(address)[:3]
    asked, rest = asked if " " in asked else unquote(asked), ""
    if kind == "table":
        asked, _, rest = asked.partition("&")
    state, location, file = database_state(root, address), base, _sqlite_file(root, base)
    if file is not None:  # opened so that nothing is created or changed
        if not file.is_file():
            raise missing_file(file)
        location = f"sqlite:///file:{quote(str(file))}?mode=ro&uri=true"
    try:
        # Without a pool a connection is closed where it is left, after an error too.
        engine = sqlalchemy.create_engine(location + (rest and f"?{rest}"), poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            statement = _whole_table(connection, asked) if kind == "table" else sqlalchemy.text(asked)
            rows = connection.execute(statement)
            names, cells = list(rows.keys()), list(zip(*rows.fetchall(), strict=True))
    except ImportError as error:
        name = error.name or "a package"
        cure = f"Add it to dependencies in pyproject.toml, then: make install ({PACKAGES.get(name, name)})"
        raise DataError(f"needs {name}, which is not installed.\n{cure}") from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = first_line(getattr(error, "orig", None) or error)
        raise DataError(f"{reason}.\nCheck address, rights and query.") from None
    if not cells:
        raise DataError("no rows. At least one is needed.")
    _write_parquet(names, cells, folder / f"{safe_name(asked) if kind == 'table' else 'query'}.parquet")
    return {"url": base, "state": state} if state else {"url": base}


def database_state(root: Path, address: str, digest: Callable[[Path], str | None] = artefact.sha256) -> str:
    """Return what tells a SQLite file from what it was, its write-ahead log included; "" of anything else."""
    path = _sqlite_file(root, QUESTION.sub("", address))
    if path is None or not path.is_file():
        return ""
    log = path.with_name(f"{path.name}-wal")
    return artefact.fingerprint([digest(path), digest(log) if log.is_file() else None])


def _sqlite_file(root: Path, base: str) -> Path | None:
    """Return the file of a SQLite address; None for the address of a server."""
    name = base.removeprefix("sqlite:///")
    return None if name == base else root / Path(unquote(name)).expanduser()


def _whole_table(connection: "sqlalchemy.Connection", name: str) -> "sqlalchemy.Select":
    import sqlalchemy

    known = sqlalchemy.inspect(connection)
    names = known.get_table_names() + known.get_view_names()
    schema, _, table = (None, "", name) if name in names else name.rpartition(".")
    if name not in names and not (schema and known.has_table(table, schema=schema)):
        raise DataError(f"no table '{name}' in the database. Tables: {', '.join(names[:20]) or 'none'}.")
    return sqlalchemy.select(sqlalchemy.text("*")).select_from(sqlalchemy.table(table, schema=schema))


def _write_parquet(names: list[str], cells: list[tuple], path: Path) -> None:
    import pandas as pd

    from . import formats

    if twice := {name for name in names if names.count(name) > 1}:
        raise DataError(f"the query gives {listed(sorted(twice))} twice.\nName each once: SELECT a.id AS a_id, ...")
    columns = {name: formats.column(list(values), name) for name, values in zip(names, cells, strict=True)}
    pd.DataFrame(columns).to_parquet(path, index=False)
