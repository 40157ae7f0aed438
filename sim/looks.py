"""How the catalogue's objects look: a surface and a picture on it. What they collide with is not affected.

Pictures are drawn when a process first needs them, into a temporary folder of its own.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .catalogue import ObjectType
from .meshes import Mesh, bag, ball, bent, box, turned
from .physics import Physics, pb

Colour = tuple[int, int, int]

_SIDE = 0.8
"""Up to this v, the picture of a turned thing shows its side; above, its lid."""
_WHITE, _BLACK, _SILVER = (250, 250, 250), (25, 25, 25), (190, 193, 198)


def visual(physics: Physics, kind: ObjectType) -> tuple[int, int] | None:
    """The visual shape and the texture of a type; None: it looks like its collision shape in its own colour."""
    if kind.name not in _LOOKS:
        return None
    mesh = _mesh(kind)
    shape = physics.p.createVisualShape(
        pb.GEOM_MESH,
        vertices=mesh[0],
        indices=mesh[1],
        uvs=mesh[2],
        normals=mesh[3],
        rgbaColor=(1.0, 1.0, 1.0, 1.0),
        specularColor=(0.2, 0.2, 0.2),
    )
    return shape, physics.p.loadTexture(picture_file(kind.name, lambda: draw(kind)))


def surface(kind: ObjectType) -> Mesh:
    """The surface of a type that has a look of its own."""
    return _LOOKS[kind.name][0](kind)


def draw(kind: ObjectType) -> Image.Image:
    """The picture on it."""
    return _LOOKS[kind.name][1](kind)


@functools.cache
def _mesh(kind: ObjectType) -> tuple[Any, ...]:
    made = surface(kind)
    return (
        made.points.tolist(),
        made.triangles.ravel().tolist(),
        made.uvs.tolist(),
        made.normals.tolist(),
    )


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="doable-looks-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def picture_file(name: str, draw: Callable[[], Image.Image]) -> str:
    """The file of a picture, drawn if this process has not yet."""
    path = _folder() / f"{name.replace(' ', '-')}.png"
    if not path.is_file():
        draw().save(path)
    return str(path)


# Surfaces -------------------------------------------------------------------------------------------------------


def _can_mesh(kind: ObjectType) -> Mesh:
    r, h = kind.size[0] / 2, kind.size[2] / 2
    return turned(
        [
            (0.0, -h, 0.0), (0.8 * r, -h, 0.0), (r, -h + 0.008, 0.05), (r, h - 0.012, _SIDE - 0.06),
            (0.84 * r, h, _SIDE), (0.78 * r, h, 0.84), (0.76 * r, h - 0.003, 0.86), (0.0, h - 0.003, 1.0),
        ]
    )  # fmt: skip


def _bottle_mesh(kind: ObjectType) -> Mesh:
    r, h = kind.size[0] / 2, kind.size[2] / 2
    return turned(
        [
            (0.0, -h, 0.0), (0.9 * r, -h, 0.0), (r, -h + 0.006, 0.03), (r, h - 0.050, 0.60),
            (0.86 * r, h - 0.036, 0.68), (0.55 * r, h - 0.022, 0.74), (0.55 * r, h - 0.020, 0.76),
            (0.62 * r, h - 0.020, 0.78), (0.62 * r, h, _SIDE + 0.1), (0.0, h, 1.0),
        ]
    )  # fmt: skip


def _apple_mesh(kind: ObjectType) -> Mesh:
    r = kind.size[0] / 2
    stem = turned([(0.003, 0.0, 0.995), (0.003, 0.010, 0.998), (0.0, 0.010, 1.0)], around=6)
    return ball(r, dent=0.006) + stem.moved(0.0, 0.0, r - 0.006)


_WRAP = {
    "front": (0.0, 0.5, 1.0, 0.75), "back": (0.0, 0.5, 1.0, 0.75), "top": (0.0, 0.75, 1.0, 1.0),
    "bottom": (0.0, 0.0, 1.0, 0.25), "left": (0.0, 0.25, 0.5, 0.5), "right": (0.5, 0.25, 1.0, 0.5),
}  # fmt: skip


def _box_mesh(kind: ObjectType) -> Mesh:
    return box(kind.size, _WRAP)


def _banana_mesh(kind: ObjectType) -> Mesh:
    length, wide, high = kind.size
    return bent(length, 0.70 * wide, high, 0.024)


# Pictures -------------------------------------------------------------------------------------------------------


def _rgb(kind: ObjectType, light: float = 0.0) -> Colour:
    r, g, b = (int(255 * (c + light * (1 - c))) for c in kind.colour)
    return r, g, b


def _sheet(colour: Colour, size: tuple[int, int] = (256, 128)) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", size, colour)
    return image, ImageDraw.Draw(image)


def _write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: float, fill: Colour, edge: Colour | None = None
) -> None:
    draw.text(
        at, text, font=ImageFont.load_default(size), fill=fill, anchor="mm",
        stroke_width=0 if edge is None else 2, stroke_fill=edge,
    )  # fmt: skip


def _can(text: str, ink: Colour, decorate: Callable[[ImageDraw.ImageDraw, float], None] | None = None) -> Callable:
    """A can's picture: `decorate(draw, x)` paints around the middle of each of the two faces, `text` goes on top."""

    def draw_can(kind: ObjectType) -> Image.Image:
        image, draw = _sheet(_rgb(kind))
        draw.rectangle((0, 0, 256, 32), fill=_SILVER)
        draw.rectangle((0, 18, 256, 22), fill=(130, 133, 138))
        draw.rectangle((0, 121, 256, 128), fill=_SILVER)
        for x in (64, 192):
            if decorate:
                decorate(draw, x)
            _write(draw, (x, 76), text, {4: 27, 3: 27, 5: 24, 8: 19, 10: 14}.get(len(text), 20), ink)
        return image

    return draw_can


