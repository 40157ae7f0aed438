"""The memory: records in a Chroma folder on disk, found again by meaning, word, place, kind and outcome."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import platformdirs
from langchain_core.embeddings import Embeddings

from . import ranking
from .embedding import MiniLM
from .record import Record

_COLLECTION = "records"
_POOL = 64
"""Candidates that each kind of search gives."""


class MemoryFolderError(OSError):
    """A memory folder that can't be used; the message says why and what to do."""


class Memory:
    """Everything remembered, in one folder. What `remember` was given is on disk when it returns.

    `path`: the folder, by default in the user's data directory. `embedder`: texts to vectors, by default MiniLM.
    A folder that can't be read is reported, renamed aside and replaced by an empty one; never deleted.
    """

    def __init__(self, path: str | Path | None = None, embedder: Embeddings | None = None):
        self.path = Path(path) if path is not None else Path(platformdirs.user_data_dir("doable")) / "memory"
        self._embedder = embedder or MiniLM()
        self._store = self._open()
        self._records = {record.id: record for record in self._read()}

    @property
    def embedder(self) -> Embeddings:
        """What compares its texts."""
        return self._embedder

    def remember(self, records: Iterable[Record]) -> None:
        """Keep records; one that is there already is not stored twice."""
        new = {record.id: record for record in records if record.id not in self._records}
        if not new:
            return
        self._store.add_texts(
            [record.text for record in new.values()], [_metadata(record) for record in new.values()], ids=list(new)
        )
        self._records.update(new)

    def recall(
        self,
        query: str,
        *,
        k: int = 8,
        now: float | None = None,
        kind: str | None = None,
        place: str | None = None,
        outcome: str | None = None,
        objects: Sequence[str] | None = None,
        token_budget: int | None = None,
        count_tokens: Callable[[str], int] | None = None,
    ) -> list[Record]:
        """The `k` records that matter most for `query` now, best first; filters must all hold.

        `now` in unix seconds, default the clock. With `token_budget` their sentences fit it together, as counted by
        `count_tokens` (default: a word is a token).
        """
        now = time.time() if now is None else now
        pool = [
            record
            for record in self._records.values()
            if kind in (None, record.kind) and place in (None, record.place) and outcome in (None, record.outcome)
            if objects is None or set(objects) & set(record.objects)
        ]
        found = self._relevant(query, pool)
        best = ranking.rank([record for record, _ in found], [score for _, score in found], now)[:k]
        if token_budget is None:
            return best
        return ranking.fit(best, token_budget, count_tokens or (lambda text: len(text.split())), now)

    def search(self, text: str, *, k: int = 8) -> list[Record]:
        """The `k` records most relevant to `text`, whatever their age and importance."""
        found = self._relevant(text, list(self._records.values()))
        return [record for record, _ in sorted(found, key=lambda pair: (-pair[1], pair[0].id))[:k]]

    def forget(self, ids: Sequence[str]) -> None:
        """Remove records by id; unknown ids are passed over."""
        known = [i for i in ids if i in self._records]
        if known:
            self._store.delete(known)
            for i in known:
                del self._records[i]

    def count(self) -> int:
        """How many records there are."""
        return len(self._records)

    def all(self) -> list[Record]:
        """Every record, oldest first."""
        return sorted(self._records.values(), key=lambda r: (r.time, r.id))

    def _relevant(self, query: str, pool: Sequence[Record]) -> list[tuple[Record, float]]:
        """Records of `pool` that dense or keyword search finds, with their fused scores."""
        if not pool or not query.strip():
            return []
        place_of = {record.id: i for i, record in enumerate(pool)}
        vector = self._embedder.embed_query(query)
        wanted = min(self.count(), max(_POOL, self.count() if len(pool) < self.count() else 0))
        near = self._store.similarity_search_by_vector(vector, k=wanted)
        dense = [place_of[doc.id] for doc in near if doc.id in place_of][:_POOL]
        keyword = ranking.keyword_order(query, [_searchable(record) for record in pool])[:_POOL]
        return [(pool[i], score) for i, score in ranking.fuse(dense, keyword).items()]

    # The folder.

    def _open(self) -> Any:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            self._set_aside("a file stands where the folder should be")
            self.path.mkdir(parents=True)
        except OSError as error:
            raise MemoryFolderError(
                f"Expected a folder to keep memory in, got {str(self.path)!r}: {error}. Pass --memory PATH."
            ) from error
        if not os.access(self.path, os.W_OK):
            raise MemoryFolderError(
                f"Expected to be able to write to the memory folder {str(self.path)!r}. Pass --memory PATH."
            )
        broken = _damage(self.path / "chroma.sqlite3")
        if broken:
            self._set_aside(broken)
            self.path.mkdir()
        try:
            return self._connect()
        except Exception as error:
            self._set_aside(f"Chroma can't open it: {error}")
            self.path.mkdir()
            return self._connect()

    def _connect(self) -> Any:
        import chromadb
        from chromadb.api.shared_system_client import SharedSystemClient
        from chromadb.config import Settings
        from langchain_chroma import Chroma

        identifier = str(self.path.resolve())
        # Chroma keeps one client a path for the whole process; one of a folder that was moved away must not be reused.
        if identifier in SharedSystemClient._identifier_to_system and not (self.path / "chroma.sqlite3").exists():
            SharedSystemClient.clear_system_cache()
        client = chromadb.PersistentClient(identifier, settings=Settings(anonymized_telemetry=False))
        return Chroma(
            client=client,
            collection_name=_COLLECTION,
            embedding_function=self._embedder,
            collection_metadata={"hnsw:space": "cosine"},
        )

    def _read(self) -> list[Record]:
        stored = self._store.get(include=["metadatas", "documents"])
        rows = zip(stored["ids"], stored["documents"], stored["metadatas"], strict=True)
        return [_record(i, text, metadata) for i, text, metadata in rows]

    def _set_aside(self, why: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.corrupt-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
        self.path.rename(aside)
        warnings.warn(
            f"The memory in {self.path} can't be read ({why}). It was set aside as {aside.name}, and a new one begun.",
            stacklevel=4,
        )


def _damage(database: Path) -> str | None:
    """What is wrong with Chroma's database file; None: nothing, or there is none yet."""
    if not database.exists():
        return None
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            verdict = connection.execute("PRAGMA quick_check").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if verdict == "ok" else str(verdict)


def _searchable(record: Record) -> str:
    return " ".join([record.text, record.place or "", *record.objects])


def _metadata(record: Record) -> dict[str, Any]:
    """What Chroma keeps beside the text; it knows no None and no lists."""
    return {
        "kind": record.kind, "time": float(record.time), "place": record.place or "",
        "objects": json.dumps(record.objects), "outcome": record.outcome or "",
        "importance": float(record.importance), "episode": record.episode,
    }  # fmt: skip


def _record(record_id: str, text: str, metadata: dict[str, Any]) -> Record:
    return Record(
        text=text,
        kind=metadata["kind"],
        time=metadata["time"],
        place=metadata["place"] or None,
        objects=tuple(json.loads(metadata["objects"])),
        outcome=metadata["outcome"] or None,
        importance=metadata["importance"],
        episode=metadata["episode"],
        id=record_id,
    )
