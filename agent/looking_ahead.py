"""Where values are unsure: roll the best skills forward in the world as it is believed to be; see where they lead.

Each of them is done there, and then whatever the goal's plain words leave open (`agent/guards.py`), breadth first,
until the goal holds or the horizon is reached. The one that leads there in the fewest skills is taken; of equal ones
the best by say × can. Nothing moves, and no truth is used: the believed world is made of what was seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..sim.believed import BelievedWorld
from ..sim.observation import Observation
from ..sim.scene import Scene
from ..skills.execute import execute
from ..skills.skill import Skill
from . import checking, guards
from .meaning import Meaning
from .scoring import State
from .types import Candidate, Step

HORIZON = 5
"""Skills that are looked ahead, the first one counted."""
_MOST = 400
"""Skills that are tried in thought for one candidate."""


def promising(
    candidates: Sequence[Candidate],
    count: int,
    *,
    meaning: Meaning,
    observation: Observation,
    steps: Sequence[Step],
    scene: Scene,
    skills: Mapping[str, Skill],
) -> tuple[str, float]:
    """The one of the best `count` candidates that leads to the goal soonest, and in how many skills (inf: none)."""
    able = [c for c in candidates if c.score > -math.inf and skills[c.phrase].family not in ("done", "refuse")]
    rolled = [(far(skills[c.phrase], meaning, observation, steps, scene, skills), c.phrase) for c in able[:count]]
    distance, phrase = min(rolled, key=lambda each: each[0])  # the first of equal ones: the best by say × can
    return phrase, distance


def far(
    first: Skill,
    meaning: Meaning,
    observation: Observation,
    steps: Sequence[Step],
    scene: Scene,
    skills: Mapping[str, Skill],
) -> float:
    """In how many skills, `first` done first, the goal is believed to be reached; inf: not within the horizon."""
    world = BelievedWorld(scene, observation, not_at={meaning.to} if meaning.to else ())
    if execute(first, world).status != "done":
        return math.inf
    tried, edge = 0, [world.snapshot()]
    known = {_state(world)}
    for depth in range(1, HORIZON + 1):
        following = []
        for snapshot in edge:
            world.restore(snapshot)
            now = world.observe()
            if guards.reached(meaning, now, steps, scene):
                return depth
            closed = guards.masks(meaning, skills.values(), now, steps, scene)
            for skill in skills.values():
                if skill.phrase in closed or skill.policy is None or checking.unmet(skill, now) or tried >= _MOST:
                    continue
                tried += 1
                world.restore(snapshot)
                if execute(skill, world).status == "done" and (state := _state(world)) not in known:
                    known.add(state)
                    following.append(world.snapshot())
        edge = following
    return math.inf


def _state(world: BelievedWorld) -> State:
    """What is so now; where the robot has been does not matter."""
    return replace(State.of(world.observe()), looked_at=frozenset(), visited=frozenset())
