"""What fills the slots of a sentence frame: things, descriptions, places; and a start state that fits."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..sim.catalogue import KITCHEN
from ..sim.scene import Scene
from ..sim.task import Setup
from .describing import NOT
from .frames import fits, frames, name_of, part_of, pick
from .teacher import Errand

PLURALS = {
    "drinks": "drink", "sodas": "soda", "snacks": "snack", "fruits": "fruit", "bags of chips": "chips",
    "cans": "can", "bottles": "bottle", "things": None, "objects": None,
}  # fmt: skip
"""What many things are called, and the category they are of; None: any."""


@dataclass(frozen=True)
class Instruction:
    """A sentence, what it means, where it starts, and the frame it was made from."""

    text: str
    errands: tuple[Errand, ...]
    setup: Setup
    frame: str


class Slots:
    """Draws what fills the slots. `part` chooses the training or the development descriptions."""

    def __init__(self, scene: Scene, part: str = "train"):
        data = frames()
        self.scene = scene
        self.surfaces = [p.name for p in scene.surfaces()]
        self.places = data["places"]
        self._described = part_of(data["described"], part)
        self._openers = part_of(data["openers"], part)

    def thing(self, rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
        """A thing by its name, or at times by a description."""
        if rng.random() < 0.75:
            kind = pick(rng, list(KITCHEN))
            return name_of(kind, rng), (kind,)
        return self.description(rng, needs=False)

    def described_thing(self, rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
        """A description that can stand in a list of things."""
        while True:
            words, kinds = self.description(rng, needs=False)
            if not NOT.search(words.replace("'", "")) and not re.search(r"\b(?:or|and)\b|,", words):
                return words, kinds

    def description(self, rng: np.random.Generator, needs: bool = True) -> tuple[str, tuple[str, ...]]:
        """Words that describe and the types that fit, in a random order of preference."""
        entry = pick(rng, [d for d in self._described if needs or not d["words"].lstrip("{")[0].isupper()])
        kinds = [n for n, k in KITCHEN.items() if all(fits(k.name, w) for w in entry["is"])]
        words = entry["words"]
        for slot in ("{not}", "{Not}", "{also}"):
            if slot in words and len(kinds) > 1:
                out = pick(rng, kinds)
                kinds.remove(out)
                article = "an" if out[0] in "aeiou" else "a"
                named = f"{out}s" if slot == "{Not}" else pick(rng, [out, f"the {out}", f"{article} {out}"])
                words = words.replace(slot, named[0].upper() + named[1:] if slot == "{Not}" else named)
        return words, tuple(str(k) for k in rng.permutation(kinds))

    def table(self, rng: np.random.Generator) -> str:
        """A surface that things are taken from."""
        return pick(rng, [p for p in self.surfaces if p != "cabinet"])

    def drawer_name(self, rng: np.random.Generator) -> tuple[str, str]:
        """(what a drawer is called, its name)."""
        drawer = pick(rng, list(self.scene.drawers))
        return pick(rng, [drawer.name, drawer.name, *drawer.synonyms]), drawer.name

    def destination(self, rng: np.random.Generator) -> str:
        return pick(rng, [*self.surfaces, "user", "trash can"] if rng.random() < 0.3 else self.surfaces)

    def source(self, rng: np.random.Generator, share: float) -> str | None:
        return pick(rng, [p for p in self.surfaces if p != "cabinet"]) if rng.random() < share else None

    def fill(self, frame: str, rng: np.random.Generator, **slots: str | None) -> str:
        for slot in ("p", "p2", "p3", "s"):
            if slots.get(slot):
                slots[slot] = pick(rng, self.places[slots[slot]])
        return frame.format(**slots)

    def finish(
        self, rng: np.random.Generator, text: str, frame: str, *errands: Errand, opener: float = 0.1
    ) -> Instruction:
        """Draw a start state in which the errands can mostly be done, and maybe a remark beside the point."""
        # Any of the kinds that will do: which of them is there can't be told from the words.
        wanted = [pick(rng, errand.what) for errand in errands if errand.what]
        present = [k for k in wanted if rng.random() < 0.88]
        spare = [k for k in KITCHEN if k not in wanted]
        present += [str(k) for k in rng.choice(spare, size=int(rng.integers(2, 7)), replace=False)]
        sources = {kind: errand.source for errand in errands for kind in errand.what if errand.source}
        away = [errand.to for errand in errands if errand.source is None and errand.to in self.surfaces]
        free = [p for p in self.surfaces if p not in away or rng.random() < 0.3]  # seldom where it is to go
        objects = tuple((kind, sources.get(kind) or pick(rng, free)) for kind in dict.fromkeys(present))
        holding = None
        if rng.random() < 0.2 and errands[0].kind != "refuse":
            # The wanted object, or one that is in the way.
            holding = wanted[0] if wanted and rng.random() < 0.55 else pick(rng, spare)
            objects = tuple((k, p) for k, p in objects if k != holding)
        robot_at = "user" if rng.random() < 0.4 else pick(rng, [p.name for p in self.scene.places])
        drawers = tuple(d.name for d in self.scene.drawers if rng.random() < 0.25)
        if rng.random() < opener:
            beside = pick(rng, [k for k in KITCHEN if k not in {w for e in errands for w in e.what}] or list(KITCHEN))
            remark = self.fill(pick(rng, self._openers), rng, x=beside, p=pick(rng, [*self.places]))
            after = remark.endswith(".") and text[0].islower() and rng.random() < 0.35
            text = f"{text}{'' if text[-1] in '.?!' else '.'} {remark}" if after else f"{remark} {text}"
        return Instruction(text, errands, Setup(objects, robot_at, holding, drawers), frame)
