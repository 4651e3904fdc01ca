import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from data_science_project.engine.sources import web

TABLE = b"a,b\n" + b"1,2\n" * 50_000


class Site(BaseHTTPRequestHandler):
    """A server with the faults of real ones; `cut` says how many answers end half-way."""

    cut, content, location = 0, TABLE, ""
    encoding, announces = "", True

    def do_GET(self) -> None:
        if self.path.startswith("/elsewhere"):
            self.send_response(302)
            self.send_header("Location", self.location)
            self.end_headers()
            return
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("ETag", '"one"')
        if self.announces:
            self.send_header("Content-Length", str(len(self.content)))
        if self.encoding:
            self.send_header("Content-Encoding", self.encoding)
        self.end_headers()
        self.wfile.write(self.content[: len(self.content) // 2] if self.cut else self.content)
        type(self).cut = max(0, self.cut - 1)

    def log_message(self, *_: object) -> None:
        """Keep the tests' output quiet."""


@pytest.fixture
def site():
    class Fresh(Site):
        """With marks of its own."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Fresh)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", Fresh
    server.shutdown()
    server.server_close()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(web, "PAUSE", 0.01)
    monkeypatch.setattr(web, "TRIES", 2)


def test_a_download_cut_half_way_is_tried_anew(fetch, site, quick, tmp_path):
    address, server = site
    server.cut = 1

    dump = fetch(f"{address}/set/t.csv")

    assert dump.files[0].read_bytes() == TABLE
    assert (dump.files[0].name, dump.card["etag"]) == ("t.csv", '"one"')
    assert not list((tmp_path / "data" / "raw").glob(".*"))


def test_a_remote_source_is_asked_again_only_on_refresh(fetch, fetch_refusal, site):
    address, server = f"{site[0]}/t.csv", site[1]
    first = fetch(address)
    server.content = b"a,b\n3,4\n"

    assert fetch(address) == first
    assert "changed since" in fetch_refusal(address, refresh=True)
    assert fetch(address, accept=True).files[0].read_bytes() == server.content


@pytest.mark.parametrize(
    ("address", "named"),
    [("{}/missing.csv", "404"), ("{}/elsewhere", "http(s)://"), ("http://127.0.0.1:9/t.csv", "2 tries")],
)
def test_refusals_of_a_server_are_named(fetch_refusal, dumps, site, quick, address, named):
    site[1].location = "file:///etc/hostname"

    assert named in fetch_refusal(address.format(site[0]))
    assert not dumps()


@pytest.mark.parametrize("path", ["/%2e%2e%2f%2e%2e%2fevil", "/..%5c..%5cevil", "/source.json", "/"])
def test_a_name_from_an_address_stays_in_the_dump(fetch, site, path):
    dump = fetch(site[0] + path)

    assert dump.files[0].parent == dump.folder
    assert dump.files[0].read_bytes() == TABLE


def test_secrets_stay_out_of_cards_messages_and_log(fetch, fetch_refusal, site, quick, tmp_path, monkeypatch, caplog):
    (tmp_path / ".env").write_text("SECRET_OF_THIS_TEST=hunter2!\n")
    monkeypatch.setenv("SECRET_OF_THIS_TEST", "hunter2!")
    host = site[0].removeprefix("http://")
    caplog.set_level("INFO")

    dump = fetch(f"http://me:{SECRET}@{host}/{SECRET}/t.csv?token=written")
    messages = fetch_refusal(f"http://{host}/missing/{SECRET}?password=written")
    messages += fetch_refusal(f"http://127.0.0.1:9/{SECRET}")

    seen = (dump.folder / "source.json").read_text() + messages + caplog.text + str(dump.folder)
    assert "hunter2" not in seen and "written" not in seen
    assert dump.card["source"].startswith("http://me:${SECRET_OF_THIS_TEST}@")


SECRET = "${SECRET_OF_THIS_TEST}"


def test_answer_packed_by_the_server_is_unpacked_and_one_that_is_cut_short_noticed(fetch, fetch_refusal, site, quick):
    address, server = site
    server.encoding = "gzip"
    server.content = gzip.compress(TABLE)

    assert fetch(f"{address}/t.csv").files[0].read_bytes() == TABLE
    server.content = server.content[:-20]
    for server.announces in (True, False):
        assert "cut short" in fetch_refusal(f"{address}/cut.csv")


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"encoding": "br", "content": b"x"}, "packs it as 'br'"),
        ({"encoding": "gzip", "content": gzip.compress(TABLE)}, "max_gigabytes"),
        ({"announces": True}, "max_gigabytes"),
        ({"announces": False}, "max_gigabytes"),
    ],
)
def test_answer_that_is_packed_otherwise_or_too_large_is_refused(fetch_refusal, dumps, site, about, said):
    address, server = site
    for name, value in about.items():
        setattr(server, name, value)

    assert said in fetch_refusal(f"{address}/t.csv", most=100_000)
    assert not dumps()
