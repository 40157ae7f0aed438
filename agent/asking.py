"""When to ask: conformal prediction over what the candidates are about (KnowNo, Ren et al. 2023).

The candidates' say × can, normalised, is summed by the object that each of them looks for or takes. All objects whose
share is at least `least` are the prediction set: `least` = 1 - q̂, where q̂ is the ⌈(n+1)(1-ε)⌉/n quantile of 1 - share
of the right object over n calibration tasks, holds the right one in it in 1 - ε of all cases that are like these
(`doable bench asking` calibrates and measures). More than one object in the set: ask which.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from ..skills.skill import Skill
from .meaning import Meaning
from .person import picked
from .types import Candidate, Decision

ABOUT = ("find", "pick up", "pick and place")
"""Families whose target is the object that is meant."""
_ANY = re.compile(r"\b(?:an?|any|some|something|anything|one|either|whichever)\b", re.I)


def shares(candidates: Sequence[Candidate], skills: Mapping[str, Skill]) -> dict[str, float]:
    """Each object's share of say × can among the skills that are about an object, in [0, 1]; the largest first."""
    able = [c for c in candidates if c.score > -math.inf and skills[c.phrase].family in ABOUT]
    if not able:
        return {}
    scores = np.array([c.score for c in able])
    weights = np.exp(scores - scores.max())
    found: dict[str, float] = {}
    for candidate, weight in zip(able, weights / weights.sum(), strict=True):
        target = skills[candidate.phrase].target or ""
        found[target] = found.get(target, 0.0) + float(weight)
    return dict(sorted(found.items(), key=lambda each: -each[1]))


def prediction_set(candidates: Sequence[Candidate], skills: Mapping[str, Skill], least: float) -> tuple[str, ...]:
    """The objects that may be meant: never empty if there is any."""
    found = shares(candidates, skills)
    return tuple(name for i, (name, share) in enumerate(found.items()) if i == 0 or share >= least)


def entropy(candidates: Sequence[Candidate], skills: Mapping[str, Skill]) -> float:
    """Of the shares, in nats."""
    return float(-sum(p * math.log(p) for p in shares(candidates, skills).values() if p > 0))


def quantile(scores: Sequence[float], target: float) -> float:
    """q̂ of 1 - share of the right object over calibration tasks, for coverage `target` in (0, 1)."""
    rank = math.ceil((len(scores) + 1) * target)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else 1.0


def any_will_do(text: str, meaning: Meaning | None) -> bool:
    """Is it plain which things will do, and that one is as good as another ('a soda', not 'the soda')?"""
    return meaning is not None and (len(meaning.things) <= 1 or bool(_ANY.search(text)))


def options(candidates: Sequence[Candidate], skills: Mapping[str, Skill], things: Sequence[str]) -> tuple[str, ...]:
    """The best skill for each of the things, to choose from."""
    best = dict.fromkeys(things, "")
    for candidate in candidates:
        skill = skills[candidate.phrase]
        if skill.family in ABOUT and not best.get(skill.target or "", "taken"):
            best[skill.target or ""] = candidate.phrase
    return tuple(best.values())


def question(text: str, things: Sequence[str]) -> str:
    """'Which one do you mean by …: the coke or the pepsi?'"""
    named = [f"the {thing}" for thing in things]
    return f"Which one for {text!r}: {', '.join(named[:-1])} or {named[-1]}?"


def approved(said: str | None, options: Sequence[str], decision: Decision) -> Decision:
    """A person's word on a skill that was chosen: yes, no, another of the options; no answer is no yes."""
    words = (said or "").strip().lower()
    if words in ("y", "yes", "1"):
        return Decision("act", decision.phrase, f"{decision.reason}; a person said yes")
    other = picked(words, options)
    if other and other not in ("yes", "no"):
        return Decision("act", other, f"a person chose it over {decision.phrase!r}")
    return Decision("stop", None, f"a person did not say yes to {decision.phrase!r}")
