"""Downloads one file over http(s): checked for its length, and tried anew after a cut.

Used by `remote.py`.
"""

import logging
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import click
import requests
import urllib3

from ..project.credentials import redacted, safe_name, without_secrets
from ..project.errors import DataError
from .packing import DAMAGED, check_size, inflated

log = logging.getLogger(__name__)
TRIES = 5
PAUSE = 0.5  # seconds before the second try, doubled each time
TIMEOUT = (10, 30)  # seconds to connect, seconds without a byte
CHUNK = 1 << 18
LATER = {408, 425, 429, 500, 502, 503, 504}  # answers that another try may better


class Unfinished(Exception):
    """A try ended early; another may do better."""


def download(address: str, source: str, folder: Path, most: float) -> dict[str, str]:
    """Download an `http(s)://` address, credentials in it allowed, into `folder`, a new one in `data/raw/`.

    Returns `url` (after redirects, without credentials) and, where the server sent them, `etag` and `last_modified`.
    The log and the file's name are made from `source`, the address as it may be shown. A `DataError` if it is refused
    by the server, empty, larger than `most` bytes, or still incomplete after `TRIES` tries.
    """
    body, tries = folder / safe_name(unquote(urlsplit(redacted(source)).path).rstrip("/")), 1
    with requests.Session() as session:
        while True:
            try:
                return _attempt(session, address, body, most)
            except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError, Unfinished) as error:
                if tries == TRIES:
                    cure = "Check the address and the network, then run it again."
                    raise DataError(f"{_reason(error)}, {TRIES} tries.\n{cure}") from None
                log.warning("%s: %s; trying again", redacted(source), without_secrets(_reason(error), source))
                time.sleep(PAUSE * 2 ** (tries - 1))
                tries += 1
            except requests.RequestException as error:  # no address, a redirect loop, a redirect to another scheme
                cure = "Allowed: an address that leads to http(s)://."
                raise DataError(f"{_reason(error)}.\n{cure}") from None


def _attempt(session: requests.Session, address: str, body: Path, most: float) -> dict[str, str]:
    """Ask once; return what the card is to say when the file is complete."""
    headers = {"Accept-Encoding": "identity"}  # bytes as they lie there: else the length would not fit
    with session.get(address, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if not answer.ok:
            found = f"the server answers {answer.status_code} {answer.reason}"
            lasting = DataError(f"{found}.\nCheck the address and the rights.")
            raise Unfinished(found) if answer.status_code in LATER else lasting
        _receive(answer, body, most)
        _decode(body, answer.headers.get("Content-Encoding", "identity").lower(), most)
    parts = urlsplit(answer.url)
    url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    about = {"url": url, "etag": answer.headers.get("ETag"), "last_modified": answer.headers.get("Last-Modified")}
    return {key: value for key, value in about.items() if value}


def _receive(answer: requests.Response, body: Path, most: float) -> None:
    """Write the bytes of an answer as they are sent; check that all that were announced have come."""
    announced, size = answer.headers.get("Content-Length", ""), 0
    total = int(announced) if announced.isdigit() else None
    check_size(total or 0, most)
    quiet = total is None or not sys.stderr.isatty()
    bar = click.progressbar(length=total or 0, label="download", hidden=quiet, file=sys.stderr)
    with body.open("wb") as file, bar:
        while chunk := answer.raw.read1(CHUNK, decode_content=False):
            file.write(chunk)
            bar.update(len(chunk))
            size += len(chunk)
            check_size(size, most)
    if total is not None and size < total:
        raise Unfinished(f"cut after {size:,} of {total:,} bytes")
    if not size:
        raise DataError("the server sent an empty file. Check the address.")


def _decode(body: Path, encoding: str, most: float) -> None:
    """Unpack in its place what a server packed though asked not to; one that is cut short is not finished."""
    if encoding in ("gzip", "x-gzip", "zstd"):
        try:
            body.write_bytes(inflated(body.read_bytes(), most))
        except DAMAGED as error:
            raise Unfinished(f"cut short, or damaged ({error})") from None
    elif encoding != "identity":
        raise DataError(f"the server packs it as {encoding!r}, though asked not to.\nDownload it by hand.")


def _reason(error: Exception) -> str:
    cause = getattr(error, "args", None) and error.args[0]
    return str(getattr(cause, "reason", None) or error).splitlines()[0][:200].rstrip(".")
