"""Which memories matter now: pure functions over candidates.

Relevance is dense and keyword search fused by reciprocal rank (Cormack et al. 2009). The order is then relevance +
recency + importance, each scaled to [0, 1] over the candidates (Generative Agents, Park et al. 2023, section 4.1),
with recency 0.995 to the power of hours: half of it is left after 138 hours.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rank_bm25 import BM25Plus

from .record import Record

DECAY = 0.995
"""Recency left after an hour."""
_FUSION = 60
"""The constant of reciprocal rank fusion, as in the paper."""


def words(text: str) -> list[str]:
    """Lower-case words and numbers."""
    return re.findall(r"\w+", text.lower())


def keyword_order(query: str, texts: Sequence[str]) -> list[int]:
    """Indices of the texts that share a word with the query, best BM25+ first."""
    asked = set(words(query))
    corpus = [words(text) for text in texts]
    if not asked or not any(corpus):
        return []
    scores = BM25Plus([tokens or [""] for tokens in corpus]).get_scores(sorted(asked))
    shared = [i for i, tokens in enumerate(corpus) if asked & set(tokens)]
    return sorted(shared, key=lambda i: (-scores[i], i))


def fuse(*orders: Sequence[int]) -> dict[int, float]:
    """Reciprocal rank fusion: each item's sum of 1 / (60 + rank) over the orders it stands in."""
    scores: dict[int, float] = {}
    for order in orders:
        for rank, item in enumerate(order, 1):
            scores[item] = scores.get(item, 0.0) + 1.0 / (_FUSION + rank)
    return scores


def scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Min-max scaled to [0, 1]; all equal: all 0."""
    span = np.ptp(values) if len(values) else 0.0
    return (values - values.min()) / span if span > 0 else np.zeros(len(values))


def rank(records: Sequence[Record], relevance: Sequence[float], now: float) -> list[Record]:
    """Records by relevance + recency + importance, best first; ties: newer first, then by id."""
    hours = np.array([max(0.0, now - r.time) / 3600 for r in records])
    total = (
        scaled(np.asarray(relevance, dtype=float))
        + scaled(DECAY**hours)
        + scaled(np.array([r.importance for r in records], dtype=float))
    )
    order = sorted(range(len(records)), key=lambda i: (-total[i], -records[i].time, records[i].id))
    return [records[i] for i in order]


def fit(records: Sequence[Record], budget: int, count: Callable[[str], int], now: float) -> list[Record]:
    """The records, in order, whose sentences fit a budget of tokens together; one that does not fit is passed over."""
    kept, left = [], budget
    for record in records:
        cost = count(record.sentence(now))
        if cost <= left:
            kept.append(record)
            left -= cost
    return kept
