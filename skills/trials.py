"""How often each skill does what it declares: tried in drawn situations in which its preconditions hold.

A situation of a family is drawn by seed: one to four types of things at random surfaces, half of them where the robot
is, and the scene's light clutter. Then the robot looks around where it stands, and one of the family's skills whose
preconditions hold *by what it has seen* is drawn. Nothing else is asked of a situation, but for:

- *go to*: the robot stands elsewhere; *bring*: it does not stand at the person's.
- *find*: the thing stands on a surface, or in a drawer that is open, away from the robot, which has looked nowhere yet.
- *put in*, *close*: a drawer is open, with up to two things in it. *open*: the drawer is closed.
- *wipe*: there is a spill on the surface, as far from things as these are from each other; the sponge is in the hand.
- *pick and place*: the tabletop's own blocks and bowls.

A success is that the declared effects are the case in the end, by the world's own facts, whatever the policy says. So a
thing that was seen and can't be reached counts against *pick up*.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..sim.physics_world import PhysicsWorld
from ..sim.scene import Scene, training_scene
from ..sim.task import Setup
from .execute import execute
from .library import SkillLibrary
from .pool import run_all
from .skill import ENDINGS, FAMILIES, Skill

TRIED: tuple[str, ...] = tuple(family for family in FAMILIES if family not in ENDINGS)
"""The families that move something."""
KITCHENS = ("kitchen", "kitchen-wall")
_DRAWS = 40
"""Situations drawn until one allows a skill of the family."""


@dataclass(frozen=True)
class Trial:
    """One skill tried once."""

    family: str
    scene: str
    number: int
    """Draws the situation, together with the family."""
    phrase: str
    success: bool
    """Are its effects the case in the end, by the world's facts?"""
    reported: str
    """How the policy said it ended."""
    reason: str
    seconds: float
    """Simulated."""


def scene_of(family: str, number: int) -> str:
    """Kitchens in turn; the tabletop's skills on it."""
    return "tabletop" if family == "pick and place" else KITCHENS[number % len(KITCHENS)]


def try_all(todo: Sequence[tuple[str, int]], seed: int, workers: int) -> Iterator[Trial]:
    """A trial for each (family, number), in order; what is drawn depends on these and the seed alone."""
    return run_all(partial(_attempt, seed=seed), todo, workers)


def _attempt(which: tuple[str, int], seed: int) -> Trial:
    return attempt(*which, seed)


_worlds: dict[str, Any] = {}


def attempt(family: str, number: int, seed: int) -> Trial:
    """Draw a situation and try a skill of the family in it, in this process's own world."""
    scene = training_scene(scene_of(family, number))
    if scene.name not in _worlds:
        _worlds[scene.name] = PhysicsWorld(scene), SkillLibrary.of(scene)
    world, library = _worlds[scene.name]
    skill = draw(world, library, family, number, seed)
    outcome = execute(skill, world)
    return Trial(
        family=family,
        scene=scene.name,
        number=number,
        phrase=skill.phrase,
        success=skill.effects.holds(world.facts()),
        reported=outcome.status,
        reason=outcome.reason,
        seconds=round(outcome.seconds, 2),
    )


def draw(world: PhysicsWorld, library: SkillLibrary, family: str, number: int, seed: int = 0) -> Skill:
    """Put the world into a situation of the family, and draw one of its skills for it."""
    rng = np.random.default_rng((seed, TRIED.index(family), number))
    for _ in range(_DRAWS):
        try:
            world.reset(_setup(world.scene, family, rng), seed=int(rng.integers(2**31)))
        except ValueError:  # more things than a place can hold
            continue
        believed = world.observe().believed()
        able = [s for s in library if s.family == family and s.preconditions.holds(believed)]
        able = [skill for skill in able if _asks_something(skill, world)]
        if able:
            return able[int(rng.integers(len(able)))]
    raise ValueError(f"Expected a situation in which one of the skills of {family!r} can be done, drew none.")


def _asks_something(skill: Skill, world: PhysicsWorld) -> bool:
    """Is it not done already, and, for a search, is there something to be found?"""
    facts = world.facts()
    if skill.effects.holds(facts):
        return False
    if skill.family != "find":
        return True
    findable = {p.name for p in world.scene.surfaces()} | facts.open_drawers
    return any(o.type == skill.target and o.place in findable for o in facts.objects)


def _setup(scene: Scene, family: str, rng: np.random.Generator) -> Setup:
    if family == "pick and place":
        return Setup.of(scene)
    surfaces = [p.name for p in scene.surfaces()]
    cabinets = [d.cabinet for d in scene.drawers]
    places = [p.name for p in scene.places]
    kinds = [str(k) for k in rng.choice(list(scene.types), size=int(rng.integers(2, 6)), replace=False)]
    holding = None
    if family == "wipe":
        holding, kinds = "sponge", [kind for kind in kinds if kind != "sponge"]
    elif family in ("put down", "put in", "bring") or (family in ("go to", "find") and rng.random() < 0.3):
        holding = kinds.pop()
    if family in ("pick up", "wipe"):
        robot_at = str(rng.choice(surfaces))
    elif family == "put in":
        robot_at = str(rng.choice(cabinets))
    else:
        robot_at = str(rng.choice([place for place in places if family != "bring" or place != "user"]))
    here = robot_at if robot_at in surfaces else surfaces[0]
    drawers = [d.name for d in scene.drawers]
    opened: list[str] = []
    if family in ("put in", "close") or (family != "open" and rng.random() < 0.25):
        opened = [str(rng.choice(drawers))]
    inside = int(rng.integers(3)) if opened else 0
    objects = tuple(
        (kind, opened[0] if i < inside else here if rng.random() < 0.5 else str(rng.choice(surfaces)))
        for i, kind in enumerate(kinds)
    )
    spills = (robot_at,) if family == "wipe" else ()
    return Setup(objects, robot_at, holding, tuple(opened), clutter="light", spills=spills)
