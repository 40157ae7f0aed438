"""Where rollouts begin: situations drawn by seed, as they come about before, during and after a person's errands.

A *part* is one of the sets that rollouts are divided into. `train` is what values are learned from; `seeds` is drawn
alike, from other seeds. The others are shifted in one way each, and nothing of them is trained on:

| part | what is new in it |
| --- | --- |
| `layout` | the scenes that are marked as held out |
| `objects` | `HELD_OUT_TYPES`, as what is acted on; in every other part they do not exist |
| `clutter` | `HELD_OUT_CLUTTER` |
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from ..sim.catalogue import CATALOGUE
from ..sim.scene import Scene, load_scene, scene_names
from ..sim.task import Setup

Part = Literal["train", "seeds", "layout", "objects", "clutter"]
PARTS: tuple[Part, ...] = get_args(Part)
SHIFTED: tuple[Part, ...] = ("layout", "objects", "clutter")

HELD_OUT_TYPES = ("energy bar", "red bull")
"""The flattest box and the slimmest can."""
HELD_OUT_CLUTTER = "heavy"
_CLUTTER = {None: 0.5, "light": 0.35, "medium": 0.15}
_TABLETOPS = 0.15
"""Share of the states that are before a fixed arm."""
_MISHAP = 0.12
"""Share of the states in which something was knocked over, hidden behind something, or left ajar: of each."""


@dataclass(frozen=True)
class Plan:
    """The beginning of an errand that somebody pursued: where it began, and what was done, in order."""

    scene: str
    setup: Setup
    phrases: tuple[str, ...]


def scenes(part: Part) -> tuple[Scene, ...]:
    """The scenes of a part, with the object types that exist in it."""
    free, held = [], []
    for name in scene_names():
        scene = load_scene(name)
        (held if scene.held_out else free).append(scene)
    if part == "layout":
        chosen = held
    elif part in ("objects", "clutter"):
        chosen = [scene for scene in free if scene.robot.base is None]
    else:
        chosen = free
    if part == "objects":
        return tuple(chosen)
    return tuple(replace(s, types=tuple(t for t in s.types if t not in HELD_OUT_TYPES)) for s in chosen)


def draw_scene(part: Part, rng: np.random.Generator) -> Scene:
    """One of the part's scenes."""
    found = scenes(part)
    fixed = [scene.robot.base is not None for scene in found]
    arms, kitchens = sum(fixed), len(fixed) - sum(fixed)
    share = np.array([_TABLETOPS / arms if f else (1 - _TABLETOPS) / kitchens for f in fixed])
    return found[int(rng.choice(len(found), p=share / share.sum()))]


def draw_setup(scene: Scene, part: Part, rng: np.random.Generator) -> Setup:
    """A start: some objects, mostly where the robot is, sometimes one in its hand, clutter as the part has it."""
    if scene.robot.base is not None:
        return _tabletop(scene, rng)
    kinds = [str(k) for k in rng.permutation(list(scene.types))[: int(rng.integers(1, 9))]]
    if part == "objects":
        kinds = list(dict.fromkeys([*(str(k) for k in rng.permutation(HELD_OUT_TYPES)), *kinds]))
    surfaces = [p.name for p in scene.surfaces()]
    robot_at = str(rng.choice([p.name for p in scene.places] + 2 * surfaces))
    holding = None
    if rng.random() < 0.40:
        holding = kinds.pop(0) if rng.random() < 0.75 or "sponge" not in scene.types else "sponge"
        kinds = [kind for kind in kinds if kind != holding]
    spills: tuple[str, ...] = ()
    if rng.random() < 0.30:
        spills = (str(rng.choice(surfaces)),)
        if rng.random() < 0.7:
            robot_at = spills[0]
            holding = "sponge" if rng.random() < 0.8 else holding
            kinds = [kind for kind in kinds if kind != holding]
    opened = tuple(d.name for d in scene.drawers if rng.random() < 0.15)
    if scene.drawers and holding and rng.random() < 0.45:  # about to put it away
        drawer = scene.drawers[int(rng.integers(len(scene.drawers)))]
        robot_at, opened = drawer.cabinet, (drawer.name,)
    here = robot_at if robot_at in (*surfaces, "user") else surfaces[0]
    elsewhere = [*surfaces, *surfaces, *(p.name for p in scene.places if p.kind in ("person", "bin"))]
    inside = {d.name: 0 for d in scene.drawers}
    objects = []
    for kind in kinds:
        where = here if rng.random() < 0.5 else str(rng.choice(elsewhere))
        drawer = str(rng.choice(list(inside))) if inside and rng.random() < 0.10 else None
        if drawer and not inside[drawer] and max(CATALOGUE[kind].size) <= 0.14:
            inside[drawer] += 1
            where = drawer
        objects.append((kind, where))
    clutter = HELD_OUT_CLUTTER if part == "clutter" else _choice(_CLUTTER, rng)
    setup = Setup(tuple(objects), robot_at, holding, opened, clutter=clutter)
    return replace(setup, spills=spills)


def _tabletop(scene: Scene, rng: np.random.Generator) -> Setup:
    """Some of the things, here and there, sometimes in or on each other."""
    kinds = [str(k) for k in rng.permutation(list(scene.types))[: int(rng.integers(3, len(scene.types) + 1))]]
    spots = [p.name for p in scene.places if p.kind == "spot"]
    rng.shuffle(spots)
    objects = []
    for kind in kinds:
        objects.append((kind, spots.pop() if spots and rng.random() < 0.35 else scene.robot_at))
    return Setup(tuple(objects), scene.robot_at)


