"""What a posture would meet: the robot's own shape in its map, in a second and still world, asked before it moves.

Nothing of the simulated room enters. The furniture is built from the map; a drawer stands where the cameras last showed
it (closed if they never did, and left out once the robot has moved it, until it is seen again); objects are only where
the caller has seen them. What the robot touches where it stands is not held against it: it is there, so the map errs.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .catalogue import CATALOGUE
from .furniture import build
from .objects import add_object
from .observation import DrawerState, SeenObject
from .physics import Physics
from .robot import Grip
from .scene import Scene
from .zones import HEIGHT, Zone

_DEEP = 0.006
"""Metres that shapes may overlap before it counts: the play of motors, maps and pads."""
_HELD_DEEP = 0.015
"""The same for what is held: where it sits in the hand is known to a centimetre."""
_SELF_DEEP = 0.012
"""The same between parts of the robot: convex hulls of its links stand in for them, and are thicker."""
_STEP = 0.12
"""Largest change of a joint between two postures that are looked at, radians or metres."""
_AWAY = (0.0, 0.0, -50.0)

Pair = tuple[int, int, int, int]
"""(body, its link, other body, its link)."""
Postures = NDArray[np.float64]
"""(n, joints), radians or metres."""


@dataclass(frozen=True)
class Shape:
    """What of a robot a guard needs: how its body is loaded into a client, its own words for its links, its hand.

    `homes` are postures of the joints `arm` that are free: links that touch each other there always do.
    """

    load: Callable[[Any, int], int]
    parts: Mapping[int, str]
    arm: Sequence[int]
    homes: Sequence[NDArray[np.float64]]
    grasp_link: int
    """The link whose frame is the grasp point's: z out of the hand, y along the fingers' opening."""


class Guard:
    """The map with the robot in it; kept over episodes. One guard owns one physics client."""

    def __init__(self, scene: Scene, shape: Shape):
        self.scene, self._shape = scene, shape
        self._physics = Physics()
        p = self._p = self._physics.p
        cabinets = build(self._physics, scene)
        self._zones = {_box(p, zone): zone.name for zone in scene.forbidden}
        self._drawers = {name: (c.body, joint) for c in cabinets.values() for name, joint in c.joints.items()}
        self.moved: dict[str, float] = {}
        """Drawers that the robot has moved since they were seen, and when: they are left out."""
        self.robot = shape.load(p, p.URDF_USE_SELF_COLLISION)
        links = range(p.getNumJoints(self.robot))
        self.joints = [i for i in links if p.getJointInfo(self.robot, i)[2] != p.JOINT_FIXED]
        self._things: dict[tuple[str, int], int] = {}
        self._places: dict[int, str] = {}
        self._held: dict[str, int] = {}
        self._fuse()

    def see(self, drawers: Iterable[DrawerState]) -> None:
        """Take in how far each drawer is open, as last seen."""
        for drawer in drawers:
            out = (drawer.opening or 0.0) * self.scene.drawer(drawer.name).travel
            self._p.resetJointState(*self._drawers[drawer.name], out)
            if drawer.last_seen is not None and drawer.last_seen > self.moved.get(drawer.name, math.inf):
                del self.moved[drawer.name]

    def moves(self, names: Collection[str], time: float) -> None:
        """The robot is about to move these drawers: where they are is unknown until they are seen again."""
        self.moved |= {name: time for name in names if name in self._drawers}

    def stand(self, now: NDArray[np.float64], avoid: Sequence[SeenObject] = (), held: Grip | None = None) -> Checker:
        """The robot with all its moving joints at `now`, among `avoid`, holding `held`: what postures to ask about."""
        for joint, angle in zip(self.joints, now, strict=True):
            self._p.resetJointState(self.robot, joint, float(angle))
        self._set_out(avoid)
        body = self._grasp(held)
        return Checker(self, body, held)

    def _set_out(self, seen: Sequence[SeenObject]) -> None:
        """Put the seen objects where they are, and all others away."""
        count: dict[str, int] = {}
        for body in self._places:
            self._p.resetBasePositionAndOrientation(body, _AWAY, (0, 0, 0, 1))
        self._places = {}
        for thing in seen:
            kind = CATALOGUE[thing.type]
            key = thing.type, count.setdefault(thing.type, 0)
            count[thing.type] += 1
            if key not in self._things:
                self._things[key] = add_object(self._physics, kind, _AWAY, 0.0)
            long = 0.0 if kind.size[0] >= kind.size[1] else math.pi / 2
            euler = (0.0, 0.0, thing.yaw + long) if thing.upright else (0.0, math.pi / 2, thing.yaw)
            turn = self._p.getQuaternionFromEuler(euler)
            self._p.resetBasePositionAndOrientation(self._things[key], thing.position, turn)
            self._places[self._things[key]] = thing.type

    def _grasp(self, held: Grip | None) -> int:
        """The body of what is held, which touches all but the robot; -1: nothing is."""
        for body in self._held.values():
            self._p.resetBasePositionAndOrientation(body, _AWAY, (0, 0, 0, 1))
        if held is None or held.type not in CATALOGUE:
            return -1
        if held.type not in self._held:
            body = self._held[held.type] = add_object(self._physics, CATALOGUE[held.type], _AWAY, 0.0)
            for link in range(-1, self._p.getNumJoints(self.robot)):
                self._p.setCollisionFilterPair(self.robot, body, link, -1, 0)
        return self._held[held.type]

    def _fuse(self) -> None:
        """Let links collide with each other but for those that touch by build or in a posture that is free."""
        p, shape = self._p, self._shape
        links = range(-1, p.getNumJoints(self.robot))
        parent = {i: p.getJointInfo(self.robot, i)[16] for i in links if i >= 0}
        for a in links:
            for b in range(a + 1, len(parent)):
                apart = parent[b] != a and parent.get(parent[b]) != a
                p.setCollisionFilterPair(self.robot, self.robot, a, b, int(apart))
        for home in shape.homes:
            for joint, angle in zip(shape.arm, home, strict=True):
                p.resetJointState(self.robot, joint, float(angle))
            p.performCollisionDetection()
            for contact in p.getContactPoints(self.robot, self.robot):
                p.setCollisionFilterPair(self.robot, self.robot, contact[3], contact[4], 0)

    def contacts(self, held: int) -> dict[Pair, tuple[float, tuple[float, float, float]]]:
        """All that overlaps with the robot and what it holds now: how deep, metres, and where."""
        found: dict[Pair, tuple[float, tuple[float, float, float]]] = {}
        unknown = {self._drawers[name] for name in self.moved}
        self._p.performCollisionDetection()
        for mine in (self.robot, held) if held >= 0 else (self.robot,):
            for c in self._p.getContactPoints(bodyA=mine):
                pair, depth = (c[1], c[3], c[2], c[4]), -c[8]
                if depth > _DEEP and pair[2:] not in unknown and depth > found.get(pair, (0.0,))[0]:
                    found[pair] = depth, c[6]
        return found

    def told(self, pair: Pair, at: tuple[float, float, float]) -> tuple[str, str]:
        """What would meet what, in words: a part of the robot or what it holds, and a name of the map or a type."""
        mine = self._shape.parts[pair[1]] if pair[0] == self.robot else next(
            name for name, body in self._held.items() if body == pair[0]
        )  # fmt: skip
        if pair[2] == self.robot:
            return mine, f"robot's own {self._shape.parts[pair[3]]}"
        if pair[2] in self._zones:
            return mine, self._zones[pair[2]]
        drawer = next((name for name, where in self._drawers.items() if where == pair[2:]), None)
        if drawer or pair[2] in self._places:
            return mine, drawer or self._places[pair[2]]
        if at[2] < 0.02:
            return mine, "floor"
        near = (p.name for p in self.scene.places if p.contains(at[0], at[1], 0.03))
        return mine, next(near, "wall")

    def close(self) -> None:
        """Let go of the client."""
        self._physics.close()


class Checker:
    """The robot as it stands now; tells of postures of some of its joints whether they are free."""

    def __init__(self, guard: Guard, body: int, held: Grip | None):
        self._guard, self._p, self._body, self._held = guard, guard._p, body, held
        self._hold()
        self._allowed = guard.contacts(body)

    def meets(self, joints: Sequence[int], posture: NDArray[np.float64], touch: Collection[str] = ()) -> str:
        """What would meet what with `joints` in this posture; "": it is free. `touch`: what may be met."""
        for joint, angle in zip(joints, posture, strict=True):
            self._p.resetJointState(self._guard.robot, joint, float(angle))
        self._hold()
        for pair, (depth, at) in self._guard.contacts(self._body).items():
            limit = _HELD_DEEP if pair[0] == self._body else _SELF_DEEP if pair[0] == pair[2] else _DEEP
            if depth > limit + self._allowed.get(pair, (0.0,))[0]:
                mine, other = self._guard.told(pair, at)
                if other not in touch:
                    return f"the {mine} would meet the {other}"
        return ""

    def meets_on(self, joints: Sequence[int], path: Postures, touch: Collection[str] = ()) -> str:
        """The same for the straight lines through the postures (n, joints), the first of which is where it stands."""
        for posture in between(path)[1:]:
            reason = self.meets(joints, posture, touch)
            if reason:
                return reason
        return ""

    def _hold(self) -> None:
        if self._held is None or self._body < 0:
            return
        kind = CATALOGUE[self._held.type]
        state = self._p.getLinkState(self._guard.robot, self._guard._shape.grasp_link, computeForwardKinematics=1)
        # It hangs upright from a hand that points down, its narrower side between the fingers.
        turn = self._p.getQuaternionFromEuler((math.pi, 0.0, 0.0 if kind.size[1] <= kind.size[0] else math.pi / 2))
        offset = (0.0, 0.0, self._held.below - kind.size[2] / 2)
        at, turn = self._p.multiplyTransforms(state[4], state[5], offset, turn)
        self._p.resetBasePositionAndOrientation(self._body, at, turn)


def _box(p: Any, zone: Zone) -> int:
    """The body of a zone."""
    half = ((zone.east - zone.west) / 2, (zone.north - zone.south) / 2, HEIGHT / 2)
    middle = ((zone.west + zone.east) / 2, (zone.south + zone.north) / 2, HEIGHT / 2)
    return p.createMultiBody(0, p.createCollisionShape(p.GEOM_BOX, halfExtents=half), -1, middle)


def between(path: Postures) -> Postures:
    """The path with postures put in so that no joint moves by more than `_STEP` from one to the next."""
    rows = [path[:1]]
    for a, b in itertools.pairwise(path):
        count = max(1, math.ceil(float(np.abs(b - a).max()) / _STEP))
        rows.append(a + (b - a) * (np.arange(1, count + 1) / count)[:, None])
    return np.vstack(rows)
