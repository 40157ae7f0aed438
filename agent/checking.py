"""After each skill: look again, hold what is seen against what the skill declared, and decide whether to go on.

What is seen wins over what the skill says of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..sim.facts import (
    All,
    AnyOf,
    At,
    Clean,
    Closed,
    Condition,
    Empty,
    Here,
    Holding,
    Not,
    Open,
    Present,
    RobotAt,
    Visited,
    leaves,
)  # fmt: skip
from ..sim.observation import Observation
from ..skills.skill import Outcome, Skill
from .scoring import PATIENCE, Situation, State, failed, failures
from .types import Decision, Fact, Step, Subgoal, Verdict

_TOLD = 10
"""Subgoals that were given up, in the reason that a run ends with."""


@dataclass(frozen=True)
class Ending:
    """How a run ends, and why."""

    status: Literal["reached", "refused", "stopped"]
    reason: str


@dataclass(frozen=True)
class Limits:
    """When to give up: turns, simulated seconds, seconds on the clock (of this process); None: never."""

    steps: int
    seconds: float | None = None
    wall_seconds: float | None = None


def in_words(condition: Condition) -> str:
    """A condition as a person says it: 'the hand holds the sponge'."""
    match condition:
        case At(what, place, count):
            return f"the {what} is at the {place}" if count == 1 else f"{count} {what} are at the {place}"
        case Here(what):
            return f"the {what} is here"
        case Present(what):
            return f"there is a {what}"
        case Holding(None):
            return "the hand is empty"
        case Holding(what):
            return f"the hand holds the {what}"
        case RobotAt(place):
            return f"the robot is at the {place}"
        case Visited(places):
            return f"the robot has been at {', '.join(places)}"
        case Open(drawer):
            return f"the {drawer} is open"
        case Closed(drawer):
            return f"the {drawer} is closed"
        case Clean(surface):
            return f"the {surface} is clean"
        case Empty(place):
            return f"the {place} is empty"
        case All(parts):
            return " and ".join(map(in_words, parts))
        case AnyOf(parts):
            return " or ".join(map(in_words, parts))
        case Not(Holding(None)):
            return "the hand holds something"
        case Not(part):
            return f"not: {in_words(part)}"
        case _:
            return str(condition)


def unmet(skill: Skill, now: Observation) -> str:
    """Why `skill` can't be done as things are seen; "": it can."""
    facts = now.believed()
    missing = [in_words(leaf) for leaf in leaves(skill.preconditions) if not leaf.holds(facts)]
    return f"not tried: it is not seen that {'; '.join(missing)}" if missing else ""


def check(
    skill: Skill, outcome: Outcome, before: Observation, after: Observation, earlier: Sequence[Step] = ()
) -> Verdict:
    """Did `skill` do what it declares, by what is seen? `earlier` are this subgoal's steps before it."""
    now = after.believed()
    facts = tuple(Fact(in_words(leaf), leaf.holds(now)) for leaf in leaves(skill.effects))
    said, seen = outcome.status == "done", all(fact.holds for fact in facts)
    succeeded = seen if facts else said
    missing = "; ".join(fact.name for fact in facts if not fact.holds)
    if succeeded:
        explanation = "; ".join(fact.name for fact in facts) or outcome.reason
        if not said:
            explanation = f"the skill said it {outcome.status} ({outcome.reason}), but it is seen that {explanation}"
        return Verdict(facts, explanation, "continue")
    if said:
        explanation = f"the skill said it is done, but it is not seen that {missing}"
    else:
        explanation = f"{outcome.status}: {outcome.reason}" + (f"; not so yet: {missing}" if missing else "")
    again = failures(earlier, skill.phrase, Situation.of(before)) + 1 < PATIENCE
    return Verdict(facts, explanation, "retry" if again else "replan")


def conclude(decision: Decision, subgoal: Subgoal, count: int) -> Verdict | None:
    """The verdict of a turn in which nothing was done; None if the subgoal was given up."""
    if decision.kind != "finish":
        return None
    return Verdict((), f"subgoal {subgoal.index + 1} of {count} is finished", "finished")


def ending(
    steps: Sequence[Step], *, turns: int, subgoals: int, limits: Limits, seconds: float, wall_seconds: float,
    given_up: Sequence[str] = (), revised: bool = False,
) -> Ending | None:  # fmt: skip
    """Does the run end with its newest step, the last of `steps` and of `turns` turns? None: it goes on.

    `given_up`: what the subgoals say that could not be done. One of several does not end the run, the others are
    pursued. `revised`: the list is revised after each, without an end of its own, so there `PATIENCE` of them end it.
    """
    last = steps[-1]
    kind, final = last.decision.kind, last.subgoal.index + 1 == subgoals
    several = subgoals > 1 or revised
    if given_up and several and final and kind in ("finish", "refuse"):
        return Ending("refused", f"could not: {_listed(given_up)}. {findings(steps)}")
    if kind == "finish" and final and last.subgoal.reading == "guess":
        return Ending("stopped", "all that the goal was taken to mean is done; it is not sure that this was meant")
    if kind == "finish" and final:
        return Ending("reached", f"all {subgoals} subgoals are finished" if subgoals > 1 else "the goal is reached")
    if kind == "refuse" and (not several or final or (revised and len(given_up) >= PATIENCE)):
        return Ending("refused", f"{last.decision.reason}. {findings(steps)}")
    if kind == "stop":
        return Ending("stopped", last.decision.reason)
    if turning := repeated(steps):
        return Ending("stopped", turning)
    if turns >= limits.steps:
        return Ending("stopped", f"the limit of {limits.steps} steps is reached")
    if limits.seconds is not None and seconds >= limits.seconds:
        return Ending("stopped", f"the limit of {limits.seconds:g} simulated seconds is reached")
    if limits.wall_seconds is not None and wall_seconds >= limits.wall_seconds:
        return Ending("stopped", f"the limit of {limits.wall_seconds:g} seconds on the clock is reached")
    return None


def _listed(given_up: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = len(given_up) - _TOLD
    return "; ".join(given_up[:_TOLD]) + (f"; and {more} more" if more > 0 else "")


def findings(steps: Sequence[Step]) -> str:
    """What was looked for, where, and what was seen instead: the evidence for a refusal."""
    seen = steps[-1].after or steps[-1].observation
    missed = {
        step.decision.phrase.removeprefix("find the ")
        for step in steps
        if step.decision.phrase and step.decision.phrase.startswith("find the ")
        if step.verdict and step.verdict.then in ("retry", "replan")
    }
    sought = f"Looked for the {', the '.join(sorted(missed))}; looked" if missed else "Looked"
    there = [f"{o.type} ({o.place or 'floor'})" for o in seen.objects if not o.remembered]
    return f"{sought} at: {', '.join(seen.looked_at) or 'nothing yet'}. Seen: {', '.join(there) or 'nothing'}."


def repeated(steps: Sequence[Step]) -> str | None:
    """Did the last skill come to the same result in the same state, in its subgoal, more often than patience allows?

    So every cycle is found, A-B-A-B as well as longer ones: each of its skills is done in the same state once a round.
    """
    last = steps[-1]
    if last.decision.phrase is None:
        return None
    state, bad = State.of(last.observation), failed(last)
    same = (s for s in steps if s.subgoal == last.subgoal and s.decision.phrase == last.decision.phrase)
    count = sum(failed(s) == bad and State.of(s.observation) == state for s in same)
    if count <= PATIENCE:
        return None
    return f"{last.decision.phrase!r} came to the same result in the same situation {count} times"
