"""Contact sheets: every scene and every object on pictures that a person can look over.

`python -m doable.sim.contact_sheet --out docs/img` writes one PNG a scene and two of objects.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .camera import View, take
from .catalogue import KITCHEN, TABLETOP, ObjectType
from .objects import add_object
from .physics import Physics, pb
from .physics_world import PhysicsWorld
from .scene import scene_names
from .task import Setup

_STRIP = 20


def scene_sheet(name: str, width: int = 420, height: int = 315) -> Image.Image:
    """A scene from above as its file has it, and its fullest surface as who works there sees it, most cluttered."""
    world = PhysicsWorld(name)
    scene = world.scene
    world.reset(seed=1)
    held = " (held out of training)" if scene.held_out else ""
    whole = _shrunk(world.overview(2 * width, 2 * height).rgb, (width, height))
    level = max(scene.clutter, key=scene.extra, default=None)
    world.reset(Setup(scene.objects, scene.robot_at, clutter=level), seed=1)
    where = [fact.place for fact in world.facts().objects]
    place = max(scene.surfaces(), key=lambda place: where.count(place.name))
    # A fixed arm is in the way of its own view: from the other side.
    x, y = place.to_world(0.0, place.size[1] + 0.4 if scene.robot.base else -0.65)
    target = (*place.to_world(0.0, 0.3), place.height)
    view = View((x, y, place.height + 0.75), target, math.radians(52), 2 * width, 2 * height)
    close = _shrunk(take(world.physics, view, labels=False).rgb, (width, height))
    world.close()
    return tiled([(whole, name + held), (close, f"{place.name}" + (f", {level} clutter" if level else ""))], columns=2)


def objects_sheet(kinds: Iterable[ObjectType], columns: int, side: int = 150) -> Image.Image:
    """Each type by itself, all at a size that fills the picture."""
    cells = [(_portrait(kind, side), kind.name) for kind in kinds]
    return tiled(cells, columns)


def tiled(cells: Sequence[tuple[Image.Image, str]], columns: int) -> Image.Image:
    """Pictures of one size in rows, each with its name below."""
    width, height = cells[0][0].size
    rows = math.ceil(len(cells) / columns)
    sheet = Image.new("RGB", (columns * width, rows * (height + _STRIP)), (24, 26, 30))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for i, (picture, name) in enumerate(cells):
        x, y = i % columns * width, i // columns * (height + _STRIP)
        sheet.paste(picture, (x, y))
        draw.text((x + 6, y + height + 2), name, font=font, fill=(235, 235, 235))
    return sheet


def _portrait(kind: ObjectType, side: int) -> Image.Image:
    physics = Physics()
    p = physics.p
    half = (2.0, 2.0, 0.05)
    ground = p.createVisualShape(pb.GEOM_BOX, halfExtents=half, rgbaColor=(0.80, 0.78, 0.74, 1.0))
    p.createMultiBody(0, -1, ground, (0.0, 0.0, -0.05))
    middle = kind.size[2] / 2
    add_object(physics, kind, (0.0, 0.0, middle), 0.35)
    away = 1.75 * max(*kind.size, 0.07)
    eye = (0.35 * away, -away, 0.75 * away + middle)
    frame = take(physics, View(eye, (0.0, 0.0, middle), math.radians(42), 2 * side, 2 * side), labels=False)
    physics.close()
    return _shrunk(frame.rgb, (side, side))


def _shrunk(pixels: np.ndarray, size: tuple[int, int]) -> Image.Image:
    return Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS)


def write(out: Path) -> list[Path]:
    """All sheets, as small PNG files in the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    sheets = {name: scene_sheet(name) for name in scene_names()} | {
        "kitchen objects": objects_sheet(KITCHEN.values(), columns=6),
        "tabletop objects": objects_sheet(TABLETOP.values(), columns=4),
    }
    files = []
    for name, sheet in sheets.items():
        files.append(out / f"{name.replace(' ', '-')}.png")
        sheet.save(files[-1], optimize=True)
    return files


def main() -> None:
    """Write the sheets and say where they are."""
    parser = argparse.ArgumentParser(prog="python -m doable.sim.contact_sheet", description="Pictures of all there is.")
    parser.add_argument("--out", type=Path, default=Path("docs/img"), help="the folder for the pictures")
    for path in write(parser.parse_args().out):
        print(f"{path} ({path.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
