"""The errands of a goal: which they are, what each of them plainly asks for, and what is left of them in the end."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from ..sim.observation import Observation
from ..sim.scene import Scene
from . import errands, reviewing, understanding
from .accounts import OverBudget
from .canonical import REFUSAL, UNCLEAR, named, told
from .config import Config
from .decompose import decompose
from .language_model import LanguageModel
from .meaning import Meaning
from .person import picked
from .server import ServerError
from .types import OVER, Errands, Reading, Step, Subgoal
from .unsaid import unsaid, wavers

if TYPE_CHECKING:
    from .restating import Restating, Way

_KNOWN = 64
"""Subgoals whose meanings are kept."""
_NEAR = 12
"""Earlier subgoals whose things are not taken again."""
_OPTIONS = 3
"""Ways to say a goal that are laid before a person."""
_READINGS: dict[tuple[str, ...], Reading] = {(UNCLEAR,): "unclear", (REFUSAL,): "impossible"}
_ANY_OF = re.compile(r"\b(?:an?|one|another|some|any|two|three|four)\b", re.I)
"""Words of an errand that any thing of a kind will do for, so another one than an earlier errand's."""


class Beginning(NamedTuple):
    """How a goal is begun."""

    subgoals: tuple[Subgoal, ...]
    question: str = ""
    """What to ask first, if there is somebody; "": it is clear enough."""
    options: tuple[str, ...] = ()
    """Answers to it; (): an answer is in words of one's own."""