def _wave(colour: Colour) -> Callable[[ImageDraw.ImageDraw, float], None]:
    def paint(draw: ImageDraw.ImageDraw, x: float) -> None:
        line = [(x - 64 + i, 104 + 7 * np.sin(2 * np.pi * i / 128)) for i in range(0, 129, 8)]
        draw.line(line, fill=colour, width=8)

    return paint


def _globe(draw: ImageDraw.ImageDraw, x: float) -> None:
    box_ = (x - 27, 48, x + 27, 104)
    draw.ellipse(box_, fill=_WHITE)
    draw.pieslice(box_, 190, 350, fill=(215, 30, 45))
    draw.pieslice(box_, 10, 170, fill=(20, 80, 190))
    draw.rectangle((x - 40, 66, x + 40, 88), fill=_WHITE)


def _disc(colour: Colour, r: float = 30) -> Callable[[ImageDraw.ImageDraw, float], None]:
    def paint(draw: ImageDraw.ImageDraw, x: float) -> None:
        draw.ellipse((x - r, 76 - r, x + r, 76 + r), fill=colour)

    return paint


def _slice(peel: Colour, flesh: Colour) -> Callable[[ImageDraw.ImageDraw, float], None]:
    """A slice of citrus fruit behind the words."""

    def paint(draw: ImageDraw.ImageDraw, x: float) -> None:
        for r, colour in ((38, peel), (33, _WHITE), (30, flesh)):
            draw.ellipse((x - r, 76 - r, x + r, 76 + r), fill=colour)
        for i in range(8):
            a = np.pi * i / 4
            draw.line((x, 76, x + 30 * np.cos(a), 76 + 30 * np.sin(a)), fill=_WHITE, width=2)
        draw.rectangle((x - 46, 62, x + 46, 90), fill=_WHITE)

    return paint


def _checks(draw: ImageDraw.ImageDraw, x: float) -> None:
    """The slim energy drink's quarters, with a red animal and a yellow sun between the words."""
    draw.polygon([(x - 64, 34), (x, 34), (x - 64, 120)], fill=_SILVER)
    draw.polygon([(x + 64, 34), (x + 64, 120), (x, 120)], fill=_SILVER)
    draw.ellipse((x - 13, 84, x + 13, 110), fill=(250, 205, 30))
    draw.ellipse((x - 34, 90, x - 4, 104), fill=(205, 20, 40))
    draw.ellipse((x + 4, 90, x + 34, 104), fill=(205, 20, 40))


