"""The world with physics: bodies that push back, a robot that has to reach, cameras that see one side of things."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import numpy as np

from .bystander import Butterfingers, Bystander, Misreading
from .camera import Frame, View, take
from .catalogue import CATALOGUE, UnknownName
from .clutter import begin
from .collision import Guard
from .detector import Detector, OracleLabels
from .disturbances import Slip
from .disturber import Disturber, Event
from .eyes import Eyes
from .facts import Facts, ObjectFact
from .furniture import build
from .objects import add_object
from .observation import Observation, RobotState
from .physics import Physics
from .placement import layout, spill_spots
from .robots import make_robot
from .scene import Scene, load_scene
from .scene_parts import STAND
from .snapshots import Checkpoint, imagined, pack, put_back, unpack, unreadable
from .spills import Spills
from .support import carrier
from .task import Setup, parse_setup, setup_data
from .tracking import Tracker

_SETTLE = 120
"""Steps that a new scene gets to come to rest: half a second."""

_SPILLED = 0x5B111
"""Tells the generator that places spills from all others of the seed."""

_FAULT = 480
"""Steps until a skill that was made to fail has given up: two seconds."""


class PhysicsWorld:
    """The `World` contract with a robot in it. One instance owns one physics client; use it from one thread."""

    def __init__(
        self,
        scene: Scene | str = "kitchen",
        *,
        gui: bool = False,
        detector: Detector | None = None,
        speed: float = 1.0,
        force: float = 1.0,
    ):
        """`speed`, `force`: shares, in (0, 1], of the robot's own speeds and of its fingers' force, at most."""
        self.scene = load_scene(scene) if isinstance(scene, str) else scene
        self.physics = Physics(gui=gui)
        self._given_detector, self._speed, self._force = detector, speed, force
        self._disturber = Disturber()
        self._guard: Guard | None = None
        self.reset()

    @property
    def time(self) -> float:
        """Seconds of simulated time since reset."""
        return self.physics.time

    def reset(self, setup: Setup | None = None, *, seed: int = 0) -> Observation:
        """Start an episode: the seed draws where on its place each object stands.

        Raises ValueError if a place can't hold its objects.
        """
        setup = begin(self.scene, setup, seed)
        self._build(setup, seed)
        self.physics.step(_SETTLE)
        self.physics.time = 0.0
        return self.observe()

    def _build(self, setup: Setup, seed: int) -> None:
        """Make all bodies, in an order that setup and seed fix."""
        rng = np.random.default_rng(seed)
        self._setup, self._seed = setup, seed
        self.physics.clear()
        self._cabinets = build(self.physics, self.scene)
        for drawer in self.scene.drawers:
            cabinet = self._cabinets[drawer.cabinet]
            opening = drawer.travel if drawer.name in setup.open_drawers else 0.0
            self.physics.p.resetJointState(cabinet.body, cabinet.joints[drawer.name], opening)
        self._types: dict[int, str] = {}
        poses = layout(self.scene, setup.objects, rng)
        openings = {d.name: d.travel if d.name in setup.open_drawers else 0.0 for d in self.scene.drawers}
        for (type_name, where), ((x, y, z), yaw) in zip(setup.objects, poses, strict=True):
            if openings.get(where):
                # What lies in an open drawer has come out with it.
                facing = self.scene.place(self.scene.drawer(where).cabinet).facing
                x, y = x - openings[where] * math.cos(facing), y - openings[where] * math.sin(facing)
            self._types[add_object(self.physics, CATALOGUE[type_name], (x, y, z), yaw)] = type_name
        spilled = np.random.default_rng((seed, _SPILLED))  # apart, so that a spill moves no object
        things = [(kind, at) for (kind, _), (at, _) in zip(setup.objects, poses, strict=True)]
        spots = spill_spots(self.scene, setup.spills, things, spilled)
        self._spills = Spills(self.physics, spots, spilled, self._types, self._between_fingers)
        # Before a cabinet the robot keeps clear of the drawers that stand open.
        out = max(
            (o for d in self.scene.drawers if d.cabinet == setup.robot_at for o in [openings[d.name]]), default=0.0
        )
        base = self.scene.place(setup.robot_at).stand(0.0, STAND + out)
        self.robot = make_robot(self.physics, self.scene, base)
        self.robot.pace = self._speed
        self.robot.gripper.soften(self._force)
        self.robot.observe = self.observe
        if setup.holding:
            body = add_object(self.physics, CATALOGUE[setup.holding], (0.0, 0.0, -2.0), 0.0)
            self._types[body] = setup.holding
            self.robot.grasp_at_reset(body, setup.holding)
        drawers = {(c.body, joint): name for c in self._cabinets.values() for name, joint in c.joints.items()}
        self._detector = self._given_detector or OracleLabels(self._types, drawers, self._spills.drops)
        self._eyes = Eyes(self.physics, self.scene, self.robot)
        self._tracker = Tracker(self.scene)
        self._visited = [setup.robot_at]
        self._expect(Disturber(setup.disturbances, seed))
        self._watch()

    def _watch(self) -> None:
        """Let the robot know its map; it knows nothing of this episode's drawers yet."""
        if self._guard is None:
            self._guard = Guard(self.scene, self.robot.shape())
        self.robot.guard, self._guard.moved = self._guard, {}
        self._guard.see(self._tracker.drawers.values())

    @property
    def detector(self) -> str:
        """The name of the detector, to be told wherever results are shown."""
        return self._detector.name

    @property
    def types(self) -> Mapping[int, str]:
        """Body to object type: the truth, for recorders, training labels and tests."""
        return MappingProxyType(self._types)

    # Disturbances -----------------------------------------------------------------------------------------------

    def _expect(self, disturber: Disturber) -> None:
        """Let the disturbances of this episode reach hand and eyes."""
        self._disturber = disturber
        self._bystander = Bystander(self, self._cabinets)
        self._slips = Butterfingers(self, disturber, self.robot)
        hooks = [h for h in self.physics.on_step if not isinstance(getattr(h, "__self__", None), Butterfingers)]
        if any(isinstance(given, Slip) for given in disturber.disturbances):
            hooks.append(self._slips.on_step)
        self.physics.on_step[:] = hooks
        if disturber.misreads:
            self._detector = Misreading(self._detector, disturber, self)

    @property
    def events(self) -> tuple[Event, ...]:
        """What disturbances have done in this episode: for reports, never for the agent."""
        return tuple(self._disturber.events)

    def begin_skill(self, family: str) -> str | None:
        """A skill begins. Gives the reason if it is to fail before it starts; to find out takes two seconds."""
        fault = self._disturber.begin_skill(family, self.time)
        if fault:
            self.physics.step(_FAULT)
        return fault

    def end_skill(self, family: str) -> None:
        """It is over."""
        self._disturber.end_skill(family, self._bystander)

    # Looking ----------------------------------------------------------------------------------------------------

    def observe(self, focus: tuple[float, float, float] | None = None) -> Observation:
        """Look: over the whole surface at a place, straight ahead elsewhere; or closely at the point `focus`."""
        x, y, yaw = self.robot.base_pose()
        place = self.scene.standing_at(x, y, yaw)
        if place and place not in self._visited:
            self._visited.append(place)
        if place and place not in self._tracker.visited:
            self._tracker.visited.append(place)
        frames = [self._eyes.closely(focus)] if focus else self._eyes.around(place)
        holding = self.robot.holding
        wrist = self._eyes.wrist() if holding else None
        hand = self.robot.hand_pose()[:3, 3]
        self._tracker.look(frames, self._detector, self.time, hand, holding, wrist)
        observation = Observation(
            time=self.time,
            robot=RobotState((x, y), yaw, place, holding),
            objects=tuple(self._tracker.objects),
            drawers=tuple(self._tracker.drawers.values()),
            looked_at=tuple(self._tracker.looked_at),
            visited=tuple(self._tracker.visited),
            carried=self._tracker.carried,
            spills=tuple(self._tracker.spills.values()),
        )
        if self._guard is not None:
            self._guard.see(observation.drawers)
        return observation

    def camera(self, name: str) -> Frame:
        """A picture with labels from one of the robot's own cameras: "head" (of a fixed arm "front") or "wrist"."""
        cameras = {self.robot.cameras[0]: self._eyes.head, "wrist": self._eyes.wrist}
        if name not in cameras:
            raise UnknownName("a camera", name, cameras)
        return cameras[name]()

    def overview(self, width: int = 480, height: int = 360) -> Frame:
        """The room as a person sees it from above."""
        camera = self.scene.camera("overview")
        return take(self.physics, View(camera.eye, camera.target, camera.fov, width, height), labels=False)

    # The truth --------------------------------------------------------------------------------------------------

    def facts(self) -> Facts:
        """The true situation, from the bodies themselves."""
        p = self.physics.p
        openings = {
            name: p.getJointState(cabinet.body, joint)[0]
            for cabinet in self._cabinets.values()
            for name, joint in cabinet.joints.items()
        }
        held = self._between_fingers()
        at = {b: (kind, p.getBasePositionAndOrientation(b)[0]) for b, kind in self._types.items() if b != held}
        objects = []
        for body, (kind, (x, y, z)) in at.items():
            below = carrier((kind, (x, y, z)), [other for b, other in at.items() if b != body])
            place = below or self.scene.resting_on(x, y, z) or self.scene.inside_drawer(x, y, z, openings)
            objects.append(ObjectFact(kind, place))
        travel = {d.name: d.travel for d in self.scene.drawers}
        return Facts(
            objects=tuple(objects),
            robot_at=self.scene.standing_at(*self.robot.base_pose()),
            holding=None if held is None else self._types[held],
            open_drawers=frozenset(name for name, out in openings.items() if out >= 0.5 * travel[name]),
            closed_drawers=frozenset(name for name, out in openings.items() if out <= 0.1 * travel[name]),
            visited=tuple(self._visited),
            dirty=self._spills.dirty,
        )

    def _between_fingers(self) -> int | None:
        """The object that both fingers touch."""
        p = self.physics.p
        touching: list[set[int]] = []
        for finger in self.robot.gripper.links:
            touching.append({c[2] for c in p.getContactPoints(bodyA=self.robot.body, linkIndexA=finger)})
        both = set.intersection(*touching) & set(self._types)
        return min(both) if both else None

    # Going back -------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Bodies, motors, what was seen and the clock, as JSON."""
        return pack(self, scene=self.scene.name, setup=setup_data(self._setup), seed=self._seed)

    def restore(self, snapshot: bytes) -> Observation:
        """Make the bodies anew and set them as they were: exact to the bit, in this or another process.

        Raises ValueError for a snapshot of another scene, or one that can't be read.
        """
        state, bullet = unpack(snapshot)
        try:
            scene, setup, seed = state["scene"], parse_setup(state["setup"], self.scene), int(state["seed"])
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(snapshot, error) from error
        if scene != self.scene.name:
            raise ValueError(f"Expected a snapshot of the scene {self.scene.name!r}, got one of {scene!r}.")
        self._build(setup, seed)
        put_back(self, bullet, state)
        observation = self.observe()
        put_back(self, bullet, state)  # that look turned the head
        return observation

    def checkpoint(self) -> Checkpoint:
        """This moment, to go back to while the episode lasts."""
        return Checkpoint(self)

    @contextmanager
    def imagine(self) -> Iterator[Checkpoint]:
        """Look ahead: what happens inside has not happened afterwards. Gives the start, to try from more than once.

        What disturbances will do can't be foreseen: there are none inside.
        """
        with imagined(self) as start:
            self._disturber.asleep = True
            try:
                yield start
            finally:
                self._disturber.asleep = False

    def books(self) -> dict[str, Any]:
        """Everything that is not in the physics (JSON)."""
        return {
            "time": self.time,
            "visited": self._visited,
            "robot": self.robot.state(),
            "tracker": self._tracker.state(),
            "disturber": self._disturber.state(),
            "slips": self._slips.state(),
            "wiped": self._spills.state(),
        }

    def set_books(self, books: Mapping[str, Any]) -> None:
        """The inverse."""
        self.physics.time = books["time"]
        self.robot.set_state(books["robot"])
        self._tracker.set_state(books["tracker"])
        self._visited = list(books["visited"])
        self._disturber.set_state(books["disturber"])
        self._slips.set_state(books["slips"])
        self._spills.set_state(books.get("wiped", ()))
        if self._guard is not None:
            self._guard.see(self._tracker.drawers.values())

    def close(self) -> None:
        """Let go of the physics clients."""
        self.physics.close()
        if self._guard is not None:
            self._guard.close()
