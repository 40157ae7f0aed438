"""Does a skill keep the contract? `check_declaration` reads it; `check_skill` also does it, twice, and looks on."""

from __future__ import annotations

import math
from typing import Any

from ..sim.facts import Facts
from ..sim.physics_world import PhysicsWorld
from ..sim.robot import Robot
from ..sim.scene import Scene
from ..sim.symbolic import SymbolicWorld
from .skill import Outcome, Skill

LONGEST = 180.0
"""Simulated seconds after which a policy has to have ended."""
_PRESSED = 15.0
"""Newtons with which a robot that has ended may touch something."""
_CLEAR = 0.05
"""Metres below `carry_height`, or radians from a home posture, that still count as out of the way."""
_NOTHING = Facts((), None, None)
_OFFERED = frozenset(name for name in (*vars(Robot), *Robot.__annotations__) if not name.startswith("_"))
"""What of a robot a policy may use: the `Robot` contract."""


class _TooLong(BaseException):
    """Raised from within the physics; no `except Exception` of a policy's keeps it from ending."""


def _expect(kept: bool, expected: str, seen: object) -> None:
    if not kept:
        raise ValueError(f"Expected {expected}, got {seen!r}. See docs/skills.md.")


def check_declaration(skill: Skill, scene: Scene) -> None:
    """The parts that cost nothing. Raises ValueError at the first promise that is not kept."""
    words = skill.phrase
    _expect(bool(words) and words == " ".join(words.split()), "a phrase in one line of words", words)
    _expect(bool(skill.family.strip()), f"a family for {words!r}", skill.family)
    _expect((skill.policy is None) == skill.ends, f"a policy for {words!r}", skill.policy)
    for name in ("preconditions", "effects"):
        condition = getattr(skill, name)
        try:
            holds = condition.holds(_NOTHING)
        except Exception as error:
            raise ValueError(
                f"Expected a condition as the {name} of {words!r}, got {condition!r}: {error!r}."
            ) from None
        _expect(isinstance(holds, bool), f"True or False from the {name} of {words!r}", holds)
    if not skill.ends:
        SymbolicWorld(scene).make_true(skill.effects)  # raises for a condition that no skill can declare


def check_skill(skill: Skill, world: PhysicsWorld) -> Outcome:
    """Do the skill from where the world is, twice, and hold it to its contract; gives its outcome.

    It ends in time, raises nothing, says truly how long it took and why it ended, uses nothing of the robot but the
    `Robot` contract, leaves the arm out of the way and nothing pressed, and does the same from the same snapshot.
    Raises ValueError at the first promise that is not kept, or if the preconditions do not hold by what is seen here.
    """
    check_declaration(skill, world.scene)
    observation = world.observe()
    _expect(skill.preconditions.holds(observation.believed()), f"the preconditions of {skill.phrase!r} to hold", "not")
    if skill.policy is None:
        return Outcome("done", "nothing to move")
    snapshot = world.snapshot()
    ends = []
    for _ in range(2):
        world.restore(snapshot)
        outcome = _do(skill, world)
        _check_end(skill, world)
        ends.append((outcome, world.facts()))
    _expect(ends[0] == ends[1], f"{skill.phrase!r} to end alike from one snapshot", ends)
    return ends[0][0]


def _do(skill: Skill, world: PhysicsWorld) -> Outcome:
    start = world.time

    def watch() -> None:
        if world.time - start > LONGEST:
            raise _TooLong

    world.physics.laws.append(watch)
    robot: Any = _Offered(world.robot)
    try:
        outcome = skill.policy(robot, world.observe()) if skill.policy else Outcome("done", "")
    except _TooLong:
        raise ValueError(f"Expected {skill.phrase!r} to end within {LONGEST:g} simulated seconds.") from None
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"Expected {skill.phrase!r} to tell a failure in its outcome, it raised {error!r}.") from error
    finally:
        world.physics.laws.remove(watch)
    _expect(isinstance(outcome, Outcome), f"an Outcome of {skill.phrase!r}", outcome)
    _expect(outcome.status in ("done", "failed", "timed out"), "done, failed or timed out", outcome.status)
    _expect(bool(outcome.reason.strip()), f"a reason why {skill.phrase!r} ended", outcome.reason)
    took = world.time - start
    _expect(math.isclose(outcome.seconds, took, abs_tol=0.1), f"the {took:.2f} s that it took", outcome.seconds)
    return outcome


def _check_end(skill: Skill, world: PhysicsWorld) -> None:
    robot, p = world.robot, world.physics.p
    high = float(robot.hand_pose()[2, 3]) >= robot.carry_height - _CLEAR
    home = any(float(abs(robot.joints() - posture).max()) < _CLEAR for posture in robot.homes)
    _expect(high or home, f"the arm out of the way after {skill.phrase!r}", robot.hand_pose()[:3, 3].tolist())
    held = world._between_fingers()
    pressed = sum(c[9] for c in p.getContactPoints(bodyA=robot.body) if c[2] not in (robot.body, held))
    _expect(pressed <= _PRESSED, f"nothing pressed after {skill.phrase!r}", f"{pressed:.0f} N")


class _Offered:
    """The robot as a policy may use it: what is not in the contract is not there."""

    def __init__(self, robot: Any):
        self._robot = robot

    def __getattr__(self, name: str) -> Any:
        if name not in _OFFERED:
            raise ValueError(f"Expected a policy to use the Robot contract (sim/robot.py), it asked for {name!r}.")
        return getattr(self._robot, name)
