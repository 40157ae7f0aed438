"""Two fingers: they hold by friction, and tell by where they stand whether anything is between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from .kinematics import Joints
from .robot import OPENING, Grip

if TYPE_CHECKING:
    from .physics import Physics

_FORCE = 20.0
"""Newtons a finger of the Panda: six times what the heaviest thing needs. At 40 N a 30 g sponge shivers out of it."""
_FRICTION = 1.2
_SPEED = 0.12
_TICK = 4
"""Physics steps between two looks at the fingers."""


class Gripper:
    """Two finger joints of a body, `links`, open at first."""

    def __init__(
        self, physics: Physics, body: int, links: Sequence[int], *, opening: float = OPENING, force: float = _FORCE,
        speed: float = _SPEED,
    ):  # fmt: skip
        """`opening`: the widest gap, metres; `force`: newtons a finger; `speed`: of each finger, m/s."""
        self._physics, self._p, self._body, self.links = physics, physics.p, body, tuple(links)
        self._open, self._press, self._speed = [opening / 2, opening / 2], force, speed
        self._goal, self._force = list(self._open), [force, force]
        self._held: tuple[Grip, float] | None = None
        for link, goal in zip(self.links, self._goal, strict=True):
            self._p.changeDynamics(body, link, lateralFriction=_FRICTION, spinningFriction=0.05, rollingFriction=0.001)
            self._p.resetJointState(body, link, goal)

    @property
    def gripped(self) -> Grip | None:
        """What is held. One finger presses all the time: it would be at its end if nothing were there.

        (The gap itself may change by some millimetres, when a thing that was grasped askew turns between the fingers.)
        """
        if self._held is None:
            return None
        grip, gap = self._held
        pressing = float(self._where()[0])
        return grip if pressing > 0.004 and self._gap() > 0.6 * gap else None

    def lost(self) -> str | None:
        """What slipped out of the fingers since it was last asked; None: nothing did."""
        if self._held is None or self.gripped is not None:
            return None
        (grip, _), self._held = self._held, None
        return grip.type

    def close(self, grip: Grip | None = None, each_tick: Callable[[], None] = lambda: None) -> float:
        """Close until both fingers stand still; then one holds its place and the other presses. Gives the gap, metres.

        (With both pressing, nothing would keep the pair in the middle of the hand.)
        """
        self._move([0.0, 0.0], [self._press / 2, self._press / 2], self._speed)
        self._wait(each_tick)
        here = float(self._where()[1])
        self._move([0.0, here], [self._press, 2 * self._press], self._speed)
        self._physics.step(3 * _TICK)
        gap = self._gap()
        self._held = (grip, gap) if grip is not None and gap > 0.012 else None
        return gap

    def soften(self, share: float) -> None:
        """Press with no more than this share of its force, in (0, 1]."""
        self._press *= share
        self._force = [share * force for force in self._force]

    def open(self) -> None:
        """All the way."""
        self._held = None
        self._move(list(self._open), [self._press, self._press], 1.25 * self._speed)
        self._wait()

    @property
    def gap(self) -> float:
        """Metres between the fingers, 0 when closed."""
        return self._gap()

    @property
    def target(self) -> float:
        """The gap that the fingers are told to make, metres."""
        return float(sum(self._goal))

    def servo(self, gap: float) -> None:
        """Tell the fingers to make `gap`, at their usual force. What is between them then has no name."""
        self._held = None
        self._move([gap / 2, gap / 2], [self._press, self._press], self._speed)

    def reissue(self) -> None:
        """Tell the motors again what they were told."""
        self._move(self._goal, self._force, self._speed)

    def loosen(self) -> None:
        """Let the fingers spring open, and meet nothing, until `tighten`."""
        for link in self.links:
            # A finger that pushes a thing along, as in driving, would carry it, and a can hangs on a finger's edge.
            self._p.setCollisionFilterGroupMask(self._body, link, 0, 0)
            self._p.setJointMotorControl2(
                self._body, link, self._p.POSITION_CONTROL, targetPosition=self._open[0], force=self._press,
                maxVelocity=0.3,
            )  # fmt: skip

    def tighten(self) -> None:
        """After `loosen`: as it was told before."""
        for link in self.links:
            self._p.setCollisionFilterGroupMask(self._body, link, 1, -1)
        self.reissue()

    def state(self) -> dict[str, Any]:
        """What is held and where the motors are told to be (JSON)."""
        held = None if self._held is None else {**asdict(self._held[0]), "gap": self._held[1]}
        return {"goal": list(self._goal), "force": list(self._force), "held": held}

    def set_state(self, state: dict[str, Any]) -> None:
        """The inverse."""
        self._goal, self._force = list(state["goal"]), list(state["force"])
        held = state["held"]
        self._held = None if held is None else (Grip(held["type"], held["below"]), held["gap"])
        self.reissue()

    def _where(self) -> Joints:
        return np.array([s[0] for s in self._p.getJointStates(self._body, self.links)])

    def _gap(self) -> float:
        return float(self._where().sum())

    def _move(self, goals: list[float], forces: list[float], speed: float) -> None:
        self._goal, self._force = goals, forces
        for link, goal, force in zip(self.links, goals, forces, strict=True):
            self._p.setJointMotorControl2(
                self._body, link, self._p.POSITION_CONTROL, targetPosition=goal, force=force, maxVelocity=speed
            )

    def _wait(self, each_tick: Callable[[], None] = lambda: None) -> None:
        still = 0
        for _ in range(60):
            before = self._where()
            each_tick()
            self._physics.step(_TICK)
            still = still + 1 if np.abs(self._where() - before).max() < 2e-4 else 0
            if still == 3:
                return
