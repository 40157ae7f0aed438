"""What failed before lowers a skill's value here: earlier runs' attempts of the same skill in a similar state.

A state is similar if the robot is at the same place; attempts of the newest month count. The value is multiplied by
(successes + 2) / (attempts + 2): 1 with no failures, 2/3 after one, 1/2 after two, and near the true rate after many.
It never masks a skill: a value of 0 stays the skill's own. Failures of the run itself are the loop's to handle
(`scoring.tabu`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..memory.record import Record
from ..memory.shelf import Filter
from ..memory.store import Memory
from ..sim.observation import Observation
from ..skills.skill import Skill
from .recalling import done_words

PRIOR = 2.0
"""Successes that are taken for granted."""
MONTH = 30 * 86400.0
_MOST = 400
"""Attempts that are looked at, the newest."""


def factors(
    memory: Memory, skills: Sequence[Skill], observation: Observation, *, now: float, episode: str
) -> NDArray[np.float64]:
    """(n,) in (0, 1]: what each skill's value is multiplied with. `now` in unix seconds."""
    place = observation.robot.place
    here = Filter("episode", place or "", since=now - MONTH, until=now, not_episode=episode)
    if not memory.count(Filter("episode", place or "", "failure", since=now - MONTH, not_episode=episode)):
        return np.ones(len(skills))
    tried = memory.select(here, limit=_MOST)
    return np.array([_factor(skill, tried) for skill in skills])


def _factor(skill: Skill, tried: Sequence[Record]) -> float:
    """Attempts are written at the place where they ended, which is where they began unless the robot drove."""
    if skill.ends:
        return 1.0
    failed = sum(r.outcome == "failure" and _is(r.text, f"could not {skill.phrase}") for r in tried)
    worked = sum(r.outcome == "success" and _is(r.text, done_words(skill)) for r in tried)
    return (worked + PRIOR) / (worked + failed + PRIOR)


def _is(text: str, words: str) -> bool:
    return text.startswith(words) and text[len(words) :][:1] in ("", " ", ":")
