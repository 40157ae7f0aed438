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

from ..sim.catalogue import CATALOGUE
from ..sim.observation import Observation, SeenObject
from .types import Step, Subgoal

HEADER = "You control a kitchen robot. Give its next skill."
TERMINATOR = "\n"
"""Ends every phrase; its log-probability counts, so that a phrase can't borrow from a longer one."""


def continuation(phrase: str) -> str:
    """The text that is scored for a skill phrase behind a planning prompt."""
    return f" {phrase}{TERMINATOR}"


def planning_prompt(subgoal: Subgoal, steps: Sequence[Step], observation: Observation) -> str:
    """The prompt that the next skill's phrase continues. `steps` are the earlier turns of this subgoal."""
    return transcript(
        subgoal.text,
        [(s.observation, s.decision.phrase or "", result(s)) for s in steps if s.decision.kind == "act"],
        observation,
    )


def transcript(goal: str, turns: Sequence[tuple[Observation, str, str]], observation: Observation) -> str:
    """As `planning_prompt`, from (observation before, phrase, result) triples."""
    lines = [HEADER, f"Goal: {' '.join(goal.split())}"]
    before: Observation | None = None
    for seen, phrase, outcome in turns:
        lines += [situation(seen, before), f"Robot:{continuation(phrase)}{outcome}"]
        before = seen
    return "\n".join([*lines, situation(observation, before), "Robot:"])


def result(step: Step) -> str:
    """What came of a step, as the check saw it: 'Done.' or 'Failed: …'."""
    if step.verdict is None or step.verdict.then in ("continue", "finished"):
        return "Done."
    return failure(step.outcome.reason if step.outcome and step.outcome.reason else step.verdict.explanation)


def failure(reason: str) -> str:
    """The line of a failed skill; one line, whatever the reason holds."""
    return f"Failed: {' '.join(reason.split())[:80]}"


def situation(now: Observation, before: Observation | None = None) -> str:
    """One line: where the robot is, what it holds, and what is newly known since `before` (None: all that is known)."""
    hand = f"holding the {now.robot.holding}" if now.robot.holding else "hand empty"
    place = f"at the {now.robot.place}" if now.robot.place else "between places"
    old = set() if before is None else {_key(o) for o in before.objects}
    groups: dict[str, list[str]] = {}
    for seen in now.objects:
        if _key(seen) not in old:
            groups.setdefault(_where(seen), []).append(describe(seen.type))
    news = [f"{where}: {', '.join(what)}" for where, what in groups.items()]
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
