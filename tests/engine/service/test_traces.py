"""Traces: sent to a collector that this test plays, read as OpenTelemetry's own protocol."""

import asyncio
import http.server
import sys
import threading
import time

import pytest

from data_science_project.engine.project.errors import SettingsError
from data_science_project.service import traces

trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="extra otel")
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector(monkeypatch):
    """A collector on this machine; the spans that reach it are in the list."""
    spans, resources = [], []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            sent = trace_service.ExportTraceServiceRequest()
            sent.ParseFromString(self.rfile.read(int(self.headers["content-length"])))
            for one in sent.resource_spans:
                resources.extend((pair.key, pair.value.string_value) for pair in one.resource.attributes)
                spans.extend(span for scope in one.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv(traces.ENDPOINT, f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")  # milliseconds
    yield spans, resources
    server.shutdown()
    server.server_close()


async def application(scope, receive, send):
    """Answer with the status that the path names."""
    await send({"type": "http.response.start", "status": int(scope["path"][1:]), "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(traced, path, *headers):
    """The messages that an application sends to a request."""
    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "scheme": "http", "query_string": b"run=x"}
    asyncio.run(traced({**scope, "headers": list(headers)}, None, send))
    return [message["type"] for message in sent]


def arrived(spans, count):
    """The spans, once so many have arrived; or what there is after five seconds."""
    end = time.monotonic() + 5
    while len(spans) < count and time.monotonic() < end:
        time.sleep(0.01)
    return spans


def test_application_is_left_alone_where_no_collector_is_named(make_project, monkeypatch):
    monkeypatch.delenv(traces.ENDPOINT, raising=False)

    assert traces.traced(make_project(), application) is application


def test_request_becomes_a_span_of_its_callers_trace(make_project, collector):
    spans, resources = collector
    header = (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())

    said = ask(traces.traced(make_project(), application), "/200", header, (b"x-other", b"\xff"))

    (span,) = arrived(spans, 1)
    assert said == ["http.response.start", "http.response.body"]
    assert (span.trace_id.hex(), span.parent_span_id.hex(), span.name) == (TRACE, PARENT, "POST /200")
    found = {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}
    assert found == {"http.request.method": "POST", "url.path": "/200", "http.response.status_code": 200}
    assert ("service.name", "data_science_project") in resources


def test_failure_is_marked_and_a_path_that_is_none_is_no_name(make_project, collector):
    spans, _ = collector
    traced = traces.traced(make_project(), application)

    ask(traced, "/503")
    ask(traced, "/404")

    found = {span.name: span.status.code for span in arrived(spans, 2)}
    assert found == {"POST /503": 2, "HTTP": 0}


def test_missing_extra_is_named_with_the_cure(make_project, monkeypatch):
    monkeypatch.setenv(traces.ENDPOINT, "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)

    with pytest.raises(SettingsError, match=r'opentelemetry.sdk.trace is not installed.\nAdd "otel"'):
        traces.traced(make_project(), application)
