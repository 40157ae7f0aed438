"""How memory fares as it grows: one store that is filled to each size in turn, with synthetic records and vectors.

Texts are twelve words drawn by Zipf's law from 20,000, as in real language a few are very common; vectors are 384
numbers around one of 1,000 topics; a vector is drawn from its text, so that nothing has to be kept to know it again.
Queries are five words of a record's text, and a vector near its own. Exact search, to compare with, is brute force over
all vectors. Write times are of single records, durable when the call returns; filling goes by thousands.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray
from rich.console import Console

from ..memory.record import Record
from ..memory.shelf import Filter
from ..memory.store import Memory
from .bench_files import progress

_DIMENSIONS, _TOPICS, _NOISE = 384, 1000, 0.7
_VOCABULARY, _LENGTH, _ASKED = 20_000, 12, 5
_PLACES = ("table", "close counter", "far counter", "trash can", "user", "top drawer", "bottom drawer")
_OBJECTS = tuple(f"thing {i}" for i in range(20))
_BATCH = 1000
TRIES = 200
"""Single writes and recalls that are timed."""


class SyntheticVectors(Embeddings):
    """Unit vectors around topics; both drawn by a hash of the text."""

    def __init__(self, seed: int = 0):
        self._centres = np.random.default_rng(seed).standard_normal((_TOPICS, _DIMENSIONS))

    def vector(self, text: str, noise: float = _NOISE) -> NDArray[np.float32]:
        """(384,) float32, length 1."""
        code = zlib.crc32(text.encode())
        drawn = np.random.default_rng(code).standard_normal(_DIMENSIONS)
        vector = self._centres[code % _TOPICS] + noise * drawn
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """(n, 384) unit vectors."""
        return [self.vector(text).tolist() for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """(384,): of a record's text its own vector."""
        return self.vector(text).tolist()


@dataclass(frozen=True)
class Scale:
    """Figures of one size; times in seconds, sizes in MB."""

    records: int
    figures: Mapping[str, float]
    """Also `fill_records` in `fill_seconds`: from the size that was measured before in the same store to this one."""


def measure_scale(
    sizes: Sequence[int], seed: int, *, tries: int = TRIES, console: Console | None = None
) -> Iterator[Scale]:
    """Fill a store to each size, the smallest first, and measure it there. Gives each as soon as it is known."""
    made = _Made(seed)
    with TemporaryDirectory(prefix="doable-bench-", ignore_cleanup_errors=True) as folder, progress(console) as bar:
        memory = Memory(folder, made.embedder)
        bare = _resident()
        for size in sorted(sizes):
            job = bar.add_task(f"{size:,} records", total=size)
            began, before = time.perf_counter(), memory.count()
            while (there := memory.count()) < size:
                memory.remember(made.records(there, min(_BATCH - there % _BATCH, size - there)))
                bar.update(job, completed=memory.count())
            filled = time.perf_counter() - began
            figures = _measure(memory, made, size, tries)
            disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
            figures |= {"disk_mb": disk / 1e6, "memory_mb": _resident() - bare}
            yield Scale(size, {**figures, "fill_records": size - before, "fill_seconds": filled})
        memory.close()


def scale_table(scales: Sequence[Scale]) -> str:
    """A line a size."""
    rows = [
        ["records", "fill, records/s", "write p50 / p99", "recall p50 / p99", "by place p50 / p99",
         "dense R@10 of exact", "disk, MB", "memory, MB"],
        ["---:"] * 8,
    ]  # fmt: skip
    for scale in sorted(scales, key=lambda scale: scale.records):
        f = scale.figures
        times = [f"{f[f'{n}_p50_seconds'] * 1e3:.1f} / {f[f'{n}_p99_seconds'] * 1e3:.1f} ms" for n in _TIMED]
        rate = f["fill_records"] / f["fill_seconds"]
        rows.append([
            f"{scale.records:,}", f"{rate:,.0f}", *times, f"{f['dense_recall10_of_exact']:.1%}",
            f"{f['disk_mb']:,.0f}", f"{f['memory_mb']:,.0f}",
        ])  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


