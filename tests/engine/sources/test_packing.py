"""What a table comes packed in is opened; what is damaged, a bomb or holds several tables is refused."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pyarrow as pa
import pytest

from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import packing, read

TEXT = b"a,b\n1,2\n3,4\n"
ROWS = [["1", "2"], ["3", "4"]]


def zipped(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def tarred(files):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def zstd(content):
    return pa.compress(content, codec="zstd", asbytes=True)


PACKERS = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstd}
BOTH = {"in/a.csv": TEXT, "in/b.csv": b"b,a\n6,5\n", "README.txt": b"by me"}


@pytest.mark.parametrize("name", PACKERS)
def test_file_packed_in_any_way_is_unpacked_whatever_its_name(table, rows, name):
    pack = PACKERS[name]

    for packed in (pack(TEXT), pack(tarred({"t": TEXT})), zipped({"t": pack(TEXT)}), tarred({"t": pack(TEXT)})):
        assert rows(table(packed, "t.csv")) == ROWS


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_only_table_of_an_archive_is_read_and_what_lies_beside_it_is_said(table, rows, pack):
    files = {"README.md": b"# x", "LICENSE": b"MIT", "in/t": TEXT, "__MACOSX/._t": b"\0", "t.names": b"a b"}

    found = table(pack(files), "t")

    assert rows(found) == ROWS
    assert found.decisions[0] == "'in/t' of the archive read; beside it: LICENSE, README.md, t.names"


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize(
    ("member", "expected"), [("in/b.csv", [["6", "5"]]), ("a.csv", ROWS), ("in/*.csv", [*ROWS, ["5", "6"]])]
)
def test_named_members_of_an_archive_are_read(table, rows, pack, member, expected):
    found = table(pack(BOTH), "t", member=member)

    assert rows(found) == expected
    assert "members read: in/" in found.decisions[0]


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_archive_of_several_tables_is_refused_with_their_names_and_the_cure(refusal, pack):
    message = refusal(pack(BOTH), "t")

    assert "2 files (in/a.csv, in/b.csv)" in message and '"t?member=in/a.csv"' in message


@pytest.mark.parametrize(("content", "said"), [(zipped(BOTH), "Members: README.txt, in/a.csv"), (TEXT, "no zip")])
def test_member_that_is_not_there_is_refused(table, content, said):
    with pytest.raises(DataError, match=said):
        table(content, member="c.csv")


@pytest.mark.parametrize("cut", [10, 200, 600])
@pytest.mark.parametrize("name", [*PACKERS, "tar", "zip"])
def test_what_is_cut_short_is_refused(refusal, name, cut):
    lines = b"".join(b"%d,%d\n" % (n, n * n) for n in range(3000))
    pack = {**PACKERS, "tar": lambda content: tarred({"t": content}), "zip": lambda content: zipped({"t": content})}

    packed = pack[name](b"a,b\n" + lines)

    assert "cut short" in refusal(packed.rstrip(b"\0")[:-cut] if name == "tar" else packed[:-cut], "t")


def test_tar_that_ends_after_its_first_member_or_whose_second_is_damaged_is_refused(refusal):
    packed = tarred({"a.csv": TEXT, "b.csv": TEXT})

    assert "cut short" in refusal(packed[:1024], "t")
    assert "damaged" in refusal(packed[:1024] + b"damaged..." + packed[1034:], "t")


@pytest.fixture
def small_bombs(monkeypatch):
    """What unpacks to more than 1 MiB can be a bomb: to pack the 64 MiB of the project takes seconds."""
    monkeypatch.setattr(packing, "BOMB_BYTES", 1 << 20)


@pytest.mark.parametrize("pack", [*PACKERS.values(), lambda content: zipped({"t": content})])
def test_bombs_are_refused(refusal, small_bombs, pack):
    assert "bomb" in refusal(pack(bytes(2 << 20)), "t")


@pytest.mark.parametrize("content", [gzip.compress(TEXT * 99), tarred({"t": TEXT * 99}), zipped({"t": TEXT * 99})])
def test_what_unpacks_to_more_than_is_allowed_is_refused(written, content):
    with pytest.raises(DataError, match=r"more than 1e-06 GB(.|\n)*max_gigabytes"):
        read.tables([written(content)], read.Known(most=1000))


def test_archive_in_an_archive_is_refused_and_a_workbook_that_is_a_bomb_too(refusal, small_bombs):
    bomb = zipped({"xl/workbook.xml": bytes(2 << 20)})

    assert "an archive in an archive, t.zip" in refusal(zipped({"t.zip": zipped(BOTH)}))
    assert "an office file of the kind OpenDocument" in refusal(zipped({"mimetype": b"x", "content.xml": b"<x/>"}))
    assert "bomb" in refusal(bomb) and "bomb" in refusal(tarred({"t.xlsx": bomb}))


def test_damaged_member_is_refused_by_its_name(table):
    for content, said in ((gzip.compress(TEXT)[:-9], "cut short"), (b"\n", "member=b.csv: .* empty")):
        with pytest.raises(DataError, match=said):
            table(zipped({"a.csv": TEXT, "b.csv": content}), "t", member="*.csv")
