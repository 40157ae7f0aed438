"""A picture in a terminal: two pixels a character, one above the other, in true colour; in greys of text without it."""

from __future__ import annotations

import numpy as np
from PIL import Image
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

_GREYS = " .:-=+*#%@"


def half_blocks(picture: np.ndarray, console: Console, width: int = 64) -> Text:
    """`picture`, (height, width, 3) uint8, as text of at most `width` columns, as the console can show it."""
    width = max(1, min(width, console.width))
    height = max(2, round(width * picture.shape[0] / picture.shape[1] / 2) * 2)
    small = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX))
    if console.no_color or console.color_system is None:
        grey = small.mean(axis=2).reshape(height // 2, 2, width).mean(axis=1) / 256 * len(_GREYS)
        return Text("\n".join("".join(_GREYS[int(v)] for v in row) for row in grey))
    block = "▀" if console.encoding.startswith("utf") else "#"
    text = Text()
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            text.append(block, Style(color=_colour(above), bgcolor=_colour(below)))
        text.append("\n")
    text.rstrip()
    return text


def _colour(rgb: np.ndarray) -> Color:
    return Color.from_rgb(*map(int, rgb))
