"""What stands before the service: who may ask, how much is read, and how a request is refused."""

import asyncio
import contextlib
import functools
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec

from ..engine.project.errors import SettingsError
from .settings import Serve

ENCODE = msgspec.json.Encoder().encode
JSON = (b"content-type", b"application/json")
SECURITY = (
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)
HEAD = b"HTTP/1.1 200 OK\r\n" + b"".join(b"%b: %b\r\n" % pair for pair in (JSON, *SECURITY))
CLOSE = (b"connection", b"close")
RETRY = (b"retry-after", b"1")
SMALL = 60_000  # bytes of a body at which uvicorn does not stop to read
COOKIE = "token"
OPEN = frozenset(["/health/live", "/health/ready", "/login"])  # asked without a token
Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class Problem(Exception):
    """A request that is not answered: the status, the outcome that is counted, what is said, further headers."""

    def __init__(self, status: int, outcome: str, said: str, *headers: tuple[bytes, bytes], **more: Any) -> None:
        super().__init__(said)
        self.status, self.outcome, self.headers = status, outcome, headers
        self.content = {"error": said, **more}


def busy(why: str) -> Problem:
    """The problem that the service cannot answer just now."""
    return Problem(503, "busy", f"Not now: {why}. Ask again.", RETRY)


class Guard:
    """Decides who may ask: all from this machine without `API_TOKEN`, those who know one of its tokens with it."""

    def __init__(self, tokens: str) -> None:
        named = [token.rpartition(":") for token in tokens.split()]
        if len(named) > 1 and not all(name for name, _, _ in named):
            cure = "Several tokens are name:token each, parted by blanks; a token holds none."
            raise SettingsError(f"API_TOKEN: token {[name for name, *_ in named].index('') + 1} has no name.\n{cure}")
        self._tokens = [(name or "token", secret.encode()) for name, _, secret in named]

    def asker(self, scope: Scope) -> str:
        """The name of who asks; a `Problem` where nobody may."""
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if not self._tokens and not is_loopback(host):
            cure = "Set API_TOKEN, or ask 127.0.0.1."
            raise Problem(
                403, "forbidden", f"Without API_TOKEN only this machine is answered, not {host[:80]!r}. {cure}"
            )
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and scope["method"] not in ("GET", "HEAD") and urlsplit(origin).netloc != host:
            raise Problem(403, "forbidden", "A page of another origin sent this.")
        if not self._tokens or scope["path"] in OPEN:
            return ""
        given = token_of(headers).rpartition(b":")[2]  # name:token, as it stands in API_TOKEN, will do too
        found = [name for name, secret in self._tokens if hmac.compare_digest(secret, given)]
        if not found and scope["method"] == "GET" and b"text/html" in headers.get(b"accept", b""):
            raise Problem(303, "unauthorized", "Which token?", (b"location", b"/login"))
        if not found:
            header = (b"www-authenticate", b"Bearer")
            known = "This token is not known here." if token_of(headers) else "Which token?"
            raise Problem(401, "unauthorized", f"{known} Send the header Authorization: Bearer <token>.", header)
        return found[0]


@functools.lru_cache
def is_loopback(host: str) -> bool:
    """Whether a host, as the header has it, is this machine."""
    with contextlib.suppress(ValueError):  # [ without ]
        name = urlsplit(f"//{host}").hostname or ""
        return name in ("localhost", "::1") or (name.startswith("127.") and name.replace(".", "").isdigit())
    return False


def token_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The token of a request, from its header or its cookie."""
    kind, _, token = headers.get(b"authorization", b"").partition(b" ")
    if kind.lower() == b"bearer":
        return token.strip()
    cookies = (one.strip().partition(b"=") for one in headers.get(b"cookie", b"").split(b";"))
    return next((unquote_to_bytes(value) for name, _, value in cookies if name == COOKIE.encode()), b"")


async def body_in_time(scope: Scope, receive: Receive, options: Serve) -> bytes:
    """The body of a request; a `Problem` if it is too large, as soon as that is known, or comes too slowly."""
    most, parts, more = int(options.megabytes * 1e6), list[bytes](), True
    cycle = scope.get("cycle")
    if cycle and not cycle.more_body and len(cycle.body) <= min(most, SMALL):  # it is here: no timer has to be set
        return bytes(cycle.body)
    declared = int(next((value for name, value in scope["headers"] if name == b"content-length"), b"0"))
    size = 0 if declared <= most else declared
    try:
        async with asyncio.timeout(options.seconds):
            while more and size <= most:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(400, "bad", "The body was cut short.")
                parts.append(message.get("body", b""))
                more = message.get("more_body", False)
                size += len(parts[-1])
    except TimeoutError:
        raise Problem(408, "slow", f"The body took more than {options.seconds:g} s ([serve] seconds).", CLOSE) from None
    if size > most:
        raise Problem(413, "too_large", f"The body is larger than {most:,} bytes ([serve] megabytes).", CLOSE)
    return b"".join(parts)


async def respond(send: Send, status: int, content: Any, *headers: tuple[bytes, bytes], cycle: Any = None) -> None:
    """Send a value as JSON; 200 in one piece where there is a cycle of uvicorn's that has not to wait."""
    body = ENCODE(content)
    if cycle and cycle.keep_alive and not cycle.disconnected and not cycle.flow.write_paused:
        date = b"".join(b"%b: %b\r\n" % pair for pair in cycle.default_headers)
        cycle.transport.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (HEAD, date, len(body), body))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        return cycle.on_response()
    length = (b"content-length", str(len(body)).encode())
    fields = [JSON, length, *headers]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
