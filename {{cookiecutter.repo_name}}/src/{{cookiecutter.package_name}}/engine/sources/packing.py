"""Opens what a table comes packed in: gzip, bzip2, xz or zstd, and the members of a zip or a tar."""

import bz2
import functools
import gzip
import io
import lzma
import math
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from ..project.errors import DataError, listed

BOMB_BYTES, BOMB_RATIO = 1 << 26, 200  # beyond 64 MiB no honest table packs better than 200 : 1
DAMAGED = (
    *(EOFError, OSError, ValueError, RuntimeError, LookupError, zlib.error, lzma.LZMAError, struct.error),
    *(zipfile.BadZipFile, tarfile.TarError),
)
PACKERS: dict[bytes, Callable[[Any], Any]] = {
    rb"\x1f\x8b": gzip.open,
    rb"BZh[1-9](1AY&SY|\x17rE8P\x90)": bz2.open,
    rb"\xfd7zXZ\0": lzma.open,
    rb"\x28\xb5\x2f\xfd": functools.partial(pa.CompressedInputStream, compression="zstd"),
}
HIDDEN = re.compile(r"^__MACOSX/|(^|/)\.[^/]*$")  # what packers of macOS add
# Texts and pictures that lie beside a table.
NO_TABLE = re.compile(
    r"(?i)(^|/)(readme|licen[cs]e|copying|notice|changelog|citation|index)[^/.]*(\.txt|\.rst)?$"
    r"|\.(md|pdf|html?|names|docx?|rtf|png|jpe?g|gif)$"
)
OFFICE = {"content.xml": "OpenDocument", "word/document.xml": "Word", "ppt/presentation.xml": "PowerPoint"}
Members = dict[str, tuple[int, Callable[[], bytes]]]  # by name: how many bytes, and what reads them


def unpacked(path: Path, member: str = "", most: float = math.inf) -> tuple[dict[str, bytes], list[str]]:
    """Return the bytes of a file, or of what it packs, by name, and what was decided.

    A member of a zip or a tar, or a glob of them, can be named, and may be packed once more itself; "" takes the only
    one that is no text beside a table. `most` is how many bytes it may unpack to. A `DataError` if it is damaged, cut
    short, locked, a bomb, larger than `most`, or an archive of several tables and none is named.
    """
    packed = path.read_bytes()
    try:
        content = inflated(packed, most)
        members = _members(content, most)
        if members is None and member:
            raise DataError(f"no zip or tar, so it has no member {member!r}.\nTake member= out of source.")
        if members is None:
            return {path.name: content}, []
        chosen, notes = _chosen(sorted(members), member, path.name)
        _check_bomb(sum(members[name][0] for name in chosen), len(content), most)
        found = {name: inflated(members[name][1](), most) for name in chosen}
        if twice := [name for name in chosen if _members(found[name], most) is not None]:
            raise DataError(f"an archive in an archive, {twice[0]}. Unpack it first.")
        return found, notes
    except DAMAGED as error:
        reason = f"packed, but damaged, cut short or locked ({error})"
        raise DataError(f"{reason}.\nFetch it again, or unpack it first.") from None


def inflated(content: bytes, most: float = math.inf) -> bytes:
    """Return what gzip, bzip2, xz or zstd packed; other bytes as they are."""
    opener = next((opener for start, opener in PACKERS.items() if re.match(start, content)), None)
    if opener is None:
        return content
    raw, chunks, size = io.BytesIO(content), [], 0
    with opener(raw) as stream:
        while chunk := stream.read(1 << 22):
            size += len(chunk)
            _check_bomb(size, raw.tell(), most)
            chunks.append(chunk)
    return b"".join(chunks)


def _members(content: bytes, most: float) -> Members | None:
    """Return the files of a zip or a tar, but hidden ones; None for other bytes, and for a workbook."""
    found: Members = {}
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        zipped = zipfile.ZipFile(io.BytesIO(content))
        for info in zipped.infolist():
            if not info.is_dir():
                found[info.filename] = info.file_size, functools.partial(zipped.read, info)
    elif content[257:262] == b"ustar":
        tarred = tarfile.open(fileobj=io.BytesIO(content), mode="r:")
        for entry in tarred:
            if stream := tarred.extractfile(entry):
                found[entry.name] = entry.size, stream.read
        if content[tarred.offset :].strip(b"\0") or not content.endswith(bytes(tarfile.BLOCKSIZE)):
            raise EOFError("the end of the archive is missing")  # the library stops there and says nothing
    else:
        return None
    kind = found["mimetype"][1]() if "mimetype" in found else b""
    if {"xl/workbook.xml", "xl/workbook.bin"} & {*found} or kind.endswith(b".opendocument.spreadsheet"):
        _check_bomb(sum(size for size, _ in found.values()), len(content), most)
        return None
    if office := [kind for name, kind in OFFICE.items() if name in found]:
        raise DataError(f"an office file of the kind {office[0]}. Open it and save the table as .xlsx or CSV.")
    return {name: entry for name, entry in found.items() if not HIDDEN.search(name)}


def _chosen(names: list[str], wanted: str, archive: str) -> tuple[list[str], list[str]]:
    """Return the names of the members to read, and what was decided."""
    if wanted:
        found = [name for name in names if name == wanted or PurePosixPath(name).match(wanted)]
        if not found:
            raise DataError(f"no member {wanted!r}. Members: {listed(names, 20)}.\nMend member= in source.")
        return found, [f"members read: {listed(found, 20)}"]
    tables = [name for name in names if not NO_TABLE.search(name)] or names
    if len(tables) != 1:
        cure = "Name one, or several of the same columns by a glob, in source"
        example = f"{archive}?member={tables[0] if tables else 'table.csv'}"
        raise DataError(f'an archive of {len(tables)} files ({listed(tables, 20)}).\n{cure}: "{example}".')
    beside = listed([name for name in names if name not in tables])
    return tables, [f"'{tables[0]}' of the archive read; beside it: {beside}"] if beside else []


def _check_bomb(size: int, packed: int, most: float) -> None:
    if size > BOMB_BYTES and size > BOMB_RATIO * packed:
        found = f"unpacks to over {BOMB_RATIO} times its size: refused as a bomb"
        raise DataError(f"{found}. If you trust it, unpack it first.")
    check_size(size, most)


def check_size(size: int, most: float) -> None:
    """Refuse a download, or what a file unpacks to, beyond `[data] max_gigabytes`."""
    if size > most:
        found = f"more than {most / 1e9:g} GB ({size / 1e9:.3g} GB or more)"
        raise DataError(f"{found}.\nRaise max_gigabytes in [data] of params.toml, or take a part of it.")
