"""What stands before the service: who may ask, how much is read, and how a request is refused."""

import asyncio
import contextlib
import functools
import hmac
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

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
CLOSE = (b"connection", b"close")
RETRY = (b"retry-after", b"1")
COOKIE = "token"
SMALL, AT_ONCE = 100_000, 8  # bytes of a body that is read whatever others there are; of the largest, so many at once
OPEN = frozenset(["/health/live", "/health/ready", "/login"])  # asked without a token
PATHS = ("/", "/answer", "/label", "/monitor", "/docs")  # for people, who are asked for the token and come back
Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class Problem(Exception):
    """A request that is not answered: the status, the outcome that is counted, what is said, further headers."""

    def __init__(self, status: int, outcome: str, said: str, *headers: tuple[bytes, bytes], **more: Any) -> None:
        super().__init__(said)
        self.status, self.outcome, self.headers = status, outcome, headers
        self.content = {"error": said, **more}


def busy(why: str, *headers: tuple[bytes, bytes]) -> Problem:
    """The problem that the service cannot answer just now."""
    return Problem(503, "busy", f"Not now: {why}. Ask again.", RETRY, *headers)


class Guard:
    """Decides who may ask: all from this machine without `API_TOKEN`, those who know one of its tokens with it."""

    def __init__(self, tokens: str) -> None:
        named = [(token if ":" in token else f":{token}").partition(":") for token in tokens.split()]
        for place, (name, _, secret) in enumerate(named, start=1):
            if not secret or len(named) > 1 and not name:
                cure = "Set name:secret for each in .env or the environment, parted by blanks; a secret holds none."
                raise SettingsError(f"API_TOKEN: token {place} has no {'name' if secret else 'secret'}.\n{cure}")
        self.tokens = [(name or "token", secret.encode()) for name, _, secret in named]

    def asker(self, scope: Scope) -> str:
        """The name of who asks; a `Problem` where nobody may."""
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if not self.tokens and not is_loopback(host):
            said = f"Without API_TOKEN only this machine is answered, not {host[:80]!r}."
            raise Problem(403, "forbidden", f"{said} Set API_TOKEN, or ask 127.0.0.1.")
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and scope["method"] not in ("GET", "HEAD") and origin.partition("://")[2] != host:
            raise Problem(403, "forbidden", "A page of another origin sent this, or a proxy that passes on no Host.")
        if not self.tokens or scope["path"] in OPEN or scope["path"].startswith("/static/"):
            return ""
        given = token_of(headers)
        if (name := self.name_of(given)) is not None:
            return name
        page = scope["method"] == "GET" or scope["path"] in (*PATHS, "/table")  # a program, too, may take text/html
        if page and b"text/html" in headers.get(b"accept", b""):
            here = quote(f"{scope['path']}?{scope['query_string'].decode('latin-1')}".rstrip("?"))
            raise Problem(303, "unauthorized", "Which token?", (b"location", f"/login?next={here}".encode()))
        known, header = "This token is not known here." if given else "Which token?", (b"www-authenticate", b"Bearer")
        raise Problem(401, "unauthorized", f"{known} Send the header Authorization: Bearer <token>.", header)

    def name_of(self, given: bytes) -> str | None:
        """The name of a token, None of one that is not known, "" where none is needed."""
        names = ((name, secret, f"{name}:".encode()) for name, secret in self.tokens)  # may stand before it, too
        found = [name for name, secret, head in names if hmac.compare_digest(secret, given.removeprefix(head))]
        return next(iter(found), None) if self.tokens else ""


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


class Bodies:
    """Reads the bodies of requests, of `[serve] megabytes` and `seconds` at most each, and not too many at once."""

    def __init__(self, options: Serve) -> None:
        self._most, self._seconds, self._held = int(options.megabytes * 1e6), options.seconds, 0

    async def read(self, scope: Scope, receive: Receive, most: float = math.inf) -> bytes:
        """The body of a request; a `Problem` if it has too many bytes, as soon as that is known, or is too slow."""
        most, parts, more = min(most, self._most), list[bytes](), True
        headers = dict(scope["headers"])
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Problem(415, "bad", "Compressed bodies are not read: send it without Content-Encoding.", CLOSE)
        declared = int(headers.get(b"content-length", b"0"))
        size = 0 if declared <= most else declared
        try:
            async with asyncio.timeout(self._seconds):
                while more and size <= most:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise Problem(400, "bad", "The body was cut short.")
                    parts.append(message.get("body", b""))
                    more = message.get("more_body", False)
                    size += len(parts[-1])
                    self._held += len(parts[-1])
                    # all that are being read have more bytes than the memory is meant for
                    if size > SMALL and self._held > AT_ONCE * self._most:
                        raise busy(f"bodies of {self._held:,} bytes are being read", CLOSE)
        except TimeoutError:
            said = f"The body took more than {self._seconds:g} s ([serve] seconds)."
            raise Problem(408, "slow", said, CLOSE) from None
        finally:
            self._held -= sum(map(len, parts))
        if size > most:
            raise Problem(413, "too_large", f"The body is larger than {most:,} bytes ([serve] megabytes).", CLOSE)
        return b"".join(parts).removeprefix(b"\xef\xbb\xbf")  # a mark of UTF-8


async def respond(send: Send, status: int, content: Any, *headers: tuple[bytes, bytes]) -> None:
    """Send a value as JSON."""
    body = ENCODE(content)
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [JSON, length, *headers]})
    await send({"type": "http.response.body", "body": body})
