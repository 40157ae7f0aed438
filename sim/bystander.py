"""Disturbances done to bodies: somebody comes by and moves things, and what the hand holds slips out of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from .camera import Frame
from .catalogue import CATALOGUE
from .detector import Detection, Detector
from .disturber import Disturber, Thing
from .facts import Facts
from .furniture import Cabinet
from .gripper import Gripper
from .physics import STEP, Physics
from .placement import free_pose
from .scene import Scene

_EVERY = 4
"""Physics steps between two looks at the fingers."""
_LOOSE = 72
"""Physics steps for which the fingers are open: 0.3 s, in which a thing falls by 0.4 m."""
_AJAR = 0.1
"""A drawer that is open by less of its travel is as good as closed."""
_AWAY = (0.0, 0.0, -3.0)
"""Below the floor, where what was taken meets nothing and is seen by nobody."""


class _Hand(Protocol):
    """What of a robot the one who makes it slip needs."""

    body: int
    gripper: Gripper


class _World(Protocol):
    """What of a world the bystander needs."""

    scene: Scene
    physics: Physics
    robot: Any

    @property
    def types(self) -> Mapping[int, str]: ...

    @property
    def time(self) -> float: ...

    def facts(self) -> Facts: ...


class Bystander:
    """The `Stage` of a world with physics. Things are moved as they lie, all at once: nobody is seen to walk."""

    def __init__(self, world: _World, cabinets: Mapping[str, Cabinet]):
        self.scene = world.scene
        self._world, self._p, self._cabinets = world, world.physics.p, cabinets

    @property
    def time(self) -> float:
        """Simulated seconds."""
        return self._world.time

    def watched(self) -> str | None:
        """Where the robot stands; a fixed arm rests between skills, and watches nothing."""
        return self._world.facts().robot_at if self.scene.robot.base is None else None

    def things(self) -> list[Thing]:
        """Objects that rest at a place or in a drawer, that the robot does not touch and that nothing lies on or in."""
        touched = {contact[2] for contact in self._p.getContactPoints(bodyA=self._world.robot.body)}
        openings, found = self._openings(), []
        for body, kind in self._world.types.items():
            at = self._at(body)
            place = self.scene.resting_on(*at) or self.scene.inside_drawer(*at, openings)
            if place is not None and body not in touched and not self._carries(body):
                found.append(Thing(body, kind, place))
        return found

    def put(self, thing: Thing, place: str, rng: np.random.Generator) -> bool:
        """Stand it at a free spot of `place`; False: there is none."""
        others = [(kind, self._at(body)) for body, kind in self._world.types.items() if body != thing.key]
        pose = free_pose(self.scene, thing.type, place, others, rng)
        if pose is None:
            return False
        at, yaw = pose
        self._set(thing.key, at, self._p.getQuaternionFromEuler((0.0, 0.0, yaw)))
        return True

    def take(self, thing: Thing) -> None:
        """Out of the room."""
        self._set(thing.key, _AWAY, (0.0, 0.0, 0.0, 1.0))

    def open_drawers(self) -> list[str]:
        """Somewhat open, and not touched by the robot."""
        touched = {contact[2] for contact in self._p.getContactPoints(bodyA=self._world.robot.body)}
        openings = self._openings()
        return [
            drawer.name
            for drawer in self.scene.drawers
            if openings[drawer.name] > _AJAR * drawer.travel and self._cabinets[drawer.cabinet].body not in touched
        ]

    def close_drawer(self, name: str) -> None:
        """What lies in it goes in with it."""
        openings = self._openings()
        drawer, out = self.scene.drawer(name), openings[name]
        inside = [b for b in self._world.types if self.scene.inside_drawer(*self._at(b), openings) == name]
        cabinet, facing = self._cabinets[drawer.cabinet], self.scene.place(drawer.cabinet).facing
        self._p.resetJointState(cabinet.body, cabinet.joints[name], 0.0)
        for body in inside:
            (x, y, z), turn = self._p.getBasePositionAndOrientation(body)
            self._set(body, (x + out * math.cos(facing), y + out * math.sin(facing), z), turn)

    def _openings(self) -> dict[str, float]:
        return {
            name: self._p.getJointState(cabinet.body, joint)[0]
            for cabinet in self._cabinets.values()
            for name, joint in cabinet.joints.items()
        }

    def _carries(self, body: int) -> bool:
        """Does something lie on it or in it?"""
        x, y, z = self._at(body)
        reach = CATALOGUE[self._world.types[body]].size[0] / 2
        return any(
            math.hypot(ox - x, oy - y) < reach and z - 0.02 < oz < z + 0.10
            for other in self._world.types
            if other != body
            for ox, oy, oz in [self._at(other)]
        )

    def _at(self, body: int) -> tuple[float, float, float]:
        return self._p.getBasePositionAndOrientation(body)[0]

    def _set(self, body: int, at: Sequence[float], turn: Sequence[float]) -> None:
        self._p.resetBasePositionAndOrientation(body, at, turn)
        self._p.resetBaseVelocity(body, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))


class Butterfingers:
    """Lets what is held slip when the disturber says so: for a moment the fingers spring open."""

    def __init__(self, world: _World, disturber: Disturber, hand: _Hand):
        self._world, self._disturber, self._hand = world, disturber, hand
        self._steps = 0
        self._loose = 0

    def on_step(self) -> None:
        """Called after every physics step."""
        if self._loose:
            self._loose -= 1
            if not self._loose:
                self._hand.gripper.tighten()
            return
        if not self._disturber.slip_is_near:
            return
        self._steps += 1
        if self._steps % _EVERY or self._hand.gripper.gripped is None:
            return
        if self._disturber.held(_EVERY * STEP):
            held = self._world.facts().holding or "thing"
            self._disturber.slipped(held, self._world.time)
            self._hand.gripper.loosen()
            self._loose = _LOOSE

    def state(self) -> list[int]:
        """Steps counted, and steps for which the fingers are still loose."""
        return [self._steps, self._loose]

    def set_state(self, state: Sequence[int]) -> None:
        """The inverse; to be called after the hand has been told again what it was told."""
        was_loose = self._loose
        self._steps, self._loose = state
        if self._loose:
            self._hand.gripper.loosen()
        elif was_loose:
            self._hand.gripper.tighten()


class Misreading:
    """A detector whose answers are sometimes false."""

    def __init__(self, detector: Detector, disturber: Disturber, world: _World):
        self._detector, self._disturber, self._world = detector, disturber, world
        self.name = detector.name

    def detect(self, frame: Frame) -> list[Detection]:
        """What the detector finds, by the names that the disturber reads."""
        types, time = self._world.scene.types, self._world.time
        return [replace(d, type=self._disturber.read(d.type, types, time)) for d in self._detector.detect(frame)]
