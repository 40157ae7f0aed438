"""Many conditions over one situation at once: shared parts are asked once, what joins them is worked out together.

conditions ──► distinct nodes, parts before wholes ──► levels        once a library
facts ──► one bool a leaf ──► a few array operations a level         every turn
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..sim.facts import All, AnyOf, Condition, Facts, Not


class Conditions:
    """Conditions compiled together; `holds` gives for each what its own `holds` would."""

    def __init__(self, conditions: Sequence[Condition]):
        self._leaves: list[Condition] = []
        self._known: dict[Condition, int] = {}
        """Node to its number: the first is always true, the second never, then leaves and wholes as they come."""
        self._depth: list[int] = [0, 0]
        self._leaf_nodes: list[int] = []
        wholes: dict[int, tuple[type, list[int]]] = {}
        self._wanted = np.array([self._add(condition, wholes) for condition in conditions], dtype=np.intp)
        self._levels = []
        for depth in range(1, max(self._depth, default=0) + 1):
            for kind, join in ((All, np.logical_and), (AnyOf, np.logical_or), (Not, None)):
                nodes = [n for n, (k, _) in wholes.items() if k is kind and self._depth[n] == depth]
                if nodes:
                    parts = [wholes[n][1] for n in nodes]
                    starts = np.cumsum([0, *map(len, parts[:-1])])
                    self._levels.append((np.array(nodes), join, np.array([p for ps in parts for p in ps]), starts))

    def _add(self, condition: Condition, wholes: dict[int, tuple[type, list[int]]]) -> int:
        if condition in self._known:
            return self._known[condition]
        if isinstance(condition, All | AnyOf):
            parts = [self._add(part, wholes) for part in condition.parts] or [int(isinstance(condition, AnyOf))]
        elif isinstance(condition, Not):
            parts = [self._add(condition.part, wholes)]
        else:
            parts = []
        number = len(self._depth)
        self._known[condition] = number
        if parts:
            wholes[number] = (type(condition), parts)
            self._depth.append(1 + max(self._depth[part] for part in parts))
        else:
            self._leaves.append(condition)
            self._leaf_nodes.append(number)
            self._depth.append(0)
        return number

    def holds(self, facts: Facts) -> NDArray[np.bool_]:
        """(n,), in the order in which the conditions were given."""
        values = np.zeros(len(self._depth), dtype=bool)
        values[0] = True
        values[self._leaf_nodes] = [leaf.holds(facts) for leaf in self._leaves]
        for nodes, join, parts, starts in self._levels:
            values[nodes] = ~values[parts] if join is None else join.reduceat(values[parts], starts)
        return values[self._wanted]
