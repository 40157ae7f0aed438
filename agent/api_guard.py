"""Who may ask the HTTP API what, and how often; and how that went, as Prometheus metrics.

Without a token the server is for this machine alone: it listens on loopback, and takes no request whose Host header
names another machine (a web page that had its own name point here would send one) or whose Origin is another site's.
With a token, every request for tasks must carry it: `Authorization: Bearer TOKEN`. It never stands in a URL.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from prometheus_client import (  # pyright: ignore[reportMissingImports]
    CollectorRegistry,
    Counter,
    Histogram,
)
from starlette.requests import HTTPConnection  # pyright: ignore[reportMissingImports]
from starlette.responses import JSONResponse  # pyright: ignore[reportMissingImports]
from starlette.types import ASGIApp, Message, Receive, Scope, Send  # pyright: ignore[reportMissingImports]

OPEN = ("/", "/page.js", "/page.css", "/healthz", "/readyz")
"""What holds nothing of anybody's, so needs no token."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
BODY = 64 * 1024
"""Longest body of a request, bytes."""
_SLOW = 10.0
"""Seconds in which a body has to be here."""
_CLIENTS = 10_000
"""Clients whose rate is remembered at most."""
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
]


class Rates:
    """A bucket of tokens a client: `rate` requests a second on average, twice as many at once. 0: no limit."""

    def __init__(self, rate: float, now: Callable[[], float] = time.monotonic):
        self._rate, self._now = rate, now
        self._buckets: dict[str, tuple[float, float]] = {}

    def wait(self, client: str) -> float:
        """Seconds until the client may ask again; 0: now, and this counts as asked."""
        if not self._rate:
            return 0.0
        now, full = self._now(), max(2 * self._rate, 1.0)
        left, last = self._buckets.pop(client, (full, now))
        left = min(full, left + (now - last) * self._rate)
        if len(self._buckets) >= _CLIENTS:  # the longest unheard goes; it would start full anyway after a while
            self._buckets.pop(next(iter(self._buckets)))
        self._buckets[client] = (left - 1 if left >= 1 else left, now)
        return 0.0 if left >= 1 else (1 - left) / self._rate


class Guard:
    """ASGI middleware: checks each request, adds headers, and counts."""

    def __init__(self, app: ASGIApp, *, token: str | None, rate: float, registry: CollectorRegistry):
        self._app, self._token, self._rates = app, token, Rates(rate)
        self._requests = Counter(
            "doable_requests_total", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "doable_request_seconds", "Seconds until an answer began.", ["method", "route"], registry=registry
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                have = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(h for h in _HEADERS if h[0] not in have)]
                route = getattr(scope.get("route"), "path", "other")
                method = scope["method"] if scope["method"] in ("GET", "POST", "HEAD") else "other"
                self._requests.labels(method, route, message["status"]).inc()
                self._seconds.labels(method, route).observe(time.perf_counter() - began)
            await send(message)

        refusal = self._refusal(HTTPConnection(scope))
        if refusal is None and scope["method"] not in ("GET", "HEAD"):
            receive, refusal = await _read(receive)
        await (refusal or self._app)(scope, receive, sending)

    def _refusal(self, request: HTTPConnection) -> JSONResponse | None:
        """Why it is not let in; None: it is."""
        host = request.headers.get("host", "")
        if self._token is None and _name(host) not in LOOPBACK:
            return _no(
                403, f"Expected a Host of this machine, got {host[:80]!r}. Start the server with a token for others."
            )
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return _no(403, "Expected a request of this server's own page, got one of another site.")
        client = request.client.host if request.client else "unknown"
        if wait := self._rates.wait(client):
            return _no(429, "Expected fewer requests a second. Wait a little.", {"Retry-After": str(int(wait) + 1)})
        if self._token is not None and request.scope["path"] not in OPEN:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {self._token}".encode()):
                return _no(401, "Expected 'Authorization: Bearer TOKEN'.", {"WWW-Authenticate": "Bearer"})
        return None


async def _read(receive: Receive) -> tuple[Receive, JSONResponse | None]:
    """The whole body, to be received again; or why it is refused."""
    body = b""
    try:
        async with asyncio.timeout(_SLOW):
            while (message := await receive())["type"] == "http.request":
                body += message.get("body", b"")
                if len(body) > BODY:
                    return receive, _no(413, f"Expected a body of at most {BODY} bytes.", {"Connection": "close"})
                if not message.get("more_body"):
                    break
    except TimeoutError:
        return receive, _no(408, f"Expected the body within {_SLOW:g} seconds.", {"Connection": "close"})
    whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return whole.pop() if whole else await receive()

    return again, None


def _name(host: str) -> str:
    """A Host header's name, without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _no(status: int, why: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": why}, status, headers)
