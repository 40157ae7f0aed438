"""Memory as it looks from elsewhere: from an imagined world, from a moment that is over, or to who has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from langchain_core.embeddings import Embeddings

from ..memory.record import Record
from ..memory.shelf import Filter
from ..memory.store import Memory


class ReadOnly:
    """A memory that can be asked, and that what is only imagined does not get into."""

    def __init__(self, memory: Memory):
        self._memory = memory

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memory, name)

    def remember(self, records: Iterable[Record]) -> list[Record]:
        """Nothing is kept."""
        return []

    def forget(self, ids: Sequence[str]) -> list[str]:
        """Nothing is forgotten."""
        return []

    def end(self, record_id: str, until: float | None) -> None:
        """Nothing ends."""


class Nothing:
    """A memory that keeps nothing: what an episode knows by itself, for benchmarks of single episodes."""

    def __init__(self, embedder: Embeddings):
        self.embedder = embedder

    def remember(self, records: Iterable[Record]) -> list[Record]:
        """Nothing is kept."""
        return []

    def count(self, only: Filter | None = None) -> int:
        """None."""
        return 0

    def _none(self, *_: Any, **__: Any) -> list[Any]:
        return []

    recall = search = select = by_word = by_meaning = starting_with = all = forget = _none


class AsOf:
    """A memory as it was at a time (unix seconds): what came later is not found. What is new is written as ever."""

    def __init__(self, memory: Memory, until: float):
        self._memory, self._until = memory, until

    def __getattr__(self, name: str) -> Any:
        return getattr(self._memory, name)

    def _then(self, only: Filter | None) -> Filter:
        only = only or Filter()
        return replace(only, until=self._until if only.until is None else min(only.until, self._until))

    def recall(self, query: str, *, until: float | None = None, **given: Any) -> list[Record]:
        """As `Memory.recall`, of what was known then."""
        return self._memory.recall(query, until=self._until if until is None else min(until, self._until), **given)

    def search(self, text: str, *, k: int = 8, only: Filter | None = None) -> list[Record]:
        """As `Memory.search`, of what was known then."""
        return self._memory.search(text, k=k, only=self._then(only))

    def select(self, only: Filter, *, limit: int = -1, oldest_first: bool = False) -> list[Record]:
        """As `Memory.select`, of what was known then."""
        return self._memory.select(self._then(only), limit=limit, oldest_first=oldest_first)

    def count(self, only: Filter | None = None) -> int:
        """As `Memory.count`, of what was known then."""
        return self._memory.count(self._then(only))
