"""Instructions made from their meaning: sentence frames of our own, filled from the catalogue.

Each `Instruction` carries the errands it stands for and a start state that fits, so a `Teacher` can follow it.
Frames are divided into a training and a development part by the frame itself, never by the sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..sim.catalogue import CATALOGUE, KITCHEN
from ..sim.scene import Scene
from ..sim.task import Setup
from .frames import frames, in_a_persons_hand, name_of, part_of, pick
from .slots import PLURALS, Instruction, Slots
from .teacher import Errand


class TabletopGrammar:
    """Draws instructions for an arm at a table: what to lay on or into what."""

    def __init__(self, scene: Scene, part: str = "train"):
        data = frames()
        self._frames = {kind: part_of(data["frames"][f"tabletop {kind}"], part) for kind in ("on", "in")}
        self._scene, self._polite = scene, data["polite"]

    def draw(self, rng: np.random.Generator) -> Instruction:
        """One instruction with its start state."""
        scene = self._scene
        kind = pick(rng, [kind for kind, frames in self._frames.items() if frames])
        carriers = [name for name in scene.types if CATALOGUE[name].holds == (kind == "in")]
        thing = pick(rng, [name for name in scene.types if CATALOGUE[name].stacks])
        to = pick(rng, [name for name in carriers if name != thing])
        frame = pick(rng, self._frames[kind])
        text = frame.format(x=name_of(thing, rng, "the"), y=name_of(to, rng, "the"))
        text = in_a_persons_hand(text, self._polite, rng)
        return Instruction(text, (Errand("deliver", (thing,), to),), Setup.of(scene), frame)


class Grammar:
    """Draws instructions for a kitchen. `part` chooses the training or the development frames."""

    def __init__(self, scene: Scene, part: str = "train"):
        data = frames()
        self._scene = scene
        self._slots = Slots(scene, part)
        self._surfaces = self._slots.surfaces
        self._frames = {kind: part_of(frames, part) for kind, frames in data["frames"].items()}
        self._polite = data["polite"]
        self._impossible = part_of(data["impossible things"], part)
        self.other_names: tuple[str, ...] = tuple(data["other names" if part == "train" else "held-out names"])
        """Names that no kind in the catalogue has, with words that describe them; the part's own."""
        makers: list[tuple[float, Callable[[np.random.Generator], Instruction], tuple[str, ...]]] = [
            (0.13, self._bring_named, ("bring", "bring from")),
            (0.23, self._bring_described, ("bring", "after a need")),
            (0.09, self._put_named, ("put", "put from")),
            (0.07, self._put_described, ("put",)),
            (0.07, self._discard, ("discard",)),
            (0.05, self._hold, ("hold",)),
            (0.05, self._find, ("find",)),
            (0.05, self._go, ("go",)),
            (0.03, self._visit, ("visit",)),
            (0.06, self._drawer, ("open", "close")),
            (0.07, self._several, ("several", "several to")),
            (0.07, self._all_from, ("all from", "all from to you", "all from away")),
            (0.04, self._everything, ("everything", "everything to", "clear")),
            (0.03, self._clear_of, ("clear of",)),
            (0.05, self._put_in, ("put in", "put in from")),
            (0.05, self._take_out, ("take out", "take out to")),
            (0.04, self._wipe, ("wipe",)),
            (0.04, self._in_hand, ("in hand", "in hand to you")),
            (0.03, self._refuse, ("bring",)),
            (0.04, self._count, ("count", "count away")),
            (0.03, self._put_here, ("put here",)),
            (0.05, self._drawer_and, ("drawer and", "open", "close", "bring")),
        ]
        # A kind whose few frames all fell into the other part is not drawn in this one.
        self._makers = [(weight, make) for weight, make, kinds in makers if all(self._frames[k] for k in kinds)]

    def draw(self, rng: np.random.Generator) -> Instruction:
        """One instruction with its start state."""
        weights = np.array([w for w, _ in self._makers])
        make = self._makers[rng.choice(len(self._makers), p=weights / weights.sum())][1]
        made = make(rng)
        return replace(made, text=in_a_persons_hand(made.text, self._polite, rng))

    # The makers: one a kind of instruction.

    def _bring_named(self, rng: np.random.Generator) -> Instruction:
        kind = pick(rng, list(KITCHEN))
        source = self._slots.source(rng, 0.2)
        frame = pick(rng, self._frames["bring from" if source else "bring"])
        text = self._slots.fill(frame, rng, x=name_of(kind, rng), s=source)
        return self._slots.finish(rng, text, frame, Errand("deliver", (kind,), "user", source), opener=0.25)

    def _bring_described(self, rng: np.random.Generator) -> Instruction:
        described, kinds = self._slots.description(rng)
        if described[0].isupper():  # a whole sentence that states a need
            frame = pick(rng, ["{d}", *self._frames["after a need"]])
            text = self._slots.fill(frame, rng, d=described)
        else:
            frame = pick(rng, self._frames["bring"])
            text = self._slots.fill(frame, rng, x=described)
        return self._slots.finish(rng, text, f"{frame}|{described}", Errand("deliver", kinds, "user"), opener=0.35)

    def _put_named(self, rng: np.random.Generator) -> Instruction:
        kind = pick(rng, list(KITCHEN))
        to, source = self._slots.destination(rng), self._slots.source(rng, 0.35)
        if to == source:
            source = None
        frame = pick(rng, self._frames["put from" if source else "put"])
        text = self._slots.fill(frame, rng, x=name_of(kind, rng), p=to, s=source)
        return self._slots.finish(rng, text, frame, Errand("deliver", (kind,), to, source))

    def _put_described(self, rng: np.random.Generator) -> Instruction:
        described, kinds = self._slots.description(rng, needs=False)
        to = self._slots.destination(rng)
        frame = pick(rng, self._frames["put"])
        text = self._slots.fill(frame, rng, x=described, p=to)
        return self._slots.finish(rng, text, f"{frame}|{described}", Errand("deliver", kinds, to))

    def _discard(self, rng: np.random.Generator) -> Instruction:
        name, kinds = self._slots.thing(rng)
        frame = pick(rng, self._frames["discard"])
        return self._slots.finish(
            rng, self._slots.fill(frame, rng, x=name), frame, Errand("deliver", kinds, "trash can")
        )

    def _hold(self, rng: np.random.Generator) -> Instruction:
        kind = pick(rng, list(KITCHEN))
        frame = pick(rng, self._frames["hold"])
        return self._slots.finish(
            rng, self._slots.fill(frame, rng, x=name_of(kind, rng)), frame, Errand("hold", (kind,))
        )

    def _find(self, rng: np.random.Generator) -> Instruction:
        name, kinds = self._slots.thing(rng)
        frame = pick(rng, self._frames["find"])
        return self._slots.finish(rng, self._slots.fill(frame, rng, x=name), frame, Errand("find", kinds))

    def _go(self, rng: np.random.Generator) -> Instruction:
        place = pick(rng, [p.name for p in self._scene.places])
        frame = pick(rng, self._frames["go"])
        return self._slots.finish(rng, self._slots.fill(frame, rng, p=place), frame, Errand("go", target=place))

    def _visit(self, rng: np.random.Generator) -> Instruction:
        frame = pick(rng, self._frames["visit"])
        names = [str(n) for n in rng.permutation([p.name for p in self._scene.places])]
        count = 3 if "{p3}" in frame else 2
        text = self._slots.fill(frame, rng, p=names[0], p2=names[1], p3=names[2])
        return self._slots.finish(rng, text, frame, *(Errand("go", target=name) for name in names[:count]))

    def _drawer(self, rng: np.random.Generator) -> Instruction:
        kind = "open" if rng.random() < 0.5 else "close"
        drawer = pick(rng, list(self._scene.drawers))
        frame = pick(rng, self._frames[kind])
        name = pick(rng, [drawer.name, drawer.name, *drawer.synonyms])
        return self._slots.finish(
            rng, self._slots.fill(frame, rng, x=f"the {name}"), frame, Errand(kind, target=drawer.name)
        )

    def _drawer_and(self, rng: np.random.Generator) -> Instruction:
        kind = "open" if rng.random() < 0.6 else "close"
        drawer = pick(rng, list(self._scene.drawers))
        thing = pick(rng, list(KITCHEN))
        frame = pick(rng, self._frames["drawer and"])
        first, then = pick(rng, self._frames[kind]), pick(rng, self._frames["bring"])
        text = frame.format(first.format(x=f"the {drawer.name}"), then.format(x=name_of(thing, rng)))
        return self._slots.finish(
            rng, text, f"{frame}|{first}|{then}", Errand(kind, target=drawer.name), Errand("deliver", (thing,), "user")
        )

    def _several(self, rng: np.random.Generator) -> Instruction:
        count = 3 if rng.random() < 0.25 else 2
        named = [(name_of(str(k), rng), (str(k),)) for k in rng.choice(list(KITCHEN), size=count, replace=False)]
        things = [thing if rng.random() < 0.6 else self._slots.described_thing(rng) for thing in named]
        to = "user" if rng.random() < 0.6 else self._slots.destination(rng)
        frame = pick(rng, self._frames["several" if to == "user" else "several to"])
        words = [words for words, _ in things]
        first = words[0] if count == 2 else ", ".join(words[:2]) + pick(rng, ["", ","])
        text = self._slots.fill(frame, rng, x=first, y=words[-1], p=to)
        return self._slots.finish(rng, text, frame, *(Errand("deliver", kinds, to) for _, kinds in things))

    def _all_from(self, rng: np.random.Generator) -> Instruction:
        """All things of a kind, wherever they are to go."""
        source = self._slots.table(rng)
        to = pick(rng, ["user", "user", "trash can", *(p for p in self._surfaces if p != source)])
        plural, category = pick(rng, list(PLURALS.items()))
        kinds = tuple(n for n, k in KITCHEN.items() if category is None or k.is_a(category))
        short = {"user": "all from to you", "trash can": "all from away"}.get(to)
        frame = pick(rng, self._frames[short if short and rng.random() < 0.75 else "all from"])
        text = self._slots.fill(frame, rng, x=plural, s=source, p=to)
        return self._gathered(rng, text, frame, Errand("deliver", kinds, to, source, count=0))

    def _everything(self, rng: np.random.Generator) -> Instruction:
        """All that stands at a place; to the bin, where nothing is said of where to."""
        source = self._slots.table(rng)
        kind = pick(rng, ["everything", "everything to", "clear", "clear"])
        elsewhere = [p for p in self._surfaces if p != source]
        to = {"everything": "user", "clear": "trash can"}.get(kind) or pick(rng, elsewhere)
        frame = pick(rng, self._frames[kind])
        text = self._slots.fill(frame, rng, s=source, p=to)
        return self._gathered(rng, text, frame, Errand("deliver", tuple(KITCHEN), to, source, count=0))

    def _gathered(self, rng: np.random.Generator, text: str, frame: str, errand: Errand) -> Instruction:
        """With one to three things that are meant at the place that is meant."""
        made = self._slots.finish(rng, text, frame, errand)
        others = [(k, p) for k, p in made.setup.objects if p != errand.source or k not in errand.what]
        size = min(len(errand.what), int(rng.integers(1, 4)))
        mine = [str(k) for k in rng.choice(errand.what, size=size, replace=False)]
        others = [(k, p) for k, p in others if k not in mine]
        objects = (*others, *((k, str(errand.source)) for k in mine))
        return replace(made, setup=replace(made.setup, objects=objects, holding=None))

    def _clear_of(self, rng: np.random.Generator) -> Instruction:
        source = self._slots.table(rng)
        name, kinds = self._slots.thing(rng)
        frame = pick(rng, self._frames["clear of"])
        text = self._slots.fill(frame, rng, x=name, s=source)
        return self._slots.finish(rng, text, frame, Errand("deliver", kinds, "trash can", source))

    def _put_in(self, rng: np.random.Generator) -> Instruction:
        drawer, source = self._slots.drawer_name(rng), self._slots.source(rng, 0.2)
        name, kinds = self._slots.thing(rng)
        frame = pick(rng, self._frames["put in from" if source else "put in"])
        text = self._slots.fill(frame, rng, x=name, w=drawer[0], s=source)
        return self._slots.finish(rng, text, frame, Errand("deliver", kinds, drawer[1], source))

    def _take_out(self, rng: np.random.Generator) -> Instruction:
        drawer = self._slots.drawer_name(rng)
        name, kinds = self._slots.thing(rng)
        to = "user" if rng.random() < 0.7 else pick(rng, [p for p in self._surfaces if p != "cabinet"])
        frame = pick(rng, self._frames["take out" if to == "user" else "take out to"])
        text = self._slots.fill(frame, rng, x=name, w=drawer[0], p=to)
        return self._slots.finish(rng, text, frame, Errand("deliver", kinds, to, drawer[1]))

    def _wipe(self, rng: np.random.Generator) -> Instruction:
        place = pick(rng, self._surfaces)
        frame = pick(rng, self._frames["wipe"])
        made = self._slots.finish(
            rng, self._slots.fill(frame, rng, s=place), frame, Errand("wipe", ("sponge",), target=place)
        )
        spills = tuple(p for p in self._surfaces if rng.random() < (0.9 if p == place else 0.1))
        return replace(made, setup=replace(made.setup, spills=spills))

    def _in_hand(self, rng: np.random.Generator) -> Instruction:
        """Something is in the hand already and the words only point at it."""
        kind = pick(rng, list(KITCHEN))
        to = pick(rng, ["user", "trash can", *self._surfaces])
        frame = pick(rng, self._frames["in hand to you" if to == "user" else "in hand"])
        made = self._slots.finish(
            rng, self._slots.fill(frame, rng, p=to), frame, Errand("deliver", (kind,), to), opener=0.0
        )
        objects = tuple((k, p) for k, p in made.setup.objects if k != kind)
        return replace(made, setup=replace(made.setup, objects=objects, holding=kind))

    def _put_here(self, rng: np.random.Generator) -> Instruction:
        """Something is in the hand and shall be put down where the robot stands."""
        kind = pick(rng, list(KITCHEN))
        frame = pick(rng, self._frames["put here"])
        text = self._slots.fill(frame, rng, x=name_of(kind, rng))
        made = self._slots.finish(rng, text, frame, Errand("deliver", (kind,)), opener=0.0)
        here = pick(rng, self._surfaces)
        objects = tuple((k, p) for k, p in made.setup.objects if k != kind)
        setup = replace(made.setup, objects=objects, holding=kind, robot_at=here)
        return replace(made, errands=(Errand("deliver", (kind,), here),), setup=setup)

    def _count(self, rng: np.random.Generator) -> Instruction:
        plural = pick(rng, [word for word, category in PLURALS.items() if category])
        kinds = tuple(str(k) for k in rng.permutation([n for n, k in KITCHEN.items() if k.is_a(PLURALS[plural])]))
        count = 2 if rng.random() < 0.75 or len(kinds) < 3 else 3
        to = "user" if rng.random() < 0.8 else "trash can"
        frame = pick(rng, self._frames["count" if to == "user" else "count away"])
        number = pick(rng, {2: ["two", "2", "two different"], 3: ["three", "3", "three different"]}[count])
        text = self._slots.fill(frame, rng, x=plural, n=number)
        made = self._slots.finish(rng, text, frame, Errand("deliver", kinds, to, count=count))
        more = tuple((kind, pick(rng, self._surfaces)) for kind in kinds[:count])
        objects = dict(made.setup.objects) | dict(more)
        return replace(made, setup=replace(made.setup, objects=tuple(objects.items()), holding=None))

    def _refuse(self, rng: np.random.Generator) -> Instruction:
        thing = pick(rng, self._impossible)
        if thing[0].isupper():
            return self._slots.finish(rng, thing, thing, Errand("refuse"))
        frame = pick(rng, self._frames["bring"])
        return self._slots.finish(rng, self._slots.fill(frame, rng, x=thing), f"{frame}|{thing}", Errand("refuse"))
