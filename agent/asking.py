"""When to ask: conformal prediction over what the candidates are about (KnowNo, Ren et al. 2023).

The candidates' say × can, normalised, is summed by the object that each of them looks for or takes. All objects whose
share is at least `least` are the prediction set: `least` = 1 - q̂, where q̂ is the ⌈(n+1)(1-ε)⌉/n quantile of 1 - share
of the right object over n calibration tasks, holds the right one in it in 1 - ε of all cases that are like these
(`doable bench asking` calibrates and measures). More than one object in the set: ask which.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from ..skills.skill import Skill
from .meaning import Meaning
from .person import Person, picked
from .types import Candidate, Decision

IN_DOUBT = "What first for "
"""How the question begins of a model that said one thing and then another."""
ABOUT = ("find", "pick up", "pick and place")
"""Families whose target is the object that is meant."""
_ANY = re.compile(r"\b(?:an?|any|some|something|anything|one|either|or|whichever)\b", re.I)


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


def prediction_set(shares: Mapping[str, float], least: float) -> tuple[str, ...]:
    """The objects that may be meant, of `shares` with the largest first: never empty if there is any."""
    return tuple(name for i, (name, share) in enumerate(shares.items()) if i == 0 or share >= least)


def entropy(shares: Mapping[str, float]) -> float:
    """Of the shares, in nats."""
    return float(-sum(p * math.log(p) for p in shares.values() if p > 0))


def quantile(scores: Sequence[float], target: float) -> float:
    """q̂ of 1 - share of the right object over calibration tasks, for coverage `target` in (0, 1)."""
    rank = math.ceil((len(scores) + 1) * target)
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else 1.0


def any_will_do(text: str, meaning: Meaning | None) -> bool:
    """Is it plain which things will do, and that one is as good as another ('a soda', 'two sodas'; not 'the soda')?"""
    return meaning is not None and (len(meaning.things) <= 1 or meaning.count != 1 or bool(_ANY.search(text)))


def options(candidates: Sequence[Candidate], skills: Mapping[str, Skill], things: Sequence[str]) -> tuple[str, ...]:
    """The best skill for each of the things, to choose from."""
    best = dict.fromkeys(things, "")
    for candidate in candidates:
        skill = skills[candidate.phrase]
        if skill.family in ABOUT and not best.get(skill.target or "", "taken"):
            best[skill.target or ""] = candidate.phrase
    return tuple(best.values())


def which_one(
    text: str, meaning: Meaning | None, candidates: Sequence[Candidate], skills: Mapping[str, Skill], least: float
) -> Decision | None:
    """The question which object `text` means; None if that is clear, not what is to be decided now, or all the same."""
    if any_will_do(text, meaning):
        return None
    things = prediction_set(shares(candidates, skills), least)
    if len(things) < 2 or skills[candidates[0].phrase].target not in things:
        return None
    *named, last = (f"the {thing}" for thing in sorted(things))
    question = f"Which one for {text!r}: {', '.join(named)} or {last}?"
    return Decision("ask", None, question, options(candidates, skills, things))


def in_doubt(text: str, doubt: Sequence[str]) -> Decision | None:
    """The question what to do, where the model said one thing and then another; None: it did not."""
    if len(doubt) < 2:
        return None
    return Decision("ask", None, f"{IN_DOUBT}{text!r}: {' or '.join(doubt)}?", tuple(doubt))


def chosen(asked: Decision, said: str | None) -> Decision:
    """What an answer makes of a question: the skill that was picked; the best if nobody answered; else the end."""
    phrase = picked(said, asked.options)
    if phrase:
        return Decision("act", phrase, f"asked {asked.reason!r}, told {said!r}", asked.options)
    if said:
        return Decision("stop", None, f"asked {asked.reason!r}, told {said!r}, which is none of them")
    return Decision("act", asked.options[0], f"asked {asked.reason!r}; nobody answered")


def leave(decision: Decision, candidates: Sequence[Candidate], person: Person | None) -> Decision:
    """The decision with a person's word on it. Where nobody is, nobody says yes."""
    others = (c.phrase for c in candidates if c.score > -math.inf and c.phrase != decision.phrase)
    options = ("yes", "no", *itertools.islice(others, 3))
    return approved(person(f"{decision.phrase}?", options) if person else None, options, decision)


def approved(said: str | None, options: Sequence[str], decision: Decision) -> Decision:
    """A person's word on a skill that was chosen: yes, no, another of the options; no answer is no yes."""
    words = (said or "").strip().lower()
    if words in ("y", "yes", "1"):
        return Decision("act", decision.phrase, f"{decision.reason}; a person said yes")
    other = picked(words, options)
    if other and other not in ("yes", "no"):
        return Decision("act", other, f"a person chose it over {decision.phrase!r}")
    return Decision("stop", None, f"a person did not say yes to {decision.phrase!r}")
