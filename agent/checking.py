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
from .scoring import PATIENCE, Situation, failures
from .types import Decision, Fact, Step, Subgoal, Verdict


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
    steps: Sequence[Step], *, subgoals: int, limits: Limits, seconds: float, wall_seconds: float
) -> Ending | None:
    """Does the run end with its newest step? None: it goes on."""
    last = steps[-1]
    if last.decision.kind == "finish" and last.subgoal.index + 1 == subgoals:
        return Ending("reached", f"all {subgoals} subgoals are finished" if subgoals > 1 else "the goal is reached")
    if last.decision.kind == "refuse":
        return Ending("refused", f"{last.decision.reason}. {findings(steps)}")
    if last.decision.kind == "stop":
        return Ending("stopped", last.decision.reason)
    if failed := _failing(steps):
        return Ending("stopped", failed)
    if turning := _going_round(steps):
        return Ending("stopped", turning)
    if len(steps) >= limits.steps:
        return Ending("stopped", f"the limit of {limits.steps} steps is reached")
    if limits.seconds is not None and seconds >= limits.seconds:
        return Ending("stopped", f"the limit of {limits.seconds:g} simulated seconds is reached")
    if limits.wall_seconds is not None and wall_seconds >= limits.wall_seconds:
        return Ending("stopped", f"the limit of {limits.wall_seconds:g} seconds on the clock is reached")
    return None


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


def _failing(steps: Sequence[Step]) -> str | None:
    """The same skill in the same situation, failed more often than patience allows over all subgoals."""
    last = steps[-1]
    if last.decision.phrase is None or last.verdict is None or last.verdict.then not in ("retry", "replan"):
        return None
    count = failures(steps, last.decision.phrase, Situation.of(last.observation))
    return f"{last.decision.phrase!r} failed {count} times in the same situation" if count > PATIENCE else None


def _going_round(steps: Sequence[Step]) -> str | None:
    """A-B-A-B that leaves all facts as they were."""
    tail = steps[-4:]
    names = [step.decision.phrase for step in tail]
    if len(tail) < 4 or None in names or names[:2] != names[2:]:
        return None
    states = [(step.after or step.observation).believed() for step in tail]
    if tail[0].observation.believed() == states[1] == states[3] and states[0] == states[2]:
        return f"{names[0]!r} and {names[1]!r} took turns and changed nothing"
    return None
