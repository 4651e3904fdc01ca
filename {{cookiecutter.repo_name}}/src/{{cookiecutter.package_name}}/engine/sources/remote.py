"""Fetches what is not a local file: scikit-learn's bundled sets, object stores, databases; http(s) through web.py.

Used by `source.py`, which hands over the folder to fill. Heavy libraries are imported by the function that needs them.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from ..project import artefact
from ..project.credentials import safe_name, safe_names, shown
from ..project.errors import DataError, listed, missing_file

if TYPE_CHECKING:
    import sqlalchemy
BUNDLED = {
    "breast_cancer": "diagnosis",
    "iris": "species",
    "wine": "cultivar",
    "diabetes": "disease_progression",
    "digits": "digit",
}
PACKAGES = {
    "psycopg2": "psycopg2-binary",
    "MySQLdb": "mysqlclient",
    "snowflake": "snowflake-sqlalchemy",
}
EXTRAS = {"s3": "s3", "gs": "gs", "az": "az", "abfs": "az"}  # of pyproject.toml, by the scheme of an object store
QUESTION = re.compile(r"[?&](table|query)=(.*)$", re.DOTALL)
KINDS = "a path, sklearn:<name>, http(s)://, s3://, gs://, az://, or a database address with ?table= or ?query="


def download(root: Path, source: str, address: str, folder: Path) -> dict[str, str]:
    """Fill `folder` with the files of a source.

    Parameters
    ----------
    root : Path
        The project; a relative database file starts here.
    source, address : str
        The source as it is shown, and with its `${NAME}` filled in.
    folder : Path
        Empty; gets one file or several.

    Returns
    -------
    dict
        What the card is to say beside the files: `url`, for http `etag` and `last_modified`, for SQLite `state`.

    Raises
    ------
    DataError
        The source is unknown, unreachable, incomplete or empty, or a package for it is not installed.
    """
    if address.startswith("sklearn:"):
        return _bundled(address.removeprefix("sklearn:"), folder)
    scheme = address.partition("://")[0].lower()
    if scheme in ("http", "https"):
        from . import web

        return web.download(address, source, folder)
    if scheme in EXTRAS:
        return _from_store(scheme, source, address, folder)
    if QUESTION.search(address):
        try:
            return _from_database(root, source, address, folder)
        except DataError as error:
            named = str(error).startswith((shown(source), str(root)))
            raise DataError(str(error) if named else f"{shown(source)}: {error}") from None
    raise DataError(f"{shown(source)}: not a known kind of source.\nAllowed: {KINDS}.")


def _bundled(name: str, folder: Path) -> dict[str, str]:
    if name not in BUNDLED:
        raise DataError(f"sklearn:{name} is not known. Allowed: {', '.join('sklearn:' + known for known in BUNDLED)}.")
    from sklearn import datasets

    options = {"scaled": False} if name == "diabetes" else {}  # in years and mm Hg rather than standardised
    bunch = getattr(datasets, f"load_{name}")(as_frame=True, **options)
    classes = getattr(bunch, "target_names", None)
    readable = classes is not None and classes.dtype.kind in "UO"
    target = bunch.target.map(dict(enumerate(classes))) if readable else bunch.target
    frame = bunch.data.assign(**{BUNDLED[name]: target})
    frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    return {}


def _from_store(scheme: str, source: str, address: str, folder: Path) -> dict[str, str]:
    """Copy the object, or the objects of a glob, through fsspec; its packages find credentials in the environment."""
    import fsspec

    try:
        store, path = fsspec.core.url_to_fs(address)
        objects = sorted(store.glob(path)) if re.search(r"[*?\[]", path) else [path]
        for name, item in zip(safe_names(objects), objects, strict=True):
            store.get_file(item, str(folder / name))
    except ImportError:
        raise DataError(f"{shown(source)}: {not_installed(scheme)}") from None
    except FileNotFoundError:
        objects = []
    except Exception as error:  # each store's package has errors of its own: no credentials, no rights, no network
        reason = f"{shown(source)}: {first_line(error)}"
        raise DataError(f"{reason}.\nCheck the address, and the credentials in the environment or .env.") from None
    if not objects:
        raise DataError(f"{shown(source)}: no such object. Check bucket and name: capitals count.")
    return {"url": address}


def not_installed(scheme: str) -> str:
    """What to do where the package for an object store is missing."""
    where = f'Add "{EXTRAS[scheme]}" to extras in [tool.install]' if scheme in EXTRAS else "Add it to dependencies"
    return f"the package for {scheme}:// is not installed.\n{where} of pyproject.toml, then: make install"


def first_line(error: Exception) -> str:
    """The kind of an error and the first line of what it says, at most 200 characters."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200].rstrip(".")


