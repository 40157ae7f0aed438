"""A small network that says of every pixel what it shows, from colour and from where the depth puts the pixel.

What it gets of a pixel is colour and geometry that a robot with a map knows: how high the point lies above the floor
and above the map's surface below it, which way it faces, how far it is and how large a pixel is there. It is a U-Net
(Ronneberger et al. 2015) with sums instead of concatenations, at four scales.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from .camera import Frame
from .scene import Scene

INPUTS = ("red", "green", "blue", "depth", "height", "above surface", "facing up", "pixel size")
"""The channels, in order."""
_WIDTHS = (16, 24, 48, 64)


def inputs(frame: Frame, scene: Scene) -> NDArray[np.float32]:
    """(len(INPUTS), H, W), each channel within a few units of 0."""
    return np.concatenate([colour(frame.rgb), geometry(frame, scene)])


def colour(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(3, H, W) in [-2, 2] from (H, W, 3)."""
    return ((rgb.astype(np.float32) / 255.0 - 0.5) * 4.0).transpose(2, 0, 1)


def geometry(frame: Frame, scene: Scene) -> NDArray[np.float32]:
    """(5, H, W): depth, height, height above the map's surface, facing up and pixel size."""
    points = frame.points()
    z, surface = points[..., 2], surface_below(points, scene)
    across, down = np.gradient(points, axis=1), np.gradient(points, axis=0)
    normal = np.cross(down, across)
    facing = np.abs(normal[..., 2]) / (np.linalg.norm(normal, axis=-1) + 1e-12)
    size = 2 * frame.depth * math.tan(frame.view.fov / 2) / frame.view.height
    channels = [
        np.clip(frame.depth, 0.0, 4.0) - 1.2,
        np.clip(z, -0.1, 2.0) * 2 - 1.5,
        np.clip(z - surface, -0.3, 0.3) * 8,
        facing * 2 - 1,
        np.log(np.maximum(size, 1e-4) / 0.005),
    ]
    return np.stack(channels).astype(np.float32)


def surface_below(points: NDArray[np.float64], scene: Scene) -> NDArray[np.float64]:
    """The height of the map's surface below or above each of the points (…, 3); where there is none, the floor's."""
    x, y = points[..., 0], points[..., 1]
    surface = np.zeros_like(x)
    for place in sorted(scene.places, key=lambda p: -p.size[0] * p.size[1]):
        c, s = math.cos(place.facing), math.sin(place.facing)
        dx, dy = x - place.centre[0], y - place.centre[1]
        over = (np.abs(-s * dx + c * dy) <= place.size[0] / 2) & (np.abs(c * dx + s * dy) <= place.size[1] / 2)
        surface[over] = 0.0 if place.kind == "bin" else place.height
    return surface


def _block(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


class Segmenter(nn.Module):
    """(B, len(INPUTS), H, W) to logits (B, labels, H, W); label 0 is everything that is not told apart."""

    def __init__(self, labels: int):
        super().__init__()
        widths = _WIDTHS
        self.first = _block(len(INPUTS), widths[0])
        self.down = nn.ModuleList(nn.Sequential(_block(a, b, stride=2), _block(b, b)) for a, b in pairwise(widths))
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in pairwise(widths))
        self.merge = nn.ModuleList(_block(a, a) for a in widths[:-1])
        self.last = nn.Conv2d(widths[0], labels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        finer = []  # (B, width, H / 2^k, W / 2^k)
        for down in self.down:
            finer.append(x)
            x = down(x)
        for skip, narrow, merge in reversed(list(zip(finer, self.narrow, self.merge, strict=True))):
            wide = nn.functional.interpolate(narrow(x), size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = merge(wide + skip)
        return self.last(x)
