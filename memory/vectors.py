"""The records' vectors, in Chroma through langchain-chroma: a folder beside the records, or a Chroma server.

Chroma keeps text and metadata too, so that the records can be read back from it alone: that is how a server is shared,
and how a folder whose record file is broken is made whole again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from langchain_core.embeddings import Embeddings

from .record import Record
from .shelf import Filter

_COLLECTION = "records"
_PAGE = 1000


class Vectors:
    """Vectors of records by id. Raises whatever Chroma raises."""

    def __init__(self, client: Any, embedder: Embeddings):
        from langchain_chroma import Chroma

        self._client = client
        self._store = Chroma(
            client=client,
            collection_name=_COLLECTION,
            embedding_function=embedder,
            collection_metadata={"hnsw:space": "cosine"},
        )

    @classmethod
    def in_folder(cls, folder: Path, embedder: Embeddings) -> Vectors:
        """Embedded, in this process."""
        import chromadb

        return cls(chromadb.PersistentClient(str(folder.resolve()), settings=_quiet()), embedder)

    @classmethod
    def on_server(cls, url: str, embedder: Embeddings) -> Vectors:
        """At a Chroma server, like 'http://localhost:8000'. Raises ConnectionError, saying what to do."""
        import chromadb

        parts = urlsplit(url)
        secure = parts.scheme == "https"
        try:
            client = chromadb.HttpClient(
                parts.hostname or "", parts.port or (443 if secure else 8000), secure, settings=_quiet()
            )
            return cls(client, embedder)
        except Exception as error:
            raise ConnectionError(
                f"Expected a Chroma server at {url!r}, got: {error}. "
                "Start one (chroma run --path FOLDER), or pass a folder."
            ) from error

    def close(self) -> None:
        """Let go of the folder or the connection."""
        self._client.close()

    def count(self) -> int:
        """How many vectors there are."""
        return self._store._collection.count()

    def add(self, records: Sequence[Record], **more: Any) -> None:
        """Make and keep the vectors of records; those that are there are replaced."""
        for first in range(0, len(records), _PAGE):
            some = records[first : first + _PAGE]
            metadata = [{**_metadata(record), **more} for record in some]
            self._store.add_texts([record.text for record in some], metadata, ids=[record.id for record in some])

    def remove(self, ids: Sequence[str]) -> None:
        """Remove vectors; unknown ids are passed over."""
        for first in range(0, len(ids), _PAGE):
            self._store.delete(list(ids[first : first + _PAGE]))

    def clear(self) -> None:
        """Remove all."""
        self._store.reset_collection()

    def near(self, vector: Sequence[float], k: int, only: Filter, among: Sequence[str] | None = None) -> list[str]:
        """Ids of the `k` nearest by cosine, the nearest first; of what passes `only`, as far as Chroma can tell.

        `among`: the ids that pass, where they are known; told both, Chroma takes fifty times as long.
        """
        narrowed: dict[str, Any] = {"filter": _where(only)} if among is None else {"ids": list(among)}
        found = self._store.similarity_search_by_vector(list(vector), k=k, **narrowed)
        return [document.id or "" for document in found]

    def ids(self) -> list[str]:
        """Every id."""
        return [record_id for page in self._pages(include=[]) for record_id in page["ids"]]

    def read(self, where: dict[str, Any] | None = None) -> Iterator[Record]:
        """The records as Chroma keeps them."""
        for page in self._pages(include=["metadatas", "documents"], where=where):
            for record_id, text, metadata in zip(page["ids"], page["documents"], page["metadatas"], strict=True):
                yield _record(record_id, text, metadata)

    def _pages(self, **asked: Any) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self._store.get(limit=_PAGE, offset=offset, **asked)
            if not page["ids"]:
                return
            yield page
            offset += len(page["ids"])


def _quiet() -> Any:
    from chromadb.config import Settings

    return Settings(anonymized_telemetry=False)


def _where(only: Filter) -> dict[str, Any] | None:
    clauses: list[dict[str, Any]] = [
        {name: value}
        for name, value in (
            ("kind", only.kind), ("place", only.place), ("outcome", only.outcome), ("episode", only.episode)
        )
        if value is not None
    ]  # fmt: skip
    clauses += [{"time": {"$gte": only.since}}] if only.since is not None else []
    clauses += [{"time": {"$lte": only.until}}] if only.until is not None else []
    return clauses[0] if len(clauses) == 1 else {"$and": clauses} if clauses else None


def _metadata(record: Record) -> dict[str, Any]:
    """What Chroma keeps beside the text; it knows no None and no lists."""
    metadata: dict[str, Any] = {
        "kind": record.kind, "time": float(record.time), "place": record.place or "",
        "objects": json.dumps(record.objects), "outcome": record.outcome or "",
        "importance": float(record.importance), "episode": record.episode,
    }  # fmt: skip
    if record.told:
        metadata["told"] = True
    if record.confidence != 1.0:
        metadata["confidence"] = float(record.confidence)
    if record.until is not None:
        metadata["until"] = float(record.until)
    return metadata


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
        told=bool(metadata.get("told", False)),
        confidence=float(metadata.get("confidence", 1.0)),
        until=metadata.get("until"),
    )
