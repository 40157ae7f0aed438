"""The sentence frames that instructions are made from, and how a person writes them down."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ..sim.catalogue import CATALOGUE, KITCHEN

_DEV_SHARE = 0.12


@cache
def frames() -> dict[str, Any]:
    return yaml.safe_load((Path(__file__).parent / "frames.yaml").read_text(encoding="utf-8"))


def part_of(frames: list, part: str) -> list:
    """The training or development share of a list of frames, by the hash of the frame itself."""

    def dev(frame: object) -> bool:
        words = frame["words"] if isinstance(frame, dict) else str(frame)
        return int(hashlib.sha256(words.encode()).hexdigest(), 16) % 1000 < 1000 * _DEV_SHARE

    return [f for f in frames if dev(f) == (part == "dev")]


def pick(rng: np.random.Generator, options):
    return options[int(rng.integers(len(options)))]


def fits(kind: str, word: str) -> bool:
    """Does a type fit a word of a description? '-word' means it must not."""
    return not KITCHEN[kind].is_a(word[1:]) if word.startswith("-") else KITCHEN[kind].is_a(word)


def name_of(kind: str, rng: np.random.Generator, article: str | None = None) -> str:
    name = kind if rng.random() < 0.75 else pick(rng, [kind, *CATALOGUE[kind].synonyms])
    one = "an" if name[0] in "aeiou" else "a"
    return f"{article or pick(rng, ['the', 'the', one, 'the', 'my'])} {name}"


def in_a_persons_hand(text: str, polite: Sequence[str], rng: np.random.Generator) -> str:
    """Politeness (none: it has its own), lower case, missing full stops and typos, as people write."""
    if polite and rng.random() < 0.3 and not text[0].isupper():
        wrapped = pick(rng, polite)
        text = wrapped.format(text.rstrip("."))
    if rng.random() < 0.5:
        text = text[0].upper() + text[1:]
    elif rng.random() < 0.5:
        text = text.lower()
    if rng.random() < 0.3 and text[-1] not in "?.!":
        text += "."
    if rng.random() < 0.15:
        i = int(rng.integers(1, max(2, len(text) - 2)))
        text = pick(
            rng,
            [
                text[:i] + text[i + 1 :],
                text[:i] + text[i] + text[i:],
                text[: i - 1] + text[i] + text[i - 1] + text[i + 1 :],
            ],
        )
    return text
