"""The rule of choice: score(skill) = log say(skill) + log can(skill), and the best score acts. Pure functions.

*Say* is the language model's probability of the skill's phrase (terminator included), *can* the value function's
calibrated probability that the skill succeeds from here; their product follows SayCan (Ahn et al. 2022, eq. 1).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..sim.observation import Observation
from ..skills.skill import Skill
from .types import Candidate, Decision, Step

PATIENCE = 3
"""After this many failures of a skill in one situation of a subgoal, it is not tried there again."""


@dataclass(frozen=True)
class Situation:
    """What must change before a skill that failed may be tried again."""

    place: str | None
    holding: str | None

    @classmethod
    def of(cls, observation: Observation) -> Situation:
        return cls(observation.robot.place, observation.robot.holding)


@dataclass(frozen=True)
class State:
    """All that a skill can change, as it is seen: without times, poses and the order in which things were seen."""

    situation: Situation
    objects: tuple[tuple[str, str], ...]
    """Type and place of each, sorted."""
    open_drawers: frozenset[str]
    dirty: frozenset[str]
    looked_at: frozenset[str]
    visited: frozenset[str]

    @classmethod
    def of(cls, observation: Observation) -> State:
        seen = observation.believed()
        objects = tuple(sorted((o.type, o.place or "") for o in seen.objects))
        looked_at, visited = frozenset(observation.looked_at), frozenset(seen.visited)
        return cls(Situation.of(observation), objects, seen.open_drawers, seen.dirty, looked_at, visited)


def score(log_say: np.ndarray, can: np.ndarray) -> np.ndarray:
    """log_say (n,) natural log, ≤ 0; can (n,) in [0, 1] -> scores (n,), -inf where `can` is 0."""
    log_say, can = np.asarray(log_say, dtype=np.float64), np.asarray(can, dtype=np.float64)
    if log_say.shape != can.shape or log_say.ndim != 1:
        raise ValueError(f"Expected one log_say and one can a skill, got shapes {log_say.shape} and {can.shape}.")
    if np.isnan(log_say).any() or (log_say > 0).any():
        raise ValueError(f"Expected log-probabilities of at most 0, got {log_say[~(log_say <= 0)][0]}.")
    if not ((can >= 0) & (can <= 1)).all():
        raise ValueError(f"Expected values in [0, 1], got {can[~((can >= 0) & (can <= 1))][0]}.")
    with np.errstate(divide="ignore"):
        return log_say + np.log(can)


def rank(
    phrases: Sequence[str], log_say: np.ndarray, can: np.ndarray, tabu: Collection[str] = ()
) -> tuple[Candidate, ...]:
    """All skills as candidates, best first; ties keep the library's order. Tabu phrases are masked."""
    scores = score(log_say, can)
    candidates = (
        Candidate(phrase, float(say), float(able), float("-inf") if phrase in tabu else float(total))
        for phrase, say, able, total in zip(phrases, log_say, can, scores, strict=True)
    )
    return tuple(sorted(candidates, key=lambda c: -c.score))


def choose(
    candidates: Sequence[Candidate],
    skills: Mapping[str, Skill],
    tabu: Mapping[str, str] | None = None,
    floor: float = 0.0,
) -> Decision:
    """The argmax acts; `done` finishes, a refusal refuses, and so does having nothing left that can be done.

    `floor`, in [0, 1): the least probability, summed over all skills, that the model's next words are a skill and that
    it works. Below it, what would help lies outside the library or is not doable from here; unless the best is an
    ending that the model itself says with that probability: an ending needs nothing to work.
    """
    reasons = ", ".join(dict.fromkeys((tabu or {}).values()))
    masked = f"; set aside: {reasons}" if reasons else ""
    if not candidates or candidates[0].score == float("-inf"):
        return Decision("refuse", None, f"no skill is doable here{masked}")
    best = candidates[0]
    doable = float(np.exp([c.score for c in candidates]).sum())
    if doable < floor and not (skills[best.phrase].ends and np.exp(best.log_say) >= floor):
        return Decision(
            "refuse", None, f"what would help is no skill that works here (probability {doable:.2g}){masked}"
        )
    reason = f"say {np.exp(best.log_say):.3g}, can {best.can:.2f}: the best of {len(candidates)}{masked}"
    match skills[best.phrase].family:
        case "done":
            return Decision("finish", None, reason)
        case "refuse":
            return Decision("refuse", None, reason)
        case _:
            return Decision("act", best.phrase, reason)


def failures(steps: Sequence[Step], phrase: str, situation: Situation) -> int:
    """How often this skill failed in this situation."""
    return sum(
        step.decision.phrase == phrase and failed(step) and Situation.of(step.observation) == situation
        for step in steps
    )


def tabu(steps: Sequence[Step], observation: Observation) -> dict[str, str]:
    """Phrases not to try now, with the reason: failed here before, or known to lead back to where we are.

    `steps` are those of the subgoal, oldest first. Skills act on what is seen: what was done in this very state, and
    led back to it though all went well, would do so again. What led back because something failed may be tried as often
    as what failed.
    """
    here, now = Situation.of(observation), State.of(observation)
    reasons: dict[str, str] = {}
    all_went_well = True
    done: Counter[str] = Counter()
    for step in reversed(steps):
        phrase = step.decision.phrase
        all_went_well &= not failed(step)
        if phrase is None or State.of(step.observation) != now:
            continue
        done[phrase] += 1
        if not failed(step) and step.after and State.of(step.after) == now:
            reasons[phrase] = f"{phrase!r} changed nothing in this situation"
        elif all_went_well:
            reasons[phrase] = f"{phrase!r} led back to this situation"
        elif done[phrase] >= PATIENCE:
            reasons[phrase] = f"{phrase!r} was done {PATIENCE} times in this situation"
    for phrase in {step.decision.phrase for step in steps if failed(step)}:
        if phrase and failures(steps, phrase, here) >= PATIENCE:
            reasons[phrase] = f"{phrase!r} failed {PATIENCE} times in this situation"
    return reasons


def failed(step: Step) -> bool:
    """Was the skill seen not to have worked?"""
    return step.verdict is not None and step.verdict.then in ("retry", "replan")