def _from_database(root: Path, source: str, address: str, folder: Path) -> dict[str, str]:
    """Write a table, or the answer to a query, as Parquet."""
    import sqlalchemy

    found = QUESTION.search(address)
    state = database_state(root, address)
    kind, asked = found[1], found[2] if " " in found[2] else unquote(found[2])
    base, rest = address[: found.start()], ""
    if kind == "table":
        asked, _, rest = asked.partition("&")
    try:
        engine = sqlalchemy.create_engine(_sqlite_read_only(root, base) + (rest and f"?{rest}"))
        with engine.connect() as connection:
            statement = _whole_table(connection, asked) if kind == "table" else sqlalchemy.text(asked)
            rows = connection.execute(statement)
            names, cells = list(rows.keys()), list(zip(*rows.fetchall(), strict=True))
        engine.dispose()
    except ImportError as error:
        package = PACKAGES.get(error.name, error.name)
        cure = f"Add it to dependencies in pyproject.toml, then: make install ({package})"
        raise DataError(f"{shown(source)}: needs {error.name}, which is not installed.\n{cure}") from None
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = first_line(getattr(error, "orig", None) or error)
        raise DataError(f"{shown(source)}: {reason}.\nCheck address, rights and query.") from None
    if not cells:
        raise DataError(f"{shown(source)}: no rows. At least one is needed.")
    _write_parquet(names, cells, folder / f"{safe_name(asked) if kind == 'table' else 'query'}.parquet")
    return {"url": base, "state": state} if state else {"url": base}


def database_state(root: Path, address: str, digest: Callable[[Path], str | None] = artefact.sha256) -> str:
    """Return what tells a SQLite file from what it was, its write-ahead log included; "" of anything else."""
    path = root / Path(unquote(QUESTION.sub("", address).removeprefix("sqlite:///"))).expanduser()
    if not address.startswith("sqlite:///") or not path.is_file():
        return ""
    log = path.with_name(f"{path.name}-wal")
    return artefact.fingerprint([digest(path), digest(log) if log.is_file() else None])


def _sqlite_read_only(root: Path, base: str) -> str:
    """Return the address of a SQLite file that is there, opened so that nothing is created or changed."""
    if not base.startswith("sqlite:///"):
        return base
    path = root / Path(unquote(base.removeprefix("sqlite:///"))).expanduser()
    if not path.is_file():
        raise missing_file(path)
    return f"sqlite:///file:{quote(str(path))}?mode=ro&uri=true"


def _whole_table(connection: "sqlalchemy.Connection", name: str) -> Any:
    import sqlalchemy

    known = sqlalchemy.inspect(connection)
    schema, dot, table = name.rpartition(".")
    names = known.get_table_names() + known.get_view_names()
    if name not in names and dot and known.has_table(table, schema=schema):
        return sqlalchemy.select(sqlalchemy.text("*")).select_from(sqlalchemy.table(table, schema=schema))
    if name not in names:
        raise DataError(f"no table '{name}' in the database. Tables: {', '.join(names[:20]) or 'none'}.")
    return sqlalchemy.select(sqlalchemy.text("*")).select_from(sqlalchemy.table(name))


def _write_parquet(names: list[str], cells: list[tuple], path: Path) -> None:
    import pandas as pd

    from . import formats

    columns = [formats.column(name, values) for name, values in zip(names, map(list, cells), strict=True)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise DataError(f"the query gives {listed(sorted(twice))} twice.\nName each once: SELECT a.id AS a_id, ...")
    pd.DataFrame(dict(zip(names, columns, strict=True))).to_parquet(path, index=False)
