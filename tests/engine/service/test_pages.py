import asyncio
import base64
import csv
import html
import io
import json
import re
import shutil
import time
from urllib.parse import urlencode

import pandas as pd
import pytest

from data_science_project.engine.columns.dictionary import Column
from data_science_project.engine.project import settings as params
from data_science_project.engine.runs import model
from data_science_project.service import example, pages, versions, words

from .conftest import application, call

ROW = {"amount": "70", "colour": "red", "shop": "", "day": "2026-02-01", "note": "parcel 3 went out", "order": "7"}
HEAD = b"order,amount,colour,shop,day,note\n"
FILE = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="rows.csv"\r\nContent-Type: text/csv\r\n\r\n'
HOSTILE = "<script>alert(1)</script>"


class Site:
    """A browser without a window: the application of a project and what it answers."""

    def __init__(self, application):
        self.application, self.service, self.runner = application, application.service, asyncio.Runner()

    def ask(self, method, path, body=b"", **headers):
        """Status, headers and text of the answer to a request."""
        asked = call(self.application, method, path, body, **{"accept": "text/html"} | headers)
        status, told, content = self.runner.run(asked)
        return status, told, content.decode()

    def get(self, path, **headers):
        """The text of a page that is there."""
        status, _, text = self.ask("GET", path, **headers)
        assert status == 200, text
        return text

    def fill(self, path="/", cells=ROW, **fields):
        """Send a form, the cells of a row or other fields; status and text."""
        filled = fields or {f"cell.{name}": text for name, text in cells.items()}
        status, headers, text = self.ask("POST", path, urlencode(filled).encode())
        return status, headers.get("location", text)

    def upload(self, content, name="rows.csv"):
        """Send a file; status and text."""
        body = FILE.replace(b"rows.csv", name.encode()) + content + b"\r\n--xx--\r\n"
        status, _, text = self.ask("POST", "/table", body, content_type="multipart/form-data; boundary=xx")
        return status, text

    def kept(self, number):
        """An answer of the log and the truths told of it."""
        entry, told = self.service.log.database.find([number])[number]
        return entry, [json.loads(one.truth) for one in told]


@pytest.fixture(scope="module")
def serve(trained, loaded, tmp_path_factory):
    """Serve a copy of the trained project until the end of the module; keywords are those of `application`."""
    opened = []

    def start(**options):
        root = shutil.copytree(trained, tmp_path_factory.mktemp("site") / "project", symlinks=True)
        opened.append(Site(application(params.load(root), loaded, *pages.ROUTES, **options)))
        return opened[-1]

    yield start
    for site in opened:
        site.service.log.close(5)
        site.runner.close()


@pytest.fixture(scope="module")
def site(serve):
    """The throw-away project, served; at most 20 rows at once."""
    return serve(rows=20)


@pytest.fixture(scope="module")
def guarded(serve):
    """The throw-away project behind a token."""
    return serve(token="web:s3cret= batch:other")


def number_of(text):
    """The id of the answer on a page."""
    return re.search(r"/answer\?id=([0-9a-f]{32})", text)[1]


def test_look_at_the_head_of_the_form_is_no_question(site):
    before = site.service.log.database.count()

    status, _, _ = site.ask("HEAD", "/")

    assert status == 200 and site.service.log.database.count() == before


def test_form_asks_for_every_column_of_a_row_by_its_label_and_says_what_may_stand_there(site):
    text = site.get("/")

    labels = dict(re.findall(r'<label for="(c\d+)">(.*?)</label>', text))
    hints = dict(re.findall(r'<p class="soft" id="(c\d+)-hint">(.*?)</p>', text))
    assert set(labels.values()) == {"amount", "colour", "shop", "day", "note", "order"}
    assert set(labels) == set(hints) == set(re.findall(r'aria-describedby="(c\d+)-hint"', text))
    by_name = {name: hints[place] for place, name in labels.items()}
    assert re.fullmatch(r"a number from [\d.]+ to [\d.]+, may stay empty", by_name["amount"])
    assert by_name["order"] == "a whole number, may stay empty; kept beside the answer"
    assert by_name["day"].startswith("a date like 20") and by_name["day"].endswith("needed")
    assert re.findall(r'<option value="(\w+)"', text.partition(">colour<")[2])[:3] == ["blue", "green", "red"]


def test_example_is_one_click_away_and_no_row_of_a_person(site):
    text = site.get("/?example=1")

    usual = example.usual(site.service.versions.get())
    assert f'value="{usual["amount"]:g}"' in text and f'value="{usual["colour"]}" selected' in text
    assert "went out" not in text


