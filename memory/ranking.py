"""Which memories matter now: pure functions over candidates.

*Relevance* is keyword (BM25) and dense search fused by reciprocal rank (Cormack et al. 2009). Embeddings are not
trusted with numbers and negations: where the query has one, a record's dense rank counts only if it has the same. What
was told in a conversation leans on the words around it, so relevance spreads to neighbours there.

The order is then relevance + recency + importance, each scaled to [0, 1] over the candidates (Generative Agents, Park
et al. 2023, section 4.1: the three are summed with equal weights), with recency 0.995 to the power of hours: half of it
is left after 138 hours. Of the best, those come first that say something new (MMR, Carbonell & Goldstein 1998).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .record import Record

Item = TypeVar("Item", bound=Hashable)

DECAY = 0.995
"""Recency left after an hour."""
FUSION = 10
"""The constant of reciprocal rank fusion. The paper's 60 is for lists of a thousand; ours are short, and what both
searches put first should stay first."""
DENSE = 0.5
"""What a dense rank counts beside a keyword rank of 1."""
LEAN = (0.5, 0.3)
"""Of a turn's relevance, what the turn after it gets (questions are answered there), and the turn before it."""
NOVELTY = 0.3
"""What MMR takes off for a full repeat, of a range of 1."""
_NEGATIONS = re.compile(r"\b(?:no|not|never|none|nothing|nobody|without|neither|nor|cannot)\b|n['’]t\b", re.I)
_NUMBERS = re.compile(r"\d+(?:\.\d+)?")


def fuse(*orders: Sequence[Item], weights: Sequence[float] = ()) -> dict[Item, float]:
    """Reciprocal rank fusion: each item's sum of weight / (10 + rank) over its orders; weights default to 1."""
    scores: dict[Item, float] = {}
    for order, weight in zip(orders, weights or (1.0,) * len(orders), strict=True):
        for rank, item in enumerate(order, 1):
            scores[item] = scores.get(item, 0.0) + weight / (FUSION + rank)
    return scores


def comparable(query: str, text: str) -> bool:
    """May a vector's closeness count? Not if the query has a number or a negation that the text has not."""
    if _NEGATIONS.search(query) and not _NEGATIONS.search(text):
        return False
    return set(_NUMBERS.findall(query)) <= set(_NUMBERS.findall(text))


def spread(
    scores: Mapping[Item, float], neighbours: Mapping[Item, tuple[Item | None, Item | None]]
) -> dict[Item, float]:
    """Relevance with what each item gives to the one after it and the one before it (see `LEAN`)."""
    spread = dict(scores)
    for item, (before, after) in neighbours.items():
        for neighbour, share in ((after, LEAN[0]), (before, LEAN[1])):
            if neighbour is not None:
                spread[neighbour] = spread.get(neighbour, 0.0) + share * scores[item]
    return spread


def scaled(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Min-max scaled to [0, 1]; all equal: all 0."""
    span = np.ptp(values) if len(values) else 0.0
    return (values - values.min()) / span if span > 0 else np.zeros(len(values))


def rank(records: Sequence[Record], relevance: Sequence[float], now: float) -> list[tuple[Record, float]]:
    """Records by relevance + recency + importance, best first, with that sum; ties: newer first, then by id."""
    hours = np.array([max(0.0, now - r.time) / 3600 for r in records])
    total = (
        scaled(np.asarray(relevance, dtype=float))
        + scaled(DECAY**hours)
        + scaled(np.array([r.importance for r in records], dtype=float))
    )
    order = sorted(range(len(records)), key=lambda i: (-total[i], -records[i].time, records[i].id))
    return [(records[i], float(total[i])) for i in order]


def diverse(ranked: Sequence[tuple[Record, float]], k: int) -> list[Record]:
    """`k` records, best first, what repeats an earlier one put back: maximal marginal relevance.

    Two records are alike by the share of words they have in common (Jaccard): repeats of a robot are word by word.
    """
    scores = scaled(np.array([score for _, score in ranked]))
    bags = [set(re.findall(r"\w+", record.text.lower())) for record, _ in ranked]
    alike = np.zeros(len(ranked))
    left, chosen = list(range(len(ranked))), []
    while left and len(chosen) < k:
        best = max(left, key=lambda i: (1 - NOVELTY) * scores[i] - NOVELTY * alike[i])
        left.remove(best)
        chosen.append(ranked[best][0])
        for i in left:
            both = bags[i] | bags[best]
            alike[i] = max(alike[i], len(bags[i] & bags[best]) / len(both) if both else 1.0)
    return chosen


def fit(records: Sequence[Record], budget: int, count: Callable[[str], int], now: float) -> list[Record]:
    """The records, in order, whose sentences fit a budget of tokens together; one that does not fit is passed over."""
    kept, left = [], budget
    for record in records:
        cost = count(record.sentence(now))
        if cost <= left:
            kept.append(record)
            left -= cost
    return kept
