"""Doing a skill: its policy moves an embodied robot, its declared effects change a symbolic world."""

from __future__ import annotations

from typing import cast

from ..sim.facts import Facts, Not, leaves
from ..sim.observation import Observation
from ..sim.symbolic import SymbolicWorld
from ..sim.world import EmbodiedWorld, World
from .skill import Outcome, Policy, Skill


def execute(skill: Skill, world: World, observation: Observation | None = None) -> Outcome:
    """Try `skill` in `world`. An ending (`done`, `refuse`) moves nothing and is always done.

    `observation` is what is known before, hints of memory included; None: what a look around shows. The world is told
    when a skill begins and ends, for its disturbances; the robot is not told of them.
    """
    if skill.policy is None:
        return Outcome("done", "nothing to move")
    start = world.time
    fault = world.begin_skill(skill.family)
    outcome = (
        Outcome("failed", fault, world.time - start) if fault else _carry_out(skill, skill.policy, world, observation)
    )
    world.end_skill(skill.family)
    return outcome


def _carry_out(skill: Skill, policy: Policy, world: World, observation: Observation | None) -> Outcome:
    if not isinstance(world, SymbolicWorld):
        robot = cast(EmbodiedWorld, world).robot
        return policy(robot, observation or robot.observe())
    start = world.time
    if not _can_start(skill, world.facts()):
        return Outcome("failed", "its preconditions do not hold")
    remembered = [o for o in observation.objects if o.remembered and o.place] if observation else []
    hints = [(o.type, o.place or "") for o in sorted(remembered, key=lambda o: -o.confidence)]
    reason = world.make_true(skill.effects, hints)
    return Outcome("failed" if reason else "done", reason or "as declared", world.time - start)


def _can_start(skill: Skill, truth: Facts) -> bool:
    """Do the preconditions hold? That the effects are not there yet is none: what was not seen may be so already."""
    return all(part.holds(truth) for part in leaves(skill.preconditions) if part != Not(skill.effects))
