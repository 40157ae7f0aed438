"""All phrases in one prefix tree, so that what they share is computed once.

    " find the coke\\n"             ┌► coke ─► \\n          node   0     1    2     3     4     5    6
    " find the sponge\\n"   find ─► the ─► sponge ─► \\n    token find  the  coke  \\n  sponge \\n  done ...
    " done\\n"              done ─► \\n                     parent -1    0    1     2     1     4   -1

A node's row of the attention mask is open for its ancestors and itself, so one forward pass over all nodes computes for
each what a pass over its own phrase alone would (tree attention: Miao et al. 2023, SpecInfer, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PhraseTree:
    """The tree, nodes in an order that puts parents first."""

    tokens: NDArray[np.int64]
    """(N,) token of each node."""
    parents: NDArray[np.int64]
    """(N,) index of each node's parent; -1: it begins a phrase."""
    depths: NDArray[np.int64]
    """(N,) tokens before it in its phrase; 0 for those that begin one."""
    paths: tuple[tuple[int, ...], ...]
    """For each phrase, its nodes from first to last token."""

    @classmethod
    def build(cls, phrases: Sequence[Sequence[int]]) -> PhraseTree:
        """The tree of token sequences. Equal ones share their nodes; an empty one has none."""
        tokens: list[int] = []
        parents: list[int] = []
        depths: list[int] = []
        children: dict[tuple[int, int], int] = {}
        paths = []
        for phrase in phrases:
            node, path = -1, []
            for depth, token in enumerate(phrase):
                key = (node, int(token))
                if key not in children:
                    children[key] = len(tokens)
                    tokens.append(int(token))
                    parents.append(node)
                    depths.append(depth)
                node = children[key]
                path.append(node)
            paths.append(tuple(path))
        nodes, above, before = (np.array(values, dtype=np.int64) for values in (tokens, parents, depths))
        return cls(nodes, above, before, tuple(paths))

    def __len__(self) -> int:
        return len(self.tokens)

    def mask(self) -> NDArray[np.bool_]:
        """(N, N): may the row's node attend to the column's?"""
        open_to = np.eye(len(self), dtype=bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                open_to[node] |= open_to[parent]
        return open_to

    def inner(self) -> NDArray[np.int64]:
        """Indices of the nodes that have children: only their predictions are needed."""
        return np.unique(self.parents[self.parents >= 0])

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the nodes' `values` (N,) along each phrase: (phrases,)."""
        return np.array([values[list(path)].sum() for path in self.paths], dtype=np.float64)
