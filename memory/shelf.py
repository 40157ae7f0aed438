"""The records themselves: one SQLite file, with an index by word (FTS5, whose `bm25()` ranks) and by what filters ask.

It is the truth of a memory folder: a record is on disk when `add` returns, in the same transaction as its words. The
vectors beside it (`vectors`) are made from it; which of them are still to be made is written down here too.
"""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .record import Record

MOST_MATCHES = 3000
"""Records that one keyword query ranks by BM25 at most, about 20 ms. Words so common that it would be more are then
left to the newest records that hold them, and to the vectors."""

STOP_WORDS = frozenset(
    """
    a about an and are as at be been but by can could did do does for from had has have he her him his how i
    if in into is it its me my of on or our she should so some than that the their them then there these they
    this those to was we were what when where which while who whom whose why will with would you your
    """.split()  # noqa: SIM905 (a list would be five times as long)
)
"""English words that say nothing about what is looked for. Negations and numbers are none."""

_FORM = 1
_SCHEMA = """
CREATE TABLE records (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, text TEXT NOT NULL, kind TEXT NOT NULL, time REAL NOT NULL,
    place TEXT, outcome TEXT, importance REAL NOT NULL, episode TEXT NOT NULL, objects TEXT NOT NULL,
    told INTEGER NOT NULL, confidence REAL NOT NULL, until REAL, pending INTEGER NOT NULL);
CREATE INDEX by_time ON records (time);
CREATE INDEX by_kind ON records (kind, time);
CREATE INDEX by_place ON records (place, time);
CREATE INDEX by_episode ON records (episode, seq);
CREATE INDEX by_failure ON records (time) WHERE outcome = 'failure';
CREATE INDEX to_vector ON records (seq) WHERE pending = 1;
CREATE TABLE mentions (object TEXT, time REAL, seq INTEGER, PRIMARY KEY (object, time, seq)) WITHOUT ROWID;
CREATE TABLE gone (id TEXT PRIMARY KEY);
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT);
CREATE VIRTUAL TABLE words USING fts5 (text, content='', tokenize='porter unicode61');
"""
_COLUMNS = "id, text, kind, time, place, outcome, importance, episode, objects, told, confidence, until"


@dataclass(frozen=True)
class Filter:
    """What a record must be like; None asks for nothing."""

    kind: str | None = None
    place: str | None = None
    """'': of no place."""
    outcome: str | None = None
    objects: Sequence[str] | None = None
    """At least one of them."""
    since: float | None = None
    """Unix seconds, both ends included."""
    until: float | None = None
    episode: str | None = None
    not_episode: str | None = None
    told: bool | None = None
    past: bool | None = None
    """True: only what is no longer so."""

    def sql(self) -> tuple[str, list[Any]]:
        """A condition on `records r`, and its values."""
        parts: list[str] = []
        values: list[Any] = []
        for column, test, value in (
            ("kind", "=", self.kind), ("place", "=", self.place or None), ("outcome", "=", self.outcome),
            ("time", ">=", self.since), ("time", "<=", self.until),
            ("episode", "=", self.episode), ("episode", "<>", self.not_episode), ("told", "=", self.told),
        ):  # fmt: skip
            if value is not None:
                parts.append(f"r.{column} {test} ?")
                values.append(value)
        if self.place == "":
            parts.append("r.place IS NULL")
        if self.past is not None:
            parts.append(f"r.until IS {'NOT ' if self.past else ''}NULL")
        if self.objects is not None:
            marks = ", ".join("?" * len(self.objects))
            parts.append(f"r.seq IN (SELECT seq FROM mentions WHERE object IN ({marks}))")
            values += self.objects
        return " AND ".join(parts) or "1", values


def words(text: str) -> list[str]:
    """Lower-case words and numbers, each once."""
    return list(dict.fromkeys(re.findall(r"\w+", text.lower())))


def searched(query: str) -> list[str]:
    """The words of a query that say what is looked for; all of them if none does."""
    found = words(query)
    return [word for word in found if word not in STOP_WORDS] or found


def searchable(record: Record) -> str:
    """What the index by word reads of a record."""
    extra = [word for word in (record.place or "", *record.objects) if word not in record.text]
    return " ".join([record.text, *extra])


