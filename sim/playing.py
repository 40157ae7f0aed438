"""Motions over time: a command is played at limited speed with ramps, until it is there or a link meets something."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from .physics import STEP
from .robot import Motion
from .servo import TICK, Motors, Servo

_TOUCH = 15.0
"""Newtons on a link that count as having met something."""
_WAIT = 30
"""Commands within which the motors are to get there once all was told."""


def ramped(seconds: float, ramp: float, tick: float) -> Iterator[tuple[float, float]]:
    """Progress in [0, 1] and its rate, 1/s, every `tick` seconds: at a constant rate of 1 / `seconds`, reached in
    `ramp` seconds and left so (trapezoidal). What is shorter than its ramps never gets to full speed."""
    top = min(1.0, math.sqrt(seconds / ramp))
    rise = ramp * top
    total = seconds / top + rise
    for k in range(1, math.ceil(total / tick) + 1):
        t = min(k * tick, total)
        left = total - t
        if t < rise:
            at, rate = t * t / (2 * ramp), t / ramp
        elif left < rise:
            at, rate = seconds - left * left / (2 * ramp), left / ramp
        else:
            at, rate = top * (t - rise / 2), top
        yield at / seconds, rate / seconds


class Playing(Servo):
    """The half of a robot that plays motions; a robot class inherits it and gives what is declared here."""

    pace = 1.0
    """Share of its speeds, base and arm, that no motion exceeds, in (0, 1]."""
    parts: Mapping[int, str]
    """Each link in the robot's own words."""

    def run(self, command: Callable[[float, float], None], seconds: float, motors: Motors, *, feel: bool) -> Motion:
        """Play `command(progress in [0, 1], its rate)` with a trapezoidal speed; wait until it is there.

        `feel`: stop for what the fingers meet, too.
        """
        if seconds < 1e-3:
            command(1.0, 0.0)
            self.physics.step(TICK)
            return Motion("reached")
        for at, rate in ramped(seconds / self.pace, motors.ramp, TICK * STEP):
            command(at, rate)
            self.physics.step(TICK)
            if touched := self._touched(feel):
                return self._stopped(motors, f"the {touched} met something")
            # A robot that has lost what it carries has no business in driving on.
            if motors is self.base and (lost := self.gripper.lost()):
                return self._stopped(motors, f"the {lost} slipped out of the hand")
        for _ in range(_WAIT):
            if np.abs(self.measure(motors) - motors.goal).max() < motors.tolerance:
                return Motion("reached")
            self.physics.step(TICK)
        self._freeze(motors)
        return Motion("timed out", "it did not get there in time")

    def _touched(self, feel: bool) -> str | None:
        """The part of the robot that presses on something harder than it should; None: none."""
        forces: dict[str, float] = {}
        for contact in self.physics.p.getContactPoints(bodyA=self.body):
            part = self.parts[contact[3]]
            if contact[2] != self.body and (feel or part != "fingers"):
                forces[part] = forces.get(part, 0.0) + contact[9]
        return next((part for part, force in forces.items() if force > _TOUCH), None)

    def _stopped(self, motors: Motors, why: str) -> Motion:
        self._freeze(motors)
        return Motion("stopped", why)

    def _freeze(self, motors: Motors) -> None:
        """Stay where the joints are."""
        motors.goal = self.measure(motors)
        self.reissue()
        self.physics.step(TICK)

    def begin(self) -> None:
        """Be where the motors are told to be, at once: the last thing that a robot's constructor does."""
        for motors in (self.base, self.arm) if self.base else (self.arm,):
            for joint, angle in zip(motors.joints, motors.goal, strict=True):
                self.physics.p.resetJointState(self.body, joint, float(angle))
        self.reissue()

    def reissue(self) -> None:
        """Tell all motors again what they were told."""
        self.command(self.arm, [0.0] * len(self.arm.joints))
        self.gripper.reissue()