def test_answer_is_a_sentence_with_the_bits_of_make_predict_and_stands_in_the_log(site):
    status, text = site.fill()

    entry, _ = site.kept(number_of(text))
    said = json.loads(entry.output)
    row = ROW | {"amount": 70.0, "shop": None}
    assert status == 200 and json.loads(entry.inputs) == row
    (again,) = site.service.versions.get().reference([row])
    assert said == again.output
    assert f"answer: {said['prediction']}, with a probability of {100 * said['probability']:.1f}\u00a0%" in text


@pytest.mark.parametrize("number", ["007", "9007199254740993", "1e5"])
def test_id_that_is_written_into_the_form_is_kept_letter_by_letter_as_that_of_a_table(site, number):
    by_form, _ = site.kept(number_of(site.fill(cells=ROW | {"order": number})[1]))
    _, text = site.upload(HEAD + number.encode() + b",70,red,,2026-02-01,parcel 3 went out\n")

    by_table, _ = site.kept(number_of(text))

    assert json.loads(by_form.inputs)["order"] == json.loads(by_table.inputs)["order"] == number
    assert by_form.output == by_table.output


def test_reasons_are_those_of_the_loaded_model_in_its_words(site):
    _, text = site.fill()

    project, run = site.service.project, site.service.versions.get()
    own = model.Model(run.folder, project.settings.predict, project.dictionary, project.settings.decision)
    (told,) = own.reasons(pd.DataFrame([ROW]), 6)
    found = re.findall(r'<tr><th scope="row">(.*?)</th><td>(.*?)</td>\n<td class="n">(\S+) <svg', text)
    assert "; ".join(f"{name} is {cell}: {adds}" for name, cell, adds in found) == told
    assert "amount is 70: +0." in told and "adds to the probability of yes, beside usual values" in text
    assert 'width="100.0"' in text


def test_answer_without_reasons_says_why_and_is_shown(site, monkeypatch, caplog):
    version = site.service.versions.get()
    number = number_of(site.fill()[1])

    monkeypatch.setattr(versions, "PATIENCE", -1.0)
    busy = site.get(f"/answer?id={number}")
    monkeypatch.setattr(versions, "PATIENCE", 1.0)
    monkeypatch.setattr(version, "folder", version.folder / "of before")
    old = site.get(f"/answer?id={number}")
    monkeypatch.setattr(versions.Version, "reasons", lambda *_: [])
    none = site.get(f"/answer?id={number}")
    monkeypatch.setattr(versions.Version, "reasons", lambda *_: 1 / 0)
    _, failed = site.fill()

    assert all("What it hangs on cannot be said: " in text and "No column" not in text for text in (busy, old, failed))
    assert "ZeroDivisionError" in caplog.text and "The answer" in failed
    assert "No column moves this answer" in none and "hangs on most" not in none


def test_refused_cell_is_named_and_marked_and_what_was_filled_in_stays(site):
    status, text = site.fill(cells=ROW | {"amount": f'much"{HOSTILE}', "day": ""})

    assert status == 422
    places = dict(re.findall(r'<li><a href="#(c\d+)">(\w+)</a>', text))
    assert set(places.values()) == {"amount", "day"}
    assert all(f'id="{place}" name="cell.{name}"' in text for place, name in places.items())
    assert html.unescape(text).count("is not a number from ") == 2 and text.count("</a>: Needed") == 1
    assert "params.toml" not in text and "dictionary" not in text and "[amount]" not in text
    assert text.count('aria-invalid="true"') == 2 and "parcel 3 went out</textarea>" in text
    assert 'value="much&#34;&lt;script&gt;' in text and "<script>alert" not in text


def test_truth_is_told_and_corrected_on_the_page_of_the_answer(site):
    first_page = site.fill(cells=ROW | {"amount": "90"})[1]
    number = number_of(first_page)

    first = site.fill(f"/answer?id={number}", right="yes")
    again = site.fill(f"/answer?id={number}", truth="no")

    assert first == again == (303, f"/answer?id={number}")
    assert site.kept(number)[1] == ["yes", "no"]
    text = site.get(f"/answer?id={number}")
    assert "Right, it was: yes" in first_page and "Wrong, it was: no" in first_page
    assert "It was: <strong>no</strong>, somebody said" in text and "What it stands" not in text
    assert 'value="90"' in text


