import hashlib
import os
import stat

import pytest

from data_science_project.engine.project import records
from data_science_project.engine.sources import source

TABLE = b"a,b\n" + b"1,2\n" * 50


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(TABLE)
    return path


def test_a_dump_holds_the_bytes_a_card_and_is_read_only(fetch, dumps, file):
    dump = fetch("t.csv")

    digest = hashlib.sha256(TABLE).hexdigest()
    assert dump.files[0].read_bytes() == TABLE
    assert dump.folder.name == f"{dump.card['fetched'][:10]}-{digest[:8]}"
    assert records.read_sealed(dump.folder / "source.json") == dump.card
    assert dump.card["files"] == [{"name": "t.csv", "sha256": digest, "bytes": len(TABLE)}]
    assert dump.card["path"] == str(file)
    assert {stat.S_IMODE(path.stat().st_mode) for path in dump.folder.iterdir()} == {0o444}
    assert dumps() == [dump.folder.name]


def test_an_address_of_a_file_is_its_path(fetch, dumps, tmp_path):
    path = tmp_path / "größer als 1 #.csv"
    path.write_bytes(TABLE)

    dump = fetch(path.as_uri())

    assert "%20" in path.as_uri() and dump.card["path"] == str(path)
    assert fetch(str(path)) == dump and dumps() == [dump.folder.name]
    assert source.parted(f"{path.as_uri()}?member=*.csv") == (str(path), "*.csv")


def test_a_source_that_is_unchanged_or_gone_leaves_its_dump_in_use_which_is_said_once(fetch, file, tmp_path, caplog):
    first = fetch("t.csv")
    os.utime(file, (1, 1))

    assert fetch("t.csv") == first == source.current(tmp_path, "t.csv")
    file.unlink()
    assert fetch("t.csv") == fetch("t.csv") == first
    assert caplog.text.count("is gone") == 1


def test_a_changed_source_is_refused_with_both_digests_and_the_cure(fetch, fetch_refusal, dumps, file):
    old = fetch("t.csv")
    file.write_text("a\n2\n")

    message = fetch_refusal("t.csv")

    assert old.card["sha256"][:12] in message and hashlib.sha256(b"a\n2\n").hexdigest()[:12] in message
    assert "make data ACCEPT=1" in message
    assert dumps() == [old.folder.name]


def test_accepted_content_lies_beside_the_old_and_going_back_copies_nothing(fetch, dumps, file, tmp_path):
    old = fetch("t.csv")
    file.write_text("a\n2\n")
    new = fetch("t.csv", accept=True)
    assert source.current(tmp_path, "t.csv") == new
    file.write_bytes(TABLE)

    back = fetch("t.csv", accept=True)

    assert back == old == source.current(tmp_path, "t.csv")
    assert dumps() == sorted([old.folder.name, new.folder.name])


def test_a_wrong_checksum_is_refused_and_keeps_nothing_and_an_edited_dump_is_refused(fetch, fetch_refusal, dumps, file):
    assert "sha256" in fetch_refusal("t.csv", sha256="0" * 64) and not dumps()

    (copy,) = fetch("t.csv", sha256=hashlib.sha256(TABLE).hexdigest().upper()).files
    copy.chmod(0o644)
    copy.write_text("a\n9\n")

    assert "is not as it was fetched" in fetch_refusal("t.csv")


def test_a_glob_becomes_one_dump_of_all_its_files_but_for_earlier_dumps(fetch, tmp_path):
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.csv").write_text(f"a\n{folder}\n")

    dump = fetch("**/*.csv")

    assert [path.read_text() for path in dump.files] == ["a\nnorth\n", "a\nsouth\n"]
    assert fetch("**/*.csv") == dump


def test_a_link_to_a_folder_above_does_not_multiply_the_files_of_a_glob(fetch, tmp_path):
    inner = tmp_path / "in" / "deep"
    inner.mkdir(parents=True)
    for folder in (tmp_path / "in", inner):
        (folder / "a.csv").write_bytes(TABLE)
    (inner / "b.csv").symlink_to(inner / "a.csv")
    (inner / "up").symlink_to(tmp_path / "in")

    assert [file.name for file in fetch("in/**/*.csv").files] == ["001-a.csv", "002-a.csv", "003-b.csv"]


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("d.csv", "t.csv"),
        ("sklearn:boston", "sklearn:boston"),
        ("ftp://host/t.csv", "ftp://host/t.csv"),
        ("https:/host/t.csv", "https:/host/t.csv"),
        ("sqlite:///t.db", "sqlite:///t.db"),
        ("https://host/${NOT_SET_ANYWHERE}.csv", "NOT_SET_ANYWHERE is not set"),
    ],
)
def test_a_missing_file_and_an_unknown_kind_of_source_are_refused_by_name(fetch_refusal, dumps, file, address, named):
    assert named in fetch_refusal(address)
    assert not dumps()


def test_members_of_an_archive_share_its_dump(fetch, dumps, written):
    written(b"PK\x05\x06", "t.zip")

    first = fetch("t.zip?member=a.csv")

    assert fetch("t.zip?member=b.csv") == first and len(dumps()) == 1
    assert first.card["source"] == "t.zip"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("t.zip?member=in/*.csv", ("t.zip", "in/*.csv")),
        ("https://h/t?id=1&member=a.csv", ("https://h/t?id=1", "a.csv")),
        ("https://h/t?member=5&x=1", ("https://h/t?member=5&x=1", "")),
        ("sqlite:///t.db?query=SELECT '?member=", ("sqlite:///t.db?query=SELECT '?member=", "")),
        ("member=a.csv", ("member=a.csv", "")),
    ],
)
def test_member_is_what_stands_at_the_end_of_a_source(address, expected):
    assert source.parted(address) == expected
