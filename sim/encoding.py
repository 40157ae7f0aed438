"""Observations as arrays of fixed shape, for learners. Nothing is in them that the robot's cameras have not shown.

| key | shape | dtype | what |
|---|---|---|---|
| `time` | (1,) | float32 | simulated seconds since reset, [0, 86400] |
| `robot` | (3,) | float32 | base x, y (m, world frame), yaw (rad, [-pi, pi]) |
| `place` | () | int | where it stands: 0 between places, else 1 + index in `scene.places` |
| `holding` | () | int | what it grasped: 0 nothing, else 1 + index in the types |
| `joints` | (2, n) | float32 | positions (rad, m) and rates (rad/s, m/s) of arm and fingers; only with a robot |
| `types` | (slots,) | int | what is in each slot: 0 empty, else 1 + index in the types |
| `places` | (slots,) | int | on or in what it lies: 0 nothing, else 1 + index in places, then drawers, then types |
| `objects` | (slots, 10) | float32 | `COLUMNS`, below; an empty slot is all zeros |
| `drawers` | (drawers, 2) | float32 | opening in [0, 1] (-1: not seen yet), seconds since seen; only if there are any |
| `rgb` | (96, 128, 3) | uint8 | the picture of the robot's first camera (head, or front); only with `pixels` |
| `depth` | (96, 128) | float32 | metres along the camera's axis, [0, 12]; only with `pixels` |

Seen objects are sorted by type, then by when they were first told: a slot keeps its object as long as nothing of an
earlier type appears. If there are more than slots, the ones seen last stay.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from .camera import Frame
from .observation import Observation
from .scene import Scene
from .servo import Axis

COLUMNS = (
    "x (m)", "y (m)", "z (m)", "cos 2 yaw", "sin 2 yaw", "confidence", "seconds since seen", "visible", "remembered",
    "upright",
)  # fmt: skip
"""The columns of `objects`: position in the world frame; the axis of a box, twice its angle so that it has no jump;
confidence in [0, 1]; seconds in [0, 3600]; flags 0 or 1."""
PICTURE = (96, 128)
"""Height and width of that picture."""
_LONGEST, _OLDEST = 86400.0, 3600.0
_FARTHEST = 12.0


class Encoder:
    """The observation space of a scene, and observations in it."""

    def __init__(
        self, scene: Scene, types: Sequence[str], axes: Sequence[Axis] = (), *, slots: int = 24, pixels: bool = False
    ):
        self._scene, self._slots, self._axes = scene, slots, tuple(axes)
        self.types = tuple(types)
        self.places = (*(p.name for p in scene.places), *(d.name for d in scene.drawers), *self.types)
        (west, east), (south, north) = scene.room
        low = np.array([west - 2, south - 2, -1, -1, -1, 0, 0, 0, 0, 0], dtype=np.float32)
        high = np.array([east + 2, north + 2, 4, 1, 1, 1, _OLDEST, 1, 1, 1], dtype=np.float32)
        self._low, self._high = np.minimum(low, 0), np.maximum(high, 0)
        space: dict[str, spaces.Space[Any]] = {
            "time": spaces.Box(0, _LONGEST, (1,), np.float32),
            "robot": spaces.Box(
                np.array([west - 2, south - 2, -np.pi - 1e-6], dtype=np.float32),
                np.array([east + 2, north + 2, np.pi + 1e-6], dtype=np.float32),
            ),
            "place": spaces.Discrete(len(scene.places) + 1),
            "holding": spaces.Discrete(len(self.types) + 1),
            "types": spaces.MultiDiscrete([len(self.types) + 1] * slots),
            "places": spaces.MultiDiscrete([len(self.places) + 1] * slots),
            "objects": spaces.Box(
                np.broadcast_to(self._low, (slots, len(COLUMNS))).copy(),
                np.broadcast_to(self._high, (slots, len(COLUMNS))).copy(),
            ),
        }
        if self._axes:
            # A joint that is pushed may stand a little beyond its limits.
            low = [[axis.low - 0.1 for axis in self._axes], [-2 * axis.speed for axis in self._axes]]
            high = [[axis.high + 0.1 for axis in self._axes], [2 * axis.speed for axis in self._axes]]
            space["joints"] = spaces.Box(np.array(low, dtype=np.float32), np.array(high, dtype=np.float32))
        if scene.drawers:
            count = len(scene.drawers)
            space["drawers"] = spaces.Box(
                np.tile(np.array([-1, 0], dtype=np.float32), (count, 1)),
                np.tile(np.array([1, _OLDEST], dtype=np.float32), (count, 1)),
            )
        if pixels:
            space["rgb"] = spaces.Box(0, 255, (*PICTURE, 3), np.uint8)
            space["depth"] = spaces.Box(0, _FARTHEST, PICTURE, np.float32)
        self.space = spaces.Dict(space)

    def __call__(
        self, now: Observation, joints: NDArray[np.float64] | None = None, picture: Frame | None = None
    ) -> dict[str, Any]:
        """The observation as the space's arrays. `joints` with axes, `picture` with pixels."""
        robot = self.space["robot"]
        base = np.array([*now.robot.position, math.remainder(now.robot.yaw, 2 * math.pi)], dtype=np.float32)
        known = sorted(enumerate(now.objects), key=lambda pair: -pair[1].last_seen)[: self._slots]
        seen = [o for _, o in sorted(known, key=lambda pair: (self.types.index(pair[1].type), pair[0]))]
        rows = np.zeros((self._slots, len(COLUMNS)), dtype=np.float32)
        types = np.zeros(self._slots, dtype=np.int64)
        places = np.zeros(self._slots, dtype=np.int64)
        for i, o in enumerate(seen):
            types[i] = 1 + self.types.index(o.type)
            places[i] = 0 if o.place is None else 1 + self.places.index(o.place)
            rows[i] = (
                *o.position, math.cos(2 * o.yaw), math.sin(2 * o.yaw), o.confidence, now.time - o.last_seen,
                o.visible, o.remembered, o.upright,
            )  # fmt: skip
        data: dict[str, Any] = {
            "time": np.array([min(now.time, _LONGEST)], dtype=np.float32),
            "robot": np.clip(base, robot.low, robot.high),  # type: ignore[attr-defined]
            "place": np.int64(0 if now.robot.place is None else 1 + self.places.index(now.robot.place)),
            "holding": np.int64(0 if now.robot.holding is None else 1 + self.types.index(now.robot.holding)),
            "types": types,
            "places": places,
            "objects": np.clip(rows, self._low, self._high),
        }
        if self._axes:
            box = self.space["joints"]
            data["joints"] = np.clip(np.asarray(joints, dtype=np.float32), box.low, box.high)  # type: ignore[attr-defined]
        if self._scene.drawers:
            opened = [
                (-1.0, 0.0) if d.opening is None else (d.opening, min(now.time - (d.last_seen or 0.0), _OLDEST))
                for d in now.drawers
            ]
            data["drawers"] = np.array(opened, dtype=np.float32)
        if "rgb" in self.space.spaces and picture is not None:
            data["rgb"] = picture.rgb
            data["depth"] = np.clip(picture.depth, 0.0, _FARTHEST).astype(np.float32)
        return data
