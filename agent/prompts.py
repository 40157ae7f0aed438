"""What the language model reads: pure functions from values to words.

The prompt of a subgoal only ever grows at its end, turn by turn, so that the model's key/value cache of the last turn
stays valid and only the new words are computed:

    You control a kitchen robot. Give its next skill.          header
    Goal: bring me something salty                             subgoal
    Now: at the user, hand empty. Seen: nothing.               what is known at the start
    Robot: find the sea salt chips                             step 1 ...
    Failed: not seen at: table, far counter                    ... what happened,
    Now: at the far counter, hand empty. Seen: apple (fruit)   ... and what is new since
    Robot:                                                     the phrase to score follows
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..sim.catalogue import CATALOGUE, SPILL
from ..sim.observation import Observation, SeenObject
from .types import Step, Subgoal

HEADER = "You control a kitchen robot. Give its next skill."
TERMINATOR = "\n"
"""Ends every phrase; its log-probability counts, so that a phrase can't borrow from a longer one."""
_FAILED = "Failed: "


@dataclass(frozen=True)
class Turn:
    """An earlier turn of the subgoal: what was known before it, the skill's phrase, and what came of it."""

    observation: Observation
    phrase: str
    result: str
    """'Done.' or 'Failed: …'."""

    @property
    def failed(self) -> bool:
        """True if the check saw that it did not work."""
        return self.result.startswith(_FAILED)


def continuation(phrase: str) -> str:
    """The text that is scored for a skill phrase behind a planning prompt."""
    return f" {phrase}{TERMINATOR}"


def planning_prompt(subgoal: Subgoal, steps: Sequence[Step], observation: Observation) -> str:
    """The prompt that the next skill's phrase continues. `steps` are the earlier turns of this subgoal."""
    return transcript(subgoal.text, turns(steps), observation)


def turns(steps: Sequence[Step]) -> list[Turn]:
    """What the prompt tells of earlier steps: those that acted."""
    acted = [step for step in steps if step.decision.kind == "act"]
    return [Turn(step.observation, step.decision.phrase or "", result(step)) for step in acted]


def transcript(goal: str, turns: Sequence[Turn], observation: Observation) -> str:
    """The whole transcript, as drawn above: what the shipped adapter was trained to go on from."""
    before = [None, *(turn.observation for turn in turns)]
    told = "".join(turn_lines(turn, known) for turn, known in zip(turns, before, strict=False))
    return f"{HEADER}\nGoal: {one_line(goal)}\n{told}{situation(observation, before[-1])}\nRobot:"


def turn_lines(turn: Turn, before: Observation | None, *, seen: bool = True, cue: str = "Robot:") -> str:
    """An earlier turn in a transcript: the situation, the skill, what came of it."""
    return f"{situation(turn.observation, before, seen=seen)}\n{cue}{continuation(turn.phrase)}{turn.result}\n"


def one_line(text: str) -> str:
    """Words with single spaces: what a person or a memory wrote can't begin a line of its own."""
    return " ".join(text.split())


def result(step: Step) -> str:
    """What came of a step, as the check saw it: 'Done.' or 'Failed: …'."""
    if step.verdict is None or step.verdict.then in ("continue", "finished"):
        return "Done."
    return failure(step.outcome.reason if step.outcome and step.outcome.reason else step.verdict.explanation)


def failure(reason: str) -> str:
    """The line of a failed skill; one line, whatever the reason holds."""
    return f"{_FAILED}{one_line(reason)[:80]}"


def situation(now: Observation, before: Observation | None = None, *, seen: bool = True) -> str:
    """One line: where the robot is, what it holds, and what is newly known since `before` (None: all that is known).

    Without `seen` it tells of the robot alone.
    """
    hand = f"holding the {now.robot.holding}" if now.robot.holding else "hand empty"
    place = f"at the {now.robot.place}" if now.robot.place else "between places"
    if not seen:
        return f"Now: {place}, {hand}."
    old = set() if before is None else {_key(o) for o in before.objects}
    groups: dict[str, list[str]] = {}
    for thing in now.objects:
        if _key(thing) not in old:
            groups.setdefault(_where(thing), []).append(describe(thing.type))
    spilled, earlier = ({spill.place for spill in o.spills} if o else set() for o in (now, before))
    for dirty in sorted(spilled - earlier):
        groups.setdefault(dirty, []).append(SPILL)
    news = [f"{where}: {', '.join(what)}" for where, what in groups.items()]
    news += [f"{place} clean" for place in sorted(earlier - spilled)]
    known = _drawers(before) if before else {}
    news += [f"{name} {state}" for name, state in _drawers(now).items() if known.get(name) != state]
    if not news and before is None:
        news = ["nothing yet"]
    return f"Now: {place}, {hand}." + (f" Seen: {'; '.join(news)}." if news else "")


def describe(type_name: str) -> str:
    """An object type with the words that say what it is good for: 'coke (soda, caffeinated, sweet)'."""
    kind = CATALOGUE[type_name]
    words = [word for word in (kind.categories[0], *kind.properties) if word not in kind.name]
    return f"{type_name} ({', '.join(words)})" if words else type_name


def _key(seen: SeenObject) -> tuple[str, str | None, bool]:
    return seen.type, seen.place, seen.remembered


def _where(seen: SeenObject) -> str:
    place = seen.place or "floor"
    return f"{place}, remembered" if seen.remembered else place


def _drawers(observation: Observation) -> dict[str, str]:
    return {d.name: "open" if d.opening >= 0.5 else "closed" for d in observation.drawers if d.opening is not None}
