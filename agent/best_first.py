"""The best of all phrases without scoring the rest: best-first search over their prefix tree.

Both factors of score = log say + log can are at most 0. So what is known of a beginning bounds all that go on from it,

    bound(node) = log say(the words up to node) + largest log can of the phrases below it,

and once the best phrase found beats every bound that is left, none of the rest can be better (A* with an admissible
bound: Hart, Nilsson & Raphael 1968). A bound also holds for the sum: the phrases below a node share its probability, so
sum of say × can ≤ say(node) × largest can below. With that the search can stop as soon as it is known whether the
summed probability of all doable phrases reaches a floor.

The search knows no language model: it asks for the log-probabilities of the children of the nodes it chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .phrase_tree import PhraseTree

Expand = Callable[[NDArray[np.int64]], NDArray[np.float64]]
"""Nodes, in ascending order and never without their ancestors (now or before) -> the log-probabilities, each ≤ 0, of
`tree.children_of(nodes)`. The node -1, always asked first and alone, stands for the prompt."""


@dataclass(frozen=True, eq=False)
class Found:
    """What a search found."""

    phrases: NDArray[np.int64]
    """(m,) indices of the phrases that were scored, best first; ties in the order of the phrases."""
    log_say: NDArray[np.float64]
    """(m,) their exact log-probabilities, ≤ 0."""
    best: int
    """So many of them, from the first, are the best of all phrases: what was asked for, or all that can be done."""
    expanded: int
    """Tree nodes that went through the model (phrases, where it did not search)."""
    nodes: int
    """Tree nodes that a pass over all phrases puts through it."""
    mass: tuple[float, float]
    """Between these lies the sum of say × can over all phrases."""


@runtime_checkable
class Searching(Protocol):
    """A language model that can search its phrases best-first."""

    def best_first(
        self, prompt: str, continuations: Sequence[str], can: NDArray[np.float64], *, count: int = 1, floor: float = 0.0
    ) -> Found:
        """The `count` best continuations by log P + log can, as `search` finds them."""
        ...


def search(
    tree: PhraseTree,
    can: NDArray[np.float64],
    expand: Expand,
    *,
    count: int = 1,
    floor: float = 0.0,
    width: int = 16,
    margin: float = 2.0,
) -> Found:
    """The `count` best phrases of `tree` by log say + log can.

    `can`: (phrases,) in [0, 1]; what leads only to phrases where it is 0 is never read.
    `floor`: go on until it is also known whether the sum of say × can over all phrases is at least this. `width`,
    `margin`: how much is read at a time: at most so many nodes, with bounds at most so much (natural log) below the
    best one's. They change what it costs, never what is found.
    """
    can = np.asarray(can, dtype=np.float64)
    if can.shape != tree.last.shape or not ((can >= 0) & (can <= 1)).all():
        raise ValueError(f"Expected a value in [0, 1] for each of {len(tree.last)} phrases, got {can}.")
    if count < 1 or width < 1 or not margin >= 0:
        raise ValueError(f"Expected count and width ≥ 1 and margin ≥ 0, got {count}, {width} and {margin}.")
    known = _Known(tree, can)
    if known.hopeful.any():
        known.add(_ROOT, expand(_ROOT))
    while len(batch := known.next_batch(count, floor, width, margin)):
        known.add(batch, expand(batch))
    phrases, scores = known.scores()
    order = np.argsort(-scores, kind="stable")
    best = phrases[order]
    return Found(
        phrases=best,
        log_say=known.said[tree.last[best]],
        best=min(count, len(best)),
        expanded=known.expanded,
        nodes=int(known.inner.sum()),
        mass=known.mass(scores),
    )


def of_all(log_say: NDArray[np.float64], can: NDArray[np.float64], *, count: int = 1) -> Found:
    """As `search` finds it, from the log-probabilities of all phrases (n,): for models that can't search."""
    able = np.flatnonzero(np.asarray(can) > 0)
    scores = log_say[able] + np.log(can[able])
    order = np.argsort(-scores, kind="stable")
    mass = float(np.exp(scores).sum())
    return Found(able[order], log_say[able[order]], min(count, len(able)), len(log_say), len(log_say), (mass, mass))


