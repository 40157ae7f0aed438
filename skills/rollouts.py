"""Data for value functions: skills tried in many situations, and whether what they declare really came about.

A situation is a random setup (objects, hand, drawers, the robot's place), sometimes after a few skills, as in the
middle of a plan. From its snapshot several skills are tried, each from the same state. The label is the truth,
`facts()`; the features are what the robot had seen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from ..sim.observation import Observation
from ..sim.scene import Scene, training_scene
from ..sim.task import Setup
from .execute import execute
from .features import LEARNED, VERSION, features
from .library import SkillLibrary
from .skill import Skill

_SHARES = {"pick up": 0.36, "find": 0.20, "put down": 0.14, "go to": 0.08, "bring": 0.06, "open": 0.08, "close": 0.08}
"""How often each family is tried, where it can be."""
_PRESENT = 0.8
"""Share of searches that are for something in the room: the prior that a value of `find` starts from."""
_SEARCHED = 0.25
"""Share of states in which everything has been looked at already, in vain."""


@dataclass(frozen=True)
class Rollout:
    """One skill tried once from one state."""

    state: int
    """Seed of the state; rows of one state belong to one part of a split."""
    family: str
    phrase: str
    features: tuple[float, ...]
    success: bool
    """Did the declared effects come about, by the world's facts?"""
    reported: str
    """How the policy said it ended."""
    reason: str
    seconds: float


def collect(
    out: Path,
    *,
    states: int,
    seed: int = 0,
    workers: int = 1,
    tries: int = 3,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Try skills from `states` situations and append them to OUT/rollouts.jsonl; gives the number of rows there.

    A run that was cut short goes on where it was: states that are in the file are not done again. The rows depend on
    `seed` and the state's number alone, not on the workers.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / "rollouts.jsonl"
    done = set()
    if path.exists():
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rfind(b"\n") + 1])  # a last line that was cut short goes
        done = {row.state for row in read(path)}
    todo = [s for s in range(seed * 1_000_000, seed * 1_000_000 + states) if s not in done]
    with path.open("a", encoding="utf-8") as file:
        for count, rows in enumerate(_all(todo, tries, workers), 1):
            file.writelines(json.dumps(vars(row)) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
            if progress:
                progress(count)
    return len(read(path))


def read(path: Path) -> list[Rollout]:
    """The rows of a file; a last line that was cut short is left out."""
    rows = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            data = json.loads(line)
            rows.append(Rollout(**{**data, "features": tuple(data["features"])}))
        except (ValueError, TypeError, KeyError):
            if number < len(lines):
                raise ValueError(f"Expected a rollout on line {number} of {path.name}, got {line[:80]!r}.") from None
    return rows


def _all(todo: list[int], tries: int, workers: int) -> Iterator[list[Rollout]]:
    if workers <= 1:
        yield from (_try_state(state, tries) for state in todo)
        return
    # Spawned, not forked: a physics client and torch's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        yield from pool.map(_try_state, todo, [tries] * len(todo))


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


_world: Any = None


def _try_state(state: int, tries: int) -> list[Rollout]:
    """All rows of one state, in this process's own world."""
    global _world
    from ..sim.physics_world import PhysicsWorld

    if _world is None:
        _world = PhysicsWorld(training_scene())
    world, rng = _world, np.random.default_rng((int(VERSION), state))
    library = SkillLibrary.of(world.scene)
    try:
        world.reset(random_setup(world.scene, rng), seed=state)
    except ValueError:  # more objects than a place can hold
        return []
    present = {*(o.type for o in world.facts().objects), world.facts().holding}
    if rng.random() < _SEARCHED:
        absent = [kind for kind in world.scene.types if kind not in present]
        execute(library[f"find the {absent[int(rng.integers(len(absent)))]}"], world)
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        skill = _choose(library, world.observe(), present, rng)
        if skill is not None:
            execute(skill, world)
    world.robot.tuck()
    snapshot = world.snapshot()
    rows, tried = [], set()
    for _ in range(tries):
        observation = world.restore(snapshot)
        skill = _choose(library, observation, present, rng)
        if skill is None or skill.phrase in tried:
            continue
        tried.add(skill.phrase)
        row = features(observation, [skill], world.scene)[0]
        outcome = execute(skill, world)
        rows.append(
            Rollout(
                state=state,
                family=skill.family,
                phrase=skill.phrase,
                features=tuple(round(float(value), 5) for value in row),
                success=skill.effects.holds(world.facts()),
                reported=outcome.status,
                reason=outcome.reason,
                seconds=round(outcome.seconds, 2),
            )
        )
    return rows


def random_setup(scene: Scene, rng: np.random.Generator) -> Setup:
    """A situation to start from: 1 to 10 objects, mostly where the robot is, sometimes one in its hand."""
    kinds = [str(k) for k in rng.choice(list(scene.types), size=int(rng.integers(1, 11)), replace=False)]
    surfaces = [p.name for p in scene.surfaces()]
    robot_at = str(rng.choice([p.name for p in scene.places] + 2 * surfaces))
    holding = kinds.pop() if len(kinds) > 1 and rng.random() < 0.35 else None
    here = robot_at if robot_at in (*surfaces, "user") else surfaces[0]
    objects = tuple((kind, here if rng.random() < 0.5 else str(rng.choice(surfaces))) for kind in kinds)
    opened = tuple(d.name for d in scene.drawers if rng.random() < 0.12)
    return Setup(objects, robot_at, holding, opened)


def _choose(
    library: SkillLibrary, observation: Observation, present: AbstractSet[str | None], rng: np.random.Generator
) -> Skill | None:
    """A skill whose declared preconditions hold by what is seen: its family by `_SHARES`, then evenly within it.

    What is searched for is mostly there (`_PRESENT`), as with what a person asks for.
    """
    believed = observation.believed()
    able: dict[str, list[Skill]] = {}
    for skill in library:
        if skill.family in LEARNED and skill.preconditions.holds(believed):
            able.setdefault(skill.family, []).append(skill)
    if not able:
        return None
    shares = np.array([_SHARES[family] for family in able])
    family = list(able)[int(rng.choice(len(able), p=shares / shares.sum()))]
    skills = able[family]
    if family == "find":
        there = rng.random() < _PRESENT
        skills = [skill for skill in skills if (skill.target in present) == there] or skills
    return skills[int(rng.integers(len(skills)))]
