"""Who pays for what is sent to a model that is elsewhere."""

from __future__ import annotations

from typing import Protocol


class OverBudget(Exception):
    """A spend that was not made; the message names the limit and what is left of it."""


class Account(Protocol):
    """Told of tokens before they are sent, when it may refuse by raising `OverBudget`, and after."""

    def before_words(self, sent: int, written: int = 0) -> None:
        """So many tokens are about to be sent, and at most so many will be written."""
        ...

    def after_words(self, sent: int, written: int = 0) -> None:
        """So many were sent and written."""
        ...


class Nobody:
    """Pays for anything."""

    def before_words(self, sent: int, written: int = 0) -> None:
        """Never refuses."""

    def after_words(self, sent: int, written: int = 0) -> None:
        """Counts nothing."""


def estimate(text: str) -> int:
    """Tokens of a text for a model that does not tell: no tokeniser in use makes them shorter than this on average."""
    return len(text) // 3 + 1
