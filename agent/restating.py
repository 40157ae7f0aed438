"""A goal in anybody's words, said again in plain ones by a small language model that was taught to.

What it says is taken only if every errand of it is plain (`understanding.read`), and if nothing is named in it that the
goal does not name, but for kinds of things. Otherwise the goal stays as it was said, and the planner carries it. It may
also say that nobody could know what is meant, or that no robot can do it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple, Protocol

import torch

from ..sim.scene import Scene
from . import understanding
from .canonical import REFUSAL, UNCLEAR, named
from .causal_lm import CausalLM
from .describing import FILLER
from .meaning import Meaning
from .models import RESTATER, load_model
from .spelling import mended, plain
from .token_batches import marks
from .unsaid import leaves_out

_BUT = re.compile(r" (?:that is not|except) .*?(?= from the | on the | in the |$)")
_POINTS = re.compile(
    r"\b(?:th(?:at|is|ose|ese)|it|them|what\w*|which\w*|hold\w*|carry\w*|hand|grip\w*|have|got|thing|there)\b", re.I
)
"""Words that may point at what is in the hand."""
_KNOWN = 64
"""Goals whose ways are kept."""
_SERIOUS = 0.05
"""Less likely ways are whims of the search: that they would do for others, too, does not count."""
_MOST = 160
"""Tokens that are said at most."""


class Way(NamedTuple):
    """A goal in plain words."""

    errands: tuple[str, ...]
    """In order; `(canonical.UNCLEAR,)`: nobody knows without asking; `(canonical.REFUSAL,)`: no robot can do it."""
    probability: float
    """That doing it is right, in (0, 1]: of all ways to say the same that were found, and of what is done with it."""


class Restating(Protocol):
    """Says a goal again in plain words."""

    def __call__(self, goal: str, holding: str | None, scene: Scene) -> tuple[Way, ...]:
        """What may be meant, the likeliest first; `holding`: what is in the hand. (): it is not known how to say it."""
        ...


@cache
def restater() -> Restater:
    """The one that ships; read once a process."""
    model = load_model(adapter=RESTATER)
    assert isinstance(model, CausalLM)
    return Restater(model.model, model.tokenizer)


def prompt(goal: str, holding: str | None) -> str:
    """What the model goes on from."""
    return f"Said: {' '.join(goal.split())}\nHand: {holding or 'empty'}\nPlainly:"


def answer(errands: tuple[str, ...]) -> str:
    """How it goes on."""
    return f" {'; '.join(errands)}\n"


def accepted(goal: str, errands: tuple[str, ...], holding: str | None, scene: Scene) -> bool:
    """Is each of them plain, and told once? Is what they name, things and places, named in the goal (or in the hand)?

    And is what they leave out of a kind one of that kind, and does the goal speak of leaving out?
    """
    meanings = [understanding.read(errand, scene) for errand in errands]
    said = named(goal) | ({holding} if holding and _POINTS.search(goal) else set())
    if not errands or len({*errands}) < len(errands) or not all(named(errand) <= said for errand in errands):
        return False
    if not all(_leaves_out(errand, meaning, scene) for errand, meaning in zip(errands, meanings, strict=True)):
        return False
    if not leaves_out(goal) and not all(_spoken_for(errand, errands) for errand in errands):
        return False
    text = mended(plain(goal), understanding.known_words(scene), FILLER)
    return all(m and all(_told(place, text, scene) for place in (m.to, m.source) if place) for m in meanings)


def _leaves_out(errand: str, meaning: Meaning | None, scene: Scene) -> bool:
    """Does the errand leave out nothing, or something that would be meant otherwise?"""
    found = _BUT.search(errand)
    if found is None or meaning is None:
        return meaning is not None
    whole = understanding.read(_BUT.sub("", errand), scene)
    return whole is None or (meaning.things < whole.things and named(found.group()) <= whole.things)


def _spoken_for(errand: str, errands: tuple[str, ...]) -> bool:
    """Is what an errand leaves out by name what another one is about?"""
    found = _BUT.search(errand)
    others = "; ".join(other for other in errands if other != errand)
    return found is None or (bool(names := named(found.group())) and names <= named(_BUT.sub("", others)))


def _told(place: str, text: str, scene: Scene) -> bool:
    """Are the words of one of a place's names in the text, 'drawer' aside where another tells it, or run together?

    A person, or the bin, needs no name.
    """
    if any(p.name == place and p.kind in ("person", "bin") for p in scene.places):
        return True
    words = {*re.findall(r"\w+", text)}
    words |= {word.removesuffix("s") for word in words}
    names = [
        name.lower() for known in (scene.place_names, scene.drawer_names) for name, to in known.items() if to == place
    ]
    parts = [{*name.split()} - {"the"} for name in names]
    run_together = text.replace(" ", "")
    return any((part - {"drawer"} or part) <= words for part in parts) or any(
        name.replace(" ", "") in run_together for name in names if " " in name
    )


def _right(meant: Collection[Meaning | None], way: Way, found: Mapping[frozenset[Meaning | None], Way]) -> float:
    """The probability that who does what is `meant` by a way has done what was asked for."""
    if way.probability < _SERIOUS:
        return way.probability
    others = [other.probability for asked, other in found.items() if other is not way and fulfil(meant, asked)]
    return way.probability + sum(others)


def fulfil(done: Collection[Meaning | None], asked: Collection[Meaning | None]) -> bool:
    """Has whoever did the errands done what was asked for, one for one?"""
    left = list(asked)
    for errand in sorted(done, key=lambda meaning: len(meaning.things) if meaning else 0):
        fits = [other for other in left if errand and other and errand.fulfils(other)]
        if not fits:
            return False
        left.remove(min(fits, key=lambda meaning: len(meaning.things)))
    return bool(asked) and not left


class Restater:
    """The model that ships for it, with beam search. Not for several threads at once.

    Of two ways that may both be meant, the one that does what the other asks for as well is the better bet (the least
    Bayes risk, Kumar and Byrne 2004): a caffeinated drink is a drink, but not the other way round.
    """

    def __init__(self, model: Any, tokenizer: Any, beams: int = 4):
        self._model, self._tokenizer, self._beams = model.eval(), tokenizer, beams
        self.ways = lru_cache(_KNOWN)(self._search)
        """What the model says of a goal and what is in the hand, whatever it is worth, the likeliest first; with the
        log-probability of each. Kept, for a plan and its run ask the same."""

    def __call__(self, goal: str, holding: str | None, scene: Scene) -> tuple[Way, ...]:
        """The ways that are taken, each meaning once; none behind the one that it is not possible."""
        found: dict[frozenset[Meaning | None], Way] = {}
        for errands, log_probability in self.ways(goal, holding):
            if errands == (REFUSAL,):
                found.setdefault(frozenset(), Way(errands, math.exp(log_probability)))
                break
            if errands == (UNCLEAR,) or accepted(goal, errands, holding, scene):
                meant = frozenset(understanding.read(errand, scene) for errand in errands)
                said, before = found.get(meant, (errands, 0.0))
                found[meant] = Way(said, before + math.exp(log_probability))
        ways = [way._replace(probability=_right(meant, way, found)) for meant, way in found.items()]
        return tuple(sorted(ways, key=lambda way: -way.probability))

    @torch.inference_mode()
    def _search(self, goal: str, holding: str | None = None) -> tuple[tuple[tuple[str, ...], float], ...]:
        mark, _ = marks(self._tokenizer)
        ids = [*mark, *self._tokenizer(prompt(goal, holding), add_special_tokens=False)["input_ids"]]
        end = self._tokenizer("\n", add_special_tokens=False)["input_ids"][-1]
        said = self._model.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), max_new_tokens=_MOST,
            do_sample=False, num_beams=self._beams, num_return_sequences=self._beams, length_penalty=0.0,
            eos_token_id=end, pad_token_id=end, return_dict_in_generate=True, output_scores=True,
        )  # fmt: skip
        texts = [self._tokenizer.decode(row[len(ids) :], skip_special_tokens=True) for row in said.sequences]
        parts = [text.split("\n")[0].split(";") for text in texts]
        errands = [tuple(errand.strip() for errand in each if errand.strip()) for each in parts]
        return tuple(zip(errands, said.sequences_scores.tolist(), strict=True))
