"""Reliability plots: what was predicted against what came about, a small panel for each family, as one picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from ..skills.measures import BINS, Bin
from .statistics import wilson

_SIDE, _LEFT, _TOP, _FOOT, _GAP, _ROW = 180, 34, 30, 26, 20, 4
_INK, _GREY, _LIGHT, _BLUE, _PALE = (40, 40, 40), (150, 150, 150), (225, 225, 225), (31, 90, 166), (160, 190, 225)


def draw(path: Path, panels: Mapping[str, Sequence[Bin]]) -> None:
    """A PNG with a panel a name: dots are bins with their 95% interval, the diagonal is perfect calibration.

    The pale bars at the bottom are how many predictions each bin has, the fullest as high as a third of the panel.
    """
    columns = min(_ROW, len(panels))
    rows = -(-len(panels) // columns)
    wide, high = _LEFT + _SIDE + _GAP, _TOP + _SIDE + _FOOT
    picture = Image.new("RGB", (columns * wide + _GAP, rows * high + _GAP), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(12)
    for number, (name, bins) in enumerate(panels.items()):
        x, y = (number % columns) * wide + _LEFT, (number // columns) * high + _TOP
        _panel(pen, font, x, y, f"{name} (n = {sum(b.n for b in bins)})", bins)
    picture.save(path, optimize=True)


def _panel(pen: ImageDraw.ImageDraw, font, x: int, y: int, title: str, bins: Sequence[Bin]) -> None:
    def at(across: float, up: float) -> tuple[float, float]:
        return x + across * _SIDE, y + (1 - up) * _SIDE

    fullest = max((b.n for b in bins), default=1)
    for b in bins:
        left, top = at(b.low, b.n / fullest / 3)
        pen.rectangle((left + 1, top, left + _SIDE / BINS - 1, y + _SIDE), fill=_PALE)
    for tick in (0.0, 0.5, 1.0):
        pen.line((*at(tick, 0), *at(tick, 1)), fill=_LIGHT)
        pen.line((*at(0, tick), *at(1, tick)), fill=_LIGHT)
        pen.text((at(0, tick)[0] - 6, at(0, tick)[1]), f"{tick:g}", fill=_GREY, font=font, anchor="rm")
        pen.text((at(tick, 0)[0], y + _SIDE + 4), f"{tick:g}", fill=_GREY, font=font, anchor="mt")
    pen.line((*at(0, 0), *at(1, 1)), fill=_GREY)
    pen.rectangle((x, y, x + _SIDE, y + _SIDE), outline=_GREY)
    for b in bins:
        interval = wilson(round(b.observed * b.n), b.n)
        pen.line((*at(b.predicted, interval.low), *at(b.predicted, interval.high)), fill=_BLUE)
        px, py = at(b.predicted, b.observed)
        pen.ellipse((px - 3, py - 3, px + 3, py + 3), fill=_BLUE)
    pen.text((x, y - 6), title, fill=_INK, font=font, anchor="lb")
