"""Labelled pictures to train and test detectors on: random situations, seen as the robot sees them.

Every situation is drawn by a seed: what stands, lies or has fallen where, what is in the hand, which drawers are open,
where the robot stands and where the light comes from. The labels come free, from the renderer.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from .camera import Frame, View, take
from .catalogue import CATALOGUE
from .learned_detector import DRAWER
from .physics_world import PhysicsWorld
from .robot import Robot
from .scene import Scene
from .task import Setup

_WIDE, _CLOSE = math.radians(60), math.radians(22)
_SIZE = (160, 120)


@dataclass(frozen=True)
class Picture:
    """A frame and what each of its pixels shows: label (H, W), an index into `LABELS`."""

    frame: Frame
    label: NDArray[np.uint8]


LABELS = ("background", *CATALOGUE, DRAWER)
"""What the pixels of a picture are told apart into, in every scene."""


def collect(
    out: Path, scenes: Sequence[Scene], *, states: int, seed: int, progress: Callable[[int], None] = lambda count: None
) -> int:
    """Write the pictures of `states` situations in each scene, a file a situation; gives how many there are.

    A run that was stopped goes on where it was. Raises ValueError for a scene that is held out of training.
    """
    for scene in scenes:
        if scene.held_out:
            raise ValueError(
                f"Expected scenes to train on, got {scene.name!r}, which is held out to test on. Leave it out."
            )
    out.mkdir(parents=True, exist_ok=True)
    for number, scene in enumerate(scenes):
        world: PhysicsWorld | None = None
        for state in range(states):
            path = out / f"{scene.name}-{seed:03d}-{state:05d}.npz"
            if not path.exists():
                world = world or PhysicsWorld(scene)
                save(path, list(situation(world, seed=seed, state=state)))
            progress(number * states + state + 1)
        if world:
            world.close()
    return len(list(out.glob("*.npz")))


def situation(world: PhysicsWorld, *, seed: int, state: int) -> Iterator[Picture]:
    """The pictures of one situation: looks over the place, at single things, and between the fingers.

    The same scene, seed and state give the same pictures. Situations that can't be placed give none.
    """
    rng = np.random.default_rng((seed, state))
    try:
        world.reset(_setup(world.scene, rng), seed=int(rng.integers(2**31)))
    except ValueError:  # more than a place can hold
        return
    _disturb(world, rng)
    bodies = {body: LABELS.index(kind) for body, kind in world.types.items()}
    drawers = {(c.body, joint) for c in world._cabinets.values() for joint in c.joints.values()}
    light = (float(rng.uniform(-3, 3)), float(rng.uniform(-3, 3)), float(rng.uniform(3, 5)))
    for view in _views(world, rng):
        frame = take(world.physics, view, light=light)
        label = np.zeros(frame.body.shape, dtype=np.uint8)
        for body, number in bodies.items():
            label[frame.body == body] = number
        for body, link in drawers:
            label[(frame.body == body) & (frame.link == link)] = LABELS.index(DRAWER)
        yield Picture(frame, label)


def _setup(scene: Scene, rng: np.random.Generator) -> Setup:
    """Any types, also several of one, mostly where the robot stands."""
    places = [p.name for p in scene.places if p.kind not in ("bin", "spot")]
    here = str(rng.choice(places))
    kinds = [str(kind) for kind in rng.choice(scene.types, size=int(rng.integers(3, 11)))]
    holding = kinds.pop() if rng.random() < 0.35 else None
    opened = tuple(d.name for d in scene.drawers if rng.random() < 0.35)
    spots = [*opened, *places]
    objects = tuple((kind, here if rng.random() < 0.6 else str(rng.choice(spots))) for kind in kinds)
    return Setup(objects, here, holding, opened)


def _disturb(world: PhysicsWorld, rng: np.random.Generator) -> None:
    """Some things lie, some have fallen to the floor, drawers are ajar, and the robot is about to reach."""
    p, robot = world.physics.p, cast(Robot, world.robot)
    base, held = np.array(robot.base_pose()), robot.holding
    for body, kind in world.types.items():
        x, y, z = p.getBasePositionAndOrientation(body)[0]
        size = CATALOGUE[kind].size
        draw = rng.random()
        if (kind == held and math.dist((x, y, z), robot.hand_pose()[:3, 3]) < 0.3) or draw > 0.3:
            continue
        if draw < 0.1:
            away, turn = rng.uniform(0.6, 1.6), rng.uniform(-math.pi, math.pi)
            x, y, z = base[0] + away * math.cos(turn), base[1] + away * math.sin(turn), size[2] / 2 + 0.01
        roll = rng.choice([0.0, math.pi / 2])
        z += (max(size) - size[2]) / 2 + 0.01
        turned = p.getQuaternionFromEuler((roll, 0.0, float(rng.uniform(-math.pi, math.pi))))
        p.resetBasePositionAndOrientation(body, (x, y, z), turned)
    for cabinet in world._cabinets.values():
        for name, joint in cabinet.joints.items():
            if rng.random() < 0.15:
                p.resetJointState(cabinet.body, joint, float(rng.uniform(0, world.scene.drawer(name).travel)))
    if rng.random() < 0.15:
        robot.ready()
    if not robot.can_drive:
        world.physics.step(60)
        return
    x, y, yaw = base
    side, back = rng.uniform(-0.5, 0.5), rng.uniform(-0.05, 0.15)
    robot.drive_to(
        x - back * math.cos(yaw) - side * math.sin(yaw), y - back * math.sin(yaw) + side * math.cos(yaw),
        yaw + rng.normal(0, 0.1),
    )  # fmt: skip


def _views(world: PhysicsWorld, rng: np.random.Generator) -> Iterator[View]:
    """Where the robot would look, not quite exactly."""
    p, robot = world.physics.p, world.robot
    if not robot.turns_head:
        yield world.camera(robot.cameras[0]).view
        if robot.holding:
            yield world.camera("wrist").view
        return
    x, y, yaw = robot.base_pose()
    near = [
        at
        for body in world.types
        for at in [p.getBasePositionAndOrientation(body)[0]]
        if math.dist(at[:2], (x, y)) < 1.8 and at[2] > -0.5
    ]
    ahead = [(x + d * math.cos(yaw + t), y + d * math.sin(yaw + t), 0.7) for d, t in ((0.8, -0.5), (0.8, 0.4))]
    wide = [*ahead, *(near[i] for i in rng.permutation(len(near))[:1])]
    close = [near[i] for i in rng.permutation(len(near))[:2]]
    for fov, points in ((_WIDE, wide), (_CLOSE, close)):
        for point in points:
            aim = np.array(point) + rng.normal(0, 0.08 if fov == _WIDE else 0.03, 3)
            robot.look_at(_point(aim))
            eye = robot.camera_pose(robot.cameras[0])[:3, 3]
            yield View(_point(eye), _point(aim), fov, *_SIZE)
    if robot.holding:
        yield world.camera("wrist").view


def _point(vector: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in vector)
    return x, y, z


def save(path: Path, pictures: Sequence[Picture]) -> None:
    """One file, whole or not at all; depth in steps of 0.2 mm."""
    arrays: dict[str, NDArray] = {"labels": np.array(LABELS)}
    for i, picture in enumerate(pictures):
        frame, view = picture.frame, picture.frame.view
        arrays |= {
            f"rgb{i}": frame.rgb, f"label{i}": picture.label,
            f"depth{i}": np.round(np.clip(frame.depth, 0, 13) * 5000).astype(np.uint16),
            f"view{i}": np.array([*view.eye, *view.target, *view.up, view.fov, view.near]),
        }  # fmt: skip
    half = path.with_suffix(".half")
    with half.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    os.replace(half, path)


def load(path: Path) -> tuple[tuple[str, ...], list[Picture]]:
    """The labels and pictures of such a file; its frames have no body and link labels."""
    pictures = []
    with np.load(path, allow_pickle=False) as arrays:
        for i in range(sum(name.startswith("rgb") for name in arrays.files)):
            rgb, v = arrays[f"rgb{i}"], arrays[f"view{i}"].tolist()
            height, width = rgb.shape[:2]
            view = View(tuple(v[0:3]), tuple(v[3:6]), v[9], width, height, tuple(v[6:9]), v[10])
            unset = np.full((height, width), -1, dtype=np.int32)
            frame = Frame(view, rgb, arrays[f"depth{i}"].astype(np.float32) / 5000, unset, unset)
            pictures.append(Picture(frame, arrays[f"label{i}"]))
        return tuple(str(label) for label in arrays["labels"]), pictures
