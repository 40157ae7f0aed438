"""A physics world's episode as a Rerun recording (.rrd): poses, cameras, scores, decisions, in simulated seconds.

| entity | what |
|---|---|
| `world/places/NAME`, `world/objects/NAME` | boxes; objects where they truly are, for a person to look at |
| `seen/NAME` | the same as the robot has seen them, at its last look |
| `world/robot/base`, `world/robot/hand` | poses |
| `world/cameras/NAME` | a pinhole with its picture; `…/depth` in millimetres for the robot's own |
| `scores/say/SKILL`, `scores/can/SKILL`, `scores/both/SKILL` | curves, of the best candidates of each turn |
| `decisions` | a text log: what is done and what came of it |

Everything goes to the file and nowhere else: no viewer, no server, no analytics.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .camera import take
from .captions import Caption
from .catalogue import CATALOGUE
from .observation import Observation
from .physics import STEP
from .physics_world import PhysicsWorld
from .views import camera_names, check_camera, view

POSES, PICTURES = 0.1, 0.5
"""Simulated seconds between two sets of poses, and between two pictures."""
TIMELINE = "simulation"
_SIZE = (160, 120)


class RerunLog:
    """Looks on while a world moves, and writes what happens. What goes wrong ends the log, never the run."""

    def __init__(self, world: PhysicsWorld, path: Path, cameras: Sequence[str]):
        self._rr = rerun()
        self._world, self._cameras = world, tuple(cameras)
        self.failed: str | None = None
        """Why the recording is not whole; None: it is."""
        self._steps = 0
        self._stream = self._rr.RecordingStream("doable", recording_id=path.stem)
        self._stream.save(str(path))
        self._guarded(self._static)
        self._guarded(self._poses)
        self._guarded(self._pictures)

    def on_step(self) -> None:
        """Called after every physics step."""
        self._steps += 1
        if self._steps % round(POSES / STEP) == 0:
            self._guarded(self._poses)
        if self._steps % round(PICTURES / STEP) == 0:
            self._guarded(self._pictures)

    def told(self, caption: Caption) -> None:
        """A choice was made, or something came of it."""
        self._guarded(lambda: self._told(caption))

    def saw(self, observation: Observation) -> None:
        """What the robot knows now."""
        self._guarded(lambda: self._saw(observation))

    def close(self) -> None:
        """Finish the file."""
        try:
            self._stream.flush()
            self._stream.disconnect()
        except Exception as error:
            self.failed = self.failed or f"{type(error).__name__}: {error}"

    def _guarded(self, log: Any) -> None:
        if self.failed is None:
            try:
                self._stream.set_time(TIMELINE, duration=self._world.time)
                log()
            except Exception as error:  # whatever a full disk or a changed library can do to a log
                self.failed = f"{type(error).__name__}: {error}"

    def _static(self) -> None:
        rr = self._rr
        self._stream.log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        for place in self._world.scene.places:
            if place.kind == "spot":
                continue
            c, s = np.cos(place.facing), np.sin(place.facing)
            size = np.abs([c * place.size[1] - s * place.size[0], s * place.size[1] + c * place.size[0], place.height])
            centre = (*place.centre, place.height / 2)
            box = rr.Boxes3D(half_sizes=[size / 2], centers=[centre], labels=[place.name], colors=[(150, 150, 150)])
            self._stream.log(["world", "places", place.name], box, static=True)
        for _, name, kind in self._named():
            colour = tuple(round(255 * c) for c in CATALOGUE[kind].colour)
            box = rr.Boxes3D(half_sizes=[np.array(CATALOGUE[kind].size) / 2], labels=[name], colors=[colour])
            self._stream.log(["world", "objects", name], box, static=True)

    def _named(self) -> Iterator[tuple[int, str, str]]:
        """Each object as (body, name, type); of two alike the second is called 'coke 2'."""
        seen: dict[str, int] = {}
        for body, kind in self._world.types.items():
            seen[kind] = seen.get(kind, 0) + 1
            yield body, kind if seen[kind] == 1 else f"{kind} {seen[kind]}", kind

    def _poses(self) -> None:
        rr, robot = self._rr, self._world.robot
        for body, name, _ in self._named():
            at, turn = self._world.physics.p.getBasePositionAndOrientation(body)
            self._stream.log(["world", "objects", name], rr.Transform3D(translation=at, quaternion=turn))
        x, y, yaw = robot.base_pose()
        turned = rr.RotationAxisAngle(axis=(0, 0, 1), radians=yaw)
        self._stream.log("world/robot/base", rr.Transform3D(translation=(x, y, 0.0), rotation=turned))
        hand = robot.hand_pose()
        self._stream.log("world/robot/hand", rr.Transform3D(translation=hand[:3, 3], mat3x3=hand[:3, :3]))

    def _pictures(self) -> None:
        rr = self._rr
        for name in self._cameras:
            frame = take(self._world.physics, view(self._world, name, *_SIZE), labels=False, shadows=False)
            right, down, forward = _camera_axes(frame.view)
            pose = rr.Transform3D(translation=frame.view.eye, mat3x3=np.column_stack((right, down, forward)))
            width, height = _SIZE
            lens = rr.Pinhole(fov_y=frame.view.fov, aspect_ratio=width / height, width=width, height=height)
            entity = f"world/cameras/{name}"
            self._stream.log(entity, pose)
            self._stream.log(entity, lens)
            self._stream.log(f"{entity}/rgb", rr.Image(frame.rgb).compress(jpeg_quality=85))
            if name in self._world.robot.cameras:
                self._stream.log(f"{entity}/depth", rr.DepthImage((1000 * frame.depth).astype(np.uint16), meter=1000.0))

    def _told(self, caption: Caption) -> None:
        rr = self._rr
        text = f"{caption.turn}: {caption.does}" + (f" ({caption.result})" if caption.result else "")
        self._stream.log("decisions", rr.TextLog(text, level="WARN" if caption.failed else "INFO"))
        for row in () if caption.result else caption.weighed:
            for kind, value in (("say", row.say), ("can", row.can), ("both", row.both)):
                self._stream.log(["scores", kind, row.text], rr.Scalars(value))

    def _saw(self, observation: Observation) -> None:
        rr = self._rr
        for kind in sorted({o.type for o in observation.objects}):
            found = [o for o in observation.objects if o.type == kind]
            size = np.array(CATALOGUE[kind].size) / 2
            box = rr.Boxes3D(
                half_sizes=[size] * len(found), centers=[o.position for o in found],
                labels=[f"{kind}, {o.confidence:.2f}" for o in found], colors=[(255, 200, 60)],
            )  # fmt: skip
            self._stream.log(["seen", kind], box)


def rerun() -> Any:
    """The rerun module, told to keep to itself. Raises ValueError if the extra is not installed."""
    for name, value in (("TELEMETRY_ENABLED", "false"), ("OTEL_SDK_DISABLED", "true")):
        os.environ.setdefault(name, value)
    try:
        import rerun as module
    except ImportError as error:
        raise ValueError("Expected rerun-sdk, which is not installed. Run: pip install 'doable[rerun]'") from error
    return module


def log_path(path: str | Path) -> Path:
    """Where a recording can be written. Raises ValueError for a name that doesn't end in .rrd, or a missing folder."""
    path = Path(path)
    if path.suffix != ".rrd":
        raise ValueError(f"Expected the recording's name to end in .rrd, got {path.name!r}.")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"Expected the recording's folder to exist, got {str(path.parent)!r}. Make it first.")
    return path


@contextlib.contextmanager
def log(world: PhysicsWorld, path: str | Path, cameras: Sequence[str] | None = None) -> Iterator[RerunLog]:
    """Write what happens in `world` to `path` (.rrd) for as long as the context lasts; None: with all its cameras."""
    cameras = camera_names(world.scene) if cameras is None else cameras
    for name in cameras:
        check_camera(world.scene, name)
    made = RerunLog(world, log_path(path), cameras)
    world.physics.on_step.append(made.on_step)
    try:
        yield made
    finally:
        world.physics.on_step.remove(made.on_step)
        made.close()


def _camera_axes(camera: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors of a picture, world frame: to its right, downwards in it, into it."""
    forward = np.asarray(camera.target, dtype=float) - np.asarray(camera.eye, dtype=float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, camera.up)
    right /= np.linalg.norm(right)
    return right, np.cross(forward, right), forward