_ROOT = np.array([-1], dtype=np.int64)


class _Known:
    """What a search knows so far."""

    def __init__(self, tree: PhraseTree, can: NDArray[np.float64]):
        nodes, spoken = len(tree), tree.last >= 0
        self._tree = tree
        with np.errstate(divide="ignore"):
            self._log_can = np.log(can)
        self.inner = np.zeros(nodes, dtype=bool)
        self.inner[tree.inner()] = True
        own, weight = np.full(nodes, -np.inf), np.zeros(nodes)
        np.maximum.at(own, tree.last[spoken], self._log_can[spoken])
        np.add.at(weight, tree.last[spoken], can[spoken])
        self._most = tree.most_below(own, -np.inf)
        """(N,) largest log can below each node."""
        self._heaviest = tree.most_below(weight, 0.0, np.add)
        """(N,) sum of say × can below a node is at most its own probability times this."""
        self.hopeful = np.isfinite(np.maximum(own, self._most))
        """(N,) does a node lead to a phrase that can be done?"""
        self.said = np.append(np.full(nodes, np.nan), 0.0)
        """(N + 1,) log say of what is known; the last entry is that of no words at all."""
        self._waiting = np.zeros(nodes, dtype=bool)
        self.expanded = 0

    def add(self, batch: NDArray[np.int64], values: NDArray[np.float64]) -> None:
        """Take in what was read of the children of `batch`."""
        children, rows = self._tree.children_of(batch)
        for row, node in enumerate(batch):  # ascending: a parent's value is there before its child's
            mine = rows == row
            self.said[children[mine]] = self.said[node] + values[mine]
        self._waiting[children] = self.inner[children]
        if batch[0] >= 0:
            self._waiting[batch] = False
            self.expanded += len(batch)

    def scores(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The phrases that are known and can be done, and their scores."""
        phrases = np.flatnonzero(np.isfinite(self._log_can) & ~np.isnan(self.said[self._tree.last]))
        return phrases, self.said[self._tree.last[phrases]] + self._log_can[phrases]

    def mass(self, scores: NDArray[np.float64]) -> tuple[float, float]:
        """Bounds of the sum of say × can over all phrases."""
        least = float(np.exp(scores).sum())
        return least, least + float((np.exp(self.said[:-1]) * self._heaviest)[self._waiting].sum())

    def next_batch(self, count: int, floor: float, width: int, margin: float) -> NDArray[np.int64]:
        """The nodes to read next, ascending; none if all that is asked for is known."""
        nodes = np.flatnonzero(self._waiting & np.isfinite(self._most))
        if not len(nodes):
            return nodes
        bounds = self.said[nodes] + self._most[nodes]
        _, scores = self.scores()
        threshold = np.partition(scores, -count)[-count] if len(scores) >= count else -np.inf
        if bounds.max() < threshold:
            least, most = self.mass(scores)
            if least >= floor or most < floor:
                return nodes[:0]
            threshold = -np.inf
        # A bound that equals the threshold is read too: of equal scores, the first phrase is the best.
        useful = np.flatnonzero((bounds >= threshold) & (bounds >= bounds.max() - margin))
        first = useful[np.argsort(-bounds[useful], kind="stable")][:width]
        return self._with_chains([int(node) for node in nodes[first]], width)

    def _with_chains(self, batch: list[int], width: int) -> NDArray[np.int64]:
        """Room that is left goes to what follows with no choice: 'up' and 'the' behind 'pick'."""
        for node in tuple(batch):
            while len(batch) < width:
                ways = [int(child) for child in self._tree.children(node) if self.hopeful[child]]
                if len(ways) != 1 or not np.isfinite(self._most[ways[0]]):
                    break
                node = ways[0]
                batch.append(node)
        return np.array(sorted(batch), dtype=np.int64)
