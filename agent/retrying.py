"""Patience with what is far away: failures that pass are tried again, with growing pauses and an end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
"""Answers of HTTP servers that may be other ones in a moment."""


@dataclass(frozen=True)
class Patience:
    """How long to go on trying."""

    timeout: float = 60.0
    """Seconds until one request is given up."""
    total: float = 120.0
    """Seconds after which nothing is tried again."""
    pause: float = 0.5
    """Seconds before the second try; doubled each time, up to 20."""

    def __call__(self, ask: Callable[[], T]) -> T:
        """What `ask` gives, tried again while it fails in a way that passes. Raises its last error."""
        import tenacity

        tries = tenacity.Retrying(
            retry=tenacity.retry_if_exception(passes),
            wait=_pause(tenacity.wait_exponential(multiplier=self.pause, max=20.0)),
            stop=tenacity.stop_before_delay(self.total),
            reraise=True,
        )
        return tries(ask)


def passes(error: BaseException) -> bool:
    """May this failure be over in a moment: a connection, a time-out, a server that is busy or starting?"""
    import httpx

    status = getattr(error, "status_code", None)  # as httpx-based clients of all providers name it
    if isinstance(status, int):
        return status in PASSING
    if isinstance(error, httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return False
    return isinstance(error, httpx.TransportError | TimeoutError | ConnectionError) or type(error).__name__ in (
        "APIConnectionError",  # openai's and anthropic's, which are no ConnectionError
        "APITimeoutError",
    )


def _pause(growing: Callable) -> Callable:
    """The growing pause, or a longer one that the server asked for (at most a minute)."""

    def wait(state: object) -> float:
        error = state.outcome.exception() if state.outcome else None  # type: ignore[attr-defined]
        asked = getattr(error, "retry_after", None)
        return max(growing(state), min(float(asked), 60.0) if asked else 0.0)

    return wait
