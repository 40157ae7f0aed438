"""What a room looks like beyond its shapes: pictures of floors and woods, and things that are only there to be seen.

Nothing here can be touched: no collision shape, no mass, no label that a detector knows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from .looks import picture_file
from .meshes import SIDES, box
from .physics import Physics, pb
from .scene_parts import Decor

Colour = tuple[float, float, float]
_Part = tuple[Sequence[float], Sequence[float], Colour]
"""A box: size (x, y, z), middle, colour; x the way that somebody who faces it looks."""

_WHITE, _STEEL, _BLACK, _WOOD = (0.93, 0.93, 0.92), (0.62, 0.64, 0.67), (0.08, 0.08, 0.09), (0.50, 0.33, 0.20)

_PARTS: dict[str, list[_Part]] = {
    "window": [
        ((0.02, 1.30, 1.00), (0.0, 0.0, 0.0), _WHITE),
        ((0.03, 0.56, 0.40), (0.0, 0.29, 0.23), (0.62, 0.82, 0.96)),
        ((0.03, 0.56, 0.40), (0.0, -0.29, 0.23), (0.62, 0.82, 0.96)),
        ((0.03, 0.56, 0.40), (0.0, 0.29, -0.23), (0.60, 0.80, 0.62)),
        ((0.03, 0.56, 0.40), (0.0, -0.29, -0.23), (0.60, 0.80, 0.62)),
    ],
    "stove": [
        ((0.42, 0.52, 0.004), (0.0, 0.0, 0.002), _BLACK),
        ((0.13, 0.13, 0.001), (0.09, 0.12, 0.0045), (0.55, 0.20, 0.15)),
        ((0.13, 0.13, 0.001), (0.09, -0.12, 0.0045), (0.35, 0.35, 0.36)),
        ((0.13, 0.13, 0.001), (-0.09, 0.12, 0.0045), (0.35, 0.35, 0.36)),
        ((0.13, 0.13, 0.001), (-0.09, -0.12, 0.0045), (0.35, 0.35, 0.36)),
    ],
    "sink": [
        ((0.40, 0.50, 0.004), (0.0, 0.0, 0.002), _STEEL),
        ((0.30, 0.40, 0.001), (-0.02, 0.0, 0.0045), (0.36, 0.38, 0.41)),
        # The tap is behind where things stand, so that it hides none.
        ((0.02, 0.02, 0.18), (0.21, 0.0, 0.09), _STEEL),
        ((0.08, 0.02, 0.02), (0.17, 0.0, 0.18), _STEEL),
    ],
    "hood": [
        ((0.40, 0.60, 0.10), (0.0, 0.0, 0.0), _STEEL),
        ((0.24, 0.26, 0.50), (0.06, 0.0, 0.30), _STEEL),
    ],
    "shelf": [
        ((0.22, 1.10, 0.025), (0.0, 0.0, 0.0), _WOOD),
        ((0.09, 0.09, 0.12), (0.0, 0.40, 0.07), (0.80, 0.45, 0.30)),
        ((0.09, 0.09, 0.09), (0.0, 0.24, 0.06), _WHITE),
        ((0.10, 0.10, 0.16), (0.0, 0.05, 0.09), (0.85, 0.80, 0.65)),
        ((0.14, 0.03, 0.20), (0.0, -0.20, 0.11), (0.70, 0.20, 0.20)),
        ((0.14, 0.04, 0.22), (0.0, -0.24, 0.12), (0.20, 0.35, 0.60)),
        ((0.14, 0.03, 0.18), (0.0, -0.29, 0.10), (0.90, 0.75, 0.30)),
    ],
    "picture": [
        ((0.02, 0.66, 0.50), (0.0, 0.0, 0.0), _WOOD),
        ((0.03, 0.56, 0.40), (0.0, 0.0, 0.0), (0.95, 0.93, 0.85)),
        ((0.04, 0.30, 0.12), (0.0, 0.05, -0.08), (0.35, 0.60, 0.40)),
        ((0.04, 0.12, 0.12), (0.0, -0.12, 0.08), (0.95, 0.70, 0.25)),
    ],
    "rug": [
        ((1.2, 1.9, 0.004), (0.0, 0.0, 0.002), (0.55, 0.25, 0.22)),
        ((1.0, 1.7, 0.001), (0.0, 0.0, 0.0045), (0.80, 0.68, 0.52)),
        ((0.7, 1.4, 0.001), (0.0, 0.0, 0.0055), (0.30, 0.40, 0.50)),
    ],
}  # fmt: skip
KINDS = tuple(_PARTS)
"""What a scene file can name as decor."""


def add_decor(physics: Physics, decor: Decor) -> int:
    """Make one piece of decor."""
    p: Any = physics.p
    parts = _PARTS[decor.kind]
    look = p.createVisualShapeArray(
        shapeTypes=[pb.GEOM_BOX] * len(parts),
        halfExtents=[[s / 2 for s in size] for size, _, _ in parts],
        visualFramePositions=[list(at) for _, at, _ in parts],
        rgbaColors=[(*colour, 1.0) for _, _, colour in parts],
    )
    turn = p.getQuaternionFromEuler((0.0, 0.0, decor.facing))
    return p.createMultiBody(0, -1, look, list(decor.at), turn)


def painted_box(physics: Physics, size: Sequence[float], name: str) -> tuple[int, int]:
    """The visual shape and the texture of a box with a picture on its sides: planks, wood, stone, plaster or doors."""
    whole = (0.0, 0.0, 1.0, 1.0)
    # Of a cupboard the narrow sides and the lid are plain.
    plain = (0.0, 0.2, 0.01, 0.9) if name == "doors" else whole
    mesh = box(size, {side: whole if side in ("left", "right") else plain for side in SIDES})
    shape = physics.p.createVisualShape(
        pb.GEOM_MESH,
        vertices=mesh.points.tolist(),
        indices=mesh.triangles.ravel().tolist(),
        uvs=mesh.uvs.tolist(),
        normals=mesh.normals.tolist(),
        rgbaColor=(1.0, 1.0, 1.0, 1.0),
    )
    return shape, physics.p.loadTexture(picture_file(name, _PICTURES[name]))


def _planks() -> Image.Image:
    """A floor of boards, about 20 cm wide in a room of 6 m."""
    rng = np.random.default_rng(11)
    image = Image.new("RGB", (512, 512))
    draw = ImageDraw.Draw(image)
    for row in range(28):
        low, x = row * 512 // 28, -int(rng.integers(0, 120))
        while x < 512:
            end, tone = x + int(rng.integers(90, 170)), float(rng.uniform(0.90, 1.06))
            colour = tuple(int(min(255, c * tone)) for c in (203, 172, 132))
            draw.rectangle((x, low, end, low + 512 // 28 + 1), fill=colour, outline=(168, 138, 102))
            x = end
    return image


def _grain(colour: tuple[int, int, int], seed: int) -> Image.Image:
    """Wood: streaks along x."""
    rng = np.random.default_rng(seed)
    tone = np.cumsum(rng.normal(0, 0.022, 128))
    tone -= np.linspace(0, tone[-1], 128)
    ripple = 0.02 * np.sin(np.linspace(0, 9, 256))[None, :]
    shade = 1 + np.clip(tone, -0.14, 0.14)[:, None] + ripple
    return Image.fromarray(np.clip(shade[..., None] * np.array(colour), 0, 255).astype(np.uint8))


def _stone() -> Image.Image:
    """A pale worktop with dark and light grains."""
    rng = np.random.default_rng(12)
    base = np.full((128, 256, 1), 226.0) + rng.normal(0, 7, (128, 256, 1))
    base[rng.random((128, 256)) < 0.03] -= 70
    return Image.fromarray(np.clip(base + np.array([2, 0, -6]), 0, 255).astype(np.uint8))


def _doors() -> Image.Image:
    """Cupboard doors side by side, each with a frame and a knob."""
    image = Image.new("RGB", (256, 128), (96, 118, 128))
    draw = ImageDraw.Draw(image)
    for i in range(4):
        x = 64 * i
        draw.rectangle((x + 2, 4, x + 61, 116), fill=(112, 136, 146), outline=(70, 88, 96))
        draw.rectangle((x + 11, 16, x + 52, 104), fill=(104, 127, 137), outline=(80, 100, 108))
        knob = x + (56 if i % 2 == 0 else 7)
        draw.rectangle((knob - 2, 40, knob + 2, 58), fill=(215, 215, 210))
    draw.rectangle((0, 118, 256, 128), fill=(50, 58, 62))
    return image


def _plaster() -> Image.Image:
    """A painted wall with a skirting board."""
    image = Image.new("RGB", (64, 256), (214, 222, 220))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 243, 64, 256), fill=(244, 244, 240))
    draw.line((0, 243, 64, 243), fill=(170, 176, 176))
    return image


_PICTURES = {
    "planks": _planks,
    "wood": lambda: _grain((150, 98, 58), 13),
    "stone": _stone,
    "doors": _doors,
    "plaster": _plaster,
}