_TIMED = ("write", "recall", "recall_by_place")


class _Made:
    """Synthetic records by number; the same seed makes the same."""

    def __init__(self, seed: int):
        self._seed = seed
        self.embedder = SyntheticVectors(seed)
        weights = 1.0 / np.arange(1, _VOCABULARY + 1)
        self._cumulated = np.cumsum(weights / weights.sum())

    def texts(self, first: int, count: int) -> list[str]:
        """Of records `first` on, all of the same thousand."""
        rng = np.random.default_rng((self._seed, first // _BATCH))
        drawn = np.searchsorted(self._cumulated, rng.random((_BATCH, _LENGTH)))[first % _BATCH :][:count]
        return [f"{' '.join(f'w{w}' for w in row)} r{first + i}" for i, row in enumerate(drawn)]

    def records(self, first: int, count: int) -> list[Record]:
        return [self.record(first + i, text) for i, text in enumerate(self.texts(first, count))]

    def record(self, number: int, text: str) -> Record:
        kind = ("episode", "sighting", "sighting", "fact")[number % 4]
        return Record(
            text=text, kind=kind, time=60.0 * number, place=_PLACES[number % 7], objects=(_OBJECTS[number % 20],),
            outcome=(None, "success", "failure")[number % 3], importance=0.5, episode=f"e{number // 50}",
        )  # fmt: skip


def _measure(memory: Memory, made: _Made, size: int, tries: int) -> dict[str, float]:
    rng = np.random.default_rng(size)
    whole = {n: made.texts(n, 1)[0] for n in (10**9 + rng.integers(10**8, size=tries * 3)).tolist()}
    new = [made.record(size + i, f"{text} x{size}") for i, text in enumerate(list(whole.values())[:tries])]
    queries = [" ".join(text.split()[:_ASKED]) for text in list(whole.values())[-tries * 2 :]]
    now = 60.0 * size
    memory.recall(queries[0], now=now)
    timed = {
        "recall": _times(lambda q: memory.recall(q, now=now), queries[:tries]),
        "recall_by_place": _times(
            lambda q: memory.recall(q, now=now, place="table", since=now / 2), queries[tries : tries * 2]
        ),
        "write": _times(lambda record: memory.remember([record]), new),
    }
    figures = {
        f"{name}_p{p}_seconds": float(np.percentile(times, p)) for name, times in timed.items() for p in (50, 99)
    }
    memory.forget([record.id for record in new])
    figures["dense_recall10_of_exact"] = _against_exact(memory, made, queries[: max(1, tries // 4)], size)
    return figures


def _times(call: Callable, inputs: Sequence) -> list[float]:
    took = []
    for given in inputs:
        began = time.perf_counter()
        call(given)
        took.append(time.perf_counter() - began)
    return took


def _against_exact(memory: Memory, made: _Made, queries: Sequence[str], size: int) -> float:
    """The share of the ten nearest by brute force that Chroma's index finds too."""
    asked = np.stack([made.embedder.vector(query) for query in queries])  # (q, 384)
    best: list[list[tuple[float, str]]] = [[] for _ in queries]
    for first in range(0, size, _BATCH):
        records = made.records(first, min(_BATCH, size - first))
        near = asked @ np.stack([made.embedder.vector(r.text) for r in records]).T  # (q, batch)
        for row, known in zip(near, best, strict=True):
            top = np.argpartition(-row, min(10, len(row) - 1))[:10]
            known[:] = sorted([*known, *((float(row[i]), records[i].id) for i in top)], reverse=True)[:10]
    shares = []
    for query, known in zip(queries, best, strict=True):
        found = {record.id for record in memory.by_meaning(query, Filter(), 10)}
        shares.append(len(found & {record_id for _, record_id in known}) / len(known))
    return float(np.mean(shares))


def _resident() -> float:
    """This process' memory in MB; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS")), 0.0)