@pytest.mark.parametrize(
    ("path", "truth", "status", "said"),
    [
        ("/answer?id={}", HOSTILE, 422, "is no class of"),
        ("/answer?id=0123", "yes", 404, "no answer with the id"),
        ("/answer?id=%00", "yes", 404, "no answer with the id"),
        ("/?run=2020", "", 404, "No run"),
    ],
)
def test_truth_that_is_none_and_unknown_answers_and_runs_are_refused_in_words(site, path, truth, status, said):
    number = number_of(site.fill()[1])

    found, text = site.fill(path.format(number), truth=truth)

    assert found == status and said in html.unescape(text) and "<script>alert" not in text
    assert site.kept(number)[1] == []


def test_table_is_answered_as_a_table_and_as_csv_with_the_bits_of_make_predict(site):
    lines = ["order;amount;colour;shop;day;note", "=1+1;70;red;shop A;2026-02-01;b", "8;;blue;;2026-02-02;d"]

    status, text = site.upload("\n".join(lines).encode("utf-16"), name=f"my{HOSTILE}.csv")

    assert status == 200 and "<script>alert" not in text
    encoded = re.search(r'href="data:text/csv;charset=utf-8;base64,(.*?)" download="', text)[1]
    head, first, second = csv.reader(io.StringIO(base64.b64decode(encoded).decode("utf-8-sig")))
    assert head == ["order", "prediction", "probability", "confident", "unusual", "id", "run"]
    assert (first[0], second[0]) == ("'=1+1", "8")
    said = json.loads(site.kept(first[5])[0].output)
    assert first[1:4] == [said["prediction"], repr(said["probability"]), str(said["confident"])]
    assert f'<td><a href="/answer?id={second[5]}">8</a></td>' in text
    assert 'value="70"' in site.get(f"/answer?id={first[5]}")


def test_lines_of_a_table_that_are_in_no_row_are_told_with_their_reason_twenty_at_most(site):
    rows = [f"{place},70,red,,2026-02-01,x" for place in range(5)]

    status, text = site.upload(HEAD + "\n".join([*rows, *(f"C{place},{HOSTILE}" for place in range(123))]).encode())

    assert status == 200 and "Download all 5 as CSV" in text and HOSTILE not in text
    assert "Line 7 is in no row and was not answered (below the table): 'C0,<script>alert" in html.unescape(text)
    assert text.count(" is in no row and was not answered") == 20
    assert "Lines in no row beside these: 103." in text


def test_table_in_other_marks_is_answered_as_in_its_own_and_said(site):
    rows = ['1,"{}",red,,2026-02-01,x', '2,"{}",red,,2026-02-01,x']

    texts = []
    for cells in (("70.25", "55"), ("70,25", "55"), ("70,25", "many")):
        lines = [row.format(cell) for row, cell in zip(rows, cells, strict=True)]
        texts.append(site.upload(HEAD + "\n".join(lines).encode()))
    (status, plain), (again, other), (refused, _) = texts

    one, same = (site.kept(number_of(text))[0] for text in (plain, other))
    assert (status, again, refused) == (200, 200, 422) and one.output == same.output
    assert json.loads(same.inputs)["amount"] == 70.25
    assert "numbers written otherwise" in html.unescape(other) and "written otherwise" not in plain


def test_truth_in_a_table_is_left_out_and_said_to_be(site):
    _, text = site.upload(HEAD.strip() + b",answer\n1,70,red,,2026-02-01,x,no\n")

    assert "answer: what is asked for stood in the table; it was left out" in text
    assert "answer" not in json.loads(site.kept(number_of(text))[0].inputs)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD + b"1,2,red,,2026-01-01,x\n" * 21, "21 rows; allowed: 20"),
        (HEAD, "rows.csv: no rows below its header"),
        (HEAD + b"1,much,red,,2026-01-01,x\n", "not a number, like 'much' (row 2 of the file)"),
        (b"\n\n" + HEAD + b"1,2,red,,2026-01-01,x\n\n2,much,red,,2026-01-01,x\n", "like 'much' (row 6 of the file)"),
        (b"order,amount\n1,2\n2,3\n", "colour: no cell: the column is missing (row 2 of the file)"),
        (b"PK\x03\x04" + bytes(200), "rows.csv"),
        (b"", "rows.csv"),
        (b"," * 3_000_000, "1 line of up to 3,000,000 separators: more than"),
        (b"order,amount\n" + b"a,b\n" * 200_000, "200,002 lines: more than"),
    ],
)
def test_table_that_cannot_be_answered_is_refused_with_the_reason(site, content, said):
    status, text = site.upload(content)

    assert status == 422 and said in html.unescape(text)
    assert not re.search(r"dictionary|params\.toml|\[serve\]", text)


