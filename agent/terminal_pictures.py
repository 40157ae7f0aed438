"""Pictures in terminals that can show them: kitty's graphics protocol, and sixel; the terminal is asked which.

https://sw.kovidgoyal.net/kitty/graphics-protocol/ and the VT330/340 manual, chapter 14 (sixel). Where neither is there,
`half_blocks` draws with characters.
"""

from __future__ import annotations

import base64
import io
import os
import re
import select
import sys
import time
from typing import Literal

import numpy as np
from PIL import Image

Protocol = Literal["kitty", "sixel"]
_ASK = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c"
"""May I draw one pixel? And what are you? Every terminal answers the second, so none is waited for in vain."""
_PATIENCE = 0.5
"""Seconds for a terminal to answer."""
_CHUNK = 4096
_COLOURS = 64


def protocol() -> Protocol | None:
    """What the terminal at standard input and output says it can show; None: neither."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or sys.platform == "win32":
        return None
    import termios
    import tty

    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    try:
        tty.setcbreak(keyboard)
        sys.stdout.write(_ASK)
        sys.stdout.flush()
        said, end = b"", time.monotonic() + _PATIENCE
        while not _WHAT.search(said) and select.select([keyboard], [], [], max(0.0, end - time.monotonic()))[0]:
            said += os.read(keyboard, 1024)
    finally:
        termios.tcsetattr(keyboard, termios.TCSAFLUSH, before)
    return understood(said)


_WHAT = re.compile(rb"\x1b\[\?([\d;]*)c")


def understood(said: bytes) -> Protocol | None:
    """What an answer means: 'OK' to the pixel is kitty's protocol, a 4 among its attributes is sixel."""
    if b"_Gi=31;OK" in said:
        return "kitty"
    what = _WHAT.search(said)
    return "sixel" if what and b"4" in what[1].split(b";")[1:] else None


def drawn(picture: np.ndarray, by: Protocol, columns: int) -> str:
    """`picture`, (height, width, 3) uint8, as what a terminal draws; kitty makes it `columns` wide."""
    return kitty(picture, columns) if by == "kitty" else sixel(picture)


def kitty(picture: np.ndarray, columns: int) -> str:
    """As a PNG in pieces, for the terminal to scale and show at the cursor."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    data = base64.b64encode(file.getvalue()).decode()
    pieces = [data[i : i + _CHUNK] for i in range(0, len(data), _CHUNK)]
    heads = [f"a=T,f=100,q=2,c={columns},", *[""] * (len(pieces) - 1)]
    more = [1] * (len(pieces) - 1) + [0]
    return "".join(f"\x1b_G{h}m={m};{p}\x1b\\" for h, m, p in zip(heads, more, pieces, strict=True)) + "\n"


def sixel(picture: np.ndarray) -> str:
    """In bands of six rows, one colour after the other, of at most 64."""
    height, width = picture.shape[:2]
    image = Image.fromarray(picture).quantize(_COLOURS)
    palette = np.array(image.getpalette(), int).reshape(-1, 3) * 100 // 255
    index = np.asarray(image)
    index = np.pad(index, ((0, -height % 6), (0, 0)), mode="edge")
    colours = "".join(f"#{i};2;{r};{g};{b}" for i, (r, g, b) in enumerate(palette))
    bands = []
    for band in index.reshape(-1, 6, width):  # (6, width)
        rows = []
        for colour in np.unique(band):
            bits = ((band == colour) << np.arange(6)[:, None]).sum(axis=0)  # (width,), bit 0 is the top row
            rows.append(f"#{colour}{_runs(bits)}")
        bands.append("$".join(rows))
    return f'\x1bPq"1;1;{width};{height}{colours}{"-".join(bands)}\x1b\\\n'


def _runs(bits: np.ndarray) -> str:
    """Run lengths: '!12A' is twelve As."""
    ends = np.flatnonzero(np.diff(bits, append=-1)) + 1
    lengths = np.diff(ends, prepend=0)
    return "".join(f"!{n}{chr(63 + bits[end - 1])}" for n, end in zip(lengths, ends, strict=True))