class Shelf:
    """All records, on disk. For any thread, one at a time. `seq` numbers records in the order they came."""

    def __init__(self, path: Path):
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=30)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA cache_size = -65536")
        if not self._db.execute("PRAGMA user_version").fetchone()[0]:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_FORM}; COMMIT;")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    # Writing.

    def add(self, records: Iterable[Record], *, pending: bool = True) -> list[Record]:
        """Keep those that are new, all or none; gives them. On disk when it returns."""
        added = []
        with self._writing():
            for record in records:
                row = (
                    record.id, record.text, record.kind, float(record.time), record.place, record.outcome,
                    float(record.importance), record.episode, json.dumps(record.objects, ensure_ascii=False),
                    record.told, float(record.confidence), record.until, pending,
                )  # fmt: skip
                done = self._db.execute(
                    f"INSERT OR IGNORE INTO records ({_COLUMNS}, pending) VALUES ({', '.join('?' * len(row))})", row
                )
                if not done.rowcount:
                    continue
                seq = done.lastrowid
                self._db.execute("INSERT INTO words (rowid, text) VALUES (?, ?)", (seq, searchable(record)))
                self._db.executemany(
                    "INSERT OR IGNORE INTO mentions VALUES (?, ?, ?)", [(o, record.time, seq) for o in record.objects]
                )
                self._db.execute("DELETE FROM gone WHERE id = ?", (record.id,))
                added.append(record)
        return added

    def remove(self, ids: Sequence[str]) -> list[str]:
        """Take records out; gives the ids that were there. Their vectors are noted as to be removed."""
        gone = []
        with self._writing():
            for record_id in ids:
                row = self._db.execute(f"SELECT seq, {_COLUMNS} FROM records WHERE id = ?", (record_id,)).fetchone()
                if row is None:
                    continue
                seq, record = row[0], _record(row[1:])
                self._db.execute(
                    "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", (seq, searchable(record))
                )
                self._db.executemany(
                    "DELETE FROM mentions WHERE object = ? AND time = ? AND seq = ?",
                    [(o, record.time, seq) for o in record.objects],
                )
                self._db.execute("DELETE FROM records WHERE seq = ?", (seq,))
                self._db.execute("INSERT OR IGNORE INTO gone VALUES (?)", (record_id,))
                gone.append(record_id)
        return gone

    def end(self, record_id: str, until: float | None) -> None:
        """It is so no longer, from `until` on."""
        with self._writing():
            self._db.execute("UPDATE records SET until = ?, pending = 1 WHERE id = ?", (until, record_id))

    # What the vectors still have to learn.

    def pending(self, limit: int = 1000) -> list[Record]:
        """Records whose vectors are still to be made."""
        return self._select("r.pending = 1 ORDER BY r.seq LIMIT ?", [limit])

    def gone(self) -> list[str]:
        """Ids whose vectors are still to be removed."""
        return [row[0] for row in self._rows("SELECT id FROM gone")]

    def settled(self, added: Sequence[str] = (), gone: Sequence[str] = ()) -> None:
        """The vectors of these are made, and of those removed."""
        with self._writing():
            self._db.executemany("UPDATE records SET pending = 0 WHERE id = ?", [(i,) for i in added])
            self._db.executemany("DELETE FROM gone WHERE id = ?", [(i,) for i in gone])

    def unsettle(self, but: Iterable[str] = ()) -> None:
        """All vectors are to be made anew, but those of some records."""
        with self._writing():
            self._db.execute("UPDATE records SET pending = 1")
            self._db.executemany("UPDATE records SET pending = 0 WHERE id = ?", [(i,) for i in but])

    # Reading.

    def count(self, only: Filter | None = None, *, most: int | None = None) -> int:
        """How many records there are; counts no further than `most`."""
        condition, values = (only or Filter()).sql()
        if most is None:
            return self._rows(f"SELECT count(*) FROM records r WHERE {condition}", values)[0][0]
        query = f"SELECT count(*) FROM (SELECT 1 FROM records r WHERE {condition} LIMIT ?)"
        return self._rows(query, [*values, most])[0][0]

    def select(self, only: Filter, *, limit: int = -1, oldest_first: bool = False) -> list[Record]:
        """Records by time, the newest first unless told otherwise; of equal times, by when they came."""
        way = "ASC" if oldest_first else "DESC"
        if only.objects is not None and len(only.objects) == 1 and only.since is None and only.until is None:
            # The index of mentions is in this order already.
            condition, values = replace(only, objects=None).sql()
            return self._records(
                f"SELECT {_prefixed} FROM mentions m JOIN records r ON r.seq = m.seq "
                f"WHERE m.object = ? AND {condition} ORDER BY m.time {way}, m.seq {way} LIMIT ?",
                [only.objects[0], *values, limit],
            )
        condition, values = only.sql()
        return self._select(f"{condition} ORDER BY r.time {way}, r.seq {way} LIMIT ?", [*values, limit])

    def by_ids(self, ids: Sequence[str], only: Filter | None = None) -> dict[str, Record]:
        """The records with these ids that pass, by id."""
        condition, values = (only or Filter()).sql()
        found: dict[str, Record] = {}
        for first in range(0, len(ids), 500):
            some = ids[first : first + 500]
            marks = ", ".join("?" * len(some))
            found |= {r.id: r for r in self._select(f"r.id IN ({marks}) AND {condition}", [*some, *values])}
        return found

    def names(self, table: str, column: str) -> list[str]:
        """The different values of an indexed column, in order; as quick as they are few."""
        found: list[str] = []
        while row := self._rows(f"SELECT min({column}) FROM {table} WHERE {column} > ?", [found[-1] if found else ""]):
            if row[0][0] is None:
                return found
            found.append(row[0][0])
        return found

    def starting_with(self, beginning: str) -> list[Record]:
        """Records whose id begins so; ten at most."""
        end = beginning + "\U0010ffff"
        return self._select("r.id >= ? AND r.id < ? LIMIT 10", [beginning, end])

    def ids(self, only: Filter) -> list[str]:
        """Ids of the records that pass."""
        condition, values = only.sql()
        return [row[0] for row in self._rows(f"SELECT r.id FROM records r WHERE {condition}", values)]

    def by_word(self, query: str, only: Filter, limit: int) -> list[Record]:
        """Records that share a word with the query, best BM25 first; of equals, the newer."""
        wanted = searched(query)
        if not wanted:
            return []
        asked, common = self._within_reach(wanted)
        best = self._match(" OR ".join(asked), only, limit, "bm25(words), words.rowid DESC") if asked else []
        found = {record.id: record for record in best}
        for match in (" AND ".join(common), " OR ".join(common)) if common else ():
            if len(found) < limit:
                found |= {r.id: r for r in self._match(match, only, limit, "words.rowid DESC") if r.id not in found}
        return list(found.values())[:limit]

    def neighbours(self, records: Sequence[Record]) -> dict[str, tuple[str | None, str | None]]:
        """What was said before and after each record that was told: their ids, by its id."""
        around: dict[str, tuple[str | None, str | None]] = {}
        for record in records:
            if record.told:
                before, after = (
                    self._rows(
                        f"SELECT id FROM records WHERE episode = ? AND told AND seq {test} "
                        f"(SELECT seq FROM records WHERE id = ?) ORDER BY seq {way} LIMIT 1",
                        [record.episode, record.id],
                    )
                    for test, way in (("<", "DESC"), (">", "ASC"))
                )
                around[record.id] = before[0][0] if before else None, after[0][0] if after else None
        return around

    def about(self, name: str, value: str | None = None) -> str | None:
        """A note on the folder itself; with `value`, written down first."""
        if value is not None:
            self._db.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, value))
        rows = self._rows("SELECT value FROM about WHERE name = ?", [name])
        return rows[0][0] if rows else None

    def _within_reach(self, wanted: Sequence[str]) -> tuple[list[str], list[str]]:
        """Quoted words that BM25 can rank in time, rare ones first, and those too common for it."""
        quoted = [f'"{word}"' for word in wanted]
        newest = self._rows("SELECT max(seq) FROM records")[0][0] or 0
        if newest <= MOST_MATCHES:
            return quoted, []
        counts = {
            word: self._rows(
                "SELECT count(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", [word, MOST_MATCHES + 1]
            )[0][0]
            for word in quoted
        }
        asked, common, total = [], [], 0
        for word in sorted(quoted, key=lambda w: counts[w]):
            total += counts[word]
            (asked if total <= MOST_MATCHES else common).append(word)
        return asked, common

    def _match(self, match: str, only: Filter, limit: int, order: str) -> list[Record]:
        condition, values = only.sql()
        return self._records(
            f"SELECT {_prefixed} FROM words JOIN records r ON r.seq = words.rowid "
            f"WHERE words MATCH ? AND {condition} ORDER BY {order} LIMIT ?",
            [match, *values, limit],
        )

    def _select(self, tail: str, values: Any) -> list[Record]:
        return self._records(f"SELECT {_prefixed} FROM records r WHERE {tail}", values)

    def _records(self, query: str, values: Any) -> list[Record]:
        return [_record(row) for row in self._rows(query, values)]

    def _rows(self, query: str, values: Any = ()) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise


_prefixed = ", ".join(f"r.{name}" for name in _COLUMNS.split(", "))


def _record(row: Sequence[Any]) -> Record:
    record_id, text, kind, time, place, outcome, importance, episode, objects, told, confidence, until = row
    return Record(
        text=text, kind=kind, time=time, place=place, objects=tuple(json.loads(objects)), outcome=outcome,
        importance=importance, episode=episode, id=record_id, told=bool(told), confidence=confidence, until=until,
    )  # fmt: skip