MANY = b"a&" * 3_900_000
PARTS = b"--xx\r\n\r\n" * 780_000
MULTIPART = "multipart/form-data; boundary=xx"


@pytest.mark.parametrize(
    ("path", "body", "kind", "status", "said"),
    [
        ("/login", MANY, "", 413, "larger than 10,000 bytes"),
        ("/login", b"token=" + b"%FF" * 2_600_000, "", 413, "larger than 10,000 bytes"),
        ("/login", b"a&" * 1000, "", 400, "more than 10 fields"),
        ("/", MANY, "", 400, "more than 1,000 fields"),
        ("/", b"other=" + b"%FF" * 2_600_000, "", 422, "Needed"),
        ("/table", PARTS, MULTIPART, 400, "No file was sent"),
        ("/table", b"--xx\r\n" + b"a: b\r\n" * 1_200_000, MULTIPART, 400, "No file was sent"),
    ],
)
def test_form_of_any_size_takes_the_event_loop_less_than_half_a_second(site, path, body, kind, status, said):
    start = time.thread_time()

    found, _, text = site.ask("POST", path, body, content_type=kind)

    assert time.thread_time() - start < 0.5
    assert found == status and said in text and "[serve]" not in text


def test_file_is_found_among_the_fields_of_a_form_and_kept_byte_by_byte():
    content = b"a\r\n\r\n--x\n--\r\n-\xff\x00\r\r\n"
    field = b'--xx\r\nContent-Disposition: form-data; name="other"\r\n\r\nfile\r\n'
    body = field + FILE.replace(b"rows", "größe".encode()) + content + b"\r\n" + field + b"--xx--\r\n"

    assert pages.file_of(MULTIPART, body) == ("größe.csv", content)


@pytest.mark.parametrize("path", ["/", "/?example=1", "/answer", "/monitor", "/docs"])
def test_nothing_on_a_page_runs_or_comes_from_elsewhere_and_its_headings_are_in_order(site, path):
    path += f"?id={number_of(site.fill()[1])}" if path == "/answer" else ""

    status, headers, text = site.ask("GET", path)

    assert status == 200 and headers["content-security-policy"].startswith("default-src 'self'")
    assert not re.search(r"<style|<script(?! src=\"/static/)|\sstyle=|\son\w+=|src=\"(?!/static/)", text)
    assert not re.search(r"(href|action)=\"(?![/#]|data:text/csv)", text)
    assert '<html lang="en">' in text and re.search("<title>[^<]+</title>", text)
    levels = [int(level) for level in re.findall(r"<h(\d)", text)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    fields = re.findall(r'<(?:input|select|textarea) [^>]*?id="([^"]+)"', text)
    assert bool(fields) == (path not in ("/monitor", "/docs"))
    assert set(fields) <= set(re.findall(r'<label for="([^"]+)"', text))


def test_programs_are_told_which_keys_may_hold_null_and_which_items_a_list_may_hold(site, monkeypatch):
    tags = Column(type="list", separator=";", values=("x", "y"), missing_allowed=False)
    monkeypatch.setitem(site.service.versions.get().columns, "note", tags)

    text = html.unescape(site.get("/docs"))

    assert "yes, null where it is empty" in text and re.search('<th scope="row">day</th>.*<td>yes</td>', text)
    assert 'string or a list of: one of "x", "y"' in " ".join(text.split())


def test_colours_of_text_have_a_contrast_of_at_least_4_5_in_the_light_and_in_the_dark(contrast):
    text = (words.OF_PAGES / "static" / "page.css").read_text()
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+)", part)) for part in text.split("@media", 2)[:2])

    for colours in (light, light | dark):
        for front in ("ink", "soft", "link"):
            for back in ("paper", "cool", "warm"):
                assert contrast(colours[front], colours[back]) >= 4.5, (front, back)
        assert contrast(colours["on-blue"], colours["blue"]) >= 4.5
        assert contrast(colours["orange"], colours["paper"]) >= 4.5, "the word moved"
        assert contrast(colours["edge"], colours["paper"]) >= 3


