"""What to do after something went wrong, or was left behind: pure functions over the steps so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..sim.observation import Observation
from ..skills.skill import Skill
from .asking import ABOUT
from .meaning import Meaning
from .types import Step

NOT_MEANT = "not the one that was meant"


def left_open(steps: Sequence[Step], now: Observation, meant: Sequence[Meaning | None]) -> str | None:
    """A drawer that was opened in these steps and still is, if no part of the goal asks for an open one."""
    if any(each is None or each.kind == "open" for each in meant):
        return None
    opened = [step.decision.phrase or "" for step in steps if step.verdict and step.verdict.then == "continue"]
    still = {d.name for d in now.drawers if d.opening is not None and d.opening >= 0.5}
    names = [phrase.removeprefix("open the ") for phrase in opened if phrase.startswith("open the ")]
    return next((name for name in reversed(names) if name in still), None)


def not_meant(steps: Sequence[Step], skills: Mapping[str, Skill]) -> dict[str, str]:
    """Skills about what a person, asked which one is meant, did not choose."""
    found: dict[str, str] = {}
    for step in steps:
        chosen = skills.get(step.decision.phrase or "")
        if chosen is None or not step.decision.options:
            continue
        others = {skills[phrase].target for phrase in step.decision.options} - {chosen.target}
        found |= {s.phrase: NOT_MEANT for s in skills.values() if s.family in ABOUT and s.target in others}
    return found
