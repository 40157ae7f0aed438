"""A vague goal ("get the kitchen ready for two guests") as errands: a language model writes them, rules read them.

Only lines that plainly are errands in this room (`agent/understanding.py`) count; a model that writes nothing of the
kind leaves the goal as it is. The list is asked for again after each errand, with what was done and what could not be:
so it is revised by what happened, and what the model thinks of its own plan stands in the journal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..sim.observation import Observation
from ..sim.scene import Scene
from . import understanding
from .language_model import LanguageModel
from .types import OVER, Errands, Step

MOST = 12
"""Errands of a list at most."""
_TOKENS = 320
_LINE = re.compile(r"^\s*(?:\d+[.)]|[-*•])\s*(?P<errand>.+?)[.\s]*$")
_SAYS = re.compile(r"^\s*(?P<part>thoughts?|criticism)\s*:\s*(?P<text>.+)$", re.I)


def vague(goal: str, scene: Scene) -> bool:
    """Is it no plain errand?"""
    return understanding.read(goal, scene) is None


def errands(goal: str, observation: Observation, steps: Sequence[Step], scene: Scene, model: LanguageModel) -> Errands:
    """What is still to be done for `goal`, in order, by what is seen and by what came of the errands in `steps`."""
    return understood(model.generate(request(goal, observation, steps, scene), max_new_tokens=_TOKENS, stop=""), scene)


def request(goal: str, observation: Observation, steps: Sequence[Step], scene: Scene) -> list[Any]:
    """What the model is told."""
    places = ", ".join(p.name for p in scene.places)
    seen = ", ".join(f"{o.type} ({o.place})" for o in observation.objects if o.place) or "nothing yet"
    ended = [step for step in steps if step.decision.kind in OVER]
    done = "; ".join(s.subgoal.text for s in ended if s.decision.kind == "finish") or "nothing"
    failed = "; ".join(s.subgoal.text for s in ended if s.decision.kind == "refuse") or "nothing"
    system = (
        "You plan the errands of a kitchen robot. It can go to a place, find, fetch and put things, and open, close "
        "and wipe. Answer with a line 'Thoughts: …', then one errand a line, numbered, like '1. put the coke on the "
        "table', then a line 'Criticism: …' on what is wrong with this plan. Use only the things and places named."
    )
    told = (
        f"Goal: {goal}\nPlaces: {places}\nThings: {', '.join(scene.types)}\nSeen: {seen}\n"
        f"Done: {done}\nCould not: {failed}\nWhat is still to be done?"
    )
    return [("system", system), ("human", told)]


def understood(text: str, scene: Scene) -> Errands:
    """The errands of an answer, without what is none in this room, and without repetitions."""
    told = text.splitlines()
    said = {match["part"].lower()[:7]: match["text"].strip() for line in told if (match := _SAYS.match(line))}
    lines = [match["errand"].strip() for line in told if (match := _LINE.match(line))]
    plain = [line for line in dict.fromkeys(lines) if understanding.read(line, scene) is not None]
    return Errands(said.get("thought", ""), tuple(plain[:MOST]), said.get("critici", ""))