def test_page_asks_once_for_the_token_and_keeps_it_in_a_cookie_that_no_script_reads(guarded):
    status, headers, _ = guarded.ask("GET", "/monitor")
    assert (status, headers["location"]) == (303, "/login?next=/monitor")
    assert 'type="password"' in guarded.get("/login")
    status, headers, text = guarded.ask("POST", "/login", b"token=wrong")
    assert status == 401 and "set-cookie" not in headers and "not known here" in text

    status, headers, _ = guarded.ask("POST", "/login", b"token=s3cret%3D")

    assert (status, headers["location"]) == (303, "/")
    assert headers["set-cookie"] == "token=s3cret=; Path=/; HttpOnly; SameSite=Strict"
    assert "<h1>answer: ask the model</h1>" in guarded.get("/", cookie="token=s3cret=")
    assert guarded.ask("GET", "/", cookie="token=s3cret")[0] == 303
    body = urlencode({f"cell.{name}": text for name, text in ROW.items()}).encode()
    status, _, text = guarded.ask("POST", "/", body, cookie="token=s3cret=")
    assert guarded.kept(number_of(text))[0].asker == "web"


@pytest.mark.parametrize(
    ("headers", "secure"),
    [
        ({"x_forwarded_proto": "https"}, True),
        ({"x_forwarded_proto": "HTTPS, http"}, True),
        ({"origin": "https://127.0.0.1:8000"}, True),
        ({"x_forwarded_proto": "http", "origin": "http://127.0.0.1:8000"}, False),
    ],
)
def test_cookie_of_the_token_is_for_tls_alone_where_browser_or_proxy_says_tls_as_the_docs_do(guarded, headers, secure):
    _, told, _ = guarded.ask("POST", "/login", b"token=s3cret%3D", **headers)
    text = guarded.get("/docs", cookie="token=s3cret=", **headers)

    assert told["set-cookie"].endswith("; Secure") == secure
    assert f"curl {'https' if secure else 'http'}://127.0.0.1:8000/predict" in text


@pytest.mark.parametrize(
    ("method", "asked", "then"),
    [
        *(("POST", path, path) for path in ("/?run=a%20b", "/answer?id=7", "/label")),
        *(("POST", "/table?run=x", "/?run=x"), ("GET", "/answer?id=7&run=a", "/answer?id=7&run=a"), ("GET", "/x", "/")),
    ],
)
def test_form_or_page_asked_with_an_old_token_leads_back_to_its_page_by_way_of_the_token(guarded, method, asked, then):
    status, headers, _ = guarded.ask(method, asked, cookie="token=old")
    assert status == 303 and "/login?next=" in headers["location"]

    _, headers, _ = guarded.ask("POST", headers["location"], b"token=s3cret%3D")

    assert headers["location"] == then


@pytest.mark.parametrize("away", ["//evil.org", "https://evil.org/", "/\\evil.org", "\t//evil.org", "/table", "//["])
def test_login_leads_nowhere_but_to_a_page_of_this_service(guarded, away):
    asked = urlencode({"next": f"{away}?a=\r\n"})

    _, headers, _ = guarded.ask("POST", f"/login?{asked}", b"token=s3cret%3D")

    assert headers["location"] == "/?a=%0D%0A"


def test_login_page_has_its_style_before_the_token_is_known(guarded):
    assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', guarded.get("/login"))
    found = [guarded.ask("GET", path) for path in assets]

    assert [status for status, _, _ in found] == [200] * 3
    kinds = ("text/css", "image/svg+xml", "javascript")
    assert all(kind in headers["content-type"] for kind, (_, headers, _) in zip(kinds, found, strict=True))
    assert guarded.ask("GET", "/static/../login.html")[0] == 404


def test_token_of_any_characters_is_kept_in_the_cookie(serve):
    token = 'a;b,"c\\%41é'
    site = serve(token=f"web:{token}")

    _, headers, _ = site.ask("POST", "/login", urlencode({"token": token}).encode())

    cookie = headers["set-cookie"].partition(";")[0]
    assert site.ask("GET", "/", cookie=cookie)[0] == 200


def test_pages_are_counted_by_their_status_and_a_bug_among_the_errors_that_wake_somebody(site, monkeypatch):
    def counted(name):
        found = re.search(rf"^{name} (.*)$", site.ask("GET", "/metrics")[2], re.MULTILINE)
        return float(found[1]) if found else 0.0

    names = [r'pages_total\{status="200"\}', r'pages_total\{status="422"\}', "errors_total"]
    before = [counted(name) for name in names]
    site.get("/")
    site.fill(cells={})
    monkeypatch.setattr(pages, "usual", None)
    status, _, text = site.ask("GET", "/?example=1")

    assert status == 500 and "its log says more under this id" in text
    assert [counted(name) - was for name, was in zip(names, before, strict=True)] == [1, 1, 1]


def test_monitor_says_why_the_spool_cannot_be_emptied(site, monkeypatch):
    monkeypatch.setattr(site.service.log, "_spool_problem", "spool.db is damaged: move it away")

    assert "spool.db is damaged: move it away; wait for the database" in site.get("/monitor")
