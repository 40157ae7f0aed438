"""Joint-level control of a robot: rates in, limits kept. What a policy that is learned from scratch works with.

A robot has `axes` in a fixed order: those of its base if it drives, then the arm's joints, then the gap between its
fingers. Rates are shares of each axis's top speed; what they ask beyond a joint's limits is not done, and motors push
no harder than the makers allow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .physics import STEP

_LEAD = 0.06
"""How far a target may run ahead of where the axis is, metres or radians: what is blocked does not wind up."""
_BRAKE = 10.0
"""Towards a limit an axis goes no faster than this many times the way that is left, a second."""
TICK = 4
"""Physics steps between two commands: 60 commands a second."""


@dataclass(frozen=True)
class Axis:
    """One degree of freedom: its top speed in units a second, and its limits (infinite: none)."""

    name: str
    unit: str
    """'m' or 'rad'."""
    speed: float
    low: float = -math.inf
    high: float = math.inf


@dataclass
class Motors:
    """Joints of a body that move together, where they are told to be, and how hard they may push."""

    joints: list[int]
    goal: NDArray[np.float64]
    effort: Sequence[float] | NDArray[np.float64]
    ramp: float
    """Seconds to top speed."""
    tolerance: float
    """Metres or radians from the goal that count as there."""


class Servo:
    """The joint-level half of a robot; a robot class inherits it and gives what is declared here."""

    physics: Any
    body: int
    gripper: Any
    """`gap` (metres), `target` (metres), `links` (its joints) and `servo(gap)`."""
    axes: tuple[Axis, ...]
    base: Motors | None = None
    """x, y, yaw; None if it stands still."""
    arm: Motors

    def measure(self, motors: Motors) -> NDArray[np.float64]:
        """Where the joints are."""
        return np.array([s[0] for s in self.physics.p.getJointStates(self.body, motors.joints)])

    def command(self, motors: Motors, rates: Any) -> None:
        """Tell motors to be at their goal, moving at `rates`."""
        self.physics.p.setJointMotorControlArray(
            self.body, motors.joints, self.physics.p.POSITION_CONTROL, targetPositions=list(motors.goal),
            targetVelocities=list(rates), forces=list(motors.effort), positionGains=[0.3] * len(motors.joints),
            velocityGains=[1.0] * len(motors.joints),
        )  # fmt: skip

    def _rates(self, joints: Sequence[int]) -> NDArray[np.float64]:
        return np.array([state[1] for state in self.physics.p.getJointStates(self.body, joints)])

    @property
    def joint_axes(self) -> tuple[Axis, ...]:
        """The axes of the arm and the fingers."""
        return self.axes[3 if self.base else 0 :]

    def joint_state(self) -> NDArray[np.float64]:
        """(2, n): positions and rates of `joint_axes`, as the joints' own sensors tell them."""
        rates = self._rates(self.arm.joints)
        return np.stack(
            [self.positions()[3 if self.base else 0 :], [*rates, float(self._rates(self.gripper.links).sum())]]
        )

    def positions(self) -> NDArray[np.float64]:
        """Where each axis is: (n,) metres and radians; the base's in the world frame."""
        base = self.measure(self.base) if self.base else np.zeros(0)
        return np.concatenate([base, self.measure(self.arm), [self.gripper.gap]])

    def targets(self) -> NDArray[np.float64]:
        """Where the motors are told to be: (n,), as `positions`."""
        base = self.base.goal if self.base else np.zeros(0)
        return np.concatenate([base, self.arm.goal, [self.gripper.target]])

    def servo(self, rates: NDArray[np.float64], steps: int) -> None:
        """Move for `steps` physics steps at `rates` (n,) in [-1, 1]: shares of the axes' top speeds.

        The first two of a base that drives are along the robot's own forward and left.
        """
        n = 3 if self.base else 0
        speeds = np.array([axis.speed for axis in self.axes])
        low = np.array([axis.low for axis in self.axes])
        high = np.array([axis.high for axis in self.axes])
        wanted = np.clip(np.asarray(rates, dtype=float), -1.0, 1.0) * speeds
        for start in range(0, steps, TICK):
            ticks = min(TICK, steps - start)
            rate = wanted.copy()
            if self.base:
                yaw = float(self.measure(self.base)[2])
                c, s = math.cos(yaw), math.sin(yaw)
                rate[0], rate[1] = c * wanted[0] - s * wanted[1], s * wanted[0] + c * wanted[1]
            here, told = self.positions(), self.targets()
            rate = np.clip(rate, np.minimum(_BRAKE * (low - here), 0.0), np.maximum(_BRAKE * (high - here), 0.0))
            # A target that rests stays where it is: what is held or leaned on must not creep.
            goal = np.where(rate == 0.0, told, np.clip(told + rate * ticks * STEP, here - _LEAD, here + _LEAD))
            inside = np.clip(goal, low, high)
            if self.base:
                self.base.goal = inside[:n]
                self.command(self.base, rate[:n])
            self.arm.goal = inside[n:-1]
            self.command(self.arm, rate[n:-1])
            if rate[-1] != 0.0:
                self.gripper.servo(float(inside[-1]))
            self.physics.step(ticks)