def _bottle(label: Colour, text: str, ink: Colour, cap: Colour, body: Colour) -> Callable:
    def draw_bottle(kind: ObjectType) -> Image.Image:
        image, draw = _sheet(body)
        for x in range(8, 256, 32):  # light and shade of ribs
            draw.rectangle((x, 30, x + 3, 128), fill=tuple(min(255, c + 25) for c in body))
        draw.rectangle((0, 0, 256, 29), fill=cap)
        for x in range(0, 256, 8):
            draw.line((x, 13, x, 28), fill=tuple(int(0.8 * c) for c in cap), width=2)
        draw.rectangle((0, 62, 256, 108), fill=label)
        draw.rectangle((0, 62, 256, 65), fill=_WHITE)
        draw.rectangle((0, 105, 256, 108), fill=_WHITE)
        for x in (64, 192):
            _write(draw, (x, 85), text, 28 if len(text) < 4 else 22, ink)
        return image

    return draw_bottle


def _chips(name: str, ink: Colour, chip: Colour, band: Colour) -> Callable:
    """A bag's picture, front and back: seams, a coloured band with the flavour, the word, and some chips."""

    def draw_bag(kind: ObjectType) -> Image.Image:
        image, draw = _sheet(_rgb(kind))
        for y in (0, 118):
            draw.rectangle((0, y, 256, y + 9), fill=_rgb(kind, 0.45))
            for x in range(0, 256, 4):
                draw.line((x, y, x, y + 9), fill=_rgb(kind, 0.15))
        for x in (64, 192):
            draw.ellipse((x - 50, 16, x + 50, 54), fill=band)
            _write(draw, (x, 35), "CHIPS", 28, ink)
            for i, (dx, dy) in enumerate(((-26, 78), (0, 90), (26, 76), (-12, 104), (18, 105))):
                draw.ellipse((x + dx - 17, dy - 11, x + dx + 17, dy + 11), fill=chip, outline=(140, 90, 30), width=2)
                if i % 2:
                    draw.ellipse((x + dx - 4, dy - 3, x + dx, dy + 1), fill=(150, 100, 40))
            _write(draw, (x, 64), name, 15, _WHITE, _BLACK)
        return image

    return draw_bag


def _apple(kind: ObjectType) -> Image.Image:
    image, draw = _sheet(_rgb(kind))
    rng = np.random.default_rng(1)
    for x in range(256):  # streaks from the hollow down
        draw.line((x, 4, x, int(rng.integers(15, 60))), fill=(225, 165, 60) if rng.random() < 0.3 else _rgb(kind, 0.12))
    draw.rectangle((0, 0, 256, 5), fill=(80, 50, 20))
    draw.rectangle((0, 122, 256, 128), fill=(90, 60, 30))
    return image


def _orange(kind: ObjectType) -> Image.Image:
    image, draw = _sheet(_rgb(kind))
    rng = np.random.default_rng(2)
    for x, y in rng.uniform(0, 1, (700, 2)) * (256, 128):
        draw.ellipse((x, y, x + 2, y + 2), fill=(225, 115, 10) if rng.random() < 0.6 else (255, 175, 60))
    draw.rectangle((0, 0, 256, 7), fill=(60, 110, 40))
    draw.rectangle((0, 8, 256, 12), fill=(205, 150, 40))
    return image


def _banana(kind: ObjectType) -> Image.Image:
    image, draw = _sheet(_rgb(kind))
    for x in range(10, 256, 51):  # the edges of the peel
        draw.rectangle((x, 0, x + 7, 128), fill=(225, 190, 40))
    for x, y in np.random.default_rng(3).uniform(0, 1, (40, 2)) * (256, 128):
        draw.ellipse((x, y, x + 5, y + 3), fill=(150, 105, 30))
    draw.rectangle((0, 0, 256, 9), fill=(95, 75, 25))
    draw.rectangle((0, 120, 256, 128), fill=(70, 50, 20))
    draw.rectangle((0, 10, 256, 18), fill=(175, 175, 50))
    return image