def _choice(shares: dict[Any, float], rng: np.random.Generator) -> Any:
    return list(shares)[int(rng.choice(len(shares), p=np.array(list(shares.values()))))]


# What happens in a world with physics before anybody looks again ----------------------------------------------------


def mishaps(world: Any, rng: np.random.Generator) -> None:
    """Sometimes something is knocked over, something hidden behind something taller, a drawer left half open."""
    done = False
    for happen in (_knock_over, _hide, _leave_ajar):
        if rng.random() < _MISHAP:
            done = happen(world, rng) or done
    if done:
        world.physics.step(120)


def nudge(world: Any, rng: np.random.Generator) -> None:
    """Move all that stands about by some millimetres and degrees: the same situation, begun once more."""
    p = world.physics.p
    held = {contact[2] for contact in p.getContactPoints(bodyA=world.robot.body)}
    carried = {c[2] for body in world.types for c in p.getContactPoints(bodyA=body) if c[2] in world.types}
    for body in world.types:
        if body in held or body in carried:
            continue
        (x, y, z), turn = p.getBasePositionAndOrientation(body)
        dx, dy = rng.normal(0.0, 0.004, size=2)
        spin = p.getQuaternionFromEuler((0.0, 0.0, float(rng.normal(0.0, 0.05))))
        _, turned = p.multiplyTransforms((0, 0, 0), spin, (0, 0, 0), turn)
        p.resetBasePositionAndOrientation(body, (x + float(dx), y + float(dy), z + 0.001), turned)
    world.physics.step(24)


def _standing(world: Any) -> list[tuple[int, str, Any]]:
    """(body, type, place) of what stands on a surface, with nothing else touching it but that."""
    p, found = world.physics.p, []
    for body, kind in world.types.items():
        at = p.getBasePositionAndOrientation(body)[0]
        where = world.scene.resting_on(*at)
        touching = {contact[2] for contact in p.getContactPoints(bodyA=body)}
        if where and world.scene.place(where).kind not in ("bin", "spot") and len(touching) == 1:
            found.append((body, kind, world.scene.place(where)))
    return found


def _knock_over(world: Any, rng: np.random.Generator) -> bool:
    """Lay a can, a bottle or a bag on its side."""
    p = world.physics.p
    tall = [(b, k) for b, k, _ in _standing(world) if CATALOGUE[k].shape in ("cylinder", "box")]
    tall = [(b, k) for b, k in tall if CATALOGUE[k].size[2] > 0.08]
    if not tall:
        return False
    body, kind = tall[int(rng.integers(len(tall)))]
    (x, y, z), _ = p.getBasePositionAndOrientation(body)
    size = CATALOGUE[kind].size
    z += -size[2] / 2 + min(size[:2]) / 2 + 0.004
    roll = p.getQuaternionFromEuler((math.pi / 2, 0.0, float(rng.uniform(-math.pi, math.pi))))
    p.resetBasePositionAndOrientation(body, (x, y, z), roll)
    return True


def _hide(world: Any, rng: np.random.Generator) -> bool:
    """Put something low right behind something taller."""
    p, there = world.physics.p, _standing(world)
    pairs = [
        (low, tall, place)
        for tall, a, place in there
        for low, b, other in there
        if low != tall and place is other and CATALOGUE[b].size[2] < CATALOGUE[a].size[2] - 0.04
    ]
    if not pairs:
        return False
    low, tall, place = pairs[int(rng.integers(len(pairs)))]
    along, deep = place.to_local(*p.getBasePositionAndOrientation(tall)[0][:2])
    if deep + 0.19 > place.size[1]:
        return False
    (_, _, z), turn = p.getBasePositionAndOrientation(low)
    x, y = place.to_world(along, deep + float(rng.uniform(0.11, 0.14)))
    p.resetBasePositionAndOrientation(low, (x, y, z), turn)
    return True


def _leave_ajar(world: Any, rng: np.random.Generator) -> bool:
    """Leave an empty drawer part of its way open."""
    if not world.scene.drawers:
        return False
    p, facts = world.physics.p, world.facts()
    empty = [d for d in world.scene.drawers if all(o.place != d.name for o in facts.objects)]
    if not empty or facts.robot_at in {d.cabinet for d in empty}:
        return False
    drawer = empty[int(rng.integers(len(empty)))]
    for body in range(p.getNumBodies()):
        for joint in range(p.getNumJoints(body)):
            if p.getJointInfo(body, joint)[1].decode() == drawer.name:
                p.resetJointState(body, joint, float(rng.uniform(0.1, 0.9)) * drawer.travel)
                return True
    return False


def held_out(target: str | None, holding: str | None) -> bool:
    """Does a skill act on one of the held-out types?"""
    return target in HELD_OUT_TYPES or (target not in CATALOGUE and holding in HELD_OUT_TYPES)


def check_parts(parts: Sequence[str]) -> tuple[Part, ...]:
    """The parts by name. Raises ValueError for one that there is not."""
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"Expected a part among {', '.join(PARTS)}; got {part!r}.")
    return tuple(p for p in PARTS if p in parts)
