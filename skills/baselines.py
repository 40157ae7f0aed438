"""What learned values are laid beside: none, declared preconditions, and the affordances that SayCan published.

SayCan learned the value of picking alone. Of the rest its paper says (Ahn et al. 2022, appendix on affordances): *go
to* is worth more the nearer the place is, a ramp of the distance; *place* is worth 1.0; *done* is worth a small
constant, 0.1, so that an episode ends when nothing else can be done. `HeuristicValues` is that; how the ramp runs, and
what the skills are worth that SayCan does not have, is ours to say, and said there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..sim.observation import Observation
from ..sim.scene import Scene, load_scene
from .skill import Skill


class NoValues:
    """1 for everything: the language model alone."""

    def __call__(self, observation: Observation, skills: Sequence[Skill]) -> NDArray[np.float64]:
        """(n,) ones."""
        return np.ones(len(skills))


class DeclaredValues:
    """1 where declared preconditions hold by what is seen, else 0: the ablation, and the stand-in for tests."""

    def __call__(self, observation: Observation, skills: Sequence[Skill]) -> NDArray[np.float64]:
        """(n,) in {0, 1}."""
        believed = observation.believed()
        return np.array([float(skill.preconditions.holds(believed)) for skill in skills])


class HeuristicValues:
    """SayCan's published heuristics, where the declared preconditions hold by what is seen, else 0.

    Going to a place or a thing (`go to`; `find` of a thing that was seen; `bring`, to the person): a ramp of the
    distance, 1 on the spot, 0.1 from 6 m on. `find` of what was not seen: 0.5, as nothing was published. Whatever moves
    things or drawers (pick up too, whose learned value was not published): 1. `done` and a refusal: 0.1.
    """

    def __init__(self, scene: Scene | None = None):
        self._scene = scene or load_scene()

    def __call__(self, observation: Observation, skills: Sequence[Skill]) -> NDArray[np.float64]:
        """(n,) in [0, 1]."""
        able = DeclaredValues()(observation, skills)
        return able * np.array([self._value(observation, skill) for skill in skills])

    def _value(self, now: Observation, skill: Skill) -> float:
        if skill.ends:
            return 0.1
        target = "user" if skill.family == "bring" else skill.target
        if skill.family in ("go to", "bring"):
            return self._ramp(now, target)
        if skill.family == "find":
            seen = now.nearest(skill.target or "")
            if now.robot.holding == skill.target:
                return 1.0
            return 0.5 if seen is None or seen.place is None else self._ramp(now, seen.place)
        return 1.0

    def _ramp(self, now: Observation, place: str | None) -> float:
        if place in self._scene.drawer_names and place not in self._scene.place_names:
            place = self._scene.drawer(place or "").cabinet
        if place not in self._scene.place_names:
            return 1.0
        x, y, _ = self._scene.place(place or "").stand()
        return max(0.1, 1.0 - 0.9 * math.dist((x, y), now.robot.position) / 6.0)
