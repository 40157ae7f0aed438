"""The strip under a film: what is wanted, what is done, and what was weighed. Pure drawing, from data to pixels.

bring me the sponge                                        turn 3/20
pick up the sponge                              done: 6.1 s, grasped
pick up the sponge    say ▆▆▆▆▆▆ .93   can ▆▆▆▆▆ .88   ▆▆▆▆▆ .82
find the sponge       say ▂ .04        can ▆▆▆▆▆▆ .97  ▁ .04
…
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw, ImageFont

ROWS = 4
"""Candidates shown."""
_GOAL, _DOES, _ROW, _EDGE = 22, 20, 16, 6
HEIGHT = _GOAL + _DOES + ROWS * _ROW + _EDGE
"""Of the strip, pixels."""

GROUND, LIGHT, DIM = (24, 26, 30), (238, 238, 238), (140, 144, 152)
SAY, CAN, BOTH, WRONG = (86, 156, 214), (106, 176, 98), (222, 178, 72), (224, 108, 98)


@dataclass(frozen=True)
class Weighed:
    """One candidate: `say`, `can` and `both` in [0, 1]."""

    text: str
    say: float
    can: float
    both: float
    masked: bool = False


@dataclass(frozen=True)
class Caption:
    """What the strip tells."""

    goal: str = ""
    turn: str = ""
    """Like 'turn 3/20'."""
    does: str = ""
    """The skill that is done, or how the run ends."""
    result: str = ""
    """What came of it; empty as long as it is not known."""
    failed: bool = False
    weighed: tuple[Weighed, ...] = ()
    """Best first; the first of them is the one that is done."""


def strip(caption: Caption, width: int) -> Image.Image:
    """The caption as a picture of (width, HEIGHT) pixels."""
    picture = Image.new("RGB", (width, HEIGHT), GROUND)
    draw = ImageDraw.Draw(picture)
    side = 8
    room = width - 2 * side
    turn = fitted(caption.turn, 13, room // 3)
    used = draw.textlength(turn, font=font(13))
    draw.text((width - side - used, 5), turn, font=font(13), fill=DIM)
    draw.text((side, 3), fitted(caption.goal, 15, room - used - 12), font=font(15), fill=LIGHT)
    result = fitted(caption.result, 12, room * 0.55)
    used = draw.textlength(result, font=font(12))
    draw.text((width - side - used, _GOAL + 2), result, font=font(12), fill=WRONG if caption.failed else CAN)
    draw.text((side, _GOAL), fitted(caption.does, 14, room - used - 12), font=font(14), fill=BOTH)
    for i, row in enumerate(caption.weighed[:ROWS]):
        _weighed(draw, row, side, _GOAL + _DOES + i * _ROW, room, chosen=i == 0)
    return picture


def _weighed(draw: ImageDraw.ImageDraw, row: Weighed, x: float, y: float, room: float, *, chosen: bool) -> None:
    """The words on the left two fifths, three labelled bars on the rest."""
    words = room * 0.40
    colour = DIM if row.masked else LIGHT if chosen else (196, 198, 204)
    draw.text((x, y), fitted(row.text, 12, words - 8), font=font(12), fill=colour)
    third = (room - words) / 3
    for i, (label, share, fill) in enumerate((("say", row.say, SAY), ("can", row.can, CAN), ("=", row.both, BOTH))):
        left = x + words + i * third
        text = draw.textlength(label, font=font(11)) + 4
        number = draw.textlength(" 0.00", font=font(11))
        long = max(third - text - number - 8, 4)
        draw.text((left, y + 1), label, font=font(11), fill=DIM)
        full = min(max(share, 0.0), 1.0)
        box = (left + text, y + 4, left + text + long, y + 12)
        draw.rectangle(box, fill=(46, 49, 55))
        if full * long >= 1:
            draw.rectangle((box[0], box[1], box[0] + full * long, box[3]), fill=DIM if row.masked else fill)
        draw.text((box[2] + 4, y + 1), f"{full:.2f}", font=font(11), fill=DIM if row.masked else LIGHT)


def fitted(text: str, size: int, room: float) -> str:
    """One printable line, cut with an ellipsis so that it fits into `room` pixels."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if font(size).getlength(text) <= room:
        return text
    while text and font(size).getlength(text + "…") > room:
        text = text[:-1]
    return text.rstrip() + "…"


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)  # type: ignore[return-value]
