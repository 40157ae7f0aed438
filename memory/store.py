"""The memory: records on disk, found again by meaning, word, place, time, kind and outcome.

A folder holds the records (SQLite, the truth: `shelf`) and their vectors (Chroma, made from them: `vectors`), and
belongs to one process at a time. A Chroma server holds everything itself and is shared; this process then keeps a copy
of the records beside it for the search by word, and looks for what others wrote before each search.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
import warnings
import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import platformdirs
from langchain_core.embeddings import Embeddings

from . import lock, ranking
from .embedding import MiniLM
from .record import Record
from .shelf import Filter, Shelf
from .vectors import Vectors

_POOL = 64
"""Candidates that each kind of search gives."""
_FEW, _FEW_SENT = 100_000, 2000
"""Records that pass a filter, up to which Chroma is told their ids instead of the filter: here, and on a server.

At 50,000 records that takes a quarter to a sixth of the time, whatever the filter leaves."""
_BATCH = 1000
_CHECKED = 64_000_000
"""Bytes of a record file that are checked through when it is opened; of a larger one only the beginning is."""


class MemoryFolderError(OSError):
    """A memory that can't be used; the message says why and what to do."""


class Memory:
    """Everything remembered. What `remember` was given is on disk when it returns.

    `path`: a folder, by default in the user's data directory, or the URL of a Chroma server. `embedder`: texts to
    vectors, by default MiniLM. What can't be read is reported, renamed aside and never deleted; records are then read
    back from the vectors' store, or the vectors made anew from the records, whichever is whole.
    """

    def __init__(self, path: str | Path | None = None, embedder: Embeddings | None = None):
        self._embedder = embedder or MiniLM()
        self._url = str(path) if str(path).startswith(("http://", "https://")) else None
        self._scratch = tempfile.TemporaryDirectory(prefix="doable-memory-") if self._url else None
        if self._scratch:
            self.path = Path(self._scratch.name)
        else:
            self.path = Path(path) if path is not None else Path(platformdirs.user_data_dir("doable")) / "memory"
        self._lock_key: str | None = None
        try:
            self._open_folder()
            self._shelf = self._open_shelf()
            self._vectors = self._open_vectors()
        except BaseException:
            if self._lock_key:
                lock.release(self._lock_key)
            raise
        self.close = weakref.finalize(self, _close, self._shelf, self._vectors, self._lock_key, self._scratch)
        """Let go of the folder; done by itself when the memory is no longer used."""
        self._synced = 0.0
        self._fill()

    @property
    def embedder(self) -> Embeddings:
        """What compares its texts."""
        return self._embedder

    # Writing.

    def remember(self, records: Iterable[Record]) -> list[Record]:
        """Keep records; one that is there already is not stored twice. Gives those that are new."""
        if self._url:
            records = [r for r in {r.id: r for r in records}.values() if r.id not in self._shelf.by_ids([r.id])]
            self._vectors.add(records, stored=time.time())
            return self._shelf.add(records, pending=False)
        added = self._shelf.add(records)
        if added:
            self._settle()
        return added

    def forget(self, ids: Sequence[str]) -> list[str]:
        """Remove records by id; unknown ids are passed over. Gives the ids that were there."""
        gone = self._shelf.remove(ids)
        self._settle()
        return gone

    def end(self, record_id: str, until: float | None) -> None:
        """Keep a record as past: so no longer from `until` (unix seconds) on. None: it is so after all."""
        self._shelf.end(record_id, until)
        self._settle()

    # Finding.

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
        since: float | None = None,
        until: float | None = None,
        not_episode: str | None = None,
        token_budget: int | None = None,
        count_tokens: Callable[[str], int] | None = None,
    ) -> list[Record]:
        """The `k` records that matter most for `query` now, best first; filters must all hold.

        Times in unix seconds, `now` by default the clock's; `since` and `until` bound a record's time. An empty query
        asks by the filters alone. What is no longer so is left out. With `token_budget` their sentences fit it
        together, as counted by `count_tokens` (default: a word is a token). How they are ordered: `ranking`.
        """
        now = time.time() if now is None else now
        only = Filter(kind, place, outcome, objects, since, until, not_episode=not_episode, past=False)
        if query.strip():
            found = self._relevant(query, only)
        else:
            found = [(record, 0.0) for record in self.select(only, limit=_POOL)]
        best = ranking.rank([record for record, _ in found], [score for _, score in found], now)
        some = ranking.diverse(best, k)
        if token_budget is None:
            return some
        return ranking.fit(some, token_budget, count_tokens or (lambda text: len(text.split())), now)

    def search(self, text: str, *, k: int = 8, only: Filter | None = None) -> list[Record]:
        """The `k` records most relevant to `text`, whatever their age and importance."""
        found = self._relevant(text, only or Filter(), max(_POOL, k))
        return [record for record, _ in sorted(found, key=lambda pair: (-pair[1], pair[0].id))[:k]]

    def select(self, only: Filter, *, limit: int = -1, oldest_first: bool = False) -> list[Record]:
        """The records that pass a filter, newest first unless told otherwise; exact."""
        self._catch_up()
        return self._shelf.select(only, limit=limit, oldest_first=oldest_first)

    def get(self, record_id: str) -> Record | None:
        """The record of an id."""
        self._catch_up()
        return self._shelf.by_ids([record_id]).get(record_id)

    def names(self, of: Literal["objects", "places"]) -> list[str]:
        """All names of objects or places that records have."""
        self._catch_up()
        return self._shelf.names(*{"objects": ("mentions", "object"), "places": ("records", "place")}[of])

    def starting_with(self, beginning: str) -> list[Record]:
        """Records whose id begins so; of many, some."""
        self._catch_up()
        return self._shelf.starting_with(beginning)

    def count(self, only: Filter | None = None) -> int:
        """How many records there are, or pass a filter."""
        self._catch_up()
        return self._shelf.count(only)

    def all(self) -> list[Record]:
        """Every record, oldest first."""
        return self.select(Filter(), oldest_first=True)

    def by_meaning(self, query: str, only: Filter, limit: int) -> list[Record]:
        """The nearest by vector, the nearest first: one of the two searches that are fused."""
        among = None
        narrow = replace(only, not_episode=None, past=None)
        if narrow != Filter():
            most = _FEW_SENT if self._url else _FEW
            if self._shelf.count(only, most=most + 1) <= most:
                among = self._shelf.ids(only)
        if among == []:
            return []
        near = self._vectors.near(self._embedder.embed_query(query), limit, only, among)
        found = self._shelf.by_ids(near, only)
        return [found[i] for i in near if i in found]

    def by_word(self, query: str, only: Filter, limit: int) -> list[Record]:
        """The best by BM25: the other one."""
        return self._shelf.by_word(query, only, limit)

    def _relevant(self, query: str, only: Filter, pool: int = _POOL) -> list[tuple[Record, float]]:
        """Records that either search finds, with their relevance."""
        if not query.strip():
            return []
        self._catch_up()
        keyword = self.by_word(query, only, pool)
        dense = [r for r in self.by_meaning(query, only, pool) if ranking.comparable(query, r.text)]
        known = {record.id: record for record in (*keyword, *dense)}
        scores = ranking.fuse([r.id for r in keyword], [r.id for r in dense], weights=(1.0, ranking.DENSE))
        scores = ranking.spread(scores, self._shelf.neighbours(list(known.values())))
        known |= self._shelf.by_ids([i for i in scores if i not in known], only)
        return [(known[i], score) for i, score in scores.items() if i in known]

    # Keeping records and vectors together.

    def _settle(self) -> None:
        """Make the vectors that are still to be made, and remove those of what is gone."""
        if gone := self._shelf.gone():
            self._vectors.remove(gone)
            self._shelf.settled(gone=gone)
        while todo := self._shelf.pending(_BATCH):
            self._vectors.add(todo, **({"stored": time.time()} if self._url else {}))
            self._shelf.settled(added=[record.id for record in todo])

    def _fill(self) -> None:
        """At the start: what a killed process left undone, and what only one of the two knows."""
        if self._url:
            self._catch_up(whole=True)
            return
        name = type(self._embedder).__name__
        if (self._shelf.about("embedder") or name) != name:
            warnings.warn(
                f"This memory was made with another embedder: its vectors are made anew by {name}.", stacklevel=3
            )
            self._vectors.clear()
            self._shelf.unsettle()
        self._shelf.about("embedder", name)
        if not self._shelf.count() and self._vectors.count():
            self._shelf.add(self._vectors.read(), pending=False)
        self._settle()
        if self._vectors.count() != self._shelf.count():
            self._match_up()

    def _match_up(self) -> None:
        """Vectors without a record go, records without a vector get one."""
        there, known = set(self._vectors.ids()), set(self._shelf.ids(Filter()))
        self._vectors.remove(sorted(there - known))
        self._shelf.unsettle(but=there & known)
        self._settle()

    def _catch_up(self, *, whole: bool = False) -> None:
        """From a server: what others wrote since the last look."""
        if not self._url or (not whole and self._vectors.count() == self._shelf.count()):
            return
        # Clocks of other machines may be a minute behind.
        new = None if whole else {"stored": {"$gt": self._synced - 60}}
        self._synced = time.time()
        self._shelf.add(self._vectors.read(new), pending=False)
        if self._vectors.count() != self._shelf.count():
            there = set(self._vectors.ids())
            missing = there - set(self._shelf.ids(Filter()))
            self._shelf.remove([i for i in self._shelf.ids(Filter()) if i not in there])
            if missing:
                self._shelf.add(self._vectors.read(), pending=False)
            self._shelf.settled(gone=self._shelf.gone())

    # Opening.

    def _open_folder(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            self._set_aside(self.path, "a file stands where the folder should be")
            self.path.mkdir(parents=True)
        except OSError as error:
            raise MemoryFolderError(
                f"Expected a folder to keep memory in, got {str(self.path)!r}: {error}. Pass --memory PATH."
            ) from error
        if not os.access(self.path, os.W_OK):
            raise MemoryFolderError(
                f"Expected to be able to write to the memory folder {str(self.path)!r}. Pass --memory PATH."
            )
        try:
            self._lock_key = lock.acquire(self.path)
        except lock.FolderInUse as error:
            raise MemoryFolderError(str(error)) from error

    def _open_shelf(self) -> Shelf:
        file = self.path / "records.sqlite3"
        if broken := _damage(file):
            self._set_aside(file, broken)
            for log in ("-wal", "-shm"):
                file.with_name(file.name + log).unlink(missing_ok=True)
        return Shelf(file)

    def _open_vectors(self) -> Vectors:
        if self._url:
            try:
                return Vectors.on_server(self._url, self._embedder)
            except ConnectionError as error:
                raise MemoryFolderError(str(error)) from error
        folder = self.path / "chroma"
        if (self.path / "chroma.sqlite3").exists():  # where it was kept before there was a record file
            folder = self.path
        if broken := _damage(folder / "chroma.sqlite3"):
            folder = self._renew(folder, broken)
        try:
            return Vectors.in_folder(folder, self._embedder)
        except Exception as error:
            return Vectors.in_folder(self._renew(folder, f"Chroma can't open it: {error}"), self._embedder)

    def _renew(self, folder: Path, why: str) -> Path:
        """Put a broken store of vectors aside; the folder for a new one."""
        self._set_aside(folder / "chroma.sqlite3" if folder == self.path else folder, why)
        self._shelf.unsettle()
        return self.path / "chroma"

    def _set_aside(self, what: Path, why: str) -> None:
        aside = what.with_name(f"{what.name}.corrupt-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
        what.rename(aside)
        warnings.warn(
            f"The memory in {what} can't be read ({why}). It was set aside as {aside.name}, and a new one begun.",
            stacklevel=5,
        )


def _close(shelf: Shelf, vectors: Vectors, key: str | None, scratch: tempfile.TemporaryDirectory[str] | None) -> None:
    shelf.close()
    vectors.close()
    if key:
        lock.release(key)
    if scratch:
        scratch.cleanup()


def _damage(database: Path) -> str | None:
    """What is wrong with a database file; None: nothing, or there is none yet."""
    if not database.exists():
        return None
    try:
        # Not read-only: what a killed process left half done has to be rolled back before it can be read.
        connection = sqlite3.connect(f"file:{database}?mode=rw", uri=True, timeout=10)
        try:
            whole = database.stat().st_size <= _CHECKED
            check = "PRAGMA quick_check" if whole else "SELECT 'ok' FROM sqlite_master"
            verdict = connection.execute(check).fetchone()[0]
        finally:
            connection.close()
    except sqlite3.OperationalError:
        return None  # busy or not to be opened, which is no damage; whoever opens it next says so
    except sqlite3.DatabaseError as error:
        return str(error)
    return None if verdict == "ok" else str(verdict)
