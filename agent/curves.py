"""Plots of shares against a number, a small panel each, as one picture: lines with their 95% intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from .statistics import Share

_WIDE, _HIGH, _LEFT, _TOP, _FOOT, _GAP, _ROW = 240, 180, 40, 30, 40, 22, 3
_INK, _LIGHT = (40, 40, 40), (225, 225, 225)
_COLOURS = ((190, 60, 50), (215, 150, 40), (60, 140, 90), (31, 90, 166), (130, 70, 160))
_BESIDE = 5
"""Pixels between the lines' marks for one number, so that none hides another."""

Line = Sequence[tuple[float, Share]]
"""(number, share) from left to right."""


def draw(path: Path, panels: Mapping[str, Mapping[str, Line]], *, across: str, up: str) -> None:
    """A PNG with a panel a name and a line a name in it; `across` and `up` say what the axes are."""
    names = list(dict.fromkeys(name for lines in panels.values() for name, line in lines.items() if line))
    assert len(names) <= len(_COLOURS), names
    columns = min(_ROW, max(1, len(panels)))
    rows = -(-len(panels) // columns)
    wide, high = _LEFT + _WIDE + _GAP, _TOP + _HIGH + _FOOT
    picture = Image.new("RGB", (columns * wide + _GAP, rows * high + 26), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for number, (title, lines) in enumerate(panels.items()):
        left, top = number % columns * wide + _LEFT, number // columns * high + _TOP
        _panel(pen, font, (left, top), title, lines, names, across, up)
    x = _LEFT
    for name, colour in zip(names, _COLOURS, strict=False):
        pen.rectangle((x, rows * high + 6, x + 14, rows * high + 16), fill=colour)
        pen.text((x + 20, rows * high + 4), name, _INK, font)
        x += 40 + round(pen.textlength(name, font))
    picture.save(path, optimize=True)


def _panel(
    pen: ImageDraw.ImageDraw,
    font,
    corner: tuple[int, int],
    title: str,
    lines: Mapping[str, Line],
    names: Sequence[str],
    across: str,
    up: str,
) -> None:
    left, top = corner
    numbers = sorted({number for line in lines.values() for number, _ in line})
    most = max(numbers, default=1.0)

    def at(number: float, share: float) -> tuple[float, float]:
        return left + number / most * _WIDE, top + (1 - share) * _HIGH

    pen.text((left, top - 20), f"{title}: {up}", _INK, font)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        pen.line((*at(0, share), *at(most, share)), _LIGHT)
        pen.text((left - 8, at(0, share)[1]), f"{share:.0%}", _INK, font, anchor="rm")
    for number in numbers:
        pen.text((at(number, 0)[0], top + _HIGH + 4), f"{number:g}", _INK, font, anchor="ma")
    pen.text((left + _WIDE / 2, top + _HIGH + 18), across, _INK, font, anchor="ma")
    for name, line in lines.items():
        if not line:
            continue
        mine = names.index(name)
        colour, aside = _COLOURS[mine], (mine - (len(names) - 1) / 2) * _BESIDE
        points = [at(number, share.value) for number, share in line]
        if len(points) > 1:
            pen.line([(x + aside, y) for x, y in points], colour, 2)
        for (number, share), (x, y) in zip(line, points, strict=True):
            pen.line((x + aside, at(number, share.low)[1], x + aside, at(number, share.high)[1]), colour)
            pen.ellipse((x + aside - 3, y - 3, x + aside + 3, y + 3), fill=colour)