def _sponge(kind: ObjectType) -> Image.Image:
    """Yellow foam with pores, a green scouring side on top and around the upper third."""
    image, draw = _sheet(_rgb(kind))
    rng = np.random.default_rng(4)
    for x, y in rng.uniform(0, 1, (260, 2)) * (256, 128):
        r = rng.uniform(1, 3)
        draw.ellipse((x, y, x + r, y + r), fill=(200, 155, 50))
    green = (45, 120, 60)
    for band in ((0, 0, 256, 32), (0, 32, 256, 41), (0, 64, 256, 73)):
        draw.rectangle(band, fill=green)
    for x, y in rng.uniform(0, 1, (220, 2)) * (256, 32):
        draw.line((x, y, x + 5, y + rng.uniform(-3, 3)), fill=(30, 95, 45) if rng.random() < 0.5 else (75, 150, 85))
    return image


def _bar(kind: ObjectType) -> Image.Image:
    image, draw = _sheet(_rgb(kind))
    for y in (0, 32):
        draw.rectangle((28, y + 3, 228, y + 28), fill=(235, 190, 60))
        _write(draw, (128, y + 16), "ENERGY BAR", 24, (90, 15, 90))
    for x in (0, 240):
        draw.rectangle((x, 0, x + 16, 128), fill=_SILVER)
        for i in range(0, 16, 4):
            draw.line((x + i, 0, x + i, 128), fill=(140, 142, 148))
    draw.rectangle((0, 64, 256, 96), fill=_SILVER)
    return image


_LOOKS: dict[str, tuple[Callable[[ObjectType], Mesh], Callable[[ObjectType], Image.Image]]] = {
    "coke": (_can_mesh, _can("COKE", _WHITE, _wave(_WHITE))),
    "pepsi": (_can_mesh, _can("PEPSI", (10, 40, 130), _globe)),
    "7up": (_can_mesh, _can("7UP", _WHITE, _disc((215, 35, 45)))),
    "lime soda": (_can_mesh, _can("LIME", (40, 110, 20), _slice((70, 150, 30), (190, 225, 110)))),
    "grapefruit soda": (_can_mesh, _can("GRAPEFRUIT", (190, 50, 60), _slice((250, 190, 90), (240, 120, 110)))),
    "red bull": (_can_mesh, _can("RED BULL", (205, 20, 40), _checks)),
    "tea bottle": (_bottle_mesh, _bottle((245, 215, 120), "TEA", (90, 50, 10), (240, 190, 40), (140, 85, 30))),
    "water bottle": (_bottle_mesh, _bottle((30, 90, 190), "WATER", _WHITE, (40, 90, 200), (195, 226, 245))),
    "apple": (_apple_mesh, _apple),
    "orange": (lambda kind: ball(kind.size[0] / 2, dent=0.002), _orange),
    "banana": (_banana_mesh, _banana),
    "sponge": (_box_mesh, _sponge),
    "energy bar": (_box_mesh, _bar),
    "multigrain chips": (
        lambda kind: bag(kind.size),
        _chips("MULTIGRAIN", (95, 60, 20), (190, 140, 70), (240, 225, 190)),
    ),
    "jalapeno chips": (
        lambda kind: bag(kind.size),
        _chips("JALAPENO", (190, 25, 25), (225, 195, 90), (245, 225, 90)),
    ),
    "rice chips": (lambda kind: bag(kind.size), _chips("RICE", (170, 60, 40), (250, 248, 240), (225, 200, 150))),
    "sea salt chips": (lambda kind: bag(kind.size), _chips("SEA SALT", (20, 70, 130), (240, 215, 130), _WHITE)),
}
"""The surface and the picture of each type that has one of its own."""
