"""A server that speaks JSON over HTTP, asked patiently; its errors say what to do next, and never a key.

A key comes from the environment alone: DOABLE_API_KEY for any server, OPENAI_API_KEY for api.openai.com only, so that a
key never goes to a server it was not made for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from .accounts import Account, Nobody, estimate
from .retrying import PASSING, Patience

KEY, OPENAI_KEY = "DOABLE_API_KEY", "OPENAI_API_KEY"


class ServerError(ValueError):
    """A server that can't be used; the message says why and what to do."""


class Refused(ServerError):
    """The server did not take the request."""

    def __init__(self, message: str, status_code: int, retry_after: str | None = None):
        super().__init__(message)
        self.status_code = status_code
        self.retry_after = float(retry_after) if retry_after and retry_after.replace(".", "", 1).isdigit() else None


def away(error: ServerError) -> bool:
    """Is it that the server does not answer, or is not ready, rather than that it can't do what it is asked?"""
    return isinstance(error.__cause__, httpx.TransportError) or getattr(error, "status_code", None) in PASSING


class Server:
    """One base URL."""

    def __init__(self, url: str, *, patience: Patience | None = None, environ: Mapping[str, str] | None = None):
        """`url` like 'https://host:8000/v1'. Raises `ServerError` for one that is none, or that holds a secret."""
        self.url = _checked(url)
        parts = urlsplit(self.url)
        self.name = f"{parts.netloc}{parts.path}"
        self.root = f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/v1')}"
        """Without '/v1': where servers keep what is not OpenAI's."""
        environ = os.environ if environ is None else environ
        openai = parts.hostname == "api.openai.com"
        self._key = environ.get(KEY) or (environ.get(OPENAI_KEY) if openai else None)
        self._patience = patience or Patience()
        limits = httpx.Timeout(self._patience.timeout, connect=min(10.0, self._patience.timeout))
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        self._client = httpx.Client(timeout=limits, headers=headers)
        self.account: Account = Nobody()
        """Who pays for what is posted."""

    def post(self, path: str, body: Mapping[str, Any], *, root: bool = False) -> Any:
        """The answer to a request, paid for. Raises `Refused` or another `ServerError`, after trying patiently."""
        sent, written = _tokens(body)
        if sent:
            self.account.before_words(sent, written)
        answer = self._ask("POST", f"{self.root if root else self.url}{path}", body)
        if sent:
            self.account.after_words(*_used(answer, (sent, written)))
        return answer

    def get(self, path: str, *, root: bool = False) -> Any:
        """As `post`, without a body."""
        return self._ask("GET", f"{self.root if root else self.url}{path}", None)

    def _ask(self, method: str, url: str, body: Mapping[str, Any] | None) -> Any:
        try:
            return self._patience(lambda: self._once(method, url, body))
        except httpx.TimeoutException as error:
            raise ServerError(
                f"Expected an answer from {url} within {self._patience.timeout:g} s, got none. Is the server too busy, "
                "or the prompt too long for it?"
            ) from error
        except httpx.TransportError as error:
            raise ServerError(
                f"Expected a server at {url}, got: {self._clean(str(error))}. Start it, or correct the URL in --model."
            ) from error

    def _once(self, method: str, url: str, body: Mapping[str, Any] | None) -> Any:
        response = self._client.request(method, url, json=body)
        if response.status_code >= 300:
            raise Refused(
                f"{_RULES.get(response.status_code, 'Expected the server to answer')}: {method} {url} gave "
                f"{response.status_code} {self._clean(_message(response))}".rstrip(),
                response.status_code,
                response.headers.get("retry-after"),
            )
        try:
            return response.json()
        except ValueError as error:
            raise ServerError(
                f"Expected JSON from {url}, got {self._clean(response.text)[:80]!r}. Is this the base URL of an "
                "OpenAI-compatible server, like http://localhost:8000/v1?"
            ) from error

    def _clean(self, text: str) -> str:
        """A server's words without the key, should it repeat it."""
        return text.replace(self._key, "…") if self._key else text


_RULES = {
    401: f"Expected a key that the server takes; set {KEY} (or {OPENAI_KEY} for api.openai.com)",
    403: f"Expected a key that the server takes; set {KEY} (or {OPENAI_KEY} for api.openai.com)",
    404: "Expected an OpenAI-compatible server with this model; correct the URL or the name after '#'",
    **dict.fromkeys(PASSING, "Expected the server to answer in the end; try later, or look at its log"),
}


def _tokens(body: Mapping[str, Any]) -> tuple[int, int]:
    """How many tokens a request sends, by its length, and how many may be written for it; 0: it is for no model."""
    asked = body.get("prompt", body.get("messages"))
    if asked is None:
        return 0, 0
    if isinstance(asked, list) and asked and isinstance(asked[0], int):
        sent = len(asked)
    else:
        texts = (
            [asked]
            if isinstance(asked, str)
            else [each if isinstance(each, str) else each["content"] for each in asked]
        )
        sent = sum(map(estimate, texts))
    return sent, int(body.get("max_tokens", body.get("n_predict", 0)))


def _used(answer: Any, estimated: tuple[int, int]) -> tuple[int, int]:
    """What the server says it used, else what was estimated."""
    usage = answer.get("usage") if isinstance(answer, dict) else None
    if not isinstance(usage, dict):
        return estimated
    sent, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
    return (sent if isinstance(sent, int) else estimated[0], written if isinstance(written, int) else estimated[1])


def scrubbed(text: str, environ: Mapping[str, str] | None = None) -> str:
    """A text without the keys and tokens of the environment, should one stand in it."""
    for name, value in (os.environ if environ is None else environ).items():
        if name.upper().endswith(("KEY", "TOKEN", "SECRET", "PASSWORD")) and len(value) >= 6:
            text = text.replace(value, "…")
    return text


def _message(response: httpx.Response) -> str:
    """What an error's body says, short."""
    try:
        data = response.json()
        error = data.get("error", data)
        text = error.get("message", error) if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        text = response.text
    return " ".join(str(text).split())[:300]


def _checked(url: str) -> str:
    """The URL, with /v1 if it has no path. What is refused is not repeated: it may be a secret."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ServerError("Expected a URL like http://localhost:8000/v1#model, got one without http(s):// or a host.")
    if parts.username or parts.password or parts.query:
        raise ServerError(
            f"Expected a URL without user, password or query, for journals keep it; got one for {parts.hostname!r} "
            f"with some. Set the key by {KEY} in the environment."
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/v1'}"
