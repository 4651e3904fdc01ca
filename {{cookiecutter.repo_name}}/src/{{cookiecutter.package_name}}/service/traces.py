"""A span a request, for a collector of OpenTelemetry: the extra `otel`, and `OTEL_EXPORTER_OTLP_ENDPOINT` in `.env`.

The header `traceparent` makes it part of the caller's trace. It tells method, path and status, nothing of a row.
"""

import os
from collections.abc import Awaitable, Callable
from typing import Any

from ..engine.project import package
from ..engine.project.errors import SettingsError
from ..engine.project.settings import Project
from .guard import Receive, Scope, Send
from .settings import secret

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
LAST_SPANS = 2.0  # seconds that the collector may take, at the end too: a dead one must not outlast the drain
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


def traced(project: Project, application: Asgi) -> Asgi:
    """An ASGI application with its requests traced; as it is where no collector is named."""
    if not secret(project, ENDPOINT):
        return application
    os.environ.setdefault("OTEL_SERVICE_NAME", package.NAME)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider, export
        from opentelemetry.trace import SpanKind, StatusCode, use_span
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError as error:
        cure = 'Add "otel" to extras in [tool.install] of pyproject.toml, then make install.'
        raise SettingsError(f"{ENDPOINT} is set, and {error.name} is not installed.\n{cure}") from None
    provider, parent = TracerProvider(), TraceContextTextMapPropagator()
    provider.add_span_processor(export.BatchSpanProcessor(OTLPSpanExporter(timeout=LAST_SPANS)))
    tracer = provider.get_tracer(package.NAME)

    async def spanned(scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        about = {"http.request.method": scope["method"], "url.path": scope["path"]}

        async def seen(message: dict[str, Any]) -> None:
            if status := message.get("status"):
                span.set_attribute("http.response.status_code", status)
                span.update_name(f"{scope['method']} {scope['path']}" if status not in (404, 405) else "HTTP")
                span.set_status(StatusCode.ERROR if status >= 500 else StatusCode.UNSET)
            await send(message)

        span = tracer.start_span("HTTP", parent.extract(headers), SpanKind.SERVER, about)
        with use_span(span, end_on_exit=True):
            await application(scope, receive, seen)

    return spanned
