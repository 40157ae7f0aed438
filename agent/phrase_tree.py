"""All phrases in one prefix tree, so that what they share is computed once.

    " done\\n"              done ─► \\n                    node    0    1    2    3    4    5     6     7
    " find the coke\\n"           ┌► coke ─► \\n           token  done  \\n  find the  coke  \\n sponge  \\n
    " find the sponge\\n"  find ─► the ─► sponge ─► \\n     parent  -1   0   -1    2    3    4     3     6
                                                         end      2   2    8    8    6    6     8     8

Nodes stand in preorder: below node n are exactly the nodes n + 1 … end[n] - 1. So "may a node attend to another?" is
two comparisons, and a run of nodes needs of all the nodes before it only the ancestors of its first one. A forward pass
in which each node attends to its ancestors alone computes for each what a pass over its own phrase would (tree
attention: Miao et al. 2023, SpecInfer, section 4). A phrase's last token is predicted but never read: only nodes with
children go through the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PhraseTree:
    """The tree, N nodes in preorder."""

    tokens: NDArray[np.int64]
    """(N,) token of each node."""
    parents: NDArray[np.int64]
    """(N,) index of each node's parent; -1: it begins a phrase."""
    depths: NDArray[np.int64]
    """(N,) tokens before it in its phrase; 0 for those that begin one."""
    ends: NDArray[np.int64]
    """(N,) one past the last node below it."""
    last: NDArray[np.int64]
    """(phrases,) the node of each phrase's last token; -1: the phrase is empty. Equal phrases share it."""
    _by_parent: NDArray[np.int64]
    """(N,) all nodes by parent, then by index."""
    _first: NDArray[np.int64]
    """(N + 2,) where in `_by_parent` the children of node n - 1 begin."""

    @classmethod
    def build(cls, phrases: Sequence[Sequence[int]]) -> PhraseTree:
        """The tree of token sequences."""
        order = sorted(range(len(phrases)), key=lambda index: tuple(phrases[index]))
        tokens: list[int] = []
        parents: list[int] = []
        depths: list[int] = []
        ends: list[int] = []
        last = np.full(len(phrases), -1, dtype=np.int64)
        path: list[int] = []
        before: Sequence[int] = ()
        for index in order:  # sorted, so each shares with the one before it all that it shares with any
            phrase = phrases[index]
            shared = 0
            while shared < min(len(phrase), len(before)) and phrase[shared] == before[shared]:
                shared += 1
            for closed in path[shared:]:
                ends[closed] = len(tokens)
            del path[shared:]
            for depth in range(shared, len(phrase)):
                tokens.append(int(phrase[depth]))
                parents.append(path[-1] if path else -1)
                depths.append(depth)
                path.append(len(ends))
                ends.append(-1)
            last[index] = path[-1] if path else -1
            before = phrase
        for closed in path:
            ends[closed] = len(tokens)
        nodes, above, before_it, end = (np.array(values, dtype=np.int64) for values in (tokens, parents, depths, ends))
        first = np.searchsorted(np.sort(above), np.arange(-1, len(tokens) + 1))
        return cls(nodes, above, before_it, end, last, np.argsort(above, kind="stable"), first)

    def __len__(self) -> int:
        return len(self.tokens)

    def children(self, node: int) -> NDArray[np.int64]:
        """The nodes under `node`, in order; those that begin a phrase for -1."""
        return self._by_parent[self._first[node + 1] : self._first[node + 2]]

    def children_of(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The children of all `nodes`, node by node, and for each child the position of its parent in `nodes`."""
        counts = self._first[nodes + 2] - self._first[nodes + 1]
        starts = np.repeat(self._first[nodes + 1] - np.cumsum(counts) + counts, counts)
        return self._by_parent[starts + np.arange(counts.sum())], np.repeat(np.arange(len(nodes)), counts)

    def inner(self) -> NDArray[np.int64]:
        """Nodes that have children, in order: those that go through the model."""
        return np.flatnonzero(self.ends > np.arange(len(self)) + 1)

    def ancestors(self, node: int) -> NDArray[np.int64]:
        """The nodes above `node`, topmost first."""
        above: list[int] = []
        while (node := int(self.parents[node])) >= 0:
            above.append(node)
        return np.array(above[::-1], dtype=np.int64)

    def sees(self, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(rows, columns): is the column's node the row's node, or above it?"""
        return (columns <= rows[:, None]) & (rows[:, None] < self.ends[columns])

    def totals(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N,) sums of the nodes' `values` (N,) from the start of the phrase to each node, added in that order."""
        totals = np.array(values, dtype=np.float64)
        for depth in range(1, int(self.depths.max(initial=0)) + 1):
            level = np.flatnonzero(self.depths == depth)
            totals[level] += totals[self.parents[level]]
        return totals

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(phrases,) sums of the nodes' `values` (N,) along each phrase; 0 for an empty one."""
        return np.append(self.totals(values), 0.0)[self.last]

    def most_below(
        self, own: NDArray[np.float64], start: float, join: Callable[..., NDArray[np.float64]] = np.maximum
    ) -> NDArray[np.float64]:
        """(N,) the largest join(own, most below) of each node's children, from the leaves up; `start` for a leaf.

        With `np.maximum`: the largest of `own` (N,) strictly below a node. With `np.add`: the largest sum along a way
        down from it.
        """
        most = np.full(len(self), start)
        for depth in range(int(self.depths.max(initial=0)), 0, -1):
            level = np.flatnonzero(self.depths == depth)
            np.maximum.at(most, self.parents[level], join(own, most)[level])
        return most
