"""Pictures: colour, depth and labels from a pose, and the points in the room that they show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .physics import Physics, pb

FAR = 12.0
"""How far a camera sees, metres."""


@dataclass(frozen=True)
class View:
    """Where a camera is and what it takes in: `eye` and `target` (x, y, z) in metres, `fov` vertical, radians.

    `up` is any direction that the picture shows upright, but for the one it looks in. What is nearer than `near`
    metres is not shown.
    """

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    fov: float
    width: int
    height: int
    up: tuple[float, float, float] = (0.0, 0.0, 1.0)
    near: float = 0.05


@dataclass(frozen=True)
class Frame:
    """One picture.

    rgb (H, W, 3) uint8; depth (H, W) metres along the camera's axis, float32; body and link (H, W) int32, the
    renderer's labels (body -1: nothing; link -1: a body's base).
    """

    view: View
    rgb: NDArray[np.uint8]
    depth: NDArray[np.float32]
    body: NDArray[np.int32]
    link: NDArray[np.int32]

    def points(self) -> NDArray[np.float64]:
        """The point in the room behind each pixel, world frame, metres (H, W, 3)."""
        forward, right, up = _axes(self.view)
        tan = math.tan(self.view.fov / 2)
        u = (2 * (np.arange(self.view.width) + 0.5) / self.view.width - 1) * tan * self.view.width / self.view.height
        v = (1 - 2 * (np.arange(self.view.height) + 0.5) / self.view.height) * tan
        rays = forward + u[None, :, None] * right + v[:, None, None] * up
        return np.asarray(self.view.eye) + self.depth[..., None] * rays

    def project(self, points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Pixels (n, 2) as (row, column), depths (n,) in metres, and whether each of the (n, 3) points is in view."""
        forward, right, up = _axes(self.view)
        offset = points - np.asarray(self.view.eye)
        depth = offset @ forward
        safe = np.where(depth > self.view.near, depth, 1.0)
        tan = math.tan(self.view.fov / 2)
        u = offset @ right / safe / tan * self.view.height / self.view.width
        v = offset @ up / safe / tan
        inside = (depth > self.view.near) & (np.abs(u) < 1) & (np.abs(v) < 1)
        column = np.clip(((u + 1) / 2 * self.view.width).astype(int), 0, self.view.width - 1)
        row = np.clip(((1 - v) / 2 * self.view.height).astype(int), 0, self.view.height - 1)
        return np.stack([row, column], axis=1), depth, inside


LIGHT = (-1.5, -2.0, 4.0)
"""Where the light comes from, (x, y, z)."""


def take(
    physics: Physics,
    view: View,
    *,
    labels: bool = True,
    shadows: bool = True,
    light: tuple[float, float, float] = LIGHT,
) -> Frame:
    """Render one picture with Bullet's software renderer. Without `labels`, body and link stay unset (faster).

    Pictures with labels have no shadows; those without do unless told otherwise (shadows take twice the time).
    """
    p: Any = physics.p
    _, _, up = _axes(view)
    flags = pb.ER_SEGMENTATION_MASK_OBJECT_AND_LINKINDEX if labels else pb.ER_NO_SEGMENTATION_MASK
    _, _, rgb, depth, seg = p.getCameraImage(
        view.width,
        view.height,
        p.computeViewMatrix(view.eye, view.target, up.tolist()),
        p.computeProjectionMatrixFOV(math.degrees(view.fov), view.width / view.height, view.near, FAR),
        lightDirection=light,
        shadow=int(shadows and not labels),
        renderer=pb.ER_TINY_RENDERER,
        flags=flags,
    )
    shape = (view.height, view.width)
    buffer = np.reshape(depth, shape).astype(np.float64)
    metres = FAR * view.near / (FAR - (FAR - view.near) * buffer)
    seg = np.reshape(seg, shape).astype(np.int32) if labels else np.full(shape, -1, dtype=np.int32)
    return Frame(
        view=view,
        rgb=np.reshape(rgb, (*shape, 4))[..., :3].astype(np.uint8),
        depth=metres.astype(np.float32),
        body=np.where(seg >= 0, seg & ((1 << 24) - 1), -1).astype(np.int32),
        link=np.where(seg >= 0, (seg >> 24) - 1, -1).astype(np.int32),
    )


def _axes(view: View) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors of the camera: forward, right, up."""
    forward = np.asarray(view.target, dtype=float) - np.asarray(view.eye, dtype=float)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, view.up)
    right /= np.linalg.norm(right)
    return forward, right, np.cross(right, forward)
