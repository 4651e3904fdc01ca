"""Fetching: every kind of source becomes a dump that is whole, read-only and never overwritten, and no secret leaks."""

import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from data_science_project.engine.project import credentials, package, records
from data_science_project.engine.project.errors import DataError
from data_science_project.engine.sources import source, web

SECRET = "${SECRET_OF_THIS_TEST}"

TABLE = b"a,b\n" + b"1,2\n" * 50_000


class Site(BaseHTTPRequestHandler):
    """A server with the faults of real ones; `asked` notes each Range header."""

    cut, asked, content, location = False, [], TABLE, ""

    def do_GET(self) -> None:
        if self.path.startswith("/elsewhere"):
            self.send_response(302)
            self.send_header("Location", self.location)
            self.end_headers()
            return
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        start = int(wanted[6:-1]) if wanted else 0
        part = self.content[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("ETag", '"one"')
        self.send_header("Content-Length", str(len(part)))
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        self.end_headers()
        self.wfile.write(part[: len(part) // 2] if self.cut and not wanted else part)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output quiet."""


@pytest.fixture
def site() -> Iterator[tuple[str, type[Site]]]:
    class Fresh(Site):
        asked: list = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Fresh)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", Fresh
    server.shutdown()
    server.server_close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAUSE", 0.01)
    monkeypatch.setattr(web, "TRIES", 2)


def refusal(root: Path, text: str, **options: object) -> str:
    with pytest.raises(DataError) as error:
        source.fetch(root, text, **options)
    assert str(error.value).count("\n") < 3
    return str(error.value)


def left_in_raw(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "data" / "raw").glob("*") if path.name != "current.json")


def test_a_dump_holds_the_bytes_a_card_and_is_read_only(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(TABLE)

    dump = source.fetch(tmp_path, "t.csv")

    digest = hashlib.sha256(TABLE).hexdigest()
    assert dump.files[0].read_bytes() == TABLE
    assert dump.folder.name == f"{dump.card['fetched'][:10]}-{digest[:8]}"
    assert records.read_sealed(dump.folder / "source.json") == dump.card
    assert dump.card["files"] == [{"name": "t.csv", "sha256": digest, "bytes": len(TABLE)}]
    assert dump.card["path"] == str(tmp_path / "t.csv")
    assert {stat.S_IMODE(path.stat().st_mode) for path in dump.folder.iterdir()} == {0o444}
    assert left_in_raw(tmp_path) == [dump.folder.name]


def test_an_unchanged_source_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(TABLE)
    first = source.fetch(tmp_path, "t.csv")
    os.utime(tmp_path / "t.csv", (1, 1))

    assert source.fetch(tmp_path, "t.csv") == first == source.current(tmp_path, "t.csv")


def test_a_changed_source_is_refused_with_both_digests_and_the_cure(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    old = source.fetch(tmp_path, "t.csv")
    (tmp_path / "t.csv").write_text("a\n2\n")

    message = refusal(tmp_path, "t.csv")

    assert old.card["sha256"][:12] in message
    assert hashlib.sha256(b"a\n2\n").hexdigest()[:12] in message
    assert "make data ACCEPT=1" in message
    assert left_in_raw(tmp_path) == [old.folder.name]


def test_accepted_content_lies_beside_the_old_and_going_back_copies_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    old = source.fetch(tmp_path, "t.csv")
    (tmp_path / "t.csv").write_text("a\n2\n")
    new = source.fetch(tmp_path, "t.csv", accept=True)
    assert source.current(tmp_path, "t.csv") == new
    (tmp_path / "t.csv").write_text("a\n1\n")

    back = source.fetch(tmp_path, "t.csv", accept=True)

    assert back == old == source.current(tmp_path, "t.csv")
    assert left_in_raw(tmp_path) == sorted([old.folder.name, new.folder.name])


def test_a_source_that_is_gone_leaves_its_dump_in_use(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    dump = source.fetch(tmp_path, "t.csv")
    (tmp_path / "t.csv").unlink()

    assert source.fetch(tmp_path, "t.csv") == dump
    assert "is gone" in caplog.text


def test_an_edited_dump_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a\n1\n")
    dump = source.fetch(tmp_path, "t.csv")
    dump.files[0].chmod(0o644)
    dump.files[0].write_text("a\n9\n")

    assert "is not as it was fetched" in refusal(tmp_path, "t.csv")


def test_a_missing_file_is_refused_with_the_names_nearby(tmp_path: Path) -> None:
    (tmp_path / "titanic.csv").write_text("a\n1\n")

    assert "titanic.csv" in refusal(tmp_path, "titanik.csv")
    assert not left_in_raw(tmp_path)


def test_a_glob_becomes_one_dump_of_all_its_files(tmp_path: Path) -> None:
    for folder in ("north", "south"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.csv").write_text(f"a\n{folder}\n")

    dump = source.fetch(tmp_path, "*/t.csv")

    assert [path.read_text() for path in dump.files] == ["a\nnorth\n", "a\nsouth\n"]
    assert source.fetch(tmp_path, "*/t.csv") == dump


def test_a_link_to_a_folder_above_does_not_multiply_the_files_of_a_glob(tmp_path: Path) -> None:
    inner = tmp_path / "in" / "deep"
    inner.mkdir(parents=True)
    for folder in (tmp_path / "in", inner):
        (folder / "a.csv").write_bytes(TABLE)
    (inner / "b.csv").symlink_to(inner / "a.csv")
    (inner / "up").symlink_to(tmp_path / "in")

    dump = source.fetch(tmp_path, "in/**/*.csv")

    assert [file.name for file in dump.files] == ["001-a.csv", "002-a.csv", "003-b.csv"]


def test_a_wrong_checksum_is_refused_and_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(TABLE)

    assert "sha256" in refusal(tmp_path, "t.csv", sha256="0" * 64)
    assert not left_in_raw(tmp_path)
    assert source.fetch(tmp_path, "t.csv", sha256=hashlib.sha256(TABLE).hexdigest().upper())


@pytest.mark.parametrize("text", ["sklearn:boston", "ftp://host/t.csv", "https:/host/t.csv", "sqlite:///t.db"])
def test_an_unknown_kind_of_source_is_refused(tmp_path: Path, text: str) -> None:
    assert text.partition("?")[0] in refusal(tmp_path, text)


def test_a_download_cut_half_way_goes_on_where_it_stopped(tmp_path: Path, site: tuple, quick: None) -> None:
    address, server = site
    server.cut = True

    dump = source.fetch(tmp_path, f"{address}/set/t.csv")

    assert dump.files[0].read_bytes() == TABLE
    assert server.asked == [None, f"bytes={len(TABLE) // 2}-"]
    assert (dump.files[0].name, dump.card["etag"]) == ("t.csv", '"one"')
    assert not list((tmp_path / "data" / "raw").glob(".*"))


def test_a_download_that_failed_goes_on_in_the_next_call(tmp_path: Path, site: tuple, quick: None) -> None:
    address, server = site
    text = f"{address}/t.csv"
    partial = tmp_path / "data" / "raw" / f".partial-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    partial.mkdir(parents=True)
    (partial / "body").write_bytes(TABLE[:1000])
    (partial / "about.json").write_text(json.dumps({"validator": '"one"'}))

    dump = source.fetch(tmp_path, text)

    assert dump.files[0].read_bytes() == TABLE
    assert server.asked == ["bytes=1000-"]


def test_a_remote_source_is_asked_again_only_on_refresh(tmp_path: Path, site: tuple) -> None:
    address, server = site
    first = source.fetch(tmp_path, f"{address}/t.csv")
    server.content = b"a,b\n3,4\n"

    assert source.fetch(tmp_path, f"{address}/t.csv") == first
    assert "changed since" in refusal(tmp_path, f"{address}/t.csv", refresh=True)
    assert source.fetch(tmp_path, f"{address}/t.csv", accept=True).files[0].read_bytes() == server.content


@pytest.mark.parametrize(("path", "named"), [("/missing.csv", "404"), ("/elsewhere", "http(s)://")])
def test_refusals_of_a_server_are_named(tmp_path: Path, site: tuple, path: str, named: str) -> None:
    address, server = site
    server.location = "file:///etc/hostname"

    assert named in refusal(tmp_path, address + path)
    assert not left_in_raw(tmp_path)


def test_a_server_that_is_not_there_is_given_up(tmp_path: Path, quick: None) -> None:
    assert "2 tries" in refusal(tmp_path, "http://127.0.0.1:9/t.csv")


@pytest.mark.parametrize("path", ["/%2e%2e%2f%2e%2e%2fevil", "/..%5c..%5cevil", "/source.json", "/"])
def test_a_name_from_an_address_stays_in_the_dump(tmp_path: Path, site: tuple, path: str) -> None:
    dump = source.fetch(tmp_path, site[0] + path)

    assert dump.files[0].parent == dump.folder
    assert dump.files[0].read_bytes() == TABLE


def test_secrets_stay_out_of_cards_messages_and_log(
    tmp_path: Path, site: tuple, quick: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / ".env").write_text("SECRET_OF_THIS_TEST=hunter2!\n")
    monkeypatch.setenv("SECRET_OF_THIS_TEST", "hunter2!")
    host = site[0].removeprefix("http://")
    caplog.set_level("INFO")

    dump = source.fetch(tmp_path, f"http://me:{SECRET}@{host}/{SECRET}/t.csv?token=written")
    messages = refusal(tmp_path, f"http://{host}/missing/{SECRET}?password=written")
    messages += refusal(tmp_path, "http://127.0.0.1:9/${SECRET_OF_THIS_TEST}")

    seen = (dump.folder / "source.json").read_text() + messages + caplog.text + str(dump.folder)
    assert "hunter2" not in seen
    assert "written" not in seen
    assert dump.card["source"].startswith("http://me:${SECRET_OF_THIS_TEST}@")


def test_an_unset_variable_is_named(tmp_path: Path) -> None:
    assert "NOT_SET_ANYWHERE is not set" in refusal(tmp_path, "https://host/${NOT_SET_ANYWHERE}.csv")


def test_asking_for_the_current_dump_imports_nothing_heavy(tmp_path: Path) -> None:
    heavy = "{'pandas', 'requests', 'sqlalchemy', 'fsspec', 'dotenv', 'numpy'}"
    ask = f"from {package.NAME}.engine.sources import source; source.current(pathlib.Path('.'), 'x.csv')"
    code = f"import sys, pathlib; {ask}; print({heavy} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "set()"
    assert not list(tmp_path.iterdir())


def test_parameters_are_recorded_without_written_passwords() -> None:
    parameters = {"data": {"source": "postgresql://me:hunter2@host/db?table=t"}, "overrides": {"data.source": "x"}}

    kept = credentials.masked(parameters)

    assert kept == {"data": {"source": "postgresql://me:***@host/db?table=t"}, "overrides": {"data.source": "x"}}
