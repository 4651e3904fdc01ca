"""Downloads one file over http(s): resumed after a cut, checked for its length, given up when it stalls.

Used by `remote.py`. What arrived before a cut waits in `data/raw/.partial-<digest of the address>/` for the next try
or the next call. It is resumed only where the server vouches (ETag or Last-Modified) that the file is still the same.
"""

import hashlib
import logging
import shutil
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import click
import requests
import urllib3

from ..project.credentials import safe_name, shown, without_secrets
from ..project.errors import DataError
from .packing import DAMAGED, check_size, inflated

log = logging.getLogger(__name__)
TRIES = 5  # in a row without a new byte
PAUSE = 0.5  # seconds before the second try, doubled each time
TIMEOUT = (10, 30)  # seconds to connect, seconds without a byte
SLOW = (60, 10_000)  # seconds in which at least so many bytes must come
CHUNK = 1 << 18
LATER = {408, 425, 429, 500, 502, 503, 504}  # answers that another try may better
NO_REST = {206: "the server sent another part than was asked for", 416: "the server has no more of it than is here"}


class Unfinished(Exception):
    """A try ended early; another may go on where it stopped."""


def download(address: str, source: str, folder: Path, most: float) -> dict[str, str]:
    """Download an `http(s)://` address, credentials in it allowed, into `folder`, a new one in `data/raw/`.

    Returns `url` (after redirects, without credentials) and, where the server sent them, `etag` and `last_modified`.
    The log and the file's name are made from `source`, the address as it may be shown. A `DataError` if it is refused
    by the server, empty, larger than `most` bytes or the disk's free space, or still incomplete after `TRIES` tries.
    """
    partial = folder.parent / f".partial-{hashlib.sha256(address.encode()).hexdigest()[:16]}"
    partial.mkdir(exist_ok=True)
    try:
        with requests.Session() as session:
            about = _persist(session, address, source, partial, most)
        (partial / "body").replace(folder / safe_name(unquote(urlsplit(shown(source)).path).rstrip("/")))
    finally:
        if not (partial / "body").exists():
            shutil.rmtree(partial)
    return about


def _persist(session: requests.Session, address: str, source: str, partial: Path, most: float) -> dict[str, str]:
    """Try until the file is complete, or no try in a row of `TRIES` brings a new byte."""
    body, failures, farthest = partial / "body", 0, 0
    while True:
        try:
            return _attempt(session, address, partial, most)
        except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError, Unfinished) as error:
            size, reason = body.stat().st_size if body.exists() else 0, _reason(error)
            failures, farthest = (0, size) if size > farthest else (failures + 1, farthest)
            if failures >= TRIES:
                cure = "What came is kept: the same command goes on there."
                raise DataError(f"{reason}, {TRIES} tries.\n{cure}") from None
            reason = without_secrets(reason, source)
            log.warning("%s: %s; %d bytes so far, trying again", shown(source), reason, size)
            time.sleep(PAUSE * 2**failures)
        except requests.RequestException as error:  # no address, a redirect loop, a redirect to another scheme
            cure = "Allowed: an address that leads to http(s)://."
            raise DataError(f"{_reason(error)}.\n{cure}") from None


def _attempt(session: requests.Session, address: str, partial: Path, most: float) -> dict[str, str]:
    """Ask once, for the rest where a part is there; return what the card is to say when the file is complete."""
    body, vouched = partial / "body", partial / "validator"
    known = vouched.read_text(encoding="latin-1") if vouched.exists() else ""  # cut by a kill, it fits no file there
    start = body.stat().st_size if body.exists() and known else 0
    headers = {"Accept-Encoding": "identity"}  # bytes as they lie there: else neither length nor range would fit
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": known}
    with session.get(address, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        status = answer.status_code
        continued = status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        if status in LATER:
            raise Unfinished(f"the server answers {status} {answer.reason}")
        if (status == 206 and not continued) or (status == 416 and start):
            body.unlink(missing_ok=True)
            raise Unfinished(NO_REST[status])
        if not answer.ok:
            raise DataError(f"the server answers {status} {answer.reason}.\nCheck the address and the rights.")
        etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
        validator = modified if etag.startswith("W/") else etag or modified  # a weak tag vouches for no bytes
        vouched.write_text(validator, encoding="latin-1")
        _receive(answer, body, start if continued else 0, most)
        _decode(body, answer.headers.get("Content-Encoding", "identity").lower(), most)
    parts = urlsplit(answer.url)
    url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return {key: value for key, value in {"url": url, "etag": etag, "last_modified": modified}.items() if value}


def _receive(answer: requests.Response, body: Path, start: int, most: float) -> None:
    """Write the bytes of an answer as they are sent, from `start` on; check that all that were announced have come."""
    announced = answer.headers.get("Content-Length", "")
    total = start + int(announced) if announced.isdigit() else None
    check_size(total or 0, most)
    if total is not None and total - start > shutil.disk_usage(body.parent).free:
        raise DataError(f"{total:,} bytes, more than the disk has free.\nMake room and run it again.")
    quiet = total is None or not sys.stderr.isatty()
    bar = click.progressbar(length=total or 0, label="download", hidden=quiet, file=sys.stderr)
    with body.open("r+b" if start else "wb") as file, bar:
        file.truncate(start)
        file.seek(start)
        bar.update(start)
        checked, since = time.monotonic(), 0
        while chunk := answer.raw.read1(CHUNK, decode_content=False):
            file.write(chunk)
            bar.update(len(chunk))
            since += len(chunk)
            check_size(file.tell(), most)
            if time.monotonic() - checked > SLOW[0]:
                if since < SLOW[1]:
                    raise Unfinished(f"the server has stalled ({since} bytes in {SLOW[0]} s)")
                checked, since = time.monotonic(), 0
        size = file.tell()
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