class Agenda:
    """What is to be done, in words, for one goal in one room."""

    def __init__(
        self,
        goal: str,
        scene: Scene,
        config: Config,
        planner: LanguageModel | None = None,
        restating: Restating | None = None,
    ):
        """`planner` makes a vague goal into errands; None: the goal's own words do, as they are, or said again by
        `restating` where they are not plain."""
        self._goal, self._scene, self._config, self._planner = goal, scene, config, planner
        self._restating = restating
        self._meanings: dict[str, Meaning | None] = {}

    def beginning(self, holding: str | None = None) -> Beginning:
        """The errands of the goal's own words; `holding`: what is in the hand when they are spoken."""
        if not self._config.decompose:
            return Beginning((Subgoal(self._goal),))
        parts = tuple(decompose(self._goal, self._scene))
        people = any(place.kind == "person" for place in self._scene.places)
        if self._restating is None or self._planner or not people:
            return Beginning(parts)
        signs, unsettled = self._signs(parts, holding), wavers(self._goal)
        if signs + unsettled == 0:
            return Beginning(parts)
        ways = self._restating(self._goal, holding, self._scene)
        if signs < math.inf:
            return self._agreed(parts, signs, unsettled, ways, holding)
        return self._said_again(parts, ways)

    def _said_again(self, parts: tuple[Subgoal, ...], ways: Sequence[Way]) -> Beginning:
        """A goal that rules know no way with."""
        if not ways:
            return Beginning(parts)
        best, sure = ways[0].errands, ways[0].probability >= self._config.sure
        likely = [way.errands for way in ways if way.errands not in _READINGS]
        if best in likely:
            enough = [way.errands for way in ways if way.probability >= self._config.sure] if sure else likely
            parts = self._with_others(best, enough)
            return Beginning(parts) if sure else self._guess(parts, map("; ".join, likely))
        unclear = best == (UNCLEAR,)
        if sure or (unclear and not likely):
            return Beginning((Subgoal(self._goal, reading=_READINGS[best]),), self.open_question if unclear else "")
        return Beginning(_guessed(_subgoals(likely[0]) if likely else parts), self.open_question)

    def _with_others(self, best: Sequence[str], ways: Iterable[Sequence[str]]) -> tuple[Subgoal, ...]:
        """The errands of a way, each with the one of another way in its place that more things will do for."""
        parts = _subgoals(best)
        others = [_subgoals(way) for way in ways if len(way) == len(best)]
        wider = [[o[i].text for o in others if self._widens(o[i], mine)] for i, mine in enumerate(parts)]
        return tuple(replace(mine, instead=texts[0] if texts else "") for mine, texts in zip(parts, wider, strict=True))

    def _widens(self, other: Subgoal, mine: Subgoal) -> bool:
        asked, meant = self._read(other), self._read(mine)
        return bool(asked and meant and meant.things < asked.things and meant.fulfils(asked))

    def _agreed(
        self, parts: tuple[Subgoal, ...], signs: float, unsettled: bool, ways: Sequence[Way], holding: str | None
    ) -> Beginning:
        """What rules have read, with signs that they misread it, unless there is a sure way with fewer."""
        for way in ways:
            restated = _subgoals(way.errands)
            if way.probability < self._config.sure:
                break
            if {*map(self._read, restated)} == {*map(self._read, parts)}:
                return Beginning(parts)
            if self._signs(restated, holding) < signs + unsettled:
                return Beginning(restated)
        return self._guess(parts, ["; ".join(self._plainly(parts))]) if signs else Beginning(parts)

    def _guess(self, subgoals: Iterable[Subgoal], ways: Iterable[str]) -> Beginning:
        """What may be meant, and the question whether it is, or another of the ways."""
        options = tuple(islice(ways, _OPTIONS))
        question = f"Is this meant by {self._goal!r}: {', or '.join(map(repr, options))}?"
        return Beginning(_guessed(subgoals), question, options)

    @property
    def unclear(self) -> tuple[Subgoal, ...]:
        """The goal where nobody knows what is meant."""
        return (Subgoal(self._goal, reading="unclear"),)

    @property
    def open_question(self) -> str:
        """What to ask where nothing is likely."""
        return f"What do you mean by {self._goal!r}?"

    def answered(self, said: str | None, options: Sequence[str], holding: str | None = None) -> tuple[Subgoal, ...]:
        """What a person's answer to the question of the beginning asks for; (): nothing that is surely known."""
        yes = said is not None and said.strip(" .!").lower() in ("y", "yes")
        if option := options[0] if yes and options else picked(said, options):
            return _subgoals(option.split("; "))
        if not said or not said.strip():
            return ()
        parts = tuple(decompose(said, self._scene))
        if all(map(self._read, parts)):
            return parts
        whole = f"{self._goal}: {said}"
        for way in self._restating(whole, holding, self._scene)[:1] if self._restating else ():
            if way.probability >= self._config.sure and way.errands not in _READINGS:
                return _subgoals(way.errands)
        return ()

    def _signs(self, parts: Sequence[Subgoal], holding: str | None) -> float:
        """How many signs there are that the goal was not understood so; infinite where a part is not plain, or the
        first is to let go of what is not in the hand."""
        first = self._read(parts[0])
        if first and first.kind == "release" and holding not in first.things:
            return math.inf
        plainly = self._plainly(parts)
        return len(unsaid(self._goal, plainly, self._scene)) if len(plainly) == len(parts) else math.inf

    def _plainly(self, parts: Sequence[Subgoal]) -> list[str]:
        """Those of the errands that are plain, in plain words."""
        meanings = [self._read(part) for part in parts]
        return [told(m, self._scene, self._goal) or part.text for m, part in zip(meanings, parts, strict=True) if m]

    def revised(self, subgoals: Sequence[Subgoal], observation: Observation, steps: Sequence[Step]) -> Errands | None:
        """What a vague goal is made into, at its beginning and after each errand; None: it is to stay as it is."""
        due = not steps or steps[-1].decision.kind in OVER
        if self._planner is None or not due or (not steps and len(subgoals) > 1):
            return None
        try:
            return errands.errands(self._goal, observation, steps, self._scene, self._planner)
        except (OverBudget, ServerError) as error:
            return Errands(f"nobody could be asked: {error}", (), "")

    def meaning(self, subgoals: Sequence[Subgoal], mine: Subgoal) -> Meaning | None:
        """What one of them plainly asks for, beside those before it; None: not plain, or not to be used."""
        if not self._config.guards:
            return None
        if (meaning := self._read(mine)) is None or not _ANY_OF.search(mine.text):
            return meaning
        earlier = map(self._read, subgoals[max(0, mine.index - _NEAR) : mine.index])
        kept = {m.to for m in earlier if m and m.kind == "deliver" and m.things & meaning.things and m.to}
        return replace(meaning, kept=frozenset(kept - meaning.sources))

    def words(self, subgoal: Subgoal) -> str:
        """An errand as it is put to the model: where one thing alone will do, that goes by its name."""
        meaning = self._read(subgoal) if self._config.guards else None
        if meaning is None or len(meaning.things) != 1 or meaning.things <= named(subgoal.text):
            return subgoal.text
        return told(meaning, self._scene, *meaning.things) or subgoal.text

    def meanings(self, subgoals: Sequence[Subgoal]) -> dict[str, Meaning | None]:
        """What the words of each plainly ask for by themselves."""
        return {subgoal.text: self._read(subgoal) for subgoal in subgoals}

    def left(self, subgoals: Sequence[Subgoal], steps: Sequence[Step], turns: int) -> tuple[Subgoal, ...]:
        """Errands to add when one is over: what it may have meant instead, if it could not be done; and what is left
        when the last of several is, if `turns` more are enough.

        `steps` are the newest of the run; the last of them ended a subgoal.
        """
        last, count = steps[-1], len(subgoals)
        if last.decision.kind == "refuse" and last.subgoal.instead:
            return (Subgoal(last.subgoal.instead, count, added=True, reading=last.subgoal.reading),)
        if not self._config.guards or self._planner or count < 2 or last.subgoal.index + 1 < count:
            return ()
        asked, meant = sum(not subgoal.added for subgoal in subgoals), self.meanings(subgoals)
        again = reviewing.left(subgoals, asked, meant, steps, last.observation, self._scene)
        if turns <= 2 * len(again):
            return ()
        reading = last.subgoal.reading
        return tuple(Subgoal(text, count + i, added=True, reading=reading) for i, text in enumerate(again))

    def given_up(self, subgoals: Sequence[Subgoal], earlier: Iterable[Step], last: Step) -> list[str]:
        """The errands that could not be done, where that decides whether the run ends with its `last` step."""
        kind, final = last.decision.kind, last.subgoal.index + 1 == len(subgoals)
        if not (kind == "refuse" and self._planner) and not (final and kind in OVER):
            return []
        over = [step for step in (*earlier, last) if step.decision.kind in OVER]
        ended = {step.subgoal.text: step.decision.kind for step in over}
        instead = {step.subgoal.text: step.subgoal.instead for step in over}
        return [text for text, kind in ended.items() if kind == "refuse" and ended.get(instead[text]) != "finish"]

    def _read(self, subgoal: Subgoal) -> Meaning | None:
        if subgoal.text not in self._meanings:
            if len(self._meanings) > _KNOWN:
                self._meanings.clear()
            self._meanings[subgoal.text] = understanding.read(subgoal.text, self._scene)
        return self._meanings[subgoal.text]


def _guessed(subgoals: Iterable[Subgoal]) -> tuple[Subgoal, ...]:
    return tuple(replace(subgoal, reading="guess") for subgoal in subgoals)


def _subgoals(errands: Iterable[str]) -> tuple[Subgoal, ...]:
    return tuple(Subgoal(text, index) for index, text in enumerate(errands))
